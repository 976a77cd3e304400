"""Packets to test with: hands played at random, with numbers as a search would leave them."""

from __future__ import annotations

import numpy as np

from zeb42_agents.exchange import Packet
from zeb42_agents.experience import SHARES, blank_experience
from zeb42_env import Rules
from zeb42_env._core.record import BY_CHANCE
from zeb42_env._core.tables import deal_numbers, play_randomly

RUN = "a-run"


def experience(num: int, *, session: int = 1, first: int = 0, weights_step: int = 0, seed: int = 0) -> np.ndarray:
    """EXPERIENCE [num] of random contracts played at random."""
    hands = np.repeat(Rules(contract="random", scoring="majority").blank_record(), num)
    deal_numbers(hands, np.uint64(seed + 1), np.arange(first, first + num, dtype=np.uint64), BY_CHANCE)
    play_randomly(hands, np.arange(num).astype(np.uint64))
    found = blank_experience(num)
    found["hand"] = hands
    found["meanings"][:, :28] = SHARES
    found["numbers"] = np.random.default_rng(seed).integers(0, 256, found["numbers"].shape)
    found["worker"], found["sequence"] = session, np.arange(first, first + num)
    found["weights_step"] = weights_step
    return found


def packet(num: int = 4, *, session: int = 1, first: int = 0, weights_step: int = 0, **options: object) -> Packet:
    """A packet of ``num`` hands."""
    known = {"run": RUN, "worker": "w", "time_s": 1.5, "price_per_hour": 0.08, "machine": "two cores"} | options
    hands = experience(num, session=session, first=first, weights_step=weights_step)
    return Packet(experience=hands, session=session, first=first, end=first + num, weights_step=weights_step, **known)
