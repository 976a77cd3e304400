"""Hands to learn calls from: whole hands with an auction, in which a call or the declaration may have been explored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_env._core import tables
from zeb42_env._core.bits import mix, mix_all
from zeb42_env._core.goals import MATCH_MARKS
from zeb42_env._core.record import AUCTION, DECLARATION, HAND, PASS, TRICKS
from zeb42_env.rules import Rules
from zeb42_env.table import Table

Caller = Callable[[np.ndarray], np.ndarray]
"""The calls and declarations int64 [B] for views [B]."""
EXPERIENCE = np.dtype([("hand", HAND), ("since", np.int8)])
"""A finished hand, and the number of the first call (0..3) from which on nothing in it was explored; 4 if the
declaration was: such a hand says what contracts bring, and nothing of calls."""
EXPLORE_CALL, EXPLORE_DECLARATION = 0.45, 0.2  # shares of the hands
PASSED, LOWEST = 0.35, 0.35  # shares of explored calls; the rest are any
IN_MATCH, RESHAKEN, ONE_STAKE, TEN_DECLARATIONS = 0.5, 0.15, 0.15, 0.15  # shares of the hands
HANDS_AT_ONCE = 4096
NEVER = 4
_DEAL, _PLAY, _EXPLORE = range(3)


def collect(player: Agent, caller: Caller, num_hands: int, seed: np.uint64) -> np.ndarray:
    """EXPERIENCE [num_hands]: whole hands, ``player`` playing and ``caller`` calling at all four seats.

    Half of the hands are of a match, at any score. In nearly half a call is explored, in a fifth the declaration. All
    follows from ``seed``, a chunk of hands at a time.
    """
    found = np.empty(num_hands, EXPERIENCE)
    for first in range(0, num_hands, HANDS_AT_ONCE):
        part = found[first : first + HANDS_AT_ONCE]
        part["hand"], part["since"] = _play(player, caller, len(part), _key(seed, first))
    return found


def _play(player: Agent, caller: Caller, num_hands: int, seed: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([int(seed), _EXPLORE])
    hands = deal(num_hands, seed, rng)
    kind = rng.random(num_hands)
    explored_call = np.where(kind < EXPLORE_CALL, rng.integers(4, size=num_hands), NEVER)
    explored_trump = (kind >= EXPLORE_CALL) & (kind < EXPLORE_CALL + EXPLORE_DECLARATION)
    since = np.where(kind < EXPLORE_CALL, explored_call, np.where(explored_trump, NEVER, 0))
    table = Table(hands, mix_all(_key(seed, _PLAY), np.arange(num_hands, dtype=np.uint64)))
    while len((turn := table.turn()).rows):
        actions = np.empty(len(turn.rows), np.int64)
        phase = turn.views["phase"]
        calling, naming, playing = (np.flatnonzero(phase == p) for p in (AUCTION, DECLARATION, TRICKS))
        if len(playing):
            actions[playing] = player.act(turn.views[playing], turn.keys[playing])
        for rows, explored in (
            (calling, explored_call[turn.rows[calling]] == _place(turn.views[calling])),
            (naming, explored_trump[turn.rows[naming]]),
        ):
            if len(usual := rows[~explored]):
                actions[usual] = caller(turn.views[usual])
            if len(odd := rows[explored]):
                actions[odd] = explore(turn.views[odd], rng)
        table.take(turn.rows, actions)
    return table.hands, since


def deal(num_hands: int, seed: np.uint64, rng: np.random.Generator) -> np.ndarray:
    """HAND [num_hands] before the auction, of matches and not, under several rules."""
    hands = np.repeat(Rules().blank_record(), num_hands)
    tables.deal_numbers(hands, _key(seed, _DEAL), np.arange(num_hands, dtype=np.uint64), 0)
    hands["match"] = rng.random(num_hands) < IN_MATCH
    hands["marks"] = rng.integers(MATCH_MARKS, size=(num_hands, 2)) * hands["match"][:, None]
    hands["all_pass"] = Rules(all_pass="reshake").blank_record()["all_pass"] * (rng.random(num_hands) < RESHAKEN)
    one_stake = (rng.random(num_hands) < ONE_STAKE) & (hands["match"] == 0)
    hands["scoring"][one_stake] = Rules(scoring="contract").blank_record()["scoring"]
    every = Rules(declarations=range(10)).blank_record()["declarations"]
    hands["declarations"] = np.where(rng.random(num_hands) < TEN_DECLARATIONS, every, hands["declarations"])
    return hands


def _place(views: np.ndarray) -> np.ndarray:
    """The number of the call that each of ``views`` is to make: int64 [B]."""
    return (views["to_move"].astype(np.int64) - views["shaker"] - 1) & 3


def explore(views: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Calls and declarations int64 [B] at random: a pass or the lowest bid mostly, any declaration."""
    legal = tables.legal_masks(views)
    any_one = (rng.random(legal.shape) * legal).argmax(1)
    bids = legal.copy()
    bids[:, PASS] = 0
    kind = np.where(views["phase"] == AUCTION, rng.random(len(views)), 1.0)
    lowest = np.where(bids.any(1), bids.argmax(1), PASS)
    chosen = np.where(kind < PASSED, PASS, np.where(kind < PASSED + LOWEST, lowest, any_one))
    return np.where(legal[np.arange(len(views)), chosen], chosen, any_one)


def _key(seed: np.uint64, number: int) -> np.uint64:
    return np.uint64(mix(seed, np.uint64(number)))
