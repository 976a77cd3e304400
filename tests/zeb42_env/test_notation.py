"""One line for a hand, both ways, and errors that say what is wrong and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, random_position

from zeb42_env import Hand, NotationError, Rules

MATCH = Rules(episode="match")
LINE = (
    "zeb42/1 deal=65.64.55.53.52.51.11|66.63.62.54.43.40.33|60.50.32.30.21.20.00|61.44.42.41.31.22.10 shaker=3 "
    "calls=41,pass,pass,pass trump=ones plays=64.66.60.42,33.30.22.53,54.50"
)


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    rules=st.sampled_from([*ALL_RULES, MATCH]),
    over=st.booleans(),
    seat=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_round_trip(seed, rules, over, seat):
    hand = random_position(seed, rules, decisions=33 if over else None)
    if seat is not None:
        hand = Hand(hand.view(seat))
    text = str(hand)
    assert Hand.parse(text) == hand
    assert str(Hand.parse(text)) == text
    assert text.isascii()
    assert "\n" not in text
    assert eval(repr(hand)) == hand


def test_a_line_is_for_people():
    hand = random_position(3, decisions=15)
    assert str(hand) == LINE
    hand = Hand.deal(1, MATCH, marks=(2, 5), shaker=2)
    assert str(hand).endswith("shaker=2 marks=2-5 match=yes")


@pytest.mark.parametrize(
    ("find", "put", "message"),
    [
        ("zeb42/1 ", "zeb42/9 ", "expected the line to begin with zeb42/1, got 'zeb42/9'"),
        (LINE, "", "expected the line to begin with zeb42/1"),
        ("shaker=3", "", "expected a field shaker=..., got only: deal, calls, trump, plays"),
        ("shaker=3", "shaker=4", "at shaker=: expected a number 0..3, got '4'"),
        ("shaker=3", "dealer=3", "at 'dealer=3': an unknown field"),
        ("shaker=3", "shaker=3 shaker=3", "a second time"),
        ("shaker=3", "shaker", "a word without '='"),
        ("65.64", "65.65", "65 is dealt twice"),
        ("65.64", "65", "expected seven dominoes for seat 0, got 6"),
        ("65.64", "65.7x", "expected a domino as two pips such as 64, got '7x'"),
        ("|66.63", ".66.63", "expected four hands with | between them, got 3"),
        ("calls=41", "calls=29", "at calls, entry 1 (29): expected an action, got '29'"),
        (
            "calls=41,pass",
            "calls=41,40",
            "at calls, entry 2 (40): not legal for seat 1; allowed: pass, 1-mark, 2-marks",
        ),
        ("calls=41,pass,pass,pass", "calls=41,pass", "at trump, entry 1 (ones): the hand is not at this point"),
        ("trump=ones", "trump=nello", "at trump, entry 1 (nello): expected an action"),
        ("trump=ones", "trump=doubles-suit", "not legal for seat 0; allowed: blanks, ones"),
        ("trump=ones", "trump=ones contract=0:30:ones", "expected contract= or calls= and trump=, got both"),
        ("plays=64", "plays=66", "at plays, entry 1 (66): not legal for seat 0; allowed: 11, 51"),
        ("plays=64.66.60.42", "plays=64.66.60", "trick 1 has 3 dominoes, expected 4"),
        ("54.50", "54.50 scoring=chips", "in the rules: expected scoring to be one of the rules, got 'chips'"),
        ("54.50", "54.50 declarations=00", "in the rules: expected distinct declarations"),
        ("54.50", "54.50 marks=7", "expected two numbers such as 3-5"),
        ("54.50", "54.50 match=no", "at match=no: expected yes"),
        ("54.50", "54.50 seat=1", "expected ? for seat 0 in a view of seat 1"),
    ],
)
def test_errors_say_what_is_wrong_and_where(find, put, message):
    assert find in LINE
    with pytest.raises(NotationError) as caught:
        Hand.parse(LINE.replace(find, put, 1))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("2:31", "expected SEAT:BID:TRUMP"),
        ("4:31:ones", "0..3"),
        ("2:43:ones", "multiple of 42"),
        ("2:29:ones", "30..210"),
        ("2:31:nello", "allowed: blanks"),
    ],
)
def test_errors_in_a_dealt_contract(contract, message):
    line = str(Hand.deal(1, Rules(contract="random")))
    start = line.index("contract=")
    with pytest.raises(NotationError, match=message):
        Hand.parse(line[:start] + f"contract={contract}")


@pytest.mark.parametrize(
    ("find", "put", "place"),
    [
        ("zeb42/1 ", "zeb42/9 ", "zeb42/9"),
        ("shaker=3", "dealer=3", "dealer=3"),
        ("shaker=3", "shaker=4", "shaker=4"),
        ("65.64", "65.65", "65"),
        ("65.64", "65.7x", "7x"),
        ("calls=41,pass", "calls=41,40", "40"),
        ("trump=ones", "trump=no-trumps", "no-trumps"),
        ("plays=64", "plays=66", "66"),
        ("plays=64.66.60.42", "plays=64.66.60", "64"),
    ],
)
def test_errors_point_at_the_place(find, put, place):
    line = LINE.replace(find, put, 1)
    with pytest.raises(NotationError) as caught:
        Hand.parse(line)
    first, last = caught.value.place(line)
    assert line[first:last] == place
    shown, marks = caught.value.pointed(line).splitlines()
    assert shown in line
    assert shown[marks.index("^") : len(marks)] == place


@pytest.mark.parametrize(
    ("plays", "why"),
    [
        ("plays=66", "it was dealt to seat 1"),
        ("plays=64.54", "it has to follow 64"),
        ("plays=64.66.60.42,66", "it was played before"),
    ],
)
def test_an_impossible_play_says_why(plays, why):
    with pytest.raises(NotationError, match=why):
        Hand.parse(LINE[: LINE.index("plays=")] + plays)
