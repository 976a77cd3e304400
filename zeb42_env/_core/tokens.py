"""Views as tokens for a network, and the labels of its belief head.

The whole game in 33 tokens of 40 small integers: the situation, the four seats from the viewer clockwise, and the 28
dominoes, each with what is public about it and what follows from the rules (who may hold it, whether it is trump, what
still beats it). The order of plays stands in the domino tokens: trick number, seat, and who led. Every token is always
there, so no mask is needed. :mod:`zeb42_env._core.columns` says where what stands.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import popcount
from zeb42_env._core.columns import DOMINOES, KINDS, NUM_COLUMNS, NUM_TOKENS, SEATS, places_of, starts
from zeb42_env._core.dominoes import (
    ALL_DOMINOES,
    BEATERS,
    COUNT,
    FOLLOWERS,
    HAND_POINTS,
    IS_DOUBLE,
    LED_SUIT,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_SUITS,
    NUM_TRICKS,
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
    read_plays,
    trick_points,
    trick_winner,
)

NOT_A_LABEL = -1  # a domino that the belief head is not asked about

_S, _P, _D = (places_of(starts(kind)) for kind in KINDS.values())  # of the situation, a place at the table, a domino
MAY_HOLD, DOMINOES_LEFT = _D.may_hold, _P.dominoes_left

_ITSELF = np.uint32(1) << np.arange(NUM_DOMINOES, dtype=np.uint32)
_LED = LED_SUIT[:, None].astype(np.int64)  # [10, 1, 28]
BEATEN_WORD = (np.take_along_axis(BEATERS, _LED, 1)[:, 0] & FOLLOWERS).astype(np.uint64)
"""uint64 [10, 28]: the dominoes of the suit that a domino leads that beat it there."""
FELLOWS = (FOLLOWERS & ~_ITSELF).astype(np.uint64)
"""uint64 [10, 28]: the other dominoes of the suit that a domino leads."""

FIVES, TENS = (np.uint32(_ITSELF[count == COUNT].sum()) for count in (5, 10))
COUNT_IS_5, COUNT_IS_10, DOUBLES = np.uint64(FIVES), np.uint64(TENS), np.uint64(_ITSELF[IS_DOUBLE].sum())
WORDS_OF_TOKEN = NUM_COLUMNS // 8
ROW = NUM_TOKENS * NUM_COLUMNS  # int8 of a view
# What one word of a domino holds is written as one: these columns have to stay together.
_WORD = {name: start // 8 for name, start in _D._asdict().items()}
assert _WORD["mine"] == _WORD["hidden"] == 0
assert all(_WORD[name] == 1 for name in ("may_hold", "trump", "follows", "legal"))
assert _WORD["would_win"] == _WORD["count"] == _WORD["beaten_by"] == 2
assert (_D.beaten_by + 4) // 8 == 3
assert _WORD["double"] == _WORD["fellows"] == 4


@njit(cache=True, nogil=True)
def encode(views: np.ndarray, tokens: np.ndarray) -> None:
    """Write the tokens of ``views`` [B], in any phase, into int8 [B, 33, 40]."""
    rows = tokens.reshape((len(views), ROW))
    words, columns, absent = rows.view(np.uint64), _new_columns(), np.empty(NUM_SEATS, np.uint32)
    for b in range(len(views)):
        _encode_row(views[b], views[b].seat, rows, words, b, columns, absent)


@njit(cache=True, nogil=True)
def encode_one(view: np.void, tokens: np.ndarray) -> None:
    """``encode`` for one view: tokens int8 [33, 40]."""
    rows = tokens.reshape((1, ROW))
    _encode_row(view, view.seat, rows, rows.view(np.uint64), 0, _new_columns(), np.empty(NUM_SEATS, np.uint32))


@njit(cache=True, nogil=True)
def encode_seats(hands: np.ndarray, seats: np.ndarray, rows: np.ndarray) -> None:
    """What ``encode`` writes of the views that ``seats`` [B] have of the full ``hands`` [B], into int8 [B, 1320].

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
    played, _ = read_plays(hand, absent)
    unseen = ALL_DOMINOES & ~(played | mine)
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


@njit(cache=True, nogil=True)
def _write_situation(
    hand: np.void, seat: int, mine: np.uint32, out: np.uint32, best_place: int, rows: np.ndarray, row: int
) -> None:
    us = seat & 1
    declaration, num_plays = np.int64(hand.declaration), np.int64(hand.num_plays)
    in_trick = num_plays & 3
    if declaration >= 0:
        rows[row, _S.declaration + declaration] = 1
        rows[row, _S.trumps_out] = popcount(TRUMPS[declaration] & out)
        rows[row, _S.my_trumps] = popcount(TRUMPS[declaration] & mine)
    rows[row, _S.phase + min(np.int64(hand.phase), TRICKS)] = 1
    rows[row, _S.scoring + np.int64(hand.scoring)] = 1
    rows[row, _S.match] = hand.match
    if hand.bidder >= 0:
        rows[row, _S.we_bid if hand.bidder & 1 == us else _S.they_bid] = 1
        rows[row, _S.points_bid] = min(np.int64(hand.bid), HAND_POINTS)
        rows[row, _S.marks_bid] = hand.bid // HAND_POINTS
    rows[row, _S.our_points], rows[row, _S.their_points] = hand.points[us], hand.points[1 - us]
    if hand.phase == TRICKS:
        rows[row, _S.we_need], rows[row, _S.they_need] = max(0, needed(hand, us)), max(0, needed(hand, 1 - us))
        rows[row, _S.in_trick + in_trick] = 1
    rows[row, _S.our_marks], rows[row, _S.their_marks] = hand.marks[us], hand.marks[1 - us]
    rows[row, _S.tricks_left] = NUM_TRICKS - (num_plays >> 2)
    if best_place >= 0:
        rows[row, _S.trick_count] = trick_points(hand, num_plays - in_trick) - 1
        led = hand.plays[num_plays - in_trick]
        rows[row, _S.trump_led] = (TRUMPS[declaration] >> np.uint32(led)) & np.uint32(1)
        rows[row, _S.we_win if (hand.leader + best_place) & 1 == us else _S.they_win] = 1
    rows[row, _S.count_out] = 5 * popcount(out & FIVES) + 10 * popcount(out & TENS)


