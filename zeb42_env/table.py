""":class:`Table`: many hands at play side by side, and the one loop that asks for their decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zeb42_env._core import tables
from zeb42_env._core.record import HAND, NOBODY
from zeb42_env.records import as_records
from zeb42_env.rules import action_text, is_action


class Turn(NamedTuple):
    """The decisions that a table waits for; R of them, one for each hand that is not over."""

    rows: np.ndarray
    """int64 [R], the hands."""
    views: np.ndarray
    """HAND [R], what the seat to move of each may know."""
    keys: np.ndarray
    """uint64 [R], what each decision draws its randomness from."""


class Table:
    """Hands at play. A round of play is a turn and its answer:

    >>> while len((turn := table.turn()).rows):
    ...     table.take(turn.rows, agent.act(turn.views, turn.keys))

    Args:
        hands: HAND [B], full hands in any phase and under any rules; played in place, unless they come from a file and
            must be copied: ``table.hands`` is what is played.
        keys: uint64 [B], what the players of each hand draw from. Decision number k of a hand gets a key of its own,
            whatever the rest of the table does; the hand's key cannot be told from it.
    """

    def __init__(self, hands: np.ndarray, keys: np.ndarray) -> None:
        if getattr(hands, "dtype", None) != HAND or hands.ndim != 1:
            raise ValueError(f"expected HAND records [B], got {type(hands).__name__}")
        if keys.dtype != np.uint64 or keys.shape != hands.shape:
            raise ValueError(f"expected uint64 keys [{len(hands)}], got {keys.dtype} {list(keys.shape)}")
        self.hands = as_records(hands)
        self.keys = keys

    @property
    def live(self) -> np.ndarray:
        """The hands that somebody is to move in: int64 [R]."""
        return np.flatnonzero(self.hands["to_move"] >= 0)

    def turn(self, rows: np.ndarray | None = None) -> Turn:
        """The decisions of ``rows`` (int64 [R], hands that are not over), by default of all that are live."""
        rows = self.live if rows is None else rows
        views, keys = np.empty(len(rows), HAND), np.empty(len(rows), np.uint64)
        tables.show(self.hands, rows, self.keys, views, keys)
        return Turn(rows, views, keys)

    def try_actions(self, rows: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Take ``actions`` (integers [R]) in the hands ``rows`` where legal; says where they were, bool [R]."""
        legal = np.empty(len(rows), np.bool_)
        tables.take(self.hands, rows, np.asarray(actions).astype(np.int64, copy=False), legal)
        return legal

    def take(self, rows: np.ndarray, actions: np.ndarray) -> None:
        """Take ``actions`` (integers [R]) in the hands ``rows``. ValueError at an illegal one; the others are taken."""
        legal = self.try_actions(rows, actions)
        if not legal.all():
            worst = int(np.flatnonzero(~legal)[0])
            action, seat = int(actions[worst]), int(self.hands["to_move"][rows[worst]])
            words = f" ({action_text(action)})" if is_action(action) else ""
            raise ValueError(f"expected a legal action for seat {seat} of hand {rows[worst]}, got {action}{words}")

    def drop(self, rows: np.ndarray | int) -> None:
        """Stop the hands ``rows`` where they are: nobody is to move in them any more."""
        self.hands["to_move"][rows] = NOBODY


def play_out(table: Table, act: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Play every hand of ``table`` to its end; ``act(views, keys)`` gives an action for each, as agents do.

    The hands are played in place: for another agent to play the same deals, deal them again, or give each table a copy.
    ValueError if they are all over.
    """
    if len(table.hands) and not len(table.live):
        raise ValueError(
            f"expected hands to play, got {len(table.hands)} that are over; a table plays its hands in place, so give "
            f"each of two tables a copy of the deals"
        )
    while len((turn := table.turn()).rows):
        table.take(turn.rows, act(turn.views, turn.keys))
