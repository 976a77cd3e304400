"""Texas 42 as a Gymnasium environment: one learner, and three players that are given."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

import gymnasium
import numpy as np

from zeb42_env._core import record as core
from zeb42_env._core.lanes import BROKEN, DONE, Lanes, act_lanes, begin_lanes, new_lanes, observe_lanes, resume_lanes
from zeb42_env.hand import Hand, IllegalActionError
from zeb42_env.observation import (
    FORM_CODES,
    Observation,
    ObservationForm,
    action_space,
    array_shape,
    assemble,
    observation_space,
)
from zeb42_env.options import (
    RENDER_FPS,
    RENDER_MODES,
    action_number,
    check_begun,
    check_options,
    check_seed,
    check_whole,
    given_hand,
)
from zeb42_env.players import Player, SeatRule, choices_of, course_of, let_players_play, seat_code
from zeb42_env.render import Rendered
from zeb42_env.rules import RulesLike

_ALL = np.ones(1, bool)


class Texas42Env(Rendered, gymnasium.Env[Observation, np.int64]):
    """One seat of Texas 42 for a learner; each step is one of its own decisions.

    Args:
        rules: how the hand is played and what for: :class:`zeb42_env.Rules`, a mapping of its options, or the
            name of a preset: hand, match, majority, contract, dropped30, most_trumps.
        seat: the learner's, 0..3, or ``"random"``, drawn for each episode.
        players: the agents in the other seats: one, or a function, for all three, or a list of three for the seats to
            the learner's left, opposite and to its right; None for uniformly random legal play.
        observation: ``"planes"``, ``"tokens"``, or ``"flat"``: planes and legal actions in one array.
        per_trick_rewards: pay each trick when it is taken rather than the hand at its end; needs points scoring.
        render_mode: ``"ansi"``, ``"rgb_array"``, ``"human"`` or None.
        render_size: width and height of pictures, in pixels.

    A player is an object with ``act(views, keys)``, such as an agent of ``zeb42_agents``, or a function of the same:
    it is given HAND views [B] and one uint64 key for the randomness of each, from which the deal cannot be told, and
    returns an integer action for each. If a player raises an error in the middle of a step, reset the environment.

    The reward is the learner's team's. An illegal action loses the hand: the episode is terminated with the stake as
    negative reward, and ``info["illegal_action"]`` says why. ``info["seat"]`` is the learner's seat and
    ``info["action_mask"]`` the legal actions, which :meth:`action_masks` gives too.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        *,
        rules: RulesLike = "hand",
        seat: SeatRule = 0,
        players: Player | list[Player] | None = None,
        observation: ObservationForm = "planes",
        per_trick_rewards: bool = False,
        render_mode: str | None = None,
        render_size: tuple[int, int] = (960, 720),
    ) -> None:
        rules = check_options(rules, per_trick_rewards, render_mode)
        self.rules = rules
        self.render_mode = render_mode
        self.render_size = render_size
        space = observation_space(observation)
        self.observation_space = space  # type: ignore[assignment]
        self.action_space = action_space()
        self._observation = observation
        self._shape, self._form = array_shape(observation), FORM_CODES[observation]
        self._choices = choices_of(players)
        self._course = course_of(rules, seat_code(seat, self_play=False), per_trick_rewards, self._choices)
        self._blank_hand = rules.blank_record()
        self._lanes = new_lanes(1)
        self._status = np.full(1, DONE, np.int8)
        self._rewards = np.zeros(1)  # to seats 0&2
        self._mask = np.zeros(core.NUM_ACTIONS, np.int8)
        self._has_seed = False
        self._is_whole = True  # no step or reset was interrupted

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Deal, and let the others play up to the learner's first turn.

        A ``seed`` fixes this episode and all that follow; episode k is dealt as ``Hand.deal(seed, rules, number=k)``.
        ``options={"hand": hand}`` starts from a :class:`zeb42_env.Hand`, or its notation, instead.
        """
        seed = None if seed is None else check_seed(seed)
        super().reset(seed=seed)
        if seed is None and not self._has_seed:
            seed = int(self.np_random.integers(2**63))
        if seed is not None:
            self._lanes.keys[0], self._lanes.episodes[0], self._has_seed = seed, 0, True
        self._is_whole = False
        begin_lanes(0, 1, self._lanes, self._course, _ALL, self._blank_hand, self._status)
        self._rewards[:] = 0
        given = (options or {}).get("hand")
        if given is not None:
            self._lanes.hands[0] = given_hand(given, self.rules)
            resume_lanes(0, 1, self._lanes, self._course, _ALL, self._rewards, self._status)
        let_players_play(self._lanes, self._course, self._choices, self._rewards, self._status)
        if self._status[0] >= DONE:
            raise ValueError(f"expected options['hand'] to leave seat {self.seat} a turn, got one it has played out")
        self._is_whole = True
        return self._seen()

    def step(self, action: int | np.integer) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take the learner's ``action`` and let the others play up to its next turn, or the end."""
        check_whole(self._is_whole)
        if self._status[0] >= DONE:
            raise ValueError("expected reset() before this step, since the episode is over")
        number = action_number(action)
        actions = np.array([number if 0 <= number < core.NUM_ACTIONS else -1])
        self._is_whole = False
        self._rewards[:] = 0
        act_lanes(0, 1, self._lanes, self._course, _ALL, actions, self._rewards, self._status)
        let_players_play(self._lanes, self._course, self._choices, self._rewards, self._status)
        self._is_whole = True
        observation, info = self._seen()
        if self._status[0] == BROKEN:
            info["illegal_action"] = self._why(number)
        reward = float(self._rewards[0])
        if self._lanes.seats[0] & 1:
            reward = -reward
        return observation, reward, bool(self._status[0] >= DONE), False, info

    def action_masks(self) -> np.ndarray:
        """The legal actions (bool [56]), in the form that MaskablePPO asks for."""
        return self._mask.astype(bool)

    @property
    def seat(self) -> int:
        """The learner's seat in this episode."""
        return int(self._lanes.seats[0])

    @property
    def hand(self) -> Hand:
        """A copy of the hand being played, with every domino in it: for research, never for a player."""
        check_begun(self._has_seed)
        return Hand(self._lanes.hands)

    def clone(self) -> Self:
        """An environment in the same state that shares nothing that changes with this one but its players."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._lanes = Lanes(*(array.copy() for array in self._lanes))
        copy._status, copy._rewards, copy._mask = self._status.copy(), self._rewards.copy(), self._mask.copy()
        copy._np_random, copy.action_space = deepcopy(self._np_random), deepcopy(self.action_space)
        copy._window = None
        return copy

    def _seen(self) -> tuple[Observation, dict[str, Any]]:
        flat = np.empty((1, int(np.prod(self._shape))), np.int8)
        masks = np.empty((1, core.NUM_ACTIONS), np.int8)
        observe_lanes(0, 1, self._lanes, self._status, self._form, flat, masks)
        self._mask = masks[0]
        self._show()
        observation = assemble(self._observation, flat.reshape(self._shape), self._mask.copy())
        return observation, {"action_mask": self._mask.copy(), "seat": self.seat}

    def _why(self, action: int) -> str:
        """What is wrong with ``action``, which is illegal."""
        try:
            self.hand.apply(action)
        except IllegalActionError as error:
            return str(error)
        raise AssertionError(f"action {action} is legal")
