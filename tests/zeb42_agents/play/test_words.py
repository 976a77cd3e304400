"""What players say is understood in its phase; the rest is refused with what is allowed."""

from __future__ import annotations

import pytest

from zeb42_agents.play.words import read_action, read_domino, read_dominoes
from zeb42_env import Declaration, Hand, Phase, Rules, action_text, parse_action


def at_auction() -> Hand:
    hand = Hand.deal(seed=7)
    return Hand(hand.view(hand.to_move))


def at_declaration(bid: str = "31") -> Hand:
    hand = Hand.deal(seed=7, rules=Rules(declarations=tuple(range(10))))
    for call in (bid, "pass", "pass", "pass"):
        hand.apply(parse_action(call))
    return Hand(hand.view(hand.to_move))


def at_tricks(plays: int = 0) -> Hand:
    hand = Hand.deal(seed=7, rules=Rules(contract="random"))
    for _ in range(plays):
        hand.apply(hand.legal_actions()[0])
    return Hand(hand.view(hand.to_move))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("31", "31"), (" I bid 31! ", "31"), ("42", "1 mark"), ("84", "2 marks"), ("1-mark", "1 mark"),
        ("a mark", "1 mark"), ("mark", "1 mark"), ("2 mark", "2 marks"), ("two marks", "2 marks"), ("PASS", "pass"),
        ("p", "pass"), ("I pass.", "pass"),
    ],
)  # fmt: skip
def test_calls(said: str, meant: str) -> None:
    assert action_text(read_action(said, at_auction())) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("fives", "fives"), ("five", "fives"), ("5s", "fives"), ("5's", "fives"), ("5", "fives"),
        ("fives trump", "fives"), ("Fives are trump", "fives"), ("deuces", "twos"), ("treys", "threes"),
        ("blanks", "blanks"), ("zeros", "blanks"), ("aces", "ones"), ("doubles", "doubles"),
        ("doubles are trump", "doubles"), ("doubles-suit", "doubles-suit"), ("no trump", "no-trump"),
        ("no-trump", "no-trump"), ("nt", "no-trump"), ("follow me", "no-trump"), ("Follow Me!", "no-trump"),
    ],
)  # fmt: skip
def test_declarations(said: str, meant: str) -> None:
    assert action_text(read_action(said, at_declaration())) == meant


def test_every_word_of_the_notation_is_understood() -> None:
    for view in (at_auction(), at_declaration(), at_tricks()):
        for action in view.legal_actions():
            assert read_action(action_text(action), view) == action
    assert {str(d) for d in Declaration} == {action_text(a) for a in at_declaration().legal_actions()}


@pytest.mark.parametrize("said", ["6-4", "4-6", "64", "46", "6|4", "4/6", "6:4", "6 4", "six four", "six-four"])
def test_dominoes(said: str) -> None:
    assert read_domino(said) == parse_action("6-4")


def test_doubles_and_what_is_no_domino() -> None:
    assert read_domino("double five") == read_domino("double fives") == parse_action("5-5")
    for said in ("7-4", "6", "6-4-2", "sixty", "", "double", "double nine", "six"):
        assert read_domino(said) is None


def test_what_is_not_understood_names_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"expected a bid such as 31.*got 'nello'; allowed: pass, 30, 31"):
        read_action("nello", at_auction())
    for said in ("43", "126 marks", "9 marks", "12", "4242", "²", "no"):
        with pytest.raises(ValueError, match="allowed: pass, 30"):
            read_action(said, at_auction())
    with pytest.raises(ValueError, match="expected trump such as fives"):
        read_action("sevens", at_declaration())
    with pytest.raises(ValueError, match=r"expected a domino such as 6-4, got 'fives'"):
        read_action("fives", at_tricks())


def test_why_a_play_is_not_allowed() -> None:
    for seed in range(20):
        hand = Hand.deal(seed=seed, rules=Rules(contract="random"))
        hand.apply(hand.legal_actions()[0])
        view = Hand(hand.view(hand.to_move))
        barred = set(view.holding(view.to_move)) - set(view.legal_actions())
        for domino in barred:
            with pytest.raises(ValueError, match=r"were led and you hold \d-\d.*; allowed: "):
                read_action(action_text(domino), view)
        if barred:
            return
    raise AssertionError("no hand had a play that is barred")


def test_a_domino_held_by_somebody_else() -> None:
    view = at_tricks()
    other = next(d for d in range(28) if d not in view.holding(view.to_move))
    with pytest.raises(ValueError, match="you do not hold it"):
        read_action(action_text(other), view)


def test_nothing_is_said_after_the_end() -> None:
    hand = Hand.deal(seed=7)
    while not hand.is_over:
        hand.apply(hand.legal_actions()[0])
    assert hand.phase == Phase.OVER
    with pytest.raises(ValueError, match="the hand is over"):
        read_action("6-4", hand)


def test_seven_dominoes() -> None:
    want = [parse_action(word) for word in ("5-5", "5-4", "5-1", "5-0", "6-6", "6-5", "2-1")]
    for text in ("5-5 5-4 5-1 5-0 6-6 6-5 2-1", "55.54.51.50.66.65.21", "5-5, 5-4, 5-1, 5-0, 6-6, 6-5, 2-1"):
        assert read_dominoes(text) == want
    with pytest.raises(ValueError, match="at entry 3: expected a domino such as 6-4, got '5-9'"):
        read_dominoes("5-5 5-4 5-9")
    with pytest.raises(ValueError, match="at entry 2: 5-5 is there twice"):
        read_dominoes("5-5 5-5")
    with pytest.raises(ValueError, match="expected 7 dominoes, got 1"):
        read_dominoes("5-5")
