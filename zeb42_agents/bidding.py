"""Calls: the one simple bidder that agents share until they learn to bid."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    COUNT,
    DOUBLES_SUIT,
    HAND_POINTS,
    HIGH,
    IS_DOUBLE,
    NO_TRUMP,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.record import (
    AUCTION,
    BID_MARKS,
    BID_POINTS,
    DECLARATION,
    DECLARE,
    MIN_BID,
    PASS,
    legal_mask,
)


def simple_calls(views: np.ndarray) -> np.ndarray:
    """The call or declaration int64 [B] of the simple bidder for ``views`` [B] in their auction or declaration phase.

    It estimates the points its team would take under each declaration (:func:`strength`) from its own seven dominoes
    and makes the best of them trump. It bids half of what it can afford above the lowest legal bid, one mark when it
    expects every point, passes when it cannot afford the lowest, and does not bid over its partner. A stuck shaker
    bids the lowest. ValueError if a view is in another phase.
    """
    views = np.atleast_1d(views)
    callable_here = np.isin(views["phase"], (AUCTION, DECLARATION))
    if not callable_here.all():
        phase = int(views["phase"][~callable_here][0])
        raise ValueError(f"expected views in the auction or declaration phase, got phase {phase}; allowed: 0, 1")
    return _simple_calls(views)


@njit(cache=True, nogil=True)
def _simple_calls(views: np.ndarray) -> np.ndarray:
    actions = np.empty(len(views), np.int64)
    for b in range(len(views)):
        actions[b] = simple_call(views[b])
    return actions


@njit(cache=True, nogil=True)
def simple_call(view: np.void) -> int:
    """The simple bidder's action for one view in its auction or declaration phase."""
    held = view.held[view.to_move]
    best, points = best_declaration(held, view.declarations)
    if view.phase == DECLARATION:
        return DECLARE + best
    legal = legal_mask(view)
    may_pass = legal & (np.uint64(1) << np.uint64(PASS)) != 0
    lowest_bid = lowest(legal & ~(np.uint64(1) << np.uint64(PASS))) if legal >> np.uint64(PASS + 1) else PASS
    if lowest_bid == PASS:
        return PASS
    partner_bids = view.bidder >= 0 and (view.bidder - view.to_move) & 1 == 0
    affordable = np.int64(np.floor(points))
    if affordable >= HAND_POINTS and lowest_bid <= BID_MARKS and not partner_bids:
        return BID_MARKS
    lowest_points = MIN_BID + lowest_bid - BID_POINTS
    if partner_bids or lowest_bid >= BID_MARKS or affordable < lowest_points:
        return PASS if may_pass else lowest_bid
    return lowest_bid + (min(affordable, HAND_POINTS - 1) - lowest_points) // 2


@njit(cache=True, nogil=True)
def best_declaration(held: np.uint32, declarations: int) -> tuple[int, float]:
    """The strongest of the allowed declarations (bits) for seven dominoes, and its expected points."""
    best, best_points = -1, -1.0
    for declaration in range(NUM_DECLARATIONS):
        if (declarations >> declaration) & 1:
            points = strength(held, declaration)
            if points > best_points:
                best, best_points = declaration, points
    return best, best_points


@njit(cache=True, nogil=True)
def strength(held: np.uint32, declaration: int) -> float:
    """The points that the bidder's team can be expected to take with these seven dominoes and this declaration.

    All 42 less what its weaknesses cost: few trumps, trumps that higher ones are missing for, and *offs*, dominoes
    that are neither trumps nor the best left of the suit they lead, with the count they carry.
    """
    trumps = held & TRUMPS[declaration]
    num_trumps = popcount(trumps)
    cost = TRUMP_COST[num_trumps]
    if declaration >= NO_TRUMP - 1:
        cost = 8.0
    elif num_trumps > 0 and num_trumps < 7:
        tops = _sure(held, TRUMPS[declaration], declaration, declaration)
        if tops == 0:
            cost += 5.0
        elif tops == 1 and num_trumps < 6:
            cost += 2.0
    for domino in range(NUM_DOMINOES):
        bit = np.uint32(1) << np.uint32(domino)
        if held & ~trumps & bit:
            suit = DOUBLES_SUIT if declaration == NO_TRUMP - 1 and IS_DOUBLE[domino] else np.int64(HIGH[domino])
            higher = _higher(SUIT_MEMBERS[declaration, suit], declaration, suit, domino)
            if higher & ~held:
                cost += OFF_COST + OFF_COUNT_COST * COUNT[domino]
    return HAND_POINTS - cost


TRUMP_COST = np.array([24.0, 20.0, 15.0, 8.0, 4.0, 2.0, 1.0, 0.0])  # [8] by number of trumps held
OFF_COST = 4.0
OFF_COUNT_COST = 0.5


@njit(cache=True, nogil=True)
def _higher(members: np.uint32, declaration: int, suit: int, domino: int) -> np.uint32:
    """The members of a suit that rank above ``domino`` in it, as bits."""
    higher = np.uint32(0)
    while members:
        other = lowest(members)
        members &= members - np.uint32(1)
        if POWER[declaration, suit, other] > POWER[declaration, suit, domino]:
            higher |= np.uint32(1) << np.uint32(other)
    return higher


@njit(cache=True, nogil=True)
def _sure(held: np.uint32, members: np.uint32, declaration: int, suit: int) -> int:
    """How many of the highest members of a suit are held without a gap."""
    run = 0
    remaining = members
    while remaining:
        top = lowest(remaining)
        others = remaining & (remaining - np.uint32(1))
        while others:
            other = lowest(others)
            others &= others - np.uint32(1)
            if POWER[declaration, suit, other] > POWER[declaration, suit, top]:
                top = other
        if not (held >> np.uint32(top)) & np.uint32(1):
            break
        run += 1
        remaining &= ~(np.uint32(1) << np.uint32(top))
    return run
