"""The teacher: its numbers are the exact solver's, and sampled labels know no more than the view."""

from __future__ import annotations

import numpy as np
import pytest

from zeb42_agents import solver, worlds
from zeb42_agents.experience import (
    IMITATION,
    NOBODY_THOUGHT,
    NOTHING,
    VALUES,
    blank_experience,
    decisions_of,
    draw,
    first_number,
)
from zeb42_agents.simple_bidder import simple_calls
from zeb42_agents.training import teacher
from zeb42_agents.training.teacher import value
from zeb42_env._core import record as core
from zeb42_env._core import tables
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules


def finished(num: int, scoring: str = "majority", contract: str = "random") -> np.ndarray:
    rules = Rules(contract=contract, scoring=scoring)  # type: ignore[arg-type]
    hands = np.array([Hand.deal(seed, rules).record for seed in range(num)])
    tables.play_randomly(hands, np.arange(num).astype(np.uint64))
    return hands


def teach(hands: np.ndarray, *, keys: np.ndarray, margin_weight: float, label_worlds: int, threads: int) -> np.ndarray:
    experience = blank_experience(len(hands))
    experience["hand"] = hands
    teacher.teach(experience, keys, margin_weight=margin_weight, label_worlds=label_worlds, threads=threads)
    return experience


def numbers(example: np.void, ply: int) -> np.ndarray:
    """What is stored of the legal plays of ``ply``."""
    position = example["hand"].copy()
    core.rewind(position, int(decisions_of(np.array([example]))[0]) - 28 + ply)
    place = first_number(position)
    return example["numbers"][place : place + len(Hand(position).legal_actions())]


def keys(num: int) -> np.ndarray:
    return np.arange(num).astype(np.uint64)


@pytest.mark.parametrize("scoring", ["majority", "contract", "points"])
def test_labels_are_exact_values(scoring: str) -> None:
    hands = finished(3, scoring)
    experience = teach(hands, margin_weight=0.25, label_worlds=0, keys=keys(3), threads=1)
    assert (experience["meanings"][:, :28] == VALUES).all()
    assert (experience["meanings"][:, 28:] == NOTHING).all()
    for example, record in zip(experience, hands, strict=True):
        for ply in range(0, 28, 3):
            position = record.copy()
            core.rewind(position, ply)
            values = solver.solve(position)
            team = int(position["to_move"]) & 1
            taken = int(position["points"][0])
            expected = [value(record, taken + points, team, 0.25) for _, points in sorted(values.items())]
            stored = numbers(example, ply) / 127 - 1
            assert np.abs(stored - expected).max() < 0.005
            assert abs(example["root_values"][ply] / 127 - max(expected)) < 0.005


@pytest.mark.parametrize("scoring", ["majority", "contract", "points", "marks"])
def test_without_margin_the_value_is_the_outcome(scoring: str) -> None:
    for hand in finished(20, scoring):
        won = np.sign(Hand(hand).score) if scoring == "marks" else Hand(hand).score
        for team in (0, 1):
            assert value(hand, int(hand["points"][0]), team, 0.0) == pytest.approx((1 - 2 * team) * won)


def test_of_auctioned_hands_the_calls_are_the_simple_bidders() -> None:
    hands = finished(2, "marks", "auction")
    experience = teach(hands, margin_weight=0.0, label_worlds=0, keys=keys(2), threads=1)
    assert (experience["root_values"][:, :5] == -128).all()
    assert (experience["root_values"][:, 5:] != -128).all()
    batch = draw(experience, np.repeat([0, 1], 5), np.tile(np.arange(5), 2), tokenizer="v2", hidden_only=True)
    assert np.array_equal(batch.target.argmax(1), simple_calls(batch.views))
    assert np.allclose(batch.target.max(1), 1)
    assert np.allclose(batch.target.sum(1), 1)
    assert (batch.meaning == IMITATION).all()


def test_threads_change_nothing() -> None:
    hands = finished(9)
    one, two = (teach(hands, margin_weight=0.3, label_worlds=2, keys=keys(9), threads=t) for t in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_sampled_labels_depend_on_the_view_alone() -> None:
    record = finished(1)[0]
    start = record.copy()
    core.rewind(start, 0)
    view = Hand(start).view(int(start["to_move"]))
    (other,) = worlds.sample(view, 1, np.random.default_rng(0))
    assert not np.array_equal(other["owner"], record["owner"])
    redealt = np.array([other])
    tables.play_randomly(redealt, keys(1))
    both = np.concatenate([np.array([record]), redealt])
    labelled = teach(both, margin_weight=0.3, label_worlds=4, keys=np.zeros(2, np.uint64), threads=1)
    assert np.array_equal(*(numbers(example, 0) for example in labelled))


def test_of_forced_plays_sampled_worlds_think_nothing() -> None:
    (record,) = finished(1)
    (example,) = teach(np.array([record]), margin_weight=0.0, label_worlds=2, keys=keys(1), threads=1)
    for ply in range(28):
        position = record.copy()
        core.rewind(position, ply)
        forced = len(Hand(position).legal_actions()) == 1
        assert (example["root_values"][ply] == NOBODY_THOUGHT) == forced


def test_many_sampled_worlds_agree_with_the_mean_over_the_posterior() -> None:
    """Labels of sampled worlds are E[Q]: check against sampling and solving by hand, ending by ending."""
    record = finished(1)[0]
    ply = 16
    (example,) = teach(np.array([record]), margin_weight=0.0, label_worlds=400, keys=keys(1), threads=1)
    position = record.copy()
    core.rewind(position, ply)
    view = Hand(position).view(int(position["to_move"]))
    sampled = worlds.sample(view, 400, np.random.default_rng(1))
    points = solver.solve_worlds(sampled).astype(int)
    team, taken = int(position["to_move"]) & 1, int(position["points"][0])
    legal = np.flatnonzero(points[0] >= 0)
    means = [np.mean([value(record, taken + p, team, 0.0) for p in points[:, d]]) for d in legal]
    assert np.abs(numbers(example, ply) / 127 - 1 - means).max() < 0.25
