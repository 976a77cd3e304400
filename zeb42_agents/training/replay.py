"""The buffer of hands that tianshou's Collector fills and its algorithm samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tianshou.data import Batch as TianshouBatch
from tianshou.data import ReplayBufferManager

from zeb42_agents.training.experience import (
    EXPERIENCE,
    Batch,
    blank_experience,
    decisions_of,
    draw,
    from_finished_views,
    stage,
)
from zeb42_env._core.record import HAND, MAX_DECISIONS

Labeller = Callable[[np.ndarray], np.ndarray]
"""Finished hands [N] in, EXPERIENCE [N] out: what a teacher has to say of them."""


class SelfPlayBuffer(ReplayBufferManager):
    """One flat ring of hands behind ``num_lanes`` lanes.

    ``add`` notes what was found at each decision of a lane's unfinished hand and moves finished hands into the ring;
    ``extend`` takes experience from elsewhere; ``sample`` draws (hand, decision) pairs uniformly and derives the
    batch. An index is ``hand * 33 + decision``.
    """

    def __init__(
        self,
        *,
        num_lanes: int,
        capacity_hands: int,
        tokenizer: str,
        hidden_only: bool,
        seed: int,
    ) -> None:
        # The manager's own set-up would make one buffer a lane; the Collector asks for no more than what follows.
        object.__setattr__(self, "_meta", TianshouBatch())
        self.buffer_num = num_lanes
        self.maxsize = capacity_hands * MAX_DECISIONS
        self.capacity_hands = capacity_hands
        self.tokenizer = tokenizer
        self.hidden_only = hidden_only
        self.labeller: Labeller | None = None
        """Says what finished hands are worth, in place of what was found on the way; None keeps that."""
        self.cycle = 0
        """Stamped on the hands that come in."""
        self._ring = np.zeros(capacity_hands, EXPERIENCE)
        self._rng = np.random.default_rng(seed)
        self._lane_decisions = np.zeros(num_lanes, np.int64)
        self._staged = blank_experience(num_lanes)
        self.reset()

    def reset(self, keep_statistics: bool = False) -> None:  # noqa: ARG002 - tianshou's signature
        """Forget everything."""
        self._num_hands = 0
        self._next = 0
        self._counts = np.zeros(self.capacity_hands, np.int64)
        self.clear_staging()

    def clear_staging(self) -> None:
        """Forget unfinished hands: for lanes that are dealt anew."""
        self._staged[:] = blank_experience(1)[0]
        self._lane_decisions[:] = 0

    def __len__(self) -> int:
        """How many examples can be drawn."""
        return int(self._counts.sum())

    @property
    def num_hands(self) -> int:
        """How many hands the ring holds."""
        return self._num_hands

    @property
    def hands(self) -> np.ndarray:
        """The experience held, EXPERIENCE [num_hands], the oldest first."""
        order = (self._next - self._num_hands + np.arange(self._num_hands)) % self.capacity_hands
        return self._ring[order]

    @property
    def num_bytes(self) -> int:
        """Memory of the hands held."""
        return self._num_hands * EXPERIENCE.itemsize

    def add(
        self, batch: Any, buffer_ids: np.ndarray | list[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Note one decision of each lane of ``buffer_ids`` [R]; tianshou's four arrays [R] come back: index of the
        decision within its hand, return, length and start of what has finished."""
        lanes = np.arange(self.buffer_num) if buffer_ids is None else np.asarray(buffer_ids)
        views = as_views(batch.obs)
        found = batch.policy.get_keys()
        if "target" in found:
            stage(views, lanes, batch.policy.target, batch.policy.root_value, self._staged)
        if "explored" in found:
            self._staged["explored"][lanes] = batch.policy.explored
        index = self._lane_decisions[lanes].copy()
        self._lane_decisions[lanes] += 1
        done = np.flatnonzero(batch.terminated | batch.truncated)
        returns, lengths = np.zeros(len(lanes)), np.zeros(len(lanes), np.int64)
        if len(done):
            self._finish(lanes[done], as_views(batch.obs_next)[done])
            returns[done], lengths[done] = batch.rew[done], index[done] + 1
        return index, returns, lengths, np.zeros(len(lanes), np.int64)

    def _finish(self, lanes: np.ndarray, views: np.ndarray) -> None:
        hands = from_finished_views(views)
        experience = self._staged[lanes]
        experience["hand"] = hands
        self._staged[lanes] = blank_experience(1)[0]
        self._lane_decisions[lanes] = 0
        bid = hands["bidder"] >= 0  # a hand that was thrown in teaches nothing
        if bid.any():
            kept = experience[bid]
            if self.labeller:
                kept = self.labeller(hands[bid])
                kept["explored"] = experience["explored"][bid]
            self.extend(kept, cycle=self.cycle)

    def extend(self, experience: np.ndarray, *, cycle: int | None = None) -> None:
        """Take finished ``experience`` (EXPERIENCE [N]) into the ring, over the oldest; ``cycle`` is stamped on it."""
        if getattr(experience, "dtype", None) != EXPERIENCE:
            raise ValueError(f"expected EXPERIENCE records, got {getattr(experience, 'dtype', type(experience))}")
        experience = experience[-self.capacity_hands :]
        places = (self._next + np.arange(len(experience))) % self.capacity_hands
        self._ring[places] = experience
        if cycle is not None:
            self._ring["cycle"][places] = cycle
        self._counts[places] = decisions_of(experience)
        self._next = int((self._next + len(experience)) % self.capacity_hands)
        self._num_hands = min(self.capacity_hands, self._num_hands + len(experience))

    def resize(self, capacity_hands: int) -> None:
        """Make room for ``capacity_hands``; of more than that the newest are kept."""
        held = self.hands[-capacity_hands:]
        self.capacity_hands = capacity_hands
        self.maxsize = capacity_hands * MAX_DECISIONS
        self._ring = np.zeros(capacity_hands, EXPERIENCE)
        self._num_hands = self._next = 0
        self._counts = np.zeros(capacity_hands, np.int64)
        self.extend(held)

    def forget_before(self, cycle: int) -> int:
        """Drop the hands of cycles before ``cycle``; returns how many. The ring is in order of age."""
        stale = int((self.hands["cycle"] < cycle).sum())
        places = (self._next - self._num_hands + np.arange(stale)) % self.capacity_hands
        self._counts[places] = 0
        self._num_hands -= stale
        return stale

    def sample_indices(self, batch_size: int | None) -> np.ndarray:
        """``batch_size`` uniform draws from the examples, as ``hand * 33 + decision`` of the ring: int64 [B]."""
        if not self._num_hands:
            raise ValueError("expected a buffer with hands in it, got an empty one; collect first")
        size = batch_size or len(self)
        order = (self._next - self._num_hands + self._rng.integers(0, self._num_hands, size)) % self.capacity_hands
        decisions = (self._rng.random(size) * self._counts[order]).astype(np.int64)
        return order * MAX_DECISIONS + decisions

    def sample(self, batch_size: int | None) -> tuple[Any, np.ndarray]:
        """A training batch of ``batch_size`` examples as a tianshou Batch with the fields of
        :class:`zeb42_agents.training.experience.Batch` but the views, and its indices."""
        indices = self.sample_indices(batch_size)
        fields = self.draw(indices)._asdict()
        del fields["views"]  # tensors know no records
        return TianshouBatch(**fields), indices

    def draw(self, indices: np.ndarray) -> Batch:
        """The examples at ``indices``, as :meth:`sample_indices` gives them."""
        return draw(
            self._ring,
            indices // MAX_DECISIONS,
            indices % MAX_DECISIONS,
            tokenizer=self.tokenizer,
            hidden_only=self.hidden_only,
        )

    def draw_from(self, experience: np.ndarray, size: int, *, seed: int) -> Batch:
        """``size`` uniform draws from ``experience`` (EXPERIENCE [N]) instead of the ring; the same for one seed."""
        rng = np.random.default_rng(seed)
        hands = rng.integers(0, len(experience), size)
        decisions = (rng.random(size) * decisions_of(experience)[hands]).astype(np.int64)
        return draw(experience, hands, decisions, tokenizer=self.tokenizer, hidden_only=self.hidden_only)

    def get_buffer_indices(self, start: int, stop: int) -> np.ndarray:
        """What the Collector counts a finished hand's decisions by."""
        return np.arange(start, stop)

    def __getitem__(self, index: Any) -> Any:
        """A batch as long as ``index``: the Collector looks at nothing but the length of a finished episode."""
        return TianshouBatch(index=np.asarray(index))

    def hasnull(self) -> bool:
        """Records hold no NaN."""
        return False

    @property
    def subbuffer_edges(self) -> np.ndarray:
        """One ring, whatever the number of lanes."""
        return np.array([0, self.maxsize])

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint needs besides :attr:`hands`: the state of the generator. No hand may be unfinished."""
        if self._lane_decisions.any():
            raise ValueError("expected finished hands, got hands under way; save between collects")
        return {"rng": self._rng.bit_generator.state}

    def set_state(self, hands: np.ndarray, state: dict[str, Any]) -> None:
        """Continue from ``hands`` and :meth:`get_state`'s answer."""
        self.reset()
        self.extend(hands)
        self._rng.bit_generator.state = state["rng"]


def as_views(observations: np.ndarray) -> np.ndarray:
    """HAND records [R] from the bytes (uint8 [R, 96]) that travel through tianshou, which knows no records."""
    return np.ascontiguousarray(observations).view(HAND).reshape(len(observations))


def as_bytes(views: np.ndarray) -> np.ndarray:
    """The bytes (uint8 [R, 96]) of HAND records [R], a copy."""
    return views.view(np.uint8).reshape(len(views), HAND.itemsize).copy()
