"""Makes a level quick before it is first asked: loads it, and lets it play a hand, so that every kernel is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zeb42_agents.agent import Agent
from zeb42_agents.play.house import House
from zeb42_agents.play.levels import find_level
from zeb42_env.hand import Hand


def warm(house: House, name: str, tell: Callable[[str], None]) -> None:
    """Load the level ``name`` in its own thread and let it play a hand against itself; blocks until that is done."""
    level = find_level(name, house.levels)
    tell(f"waking {level.name}")
    house.player(level.spec).do(_play_a_hand).result()


def _play_a_hand(agent: Agent) -> None:
    hand, rng = Hand.deal(seed=1), np.random.default_rng(1)
    while not hand.is_over:
        hand.apply(int(agent.act(np.array([hand.view(hand.to_move)]), rng)[0]))
