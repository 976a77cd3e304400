"""MaskablePPO of sb3-contrib on the Gymnasium environment: one learner, three random players.

    pip install zeb42 sb3-contrib
    python examples/maskable_ppo.py              about a minute on two cores; reward about +0.05 (random play: 0)

``Texas42Env.action_masks()`` is what MaskablePPO asks for.
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np

import zeb42_env
from zeb42_agents.extras import needs_extras
from zeb42_env import Rules

with needs_extras():
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv

RULES = Rules(contract="random", scoring="majority")


def make_env() -> gymnasium.Env:
    """The learner's environment; the array alone, since the mask reaches the policy by action_masks()."""
    env = gymnasium.make("zeb42/Texas42-v0", rules=RULES, seat="random")
    space = env.observation_space["observation"]  # type: ignore[index]
    return gymnasium.wrappers.TransformObservation(env, lambda observation: observation["observation"], space)


def evaluate(model: MaskablePPO, num_hands: int) -> float:
    """Mean reward over hands that training has not seen; all hands at once in the vector environment."""
    envs = zeb42_env.Texas42VectorEnv(num_hands, rules=RULES, seat="random", autoreset_mode="Disabled")
    observations, _ = envs.reset(seed=2**40)
    for _ in range(7):
        actions, _ = model.predict(
            observations["observation"], action_masks=observations["action_mask"].astype(bool), deterministic=True
        )
        observations, rewards, _, _, _ = envs.step(actions)
    return float(rewards.mean())


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000, help="decisions to learn from (default: %(default)s)")
    parser.add_argument("--test-hands", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    model = MaskablePPO(
        "MlpPolicy",
        DummyVecEnv([make_env for _ in range(8)]),
        n_steps=min(256, options.steps),
        batch_size=256,
        gamma=1.0,
        policy_kwargs={"net_arch": [256, 256]},
        seed=options.seed,
    )
    before = evaluate(model, options.test_hands)
    model.learn(options.steps)
    after = evaluate(model, options.test_hands)
    spread = 1.96 / np.sqrt(options.test_hands)
    print(
        f"mean reward over {options.test_hands} hands: {before:+.3f} untrained, {after:+.3f} trained (+- {spread:.3f})"
    )
    return after


if __name__ == "__main__":
    main()
