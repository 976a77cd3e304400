"""The replay buffer: a plain ring of EXPERIENCE."""

from __future__ import annotations

from typing import Any

import numpy as np

from zeb42_agents.experience import EXPERIENCE, Batch, decisions_of, draw


class Ring:
    """The newest ``capacity_hands`` hands of experience. Every hand, and in it every decision, is as likely drawn.

    Args:
        capacity_hands: how many hands it holds.
        tokenizer, hidden_only: how batches are derived; see :func:`zeb42_agents.experience.draw`.
        seed: of the draws.
    """

    def __init__(self, capacity_hands: int, *, tokenizer: str, hidden_only: bool, seed: int) -> None:
        self.tokenizer = tokenizer
        self.hidden_only = hidden_only
        self._rng = np.random.default_rng(seed)
        self._empty(capacity_hands)

    def _empty(self, capacity_hands: int) -> None:
        self.capacity_hands = capacity_hands
        self.num_hands = self._next = 0
        self._hands = np.zeros(capacity_hands, EXPERIENCE)
        self._counts = np.zeros(capacity_hands, np.int64)  # examples in each

    def __len__(self) -> int:
        """How many examples can be drawn."""
        return int(self._counts.sum())

    @property
    def hands(self) -> np.ndarray:
        """The experience held, EXPERIENCE [num_hands], the oldest first; a copy."""
        return self._hands[self._places(np.arange(self.num_hands))]

    @property
    def num_bytes(self) -> int:
        """Memory of the hands held."""
        return self.num_hands * EXPERIENCE.itemsize

    def _places(self, ages: np.ndarray) -> np.ndarray:
        """Where the hands are that came in as number ``ages`` of those held, counted from the oldest."""
        return (self._next - self.num_hands + ages) % self.capacity_hands

    def append(self, experience: np.ndarray) -> None:
        """Take finished ``experience`` (EXPERIENCE [N]) in, over the oldest."""
        if getattr(experience, "dtype", None) != EXPERIENCE:
            raise ValueError(f"expected EXPERIENCE records, got {getattr(experience, 'dtype', type(experience))}")
        experience = experience[-self.capacity_hands :]
        places = (self._next + np.arange(len(experience))) % self.capacity_hands
        self._hands[places] = experience
        self._counts[places] = decisions_of(experience)
        self._next = int((self._next + len(experience)) % self.capacity_hands)
        self.num_hands = min(self.capacity_hands, self.num_hands + len(experience))

    def resize(self, capacity_hands: int) -> None:
        """Make room for ``capacity_hands``; of more than that the newest are kept."""
        held = self.hands
        self._empty(capacity_hands)
        self.append(held)

    def forget_before(self, cycle: int) -> int:
        """Drop the hands of cycles before ``cycle``; returns how many."""
        held = self.hands
        kept = held[held["cycle"] >= cycle]
        if len(kept) < len(held):
            self._empty(self.capacity_hands)
            self.append(kept)
        return len(held) - len(kept)

    def sample(self, batch_size: int) -> Batch:
        """A training batch of ``batch_size`` uniform draws."""
        if not self.num_hands:
            raise ValueError("expected a buffer with hands in it, got an empty one; play first")
        places = self._places(self._rng.integers(0, self.num_hands, batch_size))
        decisions = (self._rng.random(batch_size) * self._counts[places]).astype(np.int64)
        return draw(self._hands, places, decisions, tokenizer=self.tokenizer, hidden_only=self.hidden_only)

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint needs besides :attr:`hands`: the state of the generator."""
        return {"rng": self._rng.bit_generator.state}

    def set_state(self, hands: np.ndarray, state: dict[str, Any]) -> None:
        """Continue from ``hands`` and :meth:`get_state`'s answer. ValueError if that is none."""
        self._empty(self.capacity_hands)
        self.append(hands)
        try:
            self._rng.bit_generator.state = state["rng"]
        except (KeyError, TypeError, OverflowError, ValueError) as error:
            raise ValueError(f"expected the state of the buffer's generator, got another: {error}") from None
