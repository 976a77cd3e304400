"""Sets of dominoes as bits, and the small counter-based generator that the kernels draw from.

A set of dominoes is a ``uint32`` whose bit ``d`` says whether domino ``d`` is in it; a set of actions is a ``uint64``
over the 56 action ids. Random numbers come from splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
generators", 2014): a stream is one ``uint64``, so a hand's randomness can be a function of (seed, hand number) alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)


@intrinsic
def popcount(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001 - numba's signature
    """Number of set bits of an unsigned integer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, builder.ctpop(args[0]), signature.args[0], types.int64)

    return types.int64(bits), codegen


@intrinsic
def lowest(typing_context: Any, bits: Any) -> Any:  # noqa: ARG001 - numba's signature
    """Index of the lowest set bit of an unsigned integer that is not zero."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        undefined_at_zero = context.get_constant(types.boolean, True)
        return context.cast(builder, builder.cttz(args[0], undefined_at_zero), signature.args[0], types.int64)

    return types.int64(bits), codegen


@njit(cache=True, inline="always")
def nth_bit(bits: np.uint64, n: int) -> int:
    """Index of the n-th (from 0) set bit of ``bits``; there must be more than ``n`` of them."""
    for _ in range(n):
        bits &= bits - np.uint64(1)
    return lowest(bits)


@njit(cache=True, inline="always")
def _scramble(z: np.uint64) -> np.uint64:
    """The finalizer of splitmix64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def mix(key: np.uint64, number: np.uint64) -> np.uint64:
    """A fresh 64-bit key from a key and a number: the start of the stream that belongs to (key, number)."""
    return _scramble(_scramble(np.uint64(key) + (np.uint64(number) + np.uint64(1)) * GOLDEN_GAMMA))


@njit(cache=True)
def one_way(key: np.uint64, number: np.uint64) -> np.uint64:
    """A fresh key as :func:`mix` makes it, from which ``key`` cannot be told.

    Who knows the number can undo mix, but not mix plus what went in (Davies and Meyer's one-way function from a
    permutation).
    """
    return mix(key, number) ^ key


def mix_all(keys: np.ndarray | np.uint64, numbers: np.ndarray | np.uint64) -> np.ndarray:
    """:func:`mix` over arrays of keys and numbers. Plain numpy: a ufunc of numba's loads much at import."""
    with np.errstate(over="ignore"):  # numpy warns of it where all are scalars
        summed = np.asarray(keys, np.uint64) + (np.asarray(numbers, np.uint64) + np.uint64(1)) * GOLDEN_GAMMA
        return _scramble.py_func(_scramble.py_func(summed))


@njit(cache=True, inline="always")
def next_bits(stream: np.ndarray) -> np.uint64:
    """The next 64 random bits of ``stream`` (uint64 [1], changed in place)."""
    stream[0] += GOLDEN_GAMMA
    return _scramble(stream[0])


@njit(cache=True, inline="always")
def below(stream: np.ndarray, bound: int) -> int:
    """A uniform integer in 0..bound-1 from ``stream`` (uint64 [1]); bound < 2**31, bias below 2**-32."""
    return np.int64(((next_bits(stream) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, inline="always")
def unit(stream: np.ndarray) -> float:
    """A uniform float64 in [0, 1) from ``stream`` (uint64 [1])."""
    return np.float64(next_bits(stream) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
