"""Weights on disk: a folder of ``model.safetensors``, ``config.json`` and ``state.json``; published ``.pt`` files too.

Nothing is unpickled: safetensors hold plain tensors, and torch files are read with ``weights_only=True``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from zeb42_agents import stored
from zeb42_agents.extras import needs_extras
from zeb42_agents.files import read_json, replaced_folder, write_json
from zeb42_agents.model import ZebModel
from zeb42_agents.places import CONFIG_FILE, MODEL_FILE, STATE_FILE, beside, is_published, locate
from zeb42_agents.shape import ZebConfig

with needs_extras():
    import torch
    from safetensors.torch import save_file
    from torch import Tensor

_BELIEF_PREFIX = "belief_proj."


class Weights(NamedTuple):
    """A network and what is known of its training."""

    model: ZebModel
    state: dict[str, Any]
    """``step``, ``total_games`` and whatever else was saved; empty if nothing was."""


def save(folder: Path | str, model: ZebModel, state: dict[str, Any]) -> None:
    """Write weights to ``folder`` so that it holds the old files or the new ones, never half of each."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with replaced_folder(folder) as fresh:
        save_file(tensors, fresh / MODEL_FILE)
        write_json(fresh / CONFIG_FILE, asdict(model.config))
        write_json(fresh / STATE_FILE, state)


def load(source: str | Path) -> Weights:
    """The weights that ``source`` names (:func:`zeb42_agents.places.locate`). ValueError says what is missing or
    wrong."""
    place = locate(source)
    if is_published(place):
        return _load_published(place)
    found = stored.read(place)
    return Weights(_model_of(found, place), found.state)


def from_bytes(content: bytes, config: dict[str, Any], source: str) -> ZebModel:
    """The network whose parameters are the safetensors ``content``, and whose shape is ``config``. ``source`` is what
    errors call it."""
    return _model_of(stored.from_bytes(content, config, source), source)


def load_into(model: ZebModel, weights: Weights) -> list[str]:
    """Copy ``weights`` into ``model``; returns the parameters that start cold because the weights lack a belief head.

    That is the published bootstrap: a trained network without a belief head is the base of one with it. Any other
    difference of size or tokenizer is a ValueError that names it.
    """
    ours, theirs = asdict(model.config), asdict(weights.model.config)
    differing = [key for key in ours if key not in ("dropout", "belief_head") and ours[key] != theirs[key]]
    if differing:
        listed = ", ".join(f"{key} {ours[key]}, got {theirs[key]}" for key in differing)
        raise ValueError(f"expected weights of the same shape as the network: {listed}")
    tensors = weights.model.state_dict()
    if not ours["belief_head"]:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(_BELIEF_PREFIX)}
    return list(model.load_state_dict(tensors, strict=False).missing_keys)


def _load_published(path: Path) -> Weights:
    """A checkpoint of the published run: a state_dict, or a dict around one with its ``model_config``."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged and unsafe files
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'nothing more is known'}"
        raise ValueError(f"expected a torch checkpoint in {path}, got a damaged or foreign file: {reason}") from None
    if not isinstance(content, dict):
        raise ValueError(f"expected a state_dict in {path}, got {type(content).__name__}")
    tensors = content.get("model_state_dict", content)
    known = content.get("model_config")
    if known is None:
        places = [beside(path, "config"), path.with_name(CONFIG_FILE)]
        found = [file for file in places if file.is_file()]
        if not found:
            raise ValueError(
                f"expected a published checkpoint, got {path} without a model_config in it, and neither "
                f"{places[0].name} nor {places[1].name} beside it; allowed: a file of the published run"
            )
        known = read_json(found[0])
    for what, value in (("parameters", tensors), ("model_config", known)):
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise ValueError(f"expected {what} by name in {path}, got {type(value).__name__}")
    published = dict(known)
    published.setdefault("belief_head", any(name.startswith(_BELIEF_PREFIX) for name in tensors))
    state = {
        name: content[key]
        for name, key in (("step", "epoch"), ("total_games", "total_games"))
        if isinstance(content.get(key), int)
    }
    if not state:
        places = [beside(path, "state"), path.with_name("training_state.json")]
        state = next((read_json(file) for file in places if file.is_file()), {})
    config = stored.config_of(published, path)
    _require_parameters(config, tensors, path)
    return Weights(_build(config, tensors, path), state)


def _require_parameters(config: ZebConfig, tensors: dict[str, Tensor], source: Path | str) -> None:
    """ValueError unless ``tensors`` are the parameters of ``config``, all of them and with numbers behind them.

    Nothing is built before that, so that a file can ask for no more memory than it has numbers.
    """
    where = f"expected the parameters of its configuration in {source}"
    if not all(
        isinstance(t, Tensor) and t.layout == torch.strided and t.device.type == "cpu" for t in tensors.values()
    ):
        raise ValueError(f"{where}, got values that are no tensors")
    stored.require_parameters(config, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, source)
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors.values()}
    if sum(t.numel() * t.element_size() for t in tensors.values()) > sum(storages.values()):
        raise ValueError(f"{where}, got tensors of more numbers than the file holds")


def _model_of(found: stored.Stored, source: Path | str) -> ZebModel:
    return _build(found.config, {name: torch.from_numpy(tensor) for name, tensor in found.tensors.items()}, source)


def _build(config: ZebConfig, tensors: dict[str, Tensor], source: Path | str) -> ZebModel:
    model = ZebModel(config)
    try:
        model.load_state_dict(tensors)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise ValueError(f"expected the parameters of its configuration in {source}: {_in_short(error)}") from None
    return model.eval()


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
