"""A hand as text. Pictures and the window are in :mod:`zeb42_env.picture`, which needs pygame."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.options import RENDER_FPS
from zeb42_env.rules import ScoringRule, action_text, domino_text, points_text
from zeb42_env.wording import TEAMS, contract_text, current_trick, finished_tricks, shown_hand, turn_text, winning_seat

WIDTH = 72
_SIDE = 14  # columns of the seats at the left and the right
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
        unicode = takes_unicode(getattr(sys.stdout, "encoding", None))
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


class Rendered:
    """How an environment of one table is rendered: of the ``hand`` that it says is at play.

    What pickle makes of it has no window until it shows one.
    """

    render_mode: str | None
    render_size: tuple[int, int]
    _window: Window | None = None

    def render(self) -> str | np.ndarray | None:
        """The table as every seat's hand lies: text, a picture (uint8 [height, width, 3]), or None and a window."""
        if self.render_mode is None:
            return None
        record = self.hand.record  # type: ignore[attr-defined]
        if self.render_mode == "ansi":
            return ansi(record)
        if self.render_mode == "rgb_array":
            return rgb_array(record, size=self.render_size)
        if self._window is None:
            self._window = Window(size=self.render_size, fps=RENDER_FPS)
        self._window.show(record)
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_window": None}


def takes_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can show domino tiles."""
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
    score = f"{TEAMS[0]}: {points_text(hand.points[0])}   {TEAMS[1]}: {points_text(hand.points[1])}"
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
        lines.append(f"trick {number}: seat {trick[0][0]} led  {played} seat {winner} took {points_text(points)}")
    return [*lines, turn_text(hand)]
