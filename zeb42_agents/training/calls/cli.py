"""The command line of calls: ``zeb42 train --preset calls``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from zeb42_agents.command import parse_options
from zeb42_agents.files import read_json
from zeb42_agents.training.calls.config import KIND, CallsConfig
from zeb42_agents.training.calls.run import Calls
from zeb42_agents.training.in_rounds import CONFIG_FILE, PROGRAM, go_on, is_kind
from zeb42_agents.training.run_folder import is_begun

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
    return is_kind(folder, KIND)


def main(words: Sequence[str], given: dict[str, str]) -> int:
    """Learn as ``words`` say; ``given`` are the options in them. Returns the exit status."""
    console = Console(highlight=False, markup=False)
    return go_on(
        lambda: _run(words, given, console),
        console,
        rows="rounds",
        at_last="To play with these calls:\n  zeb42 arena zeb:laptop,calls={folder} greedy --protocol match",
        diverged="begin again with a lower --lr",
    )


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
