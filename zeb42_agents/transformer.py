"""The network of tokenizer v2 inside the kernels: what :class:`zeb42_agents.model.DominoModel` answers, without torch.

One view after the other: an answer takes as long alone as among a thousand, and is the same whatever else is asked. The
activations of a small network fit into the first caches. Who learns, or has a GPU or a large network, takes torch.

Letters in shape comments: T tokens, F features of a token, E embed_dim, H heads, L layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.shape import IMPOSSIBLE, NUM_CALLS, SINKHORN_ROUNDS, TINY, ZebConfig
from zeb42_env._core.columns import DOMINOES, NUM_COLUMNS, NUM_OTHERS, SCALE, SEATS, SITUATION
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import NUM_ACTIONS
from zeb42_env._core.tokens import DOMINOES_LEFT, MAY_HOLD

SMALLEST, NEVER = np.float32(TINY), np.float32(IMPOSSIBLE)
NORM_EPSILON = np.float32(1e-5)
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
LOG2_E, LN_2, LEAST_POWER = np.float32(1 / math.log(2)), np.float32(math.log(2)), np.float32(-120)
C2, C3, C4, C5, C6 = (np.float32(1 / math.factorial(n)) for n in range(2, 7))


class Linear(NamedTuple):
    """A linear map, or one for each layer."""

    weight: np.ndarray
    """float32 [in, out]"""
    bias: np.ndarray
    """float32 [out]"""


class Norm(NamedTuple):
    """A layer's normalization, or one for each layer."""

    gain: np.ndarray
    """float32 [E]"""
    bias: np.ndarray
    """float32 [E]"""


class Layers(NamedTuple):
    """The parameters of the encoder, layer by layer: the first axis of each array is L."""

    norm1: Norm
    qkv: Linear
    out: Linear
    norm2: Norm
    linear1: Linear
    linear2: Linear


class Transformer(NamedTuple):
    """The parameters of a network, float32."""

    num_heads: int
    situation: Linear
    seats: Linear
    dominoes: Linear
    positions: np.ndarray
    """[T, E]"""
    layers: Layers
    final_norm: Norm
    policy: Linear
    calls: Linear
    value1: Linear
    value2: Linear
    belief1: Linear
    """Of a network without a belief head as narrow as can be."""
    belief2: Linear


def transformer_of(config: ZebConfig, tensors: Mapping[str, np.ndarray]) -> Transformer:
    """What the kernels take, of the parameters by name. ValueError for a network of tokenizer v1."""
    if config.has_slots:
        raise ValueError("expected a network of tokenizer v2, got v1, which torch alone computes")

    def array(name: str) -> np.ndarray:
        return np.ascontiguousarray(tensors[name], np.float32)

    def linear(name: str, kind: str = ".") -> Linear:
        return Linear(np.ascontiguousarray(array(f"{name}{kind}weight").T), array(f"{name}{kind}bias"))

    def norm(name: str) -> Norm:
        return Norm(array(f"{name}.weight"), array(f"{name}.bias"))

    layers = [f"encoder.layers.{layer}" for layer in range(config.n_layers)]
    nothing = Linear(np.zeros((1, 1), np.float32), np.zeros(1, np.float32))
    return Transformer(
        num_heads=config.n_heads,
        situation=linear("embeddings.situation"),
        seats=linear("embeddings.seats"),
        dominoes=linear("embeddings.dominoes"),
        positions=array("pos_embed.weight"),
        layers=Layers(
            norm1=Norm(*_stacked([norm(f"{layer}.norm1") for layer in layers])),
            qkv=Linear(*_stacked([linear(f"{layer}.self_attn", ".in_proj_") for layer in layers])),
            out=Linear(*_stacked([linear(f"{layer}.self_attn.out_proj") for layer in layers])),
            norm2=Norm(*_stacked([norm(f"{layer}.norm2") for layer in layers])),
            linear1=Linear(*_stacked([linear(f"{layer}.linear1") for layer in layers])),
            linear2=Linear(*_stacked([linear(f"{layer}.linear2") for layer in layers])),
        ),
        final_norm=norm("final_norm"),
        policy=linear("policy_proj"),
        calls=linear("call_proj"),
        value1=linear("value_head.0"),
        value2=linear("value_head.2"),
        belief1=linear("belief_proj.0") if config.belief_head else nothing,
        belief2=linear("belief_proj.2") if config.belief_head else nothing,
    )


