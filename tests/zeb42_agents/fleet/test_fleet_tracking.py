"""A fleet in W&B: the learner's run and one of each worker, in one group."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_fleet import TINY, wait_for, workers
from test_sinks import records

from zeb42_agents.exchange import Exchange, MemoryStore
from zeb42_agents.fleet import FleetLearner

pytest.importorskip("wandb")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_have_runs_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    exchange = Exchange(MemoryStore(), name="tiny", poll_s=0.01)
    learner = FleetLearner(TINY, tmp_path / "the-run", exchange)
    learner._publish()
    with workers(exchange, tmp_path, 1, wandb="offline") as (worker,):
        wait_for(lambda: worker.num_played >= 16)
    found, summary = records(tmp_path / "worker-0-wandb")
    text = json.dumps(found)
    for words in ('"the-run"', '"worker"', "hands_per_s", "weights_step", f"{worker.session:x}"):
        assert words in text, words
    assert str(worker.num_played) in json.dumps(summary)
