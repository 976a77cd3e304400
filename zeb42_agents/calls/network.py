"""The three networks of calls inside the kernels: *prices*, *ends*, and *heard*.

Prices answer for a contract before its first lead: the probability of each of 0..42 points for the bidder's team,
calibrated per bid. Ends answer for a call: the probability of what it leads to, the caller's own contract or one of
another seat, made or set. What follows from the two takes some 100 us a call; heard says in a few how likely each call
is to follow, for those who ask it of thousands of hands. All are sums of rows and two small layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.calls.columns import (
    BID,
    CALL,
    MOST_ON,
    NUM_BIDS,
    NUM_CALLS,
    NUM_END_COLUMNS,
    NUM_PRICE_COLUMNS,
    bid_row,
    write_auction,
    write_contract,
    write_contract_calls,
)
from zeb42_agents.simple_bidder import NUM_GOALS, best_chances, best_declaration, goal_row
from zeb42_env._core import goals
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS
from zeb42_env._core.record import MIN_BID, NUM_ACTIONS, PASS, RESHAKE, bid_value, legal_calls

NUM_POINTS = HAND_POINTS + 1
MINE, THROWN_IN, OF_OTHERS = 0, 1, 2
MOST_MARKS = 3  # of a contract of another seat; more count as three
NUM_ENDS = OF_OTHERS + 2 * 2 * MOST_MARKS
PARTNERS, OPPONENTS = 0, 1
STRAIGHT = 0  # kind of contract
NUM_TRIED = 2  # declarations that are priced at every bid: the best two for the lowest bid, and the best two for 42


class Layers(NamedTuple):
    """The parameters of one network, float32."""

    first: np.ndarray
    """[C, H], a row for each column."""
    first_bias: np.ndarray
    """[H]"""
    second: np.ndarray
    """[H, K]"""
    second_bias: np.ndarray
    """[K]"""
    third: np.ndarray
    """[K, O]"""
    third_bias: np.ndarray
    """[O]"""


class CallNetwork(NamedTuple):
    """All that calls are made by. Shared by all threads; nothing in it is written to."""

    prices: Layers
    """The points of a contract."""
    ends: Layers
    """What a call leads to; see :func:`end_of`."""
    promised: np.ndarray
    """float64 [13, K], steps of what prices promise of each of 30..42 points, and ..."""
    made: np.ndarray
    """float64 [13, K], ... how often that was made on hands that they did not learn from."""
    match: np.ndarray
    """float64 [7, 7, 2]: :func:`zeb42_agents.calls.match.match_table` by what hands brought."""
    heard: Layers
    """How likely each call is that these calls make; without columns (:data:`UNHEARD`) where nobody has learned it."""


UNHEARD = Layers(*(np.zeros((0,) * dims, np.float32) for dims in (2, 1, 2, 1, 2, 1)))


@njit(cache=True, nogil=True)
def knows(view: np.void) -> bool:
    """Whether the networks have learned the rules that ``view`` is played by: straight 42, made or set."""
    return view.kind == STRAIGHT and goals.by_contract(view.scoring)


@njit(cache=True, nogil=True)
def end_of(mine: bool, partners: bool, bid: int, made: bool) -> int:
    """The number of an end: my contract, or that of my partner or an opponent at ``bid`` points, made or set.

    A bid of 0 is a hand that was thrown in.
    """
    if bid == 0:
        return THROWN_IN
    if mine:
        return MINE
    side = PARTNERS if partners else OPPONENTS
    marks = min(max(1, bid // HAND_POINTS), MOST_MARKS)
    return OF_OTHERS + (side * 2 + made) * MOST_MARKS + marks - 1


@njit(cache=True, nogil=True, fastmath={"contract"})
def _finish(layers: Layers, units: np.ndarray, answers: np.ndarray) -> None:
    """Write the outputs float32 [O] into ``answers``, given the sums ``units`` [H] of the first layer."""
    more = layers.second_bias.copy()
    for i in range(len(units)):
        unit = units[i]
        if unit > 0.0:
            for j in range(len(more)):
                more[j] += unit * layers.second[i, j]
    answers[:] = layers.third_bias
    for i in range(len(more)):
        unit = more[i]
        if unit > 0.0:
            for j in range(len(answers)):
                answers[j] += unit * layers.third[i, j]


@njit(cache=True, nogil=True)
def _sum_rows(layers: Layers, on: np.ndarray, num_on: int) -> np.ndarray:
    """The sums of the first layer, float32 [H]."""
    units = layers.first_bias.copy()
    for i in range(num_on):
        units += layers.first[on[i]]
    return units


@njit(cache=True, nogil=True)
def _softmax(answers: np.ndarray, possible: np.uint64) -> None:
    """Turn ``answers`` into probabilities of the ``possible`` ones (bits), in place."""
    highest = -np.inf
    for i in range(len(answers)):
        if (possible >> np.uint64(i)) & np.uint64(1):
            highest = max(highest, answers[i])
    total = 0.0
    for i in range(len(answers)):
        possibly = (possible >> np.uint64(i)) & np.uint64(1)
        answers[i] = np.exp(answers[i] - highest) if possibly else 0.0
        total += answers[i]
    answers /= total


ALL_POINTS = np.uint64(2**NUM_POINTS - 1)


@njit(cache=True, nogil=True)
def write_prices(net: CallNetwork, units: np.ndarray, bid: int, points: np.ndarray) -> None:
    """Write the probability of each of 0..42 points at ``bid`` into ``points`` (float32 [43]), before calibration.

    ``units`` (float32 [H]) are the sums of the first layer without the bid, see :func:`contract_units`.
    """
    _finish(net.prices, units + net.prices.first[BID + bid_row(bid)], points)
    _softmax(points, ALL_POINTS)


@njit(cache=True, nogil=True)
def contract_units(net: CallNetwork, hand: np.void, seat: int, held: np.uint32, declaration: int) -> np.ndarray:
    """The sums of the first layer for a contract of ``seat`` with these dominoes, all but the bid: float32 [H]."""
    on = np.empty(MOST_ON, np.int32)
    n = write_contract(held, declaration, on)
    return _sum_rows(net.prices, on, write_contract_calls(hand, seat, on, n))


@njit(cache=True, nogil=True)
def at_least(points: np.ndarray, needed: int) -> float:
    """The share of ``points`` [43] that is ``needed`` or more."""
    share = 0.0
    for i in range(needed, len(points)):
        share += points[i]
    return share


@njit(cache=True, nogil=True)
def calibrated(net: CallNetwork, promise: float, bid: int) -> float:
    """How often ``bid`` is made, if prices promise it so often."""
    row = bid_row(bid)
    return np.interp(promise, net.promised[row], net.made[row])


@njit(cache=True, nogil=True)
def made_at(net: CallNetwork, units: np.ndarray, bid: int) -> float:
    """How often a contract at ``bid`` (42 a mark) is made, given its :func:`contract_units`; calibrated."""
    points = np.empty(NUM_POINTS, np.float32)
    write_prices(net, units, bid, points)
    return calibrated(net, at_least(points, min(bid, HAND_POINTS)), bid)


@njit(cache=True, inline="always")
def lowest_bid(bid: int) -> int:
    """The lowest bid over ``bid`` (0 none); over a mark it is a mark more."""
    if bid >= HAND_POINTS:
        return bid + HAND_POINTS
    return max(MIN_BID, bid + 1)


@njit(cache=True, nogil=True)
def price_declarations(
    net: CallNetwork, hand: np.void, seat: int, held: np.uint32, lowest: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often ``seat`` makes the ``lowest`` bid and 42 with each declaration, float64 [2, 10], -1 where the rules do
    not allow it; and the :func:`contract_units` float32 [10, H]."""
    units = np.empty((NUM_DECLARATIONS, len(net.prices.first_bias)), np.float32)
    chances = np.full((2, NUM_DECLARATIONS), -1.0)
    for declaration in range(NUM_DECLARATIONS):
        if (hand.declarations >> declaration) & 1:
            units[declaration] = contract_units(net, hand, seat, held, declaration)
            chances[0, declaration] = made_at(net, units[declaration], lowest)
            chances[1, declaration] = made_at(net, units[declaration], HAND_POINTS)
    return chances, units


