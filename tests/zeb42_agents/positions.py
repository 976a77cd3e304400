"""Hands in their tricks for tests of players that look at worlds."""

from __future__ import annotations

import numpy as np

from zeb42_env import Hand, Rules

RULES = (
    Rules(contract="random", scoring="majority"),
    Rules(contract="random", scoring="points"),
    Rules(contract="dropped30", scoring="contract"),
    Rules(contract="most_trumps", scoring="contract"),
)


def position(seed: int, num_plays: int) -> Hand:
    """A hand in its tricks after some random plays."""
    hand, rng = Hand.deal(seed, RULES[seed % len(RULES)]), np.random.default_rng(seed)
    for _ in range(num_plays):
        hand.apply(int(rng.choice(hand.legal_actions())))
    return hand
