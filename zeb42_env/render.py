"""A hand as text. Pictures and the window are in :mod:`zeb42_env.picture`, which needs pygame."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase, ScoringRule, action_text, bid_text, domino_text

WIDTH = 72
_SIDE = 14  # columns of the seats at the left and the right
_TEAMS = ("seats 0 & 2", "seats 1 & 3")
_SCORINGS = {
    "marks": "marks",
    "contract": "the contract",
    "majority": "the majority",
    "points": "points",
}


def ansi(record: np.void, *, unicode: bool | None = None) -> str:
    """The table as text, ``WIDTH`` columns wide.

    Args:
        record: a HAND record. Of a view the viewer sits at the bottom and other hands lie face down.
        unicode: whether to draw domino tiles and arrows; by default if stdout can take them.
    """
    if unicode is None:
        unicode = _takes_unicode(getattr(sys.stdout, "encoding", None))
    hand = Hand(record)
    table = [] if hand.is_over else [*_table(hand, unicode), ""]
    lines = [*_heading(hand), "", *table, *_footing(hand)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def rgb_array(record: np.void, *, size: tuple[int, int] = (960, 720)) -> np.ndarray:
    """The table as a picture of ``size`` (width, height): uint8 [height, width, 3]. Needs pygame."""
    from zeb42_env import picture

    return picture.rgb_array(record, size)


class Window:
    """A window that shows the table. Needs pygame."""

    def __init__(self, *, size: tuple[int, int] = (960, 720), fps: int = 2) -> None:
        self._size, self._fps = size, fps
        self._window: Any = None

    def show(self, record: np.void) -> None:
        """Draw ``record``, opening the window first if it is not open."""
        from zeb42_env import picture

        if self._window is None:
            self._window = picture.open_window(self._size)
        picture.show(self._window, record, self._fps)

    def close(self) -> None:
        """Close the window."""
        from zeb42_env import picture

        if self._window is not None:
            picture.close_window()
            self._window = None


def contract_text(hand: Hand) -> str:
    """The contract in words: ``seat 1 bid 31, fives are trump``."""
    if hand.bidder < 0:
        return "nobody has bid yet" if hand.phase == Phase.AUCTION else "nobody bid"
    bid = f"seat {hand.bidder} bid {bid_text(hand.bid)}"
    if hand.phase == Phase.AUCTION:
        return bid + " so far"
    return f"{bid}, {trump_text(hand.declaration)}"


def trump_text(declaration: Declaration | None) -> str:
    """What is trump in words: ``fives are trump``, ``no trump: follow me``."""
    if declaration is None:
        return "trump is still to be declared"
    if declaration == Declaration.NO_TRUMP:
        return "no trump: follow me"
    if declaration == Declaration.DOUBLES_SUIT:
        return "doubles are a suit of their own, no trump"
    return f"{declaration} are trump"


def result_text(hand: Hand) -> str:
    """How a finished hand came out: ``made: seats 1 & 3 took 33 of the 31 they bid``."""
    if hand.bidder < 0:
        return "thrown in: nobody bid"
    offense = hand.bidder & 1
    word = "made" if hand.made else "set"
    return f"{word}: {_TEAMS[offense]} bid {bid_text(hand.bid)} and took {hand.points[offense]} points"


def turn_text(hand: Hand) -> str:
    """Whose turn it is, and for what."""
    doing = {Phase.AUCTION: "to call", Phase.DECLARATION: "to declare trump"}
    if hand.is_over:
        return result_text(hand)
    lead = "to lead" if hand.record["num_plays"] % 4 == 0 else "to play"
    return f"seat {hand.to_move} {doing.get(hand.phase, lead)}"


def current_trick(hand: Hand) -> list[tuple[int, int]]:
    """The (seat, domino) pairs of the trick under way, in order; empty between tricks."""
    plays = [(seat, action) for seat, action in hand.history if action < core.PASS]
    return plays[len(plays) - len(plays) % 4 :]


def finished_tricks(hand: Hand) -> list[tuple[list[tuple[int, int]], int, int]]:
    """The tricks taken so far: their (seat, domino) pairs in order, the winner and the points."""
    plays = [(seat, action) for seat, action in hand.history if action < core.PASS]
    record, tricks = hand.record, []
    for first in range(0, len(plays) - len(plays) % 4, 4):
        trick = plays[first : first + 4]
        winner = trick[core.trick_winner(record, first)][0]
        tricks.append((trick, winner, 1 + int(sum(tiles.COUNT[domino] for _, domino in trick))))
    return tricks


def winning_seat(hand: Hand) -> int:
    """The seat that is winning the trick under way; -1 between tricks."""
    trick = current_trick(hand)
    if not trick:
        return core.NOBODY
    record = hand.record
    return trick[core.trick_winner(record, int(record["num_plays"]) - len(trick))][0]


def shown_hand(hand: Hand, seat: int) -> list[int | None]:
    """What ``seat`` still holds, trumps first and then by suit; None for each domino that lies face down."""
    record = hand.record
    viewer = int(record["seat"])
    played = sum(record["owner"][d] == seat for d in record["plays"][: record["num_plays"]])
    if viewer not in (core.NOBODY, seat):
        return [None] * (7 - int(played))
    trumps = int(tiles.TRUMPS[hand.declaration]) if hand.declaration is not None else 0
    held = sorted(hand.holding(seat), key=lambda d: (not trumps >> d & 1, -int(tiles.HIGH[d]), -int(tiles.LOW[d])))
    return list(held)


def _takes_unicode(encoding: str | None) -> bool:
    try:
        _tile(27, True).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _tile(domino: int | None, unicode: bool) -> str:
    """A domino in five columns: its tile and its pips, or its pips in brackets."""
    if domino is None:
        return "\U0001f030 ?-?" if unicode else "[?|?]"
    high, low = int(tiles.HIGH[domino]), int(tiles.LOW[domino])
    return f"{chr(0x1F031 + 7 * high + low)} {high}-{low}" if unicode else f"[{high}|{low}]"


def _heading(hand: Hand) -> list[str]:
    scoring = _SCORINGS[ScoringRule.__args__[int(hand.record["scoring"])]]  # type: ignore[attr-defined]
    score = f"{_TEAMS[0]}: {hand.points[0]} points   {_TEAMS[1]}: {hand.points[1]} points"
    if hand.record["match"] or any(hand.marks):
        score += f"   marks {hand.marks[0]}-{hand.marks[1]}"
    return [f"{contract_text(hand)}; played for {scoring}", score]


def _table(hand: Hand, unicode: bool) -> list[str]:
    viewer = max(int(hand.record["seat"]), 0)
    bottom, left, top, right = ((viewer + place) % 4 for place in range(4))
    trick, best = dict(current_trick(hand)), winning_seat(hand)
    centre = {seat: _tile(domino, unicode) + ("*" if seat == best else "") for seat, domino in trick.items()}
    columns = [[_name(hand, seat, unicode), *_tiles(hand, seat, unicode)] for seat in (left, right)]
    middle = {2: centre.get(top, ""), 6: centre.get(bottom, "")}
    across = f"{centre.get(left, ''):<7}{'':7}{centre.get(right, ''):>7}"
    lines = [f"{_name(hand, top, unicode):^{WIDTH}}", f"{'  '.join(_tiles(hand, top, unicode)):^{WIDTH}}"]
    for row in range(8):
        sides = [column[row] if row < len(column) else "" for column in columns]
        inner = across if row == 4 else middle.get(row, "")
        lines.append(f"{sides[0]:<{_SIDE}}{inner:^{WIDTH - 2 * _SIDE}}{sides[1]:>{_SIDE}}")
    lines.append(f"{'  '.join(_tiles(hand, bottom, unicode)):^{WIDTH}}")
    lines.append(f"{_name(hand, bottom, unicode):^{WIDTH}}")
    return lines


def _tiles(hand: Hand, seat: int, unicode: bool) -> list[str]:
    return [_tile(domino, unicode) for domino in shown_hand(hand, seat)]


def _name(hand: Hand, seat: int, unicode: bool) -> str:
    arrow = ("▶ " if unicode else "> ") if seat == hand.to_move else ""
    return f"{arrow}seat {seat}" + (" (bid)" if seat == hand.bidder else "")


def _footing(hand: Hand) -> list[str]:
    lines = []
    calls = [(seat, action) for seat, action in hand.history if core.PASS <= action < core.DECLARE]
    if calls:
        lines.append("calls: " + ", ".join(f"seat {seat} {action_text(action)}" for seat, action in calls))
    for number, (trick, winner, points) in enumerate(finished_tricks(hand), 1):
        played = "  ".join(domino_text(domino) + ("*" if seat == winner else " ") for seat, domino in trick)
        plural = "point" if points == 1 else "points"
        lines.append(f"trick {number}: seat {trick[0][0]} led  {played} seat {winner} took {points} {plural}")
    return [*lines, turn_text(hand)]
