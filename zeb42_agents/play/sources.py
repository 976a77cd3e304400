"""The hands that a review is asked for: a pasted line, a file of lines, a pipe, an arena deal, hands that were kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zeb42_agents.play.kept import Kept
from zeb42_env import Hand, NotationError
from zeb42_env.notation import VERSION
from zeb42_env.svg import SEAT_WORDS

MOST_ON_SHELF = 200
MOST_CHARACTERS = 2000
"""No hand's line is longer."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One hand to review."""

    hand: Hand
    title: str
    seats: tuple[str, ...] = SEAT_WORDS
    """What the four seats are called."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The hands that a browser's review opens with. The command line names them, and no request can."""

    sources: tuple[Source, ...]
    seats: tuple[int, ...] = ()
    """Whose decisions; all without it."""
    beside: bool = False
    """Whether these are two tables of one deal, to be looked at side by side."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.sources) <= MOST_ON_SHELF:
            raise ValueError(f"expected 1 to {MOST_ON_SHELF} hands to show in the browser, got {len(self.sources)}")
        if len(self.seats) > 1:
            raise ValueError(f"expected one --seat with --browser, or none for all, got {len(self.seats)}")

    def to_json(self) -> dict[str, Any]:
        """Plain data for the page."""
        seat = self.seats[0] if self.seats else None
        hands = [
            {"hand": str(source.hand), "title": source.title, "seats": list(source.seats), "seat": seat}
            for source in self.sources
        ]
        return {"hands": hands, "beside": self.beside}


def read_sources(words: Sequence[str]) -> list[Source]:
    """The hands that ``words`` name: a line of notation (in one word or many), ``-`` for standard input, or files.

    ValueError says which line is wrong, and points at the place.
    """
    if not words:
        raise ValueError(
            "expected a line of notation, a file of lines, '-', or the folder of an arena run; got nothing"
        )
    if words[0].lstrip("'\"").startswith("zeb42/"):
        return list(_of_lines([" ".join(words)], "the line"))
    found: list[Source] = []
    for word in words:
        if word == "-":
            found += _of_lines(sys.stdin, "standard input")
            continue
        try:
            text = Path(word).read_text(encoding="utf-8")
        except FileNotFoundError:
            allowed = f"a line that begins with {VERSION}, a file of lines, '-', or the folder of an arena run"
            raise ValueError(f"expected hands to review, got {word!r}; allowed: {allowed}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"expected a file of lines of notation, got {word!r}: {error}") from None
        found += _of_lines(text.splitlines(), word)
    if not found:
        raise ValueError(f"expected at least one hand, got none in {', '.join(words)}")
    return found


def kept_sources(numbers: Sequence[int], kept: Kept | None = None) -> list[Source]:
    """The kept hands with these numbers; the last one if none are named."""
    store = kept or Kept()
    every = store.all()
    wanted = list(numbers) or ([every[-1].number] if every else [1])
    return [
        Source(hand=entry.hand, title=f"hand {entry.number} {entry.when}".rstrip(), seats=_named(entry.seats))
        for entry in store.numbered(wanted)
    ]


def deal_sources(folder: Path, deal: int, pair: tuple[str, str] | None, hand_number: int) -> tuple[Source, Source]:
    """Both tables of a deal of an arena run. ValueError if the run does not have them."""
    from zeb42_agents.arena.folder import RunFolder
    from zeb42_agents.arena.show import find_tables, hand_of

    first, second = (
        Source(
            hand=hand_of(row),
            title=f"deal {deal}, table {row['table']}: {row['teams'][0]} (0 & 2), {row['teams'][1]} (1 & 3)",
        )
        for row in find_tables(RunFolder.read(folder), deal, pair, hand_number)
    )
    return first, second


def _named(seats: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with the numbers of seats where some are alike or unknown."""
    if len(seats) != len(SEAT_WORDS):
        return SEAT_WORDS
    alike = [seats.count(name) > 1 or name == "?" for name in seats]
    return tuple(
        number if name == "?" else f"{name} ({seat})" if twice else name
        for seat, (name, number, twice) in enumerate(zip(seats, SEAT_WORDS, alike, strict=True))
    )


def _of_lines(lines: Iterable[str], where: str) -> Iterator[Source]:
    """The hands of ``lines``; what follows a ``#``, empty lines, and what surrounds a hand in JSON are passed over."""
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if VERSION in text:
            text = text[text.index(VERSION) :]
        text = text.split('"')[0].strip("' ")
        if len(text) > MOST_CHARACTERS:
            raise ValueError(
                f"expected a line of notation, got one of {len(text):,} characters in {where}, line {number}"
            )
        at = where if where == "the line" else f"{where}, line {number}"
        try:
            yield Source(hand=Hand.parse(text), title="" if where == "the line" else at)
        except NotationError as error:
            raise ValueError(f"in {at}: {error}\n{error.pointed(text)}") from None
