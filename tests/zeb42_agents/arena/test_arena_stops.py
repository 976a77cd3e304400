"""However an arena ends, its processes and programs end with it, and what was finished is kept."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from zeb42_agents.arena.cli import main
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.stops import Stopped, check_stop, stops_held, stops_raise

MARK = "ZEB42_TEST_RUN"


def left_of(mark: str) -> list[str]:
    """The command lines of the processes that were started under this mark and have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_stopped_arena_leaves_nothing_but_its_rows(tmp_path: Path, number: int, status: int) -> None:
    """SIGTERM, SIGHUP and SIGKILL left the workers and every program for ever."""
    asked, mark, out = tmp_path / "asked", str(tmp_path), tmp_path / "run"
    asked.touch()
    children = "sleep 1000 & setsid sleep 1000 < /dev/null > /dev/null &"
    program = f"{children} read line; echo ready; read line; echo >> {asked}; trap '' TERM HUP; sleep 999; sleep 999"
    words = ["random", "greedy", f"cmd:{shlex.join(['/bin/sh', '-c', program])}", "--jobs", "2", "--move-time", "1000"]
    arena = subprocess.Popen(
        [sys.executable, "-m", "zeb42_agents.arena", *words, "--out", str(out)],
        env=os.environ | {MARK: mark, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def num_rows() -> int:
        return sum(len(file.read_bytes().splitlines()) for file in out.glob("hands-*.jsonl"))

    deadline = time.monotonic() + 120.0
    while (len(asked.read_text()) < 2 or num_rows() < 2) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(left_of(mark)) > 18  # the arena, two workers, eight guards and programs, and what they started
    arena.send_signal(number)
    said, _ = arena.communicate(timeout=30.0)
    assert arena.returncode == status
    deadline = time.monotonic() + 10.0
    while (left := left_of(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert len(RunFolder.read(out).games()) >= 2  # the pair without the program
    if status > 0:
        assert f"interrupted by {signal.Signals(number).name}; what was finished is saved. To go on:" in said


def test_a_process_that_dies_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "read line; echo ready; read line; kill -9 $(ps -o ppid= -p $PPID)"
    words = ["random", f"cmd:{shlex.join(['/bin/sh', '-c', program])}", "--jobs", "2", "--out", str(tmp_path / "run")]
    assert main(words) == 1
    assert capsys.readouterr().err.startswith("stopped: a process of the run died, of memory perhaps; point --out")


def test_stops_raise_unless_they_are_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stops_raise():
            signal.raise_signal(signal.SIGHUP)
            with pytest.raises(Stopped, match="SIGTERM") as stopped:
                signal.raise_signal(signal.SIGTERM)
            assert stopped.value.exit_status == 143
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_stop_that_was_swallowed_is_raised_again() -> None:
    with stops_raise():
        with suppress(KeyboardInterrupt):  # as a callback of the compiler does
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped, match="SIGINT"):
            check_stop()
        check_stop()


def test_a_stop_waits_until_it_may_come() -> None:
    done = []

    def work() -> None:
        with stops_held():
            signal.raise_signal(signal.SIGTERM)
            done.append(True)

    with stops_raise(), pytest.raises(Stopped):
        work()
    assert done
