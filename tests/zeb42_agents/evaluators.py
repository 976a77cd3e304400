"""Evaluators whose answers a test can know, and positions to ask them about."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env import Rules
from zeb42_env._core.bits import below, lowest, mix, nth_bit, popcount
from zeb42_env._core.record import BY_CHANCE, OVER, apply, legal_mask, num_decisions
from zeb42_env._core.tables import deal_numbers, views_of


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
    deal_numbers(hands, np.uint64(seed), np.arange(len(hands), dtype=np.uint64), contract)
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


class Sure(Even):
    """Even, but the policy over the legal actions, ascending, is (1/2, 1/4, 1/8, ...)."""

    def _invent(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        priors, values, beliefs = super()._invent(views)
        for prior in priors:
            legal = np.flatnonzero(prior)
            prior[legal] = 0.5 ** np.arange(len(legal))
            prior /= prior.sum()
        return priors, values, beliefs
