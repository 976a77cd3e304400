"""What a review takes: the first line, the first decision, and all of a hand, by what is reviewed.

python benchmarks/review.py            # about half a minute on two idle cores
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from zeb42_agents import make_agent
from zeb42_agents.play.review import Effort, lines
from zeb42_env import Hand, Rules


def played(seed: int, rules: Rules) -> Hand:
    """A hand that greedy played to its end."""
    hand, agent = Hand.deal(seed, rules), make_agent("greedy")
    while not hand.is_over:
        hand.apply(int(agent.act(np.array([hand.view(hand.to_move)]), np.zeros(1, np.uint64))[0]))
    return hand


def seconds(hand: Hand, effort: Effort, **options: object) -> tuple[float, float, float, float]:
    """Until the head, the first decision, and the end; and what the cores worked in all."""
    start, worked = time.perf_counter(), time.process_time()
    at = [time.perf_counter() - start for _ in lines(hand, effort=effort, **options)]
    return at[0], at[1], at[-1], time.process_time() - worked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=int, default=5, help="hands of each kind (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="cores (default 2)")
    options = parser.parse_args()
    effort = Effort(threads=options.threads)
    cases = {
        "28 plays, all seats": (Rules(contract="random", scoring="contract"), {}),
        "28 plays, one seat": (Rules(contract="random", scoring="contract"), {"seats": [0]}),
        "auction and plays, all seats": (Rules(), {}),
        "auction and plays, one seat": (Rules(), {"seats": [0]}),
    }
    print(f"{effort.num_worlds} worlds a play, {effort.num_call_worlds} a call, {options.threads} threads")
    print(f"{'seconds':<30} {'head':>8} {'first':>8} {'all, mean':>10} {'all, most':>10} {'of a core':>10}")
    for name, (rules, chosen) in cases.items():
        seconds(played(99, rules), Effort(num_worlds=2, num_call_worlds=2), **chosen)  # compiles
        found = np.array([seconds(played(seed, rules), effort, **chosen) for seed in range(options.hands)])
        head, first, every, worked = found.T
        times = f"{head.mean():8.3f} {first.mean():8.2f} {every.mean():10.2f} {every.max():10.2f} {worked.mean():10.2f}"
        print(f"{name:<30} {times}")


if __name__ == "__main__":
    main()
