"""The command line of the ladder: ``zeb42 train --preset ladder``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from rich.console import Console

from zeb42_agents.minds.weights import is_mind
from zeb42_agents.training.in_rounds import as_typed, go_on, is_kind, read_command
from zeb42_agents.training.ladder.config import KIND, LadderConfig
from zeb42_agents.training.ladder.run import Ladder

THE_RUNS_OWN = {"seed", "base", "mind", "base_views", "width", "second_width"}
CHANGEABLE = [option.name for option in fields(LadderConfig) if option.name not in THE_RUNS_OWN]


@dataclass(frozen=True, kw_only=True)
class Command:
    """Climb the ladder: a search or outcomes teach a mind, rung by rung. It runs until stopped; --resume goes on."""

    preset: str = KIND
    """This is the preset ladder; the others have options of their own."""
    out: Path | None = None
    """Folder of the run; by default runs/ladder-DATE-TIME."""
    resume: Path | None = None
    """Folder of a ladder to go on with. What is not given stays as it was."""
    config: LadderConfig = field(default_factory=LadderConfig)


def is_ladder(folder: Path) -> bool:
    """Whether ``folder`` holds a ladder."""
    return is_kind(folder, KIND)


def main(words: Sequence[str], given: dict[str, str]) -> int:
    """Climb as ``words`` say; ``given`` are the options in them. Returns the exit status."""
    console = Console(highlight=False, markup=False)
    return go_on(
        lambda: _ladder(words, given, console),
        console,
        rows="rungs",
        at_last="To play with its mind:\n  zeb42 arena zeb:{folder} zeb:{folder},worlds=160 greedy",
        diverged="--resume it with a lower --lr, or --network-lr if the network was learning",
    )


def _ladder(words: Sequence[str], given: dict[str, str], console: Console) -> Ladder:
    command, folder = read_command(Command(), LadderConfig.from_json, words, given, changeable=CHANGEABLE)
    _refuse_unused(command.config, given)
    return Ladder(command.config, folder, console=console)


def _refuse_unused(config: LadderConfig, given: dict[str, str]) -> None:
    """ValueError for options that would change nothing."""
    unused = set()
    if config.mind or is_mind(config.base):
        unused.add("base-views")  # nothing is imitated
    if not config.has_network:
        unused |= {"network-lr", "answered-hands"} | ({"network-passes"} if config.network_passes else set())
    if extra := sorted(unused & set(given)):
        begins = f"--base {config.base}" + (f" --mind {config.mind}" if config.mind else "")
        raise ValueError(f"expected no {', '.join(as_typed(extra))} in a ladder of {begins}: it would change nothing")
