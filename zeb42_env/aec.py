"""Texas 42 as a PettingZoo AEC environment.

Four seats around a table, partners opposite, play a hand of the trick-taking domino game of Texas: an auction, the
declaration of trump, and seven tricks worth 42 points. Nobody sees another's dominoes. An episode is one hand, or a
match of hands until a team has seven marks.

    import zeb42_env

    env = zeb42_env.env()
    env.reset(seed=42)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, info = env.last()
        if terminated or truncated:
            action = None
        else:
            action = env.action_space(agent).sample(observation["action_mask"])
        env.step(action)

## Actions

One `Discrete(56)` for every phase and every agent.

| action | meaning | phase |
|---|---|---|
| 0-27 | play that domino: `high * (high + 1) / 2 + low` is its id, 0 = 0-0 and 27 = 6-6 | tricks |
| 28 | pass | auction |
| 29-40 | bid 30..41 points | auction |
| 41-45 | bid 1..5 marks | auction |
| 46-52 | declare blanks, ones, .. sixes as trump | declaration |
| 53 | declare doubles as trump | declaration |
| 54 | declare doubles a suit of their own, no trump | declaration |
| 55 | declare no trump, "follow me" | declaration |

`zeb42_env.action_text` and `parse_action` turn ids into words and back.

## Observation

A `Dict` of `observation` and `action_mask`, the same space for every agent. `observation="planes"`, the default, is a
flat int8 array of the pieces below, all counted from the observer: seat 0 is itself, 1 the seat on its left, 2 its
partner, 3 the seat on its right. `zeb42_env.observation.piece(array, name)` cuts a piece out.

`observation="flat"` is for libraries that take no `Dict`: one `Box`, int8 [627], of the planes and behind them the
legal actions, which `piece(array, "action_mask")` cuts out. `infos` have the mask as ever.

`observation="tokens"` is for transformers: int8 [33, 40], one token for the situation, four for the seats from the
observer on, 28 for the dominoes; every token is always there.

Observations are written from the observer's *view*, a record with everything that it cannot know blanked out.
`state()` is the perfect-information view, for research and for critics: planes as seat 0 sees them, with the truth in
`may_hold`. It is never part of an observation.

## Legal actions

`observation["action_mask"]` and `infos[agent]["action_mask"]` are int8 [56] of 0 and 1, all 0 for an agent that is not
to move. In `env()` an illegal action loses the hand: the episode is terminated, the offending *team* loses the stake
and the other team wins it, and `infos[agent]["illegal_action"]` says why. `raw_env` raises `IllegalActionError`.

## Reset

`env.reset(seed=s)` deals hand 0 of that seed; each `reset()` after it deals the next. `options={"hand": hand}` begins
with a position of your own instead: a `zeb42_env.Hand` that is not over, or its line of notation, such as one that
was saved, edited, or dealt with `Hand.from_deal`. `Texas42Env` takes the same; the vector environment takes
`options={"reset_mask": bool [N]}`, the lanes to begin anew.

    from zeb42_env import Hand, env

    table, hand = env(), Hand.deal(seed=7)
    table.reset(options={"hand": hand})
    table.reset(options={"hand": str(hand)})  # a line of notation

## Rewards

Always opposite for the two teams and equal for partners, paid when the episode ends.

| `Rules(scoring=...)` | reward of a team |
|---|---|
| `"marks"` (default) | the marks at stake: plus if its contract was made or the other's was set, else minus |
| `"contract"` | 1 made or set, whatever was bid |
| `"majority"` | 1 for more than 21 of the 42 points, 0 for 21 each |
| `"points"` | its margin as a share of 42 |

A match, `Rules(episode="match")`, pays 1 to its winner and nothing before. With `per_trick_rewards=True` and points
scoring each trick is paid when it is taken; a hand adds up to the same.

## Rendering

`render_mode="ansi"` returns text, `"rgb_array"` a picture (uint8 [height, width, 3]), `"human"` shows a window; the
last two need pygame (`pip install 'zeb42[render]'`). All three show every hand; they are meant for
spectators.

## Version history

* v0: first version.
"""

from __future__ import annotations

import secrets
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from zeb42_env._core import bits, episodes, tables
from zeb42_env._core import observe as core_observe
from zeb42_env._core import record as core
from zeb42_env.hand import Hand, IllegalActionError
from zeb42_env.observation import (
    FORM_CODES,
    Observation,
    ObservationForm,
    action_space,
    array_shape,
    observation_array_space,
    observation_space,
)
from zeb42_env.options import (
    RENDER_FPS,
    RENDER_MODES,
    action_number,
    check_begun,
    check_options,
    check_seed,
    given_hand,
)
from zeb42_env.render import Rendered
from zeb42_env.rules import RulesLike
from zeb42_env.snapshot import AGENTS, Snapshot

