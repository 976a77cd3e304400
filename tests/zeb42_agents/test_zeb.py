"""Zeb at the table: blind to what is hidden, independent of its batch, and clear about bad options."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from zeb42_agents import weights, worlds
from zeb42_agents.agent import Agent, make_agent
from zeb42_agents.answers import sample_actions
from zeb42_agents.evaluator import NetworkEvaluator, faster_precision, resolve_device
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.simple_bidder import simple_calls
from zeb42_agents.zeb import SPOKEN_FOR, Zeb
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules, action_text


def views_of_play(num: int, *, contract: str = "random", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    views = np.empty(num, core.HAND)
    for i in range(num):
        hand = Hand.deal(100 * seed + i, Rules(contract=contract, scoring="majority"))  # type: ignore[arg-type]
        for _ in range(rng.integers(0, 26)):
            hand.apply(int(rng.choice(hand.legal_actions())))
        views[i] = hand.view(hand.to_move)
    return views


def network(tokenizer: str, *, calls: bool = False) -> NetworkEvaluator:
    torch.manual_seed(3)
    model = ZebModel(ZebConfig.named("small", tokenizer=tokenizer, belief_head=True))  # type: ignore[arg-type]
    with torch.no_grad():
        for head in (model.policy_proj, model.value_head[-1]):
            head.weight.normal_(std=1.0)  # type: ignore[union-attr]  # opinions, so that a change would show
    return NetworkEvaluator(model, precision="float32", calls=calls)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "w"
    weights.save(folder, network("v2").model, {"calls": False})
    return folder


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
@pytest.mark.parametrize("contract", ["random", "auction"])
def test_evaluator_speaks_of_legal_actions(tokenizer: str, contract: str) -> None:
    views = views_of_play(40, contract=contract)
    evaluator = network(tokenizer)
    policy, value = evaluator(views)
    legal = np.array([[int(core.legal_mask(view)) >> a & 1 for a in range(56)] for view in views], bool)
    assert np.allclose(policy.sum(1), 1, atol=1e-5)
    assert (policy[~legal] == 0).all()
    assert (np.abs(value) <= 1).all()
    calling = views["phase"] != core.TRICKS
    assert np.array_equal(policy[calling].argmax(1), simple_calls(views[calling]))
    belief = evaluator.belief(views)
    assert np.allclose(belief.sum(2), 1, atol=1e-5)
    if tokenizer == "v2":
        known = views["owner"] >= 0
        assert (
            np.take_along_axis(belief, np.maximum(views["owner"], 0)[..., None].astype(int), 2)[..., 0][known] == 1
        ).all()


def test_a_network_is_asked_by_the_seats_to_move() -> None:
    hand = Hand.deal(seed=3, rules="majority")
    evaluator = network("v2")
    for record in (hand.record, hand.view((hand.to_move + 1) % 4)):
        with pytest.raises(ValueError, match="expected views of the seats to move"):
            evaluator(np.array([record]))
    with pytest.raises(ValueError, match=r"got shape \[\]; one alone is \[one\]"):
        evaluator(hand.view(hand.to_move))


def test_a_network_that_has_learned_to_call_calls() -> None:
    views = views_of_play(40, contract="auction", seed=2)
    views = views[views["phase"] == core.AUCTION]
    policy, _ = network("v2", calls=True)(views)
    assert ((policy > 0).sum(1) > 1).any()


def test_a_network_of_nan_is_refused_not_played() -> None:
    evaluator = network("v2")
    with torch.no_grad():
        evaluator.model.pos_embed.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="expected finite answers of the network"):
        evaluator(views_of_play(2))


@pytest.mark.parametrize(
    "options", ["", ",sims=8,worlds=4,solve_tricks=0", ",sims=6,worlds=3,belief=uniform,root=puct"]
)
def test_no_choice_depends_on_what_is_hidden(saved: Path, options: str) -> None:
    agent = make_agent(f"zeb:{saved}{options},precision=float32")
    assert isinstance(agent, Agent)
    views = views_of_play(12, seed=5)
    keys = np.arange(12).astype(np.uint64)
    redealt = np.empty(12, core.HAND)
    for i, view in enumerate(views):
        (world,) = worlds.sample(view, 1, np.random.default_rng(i))
        redealt[i] = Hand(world).view(int(view["to_move"]))
    assert redealt.tobytes() == views.tobytes()  # the view itself hides everything ...
    assert np.array_equal(agent.act(views, keys), agent.act(redealt, keys))  # ... and nothing else is asked


@pytest.mark.parametrize("options", ["", ",sims=8,worlds=4"])
def test_a_choice_does_not_depend_on_the_batch(saved: Path, options: str) -> None:
    agent = make_agent(f"zeb:{saved}{options},precision=float32")
    views, keys = views_of_play(24, seed=7), np.arange(24).astype(np.uint64)
    together = agent.act(views, keys)
    alone = [agent.act(views[i : i + 1], keys[i : i + 1])[0] for i in range(24)]
    assert together.tolist() == alone
    order = np.random.default_rng(0).permutation(24)
    assert np.array_equal(agent.act(views[order], keys[order]), together[order])


def test_actions_are_drawn_by_their_probabilities() -> None:
    policy = np.zeros((40_000, 56), np.float32)
    policy[:, [2, 5, 40]] = 0.2, 0.5, 0.3
    drawn = np.bincount(sample_actions(policy, np.arange(40_000).astype(np.uint64)), minlength=56) / 40_000
    assert np.abs(drawn - policy[0]).max() < 0.01


def test_policy_alone_plays_the_likeliest() -> None:
    evaluator = network("v2")
    views = views_of_play(30)
    assert np.array_equal(Zeb(evaluator).act(views, np.random.default_rng(0)), evaluator(views)[0].argmax(1))


@pytest.mark.parametrize("options", ["", ",sims=8,worlds=4", ",sims=8,worlds=4,mix_tricks=6,solve_tricks=2"])
def test_a_decision_can_be_explained(saved: Path, options: str) -> None:
    agent = make_agent(f"zeb:{saved}{options}")
    assert isinstance(agent, Zeb)
    view = next(view for view in views_of_play(9) if bin(int(core.legal_mask(view))).count("1") > 1)
    key = np.array([7], np.uint64)
    text = str(agent.explain(view, key))
    chosen = action_text(int(agent.act(np.array([view]), key)[0]))
    first_row = next(line for line in text.splitlines() if line[:2] in ("* ", "  ") and "action" not in line)
    assert chosen in first_row
    assert ("principal line: " + chosen in text) == bool(options)
    hand = Hand.deal(0, Rules(contract="random"))
    with pytest.raises(ValueError, match="expected the view of the seat to move"):
        agent.explain(hand.view((hand.to_move + 1) % 4))
    with pytest.raises(ValueError, match=r"expected one HAND record, got Hand; allowed: what Hand\.view gives"):
        agent.explain(hand)  # type: ignore[arg-type]
    call = next(view for view in views_of_play(40, contract="auction") if view["phase"] != core.TRICKS)
    assert SPOKEN_FOR in str(agent.explain(call))
    assert agent.explain(call).speaker == "simple bidder"
    assert SPOKEN_FOR not in text
    agent.evaluator.calls = True
    assert SPOKEN_FOR not in str(agent.explain(call))


def test_no_search_overrules_the_bidder_that_speaks_for_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = make_agent(f"zeb:{saved},sims=16,worlds=4")
    views = views_of_play(40, contract="auction")
    calling = views["phase"] != core.TRICKS
    assert 0 < calling.sum() < 40
    keys, searched, real = np.arange(40, dtype=np.uint64), [], agent.search
    alone = agent.act(views[~calling], keys[~calling])

    def search(views: np.ndarray, keys: np.ndarray) -> np.ndarray:
        searched.append(views)
        return real(views, keys)

    monkeypatch.setattr(agent, "search", search)
    actions = agent.act(views, keys)
    assert (actions[calling] == simple_calls(views[calling])).all()
    assert (actions[~calling] == alone).all()
    assert (searched[0]["phase"] == core.TRICKS).all()
    call = views[calling][0]
    found = agent.explain(call)
    assert found.chosen == simple_calls(views[calling][:1])[0]
    assert found.belief is not None


def test_bad_options_say_what_is_allowed(saved: Path, tmp_path: Path) -> None:
    for spec, message in (
        ("zeb", "expected weights in 'zeb'"),
        (f"zeb:{tmp_path}/nothing", "expected weights, got"),
        (f"zeb:{saved},sims=1", "expected sims in 2"),
        (f"zeb:{saved},sims=8,belief=psychic", "allowed: net, legality, uniform"),
        (f"zeb:{saved},sims=many", "to be a number"),
        (f"zeb:{saved},precision=int8", "allowed: auto, float32, bfloat16"),
        (f"zeb:{saved},depth=3", "allowed: weights="),
        (f"zeb:{saved},device=tpu9", "expected a device"),
        (f"zeb:{saved},device=mps", "allowed: auto, cpu, cuda"),
    ):
        with pytest.raises(ValueError, match=message):
            make_agent(spec)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match=r"expected a device that is here, got 'cuda'"):
            make_agent(f"zeb:{saved},device=cuda")


@pytest.mark.parametrize("spec", ["random", "greedy", "zeb:laptop", "zeb:laptop,sims=4"])
def test_views_of_others_and_full_hands_are_refused(spec: str) -> None:
    hand = Hand.deal(0, Rules(contract="random"))
    for record, got in ((hand.view((hand.to_move + 1) % 4), "the view of seat"), (hand.record, "a full hand")):
        with pytest.raises(ValueError, match=f"expected the view of the seat to move, got {got}"):
            make_agent(spec).act(np.array([record]), np.zeros(1, np.uint64))
    with pytest.raises(ValueError, match=r"expected HAND records \[B\], got void"):
        make_agent(spec).act(hand.view(hand.to_move), np.random.default_rng(0))


def test_options_of_a_search_that_is_not_asked_for_are_refused(saved: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected sims= \(a tree\) or mind= beside worlds=64, belief=uniform, got none"
    ):
        make_agent(f"zeb:{saved},worlds=64,belief=uniform")
    with pytest.raises(ValueError, match=r"expected sims= .*beside root=puct, mix_tricks=5, got none"):
        make_agent(f"zeb:{saved},root=puct,mix_tricks=5")


def test_a_path_may_have_an_equals_sign(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "lr=0.001"
    shutil.copytree(saved, other)
    assert make_agent(f"zeb:{other}").name == f"zeb:{other}"


@pytest.mark.parametrize(("took", "picked"), [(0.5, "bfloat16"), (0.9, "float32"), (2.0, "float32")])
def test_precision_is_picked_by_measurement(took: float, picked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``took``: what bfloat16 takes where float32 takes 1."""
    clock = iter([0.0, 1.0, 0.0, took])
    monkeypatch.setattr("zeb42_agents.evaluator.time.perf_counter", lambda: next(clock, 0.0))
    assert faster_precision(network("v2").model, resolve_device("cpu"), num_views=8) == picked
