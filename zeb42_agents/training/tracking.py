"""What a run tells cycle by cycle: rows to CSV and W&B, and the live line on the console."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeb42_agents.arena.text import percent
from zeb42_agents.files import replaced_file
from zeb42_agents.training.evaluate import evaluation_columns

WandbMode = Literal["off", "offline", "online"]

METRICS_FILE = "metrics.csv"
_LOSSES = ("policy_loss", "value_loss", "belief_loss")


class Tracker:
    """Rows of metrics, one per cycle, to ``metrics.csv`` and, if asked, to W&B with the cycle as its explicit step.

    A row says what it likes: a statistic that is new gets a column at its first value.
    """

    def __init__(
        self, run: Path, *, wandb: WandbMode, config: dict[str, Any], wandb_id: str | None, cycle: int
    ) -> None:
        self.path = run / METRICS_FILE
        self.rows = rows_until(self.path, cycle)
        self.columns = ["cycle"]
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
        if set(row) <= set(self.columns):
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns).writerow(_as_text(row))
        else:
            self._write_rows()
        if self._wandb is not None:
            self._wandb.log(row, step=int(row["cycle"]))

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
