"""TorchRL: the turn-based environment with the two partnerships as agent groups, and rollouts of whole hands.

    pip install zeb42 torchrl
    python examples/torchrl_teams.py

``use_mask=True`` tells TorchRL whose turn it is and what is legal. Each group has its own observations, masks and
rewards [2 seats]; ``state`` is the perfect-information view, for a critic and never for a player.
"""

from __future__ import annotations

import argparse

import zeb42_env
from zeb42_agents.extras import needs_extras
from zeb42_env import Rules

with needs_extras():
    import torch
    from torchrl.envs import PettingZooWrapper
    from torchrl.envs.utils import check_env_specs

TEAMS = {"ns": ["seat_0", "seat_2"], "ew": ["seat_1", "seat_3"]}


def make_env(seed: int) -> PettingZooWrapper:
    """The environment as TorchRL takes it."""
    env = zeb42_env.env(rules=Rules(scoring="majority"))
    return PettingZooWrapper(env, use_mask=True, group_map=TEAMS, return_state=True, seed=seed)


def main(arguments: list[str] | None = None) -> torch.Tensor:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    env = make_env(options.seed)
    check_env_specs(env)
    results = []
    for _ in range(options.hands):
        hand = env.rollout(40)  # at most 33 decisions; a random policy unless one is given
        rewards = torch.stack([hand["next", team, "reward"].sum(dim=0)[:, 0] for team in TEAMS])  # [team, partner]
        results.append(rewards)
    totals = torch.stack(results)  # [hand, team, partner]
    mean = totals[:, 0, 0].mean()
    print(f"{options.hands} hands of random play: mean reward {mean:+.2f} for seats 0 and 2, {-mean:+.2f} for 1 and 3")
    return totals


if __name__ == "__main__":
    main()
