"""A hand as a picture: drawn dominoes around a table. Needs pygame, which only this module imports.

Everything is laid out on a board of 960 x 720 units, drawn at twice its final size and scaled down, so that edges are
smooth at any size and no image file is needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled

try:
    import pygame
except ImportError as error:
    raise DependencyNotInstalled("pygame is not installed, run `pip install 'zeb42[render]'`") from error

from zeb42_env._core import dominoes as tiles
from zeb42_env.hand import Hand
from zeb42_env.layout import (
    BACK,
    BACK_EDGE,
    BACK_MARK,
    BOARD,
    CREAM,
    DIM,
    FELT,
    FELT_LIGHT,
    GOLD,
    IVORY,
    IVORY_EDGE,
    LINE,
    NAMES,
    PIP,
    PIP_RADIUS,
    PIP_STEP,
    PIPS,
    RIM,
    RIM_EDGE,
    SEATS,
    SHADOW,
    STEPS,
    TILE,
    TRICK,
)
from zeb42_env.rules import Phase, action_text, bid_text
from zeb42_env.wording import (
    current_trick,
    finished_tricks,
    result_text,
    shown_hand,
    trump_text,
    turn_text,
    winning_seat,
)

OVERSAMPLING = 2


class Painter:
    """Draws in board units onto a surface of any size."""

    def __init__(self, width: int, height: int) -> None:
        self.surface = pygame.Surface((width, height), 0, 32)
        self.scale = min(width / BOARD[0], height / BOARD[1])
        self.left = (width - BOARD[0] * self.scale) / 2
        self.top = (height - BOARD[1] * self.scale) / 2

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Board units to pixels."""
        return round(self.left + x * self.scale), round(self.top + y * self.scale)

    def size(self, units: float) -> int:
        """A length in pixels, at least 1."""
        return max(1, round(units * self.scale))

    def box(self, x: float, y: float, width: float, height: float, colour: Any, *, radius: float, edge: Any = None):  # type: ignore[no-untyped-def]
        """A filled rectangle with round corners around (x, y), with an edge if it has a colour."""
        left, top = self.place(x - width / 2, y - height / 2)
        rectangle = pygame.Rect(left, top, self.size(width), self.size(height))
        pygame.draw.rect(self.surface, colour, rectangle, border_radius=self.size(radius))
        if edge is not None:
            pygame.draw.rect(self.surface, edge, rectangle, max(1, self.size(1.5)), border_radius=self.size(radius))

    def text(
        self, words: str, x: float, y: float, *, height: float, colour: Any = CREAM, anchor: str = "centre"
    ) -> float:
        """One line of words with its middle, left end or right end at (x, y); returns its width in units."""
        drawn = _font(self.size(height)).render(words, True, colour)
        centre_x, centre_y = self.place(x, y)
        shift = {"centre": drawn.get_width() // 2, "left": 0, "right": drawn.get_width()}[anchor]
        self.surface.blit(drawn, (centre_x - shift, centre_y - drawn.get_height() // 2))
        return drawn.get_width() / self.scale

    def domino(
        self,
        domino: int | None,
        x: float,
        y: float,
        *,
        upright: bool,
        scale: float = 1.0,
        halo: Any = None,
        trump: bool = False,
    ) -> None:
        """A domino, face down if None, around (x, y)."""
        width, height = TILE[0] * scale, TILE[1] * scale
        if not upright:
            width, height = height, width
        if halo is not None:
            self.box(x, y, width + 12 * scale, height + 12 * scale, halo, radius=11 * scale)
        else:
            self.box(x + 1.5, y + 3, width, height, SHADOW, radius=7 * scale)
        if domino is None:
            self.box(x, y, width, height, BACK, radius=7 * scale, edge=BACK_EDGE)
            self.box(x, y, width * 0.66, height * 0.72, BACK, radius=5 * scale, edge=BACK_MARK)
            return
        self.box(x, y, width, height, IVORY, radius=7 * scale, edge=GOLD if trump else IVORY_EDGE)
        if trump:
            self.box(x, y, width - 3 * scale, height - 3 * scale, IVORY, radius=6 * scale, edge=GOLD)
        quarter = TILE[1] * scale / 4
        for pips, side in ((int(tiles.HIGH[domino]), -1), (int(tiles.LOW[domino]), 1)):
            centre = (x, y + side * quarter) if upright else (x + side * quarter, y)
            self.pips(pips, *centre, upright=upright, scale=scale)
        across = 0.36 * TILE[0] * scale
        ends = ((x - across, y), (x + across, y)) if upright else ((x, y - across), (x, y + across))
        pygame.draw.line(self.surface, LINE, self.place(*ends[0]), self.place(*ends[1]), self.size(1.6 * scale))

    def pips(self, number: int, x: float, y: float, *, upright: bool, scale: float) -> None:
        """The pips of half a domino around (x, y)."""
        step = PIP_STEP * scale
        for across, along in PIPS[number]:
            dx, dy = (across * step, along * step) if upright else (along * step, across * step)
            pygame.draw.circle(self.surface, PIP, self.place(x + dx, y + dy), self.size(PIP_RADIUS * scale))


def rgb_array(record: np.void, size: tuple[int, int]) -> np.ndarray:
    """The table as a picture of ``size`` (width, height): uint8 [height, width, 3]."""
    pixels = pygame.surfarray.array3d(draw(record, size))
    return np.ascontiguousarray(pixels.swapaxes(0, 1))


def draw(record: np.void, size: tuple[int, int]) -> pygame.Surface:
    """The table drawn on a surface of ``size`` (width, height); of a view, with the viewer at the bottom."""
    width, height = (int(length) for length in size)
    if min(width, height) < 64:
        raise ValueError(f"expected a picture of at least 64 x 64 pixels, got {width} x {height}")
    painter = Painter(width * OVERSAMPLING, height * OVERSAMPLING)
    hand = Hand(record)
    viewer = max(int(record["seat"]), 0)
    painter.surface.blit(_table(width * OVERSAMPLING, height * OVERSAMPLING), (0, 0))
    _draw_score(painter, hand)
    for place in range(4):
        _draw_seat(painter, hand, (viewer + place) % 4, place)
    _draw_trick(painter, hand, viewer)
    _draw_last_trick(painter, hand)
    return pygame.transform.smoothscale(painter.surface, (width, height))


def open_window(size: tuple[int, int]) -> pygame.Surface:
    """A window of ``size`` (width, height)."""
    pygame.display.init()
    pygame.display.set_caption("Texas 42")
    return pygame.display.set_mode(size)


def show(window: pygame.Surface, record: np.void, fps: int) -> None:
    """Draw ``record`` in the window, and wait so that there are at most ``fps`` drawings a second."""
    window.blit(draw(record, window.get_size()), (0, 0))
    pygame.event.pump()
    pygame.display.flip()
    _clock().tick(fps)


def close_window() -> None:
    """Close the window."""
    pygame.display.quit()


@lru_cache(maxsize=1)
def _clock() -> pygame.time.Clock:
    return pygame.time.Clock()


@lru_cache(maxsize=64)
def _font(height: int) -> pygame.font.Font:
    pygame.font.init()
    return pygame.font.Font(None, height)


@lru_cache(maxsize=8)
def _table(width: int, height: int) -> pygame.Surface:
    """The empty table; not to be drawn on."""
    painter = Painter(width, height)
    painter.surface.fill(RIM_EDGE)
    painter.box(480, 360, 952, 712, RIM, radius=46, edge=RIM_EDGE)
    painter.box(480, 360, 920, 680, FELT, radius=34, edge=RIM_EDGE)
    num_rings = 3 * max(b - a for a, b in zip(FELT, FELT_LIGHT, strict=True))
    for ring in range(num_rings):  # light falls on the middle, too gradually for the rings to show
        share = ring / num_rings
        colour = tuple(round(a + (b - a) * share) for a, b in zip(FELT, FELT_LIGHT, strict=True))
        reach = 1 - share
        painter.box(480, 360, 100 + 800 * reach, 80 + 580 * reach, colour, radius=40 + 290 * reach)
    return painter.surface


def _draw_score(painter: Painter, hand: Hand) -> None:
    """Points at the top left, the contract at the top right."""
    painter.text("seats 0 & 2", 44, 46, height=24, colour=DIM, anchor="left")
    painter.text("seats 1 & 3", 44, 74, height=24, colour=DIM, anchor="left")
    for team in (0, 1):
        marks = f"   {hand.marks[team]} marks" if hand.record["match"] or any(hand.marks) else ""
        painter.text(f"{hand.points[team]}{marks}", 148, 46 + 28 * team, height=30, anchor="left")
    if hand.bidder >= 0:
        painter.text(f"seat {hand.bidder} bid {bid_text(hand.bid)}", 916, 46, height=30, anchor="right")
        if hand.phase != Phase.AUCTION:
            painter.text(trump_text(hand.declaration), 916, 74, height=24, colour=GOLD, anchor="right")


def _draw_seat(painter: Painter, hand: Hand, seat: int, place: int) -> None:
    upright = place % 2 == 0
    held = shown_hand(hand, seat)
    trumps = int(tiles.TRUMPS[hand.declaration]) if hand.declaration is not None else 0
    x, y = SEATS[place]
    scale, step = STEPS[place % 2]
    for number, domino in enumerate(held):
        offset = (number - (len(held) - 1) / 2) * step
        trump = domino is not None and bool(trumps >> domino & 1)
        where = (x + offset, y) if upright else (x, y + offset)
        painter.domino(domino, *where, upright=upright, scale=scale, trump=trump)
    _draw_name(painter, hand, seat, place)


def _draw_name(painter: Painter, hand: Hand, seat: int, place: int) -> None:
    x, y = NAMES[place]
    moving = seat == hand.to_move
    words = f"seat {seat}"
    if hand.phase == Phase.AUCTION:
        called = [action for caller, action in hand.history if caller == seat]
        words += f": {action_text(called[0])}" if called else ""
    elif seat == hand.bidder:
        words += f": {bid_text(hand.bid)}"
    width = _font(painter.size(25)).size(words)[0] / painter.scale
    painter.box(x, y, width + 30, 30, GOLD if moving else SHADOW, radius=15)
    painter.text(words, x, y + 1, height=25, colour=PIP if moving else CREAM)


def _draw_trick(painter: Painter, hand: Hand, viewer: int) -> None:
    best = winning_seat(hand)
    for seat, domino in current_trick(hand):
        x, y = TRICK[(seat - viewer) % 4]
        painter.domino(domino, x, y, upright=True, halo=GOLD if seat == best else None)
    if not current_trick(hand):
        words = turn_text(hand) if not hand.is_over else result_text(hand)
        painter.text(words, 480, 360, height=32)


def _draw_last_trick(painter: Painter, hand: Hand) -> None:
    """The last finished trick, small, at the bottom left."""
    tricks = finished_tricks(hand)
    if not tricks:
        return
    trick, winner, points = tricks[-1]
    painter.text(f"trick {len(tricks)}: seat {winner} took {points}", 44, 616, height=22, colour=DIM, anchor="left")
    for number, (seat, domino) in enumerate(trick):
        halo = GOLD if seat == winner else None
        painter.domino(domino, 62 + 36 * number, 656, upright=True, scale=0.58, halo=halo)
