"""What a simulation of the search costs besides the network: ``python benchmarks/search.py``.

The evaluator of the first table answers at once (every action equally likely, every value 0), and its own time is taken
off. Positions are from random play of random contracts, forced decisions left out. The time includes sampling worlds,
walking, building the leaves' views, solving endings, and everything that Python does around the kernels; it is CPU
time, so that other work on the machine disturbs little. The lines after it (``--sizes``) are with untrained networks of
the named sizes: simulations a second, and the share of the time that is the network's, tokens included.
"""

from __future__ import annotations

import argparse
from time import perf_counter, thread_time
from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.search import Evaluator, Search, SearchConfig
from zeb42_env import Rules
from zeb42_env._core.bits import below, lowest, mix, nth_bit, popcount
from zeb42_env._core.record import BY_CHANCE, apply, legal_mask
from zeb42_env._core.tables import deal_numbers, views_of

CONFIGS = {
    "gumbel, 64 simulations": SearchConfig(),
    "puct, 64 simulations": SearchConfig(root="puct"),
    "gumbel, 16 simulations": SearchConfig(sims=16),
    "gumbel, 256 simulations, 64 worlds": SearchConfig(sims=256, worlds=64),
    "gumbel, one leaf a batch": SearchConfig(leaves=1),
    "no solver": SearchConfig(solve_tricks=0),
    "solve_tricks=2": SearchConfig(solve_tricks=2),
    "solve_tricks=3": SearchConfig(solve_tricks=3),
    "solve_tricks=5": SearchConfig(solve_tricks=5),
    "solve_tricks=7 (E[Q])": SearchConfig(solve_tricks=7),
}


class Even:
    """Every legal action equally likely, every value 0."""

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`zeb42_agents.search.Evaluator`."""
        return _even(views), np.zeros(len(views), np.float32)

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
    deal_numbers(hands, np.uint64(42), np.arange(len(hands), dtype=np.uint64), BY_CHANCE)
    _play_on(hands)
    undecided = np.array([int(legal_mask(hand)).bit_count() > 1 for hand in hands])
    hands = hands[undecided][:num]
    return views_of(hands, hands["to_move"])


class Timed:
    """An evaluator that counts the time it takes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.time_s = 0.0  # by the clock
        self.cpu_s = 0.0  # of the calling thread

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`zeb42_agents.search.Evaluator`."""
        begin, cpu_begin = perf_counter(), thread_time()
        answers = self.evaluator(views)
        self._count(begin, cpu_begin)
        return answers

    def belief(self, views: np.ndarray) -> np.ndarray:
        """See :class:`zeb42_agents.search.Evaluator`."""
        begin, cpu_begin = perf_counter(), thread_time()
        answer = self.evaluator.belief(views)
        self._count(begin, cpu_begin)
        return answer

    def _count(self, begin: float, cpu_begin: float) -> None:
        self.time_s += perf_counter() - begin
        self.cpu_s += thread_time() - cpu_begin


class Measured(NamedTuple):
    """The best of some runs."""

    overhead_us: float
    """CPU microseconds a simulation without the evaluator's own."""
    network_share: float
    """Of the whole time."""
    simulations_per_s: float
    evaluations: float
    """Views evaluated a simulation."""


def measure(evaluator: Evaluator, config: SearchConfig, views: np.ndarray, repeats: int) -> Measured:
    """Search ``views`` [B] ``repeats`` times."""
    keys = np.arange(len(views), dtype=np.uint64)
    timed = Timed(evaluator)
    search = Search(timed, config)
    search(views, keys)
    runs = []
    for _ in range(repeats):
        timed.time_s = timed.cpu_s = 0.0
        begin, cpu_begin = perf_counter(), thread_time()
        result = search(views, keys)
        time_s, cpu_s = perf_counter() - begin, thread_time() - cpu_begin
        num_simulations = int(result.searched.sum()) * config.sims
        overhead_us = 1e6 * (cpu_s - timed.cpu_s) / num_simulations
        share = timed.time_s / time_s
        runs.append(Measured(overhead_us, share, num_simulations / time_s, result.num_evaluations / num_simulations))
    return min(runs)


def network(size: str) -> Evaluator:
    """An untrained network of a named size."""
    from zeb42_agents.evaluator import NetworkEvaluator
    from zeb42_agents.model import ZebConfig, ZebModel

    return NetworkEvaluator(ZebModel(ZebConfig.named(size, tokenizer="v2", belief_head=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-views", type=int, default=256, help="decisions in a batch")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the best counts")
    parser.add_argument("--sizes", nargs="*", default=[], help="networks to measure too: small, medium, large")
    options = parser.parse_args()
    views = positions(options.num_views)
    print(f"{len(views)} decisions a batch, best of {options.repeats}, one thread")
    print(f"{'':<38}{'CPU us a simulation':>20}{'evaluations a simulation':>26}")
    for name, config in CONFIGS.items():
        found = measure(Even(), config, views, options.repeats)
        print(f"{name:<38}{found.overhead_us:20.2f}{found.evaluations:26.2f}", flush=True)
    found = measure(Even(), SearchConfig(), views[:1], 20 * options.repeats)
    print(f"{'one decision at a time':<38}{found.overhead_us:20.2f}{found.evaluations:26.2f}", flush=True)
    for size in options.sizes:
        found = measure(network(size), SearchConfig(), views, 1)
        print(
            f"{size} network: {found.simulations_per_s:,.0f} simulations/s, {found.network_share:.1%} of the time its "
            f"own, {found.overhead_us:.2f} us a simulation the rest",
            flush=True,
        )


if __name__ == "__main__":
    main()
