"""Many episodes side by side: lane l plays one episode after the other, and depends on its key alone.

A lane has a learner's seat, or none for self-play. The other seats are played by the built-in random players inside
the kernels, or by whoever the caller asks when a lane is WAITING: ``tables.show`` with :func:`guest_keys`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.bits import below, mix, nth_bit, popcount
from zeb42_env._core.episodes import (
    built_in_key,
    episode_over,
    first_hand,
    guest_key,
    hand_key,
    lane_key,
    next_hand,
    payoff,
    trick_margin,
)
from zeb42_env._core.goals import score, stake
from zeb42_env._core.observe import observe_hands
from zeb42_env._core.record import HAND, NOBODY, OVER, apply, legal_mask
from zeb42_env._core.tables import is_legal, write_mask

LEARNER, WAITING, DONE, BROKEN = 0, 1, 2, 3
"""What a lane is at: the learner is to move; another player is; the episode is over; an illegal action ended it."""

SELF_PLAY, RANDOM_SEAT = -1, -2
"""Seat rules beyond 0..3: nobody's in particular; one drawn for each episode."""


class Lanes(NamedTuple):
    """The state of N lanes."""

    hands: np.ndarray
    """HAND [N]"""
    keys: np.ndarray
    """uint64 [N], from which all of the lane follows"""
    episodes: np.ndarray
    """int64 [N], episodes begun"""
    episode_keys: np.ndarray
    """uint64 [N]"""
    numbers: np.ndarray
    """int64 [N], number of the hand in its match"""
    streams: np.ndarray
    """uint64 [N, 1], what the learner's seat and the moves of built-in players are drawn from"""
    seats: np.ndarray
    """int8 [N], the learner's seat; -1 self-play"""


def new_lanes(num_lanes: int) -> Lanes:
    """Lanes that are still to be given keys and begun."""
    return Lanes(
        np.zeros(num_lanes, HAND),
        np.zeros(num_lanes, np.uint64),
        np.zeros(num_lanes, np.int64),
        np.zeros(num_lanes, np.uint64),
        np.zeros(num_lanes, np.int64),
        np.zeros((num_lanes, 1), np.uint64),
        np.full(num_lanes, NOBODY, np.int8),
    )


class Course(NamedTuple):
    """How the episodes of all lanes run."""

    contract: int
    """How the contract comes about"""
    seat_rule: int
    """The learner's seat, SELF_PLAY or RANDOM_SEAT"""
    per_trick: bool
    """Whether tricks are paid as they are taken"""
    random_players: bool
    """Whether the kernels play the other seats"""


@njit(cache=True)
def _settle(lanes: Lanes, lane: int, course: Course) -> tuple[int, float]:
    """Go on to the learner's turn, another player's, or the end; returns that and what seats 0&2 were paid."""
    reward = 0.0
    hand = lanes.hands[lane]
    while True:
        if hand.phase == OVER:
            if not course.per_trick:
                reward += payoff(hand)
            if episode_over(hand):
                return DONE, reward
            lanes.numbers[lane] += 1
            next_hand(hand, score(hand), hand_key(lanes.episode_keys[lane], lanes.numbers[lane]), course.contract)
        if lanes.seats[lane] == NOBODY or hand.to_move == lanes.seats[lane]:
            return LEARNER, reward
        if not course.random_players:
            return WAITING, reward
        legal = legal_mask(hand)
        apply(hand, nth_bit(legal, below(lanes.streams[lane], popcount(legal))))
        if course.per_trick:
            reward += trick_margin(hand)


@njit(cache=True)
def seed_lanes(lanes: Lanes, seed: np.uint64, go: np.ndarray) -> None:
    """Give the lanes that ``go`` (bool [N]) names the keys that belong to them and ``seed``, and start them over."""
    for lane in range(len(go)):
        if go[lane]:
            lanes.keys[lane] = lane_key(seed, np.uint64(lane))
            lanes.episodes[lane] = 0


@njit(cache=True, nogil=True)
def begin_lanes(
    start: int, stop: int, lanes: Lanes, course: Course, go: np.ndarray, blank_hands: np.ndarray, status: np.ndarray
) -> None:
    """Begin the next episode of the lanes start..stop-1 that ``go`` (bool [N]) names; where each is at, into status."""
    for lane in range(start, stop):
        if not go[lane]:
            continue
        key = mix(lanes.keys[lane], np.uint64(lanes.episodes[lane]))
        lanes.episodes[lane] += 1
        lanes.episode_keys[lane] = key
        lanes.numbers[lane] = 0
        lanes.streams[lane, 0] = built_in_key(key)
        lanes.seats[lane] = below(lanes.streams[lane], 4) if course.seat_rule == RANDOM_SEAT else course.seat_rule
        first_hand(lanes.hands[lane], blank_hands[0], key, course.contract)
        status[lane], _ = _settle(lanes, lane, course)  # nobody is paid before the learner has moved


@njit(cache=True, nogil=True)
def resume_lanes(
    start: int, stop: int, lanes: Lanes, course: Course, go: np.ndarray, rewards: np.ndarray, status: np.ndarray
) -> None:
    """Go on to the learner's turn in the lanes that ``go`` names, after their hands were set from outside."""
    for lane in range(start, stop):
        if go[lane]:
            status[lane], reward = _settle(lanes, lane, course)
            rewards[lane] += reward


@njit(cache=True, nogil=True)
def act_lanes(
    start: int,
    stop: int,
    lanes: Lanes,
    course: Course,
    go: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    status: np.ndarray,
) -> None:
    """Take ``actions`` [N] for the seats to move in the lanes start..stop-1 that ``go`` (bool [N]) names.

    What seats 0&2 are paid until the learner's next turn is added to ``rewards`` (float64 [N]). An illegal action
    leaves the hand as it is, costs its team the stake and ends the episode: BROKEN in ``status`` (int8 [N]).
    """
    for lane in range(start, stop):
        if not go[lane]:
            continue
        hand = lanes.hands[lane]
        action = actions[lane]
        if not is_legal(hand, action):
            rewards[lane] += stake(hand) if hand.to_move & 1 else -stake(hand)
            status[lane] = BROKEN
            continue
        apply(hand, action)
        if course.per_trick:
            rewards[lane] += trick_margin(hand)
        status[lane], reward = _settle(lanes, lane, course)
        rewards[lane] += reward


@njit(cache=True, nogil=True)
def observe_lanes(
    start: int, stop: int, lanes: Lanes, status: np.ndarray, form: int, flat: np.ndarray, masks: np.ndarray
) -> None:
    """Write what the learner, or in self-play the seat to move, observes: int8 [N, size of the form] and [N, 56].

    In self-play a hand that is over is seen from seat 0. After the end nothing is legal.
    """
    seats = np.empty(stop - start, np.int8)
    for lane in range(start, stop):
        hand = lanes.hands[lane]
        seats[lane - start] = lanes.seats[lane] if lanes.seats[lane] != NOBODY else max(hand.to_move, 0)
        legal = legal_mask(hand) if status[lane] < DONE else np.uint64(0)
        write_mask(legal, masks, lane)
    observe_hands(lanes.hands[start:stop], seats, form, flat[start:stop])


@njit(cache=True)
def guest_keys(lanes: Lanes) -> np.ndarray:
    """What players from outside draw from in the hand at play in each lane: uint64 [N]."""
    keys = np.empty(len(lanes.keys), np.uint64)
    for lane in range(len(keys)):
        keys[lane] = guest_key(hand_key(lanes.episode_keys[lane], lanes.numbers[lane]))
    return keys
