""":class:`Calling`: any player, with the calls of a network."""

from __future__ import annotations

import warnings

import numpy as np

from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.calls import weights as calls_on_disk
from zeb42_agents.calls.choose import explain_call, learned_calls
from zeb42_agents.calls.network import UNHEARD, CallNetwork, Layers
from zeb42_agents.explanation import Explanation
from zeb42_agents.simple_bidder import explain_call as explain_simple_call
from zeb42_agents.simple_bidder import simple_calls
from zeb42_env._core.record import TRICKS

USUAL, OWN, SIMPLE = "", "own", "simple"


class Calling(Agent):
    """A player whose calls and declarations are those of a network, or without one the simple bidder's; the plays are
    its own."""

    def __init__(
        self, player: Agent, network: CallNetwork | None, *, name: str = "", fingerprint: str | None = None
    ) -> None:
        self.name = name or player.name
        self.player, self.network = player, network
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str | None:  # type: ignore[override]
        """Of the player and of its calls."""
        return "-".join(filter(None, (self.player.fingerprint, self._fingerprint))) or None

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action int64 [B] for each of ``views`` [B]; see :meth:`zeb42_agents.Agent.act`."""
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        actions = np.empty(len(views), np.int64)
        plays = views["phase"] == TRICKS
        if plays.any():
            actions[plays] = self.player.act(views[plays], keys[plays])
        if not plays.all():
            calling = views[~plays]
            actions[~plays] = learned_calls(self.network, calling) if self.network else simple_calls(calling)
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the player thinks of its play, or what the network thinks of its call."""
        views, keys = one_decision(view, rng)
        if views[0]["phase"] == TRICKS:
            return self.player.explain(views[0], keys)
        return explain_call(self.network, views[0]) if self.network else explain_simple_call(views[0])

    def close(self) -> None:
        """Give back what the player holds."""
        self.player.close()

    def __repr__(self) -> str:
        return f"Calling({self.player!r}, {'learned' if self.network else 'simple'})"


def with_calls(player: Agent, weights: str, calls: str) -> Agent:
    """``player``, whose weights are ``weights``, with the calls that an option names.

    By default those that come with the weights, and the simple bidder's where none do; ``own`` asks for them, so that
    a lack of them is said. ``simple``: the simple bidder's. Anything else is where other calls are; a ValueError if
    there are none.
    """
    if source := _source_of(weights, calls):
        return Calling(player, calls_on_disk.load(source), fingerprint=calls_on_disk.fingerprint_of(source))
    if calls == OWN:
        warnings.warn(f"{weights} comes without calls: the simple bidder speaks for it", stacklevel=2)
    return player


def heard_of(weights: str, calls: str) -> Layers:
    """What says how likely each of the calls is that :func:`with_calls` gives a player; without columns if nothing
    does."""
    source = _source_of(weights, calls)
    return calls_on_disk.load(source).heard if source else UNHEARD


def _source_of(weights: str, calls: str) -> str:
    """Where the calls are that an option names; empty if they are the simple bidder's."""
    if calls == SIMPLE:
        return ""
    if calls in (USUAL, OWN):
        return weights if calls_on_disk.comes_with_calls(weights) else ""
    return calls
