"""Minds: how a search models the players in a world, each as a function of *its own view* there.

A mind never sees the world it plays in. What it draws at random follows from a key and from its view, so it plays the
same in every world that it cannot tell apart, and again whenever it is asked.

There are two: ``dice`` knows nothing but the rules, ``network`` is a small policy network. A kernel takes either as one
:class:`Mind`, so that a search is compiled once for both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.minds.dice import DiceMind, choose_by_dice, dice_of
from zeb42_agents.minds.network import NetworkMind, choose_by_network, for_another_thread, no_network

DICE, NETWORK = 0, 1  # kind


class Mind(NamedTuple):
    """A mind, and what it works in. One for each thread."""

    kind: int
    """DICE or NETWORK."""
    temperature: float
    """A network's: 0 takes the play of the highest logit, above it plays are drawn."""
    dice: DiceMind
    """Of no use to a network."""
    network: NetworkMind
    """Of no use to dice."""


def dice_mind(num_worlds: int) -> Mind:
    """A mind that best-responds to dice in ``num_worlds`` worlds for each of its decisions."""
    return Mind(DICE, 0.0, dice_of(num_worlds), no_network())


def network_mind(network: NetworkMind, temperature: float = 0.0) -> Mind:
    """A mind that is ``network``, with room of its own to work in."""
    return Mind(NETWORK, float(temperature), dice_of(0), for_another_thread(network))


@njit(cache=True, nogil=True)
def choose(mind: Mind, view: np.void, key: np.uint64) -> int:
    """The play of ``mind`` for ``view``, a view in its tricks of the seat to move."""
    if mind.kind == NETWORK:
        return choose_by_network(mind.network, view, mind.temperature, key)
    return choose_by_dice(mind.dice, view, key)
