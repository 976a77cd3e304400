"""Plots of a rated pool as PNG: ratings with intervals, the pairs as a heat map, strength against time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zeb42_agents.arena.summary import Summary
from zeb42_agents.arena.text import plain
from zeb42_agents.extras import needs_extras

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
PLOTS = ("ratings.png", "pairs.png", "strength-time.png")


def require_matplotlib() -> None:
    """DependencyNotInstalled where plots cannot be drawn: to be asked before hours of play."""
    with needs_extras():
        import matplotlib  # noqa: F401


def write_plots(summary: Summary, path: Path) -> list[Path]:
    """Write ``ratings.png``, ``pairs.png`` and ``strength-time.png`` into ``path``. Needs matplotlib."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = []
    for name, draw in zip(PLOTS, (_ratings, _pairs, _strength_time), strict=True):
        figure = Figure(figsize=(7.0, max(3.0, 1.2 + 0.45 * len(summary.agents))), layout="constrained")
        FigureCanvasAgg(figure)
        draw(summary, figure)
        written.append(path / name)
        figure.savefig(written[-1], dpi=DPI)
    return written


def _ratings(summary: Summary, figure: Figure) -> None:
    axes = figure.add_subplot()
    lines = summary.agents[::-1]
    places = np.arange(len(lines))
    widths = [line.halfwidth if np.isfinite(line.halfwidth) else 0.0 for line in lines]
    axes.errorbar([line.elo for line in lines], places, xerr=widths, fmt="o", capsize=4, color="tab:blue")
    axes.axvline(summary.ratings.anchor_elo, color="0.7", linewidth=1, zorder=0)
    axes.set_yticks(places, [_label(line.name) for line in lines])
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.set_xlabel(f"Elo per {summary.unit}; 95% interval of the difference to {_label(summary.ratings.anchor)}")
    axes.set_title(f"{summary.protocol.name}, {summary.ratings.num_deals:,} mirrored deals")


def _pairs(summary: Summary, figure: Figure) -> None:
    axes = figure.add_subplot()
    order = [summary.ratings.names.index(line.name) for line in summary.agents]
    rates = np.full((len(order), len(order)), np.nan)
    for row, i in enumerate(order):
        for column, j in enumerate(order):
            pair = summary.pairs.get((min(i, j), max(i, j)))
            if i != j and pair:
                rates[row, column] = 100.0 * (pair.win_rate if i < j else 1.0 - pair.win_rate)
    reach = max(5.0, float(np.nanmax(np.abs(rates - 50.0))))
    image = axes.imshow(rates, cmap="RdBu", vmin=50.0 - reach, vmax=50.0 + reach, aspect="auto")
    names = [_label(line.name) for line in summary.agents]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    for (row, column), rate in np.ndenumerate(rates):
        if np.isfinite(rate):
            dark = abs(rate - 50.0) > 0.7 * reach
            axes.text(column, row, f"{rate:.1f}", ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(image, label="won by the row, %")
    axes.set_title(f"Won by the row against the column, {summary.protocol.name}")


def _strength_time(summary: Summary, figure: Figure) -> None:
    axes = figure.add_subplot()
    for line in summary.agents:
        width = line.halfwidth if np.isfinite(line.halfwidth) else 0.0
        time_ms = max(line.ms_per_decision, 1e-6)
        axes.errorbar([time_ms], [line.elo], yerr=[width], fmt="o", capsize=3, color="tab:blue")
        axes.annotate(_label(line.name), (time_ms, line.elo), textcoords="offset points", xytext=(6, 6), fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.15, y=0.15)
    axes.set_xlabel("ms per decision, in full batches")
    axes.set_ylabel(f"Elo per {summary.unit}")
    axes.set_title(f"Strength against time, {summary.protocol.name}")


def _label(name: str) -> str:
    """The name on one line, with no mathematics in it."""
    return plain(name).replace("$", r"\$")
