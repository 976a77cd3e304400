"""What the networks of calls see, as lists of the columns that are on.

Seats are counted from the caller clockwise: me, left, partner, right. Nothing is read but the caller's own dominoes,
the calls, the shaker, and what the hand is played for.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.minds.columns import Columns
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    BEATERS,
    COUNT,
    DOUBLES_SUIT_ONLY,
    HAND_POINTS,
    IS_DOUBLE,
    LED_SUIT,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_TRICKS,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.goals import MATCH_MARKS, by_marks
from zeb42_env._core.record import BID_MARKS, BID_POINTS, DECLARE, MAX_MARKS_BID, MIN_BID, PASS, RESHAKE

VERSION = 1
"""Of the tables. A network is of use with the version that it has learned with alone."""
UP_TO_SEVEN = NUM_TRICKS + 1
NUM_BIDS = HAND_POINTS - MIN_BID + 1  # 30..42; a mark is 42
NUM_CALLS = DECLARE - PASS  # pass, 30..41, 1..5 marks
NUM_OTHERS = NUM_SEATS - 1
NUM_KINDS = 8  # of calls of others: pass, 30, 31, 32, 33 to 41, 1 mark, 2 marks, more
NOT_YET = NUM_KINDS
NUM_TENTHS = 16  # steps of a promise, even in log odds
NUM_STEPS = 8  # counts in fives: 0..7

PRICES = (
    Columns("held", "I hold the domino", NUM_DOMINOES),
    Columns("held_under", "I hold the domino, by declaration", NUM_DECLARATIONS * NUM_DOMINOES),
    Columns("declaration", "what is trump", NUM_DECLARATIONS),
    Columns("trumps", "trumps that I hold: 0..7", UP_TO_SEVEN),
    Columns("trump", "I hold the trump of the rank, the highest first", NUM_TRICKS),
    Columns("winners", "other dominoes that nothing beats in the suit they lead: 0..7", UP_TO_SEVEN),
    Columns("one_above", "others that a single domino beats there: 0..7", UP_TO_SEVEN),
    Columns("losers", "others that more of them beat: 0..7", UP_TO_SEVEN),
    Columns("doubles", "doubles: 0..7", UP_TO_SEVEN),
    Columns("count", "count that I hold, in fives", NUM_STEPS),
    Columns("lost_count", "of it what is neither trump nor winner, in fives", NUM_STEPS),
    Columns("calls", "what the seats to my left, opposite and to my right called", NUM_OTHERS * NUM_KINDS),
    Columns("shaker", "who shook", NUM_SEATS),
    Columns("bid", "what I bid: 30..42", NUM_BIDS),
)
"""Of a contract, before its first lead, for its bidder."""
ENDS = (
    Columns("held", "I hold the domino", NUM_DOMINOES),
    Columns("doubles", "doubles: 0..7", UP_TO_SEVEN),
    Columns("promise", "how often my best declaration makes the lowest bid there is", NUM_TENTHS),
    Columns("promise_42", "how often my best declaration makes 42", NUM_TENTHS),
    Columns("call", "what I call", NUM_CALLS),
    Columns("calls", "what the other seats called, or that they did not yet", NUM_OTHERS * (NUM_KINDS + 1)),
    Columns("place", "how many called before me", NUM_SEATS),
    Columns("high", "the highest call so far, a pass where nobody bid", NUM_CALLS),
    Columns("holder", "who holds it: nobody, my partner, an opponent", 3),
    Columns("reshake", "the hand is thrown in if nobody bids", 1),
    Columns("one_stake", "marks do not count", 1),
    Columns("our_marks", "in a match, of my team", MATCH_MARKS),
    Columns("their_marks", "in a match, of the others", MATCH_MARKS),
)
"""Of a call, before it is made, for its caller."""


def starts(table: tuple[Columns, ...]) -> dict[str, int]:
    """The first column of each kind."""
    found, start = {}, 0
    for columns in table:
        found[columns.name] = start
        start += columns.width
    return found


NUM_PRICE_COLUMNS, NUM_END_COLUMNS = (sum(columns.width for columns in table) for table in (PRICES, ENDS))
MOST_ON = 64  # more than can be on at once
(_HELD, _HELD_UNDER, _DECLARATION, _TRUMPS, _TRUMP, _WINNERS, _ONE_ABOVE, _LOSERS, _DOUBLES, _COUNT, _LOST_COUNT,
 _CALLS, _SHAKER, BID) = starts(PRICES).values()  # fmt: skip
(_E_HELD, _E_DOUBLES, _E_PROMISE, _E_PROMISE_42, CALL, _E_CALLS, _E_PLACE, _E_HIGH, _E_HOLDER, _E_RESHAKE, _E_ONE_STAKE,
 _E_OURS, _E_THEIRS) = starts(ENDS).values()  # fmt: skip


@njit(cache=True, nogil=True)
def write_contract(held: np.uint32, declaration: int, on: np.ndarray) -> int:
    """Write the columns that follow from a bidder's seven dominoes and its declaration into ``on`` (int32 [64]);
    returns how many there are."""
    trumps, others = held & TRUMPS[declaration], held & ~TRUMPS[declaration]
    n, doubles, count, lost = 0, 0, 0, 0
    left = held
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        on[n] = _HELD + domino
        on[n + 1] = _HELD_UNDER + declaration * NUM_DOMINOES + domino
        n += 2
        doubles += IS_DOUBLE[domino]
        count += COUNT[domino]
    if declaration < DOUBLES_SUIT_ONLY:
        left = trumps
        while left:
            domino = lowest(left)
            left &= left - np.uint32(1)
            on[n] = _TRUMP + popcount(BEATERS[declaration, declaration, domino])
            n += 1
    winners, one_above, losers = 0, 0, 0
    while others:
        domino = lowest(others)
        others &= others - np.uint32(1)
        suit = np.int64(LED_SUIT[declaration, domino])
        above = popcount(BEATERS[declaration, suit, domino] & SUIT_MEMBERS[declaration, suit] & ~held)
        winners += above == 0
        one_above += above == 1
        losers += above > 1
        lost += COUNT[domino] if above else 0
    on[n] = _DECLARATION + declaration
    on[n + 1] = _TRUMPS + popcount(trumps)
    on[n + 2] = _WINNERS + winners
    on[n + 3] = _ONE_ABOVE + one_above
    on[n + 4] = _LOSERS + losers
    on[n + 5] = _DOUBLES + doubles
    on[n + 6] = _COUNT + count // 5
    on[n + 7] = _LOST_COUNT + lost // 5
    return n + 8


@njit(cache=True, nogil=True)
def write_contract_calls(hand: np.void, seat: int, on: np.ndarray, n: int) -> int:
    """Add the columns of the calls around the contract of ``seat``, who has not called yet or holds the bid; others who
    have not called yet pass. Returns how many are on."""
    for place in range(NUM_SEATS):
        other = (hand.shaker + 1 + place - seat) & 3
        if other:
            action = np.int64(hand.calls[place])
            on[n] = _CALLS + (other - 1) * NUM_KINDS + (kind_of_call(action) if action >= 0 else 0)
            n += 1
    on[n] = _SHAKER + ((hand.shaker - seat) & 3)
    return n + 1


@njit(cache=True, nogil=True)
def kind_of_call(action: int) -> int:
    """Of the eight kinds of calls of others, which one ``action`` is."""
    if action >= BID_MARKS:
        return min(5 + action - BID_MARKS, NUM_KINDS - 1)
    return 0 if action == PASS else min(action - BID_POINTS, 3) + 1


@njit(cache=True, nogil=True)
def tenth(promise: float) -> int:
    """The step of a promise: which of 16, even in log odds from -4 to 4."""
    odds = np.log(max(promise, 1e-6) / max(1.0 - promise, 1e-6))
    return min(max(int((odds + 4.0) * (NUM_TENTHS / 8.0)), 0), NUM_TENTHS - 1)


@njit(cache=True, nogil=True)
def write_auction(
    hand: np.void, seat: int, place: int, held: np.uint32, promise: float, promise_42: float, on: np.ndarray
) -> int:
    """Write the columns of call number ``place`` of ``hand``, which ``seat`` with the dominoes ``held`` is to make,
    into ``on`` (int32 [64]), all but the call itself. Calls from there on are not looked at. Returns how many are on.
    """
    n, doubles, left = 0, 0, held
    while left:
        domino = lowest(left)
        left &= left - np.uint32(1)
        on[n] = _E_HELD + domino
        n += 1
        doubles += IS_DOUBLE[domino]
    high, holder = np.int64(PASS), 0
    for i in range(NUM_SEATS):
        other = (hand.shaker + 1 + i - seat) & 3
        if other == 0:
            continue
        kind = NOT_YET
        if i < place:
            action = np.int64(hand.calls[i])
            kind = kind_of_call(action)
            if action != PASS:
                high, holder = action, 1 if other == 2 else 2
        on[n] = _E_CALLS + (other - 1) * (NUM_KINDS + 1) + kind
        n += 1
    on[n] = _E_DOUBLES + doubles
    on[n + 1] = _E_PROMISE + tenth(promise)
    on[n + 2] = _E_PROMISE_42 + tenth(promise_42)
    on[n + 3] = _E_PLACE + place
    on[n + 4] = _E_HIGH + high - PASS
    on[n + 5] = _E_HOLDER + holder
    n += 6
    if hand.all_pass == RESHAKE:
        on[n] = _E_RESHAKE
        n += 1
    if not by_marks(hand.scoring):
        on[n] = _E_ONE_STAKE
        n += 1
    if hand.match:
        on[n] = _E_OURS + min(np.int64(hand.marks[seat & 1]), MATCH_MARKS - 1)
        on[n + 1] = _E_THEIRS + min(np.int64(hand.marks[1 - (seat & 1)]), MATCH_MARKS - 1)
        n += 2
    return n


@njit(cache=True, inline="always")
def bid_row(bid: int) -> int:
    """Which of 30..42 a bid is, a mark and more being 42."""
    return min(bid, HAND_POINTS) - MIN_BID


@njit(cache=True, nogil=True)
def dealt_to(hand: np.void, seat: int) -> np.uint32:
    """The dominoes that ``seat`` was dealt, as bits; of a full hand, however far it is."""
    held = np.uint32(0)
    for domino in range(NUM_DOMINOES):
        if hand.owner[domino] == seat:
            held |= np.uint32(1) << np.uint32(domino)
    return held


@njit(cache=True, nogil=True)
def contract_columns(hands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The price columns of the contracts of full ``hands`` [B], each of which has one: int32 [N] one after the other,
    and where each begins, int64 [B]. What ``torch.nn.EmbeddingBag`` takes."""
    on, begins = np.empty(len(hands) * MOST_ON, np.int32), np.empty(len(hands), np.int64)
    n = 0
    for b in range(len(hands)):
        hand, seat, row = hands[b], np.int64(hands[b].bidder), on[n : n + MOST_ON]
        begins[b] = n
        m = write_contract(dealt_to(hand, seat), np.int64(hand.declaration), row)
        m = write_contract_calls(hand, seat, row, m)
        row[m] = BID + bid_row(hand.bid)
        n += m + 1
    return on[:n].copy(), begins


assert MAX_MARKS_BID == NUM_CALLS - 1 - (BID_MARKS - BID_POINTS)
