"""What a run tells about itself: CSV and W&B rows by cycle, the console, plots, and a short report."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from zeb42_agents.files import replaced_file
from zeb42_agents.training.evaluate import BeliefReport

WandbMode = Literal["off", "offline", "online"]

METRICS_FILE = "metrics.csv"
COLUMNS = (
    "cycle", "total_games", "buffer_size", "policy_loss", "value_loss", "fresh_value_loss", "belief_loss", "total_loss",
    "belief_accuracy", "belief_hidden_accuracy", "belief_hidden_loss", "belief_all_accuracy", "belief_all_loss",
    "legality_hidden_accuracy", "legality_hidden_loss", "legality_all_accuracy", "legality_all_loss",
    "policy_entropy", "policy_kl", "policy_top1", "value_mean", "value_std", "grad_norm", "lr",
    "eval_win_rate", "eval_low", "eval_high", "eval_mean", "collect_time_s", "update_time_s", "cycle_time_s",
    "total_time_s",
)  # fmt: skip
"""Columns of the CSV and names on W&B: the published names where the published run has them. ``eval_win_rate`` is
against the first opponent, ``eval_mean`` over all of them; see :func:`evaluation_columns` for the others."""


def evaluation_columns(opponents: Sequence[str]) -> list[tuple[str, str, str]]:
    """The columns of the win rate against each opponent, and of its interval."""
    ends = ["", *(f" {opponent}" for opponent in opponents[1:])]
    return [(f"eval_win_rate{end}", f"eval_low{end}", f"eval_high{end}") for end in ends]


class Tracker:
    """Rows of metrics, one a cycle, to ``metrics.csv`` and, if asked, to W&B with the cycle as its explicit step."""

    def __init__(
        self,
        run: Path,
        *,
        wandb: WandbMode,
        config: dict[str, Any],
        wandb_id: str | None,
        cycle: int,
        more_columns: Sequence[str] = (),
    ) -> None:
        self.path = run / METRICS_FILE
        self.rows = _rows_until(self.path, cycle)
        self.columns = list(dict.fromkeys([*COLUMNS, *more_columns]))
        self._write_rows()
        self._wandb_id = wandb_id
        self._wandb: Any = None
        if wandb != "off":
            self._wandb = _start_wandb(run, wandb, config, wandb_id)

    @property
    def wandb_id(self) -> str | None:
        """The id of the W&B run, to continue it later, even if this session tells W&B nothing."""
        return self._wandb_id if self._wandb is None else str(self._wandb.id)

    def log(self, row: dict[str, float]) -> None:
        """Add the row of a cycle."""
        self.rows.append(row)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(self._as_text(row))
        if self._wandb is not None:
            self._wandb.log(row, step=int(row["cycle"]))

    def _as_text(self, row: dict[str, float]) -> dict[str, str]:
        return {name: _number(row[name]) if name in row else "" for name in self.columns}

    def _write_rows(self) -> None:
        with replaced_file(self.path) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self._as_text(row) for row in self.rows)

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The cycles that have a value of ``name``, and the values."""
        found = [(row["cycle"], row[name]) for row in self.rows if name in row]
        return np.array([cycle for cycle, _ in found]), np.array([value for _, value in found])

    def close(self) -> None:
        """Finish the W&B run."""
        if self._wandb is not None:
            self._wandb.finish()


def require_wandb(mode: WandbMode) -> Any:
    """The package wandb; ValueError if it is not installed."""
    try:
        import wandb
    except ImportError:
        raise ValueError(
            f"expected the package wandb for --wandb {mode}, got none; pip install 'zeb42[wandb]'"
        ) from None
    return wandb


def _start_wandb(run: Path, mode: WandbMode, config: dict[str, Any], wandb_id: str | None) -> Any:
    wandb = require_wandb(mode)
    try:
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT", "zeb42"),
            name=run.name,
            dir=str(run),
            mode=mode,
            config=config,
            id=wandb_id,
            resume="allow" if wandb_id and mode == "online" else None,  # offline, the id alone says which run it is
        )
    except wandb.errors.Error as error:
        raise ValueError(
            f"expected W&B to start a run {mode}, got {error}; allowed: wandb login first, or --wandb offline"
        ) from None


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"  # counts of millions are exact


def _rows_until(path: Path, cycle: int) -> list[dict[str, float]]:
    """The rows of cycles up to ``cycle``: what came after belongs to a cycle that was not finished, and so does a row
    that was cut off."""
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            whole = [row for row in csv.DictReader(file) if None not in row.values() and row["cycle"].isdigit()]
        saved = [row for row in whole if int(row["cycle"]) <= cycle]
        return [{name: float(value) for name, value in row.items() if name and value} for row in saved]
    except (KeyError, ValueError, csv.Error) as error:
        raise ValueError(f"expected metrics by cycle in {path}, got a damaged or foreign file: {error}") from None


def progress_bar(console: Console) -> Progress:
    """The live line of a run."""
    return Progress(  # within 80 columns
        TextColumn("cycle"),
        MofNCompleteColumn(),
        BarColumn(bar_width=12),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=console,
    )


def losses(row: dict[str, float]) -> str:
    """The losses of a cycle, as short as they can be told."""
    named = (("policy_loss", "pol"), ("value_loss", "val"), ("belief_loss", "bel"))
    return " ".join(f"{label} {row[name]:.3f}" for name, label in named if name in row)


def status(row: dict[str, float], opponents: Sequence[str]) -> str:
    """A cycle in a few words; ``opponents`` are those of evaluations."""
    words = [f"{int(row['total_games'])} hands"]
    for name, label in (("policy_loss", "policy"), ("value_loss", "value"), ("belief_loss", "belief")):
        if name in row:
            words.append(f"{label} {row[name]:.3f}")
    for opponent, (rate, low, high) in zip(opponents, evaluation_columns(opponents), strict=True):
        if rate in row:
            words.append(f"vs {opponent} {100 * row[rate]:.1f}% ({100 * row[low]:.1f} to {100 * row[high]:.1f})")
    return ", ".join(words)


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
    plt = _pyplot()
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
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
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(6, 5.4), layout="constrained")
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


def _save(figure: Any, path: Path) -> None:
    with replaced_file(path) as fresh:
        figure.savefig(fresh, dpi=120, format="png")
    _pyplot().close(figure)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def write_report(
    run: Path,
    row: dict[str, float],
    report: BeliefReport | None,
    strength: str,
    config: dict[str, Any],
    next_lines: list[str],
) -> None:
    """REPORT.md: what was trained, what it reached, and how to go on."""
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
    text += ["", "Next:", "", *(f"    {line}" for line in next_lines), "", "Configuration:", ""]
    text += [f"    {name} = {value}" for name, value in config.items()]
    with replaced_file(run / "REPORT.md") as fresh:
        fresh.write_text("\n".join(text) + "\n", encoding="utf-8")


PEEKED = "ABLATION: the self-play of this run searched with all hands visible (peek). Its figures are no honest play's."
_REPORTED = ("policy_loss", "value_loss", "belief_loss", "total_loss", "policy_top1", "policy_entropy", "value_std")
