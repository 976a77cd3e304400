"""From a hand to what a seat observes: the hand is blanked to that seat's view first, then encoded as
planes; the tokens' encoder takes the hand and the seat and reads what that seat sees alone."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.planes import SIZE, encode_planes
from zeb42_env._core.record import NOBODY, blank
from zeb42_env._core.tokens import ROW, encode_seats

PLANES, TOKENS = 0, 1  # ObservationForm
PLANES_SIZE, TOKENS_SIZE = SIZE, ROW


@njit(cache=True, nogil=True)
def observe_hands(hands: np.ndarray, seats: np.ndarray, form: int, flat: np.ndarray) -> None:
    """Write what ``seats`` [B] observe of ``hands`` [B] into ``flat`` (int8 [B, size of the form]).

    Seat -1 sees all (planes only).
    """
    if form == TOKENS:
        encode_seats(hands, seats, flat)
        return
    scratch = np.empty(1, hands.dtype)
    for b in range(len(hands)):
        scratch[0] = hands[b]
        if seats[b] != NOBODY:
            blank(scratch[0], seats[b])
        encode_planes(scratch[0], flat[b])


@njit(cache=True, nogil=True)
def observe_one(hands: np.ndarray, seat: int, form: int, flat: np.ndarray) -> None:
    """``observe_hands`` for the one hand in ``hands`` [1] and ``flat`` [size of the form]."""
    observe_hands(hands, np.full(1, seat, np.int8), form, flat.reshape((1, len(flat))))
