"""The columns of a mind: what a small network sees of a view in its tricks, as a list of the columns that are on.

A column is 0 or 1, and some fifty of a thousand are on at once, so the first layer of the network is a sum of as many
rows. The table here is the one behind the kernel, the network's size, the docs and the tests. Seats are counted from
the viewer clockwise: me, left, partner, right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    ALL_DOMINOES,
    BEATERS,
    COUNT,
    DOUBLES_TRUMP,
    HAND_POINTS,
    LED_SUIT,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_SUITS,
    NUM_TRICKS,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.goals import NUM_SCORINGS, needed
from zeb42_env._core.record import legal_plays, played_dominoes

VERSION = 1
"""Of the table. A network is of use with the version that it has learned with alone."""
NUM_OTHERS = NUM_SEATS - 1
NUM_TRUMPS = 7  # dominoes in a suit
LAST_RANK = 8  # ranks inside a suit; the suit of doubles has the first seven, a pip suit all but its own pip
STEP = 5  # of the coarse columns of points
NUM_STEPS = HAND_POINTS // STEP + 1
MOST_COUNT = 6  # fives in a trick


class Columns(NamedTuple):
    """Some neighbouring columns that say one thing."""

    name: str
    meaning: str
    width: int


TABLE = (
    Columns("mine", "I hold the domino", NUM_DOMINOES),
    Columns("mine_under", "I hold the domino, by declaration", NUM_DECLARATIONS * NUM_DOMINOES),
    Columns("legal", "I may play the domino now", NUM_DOMINOES),
    Columns("would_win", "I may play the domino now, and it would win the trick as it lies", NUM_DOMINOES),
    Columns("boss", "I hold the domino, and nothing that others hold beats it in the suit that it leads", NUM_DOMINOES),
    Columns("played", "the domino was played, by whom", NUM_SEATS * NUM_DOMINOES),
    Columns("led", "the domino led its trick, by whom", NUM_SEATS * NUM_DOMINOES),
    Columns("lying", "the domino lies in the trick under way, by which other seat", NUM_OTHERS * NUM_DOMINOES),
    Columns("void", "another seat has failed to follow the suit", NUM_OTHERS * NUM_SUITS),
    Columns("void_in_trump", "another seat has failed to follow trump", NUM_OTHERS),
    Columns("declaration", "what is trump", NUM_DECLARATIONS),
    Columns("led_under", "the suit led in the trick under way, by declaration", NUM_DECLARATIONS * NUM_SUITS),
    Columns("winner", "who is winning the trick under way", NUM_SEATS),
    Columns("trick_count", "what its counts carry, in fives", MOST_COUNT + 1),
    Columns("place", "dominoes in it: 0..3", NUM_SEATS),
    Columns("trick", "which trick it is", NUM_TRICKS),
    Columns("bidder", "who made the highest bid", NUM_SEATS),
    Columns("scoring", "what the hand is played for", NUM_SCORINGS),
    Columns("we_need", "points that my team still needs: 0..42", HAND_POINTS + 1),
    Columns("they_need", "points that the other team still needs: 0..42", HAND_POINTS + 1),
    Columns("we_need_about", "the same in fives", NUM_STEPS),
    Columns("they_need_about", "the same in fives", NUM_STEPS),
    Columns("my_trumps", "trumps that I hold: 0..7", NUM_TRUMPS + 1),
    Columns("trumps_out", "trumps that others hold: 0..7", NUM_TRUMPS + 1),
    Columns("my_trump", "I hold the trump of the rank", LAST_RANK),
    Columns("trump_out", "another seat holds the trump of the rank", LAST_RANK),
)


def starts() -> dict[str, int]:
    """The first column of each kind."""
    found, start = {}, 0
    for columns in TABLE:
        found[columns.name] = start
        start += columns.width
    return found


NUM_COLUMNS = sum(columns.width for columns in TABLE)
MOST_ON = 160  # more than can be on at once
_AT = starts()
(_MINE, _MINE_UNDER, _LEGAL, _WOULD_WIN, _BOSS, _PLAYED, _LED, _LYING, _VOID, _VOID_IN_TRUMP, _DECLARATION, _LED_UNDER,
 _WINNER, _TRICK_COUNT, _PLACE, _TRICK, _BIDDER, _SCORING, _WE_NEED, _THEY_NEED, _WE_NEED_ABOUT, _THEY_NEED_ABOUT,
 _MY_TRUMPS, _TRUMPS_OUT, _MY_TRUMP, _TRUMP_OUT) = (_AT[columns.name] for columns in TABLE)  # fmt: skip


@njit(cache=True, nogil=True)
def write_columns(view: np.void, on: np.ndarray) -> int:
    """Write the columns of ``view`` that are on into ``on`` (int32 [160]); returns how many there are.

    ``view`` is in its tricks, of the seat to move. What others hold is not looked at.
    """
    seat, declaration = np.int64(view.seat), np.int64(view.declaration)
    held, played = view.held[view.seat], played_dominoes(view)
    out = ALL_DOMINOES & ~(held | played)
    n = _write_past(view, on)
    place, first = np.int64(view.num_plays) & 3, np.int64(view.num_plays) & ~3
    led, power, winner, count = 0, 0, 0, 0
    for i in range(place):
        domino = np.int64(view.plays[first + i])
        if i == 0:
            led = np.int64(LED_SUIT[declaration, domino])
            on[n] = _LED_UNDER + declaration * NUM_SUITS + led
            n += 1
        if POWER[declaration, led, domino] > power:
            power, winner = np.int64(POWER[declaration, led, domino]), i
        count += COUNT[domino]
    if place:
        on[n] = _WINNER + ((winner - place) & 3)
        n += 1
    legal = legal_plays(view)
    left = held
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        on[n] = _MINE + domino
        on[n + 1] = _MINE_UNDER + declaration * NUM_DOMINOES + domino
        n += 2
        if not BEATERS[declaration, LED_SUIT[declaration, domino], domino] & out:
            on[n] = _BOSS + domino
            n += 1
        if (legal >> np.uint32(domino)) & np.uint32(1):
            on[n] = _LEGAL + domino
            n += 1
            if place and POWER[declaration, led, domino] > power:
                on[n] = _WOULD_WIN + domino
                n += 1
    n = _write_trumps(declaration, held, out, on, n)
    ours = min(max(needed(view, seat & 1), 0), HAND_POINTS)
    theirs = min(max(needed(view, 1 - (seat & 1)), 0), HAND_POINTS)
    on[n] = _DECLARATION + declaration
    on[n + 1] = _TRICK_COUNT + count // STEP
    on[n + 2] = _PLACE + place
    on[n + 3] = _TRICK + (first >> 2)
    on[n + 4] = _BIDDER + ((view.bidder - seat) & 3)
    on[n + 5] = _SCORING + view.scoring
    on[n + 6] = _WE_NEED + ours
    on[n + 7] = _THEY_NEED + theirs
    on[n + 8] = _WE_NEED_ABOUT + ours // STEP
    on[n + 9] = _THEY_NEED_ABOUT + theirs // STEP
    return n + 10


@njit(cache=True, inline="always")
def _write_past(view: np.void, on: np.ndarray) -> int:
    """What was played, led, lies in the trick, and which suits the others have shown to lack."""
    n = 0
    seat, declaration, num_plays = np.int64(view.seat), np.int64(view.declaration), np.int64(view.num_plays)
    voids, led = np.uint32(0), 0
    for i in range(num_plays):
        domino = np.int64(view.plays[i])
        who = (view.owner[domino] - seat) & 3
        on[n] = _PLAYED + who * NUM_DOMINOES + domino
        n += 1
        if i & 3 == 0:
            led = np.int64(LED_SUIT[declaration, domino])
            on[n] = _LED + who * NUM_DOMINOES + domino
            n += 1
        elif who and not (SUIT_MEMBERS[declaration, led] >> np.uint32(domino)) & np.uint32(1):
            voids |= np.uint32(1) << np.uint32((who - 1) * NUM_SUITS + led)
        if i >= num_plays & ~3:
            on[n] = _LYING + (who - 1) * NUM_DOMINOES + domino
            n += 1
    while voids:
        place = lowest(voids)
        voids &= voids - np.uint32(1)
        on[n] = _VOID + place
        n += 1
        if declaration <= DOUBLES_TRUMP and place & (NUM_SUITS - 1) == declaration:  # trump's suit has its number
            on[n] = _VOID_IN_TRUMP + place // NUM_SUITS
            n += 1
    return n


@njit(cache=True, inline="always")
def _write_trumps(declaration: int, held: np.uint32, out: np.uint32, on: np.ndarray, n: int) -> int:
    """Where the trumps are, by rank; returns how many columns are on now."""
    on[n] = _MY_TRUMPS + popcount(held & TRUMPS[declaration])
    on[n + 1] = _TRUMPS_OUT + popcount(out & TRUMPS[declaration])
    n += 2
    trumps = TRUMPS[declaration] & (held | out)
    while trumps:
        domino = lowest(trumps)
        trumps &= trumps - np.uint32(1)
        rank = POWER[declaration, declaration, domino] - (LAST_RANK + 1)
        on[n] = (_MY_TRUMP if (held >> np.uint32(domino)) & np.uint32(1) else _TRUMP_OUT) + rank
        n += 1
    return n


@njit(cache=True, nogil=True)
def columns_of(views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns that are on in each of ``views`` [B], one view after the other: int32 [N], and where each begins:
    int64 [B]. What ``torch.nn.EmbeddingBag`` takes."""
    on, begins = np.empty(len(views) * MOST_ON, np.int32), np.empty(len(views), np.int64)
    n = 0
    for b in range(len(views)):
        begins[b] = n
        n += write_columns(views[b], on[n : n + MOST_ON])
    return on[:n].copy(), begins
