"""Where the worlds of a search come from: a :class:`Sampler` draws them for a batch of views.

The standard ones go by a name, ``SearchConfig.belief``; any other is handed to :class:`zeb42_agents.search.Search`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from zeb42_agents import evidence, likelihood
from zeb42_agents import worlds as deals
from zeb42_agents.evidence import Dealt
from zeb42_agents.minds import NETWORK, Mind, dice_mind
from zeb42_agents.search.config import SearchConfig
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import HAND
from zeb42_env._core.tables import views_of


class Evaluator(Protocol):
    """What the search asks of a network. The seat of each view is the seat to move."""

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of ``views`` [L]: the policy float32 [L, 56] over the legal actions, and the value float32 [L] in [-1, 1] for
        the team of the view's seat."""
        ...

    def belief(self, views: np.ndarray) -> np.ndarray:
        """The probability float32 [L, 28, 4] that each seat was dealt each domino."""
        ...


class Sample(NamedTuple):
    """The worlds of a batch of views, and what they were drawn with."""

    worlds: np.ndarray
    """HAND [B, W], full hands that agree with the views."""
    belief: np.ndarray
    """float32 [B, 28, 4], how likely each seat was taken to hold each domino, in any unit per domino."""
    is_posterior: bool = False
    """Whether ``belief`` is what came of weighing whole worlds. If not, worlds are drawn in proportion to the product
    of its entries, and what that comes to is another matter: :func:`believed`."""


class Sampler(Protocol):
    """Draws the worlds that a search goes through."""

    @property
    def name(self) -> str:
        """Where the worlds come from, as :meth:`SearchResult.explain` says it: "16 worlds from ..."."""
        ...

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:
        """``num_worlds`` worlds for each of ``views`` (HAND [B]), drawn from its key (uint64 [B]) alone.

        ValueError for a view that no deal agrees with.
        """
        ...


@dataclass(frozen=True)
class ByBelief:
    """Worlds in proportion to the product of the weights of their placements (:func:`zeb42_agents.worlds.sample`)."""

    name: str
    weights: Callable[[np.ndarray], np.ndarray]
    """Of views [B]: float32 [B, 28, 4]."""

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:
        """See :class:`Sampler`."""
        belief = self.weights(views)
        return Sample(deals.sample_many(views, num_worlds, keys, belief), belief)


@dataclass(frozen=True)
class ByEvidence:
    """Worlds drawn several times over as ``of`` draws them, and kept as likely as they explain what was called,
    declared or dealt, and what was played if ``told`` asks for it (:mod:`zeb42_agents.evidence`)."""

    of: ByBelief
    told: evidence.Evidence
    """What it has found of hands is kept from one decision to the next: one for each thread."""
    mind: Mind
    """Whose plays the others' are held against."""

    @property
    def name(self) -> str:
        """What weighs the worlds, for people."""
        return f"{self.of.name}, weighed by {evidence.what_it_hears(self.told)}"

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:
        """See :class:`Sampler`."""
        weights = self.of.weights(views)
        worlds, belief, weighed = evidence.sample_many(views, num_worlds, keys, weights, self.mind, self.told)
        for b in np.flatnonzero(~weighed):
            belief[b] = believed(views[b], weights[b], is_posterior=False)
        return Sample(worlds, belief, is_posterior=True)


@dataclass(frozen=True, kw_only=True)
class ByLikelihood:
    """Worlds weighed by how likely ``policy`` was to play what was played (:mod:`zeb42_agents.likelihood`), and with
    ``resample`` by what was called, too (:mod:`zeb42_agents.evidence`).

    ``num_candidates`` worlds are drawn alike, and those to search through are drawn from them by weight. At the first
    plays all are as likely; late in a hand a view has few worlds, and they stand among the candidates many times.
    """

    policy: likelihood.Policy
    num_candidates: int = 256
    temperature: float = 0.1
    floor: float = 0.01
    """Share of the weight that all candidates have alike."""
    resample: int = 0
    """Candidates for each world to search, if that comes to more; 0 asks nothing of calls."""
    dealt: Dealt = "random"

    @property
    def name(self) -> str:
        """What weighs the worlds, for people."""
        return "the likelihood of the plays" + (" and calls" if self.resample else "")

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:
        """See :class:`Sampler`."""
        told = evidence.new_evidence(self.resample, self.dealt)
        num_candidates = max(self.num_candidates, num_worlds * max(1, self.resample))
        candidates, logs = evidence.propose_many(views, num_candidates, keys, deals.uniform_weights(len(views)), told)
        logs += likelihood.log_likelihood(self.policy, views, candidates, temperature=self.temperature)
        shares = (1 - self.floor) * likelihood.weights(logs) + self.floor / candidates.shape[1]
        drawn = likelihood.resample(shares, num_worlds, mix_all(keys, np.uint64(0)))
        belief = likelihood.posterior(views, candidates, shares).astype(np.float32)
        return Sample(np.take_along_axis(candidates, drawn, 1), belief, is_posterior=True)


