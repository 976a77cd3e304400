"""The network's answers by torch: where it learns, or has a GPU, or is large."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from zeb42_agents import weights
from zeb42_agents.answers import Answers
from zeb42_agents.extras import needs_extras
from zeb42_agents.model import ZebModel, ZebOutput
from zeb42_env.records import as_records
from zeb42_env.tokenizers import get_tokenizer

with needs_extras():
    import torch

Precision = Literal["auto", "float32", "bfloat16"]


def load(
    source: str | Path, *, device: str = "cpu", precision: Precision = "float32", max_batch: int = 1024
) -> NetworkEvaluator:
    """The network of bundled weights (``laptop``), of a training run's folder, or of a published ``.pt`` file.

    >>> network = load("laptop")
    >>> policy, value = network(views)  # HAND [N], views of the seats to move: float32 [N, 56] and [N]
    >>> belief = network.belief(views)  # float32 [N, 28, 4]
    >>> output = network.model(network.tokens(views))  # logits, with gradients

    ``device`` is auto, cpu or cuda; ``precision`` auto, float32 or bfloat16; ``max_batch`` views at a time. ValueError
    says what is wrong with the weights or the options.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"expected precision, got {precision!r}; allowed: {', '.join(get_args(Precision))}")
    loaded = weights.load(source)
    calls = bool(loaded.state.get("calls", False))
    return NetworkEvaluator(loaded.model, calls=calls, device=device, precision=precision, max_batch=max_batch)


class NetworkEvaluator(Answers):
    """The answers of a network in torch, on any device; see :class:`zeb42_agents.answers.Answers`."""

    def __init__(
        self,
        model: ZebModel,
        *,
        calls: bool = False,
        device: str = "cpu",
        precision: Precision = "auto",
        max_batch: int = 1024,
    ) -> None:
        super().__init__(model.config, calls=calls, max_batch=max_batch)
        self.device = resolve_device(device)
        self.model = model.to(self.device).eval()
        self.precision = faster_precision(self.model, self.device) if precision == "auto" else precision

    @property
    def is_on_gpu(self) -> bool:
        """See :class:`zeb42_agents.answers.Answers`."""
        return self.device.type == "cuda"

    def _think(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        output = self._run(views)
        return output.policy.cpu().numpy(), output.value.cpu().numpy()

    def _believe(self, views: np.ndarray) -> np.ndarray:
        belief = self._run(views).belief
        assert belief is not None
        shares: np.ndarray = torch.softmax(belief, dim=-1).cpu().numpy()
        return shares

    def tokens(self, views: np.ndarray) -> torch.Tensor:
        """What the network reads of ``views`` [N]: int8 [N, T, F], on its device; ``model(tokens)`` answers."""
        return torch.from_numpy(self.tokenizer.encode(as_records(views))).to(self.device)

    def _run(self, views: np.ndarray) -> ZebOutput:
        with torch.inference_mode(), autocast(self.device, self.precision):
            output: ZebOutput = self.model(self.tokens(views))
        return output


def resolve_device(device: str) -> torch.device:
    """``auto`` is CUDA where there is any; ValueError for CUDA where there is none."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        if resolved.type not in ("cpu", "cuda"):
            raise RuntimeError
    except RuntimeError:
        raise ValueError(f"expected a device, got {device!r}; allowed: auto, cpu, cuda, cuda:N") from None
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        here = ", ".join(["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        raise ValueError(f"expected a device that is here, got {device!r}; allowed: {here}")
    return resolved


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context to run a network in."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def faster_precision(model: ZebModel, device: torch.device, *, num_views: int = 256) -> Literal["float32", "bfloat16"]:
    """The precision that evaluates faster here: bfloat16 on CUDA, and on CPUs where a short measurement says so."""
    if device.type == "cuda":
        return "bfloat16"
    tokenizer = get_tokenizer(model.config.tokenizer)
    tokens = torch.zeros((num_views, tokenizer.num_tokens, tokenizer.num_features), dtype=torch.int8, device=device)
    times = {}
    for precision in ("float32", "bfloat16"):
        with torch.inference_mode(), autocast(device, precision):
            model(tokens)
            began = time.perf_counter()
            for _ in range(3):
                model(tokens)
            times[precision] = time.perf_counter() - began
    # In a tie the exact one: bfloat16 has to be clearly faster to be worth its rounding.
    return "bfloat16" if times["bfloat16"] < 0.8 * times["float32"] else "float32"
