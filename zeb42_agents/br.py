"""``br``: the best response to honest players who think no further than dice, without a network or a solver."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import worlds
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.explanation import NUM_SHOWN, Candidate, Explanation, share_of_worlds
from zeb42_agents.minds import DiceMind, dice_mind
from zeb42_agents.search.bundle import NOT_TRIED, Bundle, new_bundle, search_bundle
from zeb42_agents.simple_bidder import explain_call, simple_calls
from zeb42_env._core.bits import lowest, mix, popcount
from zeb42_env._core.dominoes import COUNT, NUM_DOMINOES
from zeb42_env._core.record import HAND, TRICKS, legal_plays
from zeb42_env.hand import Hand

MAX_WORLDS = 10_000
THIN = 8


class BestResponse(Agent):
    """Plays ``outer`` sampled worlds to the end of the hand and takes the play that reaches the goal most often.

    >>> BestResponse(outer=40, inner=8).act(views, np.random.default_rng(0))

    The other seats are minds that best-respond over ``inner`` worlds of their own view to random play
    (:mod:`zeb42_agents.minds`); its own later decisions are one per information set
    (:mod:`zeb42_agents.search.bundle`), but for groups of fewer than ``thin`` worlds. The literature calls this level
    1. It has never seen a full hand, which makes it a yardstick and a teacher without double-dummy habits. Of equal
    plays it takes the one that gives the least count away. It calls as the simple bidder does.
    """

    def __init__(self, outer: int = 40, *, inner: int = 8, thin: int = THIN) -> None:
        for name, value in (("outer", outer), ("inner", inner), ("thin", thin)):
            if not isinstance(value, int | np.integer) or not 1 <= value <= MAX_WORLDS:
                raise ValueError(f"expected {name}, a whole number in 1..{MAX_WORLDS}, got {value!r}")
        self.name = f"br:outer={outer},inner={inner}"
        self.outer, self.inner, self.thin = outer, inner, thin
        self._bundle, self._mind = new_bundle(outer), dice_mind(inner)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action int64 [B] for each of ``views`` [B]; see :meth:`zeb42_agents.Agent.act`."""
        views = require_movers(views)
        worlds.require_deals(views)
        keys = view_keys(rng, len(views))
        actions = np.empty(len(views), np.int64)
        playing = views["phase"] == TRICKS
        if not playing.all():
            actions[~playing] = simple_calls(views[~playing])
        rows = np.flatnonzero(playing)
        chosen = np.empty(len(rows), np.int64)
        _choose_many(views[rows], keys[rows], self._bundle, self._mind, self.thin, chosen)
        actions[rows] = chosen
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the sampled worlds come to after each play; see :meth:`zeb42_agents.Agent.explain`."""
        views, keys = one_decision(view, rng)
        worlds.require_deals(views)
        if views[0]["phase"] != TRICKS:
            return explain_call(views[0])
        values, sampled = np.empty(NUM_DOMINOES), np.empty(self.outer, HAND)
        _weigh_plays(views[0], keys[0], self._bundle, self._mind, self.thin, sampled, values)
        tried = sorted(np.flatnonzero(values > NOT_TRIED).tolist(), key=lambda d: (-values[d], COUNT[d], d))
        return Explanation(
            view=Hand(views[0]),
            chosen=tried[0],
            candidates=tuple(Candidate(action=domino, value=float(values[domino])) for domino in tried),
            speaker="worlds",
            basis=f"{self.outer} worlds, each played to the end by players who see their own dominoes alone",
            how="the most worlds won; then the least count",
            root_value=float(values[tried[0]]),
            belief=worlds.marginals(views[0]),
            world_share=share_of_worlds(sampled),
            num_worlds=self.outer,
            worlds=tuple(map(Hand, sampled[:NUM_SHOWN])),
        )

    def __repr__(self) -> str:
        thin = f", thin={self.thin}" if self.thin != THIN else ""
        return f"BestResponse(outer={self.outer}, inner={self.inner}{thin})"


@njit(cache=True, nogil=True)
def _choose_many(
    views: np.ndarray, keys: np.ndarray, bundle: Bundle, mind: DiceMind, thin: int, actions: np.ndarray
) -> None:
    values, sampled = np.empty(NUM_DOMINOES), np.empty(bundle.hands.shape[1], HAND)
    for b in range(len(views)):
        legal = legal_plays(views[b])
        if popcount(legal) == 1:
            actions[b] = lowest(legal)
            continue
        _weigh_plays(views[b], keys[b], bundle, mind, thin, sampled, values)
        best = lowest(legal)
        for domino in range(best + 1, NUM_DOMINOES):
            if values[domino] > values[best] or (values[domino] == values[best] and COUNT[domino] < COUNT[best]):
                best = domino
        actions[b] = best


@njit(cache=True, nogil=True)
def _weigh_plays(
    view: np.void, key: np.uint64, bundle: Bundle, mind: DiceMind, thin: int, sampled: np.ndarray, values: np.ndarray
) -> None:
    """Write the worlds of ``view`` into ``sampled`` (HAND [outer]) and what each play comes to into ``values`` [28]."""
    consistent = worlds.sample_into(view, key, mind.even, sampled)
    assert consistent
    search_bundle(bundle, mind, sampled, mix(key, np.uint64(1)), thin, values)
