"""A gentle opponent: a mind whose plays are drawn by its policy instead of followed."""

from __future__ import annotations

from zeb42_agents.minds import network_mind
from zeb42_agents.minds.weights import load
from zeb42_agents.places import fingerprint_of
from zeb42_agents.played import POLICY_TEMPERATURE, MindPlayer

MAX_TEMPERATURE = 100.0


def gentle(weights: str = "quick", *, temperature: float = 1.0) -> MindPlayer:
    """Plays every domino now and then, in proportion to its probability to the power of ``1 / temperature``: it errs
    where the mind itself is in doubt, more often the higher the temperature. Calls are the simple bidder's, and never
    drawn: a beginner whose bids are wild is no pleasure to sit with.

    Args:
        weights: of the mind, such as ``quick``.
        temperature: above 0; 1 draws from the policy itself.
    """
    if not 0.0 < temperature <= MAX_TEMPERATURE:
        raise ValueError(f"expected temperature, got {temperature}; allowed: above 0, to {MAX_TEMPERATURE:g}")
    mind = network_mind(load(weights).network(), temperature * POLICY_TEMPERATURE)
    player = MindPlayer(mind, name=f"gentle:{weights},temperature={temperature:g}")
    player.fingerprint = fingerprint_of(weights)
    return player
