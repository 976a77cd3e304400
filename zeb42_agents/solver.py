"""Exact double-dummy values: what each play is worth when all four hands are seen and all four seats play perfectly.

The search itself is :mod:`zeb42_agents._double_dummy`. Kernels of other modules call its ``value``, ``makes``,
``solve_moves`` and ``makes_moves`` with a record and a memory, ``new_memory()[0]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from zeb42_agents import _double_dummy
from zeb42_agents._double_dummy import (
    ILLEGAL,
    MEMORY,
    first_twins,
    makes,
    makes_moves,
    new_memory,
    solve_moves,
    solve_plays,
    value,
)
from zeb42_agents.threads import in_pieces
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import HAND, NOBODY, OVER, TRICKS, apply, num_decisions, rewind
from zeb42_env.hand import Hand
from zeb42_env.records import as_records
from zeb42_env.rules import Domino

__all__ = [
    "ILLEGAL",
    "MEMORY",
    "PlayValue",
    "analyse",
    "first_twins",
    "in_threads",
    "makes",
    "makes_moves",
    "makes_worlds",
    "new_memory",
    "solve",
    "solve_moves",
    "solve_plays",
    "solve_worlds",
    "value",
]


def solve(hand: Hand | np.void) -> dict[int, int]:
    """The points that seats 0&2 take from here to the end of the hand, the current trick included, for each legal play.

    >>> solve(hand)
    {2-0: 12, 3-3: 12, 5-2: 2}

    The keys are ids that print so (:class:`zeb42_env.Domino`). ``hand`` is a :class:`zeb42_env.Hand` or a HAND record:
    a full hand in its tricks, not a view; ValueError otherwise.
    """
    worlds = _full_hands(hand.record if isinstance(hand, Hand) else hand)
    if worlds.size != 1 or worlds[0]["phase"] != TRICKS:
        raise ValueError("expected one hand in its tricks; before the first lead there is nothing to solve")
    points = solve_worlds(worlds)[0]
    return {Domino(domino): int(points[domino]) for domino in range(NUM_DOMINOES) if points[domino] != ILLEGAL}


def solve_worlds(worlds: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Exact points of every legal play of ``worlds`` (HAND [W], full hands in their tricks).

    Returns int8 [W, 28]: the points that seats 0&2 take from here on, ILLEGAL (-1) for other dominoes.
    """
    return _answers(worlds, True, _double_dummy.FIRST_GUESS, threads)


def makes_worlds(worlds: np.ndarray, targets: np.ndarray | int, *, threads: int = 1) -> np.ndarray:
    """Whether seats 0&2 take at least ``targets`` (int [W], or one for all) points from here on, for every legal play
    of ``worlds`` (HAND [W], full hands in their tricks): int8 [W, 28] of 1 and 0, ILLEGAL (-1) for other dominoes."""
    return _answers(worlds, False, targets, threads)


def _answers(worlds: np.ndarray, exact: bool, targets: np.ndarray | int, threads: int) -> np.ndarray:
    """int8 [W, 28]; see :func:`zeb42_agents._double_dummy.answer_worlds`."""
    worlds = _full_hands(worlds)
    goals = np.ascontiguousarray(np.broadcast_to(np.asarray(targets, np.int64), worlds.shape))
    out = np.empty((len(worlds), NUM_DOMINOES), np.int8)

    def work(part: slice, memory: np.void) -> None:
        _double_dummy.answer_worlds(worlds[part], memory, exact, goals[part], out[part])

    in_threads(work, len(worlds), threads)
    return out


def analyse(hand: Hand | np.void) -> list[PlayValue]:
    """What every play of a hand gave away: its exact values before and after each play so far, in order.

    ``hand`` is a full hand, finished or not, at least in its tricks; ValueError otherwise.
    """
    record = (hand.record if isinstance(hand, Hand) else hand).copy()
    full = _full_hands(record)[0]
    if full["phase"] not in (TRICKS, OVER):
        raise ValueError("expected a hand that has begun its tricks, got one before its declaration")
    plays = [int(domino) for domino in full["plays"][: full["num_plays"]]]
    current = np.array(full).reshape(1)
    rewind(current[0], int(num_decisions(full)) - len(plays))
    values = []
    for domino in plays:
        seat = int(current[0]["to_move"])
        taken = int(current[0]["points"][0])
        options = {d: taken + points for d, points in solve(current[0]).items()}
        best = (max if seat % 2 == 0 else min)(options.values())
        values.append(PlayValue(seat, Domino(domino), best, options[domino], abs(best - options[domino])))
        apply(current[0], domino)
    return values


class PlayValue(NamedTuple):
    """One play of :func:`analyse`. Points are what seats 0&2 end the hand with under perfect play."""

    seat: int
    domino: Domino
    before: int
    """With the best play."""
    after: int
    """With the play that was made."""
    given_away: int
    """Points that the play cost its own team."""


def in_threads(work: Callable[[slice, np.void], None], num_items: int, threads: int) -> None:
    """Call ``work(part, memory)`` for slices that cover ``num_items``, in up to ``threads`` threads, each with a memory
    of its own; see :func:`zeb42_agents.threads.in_pieces`."""

    def run(part: slice) -> None:
        with _borrowed_memory() as memory:
            work(part, memory)

    in_pieces(run, num_items, threads)


_spare_memories: list[np.ndarray] = []


@contextmanager
def _borrowed_memory() -> Iterator[np.void]:
    """A memory that nobody else uses meanwhile; list operations are atomic, so threads may borrow at the same time."""
    try:
        memory = _spare_memories.pop()
    except IndexError:
        memory = new_memory()
    try:
        yield memory[0]
    finally:
        _spare_memories.append(memory)


def _full_hands(hands: np.void | np.ndarray) -> np.ndarray:
    """HAND records [W] of full hands; ValueError for anything else."""
    if getattr(hands, "dtype", None) != HAND:
        raise ValueError(f"expected HAND records, got {type(hands).__name__}; worlds.sample makes them")
    full = np.atleast_1d(as_records(hands))
    if full.ndim != 1 or (full["seat"] != NOBODY).any():
        raise ValueError("expected full hands, got a view; sample its worlds with worlds.sample")
    return full