SEATS = {agent: seat for seat, agent in enumerate(AGENTS)}


def env(**options: Any) -> ForfeitWrapper:
    """The environment with its order of calls enforced, in which an illegal action loses the hand.

    Takes the options of :class:`raw_env`.
    """
    return ForfeitWrapper(raw_env(**options))


class raw_env(Rendered, AECEnv[str, Observation, int]):
    """One hand of Texas 42, or a match, as a turn-based environment. Illegal actions raise.

    Args:
        rules: how the hand is played and what for: :class:`zeb42_env.Rules`, a mapping of its options, or the
            name of a preset: hand, match, majority, contract, dropped30, most_trumps.
        observation: ``"planes"``, ``"tokens"``, or ``"flat"``: planes and legal actions in one array.
        per_trick_rewards: pay each trick when it is taken rather than the hand at its end; needs points scoring,
            whose margin the tricks add up to.
        render_mode: ``"ansi"``, ``"rgb_array"``, ``"human"`` or None.
        render_size: width and height of pictures, in pixels.
    """

    metadata = {  # noqa: RUF012 - as PettingZoo declares it
        "render_modes": list(RENDER_MODES),
        "name": "texas42_v0",
        "is_parallelizable": False,
        "render_fps": RENDER_FPS,
    }

    def __init__(
        self,
        *,
        rules: RulesLike = "hand",
        observation: ObservationForm = "planes",
        per_trick_rewards: bool = False,
        render_mode: str | None = None,
        render_size: tuple[int, int] = (960, 720),
    ) -> None:
        super().__init__()
        rules = check_options(rules, per_trick_rewards, render_mode)
        self.rules = rules
        self.observation = observation
        self.per_trick_rewards = per_trick_rewards
        self.render_mode = render_mode
        self.render_size = render_size
        self.possible_agents = list(AGENTS)
        space, actions = observation_space(observation), action_space()
        self.observation_spaces = dict.fromkeys(AGENTS, space)
        self.action_spaces = dict.fromkeys(AGENTS, actions)
        self.state_space = observation_array_space("planes")
        self._observation_shape = array_shape(observation)
        self._observation_size = int(np.prod(self._observation_shape))
        self._form = FORM_CODES[observation]
        self._contract = rules.contract_code
        self._blank_hand = rules.blank_record()
        self._nothing_legal = np.zeros(core.NUM_ACTIONS, np.int8)
        self._nothing_legal.flags.writeable = False
        self._hands = np.zeros(1, core.HAND)
        self._seed: int | None = None
        self._episode = 0
        self._episode_key = np.uint64(0)
        self._number = 0  # of the hand in its match
        self._mask = self._nothing_legal
        self._skip_agent_selection: str | None = None

    def observation_space(self, agent: str) -> spaces.Space:
        """The space of ``agent``'s observations; the same for all."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """The space of ``agent``'s actions; the same for all."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Deal. A ``seed`` fixes this hand and all that follow: episode k is ``Hand.deal(seed, rules, number=k)``.

        Without one the next episode of the last seed begins. ``options={"hand": hand}`` starts from a
        :class:`zeb42_env.Hand`, or its notation, instead; other options are ignored.
        """
        if seed is not None:
            self._seed, self._episode = check_seed(seed), 0
        elif self._seed is None:
            self._seed, self._episode = secrets.randbits(63), 0
        else:
            self._episode += 1
        self._number = 0
        self._episode_key = np.uint64(bits.mix(np.uint64(self._seed), np.uint64(self._episode)))
        given = (options or {}).get("hand")
        if given is None:
            episodes.first_hands(self._hands, self._blank_hand, self._episode_key, self._contract)
        else:
            self._hands[:] = given_hand(given, self.rules)
        self.agents = list(AGENTS)
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {"action_mask": self._nothing_legal} for agent in AGENTS}
        self._skip_agent_selection = None
        self._turn_to(int(self._hands["to_move"][0]), tables.legal_masks(self._hands)[0])
        self._show()

    def step(self, action: int | None) -> None:
        """Take ``action`` for the seat to move; IllegalActionError, and nothing changed, if it may not.

        When the episode is over, each agent is to step once more, with None.
        """
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)  # type: ignore[arg-type]
            return
        number = action_number(action)
        mask = np.empty(core.NUM_ACTIONS, np.int8)
        to_move = episodes.take(self._hands, number if 0 <= number < core.NUM_ACTIONS else -1, mask)
        if to_move == episodes.ILLEGAL:
            Hand(self._hands).apply(number)  # raises, with the reason
        self.infos[agent] = {"action_mask": self._nothing_legal}
        self._cumulative_rewards[agent] = 0.0
        if self.rewards[agent]:  # the others' are as large
            self._clear_rewards()
        if self.per_trick_rewards:
            self._pay(episodes.last_trick_margin(self._hands))
        if to_move >= 0:
            self._turn_to(to_move, mask)
        elif episodes.is_episode_over(self._hands):
            if not self.per_trick_rewards:
                self._pay(episodes.pays(self._hands))
            self._end({})
        else:
            self._number += 1
            episodes.go_on(self._hands, self._episode_key, self._number, self._contract)
            self._turn_to(int(self._hands["to_move"][0]), tables.legal_masks(self._hands)[0])
        self._show()

    def forfeit(self, reason: str) -> None:
        """End the episode with the team of the seat to move losing the stake, the other team winning it.

        The stake is 1, or the marks at stake where a single hand is played for marks. ``reason`` goes into the infos.
        """
        loser = SEATS[self.agent_selection]
        self._cumulative_rewards[self.agent_selection] = 0.0
        self._clear_rewards()
        amount = float(episodes.stakes(self._hands))
        self._pay(amount if loser & 1 else -amount)
        self._end({"illegal_action": reason, "illegal_agent": self.agent_selection})
        self._show()

    def observe(self, agent: str) -> Observation:
        """What ``agent`` may know, and the legal actions, none when it is not to move. Fresh arrays."""
        flat = np.empty(self._observation_size, np.int8)
        core_observe.observe_one(self._hands, SEATS[agent], self._form, flat)
        mask = self._mask if agent == self.agent_selection else self._nothing_legal
        if self.observation == "flat":
            return np.concatenate((flat, mask))
        return {"observation": flat.reshape(self._observation_shape), "action_mask": mask.copy()}

    def state(self) -> np.ndarray:
        """The perfect-information view, for research and for critics in training: never part of an observation.

        Planes (int8 [571]) as seat 0 sees them, except that ``may_hold`` says what the other seats do hold.
        """
        flat = np.empty(core_observe.PLANES_SIZE, np.int8)
        core_observe.observe_one(self._hands, core.NOBODY, core_observe.PLANES, flat)
        return flat

    @property
    def hand(self) -> Hand:
        """A copy of the hand being played, with every domino in it: for research, never for a player."""
        check_begun(self.has_begun)
        return Hand(self._hands)

    def clone(self) -> Self:
        """An environment in the same state that shares nothing that changes with this one."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._hands = self._hands.copy()
        copy.action_spaces = dict.fromkeys(AGENTS, action_space())
        copy._window = None
        if self.has_begun:
            Snapshot.of(self).put_into(copy)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.clone()

    @property
    def has_begun(self) -> bool:
        """Whether there has been a reset."""
        return self._seed is not None

    def get_state(self) -> Snapshot:
        """Everything that changes as the game goes on, to be given to :meth:`set_state`."""
        check_begun(self.has_begun)
        return Snapshot.of(self)

    def set_state(self, state: Snapshot) -> None:
        """Go to a state that :meth:`get_state` gave, of this or of another environment with the same options."""
        if not isinstance(state, Snapshot):
            raise ValueError(f"expected a state as get_state gives it, got {type(state).__name__}")
        own = Snapshot.of(state)
        own.check()
        own.put_into(self)

    def _turn_to(self, seat: int, mask: np.ndarray) -> None:
        self.agent_selection = AGENTS[seat]
        self._mask = mask
        self.infos[self.agent_selection] = {"action_mask": mask}

    def _pay(self, amount: float) -> None:
        """Reward seats 0&2 with ``amount`` and the others with its negative."""
        if amount:
            for seat, agent in enumerate(AGENTS):
                self.rewards[agent] = -amount if seat & 1 else amount
            self._accumulate_rewards()

    def _end(self, info: dict[str, Any]) -> None:
        self._mask = self._nothing_legal
        self.terminations = dict.fromkeys(AGENTS, True)
        self.infos = {agent: {"action_mask": self._nothing_legal, **info} for agent in AGENTS}
        self.agent_selection = AGENTS[(SEATS[self.agent_selection] + 1) & 3]


class ForfeitWrapper(OrderEnforcingWrapper):
    """The environment that :func:`env` makes: calls out of order raise, and an illegal action loses the hand.

    The offending *team* loses the stake and the other team wins it; the episode is terminated, not truncated, and
    ``infos[agent]["illegal_action"]`` says why.
    """

    env: raw_env

    def step(self, action: int | None) -> None:
        try:
            super().step(action)
        except IllegalActionError as error:
            self.env.forfeit(str(error))

    def set_state(self, state: Snapshot) -> None:
        """Go to a state that ``get_state`` gave."""
        self.env.set_state(state)
        self._has_reset = self._has_updated = True

    def clone(self) -> Self:
        """An environment in the same state that shares nothing that changes with this one."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.env = self.env.clone()
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.clone()
