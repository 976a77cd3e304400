"""A fleet on a Ray cluster, for real: two workers, one of them killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_fleet_cli import TINY

from zeb42_agents.fleet import cli
from zeb42_agents.training.run_folder import read_checkpoint

pytest.importorskip("ray", reason="pip install 'zeb42[fleet]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def below(pid: int) -> dict[int, str]:
    """The processes that ``pid`` has started, and those have, and what they call themselves."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            names[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parents[int(folder.name)] = int(re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)[1])
        except (OSError, TypeError):
            continue
    found, more = {}, {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= {child: names[child] for child in more}
    return found


def listening(pids: set[int]) -> set[str]:
    """The addresses on which ``pids`` listen, in the words of /proc/net."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(descriptor)))
            except OSError:
                continue
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def sessions(folder: Path) -> set[str]:
    """Who has handed over hands."""
    return {path.name.split("-")[1] for path in (folder / "run" / "exchange").glob("laptop/*")}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, set[str]]]:
    """The folder of a run with workers on a cluster of its own, one killed on the way, and where that listened."""
    folder = tmp_path_factory.mktemp("ray")
    words = ["fleet", "run", "--ray", "--workers", "2", "--out", str(folder / "run"), *TINY, "--cycles", "6"]
    words += ["--teacher-cycles", "6", "--worker-price-per-hour", "3.6"]
    command = [sys.executable, "-m", "zeb42_agents", *words]
    with (folder / "said.txt").open("w") as said:
        run = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, "HOME": str(folder)})
        try:
            until = time.monotonic() + 1500
            addresses: set[str] = set()
            while run.poll() is None and time.monotonic() < until:
                processes = below(run.pid)
                workers = [pid for pid, name in processes.items() if name.startswith("ray::RayWorker.run")]
                if len(workers) == 2 and len(sessions(folder)) == 2:
                    addresses = listening({run.pid, *processes})
                    os.kill(workers[0], signal.SIGKILL)
                    break
                time.sleep(0.05)
            assert run.wait(1500) == 0, (folder / "said.txt").read_text()
            assert addresses, (folder / "said.txt").read_text()
            yield folder, addresses
        finally:
            if run.poll() is None:
                run.kill()
                run.wait()


def test_a_killed_worker_costs_only_what_it_had_not_handed_over(killed: tuple[Path, set[str]]) -> None:
    folder, _ = killed
    said = (folder / "said.txt").read_text()
    assert len(re.findall(r"^worker-\d ended: .*; started again$", said, re.MULTILINE)) == 1, said
    checkpoint = read_checkpoint(folder / "run")
    assert checkpoint.progress["cycle"] == 6
    hands = checkpoint.hands
    held = set(zip(hands["worker"].tolist(), hands["sequence"].tolist(), strict=True))
    assert len(held) == len(hands) == checkpoint.progress["total_games"]
    assert len(sessions(folder)) >= 2
    report = (folder / "run" / "REPORT.md").read_text()
    assert re.search(r"\| worker-0 \| .* \| 3.600 \|", report)
    assert re.search(r"\| worker-1 \| .* \| 3.600 \|", report)
    assert not list((folder / ".zeb42-spool").glob("*/*/laptop/*"))  # nothing is left behind where they played


def test_a_cluster_of_its_own_listens_on_this_machine_only(killed: tuple[Path, set[str]]) -> None:
    folder, addresses = killed
    assert addresses <= LOOPBACK
    assert len((folder / ".ray" / "auth_token").read_text()) >= 32  # and asks for a token


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://10.0.0.1:10001", "a cluster that this machine is a node of"),
        ("nowhere", "expected a Ray cluster at nowhere"),
        ("127.0.0.1:1", "Connection refused; allowed: `ray start` first"),
    ],
)
def test_no_cluster_is_one_line(address: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--ray", address, "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert said in line
    assert not (tmp_path / "run").exists()
