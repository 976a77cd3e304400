"""The ring of hands: order, ages, sampling, state."""

from __future__ import annotations

import numpy as np
import pytest

from zeb42_agents.experience import blank_experience
from zeb42_agents.training.replay import Ring
from zeb42_env._core import tables
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules


def hands(num: int, *, first: int = 0, contract: str = "random", cycle: int = 0) -> np.ndarray:
    rules = Rules(contract=contract, scoring="majority")  # type: ignore[arg-type]
    records = np.array([Hand.deal(first + i, rules).record for i in range(num)])
    tables.play_randomly(records, np.arange(num).astype(np.uint64))
    experience = blank_experience(num)
    experience["hand"] = records
    experience["sequence"] = first + np.arange(num)
    experience["cycle"] = cycle
    return experience


def ring_of(capacity: int = 8) -> Ring:
    return Ring(capacity, tokenizer="v2", hidden_only=True, seed=0)


def test_the_ring_keeps_the_newest_in_order() -> None:
    ring = ring_of()
    for start in range(0, 20, 5):
        ring.append(hands(5, first=start, cycle=start // 5))
    assert ring.hands["sequence"].tolist() == list(range(12, 20))
    assert ring.hands["cycle"].tolist() == [2, 2, 2, 3, 3, 3, 3, 3]
    assert len(ring) == 8 * 28
    assert ring.num_bytes / len(ring) <= 15
    ring.append(hands(20))
    assert ring.hands["sequence"].tolist() == list(range(12, 20))


def test_old_hands_are_forgotten() -> None:
    ring = ring_of()
    ring.append(hands(3, cycle=1))
    ring.append(hands(5, first=3, cycle=2))
    assert ring.forget_before(2) == 3
    assert ring.hands["sequence"].tolist() == [3, 4, 5, 6, 7]
    assert len(ring) == 5 * 28
    assert len(ring.sample(400).views) == 400
    ring.append(hands(2, first=50, cycle=3))
    assert ring.hands["cycle"].tolist() == [2] * 5 + [3] * 2


def test_resizing_keeps_the_newest() -> None:
    ring = ring_of()
    ring.append(hands(8))
    ring.resize(3)
    assert ring.hands["sequence"].tolist() == [5, 6, 7]
    ring.resize(10)
    ring.append(hands(2, first=50))
    assert ring.num_hands == 5


def test_sampling_is_uniform_over_hands_and_their_decisions() -> None:
    ring = ring_of(4)
    ring.append(np.concatenate([hands(2), hands(2, first=30, contract="auction")]))
    views = ring.sample(60_000).views
    owners = ring.hands["hand"]["owner"]
    counts = np.zeros((4, 33))
    for number, owner in enumerate(owners):  # whose hand it is, by what the viewer holds and sees
        of_this = ((views["owner"] < 0) | (views["owner"] == owner)).all(1)
        decisions = views["num_plays"][of_this] + (views["calls"][of_this] >= 0).sum(1)
        decisions += (views["calls"][of_this, 0] >= 0) & (views["declaration"][of_this] >= 0)
        counts[number] = np.bincount(decisions, minlength=33)
    assert (counts[:2, 28:] == 0).all()
    assert (counts.sum(1) > 0.9 * 15_000).all()
    expected = 15_000 / 28
    assert ((counts[0, :28] - expected) ** 2 / expected).sum() < 60  # chi-square, 27 degrees of freedom


def test_state_round_trip_draws_the_same() -> None:
    ring = ring_of()
    ring.append(hands(6))
    ring.sample(5)
    twin = ring_of()
    twin.set_state(ring.hands, ring.get_state())
    for _ in range(3):
        ours, theirs = ring.sample(7), twin.sample(7)
        assert np.array_equal(ours.tokens, theirs.tokens)
        assert np.array_equal(ours.target, theirs.target)


def test_wrong_use_is_refused() -> None:
    ring = ring_of()
    with pytest.raises(ValueError, match="empty"):
        ring.sample(4)
    with pytest.raises(ValueError, match="EXPERIENCE"):
        ring.append(np.zeros(3))
    for state in ({}, {"rng": {}}, {"rng": 7}, {"rng": {**ring.get_state()["rng"], "state": {"state": "x", "inc": 1}}}):
        with pytest.raises(ValueError, match="buffer's generator"):
            ring.set_state(hands(1), state)
