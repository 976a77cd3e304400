"""What a run tells cycle by cycle: rows to CSV and W&B, and the live line on the console."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeb42_agents.arena.text import percent
from zeb42_agents.files import replaced_file
from zeb42_agents.training.evaluate import evaluation_columns
from zeb42_agents.training.sinks import Sink, TensorBoardSink, TrackioSink, WandbMode, WandbSink

METRICS_FILE = "metrics.csv"
_LOSSES = ("policy_loss", "value_loss", "belief_loss")


class Tracker:
    """Rows of metrics, one per cycle, to ``metrics.csv`` and, if asked, to W&B, TensorBoard and Trackio with the cycle
    as step.

    A row says what it likes: a statistic that is new gets a column at its first value.
    """

    def __init__(
        self,
        run: Path,
        *,
        wandb: WandbMode,
        config: dict[str, Any],
        wandb_id: str | None,
        cycle: int,
        tensorboard: bool = False,
        trackio: bool = False,
        job_type: str = "train",
        console: Console | None = None,
    ) -> None:
        self.path = run / METRICS_FILE
        self.rows = rows_until(self.path, cycle)
        self.columns = ["cycle"]
        self._write_rows()
        self._wandb_id = wandb_id
        self.sinks: list[Sink] = []
        if wandb != "off":
            tags = [str(config[name]) for name in ("size", "tokenizer", "contract") if name in config]
            sink = WandbSink(run, wandb, config, wandb_id, job_type=job_type, tags=tags, console=console)
            self._wandb_id = sink.run_id
            self.sinks.append(sink)
        if tensorboard:
            self.sinks.append(TensorBoardSink(run, config))
        if trackio:
            self.sinks.append(TrackioSink(run, config))

    @property
    def wandb_id(self) -> str | None:
        """The id of the W&B run, to continue it later, even if this session tells W&B nothing."""
        return self._wandb_id

    def log(self, row: dict[str, float]) -> None:
        """Add the row of a cycle."""
        self.rows.append(row)
        if set(row) <= set(self.columns):
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns).writerow(_as_text(row))
        else:
            self._write_rows()
        for sink in self.sinks:
            sink.log(row, int(row["cycle"]))

    def show(self, files: Sequence[Path]) -> None:
        """Pictures and pages of the run, as far as they are there."""
        for sink in self.sinks:
            sink.show([file for file in files if file.is_file()])

    def keep(self, folder: Path, aliases: Sequence[str]) -> None:
        """Weights in ``folder``, under these names."""
        for sink in self.sinks:
            sink.keep(folder, aliases)

    def _write_rows(self) -> None:
        self.columns = list(dict.fromkeys([*self.columns, *(name for row in self.rows for name in row)]))
        with replaced_file(self.path) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(_as_text(row) for row in self.rows)

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The cycles that have a value of ``name``, and the values."""
        found = [(row["cycle"], row[name]) for row in self.rows if name in row]
        return np.array([cycle for cycle, _ in found]), np.array([value for _, value in found])

    def close(self, summary: dict[str, Any] | None = None) -> None:
        """The run is over; ``summary`` is what it came to."""
        for sink in self.sinks:
            sink.close(summary or {})


def _as_text(row: dict[str, float]) -> dict[str, str]:
    """Counts of millions are exact."""
    return {name: str(int(value)) if float(value).is_integer() else f"{value:.6g}" for name, value in row.items()}


def rows_until(path: Path, cycle: int) -> list[dict[str, float]]:
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
    return " ".join(f"{name[:3]} {row[name]:.3f}" for name in _LOSSES if name in row)


def status(row: dict[str, float], opponents: Sequence[str]) -> str:
    """A cycle in a few words; ``opponents`` are those of evaluations."""
    words = [f"{int(row['total_games'])} hands"]
    words += [f"{name.removesuffix('_loss')} {row[name]:.3f}" for name in _LOSSES if name in row]
    for opponent, (rate, low, high) in zip(opponents, evaluation_columns(opponents), strict=True):
        if rate in row:
            words.append(f"vs {opponent} {percent(row[rate], (row[low], row[high]))}")
    return ", ".join(words)
