"""What a search found, for every decision of a batch, and the same in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeb42_agents.search.config import SearchConfig
from zeb42_env.notation import format_hand
from zeb42_env.rules import action_text, domino_text


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
    """float32 [B, 28, 4], the weights that the worlds were drawn with."""
    worlds: np.ndarray
    """HAND [B, W], the sampled worlds."""
    line: np.ndarray
    """int8 [B, 33], the principal line: ``action``, then the most visited answers; -1 after its end."""
    num_evaluations: int
    """Views that the evaluator was given, roots included; what a sampler asked it is not in."""

    def __len__(self) -> int:
        return len(self.action)

    def principal_line(self, number: int = 0) -> list[str]:
        """The principal line of decision ``number`` in words."""
        return [action_text(int(action)) for action in self.line[number] if action >= 0]

    def explain(self, number: int = 0, *, num_worlds: int = 3) -> str:
        """Decision ``number`` in words: view, table of actions, principal line, belief and some worlds."""
        view = self.views[number]
        chosen = int(self.action[number])
        words = [format_hand(view)]
        if not self.searched[number]:
            return "\n".join([*words, f"seat {view['seat']} has one legal action: {action_text(chosen)}"])
        config = self.config
        words.append(
            f"seat {view['seat']} to move: {config.sims} simulations, "
            f"{config.worlds} world{'s' if config.worlds > 1 else ''} from {self.worlds_from}"
        )
        words.append(f"value {self.root_value[number]:+.3f}, network alone {self.network_value[number]:+.3f}")
        words.append(f"  {'action':<12} {'prior':>6} {'visits':>6} {'q':>7} {'policy':>7}")
        legal = np.flatnonzero(self.policy[number])
        for action in sorted(legal, key=lambda a: (-self.visits[number, a], -self.policy[number, a])):
            q = f"{self.q[number, action]:+.3f}" if self.visits[number, action] else "-"
            words.append(
                f"{'*' if action == chosen else ' '} {action_text(int(action)):<12} {self.prior[number, action]:6.3f} "
                f"{self.visits[number, action]:6d} {q:>7} {self.policy[number, action]:7.3f}"
            )
        if config.temperature == 0.0:
            words.append("* the most visited; of equals the best by prior and q")
        words.append("principal line: " + " ".join(self.principal_line(number)))
        words += self._explain_belief(number)
        words += [f"world {w}: {format_hand(world)}" for w, world in enumerate(self.worlds[number, :num_worlds])]
        return "\n".join(words)

    def _explain_belief(self, number: int) -> list[str]:
        view, worlds = self.views[number], self.worlds[number]
        hidden = np.flatnonzero(view["owner"] < 0)
        words = [f"hidden dominoes: share of the {len(worlds)} worlds in which seat 0, 1, 2, 3 holds them"]
        for domino in reversed(hidden):
            shares = [np.mean(worlds["owner"][:, domino] == seat) for seat in range(4)]
            words.append(f"  {domino_text(domino)}  " + "  ".join(f"{share:4.2f}" for share in shares))
        return words
