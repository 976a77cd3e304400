"""Masked PPO with tianshou's own classes on the Gymnasium environment: one learner in any seat, three random players.

    pip install 'zeb42[train]'
    python examples/tianshou_ppo.py

230 CPU seconds on a very busy machine for 140,000 decisions, compiling and test included, and 56.0% (+- 1.4%) of the
hands won, with a random partner. (Random wins 50%.)

tianshou's PPO knows no masks. Here the actor puts the score of what is illegal at minus infinity, so that tianshou's
own distribution never draws it, when it plays and when it learns. In the Gymnasium environment the next observation is
the same seat's, so that its advantages are right as they stand. (In the turn-based environment they would look through
an opponent's eyes, see tianshou_dqn.py.) And each trick is paid when it is taken: paid only at the end of the hand,
1 or -1 and mostly luck, the same number of decisions teaches half as much.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium
import numpy as np

import zeb42_env  # noqa: F401 - makes the environment known to Gymnasium
from zeb42_agents.extras import needs_extras
from zeb42_env import Rules

with needs_extras("train"):
    import torch
    from tianshou.algorithm import PPO
    from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, CollectStats, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.trainer import OnPolicyTrainerParams
    from tianshou.utils.net.common import AbstractDiscreteActor, Net
    from tianshou.utils.net.discrete import DiscreteCritic

RULES = Rules(contract="random", scoring="points")  # seven decisions a hand, each paid for its trick


class Planes(Net):
    """tianshou's plain network, over the array of the dictionary that the environment shows."""

    scale: torch.Tensor

    def __init__(self, high: np.ndarray) -> None:
        super().__init__(state_shape=high.shape, hidden_sizes=[256, 256])
        self.register_buffer("scale", 1 / torch.as_tensor(high, dtype=torch.float32))  # points go to 42, the rest to 1

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:
        """Features [B, 256] of the planes."""
        features, state = super().forward(torch.as_tensor(obs.observation) * self.scale, state, info)
        return features, state


class MaskedActor(AbstractDiscreteActor):
    """Scores [B, 56] of the actions, minus infinity where illegal."""

    def __init__(self, body: Planes, num_actions: int) -> None:
        super().__init__(num_actions)
        self.body = body
        self.last = torch.nn.Linear(body.get_output_dim(), num_actions)

    def get_preprocess_net(self) -> Planes:
        """The network in front."""
        return self.body

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:
        """The scores and the state, which is none."""
        features, state = self.body(obs, state, info)
        illegal = torch.as_tensor(obs.action_mask) == 0
        return self.last(features).masked_fill(illegal, -1e9), state


def make_env() -> gymnasium.Env:
    """The learner's environment."""
    return gymnasium.make("zeb42/Texas42-v0", rules=RULES, seat="random", per_trick_rewards=True)


def make_algorithm(env: gymnasium.Env) -> PPO:
    """PPO whose actor and critic share the network in front."""
    space: Any = env.observation_space
    actions: Any = env.action_space
    body = Planes(space["observation"].high)
    policy = DiscreteActorPolicy(actor=MaskedActor(body, int(actions.n)), action_space=actions, deterministic_eval=True)
    return PPO(
        policy=policy,
        critic=DiscreteCritic(preprocess_net=body),
        optim=AdamOptimizerFactory(lr=1e-3),
        gamma=1.0,
        gae_lambda=0.9,
        max_grad_norm=0.5,
    )


def main(arguments: list[str] | None = None) -> float:
    """Train, and return the share of the test hands that the last policy wins, half for 21 points each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=14_000, help="decisions per epoch (default: %(default)s)")
    parser.add_argument("--collect", type=int, default=2_800, help="decisions per update (default: %(default)s)")
    parser.add_argument("--test-hands", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    np.random.seed(options.seed)  # noqa: NPY002 - the generator that tianshou draws from
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # for a network this small, more threads wait for each other

    training_envs = DummyVectorEnv([make_env for _ in range(20)])
    test_envs = DummyVectorEnv([make_env for _ in range(20)])
    training_envs.seed(options.seed)
    test_envs.seed(options.seed + 1_000)
    algorithm = make_algorithm(make_env())
    buffer = VectorReplayBuffer(options.collect * 2, len(training_envs))
    test_collector: Collector[CollectStats] = Collector(algorithm, test_envs)
    algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=Collector[CollectStats](algorithm, training_envs, buffer),
            max_epochs=options.epochs,
            epoch_num_steps=options.steps,
            collection_step_num_env_steps=options.collect,
            update_step_num_repetitions=4,
            batch_size=256,
            show_progress=False,
        )
    )
    test_collector.reset()
    rewards = test_collector.collect(n_episode=options.test_hands).returns
    won = (np.sign(rewards) + 1) / 2
    spread = 1.96 * won.std() / np.sqrt(len(won))
    print(f"wins {won.mean():.1%} (+- {spread:.1%}) of {len(won):,} hands against random")
    return float(won.mean())


if __name__ == "__main__":
    main()
