"""Before the first simulation: the legal actions of a batch of decisions, its random streams, and noise at the root."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.search.config import SearchConfig
from zeb42_env._core.bits import lowest, mix_all, popcount, unit
from zeb42_env._core.record import legal_mask

WORLDS_STREAM, WALK_STREAM, NOISE_STREAM, FINAL_STREAM = (np.uint64(number) for number in range(4))


@njit(cache=True)
def legal_actions(views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many legal actions each view has [B], and the lowest of them [B]."""
    num_legal, only_action = np.empty(len(views), np.int64), np.empty(len(views), np.int64)
    for b in range(len(views)):
        legal = legal_mask(views[b])
        num_legal[b] = popcount(legal)
        only_action[b] = lowest(legal)
    return num_legal, only_action


@njit(cache=True)
def draws_of(streams: np.ndarray, num_draws: int) -> np.ndarray:
    """Uniform draws [B, num_draws] in [0, 1), those of each row from its own stream."""
    draws = np.empty((len(streams), num_draws))
    for b in range(len(streams)):
        for i in range(num_draws):
            draws[b, i] = unit(streams[b : b + 1])
    return draws


def mix_dirichlet(priors: np.ndarray, keys: np.ndarray, config: SearchConfig) -> None:
    """Mix Dirichlet noise over the actions that have a prior into ``priors`` [B, 56], in place."""
    for prior, key in zip(priors, mix_all(keys, NOISE_STREAM), strict=True):
        legal = np.flatnonzero(prior)
        noise = np.random.default_rng(int(key)).dirichlet(np.full(len(legal), config.dirichlet_alpha))
        prior[legal] = (1 - config.dirichlet_fraction) * prior[legal] + config.dirichlet_fraction * noise
