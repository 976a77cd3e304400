"""What can be said about a position without searching it: who can beat what, sure tricks, and which plays look good.

Kernels of :mod:`zeb42_agents._double_dummy`, over its memory ``m`` and its frames ``f``.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    BEATERS,
    COUNT,
    COUNT_DOMINOES,
    LED_SUIT,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SUITS,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)


def _side_leaders() -> np.ndarray:
    leaders = np.zeros((NUM_DECLARATIONS, NUM_DOMINOES), np.uint32)
    for declaration in range(NUM_DECLARATIONS):
        for domino in range(NUM_DOMINOES):
            for suit in range(NUM_SUITS):
                belongs = int(SUIT_MEMBERS[declaration, suit]) >> domino & 1
                if belongs and LED_SUIT[declaration, domino] != suit:
                    leaders[declaration, domino] = sum(
                        1 << int(d) for d in np.flatnonzero(LED_SUIT[declaration] == suit)
                    )
    return leaders


SIDE_LEADERS = _side_leaders()  # [10, 28] the dominoes that lead the suit a domino belongs to but does not lead


@njit(cache=True, nogil=True, inline="always")
def carried(dominoes: np.uint32) -> int:
    """The points that ``dominoes`` (bits) carry."""
    counts = dominoes & COUNT_DOMINOES
    points = 0
    while counts:
        points += COUNT[lowest(counts)]
        counts &= counts - np.uint32(1)
    return points


@njit(cache=True, nogil=True, inline="always")
def twins(declaration: int, domino: int, other: int, out: np.uint32, others: np.uint32) -> bool:
    """Whether two dominoes of one seat are worth the same in every line of play.

    They are if they carry the same count, lead the same suit, nobody can lead their other suits any more (``out``: the
    dominoes not yet played), and no domino of another seat, or on the table and winning, ranks between them
    (``others``).
    """
    suit = LED_SUIT[declaration, domino]
    return (
        LED_SUIT[declaration, other] == suit
        and COUNT[other] == COUNT[domino]
        and not (SIDE_LEADERS[declaration, other] & out)
        and not (SIDE_LEADERS[declaration, domino] & out)
        and not ((BEATERS[declaration, suit, other] ^ BEATERS[declaration, suit, domino]) & others)
    )


@njit(cache=True, nogil=True, inline="always")
def can_beat(held: np.uint32, declaration: int, led: int, domino: int) -> bool:
    """Whether a seat with ``held`` can beat ``domino`` in a trick of suit ``led``, following suit if it must."""
    beaters = held & BEATERS[declaration, led, domino]
    if not beaters:
        return False
    follow = held & SUIT_MEMBERS[declaration, led]
    return (not follow) or (beaters & follow) != 0


@njit(cache=True, nogil=True)
def bounds(m: np.void, leader: int, out: np.uint32, left: int) -> tuple[int, int]:
    """Bounds on the points of seats 0&2 at the start of a trick, from tricks that no play can take away.

    Whoever holds the highest trumps takes a trick with each of them. The leader's side also takes the leader's highest
    dominoes of the other suits, once its trumps have drawn all those of the opponents, and in any case one trick with a
    domino that no opponent can beat now.
    """
    declaration = m.declaration
    mine, partner = m.held[leader], m.held[(leader + 2) & 3]
    left_hand, right_hand = m.held[(leader + 1) & 3], m.held[(leader + 3) & 3]
    trumps = out & TRUMPS[declaration]
    gain, loss = 0, 0
    sure = top_trumps(declaration, mine, trumps)
    if trumps and not sure:
        theirs = top_trumps(declaration, left_hand, trumps) | top_trumps(declaration, right_hand, trumps)
        if theirs:
            loss = popcount(theirs) + carried(theirs)
        else:
            partners = top_trumps(declaration, partner, trumps)
            gain = popcount(partners) + carried(partners)
    drawn = max(popcount(left_hand & trumps), popcount(right_hand & trumps)) <= popcount(sure)
    rest = mine & ~trumps
    while rest:
        domino = lowest(rest)
        rest &= rest - np.uint32(1)
        suit = SUIT_MEMBERS[declaration, LED_SUIT[declaration, domino]]
        higher = BEATERS[declaration, LED_SUIT[declaration, domino], domino] & suit
        if higher & (left_hand | right_hand):
            continue
        if drawn and not (higher & partner):
            sure |= np.uint32(1) << np.uint32(domino)
        elif drawn or ((left_hand & suit or not left_hand & trumps) and (right_hand & suit or not right_hand & trumps)):
            gain = max(gain, 1 + COUNT[domino])
    if sure == mine:
        gain = left
    gain = max(gain, popcount(sure) + carried(sure))
    return (gain, left - loss) if leader & 1 == 0 else (loss, left - gain)


@njit(cache=True, nogil=True, inline="always")
def top_trumps(declaration: int, held: np.uint32, trumps: np.uint32) -> np.uint32:
    """The trumps of a seat that are above all other seats' ``trumps``."""
    mine, others = held & trumps, trumps & ~held
    top = np.uint32(0)
    while mine:
        domino = lowest(mine)
        mine &= mine - np.uint32(1)
        if not (BEATERS[declaration, LED_SUIT[declaration, domino], domino] & others):
            top |= np.uint32(1) << np.uint32(domino)
    return top


@njit(cache=True, nogil=True, inline="always")
def lead_looks(m: np.void, f: np.void, domino: int) -> int:
    """How promising a lead looks: first what the opponents cannot beat, and trumps only while they have any."""
    left_hand, right_hand = m.held[(f.seat + 1) & 3], m.held[(f.seat + 3) & 3]
    suit = LED_SUIT[m.declaration, domino]
    if can_beat(left_hand, m.declaration, suit, domino) or can_beat(right_hand, m.declaration, suit, domino):
        return -20 * COUNT[domino]
    trumps = TRUMPS[m.declaration]
    spent = (np.uint32(1) << np.uint32(domino)) & trumps and not (left_hand | right_hand) & trumps
    return (100 if spent else 400) + 10 * COUNT[domino]


@njit(cache=True, nogil=True, inline="always")
def follow_looks(m: np.void, f: np.void, place: int, domino: int) -> int:
    """How promising a domino looks in a trick: win what is not won, give count to the partner, otherwise go low."""
    declaration = m.declaration
    count = np.int64(COUNT[domino])
    next_hand = m.held[(f.seat + 1) & 3]
    ours = (f.winner ^ f.seat) & 1 == 0 and (place == 3 or not can_beat(next_hand, declaration, f.led, f.best_domino))
    if POWER[declaration, f.led, domino] > POWER[declaration, f.led, f.best_domino]:
        if place < 3 and can_beat(next_hand, declaration, f.led, domino):
            return -20 * count
        return (100 if ours else 300) + 10 * count
    if ours:
        return 200 + 20 * count
    return -20 * count - POWER[declaration, LED_SUIT[declaration, domino], domino]
