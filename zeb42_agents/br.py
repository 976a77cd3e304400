"""``br``: the best response to honest players who think no further than dice, without a network or a solver."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import worlds
from zeb42_agents.agent import Randomness, require_movers, view_keys
from zeb42_agents.minds import DiceMind, dice_mind
from zeb42_agents.search.bundle import NOT_TRIED, Bundle, new_bundle, search_bundle
from zeb42_agents.simple_bidder import simple_calls
from zeb42_env._core.bits import lowest, mix, popcount
from zeb42_env._core.dominoes import COUNT, NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import TRICKS, legal_plays

MAX_WORLDS = 10_000


class BestResponse:
    """Plays ``outer`` sampled worlds to the end of the hand and takes the play that reaches the goal most often.

    >>> BestResponse(outer=40, inner=8).act(views, np.random.default_rng(0))

    The other seats are minds that best-respond over ``inner`` worlds of their own view to random play
    (:mod:`zeb42_agents.minds`); its own later decisions are one per information set
    (:mod:`zeb42_agents.search.bundle`). The literature calls this level 1. It has never seen a full hand, which makes
    it a yardstick and a teacher without double-dummy habits. It calls as the simple bidder does.
    """

    def __init__(self, outer: int = 40, *, inner: int = 8, thin: int = 8) -> None:
        for name, value in (("outer", outer), ("inner", inner), ("thin", thin)):
            if not isinstance(value, int | np.integer) or not 1 <= value <= MAX_WORLDS:
                raise ValueError(f"expected {name}, a whole number in 1..{MAX_WORLDS}, got {value!r}")
        self.name = f"br:outer={outer},inner={inner}"
        self.outer, self.inner, self.thin = outer, inner, thin
        self._bundle, self._mind = new_bundle(outer), dice_mind(inner)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action int64 [B] for each of ``views`` [B]; see :class:`zeb42_agents.Agent`."""
        require_movers(views)
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


@njit(cache=True, nogil=True)
def _choose_many(
    views: np.ndarray, keys: np.ndarray, bundle: Bundle, mind: DiceMind, thin: int, actions: np.ndarray
) -> None:
    values = np.empty(NUM_DOMINOES)
    even = np.ones((1, NUM_DOMINOES, NUM_SEATS), np.float32)
    num_worlds = bundle.hands.shape[1]
    for b in range(len(views)):
        legal = legal_plays(views[b])
        if popcount(legal) == 1:
            actions[b] = lowest(legal)
            continue
        sampled = worlds.sample_many(views[b : b + 1], num_worlds, keys[b : b + 1], even)[0]
        search_bundle(bundle, mind, sampled, mix(keys[b], np.uint64(1)), thin, values)
        best = -1
        for domino in range(NUM_DOMINOES):
            if values[domino] > NOT_TRIED and (
                best < 0
                or values[domino] > values[best]
                or (values[domino] == values[best] and COUNT[domino] < COUNT[best])
            ):
                best = domino
        actions[b] = best
