"""Names of what a run draws at random: each follows from the run's seed and its name."""

from __future__ import annotations

import numpy as np

from zeb42_env._core.bits import mix

DEALS, PLAYS, LABELS, BUFFER, FRESH = range(5)


def key_of(seed: int | np.uint64, name: int) -> np.uint64:
    """The key of ``name`` under ``seed``."""
    return np.uint64(mix(np.uint64(seed), np.uint64(name)))
