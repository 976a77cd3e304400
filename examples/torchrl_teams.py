"""TorchRL: PPO for the two partnerships, each an agent group with an actor and a critic of its own.

    pip install 'zeb42[recipes]'
    python examples/torchrl_teams.py

50 CPU seconds on one core for 500 hands; the loss of the critics falls from 1.04 and 1.16 to about 0.7.

``use_mask=True`` tells TorchRL whose turn it is and what is legal. Each group has its own observations, masks and
rewards [2 seats]. One step of the environment is one seat's decision, so a group's step is not followed by its own
next one: what is learned from is the outcome of the whole hand, and only where ``mask`` says that the seat did move.
"""

from __future__ import annotations

import argparse

import zeb42_env
from zeb42_agents.extras import needs_extras
from zeb42_env import Rules

with needs_extras():
    import torch
    from tensordict import TensorDict
    from tensordict.nn import TensorDictModule, TensorDictSequential
    from torch import nn
    from torchrl.envs import PettingZooWrapper
    from torchrl.modules import MaskedCategorical, ProbabilisticActor, ValueOperator
    from torchrl.objectives import ClipPPOLoss

TEAMS = {"ns": ["seat_0", "seat_2"], "ew": ["seat_1", "seat_3"]}
RULES = Rules(contract="random", scoring="majority")  # 28 plays a hand; 1, 0 or -1 at its end
NUM_PLANES, NUM_ACTIONS = 571, 56


def make_env(seed: int) -> PettingZooWrapper:
    """The environment as TorchRL takes it."""
    env = zeb42_env.env(rules=RULES)
    return PettingZooWrapper(env, use_mask=True, group_map=TEAMS, categorical_actions=True, seed=seed)


def network(num_outputs: int) -> nn.Module:
    """A small network over the planes int8 [..., 571]."""
    return nn.Sequential(nn.Linear(NUM_PLANES, 128), nn.ReLU(), nn.Linear(128, num_outputs))


class Team:
    """A group's actor and critic, and PPO's loss over them."""

    def __init__(self, name: str, lr: float) -> None:
        self.name = name
        keys = {"logits": (name, "logits"), "mask": (name, "action_mask")}
        floats = TensorDictModule(
            lambda planes: planes.float(), in_keys=[(name, "observation", "observation")], out_keys=[(name, "planes")]
        )
        scores = TensorDictModule(network(NUM_ACTIONS), in_keys=[(name, "planes")], out_keys=[(name, "logits")])
        self.actor = ProbabilisticActor(
            TensorDictSequential(floats, scores),
            in_keys=keys,
            out_keys=[(name, "action")],
            distribution_class=MaskedCategorical,
            return_log_prob=True,
            log_prob_key=(name, "log_prob"),
        )
        critic = TensorDictSequential(
            floats, ValueOperator(network(1), in_keys=[(name, "planes")], out_keys=[(name, "value")])
        )
        self.loss = ClipPPOLoss(
            self.actor,
            critic,
            entropy_coeff=0.01,
            loss_critic_type="l2",
            normalize_advantage=True,
            functional=False,
        )
        self.loss.set_keys(
            action=(name, "action"),
            sample_log_prob=(name, "log_prob"),
            value=(name, "value"),
            advantage="advantage",
            value_target="value_target",
        )
        self.optimizer = torch.optim.Adam(self.loss.parameters(), lr=lr)

    def decisions(self, hand: TensorDict) -> TensorDict:
        """The team's decisions in a rollout of one hand, each with the outcome of the hand as what it is worth."""
        outcome = hand["next", self.name, "reward"].sum(dim=0)  # [2 seats, 1]
        group = hand[self.name].select("observation", "action_mask", "action", "log_prob")
        moved = hand[self.name, "mask"]  # [T, 2 seats]
        group["value_target"] = outcome.expand(*moved.shape, 1)
        chosen = group[moved]
        target = chosen.pop("value_target")
        return TensorDict({self.name: chosen, "value_target": target}, chosen.shape)

    def learn(self, decisions: TensorDict, epochs: int, batch: int) -> float:
        """PPO over ``decisions`` [B]; returns the mean loss of the critic before they were learned from."""
        with torch.no_grad():
            values = self.loss.critic_network(decisions.copy())[self.name, "value"]
        decisions["advantage"] = decisions["value_target"] - values
        before = float(decisions["advantage"].square().mean())
        for _ in range(epochs):
            for chosen in torch.randperm(len(decisions)).split(batch):
                losses = self.loss(decisions[chosen])
                total = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                self.optimizer.zero_grad()
                total.backward()
                self.optimizer.step()
        return before


def main(arguments: list[str] | None = None) -> list[list[float]]:
    """Train both teams against each other; returns the loss of each team's critic, update by update."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--hands", type=int, default=50, help="hands per update (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # for networks this small, more threads wait for each other
    env = make_env(options.seed)
    teams = [Team(name, options.lr) for name in TEAMS]
    policy = TensorDictSequential(*(team.actor for team in teams))
    history = []
    for update in range(1, options.updates + 1):
        with torch.no_grad():
            hands = [env.rollout(28, policy) for _ in range(options.hands)]
        losses = [team.learn(torch.cat([team.decisions(h) for h in hands]), epochs=4, batch=256) for team in teams]
        history.append(losses)
        words = ", ".join(f"{name} {loss:.3f}" for name, loss in zip(TEAMS, losses, strict=True))
        print(f"update {update}: loss of the critics on hands not yet learned from: {words}", flush=True)
    return history


if __name__ == "__main__":
    main()
