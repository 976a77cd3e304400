"""Command lines from frozen dataclasses: a field is an option, its docstring the help, its default the default."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from itertools import dropwhile, takewhile
from typing import TypeVar

import tyro

Options = TypeVar("Options")


def parse_options(
    kind: type[Options], words: Sequence[str], *, program: str, default: Options | None = None
) -> Options:
    """The options that ``words`` of a command line give, as an instance of the dataclass ``kind``.

    Fields of dataclasses inside it are options under their own names; a bool is a flag. ValueError says in one line
    what is wrong; ``--help`` prints the help and raises SystemExit.
    """
    said = io.StringIO()
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    try:
        with redirect_stderr(said):
            found: Options = tyro.cli(kind, args=list(words), default=default, prog=program, config=config)  # type: ignore
            return found
    except SystemExit as stop:
        if not stop.code:
            raise
    raise ValueError(f"{_message(said.getvalue())}; see {program} --help")


def _message(box: str) -> str:
    """What tyro's box says between its title and its first rule, on one line."""
    _title, *lines = (line.strip("│ ") for line in box.splitlines())
    inside = dropwhile(lambda line: not line or _is_rule(line), lines)
    words = " ".join(takewhile(lambda line: not _is_rule(line), inside)).rstrip(".")
    return re.sub(r"^Error parsing [\w.]+: (?=expected)", "", words)  # a dataclass's own ValueError says it all


def _is_rule(line: str) -> bool:
    return re.fullmatch("[╰─╯-]{4,}", line) is not None
