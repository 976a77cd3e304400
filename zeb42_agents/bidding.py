"""Calls from sampled, solved worlds: what bids are worth, and the calls of E[Q]."""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents import worlds
from zeb42_agents._double_dummy import makes, value
from zeb42_agents.explanation import NUM_SHOWN, SCORE, Candidate, Explanation, share_of_worlds
from zeb42_agents.simple_bidder import best_declaration, promising, simple_call
from zeb42_agents.solver import in_threads
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, nth_bit, popcount
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS, NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import (
    AUCTION,
    DECLARATION,
    DECLARE,
    HAND,
    MAX_MARKS_BID,
    MIN_BID,
    NUM_ACTIONS,
    PASS,
    apply,
    bid_value,
    declare,
    legal_mask,
)
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration

EXACTLY = -1
NUM_PROMISING = 4  # declarations that are tried on worlds before a call
DOUBLE_DUMMY_OPTIMISM = 1.2  # in logits; see real_chance
WORLDS_PER_DRAW = 4  # worlds drawn for each one that is kept as an explanation of the calls
CALL_SPREAD = 2.0  # points of strength by which a bidder's standards may differ from the simple bidder's
MARKS_STRENGTH = 38  # points of strength that a bid near or above 42 promises
CALL_NOISE = 0.05  # chance of a call that its standards do not explain


