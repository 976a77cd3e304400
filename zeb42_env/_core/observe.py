"""From a hand to what a seat observes: the hand is blanked to that seat's view first, then encoded."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.planes import SIZE, encode_planes
from zeb42_env._core.record import NOBODY, blank
from zeb42_env._core.tokens import V2_FEATURES, V2_TOKENS, encode_one_v2

PLANES, TOKENS = 0, 1  # ObservationForm
PLANES_SIZE, TOKENS_SIZE = SIZE, V2_TOKENS * V2_FEATURES


@njit(cache=True)
def observe_hand(hand: np.void, seat: int, form: int, scratch: np.ndarray, flat: np.ndarray) -> None:
    """Write what ``seat`` observes of ``hand`` into ``flat`` (int8 [size of the form]); seat -1 sees all (planes only).

    ``scratch`` (HAND [1]) holds the view meanwhile.
    """
    scratch[0] = hand
    if seat != NOBODY:
        blank(scratch[0], seat)
    if form == PLANES:
        encode_planes(scratch[0], flat)
    else:
        encode_one_v2(scratch[0], flat.reshape((V2_TOKENS, V2_FEATURES)))


@njit(cache=True, nogil=True)
def observe_hands(hands: np.ndarray, seats: np.ndarray, form: int, flat: np.ndarray) -> None:
    """Write what ``seats`` [B] observe of ``hands`` [B] into ``flat`` (int8 [B, size of the form])."""
    scratch = np.empty(1, hands.dtype)
    for b in range(len(hands)):
        observe_hand(hands[b], seats[b], form, scratch, flat[b])


@njit(cache=True, nogil=True)
def observe_one(hands: np.ndarray, seat: int, form: int, scratch: np.ndarray, flat: np.ndarray) -> None:
    """``observe_hand`` for the one hand in ``hands`` [1]."""
    observe_hand(hands[0], seat, form, scratch, flat)
