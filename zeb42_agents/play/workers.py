"""Threads that agents think in. A thread that never comes back costs nobody but itself its turn, nor the exit."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class BusyError(RuntimeError):
    """There is too much to do already: ask again later."""


class Worker:
    """One thread that does what it is given: who asked for something takes turns with the others that did, and what
    one of them asked for is done in order. It does not keep the process alive.

    Args:
        name: of the thread.
        most_each: how much one who asks may have waiting; :class:`BusyError` beyond.
    """

    def __init__(self, name: str, *, most_each: int | None = None) -> None:
        self._most_each = most_each
        self._jobs: OrderedDict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = OrderedDict()
        """By who asked, whose turn is next first."""
        self._changed = threading.Condition()
        self._pending = 0
        self._is_stopped = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    @property
    def pending(self) -> int:
        """How many jobs are not done yet."""
        return self._pending

    def submit(self, job: Callable[[], Any], *, who: str = "") -> Future[Any]:
        """``job()``, later, as a future. BusyError if ``who`` waits for too much already."""
        future: Future[Any] = Future()
        with self._changed:
            if self._most_each is not None and len(self._jobs.get(who, ())) >= self._most_each:
                raise BusyError("too many questions at once: ask again in a minute")
            self._jobs.setdefault(who, deque()).append((future, job))
            self._pending += 1
            self._changed.notify()
        return future

    def stop(self) -> None:
        """End the thread once the jobs before are done."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        """The next job, once there is one; None once none will come. Whose it is goes to the end of the line."""
        with self._changed:
            while not self._jobs and not self._is_stopped:
                self._changed.wait()
            if not self._jobs:
                return None
            who, waiting = self._jobs.popitem(last=False)
            job = waiting.popleft()
            if waiting:
                self._jobs[who] = waiting
            return job

    def _work(self) -> None:
        while (given := self._next()) is not None:
            future, job = given
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:  # whatever an agent does is for who asked it
                    future.set_exception(error)
            with self._changed:
                self._pending -= 1
