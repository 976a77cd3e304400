"""All of the PettingZoo environment that changes as the game goes on, and what makes it a state that can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from zeb42_env._core import tables
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.record import NOBODY
from zeb42_env.hand import MAX_SEED
from zeb42_env.records import check_records

AGENTS = tuple(f"seat_{seat}" for seat in range(NUM_SEATS))


@dataclass(slots=True)
class Snapshot:
    """What :meth:`zeb42_env.raw_env.get_state` gives, by the names that it has there."""

    _hands: np.ndarray
    _seed: int
    _episode: int
    _episode_key: np.uint64
    _number: int
    _mask: np.ndarray
    agents: list[str]
    agent_selection: str
    _skip_agent_selection: str | None
    rewards: dict[str, float]
    _cumulative_rewards: dict[str, float]
    terminations: dict[str, bool]
    truncations: dict[str, bool]
    infos: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, source: Any) -> Self:
        """A copy of what an environment, or a snapshot, has under these names."""
        return cls(*(_copied(getattr(source, name)) for name in cls.__slots__))

    def put_into(self, env: Any) -> None:
        """Make it the state of ``env``, which takes the arrays and dictionaries themselves."""
        for name in self.__slots__:
            setattr(env, name, getattr(self, name))

    def check(self) -> None:
        """ValueError names what is wrong, unless an environment can be in this state."""
        self._hands = hands = check_records(self._hands, "a state's hands")
        if hands.shape != (1,) or hands[0]["seat"] != NOBODY:
            raise ValueError(f"expected a state's hands to be one full hand, got HAND records {list(hands.shape)}")
        counters = ("_seed", "_episode", "_episode_key", "_number")
        by_agent = ("rewards", "_cumulative_rewards", "terminations", "truncations", "infos")
        agents = self.agents if isinstance(self.agents, list) else [None]
        sound = {
            "agents": all(agent in AGENTS for agent in agents),
            **{name: _is_count(getattr(self, name)) for name in counters},
            **{name: _is_by_agent(getattr(self, name), agents) for name in by_agent},
        }
        over = not agents or (sound["terminations"] and any(self.terminations.values()))
        movers = AGENTS if over else (AGENTS[hands[0]["to_move"]],)
        sound["_mask"] = np.array_equal(self._mask, tables.legal_masks(hands)[0] * (not over))
        sound["agent_selection"] = self.agent_selection in movers
        sound["_skip_agent_selection"] = self._skip_agent_selection in (None, *AGENTS)
        if wrong := [name.strip("_") for name, is_sound in sound.items() if not is_sound]:
            raise ValueError(f"expected a state that get_state gave, got one with another {', '.join(wrong)}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and 0 <= int(value) <= MAX_SEED


def _is_by_agent(value: Any, agents: list[Any]) -> bool:
    return isinstance(value, dict) and all(agent in value for agent in agents)


def _copied(value: Any) -> Any:
    """A copy of a list, an array or a dictionary, and of the dictionaries in it."""
    if isinstance(value, dict):
        return {name: entry.copy() if isinstance(entry, dict) else entry for name, entry in value.items()}
    return value.copy() if isinstance(value, list | np.ndarray) else value
