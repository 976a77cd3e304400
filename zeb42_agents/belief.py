"""The yardstick for beliefs: what legality alone says about the hidden dominoes, and how good any belief is.

A belief is float [B, 28, 4]: for each view the probability that each seat was dealt each domino, own and played
dominoes included (their 0 and 1 are known). Every consistent deal being equally likely gives the posterior that the
rules alone imply; a learned belief is worth what it adds to that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeb42_agents import worlds
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import NOBODY
from zeb42_env.records import as_records

METRICS = ("all_21", "hidden")
LEAST_PROBABILITY = 1e-9  # what the cross-entropy counts a belief that excluded the truth as


def legality(views: np.ndarray) -> np.ndarray:
    """The posterior float64 [B, 28, 4] when every deal consistent with a view is equally likely.

    ``views`` are HAND records [B]. Exact (:func:`zeb42_agents.worlds.marginals`); ValueError if a view has no deal.
    """
    views = _views(views)
    return worlds.marginals_many(views)


@dataclass(frozen=True, kw_only=True)
class BeliefScore:
    """How well beliefs agreed with the deals, on the published metric and on the one that matters.

    By metric: ``all_21`` averages over the dominoes that the viewer was not dealt, the played ones, whose owner is
    public, included; ``hidden`` over the dominoes that the view does not show. Not a number where there are none.
    """

    accuracy: dict[str, float]
    """Share of dominoes whose likeliest seat is the right one; a tie between k seats counts 1/k."""
    cross_entropy: dict[str, float]
    """Mean of -ln of the probability given to the right seat."""
    num_dominoes: dict[str, int]
    """How many dominoes the means are over."""

    def __str__(self) -> str:
        return ", ".join(
            f"{metric} accuracy {self.accuracy[metric]:.3f} cross-entropy {self.cross_entropy[metric]:.3f}"
            for metric in METRICS
        )


def score(probabilities: np.ndarray, owners: np.ndarray, views: np.ndarray) -> BeliefScore:
    """Score beliefs against the truth.

    Args:
        probabilities: float [B, 28, 4], each row over the seats; normalised here.
        owners: int [B, 28], the seat that was dealt each domino.
        views: HAND records [B], whose seats the beliefs are held by.

    Raises:
        ValueError: shapes that do not agree, or probabilities that are negative or not finite.
    """
    views = _views(views)
    probabilities = np.asarray(probabilities, np.float64)
    owners = np.asarray(owners, np.int64)
    if probabilities.shape != (len(views), NUM_DOMINOES, NUM_SEATS) or owners.shape != probabilities.shape[:2]:
        raise ValueError(
            f"expected probabilities of shape ({len(views)}, 28, 4) and owners of shape ({len(views)}, 28) for "
            f"{len(views)} views, got {probabilities.shape} and {owners.shape}"
        )
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        raise ValueError("expected probabilities that are finite and at least 0, got others")
    if (owners < 0).any() or (owners >= NUM_SEATS).any():
        raise ValueError(f"expected owners in 0..3, got {owners.min()}..{owners.max()}; take them from a full hand")
    total = probabilities.sum(2, keepdims=True)
    probabilities = np.where(total > 0, probabilities / np.where(total > 0, total, 1), 1 / NUM_SEATS)
    right = np.take_along_axis(probabilities, owners[..., None], 2)[..., 0]  # [B, 28]
    surprise = -np.log(np.maximum(right, LEAST_PROBABILITY))
    masks = {"all_21": owners != views["seat"][:, None], "hidden": views["owner"] < 0}
    return BeliefScore(
        accuracy={metric: _mean(hits(probabilities, owners), mask) for metric, mask in masks.items()},
        cross_entropy={metric: _mean(surprise, mask) for metric, mask in masks.items()},
        num_dominoes={metric: int(mask.sum()) for metric, mask in masks.items()},
    )


def hits(probabilities: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Whether the likeliest seat of each domino is the right one, float64 [B, 28]; a tie between k seats counts 1/k.

    ``probabilities`` [B, 28, 4] and ``owners`` [B, 28] as in :func:`score`.
    """
    likeliest = np.isclose(probabilities, probabilities.max(2, keepdims=True), rtol=1e-9, atol=0)  # [B, 28, 4]
    right = np.take_along_axis(likeliest, np.asarray(owners, np.int64)[..., None], 2)[..., 0]
    return right / likeliest.sum(2)


def _mean(values: np.ndarray, mask: np.ndarray) -> float:
    return float(values[mask].mean()) if mask.any() else float("nan")


def _views(views: np.ndarray) -> np.ndarray:
    views = as_records(views, "views")
    if views.ndim != 1:
        raise ValueError(f"expected HAND records of shape [B], got shape {views.shape}")
    if (views["seat"] == NOBODY).any():
        raise ValueError("expected views, got a full hand, which has nothing to believe about")
    return views
