"""RLlib: the names and types that its ActionMaskingTorchRLModule reads, and a short PPO run with them.

RLlib pins gymnasium==1.2.2, so it wants an environment of its own:

    python -m venv rllib && rllib/bin/pip install zeb42 'ray[rllib]' gymnasium==1.2.2 torch
    rllib/bin/python examples/rllib_wrapper.py
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo.utils import BaseWrapper

import zeb42_env


class RLlibNames(BaseWrapper):
    """The observation under ``observations`` beside ``action_mask``, both float32."""

    def observation_space(self, agent: str) -> spaces.Dict:
        inner = self.env.observation_space(agent)
        boxes = {"observations": inner["observation"], "action_mask": inner["action_mask"]}
        return spaces.Dict(
            {
                name: spaces.Box(box.low.astype(np.float32), box.high.astype(np.float32), dtype=np.float32)
                for name, box in boxes.items()
            }
        )

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        inner = self.env.observe(agent)
        return {
            "observations": inner["observation"].astype(np.float32),
            "action_mask": inner["action_mask"].astype(np.float32),
        }


def make_env(config: dict[str, Any] | None = None) -> RLlibNames:
    """The environment to hand to RLlib's PettingZooEnv; ``config`` is its ``env_config``, options of ``env``."""
    return RLlibNames(zeb42_env.env(**(config or {})))


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--batch", type=int, default=2000, help="decisions an iteration (default: %(default)s)")
    options = parser.parse_args(arguments)

    try:
        import ray.rllib  # noqa: F401
    except ImportError:
        raise SystemExit(
            "RLlib is not installed; it wants an environment of its own, see the top of this file"
        ) from None

    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module import MultiRLModuleSpec, RLModuleSpec
    from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv
    from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
    from ray.tune.registry import register_env

    register_env("texas42", lambda config: PettingZooEnv(make_env(config)))
    module = RLModuleSpec(module_class=ActionMaskingTorchRLModule, model_config={"head_fcnet_hiddens": [256]})
    config = (
        PPOConfig()
        .environment("texas42", env_config={"rules": "majority"}, disable_env_checking=True)
        .multi_agent(policies={"shared"}, policy_mapping_fn=lambda *_, **__: "shared")
        .rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs={"shared": module}))
        .env_runners(num_env_runners=0)
        .training(train_batch_size_per_learner=options.batch, minibatch_size=min(128, options.batch), num_epochs=2)
    )
    algorithm = config.build_algo()
    length = 0.0
    for iteration in range(options.iterations):
        result = algorithm.train()
        length = float(result["env_runners"]["episode_len_mean"])
        print(f"iteration {iteration + 1}: {length:.1f} decisions a hand (28 when none is illegal)")
    algorithm.stop()
    return length


if __name__ == "__main__":
    main()
