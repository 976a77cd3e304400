"""The network of a mind in torch, where it learns, and its weights on disk: safetensors and JSON beside them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zeb42_agents.files import read_json, replaced_folder, write_json
from zeb42_agents.minds.columns import NUM_COLUMNS, VERSION, columns_of
from zeb42_agents.minds.network import NetworkMind, network_mind
from zeb42_agents.weights import CONFIG_FILE, MODEL_FILE, STATE_FILE, locate
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


class MindModel(nn.Module):
    """Logits for the 28 dominoes from the columns of a view that are on; two hidden layers, cut off at zero."""

    def __init__(self, config: MindConfig) -> None:
        super().__init__()
        self.config = config
        self.first = nn.EmbeddingBag(NUM_COLUMNS, config.width, mode="sum")
        self.first_bias = nn.Parameter(torch.zeros(config.width))
        self.second = nn.Linear(config.width, config.second_width)
        self.third = nn.Linear(config.second_width, NUM_DOMINOES)
        nn.init.normal_(self.first.weight, std=0.15)  # some fifty rows add up to about 1
        nn.init.zeros_(self.third.bias)

    def forward(self, on: Tensor, begins: Tensor) -> Tensor:
        """Logits [B, 28] of a batch as :func:`zeb42_agents.minds.columns.columns_of` gives it."""
        units = torch.relu(self.first(on, begins) + self.first_bias)
        logits: Tensor = self.third(torch.relu(self.second(units)))
        return logits

    def of_views(self, views: np.ndarray) -> Tensor:
        """Logits [B, 28] of ``views`` [B]."""
        on, begins = columns_of(views)
        logits: Tensor = self(torch.from_numpy(on), torch.from_numpy(begins.astype(np.int32)))
        return logits

    def network(self) -> NetworkMind:
        """What the kernels take."""
        tensors = {name: tensor.detach().float().cpu().numpy() for name, tensor in self.state_dict().items()}
        return network_mind(
            tensors["first.weight"],
            tensors["first_bias"],
            tensors["second.weight"].T,
            tensors["second.bias"],
            tensors["third.weight"].T,
            tensors["third.bias"],
        )


class MindWeights(NamedTuple):
    """A mind's network and what is known of its training."""

    model: MindModel
    state: dict[str, Any]


def save(folder: Path | str, model: MindModel, state: dict[str, Any]) -> None:
    """Write weights to ``folder`` so that it holds the old files or the new ones, never half of each."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with replaced_folder(Path(folder)) as fresh:
        save_file(tensors, fresh / MODEL_FILE)
        write_json(fresh / CONFIG_FILE, asdict(model.config))
        write_json(fresh / STATE_FILE, state)


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
    try:
        tensors = load_file(where)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"expected safetensors in {where}, got a damaged or foreign file: {error}") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes != config.shapes():  # before anything is built, so that a file asks for no more than it holds
        raise ValueError(f"expected parameters of the shapes {config.shapes()} in {where}, got {shapes}")
    if not all(tensor.is_floating_point() and tensor.float().isfinite().all() for tensor in tensors.values()):
        raise ValueError(f"expected finite real numbers in {where}, got others")
    model = MindModel(config)
    model.load_state_dict(tensors)
    return MindWeights(model.eval(), state)


def _config(values: dict[str, Any], source: Path) -> MindConfig:
    if unknown := sorted(set(values) - {field.name for field in fields(MindConfig)}):
        raise ValueError(f"expected a mind's configuration in {source}, got also {', '.join(unknown)}")
    try:
        return MindConfig(**values)
    except ValueError as error:
        raise ValueError(f"in the configuration of {source}: {error}") from None
