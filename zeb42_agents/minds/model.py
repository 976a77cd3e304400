"""The network of a mind in torch, where it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zeb42_agents.minds.columns import NUM_COLUMNS, columns_of
from zeb42_agents.minds.network import NetworkMind
from zeb42_agents.minds.weights import MindConfig, MindWeights, network_of
from zeb42_env._core.dominoes import NUM_DOMINOES


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

    @classmethod
    def of(cls, weights: MindWeights) -> MindModel:
        """The network of ``weights``."""
        model = cls(weights.config)
        model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in weights.tensors.items()})
        return model.eval()

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
        return network_of(self._tensors())

    def weights(self, state: dict[str, Any]) -> MindWeights:
        """What :func:`zeb42_agents.minds.weights.save` takes."""
        return MindWeights(self.config, self._tensors(), state)

    def _tensors(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().float().cpu().numpy() for name, tensor in self.state_dict().items()}
