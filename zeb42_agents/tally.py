"""How each play does over worlds that are solved: how many its team wins, or the points that it takes.

The kernels of E[Q], and of a search that asks it for a second opinion. ``m`` is a memory of the solver.
"""

# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import solver
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES
from zeb42_env._core.record import legal_plays


@njit(cache=True, nogil=True)
def threshold(view: np.void) -> int:
    """The points that seats 0&2 have to take from here on so that the viewer's team wins the hand, if it is theirs, or
    does not win it."""
    if view.seat & 1 == 0:
        return goals.needed(view, 0)
    return goals.points_left(view) + 1 - goals.needed(view, 1)


@njit(cache=True, nogil=True)
def span(view: np.void, by_margin: bool) -> int:
    """The most by which one world can separate two plays."""
    return goals.points_left(view) if by_margin else 1


@njit(cache=True, nogil=True)
def tally(
    sampled: np.ndarray, view: np.void, moves: np.uint32, by_margin: bool, m: np.void, totals: np.ndarray
) -> None:
    """Add to ``totals`` (int64 [28]) the worlds that each of ``moves`` wins for the viewer's team, or the points."""
    row = np.empty(NUM_DOMINOES, np.int8)
    team, target, most = view.seat & 1, threshold(view), span(view, by_margin)
    for w in range(len(sampled)):
        if by_margin:
            solver.solve_moves(sampled[w], m, moves, row)
        else:
            solver.makes_moves(sampled[w], m, target, moves, row)
        todo = moves
        while todo:
            domino = lowest(todo)
            todo &= todo - np.uint32(1)
            totals[domino] += most - row[domino] if team else row[domino]


@njit(cache=True, nogil=True)
def solved_values(view: np.void, sampled: np.ndarray, m: np.void, values: np.ndarray) -> None:
    """Write what each legal play of ``view`` comes to for its team over ``sampled`` worlds (HAND [W]) if all is played
    perfectly from there, all hands open, into ``values`` (float64 [28], -1..1); other dominoes are left as they are.

    A draw counts as lost until the hand is decided, as E[Q] counts it.
    """
    team, by_margin = view.seat & 1, goals.by_margin(view.scoring)
    legal, twins = legal_plays(view), np.empty(NUM_DOMINOES, np.int8)
    moves = solver.first_twins(view, legal, twins)
    totals = np.zeros(NUM_DOMINOES, np.int64)
    settled = goals.decided(view)
    if not settled:
        tally(sampled, view, moves, by_margin, m, totals)
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        mean = totals[twins[domino]] / len(sampled)
        if settled:
            ours = goals.outcome(view, np.int64(view.points[0]))
            values[domino] = -ours if team else ours
        elif by_margin:
            values[domino] = 2.0 * (view.points[team] + mean) / HAND_POINTS - 1.0
        else:
            values[domino] = 2.0 * mean - 1.0
