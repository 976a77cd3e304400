"""The teacher: exact values of every play of a finished hand, as targets.

The deal of a hand is itself one sample of what its players could not see, drawn from the true posterior (what the
plays reveal included). So the exact double-dummy value of an action in the true deal is an unbiased sample of its
E[Q], and a network that regresses on it learns E[Q] without anybody having sampled a world: one solved deal labels all
28 decisions, and the network does the averaging. ``label_worlds`` > 0 instead samples that many worlds from each view
and solves them all, which is E[Q] as the field knows it: less noise a label, many times the work.

The calls of an auction are to be imitated: they are the shared simple bidder's, which also makes them in this stage.

This is a label writer: it reads full hands, and nothing that plays ever sees what it writes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import solver, worlds
from zeb42_agents.experience import IMITATION, VALUES, first_number, pack_value
from zeb42_agents.simple_bidder import simple_call
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, mix
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES
from zeb42_env._core.record import HAND, blank, legal_mask, legal_plays, num_decisions, rewind


@njit(cache=True, nogil=True)
def value(hand: np.void, points: int, team: int, margin_weight: float) -> float:
    """What it is worth to ``team``, -1..1, to end ``hand`` with seats 0&2 at ``points``: its outcome, mixed with the
    points margin, which does not saturate."""
    margin = (2 * points - HAND_POINTS) / HAND_POINTS
    worth = (1.0 - margin_weight) * goals.outcome(hand, points) + margin_weight * margin
    return worth if team == 0 else -worth


@njit(cache=True, nogil=True)
def label(experience: np.ndarray, memory: np.void, margin_weight: float, label_worlds: int, keys: np.ndarray) -> None:
    """Write the teacher's call and its value of every legal play into finished ``experience`` [N], in place."""
    hands = np.empty(2, HAND)
    values = np.empty((NUM_DOMINOES, NUM_DOMINOES), np.int8)
    for n in range(len(experience)):
        example = experience[n]
        hands[0] = example.hand
        if label_worlds == 0:
            solver.solve_plays(hands[0], memory, values)
        first = num_decisions(hands[0]) - NUM_DOMINOES
        for decision in range(first):
            hands[1] = hands[0]
            rewind(hands[1], decision)
            blank(hands[1], hands[1].to_move)
            example.meanings[decision] = IMITATION
            _label_call(hands[1], example.numbers)
        for ply in range(NUM_DOMINOES):
            hands[1] = hands[0]
            hand = hands[1]
            rewind(hand, first + ply)
            team = hand.to_move & 1
            moves = legal_plays(hand)
            sums = np.zeros(NUM_DOMINOES)
            if label_worlds == 0:
                _add(hand, values[ply], moves, team, margin_weight, sums)
            elif moves & (moves - np.uint32(1)):
                _add_worlds(hand, memory, moves, margin_weight, label_worlds, mix(keys[n], ply), sums)
            example.meanings[first + ply] = VALUES
            place = first_number(hand)
            best, k = -1.0, 0
            while moves:
                domino = lowest(moves)
                moves &= moves - np.uint32(1)
                mean = sums[domino] / max(1, label_worlds)
                best = max(best, mean)
                example.numbers[place + k] = np.uint8((mean + 1.0) * 127.0 + 0.5)
                k += 1
            if label_worlds == 0 or k > 1:  # no worlds are sampled for a forced play
                example.root_values[first + ply] = pack_value(best)


@njit(cache=True, nogil=True)
def _label_call(view: np.void, numbers: np.ndarray) -> None:
    """The shared simple bidder's call is the one to imitate."""
    legal = legal_mask(view)
    chosen = simple_call(view)
    place = first_number(view)
    while legal:
        numbers[place] = 255 if lowest(legal) == chosen else 0
        legal &= legal - np.uint64(1)
        place += 1


@njit(cache=True, nogil=True)
def _add(
    hand: np.void, values: np.ndarray, moves: np.uint32, team: int, margin_weight: float, sums: np.ndarray
) -> None:
    """Add the worth of each of ``moves`` in a world where it leaves ``values`` [28] points to go, to ``sums`` [28]."""
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        sums[domino] += value(hand, hand.points[0] + values[domino], team, margin_weight)


@njit(cache=True, nogil=True)
def _add_worlds(
    hand: np.void,
    memory: np.void,
    moves: np.uint32,
    margin_weight: float,
    num_worlds: int,
    key: np.uint64,
    sums: np.ndarray,
) -> None:
    """Add the worth of each of ``moves`` in ``num_worlds`` deals that the mover's view allows to ``sums`` [28]."""
    views = np.empty(1, HAND)
    views[0] = hand
    blank(views[0], hand.to_move)
    values = np.empty(NUM_DOMINOES, np.int8)
    sampled = worlds.sample_evenly(views[0], num_worlds, key)
    for w in range(num_worlds):
        solver.solve_moves(sampled[w], memory, moves, values)
        _add(hand, values, moves, hand.to_move & 1, margin_weight, sums)


def teach(experience: np.ndarray, keys: np.ndarray, *, margin_weight: float, label_worlds: int, threads: int) -> None:
    """Label finished ``experience`` [N], in place. ``keys`` uint64 [N] draw the worlds."""

    def work(part: slice, memory: np.void) -> None:
        label(experience[part], memory, margin_weight, label_worlds, keys[part])

    solver.in_threads(work, len(experience), threads)
