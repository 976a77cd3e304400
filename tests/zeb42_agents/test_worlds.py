"""Worlds against full enumeration: counts, marginals, samples, and views that every world must agree with."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from double_dummy import positions, reneged_view
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from zeb42_agents import worlds
from zeb42_env import HAND, Hand, Rules
from zeb42_env._core import record as core
from zeb42_env._core import tables


def views(num_views: int, seed: int, first: int = 0, last: int = 27) -> np.ndarray:
    """Views [B] of the seats to move in positions of random play."""
    hands = positions(num_views, seed, first=first, last=last)
    return tables.views_of(hands, hands["to_move"])


def enumerate_worlds(view: np.void) -> list[tuple[int, ...]]:
    """The owners of the hidden dominoes in every deal that the view allows, in order of the dominoes."""
    candidates = np.empty(4, np.uint32)
    core.may_hold(view, candidates)
    hidden = [d for d in range(28) if view["owner"][d] < 0]
    room = [0 if seat == view["seat"] else 7 for seat in range(4)]
    for domino in view["plays"][: view["num_plays"]]:
        room[view["owner"][domino]] -= view["owner"][domino] != view["seat"]
    choices = [[seat for seat in range(4) if int(candidates[seat]) >> d & 1] for d in hidden]
    return [w for w in product(*choices) if all(w.count(seat) == room[seat] for seat in range(4))]


def owners_of(sampled: np.ndarray, view: np.void) -> list[tuple[int, ...]]:
    hidden = [d for d in range(28) if view["owner"][d] < 0]
    return [tuple(int(o) for o in owners) for owners in sampled["owner"][:, hidden]]


def product_of(weights: np.ndarray, view: np.void, world: tuple[int, ...]) -> float:
    hidden = [d for d in range(28) if view["owner"][d] < 0]
    return float(np.prod([weights[d, seat] for d, seat in zip(hidden, world, strict=True)]))


def test_count_and_marginals_are_those_of_enumeration() -> None:
    rng = np.random.default_rng(0)
    for view in views(200, seed=21, first=14):
        every = enumerate_worlds(view)
        assert worlds.count(view) == len(every)
        weights = rng.random((28, 4))
        for given_weights in (None, weights):
            chances = np.array([1.0 if given_weights is None else product_of(weights, view, w) for w in every])
            expected = np.zeros((28, 4))
            for domino in range(28):
                if view["owner"][domino] >= 0:
                    expected[domino, view["owner"][domino]] = 1
            for world, chance in zip(every, chances / chances.sum(), strict=True):
                for domino, seat in zip(np.flatnonzero(view["owner"] < 0), world, strict=True):
                    expected[domino, seat] += chance
            np.testing.assert_allclose(worlds.marginals(view, given_weights), expected, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_samples_pass_chi_square_on_hundreds_of_views(weighted: bool) -> None:
    rng = np.random.default_rng(1)
    statistic, freedom, num_views = 0.0, 0, 0
    for view in views(600, seed=22, first=16):
        every = enumerate_worlds(view)
        if not 2 <= len(every) <= 60:
            continue
        num_views += 1
        weights = rng.random((28, 4)) + 0.1 if weighted else None
        chances = np.array([product_of(weights, view, w) if weighted else 1.0 for w in every])
        expected = 3000 * chances / chances.sum()
        seen = Counter(owners_of(worlds.sample(view, 3000, rng, weights), view))
        assert set(seen) <= set(every)
        often = expected >= 5
        counts = np.array([seen[w] for w in every])
        statistic += float(((counts - expected)[often] ** 2 / expected[often]).sum())
        freedom += int(often.sum()) - 1
    assert num_views >= 200
    assert 1e-4 < chi2.sf(statistic, freedom) < 1 - 1e-4


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 27), st.booleans())
def test_every_world_shows_its_viewer_the_same_view(seed: int, ply: int, weighted: bool) -> None:
    view = views(1, seed, first=ply, last=ply)[0]
    rng = np.random.default_rng(seed)
    weights = rng.random((28, 4)) if weighted else None
    sampled = worlds.sample(view, 20, rng, weights)
    assert (sampled["seat"] == -1).all()
    again = tables.views_of(sampled, np.full(20, view["seat"]))
    assert all(record.tobytes() == view.tobytes() for record in again)
    tables.play_randomly(sampled, np.arange(20, dtype=np.uint64))
    assert (sampled["points"].sum(1) == 42).all()


def test_before_the_tricks_every_deal_is_possible() -> None:
    hand = Hand.deal(seed=3)
    while True:
        view = hand.view(hand.to_move)
        assert worlds.count(view) == 399_072_960  # 21! / 7!^3
        marginals = worlds.marginals(view)
        hidden = view["owner"] < 0
        np.testing.assert_allclose(marginals[hidden][:, [s for s in range(4) if s != view["seat"]]], 1 / 3)
        sampled = worlds.sample(view, 5, np.random.default_rng(0))
        assert (tables.views_of(sampled, np.full(5, view["seat"])) == view).all()
        if hand.phase == core.TRICKS:
            break
        hand.apply(hand.legal_actions()[-1])


def test_a_full_hand_is_its_own_only_world() -> None:
    hand = Hand.deal(seed=3, rules=Rules(contract="random"))
    assert worlds.count(hand.record) == 1
    assert worlds.sample(hand.record, 2, np.random.default_rng(0))[1] == hand.record


def test_batches_draw_what_single_views_draw() -> None:
    batch = views(40, seed=5)
    keys = np.arange(40, dtype=np.uint64)
    sampled = worlds.sample_many(batch, 6, keys, worlds.uniform_weights(40))
    assert sampled.shape == (40, 6)
    for b in range(40):
        assert (worlds.sample(batch[b], 6, keys[b]) == sampled[b]).all()
    np.testing.assert_array_equal(worlds.marginals_many(batch), [worlds.marginals(view) for view in batch])


def test_extreme_weights_neither_overflow_nor_vanish() -> None:
    rng = np.random.default_rng(6)
    for view in views(30, seed=6, last=8):
        weights = 10.0 ** rng.uniform(-30, 30, (28, 4))
        marginals = worlds.marginals(view, weights)
        np.testing.assert_allclose(marginals.sum(1), 1)
        scaled = worlds.marginals(view, weights * 10.0 ** rng.uniform(-5, 5, (28, 1)))
        np.testing.assert_allclose(scaled, marginals, atol=1e-9)
        assert len(worlds.sample(view, 10, rng, weights)) == 10


def test_certain_weights_give_the_one_world() -> None:
    hands = positions(20, seed=7, last=20)
    for hand in hands:
        view = np.array([hand])
        core.blank(view[0], hand["to_move"])
        weights = np.eye(4)[hand["owner"]]
        sampled = worlds.sample(view[0], 3, np.random.default_rng(0), weights)
        assert (sampled == hand).all()


def test_weights_that_leave_no_deal_fall_back_to_uniform_in_batches() -> None:
    batch = views(5, seed=8, last=4)
    weights = np.zeros((5, 28, 4), np.float32)
    sampled = worlds.sample_many(batch, 3, np.arange(5, dtype=np.uint64), weights)
    uniform = worlds.sample_many(batch, 3, np.arange(5, dtype=np.uint64), worlds.uniform_weights(5))
    assert (sampled == uniform).all()


def bad_weights(change: str) -> np.ndarray:
    weights = np.ones((28, 4))
    if change == "shape":
        return weights[:, :3]
    if change == "nan":
        weights[3, 1] = np.nan
    if change == "negative":
        weights[3, 1] = -0.5
    if change == "row":
        weights[:] = np.where(np.arange(28)[:, None] % 2, 0.0, 1.0)
    if change == "deal":
        weights[:, 1:] = 0
        weights[:, 1] = 1
    return weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("shape", r"shape \(28, 4\), got \(28, 3\)"),
        ("nan", "finite weights, got nan"),
        ("negative", "at least 0, got -0.5"),
        ("row", "expected a positive weight for"),
        ("deal", "zero on every one"),
    ],
)
def test_bad_weights(change: str, message: str) -> None:
    view = Hand.deal(seed=2, rules=Rules(contract="random")).view(0)
    weights = bad_weights(change)
    with pytest.raises(ValueError, match=message):
        worlds.sample(view, 3, np.random.default_rng(0), weights)
    with pytest.raises(ValueError, match=message):
        worlds.marginals(view, weights)


def test_bad_views_and_counts() -> None:
    hand = Hand.deal(seed=2, rules=Rules(contract="random"))
    with pytest.raises(ValueError, match="num_worlds of at least 1, got 0"):
        worlds.sample(hand.view(0), 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="one HAND record"):
        worlds.count(np.zeros(2, HAND))
    impossible = hand.view(0)
    impossible["held"][0] &= impossible["held"][0] - np.uint32(1)  # six dominoes in hand, and none played
    for view in (impossible, reneged_view()[0]):
        for ask in (
            worlds.count,
            worlds.marginals,
            lambda view: worlds.sample(view, 3, np.random.default_rng(0)),
            lambda view: worlds.marginals_many(np.array([view])),
            lambda view: worlds.require_deals(np.array([view])),
            lambda view: worlds.sample_many(np.array([view]), 2, np.zeros(1, np.uint64), worlds.uniform_weights(1)),
        ):
            with pytest.raises(ValueError, match="no deal agrees with"):
                ask(view)


def test_odds_are_those_of_all_worlds_written_out() -> None:
    batch = views(12, seed=77, first=18, last=24)
    weights = np.random.default_rng(5).uniform(0.1, 1, (12, 28, 4))
    for b, view in enumerate(batch):
        every = np.empty(5000, HAND)
        found = every[: worlds.enumerate_into(view, every)]
        products = np.take_along_axis(weights[b][None], found["owner"][..., None].astype(int), 2)[..., 0]
        hidden = view["owner"] < 0
        shares = products[:, hidden].prod(1) / products[:, hidden].prod(1).sum()
        again = np.repeat(view.reshape(1), len(found)), np.repeat(weights[b][None], len(found), 0), found
        np.testing.assert_allclose(worlds.odds(*again), shares * len(found), rtol=1e-6)
