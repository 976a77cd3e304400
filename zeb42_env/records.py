"""Records from outside: in the form that kernels take, and checked before any kernel sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from zeb42_env._core.gate import FLAWS, find_flaws
from zeb42_env._core.record import HAND


def as_records(records: Any, what: str = "records") -> np.ndarray:
    """HAND ``records`` of any shape as the kernels were compiled for, copied only if they must be.

    What comes out of a file has lost the alignment of its dtype or may not be written to, for which numba would compile
    every kernel again. ValueError unless the dtype is HAND; ``what`` is their name in it.
    """
    if getattr(records, "dtype", None) != HAND:
        given = getattr(records, "dtype", type(records).__name__)
        raise ValueError(f"expected {what} to be HAND records, got {given}")
    return np.require(np.asarray(records), HAND, ["C", "ALIGNED", "WRITEABLE"])


def check_records(records: Any, what: str = "records") -> np.ndarray:
    """HAND ``records`` of any shape and origin, as :func:`as_records` gives them, once each is one that play can make.

    Any bytes may be given. A hand has to follow from its own deal, calls and plays under the rules that it names, and
    of a view some deal of the hidden dominoes has to allow the plays. ValueError names the first record that fails.
    """
    checked = as_records(records, what)
    flaws = find_flaws(checked.reshape(-1))
    if flaws.any():
        first = int(np.flatnonzero(flaws)[0])
        which = f" in number {first} of {flaws.size}" if flaws.size > 1 else ""
        raise ValueError(f"expected {what} that play can make, got {FLAWS[flaws[first]]}{which}")
    return checked
