"""How fast exact values and worlds are, on one core.

    python benchmarks/solver.py --deals 1000

Deals and contracts are random, under all ten declarations. "at least 30?" asks for the bidder's team at the first lead.
Times are the thread's own,
so that other work on the machine counts little. Positions searched do not depend on the machine; a test keeps a bound
on them.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import thread_time

import numpy as np
from numba import njit

from zeb42_agents import solver, worlds
from zeb42_env import Hand, Rules
from zeb42_env._core.record import legal_plays, rewind
from zeb42_env._core.tables import play_randomly, views_of

Ask = Callable[[np.ndarray, np.void, np.ndarray, np.ndarray], None]


@njit(cache=True, nogil=True)
def exact_values(hands: np.ndarray, m: np.void, starts: np.ndarray, nodes: np.ndarray) -> None:
    """Ask for the exact value of hands[starts[0]:starts[1]], and write how many positions that took."""
    for i in range(starts[0], starts[1]):
        before = m.nodes
        solver.value(hands[i], m)
        nodes[i] = m.nodes - before


@njit(cache=True, nogil=True)
def at_least_30(hands: np.ndarray, m: np.void, starts: np.ndarray, nodes: np.ndarray) -> None:
    """Ask whether the bidder's team makes 30."""
    for i in range(starts[0], starts[1]):
        before = m.nodes
        solver.makes(hands[i], m, 30 if hands[i].bidder & 1 == 0 else 13)
        nodes[i] = m.nodes - before


@njit(cache=True, nogil=True)
def all_moves(hands: np.ndarray, m: np.void, starts: np.ndarray, nodes: np.ndarray) -> None:
    """Ask for the exact value of every first lead."""
    row = np.empty(28, np.int8)
    for i in range(starts[0], starts[1]):
        before = m.nodes
        solver.solve_moves(hands[i], m, legal_plays(hands[i]), row)
        nodes[i] = m.nodes - before


@njit(cache=True, nogil=True)
def all_moves_30(hands: np.ndarray, m: np.void, starts: np.ndarray, nodes: np.ndarray) -> None:
    """Ask for every first lead whether it makes 30."""
    row = np.empty(28, np.int8)
    for i in range(starts[0], starts[1]):
        before = m.nodes
        solver.makes_moves(hands[i], m, 30 if hands[i].bidder & 1 == 0 else 13, legal_plays(hands[i]), row)
        nodes[i] = m.nodes - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1_000_000)
    options = parser.parse_args()
    rules = Rules(contract="random")
    hands = np.array([Hand.deal(options.seed, rules, number=n).record for n in range(options.deals)])
    print(f"{options.deals} random deals, first lead       mean ms  median ms  positions: mean  median")
    rows: list[tuple[str, Ask]] = [
        ("exact value", exact_values),
        ("at least 30?", at_least_30),
        ("all moves, exact", all_moves),
        ("all moves, at least 30?", all_moves_30),
    ]
    for name, ask in rows:
        times_ms, nodes = measure(ask, hands)
        print(
            f"{name:36s}{times_ms.mean():8.2f}{np.median(times_ms):11.2f}{nodes.mean():17,.0f}{np.median(nodes):8,.0f}"
        )
    for name, per_second in time_worlds(hands):
        print(f"{name:36s}{per_second}")


def measure(ask: Ask, hands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds [N] and positions [N] for each of ``hands``."""
    memory = solver.new_memory()[0]
    nodes = np.zeros(len(hands), np.int64)
    times_ms = np.empty(len(hands))
    ask(hands, memory, np.array([0, 1]), nodes)
    for i in range(len(hands)):
        part = np.array([i, i + 1])
        start = thread_time()
        ask(hands, memory, part, nodes)
        times_ms[i] = 1000 * (thread_time() - start)
    return times_ms, nodes


def time_worlds(hands: np.ndarray) -> list[tuple[str, str]]:
    """What sampling, counting and marginals cost in the middle of a hand."""
    middle = hands[:200].copy()
    play_randomly(middle, np.arange(200, dtype=np.uint64))
    for hand in middle:
        rewind(hand, 14)
    views = views_of(middle, middle["to_move"])
    keys = np.arange(200, dtype=np.uint64)
    weights = worlds.uniform_weights(200)
    rng = np.random.default_rng(0)
    worlds.sample_many(views, 10, keys, weights)
    start = thread_time()
    worlds.sample_many(views, 2000, keys, weights)
    rows = [("worlds after 14 plays", f"{200 * 2000 / (thread_time() - start):,.0f} a second")]
    for name, ask in (
        ("count", worlds.count),
        ("marginals", worlds.marginals),
        ("sample of 100", lambda view: worlds.sample(view, 100, rng)),
    ):
        ask(views[0])
        start = thread_time()
        for view in views:
            ask(view)
        rows.append((f"{name} of a view", f"{1e6 * (thread_time() - start) / len(views):.1f} us"))
    return rows


if __name__ == "__main__":
    main()
