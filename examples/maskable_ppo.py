"""MaskablePPO of sb3-contrib on 512 hands at once: one learner in any seat, three random players.

    pip install 'zeb42[recipes]'
    python examples/maskable_ppo.py

51 CPU seconds on one core for a million decisions, and 57.2% (+- 1.0%) of the hands won, with a random partner. (Random
wins 50%.) Collecting alone is 130,000 decisions per CPU second.

Stable-Baselines3 steps its environments one by one; :class:`HandsVecEnv` is its ``VecEnv`` over
:class:`zeb42_env.Texas42VectorEnv`, where one kernel steps them all. Its ``action_masks`` is what MaskablePPO asks for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from zeb42_agents.extras import needs_extras
from zeb42_env import Rules, Texas42VectorEnv

with needs_extras():
    import torch
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import VecEnv

RULES = Rules(contract="random", scoring="majority")  # seven decisions a hand; 1, 0 or -1 at its end


class HandsVecEnv(VecEnv):
    """Hands of Texas 42 as Stable-Baselines3 takes them: the planes int8 [571] of each, and its mask on the side."""

    def __init__(self, num_envs: int, **options: Any) -> None:
        self.envs = Texas42VectorEnv(num_envs, autoreset_mode="SameStep", **options)
        planes = self.envs.single_observation_space["observation"]  # type: ignore[index]
        super().__init__(num_envs, planes, self.envs.single_action_space)

    def reset(self) -> np.ndarray:
        """Begin a hand everywhere, from the seed of ``seed()`` if one was given."""
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observations, _ = self.envs.reset(seed=seeds)
        self._reset_seeds()
        return self._keep(observations)

    def step_async(self, actions: np.ndarray) -> None:
        """Take note of the actions [N]."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step all hands; those that end begin anew, and their last observations are in the infos."""
        observations, rewards, over, _, infos = self.envs.step(self._actions)
        notes: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(over):
            notes[lane] = {"terminal_observation": infos["final_obs"][lane]["observation"]}
        return self._keep(observations), rewards.astype(np.float32), over, notes

    def _keep(self, observations: Any) -> np.ndarray:
        self._masks = observations["action_mask"].astype(bool)
        planes: np.ndarray = observations["observation"]
        return planes

    def action_masks(self) -> np.ndarray:
        """What is legal now, bool [N, 56]."""
        return self._masks

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environments have ``attr_name``; ``action_masks`` tells MaskablePPO that it may mask."""
        return hasattr(self, attr_name)

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **keywords: Any) -> Sequence[Any]:
        """The answer of each environment: row by row where the method answers for all of them."""
        answers = getattr(self, method_name)(*arguments, **keywords)
        return answers if indices is None else answers[list(self._get_indices(indices))]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same for each environment."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Nothing can be set: ValueError."""
        raise ValueError(f"expected no change of the environments, got {attr_name}={value!r} for {indices}")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:  # noqa: ARG002
        """No environment is wrapped."""
        return [False for _ in self._get_indices(indices)]

    def close(self) -> None:
        """Let the environment go."""
        self.envs.close()


def evaluate(model: MaskablePPO, num_hands: int) -> tuple[float, float]:
    """The share of hands won against random that training has not seen, half for 21 points each, and half the width
    of its 95% interval."""
    envs = Texas42VectorEnv(num_hands, rules=RULES, seat="random", autoreset_mode="Disabled")
    observations, _ = envs.reset(seed=2**40)
    for _ in range(7):
        masks = observations["action_mask"].astype(bool)
        actions, _ = model.predict(observations["observation"], action_masks=masks, deterministic=True)
        observations, rewards, _, _, _ = envs.step(actions)
    won = (rewards + 1) / 2
    return float(won.mean()), float(1.96 * won.std() / np.sqrt(num_hands))


def main(arguments: list[str] | None = None) -> float:
    """Train, and return the share of hands won."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000, help="decisions to learn from (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=512, help="hands at once (default: %(default)s)")
    parser.add_argument("--test-hands", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # for a network this small, more threads wait for each other
    model = MaskablePPO(
        "MlpPolicy",
        HandsVecEnv(options.lanes, rules=RULES, seat="random"),
        n_steps=28,  # four hands in each lane
        batch_size=min(2048, 28 * options.lanes),
        n_epochs=4,
        learning_rate=lambda left: 1e-3 * left,
        gamma=1.0,
        ent_coef=0.01,
        seed=options.seed,
    )
    start = perf_counter()
    model.learn(options.steps)
    seconds = perf_counter() - start
    won, spread = evaluate(model, options.test_hands)
    print(f"{seconds:.0f} s, {model.num_timesteps:,} decisions: wins {won:.1%} (+- {spread:.1%}) against random")
    return won


if __name__ == "__main__":
    main()
