"""What a fleet shows while it goes on: a table on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from typing import NamedTuple

from rich.console import Console, Group
from rich.table import Table

from zeb42_agents.arena.live import Display
from zeb42_agents.exchange import NotWholeError
from zeb42_agents.fleet.roster import Roster
from zeb42_agents.training import tracking

REFRESH_S = 0.5


class Standing(NamedTuple):
    """Where a run stands."""

    cycle: int
    cycles: int
    buffer: int
    """Examples that can be drawn."""
    wanted: str
    """What is waited for; empty while learning."""
    row: dict[str, float]
    """The last cycle's metrics."""
    counts: dict[str, int]
    """Files by what became of them."""


class Outages:
    """Says once that the exchange cannot be reached, and once that it is there again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since_s: float | None = None

    def down(self, error: OSError, so: str) -> None:
        """It cannot be reached; ``so`` says what happens meanwhile."""
        if self._since_s is None:
            self._since_s = time.monotonic()
            words = str(error) if isinstance(error, NotWholeError) else f"the exchange cannot be reached: {error}"
            self._console.print(f"{words}; {so}", soft_wrap=True)

    def up(self) -> None:
        """It answered."""
        if self._since_s is not None:
            away_s = time.monotonic() - self._since_s
            self._since_s = None
            self._console.print(f"the exchange is there again, after {away_s:.0f} s")


class FleetView(Display):
    """Shows a learner and its workers on a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._shown_s = 0.0

    def show(self, standing: Standing, roster: Roster) -> None:
        """Show where the run stands, as often as a person can look."""
        if self._console.is_terminal and time.monotonic() - self._shown_s > REFRESH_S:
            self._shown_s = time.monotonic()
            self._live.update(live_table(standing, roster), refresh=True)


def live_table(standing: Standing, roster: Roster) -> Group:
    """The run in a line, a table with a row for each worker, and what is waited for or was not taken."""
    row = standing.row
    words = [f"cycle {standing.cycle}/{standing.cycles}", f"buffer {standing.buffer:,}"]
    if "weights_age_s" in row:
        words.append(f"weights {row['weights_age_s']:.0f} s, {row['weights_age_updates']:.0f} updates old")
    words += [losses] if (losses := tracking.losses(row)) else []
    table = Table()
    table.add_column("worker")
    for name in ("hands/s", "hands", "hours", "money"):
        table.add_column(name, justify="right")
    active = roster.active()
    for member in sorted(active, key=lambda m: m.worker):
        table.add_row(
            member.worker,
            f"{member.hands_per_s:.1f}",
            f"{member.hands:,}",
            f"{member.time_s / 3600:.2f}",
            f"{member.money:.2f}",
        )
    gone = len(roster.members) - len(active)
    total = sum(member.hands_per_s for member in active)
    hands = sum(member.hands for member in roster.members.values())
    table.add_row("in all" + (f", {gone} gone" if gone else ""), f"{total:.1f}", f"{hands:,}", "", "", style="bold")
    return Group(", ".join(words), table, standing.wanted or _refused(standing.counts))


def _refused(counts: dict[str, int]) -> str:
    refused = {name: count for name, count in counts.items() if name != "taken" and count}
    return "files not taken: " + ", ".join(f"{count} {name}" for name, count in refused.items()) if refused else ""
