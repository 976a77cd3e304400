"""Dominoes and tables as SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from playing import ALL_RULES, random_position, redealt

from zeb42_env import Hand, domino_text, svg
from zeb42_env._core import dominoes as tiles

NS = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ElementTree.Element:
    assert text.startswith("<svg ")
    return ElementTree.fromstring(text)


def faces(picture: ElementTree.Element) -> int:
    return sum(part.get("class") == "face" for part in picture.iter(f"{NS}rect"))


def dots(picture: ElementTree.Element) -> int:
    return sum(part.get("d").count("h0") for part in picture.iter(f"{NS}path") if part.get("class") == "pips")


def words(picture: ElementTree.Element) -> list[str]:
    return ["".join(part.itertext()) for part in picture.iter(f"{NS}text")]


@pytest.mark.parametrize("rules", ALL_RULES)
@pytest.mark.parametrize("decisions", [0, 2, 9, 33])
def test_every_table_is_drawn(rules, decisions):
    hand = random_position(1, rules, decisions)
    in_last_trick = 4 if hand.record["num_plays"] >= 4 else 0
    for shown in (hand, Hand(hand.view(1))):
        picture = parsed(svg.table(shown))
        held = [d for seat in range(4) for d in shown.holding(seat)]
        on_table = int(hand.record["num_plays"]) % 4
        assert faces(picture) == len(held) + on_table + in_last_trick
        described = picture.find(f"{NS}desc").text
        assert all(domino_text(domino) in described for domino in held)


def test_a_domino_has_its_pips():
    for domino in range(28):
        assert dots(parsed(svg.domino(domino))) == tiles.HIGH[domino] + tiles.LOW[domino]
        assert parsed(svg.domino(domino)).find(f"{NS}title").text == domino_text(domino)
    assert faces(parsed(svg.domino(None))) == 0
    assert 'class="trump"' in svg.domino(27, trump=True)


def test_hidden_dominoes_leave_no_trace():
    hand = random_position(3, decisions=18)
    other = redealt(hand, 1, np.random.default_rng(0))
    assert other != hand
    assert svg.table(hand) != svg.table(other)
    assert svg.table(hand.view(1)) == svg.table(other.view(1))
    assert svg.hand_of(hand.view(1), 2).count('class="back"') == len(hand.holding(2))


def test_pictures_on_one_page_have_names_of_their_own():
    first, second = svg.table(Hand.deal(0)), svg.table(Hand.deal(1))
    names = [part.get("id") for part in (*parsed(first).iter(), *parsed(second).iter()) if part.get("id")]
    assert len(names) == len(set(names)) == 6
    for part in (first, second):
        picture = parsed(part)
        assert picture.get("aria-labelledby").split() == [
            picture.find(f"{NS}{kind}").get("id") for kind in ("title", "desc")
        ]
    assert "<style>" in first
    assert "<style>" not in svg.table(Hand.deal(0), style=False)


def test_people_have_names():
    hand = random_position(3, decisions=18)
    picture = parsed(svg.table(hand, seats=("Ann", "<b>", "Bo", "Di & Co")))
    assert {"Ann: 41", "<b>", "Bo", "Di & Co", "Ann bid 41"} <= set(words(picture))
    assert any(text.startswith("Ann & Bo") for text in words(picture))
    with pytest.raises(ValueError, match="expected the names of four seats"):
        svg.table(hand, seats=("Ann",))


def test_dominoes_that_may_not_be_played_are_dimmed_and_classes_are_set():
    found = (random_position(seed, decisions=20) for seed in range(100))
    hand = next(hand for hand in found if len(hand.legal_actions()) < len(hand.holding(hand.to_move)))
    picture = svg.table(hand.view(hand.to_move))
    assert picture.count('class="dim') == len(hand.holding(hand.to_move)) - len(hand.legal_actions())
    assert 'class="dim' not in svg.table(hand)
    assert 'class="best' in svg.table(hand, class_of={hand.legal_actions()[0]: "best"})


def test_the_end_says_what_was_won():
    hand = random_position(3, decisions=33)
    shown = words(parsed(svg.table(hand)))
    assert "set: seats 0 & 2 bid 41 and took 28 points" in shown
    assert "1 mark to seats 1 & 3" in shown


def test_the_auction_lies_on_the_table():
    hand = random_position(9, decisions=2)
    shown = words(parsed(svg.table(hand.view(hand.to_move))))
    assert {"35", "1 mark", "seat 2 to call", "seat 3 shook"} <= set(shown)
