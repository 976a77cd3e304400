"""Threads that agents think in. A thread that never comes back costs nobody but itself its turn, nor the exit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any


class Worker:
    """One thread that does what it is given, in order. It does not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        self._pending = 0
        self._lock = threading.Lock()

    @property
    def pending(self) -> int:
        """How many jobs are not done yet."""
        return self._pending

    def submit(self, job: Callable[[], Any]) -> Future[Any]:
        """``job()``, later, as a future."""
        future: Future[Any] = Future()
        with self._lock:
            self._pending += 1
        self._jobs.put((future, job))
        return future

    def stop(self) -> None:
        """End the thread once the jobs before are done."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            future, job = given
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:  # whatever an agent does is for who asked it
                    future.set_exception(error)
            with self._lock:
                self._pending -= 1
