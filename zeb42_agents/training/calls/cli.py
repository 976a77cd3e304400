"""The command line of calls: ``zeb42 train --preset calls``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from zeb42_agents.training.calls.config import KIND, CallsConfig
from zeb42_agents.training.calls.run import Calls
from zeb42_agents.training.in_rounds import go_on, is_kind, read_command

CHANGEABLE = ("rounds", "threads", "heard_hands")


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
    command, folder = read_command(Command(), CallsConfig.from_json, words, given, changeable=CHANGEABLE)
    return Calls(command.config, folder, console=console)
