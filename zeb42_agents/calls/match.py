"""The chance to win a match to seven marks, from the marks of both teams and whose turn it is to shake.

A match is a walk over states (marks of us, marks of them, does our team shake), of which a hand is one step: the shake
passes to the left, so from one team to the other. Given fixed odds of what a hand brings, the chance to win from every
state follows by backward induction. A hand that is thrown in changes nothing but the shaker, so the two states of equal
marks then lead to each other, and are solved together.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.goals import MATCH_MARKS
from zeb42_env._core.record import MAX_MARKS_BID

NUM_RESULTS = 2 * MAX_MARKS_BID + 1
"""What a hand may bring to the team of its shaker: -5..5 marks."""
WE_SHAKE, THEY_SHAKE = 0, 1


def match_table(odds: np.ndarray) -> np.ndarray:
    """The chance float64 [7, 7, 2] to win the match, by our marks, their marks, and who shakes (0 we, 1 they).

    ``odds`` (float64 [11]) are how likely a hand brings -5..5 marks to the team of its shaker, who calls last; exact if
    they are the same at every score. ValueError if they are no probabilities, or no hand ever brings anything.
    """
    odds = np.asarray(odds, np.float64)
    if odds.shape != (NUM_RESULTS,) or not (odds >= 0).all() or not np.isclose(odds.sum(), 1.0):
        raise ValueError(f"expected the odds of -{MAX_MARKS_BID}..{MAX_MARKS_BID} marks, {NUM_RESULTS} shares of 1")
    nothing = odds[MAX_MARKS_BID]
    if nothing >= 1.0:
        raise ValueError("expected odds of a hand that brings marks, got one that is always thrown in")
    table = np.zeros((MATCH_MARKS, MATCH_MARKS, 2))
    for total in range(2 * MATCH_MARKS - 2, -1, -1):  # a hand that brings marks leads to a higher total
        for us in range(max(0, total - MATCH_MARKS + 1), min(total, MATCH_MARKS - 1) + 1):
            them = total - us
            on = np.zeros(2)  # by who shakes: what follows from hands that bring marks
            for marks in range(1, MAX_MARKS_BID + 1):
                shakers, others = odds[MAX_MARKS_BID + marks], odds[MAX_MARKS_BID - marks]
                for shaker, ours, theirs in ((WE_SHAKE, shakers, others), (THEY_SHAKE, others, shakers)):
                    on[shaker] += ours * match_chance(table, us + marks, them, 1 - shaker)
                    on[shaker] += theirs * match_chance(table, us, them + marks, 1 - shaker)
            table[us, them] = (on + nothing * on[::-1]) / (1.0 - nothing**2)
    return table


@njit(cache=True, nogil=True)
def match_chance(table: np.ndarray, us: int, them: int, shaker: int) -> float:
    """The chance that we win with ``us`` marks against ``them``, ``shaker`` (0 we, 1 they) shaking the next hand.

    From seven marks on the match is over, and whoever has more has won it.
    """
    if us < MATCH_MARKS and them < MATCH_MARKS:
        return table[us, them, shaker]
    return 0.5 * (1 + (us > them) - (us < them))
