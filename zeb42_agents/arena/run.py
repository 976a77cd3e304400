"""Running a pool: what is missing is played, written as it is finished, and looked at.

With a stopping rule, deals are written and looked at in the order of their numbers, so that the rule sees the same for
any number of jobs. Otherwise a mirrored deal is written as soon as the chunk that it is played in is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import NUM_TABLES, mirrored
from zeb42_agents.arena.plan import Chunks, Plan, StoppingRule, check_plan, complete_to, missing_tasks, pairs_to_play
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.rating import Units, units_of
from zeb42_agents.arena.sprt import Decision
from zeb42_agents.arena.workers import Here, Part, Processes, Setup, num_cores

NETWORKS = ("zeb",)  # kinds of agents that bring their own threads or device: one process for those
NETWORK_CHUNK = 64  # mirrored deals at a time: their batches stay worth while even if that takes minutes
DECISIONS_PER_DEAL = {"hand": 56, "match": 600}  # roughly, of both tables


@dataclass
class Progress:
    """Where a run stands, for whoever watches."""

    games: np.ndarray  # GAME [M, 2], the complete mirrored deals so far
    num_done: int  # mirrored deals of all pairs, those on disk before included
    num_total: int
    num_played: int  # in this session
    elapsed_s: float
    forfeits: int
    decisions: int = 0  # in this session, those of unfinished deals included
    in_play: float = 0.0  # what the decisions of unfinished deals come to, in mirrored deals


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


def suited(plan: Plan, players: Sequence[Player]) -> Plan:
    """The plan with the processes and batches that suit these players, where it leaves them open."""
    networks = any(player.spec.partition(":")[0] in NETWORKS for player in players)
    jobs, min_chunk = (1, NETWORK_CHUNK) if networks else (num_cores(), 1)
    return replace(plan, jobs=plan.jobs or jobs, min_chunk=plan.min_chunk or min_chunk)


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
        watch: called after each chunk, and several times a second while chunks are played.

    KeyboardInterrupt leaves everything that was finished in the folder, which is closed in any case. WorkerError if a
    process died.
    """
    try:
        outcome = _run(players, folder, plan, partner, agents, watch)
        folder.reveal()  # no program is left that could look
        return outcome
    finally:
        folder.close()


def _run(
    players: Sequence[Player],
    folder: RunFolder,
    plan: Plan,
    partner: Player | None,
    agents: Sequence[Agent] | None,
    watch: Callable[[Progress], None] | None,
) -> Outcome:
    plan = suited(plan, [*players, *([partner] if partner else [])])
    check_plan([player.name for player in players], plan)
    numbers = np.array([folder.names.index(player.name) for player in players])
    pairs = pairs_to_play(folder.names, numbers.tolist(), plan.versus)
    rule = StoppingRule(plan, folder.names, pairs, first=int(numbers[0]))
    done = mirrored(folder.games())
    tasks = missing_tasks(pairs, done, plan)
    watched = _Watched(done, len(pairs) * plan.deals - len(tasks), len(tasks), folder.protocol.unit, watch)
    rule.look(watched.finished, complete_to=complete_to(tasks, 0, plan))
    if len(tasks) and not rule.reason:
        setup = Setup(players, partner, folder.protocol, folder.seed, plan.strict)
        workers = Here(setup, agents) if plan.jobs == 1 else Processes(setup, plan.jobs)
        results = _play(workers, tasks, numbers, plan, lambda: watched.tell(workers.num_in_play))
        try:
            for first, games, blocks in _in_order(results) if plan.sprt or plan.max_halfwidth else results:
                watched.finished.append(games.reshape(-1, NUM_TABLES))
                rule.look(watched.finished, complete_to=complete_to(tasks, first + len(blocks), plan))
                within = games["deal"][::NUM_TABLES] < rule.end_deal
                watched.finished[-1] = watched.finished[-1][within]
                folder.append([block for block, keep in zip(blocks, within, strict=True) if keep])
                watched.add(watched.finished[-1], workers.num_in_play)
                if rule.reason:
                    break
        finally:
            workers.close()
    games = _sorted(np.concatenate(watched.finished))
    return Outcome(
        units_of(games),
        games,
        rule.reason or "deals",
        rule.decision,
        rule.decided_after,
        rule.ratio,
        watched.num_played,
        watched.elapsed_s,
    )


class _Watched:
    """What is finished, and who is told of it."""

    def __init__(
        self, done: np.ndarray, num_before: int, num_tasks: int, unit: str, watch: Callable[[Progress], None] | None
    ) -> None:
        self.finished = [done]
        self.num_played = 0
        self._num_before, self._num_tasks, self._unit, self._watch = num_before, num_tasks, unit, watch
        self._started = perf_counter()
        self._forfeits = self._decisions = 0

    @property
    def elapsed_s(self) -> float:
        return perf_counter() - self._started

    def add(self, games: np.ndarray, num_in_play: int) -> None:
        """Count mirrored deals that are finished."""
        self.num_played += len(games)
        self._forfeits += int((games["forfeit"] >= 0).sum())
        self._decisions += int(games["decisions"].sum())
        self.tell(num_in_play)

    def tell(self, num_in_play: int) -> None:
        """Tell where the run stands; ``num_in_play`` decisions are taken in deals that are not finished."""
        if self._watch is None:
            return
        self.finished = [np.concatenate(self.finished)]
        left = self._num_tasks - self.num_played
        progress = Progress(
            self.finished[0],
            self._num_before + self.num_played,
            self._num_before + self._num_tasks,
            self.num_played,
            self.elapsed_s,
            self._forfeits,
            self._decisions + num_in_play,
            min(num_in_play / DECISIONS_PER_DEAL[self._unit], left),
        )
        self._watch(progress)


Result = tuple[int, np.ndarray, list[str]]
"""Of a chunk: its first task, its games GAME [2M] by the folder's numbers, and the block of rows of each deal."""


def _play(
    workers: Here | Processes, tasks: np.ndarray, numbers: np.ndarray, plan: Plan, tell: Callable[[], None]
) -> Iterator[Result]:
    """The result of each chunk, as it is finished."""
    chunks, place = Chunks(tasks, plan), {number: i for i, number in enumerate(numbers.tolist())}

    def hand_out() -> None:
        while workers.num_free and (chunk := chunks.take()):
            first, own = chunk
            pairs = np.array([[place[i], place[j]] for i, j in own[:, 1:].tolist()])
            workers.submit(Part(first, own[:, 0], pairs))

    hand_out()
    while played := workers.next(tell):
        games = played.games
        games["teams"] = numbers[games["teams"]]
        chunks.learn(games, played.elapsed_s)
        hand_out()  # before the results are looked at, so that no process waits for that
        yield played.part.first, games, played.blocks


def _in_order(results: Iterable[Result]) -> Iterator[Result]:
    """Results in the order of their tasks."""
    waiting: dict[int, Result] = {}
    expected = 0
    for result in results:
        waiting[result[0]] = result
        while expected in waiting:
            ready = waiting.pop(expected)
            expected += len(ready[2])
            yield ready


def _sorted(games: np.ndarray) -> np.ndarray:
    """Mirrored deals GAME [M, 2] by pair, then deal: in whatever order they were finished, ratings are the same."""
    pairs = np.sort(games["teams"][:, 0], 1)
    return games[np.lexsort((games["deal"][:, 0], pairs[:, 1], pairs[:, 0]))]
