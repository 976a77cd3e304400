"""Networks of calls for tests: of random opinions, and of none."""

from __future__ import annotations

import numpy as np

from zeb42_agents.calls.columns import NUM_BIDS, NUM_CALLS, NUM_END_COLUMNS, NUM_PRICE_COLUMNS
from zeb42_agents.calls.match import NUM_RESULTS
from zeb42_agents.calls.network import NUM_ENDS, NUM_HEARD_COLUMNS, NUM_POINTS

WIDE, SECOND = 12, 8
EVEN = np.eye(NUM_RESULTS)[[4, 6]].mean(0)


def tensors_of(seed: int, scale: float = 0.5, *, heard: bool = False) -> dict[str, np.ndarray]:
    """Parameters at random, or all of them 0 with a ``scale`` of 0; calibrated to what they promise. With ``heard``
    there is a listener, too."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}
    for name, num_columns, num_outputs in (
        ("prices", NUM_PRICE_COLUMNS, NUM_POINTS),
        ("ends", NUM_END_COLUMNS, NUM_ENDS),
        *([("heard", NUM_HEARD_COLUMNS, NUM_CALLS)] if heard else []),
    ):
        shapes = {
            "first": (num_columns, WIDE), "first_bias": (WIDE,), "second": (WIDE, SECOND), "second_bias": (SECOND,),
            "third": (SECOND, num_outputs), "third_bias": (num_outputs,),
        }  # fmt: skip
        tensors |= {f"{name}.{k}": rng.normal(0, scale, shape).astype(np.float32) for k, shape in shapes.items()}
    line = np.tile([0.0, 1.0], (NUM_BIDS, 1))
    return tensors | {"promised": line, "made": line.copy(), "odds": EVEN}
