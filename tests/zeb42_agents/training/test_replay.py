"""The buffer of hands: ring, ages, sampling, state."""

from __future__ import annotations

import numpy as np
import pytest

from zeb42_agents.training.experience import blank_experience
from zeb42_agents.training.replay import SelfPlayBuffer, as_bytes, as_views
from zeb42_env._core import tables
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules


def hands(num: int, *, first: int = 0, contract: str = "random") -> np.ndarray:
    rules = Rules(contract=contract, scoring="majority")  # type: ignore[arg-type]
    records = np.array([Hand.deal(first + i, rules).record for i in range(num)])
    tables.play_randomly(records, np.arange(num).astype(np.uint64))
    experience = blank_experience(num)
    experience["hand"] = records
    return experience


def buffer(capacity: int = 8) -> SelfPlayBuffer:
    return SelfPlayBuffer(num_lanes=4, capacity_hands=capacity, tokenizer="v2", hidden_only=True, seed=0)


def deals(experience: np.ndarray) -> list[bytes]:
    return [hand["owner"].tobytes() for hand in experience["hand"]]


def test_the_ring_keeps_the_newest_in_order() -> None:
    ring, all_hands = buffer(), hands(20)
    for start in range(0, 20, 5):
        ring.extend(all_hands[start : start + 5], cycle=start // 5)
    assert deals(ring.hands) == deals(all_hands[12:])
    assert ring.hands["cycle"].tolist() == [2, 2, 2, 3, 3, 3, 3, 3]
    assert len(ring) == 8 * 28
    assert ring.num_bytes / len(ring) <= 40
    ring.extend(all_hands)
    assert deals(ring.hands) == deals(all_hands[12:])


def test_old_hands_are_forgotten() -> None:
    ring, all_hands = buffer(), hands(8)
    ring.extend(all_hands[:3], cycle=1)
    ring.extend(all_hands[3:], cycle=2)
    assert ring.forget_before(2) == 3
    assert deals(ring.hands) == deals(all_hands[3:])
    assert len(ring) == 5 * 28
    drawn = ring.draw(ring.sample_indices(400)).views
    assert len(drawn) == 400
    ring.extend(hands(2, first=50), cycle=3)
    assert ring.hands["cycle"].tolist() == [2] * 5 + [3] * 2


def test_resizing_keeps_the_newest() -> None:
    ring, all_hands = buffer(), hands(8)
    ring.extend(all_hands)
    ring.resize(3)
    assert deals(ring.hands) == deals(all_hands[5:])
    ring.resize(10)
    ring.extend(hands(2, first=50))
    assert ring.num_hands == 5


def test_sampling_is_uniform_over_examples() -> None:
    ring = buffer(4)
    ring.extend(np.concatenate([hands(2), hands(2, first=30, contract="auction")]))
    indices = ring.sample_indices(60_000)
    counts = np.bincount(indices, minlength=4 * 33).reshape(4, 33)
    assert (counts[:2, 28:] == 0).all()
    assert (counts.sum(1) > 0.9 * 15_000).all()
    expected = 15_000 / 28
    assert ((counts[0, :28] - expected) ** 2 / expected).sum() < 60  # chi-square, 27 degrees of freedom


def test_state_round_trip_draws_the_same() -> None:
    ring = buffer()
    ring.extend(hands(6))
    ring.sample(5)
    twin = buffer()
    twin.set_state(ring.hands, ring.get_state())
    for _ in range(3):
        ours, theirs = ring.sample(7)[0], twin.sample(7)[0]
        assert np.array_equal(ours.tokens, theirs.tokens)
        assert np.array_equal(ours.target, theirs.target)


def test_views_travel_as_bytes() -> None:
    views = hands(3)["hand"].copy()
    assert as_views(as_bytes(views)).tobytes() == views.tobytes()


def test_wrong_use_is_refused() -> None:
    ring = buffer()
    with pytest.raises(ValueError, match="empty"):
        ring.sample(4)
    with pytest.raises(ValueError, match="EXPERIENCE"):
        ring.extend(np.zeros(3))
