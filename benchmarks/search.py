"""What a simulation of the search costs besides the network, one core: ``python benchmarks/search.py``.

The evaluator of this benchmark answers at once (every action equally likely, every value 0), and its own time is taken
off. Positions are from random play of random contracts, forced decisions left out. The time includes sampling worlds,
walking, building the leaves' views, solving endings, and everything that Python does around the kernels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from time import perf_counter

import numpy as np
from numba import njit

from zeb42_agents.search import Search, SearchConfig
from zeb42_env import Rules
from zeb42_env._core.bits import below, lowest, mix, nth_bit, popcount
from zeb42_env._core.record import BY_CHANCE, apply, deal_many, legal_mask, views_of

CONFIGS = {
    "gumbel, 64 simulations": SearchConfig(),
    "puct, 64 simulations": SearchConfig(root="puct"),
    "gumbel, 16 simulations": SearchConfig(sims=16),
    "gumbel, 256 simulations, 64 worlds": SearchConfig(sims=256, worlds=64),
    "gumbel, one leaf a batch": SearchConfig(leaves=1),
    "no solver": SearchConfig(solve_tricks=0),
    "solve_tricks=3": SearchConfig(solve_tricks=3),
    "solve_tricks=4": SearchConfig(solve_tricks=4),
    "solve_tricks=7 (E[Q])": SearchConfig(solve_tricks=7),
}


class Even:
    """Every legal action equally likely, every value 0; counts its own time."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`zeb42_agents.search.Evaluator`."""
        begin = perf_counter()
        answers = _even(views), np.zeros(len(views), np.float32)
        self.time_s += perf_counter() - begin
        return answers

    def belief(self, views: np.ndarray) -> np.ndarray:
        """See :class:`zeb42_agents.search.Evaluator`."""
        return np.full((len(views), 28, 4), 0.25, np.float32)


@njit(cache=True, nogil=True)
def _even(views: np.ndarray) -> np.ndarray:
    priors = np.zeros((len(views), 56), np.float32)
    for b in range(len(views)):
        legal = legal_mask(views[b])
        share = 1 / popcount(legal)
        while legal:
            priors[b, lowest(legal)] = share
            legal &= legal - np.uint64(1)
    return priors


@njit(cache=True)
def _play_on(hands: np.ndarray) -> None:
    """Take 0 to 23 random plays in each hand, then more until there is something to decide."""
    stream = np.empty(1, np.uint64)
    for b in range(len(hands)):
        stream[0] = mix(np.uint64(b), np.uint64(0))
        wanted = below(stream, 24)
        while hands[b].num_plays < wanted or (hands[b].num_plays < 23 and popcount(legal_mask(hands[b])) == 1):
            legal = legal_mask(hands[b])
            apply(hands[b], nth_bit(legal, below(stream, popcount(legal))))


def positions(num: int) -> np.ndarray:
    """Views [num] of the seat to move, each with more than one legal action."""
    hands = np.repeat(Rules(contract="random", scoring="contract").blank_record(), 2 * num)
    deal_many(hands, np.uint64(42), 0, BY_CHANCE)
    _play_on(hands)
    undecided = np.array([int(legal_mask(hand)).bit_count() > 1 for hand in hands])
    hands = hands[undecided][:num]
    return views_of(hands, hands["to_move"])


def measure(config: SearchConfig, views: np.ndarray, repeats: int) -> tuple[float, float]:
    """Best microseconds a simulation without the evaluator's own time, and views evaluated a simulation."""
    keys = np.arange(len(views), dtype=np.uint64)
    search = Search(Even(), config)
    search(views, keys)
    best_us, evaluations = np.inf, 0.0
    for _ in range(repeats):
        search.evaluator = evaluator = Even()
        begin = perf_counter()
        result = search(views, keys)
        time_s = perf_counter() - begin - evaluator.time_s
        num_simulations = int(result.searched.sum()) * config.sims
        best_us = min(best_us, 1e6 * time_s / num_simulations)
        evaluations = result.num_evaluations / num_simulations
    return best_us, evaluations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-views", type=int, default=256, help="decisions in a batch")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the best counts")
    options = parser.parse_args()
    views = positions(options.num_views)
    print(f"{len(views)} decisions a batch, best of {options.repeats}, one thread")
    print(f"{'':<38}{'us a simulation':>16}{'evaluations a simulation':>26}")
    for name, config in CONFIGS.items():
        cost_us, evaluations = measure(config, views, options.repeats)
        print(f"{name:<38}{cost_us:16.2f}{evaluations:26.2f}", flush=True)
    cost_us, evaluations = measure(replace(SearchConfig(), sims=64), views[:1], 20 * options.repeats)
    print(f"{'one decision at a time':<38}{cost_us:16.2f}{evaluations:26.2f}")


if __name__ == "__main__":
    main()
