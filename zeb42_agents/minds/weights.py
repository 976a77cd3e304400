"""A mind on disk: safetensors and JSON beside them. Nothing here needs torch: a mind plays without it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents.extras import needs_extras
from zeb42_agents.files import read_json, replaced_folder, write_json
from zeb42_agents.minds.columns import NUM_COLUMNS, VERSION
from zeb42_agents.minds.network import NetworkMind, padded_network
from zeb42_agents.places import CONFIG_FILE, MODEL_FILE, STATE_FILE, locate
from zeb42_agents.stored import contents_of, tensors_of
from zeb42_env._core.dominoes import NUM_DOMINOES

KIND = "mind"
MAX_WIDTH = 4096


@dataclass(frozen=True, kw_only=True)
class MindConfig:
    """The shape of a mind's network."""

    width: int = 256
    """Units of the first layer, a sum over the columns of a view."""
    second_width: int = 256
    """Units of the second layer."""
    columns: int = VERSION
    """Version of the columns that it reads."""
    kind: str = KIND
    """What tells it from a Zeb network."""

    def __post_init__(self) -> None:
        for name in ("width", "second_width"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= MAX_WIDTH:
                raise ValueError(f"expected {name}, a whole number in 1..{MAX_WIDTH}, got {value!r}")
        if (self.kind, self.columns) != (KIND, VERSION):
            got = f"kind {self.kind!r} with columns {self.columns!r}"
            raise ValueError(f"expected kind {KIND!r} with columns {VERSION}, the only ones there are, got {got}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter."""
        return {
            "first.weight": (NUM_COLUMNS, self.width),
            "first_bias": (self.width,),
            "second.weight": (self.second_width, self.width),
            "second.bias": (self.second_width,),
            "third.weight": (NUM_DOMINOES, self.second_width),
            "third.bias": (NUM_DOMINOES,),
        }


class MindWeights(NamedTuple):
    """A mind's parameters and what is known of its training."""

    config: MindConfig
    tensors: dict[str, np.ndarray]
    """By name, float32, of the shapes that ``config`` says."""
    state: dict[str, Any]

    def network(self) -> NetworkMind:
        """What the kernels take."""
        return network_of(self.tensors)


def network_of(tensors: dict[str, np.ndarray]) -> NetworkMind:
    """What the kernels take, of the parameters by name."""
    return padded_network(
        tensors["first.weight"],
        tensors["first_bias"],
        tensors["second.weight"].T,
        tensors["second.bias"],
        tensors["third.weight"].T,
        tensors["third.bias"],
    )


def save(folder: Path | str, weights: MindWeights) -> None:
    """Write ``weights`` to ``folder`` so that it holds the old files or the new ones, never half of each."""
    with needs_extras():
        from safetensors.numpy import save_file
    with replaced_folder(Path(folder)) as fresh:
        save_file({name: np.ascontiguousarray(tensor) for name, tensor in weights.tensors.items()}, fresh / MODEL_FILE)
        write_json(fresh / CONFIG_FILE, asdict(weights.config))
        write_json(fresh / STATE_FILE, weights.state)


def is_mind(source: str | Path) -> bool:
    """Whether the weights that ``source`` names are a mind's. ValueError if there are none."""
    place = locate(source)
    return place.is_dir() and read_json(place / CONFIG_FILE).get("kind") == KIND


def load(source: str | Path) -> MindWeights:
    """The mind that ``source`` names: a folder, a run's folder, or a bundled name. ValueError says what is wrong."""
    place = locate(source)
    if not is_mind(source):
        raise ValueError(f"expected a mind in {source}, got the weights of a Zeb network")
    config = _config(read_json(place / CONFIG_FILE), place / CONFIG_FILE)
    state = read_json(place / STATE_FILE) if (place / STATE_FILE).is_file() else {}
    where = place / MODEL_FILE
    tensors = tensors_of(contents_of(where), where)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != config.shapes():
        raise ValueError(f"expected parameters of the shapes {config.shapes()} in {where}, got {shapes}")
    with np.errstate(over="ignore"):  # what float32 cannot hold is no finite number to a mind
        tensors = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError(f"expected finite real numbers in {where}, got others")
    return MindWeights(config, tensors, state)


def _config(values: dict[str, Any], source: Path) -> MindConfig:
    if unknown := sorted(set(values) - {field.name for field in fields(MindConfig)}):
        raise ValueError(f"expected a mind's configuration in {source}, got also {', '.join(unknown)}")
    try:
        return MindConfig(**values)
    except ValueError as error:
        raise ValueError(f"in the configuration of {source}: {error}") from None
