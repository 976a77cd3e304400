"""W&B and TensorBoard as they are: what is told can be read back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import torch
from matplotlib.image import imsave

from zeb42_agents import weights
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training import sinks
from zeb42_agents.training.tracking import Tracker

CONFIG = {"size": "small", "tokenizer": "v2", "contract": "random", "lr": 0.1}
PUBLISHED = [
    "policy_loss", "value_loss", "belief_loss", "belief_accuracy", "total_loss", "policy_entropy", "policy_kl",
    "policy_top1", "value_mean", "value_std", "eval_win_rate", "grad_norm", "total_games",
]  # fmt: skip


def row(cycle: int) -> dict[str, float]:
    return {"cycle": cycle, **dict.fromkeys(PUBLISHED, cycle / 10)}


def run_in(folder: Path) -> list[Path]:
    """What a run leaves to show."""
    imsave(folder / "learning_curve.png", torch.rand(8, 8, 3).numpy())
    (folder / "REPORT.md").write_text("# it went well\n")
    weights.save(folder / "best", ZebModel(ZebConfig.named("small")), {"step": 3})
    return [folder / "learning_curve.png", folder / "REPORT.md", folder / "nothing.png"]


def test_tensorboard_can_be_read_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = Tracker(tmp_path, wandb="off", config=CONFIG, wandb_id=None, cycle=0, tensorboard=True)
    for cycle in (1, 2):
        tracker.log(row(cycle))
    tracker.show(run_in(tmp_path))
    tracker.keep(tmp_path / "best", ["best"])
    tracker.close({"final_win_rate": 0.75})
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {*PUBLISHED, "cycle", "summary/final_win_rate"} == set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("policy_loss")] == [1, 2]
    assert [event.value for event in events.Scalars("policy_loss")] == pytest.approx([0.1, 0.2])
    assert events.Tags()["images"] == ["learning_curve"]


@pytest.mark.filterwarnings("ignore")
def test_trackio_can_be_read_back_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment of its own, for it wants another pillow; `.ci/run` has one."""
    pytest.importorskip("trackio", reason="pip install trackio")
    monkeypatch.setenv("ZEB42_TEST_FOLDER", str(tmp_path))
    script = """
import os, sys
from pathlib import Path
import trackio
from test_sinks import CONFIG, row, run_in
from zeb42_agents.training.sinks import TrackioSink
run = Path(os.environ["ZEB42_TEST_FOLDER"]) / "a-run"
run.mkdir(exist_ok=True)
sink = TrackioSink(run, CONFIG)
sink.log(row(int(sys.argv[1])), int(sys.argv[1]))
if sys.argv[1] == "2":
    files = run_in(run)[:2]
    sink.show(files)
    sink.keep(run / "best", ["best", "cycle-2"])
sink.close({"final_win_rate": 0.75} if sys.argv[1] == "2" else {})
"""
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "trackio"), "HF_HUB_OFFLINE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    for cycle in ("1", "2"):  # stopped and started again
        subprocess.run([sys.executable, "-c", script, cycle], env=environment, check=True, timeout=300)
    read = """
import json, trackio
from trackio.sqlite_storage import SQLiteStorage
(run,) = trackio.Api().runs("zeb42")
print(json.dumps([run.name, run.config, SQLiteStorage.get_logs("zeb42", run.name)], default=str))
"""
    done = subprocess.run([sys.executable, "-c", read], env=environment, capture_output=True, text=True, check=True)
    name, config, history = json.loads(done.stdout.splitlines()[-1])
    assert name == "a-run"
    assert config["size"] == "small"
    losses = {each["step"]: each["policy_loss"] for each in history if "policy_loss" in each}
    assert losses == pytest.approx({1: 0.1, 2: 0.2})
    shown = {key: value for each in history if each["step"] == 2 for key, value in each.items()}
    assert shown["summary/final_win_rate"] == 0.75
    assert "it went well" in str(shown["REPORT"])
    assert "learning_curve" in shown
    with closing(sqlite3.connect(tmp_path / "trackio" / "zeb42.db")) as database:
        names = [
            row for table in ("artifacts", "artifact_aliases") for row in database.execute(f"select * from {table}")
        ]
    assert {"a-run-best", "best", "cycle-2"} <= {word for row in names for word in row}


def test_trackio_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(ValueError, match="expected the package trackio for --trackio, got none; pip install trackio"):
        sinks.require_trackio()


@pytest.fixture
def wandb_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)


def records(run: Path) -> tuple[list[dict], dict]:
    """The history and the summary of the offline run in ``run``, by W&B's own reader."""
    (folder,) = (run / "wandb").glob("offline-run-*")
    read = [sys.executable, "-m", "wandb", "leet", "inspect", "--json"]
    said = [
        subprocess.run([*read, *more, str(folder)], capture_output=True, text=True, check=True).stdout
        for more in ([], ["--summary"])
    ]
    return [json.loads(line) for line in said[0].splitlines()], json.loads(said[1])


@pytest.mark.usefixtures("wandb_env")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wandb_offline_can_be_read_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    tracker = Tracker(run, wandb="offline", config=CONFIG, wandb_id="abc123", cycle=0, job_type="learner")
    assert tracker.wandb_id == "abc123"
    tracker.log(row(7))
    tracker.log(row(8))
    tracker.show(run_in(run))
    tracker.keep(run / "best", ["best", "cycle-8"])
    tracker.close({"final_win_rate": 0.75})
    found, _ = records(run)
    text = json.dumps(found)
    for words in ("policy_loss", "learner", "final_win_rate", "step_metric", "learning_curve", "cycle-8", "small"):
        assert words in text, words


@pytest.mark.usefixtures("wandb_env")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_does_not_answer_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(sinks, "INIT_TIMEOUT_S", 4.0)
    sink = sinks.WandbSink(tmp_path, "online", CONFIG, None, console=Console())
    assert "W&B does not answer" in capsys.readouterr().out
    sink.log(row(1), 1)
    sink.close({})
    assert list((tmp_path / "wandb").glob("offline-run-*"))
