"""Two agents against each other, in this process and without files: what the trainer's evaluation uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeb42_agents.agent import Agent, make_agent
from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.protocols import Protocol, get_protocol
from zeb42_agents.arena.rating import Comparison, compare, units_of

MAX_BATCH_DEALS = 4096


@dataclass(frozen=True)
class PairingResult:
    """What a pairing says; all figures are the first agent's, intervals at 95% and clustered by mirrored deal."""

    protocol: str
    num_deals: int
    hands: int  # games: hands, or matches under the protocol ``match``
    wins: float  # a draw is half
    win_rate: float
    interval: tuple[float, float]  # of the win rate
    margin: float  # points (of a match: marks) a game taken more
    margin_interval: tuple[float, float]
    elo: float  # per game, of the difference
    elo_interval: tuple[float, float]
    superiority: float  # likelihood that the first is the stronger
    forfeits: tuple[int, int]  # games that the first and the second lost by an illegal action or a crash
    ms_per_decision: tuple[float, float]
    pair: Comparison
    games: np.ndarray  # GAME [num_deals, 2]


def play_pairing(
    agent_a: Agent | str,
    agent_b: Agent | str,
    *,
    protocol: str | Protocol = "majority",
    num_deals: int,
    seed: int = 0,
    first_deal: int = 0,
    strict: bool = True,
    partner: Agent | str | None = None,
) -> PairingResult:
    """Play mirrored deals between two agents, thousands at a time so that networks see full batches.

    Args:
        agent_a: the first agent, or its spec as :func:`zeb42_agents.make_agent` takes it (a program is an
            :class:`zeb42_agents.arena.external.ExternalAgent`); the result is from its side.
        agent_b: the second; it may be the same object.
        protocol: one of ``zeb42_agents.arena.PROTOCOLS``, or its name.
        num_deals: mirrored deals; each is played twice.
        seed: of the deals and of all randomness; deal number k is always the same deal.
        first_deal: number of the first deal.
        strict: raise :class:`ForfeitError` at an illegal action or crash; otherwise the hand is lost.
        partner: sits opposite both agents; None for the agents themselves.

    ValueError if ``num_deals`` is below 1 or the protocol or a spec unknown.
    """
    if num_deals < 1:
        raise ValueError(f"expected num_deals of at least 1, got {num_deals}")
    chosen = get_protocol(protocol)
    agents = [_built(agent_a), _built(agent_b)]
    opposite = None if partner is None else _built(partner)
    batches = []
    for start in range(first_deal, first_deal + num_deals, MAX_BATCH_DEALS):
        deals = np.arange(start, min(start + MAX_BATCH_DEALS, first_deal + num_deals))
        pairs = np.tile([[0, 1]], (len(deals), 1))
        games, _ = play_games(agents, chosen, seed, deals, pairs, partner=opposite, strict=strict, with_rows=False)
        batches.append(games)
    return _result(np.concatenate(batches).reshape(-1, NUM_TABLES), chosen)


def _built(agent: Agent | str) -> Agent:
    return make_agent(agent) if isinstance(agent, str) else agent


def _result(games: np.ndarray, protocol: Protocol) -> PairingResult:
    pair = compare(units_of(games))
    by_agent = games["teams"][..., None] == np.arange(2)  # [M, 2 tables, 2 teams, 2 agents]
    time_ms = (games["time_ms"][..., None] * by_agent).sum((0, 1, 2))
    decisions = (games["decisions"][..., None] * by_agent).sum((0, 1, 2))
    lost = ((games["forfeit"][..., None] == np.arange(2))[..., None] & by_agent).sum((0, 1, 2))
    return PairingResult(
        protocol=protocol.name,
        num_deals=pair.num_deals,
        hands=pair.hands,
        wins=pair.wins,
        win_rate=pair.win_rate,
        interval=(
            max(0.0, pair.win_rate - pair.win_rate_halfwidth),
            min(1.0, pair.win_rate + pair.win_rate_halfwidth),
        ),
        margin=pair.margin,
        margin_interval=(pair.margin - pair.margin_halfwidth, pair.margin + pair.margin_halfwidth),
        elo=pair.elo,
        elo_interval=(pair.elo - pair.elo_halfwidth, pair.elo + pair.elo_halfwidth),
        superiority=pair.superiority,
        forfeits=(int(lost[0]), int(lost[1])),
        ms_per_decision=(float(time_ms[0] / max(1, decisions[0])), float(time_ms[1] / max(1, decisions[1]))),
        pair=pair,
        games=games,
    )
