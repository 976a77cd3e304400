"""Worlds weighed by how likely a policy was to play what was played, each seat asked from its own view in that world.

A belief head learns what plays reveal; here it is computed, by Bayes' rule, for any policy. What another seat knew at
one of its plays is its view in the world, so nothing that is hidden from a seat weighs on what it was likely to do.
Calls are another matter (:mod:`zeb42_agents.evidence`), and the plays of the viewer are the same in every world.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from zeb42_agents import worlds as deals
from zeb42_env._core.bits import below, unit
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.record import HAND, NOBODY, apply, blank, legal_plays, num_decisions, rewind
from zeb42_env.records import as_records

Policy = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Of views [L]: the policy float [L, 56], and values [L], which are not used here; any evaluator."""

LEAST_PROBABILITY = 1e-12
"""What any play is taken to have at least, so that no world is ruled out by one surprise."""


def log_likelihood(evaluator: Policy, views: np.ndarray, worlds: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """How likely the plays of the other seats were in each world: the log of their probability, float64 [B, W].

    Args:
        evaluator: the policy that the other seats are taken to play.
        views: HAND [B].
        worlds: HAND [B, W], full hands that agree with the views.
        temperature: plays are taken to be drawn from the policy to the power 1 / temperature. Players that take the
            likeliest play, as Zeb does, are met by 0.1 or so: near certainty, with room for near-ties.

    Raises:
        ValueError: views, worlds or temperature are not such.
    """
    views, worlds = as_records(views, "views"), as_records(worlds, "worlds")
    require_views_and_worlds(views, worlds)
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, got {temperature}")
    logs = np.empty(worlds.shape)
    for b, view in enumerate(views):
        logs[b] = _of_view(evaluator, view, worlds[b], temperature)
    return logs


def require_views_and_worlds(views: np.ndarray, worlds: np.ndarray) -> None:
    """ValueError unless ``views`` are views [B] and ``worlds`` full hands [B, W]."""
    if views.ndim != 1 or (views["seat"] == NOBODY).any() or worlds.shape[:1] != views.shape or worlds.ndim != 2:
        raise ValueError(f"expected views [B] and full hands [B, W], got shapes {views.shape} and {worlds.shape}")
    if (worlds["seat"] != NOBODY).any():
        raise ValueError("expected full hands as worlds, got views")


def weights(log_likelihoods: np.ndarray) -> np.ndarray:
    """The share of each world, float64 [B, W] that sum to 1 over W, of worlds that were drawn alike."""
    shares = np.exp(log_likelihoods - log_likelihoods.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return shares


def posterior(views: np.ndarray, worlds: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The belief float64 [B, 28, 4] of weighed worlds: HAND [B, W] with ``shares`` [B, W].

    The fewer worlds carry the weight, the less they are trusted: then legality has its share.
    """
    placed = worlds["owner"][..., None] == np.arange(NUM_SEATS)  # [B, W, 28, 4]
    found = np.einsum("bw,bwds->bds", shares, placed)
    doubt = 1 / (1 + 1 / np.square(shares).sum(1))[:, None, None]  # of so many worlds, counted by their weight
    return (1 - doubt) * found + doubt * deals.marginals_many(views)


@njit(cache=True, nogil=True)
def resample(shares: np.ndarray, num_drawn: int, keys: np.ndarray) -> np.ndarray:
    """Which worlds to take for ``num_drawn`` of equal weight: int64 [B, num_drawn], from ``shares`` [B, W].

    Systematic: a world with share s is drawn floor or ceiling of s * num_drawn times. In random order. Row b follows
    from keys[b] (uint64 [B]).
    """
    drawn = np.empty((len(shares), num_drawn), np.int64)
    stream = np.empty(1, np.uint64)
    for b in range(len(shares)):
        stream[0] = keys[b]
        step = shares[b].sum() / num_drawn
        offset = unit(stream)
        world, reached = 0, shares[b, 0]
        for i in range(num_drawn):
            while reached <= (offset + i) * step and world < shares.shape[1] - 1:
                world += 1
                reached += shares[b, world]
            drawn[b, i] = world
        for i in range(num_drawn):
            j = i + below(stream, num_drawn - i)
            drawn[b, i], drawn[b, j] = drawn[b, j], drawn[b, i]
    return drawn


def _of_view(evaluator: Policy, view: np.void, worlds: np.ndarray, temperature: float) -> np.ndarray:
    """The log-likelihood float64 [W] of ``worlds`` [W]."""
    most = len(worlds) * int(view["num_plays"])
    asked, played, of_world = np.empty(most, HAND), np.empty(most, np.int64), np.empty(most, np.int64)
    num_asked = _look_back(worlds, int(view["seat"]), asked, played, of_world)
    if not num_asked:
        return np.zeros(len(worlds))
    # Worlds share decisions: those of one seat with the same dominoes look the same.
    same, places = np.unique(asked[:num_asked].view(f"V{HAND.itemsize}"), return_inverse=True)
    policy = evaluator(same.view(HAND))[0].astype(np.float64)  # [L, 56]
    logits = np.log(np.maximum(policy, np.finfo(np.float64).tiny)) / temperature
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    surprise = np.log(np.maximum(shares[places, played[:num_asked]], LEAST_PROBABILITY))
    return np.bincount(of_world[:num_asked], surprise, len(worlds))


@njit(cache=True, nogil=True)
def _look_back(worlds: np.ndarray, seat: int, asked: np.ndarray, played: np.ndarray, of_world: np.ndarray) -> int:
    """Write the view before each play of the other seats that had a choice, what was played, and in which world.

    World by world; returns how many there are.
    """
    num_asked = 0
    past = np.empty(1, HAND)
    hand = past[0]
    for w in range(len(worlds)):
        past[0] = worlds[w]
        num_plays = np.int64(hand.num_plays)
        rewind(hand, num_decisions(hand) - num_plays)
        for ply in range(num_plays):
            domino = worlds[w].plays[ply]
            legal = legal_plays(hand)
            if hand.to_move != seat and legal & (legal - np.uint32(1)):
                asked[num_asked] = hand
                blank(asked[num_asked], hand.to_move)
                played[num_asked] = domino
                of_world[num_asked] = w
                num_asked += 1
            apply(hand, domino)
    return num_asked
