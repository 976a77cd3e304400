"""Where a line of the tree ends without the network: the hand is over, or its world is solved."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.search.choose import Settings
from zeb42_agents.solver import makes, value
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES
from zeb42_env._core.goals import FOR_MAJORITY, FOR_MARKS, FOR_POINTS, score
from zeb42_env._core.record import OVER, TRICKS


@njit(cache=True)
def is_closed(hand: np.void, settings: Settings) -> bool:
    """Whether nobody decides here any more: the hand is over, or few enough dominoes are left to solve it."""
    return hand.phase == OVER or (hand.phase == TRICKS and NUM_DOMINOES - hand.num_plays <= settings.solve_plays)


@njit(cache=True)
def close(hand: np.void, settings: Settings, seat: int, memory: np.void) -> float:
    """What a hand that is over, or the exact play of the rest of it, is worth to ``seat``'s team, in [-1, 1]."""
    worth = score(hand) if hand.phase == OVER else solved_score(hand, memory)
    if hand.scoring == FOR_MARKS and worth != 0.0:
        stake = settings.stake_marks if settings.stake_marks > 0.0 else abs(worth)
        worth = min(1.0, max(-1.0, worth / stake))
    return worth if seat & 1 == 0 else -worth


@njit(cache=True)
def solved_score(hand: np.void, memory: np.void) -> float:
    """The score to seats 0&2 if all four seats see everything and play perfectly from here.

    Every scoring is monotone in the points taken, so who plays best for points plays best for the score; and where only
    a threshold counts, one question to the solver is enough.
    """
    taken = np.int64(hand.points[0])
    if hand.scoring == FOR_POINTS:
        return (2 * (taken + value(hand, memory)) - HAND_POINTS) / HAND_POINTS
    half = HAND_POINTS // 2
    if hand.scoring == FOR_MAJORITY:
        if makes(hand, memory, half + 1 - taken):
            return 1.0
        return 0.0 if makes(hand, memory, half - taken) else -1.0
    bid = np.int64(hand.bid)
    promised = min(bid, HAND_POINTS)
    if hand.bidder & 1 == 0:
        sign = 1.0 if makes(hand, memory, promised - taken) else -1.0
    else:  # the offense makes it unless seats 0&2 take too many
        sign = 1.0 if makes(hand, memory, HAND_POINTS - promised + 1 - taken) else -1.0
    return sign * max(1, bid // HAND_POINTS) if hand.scoring == FOR_MARKS else sign
