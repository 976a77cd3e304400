"""Running a pool: which deals are still to be played, by whom, in how many processes, and when to stop.

Mirrored deals are played and written in the order of their numbers, whatever the processes, so that a stopping rule
looks at the same results for any ``jobs``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from time import perf_counter
from types import FrameType

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import NUM_TABLES, mirrored
from zeb42_agents.arena.play import play_games, warm_up
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.protocols import MAX_DEALS, Protocol
from zeb42_agents.arena.rating import PRIOR_HANDS, Ratings, Units, check_prior, fit_ratings, resolve_anchor, units_of
from zeb42_agents.arena.sprt import Decision, Sprt

CHUNK_TIME_S = 4.0  # how long a chunk of work should take: what Ctrl-C may lose
FIRST_CHUNK, MAX_CHUNK, CHUNK_GROWTH = 16, 4096, 4  # mirrored deals
HALFWIDTH_EVERY = 50  # deals between two looks at --max-halfwidth
HALFWIDTH_MIN_DEALS = 100
_THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to play, and when to stop."""

    num_deals: int = 100
    """Mirrored deals (or matches) of each pair; with a stopping rule, at most."""
    first_deal: int = 0
    """Number of the first; two machines that are to be merged play different ranges."""
    versus: str | None = None
    """Play only pairs with this agent; None plays all pairs."""
    jobs: int = 1
    """Processes. The results do not depend on it."""
    chunk: int | None = None
    """Mirrored deals that advance together; None finds what takes some seconds."""
    min_chunk: int = 1
    """The fewest that do so where ``chunk`` is None: networks are slow with small batches."""
    max_halfwidth: float | None = None
    """Stop when the 95% interval of every agent's difference to the anchor is at most this many Elo to each side."""
    sprt: Sprt | None = None
    """Stop when this test of the first agent against the second decides."""
    strict: bool = False
    """Raise at the first illegal action or crash, where otherwise the hand is lost and the run goes on."""
    anchor: str | None = None
    """Whose rating is fixed; see :func:`zeb42_agents.arena.fit_ratings`."""
    anchor_elo: float | None = None
    """At what."""
    prior_hands: float = PRIOR_HANDS
    """Weight of the prior."""

    def __post_init__(self) -> None:
        for name in ("num_deals", "jobs", "chunk", "min_chunk"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"expected {name} of at least 1, got {value}")
        if not 0 <= self.first_deal <= MAX_DEALS - self.num_deals:
            raise ValueError(f"expected deals in 0..{MAX_DEALS - 1}, got {self.num_deals} from {self.first_deal} on")
        check_prior(self.prior_hands)
        if self.max_halfwidth is not None and not self.max_halfwidth > 0:
            raise ValueError(f"expected max_halfwidth above 0 Elo, got {self.max_halfwidth}")


@dataclass
class Progress:
    """Where a run stands, for whoever watches."""

    games: np.ndarray  # GAME [M, 2], the complete mirrored deals so far
    num_done: int  # mirrored deals of all pairs, those on disk before included
    num_total: int
    num_played: int  # in this session
    elapsed_s: float
    forfeits: int


@dataclass(frozen=True)
class Outcome:
    """How a run ended; the games themselves are in its folder."""

    units: Units
    games: np.ndarray  # GAME [M, 2], the complete mirrored deals of the folder
    stopped: str  # "deals", "max_halfwidth" or "sprt"
    decision: Decision | None  # of the test
    decided_after: int  # deals that the test saw
    ratio: float  # its log-likelihood ratio
    num_played: int
    elapsed_s: float


def pairs_to_play(names: Sequence[str], numbers: Sequence[int], versus: str | None) -> list[tuple[int, int]]:
    """The pairs of agents, lower number first. ValueError if ``versus`` does not play."""
    if len(numbers) < 2:
        raise ValueError(f"expected at least two agents, got {len(numbers)}")
    if versus is None:
        return list(combinations(sorted(numbers), 2))
    playing = [names[number] for number in numbers]
    if versus not in playing:
        raise ValueError(f"expected versus to be one of the agents, got {versus!r}; allowed: {', '.join(playing)}")
    other = names.index(versus)
    return [(min(i, other), max(i, other)) for i in numbers if i != other]


