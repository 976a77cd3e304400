"""The tree search: what it may see, what it must not depend on, and that it finds what can be computed exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from zeb42_agents import solver, worlds
from zeb42_agents.search import Search, SearchConfig, SearchResult, search
from zeb42_agents.search.config import halving_schedule
from zeb42_env import HAND, Hand, Rules
from zeb42_env._core.bits import below, lowest, mix, nth_bit, popcount
from zeb42_env._core.record import (
    BY_AUCTION,
    BY_CHANCE,
    OVER,
    apply,
    deal_many,
    legal_mask,
    num_decisions,
    score,
    views_of,
)

SMALL = SearchConfig(sims=24, worlds=6, belief="uniform", leaves=8)


@njit(cache=True)
def _walk(hands: np.ndarray, decisions: int, key: np.uint64) -> None:
    """Take up to ``decisions`` random actions in each of ``hands``; -1 draws how many."""
    stream = np.empty(1, np.uint64)
    for b in range(len(hands)):
        stream[0] = mix(key, b)
        wanted = decisions if decisions >= 0 else below(stream, 30)
        while num_decisions(hands[b]) < wanted:
            legal = legal_mask(hands[b])
            apply(hands[b], nth_bit(legal, below(stream, popcount(legal))))
            if hands[b].phase == OVER:
                break


def positions(num: int, seed: int = 0, decisions: int = -1, contract: int = BY_CHANCE, **rules: str) -> np.ndarray:
    """Full hands [num] at random points of random hands, none of them over."""
    hands = np.repeat(Rules(**rules).blank_record(), 2 * num)  # type: ignore[arg-type]
    deal_many(hands, np.uint64(seed), 0, contract)
    _walk(hands, decisions, np.uint64(seed))
    return hands[hands["phase"] != OVER][:num]


@njit(cache=True)
def _invent(views: np.ndarray, priors: np.ndarray, values: np.ndarray, beliefs: np.ndarray) -> None:
    """A policy, a value and a belief that look random but follow from every byte that a view may show."""
    stream = np.empty(1, np.uint64)
    for b in range(len(views)):
        view = views[b]
        key = mix(np.uint64(view.seat), np.uint64(view.num_plays))
        for domino in range(28):
            key = mix(key, np.uint64(view.owner[domino] + 1))
            key = mix(key, np.uint64(view.plays[domino] + 1))
        for seat in range(4):
            key = mix(key, np.uint64(view.held[seat]))
            key = mix(key, np.uint64(view.calls[seat] + 1))
        stream[0] = mix(key, np.uint64(view.declaration + 1))
        legal = legal_mask(view)
        total = 0.0
        while legal:
            action = lowest(legal)
            legal &= legal - np.uint64(1)
            priors[b, action] = (1 + below(stream, 1000)) ** 2
            total += priors[b, action]
        priors[b] /= total
        values[b] = below(stream, 2001) / 1000 - 1
        for domino in range(28):
            for seat in range(4):
                beliefs[b, domino, seat] = (1 + below(stream, 100)) / 100


class Inventor:
    """An evaluator whose answers are nonsense, but depend on everything in a view; it checks that views are views."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert len(views)
        assert (views["seat"] == views["to_move"]).all()
        assert views_of(views, views["seat"]).tobytes() == views.tobytes()
        self.batches.append(len(views))
        return self._invent(views)[:2]

    def belief(self, views: np.ndarray) -> np.ndarray:
        return self._invent(views)[2]

    def _invent(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        answers = (
            np.zeros((len(views), 56), np.float32),
            np.zeros(len(views), np.float32),
            np.zeros((len(views), 28, 4), np.float32),
        )
        _invent(views, *answers)
        return answers


class Even(Inventor):
    """Every legal action equally likely, every value 0."""

    def _invent(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        priors, values, beliefs = super()._invent(views)
        priors = (priors > 0) / np.float32(1) / (priors > 0).sum(1, keepdims=True).astype(np.float32)
        return priors, 0 * values, np.full_like(beliefs, 0.25)


def keys_of(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, num, dtype=np.uint64)


def views_to_move(hands: np.ndarray) -> np.ndarray:
    return views_of(hands, hands["to_move"])


ARRAYS = ("searched", "action", "visits", "q", "prior", "policy", "root_value", "network_value", "belief", "line")


def assert_same(one: SearchResult, other: SearchResult, rows: slice | np.ndarray = slice(None)) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name), err_msg=name)
    assert one.worlds[rows].tobytes() == other.worlds.tobytes()


CONFIGS = [
    SMALL,
    replace(SMALL, root="puct"),
    replace(SMALL, belief="net", gumbel_scale=1.0),
    replace(SMALL, root="puct", belief="legality", dirichlet_fraction=0.25, temperature=1.0, mix_tricks=4),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_result_is_coherent(config: SearchConfig) -> None:
    hands = np.concatenate([positions(40, seed=1), positions(20, seed=2, decisions=2, contract=BY_AUCTION)])
    views = views_to_move(hands)
    result = search(views, keys_of(len(views)), Inventor(), config)
    for b, hand in enumerate(map(Hand, views)):
        legal = hand.legal_actions()
        assert result.searched[b] == (len(legal) > 1)
        assert result.action[b] in legal
        assert set(np.flatnonzero(result.visits[b])) <= set(legal)
        assert set(np.flatnonzero(result.policy[b])) <= set(legal)
        assert result.policy[b].sum() == pytest.approx(1, abs=1e-5)
        assert result.line[b, 0] == result.action[b]
        if result.searched[b]:
            assert result.visits[b].sum() == config.sims
            assert np.abs(result.q[b]).max() <= 1
            for world in result.worlds[b]:
                assert Hand(world).view(int(views[b]["seat"])).tobytes() == views[b].tobytes()
        else:
            assert not result.visits[b].any()


@pytest.mark.parametrize("config", CONFIGS)
def test_hidden_dominoes_change_nothing(config: SearchConfig) -> None:
    hands = np.concatenate([positions(30, seed=3), positions(10, seed=4, decisions=3, contract=BY_AUCTION)])
    views = views_to_move(hands)
    dealt_again = np.concatenate([worlds.sample(view, 1, np.uint64(b)) for b, view in enumerate(views)])
    assert (dealt_again["owner"] != hands["owner"]).any()
    keys = keys_of(len(hands))
    assert_same(search(views, keys, Inventor(), config), search(views_to_move(dealt_again), keys, Inventor(), config))


@pytest.mark.parametrize("config", CONFIGS)
def test_other_decisions_and_threads_change_nothing(config: SearchConfig) -> None:
    views = views_to_move(positions(30, seed=5))
    keys = keys_of(30)
    together = search(views, keys, Inventor(), config)
    assert_same(together, search(views, keys, Inventor(), replace(config, threads=3)))
    assert_same(together, search(views, keys, Inventor(), replace(config, threads=2, pipeline=True)))
    assert_same(together, search(views, keys, Inventor(), replace(config, pipeline=True)))
    searcher = Search(Inventor(), config)
    for rows in (slice(7, 8), slice(20, 30), slice(0, 30), slice(3, 5)):  # the second uses the memory of the first
        assert_same(together, searcher(views[rows], keys[rows]), rows)


def test_keys_matter() -> None:
    views = np.repeat(views_to_move(positions(1, seed=6, decisions=4)), 8)
    result = search(views, keys_of(8), Inventor(), SMALL)
    assert len({world.tobytes() for world in result.worlds[:, 0]}) == 8
