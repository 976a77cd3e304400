"""What a run shows while it goes on: a progress bar and the ratings so far."""

from __future__ import annotations

from math import inf
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeb42_agents.arena.console import live_table
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.rating import Scale
from zeb42_agents.arena.run import Progress as RunProgress
from zeb42_agents.arena.summary import Summary, summarise
from zeb42_agents.arena.text import pace, plain

REFRESH_S = 0.5
LINE_EVERY_S = 15.0  # on something that is not a terminal
REST = 10.0  # times what a refresh took until the next


class Display:
    """Redraws itself where it stands, within ``with``. On something that is not a terminal it does nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()


class LiveTable(Display):
    """Shows a run on a console: a live table on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, folder: RunFolder, scale: Scale) -> None:
        super().__init__(console)
        self._folder, self._scale = folder, scale
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("mirrored deals"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("playing", total=None)
        self._live.update(self._bar)
        self._shown, self._cost_s = monotonic(), 0.0

    def show(self, progress: RunProgress) -> None:
        """Show where the run stands; at most as often as a person can look."""
        interval_s = REFRESH_S if self._console.is_terminal else LINE_EVERY_S
        if monotonic() - self._shown < max(interval_s, REST * self._cost_s):
            return
        started = monotonic()
        self._refresh(progress)
        self._shown = monotonic()
        self._cost_s = self._shown - started

    def _refresh(self, progress: RunProgress) -> None:
        words = pace(NUM_TABLES * progress.num_played, progress.elapsed_s, self._folder.protocol.unit)
        words += f", {progress.decisions:,} decisions"
        if progress.forfeits:
            words += f", {progress.forfeits} forfeits"
        summary = self._summary(progress)
        if not self._console.is_terminal:
            agents = summary.agents if summary else []
            standing = ", ".join(f"{plain(a.name)} {a.elo:.0f}{_width(a.halfwidth)}" for a in agents)
            where = f"{progress.num_done:,} of {progress.num_total:,} mirrored deals, {words}"
            self._console.print(f"{where}: {standing}" if standing else where, soft_wrap=True)
            return
        done = progress.num_done + progress.in_play
        self._bar.update(self._task, total=progress.num_total, completed=done, description=words)
        self._live.update(Group(live_table(summary), self._bar) if summary else self._bar, refresh=True)

    def _summary(self, progress: RunProgress) -> Summary | None:
        """The ratings so far; None as long as the anchor has not played."""
        anchor = self._scale.anchor
        if not len(progress.games):
            return None
        if anchor is not None and self._folder.names.index(anchor) not in progress.games["teams"]:
            return None
        return summarise(progress.games, self._folder.names, self._folder.protocol, self._scale)


def _width(halfwidth: float) -> str:
    """What stands after a rating; nothing as long as there are too few deals to tell."""
    return " (anchor)" if halfwidth == 0 else f" ± {halfwidth:.0f}" if halfwidth < inf else ""
