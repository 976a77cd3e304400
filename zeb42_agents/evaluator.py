"""The network's answers about views, in batches: policies, values and beliefs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numba import njit

from zeb42_agents import weights
from zeb42_agents.extras import needs_extras
from zeb42_agents.model import ZebModel, ZebOutput
from zeb42_agents.simple_bidder import simple_calls
from zeb42_env._core.bits import unit
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import NUM_ACTIONS, TRICKS, legal_mask
from zeb42_env.records import as_records
from zeb42_env.tokenizers import get_tokenizer

with needs_extras():
    import torch

Precision = Literal["auto", "float32", "bfloat16"]


def load(
    source: str | Path, *, device: str = "cpu", precision: Precision = "float32", max_batch: int = 1024
) -> NetworkEvaluator:
    """The network of bundled weights (``laptop``), of a training run's folder, or of a published ``.pt`` file.

    >>> network = load("laptop")
    >>> policy, value = network(views)  # HAND [N], views of the seats to move: float32 [N, 56] and [N]
    >>> belief = network.belief(views)  # float32 [N, 28, 4]
    >>> output = network.model(network.tokens(views))  # logits, with gradients

    ``device`` is auto, cpu or cuda; ``precision`` auto, float32 or bfloat16; ``max_batch`` views at a time. ValueError
    says what is wrong with the weights or the options.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"expected precision, got {precision!r}; allowed: {', '.join(get_args(Precision))}")
    loaded = weights.load(source)
    calls = bool(loaded.state.get("calls", False))
    return NetworkEvaluator(loaded.model, calls=calls, device=device, precision=precision, max_batch=max_batch)


class NetworkEvaluator:
    """Policies, values and beliefs of views by a network, in batches; what the search asks.

    Until a network has learned to call (``calls``), the shared simple bidder speaks for it before the first lead.
    """

    def __init__(
        self,
        model: ZebModel,
        *,
        calls: bool = False,
        device: str = "cpu",
        precision: Precision = "auto",
        max_batch: int = 1024,
    ) -> None:
        self.device = resolve_device(device)
        self.model = model.to(self.device).eval()
        self.tokenizer = get_tokenizer(model.config.tokenizer)
        self.calls = calls and self.tokenizer.reads_calls
        self.max_batch = max_batch
        self.precision = faster_precision(self.model, self.device) if precision == "auto" else precision

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The policy float32 [N, 56] over the legal actions of ``views`` [N], and the value float32 [N] in -1..1 for
        the team of the view's seat, which is to move."""
        views = as_records(views, "views")
        if views.ndim != 1:
            raise ValueError(
                f"expected views to be HAND records [N], got shape {list(views.shape)}; one alone is [one]"
            )
        if not ((views["seat"] >= 0) & (views["seat"] == views["to_move"])).all():
            raise ValueError("expected views of the seats to move, got another seat's, a full hand or a finished one")
        policy = np.zeros((len(views), NUM_ACTIONS), np.float32)
        value = np.zeros(len(views), np.float32)
        readable = self.tokenizer.readable(views)
        for rows in self._batches(np.flatnonzero(readable)):
            part = views[rows]
            output = self._run(part)
            policy[rows] = _softmax_legal(output.policy.cpu().numpy(), part, self.tokenizer.slots(part))
            value[rows] = output.value.cpu().numpy()
        if not (np.isfinite(policy).all() and np.isfinite(value).all()):  # no action could be drawn from that
            raise ValueError("expected finite answers of the network, got NaN or infinity; its weights are damaged")
        spoken_for = np.flatnonzero(~self.speaks(views))
        if len(spoken_for):
            policy[spoken_for] = 0.0
            policy[spoken_for, simple_calls(views[spoken_for])] = 1.0
        return policy, value

    def belief(self, views: np.ndarray) -> np.ndarray:
        """The probability float32 [N, 28, 4] that each seat was dealt each domino; even odds without a belief head."""
        belief = np.full((len(views), NUM_DOMINOES, NUM_SEATS), 1 / NUM_SEATS, np.float32)
        if self.model.config.belief_head:
            for rows in self._batches(np.flatnonzero(self.tokenizer.readable(views))):
                output = self._run(views[rows])
                assert output.belief is not None
                others = torch.softmax(output.belief, dim=-1).cpu().numpy()
                _turn_to_seats(others, views[rows], rows, belief)
        return belief

    def speaks(self, views: np.ndarray) -> np.ndarray:
        """In which of ``views`` [N] the policy is the network's own: bool [N]; in the others it is the bidder's."""
        return self.tokenizer.readable(views) & (self.calls | (views["phase"] == TRICKS))

    def _batches(self, rows: np.ndarray) -> list[np.ndarray]:
        return [rows[i : i + self.max_batch] for i in range(0, len(rows), self.max_batch)]

    def tokens(self, views: np.ndarray) -> torch.Tensor:
        """What the network reads of ``views`` [N]: int8 [N, T, F], on its device; ``model(tokens)`` answers."""
        return torch.from_numpy(self.tokenizer.encode(as_records(views))).to(self.device)

    def _run(self, views: np.ndarray) -> ZebOutput:
        with torch.inference_mode(), autocast(self.device, self.precision):
            output: ZebOutput = self.model(self.tokens(views))
        return output


