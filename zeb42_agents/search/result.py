"""What a search found, for every decision of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeb42_agents.explanation import Candidate, Explanation, share_of_worlds
from zeb42_agents.search.config import SearchConfig
from zeb42_agents.search.samplers import believed
from zeb42_env.hand import Hand


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search found. B decisions, W worlds, 56 actions.

    A decision with one legal action is not searched and costs no evaluation: ``searched`` is False, ``action``,
    ``prior``, ``policy`` and ``line`` say the action, the values are NaN, all else is 0 (``worlds`` are blank records).
    """

    config: SearchConfig
    worlds_from: str
    """The name of the sampler."""
    views: np.ndarray
    """HAND [B], as given."""
    searched: np.ndarray
    """bool [B]."""
    action: np.ndarray
    """int64 [B], the action to take."""
    visits: np.ndarray
    """int32 [B, 56], simulations that began with each action."""
    q: np.ndarray
    """float32 [B, 56] in [-1, 1], their mean value for the mover's team; 0 without visits."""
    prior: np.ndarray
    """float32 [B, 56], the evaluator's policy."""
    policy: np.ndarray
    """float32 [B, 56], the policy improved by the completed Q: the target to train on."""
    root_value: np.ndarray
    """float32 [B] in [-1, 1], the completed Q under ``policy``, for the mover's team."""
    network_value: np.ndarray
    """float32 [B], what the evaluator said of the view itself."""
    belief: np.ndarray
    """float32 [B, 28, 4], the weights that the worlds were drawn with, or what came of weighing them."""
    is_posterior: bool
    """Which of the two, see :class:`zeb42_agents.search.samplers.Sample`."""
    worlds: np.ndarray
    """HAND [B, W], the sampled worlds."""
    line: np.ndarray
    """int8 [B, 33], the principal line: ``action``, then the most visited answers; -1 after its end."""
    num_evaluations: int
    """Views that the evaluator was given, roots included; what a sampler asked it is not in."""

    def __len__(self) -> int:
        return len(self.action)

    def explain(self, number: int = 0, *, num_worlds: int = 3) -> Explanation:
        """Decision ``number``, with the first ``num_worlds`` of its worlds."""
        hand, chosen = Hand(self.views[number]), int(self.action[number])
        if not self.searched[number]:
            return Explanation(view=hand, chosen=chosen, candidates=(Candidate(action=chosen),), speaker="search")
        config, worlds = self.config, self.worlds[number]
        candidates = [self._candidate(number, action) for action in hand.legal_actions()]
        candidates.sort(key=lambda c: (-self.visits[number, c.action], -self.policy[number, c.action], c.action))
        sampled = f"{config.worlds} world{'s' if config.worlds > 1 else ''} from {self.worlds_from}"
        best = "the most visited; of equals the best by prior and q"
        return Explanation(
            view=hand,
            chosen=chosen,
            candidates=tuple(candidates),
            speaker="search",
            basis=f"{config.sims} simulations, {sampled}",
            how=best if config.temperature == 0.0 else "drawn by visits",
            root_value=float(self.root_value[number]),
            network_value=float(self.network_value[number]),
            belief=believed(self.views[number], self.belief[number], self.is_posterior),
            world_share=share_of_worlds(worlds),
            num_worlds=len(worlds),
            worlds=tuple(Hand(world) for world in worlds[:num_worlds]),
            line=tuple(int(action) for action in self.line[number] if action >= 0),
        )

    def _candidate(self, number: int, action: int) -> Candidate:
        visits = int(self.visits[number, action])
        return Candidate(
            action=action,
            value=float(self.q[number, action]) if visits else None,
            visits=visits,
            visit_share=visits / max(1, int(self.visits[number].sum())),
            prior=float(self.prior[number, action]),
            policy=float(self.policy[number, action]),
        )
