"""What is said of the levels before they have loaded is true."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from zeb42_agents import make_agent, weights
from zeb42_agents.agent import Agent
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.play.advice import opinion
from zeb42_agents.play.levels import LEVELS, Level, needs_torch, offered
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


def test_calls_that_cannot_be_made_early_are_stood_in_for() -> None:
    player = Player("greedy", calls="nowhere")
    question = Session(["greedy"] * 4, seed=1).question()
    assert question is not None
    answer = asyncio.run(player.answer(question))
    assert answer.note == "greedy failed (ValueError): greedy stood in for it"
    assert answer.action in Hand(question.view).legal_actions()
    player.stop()


@pytest.mark.parametrize(
    ("spec", "needed"),
    [("zeb:quick,worlds=40", False), ("zeb:laptop", False), ("zeb:taught,mind=quick", False), ("eq:n=5", False),
     ("gentle:temperature=6", False), ("hf://user/repo", False), ("zeb:hf://user/repo", False),
     ("zeb:laptop,device=cuda", True),
     ("zeb:laptop,precision=bfloat16", True), ("zeb:laptop,precision=auto", False),
     ("zeb:v1", True), ("zeb:old.pt", True)],
)  # fmt: skip
def test_what_needs_torch_is_known_by_its_spec(
    spec: str, needed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights.save(tmp_path / "v1", ZebModel(ZebConfig.named("small")), {})
    (tmp_path / "old.pt").touch()
    monkeypatch.chdir(tmp_path)
    assert needs_torch(spec) == needed
    monkeypatch.setattr("zeb42_agents.play.levels.find_spec", lambda name: None)
    (level,) = (level for level in offered([spec]) if level.name == spec)
    assert (level.missing is not None) == needed


def test_the_page_names_the_agents_of_the_levels() -> None:
    page = (Path(__file__).parents[3] / "docs" / "play.md").read_text(encoding="utf-8")
    for level in LEVELS:
        assert f"| {level.name} | `{level.spec}` |" in page
