"""The bottom rung: a mind that imitates the policy of a Zeb network, or one that is there already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from zeb42_agents.answers import sample_actions
from zeb42_agents.evaluator import NetworkEvaluator, load
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.weights import MindConfig
from zeb42_agents.training.ladder.config import LadderConfig
from zeb42_agents.training.ladder.fit import Progress, fit_policy
from zeb42_agents.training.ladder.states import deal_hands, key_of
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import TRICKS
from zeb42_env._core.tables import legal_masks
from zeb42_env.table import Table

HANDS_AT_ONCE, EXPLORED = 256, 0.15
BOTTOM = 0  # the rung's number
_DRAW, _EXPLORE = np.uint64(100), np.uint64(101)


def bottom_rung(config: LadderConfig, progress: Progress, *, kept: Path | None = None) -> MindModel:
    """The mind that the ladder begins with; ``kept`` is as in :func:`zeb42_agents.training.ladder.fit.fit`. ValueError
    for a base that is not as the configuration says."""
    if (given := given_mind(config)) is not None:
        return given
    evaluator = load(config.base, device="cpu")
    views, policy = imitated_views(evaluator, config, lambda share: progress(share / 2))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = MindModel(_shape(config))
    return fit_policy(model, views, policy, config, config.seed, lambda share: progress(0.5 + share / 2), kept=kept)


def given_mind(config: LadderConfig) -> MindModel | None:
    """The mind that is there already, as the base or beside it; None if the base is to be imitated.

    ValueError for a base and a mind that do not belong together, or not to this ladder.
    """
    is_mind = minds_on_disk.is_mind(config.base)
    if config.mind and is_mind:
        raise ValueError(f"expected a network as the base beside mind {config.mind}, got the mind {config.base}")
    if config.mind and not config.network_passes:
        raise ValueError(
            f"expected network_passes above 0 beside a mind, got 0; without them make {config.mind} the base"
        )
    if config.has_network:
        require_learner(config.base)
    if not (name := config.base if is_mind else config.mind):
        return None
    model = MindModel.of(minds_on_disk.load(name))
    if model.config != _shape(config):
        raise ValueError(
            f"expected a mind of the ladder's shape, {config.width} and {config.second_width} units, got {name} of "
            f"{model.config.width} and {model.config.second_width}; --width and --second-width say it"
        )
    return model


def require_learner(base: str) -> None:
    """ValueError unless the network ``base`` can learn labels."""
    tokenizer = load(base, device="cpu").tokenizer
    if tokenizer.has_slots:
        raise ValueError(
            f"expected a base of tokenizer v2 that can learn labels, got {tokenizer.name}; or --network-passes 0"
        )


def _shape(config: LadderConfig) -> MindConfig:
    return MindConfig(width=config.width, second_width=config.second_width)


def imitated_views(
    evaluator: NetworkEvaluator, config: LadderConfig, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Views HAND [N] with a choice from self-play, some plays at random, and the policy float16 [N, 28] in them."""
    views_seen, policies, found, batch = [], [], 0, 0
    while found < config.base_views:
        seed = key_of(config.seed, BOTTOM, batch)
        table = Table(deal_hands(HANDS_AT_ONCE, seed), mix_all(seed, np.arange(HANDS_AT_ONCE, dtype=np.uint64)))
        while len((turn := table.turn()).rows):
            policy = evaluator(turn.views)[0]
            actions = sample_actions(policy, mix_all(turn.keys, _DRAW))
            masks = legal_masks(turn.views)
            explored = np.random.default_rng(int(turn.keys[0])).random(len(actions)) < EXPLORED
            uniform = (masks / masks.sum(1, keepdims=True)).astype(np.float32)
            actions[explored] = sample_actions(uniform, mix_all(turn.keys, _EXPLORE))[explored]
            asked = (turn.views["phase"] == TRICKS) & (masks.sum(1) > 1)
            views_seen.append(turn.views[asked])
            policies.append(policy[asked, :NUM_DOMINOES].astype(np.float16))
            found += int(asked.sum())
            table.take(turn.rows, actions)
        batch += 1
        progress(min(1.0, found / config.base_views))
    return np.concatenate(views_seen), np.concatenate(policies)
