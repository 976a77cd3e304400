"""The files of a Zeb network, read: its configuration, its parameters, and what is known of its training.

safetensors and JSON, nothing that could run, and nothing here needs torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents.extras import needs_extras
from zeb42_agents.files import read_json
from zeb42_agents.places import CONFIG_FILE, MODEL_FILE, STATE_FILE, beside, is_published, locate
from zeb42_agents.shape import ZebConfig


class Stored(NamedTuple):
    """What the files of a network hold."""

    config: ZebConfig
    tensors: dict[str, np.ndarray]
    """The parameters by name, of the shapes that ``config`` says."""
    state: dict[str, Any]
    """``step``, ``total_games`` and whatever else was saved; empty if nothing was."""


def read(place: Path) -> Stored:
    """What is in ``place``: a folder with ``model.safetensors``, ``config.json`` and ``state.json``, or
    ``NAME.safetensors`` with ``NAME-config.json`` and ``NAME-state.json``, whose digests are checked. ValueError says
    what is missing or wrong."""
    return _read_folder(place) if place.is_dir() else _read_file(place)


def runs_in_kernels(source: str | Path) -> bool:
    """Whether the network that ``source`` names can answer without torch: one of tokenizer v2, in safetensors.
    ValueError where there are no weights."""
    place = locate(source)
    return not is_published(place) and not config_at(place).has_slots


def config_at(place: Path) -> ZebConfig:
    """The configuration of the network in ``place``, see :func:`read`."""
    file = place / CONFIG_FILE if place.is_dir() else beside(place, "config")
    return config_of(read_json(file), file)


def from_bytes(content: bytes, config: dict[str, Any], source: Path | str) -> Stored:
    """The network whose parameters are the safetensors ``content``, and whose shape is ``config``. ``source`` is what
    errors call it."""
    shape = config_of(config, source)
    tensors = tensors_of(content, source)
    require_parameters(shape, {name: tensor.shape for name, tensor in tensors.items()}, source)
    return Stored(shape, tensors, {})


def tensors_of(content: bytes, source: Path | str) -> dict[str, np.ndarray]:
    """The arrays of the safetensors ``content`` by name, as they are. ValueError if it holds none, or others."""
    with needs_extras():
        from safetensors import SafetensorError
        from safetensors.numpy import load
    try:
        tensors: dict[str, np.ndarray] = load(content)
    except SafetensorError as error:
        raise ValueError(f"expected safetensors in {source}, got a damaged or foreign file: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected numbers of a kind that numpy has in {source}, got {error}") from None
    if odd := sorted(name for name, tensor in tensors.items() if not np.issubdtype(tensor.dtype, np.floating)):
        raise ValueError(f"expected finite real numbers in {source}, got others: {', '.join(odd[:3])}")
    return tensors


def contents_of(file: Path) -> bytes:
    """What is in ``file``, which holds safetensors; ValueError where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"expected safetensors in {file}, got a damaged or foreign file: {error}") from None


def config_of(values: dict[str, Any], source: Path | str) -> ZebConfig:
    """The configuration that the file ``source`` tells; ValueError for one that is not a Zeb network's."""
    if kind := values.get("kind"):
        raise ValueError(f"expected the weights of a Zeb network in {source}, got those of a {kind}")
    known = {field.name for field in fields(ZebConfig)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"expected a network's configuration in {source}, got also {', '.join(unknown)}")
    try:
        return ZebConfig(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"in the configuration of {source}: {error}") from None


def require_parameters(config: ZebConfig, found: Mapping[str, tuple[int, ...]], source: Path | str) -> None:
    """ValueError unless ``found``, shapes by name, are the parameters of ``config``, all of them.

    A file that asks for more layers than it has is told so before they are counted out.
    """
    where = f"expected the parameters of its configuration in {source}"
    shapes, of_a_layer = config.shapes(), config.shapes_of_a_layer()
    num_expected = len(shapes) + config.n_layers * len(of_a_layer)
    if num_expected != len(found):
        raise ValueError(f"{where}, {num_expected} of them, got {len(found)}")
    for layer in range(config.n_layers):
        shapes |= {f"encoder.layers.{layer}.{name}": shape for name, shape in of_a_layer.items()}
    for name, shape in shapes.items():
        if found.get(name) != shape:
            raise ValueError(f"{where}: {name} {list(shape)}, got {list(found[name]) if name in found else 'none'}")


def _read_folder(folder: Path) -> Stored:
    state = read_json(folder / STATE_FILE) if (folder / STATE_FILE).is_file() else {}
    config, file = read_json(folder / CONFIG_FILE), folder / MODEL_FILE
    return from_bytes(contents_of(file), config, file)._replace(state=state)


def _read_file(path: Path) -> Stored:
    content, config_file = path.read_bytes(), beside(path, "config")
    state = read_json(beside(path, "state")) if beside(path, "state").is_file() else {}
    stored = from_bytes(content, read_json(config_file), path)
    digests = state.get("sha256", {})
    for file, found in ((path, content), (config_file, config_file.read_bytes())):
        if isinstance(digests, dict) and digests.get(file.name, "") not in ("", hashlib.sha256(found).hexdigest()):
            raise ValueError(f"expected {file} to be what {beside(path, 'state').name} has the digest of, got another")
    return stored._replace(state=state)