@njit(cache=True, nogil=True)
def best_prices(
    net: CallNetwork, hand: np.void, seat: int, held: np.uint32, lowest: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often ``seat`` makes each of 30..42 with the declaration (of those that the rules allow) that makes it most
    often, float64 [13], and that declaration, int64 [13].

    All declarations are tried at the ``lowest`` bid and at 42, the most promising of each at every bid from there on.
    Bids below are left as they would be at that one.
    """
    low = bid_row(lowest)
    chances, units = price_declarations(net, hand, seat, held, lowest)
    tried = np.zeros(NUM_DECLARATIONS, np.bool_)
    for goal in range(2):
        for declaration in np.argsort(-chances[goal])[:NUM_TRIED]:
            tried[declaration] |= chances[goal, declaration] >= 0.0
    best, with_declaration = np.full(NUM_BIDS, -1.0), np.full(NUM_BIDS, -1)
    for declaration in range(NUM_DECLARATIONS):
        if tried[declaration]:
            for row in range(low, NUM_BIDS):
                chance = made_at(net, units[declaration], MIN_BID + row)
                if chance > best[row]:
                    best[row], with_declaration[row] = chance, declaration
    best[:low], with_declaration[:low] = best[low], with_declaration[low]
    return best, with_declaration


@njit(cache=True, nogil=True)
def possible_ends(hand: np.void, seat: int, place: int, call: int) -> np.uint64:
    """The ends that a ``call`` of ``seat``, number ``place`` of ``hand``, may have, as bits."""
    high, partners = np.int64(PASS), False
    for i in range(place):
        if hand.calls[i] != PASS:
            high = np.int64(hand.calls[i])
            partners = ((hand.shaker + 1 + i - seat) & 3) == 2
    bits, last = np.uint64(0), place == 3
    if call != PASS:
        bits |= np.uint64(1) << np.uint64(MINE)
        high = call
    elif high != PASS:
        bits |= _others_end(PARTNERS if partners else OPPONENTS, bid_value(high))
    elif hand.all_pass == RESHAKE:
        bits |= np.uint64(1) << np.uint64(THROWN_IN)
    if last:
        return bits
    at_least_so_many = 1 if high == PASS else max(1, bid_value(high) // HAND_POINTS)
    for marks in range(min(at_least_so_many, MOST_MARKS), MOST_MARKS + 1):
        bits |= _others_end(OPPONENTS, marks * HAND_POINTS)
        if place < 2:  # my partner calls after me
            bits |= _others_end(PARTNERS, marks * HAND_POINTS)
    return bits


@njit(cache=True, nogil=True)
def _others_end(side: int, bid: int) -> np.uint64:
    made = np.uint64(1) << np.uint64(end_of(False, side == PARTNERS, bid, True))
    return made | np.uint64(1) << np.uint64(end_of(False, side == PARTNERS, bid, False))


@njit(cache=True, nogil=True)
def write_ends(net: CallNetwork, view: np.void, chances: np.ndarray, ends: np.ndarray) -> None:
    """Write the probability of each end of every legal call of ``view`` into ``ends`` (float32 [56, 14]).

    ``chances`` are the :func:`best_prices` of the caller from its lowest legal bid on.
    """
    seat, legal = np.int64(view.to_move), legal_calls(view)
    place = (seat - view.shaker - 1) & 3
    on = np.empty(MOST_ON, np.int32)
    promised = chances[bid_row(lowest_bid(view.bid))], chances[NUM_BIDS - 1]
    num_on = write_auction(view, seat, place, view.held[seat], promised[0], promised[1], on)
    units = _sum_rows(net.ends, on, num_on)
    for call in range(PASS, PASS + NUM_CALLS):
        if (legal >> np.uint64(call)) & np.uint64(1):
            _finish(net.ends, units + net.ends.first[CALL + call - PASS], ends[call])
            _softmax(ends[call], possible_ends(view, seat, place, call))


NUM_HEARD_COLUMNS = NUM_END_COLUMNS + NUM_PRICE_COLUMNS
MOST_HEARD_ON = 2 * MOST_ON


@njit(cache=True, nogil=True)
def write_heard_columns(hand: np.void, seat: int, held: np.uint32, on: np.ndarray) -> int:
    """Write what heard sees of the call that ``seat``, dealt ``held``, makes in ``hand`` into ``on`` (int32 [128]);
    returns how many columns are on.

    They are those of ends, and after them those of prices for a contract at the lowest bid; the promises and the
    declaration are the simple bidder's, who is asked in no time.
    """
    chances = np.empty(NUM_GOALS)
    best_chances(held, hand.declarations, chances)
    lowest = min(lowest_bid(hand.bid), HAND_POINTS)
    place = (seat - hand.shaker - 1) & 3
    n = write_auction(hand, seat, place, held, chances[goal_row(lowest)], chances[goal_row(HAND_POINTS)], on)
    num_on = n + write_contract(held, best_declaration(held, hand.declarations, lowest)[0], on[n:])
    on[n:num_on] += NUM_END_COLUMNS
    return num_on


@njit(cache=True, nogil=True)
def heard_chance(heard: Layers, hand: np.void, seat: int, held: np.uint32, call: int) -> float:
    """How likely ``seat``, dealt ``held`` and to call in ``hand``, makes the ``call``."""
    on, answers = np.empty(MOST_HEARD_ON, np.int32), np.empty(NUM_CALLS, np.float32)
    num_on = write_heard_columns(hand, seat, held, on)
    _finish(heard, _sum_rows(heard, on, num_on), answers)
    _softmax(answers, np.uint64(legal_calls(hand)) >> np.uint64(PASS))
    return np.float64(answers[call - PASS])


assert NUM_ACTIONS > PASS + NUM_CALLS
