"""The command line of calls: ``zeb42 train --preset calls``."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from safetensors import SafetensorError

from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.command import parse_options
from zeb42_agents.files import read_json
from zeb42_agents.training.calls.config import KIND, CallsConfig
from zeb42_agents.training.calls.run import CONFIG_FILE, Calls
from zeb42_agents.training.run_folder import is_begun

PROGRAM = "zeb42 train"
INTERRUPTED, FAILED, USAGE = 130, 1, 2
BESIDE_RESUME = {"resume", "rounds", "threads", "preset"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """Learn calls: play hands, learn what contracts brought and calls led to, rate, and again with the new calls."""

    preset: str = KIND
    """This is the preset calls; the others have options of their own."""
    out: Path | None = None
    """Folder of the run; by default runs/calls-DATE-TIME."""
    resume: Path | None = None
    """Folder of such a run to go on with; --rounds and --threads may be others."""
    config: CallsConfig = field(default_factory=CallsConfig)


def learns_calls(folder: Path) -> bool:
    """Whether ``folder`` holds a run that learns calls."""
    try:
        return read_json(folder / CONFIG_FILE).get("kind") == KIND
    except ValueError:
        return False


def main(words: Sequence[str], given: dict[str, str]) -> int:
    """Learn as ``words`` say; ``given`` are the options in them. Returns the exit status."""
    console = Console(highlight=False, markup=False)
    run: Calls | None = None
    with stops_raise():
        try:
            run = _run(words, given, console)
            console.print(f"run: {run.folder}", soft_wrap=True)
            console.print(", ".join(f"{k}={v}" for k, v in run.config.to_json().items()), soft_wrap=True)
            run.run()
            console.print(
                f"To play with these calls:\n  zeb42 arena zeb:laptop,calls={run.folder} greedy --protocol match",
                soft_wrap=True,
            )
        except (ValueError, OSError, SafetensorError) as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return USAGE
        except FloatingPointError as error:
            console.print(f"stopped: {error}; begin again with a lower --lr", style="red", soft_wrap=True)
            return FAILED
        except KeyboardInterrupt as stop:
            if run is None:
                console.print("\nstopped before the first hand; nothing was changed")
            else:
                go_on = f"{PROGRAM} --resume {shlex.quote(str(run.folder))}"
                console.print(f"\nstopped; {len(run.rows)} rounds are saved. To go on:\n  {go_on}", soft_wrap=True)
            return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED
    return 0


def _run(words: Sequence[str], given: dict[str, str], console: Console) -> Calls:
    config, folder = CallsConfig(), Path(given["out"]) if "out" in given else None
    if "resume" in given:
        folder = Path(given["resume"])
        if extra := sorted(set(given) - BESIDE_RESUME - {"help"}):
            raise ValueError(f"expected only --rounds or --threads beside --resume, got also --{', --'.join(extra)}")
        config = CallsConfig.from_json(read_json(folder / CONFIG_FILE))
    elif folder is not None and is_begun(folder):
        raise ValueError(f"expected a new folder for --out, got {folder}; --resume {folder} goes on with a run")
    command = parse_options(Command, words, program=PROGRAM, default=Command(config=config))
    if command.preset != KIND:
        raise ValueError(f"expected --preset {KIND} for such a run, got {command.preset}")
    return Calls(command.config, folder or Path("runs") / f"{KIND}-{time.strftime('%Y%m%d-%H%M%S')}", console=console)
