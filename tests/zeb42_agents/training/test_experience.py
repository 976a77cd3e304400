"""Experience: what a batch says is what the hand says, for both tokenizers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents.training.experience import (
    EXPERIENCE,
    NOBODY_THOUGHT,
    QUALITIES,
    blank_experience,
    decisions_of,
    draw,
    from_finished_views,
    stage,
)
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules
from zeb42_env.tokenizers import get_tokenizer


def played(seed: int, contract: str, scoring: str = "majority") -> tuple[Hand, list[np.void]]:
    """A random hand and the view of the mover before each of its decisions."""
    rng = np.random.default_rng(seed)
    hand = Hand.deal(seed, Rules(contract=contract, scoring=scoring))  # type: ignore[arg-type]
    views = []
    while not hand.is_over:
        views.append(hand.view(hand.to_move))
        hand.apply(int(rng.choice(hand.legal_actions())))
    return hand, views


def legal_of(view: np.void) -> np.ndarray:
    return np.array([int(core.legal_mask(view)) >> a & 1 for a in range(core.NUM_ACTIONS)], bool)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    contract=st.sampled_from(["auction", "random", "dropped30", "most_trumps"]),
    scoring=st.sampled_from(["marks", "contract", "majority", "points"]),
)
def test_a_batch_is_the_hand_replayed(seed: int, contract: str, scoring: str) -> None:
    hand, views = played(seed, contract, scoring)
    rng = np.random.default_rng(seed + 1)
    target = np.zeros((len(views), 56), np.float32)
    for row, view in zip(target, views, strict=True):
        legal = legal_of(view)
        row[legal] = rng.dirichlet(np.ones(legal.sum()))
    root_value = rng.uniform(-1, 1, len(views)).astype(np.float32)
    experience = blank_experience(1)
    zero = np.zeros(1, np.int64)
    for i, view in enumerate(views):
        stage(np.array([view]), zero, target[i : i + 1], root_value[i : i + 1], experience)
    experience["hand"] = hand.record
    assert decisions_of(experience)[0] == len(views)
    every = np.arange(len(views))
    batch = draw(experience, np.zeros_like(every), every, tokenizer="v2", hidden_only=True)
    assert batch.views.tobytes() == np.array(views).tobytes()
    assert np.array_equal(batch.tokens, get_tokenizer("v2").encode(np.array(views)))
    assert np.array_equal(batch.legal, np.array([legal_of(view) for view in views]))
    assert np.abs(batch.target - target).max() < 0.02
    assert np.allclose(batch.target.sum(1), 1, atol=1e-5)
    assert np.abs(batch.root_value - root_value).max() < 0.005
    sign = np.array([1 if view["seat"] % 2 == 0 else -1 for view in views])
    stake = max(1, hand.bid // 42) if scoring == "marks" else 1
    assert np.allclose(batch.outcome, sign * hand.score / stake)
    assert np.allclose(batch.margin, sign * (hand.points[0] - hand.points[1]) / 42)
    owner = hand.record["owner"]
    for row, view in zip(batch.labels, views, strict=True):
        for domino in range(28):
            expected = (owner[domino] - view["seat"] - 1) % 4 if view["owner"][domino] < 0 else -1
            assert row[domino] == expected


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_v1_speaks_of_the_dealt_dominoes(seed: int) -> None:
    hand, views = played(seed, "random")
    experience = blank_experience(1)
    zero = np.zeros(1, np.int64)
    target = np.zeros((28, 56), np.float32)
    for i, view in enumerate(views):
        target[i, np.flatnonzero(legal_of(view))[0]] = 1
        stage(np.array([view]), zero, target[i : i + 1], np.zeros(1, np.float32), experience)
    experience["hand"] = hand.record
    every = np.arange(28)
    batch = draw(experience, np.zeros(28, np.int64), every, tokenizer="v1", hidden_only=False)
    assert np.array_equal(batch.tokens, get_tokenizer("v1").encode(np.array(views)))
    for i, view in enumerate(views):
        dealt = np.flatnonzero(hand.record["owner"] == view["seat"])
        assert np.array_equal(batch.legal[i], legal_of(view)[dealt])
        assert np.array_equal(batch.target[i], target[i, dealt])
    assert (batch.labels >= 0).sum(1).tolist() == [21] * 28


def test_values_of_a_teacher_come_back_as_values() -> None:
    hand, _ = played(4, "random")
    experience = blank_experience(1)
    experience["hand"] = hand.record
    experience["kind"] = QUALITIES
    experience["plays"] = 127 + 64
    batch = draw(experience, np.zeros(28, np.int64), np.arange(28), tokenizer="v2", hidden_only=True)
    assert batch.is_quality.all()
    assert np.allclose(batch.target[batch.legal], 64 / 127)
    assert (batch.target[~batch.legal] == 0).all()
    assert np.isnan(batch.root_value).all()
    assert (experience["root_values"] == NOBODY_THOUGHT).all()


def test_an_example_costs_few_bytes() -> None:
    assert EXPERIENCE.itemsize / 28 <= 15


def test_the_last_view_tells_the_whole_hand() -> None:
    hand, _ = played(9, "auction")
    told = from_finished_views(np.array([hand.view(2)]))
    assert told.tobytes() == np.array([hand.record]).tobytes()


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
def test_a_batch_never_shows_what_is_hidden(tokenizer: str) -> None:
    """Re-deal what the mover cannot see: tokens, legal actions and views stay the same bit for bit."""
    from zeb42_agents import worlds

    for seed in range(5):
        hand, views = played(seed, "random")
        ply = 3 * seed + 2
        (other,) = worlds.sample(views[ply], 1, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        finished = Hand(other)
        while not finished.is_over:
            finished.apply(int(rng.choice(finished.legal_actions())))
        rows = []
        for record in (hand.record, finished.record):
            experience = blank_experience(1)
            experience["hand"] = record
            rows.append(draw(experience, np.zeros(1, np.int64), np.array([ply]), tokenizer=tokenizer, hidden_only=True))
        assert np.array_equal(rows[0].tokens, rows[1].tokens)
        assert np.array_equal(rows[0].legal, rows[1].legal)
        assert rows[0].views.tobytes() == rows[1].views.tobytes()
