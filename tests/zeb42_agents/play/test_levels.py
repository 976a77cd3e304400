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
from zeb42_env import Hand

JARGON = ("prior", "policy", " q", "simulation", "world", "network", "belief")


@pytest.mark.parametrize("level", [level for level in LEVELS if level.calls], ids=lambda level: level.name)
def test_calls_that_are_made_before_a_level_has_loaded_are_its_own(level: Level) -> None:
    def never(spec: str) -> Agent:
        raise AssertionError(f"{spec} need not be loaded")

    agent, questions = make_agent(level.spec), []
    for seed in range(10):
        question = Session([level.spec] * 4, seed=seed).question()
        assert question is not None
        questions.append(question)
    player = Player(level.spec, make=never, calls=level.calls)
    assert player.caller == _caller(agent)
    for question in questions:
        answer = asyncio.run(player.answer(question))
        assert answer == (int(agent.act(np.array([question.view]), question.key)[0]), None)
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
