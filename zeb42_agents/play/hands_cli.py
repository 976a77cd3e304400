"""``zeb42 hands``: the hands that were kept, listed, searched and exported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from gymnasium.error import DependencyNotInstalled
from tyro.conf import Positional, arg

from zeb42_agents.arena.text import plain
from zeb42_agents.command import parse_options
from zeb42_agents.play.kept import Kept, KeptHand, export

PROGRAM = "zeb42 hands"
BAD_INPUT = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """List the hands that you kept, all or those with every WORD in their line: a date, a name, "set", "fives". "zeb42
    review --kept NUMBER" reviews one. They lie in one file on this machine and nowhere else."""

    words: Positional[Annotated[tuple[str, ...], arg(metavar="WORD ...")]] = ()
    lines: bool = False
    """Print the lines of notation instead of a table."""
    export: Path | None = None
    """Write the lines into this file."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = parse_options(Options, arguments, program=PROGRAM)
        kept = Kept()
        found = kept.find(options.words)
        if kept.num_broken_lines:
            print(f"{kept.num_broken_lines} lines of {kept.path} are no hands and are passed over", file=sys.stderr)
        if options.export is not None:
            export(found, options.export)
            print(f"written: {options.export} ({_count(len(found))})")
        elif options.lines:
            print("".join(entry.line + "\n" for entry in found), end="")
        else:
            print("\n".join([*map(_row, found), f"{_count(len(found))} in {kept.path}"]))
    except (ValueError, OSError, DependencyNotInstalled) as error:
        print(f"error: {plain(str(error))}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _row(entry: KeptHand) -> str:
    return plain(f"{entry.number:>5}  {entry.local_time:<16}  {', '.join(entry.names):<40}  {entry.told}")


def _count(number: int) -> str:
    return "1 hand" if number == 1 else f"{number} hands"