def check_plan(names: Sequence[str], plan: Plan) -> None:
    """ValueError if ``plan`` cannot be played by agents of these names."""
    pairs = pairs_to_play(names, range(len(names)), plan.versus)
    if plan.sprt and len(pairs) != 1:
        raise ValueError(f"expected two agents for a sequential test, got {len(pairs)} pairs")
    if plan.sprt and plan.max_halfwidth:
        raise ValueError("expected one stopping rule, got sprt and max_halfwidth")
    if plan.max_halfwidth:
        resolve_anchor(names, plan.anchor, plan.anchor_elo)


def run_pool(
    players: Sequence[Player],
    folder: RunFolder,
    plan: Plan,
    *,
    partner: Player | None = None,
    agents: Sequence[Agent] | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Play what ``plan`` asks for and ``folder`` does not have yet.

    Args:
        players: the contestants of this session; the folder knows all of them.
        folder: where rows are read from and appended to.
        plan: what to play, and when to stop.
        partner: who sits opposite every contestant; None for the contestant itself.
        agents: the contestants and the partner already built, for one process.
        watch: called after each chunk.

    KeyboardInterrupt leaves everything that was finished in the folder.
    """
    check_plan([player.name for player in players], plan)
    names = folder.names
    numbers = [names.index(player.name) for player in players]
    pairs = pairs_to_play(names, numbers, plan.versus)
    stop = _Stop(plan, names, pairs, first=numbers[0])
    done = mirrored(folder.games())
    tasks = _missing(pairs, done, plan)
    total = len(pairs) * plan.num_deals
    started, num_played, forfeits = perf_counter(), 0, 0
    finished = [done]
    work = _Work(players, numbers, partner, folder.protocol, folder.seed, plan, agents)
    stop.look(finished, complete_to=_complete_to(tasks, 0, plan))
    try:
        for start, games, blocks in work.results(tasks) if not stop.reason else ():
            num = len(blocks)
            finished.append(games.reshape(-1, NUM_TABLES))
            stop.look(finished, complete_to=_complete_to(tasks, start + num, plan))
            if stop.reason:
                within = games["deal"][::NUM_TABLES] < stop.end_deal
                blocks = [block for block, keep in zip(blocks, within, strict=True) if keep]
                finished[-1] = finished[-1][within]
            folder.append(blocks)
            num_played += len(blocks)
            forfeits += int((finished[-1]["forfeit"] >= 0).sum())
            done_here = total - len(tasks) + num_played
            if watch:
                everything = np.concatenate(finished)
                watch(Progress(everything, done_here, total, num_played, perf_counter() - started, forfeits))
            if stop.reason:
                break
    finally:
        work.close()
        folder.close()
    games = np.concatenate(finished)
    return Outcome(
        units_of(games),
        games,
        stop.reason or "deals",
        stop.decision,
        stop.decided_after,
        stop.ratio,
        num_played,
        perf_counter() - started,
    )


def _missing(pairs: list[tuple[int, int]], done: np.ndarray, plan: Plan) -> np.ndarray:
    """The tasks int64 [T, 3] (deal, first, second) that are not done, by deal and then by pair."""
    missing = np.ones((plan.num_deals, len(pairs)), np.bool_)
    teams, deals = np.sort(done["teams"][:, 0], 1), done["deal"][:, 0] - plan.first_deal
    here = (deals >= 0) & (deals < plan.num_deals)
    for number, pair in enumerate(pairs):
        missing[deals[here & (teams == pair).all(1)], number] = False
    deals, numbers = np.nonzero(missing)
    return np.column_stack([plan.first_deal + deals, np.array(pairs)[numbers]])


def _complete_to(tasks: np.ndarray, num_done: int, plan: Plan) -> int:
    """The deal up to which (excluded) every pair has played, once so many tasks are done."""
    return int(tasks[num_done, 0]) if num_done < len(tasks) else plan.first_deal + plan.num_deals


class _Stop:
    """The stopping rules, asked on the deals that every pair has played, in their order."""

    def __init__(self, plan: Plan, names: list[str], pairs: list[tuple[int, int]], *, first: int) -> None:
        self.plan, self.names, self.pairs, self.first = plan, names, pairs, first
        self.reason = ""
        self.end_deal = plan.first_deal + plan.num_deals
        self.decision: Decision | None = None
        self.decided_after, self.ratio = 0, 0.0
        self._looked_to = plan.first_deal

    def look(self, finished: list[np.ndarray], *, complete_to: int) -> None:
        """Set ``reason`` and ``end_deal`` if a rule says stop on the deals before ``complete_to``."""
        if self.plan.sprt:
            self._test(units_of(np.concatenate(finished)), complete_to)
        elif self.plan.max_halfwidth:
            self._measure(units_of(np.concatenate(finished)), complete_to)

    def _mine(self, units: Units, end: int) -> np.ndarray:
        among = np.zeros(len(units), bool)
        for pair in self.pairs:
            among |= (units.pairs == pair).all(1)
        return among & (units.deals >= self.plan.first_deal) & (units.deals < end)

    def _test(self, units: Units, complete_to: int) -> None:
        assert self.plan.sprt is not None
        mine = self._mine(units, complete_to)
        score = units.score[mine][np.argsort(units.deals[mine])]
        if self.first != self.pairs[0][0]:
            score = 1.0 - score  # the folder numbers the agents in another order than this session
        self.decision, self.decided_after, self.ratio = self.plan.sprt.decide(score)
        if self.decision:
            self.reason = "sprt"
            self.end_deal = self.plan.first_deal + self.decided_after

    def _measure(self, units: Units, complete_to: int) -> None:
        assert self.plan.max_halfwidth is not None
        first = self.plan.first_deal
        for end in range(first + HALFWIDTH_MIN_DEALS, complete_to + 1, HALFWIDTH_EVERY):
            if end <= self._looked_to:
                continue
            self._looked_to = end
            ratings = self._rate(units.select(self._mine(units, end)))
            if ratings.connected and ratings.halfwidth.max() <= self.plan.max_halfwidth:
                self.reason, self.end_deal = "max_halfwidth", end
                return

    def _rate(self, units: Units) -> Ratings:
        """Ratings of the agents of this session alone."""
        playing = np.unique(self.pairs)
        names = [self.names[number] for number in playing]
        own = replace(units, pairs=np.searchsorted(playing, units.pairs))
        plan = self.plan
        return fit_ratings(own, names, anchor=plan.anchor, anchor_elo=plan.anchor_elo, prior_hands=plan.prior_hands)


class _Work:
    """Plays tasks in chunks, here or in processes, and hands the results back in order."""

    def __init__(
        self,
        players: Sequence[Player],
        numbers: Sequence[int],
        partner: Player | None,
        protocol: Protocol,
        seed: int,
        plan: Plan,
        agents: Sequence[Agent] | None,
    ) -> None:
        self.numbers, self.plan = list(numbers), plan
        self._setup = (list(players), partner, protocol, seed, plan.strict)
        self._pool: ProcessPoolExecutor | None = None
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._agents = agents
        self._chunk = plan.chunk or max(FIRST_CHUNK, plan.min_chunk)

    def results(self, tasks: np.ndarray) -> Iterator[tuple[int, np.ndarray, list[str]]]:
        """For each chunk in order: its first task, its games GAME [2M], and the block of rows of each deal."""
        if not len(tasks):
            return
        if self.plan.jobs == 1:
            _set_up(*self._setup, agents=self._agents)
        else:
            self._start_processes()
        ahead: deque[tuple[int, Future[tuple[np.ndarray, list[str], float]]]] = deque()
        start = 0
        while start < len(tasks) or ahead:
            while start < len(tasks) and len(ahead) < (2 * self.plan.jobs if self._pool else 1):
                chunk = tasks[start : start + self._fair_chunk(len(tasks) - start)]
                ahead.append((start, self._submit(chunk)))
                start += len(chunk)
            first, future = ahead.popleft()
            games, blocks, elapsed_s = future.result()
            self._resize(len(blocks), elapsed_s)
            games["teams"] = np.array(self.numbers)[games["teams"]]
            yield first, games, blocks

    def _start_processes(self) -> None:
        """Spawned processes with their share of the cores each: threads of all of them together do not crowd it."""
        share = str(max(1, num_cores() // self.plan.jobs))
        before = {name: os.environ.get(name) for name in _THREAD_SETTINGS}
        others = set(multiprocessing.active_children())
        for name in _THREAD_SETTINGS:
            os.environ.setdefault(name, share)
        try:
            self._pool = ProcessPoolExecutor(
                self.plan.jobs,
                multiprocessing.get_context("spawn"),
                initializer=_set_up_process,
                initargs=(self._setup,),
            )
            for _ in range(self.plan.jobs):
                self._pool.submit(os.getpid)  # starts a process, which is not waited for
        finally:  # on Ctrl-C too, so that close() knows of them
            self._processes = [p for p in multiprocessing.active_children() if p not in others]
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _fair_chunk(self, num_left: int) -> int:
        """No process should be left with the last big chunk alone."""
        return max(self.plan.min_chunk, min(self._chunk, -(-num_left // self.plan.jobs)))

    def _submit(self, tasks: np.ndarray) -> Future[tuple[np.ndarray, list[str], float]]:
        here = np.array([[self.numbers.index(i), self.numbers.index(j)] for i, j in tasks[:, 1:]])
        if self._pool:
            return self._pool.submit(_play_chunk, tasks[:, 0], here)
        future: Future[tuple[np.ndarray, list[str], float]] = Future()
        future.set_result(_play_chunk(tasks[:, 0], here))
        return future

    def _resize(self, num_played: int, elapsed_s: float) -> None:
        if self.plan.chunk is None:
            wanted = int(CHUNK_TIME_S * num_played / max(elapsed_s, 1e-6))
            self._chunk = max(self.plan.min_chunk, min(wanted, CHUNK_GROWTH * self._chunk, MAX_CHUNK))

    def close(self) -> None:
        """End the processes, and the programs that they or this one started; work not handed back is lost."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in self._processes:
                process.terminate()
            for process in self._processes:
                process.join()
            self._pool = None
        elif self.plan.jobs == 1:
            _close_agents()


class _Process:
    """What a process plays with, set up once."""

    agents: Sequence[Agent] = ()
    partner: Agent | None = None
    protocol: Protocol
    seed: int
    strict: bool


def _set_up(
    players: Sequence[Player],
    partner: Player | None,
    protocol: Protocol,
    seed: int,
    strict: bool,
    agents: Sequence[Agent] | None = None,
) -> None:
    built = list(agents) if agents is not None else [p.build() for p in [*players, *([partner] if partner else [])]]
    _Process.agents, _Process.partner = built[: len(players)], built[len(players)] if partner else None
    _Process.protocol, _Process.seed, _Process.strict = protocol, seed, strict
    warm_up(built, protocol)


def _set_up_process(setup: tuple[Sequence[Player], Player | None, Protocol, int, bool]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    players, partner, *_ = setup
    if any(player.is_program for player in (*players, *([partner] if partner else []))):
        signal.signal(signal.SIGTERM, _end_process)  # only then, as it has to wait for a kernel to return
    _set_up(*setup)


def _end_process(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End as SIGTERM does anyhow, but not without the programs that play here."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool sends another one
    _close_agents()
    os._exit(128 + number)


def _close_agents() -> None:
    for agent in (*_Process.agents, _Process.partner):
        close = getattr(agent, "close", None)
        if close:
            close()


def _play_chunk(deals: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, list[str], float]:
    started = perf_counter()
    games, blocks = play_games(
        _Process.agents,
        _Process.protocol,
        _Process.seed,
        deals,
        pairs,
        partner=_Process.partner,
        strict=_Process.strict,
    )
    return games, blocks, perf_counter() - started


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
