"""A table keeps the rules, the match and its secrets; undo and replay lead where they say."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from zeb42_agents import make_agent, worlds
from zeb42_agents.play.session import MAX_SEED, ConflictError, Session
from zeb42_agents.play.show import says, state
from zeb42_env import Hand, IllegalActionError, Phase, Rules, domino_text

SEATS = ("you", "greedy", "greedy", "greedy")
GREEDY = make_agent("greedy")


def let_agents_play(session: Session) -> None:
    while (question := session.question()) is not None:
        action = int(GREEDY.act(np.array([question.view]), question.key)[0])
        session.act(question.seat, action, question.version)


def play_hand(session: Session, choose=lambda legal: legal[0]) -> None:
    while not session.hand.is_over:
        let_agents_play(session)
        if not session.hand.is_over:
            session.act(session.hand.to_move, choose(session.hand.legal_actions()), session.version)


def test_a_hand_is_played_to_its_end() -> None:
    session = Session(SEATS, seed=1)
    play_hand(session)
    shown = state(session, 0)
    assert shown["over"]["seed"] == 1
    assert sum(shown["points"]) == 42
    assert Hand.parse(shown["over"]["hand"]) == session.hand
    assert {domino for dealt in shown["over"]["deal"] for domino in dealt} == {domino_text(d) for d in range(28)}


def test_a_match_goes_on_to_seven_marks() -> None:
    session = Session(SEATS, rules=Rules(episode="match"), seed=3)
    shakers, totals = [], []
    while True:
        shakers.append(session.hand.shaker)
        play_hand(session)
        totals.append(session.marks)
        if session.match_over:
            break
        assert state(session, 0)["over"]["seed"] is None  # it gives the next hands away
        session.go_on(session.version)
        assert session.hand.marks == totals[-1]
    assert max(totals[-1]) >= 7 > min(totals[-1])
    assert [(a + 1) & 3 for a in shakers[:-1]] == shakers[1:]
    assert state(session, 0)["over"]["match_over"]
    assert state(session, 0)["over"]["seed"] == 3
    session.go_on(session.version)
    assert session.marks == (0, 0)


def test_a_single_kind_of_contract() -> None:
    session = Session(SEATS, rules=Rules(contract="most_trumps", scoring="majority"), seed=4)
    assert session.hand.phase == Phase.TRICKS
    play_hand(session)
    assert state(session, 2)["points"] == list(session.hand.points)
    assert state(session, 1)["points"] == list(session.hand.points)[::-1]


def test_undo_takes_back_the_own_action_and_the_answers() -> None:
    session = Session(SEATS, seed=5)
    assert not session.can_undo(0)
    with pytest.raises(ValueError, match="nothing of yours"):
        session.undo(0, session.version)
    let_agents_play(session)
    before = [str(session.hand)]
    while not session.hand.is_over:
        session.act(0, session.hand.legal_actions()[-1], session.version)
        let_agents_play(session)
        before.append(str(session.hand))
    while session.can_undo(0):
        before.pop()
        session.undo(0, session.version)
        assert str(session.hand) == before[-1]
    assert len(before) == 1
    assert session.undone > 5


def test_the_same_hand_again_with_the_same_answers() -> None:
    session = Session(("you", "random", "random", "random"), seed=6)
    rng_agent, lines = make_agent("random"), []
    for _ in range(2):
        while not session.hand.is_over:
            question = session.question()
            if question is None:
                session.act(0, session.hand.legal_actions()[0], session.version)
            else:
                chosen = int(rng_agent.act(np.array([question.view]), question.key)[0])
                session.act(question.seat, chosen, question.version)
        lines.append(str(session.hand))
        session.replay(session.version)
    assert lines[0] == lines[1]
    assert session.hand == Hand.deal(seed=6)


def test_two_tabs_cannot_both_move() -> None:
    session = Session(("you",) * 4, seed=7)
    version, mover = session.version, session.hand.to_move
    session.act(mover, session.hand.legal_actions()[0], version)
    for late in (
        lambda: session.act(session.hand.to_move, 28, version),
        lambda: session.undo(mover, version),
        lambda: session.replay(version),
        lambda: session.go_on(version),
        lambda: session.new(version),
    ):
        with pytest.raises(ConflictError, match="has changed since"):
            late()
    with pytest.raises(ConflictError, match="it is the turn of seat"):
        session.act(mover, 28, session.version)
    with pytest.raises(IllegalActionError):
        session.act(session.hand.to_move, 0, session.version)


def test_nobody_takes_back_what_another_person_answered() -> None:
    session = Session(("you",) * 4, seed=8)
    first = session.hand.to_move
    session.act(first, 30, session.version)
    assert session.can_undo(first)
    session.act((first + 1) & 3, 28, session.version)
    assert not session.can_undo(first)
    assert session.can_undo((first + 1) & 3)


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="expected four seats, got 3"):
        Session(("you", "greedy", "greedy"))
    with pytest.raises(ValueError, match=r"expected seed in 0\.\."):
        Session(SEATS, seed=-1)
    with pytest.raises(ValueError, match="got a view"):
        Session(SEATS, hand=Hand(Hand.deal(seed=1).view(0)))
    session = Session(SEATS, seed=1)
    with pytest.raises(ValueError, match="expected the hand to be over"):
        session.go_on(session.version)


def test_seeds_without_one_are_secret_and_differ() -> None:
    seeds = {Session(SEATS).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < MAX_SEED for seed in seeds)


@pytest.mark.parametrize("contract", ["auction", "random"])
def test_what_is_shown_follows_from_the_view(contract: str) -> None:
    """Redeal what is hidden at every point of a hand: not a byte of what is shown may change."""
    rng = np.random.default_rng(9)
    session = Session(("you", "a", "you", "b"), rules=Rules(contract=contract), seed=12345678901234)
    while not session.hand.is_over:
        for seat in range(4):
            text = json.dumps(state(session, seat))
            assert str(session.seed) not in text
            other = Session(session.seats, rules=session.rules, seed=99)
            other.hand = Hand(worlds.sample(session.hand.view(seat), 1, rng)[0])
            other.version = session.version
            assert json.dumps(state(other, seat)) == text
        session.act(session.hand.to_move, int(rng.choice(session.hand.legal_actions())), session.version)


def test_sentences() -> None:
    session = Session(("you",) * 4, seed=10)
    first = session.hand.to_move
    assert says(session.view(first), first) == "Your turn to bid."
    session.act(first, 30, session.version)
    left = (first + 1) & 3
    assert says(session.view(left), left) == "Right bids 31. Your turn to bid."
    session.act(left, 28, session.version)
    assert says(session.view(left), left) == "You pass. Left is to bid."
    while not session.hand.is_over:
        session.act(session.hand.to_move, session.hand.legal_actions()[0], session.version)
    words = says(session.hand, first)
    assert "the trick" in words
    assert words.endswith((": made.", ": set."))
    for viewer in range(4):
        who, side = [("You", "your"), ("Left", "their"), ("Partner", "your"), ("Right", "their")][(first - viewer) & 3]
        assert f"{who} bid 31, and {side} side took" in says(session.hand, viewer)


def test_a_barred_domino_says_why() -> None:
    rng = np.random.default_rng(0)
    session, seen = Session(("you",) * 4, rules=Rules(contract="random"), seed=11), 0
    while not session.hand.is_over:
        shown = state(session, session.hand.to_move)
        assert set(shown["legal"]) | set(shown["not_now"]) == set(shown["seats"][shown["seat"]]["dominoes"])
        seen += len(shown["not_now"])
        assert all("were led and you hold" in why for why in shown["not_now"].values())
        session.act(session.hand.to_move, int(rng.choice(session.hand.legal_actions())), session.version)
    assert seen


def test_nobody_is_addressed_where_agents_play_alone() -> None:
    session = Session(("greedy",) * 4, seed=3)
    while not session.hand.is_over:
        question = session.question()
        assert question is not None
        session.act(question.seat, int(GREEDY.act(np.array([question.view]), question.key)[0]), question.version)
        shown = state(session, 0)
        words = json.dumps([shown["says"], shown["over"] and shown["over"]["text"]])
        assert not re.search(r"\b[Yy]ours?\b|\b[Yy]ou\b", words), words
        assert [seat["called"] for seat in shown["seats"]] == ["bottom", "left", "top", "right"]
        assert [seat["place"] for seat in shown["seats"]] == ["you", "left", "partner", "right"]
