"""tianshou around the plain parts: its stock Collector plays, its off-policy algorithm learns.

This is the only module that imports tianshou. A collect plays the hands of a :class:`HandsAtPlay`: each lane of the
vector environment shows one of them after the other, the policy asks the actor, the buffer notes what was found. Hands
of different length are no matter. What comes out is what :meth:`zeb42_agents.training.actor.Actor.play` gives.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from tianshou.algorithm.algorithm_base import OffPolicyAlgorithm, Policy, TrainingStats
from tianshou.data import Batch as TianshouBatch
from tianshou.data import Collector, ReplayBufferManager
from tianshou.env import BaseVectorEnv
from tianshou.utils.torch_utils import policy_within_training_step

from zeb42_agents.experience import Batch
from zeb42_agents.training.actor import Actor, Found, HandsAtPlay
from zeb42_agents.training.learner import Learner
from zeb42_agents.training.replay import Ring
from zeb42_env._core.record import HAND, MAX_DECISIONS, NUM_ACTIONS
from zeb42_env.table import Turn

OBSERVATION = np.dtype([("view", HAND), ("key", np.uint64), ("row", np.int64)], align=True)
"""What a lane shows: the view of the seat to move, the key of its decision, and which of the hands it is."""


class TianshouLoop:
    """Plays into ``ring`` and learns from it.

    Args:
        ring: where what is played goes, and what is learned from.
        learner: what learns.
        num_lanes: hands played side by side.
    """

    def __init__(self, ring: Ring, learner: Learner, *, num_lanes: int) -> None:
        self._ring = ring
        self._lanes = LaneEnv(num_lanes)
        self._policy = LanePolicy(self._lanes)
        self._buffer = LaneBuffer(self._lanes, ring)
        self._algorithm = LearnerAlgorithm(self._policy, learner)

    def collect(self, actor: Actor, numbers: np.ndarray, *, cycle: int, weights_step: int) -> np.ndarray:
        """Let ``actor`` play the hands ``numbers`` [N], at least one per lane, into the ring; returns their experience
        (EXPERIENCE [M], in the order of their numbers)."""
        hands = actor.start(numbers)
        self._lanes.open(hands)
        collector: Collector[Any] = Collector(self._policy, self._lanes, self._buffer, raise_on_nan_in_buffer=False)
        collector.reset_env()
        collector.collect(n_episode=len(numbers))
        experience = hands.finish(cycle=cycle, weights_step=weights_step)
        self._ring.append(experience)
        return experience

    def learn(self, num_updates: int, batch_size: int) -> None:
        """Take ``num_updates`` steps of the learner on batches from the ring."""
        with policy_within_training_step(self._policy):
            for _ in range(num_updates):
                self._algorithm.update(self._buffer, batch_size)


class LaneEnv(BaseVectorEnv):
    """``num_lanes`` windows on the hands at play; an observation is an OBSERVATION as bytes (uint8 [R, 112])."""

    def __init__(self, num_lanes: int) -> None:
        # BaseVectorEnv's own set-up starts a worker for each lane; the Collector uses only what follows.
        self.env_num = num_lanes
        self.is_async = False
        self.rows = np.zeros(num_lanes, np.int64)  # the hand that each lane shows
        self.decisions = np.zeros(num_lanes, np.int64)  # taken in it
        self._next = 0  # hand that no lane has shown yet

    def __getattribute__(self, key: str) -> Any:
        # BaseVectorEnv would ask its workers for this one.
        return gymnasium.spaces.Discrete(NUM_ACTIONS) if key == "action_space" else object.__getattribute__(self, key)

    def open(self, hands: HandsAtPlay) -> None:
        """Show ``hands`` from the next reset on."""
        self.hands = hands
        self._next = 0

    def reset(self, env_id: Any = None, **_: Any) -> tuple[np.ndarray, np.ndarray]:
        """Show the next hands in these lanes: observations [R, 112] and empty infos [R].

        Where there are fewer hands left than lanes the last lanes get them: the first are those that the Collector is
        about to do without. The others show nothing.
        """
        lanes = np.arange(self.env_num) if env_id is None else np.asarray(env_id)
        num_left = len(self.hands.table.hands) - self._next
        shown = lanes[max(0, len(lanes) - num_left) :]
        self.rows[shown] = self._next + np.arange(len(shown))
        self.decisions[lanes] = 0
        self._next += len(shown)
        return self._observe(lanes), _no_infos(len(lanes))

    def step(self, action: Any, id: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Take one action in each of these lanes: observations [R, 112], rewards [R] (0: what the hand was worth is in
        the experience), terminated [R], truncated [R], empty infos [R]."""
        lanes = np.arange(self.env_num) if id is None else np.asarray(id)
        rows = self.rows[lanes]
        self.hands.table.take(rows, np.asarray(action))
        self.decisions[lanes] += 1
        over = self.hands.table.hands["to_move"][rows] < 0
        return self._observe(lanes), np.zeros(len(lanes)), over, np.zeros(len(lanes), np.bool_), _no_infos(len(lanes))

    def _observe(self, lanes: np.ndarray) -> np.ndarray:
        observations = np.zeros(len(lanes), OBSERVATION)
        live = np.flatnonzero(self.hands.table.hands["to_move"][self.rows[lanes]] >= 0)
        rows, views, keys = self.hands.table.turn(self.rows[lanes[live]])
        for name, values in (("row", rows), ("view", views), ("key", keys)):
            observations[name][live] = values
        return observations.view(np.uint8).reshape(len(lanes), OBSERVATION.itemsize)

    def close(self) -> None:
        """Nothing is held open."""


