"""Rating from Python: a run folder that exists, or agents that are to play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zeb42_agents.agent import Agent, SupportsAct, as_agent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import NUM_TABLES, mirrored
from zeb42_agents.arena.pairing import MAX_BATCH_DEALS
from zeb42_agents.arena.plan import pairs_to_play
from zeb42_agents.arena.play import play_games
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
        pairs = pairs_to_play(names, range(len(names)), versus)
        games = _play_pool(agents, chosen, pairs, num_deals, seed, strict)
    return summarise(games, names, chosen, scale)


def _play_pool(
    agents: Sequence[Agent],
    protocol: Protocol,
    pairs: list[tuple[int, int]],
    num_deals: int,
    seed: int,
    strict: bool,
) -> np.ndarray:
    deals = np.repeat(np.arange(num_deals), len(pairs))
    who = np.tile(np.array(pairs), (num_deals, 1))
    batches = [
        play_games(agents, protocol, seed, deals[at], who[at], strict=strict, with_rows=False)[0]
        for start in range(0, len(deals), MAX_BATCH_DEALS)
        for at in [slice(start, start + MAX_BATCH_DEALS)]
    ]
    return np.concatenate(batches).reshape(-1, NUM_TABLES)
