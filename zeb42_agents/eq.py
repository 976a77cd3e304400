"""E[Q]: sample the worlds behind a view, solve each exactly, and take the play that does best over them.

The yardstick of the field. What "best" means is the objective: the share of worlds in which the play wins what the hand
is scored by, or the mean of the points. It is written into copies of the views as their scoring, and all below asks
:mod:`zeb42_env._core.goals`.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import get_args

import numpy as np
from numba import njit

from zeb42_agents import bidding, evidence, simple_bidder, solver, worlds
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.calls.choose import explain_call as explain_learned_call
from zeb42_agents.calls.choose import learned_calls
from zeb42_agents.calls.weights import fingerprint_of
from zeb42_agents.calls.weights import load as load_calls
from zeb42_agents.evidence import Evidence, new_evidence
from zeb42_agents.explanation import NUM_SHOWN, Candidate, Explanation, share_of_worlds
from zeb42_agents.tally import span, tally, threshold
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import COUNT, HAND_POINTS, NUM_DOMINOES
from zeb42_env._core.record import TRICKS, legal_plays
from zeb42_env.hand import Hand
from zeb42_env.rules import ScoringRule

OBJECTIVES = ("scoring", "contract", "majority", "points")
CALLS = ("worlds", "simple", "calibrated")
CALIBRATED = "laptop"  # the bundled weights whose calls these are

NUM_TIE_WORLDS = 10  # worlds that a tie is broken on while many dominoes are out
LATE_PLAY = 12  # from this play on a tie is broken on all worlds
MAX_CALL_WORLDS = 50  # worlds that a call or declaration is chosen on
BLOCK = 16  # worlds that threads share between looks at who is still in the running
MAX_WORLDS = 100_000  # 10 MB of them per decision


class EQ(Agent):
    """The play that wins most often, or takes most points, over sampled worlds that are each solved exactly.

    >>> EQ(n=100).act(views, np.random.default_rng(0))

    Objectives: ``contract`` maximises the share of worlds in which the viewer's team makes, or sets, the contract;
    ``majority`` that in which it takes more than 21 points; ``points`` its mean points. ``scoring``, the default, takes
    the one that the hand is scored by. Ties go to the play with more expected points (over at most 10 worlds while more
    than 16 dominoes are out), then to the one that gives least count away, then to the lower domino.

    It calls and declares from up to 50 sampled worlds as :func:`zeb42_agents.bidding.choose_call` says, or with
    ``calls=simple`` as the simple bidder, with ``calls=calibrated`` as the network that learned what contracts bring at
    the table (:mod:`zeb42_agents.calls`).

    A play that can no longer catch up, however the remaining worlds turn out, is not solved any further: that changes
    the time a decision takes, never the decision.

    With ``resample=4`` the worlds of a play are kept out of four times as many, as likely as they explain what the
    others called and declared; with ``dealt`` it is told how contracts come about that nobody called. See
    :mod:`zeb42_agents.evidence`.
    """

    def __init__(
        self,
        n: int = 100,
        *,
        objective: str = "scoring",
        calls: str = "worlds",
        resample: int = 0,
        dealt: str = "random",
        threads: int = 1,
    ) -> None:
        if not isinstance(n, int | np.integer) or not 1 <= n <= MAX_WORLDS:
            raise ValueError(f"expected n, the number of worlds, a whole number in 1..{MAX_WORLDS}, got {n}")
        if objective not in OBJECTIVES:
            raise ValueError(f"expected an objective, got {objective!r}; allowed: {', '.join(OBJECTIVES)}")
        if calls not in CALLS:
            raise ValueError(f"expected calls, got {calls!r}; allowed: {', '.join(CALLS)}")
        if threads < 1:
            raise ValueError(f"expected threads of at least 1, got {threads}")
        self.name = f"eq:n={n}"
        self.n, self.objective, self.calls, self.threads = n, objective, calls, threads
        self.resample, self.dealt = resample, dealt
        self._evidence = new_evidence(resample, dealt)
        self._network = load_calls(CALIBRATED) if calls == "calibrated" else None
        if self._network:
            self.fingerprint = fingerprint_of(CALIBRATED)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One action int64 [B] for each of ``views`` [B]; see :class:`zeb42_agents.Agent`.

        ValueError if a view has no consistent deal, or is not that of the seat to move.
        """
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        worlds.require_deals(views)
        actions = np.full(len(views), -1, np.int64)
        in_tricks = views["phase"] == TRICKS
        if not in_tricks.all():
            actions[~in_tricks] = self._call(views[~in_tricks], keys[~in_tricks])
        playing = np.flatnonzero(in_tricks)
        if 0 < len(playing) < self.threads:
            for b in playing:
                actions[b] = self._choose_in_threads(self._judged(views[b : b + 1])[0], keys[b])
        elif len(playing):
            chosen = np.empty(len(playing), np.int64)
            played, play_keys = self._judged(views[playing]), keys[playing]

            def work(part: slice, memory: np.void) -> None:
                told = self._evidence if self.threads == 1 else new_evidence(self.resample, self.dealt)
                _choose_many(played[part], play_keys[part], self.n, told, memory, chosen[part])

            solver.in_threads(work, len(playing), self.threads)
            actions[playing] = chosen
        return actions

    def _judged(self, views: np.ndarray) -> np.ndarray:
        """Copies of ``views`` that are scored by what plays are judged by."""
        judged = views.copy()
        if self.objective != "scoring":
            judged["scoring"] = get_args(ScoringRule).index(self.objective)
        return judged

    def _call(self, views: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Calls and declarations int64 [B]; see :func:`zeb42_agents.bidding.choose_call`."""
        if self.calls == "simple":
            return simple_bidder.simple_calls(views)
        if self._network:
            return learned_calls(self._network, views)
        simple_bidder.require_calling(views)
        actions = np.empty(len(views), np.int64)
        num_worlds = min(self.n, MAX_CALL_WORLDS)
        solver.in_threads(
            lambda part, memory: bidding.choose_calls(views[part], keys[part], num_worlds, memory, actions[part]),
            len(views),
            self.threads,
        )
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the sampled worlds say about each legal action of ``view``, the one that :meth:`act` takes first.

        The same key means the same worlds. See :meth:`zeb42_agents.Agent.explain`.
        """
        views, keys = one_decision(view, rng)
        worlds.require_deals(views)
        if views[0]["phase"] == TRICKS:
            return self._explain_play(views[0], keys[0])
        if self.calls == "simple":
            return simple_bidder.explain_call(views[0])
        if self._network:
            return explain_learned_call(self._network, views[0])
        return bidding.explain_call(views[0], keys[0], min(self.n, MAX_CALL_WORLDS), threads=self.threads)

    def _explain_play(self, view: np.void, key: np.uint64) -> Explanation:
        judged = self._judged(np.array([view]))[0]
        sampled = evidence.sample(judged, self.n, key, self._evidence)
        weighed = evidence.says_something(view, self._evidence)
        likely = (
            f"as likely as they explain {evidence.what_it_hears(self._evidence)}"
            if weighed
            else "every possible deal as likely as another"
        )
        team = int(view["seat"]) & 1
        to_go = solver.solve_worlds(sampled, threads=self.threads).astype(np.int64)
        dominoes = np.flatnonzero(to_go[0] != solver.ILLEGAL)
        final = to_go[:, dominoes] + int(view["points"][0])  # [W, A] points of seats 0&2
        own = HAND_POINTS - final if team else final
        values = np.array([goals.outcome(judged, points) for points in range(HAND_POINTS + 1)])[final] * (1 - 2 * team)
        by_margin = bool(goals.by_margin(judged["scoring"]))
        best = own == own.max(1, keepdims=True)
        candidates = [
            Candidate(
                action=int(domino),
                value=float(values[:, a].mean()),
                value_spread=float(values[:, a].std()),
                win_share=None if by_margin else float((values[:, a] > 0).mean()),
                mean_points=float(own[:, a].mean()),
                spread_points=float(own[:, a].std()),
                best_share=float(best[:, a].mean()),
            )
            for a, domino in enumerate(dominoes)
        ]
        num_decisive = len(own) if by_margin else int(_num_tie_worlds(view, self.n))
        points = dict(zip(dominoes.tolist(), own[:num_decisive].mean(0), strict=True))
        candidates.sort(key=lambda c: (-(c.win_share or 0.0), -points[c.action], COUNT[c.action], c.action))
        shares = share_of_worlds(sampled)
        most = "the most points" if by_margin else f"the most worlds won; of equals the most points over {num_decisive}"
        return Explanation(
            view=Hand(view),
            chosen=candidates[0].action,
            candidates=tuple(candidates),
            speaker="worlds",
            basis=f"{self.n} worlds, {likely}, each solved exactly",
            how=f"{most}; then the least count",
            root_value=candidates[0].value,
            belief=shares if weighed else worlds.marginals(view),
            world_share=shares,
            num_worlds=self.n,
            worlds=tuple(map(Hand, sampled[:NUM_SHOWN])),
        )

    def __repr__(self) -> str:
        options = {"objective": "scoring", "calls": "worlds", "resample": 0, "dealt": "random", "threads": 1}
        other = [f", {key}={getattr(self, key)!r}" for key, usual in options.items() if getattr(self, key) != usual]
        return f"EQ(n={self.n}{''.join(other)})"

    def _choose_in_threads(self, view: np.void, key: np.uint64) -> int:
        """The choice of :func:`choose`, with the worlds of one view shared out between threads."""
        moves = int(_candidates(view))
        if moves & (moves - 1) == 0:
            return moves.bit_length() - 1
        sampled = evidence.sample(view, self.n, key, self._evidence)
        by_margin = bool(goals.by_margin(view["scoring"]))
        moves = self._race(sampled, view, moves, by_margin)
        if not by_margin and moves & (moves - 1):
            moves = self._race(sampled[: _num_tie_worlds(view, self.n)], view, moves, True)
        return int(_least_given(np.uint32(moves)))

    def _race(self, sampled: np.ndarray, view: np.void, moves: int, by_margin: bool) -> int:
        totals = np.zeros(NUM_DOMINOES, np.int64)
        most = span(view, by_margin)
        for first in range(0, len(sampled), BLOCK * self.threads):
            block = sampled[first : first + BLOCK * self.threads]
            parts = np.zeros((len(block), NUM_DOMINOES), np.int64)
            _tally_in_threads(block, view, moves, by_margin, self.threads, parts)
            totals += parts.sum(0)
            moves = int(_survivors(totals, np.uint32(moves), most * (len(sampled) - first - len(block))))
            if moves & (moves - 1) == 0:
                break
        return moves


def _tally_in_threads(
    block: np.ndarray, view: np.void, moves: int, by_margin: bool, threads: int, parts: np.ndarray
) -> None:
    """:func:`tally` of ``block``, in pieces: the rows of ``parts`` (int64 [len(block), 28]) add up to the totals."""

    def work(part: slice, memory: np.void) -> None:
        tally(block[part], view, np.uint32(moves), by_margin, memory, parts[part.start])

    solver.in_threads(work, len(block), threads)


@njit(cache=True, nogil=True)
def choose(view: np.void, key: np.uint64, num_worlds: int, told: Evidence, m: np.void) -> int:
    """The play of :class:`EQ` for one view in its tricks; ``m`` is a memory of the solver."""
    moves = _candidates(view)
    if popcount(moves) == 1:
        return lowest(moves)
    sampled = evidence.sample(view, num_worlds, key, told)
    by_margin = goals.by_margin(view.scoring)
    moves = _race(sampled, view, moves, by_margin, m)
    if not by_margin and popcount(moves) > 1:
        moves = _race(sampled[: _num_tie_worlds(view, num_worlds)], view, moves, True, m)
    return _least_given(moves)


@njit(cache=True, nogil=True)
def _choose_many(
    views: np.ndarray, keys: np.ndarray, num_worlds: int, told: Evidence, m: np.void, actions: np.ndarray
) -> None:
    for b in range(len(views)):
        actions[b] = choose(views[b], keys[b], num_worlds, told, m)


@njit(cache=True, nogil=True)
def _race(sampled: np.ndarray, view: np.void, moves: np.uint32, by_margin: bool, m: np.void) -> np.uint32:
    """The plays of ``moves`` (bits) that come out on top over ``sampled`` worlds, equal ones together.

    ``by_margin`` asks for the points of each world, else for who wins it.
    """
    totals = np.zeros(NUM_DOMINOES, np.int64)
    most = span(view, by_margin)
    if not by_margin and (threshold(view) <= 0 or threshold(view) > goals.points_left(view)):
        return moves  # already decided
    for w in range(len(sampled)):
        tally(sampled[w : w + 1], view, moves, by_margin, m, totals)
        moves = _survivors(totals, moves, most * (len(sampled) - w - 1))
        if popcount(moves) == 1:
            break
    return moves


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
