"""Views as tokens for a network, in two encodings, and the labels of its belief head.

``v1`` is the published encoding (36 tokens of 8 categories: the declaration, the seven dominoes dealt to the viewer,
the plays in order); it knows the trick-taking phase only. ``v2`` is the whole game in 33 tokens of 40 small integers:
the situation, the four seats from the viewer clockwise, and the 28 dominoes, each with what is public about it and
what follows from the rules (who may hold it, whether it is trump, what still beats it). The order of plays stands in
the domino tokens: trick number, seat, and who led. Every token of v2 is always there, so it needs no mask.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import popcount
from zeb42_env._core.dominoes import (
    COUNT,
    HAND_POINTS,
    HIGH,
    IS_DOUBLE,
    LED_SUIT,
    LOW,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_SUITS,
    NUM_TRICKS,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.record import (
    BID_MARKS,
    FOR_CONTRACT,
    FOR_MARKS,
    OVER,
    PASS,
    TRICKS,
    bid_value,
    legal_plays,
    may_hold,
    trick_winner,
)

V1_TOKENS, V1_FEATURES = 1 + NUM_TRICKS + NUM_DOMINOES, 8
V1_SIZES = (7, 7, 2, 3, 4, 2, 10, 3)  # how many categories each feature of v1 has
HIGH_PIP, LOW_PIP, DOUBLE, COUNT_CLASS, PLAYER, IN_HAND, DECLARED, TOKEN_TYPE = range(V1_FEATURES)
DECLARATION_TOKEN, HAND_TOKEN, PLAY_TOKEN = 0, 1, 2

V2_TOKENS, V2_FEATURES = 1 + NUM_SEATS + NUM_DOMINOES, 40
SITUATION, SEATS, DOMINOES = 0, 1, 1 + NUM_SEATS  # the first token of each kind

MAY_HOLD, DOMINOES_LEFT = 10, 19  # first of three features of a domino token; feature of a seat token

NOT_A_LABEL = -1  # a domino that the belief head is not asked about

# name, number of features, largest value; numbers above 1 are scaled by the reader.
SITUATION_FEATURES = (
    ("declaration", 10, 1),
    ("phase: auction, declaration, tricks", 3, 1),
    ("scoring: marks, contract, majority, points", 4, 1),
    ("part of a match", 1, 1),
    ("my team is the offense", 1, 1),
    ("the other team is the offense", 1, 1),
    ("points bid, at most 42", 1, 42),
    ("marks bid", 1, 5),
    ("points of my team", 1, 42),
    ("points of the other team", 1, 42),
    ("points my team still needs", 1, 42),
    ("points the other team still needs", 1, 42),
    ("marks of my team", 1, 7),
    ("marks of the other team", 1, 7),
    ("tricks left", 1, 7),
    ("dominoes in the trick: 0, 1, 2, 3", 4, 1),
    ("points in the trick", 1, 21),
    ("trump was led", 1, 1),
    ("partner is winning the trick", 1, 1),
    ("an opponent is winning the trick", 1, 1),
    ("trumps still out, not mine", 1, 7),
    ("trumps I hold", 1, 7),
    ("count points I cannot see", 1, 35),
)
SEAT_FEATURES = (
    ("seat: me, left, partner, right", 4, 1),
    ("void in suit 0..6, doubles", 8, 1),
    ("void in trump", 1, 1),
    ("shaker", 1, 1),
    ("bidder", 1, 1),
    ("leads the trick", 1, 1),
    ("to move", 1, 1),
    ("is winning the trick", 1, 1),
    ("has played in the trick", 1, 1),
    ("dominoes left", 1, 7),
    ("hidden dominoes it may hold", 1, 21),
    ("passed", 1, 1),
    ("points it bid, at most 42", 1, 42),
    ("marks it bid", 1, 5),
)
DOMINO_FEATURES = (
    ("I hold it", 1, 1),
    ("hidden", 1, 1),
    ("in the trick, played by me, left, partner, right", 4, 1),
    ("in an earlier trick, played by me, left, partner, right", 4, 1),
    ("may be held by left, partner, right", 3, 1),
    ("trump", 1, 1),
    ("belongs to the suit led", 1, 1),
    ("legal now", 1, 1),
    ("is winning the trick", 1, 1),
    ("would win the trick as it lies", 1, 1),
    ("count: 5, 10", 2, 1),
    ("others' dominoes that beat it in the suit it leads: 0, 1, 2, 3, more", 5, 1),
    ("led its trick", 1, 1),
    ("won its trick", 1, 1),
    ("did not follow suit", 1, 1),
    ("trick it was played in: 1..7", 7, 1),
    ("double", 1, 1),
    ("others' dominoes in the suit it leads", 1, 7),
)


def feature_scale(features: tuple[tuple[str, int, int], ...]) -> np.ndarray:
    """What to multiply a token's 40 features by to bring each into about -1..1: float32 [40]."""
    scale = np.ones(V2_FEATURES, np.float32)
    place = 0
    for _, width, largest in features:
        scale[place : place + width] = 1 / largest
        place += width
    assert place <= V2_FEATURES
    return scale


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


