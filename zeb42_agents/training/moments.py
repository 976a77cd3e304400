"""AdamW's state by the names of the parameters, as a file of tensors can hold it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import AdamW

MEANS = ("exp_avg", "exp_avg_sq")


def moments(model: nn.Module, optimizer: AdamW) -> dict[str, Tensor]:
    """What ``optimizer`` knows of the parameters of ``model``, ``NAME.step`` and the like; nothing before an update."""
    return {
        f"{name}.{key}": torch.as_tensor(value)
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state[parameter].items()
    }


def no_moments(model: nn.Module) -> dict[str, Tensor]:
    """What AdamW knows before its first update."""
    found = {}
    for name, parameter in model.named_parameters():
        found[f"{name}.step"] = torch.zeros(())
        found |= {f"{name}.{key}": torch.zeros_like(parameter) for key in MEANS}
    return found


def load_moments(model: nn.Module, optimizer: AdamW, tensors: dict[str, Tensor]) -> None:
    """Let ``optimizer`` know what :func:`moments` said. KeyError if that was of another model."""
    content = optimizer.state_dict()
    content["state"] = {}  # by the number of the parameter, as torch wants it
    for number, (name, parameter) in enumerate(model.named_parameters()):
        means = {key: tensors[f"{name}.{key}"] for key in MEANS}
        if any(mean.shape != parameter.shape for mean in means.values()):
            raise KeyError(f"moments of {name} in another shape")
        content["state"][number] = {"step": tensors[f"{name}.step"], **means}
    optimizer.load_state_dict(content)


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, without it."""
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
