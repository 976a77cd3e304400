"""The chance to win a match: exact where it is known, symmetric, and rising with marks."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents.calls.match import NUM_RESULTS, THEY_SHAKE, WE_SHAKE, match_chance, match_table

MARKS = NUM_RESULTS // 2
shares = st.lists(st.floats(0.01, 1.0), min_size=NUM_RESULTS, max_size=NUM_RESULTS)


def odds_of(weights: list[float]) -> np.ndarray:
    return np.array(weights) / sum(weights)


@settings(deadline=None, max_examples=50)
@given(shares)
def test_what_one_team_wins_the_other_loses(weights: list[float]) -> None:
    table = match_table(odds_of(weights))
    np.testing.assert_allclose(table[:, :, WE_SHAKE], 1 - table[:, :, THEY_SHAKE].T, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(shares)
def test_more_marks_are_never_worse(weights: list[float]) -> None:
    table = match_table(odds_of(weights))
    assert ((table > 0) & (table < 1)).all()
    assert (np.diff(table, axis=0) > 0).all()
    assert (np.diff(table, axis=1) < 0).all()


@settings(deadline=None, max_examples=50)
@given(shares)
def test_every_state_is_the_mean_of_those_that_follow(weights: list[float]) -> None:
    odds = odds_of(weights)
    table = match_table(odds)
    for us, them in np.ndindex(7, 7):
        follows = 0.0
        for marks in range(-MARKS, MARKS + 1):
            follows += odds[MARKS + marks] * match_chance(table, us + max(marks, 0), them + max(-marks, 0), THEY_SHAKE)
        assert table[us, them, WE_SHAKE] == pytest.approx(follows, abs=1e-12)  # a hand thrown in included


def test_even_hands_of_one_mark_are_tosses_of_a_coin() -> None:
    odds = np.zeros(NUM_RESULTS)
    odds[[MARKS - 1, MARKS, MARKS + 1]] = 0.4, 0.2, 0.4
    table = match_table(odds)
    for us, them in np.ndindex(7, 7):
        needed, tosses = 7 - us, 13 - us - them
        won = sum(comb(tosses, k) for k in range(needed, tosses + 1)) / 2**tosses
        assert table[us, them] == pytest.approx(won)


def test_a_shaker_that_always_wins_its_hand() -> None:
    odds = np.zeros(NUM_RESULTS)
    odds[MARKS + 1] = 1.0
    table = match_table(odds)
    assert table[6, 6].tolist() == [1.0, 0.0]
    assert table[5, 6].tolist() == [0.0, 0.0]


def test_a_match_that_is_over_is_won_by_whoever_has_more() -> None:
    table = match_table(np.full(NUM_RESULTS, 1 / NUM_RESULTS))
    assert [match_chance(table, 7, 6, 0), match_chance(table, 3, 9, 1), match_chance(table, 8, 8, 0)] == [1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("odds", "message"),
    [
        (np.full(10, 0.1), "expected the odds of -5..5 marks"),
        (np.full(NUM_RESULTS, 0.2), "11 shares of 1"),
        (np.eye(NUM_RESULTS)[MARKS], "always thrown in"),
        (np.full(NUM_RESULTS, np.nan), "expected the odds"),
    ],
)
def test_odds_that_are_none_are_refused(odds: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        match_table(odds)
