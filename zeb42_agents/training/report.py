"""What a run tells at its end: plots, REPORT.md, and the table on the console."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from zeb42_agents.files import replaced_file
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.evaluate import BeliefReport, evaluation_columns
from zeb42_agents.training.tracking import Tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PEEKED = "ABLATION: the self-play of this run searched with all hands visible (peek). Its figures are no honest play's."
_REPORTED = ("policy_loss", "value_loss", "belief_loss", "total_loss", "policy_top1", "policy_entropy", "value_std")


def summary_table(row: dict[str, float], report: BeliefReport | None, strength: str) -> Table:
    """The table that a run ends with; ``strength`` is the win rate, and the arena's protocol it was won in."""
    table = Table(title="what it learned", show_header=True, header_style="bold")
    for column in ("measure", "value", "beside"):
        table.add_column(column)
    for name in ("policy_loss", "value_loss", "belief_loss", "total_loss"):
        if name in row:
            table.add_row(name.replace("_", " "), f"{row[name]:.4f}", "")
    if report is not None:
        for metric, label in (("hidden", "still hidden"), ("all_21", "all 21 not dealt")):
            ours, rules = report.network, report.legality
            table.add_row(
                f"belief accuracy, {label}",
                f"{100 * ours.accuracy[metric]:.1f}%",
                f"legality alone {100 * rules.accuracy[metric]:.1f}%",
            )
            table.add_row(
                f"belief cross-entropy, {label}",
                f"{ours.cross_entropy[metric]:.3f}",
                f"legality alone {rules.cross_entropy[metric]:.3f}",
            )
    table.add_row("hands won against random", strength, "95% interval, mirrored deals")
    return table


def plot_learning(tracker: Tracker, path: Path, opponents: Sequence[str], *, teacher_cycles: int) -> None:
    """The learning curve: losses, belief accuracy beside legality's, win rates against ``opponents`` with intervals.

    After ``teacher_cycles`` the policy loss is another measure, against visit shares, at first for few of the hands.
    """
    figure = _figure(15, 4.2)
    axes = figure.subplots(1, 3)
    for name, words, first_cycle, last_cycle in (
        ("policy_loss", "policy loss, teacher's values", 0, teacher_cycles),
        ("policy_loss", "policy loss, its search's visits", teacher_cycles + 1, np.inf),
        ("value_loss", "value loss", 0, np.inf),
        ("belief_loss", "belief loss", 0, np.inf),
    ):
        cycles, values = tracker.series(name)
        shown = (cycles >= first_cycle) & (cycles <= last_cycle)
        if shown.any():
            largest = values[shown].max()
            axes[0].plot(cycles[shown], values[shown] / largest, label=f"{words} (largest {largest:.3f})")
    axes[0].set(title="losses, the largest of each being 1", xlabel="cycle", ylim=(0, None))
    if axes[0].lines:  # none if nothing was learned yet
        axes[0].legend()
    for name, label, style in (
        ("belief_hidden_accuracy", "network", "o-"),
        ("legality_hidden_accuracy", "legality alone", "s--"),
    ):
        cycles, values = tracker.series(name)
        axes[1].plot(cycles, 100 * values, style, label=label)
    axes[1].set(title="belief on hidden dominoes", xlabel="cycle", ylabel="accuracy, %")
    axes[1].legend()
    for opponent, names in zip(opponents, evaluation_columns(opponents), strict=True):
        (cycles, values), (_, low), (_, high) = (tracker.series(name) for name in names)
        axes[2].plot(cycles, 100 * values, "o-", label=f"against {opponent}, 95%")
        axes[2].fill_between(cycles, 100 * low, 100 * high, alpha=0.2)
    axes[2].axhline(50, color="gray", linewidth=0.8)
    axes[2].set(title="hands won", xlabel="cycle", ylabel="%")
    axes[2].legend()
    _save(figure, path)


def plot_calibration(report: BeliefReport, path: Path) -> None:
    """How often a belief comes true, by what it says, a line a trick."""
    figure = _figure(6, 5.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
    for trick, rows in enumerate(report.reliability):
        seen = rows[:, 2] >= 30  # fewer say nothing
        if seen.any():
            axes.plot(rows[seen, 1], rows[seen, 0], "o-", markersize=4, label=f"trick {trick + 1}")
    axes.set(
        title="belief: said and true, on hidden dominoes",
        xlabel="probability given to a seat",
        ylabel="share in which it was right",
    )
    axes.legend()
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, on a canvas of its own: the user's backend is left alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with replaced_file(path) as fresh:
        figure.savefig(fresh, dpi=120, format="png")


def write_plots(tracker: Tracker, report: BeliefReport | None, run: Path, config: TrainConfig) -> None:
    """Write ``learning_curve.png`` and, with a belief to show, ``belief_calibration.png``."""
    plot_learning(tracker, run / "learning_curve.png", config.opponents, teacher_cycles=config.teacher_cycles)
    if report is not None:
        plot_calibration(report, run / "belief_calibration.png")


def write_report(
    run: Path,
    row: dict[str, float],
    report: BeliefReport | None,
    strength: str,
    config: dict[str, Any],
    next_lines: list[str],
    *,
    more: Sequence[str] = (),
) -> None:
    """REPORT.md: what was trained, what it reached, ``more`` lines, and how to go on."""
    text = [f"# {run.name}", ""]
    if config["peek"]:
        text += [f"**{PEEKED}**", ""]
    text += [
        f"{int(row['total_games']):,} hands in {int(row['cycle'])} cycles, {row['total_time_s'] / 60:.1f} minutes.",
        "",
        "| measure | value |",
        "|---|---|",
        f"| hands won against random, best weights (protocol of the arena; 95% over mirrored deals) | {strength} |",
    ]
    text += [f"| {name.replace('_', ' ')} | {row[name]:.4f} |" for name in _REPORTED if name in row]
    if report is not None:
        text += ["", f"Belief over {report.num_positions:,} positions of fresh self-play:", ""]
        text += ["| dominoes | network | legality alone |", "|---|---|---|"]
        for metric, label in (("hidden", "still hidden"), ("all_21", "all 21 not dealt")):
            cells = [
                f"{100 * score.accuracy[metric]:.1f}%, cross-entropy {score.cross_entropy[metric]:.3f}"
                for score in (report.network, report.legality)
            ]
            text.append(f"| {label} | {cells[0]} | {cells[1]} |")
    text += ["", "![learning curve](learning_curve.png)"]
    if report is not None:
        text += ["", "![belief calibration](belief_calibration.png)"]
    text += [*more, "", "Next:", "", *(f"    {line}" for line in next_lines), "", "Configuration:", ""]
    text += [f"    {name} = {value}" for name, value in config.items()]
    with replaced_file(run / "REPORT.md") as fresh:
        fresh.write_text("\n".join(text) + "\n", encoding="utf-8")
