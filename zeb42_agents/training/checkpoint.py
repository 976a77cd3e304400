"""A training run on disk: everything that the next cycle depends on, replaced as a whole after every cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zeb42_agents.files import read_json, recover_folder, replaced_folder, write_json
from zeb42_agents.training.experience import EXPERIENCE

CHECKPOINT = "checkpoint"
_LEARNING, _HANDS, _PROGRESS = "learning.safetensors", "hands.npy", "progress.json"
_TORCH_GENERATOR = "generator"
_NEEDED = ("cycle", "step", "total_games", "total_time_s", "best", "precision", "wandb_id", "buffer")  # of the progress


class Checkpoint(NamedTuple):
    """What a run continues from."""

    tensors: dict[str, Tensor]
    """``model.*`` and ``averaged.*`` parameters, ``optimizer.*`` moments, and the torch generator's state."""
    hands: np.ndarray
    """EXPERIENCE [N], the buffer, the oldest hand first."""
    progress: dict[str, Any]
    """Counters, the buffer's generator, what is best so far, the W&B run: JSON."""


def write_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of ``run``; a crash at any moment leaves the old one or the new one."""
    with replaced_folder(run / CHECKPOINT) as fresh:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
        save_file(tensors, fresh / _LEARNING)
        np.save(fresh / _HANDS, checkpoint.hands, allow_pickle=False)
        write_json(fresh / _PROGRESS, checkpoint.progress)


def read_checkpoint(run: Path) -> Checkpoint:
    """The checkpoint of ``run``; ValueError if there is none or it is damaged."""
    folder = run / CHECKPOINT
    recover_folder(folder)
    if not folder.is_dir():
        raise ValueError(f"expected a training run with a finished cycle in {run}, got none")
    try:
        tensors = load_file(folder / _LEARNING)
        hands = np.load(folder / _HANDS, allow_pickle=False)
    except (SafetensorError, OSError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"expected a checkpoint in {folder}, got damaged or foreign files: {error}") from None
    if getattr(hands, "dtype", None) != EXPERIENCE or hands.ndim != 1:
        raise ValueError(f"expected hands of this version in {folder / _HANDS}, got others")
    progress = read_json(folder / _PROGRESS)
    lacking = [key for key in _NEEDED if key not in progress]
    lacking += [kind for kind in (_TORCH_GENERATOR, "optimizer.", "model.", "averaged.") if not _any(kind, tensors)]
    if lacking and not (lacking == ["optimizer."] and progress["step"] == 0):  # no update yet, no moments
        raise ValueError(f"expected a whole checkpoint in {folder}, got one without {', '.join(lacking)}")
    return Checkpoint(tensors, hands, progress)


def _any(prefix: str, tensors: dict[str, Tensor]) -> bool:
    return any(name.startswith(prefix) for name in tensors)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments and step counts of ``optimizer`` by name."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{index}.{name}": torch.as_tensor(value) for index in state for name, value in state[index].items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give ``optimizer`` what :func:`optimizer_tensors` said of it."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
    full = optimizer.state_dict()
    full["state"] = state
    optimizer.load_state_dict(full)


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """``tensors`` with ``prefix`` before each name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + ".")}


def generator_tensors() -> dict[str, Tensor]:
    """The state of torch's generators, which dropout draws from."""
    states = {_TORCH_GENERATOR: torch.get_rng_state()}
    if torch.cuda.is_available():
        states[f"{_TORCH_GENERATOR}.cuda"] = torch.cuda.get_rng_state()
    return states


def load_generators(tensors: dict[str, Tensor]) -> None:
    """Put torch's generators where :func:`generator_tensors` found them."""
    torch.set_rng_state(tensors[_TORCH_GENERATOR])
    on_cuda = tensors.get(f"{_TORCH_GENERATOR}.cuda")
    if on_cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(on_cuda)
