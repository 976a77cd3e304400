"""Random play through every environment of zeb42_env: the loops to begin from.

python examples/random_loop.py --hands 1000
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np

import zeb42_env


def turn_based(num_hands: int, rng: np.random.Generator) -> float:
    """PettingZoo: four agents take turns. Returns the mean reward of seats 0 and 2."""
    env = zeb42_env.env()
    env.reset(seed=0)
    total = 0.0
    for hand in range(num_hands):
        if hand:
            env.reset()  # the next hand of the seed
        for agent in env.agent_iter():
            observation, reward, terminated, truncated, _ = env.last()
            if terminated or truncated:
                total += reward if agent == "seat_0" else 0.0
                env.step(None)
            else:
                env.step(rng.choice(np.flatnonzero(observation["action_mask"])))
    return total / num_hands


def one_learner(num_hands: int, rng: np.random.Generator) -> float:
    """Gymnasium: one seat learns, three players are given (random ones here). Returns its mean reward."""
    env = gymnasium.make("zeb42/Texas42-v0", seat="random")
    _, info = env.reset(seed=0)
    total, hand = 0.0, 0
    while hand < num_hands:
        _, reward, terminated, _, info = env.step(rng.choice(np.flatnonzero(info["action_mask"])))
        total += float(reward)
        if terminated:
            hand += 1
            _, info = env.reset()
    return total / num_hands


def many_at_once(num_hands: int, rng: np.random.Generator, num_envs: int = 256) -> float:
    """The vector environment: hundreds of hands a step. Returns the learners' mean reward."""
    envs = zeb42_env.Texas42VectorEnv(num_envs, autoreset_mode="SameStep")
    observations, _ = envs.reset(seed=0)
    total, finished = 0.0, 0
    while finished < num_hands:
        wishes = observations["action_mask"] * rng.random((num_envs, 56))
        observations, rewards, terminated, _, _ = envs.step(wishes.argmax(axis=1))
        total += rewards.sum()
        finished += terminated.sum()
    return total / finished


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=int, default=1000, help="hands for each loop (default: %(default)s)")
    num_hands = parser.parse_args(arguments).hands
    means = {}
    for loop in (turn_based, one_learner, many_at_once):
        means[loop.__name__] = loop(num_hands, np.random.default_rng(0))
        print(f"{loop.__name__:<12} {means[loop.__name__]:+.3f} marks a hand over {num_hands} hands")
    return means


if __name__ == "__main__":
    main()
