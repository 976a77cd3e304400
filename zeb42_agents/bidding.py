"""Calls from sampled, solved worlds: what bids are worth, and the calls of E[Q]."""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents import worlds
from zeb42_agents._double_dummy import makes, value
from zeb42_agents.calls.choose import price_curve
from zeb42_agents.calls.network import CallNetwork
from zeb42_agents.explanation import NUM_SHOWN, SCORE, Candidate, Explanation, share_of_worlds
from zeb42_agents.simple_bidder import (
    NUM_GOALS,
    best_chances,
    bid_worth,
    made_chance,
    pass_worth,
    promising,
    simple_call,
    stake_of,
)
from zeb42_agents.solver import in_threads
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, nth_bit, popcount
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS, NUM_SEATS
from zeb42_env._core.record import (
    AUCTION,
    DECLARATION,
    DECLARE,
    HAND,
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
OF_WORLDS = np.array([-0.35, 0.23, 0.64])  # see real_chance
OF_DEAL = np.array([-0.84, 1.35, 0.66])  # see chance_in_world
WORLDS_PER_DRAW = 4  # worlds drawn for each one that is kept as an explanation of the calls
CALL_SPREAD = 0.2  # stakes by which a bidder's standards may differ from the simple bidder's
CALL_NOISE = 0.05  # chance of a call that its standards do not explain


class BidCurve(NamedTuple):
    """What the contracts that a view's seat could play are worth: see :func:`bid_curve`.

    ``print`` shows both shares of every second bid, a notebook draws all as a table.
    """

    seat: int
    declarations: list[int]
    """The one that makes 30 most often at the table first."""
    chances: np.ndarray
    """float [D, 13] how often the seat's team takes at least 30, 31, .. 42 points at the table."""
    makes: np.ndarray
    """float [D, 13] share of the worlds in which it does so by perfect play, all hands seen."""
    mean_points: np.ndarray
    """float [D] points that it takes by perfect play on average."""

    def __str__(self) -> str:
        bids = [*range(MIN_BID, HAND_POINTS + 1, 2)]
        half = 6 * len(bids)
        titles = f"{'':13}{'made at the table':^{half}} | {'by perfect play, all hands seen':^{half}}"
        numbers = "".join(f"{bid:6d}" for bid in bids)
        lines = [titles.rstrip(), f"{'P(make)':13}{numbers} | {numbers}  points"]
        for row, declaration in enumerate(self.declarations):
            both = (
                "".join(f"{shares[row, bid - MIN_BID]:6.0%}" for bid in bids) for shares in (self.chances, self.makes)
            )
            lines.append(f"{Declaration(declaration)!s:13}{' | '.join(both)}{self.mean_points[row]:8.1f}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        best = f"{Declaration(self.declarations[0])} makes {MIN_BID} in {self.chances[0, 0]:.0%} at the table"
        return f"BidCurve(seat {self.seat}: {best}, in {self.makes[0, 0]:.0%} of the worlds by perfect play)"

    def _repr_html_(self) -> str:
        bids = "".join(f"<th>{bid}</th>" for bid in range(MIN_BID, HAND_POINTS + 1))
        rows = [f"<tr><th>declaration</th><th></th>{bids}<th>points</th></tr>"]
        for row, declaration in enumerate(self.declarations):
            for title, shares in (("at the table", self.chances), ("perfect play", self.makes)):
                name = f"<th rowspan=2>{Declaration(declaration)}</th>" if shares is self.chances else ""
                cells = "".join(f"<td>{share:.0%}</td>" for share in shares[row])
                points = "" if shares is self.chances else f"{self.mean_points[row]:.1f}"
                rows.append(f"<tr>{name}<td>{title}</td>{cells}<td>{points}</td></tr>")
        return f"<table><caption>How often seat {self.seat} makes its contract</caption>{''.join(rows)}</table>"


def bid_curve(
    view: np.void,
    num_worlds: int = 100,
    rng: np.random.Generator | np.uint64 | None = None,
    *,
    threads: int = 1,
    calls: CallNetwork | None = None,
) -> BidCurve:
    """How likely each bid is made under each declaration, if the seat of ``view`` declares and leads.

    Every sampled world is solved exactly under every declaration that the rules of the hand allow; what that means at
    the table, where nobody sees all hands, :func:`real_chance` says, though never more than perfect play makes, or
    ``calls``, a network that learned it (:func:`zeb42_agents.calls.load`). ``view`` is the view of a seat before the
    first lead; without ``rng`` the worlds are drawn from seed 0. ValueError for another view, or ``num_worlds`` below
    1.
    """
    view = worlds.one_record(view)
    if view["seat"] < 0 or view["phase"] not in (AUCTION, DECLARATION):
        raise ValueError("expected the view of a seat in the auction or declaration phase, got another record")
    sampled = worlds.sample(view, num_worlds, np.random.default_rng(0) if rng is None else rng)
    seat = int(view["seat"])
    declarations = np.array([d for d in range(NUM_DECLARATIONS) if int(view["declarations"]) >> d & 1])
    points = _points_of_contracts(sampled, seat, declarations, threads)
    makes = (points[:, :, None] >= np.arange(MIN_BID, HAND_POINTS + 1)).mean(0)
    if calls:
        chances = price_curve(calls, view, declarations)
    else:
        chances = np.empty(makes.shape)
        for i, declaration in enumerate(declarations):
            for bid in range(makes.shape[1]):
                made = makes[i, bid] * num_worlds
                estimate = made_chance(view["held"][seat], int(declaration), MIN_BID + bid)
                # Fitted to contracts that somebody might play, the odds know nothing of a suit without a domino.
                chances[i, bid] = min(real_chance(made, num_worlds, estimate), (made + 1.0) / (num_worlds + 1.0))
    best = np.lexsort((-points.mean(0), -chances[:, 0]))
    ranked = [int(d) for d in declarations[best]]
    return BidCurve(seat, ranked, chances[best], makes[best], points.mean(0)[best])


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
    sampled = worlds_given_calls(view, key, num_worlds)
    unit = "marks" if goals.by_marks(view["scoring"]) else SCORE
    how = "the best expected score; of equals passing, then the lower bid"
    if view["phase"] == DECLARATION:
        target = int(goals.target(view, seat & 1))
        candidates = _explain_declarations(view, sampled, target, threads)
        chosen = max(candidates, key=lambda c: (-np.inf if c.value is None else c.value, -c.action)).action
        how = f"takes {target} points most often at the table, of the {NUM_PROMISING} most promising"
    else:
        scores, calls = np.full(NUM_ACTIONS, np.nan), np.uint64(legal_mask(view))

        def work(_: slice, memory: np.void) -> None:
            scores[:] = score_calls(sampled, seat, calls, memory)

        in_threads(work, 1, 1)
        candidates = [Candidate(action=call, value=float(scores[call]) / num_worlds) for call in legal]
        chosen = int(_best_call(scores, calls))
    candidates.sort(key=lambda c: (c.action != chosen, -(c.value or 0.0), -(c.win_share or 0.0), c.action))
    shares = share_of_worlds(sampled)
    return Explanation(
        view=hand,
        chosen=chosen,
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


def _explain_declarations(view: np.void, sampled: np.ndarray, target: int, threads: int) -> list[Candidate]:
    """The declarations of ``view``, with figures for the most promising, which are tried."""
    seat, held = int(view["seat"]), view["held"][view["seat"]]
    bits = promising(held, view["declarations"], target, NUM_PROMISING)
    tried = np.array([d for d in range(NUM_DECLARATIONS) if bits >> d & 1])
    points = _points_of_contracts(sampled, seat, tried, threads)
    best = points == points.max(1, keepdims=True)
    candidates = [Candidate(action=a) for a in Hand(view).legal_actions() if a - DECLARE not in tried]
    for i, declaration in enumerate(tried):
        makes = int((points[:, i] >= target).sum())
        chance = real_chance(makes, len(sampled), made_chance(held, int(declaration), target))
        candidates.append(
            Candidate(
                action=DECLARE + int(declaration),
                value=stake_of(view["bid"], view["scoring"]) * (2.0 * chance - 1.0),
                win_share=makes / len(sampled),
                mean_points=float(points[:, i].mean()),
                spread_points=float(points[:, i].std()),
                best_share=float(best[:, i].mean()),
            )
        )
    return candidates


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
    """The call with the best expected score, or the declaration that makes the contract most often at the table.

    For every legal call and every sampled world the rest of the auction is called by the simple bidder; the contract
    that comes of it is worth what the hand is scored by, made as often as :func:`real_chance` says of its own and
    :func:`chance_in_world` of the others'. The own declaration is the one of the four most promising that makes the
    lowest legal bid, or all 42 points for a bid of marks, most often. The worlds are those that explain the calls so
    far. Ties go to passing, then to the lower bid.
    """
    seat = np.int64(view.to_move)
    legal = legal_mask(view)
    if popcount(legal) == 1:
        return lowest(legal)
    sampled = worlds_given_calls(view, key, num_worlds)
    if view.phase == DECLARATION:
        return DECLARE + best_over_worlds(sampled, seat, goals.target(view, seat & 1), view.declarations, m)[0]
    return _best_call(score_calls(sampled, seat, legal, m), legal)


@njit(cache=True, nogil=True)
def _best_call(scores: np.ndarray, legal: np.uint64) -> int:
    """The call of ``legal`` (bits) with the best of ``scores`` [56]; of equals the first."""
    best = lowest(legal)
    for call in range(best + 1, NUM_ACTIONS):
        if scores[call] > scores[best] + 1e-9:
            best = call
    return best


@njit(cache=True, nogil=True)
def real_chance(made: float, total: float, estimate: float) -> float:
    """The chance that a contract is made at the table, when perfect play makes it in ``made`` of ``total`` worlds and
    its bidder's dominoes alone promise ``estimate`` (:func:`zeb42_agents.simple_bidder.made_chance`).

    With all hands seen the offense never goes wrong, so the share of worlds promises far too much, and the more so the
    less it has to spare: the odds are fitted to both by ``benchmarks/bidder.py shares``. Half a world is added on
    either side, so that few worlds are never certain.
    """
    share = np.log((made + 0.5) / (total - made + 0.5))
    return _logistic(OF_WORLDS[0] + OF_WORLDS[1] * share + OF_WORLDS[2] * _log_odds(estimate))


@njit(cache=True, nogil=True)
def chance_in_world(makes_it: bool, estimate: float) -> float:
    """The chance that a contract is made at the table if the dominoes lie as in a world in which perfect play makes it
    or not; ``estimate`` and the fit are as of :func:`real_chance`."""
    return _logistic(OF_DEAL[0] + (OF_DEAL[1] if makes_it else -OF_DEAL[1]) + OF_DEAL[2] * _log_odds(estimate))


@njit(cache=True, nogil=True)
def _log_odds(chance: float) -> float:
    return np.log(chance / (1.0 - chance))


@njit(cache=True, nogil=True)
def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + np.exp(-log_odds))


@njit(cache=True, nogil=True)
def score_calls(sampled: np.ndarray, seat: int, legal: np.uint64, m: np.void) -> np.ndarray:
    """The expected score of each of the ``legal`` calls (bits) for the seat's team, summed over worlds: float64 [56],
    not a number where none is legal."""
    calls = np.empty(popcount(legal), np.int64)
    for i in range(len(calls)):
        calls[i] = nth_bit(legal, i)
    first_bid = calls[0] if calls[0] != PASS else calls[1]
    scoring, declarations = sampled[0].scoring, np.int64(sampled[0].declarations)
    for_points = best_over_worlds(sampled, seat, _target(bid_value(first_bid), scoring), declarations, m)[0]
    for_marks = best_over_worlds(sampled, seat, _target(HAND_POINTS, scoring), declarations, m)[0]
    own = np.zeros((len(calls), 2))  # contracts that come of a call and are its caller's, and those made
    scores = np.full(NUM_ACTIONS, np.nan)
    hands = np.empty(1, HAND)
    hand = hands[0]
    for i in range(len(calls)):
        scores[calls[i]] = 0.0
    for w in range(len(sampled)):
        solved_bidder, solved_with, solved_for, points = -1, -1, 0, 0
        for i in range(len(calls)):
            hands[0] = sampled[w]
            apply(hand, calls[i])
            while hand.phase == AUCTION:
                apply(hand, simple_call(hand))
            if hand.bidder < 0:
                continue  # thrown in, worth nothing
            bidder, in_marks = np.int64(hand.bidder), hand.bid >= HAND_POINTS
            if bidder == seat:
                declaration = for_marks if in_marks else for_points
            else:
                declaration = simple_call(hand) - DECLARE
            # A call differs from the one before in few worlds: what it takes to settle the contract is kept.
            needed = goals.target(hand, bidder & 1)
            exact = goals.by_margin(scoring) or (bidder == seat and not in_marks)
            goal = EXACTLY if exact else needed
            if bidder != solved_bidder or declaration != solved_with or goal != solved_for:
                solved_bidder, solved_with, solved_for = bidder, declaration, goal
                if exact:
                    points = contract_points(sampled[w], bidder, declaration, m)
                else:
                    points = needed if contract_makes(sampled[w], bidder, needed, declaration, m) else 0
            if goals.by_margin(scoring):
                score = goals.worth(hand, points if bidder & 1 == 0 else HAND_POINTS - points)
                scores[calls[i]] += score if seat & 1 == 0 else -score
            elif bidder == seat:
                own[i, 0] += 1
                own[i, 1] += points >= needed
            else:
                estimate = made_chance(sampled[w].held[bidder], declaration, needed)
                worth = goals.at_stake(hand) * (2.0 * chance_in_world(points >= needed, estimate) - 1.0)
                scores[calls[i]] += worth if (bidder ^ seat) & 1 == 0 else -worth
    if not goals.by_margin(scoring):
        for i in range(len(calls)):
            if own[i, 0]:
                scores[calls[i]] += _own_worth(sampled[0], seat, calls[i], own[i], for_points, for_marks)
    return scores


@njit(cache=True, nogil=True)
def _own_worth(world: np.void, seat: int, call: int, own: np.ndarray, for_points: int, for_marks: int) -> float:
    """What the contracts are worth that a bid brought its caller, summed over worlds: ``own`` counts them, and those
    made by perfect play."""
    bid = bid_value(call)
    declaration = for_marks if bid >= HAND_POINTS else for_points
    estimate = made_chance(world.held[seat], declaration, _target(bid, world.scoring))
    return stake_of(bid, world.scoring) * own[0] * (2.0 * real_chance(own[1], own[0], estimate) - 1.0)


@njit(cache=True, nogil=True)
def _target(bid: int, scoring: int) -> int:
    """The points that win the hand for whoever holds ``bid``; more than half where contracts do not count."""
    return min(bid, HAND_POINTS) if goals.by_contract(scoring) else goals.HALF + 1


@njit(cache=True, nogil=True)
def best_over_worlds(sampled: np.ndarray, bidder: int, needed: int, declarations: int, m: np.void) -> tuple[int, float]:
    """The declaration with which the bidder's team takes ``needed`` points most often at the table, and how often.

    The most promising of the allowed ones (bits) are tried on every world; ties go to the lower.
    """
    held = sampled[0].held[bidder]
    tried = promising(held, declarations, needed, NUM_PROMISING)
    best, best_chance = -1, -1.0
    for declaration in range(NUM_DECLARATIONS):
        if (tried >> declaration) & 1:
            wins = 0
            for w in range(len(sampled)):
                wins += contract_makes(sampled[w], bidder, needed, declaration, m)
            chance = real_chance(wins, len(sampled), made_chance(held, declaration, needed))
            if chance > best_chance:
                best, best_chance = declaration, chance
    return best, best_chance


@njit(cache=True, nogil=True)
def worlds_given_calls(view: np.void, key: np.uint64, num_worlds: int) -> np.ndarray:
    """Worlds HAND [num_worlds] of a view before its first lead, as likely as they explain the others' calls.

    Uniform worlds are drawn, four times as many, weighed by :func:`_call_likelihood` and resampled systematically; a
    view without calls of others keeps the first ones.
    """
    drawn = worlds.sample_evenly(view, WORLDS_PER_DRAW * num_worlds, key)
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
            likelihood *= _call_likelihood(world.held[seat], view, action, bid, bidder, seat)
        if action != PASS:
            bid, bidder = bid_value(action), seat
    return likelihood


@njit(cache=True, nogil=True)
def _call_likelihood(held: np.uint32, view: np.void, action: int, bid: int, bidder: int, seat: int) -> float:
    """How likely ``seat`` makes a call with these dominoes over ``bid`` of ``bidder``: the simple bidder's standards,
    with soft edges. A bid is worth at least a pass; a pass denies the lowest bid there was."""
    chances = np.empty(NUM_GOALS)
    best_chances(held, view.declarations, chances)
    over = max(MIN_BID, bid + 1) if bid < HAND_POINTS else bid + HAND_POINTS
    worth = bid_worth(over if action == PASS else bid_value(action), view.scoring, chances)
    bids = _logistic((worth - pass_worth(bidder, seat)) / CALL_SPREAD)
    return CALL_NOISE + (1.0 - CALL_NOISE) * (1.0 - bids if action == PASS else bids)
