"""The command lines of a fleet: one machine end to end, and one clear line for what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zeb42_agents import weights
from zeb42_agents.fleet import cli
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training import tracking
from zeb42_agents.training.config import PRESETS

TINY = (  # noqa: SIM905 - as it is typed
    "--cycles 2 --lanes 4 --steps-per-cycle 1 --batch-size 4 --min-buffer-examples 112 --sims 2 --worlds 1 "
    "--evaluate-every 2 --evaluate-deals 1 --final-deals 1 --belief-hands 1 --precision float32 --threads 1"
).split()


@pytest.mark.parametrize("words", [[], ["walk"], ["run", "--workers", "x"], ["run", "--max-age-s", "-1"]])
def test_wrong_words_are_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("error: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "laptop"], "exchange"),
        (["--exchange", "gopher://x"], "allowed: a folder"),
        (["--exchange", "x", "--squash"], "expected an exchange with a history, got x"),
        (["--exchange", "x", "--preset", "none"], "expected a preset, got 'none'"),
        (["--exchange", "x", "--name", "a/b"], "expected a name of weights"),
        (["--exchange", "FILE"], "which is a file"),
        (["--exchange", "x", "--base", "nowhere"], "expected weights, got 'nowhere'"),
    ],
)
def test_a_learner_that_cannot_begin_says_why(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("")
    assert cli.main(["learner", *words]) == 2
    assert said in capsys.readouterr().out.replace("\n", " ")


def test_a_worker_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["worker", "--exchange", str(tmp_path / "x"), "--name", "n"]
    for more, said in (
        (["--block", "-1"], "block of at least 0"),
        (["--spool-mib", "0"], "spool_mib of at least 1"),
        (["--device", "abacus"], "device"),
    ):
        assert cli.main([*given, "--spool", str(tmp_path / "spool"), *more]) == 2
        assert said in capsys.readouterr().out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published run, end to end, with the tiniest budget: workers are processes of their own."""
    folder = tmp_path_factory.mktemp("fleet")
    base = ZebModel(ZebConfig.named("large", tokenizer="v1"))  # without a belief head
    weights.save(folder / "base", base, {})
    words = ["fleet", "run", "--preset", "large-belief", "--base", str(folder / "base"), "--out", str(folder / "run")]
    command = [sys.executable, "-m", "zeb42_agents", *words, "--workers", "2", *TINY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_the_published_run_end_to_end(published: Path) -> None:
    run, said = published / "run", (published / "said.txt").read_text()
    assert "not in the base weights, starting cold: belief_proj" in said
    loaded = weights.load(run)
    assert sum(p.numel() for p in loaded.model.parameters()) == 3_347_110
    assert loaded.state["step"] == 2
    rows = tracking.rows_until(run / "metrics.csv", 2)
    assert [row["cycle"] for row in rows] == [1, 2]
    assert all(np.isfinite(row["belief_loss"]) and row["weights_age_s"] < 600 for row in rows)
    names = {path.name for path in (run / "exchange").iterdir() if path.name != ".new"}
    files = {f"large-belief{end}" for end in (".safetensors", "-config.json", "-state.json")}
    assert names == {*files, "large-belief"}
    assert not list((run / "workers" / "spool").glob("*/large-belief/*"))  # all was handed over
    logs = sorted((run / "workers").glob("*.log"))
    assert len(logs) == 2
    ended = r"the run is over; \d+ hands played|stopped; the same command goes on"  # in the middle of a block
    assert all(re.search(ended, log.read_text()) for log in logs)
    report = (run / "REPORT.md").read_text()
    assert "worker-0" in report or "worker-1" in report
    assert weights.load(str(run / "exchange" / "large-belief.safetensors")).state["step"] == 2


def test_the_same_command_goes_on(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its folder, or from the exchange where the folder is lost; other options are another run."""
    exchange = str(published / "run" / "exchange")
    words = ["--exchange", exchange, "--preset", "large-belief", "--out", str(published / "run")]
    command, _ = cli._learner_command(cli.LearnerCommand, words, "zeb42 fleet learner")
    assert command.config.base == str(published / "base")
    assert command.config.lanes == 4
    elsewhere = [*words[:-1], str(published / "elsewhere")]
    assert cli._learner_command(cli.LearnerCommand, elsewhere, "p")[0].config == command.config
    more, _ = cli._learner_command(cli.LearnerCommand, [*elsewhere, "--cycles", "9"], "p")
    assert more.config == replace(command.config, cycles=9)
    with pytest.raises(ValueError, match=r"got --lr 0.5 \(it has 0.0001\); allowed: another --name"):
        cli._learner_command(cli.LearnerCommand, [*elsewhere, "--lr", "0.5"], "p")


def test_a_fleet_of_one_machine_keeps_step() -> None:
    assert cli.RunCommand().fleet.lead == 2
    assert cli.RunCommand().fleet.workers == 2
    assert PRESETS["large-belief"].min_buffer_examples == 250_000