def _turn(observations: np.ndarray) -> Turn:
    """The decisions that the lanes wait for, from the bytes that travel through tianshou, which knows no records."""
    seen = np.ascontiguousarray(observations).view(OBSERVATION)[:, 0]
    return Turn(seen["row"].copy(), seen["view"].copy(), seen["key"].copy())


def _no_infos(num_lanes: int) -> np.ndarray:
    return np.full(num_lanes, 0, dtype=object)  # tianshou wants objects, and None would read as missing


class LanePolicy(Policy):
    """All four seats of every lane, as the actor plays them."""

    def __init__(self, lanes: LaneEnv) -> None:
        super().__init__(action_space=gymnasium.spaces.Discrete(NUM_ACTIONS), action_bound_method=None)
        self._lanes = lanes

    def forward(self, batch: Any, state: Any = None, **_: Any) -> Any:  # noqa: ARG002 - tianshou's signature
        """One action for each observation (``batch.obs``, uint8 [R, 112]), and what a search found on the way."""
        found = self._lanes.hands.decide(_turn(batch.obs))
        noted = {} if found.shares is None else {"shares": found.shares, "root_values": found.root_values}
        return TianshouBatch(act=found.actions, policy=TianshouBatch(noted))


class LaneBuffer(ReplayBufferManager):
    """Notes what is found of the hands at play, and draws from the ring, which gets them when all are over."""

    def __init__(self, lanes: LaneEnv, ring: Ring) -> None:
        # The manager's own set-up would make a buffer for each lane; the Collector asks for no more than what follows.
        object.__setattr__(self, "_meta", TianshouBatch())
        self.buffer_num = lanes.env_num
        self.maxsize = ring.capacity_hands * MAX_DECISIONS
        self._lanes, self._ring = lanes, ring

    def add(
        self, batch: Any, buffer_ids: np.ndarray | list[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Note one decision of each lane of ``buffer_ids`` [R]; tianshou's four arrays [R] come back: index of the
        decision within its hand, return, length and start of what has finished."""
        lanes = np.arange(self.buffer_num) if buffer_ids is None else np.asarray(buffer_ids)
        found = Found(batch.act, batch.policy.get("shares"), batch.policy.get("root_values"))
        self._lanes.hands.note(_turn(batch.obs), found)
        lengths = self._lanes.decisions[lanes]
        return lengths - 1, np.zeros(len(lanes)), lengths * batch.terminated, np.zeros(len(lanes), np.int64)

    def sample(self, batch_size: int | None) -> tuple[Any, np.ndarray]:
        """A batch from the ring; its examples have no indices."""
        return self._ring.sample(batch_size or 1), np.zeros(0, np.int64)

    def __len__(self) -> int:
        """How many examples can be drawn."""
        return len(self._ring)

    def reset(self, keep_statistics: bool = False) -> None:
        """The ring is forgotten by who owns it."""

    def get_buffer_indices(self, start: int, stop: int) -> np.ndarray:
        """What the Collector counts a finished hand's decisions by."""
        return np.arange(start, stop)

    def __getitem__(self, index: Any) -> Any:
        """A batch as long as ``index``: the Collector looks at nothing but the length of a finished episode."""
        return TianshouBatch(index=np.asarray(index))

    def hasnull(self) -> bool:
        """Records hold no NaN."""
        return False


class LearnerAlgorithm(OffPolicyAlgorithm[LanePolicy]):
    """The learner as an algorithm of tianshou: :meth:`update` is one step on a batch of the buffer."""

    def __init__(self, policy: LanePolicy, learner: Learner) -> None:
        super().__init__(policy=policy)
        self._learner = learner

    def _update_with_batch(self, batch: Any) -> TrainingStats:
        assert isinstance(batch, Batch)
        self._learner.step(batch)
        return TrainingStats()
