"""Speed of the arena's whole path, and by how much mirrored deals cut the variance.

python benchmarks/arena.py            both tables, about a minute on two cores
python benchmarks/arena.py --deals 2000   quicker and rougher
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter

from zeb42_agents import make_agent
from zeb42_agents.arena import PROTOCOLS, play_pairing, rate
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.plan import Plan
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.run import run_pool
from zeb42_agents.arena.workers import num_cores


def hands_per_second(first: str, second: str, num_deals: int, jobs: int) -> tuple[float, float, float]:
    """Hands per second through the whole path (play, JSONL, in-order merge): with start-up, without, per CPU second.

    The start-up is taken from a run of one deal in the same way; CPU seconds, those of all processes without the
    start-up, are what to compare on a machine that others use.
    """
    players = [Player(first, f"{first} A"), Player(second, f"{second} B")]
    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for num in (1, num_deals):
            described = [player.describe(player.build()) for player in players]
            settings = {"protocol": "majority", "seed": 0, "partners": None, "agents": described}
            folder = RunFolder.open(Path(scratch) / str(num), settings)
            started, cpu_started = perf_counter(), sum(os.times()[:4])
            run_pool(players, folder, Plan(deals=num, jobs=jobs))
            wall.append(perf_counter() - started)
            cpu.append(sum(os.times()[:4]) - cpu_started)
    num_hands = 2 * (num_deals - 1)
    return 2 * num_deals / wall[1], num_hands / (wall[1] - wall[0]), num_hands / (cpu[1] - cpu[0])


def seconds_to_rate(num_deals: int) -> float:
    """Seconds to read and rate a run folder of so many mirrored deals."""
    players = [Player("random", "random"), Player("greedy", "greedy")]
    with tempfile.TemporaryDirectory() as scratch:
        agents = [player.build() for player in players]
        described = [player.describe(agent) for player, agent in zip(players, agents, strict=True)]
        settings = {"protocol": "majority", "seed": 0, "partners": None, "agents": described}
        run_pool(players, RunFolder.open(Path(scratch) / "run", settings), Plan(deals=num_deals), agents=agents)
        started = perf_counter()
        rate(Path(scratch) / "run")
        return perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=100_000, help="mirrored deals of the speed runs")
    parser.add_argument("--jobs", type=int, default=num_cores())
    options = parser.parse_args()

    print(f"{'pair':<20}{'jobs':>5}{'hands/s':>12}{'less start-up':>16}{'per CPU second':>15}")
    for first, second in (("random", "random"), ("greedy", "random"), ("greedy", "greedy")):
        for jobs in sorted({1, options.jobs}):
            whole, running, cpu = hands_per_second(first, second, options.deals, jobs)
            print(f"{first + ' - ' + second:<20}{jobs:>5}{whole:>12,.0f}{running:>16,.0f}{cpu:>15,.0f}")
    num = max(100, options.deals // 10)
    print(f"\nreading and rating a folder of {2 * num:,} hands: {seconds_to_rate(num):.2f} s\n")

    print("variance of independent hands over that of mirrored ones")
    print(f"{'protocol':<12}{'pair':<20}{'deals':>8}{'on wins':>9}{'on margin':>11}")
    for name, protocol in PROTOCOLS.items():
        for first, second in (("random", "greedy"), ("random", "random")):
            deals = max(100, options.deals // (40 if protocol.unit == "match" else 5))
            pair = play_pairing(make_agent(first), make_agent(second), protocol=name, num_deals=deals).pair
            gains = f"{pair.win_mirror_gain:>8.2f}x{pair.margin_mirror_gain:>10.2f}x"
            print(f"{name:<12}{first + ' - ' + second:<20}{deals:>8,}{gains}")


if __name__ == "__main__":
    main()
