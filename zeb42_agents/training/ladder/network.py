"""The ladder's network: a Zeb that learns the labels, and whose answers the mind learns from.

A transformer makes more of a label than a mind does, and its own answers cost a hundredth of one and carry no noise. So
the few labels go to the network, and the mind, which is what the search can afford to ask, learns what the network says
in as many states as it needs.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebModel
from zeb42_agents.training.ladder.config import LadderConfig
from zeb42_agents.training.ladder.fit import Progress, Schedule, fit, label_loss
from zeb42_agents.training.ladder.labels import labels_of, legal_dominoes, targets
from zeb42_agents.training.lesson import digest
from zeb42_env._core.dominoes import NUM_DOMINOES

BATCH_SIZE, WEIGHT_DECAY = 256, 0.01
BELIEF_WEIGHT = 0.1  # of the divergence from the belief that the network began with: labels do not say who holds what
BELIEF_SHARE = 8  # one label in so many is held to it: that takes the old network's answer as well


def fit_network(
    network: NetworkEvaluator,
    labels: np.ndarray,
    config: LadderConfig,
    seed: int,
    progress: Progress,
    *,
    kept: Path | None = None,
) -> ZebModel:
    """The average of the weights that the network goes through while it learns ``labels`` (LABEL [N]).

    Its plays learn as a mind's do, their logits being log odds of success; its value learns what its favorite play
    came to; its belief stays where it is. ``kept`` is as in :func:`zeb42_agents.training.ladder.fit.fit`.
    """
    before = deepcopy(network.model).eval()
    model = network.model

    def loss(rows: np.ndarray) -> Tensor:
        some = labels[rows]
        shares, legal = map(torch.from_numpy, targets(some))
        tokens = network.tokens(np.ascontiguousarray(some["view"]))
        output = model(tokens)
        logits = output.policy[:, :NUM_DOMINOES]
        favorite = logits.masked_fill(~legal, -torch.inf).argmax(1, keepdim=True)
        total = label_loss(logits, shares, legal, config)
        total = total + F.mse_loss(output.value, 2 * shares.gather(1, favorite)[:, 0] - 1)
        if output.belief is not None:
            with torch.no_grad():
                believed = torch.softmax(before(tokens[::BELIEF_SHARE]).belief, -1)
            belief = torch.log_softmax(output.belief[::BELIEF_SHARE], -1)
            divergence = F.kl_div(belief, believed, reduction="none").sum((1, 2))
            total = total + BELIEF_WEIGHT * divergence.mean()
        return total

    num_steps = max(1, round(config.network_passes * len(labels) / BATCH_SIZE))
    schedule = Schedule(num_steps, BATCH_SIZE, config.network_lr, WEIGHT_DECAY)
    of = digest(labels, config.regret_weight, config.regret_temperature) if kept else ""
    return fit(model, len(labels), loss, schedule, seed, progress, kept=kept, of=of)


def logits_of(network: NetworkEvaluator, views: np.ndarray) -> Tensor:
    """What the network thinks of each domino in ``views`` [B]: [B, 28], log odds of success after labels."""
    parts = [views[first : first + network.max_batch] for first in range(0, len(views), network.max_batch)]
    return torch.cat([network.model(network.tokens(part)).policy[:, :NUM_DOMINOES].cpu() for part in parts])


def answers(network: NetworkEvaluator, views: np.ndarray) -> np.ndarray:
    """What the network says of ``views`` (HAND [N], as in labels), as labels: LABEL [N] of no worlds."""
    with torch.inference_mode():
        shares = torch.sigmoid(logits_of(network, views)).numpy()
    return labels_of(views, shares, legal_dominoes(views), num_worlds=0)
