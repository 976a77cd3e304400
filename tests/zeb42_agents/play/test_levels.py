"""What is said of the levels before they have loaded is true."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.agent import Agent
from zeb42_agents.play.advice import opinion
from zeb42_agents.play.levels import LEVELS, Level
from zeb42_agents.play.players import Player, _caller
from zeb42_agents.play.session import Session
from zeb42_agents.simple_bidder import simple_calls
from zeb42_env import Hand, Phase

JARGON = ("prior", "policy", " q", "simulation", "world", "network", "belief")


def calling_views(num_hands: int) -> np.ndarray:
    """Every view of a call or a declaration of some hands."""
    found = []
    for seed in range(num_hands):
        hand = Hand.deal(seed=seed)
        while hand.phase in (Phase.AUCTION, Phase.DECLARATION):
            found.append(hand.view(hand.to_move))
            hand.apply(int(simple_calls(np.array(found[-1:]))[0]))
    return np.array(found)


@pytest.mark.parametrize("level", [level for level in LEVELS if level.caller], ids=lambda level: level.name)
def test_who_bids_for_a_level_is_known_before_it_has_loaded(level: Level) -> None:
    agent, views = make_agent(level.spec), calling_views(10)
    assert level.caller == "simple bidder" == _caller(agent)
    keys = np.arange(len(views), dtype=np.uint64)
    assert (agent.act(views, keys) == simple_calls(views)).all()


def test_calls_wait_for_no_agent_that_leaves_them_to_the_bidder() -> None:
    def never(spec: str) -> Agent:
        raise AssertionError(f"{spec} need not be loaded")

    player = Player("zeb", make=never, caller="simple bidder")
    question = Session(["zeb"] * 4, seed=1).question()
    assert question is not None
    answer = asyncio.run(player.answer(question))
    assert answer == (int(simple_calls(np.array([question.view]))[0]), None)
    player.stop()


@pytest.mark.parametrize("level", [level for level in LEVELS if level.is_cheap], ids=lambda level: level.name)
def test_opinions_are_in_words_of_the_table(level: Level) -> None:
    agent = make_agent(level.spec)
    hand = Hand.deal(seed=3)
    seen = set()
    while not hand.is_over and len(hand.history) < 16:
        found = opinion(Hand(hand.view(hand.to_move)), agent, level.name)
        assert found["name"] == level.name
        assert found["why"].endswith(".")
        assert not [word for word in JARGON if word in found["why"]]
        seen.add(found["why"])
        hand.apply(int(agent.act(np.array([hand.view(hand.to_move)]), np.array([1], np.uint64))[0]))
    assert len(seen) >= 2
