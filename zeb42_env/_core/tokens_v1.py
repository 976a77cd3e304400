"""The published encoding of a view, which knows the tricks alone: 36 tokens of 8 categories.

The declaration, the seven dominoes dealt to the viewer, and the plays in order. What is padding can be told from the
type of a token, which is 0 for the declaration, the first, alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.dominoes import COUNT, HIGH, IS_DOUBLE, LOW, NUM_DOMINOES, NUM_TRICKS

NUM_TOKENS, NUM_FEATURES = 1 + NUM_TRICKS + NUM_DOMINOES, 8
CATEGORIES = (7, 7, 2, 3, 4, 2, 10, 3)  # how many each feature has
HIGH_PIP, LOW_PIP, DOUBLE, COUNT_CLASS, PLAYER, IN_HAND, DECLARED, TOKEN_TYPE = range(NUM_FEATURES)
DECLARATION_TOKEN, HAND_TOKEN, PLAY_TOKEN = 0, 1, 2


@njit(cache=True, nogil=True)
def encode(views: np.ndarray, tokens: np.ndarray) -> None:
    """Write the published tokens of ``views`` [B], in their tricks, into int8 [B, 36, 8]."""
    for b in range(len(views)):
        _encode_one(views[b], tokens[b])


@njit(cache=True, nogil=True, inline="always")
def _put_domino(token: np.ndarray, domino: int) -> None:
    token[HIGH_PIP] = HIGH[domino]
    token[LOW_PIP] = LOW[domino]
    token[DOUBLE] = IS_DOUBLE[domino]
    token[COUNT_CLASS] = COUNT[domino] // 5


@njit(cache=True, nogil=True)
def _encode_one(view: np.void, tokens: np.ndarray) -> None:
    assert view.declaration >= 0
    tokens[:] = 0
    tokens[0, DECLARED] = view.declaration
    tokens[0, TOKEN_TYPE] = DECLARATION_TOKEN
    slot = 1
    for domino in range(NUM_DOMINOES):
        if view.owner[domino] != view.seat:
            continue
        if (view.held[view.seat] >> np.uint32(domino)) & np.uint32(1):
            _put_domino(tokens[slot], domino)
            tokens[slot, IN_HAND] = 1
            tokens[slot, DECLARED] = view.declaration
            tokens[slot, TOKEN_TYPE] = HAND_TOKEN
        slot += 1
    for i in range(view.num_plays):
        domino = view.plays[i]
        token = tokens[1 + NUM_TRICKS + i]
        _put_domino(token, domino)
        token[PLAYER] = (view.owner[domino] - view.seat) & 3
        token[DECLARED] = view.declaration
        token[TOKEN_TYPE] = PLAY_TOKEN


@njit(cache=True, nogil=True)
def slots_of(views: np.ndarray) -> np.ndarray:
    """The seven dominoes dealt to the seat of each of ``views`` [B], ascending: int64 [B, 7]."""
    slots = np.empty((len(views), NUM_TRICKS), np.int64)
    for b in range(len(views)):
        slot = 0
        for domino in range(NUM_DOMINOES):
            if views[b].owner[domino] == views[b].seat:
                slots[b, slot] = domino
                slot += 1
    return slots