@njit(cache=True, nogil=True)
def _softmax_legal(logits: np.ndarray, views: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Probabilities float32 [N, 56] over the legal actions, from logits over actions, or over ``slots`` [N, 7]."""
    policy = np.zeros((len(views), NUM_ACTIONS), np.float32)
    by_slot = slots.shape[1] > 0
    for n in range(len(views)):
        legal = legal_mask(views[n])
        highest = -np.inf
        for place in range(logits.shape[1]):
            action = slots[n, place] if by_slot else place
            if (legal >> np.uint64(action)) & np.uint64(1):
                highest = max(highest, logits[n, place])
        total = 0.0
        for place in range(logits.shape[1]):
            action = slots[n, place] if by_slot else place
            if (legal >> np.uint64(action)) & np.uint64(1):
                policy[n, action] = np.exp(logits[n, place] - highest)
                total += policy[n, action]
        policy[n] /= total
    return policy


@njit(cache=True, nogil=True)
def _turn_to_seats(others: np.ndarray, views: np.ndarray, rows: np.ndarray, belief: np.ndarray) -> None:
    """Write beliefs about left, partner and right [R, 28, 3] into rows of beliefs about seats [N, 28, 4]."""
    for r in range(len(rows)):
        view = views[r]
        for domino in range(NUM_DOMINOES):
            known = view.owner[domino]
            for seat in range(NUM_SEATS):
                place = (seat - view.seat - 1) & 3
                if known >= 0:
                    belief[rows[r], domino, seat] = 1.0 if seat == known else 0.0
                else:
                    belief[rows[r], domino, seat] = others[r, domino, place] if place < 3 else 0.0


@njit(cache=True, nogil=True)
def sample_actions(policy: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """One action from each policy [N, 56], drawn from keys [N]: int64 [N]."""
    actions = np.empty(len(policy), np.int64)
    stream = np.empty(1, np.uint64)
    for n in range(len(policy)):
        stream[0] = keys[n]
        left = unit(stream) * policy[n].sum()
        for action in range(policy.shape[1]):
            if policy[n, action] > 0.0:
                actions[n] = action
                left -= policy[n, action]
                if left < 0.0:
                    break
    return actions


def resolve_device(device: str) -> torch.device:
    """``auto`` is CUDA where there is any; ValueError for CUDA where there is none."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        if resolved.type not in ("cpu", "cuda"):
            raise RuntimeError
    except RuntimeError:
        raise ValueError(f"expected a device, got {device!r}; allowed: auto, cpu, cuda, cuda:N") from None
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        here = ", ".join(["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        raise ValueError(f"expected a device that is here, got {device!r}; allowed: {here}")
    return resolved


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context to run a network in."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def faster_precision(model: ZebModel, device: torch.device, *, num_views: int = 256) -> Literal["float32", "bfloat16"]:
    """The precision that evaluates faster here: bfloat16 on CUDA, and on CPUs where a short measurement says so."""
    if device.type == "cuda":
        return "bfloat16"
    tokenizer = get_tokenizer(model.config.tokenizer)
    tokens = torch.zeros((num_views, tokenizer.num_tokens, tokenizer.num_features), dtype=torch.int8, device=device)
    times = {}
    for precision in ("float32", "bfloat16"):
        with torch.inference_mode(), autocast(device, precision):
            model(tokens)
            began = time.perf_counter()
            for _ in range(3):
                model(tokens)
            times[precision] = time.perf_counter() - began
    # In a tie the exact one: bfloat16 has to be clearly faster to be worth its rounding.
    return "bfloat16" if times["bfloat16"] < 0.8 * times["float32"] else "float32"
