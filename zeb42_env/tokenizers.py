"""Tokenizers: the ways to turn views into tokens for a network, by name.

``v1`` is the encoding of the published zeb-42 checkpoints and knows the tricks alone; ``v2`` is the token observation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zeb42_env._core import columns, tokens, tokens_v1
from zeb42_env._core.dominoes import NUM_TRICKS
from zeb42_env._core.record import NUM_ACTIONS, TRICKS

TokenizerName = Literal["v1", "v2"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokenizer:
    """One way to write views as tokens, and what a network that reads them speaks of."""

    name: TokenizerName
    num_tokens: int
    """T, the tokens of a view."""
    num_features: int
    """F, the small integers of a token."""
    num_actions: int
    """What a policy has a place for: the 56 action ids, or the seven :meth:`slots`."""
    reads_calls: bool
    """Whether views before the first lead can be written."""
    categories: tuple[int, ...] | None
    """How many categories each feature has; None if features are numbers, to be multiplied by ``scale``."""
    scale: np.ndarray | None
    """float32 [T, F], which brings every number into about -1..1; None if features are categories."""
    kernel: Callable[[np.ndarray, np.ndarray], None]
    """Writes views [B] into int8 [B, T, F]."""

    def encode(self, views: np.ndarray) -> np.ndarray:
        """The tokens of ``views`` (HAND [B], :meth:`readable`): int8 [B, T, F]."""
        written = np.empty((len(views), self.num_tokens, self.num_features), np.int8)
        self.kernel(views, written)
        return written

    def readable(self, views: np.ndarray) -> np.ndarray:
        """Which of ``views`` (HAND [B]) can be written: bool [B]."""
        if self.reads_calls:
            return np.ones(len(views), np.bool_)
        in_tricks: np.ndarray = views["phase"] == TRICKS
        return in_tricks

    @property
    def has_slots(self) -> bool:
        """Whether a policy speaks of the seven dominoes dealt to the viewer rather than of action ids."""
        return self.num_actions < NUM_ACTIONS

    def slots(self, views: np.ndarray) -> np.ndarray:
        """The actions of a policy's places, int64 [B, 7] of ``views`` [B]; [B, 0] where places are action ids."""
        return tokens_v1.slots_of(views) if self.has_slots else np.empty((len(views), 0), np.int64)


V1 = Tokenizer(
    name="v1",
    num_tokens=tokens_v1.NUM_TOKENS,
    num_features=tokens_v1.NUM_FEATURES,
    num_actions=NUM_TRICKS,
    reads_calls=False,
    categories=tokens_v1.CATEGORIES,
    scale=None,
    kernel=tokens_v1.encode,
)
V2 = Tokenizer(
    name="v2",
    num_tokens=columns.NUM_TOKENS,
    num_features=columns.NUM_COLUMNS,
    num_actions=NUM_ACTIONS,
    reads_calls=True,
    categories=None,
    scale=columns.SCALE,
    kernel=tokens.encode,
)
TOKENIZERS = {tokenizer.name: tokenizer for tokenizer in (V1, V2)}


def get_tokenizer(name: str) -> Tokenizer:
    """The tokenizer of this name; ValueError names those there are."""
    if name not in TOKENIZERS:
        raise ValueError(f"expected a tokenizer, got {name!r}; allowed: {', '.join(TOKENIZERS)}")
    return TOKENIZERS[name]
