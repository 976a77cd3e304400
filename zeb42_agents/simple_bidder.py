"""The simple bidder that agents share until they learn to bid: how often a contract is made, from seven dominoes."""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.explanation import SCORE, Candidate, Explanation
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    BEATERS,
    COUNT,
    DOUBLES_SUIT_ONLY,
    DOUBLES_TRUMP,
    HAND_POINTS,
    LED_SUIT,
    NUM_DECLARATIONS,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.record import (
    AUCTION,
    DECLARATION,
    DECLARE,
    MIN_BID,
    NUM_ACTIONS,
    PASS,
    bid_value,
    legal_mask,
)
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase

PASS_WORTH = np.array([0.1, 0.3, 0.2])
"""What a pass is taken to be worth while nobody, the partner or an opponent holds the bid, as a share of one stake;
``benchmarks/bidder.py passes`` compares it with others."""


def simple_calls(views: np.ndarray) -> np.ndarray:
    """The call or declaration int64 [B] of the simple bidder for ``views`` [B] in their auction or declaration phase.

    A bid is worth its stake times the odds of making it at the table (:func:`made_chance`) with the declaration that
    makes it most often; a pass is worth :data:`PASS_WORTH`. It makes the call that is worth most, so it bids the lowest
    or as many marks as pay. A stuck shaker bids. It declares what makes its bid most often. It calls as if contracts
    counted where points do. ValueError if a view is in another phase.
    """
    views = np.atleast_1d(views)
    require_calling(views)
    return _simple_calls(views)


