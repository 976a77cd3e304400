"""The ladder: labels that are what the search found, a loss that knows ties, and runs that a stop does not change."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from zeb42_agents import make_agent
from zeb42_agents.baselines import GreedyAgent
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.evidence import Evidence
from zeb42_agents.minds import network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.weights import MindConfig
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.played import MindPlayer
from zeb42_agents.search.bundle import NOT_TRIED, Plan, new_bundle, weigh_plays
from zeb42_agents.training import cli
from zeb42_agents.training.ladder import bottom, fit, labels, run, states
from zeb42_agents.training.ladder import network as network_of_ladder
from zeb42_agents.training.ladder.config import LadderConfig
from zeb42_agents.training.lesson import LESSON_FILE
from zeb42_env import Hand
from zeb42_env._core import goals
from zeb42_env.table import Table, play_out
from zeb42_env.tokenizers import V2

SHAPE = MindConfig(width=16, second_width=12)
PLAN = Plan(num_worlds=6, early=1, thin=3, every_deal=True)
SMALL = {
    "width": 16, "second_width": 12, "rungs": 2, "chunks": 2, "hands": 6, "label_worlds": 4, "held_out_hands": 4,
    "held_out_worlds": 6, "least_steps": 4, "batch_size": 8, "measure_every": 2, "measure_deals": 2,
    "opponents": ("greedy",),
}  # fmt: skip


def some_model() -> MindModel:
    torch.manual_seed(0)
    return MindModel(SHAPE).eval()


def open_states(num_hands: int = 6) -> states.States:
    players = states.Players(network_mind(some_model().network()), [GreedyAgent()], explore=0.2)
    return states.reach_states(players, num_hands=num_hands, share=0.4, seed=np.uint64(3))


def some_states(num_hands: int = 6) -> tuple[np.ndarray, np.ndarray]:
    views, keys, _ = open_states(num_hands)
    return views, keys


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LadderConfig:
    base = tmp_path_factory.mktemp("base") / "mind"
    minds_on_disk.save(base, some_model().weights({}))
    return LadderConfig(base=str(base), **SMALL)


def test_states_are_choices_that_matter_and_follow_from_the_seed() -> None:
    views, keys = some_states()
    assert len(views) > 10
    for view in views:
        hand = Hand(view)
        assert view["seat"] == hand.to_move
        assert len(hand.legal_actions()) > 1
        assert not goals.decided(view)
    again, same_keys = some_states()
    assert again.tobytes() == views.tobytes()
    assert same_keys.tolist() == keys.tolist()
    assert len(set(views["scoring"].tolist())) > 1


def test_hands_follow_all_the_protocols() -> None:
    hands = states.deal_hands(2000, np.uint64(1))
    assert sum(share for _, share in states.RULES) == pytest.approx(1)
    assert (np.bincount(hands["scoring"], minlength=4) > 0).all()
    assert 0.05 < (hands["phase"] == 0).mean() < 0.15  # auctions


def test_the_usual_share_of_the_published_format_changes_nothing() -> None:
    assert states.mixture(LadderConfig().majority) == states.RULES


@pytest.mark.parametrize("majority", [0.0, 0.6, 1.0])
def test_of_the_published_format_there_are_as_many_as_asked_for(majority: float) -> None:
    rules = states.mixture(majority)
    assert sum(share for _, share in rules) == pytest.approx(1)
    assert [share / (1 - majority or 1) for _, share in rules[1:]] == pytest.approx(
        [share / 0.65 * (majority < 1) for _, share in states.RULES[1:]]
    )
    scoring = states.deal_hands(2000, np.uint64(1), rules)["scoring"]
    assert (scoring == goals.FOR_MAJORITY).mean() == pytest.approx(majority, abs=0.04)


def test_the_mind_has_a_seat_at_every_table_and_strangers_sit_at_half() -> None:
    seated = states._seat(4000, 3, np.uint64(2))
    assert (seated == states.MIND).any(1).all()
    assert 0.45 < (seated == states.MIND).all(1).mean() < 0.55
    assert sorted(set(seated.reshape(-1).tolist())) == [-1, 0, 1, 2]


def test_labels_are_what_the_search_found() -> None:
    views, keys = some_states()
    mind = network_mind(some_model().network())
    found = labels.label_states(views, keys, mind, PLAN)
    shares, legal = labels.targets(found)
    values = np.empty(28)
    for b in range(0, len(views), 5):
        weigh_plays(views[b], keys[b], views[:0], new_bundle(6), mind, PLAN, values)
        assert legal[b].nonzero()[0].tolist() == Hand(views[b]).legal_actions()
        np.testing.assert_allclose(shares[b][legal[b]], (1 + values[values > NOT_TRIED]) / 2, atol=1e-6)
        assert not shares[b][~legal[b]].any()


def test_labels_can_be_those_of_a_search_that_weighs_and_solves_worlds() -> None:
    views, keys = some_states()
    mind, plan = network_mind(some_model().network()), PLAN._replace(solved=0.5)
    evidence = LadderConfig(resample=3, plays=2.0).evidence
    found = labels.label_states(views, keys, mind, plan, evidence())
    assert labels.label_states(views, keys, mind, plan).tobytes() != found.tobytes()
    shares, legal = labels.targets(found)
    values = np.empty(28)
    weigh_plays(views[3], keys[3], views[:0], new_bundle(6, evidence()), mind, plan, values)
    np.testing.assert_allclose(shares[3][legal[3]], (1 + values[values > NOT_TRIED]) / 2, atol=1e-6)


def test_labels_can_be_what_came_of_each_play_in_the_very_deal() -> None:
    found = open_states()
    mind = network_mind(some_model().network())
    labeled = labels.label_by_outcomes(found, mind)
    shares, legal = labels.targets(labeled)
    player = MindPlayer(mind)
    for b, (view, opened) in enumerate(zip(found.views, found.hands, strict=True)):
        assert Hand(opened).view(view["seat"]).tobytes() == view.tobytes()
        assert legal[b].nonzero()[0].tolist() == Hand(view).legal_actions()
        for domino in Hand(view).legal_actions():
            table = Table(opened[None].copy(), np.zeros(1, np.uint64))
            table.take(np.zeros(1, np.int64), np.array([domino]))
            if len(table.live):
                play_out(table, player.act)
            ended = table.hands[0]
            value = goals.outcome(ended, int(ended["points"][0]))
            won = value if view["seat"] % 2 == 0 else -value
            assert shares[b][domino] == pytest.approx((1 + won) / 2)
    assert (labeled["num_worlds"] == 1).all()


def test_files_of_labels_are_checked(tmp_path: Path) -> None:
    views, keys = some_states()
    found = labels.label_states(views, keys, network_mind(some_model().network()), PLAN)
    path = tmp_path / "labels.npy"
    labels.write_labels(path, found)
    assert labels.read_labels(path).tobytes() == found.tobytes()
    for field, value in (("shares", 1.5), ("shares", np.nan), ("num_worlds", 0)):
        wrong = found.copy()
        wrong[field][3] = value
        labels.write_labels(path, wrong)
        with pytest.raises(ValueError, match=r"expected labels in .*labels\.npy, got a damaged or foreign file"):
            labels.read_labels(path)
    wrong = found.copy()
    wrong["view"]["points"][2] = 40
    labels.write_labels(path, wrong)
    with pytest.raises(ValueError, match="a state that does not follow from its deal"):
        labels.read_labels(path)
    np.save(path, np.zeros(3))
    with pytest.raises(ValueError, match="it holds float64"):
        labels.read_labels(path)
    np.save(path, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="a damaged or foreign file"):
        labels.read_labels(path)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': [('a',",
        b"{'descr': (), 'fortran_order': False, 'shape': (3,)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999999999999,)}",
    ],
)
def test_a_header_that_numpy_stumbles_over_is_a_foreign_file(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "labels.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match=r"expected labels in .*labels\.npy, got a damaged or foreign file"):
        labels.read_labels(path)


def test_the_loss_is_cross_entropy_and_expected_regret(config: LadderConfig) -> None:
    shares, legal = torch.tensor([[0.8, 0.3, 0.0]]), torch.tensor([[True, True, False]])
    logits = torch.tensor([[0.5, -0.2, 9.0]])
    p = torch.sigmoid(logits[0, :2])
    entropy = -(shares[0, :2] * p.log() + (1 - shares[0, :2]) * (1 - p).log()).mean()
    policy = torch.softmax(logits[0, :2] / 0.5, 0)
    expected = entropy + 20 * policy[1] * 0.5
    assert fit.label_loss(logits, shares, legal, config).item() == pytest.approx(expected.item(), rel=1e-5)


def test_to_confuse_equal_plays_costs_no_regret(config: LadderConfig) -> None:
    shares, legal = torch.tensor([[0.6, 0.6, 0.1]]), torch.ones(1, 3, dtype=torch.bool)
    alone = replace(config, regret_weight=0.0)
    for logits in (torch.tensor([[9.0, -9.0, -99.0]]), torch.tensor([[-9.0, 9.0, -99.0]])):
        more = fit.label_loss(logits, shares, legal, config) - fit.label_loss(logits, shares, legal, alone)
        assert more.item() == pytest.approx(0, abs=1e-4)


def test_a_mind_learns_labels(config: LadderConfig) -> None:
    views, _ = some_states(40)
    taught = np.zeros(len(views), labels.LABEL)
    taught["view"], taught["num_worlds"] = views, 1
    taught["shares"][:, 0] = 1  # the lowest legal domino wins every time
    several = replace(config, least_steps=300, batch_size=64, lr=0.01)
    learned = fit.fit_labels(some_model(), [taught], several, 1, lambda _: None)
    assert fit.regret(learned.of_views, taught) < 0.1 < fit.regret(some_model().of_views, taught)


def test_a_mind_imitates_a_network(config: LadderConfig) -> None:
    """The bottom rung, on few views: it agrees with the network more often than it did."""
    several = replace(config, base="laptop", base_views=1000, passes=4.0, batch_size=64, lr=0.01)
    model = bottom.bottom_rung(several, lambda _: None)
    network = bottom.load("laptop")
    views, policy = bottom.imitated_views(network, several, lambda _: None)
    wanted = torch.from_numpy(policy[:500].astype(np.float32))
    losses = [fit.imitation_loss(m.of_views(views[:500]), wanted, wanted > 0).item() for m in (model, MindModel(SHAPE))]
    assert losses[0] < losses[1] - 0.1


@pytest.fixture
def both(config: LadderConfig) -> LadderConfig:
    """A ladder that begins with a network and a mind."""
    return replace(config, base="laptop", mind=config.base, rungs=1, answered_hands=4)


def test_a_ladder_can_begin_with_a_network_and_a_mind(both: LadderConfig, tmp_path: Path) -> None:
    model = bottom.bottom_rung(both, lambda _: None)
    views, _ = some_states()
    with torch.inference_mode():
        np.testing.assert_array_equal(model.of_views(views), some_model().of_views(views))
    assert "network_regret" in climb(both, tmp_path)[1]
    assert minds_on_disk.load(tmp_path / run.MINDS / "0000").tensors["third.bias"].tobytes() == bytes(4 * 28)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": ""}, "expected a network as the base beside mind"),
        ({"network_passes": 0.0}, "expected network_passes above 0 beside a mind, got 0"),
        ({"width": 20}, "expected a mind of the ladder's shape, 20 and 12 units, got .* of 16 and 12"),
        ({"mind": "nowhere"}, "nowhere"),
        ({"strangers": ("gredy",)}, "gredy"),
    ],
)
def test_what_does_not_belong_together_is_named_before_anything_is_written(
    both: LadderConfig, tmp_path: Path, change: dict, message: str
) -> None:
    if change.get("base") == "":
        change = {"base": both.mind}
    with pytest.raises(ValueError, match=message):
        run.Ladder(replace(both, **change), tmp_path)
    assert not (tmp_path / run.CONFIG_FILE).exists()


def a_network() -> NetworkEvaluator:
    torch.manual_seed(1)
    shape = ZebConfig(
        embed_dim=16, n_heads=2, n_layers=1, ff_dim=16, max_tokens=V2.num_tokens, tokenizer="v2", belief_head=True
    )
    return NetworkEvaluator(ZebModel(shape), precision="float32")


def test_a_network_learns_labels_and_keeps_its_belief(config: LadderConfig) -> None:
    network = a_network()
    views, _ = some_states(40)
    taught = labels.labels_of(views, np.ones((len(views), 28)), labels.legal_dominoes(views), num_worlds=1)
    taught["shares"][:, 1:] = 0  # the lowest legal domino wins every time
    before = network.belief(views)
    several = replace(config, network_passes=200.0, network_lr=0.01)
    worse = fit.regret(partial(network_of_ladder.logits_of, network), taught)
    learned = NetworkEvaluator(network_of_ladder.fit_network(network, taught, several, 1, lambda _: None))
    assert fit.regret(partial(network_of_ladder.logits_of, learned), taught) < 0.5 * worse
    assert learned(views)[1].mean() > 0.3  # its favorite wins
    assert np.abs(learned.belief(views) - before).max() < 0.2


def test_answers_of_a_network_are_labels_without_worlds() -> None:
    network = a_network()
    views, _ = some_states()
    found = network_of_ladder.answers(network, views)
    shares, legal = labels.targets(found)
    with torch.inference_mode():
        odds = torch.sigmoid(network.model(network.tokens(views)).policy[:, :28]).numpy()
    np.testing.assert_allclose(shares, np.where(legal, odds, 0), atol=1e-6)
    assert (found["num_worlds"] == 0).all()


def test_a_mind_learns_from_two_lots_alike(config: LadderConfig) -> None:
    """However long one is: half of each batch comes from either."""
    views, _ = some_states(40)
    legal = labels.legal_dominoes(views)
    first = labels.labels_of(views, np.ones((len(views), 28)), legal, num_worlds=1)
    second = labels.labels_of(views[:5], np.zeros((5, 28)), legal[:5], num_worlds=0)
    several = replace(config, least_steps=200, batch_size=64, lr=0.01)
    learned = fit.fit_labels(some_model(), [first, second], several, 1, lambda _: None)
    with torch.inference_mode():
        odds = torch.sigmoid(learned.of_views(views)).numpy()
    assert odds[5:][legal[5:]].mean() > 0.8
    assert odds[:5][legal[:5]].mean() < 0.7  # taught both


def climb(config: LadderConfig, folder: Path) -> list[dict]:
    run.Ladder(config, folder).run()
    return json.loads((folder / run.PROGRESS_FILE).read_text())["rows"]


def without_times(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if not name.endswith("_s")} for row in rows]


def test_a_stop_changes_nothing(config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of the second rung's labels, and again while it learns."""
    whole = climb(config, tmp_path / "whole")
    assert [row["rung"] for row in whole] == [0, 1, 2]
    assert "win_rate greedy" in whole[2]
    assert "win_rate bottom" in whole[2]
    assert len((tmp_path / "whole" / run.TABLE_FILE).read_text().splitlines()) == 4
    stopped, real = tmp_path / "stopped", run.write_labels

    def stop_at(path: Path, found: np.ndarray) -> None:
        if path.parent.name == "0002" and path.name == "0001.npy":
            raise KeyboardInterrupt
        real(path, found)

    monkeypatch.setattr(run, "write_labels", stop_at)
    with pytest.raises(KeyboardInterrupt):
        climb(config, stopped)
    monkeypatch.setattr(run, "write_labels", real)
    monkeypatch.setattr(run, "fit_labels", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        climb(config, stopped)
    monkeypatch.undo()
    assert without_times(climb(config, stopped)) == without_times(whole)
    for rung in ("0001", "0002"):
        first, second = (
            MindModel.of(minds_on_disk.load(folder / run.MINDS / rung)) for folder in (tmp_path / "whole", stopped)
        )
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert make_agent(f"zeb:{stopped}").fingerprint == make_agent(f"zeb:{stopped / run.BEST}").fingerprint


def test_as_many_work_as_are_asked_for_and_find_the_same(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = climb(replace(config, rungs=1, measure_every=9), tmp_path / "alone")
    together, real = threading.Barrier(3), run.label_states

    def meet(*args: object) -> np.ndarray:
        together.wait(60)  # for two others that label at this moment
        return real(*args)

    monkeypatch.setattr(run, "label_states", meet)
    many = replace(config, rungs=1, measure_every=9, workers=3)  # two files, and what is held out
    rows = climb(many, tmp_path / "many")
    assert without_times(rows) == without_times(alone)


def test_a_worker_that_fails_stops_the_others_and_what_they_had_is_kept(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    several = replace(config, rungs=1, measure_every=9, workers=2, chunks=8)
    whole = climb(several, tmp_path / "whole")
    stopped, real = tmp_path / "stopped", run.write_labels
    failed = threading.Event()

    def full_disk(path: Path, found: np.ndarray) -> None:
        if path.name == "0001.npy":
            failed.set()
            raise OSError("no space left")
        if failed.is_set():
            time.sleep(0.3)  # for the ladder to hear of it
        real(path, found)

    monkeypatch.setattr(run, "write_labels", full_disk)
    with pytest.raises(OSError, match="no space"):
        climb(several, stopped)
    assert "files of labels are finished, which may take minutes" in capsys.readouterr().out
    there = {path.name for path in (stopped / run.LABELS / "0001").iterdir()}
    assert {f"{run.HELD_OUT}.npy", "0000.npy"} <= there  # under way or before
    assert not {"0001.npy", "0006.npy", "0007.npy"} & there  # never begun
    monkeypatch.undo()
    assert without_times(climb(several, stopped)) == without_times(whole)


def test_a_network_that_has_learned_is_not_taught_again_after_a_stop(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(config, base="laptop", base_views=1000, rungs=1, answered_hands=8, measure_every=9)
    whole = climb(both, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    monkeypatch.setattr(run, "fit_labels", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        climb(both, stopped)
    monkeypatch.undo()
    monkeypatch.setattr(run, "fit_network", lambda *_, **__: pytest.fail("it learns again"))
    assert without_times(climb(both, stopped)) == without_times(whole)
    assert whole[1]["network_regret"] > 0
    network = stopped / (run.BEST_NETWORK if whole[1]["network_accepted"] else f"{run.NETWORKS}/0001")
    assert make_agent(f"zeb:{network}").fingerprint != make_agent("zeb:laptop").fingerprint


@pytest.mark.parametrize("learner", ["network", "mind", "bottom"])
def test_a_lesson_goes_on_after_a_stop(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learner: str
) -> None:
    both = replace(config, base="laptop", base_views=1000, rungs=1, answered_hands=8, measure_every=9)
    whole = climb(both, tmp_path / "whole")
    stopped, real = tmp_path / "stopped", minds_on_disk.save

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def stop_at(path: Path, saved: object) -> None:
        if (path.name == "0000") == (learner == "bottom") and path.parent.name == run.MINDS:
            raise KeyboardInterrupt
        real(path, saved)

    monkeypatch.setattr(fit, "KEPT_EVERY_S", -1)
    if learner == "network":
        monkeypatch.setattr(run.weights, "save", stop)
    else:
        monkeypatch.setattr(run.minds_on_disk, "save", stop_at)
    with pytest.raises(KeyboardInterrupt):
        climb(both, stopped)  # when the lesson is over and its result is to be saved
    monkeypatch.undo()
    assert (stopped / LESSON_FILE).is_file()
    loss = {
        "network": (network_of_ladder, "label_loss"),
        "mind": (fit, "label_loss"),
        "bottom": (fit, "imitation_loss"),
    }
    with monkeypatch.context() as patched:
        patched.setattr(*loss[learner], lambda *_: pytest.fail("it begins the lesson anew"))
        if learner != "mind":  # whose lesson comes last
            patched.setattr(run.Ladder, "_finish" if learner == "bottom" else "_answered", stop)
            with pytest.raises(KeyboardInterrupt):
                climb(both, stopped)
            assert not (stopped / LESSON_FILE).exists()
        else:
            climb(both, stopped)
    assert without_times(climb(both, stopped)) == without_times(whole)
    assert not (stopped / LESSON_FILE).exists()


def test_a_mind_that_has_learned_is_not_taught_again_after_a_stop(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is measured, say."""
    measured = replace(config, rungs=1, measure_every=1)
    whole = climb(measured, tmp_path / "whole")
    stopped, real = tmp_path / "stopped", run.play_pairing

    def stop_at_a_rung(player: MindPlayer, *others: object, **options: object) -> object:
        if (stopped / run.MINDS / "0001").is_dir():
            raise KeyboardInterrupt
        return real(player, *others, **options)

    monkeypatch.setattr(run, "play_pairing", stop_at_a_rung)
    with pytest.raises(KeyboardInterrupt):
        climb(measured, stopped)
    monkeypatch.undo()
    monkeypatch.setattr(run, "fit_labels", lambda *_, **__: pytest.fail("it learns again"))
    monkeypatch.setattr(run, "bottom_rung", lambda *_: pytest.fail("it begins again"))
    assert without_times(climb(measured, stopped)) == without_times(whole)


def test_only_a_mind_whose_regret_is_no_worse_takes_the_place(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    climb(replace(config, rungs=1, measure_every=9), tmp_path)
    kept = minds_on_disk.load(tmp_path / run.BEST).state["rung"]
    regrets = iter([0.1, 0.2])
    monkeypatch.setattr(run, "regret", lambda *_: next(regrets))
    rows = climb(replace(config, rungs=2, measure_every=9), tmp_path)
    assert rows[2]["accepted"] is False
    assert minds_on_disk.load(tmp_path / run.BEST).state["rung"] == kept


def test_a_ladder_of_outcomes(config: LadderConfig, tmp_path: Path) -> None:
    outcomes = replace(config, label_worlds=0, held_out_worlds=0, strangers=("greedy",), search_worlds=0, dice_worlds=0)
    rows = climb(outcomes, tmp_path)
    assert [row["rung"] for row in rows] == [0, 1, 2]
    for name in ("0000", run.HELD_OUT):
        found = labels.read_labels(tmp_path / run.LABELS / "0001" / f"{name}.npy")
        assert (found["num_worlds"] == 1).all()
        assert set(np.unique(found["shares"][found["view"]["scoring"] != goals.FOR_POINTS])) <= {0.0, 0.5, 1.0}


def test_labels_are_of_the_search_and_the_tables_that_were_asked_for(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], run.label_states

    def spy(views: np.ndarray, keys: np.ndarray, mind: object, plan: Plan, evidence: Evidence):
        asked.append((plan.solved, evidence.resample, evidence.plays.tolist(), plan.num_worlds))
        return real(views, keys, mind, plan, evidence)

    monkeypatch.setattr(run, "label_states", spy)
    ladder = run.Ladder(replace(config, rungs=1, solved=0.25, resample=3, plays=1.5, majority=1.0), tmp_path / "a")
    ladder.run()
    found = labels.read_labels(tmp_path / "a" / run.LABELS / "0001" / "0000.npy")
    assert (found["view"]["scoring"] == goals.FOR_MAJORITY).all()
    assert {found[3] for found in asked} == {4, 6}
    assert all(found[:3] == (0.25, 3, [1.5]) for found in asked)
    mind = network_mind(some_model().network())
    assert [agent.name for agent in ladder._strangers(mind)] == ["greedy", "random", "eq:n=3", "mind", "mind"]
    few = run.Ladder(replace(config, strangers=("eq:n=2",), search_worlds=0, dice_worlds=0), tmp_path / "b")
    assert [agent.name for agent in few._strangers(mind)] == ["eq:n=2"]


def test_nobody_else_climbs_in_the_folder(config: LadderConfig, tmp_path: Path) -> None:
    code = "from sys import argv; from zeb42_agents.training.ladder import run; run.take_lock(run.Path(argv[1]))"
    ladder = run.Ladder(config, tmp_path)
    words = [sys.executable, "-c", code, str(ladder.folder)]
    other = subprocess.run(words, capture_output=True, text=True, check=False)
    assert other.stderr.splitlines()[-1].startswith("ValueError: expected a run that nobody is training")


def test_what_another_run_has_in_the_folder_is_left_alone(config: LadderConfig, tmp_path: Path) -> None:
    (tmp_path / run.CONFIG_FILE).write_text('{"kind": "calls"}')
    with pytest.raises(ValueError, match=r"expected a new folder or a ladder, got .* that holds something else"):
        run.Ladder(config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [run.CONFIG_FILE]


def test_a_network_that_cannot_learn_labels_is_named_on_the_way_too(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(run, "require_learner", asked.append)
    climb(replace(config, base="laptop", base_views=1000, rungs=1, network_passes=0.0, measure_every=9), tmp_path)
    assert not asked
    run.Ladder(replace(config, base="laptop", base_views=1000, network_passes=1.0), tmp_path)
    assert asked == ["laptop"]


def test_an_opponent_that_is_none_is_named_before_anything_is_learned(config: LadderConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gredy"):
        run.Ladder(replace(config, opponents=("gredy",)), tmp_path)
    assert not (tmp_path / run.CONFIG_FILE).exists()


def test_foreign_progress_is_named(config: LadderConfig, tmp_path: Path) -> None:
    (tmp_path / run.PROGRESS_FILE).write_text('{"schema": 1, "rows": [{"rung": 3, "accepted": true}]}')
    with pytest.raises(ValueError, match="expected the progress of a ladder in"):
        run.Ladder(config, tmp_path)


@pytest.mark.parametrize("bad", [{"lr": 0.0}, {"explore": 2.0}, {"chunks": 0}, {"workers": 0}, {"width": 10**6}])
def test_options_out_of_range(bad: dict) -> None:
    with pytest.raises(ValueError, match=f"expected {next(iter(bad))} in"):
        LadderConfig(**bad)


def test_plays_are_asked_about_where_worlds_are_weighed() -> None:
    with pytest.raises(ValueError, match=r"expected resample above 0 beside .*plays"):
        LadderConfig(plays=2.0)
    with pytest.raises(ValueError, match="expected no solved beside label_worlds 0: these are of a search"):
        LadderConfig(solved=0.5, label_worlds=0)
    with pytest.raises(ValueError, match="expected held_out_worlds 0 beside label_worlds 0, got 160"):
        LadderConfig(label_worlds=0)
    with pytest.raises(ValueError, match="expected least_steps of at most most_steps 10, got 600"):
        LadderConfig(most_steps=10)


def test_the_command(config: LadderConfig, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "run"
    words = ["--preset", "ladder", "--out", str(out), "--base", config.base, "--opponents", "greedy"]
    for name, value in SMALL.items():
        words += [f"--{name.replace('_', '-')}", str(value)] if name != "opponents" else []
    assert cli.main([*words, "--rungs", "1"]) == 0
    said = capsys.readouterr().out
    assert "rung 1" in said
    assert f"zeb42 arena zeb:{out} zeb:{out},worlds=160 greedy" in said.replace("\n", "")
    said = json.loads((out / run.CONFIG_FILE).read_text())
    newer = ("mind", "solved", "resample", "plays", "strangers", "search_worlds", "dice_worlds")
    older = {name: value for name, value in said.items() if name not in newer}
    (out / run.CONFIG_FILE).write_text(json.dumps(older))  # of a version that did not have them
    assert cli.main(["--resume", str(out), "--rungs", "2"]) == 0
    assert "all 2 rungs are done already" not in capsys.readouterr().out
    assert cli.main(["--resume", str(out)]) == 0
    assert "all 2 rungs are done already; more --rungs go on" in capsys.readouterr().out
    assert {name: value for name, value in said.items() if name != "rungs"}.items() <= json.loads(
        (out / run.CONFIG_FILE).read_text()
    ).items()
    assert json.loads((out / run.PROGRESS_FILE).read_text())["rows"][2]["rung"] == 2
    for more, message in (
        (["--resume", str(out), "--seed", "3"], "expected no --seed beside --resume"),
        (["--resume", str(out), "--mind", "quick"], "that is the run's own; allowed: any but --out, --seed, --base,"),
        (["--resume", str(out), "--network-lr", "0.1"], "expected no --network-lr in a ladder of --base"),
        (["--preset", "ladder", "--base", "quick", "--base-views", "5000"], "expected no --base-views in a ladder of"),
        (["--preset", "ladder", "--out", str(out)], "expected a new folder for --out"),
        (["--preset", "ladder", "--cycles", "3"], "--cycles, 3; see zeb42 train --preset ladder --help"),
        (["--preset", "ladder", "--out", str(tmp_path / "x"), "--lr", "0"], "expected lr in"),
        (["--resume", str(out), "--preset", "laptop"], "expected --preset ladder for such a run, got laptop"),
    ):
        assert cli.main(more) == cli.USAGE
        assert message in " ".join(capsys.readouterr().out.split())


def test_a_stop_before_the_first_hand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("zeb42_agents.training.ladder.cli._ladder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli.main(["--preset", "ladder"]) == cli.INTERRUPTED
    assert "stopped before the first hand" in capsys.readouterr().out


def test_a_failure_on_the_way_says_how_to_go_on(
    config: LadderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "run"
    words = [
        word
        for name, value in {**SMALL, "base": config.base, "out": out, "preset": "ladder", "opponents": "greedy"}.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    full_disk = OSError("no space left on device")
    monkeypatch.setattr(run, "write_labels", lambda *_: (_ for _ in ()).throw(full_disk))
    assert cli.main(words) == cli.FAILED
    said = capsys.readouterr().out
    assert "stopped: no space left on device; rungs saved: 1. To go on:" in said
    assert f"zeb42 train --resume {out}" in said


def test_a_base_of_another_shape_is_refused(config: LadderConfig) -> None:
    with pytest.raises(ValueError, match="expected a mind of the ladder's shape"):
        bottom.bottom_rung(replace(config, width=20), lambda _: None)
