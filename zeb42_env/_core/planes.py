"""The planes observation: named pieces of 0/1 and small integers, one after the other in a flat int8 array.

:data:`PIECES` is the one table behind the observation space, the array, the documentation and the models that read it.
All seats are counted from the viewer: 0 is the viewer, 1 the seat on its left, 2 its partner, 3 the seat on its right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.columns import places_of
from zeb42_env._core.dominoes import (
    HAND_POINTS,
    LED_SUIT,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_SUITS,
    NUM_TRICKS,
    POWER,
    TRUMPS,
)
from zeb42_env._core.goals import HIGHEST_MARKS
from zeb42_env._core.record import (
    DECLARE,
    MIN_BID,
    OVER,
    PASS,
    RESHAKE,
    TRICKS,
    may_hold,
    trick_points,
    trick_winner,
)

NUM_CALLS = DECLARE - PASS  # pass, 30..41, 1..5 marks


class Piece(NamedTuple):
    """One named part of the planes observation."""

    name: str
    shape: tuple[int, ...]
    high: int
    """The largest value; the smallest is 0."""
    meaning: str


PIECES = (
    Piece("phase", (3,), 1, "auction, declaration, tricks; all 0 when the hand is over"),
    Piece("to_move", (4,), 1, "the seat to move"),
    Piece("shaker", (4,), 1, "the seat that shook; the seat on its left calls first"),
    Piece("holding", (28,), 1, "the dominoes that I hold"),
    Piece("calls", (4, 18), 1, "what each seat called: pass, 30..41, 1..5 marks; all 0 before its call"),
    Piece("bidder", (4,), 1, "the seat of the highest bid so far"),
    Piece("bid", (17,), 1, "the highest bid so far: 30..41, 1..5 marks"),
    Piece("may_declare", (10,), 1, "what the winner of the auction may declare: 0..6, doubles, doubles suit, no trump"),
    Piece("declaration", (10,), 1, "what is trump, in the same order; all 0 before it is declared"),
    Piece("trumps", (28,), 1, "the dominoes that are trump"),
    Piece("played", (4, 28), 1, "the dominoes that each seat has played"),
    Piece("trick_number", (28,), 7, "the trick, 1..7, in which each domino was played; 0 not yet"),
    Piece("may_hold", (3, 28), 1, "the dominoes that the seats to my left, opposite and to my right may hold"),
    Piece("trick", (4, 28), 1, "the domino of each seat in the trick under way"),
    Piece("leader", (4,), 1, "the seat that led the trick under way, or is to lead"),
    Piece("led_suit", (8,), 1, "the suit led in the trick under way: 0..6, or 7 for the suit of doubles"),
    Piece("winning", (4,), 1, "the seat that is winning the trick under way"),
    Piece("beats", (28,), 1, "the dominoes of mine that beat every domino of the trick under way"),
    Piece("trick_points", (1,), 31, "what the trick under way is worth so far"),
    Piece("points", (2,), 42, "points taken by my team and by the opponents"),
    Piece("marks", (2,), HIGHEST_MARKS, "marks of the match before this hand, ours and theirs"),
    Piece("match", (1,), 1, "whether the hand is part of a match"),
    Piece("scoring", (4,), 1, "what the hand is played for: marks, contract, majority, points"),
    Piece("reshake", (1,), 1, "whether a hand that nobody bids is thrown in"),
)
SIZES = tuple(int(np.prod(piece.shape)) for piece in PIECES)
STARTS = dict(zip((piece.name for piece in PIECES), np.cumsum((0, *SIZES)).tolist(), strict=False))
"""Where each piece begins in the flat array."""
_AT = places_of(STARTS)
SIZE = sum(SIZES)
HIGHS = np.concatenate([np.full(size, piece.high, np.int8) for piece, size in zip(PIECES, SIZES, strict=True)])


@njit(cache=True)
def encode_planes(view: np.void, planes: np.ndarray) -> None:
    """Write the planes of ``view`` into ``planes`` (int8 [SIZE]).

    A full hand is encoded as seat 0's view in which ``may_hold`` is what the others do hold: the state.
    """
    me = max(np.int64(view.seat), 0)
    planes[:] = 0
    if view.phase != OVER:
        planes[_AT.phase + view.phase] = 1
        planes[_AT.to_move + ((view.to_move - me) & 3)] = 1
    planes[_AT.shaker + ((view.shaker - me) & 3)] = 1
    _mark_dominoes(view.held[me], planes, _AT.holding)
    team = me & 1
    planes[_AT.points] = view.points[team]
    planes[_AT.points + 1] = view.points[1 - team]
    planes[_AT.marks] = view.marks[team]
    planes[_AT.marks + 1] = view.marks[1 - team]
    planes[_AT.match] = view.match
    planes[_AT.scoring + view.scoring] = 1
    planes[_AT.reshake] = view.all_pass == RESHAKE
    _encode_contract(view, me, planes)
    _encode_plays(view, me, planes)


@njit(cache=True, inline="always")
def _mark_dominoes(dominoes: np.uint32, planes: np.ndarray, start: int) -> None:
    """Write 28 bits as 28 planes; a loop without branches, which the compiler turns into a few wide instructions."""
    for domino in range(NUM_DOMINOES):
        planes[start + domino] = (dominoes >> np.uint32(domino)) & np.uint32(1)


@njit(cache=True)
def _encode_contract(view: np.void, me: int, planes: np.ndarray) -> None:
    for number in range(NUM_SEATS):
        call = np.int64(view.calls[number])
        if call >= 0:
            planes[_AT.calls + ((view.shaker + 1 + number - me) & 3) * NUM_CALLS + call - PASS] = 1
    for declaration in range(NUM_DECLARATIONS):
        planes[_AT.may_declare + declaration] = (view.declarations >> declaration) & 1
    if view.bidder >= 0:
        planes[_AT.bidder + ((view.bidder - me) & 3)] = 1
        bid = np.int64(view.bid)
        points = bid < HAND_POINTS
        planes[_AT.bid + (bid - MIN_BID if points else HAND_POINTS - MIN_BID + bid // HAND_POINTS - 1)] = 1
    if view.declaration >= 0:
        planes[_AT.declaration + view.declaration] = 1
        _mark_dominoes(TRUMPS[view.declaration], planes, _AT.trumps)


@njit(cache=True)
def _encode_plays(view: np.void, me: int, planes: np.ndarray) -> None:
    num_plays = np.int64(view.num_plays)
    for i in range(num_plays):
        domino = np.int64(view.plays[i])
        planes[_AT.played + ((view.owner[domino] - me) & 3) * NUM_DOMINOES + domino] = 1
        planes[_AT.trick_number + domino] = 1 + (i >> 2)
    candidates = np.empty(NUM_SEATS, np.uint32)
    may_hold(view, candidates)
    for other in range(1, NUM_SEATS):
        _mark_dominoes(candidates[(me + other) & 3], planes, _AT.may_hold + (other - 1) * NUM_DOMINOES)
    if view.phase != TRICKS:
        return
    leader = (view.leader - me) & 3
    planes[_AT.leader + leader] = 1
    first = num_plays & ~3
    if first == num_plays:
        return
    led = np.int64(LED_SUIT[view.declaration, view.plays[first]])
    planes[_AT.led_suit + led] = 1
    for i in range(first, num_plays):
        planes[_AT.trick + ((leader + i - first) & 3) * NUM_DOMINOES + np.int64(view.plays[i])] = 1
    planes[_AT.trick_points] = trick_points(view, first)
    best = trick_winner(view, first)
    planes[_AT.winning + ((leader + best) & 3)] = 1
    power = POWER[view.declaration, led, view.plays[first + best]]
    held = view.held[me]
    for domino in range(NUM_DOMINOES):
        beats = POWER[view.declaration, led, domino] > power
        planes[_AT.beats + domino] = beats & ((held >> np.uint32(domino)) & np.uint32(1))


assert SIZES[[piece.name for piece in PIECES].index("led_suit")] == NUM_SUITS
assert HIGHS[STARTS["trick_number"]] == NUM_TRICKS
