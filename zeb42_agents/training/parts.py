"""The parts of a run as its configuration wants them. They know nothing of each other but what they are given."""

from __future__ import annotations

from functools import partial

import torch

from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebModel
from zeb42_agents.search import Search, TrueHands
from zeb42_agents.training.actor import Actor, Exploration
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.learner import Learner, LossWeights, constant, cosine
from zeb42_agents.training.replay import Ring
from zeb42_agents.training.seeds import BUFFER, key_of
from zeb42_agents.training.teacher import teach
from zeb42_env.rules import Rules


def rules_of(config: TrainConfig) -> list[Rules]:
    """What the hands are played by, in turn."""
    return [Rules(contract=config.contract, scoring=scoring) for scoring in config.scoring]


def actor_of(
    config: TrainConfig,
    evaluator: NetworkEvaluator,
    *,
    taught: bool,
    threads: int,
    seed: int | None = None,
    worker: int = 0,
) -> Actor:
    """Who plays the hands: the network alone, for the teacher to label, or its own search. A worker of a fleet has a
    ``seed`` of its own, in place of the configuration's."""
    seed = config.seed if seed is None else seed
    if not taught:
        search = config.search_config(threads=threads, pipeline=evaluator.is_on_gpu)
        sampler = TrueHands(lambda: actor.live_hands()) if config.peek else None
        actor = Actor(Search(evaluator, search, sampler), rules_of(config), seed=seed, worker=worker)
        return actor
    return Actor(
        evaluator,
        rules_of(config),
        seed=seed,
        worker=worker,
        exploration=Exploration(
            hands=config.explored_hands,
            temperature=config.temperature,
            random_teams=config.random_teams,
            random_decisions=config.random_decisions,
        ),
        teach=partial(teach, margin_weight=config.margin_weight, label_worlds=config.label_worlds, threads=threads),
    )


def ring_of(config: TrainConfig) -> Ring:
    """The buffer, empty, as large as in the first cycle."""
    return Ring(
        capacity_hands(config, 1),
        tokenizer=config.tokenizer,
        hidden_only=config.belief_target == "hidden",
        seed=int(key_of(config.seed, BUFFER)),
    )


def capacity_hands(config: TrainConfig, cycle: int) -> int:
    """The hands that the buffer has room for in ``cycle``."""
    return max(1, config.capacity_at(cycle) // config.decisions_per_hand)


def learner_of(config: TrainConfig, model: ZebModel) -> Learner:
    """What learns; ``model`` is on its device."""
    on_cpu = next(model.parameters()).device == torch.device("cpu")
    return Learner(
        model,
        LossWeights(
            policy=config.policy_weight,
            value=config.value_weight,
            belief=config.belief_weight,
            advantage_scale=config.advantage_scale,
            margin_value=config.value_target == "margin",
            root_value_share=config.root_value_share,
        ),
        lr=config.lr,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        average_decay=config.average_decay,
        schedule=constant if config.lr_schedule == "constant" else cosine(config.cycles * config.steps_per_cycle),
        precision="float32" if on_cpu else "bfloat16",
    )
