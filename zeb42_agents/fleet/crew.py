"""Workers that somebody keeps alive: started again when they die, given up when that does not help."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import NamedTuple, Self

from rich.console import Console

QUICK_DEATH_S, MAX_QUICK_DEATHS = 20.0, 3
STOP_S = 45.0
LOOK_S = 0.2


class End(NamedTuple):
    """How a worker ended."""

    words: str = ""
    """Why it died; empty: the run is over."""
    for_good: bool = False
    """Whether another start would end in the same way."""


class Crew(ABC):
    """Keeps ``num`` workers alive: ``with Crew(...):``.

    One that dies is started again; one that dies soon after its start, three times in a row, is given up.

    Args:
        num: how many.
        console: where it is said that one died.
    """

    def __init__(self, num: int, console: Console) -> None:
        self.names = [f"worker-{number}" for number in range(num)]
        self._console = console
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="workers", daemon=True)

    @abstractmethod
    def _start(self, name: str) -> None:
        """Start a worker, in the place of the one before."""

    @abstractmethod
    def _end(self, name: str) -> End | None:
        """How a worker ended; None while it is at work."""

    @abstractmethod
    def _stop(self) -> None:
        """End all of them, within STOP_S."""

    def __enter__(self) -> Self:
        for name in self.names:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._stop()

    def _watch(self) -> None:
        started = dict.fromkeys(self.names, time.monotonic())
        deaths = dict.fromkeys(self.names, 0)
        alive = set(self.names)
        while not self._ending.wait(LOOK_S):
            for name in sorted(alive):
                if (end := self._end(name)) is None:
                    continue
                if not end.words:
                    alive.remove(name)
                    continue
                deaths[name] = deaths[name] + 1 if time.monotonic() - started[name] < QUICK_DEATH_S else 1
                given_up = end.for_good or deaths[name] >= MAX_QUICK_DEATHS
                what = "given up" if given_up else "started again"
                self._console.print(f"{name} ended: {end.words}; {what}", soft_wrap=True)
                if given_up:
                    alive.remove(name)
                    continue
                started[name] = time.monotonic()
                self._start(name)
