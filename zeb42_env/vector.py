"""Texas 42 as a Gymnasium vector environment: thousands of hands stepped by one kernel call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any, Self

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from zeb42_env._core import record as core
from zeb42_env._core.episodes import lane_key
from zeb42_env._core.lanes import BROKEN, DONE, Lanes, act_lanes, begin_lanes, new_lanes, observe_lanes, seed_lanes
from zeb42_env.observation import (
    FORM_CODES,
    Observation,
    ObservationForm,
    action_space,
    array_shape,
    assemble,
    observation_space,
)
from zeb42_env.options import check_begun, check_options, check_seed, check_whole
from zeb42_env.players import Player, SeatRule, choices_of, course_of, let_players_play, seat_code
from zeb42_env.rules import RulesLike


class Texas42VectorEnv(VectorEnv):
    """N lanes of Texas 42, each an episode at a time, stepped together.

    Args:
        num_envs: N.
        rules: how the hands are played and what for: :class:`zeb42_env.Rules`, a mapping of its options, or the
            name of a preset: hand, match, majority, contract, dropped30, most_trumps.
        seat: the learner's, 0..3; ``"random"``, drawn for each episode; or ``"self_play"``, where every step is for
            the seat to move, whichever it is: ``infos["seat"]`` [N] says which, and rewards are those of seats 0&2.
        players: the agents in the other seats, as in :class:`zeb42_env.Texas42Env`; asked about all lanes at once.
        observation: ``"planes"``, ``"tokens"``, or ``"flat"``: planes and legal actions in one array.
        per_trick_rewards: pay each trick when it is taken rather than the hand at its end; needs points scoring.
        autoreset_mode: Gymnasium's NEXT_STEP (the default), SAME_STEP or DISABLED.
        copy: give out fresh arrays; False gives out the same arrays each time, overwritten by the next step (those of
            ``"flat"`` are always fresh).
        num_threads: how many threads share the lanes; nothing depends on it but speed.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.

    A lane depends on (seed, lane) alone, not on N: ``reset(seed=s)`` gives lane l the seed ``lane_seed(s, l)``, and a
    :class:`zeb42_env.Texas42Env` reset with that seed plays the same episodes. ``reset(seed=[...])`` gives
    each lane its own seed. An illegal action loses the hand for the team (``infos["illegal_action"]``).
    """

    _pool: ThreadPoolExecutor | None = None  # also of an environment whose options were refused, which is closed too

    def __init__(
        self,
        num_envs: int = 1,
        *,
        rules: RulesLike = "hand",
        seat: SeatRule = 0,
        players: Player | list[Player] | None = None,
        observation: ObservationForm = "planes",
        per_trick_rewards: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        num_threads: int = 1,
        render_mode: str | None = None,
    ) -> None:
        rules = check_options(rules, per_trick_rewards, render_mode)
        if render_mode == "human":
            raise ValueError("expected a render mode of a vector environment, got 'human'; allowed: ansi, rgb_array")
        for name, value in (("num_envs", num_envs), ("num_threads", num_threads)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"expected {name} to be at least 1, got {value!r}")
        self.num_envs = int(num_envs)
        self.rules = rules
        self.render_mode = render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": ["ansi", "rgb_array"], "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = observation_space(observation)
        self.single_action_space = action_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observation = observation
        self._shape, self._form = array_shape(observation), FORM_CODES[observation]
        self._choices = choices_of(players)
        self._course = course_of(rules, seat_code(seat, self_play=True), per_trick_rewards, self._choices)
        self._blank_hand = rules.blank_record()
        self._lanes = new_lanes(self.num_envs)
        self._status = np.full(self.num_envs, DONE, np.int8)
        self._paid = np.zeros(self.num_envs)  # to seats 0&2
        self._copy = copy
        self._flat = np.zeros((self.num_envs, int(np.prod(self._shape))), np.int8)
        self._masks = np.zeros((self.num_envs, core.NUM_ACTIONS), np.int8)
        self._has_seed = False
        self._is_whole = True  # no step or reset was interrupted
        self._chunks = np.linspace(0, self.num_envs, min(num_threads, self.num_envs) + 1).astype(int).tolist()

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every lane, or in those of ``options={"reset_mask": bool [N]}``.

        Without a seed, each lane goes on to its next episode.
        """
        go = _reset_mask(self.num_envs, options)
        if not go.all():
            check_whole(self._is_whole)
        self._seed_lanes(seed, go)
        self._is_whole = False
        self._begin(go)
        self._is_whole = True
        observations = self._observations()
        return observations, self._infos(go, np.zeros(self.num_envs, bool))

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision of the learner, or of the seat to move in self-play, in every lane.

        Args:
            actions: integers [N]; ignored where NEXT_STEP begins a new episode.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(f"expected integer actions [{self.num_envs}], got {actions.dtype} {list(actions.shape)}")
        check_whole(self._is_whole)
        over = self._status >= DONE
        if over.any() and (self.autoreset_mode == AutoresetMode.DISABLED or not self._has_seed):
            raise ValueError(f"expected reset() of the lanes whose episodes are over, {np.flatnonzero(over)}")
        self._is_whole = False
        if over.any():
            self._begin(over)
        self._act(~over, actions.astype(np.int64, copy=False))
        seats = self._lanes.seats
        rewards = np.where((seats >= 0) & (seats & 1 == 1), -self._paid, self._paid) + 0.0  # no negative zeros
        terminated = self._status >= DONE
        broken = self._status == BROKEN
        final: dict[str, Any] = {}
        if self.autoreset_mode == AutoresetMode.SAME_STEP and terminated.any():
            final = self._final(terminated, broken)
            self._begin(terminated)
            broken = np.zeros(self.num_envs, bool)
        self._is_whole = True
        observations = self._observations()
        infos = self._infos(np.ones(self.num_envs, bool), broken)
        return observations, rewards, terminated, np.zeros(self.num_envs, bool), {**final, **infos}

    @property
    def hands(self) -> np.ndarray:
        """A copy of the hands being played (HAND records [N]), with every domino in them: never for a player."""
        check_begun(self._has_seed)
        return self._lanes.hands.copy()

    def render(self) -> tuple[Any, ...] | None:
        """Each lane's table: text or pictures."""
        if self.render_mode is None:
            return None
        from zeb42_env import render

        check_begun(self._has_seed)
        draw = render.ansi if self.render_mode == "ansi" else render.rgb_array
        return tuple(draw(hand) for hand in self._lanes.hands)

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002 - Gymnasium's signature
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
            self._chunks = [0, self.num_envs]

    def clone(self) -> Self:
        """An environment in the same state that shares nothing that changes with this one but its players."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._lanes = Lanes(*(array.copy() for array in self._lanes))
        for name in ("_status", "_paid", "_flat", "_masks"):
            setattr(copy, name, getattr(self, name).copy())
        for name in ("_np_random", "action_space", "single_action_space"):
            setattr(copy, name, deepcopy(getattr(self, name)))
        copy._pool = None
        return copy

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}

    def _run(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Run ``kernel(start, stop, ...)`` over all lanes, shared between the threads."""
        if len(self._chunks) == 2:
            kernel(0, self.num_envs, *arguments)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(self._chunks) - 1)
        jobs = [
            self._pool.submit(kernel, start, stop, *arguments)
            for start, stop in zip(self._chunks, self._chunks[1:], strict=False)
        ]
        for job in jobs:
            job.result()

    def _seed_lanes(self, seed: int | Sequence[int | None] | None, go: np.ndarray) -> None:
        if seed is None and not self._has_seed:
            seed = int.from_bytes(os.urandom(8), "little")
        if seed is None:
            return
        if isinstance(seed, int | np.integer):
            super().reset(seed=check_seed(seed))
            seed_lanes(self._lanes, np.uint64(seed), go)
        elif not isinstance(seed, Sequence | np.ndarray) or isinstance(seed, str) or np.asarray(seed, object).ndim != 1:
            raise ValueError(f"expected a seed in 0..2**64-1, or a list of them, got {seed!r}")
        elif len(seed) != self.num_envs:
            raise ValueError(f"expected {self.num_envs} seeds, one for each lane, got {len(seed)}")
        else:
            checked = [None if lane_seed is None else check_seed(lane_seed) for lane_seed in seed]
            for lane in np.flatnonzero(go):
                if checked[lane] is not None:
                    self._lanes.keys[lane], self._lanes.episodes[lane] = checked[lane], 0
        self._has_seed = True

    def _begin(self, go: np.ndarray) -> None:
        self._run(begin_lanes, self._lanes, self._course, go, self._blank_hand, self._status)
        self._paid[go] = 0
        self._let_players_play()

    def _act(self, go: np.ndarray, actions: np.ndarray) -> None:
        self._paid[:] = 0
        self._run(act_lanes, self._lanes, self._course, go, actions, self._paid, self._status)
        self._let_players_play()

    def _let_players_play(self) -> None:
        if self._choices:
            let_players_play(self._lanes, self._course, self._choices, self._paid, self._status)

    def _observations(self) -> Observation:
        if self._copy:  # the kernel writes into fresh arrays, which saves the copying
            self._flat, self._masks = np.empty_like(self._flat), np.empty_like(self._masks)
        self._run(observe_lanes, self._lanes, self._status, self._form, self._flat, self._masks)
        return assemble(self._observation, self._flat.reshape(self.num_envs, *self._shape), self._masks)

    def _infos(self, there: np.ndarray, broken: np.ndarray) -> dict[str, Any]:
        """What is said of the lanes that ``there`` (bool [N]) names, with Gymnasium's mask beside each entry."""
        seats = self._lanes.seats
        if (seats < 0).any():
            seats = np.maximum(self._lanes.hands["to_move"], 0)
        infos = {"action_mask": self._masks.copy(), "_action_mask": there.copy()}
        infos |= {"seat": seats.astype(np.int64), "_seat": there.copy()}
        if broken.any():
            infos |= {"illegal_action": broken.copy(), "_illegal_action": broken.copy()}
        return infos

    def _final(self, over: np.ndarray, broken: np.ndarray) -> dict[str, Any]:
        """The last observations and infos of the lanes that are ``over``, in Gymnasium's form."""
        last = self._observations()
        observations = np.full(self.num_envs, None, object)
        for lane in np.flatnonzero(over):
            one = {k: array[lane].copy() for k, array in last.items()} if isinstance(last, dict) else last[lane].copy()
            observations[lane] = one
        return {
            "final_obs": observations,
            "_final_obs": over.copy(),
            "final_info": self._infos(over, broken),
            "_final_info": over.copy(),
        }


def _reset_mask(num_envs: int, options: dict[str, Any] | None) -> np.ndarray:
    if "hand" in (options or {}):
        raise ValueError("expected no options['hand'], got one: the lanes of a vector deal; allowed: reset_mask")
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return np.ones(num_envs, bool)
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"expected options['reset_mask'] to be bool [{num_envs}] with a lane to reset, got {mask!r}")
    return mask.copy()


def lane_seed(seed: int, lane: int) -> int:
    """The seed with which a :class:`zeb42_env.Texas42Env` plays what lane ``lane`` plays after ``reset(seed=seed)``."""
    return int(lane_key(np.uint64(check_seed(seed)), np.uint64(lane)))
