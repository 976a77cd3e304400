"""E[Q]: sample the worlds behind a view, solve each exactly, and take the play that does best over them.

The yardstick of the field. What "best" means is the objective: the share of worlds in which the play wins what the hand
is scored by, or the mean of the points.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents import bidding, simple_bidder, solver, worlds
from zeb42_agents.agent import Randomness, require_movers, view_keys
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import COUNT, HAND_POINTS, NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.goals import FOR_MAJORITY, FOR_POINTS
from zeb42_env._core.record import HAND, TRICKS, legal_plays

OBJECTIVES = ("scoring", "contract", "majority", "points")
CALLS = ("worlds", "simple")
BY_SCORING, CONTRACT, MAJORITY, POINTS = range(4)

NUM_TIE_WORLDS = 10  # worlds that a tie is broken on while many dominoes are out
LATE_PLAY = 12  # from this play on a tie is broken on all worlds
MAX_CALL_WORLDS = 50  # worlds that a call or declaration is chosen on
BLOCK = 16  # worlds that threads share between looks at who is still in the running


class EQ:
    """The play that wins most often, or takes most points, over sampled worlds that are each solved exactly.

    >>> EQ(n=100).act(views, np.random.default_rng(0))

    Objectives: ``contract`` maximises the share of worlds in which the viewer's team makes, or sets, the contract;
    ``majority`` that in which it takes more than 21 points; ``points`` its mean points. ``scoring``, the default, takes
    the one that the hand is scored by. Ties go to the play with more expected points (over at most 10 worlds while more
    than 16 dominoes are out), then to the one that gives least count away, then to the lower domino.

    It calls and declares from up to 50 sampled worlds as :func:`zeb42_agents.bidding.choose_call` says, or with
    ``calls=simple`` as the simple bidder.

    A play that can no longer catch up, however the remaining worlds turn out, is not solved any further: that changes
    the time a decision takes, never the decision.
    """

    def __init__(self, n: int = 100, *, objective: str = "scoring", calls: str = "worlds", threads: int = 1) -> None:
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"expected n, the number of worlds, a whole number of at least 1, got {n}")
        if objective not in OBJECTIVES:
            raise ValueError(f"expected an objective, got {objective!r}; allowed: {', '.join(OBJECTIVES)}")
        if calls not in CALLS:
            raise ValueError(f"expected calls, got {calls!r}; allowed: {', '.join(CALLS)}")
        if threads < 1:
            raise ValueError(f"expected threads of at least 1, got {threads}")
        self.name = f"eq:n={n}"
        self.n, self.objective, self.calls, self.threads = n, objective, calls, threads

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One action int64 [B] for each of ``views`` [B]; see :class:`zeb42_agents.Agent`.

        ValueError if a view has no consistent deal, or is not that of the seat to move.
        """
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        worlds.require_deals(views)
        objective = OBJECTIVES.index(self.objective)
        actions = np.full(len(views), -1, np.int64)
        in_tricks = views["phase"] == TRICKS
        if not in_tricks.all():
            actions[~in_tricks] = self._call(views[~in_tricks], keys[~in_tricks])
        playing = np.flatnonzero(in_tricks)
        if 0 < len(playing) < self.threads:
            for b in playing:
                actions[b] = self._choose_in_threads(views[b], keys[b], objective)
        elif len(playing):
            chosen = np.empty(len(playing), np.int64)
            played, play_keys = views[playing], keys[playing]
            solver.in_threads(
                lambda part, memory: _choose_many(
                    played[part], play_keys[part], self.n, objective, memory, chosen[part]
                ),
                len(playing),
                self.threads,
            )
            actions[playing] = chosen
        return actions

    def _call(self, views: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Calls and declarations int64 [B]; see :func:`zeb42_agents.bidding.choose_call`."""
        if self.calls == "simple":
            return simple_bidder.simple_calls(views)
        simple_bidder.require_calling(views)
        actions = np.empty(len(views), np.int64)
        num_worlds = min(self.n, MAX_CALL_WORLDS)
        solver.in_threads(
            lambda part, memory: bidding.choose_calls(views[part], keys[part], num_worlds, memory, actions[part]),
            len(views),
            self.threads,
        )
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> list[PlayReport]:
        """What the sampled worlds say about each legal play of ``view``, the one that :meth:`act` takes first.

        ``rng`` as in :meth:`act`, where one key must be given for one view; the same key means the same worlds. Without
        it the worlds are drawn afresh from seed 0.
        """
        view = worlds.one_record(view)
        if view["phase"] != TRICKS:
            raise ValueError(
                "expected a view in its tricks, got another; zeb42_agents.bidding.bid_curve explains calls"
            )
        require_movers(np.array([view]))
        key = view_keys(np.random.default_rng(0) if rng is None else rng, 1)[0]
        sampled = worlds.sample(view, self.n, key)
        team = int(view["seat"]) & 1
        to_go = solver.solve_worlds(sampled, threads=self.threads).astype(np.int64)
        dominoes = np.flatnonzero(to_go[0] != solver.ILLEGAL)
        final = to_go[:, dominoes] + int(view["points"][0])  # [W, A] points of seats 0&2
        own = HAND_POINTS - final if team else final
        target, objective = goal(view, OBJECTIVES.index(self.objective))
        wins = (to_go[:, dominoes] >= target) == (team == 0)
        best = own == own.max(1, keepdims=True)
        reports = [
            PlayReport(
                domino=int(domino),
                win_share=float(wins[:, a].mean()) if objective != POINTS else float("nan"),
                mean_points=float(own[:, a].mean()),
                spread_points=float(own[:, a].std()),
                best_share=float(best[:, a].mean()),
            )
            for a, domino in enumerate(dominoes)
        ]
        decisive = len(own) if objective == POINTS else int(_num_tie_worlds(view, self.n))
        points = dict(zip(dominoes.tolist(), own[:decisive].mean(0), strict=True))
        return sorted(
            reports, key=lambda r: (-np.nan_to_num(r.win_share), -points[r.domino], COUNT[r.domino], r.domino)
        )

    def _choose_in_threads(self, view: np.void, key: np.uint64, objective: int) -> int:
        """The choice of :func:`choose`, with the worlds of one view shared out between threads."""
        moves = int(_candidates(view))
        if moves & (moves - 1) == 0:
            return moves.bit_length() - 1
        sampled = worlds.sample(view, self.n, key)
        target, objective = goal(view, objective)
        moves = self._race(sampled, view, target, moves, objective)
        if objective != POINTS and moves & (moves - 1):
            moves = self._race(sampled[: _num_tie_worlds(view, self.n)], view, target, moves, POINTS)
        return int(_least_given(np.uint32(moves)))

    def _race(self, sampled: np.ndarray, view: np.void, target: int, moves: int, objective: int) -> int:
        totals = np.zeros(NUM_DOMINOES, np.int64)
        span = _span(view, objective)
        for first in range(0, len(sampled), BLOCK * self.threads):
            block = sampled[first : first + BLOCK * self.threads]
            parts = np.zeros((len(block), NUM_DOMINOES), np.int64)
            _tally_in_threads(block, view, target, moves, objective, self.threads, parts)
            totals += parts.sum(0)
            moves = int(_survivors(totals, np.uint32(moves), span * (len(sampled) - first - len(block))))
            if moves & (moves - 1) == 0:
                break
        return moves


def _tally_in_threads(
    block: np.ndarray, view: np.void, target: int, moves: int, objective: int, threads: int, parts: np.ndarray
) -> None:
    """:func:`_tally` of ``block``, in pieces: the rows of ``parts`` (int64 [len(block), 28]) add up to the totals."""

    def work(part: slice, memory: np.void) -> None:
        _tally(block[part], int(view["seat"]) & 1, target, np.uint32(moves), objective, memory, parts[part.start])

    solver.in_threads(work, len(block), threads)


class PlayReport(NamedTuple):
    """What :meth:`EQ.explain` says about one play. Points are what the viewer's team ends the hand with."""

    domino: int
    win_share: float
    """Share of worlds in which the team wins by the objective; not a number when that is points."""
    mean_points: float
    spread_points: float
    """Standard deviation over the worlds."""
    best_share: float
    """Share of worlds in which no other play takes more points."""


@njit(cache=True, nogil=True)
def choose(view: np.void, key: np.uint64, num_worlds: int, objective: int, m: np.void) -> int:
    """The play of :class:`EQ` for one view in its tricks; ``m`` is a memory of the solver."""
    moves = _candidates(view)
    if popcount(moves) == 1:
        return lowest(moves)
    views = np.empty(1, HAND)
    views[0] = view
    keys = np.full(1, key, np.uint64)
    sampled = worlds.sample_many(views, num_worlds, keys, np.ones((1, NUM_DOMINOES, NUM_SEATS), np.float32))[0]
    target, resolved = goal(view, objective)
    moves = _race(sampled, view, target, moves, resolved, m)
    if resolved != POINTS and popcount(moves) > 1:
        moves = _race(sampled[: _num_tie_worlds(view, num_worlds)], view, target, moves, POINTS, m)
    return _least_given(moves)


@njit(cache=True, nogil=True)
def _choose_many(
    views: np.ndarray, keys: np.ndarray, num_worlds: int, objective: int, m: np.void, actions: np.ndarray
) -> None:
    for b in range(len(views)):
        actions[b] = choose(views[b], keys[b], num_worlds, objective, m)


@njit(cache=True, nogil=True)
def goal(view: np.void, objective: int) -> tuple[int, int]:
    """The points that seats 0&2 need from here on to win, and the objective with ``BY_SCORING`` resolved.

    The viewer's team wins a world if seats 0&2 reach that target and it is one of them, or if they do not and it is
    not.
    """
    if objective == BY_SCORING:
        objective = CONTRACT
        if view.scoring == FOR_POINTS:
            objective = POINTS
        elif view.scoring == FOR_MAJORITY:
            objective = MAJORITY
    if objective == MAJORITY:
        needed = HAND_POINTS // 2 + (1 if view.seat & 1 == 0 else 0)
    else:
        bid = min(np.int64(view.bid), HAND_POINTS)
        needed = bid if view.bidder & 1 == 0 else HAND_POINTS + 1 - bid
    return needed - np.int64(view.points[0]), objective


@njit(cache=True, nogil=True)
def _race(sampled: np.ndarray, view: np.void, target: int, moves: np.uint32, objective: int, m: np.void) -> np.uint32:
    """The plays of ``moves`` (bits) that come out on top over ``sampled`` worlds, equal ones together."""
    totals = np.zeros(NUM_DOMINOES, np.int64)
    span = _span(view, objective)
    if objective != POINTS and (target <= 0 or target > points_left(view)):
        return moves  # already decided
    for w in range(len(sampled)):
        _tally(sampled[w : w + 1], view.seat & 1, target, moves, objective, m, totals)
        moves = _survivors(totals, moves, span * (len(sampled) - w - 1))
        if popcount(moves) == 1:
            break
    return moves


@njit(cache=True, nogil=True)
def points_left(view: np.void) -> int:
    """The points that nobody has taken yet."""
    return HAND_POINTS - np.int64(view.points[0]) - np.int64(view.points[1])


@njit(cache=True, nogil=True)
def _span(view: np.void, objective: int) -> int:
    """The most by which one world can separate two plays."""
    return points_left(view) if objective == POINTS else 1


@njit(cache=True, nogil=True)
def _tally(
    sampled: np.ndarray, team: int, target: int, moves: np.uint32, objective: int, m: np.void, totals: np.ndarray
) -> None:
    """Add to ``totals`` (int64 [28]) the worlds that each of ``moves`` wins for ``team``, or the points it takes."""
    row = np.empty(NUM_DOMINOES, np.int8)
    for w in range(len(sampled)):
        left = points_left(sampled[w])
        if objective == POINTS:
            solver.solve_moves(sampled[w], m, moves, row)
        else:
            solver.makes_moves(sampled[w], m, target, moves, row)
            left = 1
        todo = moves
        while todo:
            domino = lowest(todo)
            todo &= todo - np.uint32(1)
            totals[domino] += left - row[domino] if team else row[domino]


@njit(cache=True, nogil=True)
def _survivors(totals: np.ndarray, moves: np.uint32, reach: int) -> np.uint32:
    """The plays that may still come out on top, or level, if every other falls ``reach`` behind from now on."""
    leading = -1
    todo = moves
    while todo:
        leading = max(leading, totals[lowest(todo)])
        todo &= todo - np.uint32(1)
    left_in = np.uint32(0)
    todo = moves
    while todo:
        domino = lowest(todo)
        todo &= todo - np.uint32(1)
        if totals[domino] + reach >= leading:
            left_in |= np.uint32(1) << np.uint32(domino)
    return left_in


@njit(cache=True, nogil=True)
def _num_tie_worlds(view: np.void, num_worlds: int) -> int:
    return num_worlds if view.num_plays >= LATE_PLAY else min(num_worlds, NUM_TIE_WORLDS)


@njit(cache=True, nogil=True)
def _candidates(view: np.void) -> np.uint32:
    """The legal plays of a view, one of each set that is worth the same in every world, as bits."""
    return solver.first_twins(view, legal_plays(view), np.empty(NUM_DOMINOES, np.int8))


@njit(cache=True, nogil=True)
def _least_given(moves: np.uint32) -> int:
    """The domino with the least count, then the lowest."""
    best = lowest(moves)
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        if COUNT[domino] < COUNT[best]:
            best = domino
    return best
