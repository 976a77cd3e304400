"""What comes of each play when minds play the very deal to its end."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.minds import Mind, choose
from zeb42_env._core.bits import lowest, mix, popcount
from zeb42_env._core.goals import decided, outcome
from zeb42_env._core.record import HAND, OVER, blank, legal_plays, play


@njit(cache=True, nogil=True)
def carry_out(hands: np.ndarray, keys: np.ndarray, mind: Mind, values: np.ndarray) -> None:
    """Write what each play of the seat to move in ``hands`` [B] came to for its team, -1..1: ``values`` [B, 28]."""
    branch, view = np.empty(1, HAND), np.empty(1, HAND)
    for b in range(len(hands)):
        sign = 1.0 if hands[b].to_move & 1 == 0 else -1.0
        legal = legal_plays(hands[b])
        while legal:
            domino = lowest(legal)
            legal &= legal - np.uint32(1)
            branch[0] = hands[b]
            play(branch[0], domino)
            values[b, domino] = sign * _played_on(branch[0], keys[b], mind, view)


@njit(cache=True, nogil=True)
def _played_on(hand: np.void, key: np.uint64, mind: Mind, view: np.ndarray) -> float:
    """What ``hand`` comes to for seats 0&2 when ``mind`` plays it to where it is decided, each seat by its own view."""
    while hand.phase != OVER and not decided(hand):
        legal = legal_plays(hand)
        if popcount(legal) == 1:
            play(hand, lowest(legal))
            continue
        view[0] = hand
        blank(view[0], hand.to_move)
        play(hand, choose(mind, view[0], mix(key, np.uint64(hand.num_plays))))
    return outcome(hand, np.int64(hand.points[0]))
