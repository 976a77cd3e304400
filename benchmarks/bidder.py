"""Fit the simple bidder's weights to exact values, and the odds of the table to those of perfect play.

    python benchmarks/bidder.py --deals 20000
    python benchmarks/bidder.py --tables 600

``--deals`` solves that many random deals with seat 0 as the bidder, under one of the three declarations that look best
for its hand, or a random one, and prints the weights for zeb42_agents/simple_bidder.py and what the estimates mean.
``--tables`` has eq:n=10 play that many contracts of 30, 34, 38 and 42 at all four seats, and compares how many are made
with the share of worlds in which perfect play makes them.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.optimize import minimize_scalar

from zeb42_agents import bidding, simple_bidder, solver, worlds
from zeb42_agents.arena.play import play_hands
from zeb42_agents.eq import EQ
from zeb42_env import Hand, Rules
from zeb42_env._core.dominoes import NUM_DECLARATIONS
from zeb42_env._core.record import declare

AUCTION_DECLARATIONS = 0b1011111111
NUM_WORLDS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--deals", type=int)
    work.add_argument("--tables", type=int)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.deals:
        fit_weights(options.deals, options.seed, options.threads)
    else:
        fit_optimism(options.tables, options.seed)


def fit_optimism(num_contracts: int, seed: int) -> None:
    """Print how often contracts are made at the table, beside what perfect play over sampled worlds says."""
    rng = np.random.default_rng(seed)
    memory = solver.new_memory()[0]
    hands = np.array([Hand.deal(seed, Rules(scoring="contract"), number=n).record for n in range(num_contracts)])
    bids = np.resize([30, 34, 38, 42], num_contracts)
    made_worlds = np.empty(num_contracts)
    for hand, bid, i in zip(hands, bids, range(num_contracts), strict=True):
        view = Hand(hand).view(0)
        sampled = worlds.sample(view, NUM_WORLDS, rng)
        best = bidding.best_over_worlds(sampled[:40], 0, int(bid), AUCTION_DECLARATIONS, memory)
        made_worlds[i] = sum(bidding.contract_makes(world, 0, int(bid), best, memory) for world in sampled)
        hand["bidder"], hand["bid"] = 0, bid
        declare(hand, best)
    seats = np.zeros((num_contracts, 4), np.int64)
    keys = rng.integers(0, 2**64, num_contracts, dtype=np.uint64)
    made = play_hands([EQ(10)], hands, seats, keys, seats, strict=True).made.astype(bool)
    logits = np.log((made_worlds + 0.5) / (NUM_WORLDS - made_worlds + 0.5))

    def surprise(shift: float) -> float:
        return float(np.log1p(np.exp(np.where(made, -1, 1) * (logits - shift))).sum())

    print(f"optimism of perfect play: {minimize_scalar(surprise).x:.2f} logits over {num_contracts} contracts")
    print("bid   perfect play   eq:n=10 at the table")
    for bid in (30, 34, 38, 42):
        print(f"{bid:3d}{made_worlds[bids == bid].mean() / NUM_WORLDS:12.1%}{made[bids == bid].mean():15.1%}")


def fit_weights(num_deals: int, seed: int, threads: int) -> None:
    """Print the least-squares weights of the simple bidder's features."""
    rng = np.random.default_rng(seed)
    deals = np.array([Hand.deal(seed, number=number).record for number in range(num_deals)])
    held = deals["held"][:, 0]
    looks = np.array([[simple_bidder.strength(h, d) for d in range(NUM_DECLARATIONS)] for h in held])
    ranked = np.argsort(-looks, axis=1)
    choice = rng.integers(0, 4, num_deals)
    declarations = np.where(choice < 3, ranked[np.arange(len(held)), choice], rng.integers(0, 10, num_deals))
    points = np.empty(num_deals, np.int64)

    def work(part: slice, memory: np.void) -> None:
        for i in range(num_deals)[part]:
            points[i] = bidding.contract_points(deals[i], 0, int(declarations[i]), memory)

    solver.in_threads(work, num_deals, threads)
    found = np.zeros((num_deals, simple_bidder.NUM_FEATURES))
    for i in range(num_deals):
        simple_bidder.features(held[i], int(declarations[i]), found[i])
    weights = np.linalg.lstsq(found, points, rcond=None)[0]
    for trumps in range(1, 8):  # too rare to fit: go on in the same steps
        if found[:, trumps].sum() < 30:
            weights[trumps] = min(2 * weights[trumps - 1] - weights[trumps - 2], 42)
    print("weights", np.round(weights, 1).tolist())
    estimate = found @ weights
    print(f"correlation {np.corrcoef(estimate, points)[0, 1]:.3f}, error {np.std(points - estimate):.1f} points")
    print("estimate   deals  mean  P(30)  P(36)  P(42)")
    for low in range(12, 42, 3):
        these = points[(estimate >= low) & (estimate < low + 3)]
        if len(these) >= 30:
            shares = "".join(f"{(these >= bid).mean():7.0%}" for bid in (30, 36, 42))
            print(f"{low:3d}-{low + 3:3d} {len(these):9d} {these.mean():5.1f}{shares}")


if __name__ == "__main__":
    main()
