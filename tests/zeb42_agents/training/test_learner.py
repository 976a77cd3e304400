"""The losses: what they are least at, and what they leave alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from zeb42_agents.model import ZebOutput
from zeb42_agents.training.learner import LossWeights, losses

WEIGHTS = LossWeights(policy=1.0, value=1.0, belief=0.5, advantage_scale=0.2, margin_value=False, root_value_share=0.0)


def batch(**changes: torch.Tensor) -> SimpleNamespace:
    """Two decisions of three actions: one with a choice of two, one forced."""
    fields = {
        "legal": torch.tensor([[True, True, False], [False, True, False]]),
        "target": torch.tensor([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]]),
        "is_quality": torch.tensor([False, False]),
        "outcome": torch.tensor([1.0, -1.0]),
        "margin": torch.tensor([0.5, -0.5]),
        "root_value": torch.tensor([0.0, float("nan")]),
        "labels": torch.full((2, 28), -1),
    }
    return SimpleNamespace(**{**fields, **changes})


def output(policy: torch.Tensor, value: torch.Tensor | None = None, belief: torch.Tensor | None = None) -> ZebOutput:
    return ZebOutput(policy, torch.zeros(len(policy)) if value is None else value, belief)


def test_policy_loss_is_least_at_the_visit_shares() -> None:
    right = torch.log(torch.tensor([[0.25, 0.75, 1.0], [1.0, 1.0, 1.0]]))
    found = losses(output(right), batch(), WEIGHTS).measured
    assert found["policy_kl"].item() == pytest.approx(0, abs=1e-6)
    assert found["policy_top1"].item() == 1
    worse = losses(output(torch.zeros(2, 3)), batch(), WEIGHTS).measured
    assert worse["policy_loss"] > found["policy_loss"]
    assert worse["policy_kl"].item() > 0.1


def test_forced_moves_teach_no_policy_but_values() -> None:
    policy = torch.zeros(2, 3, requires_grad=True)
    value = torch.zeros(2, requires_grad=True)
    losses(output(policy, value), batch(), WEIGHTS).total.backward()
    assert policy.grad is not None
    assert value.grad is not None
    assert policy.grad[1].abs().max() == 0
    assert (value.grad != 0).all()


def test_regression_on_noisy_values_finds_their_mean() -> None:
    """The policy that single worlds teach is the softmax of E[Q], not the mean of single worlds' softmaxes."""
    torch.manual_seed(0)
    mean = torch.tensor([0.3, -0.1, 0.0])
    policy = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.SGD([policy], lr=5.0)
    legal = torch.ones(4096, 3, dtype=torch.bool)
    for _ in range(60):
        noisy = torch.where(torch.rand(4096, 3) < (mean + 1) / 2, 1.0, -1.0)
        many = batch(
            legal=legal,
            target=noisy,
            is_quality=torch.ones(4096, dtype=torch.bool),
            outcome=torch.zeros(4096),
            margin=torch.zeros(4096),
            root_value=torch.zeros(4096),
            labels=torch.full((4096, 28), -1),
        )
        optimizer.zero_grad()
        losses(output(policy.expand(4096, 3)), many, WEIGHTS).total.backward()
        optimizer.step()
    learned = (policy - policy.mean()).detach()[0] * WEIGHTS.advantage_scale
    assert torch.allclose(learned, mean - mean.mean(), atol=0.03)


def test_value_targets() -> None:
    value = torch.tensor([0.2, 0.2])
    for weights, goals in (
        (WEIGHTS, [1.0, -1.0]),
        (WEIGHTS._replace(margin_value=True), [0.5, -0.5]),
        (WEIGHTS._replace(root_value_share=0.5), [0.5, -1.0]),
    ):
        expected = torch.nn.functional.mse_loss(value, torch.tensor(goals))
        found = losses(output(torch.zeros(2, 3), value), batch(), weights).measured
        assert found["value_loss"].item() == pytest.approx(expected.item())


def test_without_a_belief_head_nothing_is_said_of_belief() -> None:
    assert not [name for name in losses(output(torch.zeros(2, 3)), batch(), WEIGHTS).measured if "belief" in name]


def test_belief_is_asked_where_there_are_labels() -> None:
    labels = torch.full((2, 28), -1)
    labels[0, 3], labels[1, 9] = 2, 0
    belief = torch.zeros(2, 28, 3, requires_grad=True)
    found = losses(output(torch.zeros(2, 3), belief=belief), batch(labels=labels), WEIGHTS)
    assert found.measured["belief_loss"].item() == pytest.approx(torch.log(torch.tensor(3.0)).item())
    found.total.backward()
    assert belief.grad is not None
    asked = belief.grad.abs().sum(-1) > 0
    assert asked.nonzero().tolist() == [[0, 3], [1, 9]]
    sure = torch.zeros(2, 28, 3)
    sure[0, 3, 2] = sure[1, 9, 0] = 50
    nothing_asked = losses(output(torch.zeros(2, 3), belief=sure), batch(), WEIGHTS)
    assert nothing_asked.measured["belief_loss"].item() == 0
    assert torch.isfinite(nothing_asked.total)
    again = losses(output(torch.zeros(2, 3), belief=sure), batch(labels=labels), WEIGHTS).measured
    assert again["belief_accuracy"].item() == 1
    assert again["belief_loss"].item() < 1e-6
