"""What a seat observes: ``planes``, one array of named pieces; ``tokens``, for a transformer; or ``flat``, the planes
and the legal actions in one array, for libraries that take no Dict.

Both are written by kernels from a *view*, so an observation cannot hold what its seat may not know.
"""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

import numpy as np
from gymnasium import spaces

from zeb42_env._core import columns, planes, tables
from zeb42_env._core import observe as core_observe
from zeb42_env._core import record as core
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.planes import PIECES, Piece
from zeb42_env.records import as_records

ObservationForm = Literal["planes", "tokens", "flat"]
FORM_CODES = {"planes": core_observe.PLANES, "tokens": core_observe.TOKENS, "flat": core_observe.PLANES}
"""The form of each that the kernels write; of ``flat`` the legal actions come behind it."""
Observation = dict[str, np.ndarray] | np.ndarray
"""A dictionary of ``observation`` and ``action_mask``, or the one array of ``flat``."""

__all__ = [
    "PIECES",
    "Observation",
    "ObservationForm",
    "Piece",
    "action_space",
    "array_shape",
    "assemble",
    "columns_table",
    "legal_masks",
    "observation_array_space",
    "observation_space",
    "observe",
    "observe_many",
    "piece",
    "pieces_table",
]


def check_form(form: str) -> None:
    """ValueError unless ``form`` is an observation form."""
    if form not in get_args(ObservationForm):
        raise ValueError(f"expected an observation form, got {form!r}; allowed: {', '.join(get_args(ObservationForm))}")


def observation_array_space(form: ObservationForm) -> spaces.Box:
    """The space of one observation array: int8 [571] planes, int8 [33, 40] tokens, or int8 [627] flat."""
    check_form(form)
    if form != "tokens":
        highs = planes.HIGHS if form == "planes" else np.append(planes.HIGHS, np.ones(core.NUM_ACTIONS, np.int8))
        return spaces.Box(np.zeros_like(highs), highs.copy(), dtype=np.int8)
    highs = np.maximum(columns.HIGHS, 1)  # Gymnasium wants room even where a token has no column
    return spaces.Box(np.zeros_like(highs), highs, dtype=np.int8)


def array_shape(form: ObservationForm) -> tuple[int, ...]:
    """The shape of the array that the kernels write for ``form``: of ``flat``, the planes in front."""
    space = observation_array_space("planes" if form == "flat" else form)
    return space.shape


def observation_space(form: ObservationForm) -> spaces.Dict | spaces.Box:
    """The space of an observation: the array and the legal actions (int8 [56], 0/1), in one Box for ``flat``."""
    if form == "flat":
        return observation_array_space(form)
    mask = spaces.Box(0, 1, (core.NUM_ACTIONS,), np.int8)
    return spaces.Dict({"observation": observation_array_space(form), "action_mask": mask})


def assemble(form: ObservationForm, array: np.ndarray, mask: np.ndarray) -> Observation:
    """The observation of ``form`` from its array [..., *shape] and the legal actions (int8 [..., 56])."""
    if form == "flat":
        return np.concatenate((array, mask), axis=-1)
    return {"observation": array, "action_mask": mask}


def action_space() -> spaces.Discrete:
    """The one space of actions for all phases."""
    return spaces.Discrete(core.NUM_ACTIONS)


def observe_many(hands: np.ndarray, seats: np.ndarray, form: ObservationForm = "planes") -> np.ndarray:
    """What ``seats`` [B] observe of ``hands`` (HAND records [B], full hands or the seats' own views).

    int8 [B, 571] planes, [B, 33, 40] tokens, or [B, 627] flat: the planes, and what a seat that is to move may do.
    """
    hands, shape = _batch(hands, "hands"), array_shape(form)
    seats = _seats_that_look(hands, seats)
    flat = np.empty((len(hands), int(np.prod(shape))), np.int8)
    core_observe.observe_hands(hands, seats, FORM_CODES[form], flat)
    array = flat.reshape(len(hands), *shape)
    if form != "flat":
        return array
    moves = (hands["to_move"] == seats) & (seats >= 0)
    return cast(np.ndarray, assemble(form, array, tables.legal_masks(hands) * moves[:, None]))


