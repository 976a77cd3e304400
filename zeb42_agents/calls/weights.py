"""Calls on disk: a folder of ``model.safetensors``, ``config.json`` and ``state.json``. Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zeb42_agents.calls.columns import NUM_BIDS, NUM_CALLS, NUM_END_COLUMNS, NUM_PRICE_COLUMNS, VERSION
from zeb42_agents.calls.match import match_table
from zeb42_agents.calls.network import NUM_ENDS, NUM_HEARD_COLUMNS, NUM_POINTS, UNHEARD, CallNetwork, Layers
from zeb42_agents.extras import needs_extras
from zeb42_agents.files import fingerprint, read_json, replaced_folder, write_json
from zeb42_agents.places import BUNDLED, CONFIG_FILE, MODEL_FILE, RUN_FOLDERS, STATE_FILE
from zeb42_agents.stored import contents_of, tensors_of

KIND = "calls"
FOLDER = "calls"
"""The folder beside the weights of a player in which the calls are that come with them."""


def save(folder: Path | str, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
    """Write the parameters by name (see :func:`from_tensors`) to ``folder``: it holds the old files or the new ones."""
    with needs_extras():
        from safetensors.numpy import save_file
    with replaced_folder(Path(folder)) as fresh:
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, fresh / MODEL_FILE)
        write_json(fresh / CONFIG_FILE, {"kind": KIND, "columns": VERSION})
        write_json(fresh / STATE_FILE, state)


def load(source: str | Path) -> CallNetwork:
    """The calls that ``source`` names: a folder of them, the folder of a run that learned them, a player's weights that
    they come with, or a bundled name. ValueError says what is wrong."""
    folder = locate(source)
    where = folder / MODEL_FILE
    tensors = tensors_of(contents_of(where), where)
    try:
        return from_tensors(tensors)
    except ValueError as error:
        raise ValueError(f"in {where}: {error}") from None


def locate(source: str | Path) -> Path:
    """The folder of the calls that ``source`` names, see :func:`load`. ValueError if it names none."""
    if found := _find(source):
        return found
    raise ValueError(
        f"expected calls, got {str(source)!r}, where there are none; allowed: a folder that "
        f"`zeb42 train --preset calls` wrote, or weights that come with calls "
        f"({', '.join(bundled_names()) or 'none in this installation'})"
    )


def _find(source: str | Path) -> Path | None:
    """The same; None where there are none, and ValueError where there are calls of another kind."""
    path = Path(source)
    try:
        for place in (path,) if path.is_dir() else (path, BUNDLED / path):
            for folder in (place, *(place / name for name in RUN_FOLDERS)):
                for found in (folder, folder / FOLDER):
                    if (found / MODEL_FILE).is_file() and _is_calls(found):
                        return found
    except OSError:  # a name that no file can have
        pass
    return None


def comes_with_calls(source: str | Path) -> bool:
    """Whether calls are where ``source`` says, see :func:`load`. ValueError if they are of another version."""
    return _find(source) is not None


def bundled_names() -> list[str]:
    """The weights that come with the package and with calls."""
    return sorted(folder.parents[1].name for folder in BUNDLED.glob(f"*/{FOLDER}/{MODEL_FILE}"))


def fingerprint_of(source: str | Path) -> str:
    """A hash of the files of the calls that ``source`` names."""
    folder = locate(source)
    return fingerprint([folder / MODEL_FILE, folder / CONFIG_FILE])


def _is_calls(folder: Path) -> bool:
    config = read_json(folder / CONFIG_FILE) if (folder / CONFIG_FILE).is_file() else {}
    if config.get("kind") != KIND:
        return False
    if config.get("columns") != VERSION:
        got = f"columns {config.get('columns')!r}"
        raise ValueError(f"expected calls with columns {VERSION}, the only ones there are, in {folder}, got {got}")
    return True


def from_tensors(tensors: dict[str, np.ndarray]) -> CallNetwork:
    """The network of parameters by name: ``prices.first`` and so on, ``ends.first`` and so on, ``promised``, ``made``,
    and ``odds`` (float64 [11], see :func:`match_table`); ``heard.first`` and so on, which calls of earlier versions do
    not have. ValueError unless they belong together."""
    sizes = {"prices": (NUM_PRICE_COLUMNS, NUM_POINTS), "ends": (NUM_END_COLUMNS, NUM_ENDS)}
    is_heard = any(name.startswith("heard.") for name in tensors)
    if is_heard:
        sizes["heard"] = (NUM_HEARD_COLUMNS, NUM_CALLS)
    widths = {}
    for name, (num_columns, num_outputs) in sizes.items():
        biases = [tensors.get(f"{name}.{layer}_bias", np.empty(0)) for layer in ("first", "second")]
        wide, second = (len(bias) if bias.ndim == 1 else 0 for bias in biases)
        shapes = ((num_columns, wide), (wide,), (wide, second), (second,), (second, num_outputs), (num_outputs,))
        widths |= {f"{name}.{field}": shape for field, shape in zip(Layers._fields, shapes, strict=True)}
    steps = tensors["promised"].shape[-1] if "promised" in tensors and tensors["promised"].ndim else 0
    widths |= {"promised": (NUM_BIDS, steps), "made": (NUM_BIDS, steps), "odds": (11,)}
    shapes_found = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes_found != widths or not all(min(shape) > 0 for shape in widths.values()):
        wrong = sorted(set(widths) ^ set(shapes_found)) or [n for n in widths if widths[n] != shapes_found[n]]
        raise ValueError(f"expected the parameters of calls, got others: {', '.join(wrong) or 'of size 0'}")
    if not all(np.issubdtype(tensor.dtype, np.floating) and np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("expected finite real numbers as parameters of calls, got others")
    promised, made = tensors["promised"].astype(np.float64), tensors["made"].astype(np.float64)
    if not (np.diff(promised) > 0).all() or not (np.diff(made) >= 0).all() or made.min() < 0 or made.max() > 1:
        raise ValueError("expected a calibration that rises from step to step, within 0..1, got another")
    layers = {
        name: Layers(*(np.ascontiguousarray(tensors[f"{name}.{field}"], np.float32) for field in Layers._fields))
        for name in sizes
    }
    table = match_table(tensors["odds"].astype(np.float64))
    return CallNetwork(**{"heard": UNHEARD} | layers, promised=promised, made=made, match=table)
