"""Ways that several tests play."""

from __future__ import annotations

import warnings

import numpy as np

from zeb42_env import HAND, Hand, Rules
from zeb42_env._core import record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PettingZoo's tests import its own games the old way
    from pettingzoo.test import api_test, parallel_api_test, render_test, seed_test

__all__ = [
    "ALL_RULES",
    "api_test",
    "parallel_api_test",
    "random_position",
    "redealt",
    "render_test",
    "seed_test",
]

ALL_RULES = (
    Rules(),
    Rules(all_pass="reshake"),
    Rules(contract="random", scoring="majority"),
    Rules(contract="dropped30", scoring="contract"),
    Rules(contract="most_trumps", scoring="contract"),
    Rules(scoring="points", declarations=tuple(range(10))),
)


def random_position(seed: int, rules: Rules = Rules(), decisions: int | None = None) -> Hand:  # noqa: B008 - frozen
    """A hand of ``rules`` after some random actions, not over unless ``decisions`` says so."""
    rng = np.random.default_rng(seed)
    hand = Hand.deal(seed, rules)
    target = int(rng.integers(33)) if decisions is None else decisions
    for _ in range(target):
        actions = hand.legal_actions()
        ahead = hand.clone()
        ahead.apply(int(rng.choice(actions)))
        if ahead.is_over and decisions is None:
            break
        hand = ahead
        if hand.is_over:
            break
    return hand


def redealt(hand: Hand, seat: int, rng: np.random.Generator) -> Hand | None:
    """``hand`` with the dominoes that ``seat`` cannot see dealt again, so that every play so far stays legal.

    None if a number of random redeals found none. The hidden dominoes keep no trace of where they were.
    """
    state = hand.record
    played = set(state["plays"][: state["num_plays"]].tolist())
    hidden = [d for d in range(28) if state["owner"][d] != seat and d not in played]
    candidates = np.zeros(4, np.uint32)
    record.may_hold(hand.view(seat), candidates)
    sizes = {other: len(hand.holding(other)) for other in range(4) if other != seat}
    for _ in range(300):
        owners = [other for other, size in sizes.items() for _ in range(size)]
        rng.shuffle(owners)
        if all(int(candidates[owner]) >> d & 1 for d, owner in zip(hidden, owners, strict=True)):
            other = np.array([state], HAND)
            other["held"][0] = [state["held"][s] if s == seat else 0 for s in range(4)]
            for domino, owner in zip(hidden, owners, strict=True):
                other["owner"][0, domino] = owner
                other["held"][0, owner] |= np.uint32(1 << domino)
            return Hand(other)
    return None
