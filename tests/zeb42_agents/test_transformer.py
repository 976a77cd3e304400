"""The network in the kernels: what torch answers, of any shape, for one view as for many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zeb42_agents import make_agent, stored, weights
from zeb42_agents.answers import Answers, KernelAnswers
from zeb42_agents.evaluator import NetworkEvaluator, load
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.zeb import Zeb, _has_gpu
from zeb42_env._core import record as core
from zeb42_env.hand import Hand

SHAPES = [(16, 2, 1, 24), (64, 2, 2, 128), (48, 4, 3, 7), (16, 16, 2, 8)]  # embed_dim, n_heads, n_layers, ff_dim


def views_of_play(num: int, rules: str = "majority") -> np.ndarray:
    rng = np.random.default_rng(num)
    views = np.empty(num, core.HAND)
    for i in range(num):
        hand = Hand.deal(seed=i, rules=rules)
        for _ in range(rng.integers(0, 26)):
            if not hand.is_over:
                hand.apply(int(rng.choice(hand.legal_actions())))
        views[i] = hand.view(hand.to_move)
    return views


def saved(folder: Path, shape: tuple[int, int, int, int], *, belief_head: bool = True, scale: float = 1) -> Path:
    """A network that has opinions."""
    torch.manual_seed(sum(shape))
    width, heads, layers, wide = shape
    config = ZebConfig(embed_dim=width, n_heads=heads, n_layers=layers, ff_dim=wide, max_tokens=33, tokenizer="v2",
                       belief_head=belief_head)  # fmt: skip
    model = ZebModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        for layer in model.encoder.layers:  # type: ignore[union-attr]
            layer.self_attn.in_proj_weight.mul_(scale)
    weights.save(folder, model, {"calls": True})
    return folder


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("belief_head", [False, True])
def test_the_answers_are_those_of_torch(shape: tuple, belief_head: bool, tmp_path: Path) -> None:
    folder = saved(tmp_path / "w", shape, belief_head=belief_head)
    ours, theirs = KernelAnswers(stored.read(folder)), load(folder)
    for rules in ("majority", "hand"):
        views = views_of_play(40, rules)
        for mine, other in zip(ours(views), theirs(views), strict=True):
            assert np.abs(mine - other).max() < 1e-4
        assert np.abs(ours.belief(views) - theirs.belief(views)).max() < 1e-4
        assert np.array_equal(ours.speaks(views), theirs.speaks(views))
    assert ours(views)[0].max(1).std() > 0.01


def test_attention_to_one_token_alone_is_that_of_torch(tmp_path: Path) -> None:
    folder = saved(tmp_path / "w", SHAPES[1], scale=30)
    views = views_of_play(20)
    assert np.abs(KernelAnswers(stored.read(folder))(views)[0] - load(folder)(views)[0]).max() < 1e-3


def test_whether_there_is_a_gpu_is_asked_of_torch(monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert _has_gpu()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("zeb42_agents.zeb.shutil.which", lambda name: f"/bin/{name}")
    assert not _has_gpu()


def test_an_answer_does_not_depend_on_the_others_nor_on_threads(tmp_path: Path) -> None:
    network = KernelAnswers(stored.read(saved(tmp_path / "w", SHAPES[1])))
    views = views_of_play(130)
    policy, value = network(views)
    belief = network.belief(views)
    for number in (1, 4):
        other = KernelAnswers(stored.read(tmp_path / "w"), threads=number)
        assert np.array_equal(other(views)[0], policy)
        assert np.array_equal(other.belief(views), belief)
    for i in (0, 77, 129):
        alone = network(views[i : i + 1])
        assert np.array_equal(alone[0][0], policy[i])
        assert alone[1][0] == value[i]
        assert np.array_equal(network.belief(views[i : i + 1])[0], belief[i])


def test_bad_weights_are_refused_as_torch_refuses_them(tmp_path: Path) -> None:
    weights.save(tmp_path / "v1", ZebModel(ZebConfig.named("small")), {})
    with pytest.raises(ValueError, match="expected a network of tokenizer v2, got v1"):
        KernelAnswers(stored.read(tmp_path / "v1"))
    model = weights.load(saved(tmp_path / "w", SHAPES[0])).model
    with torch.no_grad():
        model.pos_embed.weight.fill_(float("nan"))
    weights.save(tmp_path / "nan", model, {})
    with pytest.raises(ValueError, match="expected finite answers of the network"):
        KernelAnswers(stored.read(tmp_path / "nan"))(views_of_play(2))


@pytest.mark.parametrize(
    ("shape", "options", "has_torch", "expected"),
    [
        (SHAPES[1], "", True, KernelAnswers),
        (SHAPES[1], ",device=cpu", True, KernelAnswers),
        (SHAPES[1], ",precision=auto", True, NetworkEvaluator),
        ((128, 2, 1, 16), "", True, NetworkEvaluator),
        ((128, 2, 1, 16), "", False, KernelAnswers),
        ((128, 2, 1, 16), ",precision=auto", False, KernelAnswers),
    ],
)
def test_small_networks_answer_in_the_kernels(
    shape: tuple, options: str, has_torch: bool, expected: type[Answers], tmp_path: Path, monkeypatch
) -> None:
    folder = saved(tmp_path / "w", shape)
    monkeypatch.setattr("zeb42_agents.zeb.find_spec", lambda name: object() if has_torch else None)
    monkeypatch.setattr("zeb42_agents.zeb._has_gpu", lambda: False)
    agent = make_agent(f"zeb:{folder}{options}")
    assert isinstance(agent, Zeb)
    assert type(agent.evaluator) is expected


def test_a_gpu_is_torchs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("zeb42_agents.zeb._has_gpu", lambda: True)
    agent = make_agent(f"zeb:{saved(tmp_path / 'w', SHAPES[0])}")
    assert isinstance(agent, Zeb)
    assert type(agent.evaluator) is NetworkEvaluator
