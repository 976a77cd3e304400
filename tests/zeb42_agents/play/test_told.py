"""A hand from a real table, told action by action."""

from __future__ import annotations

import re

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.play.review import rewound
from zeb42_agents.play.told import told
from zeb42_env import Hand, action_text

AUCTION = ["pass", "pass", "31", "pass", "fives"]


def played(seed: int, agent: str) -> Hand:
    hand, player, rng = Hand.deal(seed=seed, shaker=seed % 4), make_agent(agent), np.random.default_rng(seed)
    while not hand.is_over:
        hand.apply(int(player.act(np.array([hand.view(hand.to_move)]), rng)[0]))
    return hand


def words_of(hand: Hand) -> list[str]:
    return [action_text(action) for _, action in hand.history]


@pytest.mark.parametrize("seed", range(8))
def test_the_deal_follows_from_the_plays(seed: int) -> None:
    hand = played(seed, "random" if seed % 2 else "greedy")
    found = told(hand.shaker, words_of(hand))
    assert found["hand"] == str(hand)
    assert found["phase"] == "whole"
    assert found["points"] == list(hand.points)
    assert sum(trick["points"] for trick in found["tricks"]) == 42


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("num_told", [5, 11, 20, 32])
def test_a_hand_that_ended_early(seed: int, num_told: int) -> None:
    hand = rewound(played(seed, "greedy"), num_told)
    said = [*words_of(hand), "end"]
    for seat in range(4):
        for domino in hand.holding(seat):
            if told(hand.shaker, said)["phase"] != "whole":  # what is left is the last seat's
                said.append(str(domino))
    assert told(hand.shaker, said)["hand"] == str(hand)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_was_played_is_ever_barred(seed: int) -> None:
    hand = played(seed, "greedy")
    said = words_of(hand)
    for number, (seat, _) in enumerate(hand.history):
        found = told(hand.shaker, said[:number])
        assert found["seat"] == seat
        assert said[number] not in {**found["barred"], **found["gone"]}
        assert not found["legal"] or said[number] in found["legal"]
        assert found["trouble"] == ""


def test_what_is_asked_next() -> None:
    assert told(3, [])["asks"] == "What did you bid?"
    assert told(3, AUCTION[:4])["asks"] == "Partner won the bid. What was trump?"
    assert told(3, AUCTION)["asks"] == "Trick 1: what did partner lead?"
    found = told(3, [*AUCTION, "55", "54", "50", "10"])
    assert found["asks"] == "Trick 2: what did partner lead?"
    assert found["tricks"] == [
        {
            "plays": [
                {"seat": 2, "domino": "5-5"}, {"seat": 3, "domino": "5-4"},
                {"seat": 0, "domino": "5-0"}, {"seat": 1, "domino": "1-0"},
            ],
            "by": 2,
            "points": 16,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["31", "30"], "at entry 2: Left cannot have said '30'; allowed: pass, 32"),
        (
            ["pass"] * 4,
            "at entry 4: Right cannot have said 'pass': all others passed, so the shaker must bid; allowed: 30",
        ),
        ([*AUCTION, "pass"], "at entry 6: expected a domino such as 6-4, got 'pass'"),
        ([*AUCTION, "55", "54", "50", "10", "55"], "at entry 10: 5-5 was told before: partner, trick 1"),
        (
            [*AUCTION, "55", "64", "50", "10", "66", "54"],
            "at entry 11: Right cannot have had 5-4: Right did not follow suit in trick 1",
        ),
        ([*AUCTION, *["55"] * 70], "expected at most 62 entries, got 75"),
    ],
)
def test_what_cannot_be_is_pointed_at(said: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        told(3, said)


def test_nothing_comes_after_the_whole_hand() -> None:
    hand = played(1, "greedy")
    with pytest.raises(ValueError, match="at entry 34: expected no more"):
        told(hand.shaker, [*words_of(hand), "6-6"])


def test_a_seat_that_can_have_had_none_of_the_rest_is_told() -> None:
    tricks = ["55 10 50 51", "66 00 61 62", "44 20 41 42", "33 21 31 32", "22 11 30 43", "65"]
    said = AUCTION + " ".join(tricks).split()
    assert told(3, said[:-1])["trouble"] == ""
    assert told(3, said)["trouble"] == "Right can have had none of those left: take something back"
