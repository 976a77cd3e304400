"""One line of text for a whole hand or a view, both ways.

    zeb42/1 deal=66.65.54.50.41.32.00|...|...|... shaker=2 calls=31,pass,1-mark,pass trump=sixes plays=66.60.61.62,65...

``deal`` lists the seven dominoes of seats 0 to 3, ``?`` for a seat that a view cannot see. ``calls`` start left of the
shaker; a hand whose contract was dealt says ``contract=SEAT:BID:TRUMP`` instead of calls and trump. ``plays`` are in
order, a comma after each trick; a ``seat`` marks a view. Rules other than the default follow as ``scoring=``,
``all_pass=``, ``declarations=``, ``marks=``, ``match=yes``. The number after ``zeb42/`` is the notation's version.
"""

from __future__ import annotations

import re
from typing import get_args

import numpy as np

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.records import check_records
from zeb42_env.rules import AllPassRule, Declaration, Rules, ScoringRule, action_text, parse_action

VERSION = "zeb42/1"
_HAND_KEYS = ("deal", "seat", "shaker", "calls", "contract", "trump", "plays")
_SEPARATORS = {"deal": ".|", "calls": ",", "contract": ":", "plays": ".,"}
_KEYS = (*_HAND_KEYS, "scoring", "all_pass", "declarations", "marks", "match")


