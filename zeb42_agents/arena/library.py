"""Rating from Python: a run folder that exists, or agents that are to play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zeb42_agents.agent import SupportsAct, as_agent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import mirrored
from zeb42_agents.arena.pairing import play_in_batches
from zeb42_agents.arena.plan import pairs_to_play
from zeb42_agents.arena.protocols import Protocol, get_protocol, require_numbers
from zeb42_agents.arena.rating import DEFAULT_SCALE, Scale
from zeb42_agents.arena.summary import Summary, summarise


def rate(
    what: str | Path | Sequence[SupportsAct | str],
    *,
    protocol: str | Protocol = "majority",
    num_deals: int = 100,
    seed: int = 0,
    versus: str | None = None,
    scale: Scale = DEFAULT_SCALE,
    strict: bool = True,
) -> Summary:
    """Rate a pool.

    Args:
        what: the folder of an arena run, whose games are rated as they are; or agents, their specs, or objects with
            ``act``, which play here and now.
        protocol: what agents play; a folder knows its own. The same for the next three.
        num_deals: mirrored deals of each pair.
        seed: of the deals and of all randomness.
        versus: the name of the one agent that all others play; None plays all pairs.
        scale: the anchor and its rating, and the weight of the prior.
        strict: raise :class:`ForfeitError` at an illegal action or crash; otherwise the hand is lost.

    ValueError for a folder without a run, agents that share a name, an anchor that does not play, or a number that is
    out of range.
    """
    if isinstance(what, str | Path):
        folder = RunFolder.read(what)
        games, names, chosen = mirrored(folder.games()), folder.names, folder.protocol
    else:
        agents = [as_agent(player) for player in what]
        chosen, names = get_protocol(protocol), [agent.name for agent in agents]
        if len(set(names)) < len(names):
            raise ValueError(f"expected agents with distinct names, got {', '.join(names)}")
        require_numbers(seed, num_deals)
        pairs = np.array(pairs_to_play(names, range(len(names)), versus))
        deals = np.repeat(np.arange(num_deals), len(pairs))
        games = play_in_batches(agents, chosen, seed, deals, np.tile(pairs, (num_deals, 1)), strict=strict)
    return summarise(games, names, chosen, scale)
