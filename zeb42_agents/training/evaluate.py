"""How good a network is: mirrored deals against opponents, and its belief beside what legality alone says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeb42_agents import belief
from zeb42_agents.arena import PairingResult, play_pairing
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.training.actor import deal
from zeb42_agents.zeb import Zeb
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.record import TRICKS
from zeb42_env.rules import Rules
from zeb42_env.table import Table, play_out

# Far from any seed of training, and the same in every run, so that runs can be compared.
EVALUATION_SEED, BELIEF_SEED, FINAL_SEED = 2**40, 2**40 + 1, 2**40 + 2
NUM_BINS = 10


def strengths(
    evaluator: NetworkEvaluator, opponents: Sequence[str], *, num_deals: int, seed: int, protocol: str = "majority"
) -> list[PairingResult]:
    """The policy alone against each of ``opponents`` (agent specs) under a protocol of the arena; the same deals for
    the same seed."""
    network = Zeb(evaluator, name="zeb in training")
    return [play_pairing(network, spec, protocol=protocol, num_deals=num_deals, seed=seed) for spec in opponents]


def evaluation_columns(opponents: Sequence[str]) -> list[tuple[str, str, str]]:
    """The columns of the win rate against each opponent, and of its interval; the first one's have the published
    names."""
    ends = ["", *(f" {opponent}" for opponent in opponents[1:])]
    return [(f"eval_win_rate{end}", f"eval_low{end}", f"eval_high{end}") for end in ends]


def strength_row(opponents: Sequence[str], found: Sequence[PairingResult]) -> dict[str, float]:
    """The columns of an evaluation: ``eval_mean`` is the win rate over all opponents."""
    row = {"eval_mean": float(np.mean([pairing.win_rate for pairing in found]))}
    for names, pairing in zip(evaluation_columns(opponents), found, strict=True):
        row |= zip(names, (pairing.win_rate, *pairing.interval), strict=True)
    return row


@dataclass(frozen=True, kw_only=True)
class BeliefReport:
    """The network's belief beside the legality posterior, on the same positions of fresh self-play."""

    network: belief.BeliefScore
    legality: belief.BeliefScore
    num_positions: int
    reliability: np.ndarray
    """float64 [7, 10, 3]: by trick and by bin of the probability given: how often it came true, the mean probability,
    and the number of (domino, seat) pairs, over the hidden dominoes."""

    def row(self) -> dict[str, float]:
        """Its columns among the metrics of a cycle."""
        row = {}
        for who, score in (("belief", self.network), ("legality", self.legality)):
            for metric, name in (("hidden", "hidden"), ("all_21", "all")):
                row[f"{who}_{name}_accuracy"] = score.accuracy[metric]
                row[f"{who}_{name}_loss"] = score.cross_entropy[metric]
        return row


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
    numbers = np.arange(num_hands, dtype=np.uint64)
    table = Table(deal(rules, numbers, np.uint64(seed)), numbers)
    views_seen, owners = [], []

    def act(views: np.ndarray, _: np.ndarray) -> np.ndarray:
        asked = views["phase"] == TRICKS
        views_seen.append(views[asked])
        owners.append(table.hands["owner"][table.live][asked])
        return evaluator(views)[0].argmax(1)

    play_out(table, act)
    return np.concatenate(views_seen), np.concatenate(owners)


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