@njit(cache=True, nogil=True)
def encode_v1(views: np.ndarray, tokens: np.ndarray, mask: np.ndarray) -> None:
    """Write the published tokens of ``views`` [B], in their tricks, into int8 [B, 36, 8] and what is valid into bool
    [B, 36]."""
    for b in range(len(views)):
        encode_one_v1(views[b], tokens[b], mask[b])


@njit(cache=True, nogil=True, inline="always")
def _put_domino(token: np.ndarray, domino: int) -> None:
    token[HIGH_PIP] = HIGH[domino]
    token[LOW_PIP] = LOW[domino]
    token[DOUBLE] = IS_DOUBLE[domino]
    token[COUNT_CLASS] = COUNT[domino] // 5


@njit(cache=True, nogil=True)
def encode_one_v1(view: np.void, tokens: np.ndarray, mask: np.ndarray) -> None:
    """``encode_v1`` for one view: tokens int8 [36, 8], mask bool [36]."""
    assert view.declaration >= 0
    tokens[:] = 0
    mask[:] = False
    tokens[0, DECLARED] = view.declaration
    tokens[0, TOKEN_TYPE] = DECLARATION_TOKEN
    mask[0] = True
    slot = 1
    for domino in range(NUM_DOMINOES):
        if view.owner[domino] != view.seat:
            continue
        if (view.held[view.seat] >> np.uint32(domino)) & np.uint32(1):
            _put_domino(tokens[slot], domino)
            tokens[slot, IN_HAND] = 1
            tokens[slot, DECLARED] = view.declaration
            tokens[slot, TOKEN_TYPE] = HAND_TOKEN
            mask[slot] = True
        slot += 1
    for i in range(view.num_plays):
        domino = view.plays[i]
        token = tokens[1 + NUM_TRICKS + i]
        _put_domino(token, domino)
        token[PLAYER] = (view.owner[domino] - view.seat) & 3
        token[DECLARED] = view.declaration
        token[TOKEN_TYPE] = PLAY_TOKEN
        mask[1 + NUM_TRICKS + i] = True


@njit(cache=True, nogil=True)
def hand_slots(view: np.void, slots: np.ndarray) -> None:
    """Write the seven dominoes dealt to the view's seat, ascending, into ``slots`` [7]: what v1's policy speaks of."""
    slot = 0
    for domino in range(NUM_DOMINOES):
        if view.owner[domino] == view.seat:
            slots[slot] = domino
            slot += 1


@njit(cache=True, nogil=True)
def encode_v2(views: np.ndarray, tokens: np.ndarray) -> None:
    """Write the tokens of ``views`` [B], in any phase, into int8 [B, 33, 40]."""
    for b in range(len(views)):
        encode_one_v2(views[b], tokens[b])


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True, inline="always")
def _needs(view: np.void, team: int) -> int:
    """Points that ``team`` still needs to win what the hand is scored by."""
    if view.scoring == FOR_CONTRACT or view.scoring == FOR_MARKS:
        bid = min(np.int64(view.bid), HAND_POINTS)
        return (bid if view.bidder & 1 == team else HAND_POINTS + 1 - bid) - view.points[team]
    return HAND_POINTS // 2 + 1 - view.points[team]


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def belief_labels(owner: np.ndarray, view: np.void, hidden_only: bool, labels: np.ndarray) -> None:
    """Write where each domino is, into ``labels`` int8 [28]: 0 left, 1 partner, 2 right of the viewer, -1 not asked.

    Asked are the dominoes still hidden from the view, or all 21 that the viewer was not dealt. ``owner`` [28] is the
    seat that was dealt each domino.
    """
    for domino in range(NUM_DOMINOES):
        place = (owner[domino] - view.seat - 1) & 3
        asked = place < 3 and not (hidden_only and view.owner[domino] >= 0)
        labels[domino] = place if asked else NOT_A_LABEL
