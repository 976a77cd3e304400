"""The learner: batches in, weights out. It knows no player and no buffer.

:meth:`Learner.step` is one update of AdamW on the policy, value and belief losses; an averaged copy of the network
follows, which is what plays and what is saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from zeb42_agents.evaluator import autocast
from zeb42_agents.experience import NOTHING, VALUES, Batch
from zeb42_agents.model import ZebModel, ZebOutput
from zeb42_agents.training.moments import load_moments, moments, no_moments, under
from zeb42_env._core.tokens import NOT_A_LABEL

WARM_UP_UPDATES = 200
LAST_LR_SHARE = 0.02
NEVER = 2**62  # the number of the first bad update while there is none


class LossWeights(NamedTuple):
    """How the terms of the loss add up."""

    policy: float
    value: float
    belief: float
    advantage_scale: float
    """A value difference, of -1..1, of this size makes an action e times as likely."""
    margin_value: bool
    """Value target: the points margin, instead of won or lost."""
    root_value_share: float
    """Share of the value that the search or the teacher saw in the value target, beside the outcome."""


class Losses(NamedTuple):
    """The loss, and the numbers beside it: scalars on the device."""

    total: Tensor
    measured: dict[str, Tensor]
    """By the published names: each a mean over the batch. ``policy_loss`` is the cross-entropy against shares or an
    imitated action, or the squared error of action values; ``policy_kl`` is of the policy to its target (a softmax of
    values); ``policy_top1`` is the share of decisions with a choice whose likeliest action is one of the target's
    best."""


def value_target(batch: Any, weights: LossWeights) -> Tensor:
    """What the value head is to say of ``batch``: float32 [B]."""
    goal: Tensor = batch.margin if weights.margin_value else batch.outcome
    if weights.root_value_share:
        seen = torch.where(batch.root_value.isnan(), goal, batch.root_value)
        goal = (1 - weights.root_value_share) * goal + weights.root_value_share * seen
    return goal


def losses(output: ZebOutput, batch: Any, weights: LossWeights) -> Losses:
    """The loss of ``output`` on ``batch``: the fields of :class:`zeb42_agents.experience.Batch` as tensors."""
    legal = batch.legal
    choices = legal.sum(1)
    taught = ((choices > 1) & (batch.meaning != NOTHING)).float()  # a forced move teaches values and beliefs alone
    decisions = taught.sum().clamp(min=1)
    logits = output.policy.masked_fill(~legal, -1e9)
    log_policy = F.log_softmax(logits, dim=1)
    policy = log_policy.exp()
    of_values = batch.meaning == VALUES
    shares = torch.where(
        of_values[:, None],
        F.softmax((batch.target / weights.advantage_scale).masked_fill(~legal, -1e9), dim=1),
        batch.target,
    )
    cross_entropy = -(shares * log_policy.masked_fill(~legal, 0.0)).sum(1)
    squared = _advantage_error(output.policy * weights.advantage_scale, batch.target, legal, choices)
    policy_loss = (torch.where(of_values, squared, cross_entropy) * taught).sum() / decisions
    value_loss = F.mse_loss(output.value, value_target(batch, weights))
    total = weights.policy * policy_loss + weights.value * value_loss
    target_entropy = -(shares * shares.clamp(min=1e-9).log()).sum(1)
    best = shares >= shares.max(1, keepdim=True).values - 1e-6
    measured = {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "policy_entropy": -(policy * log_policy.masked_fill(~legal, 0.0)).sum(1).mean(),
        "policy_kl": ((cross_entropy - target_entropy) * taught).sum() / decisions,
        "policy_top1": (best.gather(1, logits.argmax(1, keepdim=True))[:, 0].float() * taught).sum() / decisions,
        "value_mean": output.value.mean(),
        "value_std": output.value.std(unbiased=False),
    }
    if output.belief is not None:
        labels = batch.labels.long()
        asked = labels != NOT_A_LABEL
        num_asked = asked.sum().clamp(min=1)  # a batch of last plays asks nothing
        belief_loss = F.cross_entropy(
            output.belief.flatten(0, 1), labels.flatten(), ignore_index=NOT_A_LABEL, reduction="sum"
        )
        belief_loss = belief_loss / num_asked
        total = total + weights.belief * belief_loss
        hits = (output.belief.argmax(-1) == labels) & asked
        measured |= {"belief_loss": belief_loss, "belief_accuracy": hits.sum() / num_asked}
    measured["total_loss"] = total
    return Losses(total, measured)


def _advantage_error(predicted: Tensor, target: Tensor, legal: Tensor, choices: Tensor) -> Tensor:
    """Mean squared error [B] of action values, each counted from the mean of the legal ones: the policy's logits say
    how much better an action is, and one world's values are an unbiased sample of that."""
    count = choices.clamp(min=1)[:, None]
    predicted = predicted.masked_fill(~legal, 0.0)
    target = target.masked_fill(~legal, 0.0)
    difference = (predicted - predicted.sum(1, keepdim=True) / count) - (target - target.sum(1, keepdim=True) / count)
    return difference.masked_fill(~legal, 0.0).square().sum(1) / count[:, 0]


def constant(update: int) -> float:
    """A schedule: the share of the learning rate in ``update``, counted from 0, after the warm-up."""
    return min(1.0, (update + 1) / WARM_UP_UPDATES)