class NotationError(ValueError):
    """A line that is not a hand: says which field is wrong, and why."""

    def __init__(self, message: str, *, field: str = "", entry: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        """The field that is wrong, or the word that is none; empty if that is the line as a whole."""
        self.entry = entry
        """Which entry of it, from 0; None for all of it."""

    def place(self, text: str) -> tuple[int, int]:
        """Where in the line ``text`` that is: its first character and the one after its last; all of it if unknown."""
        for word in re.finditer(r"\S+", text):
            key, equals, value = word[0].partition("=")
            if self.field and word[0] == self.field:
                return word.span()
            if not self.field or not equals or key != self.field:
                continue
            entries = list(re.finditer(f"[^{re.escape(_SEPARATORS.get(key, ' '))}]+", value))
            if self.entry is None or self.entry >= len(entries):
                return word.span()
            first, last = entries[self.entry].span()
            return word.start() + len(key) + 1 + first, word.start() + len(key) + 1 + last
        return 0, len(text)

    def pointed(self, text: str, *, width: int = 100) -> str:
        """Two lines: the part of ``text`` around the place, and marks under it."""
        first, last = self.place(text)
        begin = max(0, min(first - width // 3, len(text) - width))
        shown = text[begin : begin + width]
        marks = "^" * max(1, min(last, begin + width) - first)
        return f"{shown}\n{' ' * (first - begin)}{marks}"


def format_hand(hand: np.void) -> str:
    """The line for a HAND record, a full hand or a view."""
    fields = {"deal": "|".join(_format_seat(hand, seat) for seat in range(4))}
    if hand["seat"] >= 0:
        fields["seat"] = str(hand["seat"])
    fields["shaker"] = str(hand["shaker"])
    calls = [_word(call) for call in hand["calls"] if call >= 0]
    declared = hand["declaration"] >= 0
    if calls:
        fields["calls"] = ",".join(calls)
        if declared:
            fields["trump"] = str(Declaration(int(hand["declaration"])))
    elif declared:
        fields["contract"] = f"{hand['bidder']}:{hand['bid']}:{Declaration(int(hand['declaration']))}"
    if hand["num_plays"]:
        played = [_tile(domino) for domino in hand["plays"][: hand["num_plays"]]]
        fields["plays"] = ",".join(".".join(played[i : i + 4]) for i in range(0, len(played), 4))
    fields |= rules_fields(hand)
    if hand["marks"].any():
        fields["marks"] = f"{hand['marks'][0]}-{hand['marks'][1]}"
    if hand["match"]:
        fields["match"] = "yes"
    return " ".join([VERSION, *(f"{key}={value}" for key, value in fields.items())])


def rules_fields(hand: np.void) -> dict[str, str]:
    """The fields of the rules of a HAND record that are not the default ones, marks and match aside."""
    default = Rules().blank_record()[0]
    fields = {}
    if hand["scoring"] != default["scoring"]:
        fields["scoring"] = get_args(ScoringRule)[hand["scoring"]]
    if hand["all_pass"] != default["all_pass"]:
        fields["all_pass"] = get_args(AllPassRule)[hand["all_pass"]]
    if hand["declarations"] != default["declarations"]:
        fields["declarations"] = "".join(str(d) for d in range(10) if int(hand["declarations"]) >> d & 1)
    return fields


def parse_hand(text: str) -> np.ndarray:
    """The HAND record (array [1]) of a line; :class:`NotationError` says which field is wrong and what was expected."""
    version, *words = text.split() or [""]
    if version != VERSION:
        raise NotationError(f"expected the line to begin with {VERSION}, got {version!r}", field=version)
    fields: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in _KEYS or key in fields:
            problem = "a second time" if key in fields else "an unknown field" if equals else "a word without '='"
            raise NotationError(f"at {word!r}: {problem}; allowed: {', '.join(_KEYS)}, each once", field=word)
        fields[key] = value
    return _build(fields)


def _build(fields: dict[str, str]) -> np.ndarray:
    for key in ("deal", "shaker"):
        if key not in fields:
            raise NotationError(f"expected a field {key}=..., got only: {', '.join(fields) or 'nothing'}")
    if ("contract" in fields) and ("calls" in fields or "trump" in fields):
        raise NotationError("expected contract= or calls= and trump=, got both")
    hands = np.zeros(1, core.HAND)
    hands[:] = _parse_rules(fields)
    hand = hands[0]
    hand["shaker"] = _parse_number("shaker", fields["shaker"], 0, 3)
    viewer = _parse_number("seat", fields["seat"], 0, 3) if "seat" in fields else core.NOBODY
    _parse_deal(hand, fields["deal"], viewer)
    core.start(hand, (int(hand["shaker"]) + 1) & 3)
    for number, word in enumerate(_split(fields.get("calls", ""), ",")):
        _take(hand, "calls", number, word, core.AUCTION)
    if "trump" in fields:
        _take(hand, "trump", 0, fields["trump"], core.DECLARATION)
    if "contract" in fields:
        _parse_contract(hand, fields["contract"])
    tricks = _split(fields.get("plays", ""), ",")
    for number, trick in enumerate(tricks):
        played = _split(trick, ".")
        if not 1 <= len(played) <= 4 or (len(played) < 4 and number < len(tricks) - 1):
            raise NotationError(
                f"at plays={fields['plays']}: trick {number + 1} has {len(played)} dominoes, expected 4",
                field="plays",
                entry=sum(len(_split(before, ".")) for before in tricks[:number]),
            )
        for place, word in enumerate(played):
            _take(hand, "plays", 4 * number + place, word, core.TRICKS)
    hand["seat"] = viewer
    try:
        return check_records(hands, "a line")
    except ValueError as error:
        raise NotationError(f"at plays={fields.get('plays')}: {error}", field="plays") from None


def _parse_rules(fields: dict[str, str]) -> np.void:
    marks = (0, 0)
    if "marks" in fields:
        pair = fields["marks"].split("-")
        if len(pair) != 2:
            raise NotationError(f"at marks={fields['marks']}: expected two numbers such as 3-5", field="marks")
        marks = (_parse_number("marks", pair[0], 0, 99), _parse_number("marks", pair[1], 0, 99))
    if fields.get("match", "yes") != "yes":
        raise NotationError(f"at match={fields['match']}: expected yes", field="match")
    options: dict[str, object] = {key: fields[key] for key in ("scoring", "all_pass") if key in fields}
    if "declarations" in fields:
        options["declarations"] = tuple(_parse_number("declarations", d, 0, 9) for d in fields["declarations"])
    if "match" in fields:
        options["episode"] = "match"
    try:
        return Rules(**options).blank_record(marks=marks)[0]  # type: ignore[arg-type]
    except ValueError as error:
        raise NotationError(f"in the rules: {error}") from None


def _parse_deal(hand: np.void, text: str, viewer: int) -> None:
    seats = text.split("|")
    if len(seats) != 4:
        raise NotationError(f"at deal={text}: expected four hands with | between them, got {len(seats)}", field="deal")
    hand["owner"] = core.UNKNOWN
    for seat, dominoes in enumerate(seats):
        if viewer not in (core.NOBODY, seat):
            if dominoes != "?":
                raise NotationError(
                    f"at deal={text}: expected ? for seat {seat} in a view of seat {viewer}, got {dominoes!r}",
                    field="deal",
                )
            continue
        words = _split(dominoes, ".")
        if len(words) != 7:
            raise NotationError(
                f"at deal={text}: expected seven dominoes for seat {seat}, got {len(words)}", field="deal"
            )
        before = sum(len(_split(other, ".")) for other in seats[:seat])
        for number, word in enumerate(words, start=before):
            domino = _parse_tile(word, "deal", number)
            if hand["owner"][domino] >= 0:
                raise NotationError(f"at deal={text}: {word} is dealt twice", field="deal", entry=number)
            hand["owner"][domino] = seat
            hand["held"][seat] |= np.uint32(1 << domino)


def _parse_contract(hand: np.void, text: str) -> None:
    parts = text.split(":")
    if len(parts) != 3:
        raise NotationError(f"at contract={text}: expected SEAT:BID:TRUMP such as 2:31:fives", field="contract")
    hand["bidder"] = _parse_number("contract", parts[0], 0, 3)
    bid = _parse_number("contract", parts[1], core.MIN_BID, core.MAX_MARKS_BID * tiles.HAND_POINTS)
    if bid > tiles.HAND_POINTS and bid % tiles.HAND_POINTS:
        raise NotationError(
            f"at contract={text}: expected a bid of 30..42 points or a multiple of 42, got {bid}",
            field="contract",
            entry=1,
        )
    hand["bid"] = bid
    try:
        core.declare(hand, int(Declaration.parse(parts[2])))
    except ValueError as error:
        raise NotationError(f"at contract={text}: {error}", field="contract", entry=2) from None


def _take(hand: np.void, field: str, number: int, word: str, phase: int) -> None:
    """Apply one action of the line, if it is legal there."""
    where = f"at {field}, entry {number + 1} ({word})"
    try:
        action = (
            _parse_tile(word, field, number) if phase == core.TRICKS else parse_action(word.replace("-mark", " mark"))
        )
    except ValueError as error:
        raise NotationError(f"{where}: {error}", field=field, entry=number) from None
    if hand["phase"] != phase:
        raise NotationError(
            f"{where}: the hand is not at this point; check the fields before it", field=field, entry=number
        )
    mover = int(hand["to_move"])
    unseen = phase == core.TRICKS and not hand["held"][mover]
    if unseen:  # a seat that the view cannot see: any domino that nobody was seen to hold
        allowed = [d for d in range(tiles.NUM_DOMINOES) if hand["owner"][d] == core.UNKNOWN]
    else:
        mask = int(core.legal_mask(hand))
        allowed = [a for a in range(core.NUM_ACTIONS) if mask >> a & 1]
    if action not in allowed:
        options = ", ".join(_tile(a) if phase == core.TRICKS else _word(a) for a in allowed)
        raise NotationError(
            f"{where}: not legal for seat {mover}; allowed: {options}{_why_not(hand, action)}",
            field=field,
            entry=number,
        )
    core.apply(hand, action)


def _why_not(hand: np.void, action: int) -> str:
    """Why the seat to move may not play a domino, as the end of a sentence; nothing for calls."""
    if action >= core.PASS:
        return ""
    if action in hand["plays"][: hand["num_plays"]]:
        return "; it was played before"
    owner = int(hand["owner"][action])
    if owner != hand["to_move"]:
        return f"; it was dealt to seat {owner}" if owner != core.UNKNOWN else ""
    led = int(hand["plays"][hand["num_plays"] - hand["num_plays"] % 4])
    return f"; it has to follow {_tile(led)}"


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if text else []


def _parse_number(field: str, text: str, low: int, high: int) -> int:
    number = text.isascii() and text.isdigit() and len(text) <= 4
    if not (number and low <= int(text) <= high):
        raise NotationError(f"at {field}=: expected a number {low}..{high}, got {text[:20]!r}", field=field)
    return int(text)


def _parse_tile(word: str, field: str, entry: int) -> int:
    if len(word) != 2 or any(pip not in "0123456" for pip in word):
        raise NotationError(
            f"at {field}=: expected a domino as two pips such as 64, got {word!r}", field=field, entry=entry
        )
    return tiles.domino_id(int(word[0]), int(word[1]))


def _tile(domino: int) -> str:
    return f"{tiles.HIGH[domino]}{tiles.LOW[domino]}"


def _word(call: int) -> str:
    return action_text(int(call)).replace(" ", "-")


def _format_seat(hand: np.void, seat: int) -> str:
    if hand["seat"] not in (core.NOBODY, seat):
        return "?"
    return ".".join(_tile(domino) for domino in reversed(range(tiles.NUM_DOMINOES)) if hand["owner"][domino] == seat)
