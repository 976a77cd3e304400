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
    ALL_DOMINOES,
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
from zeb42_env._core.goals import needed
from zeb42_env._core.record import (
    BID_MARKS,
    OVER,
    PASS,
    TRICKS,
    bid_value,
    legal_plays,
    trick_points,
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


def _tables() -> tuple[np.ndarray, np.ndarray]:
    followers = np.zeros((NUM_DECLARATIONS, NUM_DOMINOES), np.uint32)
    beaters = np.zeros((NUM_DECLARATIONS, NUM_SUITS, NUM_DOMINOES), np.uint32)
    for declaration in range(NUM_DECLARATIONS):
        followers[declaration] = SUIT_MEMBERS[declaration, LED_SUIT[declaration]]
        for other in range(NUM_DOMINOES):
            power = POWER[declaration]  # [8, 28]
            beaters[declaration] |= np.where(power[:, other, None] > power, np.uint32(1 << other), np.uint32(0))
    return followers, beaters


FOLLOWERS, BEATERS = _tables()
"""FOLLOWERS [10, 28]    the dominoes of the suit that a domino leads, itself too, as bits.
BEATERS   [10, 8, 28] the dominoes that beat a domino in a trick of that led suit, trumps too, as bits."""

_ITSELF = np.uint32(1) << np.arange(NUM_DOMINOES, dtype=np.uint32)
_LED = LED_SUIT[..., None].astype(np.int64)  # [10, 28, 1]
BEATEN_WORD = (np.take_along_axis(BEATERS, _LED.transpose(0, 2, 1), 1)[:, 0] & FOLLOWERS).astype(np.uint64)
"""uint64 [10, 28]: the dominoes of the suit that a domino leads that beat it there."""
FELLOWS = (FOLLOWERS & ~_ITSELF).astype(np.uint64)
"""uint64 [10, 28]: the other dominoes of the suit that a domino leads."""

FIVES, TENS = (np.uint32(_ITSELF[count == COUNT].sum()) for count in (5, 10))
COUNT_IS_5, COUNT_IS_10, DOUBLES = np.uint64(FIVES), np.uint64(TENS), np.uint64(_ITSELF[IS_DOUBLE].sum())
WORDS_OF_TOKEN = V2_FEATURES // 8


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


# v2 is written a batch at a time into int8 [B, 1320] whose rows are also seen as 165 words of eight features each, and
# every kernel below takes the whole batch and the number of its row: slicing a row off would cost a count of
# references, some 20 ns each time. Eight neighbouring 0/1 features of a domino are one word, feature f in byte f % 8
# (least significant first: the machines numba has are little-endian).


@njit(cache=True, nogil=True)
def encode_v2(views: np.ndarray, tokens: np.ndarray) -> None:
    """Write the tokens of ``views`` [B], in any phase, into int8 [B, 33, 40]."""
    rows = tokens.reshape((len(views), V2_TOKENS * V2_FEATURES))
    words, columns, absent = rows.view(np.uint64), _new_columns(), np.empty(NUM_SEATS, np.uint32)
    for b in range(len(views)):
        _encode_row(views[b], views[b].seat, rows, words, b, columns, absent)


@njit(cache=True, nogil=True)
def encode_one_v2(view: np.void, tokens: np.ndarray) -> None:
    """``encode_v2`` for one view: tokens int8 [33, 40]."""
    rows = tokens.reshape((1, V2_TOKENS * V2_FEATURES))
    _encode_row(view, view.seat, rows, rows.view(np.uint64), 0, _new_columns(), np.empty(NUM_SEATS, np.uint32))


@njit(cache=True, nogil=True)
def encode_seats_v2(hands: np.ndarray, seats: np.ndarray, rows: np.ndarray) -> None:
    """What ``encode_v2`` writes of the views that ``seats`` [B] have of the full ``hands`` [B], into int8 [B, 1320].

    No view is made: the encoder reads nothing of a hand but what the seat sees.
    """
    words, columns, absent = rows.view(np.uint64), _new_columns(), np.empty(NUM_SEATS, np.uint32)
    for b in range(len(hands)):
        _encode_row(hands[b], seats[b], rows, words, b, columns, absent)


@njit(cache=True, inline="always")
def _new_columns() -> np.ndarray:
    """Room for the five words of each domino's token, the same word of all dominoes side by side."""
    return np.empty((WORDS_OF_TOKEN, NUM_DOMINOES), np.uint64)


@njit(cache=True, nogil=True)
def _encode_row(
    hand: np.void,
    seat: int,
    rows: np.ndarray,
    words: np.ndarray,
    row: int,
    columns: np.ndarray,
    absent: np.ndarray,
) -> None:
    """Write what ``seat`` sees of ``hand`` into the row. Of what is hidden nothing may be read here or below: only the
    owners of the dominoes played, and what the seat itself holds. ``columns`` and ``absent`` are scratch."""
    me = np.int64(seat) & 3  # the mask says that it cannot be negative, which saves checks of indices
    mine = hand.held[me]
    unseen = ALL_DOMINOES & ~(_read_plays(hand, absent) | mine)
    left, partner = unseen & ~absent[(me + 1) & 3], unseen & ~absent[(me + 2) & 3]
    right = unseen & ~absent[(me + 3) & 3]
    out = left | partner | right
    best_place, led, legal, beaters = -1, np.uint32(0), np.uint32(0), np.uint32(0)
    if hand.phase == TRICKS:
        if hand.to_move == me:
            legal = legal_plays(hand)
        declaration, num_plays = np.int64(hand.declaration), np.int64(hand.num_plays)
        first = num_plays & ~3
        if first < num_plays:
            best_place = trick_winner(hand, first)
            suit = LED_SUIT[declaration, hand.plays[first]]
            led = SUIT_MEMBERS[declaration, suit]
            beaters = BEATERS[declaration, suit, hand.plays[first + best_place]] & (mine | out)
    for word in range(DOMINOES * WORDS_OF_TOKEN):
        words[row, word] = 0
    _write_situation(hand, me, mine, out, best_place, rows, row)
    absent[0], absent[1], absent[2], absent[3] = mine, left, partner, right
    for relative in range(NUM_SEATS):
        _write_seat(hand, me, relative, absent[relative], best_place, rows, row)
    _set_columns(hand.declaration, (mine, left, partner, right, led, legal, beaters), columns)
    for domino in range(NUM_DOMINOES):
        for word in range(WORDS_OF_TOKEN):
            words[row, (DOMINOES + domino) * WORDS_OF_TOKEN + word] = columns[word, domino]
    _write_plays(hand, me, best_place, rows, row)


@njit(cache=True, nogil=True, inline="always")
def _read_plays(hand: np.void, absent: np.ndarray) -> np.uint32:
    """Write into ``absent`` (uint32 [4], bits) the suits that each seat failed to follow; returns what was played."""
    absent[:] = 0
    played, suit = np.uint32(0), np.uint32(0)
    declaration = max(np.int64(hand.declaration), 0)
    for i in range(np.int64(hand.num_plays)):
        domino = np.int64(hand.plays[i]) & 31
        if i & 3 == 0:
            suit = FOLLOWERS[declaration, domino]
        played |= np.uint32(1) << np.uint32(domino)
        failed = ~(suit >> np.uint32(domino)) & np.uint32(1)
        absent[np.int64(hand.owner[domino]) & 3] |= suit * failed
    return played


@njit(cache=True, nogil=True)
def _write_situation(
    hand: np.void, seat: int, mine: np.uint32, out: np.uint32, best_place: int, rows: np.ndarray, row: int
) -> None:
    us = seat & 1
    declaration, num_plays = np.int64(hand.declaration), np.int64(hand.num_plays)
    in_trick = num_plays & 3
    if declaration >= 0:
        rows[row, declaration] = 1
        rows[row, 37] = popcount(TRUMPS[declaration] & out)
        rows[row, 38] = popcount(TRUMPS[declaration] & mine)
    rows[row, 10 + min(np.int64(hand.phase), TRICKS)] = 1
    rows[row, 13 + np.int64(hand.scoring)] = 1
    rows[row, 17] = hand.match
    if hand.bidder >= 0:
        rows[row, 18 if hand.bidder & 1 == us else 19] = 1
        rows[row, 20] = min(np.int64(hand.bid), HAND_POINTS)
        rows[row, 21] = hand.bid // HAND_POINTS
    rows[row, 22], rows[row, 23] = hand.points[us], hand.points[1 - us]
    if hand.phase == TRICKS:
        rows[row, 24], rows[row, 25] = max(0, needed(hand, us)), max(0, needed(hand, 1 - us))
        rows[row, 29 + in_trick] = 1
    rows[row, 26], rows[row, 27] = hand.marks[us], hand.marks[1 - us]
    rows[row, 28] = NUM_TRICKS - (num_plays >> 2)
    if best_place >= 0:
        rows[row, 33] = trick_points(hand, num_plays - in_trick) - 1
        led = hand.plays[num_plays - in_trick]
        rows[row, 34] = (TRUMPS[declaration] >> np.uint32(led)) & np.uint32(1)
        rows[row, 35 if (hand.leader + best_place) & 1 == us else 36] = 1
    rows[row, 39] = 5 * popcount(out & FIVES) + 10 * popcount(out & TENS)


@njit(cache=True, nogil=True, inline="always")  # measured: 30 ns a row less
def _write_seat(
    hand: np.void, me: int, relative: int, candidates: np.uint32, best_place: int, rows: np.ndarray, row: int
) -> None:
    at = (SEATS + relative) * V2_FEATURES
    seat = (me + relative) & 3
    declaration, num_plays = np.int64(hand.declaration), np.int64(hand.num_plays)
    rows[row, at + relative] = 1
    if declaration >= 0:
        for suit in range(NUM_SUITS):
            rows[row, at + 4 + suit] = SUIT_MEMBERS[declaration, suit] & candidates == 0
        rows[row, at + 12] = TRUMPS[declaration] & candidates == 0
    rows[row, at + 13] = hand.shaker == seat
    rows[row, at + 14] = hand.bidder == seat
    rows[row, at + 16] = hand.to_move == seat
    played = False
    if hand.phase == TRICKS or hand.phase == OVER:
        rows[row, at + 15] = hand.leader == seat
        place = (seat - hand.leader) & 3
        played = place < num_plays & 3
        rows[row, at + 17] = place == best_place
        rows[row, at + 18] = played
    rows[row, at + 19] = NUM_TRICKS - (num_plays >> 2) - played
    rows[row, at + 20] = popcount(candidates) if relative else 0
    action = np.int64(hand.calls[(seat - hand.shaker - 1) & 3])
    rows[row, at + 21] = action == PASS
    if action > PASS:
        rows[row, at + 22] = min(bid_value(action), HAND_POINTS)
        rows[row, at + 23] = action - BID_MARKS + 1 if action >= BID_MARKS else 0


@njit(cache=True, nogil=True, inline="always")
def _feature(dominoes: np.uint64, domino: int, feature: int) -> np.uint64:
    """Whether ``domino`` is among the ``dominoes``, at the place of ``feature`` in its word."""
    return ((dominoes >> np.uint64(domino)) & np.uint64(1)) << np.uint64(8 * (feature & 7))


@njit(cache=True, nogil=True)
def _set_columns(declaration: int, sets: tuple[np.uint32, ...], columns: np.ndarray) -> None:
    """Write all features of the domino tokens but the plays' into ``columns``; word by word for all dominoes, without
    a branch, so that the compiler takes several dominoes at a time."""
    mine, left, partner, right = np.uint64(sets[0]), np.uint64(sets[1]), np.uint64(sets[2]), np.uint64(sets[3])
    led, legal, beaters = np.uint64(sets[4]), np.uint64(sets[5]), np.uint64(sets[6])
    out = left | partner | right
    declared = np.uint64(declaration >= 0)
    trump = max(np.int64(declaration), 0)
    trumps = np.uint64(TRUMPS[trump]) * declared
    for domino in range(NUM_DOMINOES):
        columns[0, domino] = _feature(mine, domino, 0) | _feature(out, domino, 1)
        may_hold = _feature(left, domino, 10) | _feature(partner, domino, 11) | _feature(right, domino, 12)
        suits = _feature(trumps, domino, 13) | _feature(led, domino, 14)
        columns[1, domino] = may_hold | suits | _feature(legal, domino, 15)
    for domino in range(NUM_DOMINOES):
        beaten = declared << np.uint64(8 * min(popcount(BEATEN_WORD[trump, domino] & out), 4))  # features 20..24
        counts = _feature(COUNT_IS_5, domino, 18) | _feature(COUNT_IS_10, domino, 19)
        columns[2, domino] = _feature(beaters, domino, 17) | counts | beaten << np.uint64(32)
        columns[3, domino] = beaten >> np.uint64(32)
        in_suit = declared * np.uint64(popcount(FELLOWS[trump, domino] & out))
        columns[4, domino] = _feature(DOUBLES, domino, 35) | in_suit << np.uint64(32)


@njit(cache=True, nogil=True)
def _write_plays(hand: np.void, seat: int, best_place: int, rows: np.ndarray, row: int) -> None:
    """Write who played which domino when, and what it led, won or failed to follow."""
    declaration, num_plays = max(np.int64(hand.declaration), 0), np.int64(hand.num_plays)
    first = num_plays & ~3
    suit = np.uint32(0)
    for i in range(num_plays):
        domino = np.int64(hand.plays[i]) & 31
        at = (DOMINOES + domino) * V2_FEATURES
        if i & 3 == 0:
            rows[row, at + 25] = 1
            suit = FOLLOWERS[declaration, domino]
        rows[row, at + (2 if i >= first else 6) + ((np.int64(hand.owner[domino]) - seat) & 3)] = 1
        rows[row, at + 27] = ~(suit >> np.uint32(domino)) & np.uint32(1)
        rows[row, at + 28 + (i >> 2)] = 1
    for lead in range(0, first, NUM_SEATS):  # who won a trick leads the next
        winner = hand.owner[np.int64(hand.plays[lead + 4]) & 31] if lead + 4 < num_plays else hand.leader
        place = (winner - hand.owner[np.int64(hand.plays[lead]) & 31]) & 3
        rows[row, (DOMINOES + (np.int64(hand.plays[lead + place]) & 31)) * V2_FEATURES + 26] = 1
    if best_place >= 0:
        rows[row, (DOMINOES + (np.int64(hand.plays[first + best_place]) & 31)) * V2_FEATURES + 16] = 1


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
