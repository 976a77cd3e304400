"""DQN for one partnership against random opponents, with tianshou's own classes, through its PettingZooEnv.

    pip install 'zeb42[train]'
    python examples/tianshou_dqn.py              two to three minutes on two cores; reward about +0.15 (random play: 0)

Two things to know. In a trick-taking game the next observation belongs to *another* seat, so one-step bootstrapping
would learn from an opponent's point of view; ``n_step_return_horizon`` beyond the longest hand (33 decisions) makes
the targets the outcome of the hand instead. And hands are dealt with their contract (``contract="random"``), so that a
small network sees play and not the auction.
"""

from __future__ import annotations

import argparse

import numpy as np

import zeb42_env
from zeb42_agents.extras import needs_extras
from zeb42_env import Rules

with needs_extras("train"):
    import torch
    from tianshou.algorithm import DQN
    from tianshou.algorithm.algorithm_base import OffPolicyAlgorithm
    from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
    from tianshou.algorithm.multiagent.marl import MultiAgentOffPolicyAlgorithm
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.algorithm.random import MARLRandomDiscreteMaskedOffPolicyAlgorithm
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv, PettingZooEnv
    from tianshou.trainer import OffPolicyTrainerParams
    from tianshou.utils.net.common import Net

RULES = Rules(contract="random", scoring="majority")


def make_env() -> PettingZooEnv:
    """The turn-based environment as tianshou takes it."""
    return PettingZooEnv(zeb42_env.env(rules=RULES))


def make_algorithm(env: PettingZooEnv) -> MultiAgentOffPolicyAlgorithm:
    """One DQN that plays seats 0 and 2, and random players at seats 1 and 3."""
    shape = env.observation_space["observation"].shape
    net = Net(state_shape=shape, action_shape=env.action_space.n, hidden_sizes=[256, 256])
    dqn = DQN(
        policy=DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.1, eps_inference=0.0),
        optim=AdamOptimizerFactory(lr=3e-4),
        gamma=1.0,
        n_step_return_horizon=40,
        target_update_freq=500,
    )
    opponents = MARLRandomDiscreteMaskedOffPolicyAlgorithm(env.action_space)
    algorithms: list[OffPolicyAlgorithm] = [dqn, opponents, dqn, opponents]
    return MultiAgentOffPolicyAlgorithm(algorithms=algorithms, env=env)


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10_000, help="environment steps an epoch (default: %(default)s)")
    parser.add_argument("--test-hands", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    np.random.seed(options.seed)  # noqa: NPY002 - the generator that tianshou draws from
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # for a network this small, more threads wait for each other

    training_envs = DummyVectorEnv([make_env for _ in range(10)])
    test_envs = DummyVectorEnv([make_env for _ in range(10)])
    training_envs.seed(options.seed)
    test_envs.seed(options.seed + 1_000)
    algorithm = make_algorithm(make_env())
    buffer = VectorReplayBuffer(20_000, len(training_envs))
    collector: Collector = Collector(algorithm, training_envs, buffer, exploration_noise=True)
    collector.reset()
    collector.collect(n_step=min(2_000, options.steps))
    result = algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=collector,
            test_collector=Collector(algorithm, test_envs),
            max_epochs=options.epochs,
            epoch_num_steps=options.steps,
            collection_step_num_env_steps=100,
            update_step_num_gradient_steps_per_sample=0.05,
            batch_size=256,
            test_step_num_episodes=options.test_hands,
            multi_agent_return_reduction=lambda rewards: rewards[:, 0],
            show_progress=False,
        )
    )
    print(f"best mean reward of seats 0 and 2 over {options.test_hands} test hands: {result.best_reward:+.3f}")
    return float(result.best_reward)


if __name__ == "__main__":
    main()
