"""Hand, Rules and the words of the game."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, random_position

import zeb42_env
from zeb42_env import BidKind, Declaration, Hand, IllegalActionError, Phase, Rules, action_text, parse_action
from zeb42_env._core import record
from zeb42_env.rules import bid_kind, bid_text


def test_public_names():
    assert sorted(zeb42_env.__all__) == sorted(set(zeb42_env.__all__))
    public = {name for name in vars(zeb42_env) if not name.startswith("_")} - set(zeb42_env.__all__)
    modules = {
        "aec",
        "hand",
        "layout",
        "notation",
        "observation",
        "options",
        "players",
        "records",
        "rules",
        "single",
        "snapshot",
        "svg",
        "table",
        "tokenizers",
        "vector",
    }
    assert public <= modules | {"picture", "render", "wording"}


@pytest.mark.parametrize("action", range(56))
def test_actions_have_words(action):
    assert parse_action(action_text(action)) == action


@pytest.mark.parametrize("word", [*Phase, *Declaration, *BidKind])
def test_words_parse(word):
    assert type(word).parse(str(word)) == word
    with pytest.raises(ValueError, match="allowed"):
        type(word).parse("nello")


def test_words_that_are_not():
    for text in ("7-1", "42", "6 marks", "nello", ""):
        with pytest.raises(ValueError, match="expected an action"):
            parse_action(text)
    for action in (-1, 56):
        with pytest.raises(ValueError, match=r"0\.\.55"):
            action_text(action)
    assert [bid_kind(action) for action in (28, 29, 40, 41, 45)] == [0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="expected a call"):
        bid_kind(3)
    assert parse_action("4-6") == parse_action("6-4")
    assert [bid_text(bid) for bid in (30, 42, 84)] == ["30", "1 mark", "2 marks"]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES))
def test_an_illegal_action_raises_and_changes_nothing(seed, rules):
    hand = random_position(seed, rules)
    legal = hand.legal_actions()
    for action in [*range(-1, 58), None, "pass", 1.0]:
        if action in legal:
            continue
        before = hand.clone()
        with pytest.raises(IllegalActionError, match="expected a legal action of seat"):
            hand.apply(action)
        assert hand == before


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES), over=st.booleans())
def test_history_replays(seed, rules, over):
    hand = random_position(seed, rules, decisions=33 if over else None)
    again = Hand.deal(seed, rules)
    for seat, action in hand.history:
        assert again.to_move == seat
        again.apply(action)
    assert again == hand
    rewound = np.array([hand.record])
    record.rewind(rewound[0], 0)
    assert Hand(rewound) == Hand.deal(seed, rules)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES), seat=st.integers(0, 3))
def test_a_view_knows_its_own_and_what_was_played(seed, rules, seat):
    hand = random_position(seed, rules)
    view = Hand(hand.view(seat))
    assert view.holding(seat) == hand.holding(seat)
    assert all(view.holding(other) == [] for other in range(4) if other != seat)
    assert view.history == hand.history
    assert view.points == hand.points
    assert view.view(seat) == hand.view(seat)
    if hand.to_move == seat:
        assert view.legal_actions() == hand.legal_actions()
    with pytest.raises(ValueError, match="seat of this view"):
        view.view((seat + 1) % 4)
    hidden = [d for d in range(28) if view.record["owner"][d] < 0]
    assert sorted(hidden + view.holding(seat) + [a for _, a in hand.history if a < 28]) == list(range(28))


def test_copies_are_apart():
    hand = Hand.deal(1)
    for other in (hand.clone(), copy.deepcopy(hand), pickle.loads(pickle.dumps(hand))):
        assert other == hand
        assert hash(other) == hash(hand)
        other.apply(28)
        assert other != hand
    assert hand.history == []
    assert hand != str(hand)


def test_deals_are_reproducible_and_differ():
    assert Hand.deal(7) == Hand.deal(7) == Hand.deal(7, number=0)
    assert len({str(Hand.deal(seed, number=number)) for seed in range(10) for number in range(10)}) == 100
    assert Hand.deal(7, shaker=2).shaker == 2
    assert Hand.deal(7, marks=(3, 1)).marks == (3, 1)


def test_from_deal_begins_at_the_first_lead():
    hands = [list(range(7 * seat, 7 * seat + 7)) for seat in range(4)]
    hand = Hand.from_deal(hands, declaration=5, bidder=2, bid=84)
    assert (hand.to_move, hand.bidder, hand.bid, hand.declaration) == (2, 2, 84, Declaration.FIVES)
    assert hand.legal_actions() == hands[2]
    for changes, message in (
        ({"hands": [[0] * 7] * 4}, "each domino id"),
        ({"hands": hands[:3]}, "each domino id"),
        ({"bidder": 4}, "expected bidder"),
        ({"bid": 43}, "expected a bid"),
        ({"bid": 29}, "expected a bid"),
        ({"declaration": 10}, "expected a declaration, got 10; allowed: 0..9"),
    ):
        options = {"hands": hands, "declaration": 5, "bidder": 2, "bid": 84} | changes
        with pytest.raises(ValueError, match=message):
            Hand.from_deal(options.pop("hands"), **options)


def test_bad_seeds_seats_and_records():
    for call, message in (
        (lambda: Hand.deal(-1), "2\\*\\*64"),
        (lambda: Hand.deal("seven"), "expected seed and number in 0..2\\*\\*64-1, got 'seven' and 0"),
        (lambda: Hand.deal(0, shaker=4), "shaker"),
        (lambda: Hand.deal(0).view(-1), "seat"),
        (lambda: Hand.deal(0).holding("north"), "seat"),
        (lambda: Hand("zeb42/1"), "HAND record"),
        (lambda: Hand(np.zeros(2, zeb42_env.HAND)), "HAND record"),
        (lambda: Hand.deal(0).score, "finished hand"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="expected rules, got"):
        Hand.deal(0, rules="random")
    over = Hand.deal(0)
    while not over.is_over:
        over.apply(over.legal_actions()[0])
    with pytest.raises(IllegalActionError, match=r"expected a legal action, got 0 .*; allowed: none, the hand is over"):
        over.apply(0)


def test_rules_are_checked():
    for options, message in (
        ({"contract": "nello"}, "auction, random, dropped30, most_trumps"),
        ({"all_pass": "x"}, "reshake"),
        ({"scoring": "x"}, "majority"),
        ({"episode": "x"}, "match"),
        ({"declarations": ()}, "at least one"),
        ({"declarations": (1, 1)}, "distinct"),
        ({"declarations": (10,)}, "0..9"),
        ({"episode": "match", "scoring": "points"}, "allowed: marks"),
    ):
        with pytest.raises(ValueError, match=message):
            Rules(**options)


def test_the_auction_s_caps():
    """Nobody may bid more than two marks before two marks are bid; then one mark more at a time."""
    hand = Hand.deal(0, shaker=3)
    assert max(hand.legal_actions()) == parse_action("2 marks")
    hand.apply(parse_action("1 mark"))
    assert hand.legal_actions() == [28, parse_action("2 marks")]
    hand.apply(parse_action("2 marks"))
    assert hand.legal_actions() == [28, parse_action("3 marks")]
    hand.apply(parse_action("3 marks"))
    hand.apply(28)
    assert hand.phase == Phase.DECLARATION
    assert hand.legal_actions() == [46 + d for d in Rules().declarations]


def test_the_shaker_is_stuck_or_the_hand_is_thrown_in():
    for all_pass, stuck in (("shaker_bids", True), ("reshake", False)):
        hand = Hand.deal(0, Rules(all_pass=all_pass))
        for _ in range(3):
            hand.apply(28)
        assert (28 not in hand.legal_actions()) is stuck
        if not stuck:
            hand.apply(28)
            assert hand.is_over
            assert (hand.score, hand.points, hand.made) == (0, (0, 0), None)