def explain_call(view: np.void) -> Explanation:
    """What the simple bidder thinks of its call or declaration for one ``view`` in such a phase."""
    hand, held, declarations = Hand(view), view["held"][view["to_move"]], int(view["declarations"])
    chosen = int(simple_calls(np.array([view]))[0])
    legal = hand.legal_actions()
    unit = SCORE
    if hand.phase == Phase.DECLARATION:
        points = min(int(view["bid"]), HAND_POINTS)
        candidates = [Candidate(action=a, win_share=made_chance(held, a - DECLARE, points)) for a in legal]
        how = f"the one with which {points} points are taken most often"
    else:
        values = np.full(NUM_ACTIONS, np.nan)
        value_calls(view, values)
        candidates = [Candidate(action=PASS, value=float(values[PASS]))] if PASS in legal else []
        for call in legal[len(candidates) :]:
            chance = best_declaration(held, declarations, min(bid_value(call), HAND_POINTS))[1]
            candidates.append(Candidate(action=call, value=float(values[call]), win_share=chance))
        best, chance = best_declaration(held, declarations, MIN_BID)
        unit = "marks" if goals.by_marks(view["scoring"]) else SCORE
        how = f"the call that is worth most; its dominoes make {MIN_BID} in {chance:.0%} with {Declaration(best)}"
    order = sorted(candidates, key=lambda c: (c.action != chosen, -(c.value or 0.0), -(c.win_share or 0.0), c.action))
    return Explanation(
        view=hand,
        chosen=chosen,
        candidates=tuple(order),
        speaker="simple bidder",
        basis="how often such dominoes made such contracts at the table",
        how=how,
        unit=unit,
        root_value=order[0].value,
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
    if view.phase == DECLARATION:
        held = view.held[view.to_move]
        return DECLARE + best_declaration(held, view.declarations, goals.promised(view))[0]
    values = np.empty(NUM_ACTIONS)
    value_calls(view, values)
    legal = legal_mask(view)
    best = lowest(legal)
    for call in range(best + 1, DECLARE):
        if (legal >> np.uint64(call)) & np.uint64(1) and values[call] > values[best] + 1e-9:
            best = call
    return best


@njit(cache=True, nogil=True)
def value_calls(view: np.void, values: np.ndarray) -> None:
    """Write what each legal call of a view in its auction is worth to its team into ``values`` (float64 [56])."""
    value_calls_with(view, view.held[view.to_move], legal_mask(view), values)


@njit(cache=True, nogil=True)
def value_calls_with(hand: np.void, held: np.uint32, legal: np.uint64, values: np.ndarray) -> None:
    """The same for the seat to move in ``hand`` if it held the dominoes ``held``; ``legal`` are its calls, as bits."""
    chances = np.empty(NUM_GOALS)
    best_chances(held, hand.declarations, chances)
    while legal:
        call = lowest(legal)
        legal &= legal - np.uint64(1)
        if call == PASS:
            values[call] = pass_worth(hand.bidder, hand.to_move)
        else:
            values[call] = bid_worth(bid_value(call), hand.scoring, chances)


@njit(cache=True, nogil=True)
def pass_worth(bidder: int, seat: int) -> float:
    """What a pass of ``seat`` is worth while ``bidder`` (-1 nobody) holds the bid."""
    if bidder < 0:
        return PASS_WORTH[0]
    return PASS_WORTH[1 + ((bidder ^ seat) & 1)]


@njit(cache=True, nogil=True)
def bid_worth(bid: int, scoring: int, chances: np.ndarray) -> float:
    """What holding ``bid`` (42 a mark) is worth to a hand with these :func:`best_chances`: its stake times the odds."""
    return stake_of(bid, scoring) * (2.0 * chances[goal_row(min(bid, HAND_POINTS))] - 1.0)


@njit(cache=True, nogil=True)
def stake_of(bid: int, scoring: int) -> float:
    """What the winner of a hand scores if ``bid`` (42 a mark) holds: the marks at stake, 1 for any other scoring."""
    return np.float64(max(1, bid // HAND_POINTS)) if goals.by_marks(scoring) else 1.0


@njit(cache=True, nogil=True)
def best_chances(held: np.uint32, declarations: int, chances: np.ndarray) -> None:
    """Write into ``chances`` (float64 [14], by :func:`goal_row`) how often seven dominoes take so many points, each
    with the declaration (of the allowed ones, bits) that does so most often."""
    chances[:] = -np.inf
    for declaration in range(NUM_DECLARATIONS):
        if (declarations >> declaration) & 1:
            low, high = scores(held, declaration)
            log_odds = np.inf
            for row in range(NUM_GOALS):
                log_odds = min(log_odds, _log_odds(row, low, high))
                chances[row] = max(chances[row], log_odds)
    for row in range(NUM_GOALS):
        chances[row] = 1.0 / (1.0 + np.exp(-chances[row]))


@njit(cache=True, nogil=True)
def best_declaration(held: np.uint32, declarations: int, points: int) -> tuple[int, float]:
    """The allowed declaration (bits) with which seven dominoes take ``points`` most often, and how often."""
    best, best_chance = -1, -1.0
    for declaration in range(NUM_DECLARATIONS):
        if (declarations >> declaration) & 1:
            chance = made_chance(held, declaration, points)
            if chance > best_chance:
                best, best_chance = declaration, chance
    return best, best_chance


@njit(cache=True, nogil=True)
def made_chance(held: np.uint32, declaration: int, points: int) -> float:
    """How often the team of a bidder with these seven dominoes takes at least ``points`` (22, or 30..42) at the table,
    if it makes ``declaration`` and leads.

    Logistic in the two :func:`scores`. The constants are fitted to what became of contracts that four greedy players
    played, by ``benchmarks/bidder.py fit``.
    """
    low, high = scores(held, declaration)
    log_odds = np.inf
    for row in range(goal_row(points) + 1):  # each is fitted by itself: more points are never likelier
        log_odds = min(log_odds, _log_odds(row, low, high))
    return 1.0 / (1.0 + np.exp(-log_odds))


@njit(cache=True, nogil=True)
def goal_row(points: int) -> int:
    """The row of :data:`CHANCES` for 22 (more than half) or 30..42 points."""
    return points - MIN_BID + 1 if points >= MIN_BID else 0


@njit(cache=True, nogil=True)
def _log_odds(row: int, low: float, high: float) -> float:
    c = CHANCES[row]
    return c[0] + c[1] * low + c[2] * high + c[3] * max(0.0, low - 1.0) + c[4] * max(0.0, high)


@njit(cache=True, nogil=True)
def scores(held: np.uint32, declaration: int) -> tuple[float, float]:
    """Two linear scores of seven dominoes with a declaration: the log odds of 30 points, and of all 42."""
    found = np.zeros(NUM_FEATURES)
    features(held, declaration, found)
    low, high = 0.0, 0.0
    for i in range(NUM_FEATURES):
        low += WEIGHTS[0, i] * found[i]
        high += WEIGHTS[1, i] * found[i]
    return low, high


NO_TRUMP_HAND, TOP, TOP_TWO, TOP_AND_THIRD, SECOND_ONLY, DOUBLES, WINNER, ONE_ABOVE = range(8, 16)  # 0..7: trumps
TRUMP_COUNT, WINNER_COUNT, NO_LOSER, ONE_LOSER = range(16, 20)
NUM_FEATURES = 20
NUM_GOALS = HAND_POINTS - MIN_BID + 2  # more than half of the points, then 30..42
WEIGHTS = np.array(
    [
        [-2.82, -2.66, -2.17, -1.54, -0.93, -0.19, 0.42, 8.00, -1.73,  # trumps, or no trump at all
         0.57, 0.39, 0.14, 0.26, 0.01, 0.40, 0.10, 0.04, 0.04, 0.53, 0.22],
        [-5.43, -5.20, -4.74, -4.02, -3.25, -2.58, -1.90, 8.00, -3.26,
         1.14, 0.88, 0.38, 0.21, -0.78, 0.51, 0.05, 0.00, 0.02, 0.67, 0.08],
    ]
)  # fmt: skip
"""[2, 20] log odds of 30 points and of 42 for each of the :func:`features`."""
CHANCES = np.array(
    [
        [0.61, 1.25, -0.26, 1.74, -0.17],  # more than half
        [-0.01, 0.97, 0.00, 0.94, 0.44],  # 30
        [-0.21, 0.87, 0.06, 1.11, 0.62],
        [-0.65, 0.92, -0.04, 0.21, 1.36],
        [-0.65, 0.92, -0.03, 0.20, 1.36],
        [-0.61, 0.91, 0.00, 0.18, 1.33],
        [-0.53, 0.85, 0.10, 0.25, 1.18],  # 35
        [-0.48, 0.67, 0.27, 0.51, 1.05],
        [-0.59, 0.57, 0.34, -0.02, 1.55],
        [-0.59, 0.57, 0.35, -0.02, 1.55],
        [-0.57, 0.56, 0.35, -0.03, 1.55],
        [-0.52, 0.54, 0.40, -0.04, 1.50],  # 40
        [-0.34, 0.39, 0.59, 0.08, 1.32],
        [-0.05, 0.01, 0.98, -0.10, 1.45],
    ]
)
"""[14, 5] log odds of each goal: constant, by the two scores, and by what they exceed 1 and 0 by."""


@njit(cache=True, nogil=True)
def features(held: np.uint32, declaration: int, found: np.ndarray) -> None:
    """Write what :func:`scores` looks at into ``found`` (float64 [20], zeros).

    How many trumps (one of 0..7 is 1), or that there is no trump; the highest trump, the two highest, the highest and
    third, only the second; doubles as trump; of the other dominoes how many are the highest of the suit they lead, and
    how many miss just one; the count among trumps and such winners; whether none or one of the others is no winner.
    """
    trumps = held & TRUMPS[declaration]
    if declaration >= DOUBLES_SUIT_ONLY:
        found[NO_TRUMP_HAND] = 1
    else:
        found[popcount(trumps)] = 1
        found[DOUBLES] = declaration == DOUBLES_TRUMP
        top, second, third, found[TRUMP_COUNT] = _trumps(trumps, declaration)
        found[TOP] = top
        found[TOP_TWO] = top * second
        found[TOP_AND_THIRD] = top * (1 - second) * third
        found[SECOND_ONLY] = (1 - top) * second
    losers = 0
    others = held & ~trumps
    while others:
        domino = lowest(others)
        others &= others - np.uint32(1)
        suit = np.int64(LED_SUIT[declaration, domino])
        above = BEATERS[declaration, suit, domino] & SUIT_MEMBERS[declaration, suit]  # no trump is of another suit
        missing = popcount(above & ~held)
        if missing == 0:
            found[WINNER] += 1
            found[WINNER_COUNT] += COUNT[domino]
        else:
            losers += 1
            found[ONE_ABOVE] += missing == 1
    if losers < 2:
        found[NO_LOSER + losers] = 1


@njit(cache=True, nogil=True)
def _trumps(trumps: np.uint32, declaration: int) -> tuple[int, int, int, int]:
    """Whether the highest, second and third trump are among ``trumps`` (bits), and their count."""
    top = second = third = count = 0
    while trumps:
        domino = lowest(trumps)
        trumps &= trumps - np.uint32(1)
        above = popcount(BEATERS[declaration, declaration, domino])
        top |= above == 0
        second |= above == 1
        third |= above == 2
        count += COUNT[domino]
    return top, second, third, count


@njit(cache=True, nogil=True)
def promising(held: np.uint32, declarations: int, points: int, most: int) -> int:
    """The ``most`` declarations (of the allowed ones, both as bits) with which a seat's seven dominoes take ``points``
    most often."""
    chosen, left = 0, np.int64(declarations)
    for _ in range(most):
        if left == 0:
            break
        bit = 1 << best_declaration(held, left, points)[0]
        chosen |= bit
        left &= ~bit
    return chosen
