"""How a belief is learned: the views and the deals behind them, what is asked, what stays, and the command."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from zeb42_agents import make_agent, weights
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.files import write_json
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training.belief.collect import MIXED, collect, read_views
from zeb42_agents.training.belief.config import BeliefConfig
from zeb42_agents.training.belief.fit import NOT_ASKED, fit_belief, judge, places
from zeb42_agents.training.belief.run import Belief
from zeb42_agents.training.cli import main
from zeb42_agents.training.lesson import LESSON_FILE
from zeb42_env._core import record as core

PLAYERS = ("greedy", "random")
TINY = ZebConfig(
    embed_dim=16, n_heads=2, n_layers=1, ff_dim=16, dropout=0.0, max_tokens=33, tokenizer="v2", belief_head=True
)


@pytest.fixture(scope="module")
def views() -> np.ndarray:
    return collect([make_agent(spec) for spec in PLAYERS], 150, 0.5, np.uint64(5))


def network() -> NetworkEvaluator:
    torch.manual_seed(1)
    return NetworkEvaluator(ZebModel(TINY), precision="float32")


def test_views_come_with_the_deals_behind_them(views: np.ndarray) -> None:
    assert set(views["table"].tolist()) == {MIXED, 0, 1}
    seen, owners = views["view"], views["owner"]
    assert (seen["phase"] == core.TRICKS).all()
    assert (seen["seat"] == seen["to_move"]).all()
    shown = seen["owner"] >= 0
    assert (seen["owner"][shown] == owners[shown]).all()
    assert (np.sort(owners, axis=1) == np.repeat(np.arange(4), 7)).all()
    assert (seen["calls"][:, 0] >= 0).any()  # auctions are among them
    again = collect([make_agent(spec) for spec in PLAYERS], 150, 0.5, np.uint64(5))
    assert again.tobytes() == views.tobytes()


def test_only_hidden_dominoes_are_asked_about(views: np.ndarray) -> None:
    seen = np.ascontiguousarray(views["view"])
    found = places(seen, views["owner"])
    hidden = seen["owner"] < 0
    assert (found[~hidden] == NOT_ASKED).all()
    assert ((found[hidden] >= 0) & (found[hidden] <= 2)).all()  # never the viewer itself
    row, domino = np.argwhere(hidden)[0]
    assert (seen[row]["seat"] + 1 + found[row, domino]) % 4 == views["owner"][row, domino]


def test_a_belief_is_learned_and_plays_stay(views: np.ndarray) -> None:
    learner, before, views = network(), network(), views[:250]
    config = BeliefConfig(passes=100, lr=2e-2)
    after = NetworkEvaluator(fit_belief(learner, views, config, lambda done: None), precision="float32")
    (was, *_), (now, *_) = (judge(one, views, [*PLAYERS, "mixed"]) for one in (before, after))
    assert float(now["network_cross_entropy"]) < float(was["network_cross_entropy"]) - 0.05
    assert now["legality_cross_entropy"] == was["legality_cross_entropy"]
    (usual, value), (policy, said) = (one(np.ascontiguousarray(views["view"])) for one in (before, after))
    assert np.abs(policy - usual).max() < 0.1
    assert np.abs(said - value).max() < 0.2


def test_the_command_teaches_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights.save(tmp_path / "base", ZebModel(TINY), {})
    words = ["--preset", "belief", "--network", str(tmp_path / "base"), "--players", *PLAYERS, "--chunks", "3"]
    assert main([*words, "--hands", "20", "--passes", "1", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "of hidden dominoes" in said
    rows = list(csv.DictReader((tmp_path / "run" / "tables.csv").read_text().splitlines()))
    worse = [row["table"] for row in rows if float(row["network_cross_entropy"]) > float(row["legality_cross_entropy"])]
    assert ("not accepted" in said) == bool(worse) != (tmp_path / "run" / "best").is_dir()
    assert {"table", "views", "network_cross_entropy", "legality_cross_entropy"} <= set(
        next(csv.DictReader((tmp_path / "run" / "tables.csv").read_text().splitlines()))
    )
    assert weights.load(tmp_path / "run").state["network"] == str(tmp_path / "base")
    first = read_views(tmp_path / "run" / "views" / "0001.npy")
    (tmp_path / "run" / "views" / "0001.npy").unlink()
    assert main(["--resume", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main(["--resume", str(tmp_path / "run"), "--share", "0.3"]) == 2
    assert "expected no --share beside --resume: that is the run's own; allowed: --threads" in capsys.readouterr().out
    assert read_views(tmp_path / "run" / "views" / "0001.npy").tobytes() == first.tobytes()


def test_a_stop_while_it_is_judged_costs_no_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.save(tmp_path / "base", ZebModel(TINY), {})
    out = tmp_path / "run"
    words = ["--preset", "belief", "--network", str(tmp_path / "base"), "--players", *PLAYERS, "--chunks", "3"]
    monkeypatch.setattr("zeb42_agents.training.ladder.fit.KEPT_EVERY_S", -1)
    monkeypatch.setattr(Belief, "_report", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main([*words, "--hands", "20", "--passes", "1", "--out", str(out)]) == 130
    first = (out / "latest" / "model.safetensors").read_bytes()
    monkeypatch.undo()
    monkeypatch.setattr("zeb42_agents.training.belief.fit.places", lambda *_: pytest.fail("it learns again"))
    assert main(["--resume", str(out)]) == 0
    assert (out / "latest" / "model.safetensors").read_bytes() == first
    assert not (out / LESSON_FILE).exists()


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--preset", "belief", "--network", "quick", "--out", str(tmp_path / "a")]) == 2
    assert "got those of a mind" in capsys.readouterr().out
    assert main(["--preset", "belief", "--players", "nobody", "--out", str(tmp_path / "b")]) == 2
    assert "expected an agent, got 'nobody'" in capsys.readouterr().out
    np.save(tmp_path / "foreign.npy", np.zeros(3))
    with pytest.raises(ValueError, match="expected views with the deals behind them"):
        read_views(tmp_path / "foreign.npy")
    write_json(tmp_path / "b" / "config.json", {**BeliefConfig().to_json(), "layers": 3})
    assert main(["--resume", str(tmp_path / "b")]) == 2
    assert "got also layers" in capsys.readouterr().out
