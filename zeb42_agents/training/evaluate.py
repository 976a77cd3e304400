"""How good a network is: mirrored deals against opponents, and its belief beside what legality alone says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeb42_agents import belief
from zeb42_agents.arena import play_pairing
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.training.self_play import SelfPlayVectorEnv
from zeb42_agents.zeb import Zeb
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.record import HAND, OVER
from zeb42_env._core.tables import views_of
from zeb42_env.rules import Rules

NUM_BINS = 10


@dataclass(frozen=True, kw_only=True)
class Strength:
    """A win rate over mirrored deals, with its 95% interval."""

    opponent: str
    win_rate: float
    low: float
    high: float
    num_deals: int

    def __str__(self) -> str:
        return f"{100 * self.win_rate:.1f}% ({100 * self.low:.1f}..{100 * self.high:.1f})"


def strengths(
    evaluator: NetworkEvaluator, opponents: Sequence[str], *, num_deals: int, seed: int, protocol: str = "majority"
) -> list[Strength]:
    """The policy alone against each of ``opponents`` (agent specs) under a protocol of the arena; the same deals for
    the same seed."""
    found = []
    for spec in opponents:
        pairing = play_pairing(
            Zeb(evaluator, name="zeb in training"),
            spec,
            protocol=protocol,
            num_deals=num_deals,
            seed=seed,
        )
        low, high = pairing.interval
        found.append(Strength(opponent=spec, win_rate=pairing.win_rate, low=low, high=high, num_deals=num_deals))
    return found


@dataclass(frozen=True, kw_only=True)
class BeliefReport:
    """The network's belief beside the legality posterior, on the same positions of fresh self-play."""

    network: belief.BeliefScore
    legality: belief.BeliefScore
    num_positions: int
    reliability: np.ndarray
    """float64 [7, 10, 3]: by trick and by bin of the probability given: how often it came true, the mean probability,
    and the number of (domino, seat) pairs, over the hidden dominoes."""


def belief_report(evaluator: NetworkEvaluator, rules: Sequence[Rules], *, num_hands: int, seed: int) -> BeliefReport:
    """Let the network play ``num_hands`` fresh hands and measure its belief at every play of them."""
    views, owners = self_play_positions(evaluator, rules, num_hands=num_hands, seed=seed)
    beliefs = evaluator.belief(views)
    return BeliefReport(
        network=belief.score(beliefs, owners, views),
        legality=belief.score(belief.legality(views), owners, views),
        num_positions=len(views),
        reliability=_reliability(beliefs, owners, views),
    )


def self_play_positions(
    evaluator: NetworkEvaluator, rules: Sequence[Rules], *, num_hands: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The views (HAND [N]) of the seat to move at every play of fresh self-play by the likeliest actions, which is how
    Zeb plays, and the true owners int8 [N, 28]."""
    env = SelfPlayVectorEnv(num_lanes=num_hands, rules=rules, seed=seed)
    env.reset()
    views_seen, owners = [], []
    for _ in range(env.decisions_per_hand):
        if (env.hands["phase"] == OVER).any():
            break
        views = views_of(env.hands, env.hands["to_move"])
        if (views["declaration"] >= 0).all():
            views_seen.append(views)
            owners.append(env.hands["owner"].copy())
        env.step(evaluator(views)[0].argmax(1))
    return np.concatenate(views_seen).astype(HAND, copy=False), np.concatenate(owners)


def _reliability(beliefs: np.ndarray, owners: np.ndarray, views: np.ndarray) -> np.ndarray:
    """See :attr:`BeliefReport.reliability`."""
    hidden = views["owner"] < 0  # [N, 28]
    not_me = np.arange(NUM_SEATS) != views["seat"][:, None]  # [N, 4]
    pairs = hidden[:, :, None] & not_me[:, None, :]
    trick = np.broadcast_to((views["num_plays"] // 4)[:, None, None], pairs.shape)[pairs]
    probability = beliefs[pairs].astype(np.float64)
    true = (owners[:, :, None] == np.arange(NUM_SEATS))[pairs]
    place = trick * NUM_BINS + np.minimum((probability * NUM_BINS).astype(int), NUM_BINS - 1)
    count, hits, total = (
        np.bincount(place, weights, minlength=7 * NUM_BINS)[: 7 * NUM_BINS]
        for weights in (np.ones(len(place)), true.astype(float), probability)
    )
    filled = np.maximum(count, 1)
    return np.stack([hits / filled, total / filled, count], axis=1).reshape(7, NUM_BINS, 3)
