"""The command line of a belief: ``zeb42 train --preset belief``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from zeb42_agents.training.belief.config import KIND, BeliefConfig
from zeb42_agents.training.belief.run import Belief
from zeb42_agents.training.in_rounds import go_on, is_kind, read_command

CHANGEABLE = ("threads",)


@dataclass(frozen=True, kw_only=True)
class Command:
    """Teach a network who holds what: play hands at many tables, learn, and say what that is worth at each."""

    preset: str = KIND
    """This is the preset belief; the others have options of their own."""
    out: Path | None = None
    """Folder of the run; by default runs/belief-DATE-TIME."""
    resume: Path | None = None
    """Folder of such a run to go on with; --threads may be another."""
    config: BeliefConfig = field(default_factory=BeliefConfig)


def teaches_belief(folder: Path) -> bool:
    """Whether ``folder`` holds a run that teaches a belief."""
    return is_kind(folder, KIND)


def main(words: Sequence[str], given: dict[str, str]) -> int:
    """Teach as ``words`` say; ``given`` are the options in them. Returns the exit status."""
    console = Console(highlight=False, markup=False)
    return go_on(
        lambda: _run(words, given, console),
        console,
        rows="files of views",
        at_last="To see what it believes elsewhere:\n  python benchmarks/belief.py zeb:{folder}",
        diverged="begin again with a lower --lr",
    )


def _run(words: Sequence[str], given: dict[str, str], console: Console) -> Belief:
    command, folder = read_command(Command(), BeliefConfig.from_json, words, given, changeable=CHANGEABLE)
    return Belief(command.config, folder, console=console)
