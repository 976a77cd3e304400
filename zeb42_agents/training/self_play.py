"""Self-play in tianshou's terms: a vector environment stepped by one kernel, and the policy of all its seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from numba import njit, vectorize
from tianshou.algorithm.algorithm_base import Policy
from tianshou.data import Batch as TianshouBatch
from tianshou.env import BaseVectorEnv

from zeb42_agents.evaluator import NetworkEvaluator, sample_actions
from zeb42_agents.search import Sampler, Search, SearchConfig
from zeb42_agents.training.experience import normalised_score
from zeb42_agents.training.replay import as_bytes, as_views
from zeb42_env._core.bits import mix, unit
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import MAX_DECISIONS, NUM_ACTIONS, OVER, TRICKS, apply, deal, legal_mask
from zeb42_env._core.tables import views_of
from zeb42_env.rules import Rules

TEAM_STREAM = 1000  # beyond the numbers of decisions, whose keys are mixed from the same hand's key
HAND_STREAM = 2000


class Exploration(NamedTuple):
    """How a teacher's hands are played. A hand that is not explored is played by the likeliest actions alone."""

    hands: float
    """Share of hands that are explored; what follows is about them."""
    temperature: float
    """Actions are drawn by the policy to the power 1 / temperature."""
    random_teams: float
    """How likely each team takes all its plays at random; calls are not drawn."""
    random_decisions: float
    """Share of single decisions taken at random."""


NO_EXPLORATION = Exploration(hands=0.0, temperature=1.0, random_teams=0.0, random_decisions=0.0)