def cosine(num_updates: int) -> Callable[[int], float]:
    """The schedule that goes down to 2% over ``num_updates`` on a cosine."""

    def share(update: int) -> float:
        done = min(1.0, update / num_updates)
        return constant(update) * (LAST_LR_SHARE + (1 - LAST_LR_SHARE) * 0.5 * (1 + math.cos(math.pi * done)))

    return share


class Learner:
    """AdamW on Zeb's three losses with clipped gradients, and an averaged copy of the network to play with.

    Args:
        model: learns in place; on its device.
        lr, weight_decay: of AdamW.
        max_grad_norm: gradients are clipped to it.
        average_decay: of the averaged weights, per update; less at first.
        schedule: share of ``lr`` in each update, counted from 0; :func:`cosine` or :func:`constant`.
        weights: of the losses.
        precision: of the forward pass, ``float32`` or ``bfloat16``.
    """

    def __init__(
        self,
        model: ZebModel,
        weights: LossWeights,
        *,
        lr: float,
        weight_decay: float = 0.01,
        max_grad_norm: float = 1.0,
        average_decay: float = 0.998,
        schedule: Callable[[int], float] = constant,
        precision: str = "float32",
    ) -> None:
        self.model = model.train()
        self.num_updates = 0
        self.lr = 0.0  # of the last update
        self._weights = weights
        self._max_grad_norm = max_grad_norm
        self._average_decay = average_decay
        self._precision = precision
        self._device = next(model.parameters()).device
        self._average = AveragedModel(model, multi_avg_fn=self._follow).eval().requires_grad_(False)
        self._average.n_averaged.fill_(1)  # the first average is what the model begins with
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
        self._share = schedule
        self._schedule = LambdaLR(self._optimizer, schedule)
        self._sums: dict[str, Tensor] = {}  # of what was measured since take_means, on the device: reading is slow
        self._num_summed = 0
        self._first_bad = torch.full((), NEVER, device=self._device)  # update whose gradient was not finite

    @property
    def averaged(self) -> ZebModel:
        """The averaged network, always the same object."""
        return cast(ZebModel, self._average.module)

    def _follow(self, averaged: Any, ours: Any, _: Any) -> None:
        # Early on a long average would remember the random start.
        decay = min(self._average_decay, (1 + self.num_updates) / (10 + self.num_updates))
        torch._foreach_lerp_(averaged, ours, 1 - decay)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from ``batch``; returns what was measured (:class:`Losses`), scalars on the device."""
        examples = self._tensors(batch)
        self._optimizer.zero_grad(set_to_none=True)
        with autocast(self._device, self._precision):
            found = losses(self.model(examples.tokens), examples, self._weights)
        found.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._max_grad_norm)
        self._optimizer.step()
        self.lr = float(self._schedule.get_last_lr()[0])
        self._schedule.step()
        measured = {name: value.detach() for name, value in found.measured.items()} | {"grad_norm": norm}
        self.num_updates += 1
        self._first_bad = torch.where(
            torch.isfinite(norm), self._first_bad, self._first_bad.clamp(max=self.num_updates)
        )
        with torch.no_grad():
            self._average.update_parameters(self.model)
        for name, value in measured.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._num_summed += 1
        return measured

    def take_means(self) -> dict[str, float]:
        """The means of everything measured since the last call. FloatingPointError if a loss or gradient was not
        finite; what was learned since is then of no use."""
        if (bad := int(self._first_bad)) < NEVER:
            raise FloatingPointError(f"loss or gradient is not finite at update {bad}")
        means = {name: float(value) / self._num_summed for name, value in self._sums.items()}
        self._sums, self._num_summed = {}, 0
        return means

    def value_loss(self, batch: Batch) -> float:
        """The averaged network's value loss on ``batch``."""
        examples = self._tensors(batch)
        with torch.inference_mode(), autocast(self._device, self._precision):
            value = self.averaged(examples.tokens).value
        return float(F.mse_loss(value, value_target(examples, self._weights)))

    def _tensors(self, batch: Batch) -> SimpleNamespace:
        fields = batch._asdict()
        del fields["views"]  # tensors know no records
        return SimpleNamespace(**{name: torch.from_numpy(array).to(self._device) for name, array in fields.items()})

    # -- state ---------------------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint needs besides ``num_updates``: ``model.*``, ``averaged.*`` and ``optimizer.*``, the
        optimizer's state by the names of the parameters."""
        found = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        found |= {f"averaged.{name}": tensor for name, tensor in self.averaged.state_dict().items()}
        found |= {f"optimizer.{name}": tensor for name, tensor in moments(self.model, self._optimizer).items()}
        return found

    def load(self, tensors: dict[str, Tensor], num_updates: int) -> None:
        """Continue from what :meth:`tensors` said after ``num_updates``; ValueError if that was of another network."""
        known = under("optimizer.", tensors)  # none in weights that were published: the optimizer starts cold
        try:
            self.model.load_state_dict(under("model.", tensors))
            self.averaged.load_state_dict(under("averaged.", tensors))
            if num_updates:
                load_moments(self.model, self._optimizer, known or no_moments(self.model))
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"expected the weights and moments of this network, got others: {reason}") from None
        self.num_updates = num_updates
        self._schedule = LambdaLR(self._optimizer, self._share, last_epoch=num_updates - 1)
