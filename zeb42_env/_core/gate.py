"""The gate for records from outside: whether play can have made them.

Kernels check nothing, so a record of foreign bytes would crash or mislead them. Here each value is looked at before it
is used: the deal is set up anew, the calls and plays are replayed under the rules, and the result has to be the record.
Of a view there must be a deal of the hidden dominoes that allows all the plays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import popcount
from zeb42_env._core.dominoes import (
    ALL_DOMINOES,
    HAND_POINTS,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_TRICKS,
)
from zeb42_env._core.goals import HIGHEST_MARKS, NUM_SCORINGS, by_marks
from zeb42_env._core.record import (
    AUCTION,
    DECLARATION,
    DECLARE,
    MAX_MARKS_BID,
    MIN_BID,
    NOBODY,
    RESHAKE,
    TRICKS,
    UNKNOWN,
    call,
    declare,
    legal_plays,
    play,
    read_plays,
    start,
)
from zeb42_env._core.tables import is_legal

FLAWS = (
    "",
    "rules that do not exist",
    "a deal that is not seven dominoes for each seat it shows",
    "calls or a contract that are not legal",
    "plays that are not legal",
    "a state that does not follow from its deal, calls and plays",
    "plays that no deal of the hidden dominoes allows",
)
"""What :func:`find_flaws` finds, by number; 0 is none."""
_RULES, _DEAL, _CONTRACT, _PLAYS, _STATE, _HIDDEN = range(1, len(FLAWS))


@njit(cache=True, nogil=True)
def find_flaws(records: np.ndarray) -> np.ndarray:
    """What is wrong with each of ``records`` [B], hands or views of any bytes: numbers of FLAWS, int8 [B]."""
    flaws = np.empty(len(records), np.int8)
    again, absent = np.empty(1, records.dtype), np.empty(NUM_SEATS, np.uint32)
    for b in range(len(records)):
        again[0] = records[b]
        flaws[b] = _flaw(records[b], again[0], absent)
    return flaws


@njit(cache=True)
def is_bid(bid: int) -> bool:
    """Whether ``bid`` in points is one that can be made: 30..41, or 42 for each mark."""
    if bid < HAND_POINTS:
        return bid >= MIN_BID
    return bid % HAND_POINTS == 0 and bid <= MAX_MARKS_BID * HAND_POINTS


@njit(cache=True)
def _flaw(hand: np.void, again: np.void, absent: np.ndarray) -> int:
    """The flaw of ``hand``; ``again`` is a copy of it to replay, ``absent`` (uint32 [4]) scratch."""
    if not _has_rules(hand):
        return _RULES
    if not _set_up(hand, again):
        return _DEAL
    if not _replay_contract(hand, again):
        return _CONTRACT
    if not _replay_plays(hand, again, absent):
        return _PLAYS
    if not _same(hand, again):
        return _STATE
    return 0 if hand.seat == NOBODY or _may_be_dealt(hand, absent) else _HIDDEN


@njit(cache=True)
def _has_rules(hand: np.void) -> bool:
    if hand.declarations == 0 or hand.declarations >> NUM_DECLARATIONS or hand.kind != 0:
        return False
    if not (0 <= hand.scoring < NUM_SCORINGS and 0 <= hand.all_pass <= RESHAKE and 0 <= hand.match <= 1):
        return False
    if hand.match and not by_marks(hand.scoring):
        return False
    return 0 <= hand.marks[0] <= HIGHEST_MARKS and 0 <= hand.marks[1] <= HIGHEST_MARKS


@njit(cache=True)
def _set_up(hand: np.void, again: np.void) -> bool:
    """Set ``again`` to the start of the hand, as its viewer saw it; False unless the deal is one."""
    seat = np.int64(hand.seat)
    if not (NOBODY <= seat < NUM_SEATS and 0 <= hand.shaker < NUM_SEATS):
        return False
    again.held[:] = 0
    for domino in range(NUM_DOMINOES):
        owner = np.int64(hand.owner[domino])
        if not UNKNOWN <= owner < NUM_SEATS:
            return False
        if seat == NOBODY or owner == seat:
            if owner == UNKNOWN:
                return False
            again.held[owner] |= np.uint32(1) << np.uint32(domino)
        else:
            again.owner[domino] = UNKNOWN
    for dealt in range(NUM_SEATS):
        if popcount(again.held[dealt]) != (NUM_TRICKS if seat in (NOBODY, dealt) else 0):
            return False
    start(again, (hand.shaker + 1) & 3)
    again.seat = seat
    return True


@njit(cache=True)
def _replay_contract(hand: np.void, again: np.void) -> bool:
    num_calls, declaration = 0, np.int64(hand.declaration)
    while num_calls < NUM_SEATS and hand.calls[num_calls] != NOBODY:
        action = np.int64(hand.calls[num_calls])
        if again.phase != AUCTION or not is_legal(again, action):
            return False
        call(again, action)
        num_calls += 1
    if declaration == NOBODY:
        return True
    if num_calls:
        if again.phase != DECLARATION or not is_legal(again, DECLARE + declaration):
            return False
    else:  # a contract that was dealt
        if not (0 <= hand.bidder < NUM_SEATS and 0 <= declaration < NUM_DECLARATIONS and is_bid(np.int64(hand.bid))):
            return False
        again.bidder, again.bid = hand.bidder, hand.bid
    declare(again, declaration)
    return True


@njit(cache=True)
def _replay_plays(hand: np.void, again: np.void, absent: np.ndarray) -> bool:
    """Replay the plays; ``absent`` (uint32 [4]) becomes the dominoes of the suits that each seat failed to follow."""
    num_plays = np.int64(hand.num_plays)
    if num_plays < 0 or num_plays > NUM_DOMINOES or (num_plays and again.phase != TRICKS):
        return False
    for i in range(num_plays):
        domino, seat = np.int64(hand.plays[i]), np.int64(again.to_move)
        if domino < 0 or domino >= NUM_DOMINOES:
            return False
        if hand.seat == NOBODY or hand.seat == seat:
            if not legal_plays(again) & (np.uint32(1) << np.uint32(domino)):
                return False
        elif again.owner[domino] != UNKNOWN:
            return False
        play(again, domino)
    _, broken = read_plays(again, absent)
    return broken == 0


@njit(cache=True)
def _same(hand: np.void, again: np.void) -> bool:
    """Whether two records agree in all that calls and plays change."""
    same = hand.bid == again.bid and hand.phase == again.phase and hand.to_move == again.to_move
    same &= hand.bidder == again.bidder and hand.declaration == again.declaration and hand.leader == again.leader
    same &= hand.num_plays == again.num_plays
    for team in range(2):
        same &= hand.points[team] == again.points[team]
    for seat in range(NUM_SEATS):
        same &= hand.held[seat] == again.held[seat] and hand.calls[seat] == again.calls[seat]
    for domino in range(NUM_DOMINOES):
        same &= hand.owner[domino] == again.owner[domino] and hand.plays[domino] == again.plays[domino]
    return same


@njit(cache=True)
def _may_be_dealt(view: np.void, absent: np.ndarray) -> bool:
    """Whether the hidden dominoes can be dealt so that no seat gets one of ``absent`` (uint32 [4]) to it.

    They can if any seats together may hold as many as they need: Hall's condition.
    """
    hidden = ALL_DOMINOES
    for domino in range(NUM_DOMINOES):
        if view.owner[domino] != UNKNOWN:
            hidden &= ~(np.uint32(1) << np.uint32(domino))
    for seats in range(1, 1 << NUM_SEATS):
        if (seats >> np.int64(view.seat)) & 1:
            continue
        together, need = np.uint32(0), 0
        for seat in range(NUM_SEATS):
            if (seats >> seat) & 1:
                together |= hidden & ~absent[seat]
                need += NUM_TRICKS
                for domino in range(NUM_DOMINOES):
                    need -= view.owner[domino] == seat
        if popcount(together) < need:
            return False
    return True
