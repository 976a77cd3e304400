"""States for labels: hands at mixed tables, and the states in them that the mind reached itself.

Half of the hands are played by the mind at all four seats. In the others it has strangers as opponents, as its partner,
or both. Wherever it is to move some plays are explored. The hands follow several protocols, since what a hand is played
for changes how to play it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.agent import Agent
from zeb42_agents.minds import Mind, choose
from zeb42_agents.simple_bidder import simple_calls
from zeb42_env._core import tables
from zeb42_env._core.bits import below, mix, mix_all, nth_bit, popcount, unit
from zeb42_env._core.goals import decided
from zeb42_env._core.record import HAND, TRICKS, legal_plays
from zeb42_env.rules import Rules
from zeb42_env.table import Table

RULES = (
    (Rules(contract="random", scoring="majority"), 0.35),
    (Rules(contract="random", scoring="contract"), 0.1),
    (Rules(contract="dropped30", scoring="contract"), 0.2),
    (Rules(contract="most_trumps", scoring="contract"), 0.2),
    (Rules(contract="random", scoring="points"), 0.05),
    (Rules(), 0.1),  # an auction, for marks
)
"""What the hands are played under, and how many of them are. The first line is the published format."""
MIND = -1
_DEAL, _PLAY, _SEATS, _RULES = range(4)


def mixture(majority: float) -> tuple[tuple[Rules, float], ...]:
    """``RULES`` with a share of ``majority`` for the published format; what is left the others have as before."""
    (published, usual), *others = RULES
    return (published, majority), *((rules, share * (1 - majority) / (1 - usual)) for rules, share in others)


def key_of(seed: int | np.uint64, *names: int) -> np.uint64:
    """A key that belongs to ``seed`` and ``names``."""
    key = np.uint64(seed)
    for name in names:
        key = np.uint64(mix(key, np.uint64(name)))
    return key


@dataclass(frozen=True)
class Players:
    """Who sits at the tables."""

    mind: Mind
    strangers: Sequence[Agent]
    explore: float
    """Share of the mind's plays that are taken at random."""


class States(NamedTuple):
    """States where the mind had a choice that mattered; N of them."""

    views: np.ndarray
    """HAND [N], what the mind saw."""
    keys: np.ndarray
    """uint64 [N], what is random about each."""
    hands: np.ndarray
    """HAND [N], all hands open: for those who judge what the mind did, never for a player."""


def reach_states(
    players: Players,
    *,
    num_hands: int,
    share: float,
    seed: np.uint64,
    rules: Sequence[tuple[Rules, float]] = RULES,
) -> States:
    """Play ``num_hands`` hands and draw ``share`` of the states in them where the mind had a choice that mattered.

    They are played under ``rules``, a mixture. All follows from ``seed``.
    """
    hands = deal_hands(num_hands, seed, rules)
    numbers = np.arange(num_hands, dtype=np.uint64)
    table = Table(hands, mix_all(key_of(seed, _PLAY), numbers))
    seated = _seat(num_hands, len(players.strangers), key_of(seed, _SEATS))
    drawn_states: list[States] = []
    while len((turn := table.turn()).rows):
        actions = np.empty(len(turn.rows), np.int64)
        who = seated[turn.rows, turn.views["seat"]]
        playing = turn.views["phase"] == TRICKS
        actions[~playing] = simple_calls(turn.views[~playing])
        for number, stranger in enumerate(players.strangers):
            if len(rows := np.flatnonzero(playing & (who == number))):
                actions[rows] = stranger.act(turn.views[rows], turn.keys[rows])
        rows = np.flatnonzero(playing & (who == MIND))
        drawn = np.empty(len(rows), np.bool_)
        actions[rows] = _play(players.mind, players.explore, share, turn.views[rows], turn.keys[rows], drawn)
        rows = rows[drawn]
        drawn_states.append(States(turn.views[rows], turn.keys[rows], table.hands[turn.rows[rows]]))
        table.take(turn.rows, actions)
    return States(*map(np.concatenate, zip(*drawn_states, strict=True)))


def deal_hands(num_hands: int, seed: np.uint64, rules: Sequence[tuple[Rules, float]] = RULES) -> np.ndarray:
    """HAND [num_hands] under all of ``rules``, which say for each how many of the hands are played by it."""
    kinds = np.random.default_rng([int(seed), _RULES]).choice(len(rules), num_hands, p=[p for _, p in rules])
    hands = np.empty(num_hands, HAND)
    for kind, (one, _) in enumerate(rules):
        rows = np.flatnonzero(kinds == kind)
        some = np.repeat(one.blank_record(), len(rows))
        tables.deal_numbers(some, key_of(seed, _DEAL), rows.astype(np.uint64), one.contract_code)
        hands[rows] = some
    return hands


def _seat(num_hands: int, num_strangers: int, seed: np.uint64) -> np.ndarray:
    """Who sits where: int8 [B, 4], MIND or the number of a stranger. The mind has a seat at each table."""
    rng = np.random.default_rng(int(seed))
    seated = np.full((num_hands, 4), MIND, np.int8)
    if not num_strangers:
        return seated
    kind, turned = rng.random(num_hands), rng.integers(4, size=num_hands)
    opponents = rng.integers(num_strangers, size=(num_hands, 2))
    partner = rng.integers(num_strangers, size=num_hands)
    for b in range(num_hands):
        if kind[b] >= 0.5:
            if kind[b] < 0.85:  # strangers of one kind as opponents
                seated[b, [1, 3]] = opponents[b, 0]
            if kind[b] >= 0.75:  # a stranger as its partner
                seated[b, 2] = partner[b]
            seated[b] = np.roll(seated[b], turned[b])
    return seated


@njit(cache=True, nogil=True)
def _play(
    mind: Mind, explore: float, share: float, views: np.ndarray, keys: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """The mind's plays int64 [B], some at random, and whether each state is drawn for a label, into ``drawn`` [B]."""
    actions = np.empty(len(views), np.int64)
    stream = np.empty(1, np.uint64)
    for b in range(len(views)):
        legal = legal_plays(views[b])
        stream[0] = mix(keys[b], np.uint64(0))
        explored = unit(stream) < explore
        has_choice = popcount(legal) > 1 and not decided(views[b])
        drawn[b] = has_choice and unit(stream) < share
        if explored:
            actions[b] = nth_bit(np.uint64(legal), below(stream, popcount(legal)))
        else:
            actions[b] = choose(mind, views[b], mix(keys[b], np.uint64(1)))
    return actions
