"""Hands kept on the user's own disk: a file of lines of notation, which any reader of notation takes.

    zeb42/1 deal=... plays=...  # 2026-11-25T15:10:03Z  seats: you | zeb | eq:n=100 | zeb  result: made: ...

``#`` begins what is only for people and :class:`Kept`. Nothing leaves the machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zeb42_agents.extras import needs_extras
from zeb42_agents.files import append_line, replaced_file
from zeb42_agents.play.levels import name_of_spec
from zeb42_agents.play.session import YOU
from zeb42_agents.play.show import result
from zeb42_env import Hand, NotationError
from zeb42_env.wording import result_text

DATA_FOLDER = "ZEB42_DATA"
"""The environment variable that names another folder."""
FILE = "hands.txt"
_NOTE = re.compile(r"# (?P<when>\S+)  seats: (?P<seats>.*?)  result: (?P<result>.*)$")


@dataclass(frozen=True, kw_only=True)
class KeptHand:
    """One hand that was kept."""

    number: int
    """Its place among those kept, from 1."""
    hand: Hand
    when: str
    """Date and time, UTC, such as ``2026-11-25T15:10:03Z``; empty for a line from elsewhere."""
    seats: tuple[str, ...]
    """Who sat in seats 0 to 3."""
    result: str
    """How it came out, in words."""

    @property
    def names(self) -> tuple[str, ...]:
        """Who sat there, as players know them: the names of levels for their specs."""
        return tuple(map(name_of_spec, self.seats))

    @property
    def own_seat(self) -> int | None:
        """Where the person sat; None if nobody did, or it is a line from elsewhere."""
        return self.seats.index(YOU) if YOU in self.seats else None

    @property
    def told(self) -> str:
        """How it came out, as the person says it: ``Left bid 31, and their side took 33: made.``"""
        return self.result if self.own_seat is None or not self.hand.is_over else result(self.hand, self.own_seat)

    @property
    def local_time(self) -> str:
        """When, on the clock of this machine: ``2026-11-25 16:10``; empty for a line from elsewhere."""
        if not self.when:
            return ""
        return datetime.fromisoformat(self.when).astimezone().strftime("%Y-%m-%d %H:%M")

    @property
    def line(self) -> str:
        """As it stands in the file."""
        note = f"# {self.when}  seats: {' | '.join(self.seats)}  result: {self.result}"
        return f"{self.hand}  {note}" if self.when else str(self.hand)

    def to_json(self) -> dict[str, object]:
        """Plain data: ``number``, ``hand``, ``when``, ``seats`` (by name), ``own_seat`` and ``result``, as told."""
        return {
            "number": self.number,
            "hand": str(self.hand),
            "when": self.when,
            "seats": list(self.names),
            "own_seat": self.own_seat,
            "result": self.told,
        }


class Kept:
    """The hands kept in a file; by default in the user's data folder."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else data_folder() / FILE
        self.num_broken_lines = 0

    def add(self, hand: Hand, seats: Sequence[str], *, when: datetime | None = None) -> KeptHand:
        """Keep ``hand``, with the names of its four seats; once it is back, the line is on the disk.

        A hand that the same seats kept already is not kept twice. ValueError for a view, or names that are not four.
        """
        if hand.record["seat"] >= 0:
            raise ValueError("expected a whole hand to keep, got a view")
        if len(seats) != 4:
            raise ValueError(f"expected the names of four seats, got {list(seats)}")
        names = tuple(_one_line(name) for name in seats)
        before = self.all()
        for kept in before:
            if kept.hand == hand and kept.seats == names:
                return kept
        at = (when or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        result = result_text(hand) if hand.is_over else "not over"
        kept = KeptHand(number=len(before) + 1, hand=hand.clone(), when=at, seats=names, result=result)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        append_line(self.path, kept.line)
        return kept

    def all(self) -> list[KeptHand]:
        """Every hand, the oldest first. Lines that are no hand are counted in ``num_broken_lines`` and left alone."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        found: list[KeptHand] = []
        self.num_broken_lines = 0
        for line in filter(str.strip, text.splitlines()):
            try:
                found.append(_read(line, len(found) + 1))
            except NotationError:
                self.num_broken_lines += 1
        return found

    def find(self, words: Sequence[str]) -> list[KeptHand]:
        """Those whose line has every one of ``words`` in it, in whatever case: a date, a name, ``set``, ``fives``."""
        return [kept for kept in self.all() if all(word.lower() in _searched(kept) for word in words)]

    def numbered(self, numbers: Iterable[int]) -> list[KeptHand]:
        """Those with these numbers. ValueError if there are no such hands."""
        every = {kept.number: kept for kept in self.all()}
        if not every:
            raise ValueError("expected a hand that was kept, got none: zeb42 play keeps those that you play")
        wanted = list(numbers)
        missing = [number for number in wanted if number not in every]
        if missing:
            raise ValueError(f"expected numbers of kept hands, got {missing[0]}; allowed: 1..{len(every)}")
        return [every[number] for number in wanted]


def export(hands: Sequence[KeptHand], path: str | Path) -> None:
    """Write the lines of ``hands`` into a new file ``path``, whole or not at all."""
    with replaced_file(Path(path)) as fresh:
        fresh.write_text("".join(kept.line + "\n" for kept in hands), encoding="utf-8")


def data_folder() -> Path:
    """Where the user's hands lie: ``$ZEB42_DATA``, or the system's folder for data of programs."""
    chosen = os.environ.get(DATA_FOLDER)
    if chosen:
        return Path(chosen)
    with needs_extras():
        from platformdirs import user_data_path

    return user_data_path("zeb42", appauthor=False)


def _read(line: str, number: int) -> KeptHand:
    """The hand of a line, with what its note says. NotationError if it is none."""
    notation, _, _ = line.partition("#")
    hand = Hand.parse(notation)
    note = _NOTE.search(line)
    if note is None or not _is_time(note["when"]) or note["seats"].count(" | ") != 3:
        result = result_text(hand) if hand.is_over else "not over"
        return KeptHand(number=number, hand=hand, when="", seats=tuple("????"), result=result)
    seats = tuple(note["seats"].split(" | "))
    return KeptHand(number=number, hand=hand, when=note["when"], seats=seats, result=note["result"])


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _searched(kept: KeptHand) -> str:
    """The line, and how it is shown."""
    return " ".join([kept.line, *kept.names, kept.told, kept.local_time]).lower()


def _one_line(name: str) -> str:
    """A name without what would break the line."""
    return " ".join(name.replace("|", "/").replace("#", "").split()) or "?"
