"""The command line of a run that goes on in rounds or rungs until it is stopped: what it says, and how it ends."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from safetensors import SafetensorError

from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.files import read_json

PROGRAM = "zeb42 train"
CONFIG_FILE = "config.json"
INTERRUPTED, FAILED, USAGE = 130, 1, 2


class Config(Protocol):
    """What such a run is."""

    def to_json(self) -> dict[str, Any]:
        """What its ``config.json`` says."""


class Run(Protocol):
    """Such a run, in its folder."""

    folder: Path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is done and saved so far, piece by piece."""

    @property
    def config(self) -> Config:
        """What it is."""

    def run(self) -> None:
        """Go on to the end."""


def is_kind(folder: Path, kind: str) -> bool:
    """Whether ``folder`` holds a run of ``kind``."""
    try:
        return bool(read_json(folder / CONFIG_FILE).get("kind") == kind)
    except ValueError:
        return False


def go_on(begin: Callable[[], Run], console: Console, *, rows: str, at_last: str = "", diverged: str) -> int:
    """Run what ``begin`` gives, and say so. Returns the exit status.

    Args:
        begin: makes the run, new or resumed; ValueError for bad options.
        console: where all is said.
        rows: what its rows are called.
        at_last: said once it is done; ``{folder}`` in it is the run's.
        diverged: what to do if a loss is not finite.
    """
    run: Run | None = None
    with stops_raise():
        try:
            run = begin()
            console.print(f"run: {run.folder}", soft_wrap=True)
            console.print(", ".join(f"{k}={v}" for k, v in run.config.to_json().items()), soft_wrap=True)
            run.run()
            if at_last:
                console.print(at_last.format(folder=run.folder), soft_wrap=True)
        except (ValueError, OSError, SafetensorError) as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return USAGE
        except FloatingPointError as error:
            console.print(f"stopped: {error}; {diverged}", style="red", soft_wrap=True)
            return FAILED
        except KeyboardInterrupt as stop:
            if run is None:
                console.print("\nstopped before the first hand; nothing was changed")
            else:
                more = f"{PROGRAM} --resume {shlex.quote(str(run.folder))}"
                console.print(f"\nstopped; {len(run.rows)} {rows} are saved. To go on:\n  {more}", soft_wrap=True)
            return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED
    return 0
