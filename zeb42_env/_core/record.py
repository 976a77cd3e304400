"""The HAND record, which is the whole state of one hand, and the kernels that move it.

A *view* is the same record with what one seat cannot see blanked out, so every kernel here that reads the hand of the
seat to move, the plays or the contract works on views too. Kernels change the record they are given in place and
check nothing but asserts: callers with a user behind them go through :class:`zeb42_env.Hand`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import below, popcount
from zeb42_env._core.dominoes import (
    ALL_DOMINOES,
    COUNT,
    FOLLOWERS,
    HAND_POINTS,
    HIGH,
    IS_DOUBLE,
    LED_SUIT,
    LOW,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_TRICKS,
    POWER,
    SUIT_MEMBERS,
)

# One space of actions for all phases.
PLAY, PASS, BID_POINTS, BID_MARKS, DECLARE, NUM_ACTIONS = 0, 28, 29, 41, 46, 56
MIN_BID, MAX_MARKS_BID = 30, 5
MAX_DECISIONS = NUM_SEATS + 1 + NUM_DOMINOES  # four calls, a declaration, 28 plays

AUCTION, DECLARATION, TRICKS, OVER = 0, 1, 2, 3  # Phase
SHAKER_BIDS, RESHAKE = 0, 1  # AllPass
BY_AUCTION, BY_CHANCE, BY_FORCED_30, BY_MOST_TRUMPS = 0, 1, 2, 3  # Contract

NOBODY = -1
UNKNOWN = -1

HAND = np.dtype(
    [
        ("held", np.uint32, (4,)),  # dominoes that each seat still holds, as bits; 0 for the other seats of a view
        ("declarations", np.uint16),  # declarations that the winner of the auction may make, as bits
        ("bid", np.int16),  # highest bid so far in points, a mark being 42; 0 none
        ("owner", np.int8, (28,)),  # seat that was dealt each domino; -1 hidden from this view
        ("plays", np.int8, (28,)),  # dominoes in the order played; -1 not yet
        ("calls", np.int8, (4,)),  # actions of the auction from the seat left of the shaker on; -1 not yet
        ("seat", np.int8),  # whose view this is; -1 the whole hand
        ("shaker", np.int8),
        ("phase", np.int8),
        ("to_move", np.int8),  # seat to move; -1 when the hand is over
        ("bidder", np.int8),  # seat of the highest bid so far; -1 none
        ("declaration", np.int8),  # 0..9; -1 not yet
        ("leader", np.int8),  # seat that led the current trick
        ("num_plays", np.int8),
        ("points", np.int8, (2,)),  # taken so far by seats 0&2 and 1&3
        ("marks", np.int8, (2,)),  # of the match, before this hand
        ("scoring", np.int8),  # what the hand is played for
        ("all_pass", np.int8),  # what happens when nobody bids
        ("match", np.int8),  # 1 when the hand is part of a match to seven marks
        ("kind", np.int8),  # kind of contract; 0 straight 42, the only one so far
    ],
    align=True,
)
"""One hand, 96 bytes. A batch of hands is an array of these; copying a state is an assignment."""


@njit(cache=True)
def legal_mask(hand: np.void) -> np.uint64:
    """The legal actions of the seat to move, as bits over the 56 action ids; 0 when the hand is over."""
    if hand.phase == TRICKS:
        return np.uint64(legal_plays(hand))
    if hand.phase == DECLARATION:
        return np.uint64(hand.declarations) << np.uint64(DECLARE)
    if hand.phase == AUCTION:
        return legal_calls(hand)
    return np.uint64(0)


@njit(cache=True, inline="always")
def legal_plays(hand: np.void) -> np.uint32:
    """The dominoes that the seat to move may play, as bits: the led suit if it can follow, otherwise any."""
    held = hand.held[hand.to_move]
    in_trick = hand.num_plays & 3
    if in_trick:
        led = LED_SUIT[hand.declaration, hand.plays[hand.num_plays - in_trick]]
        follow = held & SUIT_MEMBERS[hand.declaration, led]
        if follow:
            return follow
    return held


@njit(cache=True)
def legal_calls(hand: np.void) -> np.uint64:
    """The legal calls of the seat to call: pass, or anything above the highest bid up to the cap on marks."""
    bid = np.int64(hand.bid)
    mask = np.uint64(0)
    for points in range(max(MIN_BID, bid + 1), HAND_POINTS):
        mask |= np.uint64(1) << np.uint64(BID_POINTS + points - MIN_BID)
    most_marks = 2 if bid < 2 * HAND_POINTS else min(bid // HAND_POINTS + 1, MAX_MARKS_BID)
    for marks in range(bid // HAND_POINTS + 1, most_marks + 1):
        mask |= np.uint64(1) << np.uint64(BID_MARKS + marks - 1)
    shaker_is_stuck = bid == 0 and hand.to_move == hand.shaker and hand.all_pass == SHAKER_BIDS
    if not shaker_is_stuck:
        mask |= np.uint64(1) << np.uint64(PASS)
    return mask


@njit(cache=True)
def apply(hand: np.void, action: int) -> None:
    """Take a legal action, in place."""
    if hand.phase == TRICKS:
        play(hand, action)
    elif hand.phase == AUCTION:
        call(hand, action)
    else:
        assert hand.phase == DECLARATION
        assert DECLARE <= action < NUM_ACTIONS
        declare(hand, action - DECLARE)


@njit(cache=True)
def call(hand: np.void, action: int) -> None:
    """Pass or bid, in place. The fourth call ends the auction."""
    num_calls = (hand.to_move - hand.shaker - 1) & 3  # each seat calls once, in turn
    hand.calls[num_calls] = action
    if action != PASS:
        hand.bid = bid_value(action)
        hand.bidder = hand.to_move
    if num_calls < NUM_SEATS - 1:
        hand.to_move = (hand.to_move + 1) & 3
    elif hand.bid:
        hand.phase = DECLARATION
        hand.to_move = hand.bidder
    else:
        hand.phase = OVER
        hand.to_move = NOBODY


@njit(cache=True)
def bid_value(action: int) -> int:
    """The points that a bidding action promises, 42 for each mark."""
    return (action - BID_MARKS + 1) * HAND_POINTS if action >= BID_MARKS else action - BID_POINTS + MIN_BID


@njit(cache=True)
def declare(hand: np.void, declaration: int) -> None:
    """Name trump, in place; the bidder leads to the first trick."""
    hand.declaration = declaration
    hand.leader = hand.bidder
    hand.to_move = hand.bidder
    hand.phase = TRICKS


@njit(cache=True, inline="always")
def play(hand: np.void, domino: int) -> None:
    """Play a domino, in place; the fourth of a trick gives the points to its winner, who leads next."""
    seat = hand.to_move
    hand.held[seat] &= ~(np.uint32(1) << np.uint32(domino))
    hand.owner[domino] = seat  # in a view this is where a hidden domino comes to light
    num_plays = np.int64(hand.num_plays)
    hand.plays[num_plays] = domino
    hand.num_plays = num_plays + 1
    if num_plays & 3 != 3:
        hand.to_move = (seat + 1) & 3
        return
    first = num_plays - 3
    winner = (hand.leader + trick_winner(hand, first)) & 3
    hand.points[winner & 1] += trick_points(hand, first)
    hand.leader = winner
    hand.to_move = winner
    if num_plays == NUM_DOMINOES - 1:
        hand.phase = OVER
        hand.to_move = NOBODY


@njit(cache=True, inline="always")
def trick_winner(hand: np.void, first: int) -> int:
    """Place (0 the leader, clockwise) of the best domino so far in the trick whose lead is play number ``first``."""
    declaration = hand.declaration
    led = LED_SUIT[declaration, hand.plays[first]]
    best, best_power = 0, 0
    for place in range(min(NUM_SEATS, hand.num_plays - first)):
        power = POWER[declaration, led, hand.plays[first + place]]
        if power > best_power:
            best, best_power = place, power
    return best


@njit(cache=True, inline="always")
def trick_points(hand: np.void, first: int) -> int:
    """What the trick whose lead is play number ``first`` is worth so far: one point, and the counts in it."""
    points = 1
    for i in range(first, min(first + NUM_SEATS, np.int64(hand.num_plays))):
        points += COUNT[hand.plays[i]]
    return points


@njit(cache=True)
def blank(hand: np.void, seat: int) -> None:
    """Turn a hand, or a view of ``seat``'s own, into ``seat``'s view in place: hide what that seat cannot see."""
    hand.seat = seat
    for other in range(NUM_SEATS):
        if other != seat:
            hand.held[other] = 0
    seen = played_dominoes(hand)
    for domino in range(NUM_DOMINOES):  # without a branch, so that the compiler makes it a few wide instructions
        owner = hand.owner[domino]
        visible = (owner == seat) | ((seen >> np.uint32(domino)) & np.uint32(1) != 0)
        hand.owner[domino] = owner if visible else UNKNOWN


@njit(cache=True, inline="always")
def played_dominoes(hand: np.void) -> np.uint32:
    """The dominoes played so far, as bits."""
    played = np.uint32(0)
    for i in range(hand.num_plays):
        played |= np.uint32(1) << np.uint32(hand.plays[i])
    return played


@njit(cache=True, inline="always")
def read_plays(hand: np.void, absent: np.ndarray) -> tuple[np.uint32, np.uint32]:
    """The dominoes played so far, and those of them that their seat had shown before not to hold, both as bits.

    ``absent`` (uint32 [4], bits) becomes the dominoes of the suits that each seat failed to follow. Of a view nothing
    hidden is read.
    """
    absent[:] = 0
    played, broken, suit = np.uint32(0), np.uint32(0), np.uint32(0)
    declaration = max(np.int64(hand.declaration), 0)
    for i in range(np.int64(hand.num_plays)):
        domino = np.int64(hand.plays[i]) & 31  # the masks say that nothing is negative, which saves checks of indices
        seat = np.int64(hand.owner[domino]) & 3
        if i & 3 == 0:
            suit = FOLLOWERS[declaration, domino]
        bit = np.uint32(1) << np.uint32(domino)
        played |= bit
        broken |= absent[seat] & bit
        failed = ~(suit >> np.uint32(domino)) & np.uint32(1)
        absent[seat] |= suit * failed
    return played, broken


@njit(cache=True)
def may_hold(hand: np.void, candidates: np.ndarray) -> None:
    """Write into ``candidates`` (uint32 [4], bits) the unplayed dominoes each seat may still hold, by the rules alone.

    What the viewer holds and what failures to follow exclude is taken into account; how many dominoes a seat has
    left is not. For a full hand the candidates are simply what each seat holds.
    """
    if hand.seat == NOBODY:
        candidates[:] = hand.held
        return
    played, _ = read_plays(hand, candidates)  # candidates: first what each seat is known not to hold
    seen = played | hand.held[hand.seat]
    for seat in range(NUM_SEATS):
        candidates[seat] = hand.held[seat] if seat == hand.seat else ALL_DOMINOES & ~(seen | candidates[seat])


@njit(cache=True)
def deal(hand: np.void, key: np.uint64, contract: int) -> None:
    """Deal into ``hand``, in place, from the stream that starts at ``key``; a shaker of -1 is drawn too.

    The fields that say what the hand is played for and under which options are left as they are.
    """
    stream = np.empty(1, np.uint64)
    stream[0] = key
    deck = hand.plays  # nothing has been played yet; an array of its own would cost more than the shuffle
    for domino in range(NUM_DOMINOES):
        deck[domino] = domino
    hand.held[:] = 0
    for i in range(NUM_DOMINOES):
        j = i + below(stream, NUM_DOMINOES - i)
        domino = deck[j]
        deck[j] = deck[i]
        seat = i // NUM_TRICKS
        hand.owner[domino] = seat
        hand.held[seat] |= np.uint32(1) << np.uint32(domino)
    shaker = below(stream, NUM_SEATS)
    if hand.shaker < 0:
        hand.shaker = shaker
    start(hand, (hand.shaker + 1) & 3)
    if contract == BY_CHANCE:
        hand.bidder = below(stream, NUM_SEATS)
        hand.bid = MIN_BID + below(stream, HAND_POINTS - MIN_BID + 1)
        declare(hand, below(stream, NUM_DECLARATIONS))
    elif contract == BY_FORCED_30:
        hand.bidder = hand.shaker
        hand.bid = MIN_BID
        declare(hand, best_pip(hand.held[hand.bidder]))
    elif contract == BY_MOST_TRUMPS:
        hand.bidder = most_trumps(hand.held)
        hand.bid = MIN_BID
        declare(hand, best_pip(hand.held[hand.bidder]))


@njit(cache=True, inline="always")
def start(hand: np.void, first_to_call: int) -> None:
    """Set everything but the deal and the options to the start of the auction, in place."""
    hand.plays[:] = NOBODY
    hand.calls[:] = NOBODY
    hand.points[:] = 0
    hand.seat = NOBODY
    hand.phase = AUCTION
    hand.to_move = first_to_call
    hand.bidder = NOBODY
    hand.bid = 0
    hand.declaration = NOBODY
    hand.leader = NOBODY
    hand.num_plays = 0


@njit(cache=True)
def best_pip(held: np.uint32) -> int:
    """The pip suit that makes the best trump for seven dominoes: the longest, then the one with its double, then the
    one whose other pips are higher, then the higher pip."""
    best, best_value = 0, -1
    for pip in range(7):
        members = held & SUIT_MEMBERS[pip, pip]
        value = 256 * popcount(members)
        for domino in range(NUM_DOMINOES):
            if (members >> np.uint32(domino)) & np.uint32(1):
                value += 128 if IS_DOUBLE[domino] else HIGH[domino] + LOW[domino] - pip
        if value >= best_value:
            best, best_value = pip, value
    return best


@njit(cache=True, inline="always")
def most_trumps(held: np.ndarray) -> int:
    """The seat whose best pip has the most members of all four hands (``held`` uint32 [4]); of equal ones the seat
    that holds the double of it, then the one with more doubles, then the lower seat."""
    best, best_value = 0, -1
    for seat in range(NUM_SEATS):
        pip = best_pip(held[seat])
        num_doubles, has_double = 0, 0
        for domino in range(NUM_DOMINOES):
            if IS_DOUBLE[domino] and (held[seat] >> np.uint32(domino)) & np.uint32(1):
                num_doubles += 1
                has_double |= HIGH[domino] == pip
        value = 256 * popcount(held[seat] & SUIT_MEMBERS[pip, pip]) + 16 * has_double + num_doubles
        if value > best_value:
            best, best_value = seat, value
    return best


@njit(cache=True, inline="always")
def num_decisions(hand: np.void) -> int:
    """How many actions brought ``hand`` here since the deal."""
    taken = np.int64(hand.num_plays)
    for call_number in range(NUM_SEATS):
        taken += hand.calls[call_number] >= 0
    return taken + (hand.calls[0] >= 0 and hand.declaration >= 0)


@njit(cache=True)
def rewind(hand: np.void, decisions: int) -> None:
    """Take back all but the first ``decisions`` actions of a full hand, in place: the deal stays, the rest is replayed.

    A hand whose contract was dealt begins with its first lead, an auctioned one with the first call.
    """
    assert hand.seat == NOBODY
    actions = np.empty(MAX_DECISIONS, np.int64)
    taken = 0
    for call_number in range(NUM_SEATS):
        if hand.calls[call_number] >= 0:
            actions[taken] = hand.calls[call_number]
            taken += 1
    auctioned = taken > 0
    bid, bidder, declaration = hand.bid, hand.bidder, hand.declaration
    dealt_contract = not auctioned and hand.phase != AUCTION
    if auctioned and declaration >= 0:
        actions[taken] = DECLARE + declaration
        taken += 1
    for i in range(hand.num_plays):
        actions[taken] = hand.plays[i]
        taken += 1
    assert decisions <= taken
    hand.held[:] = 0
    for domino in range(NUM_DOMINOES):
        hand.held[hand.owner[domino]] |= np.uint32(1) << np.uint32(domino)
    start(hand, (hand.shaker + 1) & 3)
    if dealt_contract:
        hand.bid, hand.bidder = bid, bidder
        declare(hand, declaration)
    for i in range(decisions):
        apply(hand, actions[i])
