"""Workers on this machine, each a process of its own, started again when they die."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from rich.console import Console

QUICK_DEATH_S, MAX_QUICK_DEATHS = 20.0, 3
STOP_S = 45.0


class LocalWorkers:
    """Keeps ``num`` workers of this machine alive: ``with LocalWorkers(...):``.

    What they say goes to ``LOGS/WORKER.log``. One that dies is started again; one that dies soon after its start, three
    times in a row, is given up.

    Args:
        words: of their command line, behind ``zeb42 fleet worker``.
        num: how many.
        logs: folder of their output; their spools are there, too.
        console: where it is said that one died.
    """

    def __init__(self, words: list[str], num: int, logs: Path, console: Console) -> None:
        self._words, self._logs, self._console = words, logs, console
        self._names = [f"worker-{number}" for number in range(num)]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="workers", daemon=True)

    def __enter__(self) -> LocalWorkers:
        self._logs.mkdir(parents=True, exist_ok=True)
        for name in self._names:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        for process in self._processes.values():
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str) -> None:
        own = ["--worker", name, "--spool", str(self._logs / "spool" / name), "--with-parent"]
        command = [sys.executable, "-m", "zeb42_agents", "fleet", "worker", *self._words, *own]
        with (self._logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_quiet(), start_new_session=True
            )

    def _watch(self) -> None:
        started = dict.fromkeys(self._names, time.monotonic())
        deaths = dict.fromkeys(self._names, 0)
        alive = set(self._names)
        while not self._ending.wait(0.2):
            for name in sorted(alive):
                status = self._processes[name].poll()
                if status is None:
                    continue
                if status == 0:  # the run is over
                    alive.remove(name)
                    continue
                deaths[name] = deaths[name] + 1 if time.monotonic() - started[name] < QUICK_DEATH_S else 1
                log = self._logs / f"{name}.log"
                given_up = deaths[name] >= MAX_QUICK_DEATHS
                what = "given up; its last words" if given_up else "started again; its last words"
                self._console.print(f"{name} ended with {status}: {what}: {_last_line(log)} ({log})", soft_wrap=True)
                if given_up:
                    alive.remove(name)
                    continue
                started[name] = time.monotonic()
                self._start(name)


def _quiet() -> dict[str, str]:
    """The environment of a worker: libraries take no more threads than it was given."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "none"
