"""What a run is to play, how it is cut into parts, and when it may stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.protocols import MAX_DEALS
from zeb42_agents.arena.rating import Ratings, Scale, Units, fit_ratings, units_of
from zeb42_agents.arena.sprt import Decision, Sprt

MAX_TASKS = 10_000_000  # deals of all pairs: what fits into memory
MAX_JOBS = 1024
CHUNK_TIME_S = 4.0  # how long a chunk of work should take: what a stop may lose
MAX_CHUNK_TIME_S = 60.0  # the same for networks, until their batches are worth while
MAX_CHUNK, CHUNK_GROWTH = 4096, 4  # mirrored deals
HALFWIDTH_EVERY = 50  # deals between two looks at --max-halfwidth
HALFWIDTH_MIN_DEALS = 100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to play, and when to stop."""

    deals: int = 100
    """Mirrored deals (or matches) per pair; with a stopping rule, at most."""
    first_deal: int = 0
    """Number of the first deal. Two machines whose runs are to be merged play different ranges."""
    versus: str | None = None
    """Play only the pairs with this agent, instead of all pairs."""
    jobs: int = 1
    """Processes. The results do not depend on it. 0 means one per core, or one in all if a network plays."""
    chunk: int | None = None
    """Mirrored deals that advance together. By default it begins with one and finds what takes some seconds."""
    min_chunk: int = 0
    """What the chunk may grow to even if that takes longer, up to a minute. 0 means 64 if a network plays (they are
    slow with small batches), and otherwise 1."""
    max_halfwidth: float | None = None
    """Stop when the 95% interval of every agent's difference to the anchor is at most this many Elo to each side."""
    sprt: bool = False
    """Stop when a sequential test of the first agent against the second decides."""
    test: Sprt = field(default_factory=Sprt)
    strict: bool = False
    """Stop at the first illegal action or crash. Otherwise the hand is lost and the run goes on."""
    scale: Scale = field(default_factory=Scale)

    def __post_init__(self) -> None:
        for name, least in (("deals", 1), ("jobs", 0), ("chunk", 1), ("min_chunk", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"expected {name} of at least {least}, got {value}")
        if self.jobs > MAX_JOBS:
            raise ValueError(f"expected at most {MAX_JOBS} jobs, got {self.jobs}")
        if not 0 <= self.first_deal <= MAX_DEALS - self.deals:
            raise ValueError(f"expected deals in 0..{MAX_DEALS - 1}, got {self.deals} from {self.first_deal} on")
        if self.max_halfwidth is not None and not self.max_halfwidth > 0:
            raise ValueError(f"expected max_halfwidth above 0 Elo, got {self.max_halfwidth}")


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
    if len(pairs) * plan.deals > MAX_TASKS:
        most = MAX_TASKS // len(pairs)
        raise ValueError(f"expected at most {most} deals of each of {len(pairs)} pairs, got {plan.deals}")
    if plan.sprt and len(pairs) != 1:
        raise ValueError(f"expected two agents for a sequential test, got {len(pairs)} pairs")
    if plan.sprt and plan.max_halfwidth:
        raise ValueError("expected one stopping rule, got sprt and max_halfwidth")
    if plan.max_halfwidth:
        plan.scale.resolve(names)


def missing_tasks(pairs: list[tuple[int, int]], done: np.ndarray, plan: Plan) -> np.ndarray:
    """The tasks int64 [T, 3] (deal, first, second) that are not done, by deal and then by pair."""
    missing = np.ones((plan.deals, len(pairs)), np.bool_)
    teams, deals = np.sort(done["teams"][:, 0], 1), done["deal"][:, 0] - plan.first_deal
    here = (deals >= 0) & (deals < plan.deals)
    for number, pair in enumerate(pairs):
        missing[deals[here & (teams == pair).all(1)], number] = False
    deals, numbers = np.nonzero(missing)
    return np.column_stack([plan.first_deal + deals, np.array(pairs)[numbers]])


def complete_to(tasks: np.ndarray, num_done: int, plan: Plan) -> int:
    """The deal up to which (excluded) every pair has played, once so many tasks are done."""
    return int(tasks[num_done, 0]) if num_done < len(tasks) else plan.first_deal + plan.deals


class Chunks:
    """Hands out tasks int64 [T, 3] (deal, first, second) in their order, as many at a time as take some seconds.

    The first chunk is one deal; each next one is sized by what its agents took the last time, and at most CHUNK_GROWTH
    times the largest so far. An agent that was never timed plays alone at first: it may be the slow one.
    """

    def __init__(self, tasks: np.ndarray, plan: Plan) -> None:
        self._tasks, self._plan = tasks, plan
        self._next, self._largest = 0, 0
        self._cost_s = np.full(int(tasks[:, 1:].max(initial=0)) + 1, np.nan)  # of a deal, by agent

    def take(self) -> tuple[int, np.ndarray] | None:
        """The number of the next chunk's first task, and its tasks; None after the last."""
        first = self._next
        if first == len(self._tasks):
            return None
        self._next = first + min(self._plan.chunk or self._size(), len(self._tasks) - first)
        return first, self._tasks[first : self._next]

    def learn(self, games: np.ndarray, elapsed_s: float) -> None:
        """What a chunk took: its GAME [2M] by the numbers of the tasks, and the seconds."""
        self._largest = max(self._largest, len(games) // NUM_TABLES)
        agents, place = np.unique(games["teams"], return_inverse=True)
        time_ms = np.bincount(place.ravel(), games["time_ms"].ravel())
        num_deals = np.bincount(place.ravel()) / NUM_TABLES
        self._cost_s[agents] = elapsed_s * time_ms / max(time_ms.sum(), 1e-9) / num_deals

    def _size(self) -> int:
        left = self._tasks[self._next : self._next + min(max(1, CHUNK_GROWTH * self._largest), MAX_CHUNK)]
        cost_s = self._cost_s[left[:, 1:]].sum(1)
        unknown = np.flatnonzero(np.isnan(cost_s))
        known = int(unknown[0]) if len(unknown) else len(left)
        elapsed_s = np.cumsum(cost_s[:known])
        size = int(np.searchsorted(elapsed_s, CHUNK_TIME_S, "right"))
        batch = min(int(np.searchsorted(elapsed_s, MAX_CHUNK_TIME_S, "right")), self._plan.min_chunk)
        share = -(-(len(self._tasks) - self._next) // self._plan.jobs)  # nobody is left with the last big chunk alone
        return max(1, min(max(size, batch), max(self._plan.min_chunk, share)))


class StoppingRule:
    """The stopping rules, asked on the deals that every pair has played, in their order."""

    def __init__(self, plan: Plan, names: list[str], pairs: list[tuple[int, int]], *, first: int) -> None:
        self.plan, self.names, self.pairs, self.first = plan, names, pairs, first
        self.reason = ""
        self.end_deal = plan.first_deal + plan.deals
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
        mine = self._mine(units, complete_to)
        score = units.score[mine][np.argsort(units.deals[mine])]
        if self.first != self.pairs[0][0]:
            score = 1.0 - score  # the folder numbers the agents in another order than this session
        self.decision, self.decided_after, self.ratio = self.plan.test.decide(score)
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
        return fit_ratings(own, names, self.plan.scale)
