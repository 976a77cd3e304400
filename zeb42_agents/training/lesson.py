"""A lesson under way: what a stopped one goes on from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import AdamW

from zeb42_agents.files import replaced_file
from zeb42_agents.training.moments import load_moments, moments, under
from zeb42_agents.training.run_folder import generator_tensors, load_generators

LESSON_FILE = "lesson.safetensors"


def digest(*parts: Any) -> str:
    """The SHA-256 of arrays, field by field (what lies between fields is nobody's), and of what else can be printed."""
    found = hashlib.sha256()
    for part in parts:
        _add(found, part if isinstance(part, np.ndarray) else np.frombuffer(repr(part).encode(), np.uint8))
    return found.hexdigest()


def _add(found: Any, array: np.ndarray) -> None:
    if array.dtype.names is None:
        found.update(np.ascontiguousarray(array).data)
    for name in array.dtype.names or ():
        _add(found, array[name])


class Lesson(NamedTuple):
    """All that a lesson changes, and what tells it from others: ``about``, in JSON."""

    model: nn.Module
    average: nn.Module
    optimizer: AdamW
    about: dict[str, Any]

    def write(self, path: Path, step: int) -> None:
        """Keep in ``path`` how far the lesson is: after ``step`` updates."""
        tensors = {
            f"{name}.{key}": tensor
            for name, module in (("model", self.model), ("average", self.average))
            for key, tensor in module.state_dict().items()
        } | {f"optimizer.{name}": tensor for name, tensor in moments(self.model, self.optimizer).items()}
        tensors |= generator_tensors()  # of dropout
        with replaced_file(path) as fresh:
            save_file(tensors, fresh, {"lesson": json.dumps(self.about), "step": str(step)})

    def read(self, path: Path) -> int:
        """Go on from ``path``; returns the updates that are done, 0 where nothing is kept or only of another lesson."""
        if not path.is_file():
            return 0
        try:
            with safe_open(path, "pt") as file:
                said = file.metadata() or {}
                if json.loads(said["lesson"]) != self.about:
                    return 0
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            self.model.load_state_dict(under("model.", tensors))
            self.average.load_state_dict(under("average.", tensors))
            load_moments(self.model, self.optimizer, under("optimizer.", tensors))
            load_generators(tensors)
            return int(said["step"])
        except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"expected a lesson under way in {path}, got a damaged file ({reason}); allowed: delete it, and the "
                f"lesson begins anew"
            ) from None
