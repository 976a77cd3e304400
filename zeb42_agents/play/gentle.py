"""A gentle opponent: the network's policy, drawn from instead of followed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.evaluator import load, sample_actions
from zeb42_agents.explanation import Explanation
from zeb42_agents.weights import fingerprint_of
from zeb42_agents.zeb import Zeb
from zeb42_env.rules import action_text

MAX_TEMPERATURE = 100.0


class Gentle(Agent):
    """Plays every action now and then, in proportion to its probability to the power of ``1 / temperature``: it errs
    where the network itself is in doubt, more often the higher the temperature. Calls are not drawn: a beginner
    whose bids are wild is no pleasure to sit with.

    Args:
        weights: of the network, such as ``laptop``.
        temperature: above 0; 1 draws from the policy itself.
    """

    def __init__(self, weights: str = "laptop", *, temperature: float = 1.0) -> None:
        if not 0.0 < temperature <= MAX_TEMPERATURE:
            raise ValueError(f"expected temperature, got {temperature}; allowed: above 0, to {MAX_TEMPERATURE:g}")
        self.name = f"gentle:{weights},temperature={temperature:g}"
        self.temperature = temperature
        self.evaluator = load(weights)
        self.fingerprint = fingerprint_of(weights)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action for each view; see :meth:`zeb42_agents.Agent.act`."""
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        policy = self.evaluator(views)[0]
        return sample_actions((policy / policy.max(1, keepdims=True)) ** (1.0 / self.temperature), keys)

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the network thinks, and what was drawn from that."""
        views, keys = one_decision(view, rng)
        thought = Zeb(self.evaluator).explain(views[0], keys)
        chosen = int(self.act(views, keys)[0])
        if thought.speaker != "network":
            return thought
        likeliest = action_text(thought.chosen)
        how = f"drawn at temperature {self.temperature:g}; the likeliest is {likeliest}"
        return replace(thought, chosen=chosen, how=how)
