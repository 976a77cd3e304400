"""The mind that a small network is, inside the kernels: sparse columns, two hidden layers, a logit for each domino.

The columns of a view that are on are few, and half of the hidden units are zero, so a layer is a sum of rows: those of
the columns that are on, then those of the units that are above zero. No call leaves the kernel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.minds.columns import MOST_ON, NUM_COLUMNS, write_columns
from zeb42_env._core.bits import lowest, popcount, unit
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import legal_plays

LANES = 32  # outputs, padded to whole vectors


class NetworkMind(NamedTuple):
    """The parameters of a network, float32 and shared by all threads, and what it works in, one for each thread."""

    first: np.ndarray
    """[C, H], a row for each column."""
    first_bias: np.ndarray
    """[H]"""
    second: np.ndarray
    """[H, K], a row for each unit of the first layer."""
    second_bias: np.ndarray
    """[K]"""
    third: np.ndarray
    """[K, 32], a row for each unit of the second layer; a logit for each domino and four that mean nothing."""
    third_bias: np.ndarray
    """[32]"""
    on: np.ndarray
    """int32 [max(160, H, K)], the columns that are on, then the units above zero."""
    units: np.ndarray
    """float32 [H]"""
    more_units: np.ndarray
    """float32 [K]"""
    logits: np.ndarray
    """float32 [32]"""


def padded_network(
    first: np.ndarray,
    first_bias: np.ndarray,
    second: np.ndarray,
    second_bias: np.ndarray,
    third: np.ndarray,
    third_bias: np.ndarray,
) -> NetworkMind:
    """The network of these parameters: the layers as [in, out], the last one with 28 outputs."""
    num_units, num_more = second.shape
    padded, padded_bias = np.zeros((num_more, LANES), np.float32), np.zeros(LANES, np.float32)
    padded[:, :NUM_DOMINOES], padded_bias[:NUM_DOMINOES] = third, third_bias
    return NetworkMind(
        first=np.ascontiguousarray(first, np.float32),
        first_bias=np.ascontiguousarray(first_bias, np.float32),
        second=np.ascontiguousarray(second, np.float32),
        second_bias=np.ascontiguousarray(second_bias, np.float32),
        third=padded,
        third_bias=padded_bias,
        on=np.empty(max(MOST_ON, num_units, num_more), np.int32),
        units=np.empty(num_units, np.float32),
        more_units=np.empty(num_more, np.float32),
        logits=np.empty(LANES, np.float32),
    )


def no_network() -> NetworkMind:
    """What stands in a mind that has none."""
    none = np.zeros((1, 1), np.float32)
    return padded_network(none, none[0], none, none[0], np.zeros((1, NUM_DOMINOES)), np.zeros(NUM_DOMINOES))


def for_another_thread(net: NetworkMind) -> NetworkMind:
    """The same parameters with room of its own to work in."""
    return net._replace(**{name: getattr(net, name).copy() for name in ("on", "units", "more_units", "logits")})


@njit(cache=True, nogil=True)
def choose_by_network(net: NetworkMind, view: np.void, temperature: float, key: np.uint64) -> int:
    """The play of ``net`` for ``view``, in its tricks, of the seat to move: the legal domino of the highest logit.

    With a ``temperature`` above 0 it is drawn, from ``key``: as likely as the exponential of its logit over that.
    """
    legal = legal_plays(view)
    if popcount(legal) == 1:
        return lowest(legal)
    write_logits(net, view)
    best, left = lowest(legal), legal
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        if net.logits[domino] > net.logits[best]:
            best = domino
    return _drawn(net, legal, best, temperature, key) if temperature > 0.0 else best


@njit(cache=True, nogil=True)
def _drawn(net: NetworkMind, legal: np.uint32, best: int, temperature: float, key: np.uint64) -> int:
    total, left = 0.0, legal
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        total += np.exp((net.logits[domino] - net.logits[best]) / temperature)
    stream = np.empty(1, np.uint64)
    stream[0] = key
    rest, left = unit(stream) * total, legal
    domino = best
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        rest -= np.exp((net.logits[domino] - net.logits[best]) / temperature)
        if rest < 0.0:
            break
    return domino


@njit(cache=True, nogil=True)
def write_logits(net: NetworkMind, view: np.void) -> None:
    """Write the logit of every domino for ``view`` into ``net.logits``."""
    num_on = write_columns(view, net.on)
    net.units[:] = net.first_bias
    _add_rows(net.first, net.on, num_on, net.units)
    num_on = _above_zero(net.units, net.on)
    net.more_units[:] = net.second_bias
    _add_weighed_rows(net.second, net.on, num_on, net.units, net.more_units)
    num_on = _above_zero(net.more_units, net.on)
    net.logits[:] = net.third_bias
    _add_weighed_rows(net.third, net.on, num_on, net.more_units, net.logits)


@njit(cache=True, inline="always")
def _above_zero(units: np.ndarray, on: np.ndarray) -> int:
    """Write which of ``units`` are above zero into ``on``; returns how many."""
    n = 0
    for i in range(len(units)):
        on[n] = i
        n += units[i] > 0.0
    return n


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_rows(rows: np.ndarray, on: np.ndarray, num_on: int, total: np.ndarray) -> None:
    """Add ``rows[on[:num_on]]`` to ``total``, four at a time, which spares it three of four trips to memory."""
    width = rows.shape[1]
    for i in range(0, num_on - 3, 4):
        a, b, c, d = rows[on[i]], rows[on[i + 1]], rows[on[i + 2]], rows[on[i + 3]]
        for j in range(width):
            total[j] += (a[j] + b[j]) + (c[j] + d[j])
    for i in range(num_on & ~3, num_on):
        a = rows[on[i]]
        for j in range(width):
            total[j] += a[j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_weighed_rows(rows: np.ndarray, on: np.ndarray, num_on: int, units: np.ndarray, total: np.ndarray) -> None:
    """Add ``units[i] * rows[i]`` for each i in ``on[:num_on]`` to ``total``, four at a time."""
    width = rows.shape[1]
    for i in range(0, num_on - 3, 4):
        a, b, c, d = rows[on[i]], rows[on[i + 1]], rows[on[i + 2]], rows[on[i + 3]]
        p, q, r, s = units[on[i]], units[on[i + 1]], units[on[i + 2]], units[on[i + 3]]
        for j in range(width):
            total[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j])
    for i in range(num_on & ~3, num_on):
        a, p = rows[on[i]], units[on[i]]
        for j in range(width):
            total[j] += p * a[j]


@njit(cache=True, nogil=True)
def logits_of(net: NetworkMind, views: np.ndarray) -> np.ndarray:
    """The logits float32 [B, 28] for ``views`` [B], each in its tricks and of the seat to move."""
    logits = np.empty((len(views), NUM_DOMINOES), np.float32)
    for b in range(len(views)):
        write_logits(net, views[b])
        logits[b] = net.logits[:NUM_DOMINOES]
    return logits


assert NUM_COLUMNS < 2**31
