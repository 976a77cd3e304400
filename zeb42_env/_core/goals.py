"""What a hand is played for: the one place that knows the scorings.

Everything about a scoring follows from two questions: what is a hand worth that ends with so many points
(:func:`worth`), and how many points does a team need to have won it (:func:`target`)? A scoring is *by margin* if every
point counts, so that there is no such number. Every scoring is monotone in the points that a team takes, so who plays
best for points plays best for the score. A new way of scoring is taught here and named in ``zeb42_env.rules``.

Hands and views will do alike: nothing hidden is read.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.dominoes import HAND_POINTS

FOR_MARKS, FOR_CONTRACT, FOR_MAJORITY, FOR_POINTS = 0, 1, 2, 3  # Scoring
NUM_SCORINGS = 4  # what players see has room for these alone: docs/architecture.md says what a fifth takes
HALF = HAND_POINTS // 2
MATCH_MARKS = 7  # a team that has them has won the match
HIGHEST_MARKS = 99  # the most that a hand may begin with


@njit(cache=True, inline="always")
def by_margin(scoring: int) -> bool:
    """Whether every point counts; otherwise a hand is won, lost or drawn at some number of points."""
    return scoring == FOR_POINTS


@njit(cache=True, inline="always")
def by_contract(scoring: int) -> bool:
    """Whether the hand is won by making or setting what was bid."""
    return scoring in (FOR_MARKS, FOR_CONTRACT)


@njit(cache=True, inline="always")
def by_marks(scoring: int) -> bool:
    """Whether a hand is worth marks, as many as were bid; otherwise it is worth at most 1."""
    return scoring == FOR_MARKS


@njit(cache=True, inline="always")
def promised(hand: np.void) -> int:
    """The points that the offense has to take: what it bid, every point for a bid of marks."""
    return min(np.int64(hand.bid), HAND_POINTS)


@njit(cache=True, inline="always")
def marks_at_stake(hand: np.void) -> int:
    """The marks that the bid is worth: 1 for points, as many as it promises for marks."""
    return max(1, np.int64(hand.bid) // HAND_POINTS)


@njit(cache=True, inline="always")
def at_stake(hand: np.void) -> float:
    """What the hand is worth to its winner: the marks at stake, or 1 for any other scoring."""
    return np.float64(marks_at_stake(hand)) if by_marks(hand.scoring) else 1.0


@njit(cache=True)
def target(hand: np.void, team: int) -> int:
    """The points that ``team`` has to take in all to win the hand by its scoring.

    For a scoring by margin, which nothing wins outright, that is more than half.
    """
    if not by_contract(hand.scoring):
        return HALF + 1
    return promised(hand) if hand.bidder & 1 == team else HAND_POINTS + 1 - promised(hand)


@njit(cache=True)
def needed(hand: np.void, team: int) -> int:
    """The points that ``team`` still needs to win the hand; 0 or less if it has them."""
    return target(hand, team) - np.int64(hand.points[team])


@njit(cache=True)
def points_left(hand: np.void) -> int:
    """The points that nobody has taken yet."""
    return HAND_POINTS - np.int64(hand.points[0]) - np.int64(hand.points[1])


@njit(cache=True)
def decided(hand: np.void) -> bool:
    """Whether the hand is worth the same however the rest of it is played."""
    points = np.int64(hand.points[0])
    return worth(hand, points) == worth(hand, points + points_left(hand))


@njit(cache=True)
def made(hand: np.void) -> bool:
    """Whether the offense of a finished hand took what it bid; every point for a bid of marks."""
    return hand.points[hand.bidder & 1] >= promised(hand)


@njit(cache=True)
def outcome(hand: np.void, points: int) -> float:
    """What it is worth to seats 0&2, -1..1, to end ``hand`` with ``points`` of the 42: won is 1 whatever the stake.

    By margin: the margin as a share of 42.
    """
    if by_margin(hand.scoring):
        return (2 * points - HAND_POINTS) / HAND_POINTS
    if points >= target(hand, 0):
        return 1.0
    return -1.0 if HAND_POINTS - points >= target(hand, 1) else 0.0


@njit(cache=True)
def worth(hand: np.void, points: int) -> float:
    """The score to seats 0&2 of ending ``hand`` with ``points`` of the 42, in the unit of its scoring.

    Marks: the marks at stake. Contract: 1 made or set. Majority: 1 for more than 21 points, 0 for 21 each. Points: the
    margin as a share of 42.
    """
    return outcome(hand, points) * at_stake(hand)


@njit(cache=True)
def score(hand: np.void) -> float:
    """What a finished hand is worth to seats 0&2 in the unit of its scoring (:func:`worth`); the opponents get the
    negative. A hand that nobody bid is worth 0."""
    return worth(hand, np.int64(hand.points[0])) if hand.bidder >= 0 else 0.0


@njit(cache=True)
def stake(hand: np.void) -> float:
    """What a team loses that breaks the rules: what the hand is worth, or 1 in a match, all of which it loses."""
    return 1.0 if hand.match else at_stake(hand)
