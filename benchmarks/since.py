"""What a change cost: ``python benchmarks/since.py OTHER`` measures this checkout and another one, taking turns.

OTHER is the folder of an older commit (``git worktree add OTHER COMMIT``). Each of the rounds measures both, in CPU
seconds of a process of its own; the best round of each counts. Run it with nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="folder of the older commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)  # one side of a round
    options = parser.parse_args()
    if options.measure:
        for name, spent_s in measurements():
            print(f"{name}\t{spent_s}")
        return
    best: dict[str, dict[Path, float]] = {}
    for _ in range(options.rounds):
        for tree in (options.other.resolve(), HERE):
            command = [sys.executable, __file__, "--measure"]
            environment = os.environ | {"PYTHONPATH": str(tree)}
            told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=tree).stdout
            for line in told.splitlines():
                name, _, word = line.partition("\t")
                of_name = best.setdefault(name, {})
                of_name[tree] = min(of_name.get(tree, np.inf), float(word))
    print("| what | before | now | speed, now over before |\n|---|---:|---:|---:|")
    for name, times in best.items():
        before, now = times[options.other.resolve()], times[HERE]
        print(f"| {name} | {1000 * before:.1f} ms | {1000 * now:.1f} ms | {before / now:.2f}x |")


def cpu_s(work: Callable[[], object], repeats: int = 5) -> float:
    """The CPU seconds that ``work`` takes at best, compiling left out."""
    work()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def measurements() -> list[tuple[str, float]]:
    """Names and CPU seconds; in the words of this commit and, where it had others, of 0.1.0."""
    import torch

    import zeb42_env
    from zeb42_agents import arena, make_agent
    from zeb42_agents.baselines import greedy_plays
    from zeb42_env import Rules, Texas42VectorEnv
    from zeb42_env._core import record

    torch.set_num_threads(1)
    rules = Rules(contract="random", scoring="majority")
    tables: Any = record  # where its kernels were once
    if find_spec("zeb42_env._core.tables"):
        tables = import_module("zeb42_env._core.tables")

    def dealt(num_hands: int) -> np.ndarray:
        hands = np.repeat(rules.blank_record(), num_hands)
        if hasattr(tables, "deal_numbers"):
            tables.deal_numbers(hands, np.uint64(1), np.arange(num_hands, dtype=np.uint64), rules.contract_code)
        else:
            tables.deal_many(hands, np.uint64(1), 0, rules.contract_code)
        return hands

    envs, one = Texas42VectorEnv(1024, rules=rules, seat="self_play"), zeb42_env.raw_env()

    def step_many() -> None:
        observations, _ = envs.reset(seed=0)
        for _ in range(60):
            observations, *_ = envs.step(observations["action_mask"].argmax(1))

    def step_one() -> None:
        for seed in range(60):
            one.reset(seed=seed)
            for _ in one.agent_iter():
                observation, _, terminated, truncated, _ = one.last()
                one.step(None if terminated or truncated else int(observation["action_mask"].argmax()))

    play = getattr(arena, "play_pairing", None) or arena.play_match  # type: ignore[attr-defined]
    greedy, random = make_agent("greedy"), make_agent("random")
    views = dealt(20_000)
    views = tables.views_of(views, views["to_move"])
    keys, actions = np.arange(len(views), dtype=np.uint64), np.empty(len(views), np.int64)
    many = np.arange(100_000, dtype=np.uint64)
    eq, zeb = make_agent("eq:n=10"), make_agent("zeb:laptop,sims=16,worlds=8")
    return [
        ("deal and play 100,000 hands", cpu_s(lambda: tables.play_randomly(dealt(100_000), many))),
        ("vector environment, 1,024 lanes, 60 steps", cpu_s(step_many)),
        ("raw_env, 60 hands", cpu_s(step_one)),
        *(
            (f"arena, greedy - random, {protocol}, {num} deals",
             cpu_s(partial(play, greedy, random, protocol=protocol, num_deals=num), 3))
            for protocol, num in (("majority", 3000), ("hand", 3000), ("match", 300))
        ),
        ("greedy, 20,000 first leads", cpu_s(lambda: greedy_plays(views, keys, actions))),
        ("eq:n=10, 64 first leads", cpu_s(lambda: eq.act(views[:64], keys[:64]), 3)),
        ("zeb:laptop,sims=16,worlds=8, 256 first leads", cpu_s(lambda: zeb.act(views[:256], keys[:256]), 3)),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
