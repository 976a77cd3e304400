"""Workers that somebody keeps alive: who is started again, and who is given up."""

from __future__ import annotations

import time

import pytest
from rich.console import Console

from zeb42_agents.fleet import crew
from zeb42_agents.fleet.cli import _with_address
from zeb42_agents.fleet.cluster import Room
from zeb42_agents.fleet.crew import Crew, End


class Mortals(Crew):
    """Workers that end as it is written."""

    def __init__(self, ends: dict[str, list[End]]) -> None:
        self.console = Console(record=True, width=200)
        super().__init__(len(ends), self.console)
        self.ends, self.starts, self.stopped = ends, dict.fromkeys(ends, 0), False

    def _start(self, name: str) -> None:
        self.starts[name] += 1

    def _end(self, name: str) -> End | None:
        return self.ends[name].pop(0) if self.ends[name] else None

    def _stop(self) -> None:
        self.stopped = True


def test_the_dead_are_started_again_and_the_hopeless_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LOOK_S", 0.001)
    killed, wrong = End("killed"), End("an older package", for_good=True)
    ends = {"worker-0": [killed, killed, End()], "worker-1": [wrong, killed], "worker-2": [killed] * 5}
    with Mortals(ends) as mortals:
        until = time.monotonic() + 30
        while len(ends["worker-0"]) + len(ends["worker-2"]) > 2 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
        assert mortals.starts == {"worker-0": 3, "worker-1": 1, "worker-2": 3}
        assert ends["worker-1"] == [killed]  # nobody looks at it any more
        assert not mortals.stopped
    assert mortals.stopped
    said = mortals.console.export_text()
    assert "worker-0 ended: killed; started again" in said
    assert "worker-1 ended: an older package; given up" in said
    assert said.count("worker-2 ended: killed; given up") == 1


def test_a_worker_that_lived_long_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LOOK_S", 0.001)
    monkeypatch.setattr(crew, "QUICK_DEATH_S", 0.0)
    ends = {"worker-0": [End("killed")] * 5}
    with Mortals(ends) as mortals:
        until = time.monotonic() + 30
        while mortals.starts["worker-0"] < 6 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
        assert mortals.starts == {"worker-0": 6}


@pytest.mark.parametrize(
    ("room", "num", "shares"),
    [
        (Room(cpus=2, gpus=0, here=2), 1, [(1, 0)] * 3),
        (Room(cpus=1, gpus=0, here=1), 1, [(1, 0)]),
        (Room(cpus=33, gpus=4, here=0), 4, [(8, 1)] * 4 + [(1, 0)]),
    ],
)
def test_workers_take_gpus_first(room: Room, num: int, shares: list[tuple[int, int]]) -> None:
    assert room.workers() == num
    assert [room.share(number) for number in range(len(shares))] == shares


def test_ray_takes_an_address_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert _with_address(["--workers", "2"]) == ["--workers", "2"]
    assert _with_address(["--ray", "auto", "--cycles", "2"]) == ["--ray", "auto", "--cycles", "2"]
    assert _with_address(["--ray=10.0.0.1:6379"]) == ["--ray=10.0.0.1:6379"]
    assert _with_address(["--ray", "--cycles", "2"]) == ["--ray", "own", "--cycles", "2"]
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert _with_address(["--cycles", "2", "--ray"]) == ["--cycles", "2", "--ray", "10.0.0.1:6379"]
