"""Hands as data for others: Parquet files of hands, and arrays of decisions for learning from them.

    hands = read_hands("hands.parquet")
    data = decisions(hands)             # what each seat saw, what it did, who held what, how it ended
    data.save("decisions.npz")

Files may come from anywhere: they hold notation and plain numbers, and every hand is replayed by the rules on reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zeb42_agents.extras import needs_extras
from zeb42_env import Hand, check_records, legal_masks, observe_many
from zeb42_env._core import goals
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES
from zeb42_env._core.record import (
    DECLARE,
    HAND,
    NOBODY,
    NUM_ACTIONS,
    OVER,
    apply,
    blank,
    num_decisions,
    rewind,
)
from zeb42_env._core.tokens import belief_labels
from zeb42_env.notation import format_hand
from zeb42_env.observation import ObservationForm

if TYPE_CHECKING:
    from torch.utils.data import TensorDataset

COLUMNS = {
    "notation": "string",  # the whole hand, which Hand.parse reads; the rest is there to select by
    "bidder": "int8",  # -1 if nobody bid
    "bid": "int16",  # in points, 42 a mark; 0 if nobody bid
    "declaration": "int8",  # 0..9; -1 if nothing was declared
    "points_02": "int8",  # of seats 0&2
    "points_13": "int8",
    "made": "bool_",  # null unless the hand is over and somebody bid
    "score_02": "float32",  # to seats 0&2, in the unit of its scoring; null unless the hand is over
}
"""The columns of a Parquet file of hands, and their Arrow types."""


def write_hands(path: str | Path, hands: np.ndarray) -> None:
    """Write full ``hands`` (HAND records [N]) to a Parquet file, a row each; see COLUMNS. Needs the extra ``data``.

    ValueError for views, whose hidden dominoes cannot be written down.
    """
    with needs_extras():
        import pyarrow as pa
        import pyarrow.parquet as pq
    hands = _full(hands)
    over = hands["phase"] == OVER
    decided = over & (hands["bidder"] >= 0)
    values: dict[str, Any] = {
        "notation": [format_hand(hand) for hand in hands],
        "bidder": hands["bidder"],
        "bid": hands["bid"],
        "declaration": hands["declaration"],
        "points_02": hands["points"][:, 0],
        "points_13": hands["points"][:, 1],
        "made": [bool(goals.made(hand)) if known else None for hand, known in zip(hands, decided, strict=True)],
        "score_02": [float(goals.score(hand)) if known else None for hand, known in zip(hands, over, strict=True)],
    }
    columns = {name: pa.array(values[name], getattr(pa, kind)()) for name, kind in COLUMNS.items()}
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_hands(path: str | Path) -> np.ndarray:
    """The hands (HAND records [N]) of a Parquet file with a ``notation`` column, or of an arena's run folder.

    Needs the extra ``data`` for Parquet. ValueError, or its NotationError, names what is not a hand.
    """
    if Path(path).is_dir():
        return _parsed(_notation_of_run(Path(path)), path)
    with needs_extras():
        import pyarrow as pa
        import pyarrow.parquet as pq
    try:
        (lines,) = pq.read_table(path, columns=["notation"]).to_pydict().values()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(
            f"expected a Parquet file of hands, got {path}: {' '.join(str(error).split())[:200]}"
        ) from None
    return _parsed(lines, path)


def _notation_of_run(folder: Path) -> Iterable[str]:
    """The notation of every hand that an arena wrote down; other lines are passed over, as the arena does."""
    for file in sorted(folder.glob("hands-*.jsonl")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:  # cut off by a stop
                continue
            if isinstance(row, dict) and isinstance(row.get("hand"), str):
                yield row["hand"]


def _parsed(lines: Iterable[Any], path: str | Path) -> np.ndarray:
    records = []
    for number, line in enumerate(lines):
        if not isinstance(line, str):
            raise ValueError(f"expected notation in row {number} of {path}, got {line!r}")
        try:
            records.append(Hand.parse(line).record)
        except ValueError as error:
            raise ValueError(f"in row {number} of {path}: {error}") from None
    return np.array(records, HAND)


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Every decision of some hands, in order, as arrays that share their first axis: B decisions."""

    observation: np.ndarray
    """int8 [B, 571] planes, [B, 33, 40] tokens, or [B, 627] flat: what the seat to move saw."""
    action_mask: np.ndarray
    """int8 [B, 56], 0/1: what it could do."""
    action: np.ndarray
    """int64 [B]: what it did."""
    owner: np.ndarray
    """int8 [B, 28]: who holds each hidden domino: 0 left of the seat, 1 its partner, 2 its right, -1 not hidden."""
    outcome: np.ndarray
    """float32 [B], -1..1: what the hand was worth to its team in the end; NaN if it is not over."""
    margin: np.ndarray
    """float32 [B], -1..1: its team's points less the others', as a share of 42; NaN if the hand is not over."""
    seat: np.ndarray
    """int8 [B]: who was to move."""
    hand: np.ndarray
    """int64 [B]: which of the hands it was."""

    def __len__(self) -> int:
        return len(self.action)

    def save(self, path: str | Path) -> None:
        """Write the arrays to a compressed ``.npz`` file, under their own names."""
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> Decisions:
        """The arrays that :meth:`save` wrote. Nothing is unpickled."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def to_torch(self) -> TensorDataset:
        """A ``torch.utils.data.TensorDataset`` of the arrays, in the order of the fields; they share memory."""
        with needs_extras():
            import torch
            from torch.utils.data import TensorDataset
        return TensorDataset(*(torch.from_numpy(getattr(self, field.name)) for field in fields(self)))


def decisions(hands: np.ndarray, form: ObservationForm = "planes") -> Decisions:
    """Every decision of full ``hands`` (HAND records [N]), hand by hand: what was seen, done, hidden, and came of it.

    Observations hold what the seat may know and nothing else; ``owner`` is what it may not. ValueError for views.
    """
    hands = _full(hands)
    which = np.repeat(np.arange(len(hands)), [num_decisions(hand) for hand in hands])
    size = len(which)
    views, actions = np.empty(size, HAND), np.empty(size, np.int64)
    owner, ends = np.empty((size, NUM_DOMINOES), np.int8), np.empty((2, size), np.float32)
    _unroll(hands, views, actions, owner, ends)
    return Decisions(
        observation=observe_many(views, views["seat"], form),
        action_mask=legal_masks(views),
        action=actions,
        owner=owner,
        outcome=ends[0],
        margin=ends[1],
        seat=views["seat"].copy(),
        hand=which,
    )


def _full(hands: np.ndarray) -> np.ndarray:
    """``hands`` as kernels take them; ValueError unless they are full hands that play can have made."""
    hands = check_records(hands, "hands")
    if hands.ndim != 1 or (hands["seat"] != NOBODY).any():
        raise ValueError(f"expected full hands [N], got {'a view' if hands.ndim == 1 else list(hands.shape)}")
    return hands


@njit(cache=True, nogil=True)
def _unroll(hands: np.ndarray, views: np.ndarray, actions: np.ndarray, owner: np.ndarray, ends: np.ndarray) -> None:
    """Write every decision of ``hands`` [N], one after the other, into the other arrays [B]; ``ends`` [2, B] takes
    outcome and margin."""
    row = 0
    work = np.empty(1, hands.dtype)
    for n in range(len(hands)):
        hand = hands[n]
        outcome, margin = np.nan, np.nan
        if hand.phase == OVER:
            margin = (np.int64(hand.points[0]) - np.int64(hand.points[1])) / HAND_POINTS
            outcome = goals.outcome(hand, np.int64(hand.points[0])) if hand.bidder >= 0 else 0.0
        num_calls = 0
        for place in range(len(hand.calls)):
            num_calls += hand.calls[place] >= 0
        before_play = num_calls + (num_calls > 0 and hand.declaration >= 0)
        work[0] = hand
        rewind(work[0], 0)
        for taken in range(num_decisions(hand)):
            if taken < num_calls:
                action = np.int64(hand.calls[taken])
            elif taken < before_play:
                action = DECLARE + np.int64(hand.declaration)
            else:
                action = np.int64(hand.plays[taken - before_play])
            seat = work[0].to_move
            sign = 1.0 if seat & 1 == 0 else -1.0
            views[row] = work[0]
            blank(views[row], seat)
            belief_labels(hand.owner, views[row], True, owner[row])
            actions[row] = action
            ends[0, row], ends[1, row] = sign * outcome, sign * margin
            assert 0 <= action < NUM_ACTIONS
            apply(work[0], action)
            row += 1
