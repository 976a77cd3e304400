"""Train a small Zeb with the plain parts: ``python examples/train_minimal.py``.

An actor plays hands from its own views, an exact solver labels every play, a ring keeps them, a learner learns from
them. No folder, no checkpoint, no tianshou: ``zeb42 train`` adds these. One core of a busy machine took 102 seconds,
compiling included, and won 59.2% (55.9 to 62.5) of the hands against random.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training.actor import Actor, Exploration
from zeb42_agents.training.evaluate import strengths
from zeb42_agents.training.learner import Learner, LossWeights
from zeb42_agents.training.replay import Ring
from zeb42_agents.training.teacher import teach
from zeb42_env import Rules

WEIGHTS = LossWeights(policy=1.0, value=1.0, belief=1.0, advantage_scale=0.15, margin_value=False, root_value_share=0.0)


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, and return the share of hands won against random."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=8)
    parser.add_argument("--hands", type=int, default=256, help="played in a cycle")
    parser.add_argument("--steps", type=int, default=60, help="updates in a cycle")
    parser.add_argument("--deals", type=int, default=300, help="mirrored deals against random at the end")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)

    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True, dropout=0.0))
    learner = Learner(model, WEIGHTS, lr=1.5e-3)
    network = NetworkEvaluator(learner.averaged, precision="float32")  # plays with the averaged weights
    actor = Actor(
        network,
        [Rules(contract="random", scoring="majority")],
        seed=options.seed,
        exploration=Exploration(hands=0.5, temperature=1.0, random_teams=0.4, random_decisions=0.05),
        teach=partial(teach, margin_weight=0.3, label_worlds=0, threads=torch.get_num_threads()),
    )
    ring = Ring(20_000, tokenizer="v2", hidden_only=True, seed=options.seed)

    for cycle in range(options.cycles):
        numbers = cycle * options.hands + np.arange(options.hands)
        ring.append(actor.play(numbers, cycle=cycle, weights_step=learner.num_updates))
        for _ in range(options.steps):
            learner.step(ring.sample(256))
        means = learner.take_means()
        losses = ", ".join(f"{name} {means[f'{name}_loss']:.3f}" for name in ("policy", "value", "belief"))
        print(f"cycle {cycle + 1}: {len(ring):,} examples; losses: {losses}", flush=True)

    (pairing,) = strengths(network, ["random"], num_deals=options.deals, seed=1)
    print(f"hands won: {pairing}")
    return pairing.win_rate


if __name__ == "__main__":
    main()
