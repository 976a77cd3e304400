"""How results are written for people and for files: names, figures, tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite
from typing import Any

PLURAL = {"hand": "hands", "match": "matches"}


def plain(text: str) -> str:
    """``text`` as one line of printable characters, whatever a name, or the last words of a program, had in it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def percent(rate: float, interval: tuple[float, float]) -> str:
    """A rate with its 95% interval, such as ``71.1% (68.6 to 73.5)``."""
    return f"{100 * rate:.1f}% ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def pace(num_games: int, elapsed_s: float, unit: str) -> str:
    """How fast games of this unit were played, such as ``2,310 hands per second``."""
    per_second = num_games / max(elapsed_s, 1e-9)
    if per_second < 1.0:
        return f"{60 * per_second:.2g} {PLURAL[unit]} per minute"
    return f"{per_second:,.{0 if per_second >= 10 else 1}f} {PLURAL[unit]} per second"


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table for notebooks."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(plain(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><caption>{escape(plain(caption))}</caption>{line('th', head)}{body}</table>"


def finite(value: Any) -> Any:
    """Plain JSON data, in which a number that is infinite or unknown is null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