def legal_masks(views: np.ndarray) -> np.ndarray:
    """The legal actions of the seats to move in ``views`` (HAND records [B], full hands or views of the seat to move):
    int8 [B, 56], 0/1; all 0 where the hand is over."""
    return tables.legal_masks(_batch(views, "views"))


def _batch(hands: Any, what: str) -> np.ndarray:
    """HAND records [B]; ValueError for one record alone, or another shape."""
    records = as_records(hands, what)
    if records.ndim != 1:
        raise ValueError(f"expected {what} to be HAND records [B], got shape {list(records.shape)}; one alone is [one]")
    return records


def _seats_that_look(hands: np.ndarray, seats: Any) -> np.ndarray:
    """``seats`` int8 [B] that may look at ``hands`` [B]: ValueError for others, and for a seat that looks at a view of
    another's."""
    given = np.asarray(seats)
    if given.shape != hands.shape or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"expected seats to be whole numbers [{len(hands)}], got {given.dtype} {list(given.shape)}")
    if not ((given >= core.NOBODY) & (given < NUM_SEATS)).all():
        raise ValueError(f"expected seats in 0..3, or -1 for the state, got {given[(given < -1) | (given > 3)][0]}")
    foreign = (hands["seat"] >= 0) & (hands["seat"] != given)
    if foreign.any():
        first = int(np.flatnonzero(foreign)[0])
        raise ValueError(
            f"expected seats to look at their own views, got seat {given[first]} at that of seat "
            f"{hands['seat'][first]} (number {first})"
        )
    return given.astype(np.int8)


def observe(view: np.void, form: ObservationForm = "planes") -> np.ndarray:
    """What the seat of ``view``, one HAND record, observes; of a full hand, as planes, the state."""
    return observe_many(np.array([view], core.HAND), np.array([view["seat"]]), form)[0]


def piece(array: np.ndarray, name: str) -> np.ndarray:
    """The piece ``name`` of planes [..., 571] or of flat [..., 627], where ``action_mask`` is one too: a view of the
    array in the piece's own shape."""
    if name == "action_mask" and array.shape[-1] == planes.SIZE + core.NUM_ACTIONS:
        return array[..., planes.SIZE :]
    for candidate in PIECES:
        if candidate.name == name:
            start = planes.STARTS[name]
            flat = array[..., start : start + int(np.prod(candidate.shape))]
            return flat.reshape(*array.shape[:-1], *candidate.shape)
    raise ValueError(f"expected a piece, got {name!r}; allowed: {', '.join(p.name for p in PIECES)}")


def pieces_table() -> str:
    """The table of the planes in Markdown."""
    rows = ["| index | piece | shape | values | meaning |", "|---|---|---|---|---|"]
    for entry in PIECES:
        start = planes.STARTS[entry.name]
        last = start + int(np.prod(entry.shape)) - 1
        index = str(start) if last == start else f"{start}-{last}"
        shape = " x ".join(map(str, entry.shape))
        rows.append(f"| {index} | `{entry.name}` | {shape} | 0..{entry.high} | {entry.meaning} |")
    return "\n".join(rows)


def columns_table() -> str:
    """The table of the tokens in Markdown."""
    rows = ["| token | column | name | values | meaning |", "|---|---|---|---|---|"]
    tokens = ("0, the situation", "1-4, a seat", "5-32, a domino")
    for token, kind in zip(tokens, columns.KINDS.values(), strict=True):
        starts = columns.starts(kind)
        for column in kind:
            first = starts[column.name]
            where = str(first) if column.width == 1 else f"{first}-{first + column.width - 1}"
            rows.append(f"| {token} | {where} | `{column.name}` | 0..{column.high} | {column.meaning} |")
    return "\n".join(rows)
