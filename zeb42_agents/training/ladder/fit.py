"""How a mind learns: from labels by cross-entropy and expected regret, from another policy by imitation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zeb42_agents.minds.model import MindModel
from zeb42_agents.training.ladder.config import LadderConfig
from zeb42_agents.training.ladder.labels import targets
from zeb42_agents.training.lesson import Lesson, digest

WARM_UP, LAST_RATE, AVERAGE = 100, 0.02, 0.998
IMPOSSIBLE = -1e9
KEPT_EVERY_S = 60.0
Model = TypeVar("Model", bound=nn.Module)
Progress = Callable[[float], None]
"""Told the share of the updates that are done."""


def label_loss(logits: Tensor, shares: Tensor, legal: Tensor, config: LadderConfig) -> Tensor:
    """The mean over labels of the cross-entropy of each play's success, a logit being its log odds, plus
    ``regret_weight`` times the regret of a player who draws by the logits.

    Shapes [B, 28]. Plays of equal success cost nothing to confuse: that is what regret adds to imitation.
    """
    each = F.binary_cross_entropy_with_logits(logits, shares, reduction="none")
    entropy = (each * legal).sum(1) / legal.sum(1)
    policy = torch.softmax((logits / config.regret_temperature).masked_fill(~legal, IMPOSSIBLE), 1)
    regret = shares.max(1).values - (policy * shares).sum(1)
    return (entropy + config.regret_weight * regret).mean()


def imitation_loss(logits: Tensor, policy: Tensor, legal: Tensor) -> Tensor:
    """The mean cross-entropy to ``policy`` [B, 28]."""
    log_policy = torch.log_softmax(logits.masked_fill(~legal, IMPOSSIBLE), 1)
    return -(policy * log_policy.masked_fill(~legal, 0.0)).sum(1).mean()


class Schedule(NamedTuple):
    """Updates of AdamW, whose learning rate goes down to 2% over them."""

    num_steps: int
    batch_size: int
    lr: float
    weight_decay: float


def fit_labels(
    model: MindModel,
    labels: Sequence[np.ndarray],
    config: LadderConfig,
    seed: int,
    progress: Progress,
    *,
    kept: Path | None = None,
) -> MindModel:
    """The average of the weights that ``model`` goes through while it learns ``labels``.

    These are one or more arrays, LABEL [N]; each has the same share of a batch, however long it is. ``kept`` is as in
    :func:`fit`.
    """

    def loss(rows: np.ndarray) -> Tensor:
        some = np.concatenate([part[rows[i :: len(labels)] % len(part)] for i, part in enumerate(labels)])
        shares, legal = map(torch.from_numpy, targets(some))
        return label_loss(model.of_views(np.ascontiguousarray(some["view"])), shares, legal, config)

    most = len(labels) * max(map(len, labels))
    of = digest(*labels, config.regret_weight, config.regret_temperature) if kept else ""
    schedule = _schedule(config, most, config.least_steps)
    return fit(model, most, loss, schedule, seed, progress, kept=kept, of=of)


def fit_policy(
    model: MindModel,
    views: np.ndarray,
    policy: np.ndarray,
    config: LadderConfig,
    seed: int,
    progress: Progress,
    *,
    kept: Path | None = None,
) -> MindModel:
    """The same, while it learns to imitate ``policy`` (float16 [N, 28], 0 where illegal) in ``views`` [N]."""

    def loss(rows: np.ndarray) -> Tensor:
        wanted = torch.from_numpy(policy[rows].astype(np.float32))
        return imitation_loss(model.of_views(views[rows]), wanted, wanted > 0)

    of = digest(views, policy) if kept else ""
    return fit(model, len(views), loss, _schedule(config, len(views), 1), seed, progress, kept=kept, of=of)


def _schedule(config: LadderConfig, num_rows: int, least_steps: int) -> Schedule:
    """So many passes through ``num_rows``, within the bounds of a rung."""
    num_steps = min(max(round(config.passes * num_rows / config.batch_size), least_steps), config.most_steps)
    return Schedule(num_steps, config.batch_size, config.lr, config.weight_decay)


def fit(
    model: Model,
    num_rows: int,
    loss_of: Callable[[np.ndarray], Tensor],
    schedule: Schedule,
    seed: int,
    progress: Progress,
    *,
    kept: Path | None = None,
    of: str = "",
) -> Model:
    """The average of the weights that ``model`` goes through while it learns ``num_rows`` examples, in an order that
    follows from ``seed``.

    Args:
        model: changed in place.
        num_rows: the examples are numbers below it.
        loss_of: told the rows of a batch.
        schedule: how many updates, and at what rate.
        seed: of the order.
        progress: told now and then how far it is.
        kept: a file that says every :data:`KEPT_EVERY_S` how far it is. Where it is there and of this lesson, the
            lesson goes on from it, to the same end; whoever has saved the result deletes it.
        of: what is learned and how, in a word (:func:`zeb42_agents.training.lesson.digest`): another is another lesson.

    FloatingPointError if the loss is not finite, ValueError if ``kept`` is damaged.
    """
    model.train()
    average = deepcopy(model).eval()
    optimizer = torch.optim.AdamW(model.parameters(), lr=schedule.lr, weight_decay=schedule.weight_decay)
    lesson = Lesson(model, average, optimizer, {"num_rows": num_rows, "seed": seed, "of": of, **schedule._asdict()})
    begun = lesson.read(kept) if kept else 0
    kept_s = time.monotonic()
    batches = _batches(num_rows, schedule.batch_size, seed)
    for step, rows in enumerate(islice(batches, begun, schedule.num_steps), begun):
        done = step / schedule.num_steps
        rate = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2
        optimizer.param_groups[0]["lr"] = schedule.lr * rate * min(1, (step + 1) / WARM_UP)
        optimizer.zero_grad()
        loss = loss_of(rows)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        follow = min(AVERAGE, step / (step + 10))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), model.parameters(), strict=True):
                mean.lerp_(value, 1 - follow)
        if step % 50 == 0:
            progress(done)
        if kept and time.monotonic() - kept_s > KEPT_EVERY_S:
            lesson.write(kept, step + 1)
            kept_s = time.monotonic()
    return average


def _batches(num_rows: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """The rows of one batch after the other, without end: all of them once, in some order, then in another."""
    rng = np.random.default_rng(seed)
    order = np.empty(0, np.int64)
    while True:
        while len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(num_rows)])
        rows, order = order[:batch_size], order[batch_size:]
        yield rows


def regret(logits_of: Callable[[np.ndarray], Tensor], labels: np.ndarray) -> float:
    """How much success a player's favorite plays give away, on average over ``labels``; ``logits_of`` says what it
    thinks of each domino [B, 28] in views HAND [B]."""
    shares, legal = targets(labels)
    with torch.inference_mode():
        logits = logits_of(np.ascontiguousarray(labels["view"])).numpy()
    chosen = np.where(legal, logits, -np.inf).argmax(1)
    return float((shares.max(1) - shares[np.arange(len(labels)), chosen]).mean())
