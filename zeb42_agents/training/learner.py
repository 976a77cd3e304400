"""The update: policy, value and belief losses on a batch of examples, as a tianshou algorithm."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from tianshou.algorithm.algorithm_base import OffPolicyAlgorithm, TrainingStats
from tianshou.algorithm.optim import TorchOptimizerFactory
from torch import Tensor

from zeb42_agents.evaluator import autocast
from zeb42_agents.model import ZebModel, ZebOutput
from zeb42_agents.training.self_play import SelfPlayPolicy
from zeb42_env._core.tokens import NOT_A_LABEL


@dataclass(kw_only=True)
class ZebStats(TrainingStats):
    """What the updates of a cycle measured, by the published names; each a mean over updates and their batches."""

    policy_loss: float
    """Cross-entropy against visit shares, or squared error of the action values a teacher gave."""
    value_loss: float
    total_loss: float
    policy_entropy: float
    policy_kl: float
    """Of the policy to its target: visit shares, or a softmax of the teacher's values."""
    policy_top1: float
    """Share of decisions with a choice whose likeliest action is one of the target's best."""
    value_mean: float
    value_std: float
    grad_norm: float
    belief_loss: float | None = None
    """None without a belief head."""
    belief_accuracy: float | None = None
    """On the dominoes the labels ask about."""


NEVER = 2**62
"""The number of the first bad update while there is none."""


class Losses(NamedTuple):
    """The terms of the loss, and the numbers beside them: scalars on the device."""

    total: Tensor
    measured: dict[str, Tensor]


class LossWeights(NamedTuple):
    """How the terms of the loss add up."""

    policy: float
    value: float
    belief: float
    advantage_scale: float
    """Value difference, of -1..1, that a teacher's better action is e times as likely for."""
    margin_value: bool
    """Value target: the points margin, instead of won or lost."""
    root_value_share: float
    """Share of the value that the search or the teacher saw in the value target, beside the outcome."""


def losses(output: ZebOutput, batch: Any, weights: LossWeights) -> Losses:
    """The loss of ``output`` on ``batch`` (fields of :class:`zeb42_agents.training.experience.Batch`, as tensors)."""
    legal = batch.legal
    choices = legal.sum(1)
    has_choice = (choices > 1).float()  # a forced move teaches values and beliefs, not choices
    decisions = has_choice.sum().clamp(min=1)
    logits = output.policy.masked_fill(~legal, -1e9)
    log_policy = F.log_softmax(logits, dim=1)
    policy = log_policy.exp()
    quality = batch.is_quality.float()
    shares = torch.where(
        batch.is_quality[:, None],
        F.softmax((batch.target / weights.advantage_scale).masked_fill(~legal, -1e9), dim=1),
        batch.target,
    )
    cross_entropy = -(shares * log_policy.masked_fill(~legal, 0.0)).sum(1)
    squared = _advantage_error(output.policy * weights.advantage_scale, batch.target, legal, choices)
    policy_loss = ((quality * squared + (1 - quality) * cross_entropy) * has_choice).sum() / decisions
    goal = batch.margin if weights.margin_value else batch.outcome
    if weights.root_value_share:
        seen = torch.where(batch.root_value.isnan(), goal, batch.root_value)
        goal = (1 - weights.root_value_share) * goal + weights.root_value_share * seen
    value_loss = F.mse_loss(output.value, goal)
    total = weights.policy * policy_loss + weights.value * value_loss
    target_entropy = -(shares * shares.clamp(min=1e-9).log()).sum(1)
    best = shares >= shares.max(1, keepdim=True).values - 1e-6
    measured = {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "policy_entropy": -(policy * log_policy.masked_fill(~legal, 0.0)).sum(1).mean(),
        "policy_kl": ((cross_entropy - target_entropy) * has_choice).sum() / decisions,
        "policy_top1": (best.gather(1, logits.argmax(1, keepdim=True))[:, 0].float() * has_choice).sum() / decisions,
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


class ZebAlgorithm(OffPolicyAlgorithm[SelfPlayPolicy]):
    """AdamW on Zeb's three losses, with clipped gradients, and an averaged copy of the network to play with."""

    def __init__(
        self,
        *,
        policy: SelfPlayPolicy,
        averaged: ZebModel,
        lr: float,
        weight_decay: float,
        max_grad_norm: float,
        average_decay: float,
        weights: LossWeights,
        device: torch.device,
        precision: str,
    ) -> None:
        super().__init__(policy=policy)
        self._averaged = (averaged,)  # in a tuple: not a submodule, since it has no gradients and no optimizer
        self._average_decay = average_decay
        self._weights = weights
        self._device = device
        self._precision = precision
        self._max_grad_norm = max_grad_norm
        factory = TorchOptimizerFactory(torch.optim.AdamW, lr=lr, weight_decay=weight_decay, fused=True)
        self.optimizer = self._create_optimizer(policy.model, factory)
        self.num_updates = 0
        self.sums: dict[str, Tensor] = {}
        """Running sums of what was measured since :meth:`take_means`, on the device: reading one a step costs."""
        self._first_bad = torch.full((), NEVER, device=device)  # update whose gradient was not finite, likewise

    def set_learning_rate(self, lr: float) -> None:
        """Use ``lr`` from the next update on."""
        for group in self.optimizer._optim.param_groups:
            group["lr"] = lr

    def _update_with_batch(self, batch: Any) -> TrainingStats:
        batch.to_torch_(device=self._device)
        model = self.policy.model
        with autocast(self._device, self._precision):
            found = losses(model(batch.tokens), batch, self._weights)
        optimizer = self.optimizer._optim
        optimizer.zero_grad(set_to_none=True)
        found.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), self._max_grad_norm)
        measured = {**found.measured, "grad_norm": norm}
        optimizer.step()
        self.num_updates += 1
        self._first_bad = torch.where(
            torch.isfinite(norm), self._first_bad, self._first_bad.clamp(max=self.num_updates)
        )
        self._average(model)
        for name, value in measured.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=value.device)) + value.detach()
        self.sums["count"] = self.sums.get("count", torch.zeros(())) + 1
        return TrainingStats()

    def _average(self, model: torch.nn.Module) -> None:
        # Early on a long average would remember the random start.
        decay = min(self._average_decay, (1 + self.num_updates) / (10 + self.num_updates))
        with torch.no_grad():
            ours = [p.detach() for p in model.parameters()]
            torch._foreach_lerp_(list(self._averaged[0].parameters()), ours, 1 - decay)

    def take_means(self) -> ZebStats:
        """The means of everything measured since the last call. FloatingPointError if a loss or gradient was not
        finite; what was learned since is then of no use."""
        if (bad := int(self._first_bad)) < NEVER:
            raise FloatingPointError(f"loss or gradient is not finite at update {bad}")
        count = float(self.sums.pop("count", torch.ones(())))
        means = {name: float(value) / count for name, value in self.sums.items()}
        self.sums = {}
        return ZebStats(**means)  # type: ignore[arg-type]


def averaged_copy(model: ZebModel) -> ZebModel:
    """A copy of ``model`` that follows it without gradients."""
    twin = copy.deepcopy(model).eval()
    return twin.requires_grad_(False)
