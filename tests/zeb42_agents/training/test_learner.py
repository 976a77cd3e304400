"""The losses: what they are least at, and what they leave alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from zeb42_agents.experience import IMITATION, NOTHING, SHARES, VALUES, blank_experience, sample
from zeb42_agents.model import ZebConfig, ZebModel, ZebOutput
from zeb42_agents.training.learner import Learner, LossWeights, cosine, losses
from zeb42_env._core import tables
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules

WEIGHTS = LossWeights(policy=1.0, value=1.0, belief=0.5, advantage_scale=0.2, margin_value=False, root_value_share=0.0)


def batch(**changes: torch.Tensor) -> SimpleNamespace:
    """Two decisions of three actions: one with a choice of two, one forced."""
    fields = {
        "legal": torch.tensor([[True, True, False], [False, True, False]]),
        "target": torch.tensor([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]]),
        "meaning": torch.tensor([SHARES, SHARES]),
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


def test_imitated_actions_are_learned_by_cross_entropy() -> None:
    """A call to imitate is no value: its loss goes to 0 only as its probability goes to 1."""
    sure = torch.tensor([[0.0, 50.0, 0.0], [0.0, 0.0, 0.0]])
    imitated = batch(target=torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), meaning=torch.tensor([IMITATION] * 2))
    assert losses(output(sure), imitated, WEIGHTS).measured["policy_loss"].item() == pytest.approx(0, abs=1e-6)
    even = losses(output(torch.zeros(2, 3)), imitated, WEIGHTS).measured["policy_loss"].item()
    assert even == pytest.approx(np.log(2))


def test_decisions_of_which_nothing_was_found_teach_no_policy() -> None:
    policy = torch.zeros(2, 3, requires_grad=True)
    value = torch.zeros(2, requires_grad=True)
    of_nothing = batch(target=torch.zeros(2, 3), meaning=torch.tensor([NOTHING, NOTHING]))
    losses(output(policy, value), of_nothing, WEIGHTS).total.backward()
    assert policy.grad is not None
    assert value.grad is not None
    assert policy.grad.abs().max() == 0
    assert (value.grad != 0).all()


def learner(seed: int = 0) -> Learner:
    torch.manual_seed(seed)
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True, dropout=0.0))
    return Learner(model, WEIGHTS, lr=1e-3, schedule=cosine(20))


def examples(seed: int) -> object:
    rules = Rules(contract="random", scoring="majority")
    experience = blank_experience(6)
    experience["hand"] = np.array([Hand.deal(i, rules).record for i in range(6)])
    hands = experience["hand"].copy()
    tables.play_randomly(hands, np.arange(6).astype(np.uint64))
    experience["hand"] = hands
    experience["meanings"][:, :28] = VALUES
    return sample(experience, 16, np.random.default_rng(seed), tokenizer="v2", hidden_only=True)


def test_the_average_begins_with_the_first_weights_and_is_short_at_first() -> None:
    ours = learner()
    (before, *_), (model, *_), (averaged, *_) = (
        [p.detach().clone() for p in ours.model.parameters()],
        list(ours.model.parameters()),
        list(ours.averaged.parameters()),
    )
    expected = before
    for update in range(1, 4):
        ours.step(examples(update))  # type: ignore[arg-type]
        decay = min(0.998, (1 + update) / (10 + update))
        expected = torch.lerp(expected, model.detach(), 1 - decay)
        assert torch.allclose(averaged, expected, atol=1e-7)


def test_a_learner_goes_on_as_if_it_had_not_stopped() -> None:
    whole, stopped, resumed = learner(), learner(), learner(seed=1)
    for update in range(6):
        whole.step(examples(update))  # type: ignore[arg-type]
    for update in range(3):
        stopped.step(examples(update))  # type: ignore[arg-type]
    tensors = {name: tensor.clone() for name, tensor in stopped.tensors().items()}
    assert "optimizer.pos_embed.weight.exp_avg" in tensors
    resumed.load(tensors, 3)
    for update in range(3, 6):
        resumed.step(examples(update))  # type: ignore[arg-type]
    assert resumed.lr == whole.lr < 1e-3 * 6 / 200
    theirs = whole.tensors()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in resumed.tensors().items())
    with pytest.raises(ValueError, match="moments of this network"):
        resumed.load({name: tensor for name, tensor in tensors.items() if "exp_avg" not in name}, 3)
    with pytest.raises(ValueError, match="another shape"):
        resumed.load({**tensors, "optimizer.pos_embed.weight.exp_avg": torch.zeros(3)}, 3)


def test_what_was_measured_is_told_as_means() -> None:
    ours = learner()
    found = [ours.step(examples(update)) for update in range(4)]  # type: ignore[arg-type]
    means = ours.take_means()
    assert means["value_loss"] == pytest.approx(np.mean([float(each["value_loss"]) for each in found]))
    assert set(means) == set(found[0])
    with torch.no_grad():
        ours.model.pos_embed.weight.fill_(float("nan"))
    ours.step(examples(4))  # type: ignore[arg-type]
    with pytest.raises(FloatingPointError, match="not finite at update 5"):
        ours.take_means()


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
            meaning=torch.full((4096,), VALUES),
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
