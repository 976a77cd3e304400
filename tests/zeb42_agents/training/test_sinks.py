"""W&B and TensorBoard as they are: what is told can be read back."""

from __future__ import annotations

import json
import subprocess
import sys
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
