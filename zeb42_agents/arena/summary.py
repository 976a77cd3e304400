"""What a run says, as plain data: :func:`summarise` makes the one object that every report is written from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.protocols import Protocol
from zeb42_agents.arena.rating import (
    CONFIDENCE,
    DEFAULT_SCALE,
    Comparison,
    Ratings,
    Scale,
    Surprise,
    Units,
    compare_all,
    fit_ratings,
    surprises,
    units_of,
)
from zeb42_agents.arena.text import PLURAL, finite, html_table

MIN_DEALS_FOR_INTERVALS = 30


@dataclass(frozen=True)
class AgentLine:
    """One agent's line of the rating table."""

    name: str
    elo: float
    halfwidth: float  # of the 95% interval of the difference to the anchor
    hands: int  # or matches
    win_rate: float
    margin: float  # points per hand (marks per match)
    ms_per_decision: float
    forfeits: int


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """A rated pool; its repr is the ratings in a line, and a table in a notebook."""

    protocol: Protocol
    ratings: Ratings
    agents: list[AgentLine]  # strongest first
    units: Units
    notes: list[str] = field(default_factory=list)  # what a reader must know to read the figures rightly

    def __repr__(self) -> str:
        return f"Elo per {self.unit} in {self.protocol.name}: {self.ratings}"

    def _repr_html_(self) -> str:
        return html_table(*rating_rows(self), title(self))

    @cached_property
    def pairs(self) -> dict[tuple[int, int], Comparison]:
        """Each pair that met, by the agents' numbers, the lower first."""
        return compare_all(self.units)

    @cached_property
    def surprises(self) -> dict[tuple[int, int], Surprise]:
        """How far each pair's results are from what the ratings expect."""
        return surprises(self.units, self.ratings)

    @property
    def unit(self) -> str:
        """What Elo is per."""
        return self.protocol.unit

    def apart(self) -> tuple[list[str], list[str]]:
        """Which differences the run establishes at 95%, and which it does not, in words.

        None with fewer than 30 deals, whose intervals cannot be trusted.
        """
        trusted = self.ratings.num_deals >= MIN_DEALS_FOR_INTERVALS
        told: list[str] = []
        not_told: list[str] = []
        order = [self.ratings.names.index(line.name) for line in self.agents]
        for place, i in enumerate(order):
            for j in order[place + 1 :]:
                difference = float(self.ratings.elo[i] - self.ratings.elo[j])
                halfwidth = self.ratings.difference_halfwidth(i, j)
                words = f"{self.ratings.names[i]} over {self.ratings.names[j]}: {difference:+.0f} ± {halfwidth:.0f}"
                (told if trusted and abs(difference) > halfwidth else not_told).append(words)
        return told, not_told

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data: what ``ratings.json`` holds. A width that is infinite or unknown is null."""
        ratings, names = self.ratings, self.ratings.names
        told, not_told = self.apart()
        pairs = [
            asdict(pair)
            | {
                "first": names[i],
                "second": names[j],
                "hands": pair.hands,
                "expected_win_rate": self.surprises[i, j].expected,
                "surprise_z": self.surprises[i, j].z,
            }
            for (i, j), pair in self.pairs.items()
        ]
        found = {
            "protocol": self.protocol.name,
            "elo_per": self.unit,
            "anchor": {"name": ratings.anchor, "elo": ratings.anchor_elo},
            "prior_hands": ratings.prior_hands,
            "deals": ratings.num_deals,
            "confidence": CONFIDENCE,
            "agents": [asdict(line) for line in self.agents],
            "pairs": pairs,
            "told_apart": told,
            "not_told_apart": not_told,
            "notes": self.notes,
            "games_per_deal": NUM_TABLES,
        }
        return finite(found)  # type: ignore[no-any-return]


def summarise(
    mirrored_games: np.ndarray,
    names: list[str],
    protocol: Protocol,
    scale: Scale = DEFAULT_SCALE,
    *,
    notes: list[str] | None = None,
) -> Summary:
    """Rate the agents that played in ``mirrored_games`` (GAME [M, 2]). ValueError if there are no games."""
    if not len(mirrored_games):
        raise ValueError("expected at least one mirrored deal, got none: nothing to rate yet")
    playing = np.unique(mirrored_games["teams"])
    renumber = np.full(int(playing.max()) + 1, -1)
    renumber[playing] = np.arange(len(playing))
    games = mirrored_games.copy()
    games["teams"] = renumber[mirrored_games["teams"]]
    names = [names[number] for number in playing]
    units = units_of(games)
    ratings = fit_ratings(units, names, scale)
    agents = [_agent_line(games, ratings, number) for number in range(len(names))]
    agents.sort(key=lambda line: -line.elo)
    return Summary(protocol, ratings, agents, units, [*(notes or []), *_own_notes(units, ratings, agents)])


def rating_rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """The head and the lines of the rating table, as text."""
    unit = summary.unit
    margin = "marks" if unit == "match" else "points"
    head = ["", "agent", f"Elo per {unit}", "± 95%", PLURAL[unit], "won", f"{margin} margin", "ms per decision"]
    rows = [
        [
            str(place),
            line.name,
            f"{line.elo:.0f}",
            "anchor" if line.name == summary.ratings.anchor else f"{line.halfwidth:.0f}",
            f"{line.hands:,}",
            f"{100 * line.win_rate:.1f}%",
            f"{line.margin:+.2f}",
            f"{line.ms_per_decision:.3g}",
        ]
        for place, line in enumerate(summary.agents, 1)
    ]
    return head, rows


def title(summary: Summary) -> str:
    """What was rated, in a line."""
    return f"Elo per {summary.unit}, {summary.protocol.name} protocol, {summary.ratings.num_deals:,} mirrored deals"


def _agent_line(games: np.ndarray, ratings: Ratings, number: int) -> AgentLine:
    flat = games.reshape(-1)
    rows, team = np.nonzero(flat["teams"] == number)
    mine = flat[rows]
    at_02 = team == 0
    decisions = mine["decisions"][np.arange(len(mine)), team].sum()
    return AgentLine(
        name=ratings.names[number],
        elo=float(ratings.elo[number]),
        halfwidth=float(ratings.halfwidth[number]),
        hands=len(mine),
        win_rate=float(np.where(at_02, mine["result"], 1.0 - mine["result"]).mean()),
        margin=float(np.where(at_02, mine["margin"], -mine["margin"]).mean()),
        ms_per_decision=float(mine["time_ms"][np.arange(len(mine)), team].sum() / max(1, decisions)),
        forfeits=int((mine["forfeit"] == team).sum()),
    )


def _own_notes(units: Units, ratings: Ratings, agents: list[AgentLine]) -> list[str]:
    notes = []
    if not ratings.connected:
        notes.append("Not all agents are joined by results: differences between the groups come from the prior alone.")
    if ratings.num_deals < MIN_DEALS_FOR_INTERVALS:
        notes.append(
            f"Too few deals ({ratings.num_deals}) for intervals to be trusted, or to tell anybody apart: it takes "
            f"{MIN_DEALS_FOR_INTERVALS}."
        )
    lost = [f"{line.name} {line.forfeits}" for line in agents if line.forfeits]
    if lost:
        notes.append("Lost by an illegal action, a crash or the clock: " + ", ".join(lost) + ".")
    counts = np.unique(units.pairs, axis=0, return_counts=True)[1]
    if counts.min() < counts.max():
        notes.append(f"Pairs played between {counts.min()} and {counts.max()} mirrored deals.")
    return notes
