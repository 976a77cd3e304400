"""Experience: what a batch says is what the hand says, for both tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents.experience import (
    EXPERIENCE,
    IMITATION,
    NOBODY_THOUGHT,
    NOTHING,
    NUM_NUMBERS,
    SHARES,
    VALUES,
    blank_experience,
    check_experience,
    decisions_of,
    draw,
    first_number,
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


def test_every_decision_says_what_its_numbers_mean() -> None:
    hand, views = played(4, "auction")
    experience = blank_experience(1)
    experience["hand"] = hand.record
    experience["meanings"][0, : len(views)] = VALUES
    experience["meanings"][0, :3] = NOTHING, IMITATION, SHARES
    experience["numbers"] = 127 + 64
    (first,) = [first_number(views[1])]
    experience["numbers"][0, first : first + 15] = [0, 255, *[0] * 13]
    every = np.arange(len(views))
    batch = draw(experience, np.zeros_like(every), every, tokenizer="v2", hidden_only=True)
    assert batch.meaning.tolist() == [NOTHING, IMITATION, SHARES, *[VALUES] * (len(views) - 3)]
    assert (batch.target[0] == 0).all()
    assert np.flatnonzero(batch.target[1]).tolist() == [np.flatnonzero(batch.legal[1])[1]]
    assert np.allclose(batch.target[2][batch.legal[2]], 1 / batch.legal[2].sum())
    assert np.allclose(batch.target[3:][batch.legal[3:]], 64 / 127)
    assert (batch.target[~batch.legal] == 0).all()
    assert np.isnan(batch.root_value).all()
    assert (experience["root_values"] == NOBODY_THOUGHT).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), contract=st.sampled_from(["auction", "random"]))
def test_the_numbers_of_decisions_do_not_overlap(seed: int, contract: str) -> None:
    _, views = played(seed, contract)
    taken = np.zeros(NUM_NUMBERS, int)
    for view in views:
        place = first_number(view)
        taken[place : place + legal_of(view).sum()] += 1
    assert taken.max() == 1
    assert taken.sum() == sum(legal_of(view).sum() for view in views)


def test_an_example_costs_few_bytes() -> None:
    assert EXPERIENCE.itemsize / 28 <= 15


def finished(num: int, contract: str = "random") -> np.ndarray:
    experience = blank_experience(num)
    experience["hand"] = np.array([played(seed, contract)[0].record for seed in range(num)])
    return experience


def test_experience_from_a_file_is_taken_as_the_kernels_want_it(tmp_path: Path) -> None:
    experience = finished(3, "auction")
    np.save(tmp_path / "hands.npy", experience)
    loaded = check_experience(np.load(tmp_path / "hands.npy"))
    assert np.array_equal(loaded, experience)
    assert loaded.dtype.isalignedstruct


def _under_way(e: np.ndarray) -> None:
    rewound = e["hand"][1:2].copy()
    core.rewind(rewound[0], 7)
    e["hand"][1] = rewound[0]


def _a_view(e: np.ndarray) -> None:
    view = e["hand"][1:2].copy()
    core.blank(view[0], 0)
    e["hand"][1] = view[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda e: e["hand"]["num_plays"].__setitem__(1, 127),
        lambda e: e["hand"]["plays"].__setitem__(1, -128),
        lambda e: e["hand"]["owner"].__setitem__(1, 100),
        lambda e: e["hand"]["phase"].__setitem__(1, 0),
        lambda e: e["hand"]["calls"].__setitem__(1, 77),
        lambda e: e["hand"]["points"].__setitem__(1, 42),
        lambda e: e.view(np.uint8).__setitem__(slice(None), 0),
        lambda e: e.view(np.uint8).__setitem__(slice(None), np.random.default_rng(0).bytes(e.nbytes)[0]),
        lambda e: e["meanings"].__setitem__((1, 0), 4),
        lambda e: e["meanings"].__setitem__((1, 30), 1),
        lambda e: e["explored"].__setitem__(1, 2),
        _under_way,
        _a_view,
    ],
)
def test_no_bytes_get_past_the_check(damage: Callable[[np.ndarray], None]) -> None:
    experience = finished(3)
    damage(experience)
    with pytest.raises(ValueError, match="expected"):
        check_experience(experience)


def test_random_bytes_do_not_get_past_the_check() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        bytes_of = finished(1).view(np.uint8)
        places = rng.integers(0, core.HAND.itemsize, 3)
        bytes_of[places] = rng.integers(0, 256, 3)
        experience = bytes_of.view(EXPERIENCE)
        try:
            checked = check_experience(experience)
        except ValueError:
            continue
        draw(checked, np.zeros(28, np.int64), np.arange(28), tokenizer="v2", hidden_only=True)
    with pytest.raises(ValueError, match="of this version"):
        check_experience(np.zeros(3))


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
