"""Fit the simple bidder's weights to exact values, and show how well it knows its hands.

    python benchmarks/bidder.py --deals 20000

Every deal is drawn from --seed and solved exactly with seat 0 as the bidder, under one of the three declarations that
look best for its hand, or a random one. Prints the weights for zeb42_agents/bidding.py, and what the estimates mean.
"""

from __future__ import annotations

import argparse

import numpy as np

from zeb42_agents import bidding, solver
from zeb42_env import Hand
from zeb42_env._core.dominoes import NUM_DECLARATIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    deals = np.array([Hand.deal(options.seed, number=number).record for number in range(options.deals)])
    held = deals["held"][:, 0]
    looks = np.array([[bidding.strength(h, d) for d in range(NUM_DECLARATIONS)] for h in held])
    ranked = np.argsort(-looks, axis=1)
    choice = rng.integers(0, 4, options.deals)
    declarations = np.where(choice < 3, ranked[np.arange(len(held)), choice], rng.integers(0, 10, options.deals))
    points = np.empty(options.deals, np.int64)

    def work(part: slice, memory: np.void) -> None:
        for i in range(options.deals)[part]:
            points[i] = bidding.contract_points(deals[i], 0, int(declarations[i]), memory)

    solver.in_threads(work, options.deals, options.threads)
    found = np.zeros((options.deals, bidding.NUM_FEATURES))
    for i in range(options.deals):
        bidding.features(held[i], int(declarations[i]), found[i])
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
