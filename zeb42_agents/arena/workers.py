"""Where hands are played: in this process, or in processes that end with it, however it ends.

Both ways have the same three verbs: ``submit`` a part of the work while there are ``num_free``, wait for the ``next``
one that is finished, and ``close``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from time import perf_counter
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_agents.arena.play import play_games, warm_up
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.protocols import Protocol
from zeb42_agents.arena.stops import check_stop, stops_held

TELL_EVERY_S = 0.25  # how often a part that is being played is heard of
END_TIME_S = 10.0  # for a process to end its programs
_THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerError(RuntimeError):
    """A process of the run died."""


@dataclass(frozen=True)
class Setup:
    """What a process plays with."""

    players: Sequence[Player]
    partner: Player | None
    protocol: Protocol
    seed: int
    strict: bool

    @property
    def everyone(self) -> list[Player]:
        """The players, and the partner if there is one."""
        return [*self.players, *([self.partner] if self.partner else [])]


class Part(NamedTuple):
    """Tasks that are played together."""

    first: int  # number of the first task
    deals: np.ndarray  # int64 [M]
    pairs: np.ndarray  # int64 [M, 2], players by their place in the setup


class Played(NamedTuple):
    """A part that is finished."""

    part: Part
    games: np.ndarray  # GAME [2M]
    blocks: list[str]  # [M], the rows of each deal
    elapsed_s: float


class _Company:
    """The agents of one process."""

    def __init__(self, setup: Setup, agents: Sequence[Agent] | None = None) -> None:
        self.setup = setup
        self.agents = list(agents) if agents is not None else [player.build() for player in setup.everyone]
        warm_up(self.agents, setup.protocol)

    def play(self, part: Part, tell: Callable[[int], object]) -> Played:
        """Play a part; ``tell`` hears now and then how many decisions of it are taken."""
        started = told = perf_counter()
        taken = 0

        def watch(num_decisions: int) -> None:
            nonlocal taken, told
            check_stop()
            taken += num_decisions
            if perf_counter() - told > TELL_EVERY_S:
                tell(taken)
                told = perf_counter()

        setup, num = self.setup, len(self.setup.players)
        games, blocks = play_games(
            self.agents[:num],
            setup.protocol,
            setup.seed,
            part.deals,
            part.pairs,
            partner=self.agents[num] if setup.partner else None,
            strict=setup.strict,
            watch=watch,
        )
        return Played(part, games, blocks, perf_counter() - started)

    def close(self) -> None:
        for agent in self.agents:
            close = getattr(agent, "close", None)
            if close:
                close()


class Here:
    """Plays in this process."""

    def __init__(self, setup: Setup, agents: Sequence[Agent] | None = None) -> None:
        self._company = _Company(setup, agents)
        self._part: Part | None = None
        self.num_in_play = 0
        """Decisions taken in parts that are not finished."""

    @property
    def num_free(self) -> int:
        """How many more parts can be taken in."""
        return int(self._part is None)

    def submit(self, part: Part) -> None:
        """Take in a part."""
        self._part = part

    def next(self, tell: Callable[[], object]) -> Played | None:
        """Play until a part is finished; None if there is none. ``tell`` is called now and then meanwhile."""

        def note(taken: int) -> None:
            self.num_in_play = taken
            tell()

        part, self._part = self._part, None
        played = self._company.play(part, note) if part else None
        self.num_in_play = 0
        return played

    def close(self) -> None:
        """End the programs that play here."""
        self._company.close()


@dataclass(eq=False)
class _Worker:
    process: Any  # multiprocessing.process.BaseProcess
    pipe: Connection
    part: Part | None = None
    num_in_play: int = field(default=0)


class Processes:
    """Plays in ``num`` processes. Each has its share of the cores: threads of all of them do not crowd the machine."""

    def __init__(self, setup: Setup, num: int) -> None:
        self._workers: list[_Worker] = []
        try:
            with _environment(dict.fromkeys(_THREAD_SETTINGS, str(max(1, num_cores() // num)))):
                for _ in range(num):
                    self._start(setup)
        except BaseException:
            self.close()
            raise

    def _start(self, setup: Setup) -> None:
        context = multiprocessing.get_context("spawn")
        with stops_held():  # a stop in between would leave a process that nobody knows of
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, setup))
            self._workers.append(_Worker(process, ours))
            process.start()
            theirs.close()

    @property
    def num_free(self) -> int:
        """How many more parts can be taken in."""
        return sum(worker.part is None for worker in self._workers)

    @property
    def num_in_play(self) -> int:
        """Decisions taken in parts that are not finished."""
        return sum(worker.num_in_play for worker in self._workers)

    def submit(self, part: Part) -> None:
        """Give a part to a process that has none."""
        worker = next(worker for worker in self._workers if worker.part is None)
        worker.part = part
        with suppress(OSError):  # it died, which is noticed where it is waited for
            worker.pipe.send(part)

    def next(self, tell: Callable[[], object]) -> Played | None:
        """Wait until a part is finished; None if there is none. ``tell`` is called now and then meanwhile."""
        while any(worker.part for worker in self._workers):
            busy = {worker.pipe: worker for worker in self._workers if worker.part}
            for pipe in wait(list(busy), TELL_EVERY_S):
                worker = busy[pipe]  # type: ignore[index]
                message = _heard_from(worker)
                if isinstance(message, Played):
                    worker.part, worker.num_in_play = None, 0
                    return message
                worker.num_in_play = message
            check_stop()
            tell()
        return None

    def close(self) -> None:
        """End the processes, and the programs that they started; parts not handed back are lost."""
        started = [worker.process for worker in self._workers if worker.process.pid is not None]
        try:
            for process in started:
                process.terminate()
            deadline = time.monotonic() + END_TIME_S
            for process in started:
                process.join(max(0.0, deadline - time.monotonic()))
        finally:  # after a second Ctrl-C too
            for process in started:
                process.kill()
                process.join()
            for worker in self._workers:
                worker.pipe.close()
            self._workers = []


def _heard_from(worker: _Worker) -> Any:
    try:
        message = worker.pipe.recv()
    except (EOFError, OSError):
        time.sleep(TELL_EVERY_S)  # what ended it may be on its way to this process too
        raise WorkerError("a process of the run died, of memory perhaps") from None
    if isinstance(message, BaseException):
        raise message
    return message


def _work(pipe: Connection, setup: Setup) -> None:
    """The life of a process: play the parts that come through the pipe until it closes."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the parent, which ends its processes
    threading.Thread(target=_end_with_parent, daemon=True).start()
    company: _Company | None = None

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        """End as SIGTERM does anyhow, but not without the programs that play here."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if company:
            company.close()
        os._exit(128 + number)

    if any(player.is_program for player in setup.everyone):
        signal.signal(signal.SIGTERM, end)  # only then, as it has to wait for a kernel to return
    try:
        company = _Company(setup)
        while True:
            pipe.send(company.play(pipe.recv(), pipe.send))
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone
    except Exception as error:
        error.add_note(traceback.format_exc())
        pipe.send(error)
    finally:
        if company:
            company.close()


def _end_with_parent() -> None:
    """A parent that was killed says nothing; its end of this pipe closes all the same. Guards end the programs."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _environment(defaults: dict[str, str]) -> Iterator[None]:
    """Environment variables for processes that are started within the block, where they are not set."""
    missing = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
