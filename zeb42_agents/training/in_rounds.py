"""The command line of a run that goes on in rounds or rungs until it is stopped: what it says, and how it ends."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from safetensors import SafetensorError

from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.command import parse_options
from zeb42_agents.files import read_json
from zeb42_agents.training.run_folder import require_new

PROGRAM = "zeb42 train"
CONFIG_FILE = "config.json"
INTERRUPTED, FAILED, USAGE = 130, 1, 2
Command = TypeVar("Command", bound=Any)
"""A frozen dataclass of options: ``preset``, ``out``, ``resume`` and ``config``."""


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


def read_command(
    usual: Command,
    from_json: Callable[[dict[str, Any]], Any],
    words: Sequence[str],
    given: dict[str, str],
    *,
    changeable: Collection[str],
) -> tuple[Command, Path]:
    """What ``words`` ask for, and the folder of that run.

    ValueError says what is wrong with them; ``changeable`` are the fields of the config that a resumed run may change.
    """
    kind, folder = usual.preset, Path(given["out"]) if "out" in given else None
    if "resume" in given:
        folder = Path(given["resume"])
        own = ["out", *(field.name for field in fields(usual.config) if field.name not in changeable)]
        if extra := [option for option in as_typed(own) if option.removeprefix("--") in given]:
            few = len(changeable) < len(own)
            allowed = ", ".join(as_typed(changeable)) if few else f"any but {', '.join(as_typed(own))}"
            raise ValueError(
                f"expected no {', '.join(extra)} beside --resume: that is the run's own; allowed: {allowed}"
            )
        usual = replace(usual, config=from_json(read_json(folder / CONFIG_FILE)))
    elif folder is not None:
        require_new(folder)
    command: Command = parse_options(type(usual), words, program=f"{PROGRAM} --preset {kind}", default=usual)
    if command.preset != kind:
        raise ValueError(f"expected --preset {kind} for such a run, got {command.preset}")
    return command, folder or Path("runs") / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}"


def as_typed(options: Iterable[str]) -> list[str]:
    """The names of ``options`` as people type them."""
    return [f"--{name.replace('_', '-')}" for name in options]


def go_on(begin: Callable[[], Run], console: Console, *, rows: str, at_last: str, diverged: str) -> int:
    """Run what ``begin`` gives, and say so. Returns the exit status.

    Args:
        begin: makes the run, new or resumed; ValueError for bad options.
        console: where all is said.
        rows: what its rows are called.
        at_last: said once it is done; ``{folder}`` in it is the run's.
        diverged: what to do if a loss is not finite.
    """
    run: Run | None = None

    def say_how_to_go_on(run: Run, why: str) -> None:
        more = f"{PROGRAM} --resume {shlex.quote(str(run.folder))}"
        console.print(f"{why}; {rows} saved: {len(run.rows)}. To go on:\n  {more}", soft_wrap=True)

    with stops_raise():
        try:
            run = begin()
            console.print(f"run: {run.folder}", soft_wrap=True)
            console.print(", ".join(f"{k}={v}" for k, v in run.config.to_json().items()), soft_wrap=True)
            run.run()
            console.print(at_last.format(folder=shlex.quote(str(run.folder))), soft_wrap=True)
        except (ValueError, OSError, SafetensorError) as error:
            if run is None:
                console.print(f"error: {error}", style="red", soft_wrap=True)
                return USAGE
            say_how_to_go_on(run, f"stopped: {error}")
            return FAILED
        except FloatingPointError as error:
            console.print(f"stopped: {error}; {diverged}", style="red", soft_wrap=True)
            return FAILED
        except KeyboardInterrupt as stop:
            if run is None:
                console.print("\nstopped before the first hand; nothing was changed")
            else:
                say_how_to_go_on(run, "\nstopped")
            return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED
    return 0