class BidCurve(NamedTuple):
    """What sampled worlds say about the contracts that a view's seat could play: see :func:`bid_curve`."""

    seat: int
    declarations: list[int]
    """Best first."""
    makes: np.ndarray
    """float [D, 13] share of worlds in which the seat's team takes at least 30, 31, .. 42 points."""
    mean_points: np.ndarray
    """float [D] points that it takes on average."""

    def __str__(self) -> str:
        bids = [*range(MIN_BID, HAND_POINTS + 1, 2)]
        lines = ["P(make)      " + "".join(f"{bid:6d}" for bid in bids) + "  points"]
        for row, declaration in enumerate(self.declarations):
            shares = "".join(f"{self.makes[row, bid - MIN_BID]:6.0%}" for bid in bids)
            lines.append(f"{Declaration(declaration)!s:13}{shares}{self.mean_points[row]:8.1f}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        best = f"{Declaration(self.declarations[0])} makes {MIN_BID} in {self.makes[0, 0]:.0%}"
        return f"BidCurve(seat {self.seat}: {best} of the worlds, {self.mean_points[0]:.1f} points)"


def bid_curve(
    view: np.void, num_worlds: int = 100, rng: np.random.Generator | np.uint64 | None = None, *, threads: int = 1
) -> BidCurve:
    """How likely each bid is made under each declaration, if the seat of ``view`` declares and leads.

    Every sampled world is solved exactly under every declaration that the rules of the hand allow. ``view`` is the
    view of a seat before the first lead; without ``rng`` the worlds are drawn from seed 0. ValueError for another view,
    or ``num_worlds`` below 1.
    """
    view = worlds.one_record(view)
    if view["seat"] < 0 or view["phase"] not in (AUCTION, DECLARATION):
        raise ValueError("expected the view of a seat in the auction or declaration phase, got another record")
    sampled = worlds.sample(view, num_worlds, np.random.default_rng(0) if rng is None else rng)
    seat = int(view["seat"])
    declarations = np.array([d for d in range(NUM_DECLARATIONS) if int(view["declarations"]) >> d & 1])
    points = _points_of_contracts(sampled, seat, declarations, threads)
    makes = (points[:, :, None] >= np.arange(MIN_BID, HAND_POINTS + 1)).mean(0)
    best = np.lexsort((-points.mean(0), -makes[:, 0]))
    return BidCurve(seat, [int(d) for d in declarations[best]], makes[best], points.mean(0)[best])


@njit(cache=True, nogil=True)
def _solve_contracts(sampled: np.ndarray, seat: int, declarations: np.ndarray, m: np.void, points: np.ndarray) -> None:
    for w in range(len(sampled)):
        for i in range(len(declarations)):
            points[w, i] = contract_points(sampled[w], seat, declarations[i], m)


@njit(cache=True, nogil=True)
def contract_points(world: np.void, bidder: int, declaration: int, m: np.void) -> int:
    """The points that the bidder's team takes in a world before its first lead, if it declares ``declaration``."""
    points = value(_contracted(world, bidder, MIN_BID, declaration)[0], m)
    return points if bidder & 1 == 0 else HAND_POINTS - points


@njit(cache=True, nogil=True)
def contract_makes(world: np.void, bidder: int, needed: int, declaration: int, m: np.void) -> bool:
    """Whether the bidder's team takes at least ``needed`` points in a world before its first lead."""
    hand = _contracted(world, bidder, MIN_BID, declaration)[0]
    if bidder & 1 == 0:
        return makes(hand, m, needed)
    return not makes(hand, m, HAND_POINTS + 1 - needed)


@njit(cache=True, nogil=True)
def _contracted(world: np.void, bidder: int, bid: int, declaration: int) -> np.ndarray:
    hands = np.empty(1, HAND)
    hands[0] = world
    hand = hands[0]
    hand.bidder = bidder
    hand.bid = bid
    declare(hand, declaration)
    return hands


def explain_call(view: np.void, key: np.uint64, num_worlds: int, *, threads: int = 1) -> Explanation:
    """What :func:`choose_call` finds about each call or declaration of one ``view``; the same key, the same worlds."""
    hand, seat = Hand(view), int(view["to_move"])
    legal = hand.legal_actions()
    if len(legal) == 1:
        return Explanation(view=hand, chosen=legal[0], candidates=(Candidate(action=legal[0]),), speaker="worlds")
    chosen = np.empty(1, np.int64)
    scores = np.full(NUM_ACTIONS, np.nan)
    sampled = worlds_given_calls(view, key, num_worlds)
    declarations = promising(view["held"][seat], view["declarations"], NUM_PROMISING)

    def work(_: slice, memory: np.void) -> None:
        choose_calls(np.array([view]), np.full(1, key, np.uint64), num_worlds, memory, chosen)
        if view["phase"] != DECLARATION:
            scores[:] = score_calls(sampled, seat, np.uint64(legal_mask(view)), declarations, memory) / num_worlds

    in_threads(work, 1, 1)
    unit, how = SCORE, "the best expected score; of equals passing, then the lower bid"
    if view["phase"] == DECLARATION:
        target = int(goals.target(view, seat & 1))
        candidates = _explain_declarations(sampled, seat, target, declarations, legal, threads)
        how = f"takes {target} points in most worlds, of the {NUM_PROMISING} most promising; ties to those"
    else:
        candidates = [Candidate(action=call, value=float(scores[call])) for call in legal]
        unit = "marks" if goals.by_marks(view["scoring"]) else SCORE
    candidates.sort(key=lambda c: (c.action != chosen[0], -(c.value or 0.0), -(c.win_share or 0.0), c.action))
    shares = share_of_worlds(sampled)
    return Explanation(
        view=hand,
        chosen=int(chosen[0]),
        candidates=tuple(candidates),
        speaker="worlds",
        basis=f"{num_worlds} worlds that explain the calls so far, their contracts solved exactly",
        how=how,
        unit=unit,
        root_value=candidates[0].value,
        belief=shares,
        world_share=shares,
        num_worlds=num_worlds,
        worlds=tuple(map(Hand, sampled[:NUM_SHOWN])),
    )


def _explain_declarations(
    sampled: np.ndarray, seat: int, target: int, declarations: int, legal: list[int], threads: int
) -> list[Candidate]:
    """The ``legal`` declarations (action ids), with figures for those of ``declarations`` (bits), which are tried."""
    tried = np.array([d for d in range(NUM_DECLARATIONS) if declarations >> d & 1])
    points = _points_of_contracts(sampled, seat, tried, threads)
    best = points == points.max(1, keepdims=True)
    return [Candidate(action=action) for action in legal if action - DECLARE not in tried] + [
        Candidate(
            action=DECLARE + int(declaration),
            win_share=float((points[:, i] >= target).mean()),
            mean_points=float(points[:, i].mean()),
            spread_points=float(points[:, i].std()),
            best_share=float(best[:, i].mean()),
        )
        for i, declaration in enumerate(tried)
    ]


def _points_of_contracts(sampled: np.ndarray, seat: int, declarations: np.ndarray, threads: int) -> np.ndarray:
    """The points int64 [W, D] that the team of ``seat`` takes in each world if it declares each of ``declarations``."""
    points = np.empty((len(sampled), len(declarations)), np.int64)

    def work(part: slice, memory: np.void) -> None:
        _solve_contracts(sampled[part], seat, declarations, memory, points[part])

    in_threads(work, len(sampled), threads)
    return points


@njit(cache=True, nogil=True)
def choose_calls(views: np.ndarray, keys: np.ndarray, num_worlds: int, m: np.void, actions: np.ndarray) -> None:
    """Write into ``actions`` (int64 [B]) the calls and declarations of E[Q] for ``views`` [B] before their first lead.

    See :func:`choose_call`; ``keys`` (uint64 [B]) draw the worlds, ``m`` is a memory of the solver.
    """
    for b in range(len(views)):
        actions[b] = choose_call(views[b], keys[b], num_worlds, m)


@njit(cache=True, nogil=True)
def choose_call(view: np.void, key: np.uint64, num_worlds: int, m: np.void) -> int:
    """The call with the best expected score, or the declaration that makes the contract most often.

    For every legal call and every sampled world the rest of the auction is called by the simple bidder; the contract
    that comes of it is worth what the hand is scored by, made as often as :func:`real_chance` says. The own declaration
    is the one of the four most promising that makes the lowest legal bid, or all 42 points for a bid of marks, in most
    worlds. The worlds are those that explain the calls so far. Ties go to passing, then to the lower bid.
    """
    seat = np.int64(view.to_move)
    legal = legal_mask(view)
    if popcount(legal) == 1:
        return lowest(legal)
    sampled = worlds_given_calls(view, key, num_worlds)
    declarations = promising(view.held[seat], view.declarations, NUM_PROMISING)
    if view.phase == DECLARATION:
        return DECLARE + best_over_worlds(sampled, seat, goals.target(view, seat & 1), declarations, m)
    scores = score_calls(sampled, seat, legal, declarations, m)
    best = lowest(legal)
    for call in range(best + 1, NUM_ACTIONS):
        if scores[call] > scores[best] + 1e-9:
            best = call
    return best


@njit(cache=True, nogil=True)
def real_chance(made: float, total: float) -> float:
    """The chance that a contract is made at the table, when perfect play makes it in ``made`` of ``total`` worlds.

    With all hands seen the offense never goes wrong, so the share of worlds promises too much: at the table the odds
    are ``exp(-DOUBLE_DUMMY_OPTIMISM)`` of what it says, as ``benchmarks/bidder.py --tables`` measures. Half a world is
    added on either side, so that few worlds are never certain.
    """
    odds = (made + 0.5) / (total - made + 0.5) * np.exp(-DOUBLE_DUMMY_OPTIMISM)
    return odds / (1.0 + odds)


@njit(cache=True, nogil=True)
def score_calls(sampled: np.ndarray, seat: int, legal: np.uint64, declarations: int, m: np.void) -> np.ndarray:
    """The expected score of each of the ``legal`` calls (bits) for the seat's team, summed over worlds: float64 [56],
    not a number where none is legal. The own declaration is one of ``declarations`` (bits)."""
    calls = np.empty(popcount(legal), np.int64)
    for i in range(len(calls)):
        calls[i] = nth_bit(legal, i)
    first_bid = calls[0] if calls[0] != PASS else calls[1]
    for_points = best_over_worlds(sampled, seat, _target(sampled[0], seat, bid_value(first_bid)), declarations, m)
    for_marks = best_over_worlds(sampled, seat, _target(sampled[0], seat, HAND_POINTS), declarations, m)
    # By call, whose contract comes of it (own, partner's, opponents') and the stake: in how many worlds, and made.
    total = np.zeros((len(calls), 3, MAX_MARKS_BID + 1))
    made = np.zeros((len(calls), 3, MAX_MARKS_BID + 1))
    scores = np.full(NUM_ACTIONS, np.nan)
    hands = np.empty(1, HAND)
    hand = hands[0]
    for i in range(len(calls)):
        scores[calls[i]] = 0.0
    for w in range(len(sampled)):
        solved_bidder, solved_for, points = -1, 0, 0
        for i in range(len(calls)):
            hands[0] = sampled[w]
            apply(hand, calls[i])
            while hand.phase == AUCTION:
                apply(hand, simple_call(hand))
            if hand.bidder < 0:
                continue  # thrown in, worth nothing
            bidder, bid = np.int64(hand.bidder), np.int64(hand.bid)
            in_marks = bid >= HAND_POINTS
            if bidder == seat:
                whose, declaration = 0, for_marks if in_marks else for_points
            else:
                whose, declaration = 1 + ((bidder ^ seat) & 1), simple_call(hand) - DECLARE
            # A call differs from the one before in few worlds: what it takes to settle the contract is kept.
            needed = goals.target(hand, bidder & 1)
            exact = goals.by_margin(hand.scoring) or (whose == 0 and not in_marks)
            if bidder != solved_bidder or solved_for != (EXACTLY if exact else needed):
                solved_bidder, solved_for = bidder, EXACTLY if exact else needed
                if exact:
                    points = contract_points(sampled[w], bidder, declaration, m)
                else:
                    points = needed if contract_makes(sampled[w], bidder, needed, declaration, m) else 0
            stake = np.int64(goals.at_stake(hand))
            total[i, whose, stake] += 1
            made[i, whose, stake] += points >= needed
            if goals.by_margin(hand.scoring):
                score = goals.worth(hand, points if bidder & 1 == 0 else HAND_POINTS - points)
                scores[calls[i]] += score if seat & 1 == 0 else -score
    if not goals.by_margin(sampled[0].scoring):
        for i in range(len(calls)):
            scores[calls[i]] = _expected_score(made[i], total[i])
    return scores


@njit(cache=True, nogil=True)
def _expected_score(made: np.ndarray, total: np.ndarray) -> float:
    """What contracts score for the seat's team, summed over worlds: ``total`` and ``made`` are float64 [3, 6], by whose
    they are and their stake, as :func:`score_calls` counts them."""
    score = 0.0
    for whose in range(3):
        for stake in range(1, MAX_MARKS_BID + 1):
            balance = 2.0 * real_chance(made[whose, stake], total[whose, stake]) - 1.0
            score += (stake if whose < 2 else -stake) * total[whose, stake] * balance
    return score


@njit(cache=True, nogil=True)
def best_over_worlds(sampled: np.ndarray, bidder: int, needed: int, declarations: int, m: np.void) -> int:
    """The declaration (of the allowed ones, bits) with which the bidder's team takes ``needed`` points in most worlds.

    Ties go to the one that :func:`strength` prefers. A declaration that can no longer catch up is dropped.
    """
    wins = np.zeros(NUM_DECLARATIONS, np.int64)
    racing = np.int64(declarations)
    for w in range(len(sampled)):
        leading = 0
        for declaration in range(NUM_DECLARATIONS):
            if (racing >> declaration) & 1:
                wins[declaration] += contract_makes(sampled[w], bidder, needed, declaration, m)
                leading = max(leading, wins[declaration])
        for declaration in range(NUM_DECLARATIONS):
            if wins[declaration] + len(sampled) - w - 1 < leading:
                racing &= ~(1 << declaration)
        if racing & (racing - 1) == 0:
            break
    return best_declaration(sampled[0].held[bidder], racing)[0]


@njit(cache=True, nogil=True)
def _target(world: np.void, bidder: int, bid: int) -> int:
    """The points that the bidder's team has to take to win what the hand is scored by, if ``bid`` wins the auction."""
    hands = np.empty(1, HAND)
    hands[0] = world
    hands[0].bidder = bidder
    hands[0].bid = bid
    return goals.target(hands[0], bidder & 1)


@njit(cache=True, nogil=True)
def worlds_given_calls(view: np.void, key: np.uint64, num_worlds: int) -> np.ndarray:
    """Worlds HAND [num_worlds] of a view before its first lead, as likely as they explain the others' calls.

    Uniform worlds are drawn, four times as many, weighed by :func:`_call_likelihood` and resampled systematically; a
    view without calls of others keeps the first ones.
    """
    views = np.empty(1, HAND)
    views[0] = view
    ones = np.ones((1, NUM_DOMINOES, NUM_SEATS), np.float32)
    drawn = worlds.sample_many(views, WORLDS_PER_DRAW * num_worlds, np.full(1, key, np.uint64), ones)[0]
    likelihood = np.empty(len(drawn))
    for w in range(len(drawn)):
        likelihood[w] = _auction_likelihood(view, drawn[w])
    if likelihood.max() == likelihood.min():
        return drawn[:num_worlds]
    kept = np.empty(num_worlds, HAND)
    step = likelihood.sum() / num_worlds
    place, reached = 0, likelihood[0]
    for w in range(num_worlds):
        while reached < (w + 0.5) * step and place < len(drawn) - 1:
            place += 1
            reached += likelihood[place]
        kept[w] = drawn[place]
    return kept


@njit(cache=True, nogil=True)
def _auction_likelihood(view: np.void, world: np.void) -> float:
    """How likely the other seats' calls so far are, if the dominoes lie as in ``world``."""
    likelihood = 1.0
    bid, bidder = 0, -1
    for i in range(NUM_SEATS):
        action = np.int64(view.calls[i])
        seat = (view.shaker + 1 + i) & 3
        if action < 0:
            break
        if seat != view.seat:
            over_partner = bidder >= 0 and (bidder ^ seat) & 1 == 0
            likelihood *= _call_likelihood(world.held[seat], view.declarations, action, bid, over_partner)
        if action != PASS:
            bid, bidder = bid_value(action), seat
    return likelihood


@njit(cache=True, nogil=True)
def _call_likelihood(held: np.uint32, declarations: int, action: int, bid: int, over_partner: bool) -> float:
    """How likely a seat with these dominoes makes a call: the simple bidder's standards, with soft edges.

    A bid promises its points; a pass denies the lowest bid there was, and nothing after a bid of the partner.
    """
    if action == PASS and over_partner:
        return 1.0
    points = best_declaration(held, declarations)[1] + 1.0
    if action == PASS:
        fits = 1.0 / (1.0 + np.exp((points - max(MIN_BID, min(bid + 1, HAND_POINTS))) / CALL_SPREAD))
    else:
        fits = 1.0 / (1.0 + np.exp((min(bid_value(action), MARKS_STRENGTH) - points) / CALL_SPREAD))
    return CALL_NOISE + (1.0 - CALL_NOISE) * fits