class SelfPlayVectorEnv(BaseVectorEnv):
    """``num_lanes`` hands under one kernel; the observation of a lane is the view of the seat to move, as bytes.

    The lanes take turns with ``rules``, which may differ in scoring only. Hand number k of lane i is dealt from
    (seed, i, k) alone. Under these rules every hand of a lane takes the same number of decisions, so all lanes finish
    together and a whole number of hands fills a collect exactly.
    """

    def __init__(self, *, num_lanes: int, rules: Sequence[Rules], seed: int) -> None:
        if len({replace(rule, scoring="points") for rule in rules}) != 1:
            raise ValueError(f"expected rules that differ in scoring only, got {list(rules)}")
        if rules[0].contract == "auction" and rules[0].all_pass == "reshake":
            raise ValueError("expected hands of one length for training, got all_pass='reshake'; allowed: shaker_bids")
        if rules[0].episode != "hand":
            raise ValueError(f"expected episode for training, got {rules[0].episode!r}; allowed: hand")
        # BaseVectorEnv's own set-up starts a worker a lane; the Collector uses only what follows.
        self.env_num = num_lanes
        self.is_async = False
        self.contract = rules[0].contract
        self._contract_code = rules[0].contract_code
        self.hands = np.concatenate([rules[lane % len(rules)].blank_record() for lane in range(num_lanes)])
        self._lane_keys = mix_all(np.uint64(seed), np.arange(num_lanes, dtype=np.uint64))
        self._numbers = np.zeros(num_lanes, np.int64)  # of the next hand of each lane

    def __getattribute__(self, key: str) -> Any:
        # BaseVectorEnv would ask its workers for this one.
        return gymnasium.spaces.Discrete(NUM_ACTIONS) if key == "action_space" else object.__getattribute__(self, key)

    @property
    def decisions_per_hand(self) -> int:
        """How many decisions every hand takes: 33 with an auction, 28 without."""
        return MAX_DECISIONS if self.contract == "auction" else NUM_DOMINOES

    def start_at(self, number: int) -> None:
        """Make the next hand of every lane its number ``number``: how training continues."""
        self._numbers[:] = number

    def reset(self, env_id: Any = None, **_: Any) -> tuple[np.ndarray, np.ndarray]:
        """Deal the next hand of these lanes (all by default): observations [R, 96] and empty infos [R]."""
        lanes = np.arange(self.env_num) if env_id is None else np.asarray(env_id)
        _deal_lanes(self.hands, lanes, self._lane_keys, self._numbers, self._contract_code)
        self._numbers[lanes] += 1
        return self._observe(lanes), _no_infos(len(lanes))

    def step(self, action: Any, id: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Take one action in each of these lanes: observations [R, 96], rewards [R] (what the hand was worth to seats
        0&2, -1..1, when it ends), terminated [R], truncated [R], empty infos [R]."""
        lanes = np.arange(self.env_num) if id is None else np.asarray(id)
        rewards = np.zeros(len(lanes), np.float32)
        over = np.zeros(len(lanes), np.bool_)
        _step_lanes(self.hands, lanes, np.asarray(action, np.int64), rewards, over)
        return self._observe(lanes), rewards, over, np.zeros(len(lanes), np.bool_), _no_infos(len(lanes))

    def _observe(self, lanes: np.ndarray) -> np.ndarray:
        hands = self.hands[lanes]
        return as_bytes(views_of(hands, np.maximum(hands["to_move"], 0)))

    def close(self) -> None:
        """Nothing is held open."""


def _no_infos(num_lanes: int) -> np.ndarray:
    return np.full(num_lanes, 0, dtype=object)  # tianshou wants objects, and None would read as missing


@vectorize(["uint64(uint64, uint64)"], cache=True)
def mix_all(key: np.uint64, number: np.uint64) -> np.uint64:
    """:func:`zeb42_env._core.bits.mix` over arrays of keys and numbers."""
    return mix(key, number)


@njit(cache=True)
def _deal_lanes(hands: np.ndarray, lanes: np.ndarray, keys: np.ndarray, numbers: np.ndarray, contract: int) -> None:
    for lane in lanes:
        hands[lane].shaker = -1
        deal(hands[lane], mix(keys[lane], np.uint64(numbers[lane])), contract)


@njit(cache=True)
def _step_lanes(
    hands: np.ndarray, lanes: np.ndarray, actions: np.ndarray, rewards: np.ndarray, over: np.ndarray
) -> None:
    for row in range(len(lanes)):
        hand = hands[lanes[row]]
        apply(hand, actions[row])
        if hand.phase == OVER:
            over[row] = True
            rewards[row] = normalised_score(hand, 0)


class SelfPlayPolicy(Policy):
    """All four seats of every lane, played by one network: alone, for a teacher to label, or with search.

    ``model`` is what learns, ``evaluator`` what plays (its averaged copy): with ``search``, or the network alone, which
    explores while learning. ``sampler`` is where the worlds of the search come from, in place of the usual.
    """

    def __init__(
        self,
        *,
        model: torch.nn.Module,
        evaluator: NetworkEvaluator,
        search: SearchConfig | None,
        exploration: Exploration,
        decisions_per_hand: int,
        seed: int,
        sampler: Sampler | None = None,
    ) -> None:
        super().__init__(action_space=gymnasium.spaces.Discrete(NUM_ACTIONS), action_bound_method=None)
        self.model = model
        self._evaluator = evaluator
        self._search = Search(evaluator, search, sampler) if search else None
        self._exploration = exploration
        self._decisions_per_hand = decisions_per_hand
        self._seed = np.uint64(seed)
        self._round = 0

    def start_at(self, number: int) -> None:
        """Make the next hand of every lane its number ``number``: how training continues."""
        self._round = number * self._decisions_per_hand

    def forward(self, batch: Any, state: Any = None, **_: Any) -> Any:  # noqa: ARG002 - tianshou's signature
        """One action for each observation (``batch.obs``, uint8 [R, 96]), and what the search found on the way."""
        views = as_views(batch.obs)
        hand_keys = self._keys(self._round // self._decisions_per_hand, len(views))
        keys = mix_all(hand_keys, np.uint64(1 + self._round % self._decisions_per_hand))
        self._round += 1
        if self._search is not None:
            found = self._search(views, keys)
            findings = TianshouBatch(target=found.policy, root_value=found.root_value)
            return TianshouBatch(act=found.action, policy=findings)
        policy, _ = self._evaluator(views)
        exploration = self._exploration if self.is_within_training_step else NO_EXPLORATION
        explored = _explore(policy, views, hand_keys, keys, exploration)
        return TianshouBatch(act=sample_actions(policy, keys), policy=TianshouBatch(explored=explored))

    def _keys(self, hand_number: int, num_lanes: int) -> np.ndarray:
        """The keys uint64 [num_lanes] that the play of each lane's hand ``hand_number`` draws from."""
        lanes = np.arange(num_lanes, dtype=np.uint64)
        return mix_all(mix_all(np.full(num_lanes, self._seed), lanes), np.uint64(hand_number))


@njit(cache=True)
def _explore(
    policy: np.ndarray, views: np.ndarray, hand_keys: np.ndarray, keys: np.ndarray, exploration: Exploration
) -> np.ndarray:
    """Turn the policy float32 [R, 56] into what actions are drawn by (rows of any sum); returns which hands are
    explored, bool [R]."""
    explored = np.zeros(len(views), np.bool_)
    stream = np.empty(1, np.uint64)
    for row in range(len(views)):
        stream[0] = mix(hand_keys[row], np.uint64(HAND_STREAM))
        explored[row] = unit(stream) < exploration.hands
        if not explored[row]:
            likeliest = policy[row].argmax()
            policy[row] = 0.0
            policy[row, likeliest] = 1.0
            continue
        stream[0] = mix(hand_keys[row], np.uint64(TEAM_STREAM + (views[row].seat & 1)))
        at_random = unit(stream) < exploration.random_teams
        stream[0] = mix(keys[row], np.uint64(0))
        at_random |= unit(stream) < exploration.random_decisions
        if at_random and views[row].phase == TRICKS:  # calls at random would make contracts that nobody meets
            legal = legal_mask(views[row])
            for action in range(NUM_ACTIONS):
                policy[row, action] = (legal >> np.uint64(action)) & np.uint64(1)
        else:
            policy[row] **= np.float32(1.0 / exploration.temperature)
    return explored
