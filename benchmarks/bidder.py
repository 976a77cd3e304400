"""Fit the constants of calls to what contracts came to at the table.

    python benchmarks/bidder.py fit --deals 600000       what seven dominoes make: zeb42_agents/simple_bidder.py
    python benchmarks/bidder.py passes --deals 20000     what a pass is worth: the same
    python benchmarks/bidder.py shares --contracts 2000  what shares of solved worlds mean: zeb42_agents/bidding.py

``fit`` has four greedy players play a contract of seat 0 on that many deals, three in five with the declaration that
looks best, the others with any, and fits the log odds of taking 30 and 42 points to its seven dominoes, then those of
every bid to these two. ``passes`` plays bidders with several values of a pass against each other and against the old
bidder, greedy playing for all. ``shares`` has eq:n=10 play contracts that look worth a bid, and fits the odds at the
table to the share of worlds in which perfect play makes them and to the estimate from seven dominoes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from bidder_strength import CallsBy, duel, old_calls

from zeb42_agents import bidding, simple_bidder, solver, worlds
from zeb42_agents.agent import Agent
from zeb42_agents.arena.play import play_hands
from zeb42_agents.baselines import GreedyAgent
from zeb42_agents.eq import EQ
from zeb42_env import Hand, Rules
from zeb42_env._core import goals, tables
from zeb42_env._core.dominoes import HAND_POINTS
from zeb42_env._core.record import AUCTION, HAND, MIN_BID, NUM_ACTIONS, PASS, TRICKS

DECLARATIONS = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9])
GOALS = (goals.HALF + 1, *range(MIN_BID, HAND_POINTS + 1))
SEVEN_TRUMPS = 8.0  # log odds: they take every trick, and are too rare to fit
CHUNK = 50_000
NUM_WORLDS = 50

Calls = Callable[[np.ndarray], np.ndarray]
"""What an array of hands is answered with: a declaration or a call for each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fit", "passes", "shares"))
    parser.add_argument("--deals", type=int, default=600_000)
    parser.add_argument("--contracts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    np.set_printoptions(precision=2, suppress=True, linewidth=110, floatmode="fixed")
    if options.what == "fit":
        fit(options.deals, options.seed)
    elif options.what == "passes":
        compare_passes(options.deals, options.seed)
    else:
        fit_shares(options.contracts, options.seed)


def fit(num_deals: int, seed: int) -> None:
    """Print the weights of the features, the constants of every bid, and what is promised beside what is made."""
    rng = np.random.default_rng(seed)
    found, points = greedy_contracts(num_deals // 4, seed, lambda held: rng.choice(DECLARATIONS, len(held)))
    weights = fit_weights(found, points)

    def mostly_best(held: np.ndarray) -> np.ndarray:
        best = best_by(weights[0], held)
        return np.where(rng.random(len(held)) < 0.6, best, rng.choice(DECLARATIONS, len(held)))

    found, points = greedy_contracts(num_deals, seed + 1, mostly_best)
    weights = fit_weights(found, points)
    print("WEIGHTS", np.array2string(weights, separator=", "))
    fitted, tested = np.arange(len(points)) % 4 > 0, np.arange(len(points)) % 4 == 0
    scored = basis(found @ weights.T)
    chances = np.array([fit_logistic(scored[fitted], points[fitted] >= goal) for goal in GOALS])
    print("CHANCES", np.array2string(chances, separator=", "))
    print("a quarter, held out of CHANCES, not of WEIGHTS: promised, made and Brier of each goal, then both by tenths")
    for goal, row in zip(GOALS, chances, strict=True):
        calibration(goal, 1 / (1 + np.exp(-scored[tested] @ row)), points[tested] >= goal)


def greedy_contracts(num_deals: int, seed: int, choose: Calls) -> tuple[np.ndarray, np.ndarray]:
    """Contracts of seat 0 played by greedy, with the declarations that ``choose`` makes of its dominoes (uint32 [B]):
    the features float64 [B, F] of its dominoes, and the points int64 [B] that its team took."""
    found, points = np.zeros((num_deals, simple_bidder.NUM_FEATURES)), np.empty(num_deals, np.int64)
    for first in range(0, num_deals, CHUNK):
        part = slice(first, min(first + CHUNK, num_deals))
        hands = deals(part.start, part.stop, seed)
        held = hands["held"][:, 0].copy()
        declarations = choose(held)
        found[part] = features_of(held, declarations)
        points[part] = played(GreedyAgent(), hands, np.full(len(held), MIN_BID), declarations, seed)
    return found, points


def deals(first: int, end: int, seed: int) -> np.ndarray:
    """The hands that numbers ``first`` to ``end`` of ``seed`` deal, before their auction."""
    hands = np.empty(end - first, HAND)
    hands[:] = Rules(scoring="contract").blank_record()[0]
    tables.deal_numbers(hands, np.uint64(seed), np.arange(first, end, dtype=np.uint64), 0)
    return hands


def played(agent: Agent, hands: np.ndarray, bids: np.ndarray, declarations: np.ndarray, seed: int) -> np.ndarray:
    """The points int64 [B] that seat 0's team takes in its contracts on ``hands``, ``agent`` playing all seats."""
    hands["bidder"], hands["bid"], hands["declaration"] = 0, bids, declarations
    hands["leader"], hands["to_move"], hands["phase"] = 0, 0, TRICKS
    seats = np.zeros((len(hands), 4), np.int64)
    keys = np.random.default_rng(seed).integers(0, 2**64, len(hands), dtype=np.uint64)
    return play_hands([agent], hands, seats, keys, seats, strict=True).points[:, 0]


def features_of(held: np.ndarray, declarations: np.ndarray) -> np.ndarray:
    """The features float64 [B, F] of dominoes (uint32 [B]) with declarations [B]."""
    found = np.zeros((len(held), simple_bidder.NUM_FEATURES))
    for i in range(len(held)):
        simple_bidder.features(held[i], int(declarations[i]), found[i])
    return found


def best_by(weights: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The declaration [B] that one row of weights prefers for each hand."""
    looks = [features_of(held, np.full(len(held), declaration)) @ weights for declaration in DECLARATIONS]
    return DECLARATIONS[np.argmax(looks, axis=0)]


def fit_weights(found: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Log odds of 30 and of 42 points, linear in the features: float64 [2, F]."""
    weights = np.array([fit_logistic(found, points >= goal) for goal in (MIN_BID, HAND_POINTS)])
    weights[:, 7] = SEVEN_TRUMPS
    return np.round(weights, 2)


def basis(scores: np.ndarray) -> np.ndarray:
    """What the log odds of every bid are linear in: the two scores [B, 2], and a bend in each where hands are good."""
    low, high = scores.T
    return np.c_[np.ones(len(low)), low, high, np.maximum(0, low - 1), np.maximum(0, high)]


def fit_logistic(given: np.ndarray, happened: np.ndarray, ridge: float = 1e-3, rounds: int = 25) -> np.ndarray:
    """The weights of a logistic regression of ``happened`` (bool [B]) on ``given`` (float64 [B, F])."""
    weights = np.zeros(given.shape[1])
    for _ in range(rounds):
        chances = 1 / (1 + np.exp(-given @ weights))
        slope = given.T @ (happened - chances) - ridge * weights
        bend = (given * (chances * (1 - chances))[:, None]).T @ given + ridge * np.eye(len(weights))
        weights += np.linalg.solve(bend, slope)
    return weights


def calibration(goal: int, promised: np.ndarray, made: np.ndarray) -> None:
    """Print one line: what was promised and what was made."""
    tenth = np.minimum((10 * promised).astype(int), 9)
    parts = [(promised[tenth == k].mean(), made[tenth == k].mean()) for k in range(10) if (tenth == k).sum() > 50]
    words = " ".join(f"{p:.0%}:{m:.0%}" for p, m in parts)
    print(f"{goal:3d} {promised.mean():6.1%} {made.mean():6.1%} {((promised - made) ** 2).mean():6.3f}  {words}")


def compare_passes(num_deals: int, seed: int) -> None:
    """Print how bidders that value a pass so or so do against each other and the old one."""
    others = {"old": old_calls, "0 0 0": pass_calls(0.0, 0.0, 0.0), "0 .3 -.2": pass_calls(0.0, 0.3, -0.2)}
    print("Elo a hand of a bidder (what a pass is worth: nobody, partner, opponent) against", ", ".join(others))
    for worth in (
        (0, 0, 0),
        (0, 0.3, 0),
        (0.1, 0.3, 0),
        (0.1, 0.3, 0.1),
        (0.1, 0.3, 0.2),
        (0.1, 0.3, 0.3),
        (0.2, 0.3, 0.2),
    ):
        bidder = CallsBy(GreedyAgent(), pass_calls(*worth), "bidder")
        elos = [duel(bidder, CallsBy(GreedyAgent(), calls, name), num_deals, seed) for name, calls in others.items()]
        print(worth, "  ".join(f"{pairing.elo:+.0f} +- {np.ptp(pairing.elo_interval) / 2:.0f}" for pairing in elos))


def pass_calls(nobody: float, partner: float, opponent: float) -> Calls:
    """The simple bidder's calls if a pass were worth so much."""
    change = np.array([nobody, partner, opponent]) - simple_bidder.PASS_WORTH

    def calls(views: np.ndarray) -> np.ndarray:
        actions = simple_bidder.simple_calls(views)
        holder = np.where(views["bidder"] < 0, 0, 1 + ((views["bidder"] ^ views["to_move"]) & 1))
        for b in np.flatnonzero(views["phase"] == AUCTION):
            values = np.full(NUM_ACTIONS, -np.inf)
            simple_bidder.value_calls(views[b], values)
            values[PASS] += change[holder[b]]
            actions[b] = np.round(values, 9).argmax()
        return actions

    return calls


def fit_shares(num_contracts: int, seed: int) -> None:
    """Print how often contracts are made at the table, by what perfect play over sampled worlds says."""
    rng = np.random.default_rng(seed)
    memory = solver.new_memory()[0]
    hands = deals(0, 12 * num_contracts, seed)
    held = hands["held"][:, 0].copy()
    bids = rng.integers(MIN_BID, HAND_POINTS + 1, len(hands))
    best = [simple_bidder.best_declaration(h, 0b1011111111, int(b)) for h, b in zip(held, bids, strict=True)]
    declarations, chances = np.array([b[0] for b in best]), np.array([b[1] for b in best])
    kept = np.flatnonzero(chances > rng.random(len(hands)))[:num_contracts]  # as likely as the contract is to be made
    hands, bids, declarations, chances = hands[kept], bids[kept], declarations[kept], chances[kept]
    in_worlds, in_deal = np.empty(len(hands)), np.empty(len(hands))
    for i in range(len(hands)):
        contract = 0, int(bids[i]), int(declarations[i]), memory
        sampled = worlds.sample(Hand(hands[i]).view(0), NUM_WORLDS, rng)
        in_worlds[i] = sum(bidding.contract_makes(world, *contract) for world in sampled)
        in_deal[i] = bidding.contract_makes(hands[i], *contract)
    made = played(EQ(10), hands, bids, declarations, seed) >= bids
    estimate = np.log(chances / (1 - chances))
    share = np.log((in_worlds + 0.5) / (NUM_WORLDS - in_worlds + 0.5))
    print("OF_SHARE", fit_logistic(np.c_[np.ones(len(made)), share, estimate], made))
    print("OF_DEAL", fit_logistic(np.c_[np.ones(len(made)), 2 * in_deal - 1, estimate], made))
    given = np.c_[np.ones(len(made)), share, estimate]
    halves = [np.arange(len(made)) % 2 == h for h in (0, 1)]
    calibrated = np.empty(len(made))
    for fitted, tested in (halves, halves[::-1]):
        calibrated[tested] = 1 / (1 + np.exp(-given[tested] @ fit_logistic(given[fitted], made[fitted])))
    print(
        "bid     contracts  perfect play  estimate  both, calibrated on the other half  made by eq:n=10  Brier of each"
    )
    for low, high in ((30, 30), (31, 34), (35, 38), (39, 41), (42, 42), (30, 42)):
        m = (bids >= low) & (bids <= high)
        said = [in_worlds[m] / NUM_WORLDS, chances[m], calibrated[m]]
        brier = " ".join(f"{((s - made[m]) ** 2).mean():.3f}" for s in said)
        print(
            f"{low}-{high} {m.sum():8d}  "
            + "  ".join(f"{s.mean():.1%}" for s in said)
            + f"  {made[m].mean():.1%}  {brier}"
        )


if __name__ == "__main__":
    main()
