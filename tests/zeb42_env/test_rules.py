"""The kernels against the slow implementation of the rules, and what must be true of every hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_rules import DOMINOES, ReferenceHand, action_id

from zeb42_env import Hand, Rules
from zeb42_env._core import bits, goals, record, tables
from zeb42_env._core.dominoes import HIGH, LOW, domino_id

DATA = Path(__file__).parents[1] / "data"
NUM_HANDS = 10_000
SCORINGS = ("marks", "contract", "majority", "points")


def lines(name: str) -> list[dict]:
    with gzip.open(DATA / name, "rt") as file:
        return [json.loads(line) for line in file]


def reference_of(hand: Hand, all_pass: str, declarations: tuple[int, ...]) -> ReferenceHand:
    """The slow hand for the deal of ``hand``, which is about to begin."""
    state = hand.record
    contract = None if hand.bidder < 0 else (hand.bidder, hand.bid, int(hand.declaration))
    hands = [[DOMINOES[d] for d in range(28) if state["owner"][d] == seat] for seat in range(4)]
    return ReferenceHand(hands, hand.shaker, declarations=declarations, all_pass=all_pass, contract=contract)


def play_both(hand: Hand, reference: ReferenceHand, rng: np.random.Generator, scoring: str) -> None:
    """Play one hand at random in both implementations, comparing them at every step."""
    num_actions = 0
    while not hand.is_over:
        assert hand.to_move == reference.turn
        legal = {action_id(action): action for action in reference.legal()}
        assert hand.legal_actions() == sorted(legal)
        action = int(rng.choice(hand.legal_actions()))
        hand.apply(action)
        reference.act(legal[action])
        num_actions += 1
        assert hand.points == (reference.taken[0], reference.taken[1])
        assert hand.bid == reference.bid
    assert reference.phase == "over"
    assert num_actions <= record.MAX_DECISIONS
    assert hand.score == reference.score(scoring)
    assert sum(hand.points) == (0 if hand.bidder < 0 else 42)
    assert hand.made is (None if hand.bidder < 0 else reference.offense_made_it())


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    contract=st.sampled_from(["auction", "random", "dropped30", "most_trumps"]),
    all_pass=st.sampled_from(["shaker_bids", "reshake"]),
    scoring=st.sampled_from(SCORINGS),
    declarations=st.sets(st.integers(0, 9), min_size=1),
)
def test_every_kind_of_hand_as_the_slow_rules_have_it(seed, contract, all_pass, scoring, declarations):
    declarations = tuple(sorted(declarations))
    rules = Rules(contract=contract, all_pass=all_pass, scoring=scoring, declarations=declarations)
    hand = Hand.deal(seed, rules)
    play_both(hand, reference_of(hand, all_pass, declarations), np.random.default_rng(seed), scoring)


def check_many(first: int, num_hands: int) -> None:
    """Hands played at random by the kernels, each replayed by the slow rules (about 0.3 ms a hand)."""
    for contract, share in (("auction", 0.5), ("random", 0.5)):
        for all_pass in ("shaker_bids", "reshake"):
            rules = Rules(contract=contract, all_pass=all_pass, declarations=tuple(range(10)))
            hands = np.repeat(rules.blank_record(), int(num_hands * share / 2))
            tables.deal_numbers(hands, np.uint64(first), np.arange(len(hands), dtype=np.uint64), rules.contract_code)
            dealt = hands.copy()
            keys = np.random.default_rng(first).integers(0, 2**64, len(hands), dtype=np.uint64)
            tables.play_randomly(hands, keys)
            for start, end in zip(dealt, hands, strict=True):
                replay(start, end, all_pass, rules)


def replay(start: np.void, end: np.void, all_pass: str, rules: Rules) -> None:
    owner = start["owner"].tolist()
    hands = [[DOMINOES[d] for d in range(28) if owner[d] == seat] for seat in range(4)]
    contract = None if start["bidder"] < 0 else (int(start["bidder"]), int(start["bid"]), int(start["declaration"]))
    slow = ReferenceHand(
        hands, int(start["shaker"]), declarations=rules.declarations, all_pass=all_pass, contract=contract
    )
    actions = [int(call) for call in end["calls"] if call >= 0]
    if actions and end["declaration"] >= 0:
        actions.append(record.DECLARE + int(end["declaration"]))
    actions += end["plays"][: end["num_plays"]].tolist()
    for action in actions:
        legal = {action_id(candidate): candidate for candidate in slow.legal()}
        assert action in legal
        slow.act(legal[action])
    assert slow.phase == "over"
    assert end["points"].tolist() == [slow.taken[0], slow.taken[1]]
    assert float(goals.score(end)) == slow.score("marks")
    assert end["owner"].tolist() == owner


def test_ten_thousand_hands_as_the_slow_rules_have_them():
    check_many(1, NUM_HANDS)


@pytest.mark.nightly
def test_a_million_hands_as_the_slow_rules_have_them():
    for first in range(100):
        check_many(1000 + first, 10_000)


@pytest.mark.parametrize("entry", lines("random-hands.jsonl.gz"))
def test_hands_of_an_independent_implementation_replay(entry):
    hand = Hand.from_deal(entry["hands"], declaration=entry["declaration"], bidder=entry["bidder"], bid=entry["bid"])
    for (seat, domino), legal in zip(entry["plays"], entry["legal"], strict=True):
        assert hand.to_move == seat
        assert hand.legal_actions() == sorted(legal)
        hand.apply(domino)
    assert list(hand.points) == entry["points"]
    assert Hand.parse(str(hand)) == hand


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), number=st.integers(0, 1000), stop=st.integers(0, 33))
def test_dominoes_are_conserved(seed, number, stop):
    hand = Hand.deal(seed, number=number)
    rng = np.random.default_rng(seed)
    for _ in range(stop):
        if hand.is_over:
            break
        hand.apply(int(rng.choice(hand.legal_actions())))
    played = [action for _, action in hand.history if action < record.PASS]
    assert sorted([d for seat in range(4) for d in hand.holding(seat)] + played) == list(range(28))


def test_deals_are_uniform():
    """Each domino falls to each seat a quarter of the time, and each pair of dominoes to one seat 6 times in 27."""
    hands = np.zeros(20_000, record.HAND)
    tables.deal_numbers(hands, np.uint64(3), np.arange(len(hands), dtype=np.uint64), record.BY_AUCTION)
    share = np.stack([(hands["owner"] == seat).mean(axis=0) for seat in range(4)])
    assert np.abs(share - 0.25).max() < 0.015
    together = (hands["owner"][:, :, None] == hands["owner"][:, None, :]).mean(axis=0)[~np.eye(28, dtype=bool)]
    assert np.abs(together - 6 / 27).max() < 0.015


def test_streams_of_different_numbers_differ():
    keys = {int(bits.mix(np.uint64(seed), np.uint64(number))) for seed in range(50) for number in range(50)}
    assert len(keys) == 2500


def test_record_is_small():
    assert record.HAND.itemsize <= 96
    assert np.zeros(1_000_000, record.HAND).nbytes < 100e6


def test_most_trumps_bids_where_the_most_are():
    """The rule as people say it: most trumps of any seat and number, the double, more doubles, the lower seat."""
    for number in range(300):
        hand = Hand.deal(5, Rules(contract="most_trumps", scoring="contract"), number=number)
        owner = hand.record["owner"]

        def claim(seat: int, pip: int, owner: np.ndarray = owner) -> tuple[int, bool, int, int]:
            held = [d for d in range(28) if owner[d] == seat]
            doubles = [d for d in held if HIGH[d] == LOW[d]]
            members = sum(pip in (HIGH[d], LOW[d]) for d in held)
            return members, domino_id(pip, pip) in doubles, len(doubles), -seat

        best = max(claim(seat, pip) for seat in range(4) for pip in range(7))
        assert (hand.bid, hand.bidder) == (30, -best[3])
        assert claim(hand.bidder, int(hand.declaration)) == best