def _stacked(parts: Sequence[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """The arrays of all parts, one upon the other."""
    return [np.stack(arrays) for arrays in zip(*parts, strict=True)]


@njit(cache=True, nogil=True)
def think(net: Transformer, tokens: np.ndarray, logits: np.ndarray, values: np.ndarray) -> None:
    """Write the logits of all actions, [B, 56], and the values, [B], for ``tokens`` (int8 [B, T, F])."""
    num_tokens, width = net.positions.shape
    x, rows = np.empty((num_tokens, width), np.float32), np.empty((NUM_DOMINOES, 1), np.float32)
    calls, pooled = np.empty((1, NUM_CALLS), np.float32), np.empty((1, width), np.float32)
    hidden, value = np.empty((1, width // 2), np.float32), np.empty((1, 1), np.float32)
    for b in range(len(tokens)):
        _encode(net, tokens[b], x)
        _apply(net.policy.weight, net.policy.bias, x[DOMINOES:], rows)
        _apply(net.calls.weight, net.calls.bias, x[SITUATION : SITUATION + 1], calls)
        logits[b, :NUM_DOMINOES] = rows[:, 0]
        logits[b, NUM_DOMINOES:] = calls[0]
        for i in range(width):
            total = ZERO
            for t in range(num_tokens):
                total += x[t, i]
            pooled[0, i] = total / np.float32(num_tokens)
        _apply(net.value1.weight, net.value1.bias, pooled, hidden)
        _gelu(hidden)
        _apply(net.value2.weight, net.value2.bias, hidden, value)
        values[b] = np.tanh(value[0, 0])


@njit(cache=True, nogil=True)
def believe(net: Transformer, tokens: np.ndarray, shares: np.ndarray) -> None:
    """Write the probability that left, partner or right was dealt each domino, [B, 28, 3], for ``tokens``."""
    num_tokens, width = net.positions.shape
    x, hidden = np.empty((num_tokens, width), np.float32), np.empty((NUM_DOMINOES, width), np.float32)
    logits, legal = np.empty((NUM_DOMINOES, NUM_OTHERS), np.float32), np.empty((NUM_DOMINOES, NUM_OTHERS), np.float32)
    for b in range(len(tokens)):
        _encode(net, tokens[b], x)
        _apply(net.belief1.weight, net.belief1.bias, x[DOMINOES:], hidden)
        _gelu(hidden)
        _apply(net.belief2.weight, net.belief2.bias, hidden, logits)
        _legality_logits(tokens[b], legal)
        for domino in range(NUM_DOMINOES):
            highest, total = np.float32(-np.inf), ZERO
            for other in range(NUM_OTHERS):
                logits[domino, other] += legal[domino, other]
                highest = max(highest, logits[domino, other])
            for other in range(NUM_OTHERS):
                shares[b, domino, other] = np.exp(logits[domino, other] - highest)
                total += shares[b, domino, other]
            for other in range(NUM_OTHERS):
                shares[b, domino, other] /= total


@njit(cache=True, nogil=True)
def _encode(net: Transformer, tokens: np.ndarray, x: np.ndarray) -> None:
    """Write what the encoder makes of ``tokens`` (int8 [T, F]) into ``x`` [T, E]."""
    num_tokens, width = x.shape
    layers, wide = net.layers, net.layers.linear1.bias.shape[1]
    scaled, normed = np.empty((num_tokens, NUM_COLUMNS), np.float32), np.empty((num_tokens, width), np.float32)
    qkv, change = np.empty((num_tokens, 3 * width), np.float32), np.empty((num_tokens, width), np.float32)
    hidden = np.empty((num_tokens, wide), np.float32)
    for t in range(num_tokens):
        for i in range(NUM_COLUMNS):
            scaled[t, i] = tokens[t, i] * SCALE[t, i]
    _apply(net.situation.weight, net.situation.bias, scaled[:SEATS], x[:SEATS])
    _apply(net.seats.weight, net.seats.bias, scaled[SEATS:DOMINOES], x[SEATS:DOMINOES])
    _apply(net.dominoes.weight, net.dominoes.bias, scaled[DOMINOES:], x[DOMINOES:])
    _add(net.positions, x)
    for k in range(len(layers.qkv.bias)):
        _normalize(x, layers.norm1.gain[k], layers.norm1.bias[k], normed)
        _apply(layers.qkv.weight[k], layers.qkv.bias[k], normed, qkv)
        _attend(qkv, net.num_heads, normed)
        _apply(layers.out.weight[k], layers.out.bias[k], normed, change)
        _add(change, x)
        _normalize(x, layers.norm2.gain[k], layers.norm2.bias[k], normed)
        _apply(layers.linear1.weight[k], layers.linear1.bias[k], normed, hidden)
        for t in range(num_tokens):
            for i in range(wide):
                hidden[t, i] = max(hidden[t, i], ZERO)
        _apply(layers.linear2.weight[k], layers.linear2.bias[k], hidden, change)
        _add(change, x)
    _normalize(x, net.final_norm.gain, net.final_norm.bias, normed)
    x[:] = normed


@njit(cache=True, nogil=True, fastmath={"contract"})
def _apply(weight: np.ndarray, bias: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """``out`` [N, out] of ``x`` [N, in]: two rows at a time and eight of the weights', which spares most trips to
    memory. Of an odd number of rows the last but one is done twice."""
    num_rows, num_in = x.shape
    num_out = len(bias)
    last = max(0, num_rows - 2)
    for first in range(0, num_rows, 2):
        row = min(first, last)
        a, p = x[row], out[row]
        b, q = x[min(row + 1, num_rows - 1)], out[min(row + 1, num_rows - 1)]
        for j in range(num_out):
            p[j] = bias[j]
            q[j] = bias[j]
        if num_rows == 1:
            for i in range(num_in):
                w, a0 = weight[i], a[i]
                for j in range(num_out):
                    p[j] += a0 * w[j]
            return
        for i in range(0, num_in - 7, 8):
            w0, w1, w2, w3 = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
            w4, w5, w6, w7 = weight[i + 4], weight[i + 5], weight[i + 6], weight[i + 7]
            a0, a1, a2, a3, a4, a5, a6, a7 = a[i], a[i + 1], a[i + 2], a[i + 3], a[i + 4], a[i + 5], a[i + 6], a[i + 7]
            b0, b1, b2, b3, b4, b5, b6, b7 = b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7]
            for j in range(num_out):
                p[j] += (a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]) + (
                    a4 * w4[j] + a5 * w5[j] + a6 * w6[j] + a7 * w7[j]
                )
                q[j] += (b0 * w0[j] + b1 * w1[j] + b2 * w2[j] + b3 * w3[j]) + (
                    b4 * w4[j] + b5 * w5[j] + b6 * w6[j] + b7 * w7[j]
                )
        for i in range(num_in & ~7, num_in):
            w, a0, b0 = weight[i], a[i], b[i]
            for j in range(num_out):
                p[j] += a0 * w[j]
                q[j] += b0 * w[j]


@njit(cache=True, nogil=True)
def _add(change: np.ndarray, x: np.ndarray) -> None:
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            x[t, i] += change[t, i]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _normalize(x: np.ndarray, gain: np.ndarray, bias: np.ndarray, out: np.ndarray) -> None:
    num_rows, width = x.shape
    for t in range(num_rows):
        total = ZERO
        for i in range(width):
            total += x[t, i]
        mean, total = total / np.float32(width), ZERO
        for i in range(width):
            total += (x[t, i] - mean) * (x[t, i] - mean)
        scale = ONE / np.sqrt(total / np.float32(width) + NORM_EPSILON)
        for i in range(width):
            out[t, i] = (x[t, i] - mean) * scale * gain[i] + bias[i]


@njit(cache=True, nogil=True)
def _attend(qkv: np.ndarray, num_heads: int, out: np.ndarray) -> None:
    """Every token attends to all: ``out`` [T, E] of queries, keys and values ``qkv`` [T, 3 E]."""
    num_tokens, width = out.shape
    size = width // num_heads
    queries, keys = np.empty((num_tokens, size), np.float32), np.empty((size, num_tokens), np.float32)
    values, mixed = np.empty((num_tokens, size), np.float32), np.empty((num_tokens, size), np.float32)
    shares = np.empty((num_tokens, num_tokens), np.float32)
    none = np.zeros(max(num_tokens, size), np.float32)
    scale = ONE / np.sqrt(np.float32(size))
    for head in range(num_heads):
        begin = head * size
        for t in range(num_tokens):
            for i in range(size):
                queries[t, i] = qkv[t, begin + i] * scale
                keys[i, t] = qkv[t, width + begin + i]
                values[t, i] = qkv[t, 2 * width + begin + i]
        _apply(keys, none[:num_tokens], queries, shares)
        for t in range(num_tokens):
            _softmax(shares[t])
        _apply(values, none[:size], shares, mixed)
        for t in range(num_tokens):
            for i in range(size):
                out[t, begin + i] = mixed[t, i]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _softmax(x: np.ndarray) -> None:
    """In place. An exponential is a power of 2, whose whole part goes into the exponent's bits, times the rest of it
    by its series, to a millionth: in a loop that the compiler does for many at once."""
    bits = np.empty(len(x), np.int32)
    powers = bits.view(np.float32)
    highest = x[0]
    for i in range(len(x)):
        highest = max(highest, x[i])
    for i in range(len(x)):
        power = max((x[i] - highest) * LOG2_E, LEAST_POWER)
        whole = np.floor(power + HALF)
        rest = (power - whole) * LN_2
        bits[i] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        x[i] = ONE + rest * (ONE + rest * (C2 + rest * (C3 + rest * (C4 + rest * (C5 + rest * C6)))))
    total = ZERO
    for i in range(len(x)):
        x[i] *= powers[i]
        total += x[i]
    for i in range(len(x)):
        x[i] /= total


@njit(cache=True, nogil=True)
def _gelu(x: np.ndarray) -> None:
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            x[t, i] *= HALF * (ONE + np.float32(math.erf(x[t, i] * np.float32(math.sqrt(0.5)))))


@njit(cache=True, nogil=True)
def _legality_logits(tokens: np.ndarray, logits: np.ndarray) -> None:
    """What the rules alone say, as :func:`zeb42_agents.model.legality_logits` does: [28, 3] of ``tokens`` [T, F]."""
    weight = np.empty((NUM_DOMINOES, NUM_OTHERS), np.float32)
    for domino in range(NUM_DOMINOES):
        for other in range(NUM_OTHERS):
            weight[domino, other] = tokens[DOMINOES + domino, MAY_HOLD + other]
    for _ in range(SINKHORN_ROUNDS):
        for other in range(NUM_OTHERS):
            total = ZERO
            for domino in range(NUM_DOMINOES):
                total += weight[domino, other]
            scale = np.float32(tokens[SEATS + 1 + other, DOMINOES_LEFT]) / max(total, SMALLEST)
            for domino in range(NUM_DOMINOES):
                weight[domino, other] *= scale
        for domino in range(NUM_DOMINOES):
            total = max(weight[domino, 0] + weight[domino, 1] + weight[domino, 2], SMALLEST)
            for other in range(NUM_OTHERS):
                weight[domino, other] /= total
    for domino in range(NUM_DOMINOES):
        options = tokens[DOMINOES + domino, MAY_HOLD : MAY_HOLD + NUM_OTHERS]
        for other in range(NUM_OTHERS):
            logits[domino, other] = ZERO
            if options[0] or options[1] or options[2]:
                logits[domino, other] = np.log(max(weight[domino, other], SMALLEST)) if options[other] else NEVER


assert NUM_DOMINOES + NUM_CALLS == NUM_ACTIONS
