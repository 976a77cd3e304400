"""``zeb42``, the command of the package. What a command needs is imported when it is asked for."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from zeb42_agents.extras import run_command

USAGE = 2


class Command(NamedTuple):
    """A command: the module whose ``main(words)`` is its command line, one line of help, and the extra that it needs
    if that is more than the one of the package it misses."""

    module: str
    summary: str
    extra: str = ""


COMMANDS = {
    "play": Command("zeb42_agents.play.cli", "sit down at a table, in the browser or the terminal", "play"),
    "train": Command("zeb42_agents.training.cli", "train Zeb, or go on with a run", "train"),
    "review": Command(
        "zeb42_agents.play.review_cli", "look at a hand again: what could be known, and hindsight", "play"
    ),
    "hands": Command("zeb42_agents.play.hands_cli", "list, search and export the hands that you kept", "play"),
    "fleet": Command("zeb42_agents.fleet.cli", "train with a learner and workers on any machines", "train"),
    "bench": Command(
        "zeb42_agents.fleet.bench", "how fast this machine plays for a learner, and what it costs", "train"
    ),
    "arena": Command("zeb42_agents.arena.cli", "rate agents, rate a run again, explain a deal"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (``sys.argv`` by default); returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and {"-h", "--help"} & set(words):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `zeb42 arena --help | head` ends in silence
    if words and words[0] in COMMANDS:
        command = COMMANDS[words[0]]
        return run_command(command.module, words[1:], extra=command.extra)
    if words[:1] in (["-h"], ["--help"]):
        print(_help())
        return 0
    if words[:1] == ["--version"]:
        from zeb42_env import __version__

        print(__version__)
        return 0
    if not words:
        print(_help(), file=sys.stderr)
        return USAGE
    near = get_close_matches(words[0], COMMANDS, n=1, cutoff=0.5)
    meant = f"; did you mean zeb42 {near[0]}?" if near else ""
    print(f"error: expected a command, got {words[0]!r}; allowed: {', '.join(COMMANDS)}{meant}", file=sys.stderr)
    return USAGE


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: zeb42 COMMAND ...", "", *lines, "", "zeb42 COMMAND --help lists the options of one."])


if __name__ == "__main__":
    sys.exit(main())