@dataclass(frozen=True)
class TrueHands:
    """THIS CHEATS: an ablation that searches the true hands, every domino visible, in place of sampled worlds.

    No player may have it; it says how much a search would gain by seeing everything. All worlds of a view are the same,
    so ask for one (``SearchConfig(worlds=1)``).
    """

    hands: Callable[[], np.ndarray]
    """The hands that are being played, HAND [N] in any order; asked anew for each batch of views."""
    name = "THE TRUE HAND (peek)"

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:  # noqa: ARG002 - nothing is drawn
        """See :class:`Sampler`; ValueError for a view that is not of the seat to move of one of the hands."""
        hands = self.hands()
        behind = dict(zip(_as_bytes(views_of(hands, hands["to_move"])), range(len(hands)), strict=True))
        try:
            rows = [behind[view] for view in _as_bytes(views)]
        except KeyError:
            raise ValueError("expected views of the hands that are being played, got one of another hand") from None
        return Sample(np.repeat(hands[rows, None], num_worlds, 1), deals.uniform_weights(len(views)))


def standard_sampler(
    evaluator: Evaluator, config: SearchConfig, mind: Mind | None = None, told: evidence.Evidence | None = None
) -> Sampler:
    """The sampler that ``config.belief`` names. With ``told`` worlds are weighed by it instead of by what ``config``
    says of ``resample`` and ``dealt``: also by what was played, as ``mind`` plays, and by who may call alike; not with
    ``likelihood``, which asks the evaluator so."""
    floor = config.belief_floor
    told = told or evidence.new_evidence(config.resample, config.dealt)
    if len(told.plays) and (mind is None or mind.kind != NETWORK):
        raise ValueError(
            f"expected a mind of weights beside plays={told.plays[0]:g}, which asks how likely its plays were"
        )
    if config.belief == "likelihood":
        for name, given in (("plays", told.plays), ("alike", told.alike)):
            if given.any():
                raise ValueError(
                    f"expected no {name}= beside belief=likelihood, which weighs worlds otherwise, got {given.max():g}"
                )
        return ByLikelihood(policy=evaluator, floor=floor, resample=config.resample, dealt=config.dealt)
    weights = {
        "uniform": lambda views: deals.uniform_weights(len(views)),
        "legality": lambda views: deals.marginals_many(views).astype(np.float32),
        "net": lambda views: _net_weights(evaluator, views, floor),
    }
    name = "even odds" if config.belief == "uniform" else f"the {config.belief} belief"
    sampler = ByBelief(name, weights[config.belief])
    return ByEvidence(sampler, told, mind or dice_mind(0)) if told.resample else sampler


def believed(view: np.void, belief: np.ndarray, is_posterior: bool) -> np.ndarray:
    """How likely each seat is to hold each domino where a sample's ``belief`` [28, 4] drew the worlds of one ``view``:
    float64 [28, 4]."""
    if is_posterior:
        return belief.astype(np.float64)
    try:
        return deals.marginals(view, belief)
    except ValueError:  # the weights leave no deal, and the worlds were drawn evenly
        return deals.marginals(view)


def check_sample(sample: Sample, views: np.ndarray, num_worlds: int) -> Sample:
    """The sample of a sampler from outside, after a look at it; ValueError if the kernels could not trust it."""
    worlds, belief = sample[:2]
    shapes = (len(views), num_worlds), (len(views), NUM_DOMINOES, NUM_SEATS)
    if getattr(worlds, "dtype", None) != HAND or (worlds.shape, np.shape(belief)) != shapes:
        raise ValueError(
            f"expected worlds HAND {shapes[0]} and a belief of shape {shapes[1]} from the sampler, got "
            f"{type(worlds).__name__} {np.shape(worlds)} and shape {np.shape(belief)}"
        )
    seen = np.repeat(views, num_worlds)
    if views_of(worlds.reshape(-1), seen["seat"]).tobytes() != seen.tobytes():
        raise ValueError("expected worlds that agree with the views from the sampler, got others")
    return sample


def _net_weights(evaluator: Evaluator, views: np.ndarray, floor: float) -> np.ndarray:
    """The evaluator's belief float32 [B, 28, 4], with ``floor`` of even odds mixed in."""
    beliefs = np.ascontiguousarray(evaluator.belief(views), np.float32)
    shape = (len(views), NUM_DOMINOES, NUM_SEATS)
    if beliefs.shape != shape or not np.isfinite(beliefs).all() or (beliefs < 0).any():
        raise ValueError(
            f"expected a belief of shape {shape}, finite and not negative, from the evaluator, got shape "
            f"{beliefs.shape}, smallest {beliefs.min(initial=0.0)}"
        )
    share = np.float32(floor)
    return (1 - share) * beliefs + share / NUM_SEATS


def _as_bytes(views: np.ndarray) -> list[bytes]:
    return [view.tobytes() for view in views]
