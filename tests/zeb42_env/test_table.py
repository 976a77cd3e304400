"""The table: hands of any kind side by side, each a function of its own keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from playing import ALL_RULES

import zeb42_agents
import zeb42_env
from zeb42_env import Hand, Rules
from zeb42_env._core import goals, tables
from zeb42_env._core.record import HAND, NUM_ACTIONS
from zeb42_env.rules import ScoringRule
from zeb42_env.table import Table, play_out


def a_table(num: int = 12) -> Table:
    """Hands of every kind of rules, in turn."""
    hands = np.array([Hand.deal(seed, ALL_RULES[seed % len(ALL_RULES)]).record for seed in range(num)], HAND)
    return Table(hands, np.arange(100, 100 + num, dtype=np.uint64))


def by_key(views: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """A legal action for each view that depends on its key alone."""
    legal = tables.legal_masks(views)
    return np.array([np.random.default_rng(int(k)).choice(np.flatnonzero(m)) for m, k in zip(legal, keys, strict=True)])


def test_hands_of_different_length_share_a_table_and_each_plays_as_it_would_alone():
    together = a_table()
    play_out(together, by_key)
    assert (together.hands["to_move"] < 0).all()
    for b in range(len(together.hands)):
        alone = a_table()
        alone = Table(alone.hands[b : b + 1].copy(), alone.keys[b : b + 1])
        play_out(alone, by_key)
        assert alone.hands[0].tobytes() == together.hands[b].tobytes()


def test_a_turn_shows_each_mover_its_own_view():
    table = a_table()
    turn = table.turn()
    for row, view in zip(turn.rows, turn.views, strict=True):
        hand = Hand(table.hands[row])
        assert Hand(view) == Hand(hand.view(hand.to_move))


def test_keys_of_decisions_differ_and_do_not_lead_back_by_undoing_mix():
    table = a_table(4)
    seen = set()
    while len((turn := table.turn()).rows):
        seen |= set(turn.keys.tolist())
        table.take(turn.rows, by_key(turn.views, turn.keys))
    assert len(seen) == sum(28 if hand["calls"][0] < 0 else 33 for hand in table.hands) - sum(
        28 + 1 for hand in table.hands if hand["bidder"] < 0
    )
    from zeb42_env._core.bits import mix

    assert not seen & {int(mix(np.uint64(key), np.uint64(k))) for key in table.keys for k in range(33)}


@pytest.mark.parametrize("action", [-1, NUM_ACTIONS, 2**40, 55])
def test_an_illegal_action_changes_nothing(action):
    table = a_table()
    before = table.hands.copy()
    rows = np.array([2])
    assert not table.try_actions(rows, np.array([action])).any()
    assert table.hands.tobytes() == before.tobytes()
    with pytest.raises(ValueError, match=f"expected a legal action for seat . of hand 2, got {action}"):
        table.take(rows, np.array([action]))


def test_a_dropped_hand_waits_for_nobody():
    table = a_table(3)
    table.drop(1)
    assert table.live.tolist() == [0, 2]
    assert table.turn().rows.tolist() == [0, 2]


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="expected HAND records"):
        Table(np.zeros(3), np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="expected uint64 keys"):
        Table(np.zeros(3, HAND), np.zeros(3, np.int64))


@pytest.mark.parametrize("scoring", get_args(ScoringRule))
def test_goals_agree_with_one_another_at_every_number_of_points(scoring):
    hands = np.repeat(Rules(scoring=scoring).blank_record(), 1)
    hand = hands[0]
    for bid in (30, 35, 41, 42, 84):
        for bidder in range(4):
            hand["bid"], hand["bidder"] = bid, bidder
            for points in range(43):
                hand["points"] = points, 42 - points
                assert goals.score(hand) == goals.worth(hand, points)
                assert np.sign(goals.worth(hand, points)) == np.sign(goals.outcome(hand, points))
                assert goals.points_left(hand) == 0
                assert goals.decided(hand)
                if not goals.by_margin(hand["scoring"]):
                    assert (goals.needed(hand, 0) <= 0) == (goals.outcome(hand, points) > 0)
                    assert (goals.needed(hand, 1) <= 0) == (goals.outcome(hand, points) < 0)
                if goals.by_contract(hand["scoring"]):
                    offense = 1 if bidder & 1 == 0 else -1
                    assert goals.outcome(hand, points) == (offense if goals.made(hand) else -offense)


def test_goals_alone_know_the_scorings():
    """A new scoring is taught there, and named in the rules."""
    assert len(get_args(ScoringRule)) == goals.NUM_SCORINGS
    packages = [Path(package.__file__).parent for package in (zeb42_env, zeb42_agents)]
    knowing = [
        source.name
        for package in packages
        for source in package.rglob("*.py")
        if re.search(r"\bFOR_(MARKS|CONTRACT|MAJORITY|POINTS)\b", source.read_text())
    ]
    assert knowing == ["goals.py"]


def test_a_hand_is_decided_when_no_play_can_change_its_score():
    hand = Hand.deal(3, Rules(contract="random", scoring="contract")).record
    hands = np.array([hand])
    hand = hands[0]
    hand["bid"], hand["bidder"] = 30, 0
    for ours, theirs, expected in ((29, 0, False), (30, 0, True), (0, 12, False), (0, 13, True)):
        hand["points"] = ours, theirs
        assert goals.decided(hand) == expected


def test_deal_rows_deals_as_hand_deal_does():
    hands = np.repeat(Rules(contract="random", scoring="majority").blank_record(), 3)
    rows = np.array([2, 0])
    from zeb42_env._core.bits import mix_all

    numbers = np.array([5, 9], np.uint64)
    tables.deal_rows(hands, rows, mix_all(np.uint64(7), numbers), 1)
    for row, number in zip(rows, numbers, strict=True):
        assert Hand(hands[row]) == Hand.deal(7, Rules(contract="random", scoring="majority"), number=int(number))


def test_hands_that_are_over_are_not_played_out_again():
    table = a_table()
    play_out(table, by_key)
    with pytest.raises(
        ValueError, match="expected hands to play, got 12 that are over; a table plays its hands in place"
    ):
        play_out(table, by_key)
