"""Two agents against each other, in this process and without files: what the trainer's evaluation uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeb42_agents.agent import Agent, SupportsAct, as_agent
from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.protocols import Protocol, get_protocol, require_numbers
from zeb42_agents.arena.rating import Comparison, compare, units_of
from zeb42_agents.arena.text import finite, html_table, percent, plain

MAX_BATCH_DEALS = 4096


@dataclass(frozen=True, eq=False, repr=False)
class PairingResult:
    """What a pairing says; all figures are the first agent's, intervals at 95% and clustered by mirrored deal.

    Its repr is a line, and a table in a notebook.
    """

    names: tuple[str, str]
    protocol: str
    unit: str  # "hand" or "match": what a game is
    num_deals: int
    hands: int  # games: hands, or matches under the protocol ``match``
    wins: float  # a draw is half
    win_rate: float
    interval: tuple[float, float]  # of the win rate
    margin: float  # points (of a match: marks) taken more, per game
    margin_interval: tuple[float, float]
    elo: float  # per game, of the difference
    elo_interval: tuple[float, float]
    superiority: float  # likelihood that the first is the stronger
    forfeits: tuple[int, int]  # games that the first and the second lost by an illegal action or a crash
    ms_per_decision: tuple[float, float]
    pair: Comparison
    games: np.ndarray  # GAME [num_deals, 2]

    def __repr__(self) -> str:
        first, second = map(plain, self.names)
        forfeits = f", forfeits {self.forfeits[0]} : {self.forfeits[1]}" if any(self.forfeits) else ""
        return (
            f"{first} {percent(self.win_rate, self.interval)} against {second}, {self._elo} Elo per {self.unit}, "
            f"{self.num_deals:,} mirrored deals of {self.protocol}{forfeits}"
        )

    def _repr_html_(self) -> str:
        (low, high), per = self.margin_interval, f"per {self.unit}"
        margin = "marks" if self.unit == "match" else "points"
        rows = [
            ("won", percent(self.win_rate, self.interval)),
            (f"Elo {per}", self._elo),
            (f"{margin} {per}", f"{self.margin:+.2f} ({low:+.2f} to {high:+.2f})"),
            ("likelihood to be the stronger", f"{100 * self.superiority:.1f}%"),
            ("forfeits", "{} : {}".format(*self.forfeits)),
            ("ms per decision", "{:.3g} : {:.3g}".format(*self.ms_per_decision)),
        ]
        caption = f"{self.names[0]} against {self.names[1]}, {self.num_deals:,} mirrored deals of {self.protocol}"
        return html_table(("", "95% interval"), rows, caption)

    @property
    def _elo(self) -> str:
        return f"{self.elo:+.0f} ({self.elo_interval[0]:+.0f} to {self.elo_interval[1]:+.0f})"

    def to_json(self) -> dict[str, Any]:
        """All but the games, as plain JSON data. A bound that is infinite is null."""
        left_out = ("pair", "games")
        found = {name: value for name, value in vars(self).items() if name not in left_out}
        more = ("only_first_made", "only_second_made", "mcnemar_z", "win_mirror_gain", "margin_mirror_gain")
        return finite(found | {name: getattr(self.pair, name) for name in more})  # type: ignore[no-any-return]


def play_pairing(
    agent_a: SupportsAct | str,
    agent_b: SupportsAct | str,
    *,
    protocol: str | Protocol = "majority",
    num_deals: int,
    seed: int = 0,
    first_deal: int = 0,
    strict: bool = True,
    partner: SupportsAct | str | None = None,
) -> PairingResult:
    """Play mirrored deals between two agents, thousands at a time so that networks see full batches.

    Args:
        agent_a: the first agent, its spec, or any object with ``act``, as :func:`zeb42_agents.as_agent` takes it (a
            program is an :class:`zeb42_agents.arena.external.ExternalAgent`); the result is from its side.
        agent_b: the second; it may be the same object.
        protocol: one of ``zeb42_agents.arena.PROTOCOLS``, or its name.
        num_deals: mirrored deals; each is played twice.
        seed: of the deals and of all randomness; deal number k is always the same deal.
        first_deal: number of the first deal.
        strict: raise :class:`ForfeitError` at an illegal action or crash; otherwise the hand is lost.
        partner: sits opposite both agents; None for the agents themselves.

    ValueError for a number that is out of range, or a protocol or a spec that is unknown.
    """
    chosen = get_protocol(protocol)
    require_numbers(seed, num_deals, first_deal)
    agents = [as_agent(agent_a), as_agent(agent_b)]
    opposite = None if partner is None else as_agent(partner)
    deals, pairs = np.arange(first_deal, first_deal + num_deals), np.tile([[0, 1]], (num_deals, 1))
    games = play_in_batches(agents, chosen, seed, deals, pairs, partner=opposite, strict=strict)
    return _result((agents[0].name, agents[1].name), games, chosen)


def play_in_batches(
    agents: Sequence[Agent],
    protocol: Protocol,
    seed: int,
    deals: np.ndarray,
    pairs: np.ndarray,
    *,
    partner: Agent | None = None,
    strict: bool = True,
) -> np.ndarray:
    """:func:`play_games` of any number of deals int64 [M] and pairs [M, 2], thousands at a time: GAME [M, 2]."""
    batches = []
    for start in range(0, len(deals), MAX_BATCH_DEALS):
        at = slice(start, start + MAX_BATCH_DEALS)
        games, _ = play_games(
            agents, protocol, seed, deals[at], pairs[at], partner=partner, strict=strict, with_rows=False
        )
        batches.append(games)
    return np.concatenate(batches).reshape(-1, NUM_TABLES)


def _result(names: tuple[str, str], games: np.ndarray, protocol: Protocol) -> PairingResult:
    pair = compare(units_of(games))
    by_agent = games["teams"][..., None] == np.arange(2)  # [M, 2 tables, 2 teams, 2 agents]
    time_ms = (games["time_ms"][..., None] * by_agent).sum((0, 1, 2))
    decisions = (games["decisions"][..., None] * by_agent).sum((0, 1, 2))
    lost = ((games["forfeit"][..., None] == np.arange(2))[..., None] & by_agent).sum((0, 1, 2))
    return PairingResult(
        names=names,
        protocol=protocol.name,
        unit=protocol.unit,
        num_deals=pair.num_deals,
        hands=pair.hands,
        wins=pair.wins,
        win_rate=pair.win_rate,
        interval=pair.win_interval,
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
