"""Workers on this machine, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from zeb42_agents.fleet.crew import STOP_S, Crew, End

USAGE = 2  # the exit status of a worker that cannot work with what it finds


class LocalWorkers(Crew):
    """Workers of this machine, kept alive. What they say goes to ``LOGS/WORKER.log``.

    Args:
        words: of their command line, behind ``zeb42 fleet worker``.
        num: how many.
        logs: folder of their output; their spools are there, too.
        console: where it is said that one died.
    """

    def __init__(self, words: list[str], num: int, logs: Path, console: Console) -> None:
        super().__init__(num, console)
        self._words, self._logs = words, logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs.mkdir(parents=True, exist_ok=True)

    def _start(self, name: str) -> None:
        own = ["--worker", name, "--spool", str(self._logs / "spool" / name), "--with-parent"]
        command = [sys.executable, "-m", "zeb42_agents", "fleet", "worker", *self._words, *own]
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_quiet(), start_new_session=True
            )

    def _end(self, name: str) -> End | None:
        status = self._processes[name].poll()
        if not status:
            return None if status is None else End()
        log = self._log(name)
        return End(f"status {status}, its last words: {_last_line(log)} ({log})", for_good=status == USAGE)

    def _stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        until = time.monotonic() + STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _quiet() -> dict[str, str]:
    """The environment of a worker: libraries take no more threads than it was given."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "none"
