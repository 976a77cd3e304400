"""A small part of benchmarks/chaos.py: kills, outages, lost answers, full disks, torn and foreign files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),  # forks of workers
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # of the stand-in's libraries
    pytest.mark.skipif(sys.platform == "win32", reason="forks and kills"),
]
_spec = importlib.util.spec_from_file_location("chaos", Path(__file__).parents[3] / "benchmarks" / "chaos.py")
chaos = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(chaos)


@pytest.mark.parametrize("place", chaos.PLACES)
def test_every_acknowledged_hand_is_in_the_buffer_once(place: str, tmp_path: Path) -> None:
    if place == "hub":
        pytest.importorskip("huggingface_hub", reason="pip install 'zeb42[hub]'")
    result = chaos.wreak(tmp_path, place, faults=2 if place == "folder" else 1, workers=2, seed=1)
    assert chaos.kept(result), result
    litter = result.faults["foreign file"]
    assert result.counts["foreign"] <= litter if place == "hub" else result.counts["foreign"] == litter
    assert result.starts == 3 + result.faults["kill worker"] + result.faults["kill learner"]


def test_a_broken_promise_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with an inbox that forgets what it has taken."""
    monkeypatch.setattr("zeb42_agents.exchange.inbox.Ledger.add", lambda self, session, first, end: [(first, end)])
    monkeypatch.setattr("zeb42_agents.exchange.inbox.Inbox.get_state", lambda self: FORGETFUL)
    result = chaos.wreak(tmp_path, "folder", faults=1, workers=1, seed=1)
    assert not chaos.kept(result)


FORGETFUL = {"ledger": {}, "done": {}, "removable": [], "counts": {}}
