"""The tokens of v2 written one feature after the other, plainly: what the fast encoder must agree with, bit for bit."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import popcount
from zeb42_env._core.columns import DOMINOES, SEATS, SITUATION
from zeb42_env._core.dominoes import (
    COUNT,
    HAND_POINTS,
    IS_DOUBLE,
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
from zeb42_env._core.goals import FOR_CONTRACT, FOR_MARKS
from zeb42_env._core.record import BID_MARKS, OVER, PASS, TRICKS, bid_value, legal_plays, may_hold, trick_winner


def _beaten_by() -> np.ndarray:
    """The dominoes of the suit that a domino leads that beat it there, as bits: uint32 [10, 28]."""
    beaten = np.zeros((NUM_DECLARATIONS, NUM_DOMINOES), np.uint32)
    for declaration in range(NUM_DECLARATIONS):
        for domino in range(NUM_DOMINOES):
            suit = LED_SUIT[declaration, domino]
            for other in range(NUM_DOMINOES):
                in_suit = SUIT_MEMBERS[declaration, suit] >> other & 1
                if in_suit and POWER[declaration, suit, other] > POWER[declaration, suit, domino]:
                    beaten[declaration, domino] |= np.uint32(1 << other)
    return beaten


BEATEN_BY = _beaten_by()


@njit
def encode_v2(views: np.ndarray, tokens: np.ndarray) -> None:
    """Write the tokens of ``views`` [B], in any phase, into int8 [B, 33, 40]."""
    for b in range(len(views)):
        encode_one_v2(views[b], tokens[b])


@njit
def encode_one_v2(view: np.void, tokens: np.ndarray) -> None:
    """``encode_v2`` for one view: tokens int8 [33, 40]."""
    tokens[:] = 0
    candidates = np.empty(NUM_SEATS, np.uint32)
    may_hold(view, candidates)
    best_place = -1
    if view.phase == TRICKS and view.num_plays & 3:
        best_place = trick_winner(view, view.num_plays & ~3)
    _encode_situation(view, candidates, best_place, tokens[SITUATION])
    _encode_seats(view, candidates, best_place, tokens[SEATS:DOMINOES])
    _encode_dominoes(view, candidates, best_place, tokens[DOMINOES:])


@njit
def _needs(view: np.void, team: int) -> int:
    """Points that ``team`` still needs to win what the hand is scored by."""
    if view.scoring == FOR_CONTRACT or view.scoring == FOR_MARKS:
        bid = min(np.int64(view.bid), HAND_POINTS)
        return (bid if view.bidder & 1 == team else HAND_POINTS + 1 - bid) - view.points[team]
    return HAND_POINTS // 2 + 1 - view.points[team]


@njit
def _encode_situation(view: np.void, candidates: np.ndarray, best_place: int, token: np.ndarray) -> None:
    seat, us = view.seat, view.seat & 1
    mine = view.held[seat]
    if view.declaration >= 0:
        token[view.declaration] = 1
    token[10 + min(np.int64(view.phase), TRICKS)] = 1
    token[13 + view.scoring] = 1
    token[17] = view.match
    if view.bidder >= 0:
        token[18 if view.bidder & 1 == us else 19] = 1
        token[20] = min(np.int64(view.bid), HAND_POINTS)
        token[21] = view.bid // HAND_POINTS
    token[22], token[23] = view.points[us], view.points[1 - us]
    if view.phase == TRICKS:
        token[24], token[25] = max(0, _needs(view, us)), max(0, _needs(view, 1 - us))
    token[26], token[27] = view.marks[us], view.marks[1 - us]
    token[28] = NUM_TRICKS - view.num_plays // 4
    in_trick = view.num_plays & 3
    if view.phase == TRICKS:
        token[29 + in_trick] = 1
    if best_place >= 0:
        for i in range(view.num_plays - in_trick, view.num_plays):
            token[33] += COUNT[view.plays[i]]
        led = view.plays[view.num_plays - in_trick]
        token[34] = (TRUMPS[view.declaration] >> np.uint32(led)) & np.uint32(1)
        token[35 if (view.leader + best_place) & 1 == us else 36] = 1
    out = candidates[(seat + 1) & 3] | candidates[(seat + 2) & 3] | candidates[(seat + 3) & 3]
    if view.declaration >= 0:
        token[37] = popcount(TRUMPS[view.declaration] & out)
        token[38] = popcount(TRUMPS[view.declaration] & mine)
    for domino in range(NUM_DOMINOES):
        if (out >> np.uint32(domino)) & np.uint32(1):
            token[39] += COUNT[domino]


@njit
def _encode_seats(view: np.void, candidates: np.ndarray, best_place: int, tokens: np.ndarray) -> None:
    in_trick = view.num_plays & 3
    for relative in range(NUM_SEATS):
        token = tokens[relative]
        seat = (view.seat + relative) & 3
        token[relative] = 1
        if view.declaration >= 0:
            for suit in range(NUM_SUITS):
                token[4 + suit] = SUIT_MEMBERS[view.declaration, suit] & candidates[seat] == 0
            token[12] = TRUMPS[view.declaration] & candidates[seat] == 0
        token[13] = view.shaker == seat
        token[14] = view.bidder == seat
        token[16] = view.to_move == seat
        played = False
        if view.phase == TRICKS or view.phase == OVER:
            token[15] = view.leader == seat
            place = (seat - view.leader) & 3
            played = place < in_trick
            token[17] = place == best_place
            token[18] = played
        token[19] = NUM_TRICKS - view.num_plays // 4 - played
        if relative:
            token[20] = popcount(candidates[seat])
        action = view.calls[(seat - view.shaker - 1) & 3]
        if action == PASS:
            token[21] = 1
        elif action > PASS:
            token[22] = min(bid_value(action), HAND_POINTS)
            token[23] = action - BID_MARKS + 1 if action >= BID_MARKS else 0


@njit
def _encode_dominoes(view: np.void, candidates: np.ndarray, best_place: int, tokens: np.ndarray) -> None:
    seat = view.seat
    declaration = view.declaration
    in_trick = view.num_plays & 3
    first = view.num_plays - in_trick
    left, partner, right = candidates[(seat + 1) & 3], candidates[(seat + 2) & 3], candidates[(seat + 3) & 3]
    out = left | partner | right
    legal = np.uint32(0)
    led, best_power = -1, 0
    if view.phase == TRICKS:
        if view.to_move == seat:
            legal = legal_plays(view)
        if in_trick:
            led = LED_SUIT[declaration, view.plays[first]]
            best_power = POWER[declaration, led, view.plays[first + best_place]]
    for domino in range(NUM_DOMINOES):
        token = tokens[domino]
        bit = np.uint32(1) << np.uint32(domino)
        token[18] = COUNT[domino] == 5
        token[19] = COUNT[domino] == 10
        token[35] = IS_DOUBLE[domino]
        if declaration >= 0:
            token[13] = TRUMPS[declaration] & bit != 0
            token[36] = popcount(SUIT_MEMBERS[declaration, LED_SUIT[declaration, domino]] & out & ~bit)
            token[20 + min(popcount(BEATEN_BY[declaration, domino] & out), 4)] = 1
        mine = view.held[seat] & bit != 0
        hidden = out & bit != 0
        token[0], token[1] = mine, hidden
        if hidden:
            token[10], token[11], token[12] = left & bit != 0, partner & bit != 0, right & bit != 0
        if led >= 0:
            token[14] = SUIT_MEMBERS[declaration, led] & bit != 0
            token[17] = (mine or hidden) and POWER[declaration, led, domino] > best_power
        token[15] = legal & bit != 0
    trick_led, winning = 0, 0
    for i in range(view.num_plays):
        domino = view.plays[i]
        token = tokens[domino]
        if i & 3 == 0:
            trick_led = LED_SUIT[declaration, domino]
            winning = view.plays[i + trick_winner(view, i)]
            token[25] = 1
        if domino == winning:
            token[16 if i >= first else 26] = 1
        token[(2 if i >= first else 6) + ((view.owner[domino] - seat) & 3)] = 1
        token[27] = (SUIT_MEMBERS[declaration, trick_led] >> np.uint32(domino)) & np.uint32(1) == 0
        token[28 + i // 4] = 1
