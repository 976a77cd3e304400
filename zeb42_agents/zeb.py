"""Zeb at the table: the agent that plays by the network, alone or with search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zeb42_agents import weights as weights_on_disk
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.evaluator import NetworkEvaluator, load
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_agents.search import Search, SearchConfig
from zeb42_env.hand import Hand

SPOKEN_FOR = "the network has not learned to call: the simple bidder that agents share speaks for it"


class Zeb(Agent):
    """The network as a player: the likeliest action of its policy, or what its search finds best."""

    def __init__(self, evaluator: NetworkEvaluator, *, search: SearchConfig | None = None, name: str = "zeb") -> None:
        self.name = name
        self.evaluator = evaluator
        self._options: list[str] = []
        self._fingerprint: str | None = None
        self.search = Search(evaluator, search) if search else None

    @classmethod
    def from_spec(
        cls,
        weights: str,
        *,
        sims: int = 0,
        worlds: int = 16,
        belief: str = "net",
        solve_tricks: int = 4,
        root: str = "gumbel",
        mix_tricks: int = 0,
        mix_weight: float = 0.5,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 1,
    ) -> Zeb:
        """``zeb:WEIGHTS`` plays the policy alone; with ``sims=`` it searches. See :class:`SearchConfig`.

        ``precision=auto`` takes bfloat16 where a short measurement finds it faster, which may tip near-ties from one
        machine to the next; ``float32`` plays the same everywhere.
        """
        of_search = {
            "worlds": (worlds, 16), "belief": (belief, "net"), "solve_tricks": (solve_tricks, 4),
            "root": (root, "gumbel"), "mix_tricks": (mix_tricks, 0), "mix_weight": (mix_weight, 0.5),
            "threads": (threads, 1),
        }  # fmt: skip
        if not sims and (unused := [f"{key}={value}" for key, (value, usual) in of_search.items() if value != usual]):
            raise ValueError(f"expected sims= beside {', '.join(unused)}, got none; without it nothing is searched")
        evaluator = load(weights, device=device, precision=precision)  # type: ignore[arg-type]
        search = None
        if sims:
            search = SearchConfig(
                sims=sims,
                worlds=worlds,
                belief=belief,  # type: ignore[arg-type]
                solve_tricks=solve_tricks,
                root=root,  # type: ignore[arg-type]
                mix_tricks=mix_tricks,
                mix_weight=mix_weight,
                threads=threads,
                pipeline=evaluator.device.type == "cuda",
            )
        agent = cls(evaluator, search=search)
        agent._fingerprint = weights_on_disk.fingerprint_of(weights)
        chosen = {"sims": (sims, 0), **of_search, "device": (device, "auto"), "precision": (precision, "float32")}
        agent._options = [f"{key}={value!r}" for key, (value, usual) in chosen.items() if value != usual]
        agent._options.insert(0, repr(weights))
        return agent

    @property
    def fingerprint(self) -> str | None:  # type: ignore[override]
        """A hash of the files of its weights; None if it was built from a network in memory."""
        return self._fingerprint

    def __repr__(self) -> str:
        return f"Zeb({', '.join(self._options)})"

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action id for each view (HAND [B]): int64 [B]."""
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        actions: np.ndarray = self.search(views, keys).action if self.search else self.evaluator(views)[0].argmax(1)
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What it thinks of its decision about one ``view``: with search visits, Q, principal line, belief and worlds,
        without it the policy, the value and the belief. See :meth:`zeb42_agents.Agent.explain`."""
        views, keys = one_decision(view, rng)
        found = self.search(views, keys).explain() if self.search else self._explain_policy(views)
        if self.evaluator.speaks(views)[0]:
            return found
        how = f"{found.how}; {SPOKEN_FOR}" if self.search and found.how else SPOKEN_FOR
        return replace(found, speaker="simple bidder", how=how)

    def _explain_policy(self, views: np.ndarray) -> Explanation:
        """The network's answers about one view."""
        hand = Hand(views[0])
        policy, value = self.evaluator(views)
        candidates = [Candidate(action=action, policy=float(policy[0, action])) for action in hand.legal_actions()]
        read = self.evaluator.tokenizer.readable(views)[0]
        has_belief = read and self.evaluator.model.config.belief_head
        return Explanation(
            view=hand,
            chosen=int(policy[0].argmax()),
            candidates=tuple(sorted(candidates, key=lambda c: (-policy[0, c.action], c.action))),
            speaker="network",
            how="the likeliest",
            network_value=float(value[0]) if read else None,
            belief=self.evaluator.belief(views)[0].astype(np.float64) if has_belief else None,
        )
