"""Views to learn beliefs from, with the deals behind them: hands of several players, alone and mixed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_agents.files import read_array
from zeb42_agents.training.ladder.states import deal_hands, key_of
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import HAND, TRICKS
from zeb42_env.records import check_records
from zeb42_env.rules import Rules
from zeb42_env.table import Table

RULES = (
    (Rules(contract="random", scoring="majority"), 0.25),
    (Rules(contract="random", scoring="contract"), 0.05),
    (Rules(contract="dropped30", scoring="contract"), 0.15),
    (Rules(contract="most_trumps", scoring="contract"), 0.2),
    (Rules(), 0.25),  # an auction, for marks
    (Rules(episode="match"), 0.1),
)
"""What the hands are played under, and how many of them are."""
VIEW = np.dtype([("view", HAND), ("owner", np.int8, (NUM_DOMINOES,)), ("table", np.int8)])
"""A view of a seat that is to play, the seat that was dealt each domino, and whose table it was (MIXED: several)."""
ALONE = 0.6  # share of the tables at which one player has all four seats
MIXED = -1
_DEAL, _PLAY, _SEATS, _DRAWN = range(4)


def collect(players: Sequence[Agent], num_hands: int, share: float, seed: np.uint64) -> np.ndarray:
    """VIEW [N]: ``share`` of the plays of ``num_hands`` hands. All follows from ``seed``."""
    hands = deal_hands(num_hands, key_of(seed, _DEAL), RULES)
    owners = hands["owner"].copy()
    rng = np.random.default_rng(int(key_of(seed, _SEATS)))
    seated = rng.integers(len(players), size=(num_hands, NUM_SEATS))
    alone = rng.random(num_hands) < ALONE
    seated[alone] = seated[alone, :1]
    drawing = np.random.default_rng(int(key_of(seed, _DRAWN)))
    table = Table(hands, mix_all(key_of(seed, _PLAY), np.arange(num_hands, dtype=np.uint64)))
    found = []
    while len((turn := table.turn()).rows):
        drawn = (turn.views["phase"] == TRICKS) & (drawing.random(len(turn.rows)) < share)
        some = np.empty(int(drawn.sum()), VIEW)
        of = turn.rows[drawn]
        some["view"], some["owner"] = turn.views[drawn], owners[of]
        some["table"] = np.where(alone[of], seated[of, 0], MIXED)
        found.append(some)
        actions, who = np.empty(len(turn.rows), np.int64), seated[turn.rows, turn.views["to_move"]]
        for number, player in enumerate(players):
            if len(rows := np.flatnonzero(who == number)):
                actions[rows] = player.act(turn.views[rows], turn.keys[rows])
        table.take(turn.rows, actions)
    return np.concatenate(found)


def read_views(path: Path) -> np.ndarray:
    """The VIEW [N] in the file ``path``. ValueError if it is damaged or foreign."""
    found = read_array(path)
    if found.dtype != VIEW or found.ndim != 1:
        raise ValueError(f"expected views with the deals behind them in {path}, got {found.dtype} {list(found.shape)}")
    if not ((found["owner"] >= 0) & (found["owner"] < NUM_SEATS)).all():
        raise ValueError(f"expected seats 0..3 that were dealt the dominoes in {path}, got others")
    check_records(np.ascontiguousarray(found["view"]), f"the views in {path}")
    return found
