"""A table: many hands at play side by side, whoever plays them.

Hands of any length, contract and rules share a table, and each depends on its own keys alone: the key it is dealt from,
and the key its players draw from, of which decision number k gets its share. So nobody counts rounds, and neither the
other hands, nor their order, nor how they are split changes what happens in one. :mod:`zeb42_env.table` has the loop
over these kernels.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import below, mix, nth_bit, one_way, popcount
from zeb42_env._core.record import NOBODY, NUM_ACTIONS, OVER, apply, blank, deal, legal_mask, num_decisions


@njit(cache=True, nogil=True)
def deal_numbers(hands: np.ndarray, key: np.uint64, numbers: np.ndarray, contract: int) -> None:
    """Deal hand number ``numbers[b]`` (uint64 [B]) of ``key`` into ``hands[b]``, in place; see :func:`record.deal`."""
    for b in range(len(hands)):
        deal(hands[b], mix(key, numbers[b]), contract)


@njit(cache=True, nogil=True)
def deal_rows(hands: np.ndarray, rows: np.ndarray, keys: np.ndarray, contract: int) -> None:
    """Deal ``hands[rows[i]]`` from ``keys[i]``, in place, with a fresh shaker."""
    for i in range(len(rows)):
        hand = hands[rows[i]]
        hand.shaker = NOBODY
        deal(hand, keys[i], contract)


@njit(cache=True, nogil=True)
def views_of(hands: np.ndarray, seats: np.ndarray) -> np.ndarray:
    """The views [B] that ``seats`` [B] have of ``hands`` [B]."""
    views = hands.copy()
    for b in range(len(hands)):
        blank(views[b], seats[b])
    return views


@njit(cache=True, nogil=True)
def show(hands: np.ndarray, rows: np.ndarray, keys: np.ndarray, views: np.ndarray, decision_keys: np.ndarray) -> None:
    """Write the views of the seats to move of ``hands[rows]`` and the key of each decision: HAND and uint64 [R].

    ``keys`` [B] are those that the players of each hand draw from. From the key of a decision neither that one nor
    what others draw can be told.
    """
    for i in range(len(rows)):
        b = rows[i]
        views[i] = hands[b]
        blank(views[i], hands[b].to_move)
        decision_keys[i] = one_way(keys[b], np.uint64(num_decisions(hands[b])))


@njit(cache=True, inline="always")
def is_legal(hand: np.void, action: int) -> bool:
    """Whether the seat to move may take ``action``, which may be any number."""
    return 0 <= action < NUM_ACTIONS and (legal_mask(hand) >> np.uint64(action)) & np.uint64(1) != np.uint64(0)


@njit(cache=True, nogil=True)
def are_legal(hands: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Whether the seats to move in ``hands`` [B], hands or views of their own, may take ``actions`` [B]: bool [B]."""
    legal = np.empty(len(hands), np.bool_)
    for b in range(len(hands)):
        legal[b] = is_legal(hands[b], actions[b])
    return legal


@njit(cache=True, inline="always")
def write_mask(legal: np.uint64, masks: np.ndarray, row: int) -> None:
    """Write ``legal``, bits over the actions, into ``masks[row]`` (int8 [B, 56], 0/1), without slicing it off: that
    would cost a count of references."""
    for action in range(NUM_ACTIONS):
        masks[row, action] = (legal >> np.uint64(action)) & np.uint64(1)


@njit(cache=True, nogil=True)
def legal_masks(hands: np.ndarray) -> np.ndarray:
    """The legal actions of the seats to move in ``hands`` [B], hands or views of their own: int8 [B, 56], 0/1."""
    masks = np.empty((len(hands), NUM_ACTIONS), np.int8)
    for b in range(len(hands)):
        write_mask(legal_mask(hands[b]), masks, b)
    return masks


@njit(cache=True, nogil=True)
def take(hands: np.ndarray, rows: np.ndarray, actions: np.ndarray, legal: np.ndarray) -> None:
    """Apply ``actions`` [R] to ``hands[rows]`` where they are legal, and say where they were: bool [R]."""
    for i in range(len(rows)):
        hand = hands[rows[i]]
        legal[i] = is_legal(hand, actions[i])
        if legal[i]:
            apply(hand, actions[i])


@njit(cache=True, nogil=True)
def play_randomly(hands: np.ndarray, keys: np.ndarray) -> int:
    """Finish ``hands`` [B] by uniform legal actions, in place; hand b draws from keys[b]. Returns the actions taken."""
    taken = 0
    stream = np.empty(1, np.uint64)
    for b in range(len(hands)):
        hand = hands[b]
        stream[0] = keys[b]
        while hand.phase != OVER:
            legal = legal_mask(hand)
            apply(hand, nth_bit(legal, below(stream, popcount(legal))))
            taken += 1
    return taken
