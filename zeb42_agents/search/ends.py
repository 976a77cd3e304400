"""Where a line of the tree ends without the network: the hand is over, or its world is solved."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.search.config import Settings
from zeb42_agents.solver import makes, value
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.goals import by_margin, by_marks, needed, outcome, points_left, worth
from zeb42_env._core.record import OVER, TRICKS


@njit(cache=True)
def is_closed(hand: np.void, settings: Settings) -> bool:
    """Whether nobody decides here any more: the hand is over, or few enough dominoes are left to solve it."""
    return hand.phase == OVER or (hand.phase == TRICKS and NUM_DOMINOES - hand.num_plays <= settings.solve_plays)


@njit(cache=True)
def end_value(hand: np.void, settings: Settings, seat: int, memory: np.void) -> float:
    """What a hand that is over, or the exact play of the rest of it, is worth to ``seat``'s team, in [-1, 1]."""
    if hand.phase == OVER and hand.bidder < 0:
        return 0.0
    points = np.int64(hand.points[0]) if hand.phase == OVER else solved_points(hand, memory)
    if by_marks(hand.scoring) and settings.stake_marks > 0.0:
        ours = min(1.0, max(-1.0, worth(hand, points) / settings.stake_marks))
    else:
        ours = outcome(hand, points)
    return ours if seat & 1 == 0 else -ours


@njit(cache=True)
def solved_points(hand: np.void, memory: np.void) -> int:
    """The points that seats 0&2 end with if all four seats see everything and play perfectly from here.

    By margin exactly; for other scorings a number that is worth the same, which one question to the solver tells, or
    two where a hand can be drawn.
    """
    taken = np.int64(hand.points[0])
    if by_margin(hand.scoring):
        return taken + value(hand, memory)
    to_win = needed(hand, 0)
    if makes(hand, memory, to_win):
        return taken + to_win
    not_to_lose = points_left(hand) + 1 - needed(hand, 1)
    if not_to_lose < to_win and makes(hand, memory, not_to_lose):
        return taken + not_to_lose
    return taken + not_to_lose - 1
