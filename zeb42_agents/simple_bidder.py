"""The simple bidder that agents share until they learn to bid: a linear estimate of points from seven dominoes."""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.explanation import Candidate, Explanation
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    DOUBLES_SUIT_ONLY,
    HAND_POINTS,
    LED_SUIT,
    NUM_DECLARATIONS,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.record import AUCTION, BID_MARKS, BID_POINTS, DECLARATION, DECLARE, MIN_BID, PASS, legal_mask
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase


def simple_calls(views: np.ndarray) -> np.ndarray:
    """The call or declaration int64 [B] of the simple bidder for ``views`` [B] in their auction or declaration phase.

    It estimates the points its team would take under each declaration (:func:`strength`) from its own seven dominoes
    and makes the best of them trump. It bids half of what it can afford above the lowest legal bid, one mark when it
    expects every point, passes when it cannot afford the lowest, and does not bid over its partner. A stuck shaker
    bids the lowest. ValueError if a view is in another phase.
    """
    views = np.atleast_1d(views)
    require_calling(views)
    return _simple_calls(views)


def explain_call(view: np.void) -> Explanation:
    """What the simple bidder thinks of its call or declaration for one ``view`` in such a phase."""
    hand, held, declarations = Hand(view), view["held"][view["to_move"]], int(view["declarations"])
    chosen = int(simple_calls(np.array([view]))[0])
    if hand.phase == Phase.DECLARATION:
        candidates = [
            Candidate(action=action, policy=float(action == chosen), mean_points=strength(held, action - DECLARE))
            for action in hand.legal_actions()
        ]
        how = "the most expected points"
    else:
        best, points = best_declaration(held, declarations)
        candidates = [Candidate(action=action, policy=float(action == chosen)) for action in hand.legal_actions()]
        how = (
            f"half of what it can afford above the lowest bid, else pass, as over its partner; its dominoes promise "
            f"{points:.1f} points with {Declaration(best)}"
        )
    return Explanation(
        view=hand,
        chosen=chosen,
        candidates=tuple(sorted(candidates, key=lambda c: (-(c.policy or 0.0), -(c.mean_points or 0.0), c.action))),
        speaker="simple bidder",
        basis="a linear estimate from its seven dominoes",
        how=how,
    )


def require_calling(views: np.ndarray) -> None:
    """ValueError unless every one of ``views`` [B] is in its auction or declaration phase."""
    calling = np.isin(views["phase"], (AUCTION, DECLARATION))
    if not calling.all():
        phase = int(views["phase"][~calling][0])
        raise ValueError(f"expected views in the auction or declaration phase, got phase {phase}; allowed: 0, 1")


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
    affordable = np.int64(np.floor(points)) + 1  # points is a mean; the median of a good hand lies above it
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

    Linear in :func:`features`; the weights are the least-squares fit of exact double-dummy values over random deals by
    ``benchmarks/bidder.py`` (correlation 0.42, error 10 points: the other three hands decide the rest).
    """
    found = np.zeros(NUM_FEATURES)
    features(held, declaration, found)
    points = 0.0
    for i in range(NUM_FEATURES):
        points += WEIGHTS[i] * found[i]
    return points


NO_TRUMP_HAND, TOP, TOP_TWO, SECOND_ONLY, WINNER, NO_TRUMP_WINNER, ONE_ABOVE = range(8, 15)  # 0..7: number of trumps
NUM_FEATURES = 15
WEIGHTS = np.array([15.3, 17.0, 20.8, 25.4, 27.8, 29.0, 30.2, 42.0, 22.9, 6.1, 3.2, 3.0, 2.4, 3.5, 0.8])  # see features


@njit(cache=True, nogil=True)
def features(held: np.uint32, declaration: int, found: np.ndarray) -> None:
    """Write what :func:`strength` looks at into ``found`` (float64 [15], zeros).

    How many trumps (one of 0..7 is 1), or that there is no trump; whether the highest trump is held, the two highest,
    or only the second; how many other dominoes are the highest of the suit they lead, and how many miss just one.
    """
    trumps = held & TRUMPS[declaration]
    if declaration >= DOUBLES_SUIT_ONLY:
        found[NO_TRUMP_HAND] = 1
    else:
        found[popcount(trumps)] = 1
        top = _holds(held, TRUMPS[declaration], declaration, declaration, 0)
        second = _holds(held, TRUMPS[declaration], declaration, declaration, 1)
        found[TOP] = top
        found[TOP_TWO] = top * second
        found[SECOND_ONLY] = (1 - top) * second
    others = held & ~trumps
    while others:
        domino = lowest(others)
        others &= others - np.uint32(1)
        suit = np.int64(LED_SUIT[declaration, domino])
        missing = popcount(_above(SUIT_MEMBERS[declaration, suit], declaration, suit, domino) & ~held)
        if missing == 0:
            found[NO_TRUMP_WINNER if declaration >= DOUBLES_SUIT_ONLY else WINNER] += 1
        elif missing == 1:
            found[ONE_ABOVE] += 1


@njit(cache=True, nogil=True)
def _above(members: np.uint32, declaration: int, suit: int, domino: int) -> np.uint32:
    """The members of a suit that rank above ``domino`` in it, as bits."""
    above = np.uint32(0)
    while members:
        other = lowest(members)
        members &= members - np.uint32(1)
        if POWER[declaration, suit, other] > POWER[declaration, suit, domino]:
            above |= np.uint32(1) << np.uint32(other)
    return above


@njit(cache=True, nogil=True)
def _holds(held: np.uint32, members: np.uint32, declaration: int, suit: int, place: int) -> int:
    """1 if the member of a suit with exactly ``place`` others above it is held, else 0."""
    mine = held & members
    while mine:
        domino = lowest(mine)
        mine &= mine - np.uint32(1)
        if popcount(_above(members, declaration, suit, domino)) == place:
            return 1
    return 0


@njit(cache=True, nogil=True)
def promising(held: np.uint32, declarations: int, most: int) -> int:
    """The ``most`` strongest of ``declarations`` for a seat's seven dominoes, both as bits."""
    chosen, left = 0, np.int64(declarations)
    for _ in range(most):
        if left == 0:
            break
        bit = 1 << best_declaration(held, left)[0]
        chosen |= bit
        left &= ~bit
    return chosen
