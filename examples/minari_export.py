"""Minari: hands of an agent as an offline dataset, with the legal actions in every observation.

    pip install 'zeb42[recipes]'
    python examples/minari_export.py --agent eq:n=10 --hands 1000 --dataset zeb42/eq10-v0

Seat 0 is the agent's, the other seats play at random. The dataset's environment can be made again from it
(``dataset.recover_environment()``), since rules by name survive JSON. ``zeb42_agents.datasets`` exports all four seats.
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np

import zeb42_env
from zeb42_agents import make_agent
from zeb42_agents.extras import needs_extras

with needs_extras():
    import minari


def main(arguments: list[str] | None = None) -> minari.MinariDataset:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", default="greedy", help="whose hands (default: %(default)s)")
    parser.add_argument("--hands", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--rules", default="majority", help="preset of the rules (default: %(default)s)")
    parser.add_argument("--dataset", default="zeb42/greedy-v0", help="its id (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.dataset in minari.list_local_datasets():
        parser.error(f"expected --dataset to be new, got {options.dataset}, which is there; minari delete removes it")
    gymnasium.register_envs(zeb42_env)
    agent, keys = make_agent(options.agent), np.random.default_rng(0)
    env = minari.DataCollector(gymnasium.make("zeb42/Texas42-v0", rules=options.rules))
    table = env.unwrapped
    for number in range(options.hands):
        env.reset(seed=0 if number == 0 else None)
        over = False
        while not over:
            view = table.hand.view(table.seat)
            _, _, over, _, _ = env.step(agent.act(np.array([view]), keys)[0])
    dataset = env.create_dataset(dataset_id=options.dataset, algorithm_name=options.agent, author="zeb42")
    print(f"{options.dataset}: {dataset.total_episodes} hands, {dataset.total_steps} decisions")
    return dataset


if __name__ == "__main__":
    main()
