"""The mind that knows nothing but the rules: it lets dice play the worlds behind its view to their end.

It samples worlds behind its own view, plays each legal domino in all of them, lets dice play the hand to its end, and
takes the play that reaches the goal most often: the best response, one ply deep, to players who play at random. The
literature calls a best response to such minds level 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents import worlds
from zeb42_env._core.bits import below, lowest, mix, nth_bit, popcount
from zeb42_env._core.dominoes import COUNT, HAND_POINTS, LED_SUIT, NUM_DOMINOES, NUM_SEATS, POWER, SUIT_MEMBERS
from zeb42_env._core.goals import by_margin, outcome, target
from zeb42_env._core.record import HAND, legal_plays

NEVER = 2 * HAND_POINTS  # more points than a team can take


class DiceMind(NamedTuple):
    """A mind that best-responds to dice, and what it works in. One for each thread."""

    worlds: np.ndarray
    """HAND [inner], the worlds that it samples."""
    held: np.ndarray
    """uint32 [4], the dominoes left in a playout."""
    even: np.ndarray
    """float64 [28, 4], weights under which all worlds are equally likely."""


def dice_of(num_worlds: int) -> DiceMind:
    """Dice that look at ``num_worlds`` worlds for each of its decisions."""
    return DiceMind(
        worlds=np.empty(num_worlds, HAND),
        held=np.empty(NUM_SEATS, np.uint32),
        even=np.ones((NUM_DOMINOES, NUM_SEATS)),
    )


@njit(cache=True, nogil=True)
def choose_by_dice(mind: DiceMind, view: np.void, key: np.uint64) -> int:
    """The play of ``mind`` for ``view``, a view in its tricks of the seat to move."""
    legal = legal_plays(view)
    if popcount(legal) == 1:
        return lowest(legal)
    consistent = worlds.sample_into(view, key, mind.even, mind.worlds)
    assert consistent
    stream = np.empty(1, np.uint64)
    stream[0] = mix(key, np.uint64(1))
    sign = 1.0 if view.seat & 1 == 0 else -1.0
    best, best_worth = -1, -np.inf
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        total = 0.0
        for w in range(len(mind.worlds)):
            total += finish_by_dice(mind.worlds[w], domino, mind.held, stream)
        worth = sign * total
        if worth > best_worth or (worth == best_worth and COUNT[domino] < COUNT[best]):
            best, best_worth = domino, worth
    return best


@njit(cache=True, nogil=True)
def finish_by_dice(world: np.void, domino: int, held: np.ndarray, stream: np.ndarray) -> float:
    """What it comes to for seats 0&2, -1..1, if ``domino`` is played in ``world`` and dice play the rest of the hand.

    The playout ends where the hand is won; ``world`` is not changed. ``held`` is scratch.
    """
    declaration, num_plays = np.int64(world.declaration), np.int64(world.num_plays)
    margin = by_margin(world.scoring)
    win_0, win_1 = (NEVER, NEVER) if margin else (target(world, 0), target(world, 1))
    points_0, points_1 = np.int64(world.points[0]), np.int64(world.points[1])
    for seat in range(NUM_SEATS):
        held[seat] = world.held[seat]
    leader, place = np.int64(world.leader), num_plays & 3
    led, best, power, points = 0, 0, 0, 1
    for i in range(place):
        lying = np.int64(world.plays[num_plays - place + i])
        if i == 0:
            led = np.int64(LED_SUIT[declaration, lying])
        if POWER[declaration, led, lying] > power:
            best, power = i, np.int64(POWER[declaration, led, lying])
        points += COUNT[lying]
    for _ in range(num_plays, NUM_DOMINOES):
        seat = (leader + place) & 3
        if domino < 0:
            legal = held[seat]
            if place:
                follow = legal & SUIT_MEMBERS[declaration, led]
                legal = follow if follow else legal
            num_legal = popcount(legal)
            domino = lowest(legal) if num_legal == 1 else nth_bit(np.uint64(legal), below(stream, num_legal))
        held[seat] &= ~(np.uint32(1) << np.uint32(domino))
        if place == 0:
            led, best, power, points = np.int64(LED_SUIT[declaration, domino]), 0, 0, 1
        if POWER[declaration, led, domino] > power:
            best, power = place, np.int64(POWER[declaration, led, domino])
        points += COUNT[domino]
        domino = -1
        place += 1
        if place == NUM_SEATS:
            leader, place = (leader + best) & 3, 0
            if leader & 1:
                points_1 += points
            else:
                points_0 += points
            if points_0 >= win_0:
                return 1.0
            if points_1 >= win_1:
                return -1.0
    return outcome(world, points_0)
