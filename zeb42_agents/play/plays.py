"""The verdicts on a play, over sampled worlds and with all hands open."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import solver, worlds
from zeb42_agents.play.verdicts import CouldKnow, Hindsight, judge, win_values
from zeb42_agents.search.ends import solved_points
from zeb42_env import Hand, Phase
from zeb42_env._core import goals
from zeb42_env._core.dominoes import HAND_POINTS


def could_know(
    view: np.void,
    played: int,
    key: np.uint64,
    *,
    num_worlds: int = 100,
    threads: int = 1,
    weights: np.ndarray | None = None,
) -> tuple[CouldKnow, float]:
    """The verdict on playing ``played`` from ``view``, that of the seat to move, and the share of hands won before it
    with the best play. ``weights`` [28, 4] as for :func:`zeb42_agents.worlds.sample`."""
    team = int(view["seat"]) & 1
    own = _own_points(view, team, key, num_worlds, threads, weights)
    dominoes = [int(domino) for domino in np.flatnonzero(own[0] != solver.ILLEGAL)]
    points = own[:, dominoes]
    wins = win_values(view, team, points)
    by_margin = bool(goals.by_margin(view["scoring"]))
    verdict = judge(
        played,
        dominoes,
        points.astype(float) if by_margin else wins,
        unit="points" if by_margin else "win",
        num_worlds=num_worlds,
        points=points,
    )
    return verdict, float(wins.max(1).mean())


def win_share(view: np.void, team: int, key: np.uint64, *, num_worlds: int = 100, threads: int = 1) -> float:
    """The share of hands that ``team`` wins from ``view`` on, any seat's in the tricks, over sampled worlds that are
    each played perfectly."""
    sampled = _sample(view, key, num_worlds)
    points = np.empty(num_worlds, np.int64)

    def work(part: slice, memory: np.void) -> None:
        _solve_ends(sampled[part], memory, points[part])

    solver.in_threads(work, num_worlds, threads)
    return float(win_values(view, team, points if team == 0 else HAND_POINTS - points).mean())


@njit(cache=True, nogil=True)
def _solve_ends(sampled: np.ndarray, memory: np.void, points: np.ndarray) -> None:
    for w in range(len(sampled)):
        points[w] = solved_points(sampled[w], memory)


def hindsight(hand: Hand, played: int) -> Hindsight:
    """The exact values of all plays at ``hand``, whole and in its tricks, where ``played`` was played."""
    record, team = hand.record, hand.to_move & 1
    taken = int(record["points"][0])
    first = {domino: taken + points for domino, points in solver.solve(hand).items()}
    own = {domino: points if team == 0 else HAND_POINTS - points for domino, points in first.items()}
    wins = {domino: float(win_values(record, team, np.array(points))) for domino, points in own.items()}
    return Hindsight(played=played, points=own, wins=wins)


def perfect_line(hand: Hand) -> tuple[int, ...] | None:
    """The plays from ``hand`` to its end if all play perfectly with all hands open, of equal ones the lowest domino
    each time; None before the first lead."""
    if hand.phase not in (Phase.TRICKS, Phase.OVER):
        return None
    played, at = [], hand.clone()
    while not at.is_over:
        options = solver.solve(at)
        best = (max if at.to_move & 1 == 0 else min)(options.values())
        played.append(min(domino for domino, points in options.items() if points == best))
        at.apply(played[-1])
    return tuple(played)


def _own_points(
    view: np.void, team: int, key: np.uint64, num_worlds: int, threads: int, weights: np.ndarray | None
) -> np.ndarray:
    """Points int64 [W, 28] that ``team`` ends the hand with after each play in each world; ILLEGAL (-1)."""
    sampled = _sample(view, key, num_worlds, weights)
    to_go = solver.solve_worlds(sampled, threads=threads).astype(np.int64)
    final = to_go + int(view["points"][0])
    return np.where(to_go == solver.ILLEGAL, solver.ILLEGAL, final if team == 0 else HAND_POINTS - final)


def _sample(view: np.void, key: np.uint64, num_worlds: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Worlds HAND [num_worlds] of ``view``, all as likely, or by ``weights`` [28, 4]."""
    weighed = worlds.uniform_weights(1) if weights is None else np.ascontiguousarray(weights, np.float32)[None]
    return worlds.sample_many(np.array([view]), num_worlds, np.array([key], np.uint64), weighed)[0]