@njit(cache=True, nogil=True, inline="always")  # measured: 30 ns a row less
def _write_seat(
    hand: np.void, me: int, relative: int, candidates: np.uint32, best_place: int, rows: np.ndarray, row: int
) -> None:
    at = (SEATS + relative) * NUM_COLUMNS
    seat = (me + relative) & 3
    declaration, num_plays = np.int64(hand.declaration), np.int64(hand.num_plays)
    rows[row, at + _P.place + relative] = 1
    if declaration >= 0:
        for suit in range(NUM_SUITS):
            rows[row, at + _P.void + suit] = SUIT_MEMBERS[declaration, suit] & candidates == 0
        rows[row, at + _P.void_in_trump] = TRUMPS[declaration] & candidates == 0
    rows[row, at + _P.shaker] = hand.shaker == seat
    rows[row, at + _P.bidder] = hand.bidder == seat
    rows[row, at + _P.to_move] = hand.to_move == seat
    played = False
    if hand.phase == TRICKS or hand.phase == OVER:
        rows[row, at + _P.leader] = hand.leader == seat
        place = (seat - hand.leader) & 3
        played = place < num_plays & 3
        rows[row, at + _P.is_winning] = place == best_place
        rows[row, at + _P.has_played] = played
    rows[row, at + DOMINOES_LEFT] = NUM_TRICKS - (num_plays >> 2) - played
    rows[row, at + _P.candidates] = popcount(candidates) if relative else 0
    action = np.int64(hand.calls[(seat - hand.shaker - 1) & 3])
    rows[row, at + _P.passed] = action == PASS
    if action > PASS:
        rows[row, at + _P.points_it_bid] = min(bid_value(action), HAND_POINTS)
        rows[row, at + _P.marks_it_bid] = action - BID_MARKS + 1 if action >= BID_MARKS else 0


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
        columns[0, domino] = _feature(mine, domino, _D.mine) | _feature(out, domino, _D.hidden)
        may_hold = _feature(left, domino, MAY_HOLD) | _feature(partner, domino, MAY_HOLD + 1)
        may_hold |= _feature(right, domino, MAY_HOLD + 2)
        suits = _feature(trumps, domino, _D.trump) | _feature(led, domino, _D.follows)
        columns[1, domino] = may_hold | suits | _feature(legal, domino, _D.legal)
    for domino in range(NUM_DOMINOES):
        beaten = declared << np.uint64(8 * min(popcount(BEATEN_WORD[trump, domino] & out), 4))
        counts = _feature(COUNT_IS_5, domino, _D.count) | _feature(COUNT_IS_10, domino, _D.count + 1)
        columns[2, domino] = (
            _feature(beaters, domino, _D.would_win) | counts | beaten << np.uint64(8 * (_D.beaten_by & 7))
        )
        columns[3, domino] = beaten >> np.uint64(64 - 8 * (_D.beaten_by & 7))
        in_suit = declared * np.uint64(popcount(FELLOWS[trump, domino] & out))
        columns[4, domino] = _feature(DOUBLES, domino, _D.double) | in_suit << np.uint64(8 * (_D.fellows & 7))


@njit(cache=True, nogil=True)
def _write_plays(hand: np.void, seat: int, best_place: int, rows: np.ndarray, row: int) -> None:
    """Write who played which domino when, and what it led, won or failed to follow."""
    declaration, num_plays = max(np.int64(hand.declaration), 0), np.int64(hand.num_plays)
    first = num_plays & ~3
    suit = np.uint32(0)
    for i in range(num_plays):
        domino = np.int64(hand.plays[i]) & 31
        at = (DOMINOES + domino) * NUM_COLUMNS
        if i & 3 == 0:
            rows[row, at + _D.led] = 1
            suit = FOLLOWERS[declaration, domino]
        rows[row, at + (_D.in_trick if i >= first else _D.in_earlier) + ((np.int64(hand.owner[domino]) - seat) & 3)] = 1
        rows[row, at + _D.failed] = ~(suit >> np.uint32(domino)) & np.uint32(1)
        rows[row, at + _D.trick + (i >> 2)] = 1
    for lead in range(0, first, NUM_SEATS):  # who won a trick leads the next
        winner = hand.owner[np.int64(hand.plays[lead + 4]) & 31] if lead + 4 < num_plays else hand.leader
        place = (winner - hand.owner[np.int64(hand.plays[lead]) & 31]) & 3
        rows[row, (DOMINOES + (np.int64(hand.plays[lead + place]) & 31)) * NUM_COLUMNS + _D.won] = 1
    if best_place >= 0:
        rows[row, (DOMINOES + (np.int64(hand.plays[first + best_place]) & 31)) * NUM_COLUMNS + _D.is_winning] = 1


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
