"""Dominoes and the table as SVG: strings for browsers, notebooks and pages on disk, without any dependency.

    svg.table(hand)          # the whole table; of a view, with the viewer at the bottom
    svg.hand_of(view)        # the dominoes of one seat alone
    svg.domino(25)           # one domino

Each is a picture of its own, with a title and a description for screen readers, and light or dark as the page is: its
colors are CSS variables (``--zeb42-felt`` and so on, see ``STYLE``), which a page may set to others. ``class_of`` marks
dominoes: a class of CSS for some of them, ``best``, ``played`` and ``dim`` being known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from zlib import crc32

import numpy as np

from zeb42_env import layout
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import goals
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.layout import BOARD, NAMES, PIP_STEP, PIPS, SEATS, STEPS, TILE, TRICK
from zeb42_env.rules import Declaration, Phase, action_text, bid_text, domino_text, points_text
from zeb42_env.wording import (
    TEAMS,
    contract_text,
    current_trick,
    finished_tricks,
    shown_hand,
    trump_text,
    turn_text,
    winning_seat,
)

SEAT_WORDS = ("seat 0", "seat 1", "seat 2", "seat 3")
_EM = 0.56  # width of a letter of the system's font, in its height
_CORNER = 236  # width of the top right corner
_TRUMP_WORDS = {Declaration.DOUBLES_SUIT: "doubles a suit, no trump"}
_CALLS = ((480, 500), (280, 360), (480, 222), (680, 360))  # where calls are shown during the auction


def _color(color: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)


_LIGHT = {
    "felt": layout.FELT,
    "felt-light": (44, 132, 98),
    "rim": (120, 78, 46),
    "rim-edge": (82, 52, 29),
    "ivory": layout.IVORY,
    "ivory-edge": layout.IVORY_EDGE,
    "pip": layout.PIP,
    "line": layout.LINE,
    "back": layout.BACK,
    "back-mark": layout.BACK_MARK,
    "gold": layout.GOLD,
    "text": layout.CREAM,
    "dim": layout.DIM,
    "shadow": layout.SHADOW,
    "best": (120, 220, 150),
    "played": (255, 138, 101),
}
_DARK = {
    "felt": (15, 58, 43),
    "felt-light": (24, 78, 58),
    "rim": (58, 38, 24),
    "rim-edge": (36, 23, 14),
    "ivory": (226, 221, 204),
    "ivory-edge": (150, 142, 120),
    "back": (62, 70, 104),
    "back-mark": (98, 110, 156),
}


def _variables(colors: Mapping[str, tuple[int, int, int]]) -> str:
    return "".join(f"--z-{name}:var(--zeb42-{name},{_color(color)});" for name, color in colors.items())


STYLE = f"""
.zeb42{{{_variables(_LIGHT)}font:600 24px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}}
@media(prefers-color-scheme:dark){{.zeb42{{{_variables(_DARK)}}}}}
.zeb42 text{{fill:var(--z-text)}}
.zeb42 .quiet{{fill:var(--z-dim);font-weight:500}}
.zeb42 .gold{{fill:var(--z-gold)}}
.zeb42 .face{{fill:var(--z-ivory);stroke:var(--z-ivory-edge);stroke-width:1.5}}
.zeb42 .trump .face{{stroke:var(--z-gold);stroke-width:3.5}}
.zeb42 .pips{{stroke:var(--z-pip);stroke-width:8.4;stroke-linecap:round;fill:none}}
.zeb42 .bar{{stroke:var(--z-line);stroke-width:1.8;stroke-linecap:round}}
.zeb42 .pin{{fill:var(--z-line)}}
.zeb42 .back{{fill:var(--z-back)}}
.zeb42 .mark{{fill:none;stroke:var(--z-back-mark);stroke-width:1.5}}
.zeb42 .cast{{fill:var(--z-shadow);opacity:.55}}
.zeb42 .halo{{fill:var(--z-gold)}}
.zeb42 .best>.halo{{fill:var(--z-best)}}
.zeb42 .played>.halo{{fill:var(--z-played)}}
.zeb42 .dim{{opacity:.5}}
.zeb42 .name{{fill:var(--z-shadow);opacity:.8}}
.zeb42 .turn{{fill:var(--z-gold)}}
.zeb42 .onturn{{fill:var(--z-pip)}}
"""
"""The CSS of the pictures. A page that holds many may have it once, and draw them with ``style=False``."""


def table(
    hand: Hand | np.void,
    *,
    seats: Sequence[str] = SEAT_WORDS,
    class_of: Mapping[int, str] | None = None,
    style: bool = True,
) -> str:
    """The table as an SVG picture, 960 x 720.

    Args:
        hand: a hand or a HAND record. Of a view the viewer sits at the bottom and other hands lie face down; what the
            viewer may not play when it is to move is dimmed. In the auction the calls lie before their seats.
        seats: what the four seats are called.
        class_of: the CSS class of some dominoes, by id.
        style: whether to bring :data:`STYLE`.
    """
    shown = hand if isinstance(hand, Hand) else Hand(hand)
    if len(seats) != tiles.NUM_SEATS:
        raise ValueError(f"expected the names of four seats, got {list(seats)}")
    viewer = max(int(shown.record["seat"]), 0)
    marked = _dimmed(shown) | dict(class_of or {})
    parts = [_felt(), *_score(shown, seats)]
    for place in range(tiles.NUM_SEATS):
        parts += _seat(shown, (viewer + place) % 4, place, seats, marked)
    parts += _calls(shown, viewer, seats) if shown.phase == Phase.AUCTION else _trick(shown, viewer, marked, seats)
    parts += _last_trick(shown, seats)
    return _picture(BOARD, parts, f"Texas 42: {named(turn_text(shown), seats)}", _described(shown, seats), style)


def hand_of(
    view: Hand | np.void,
    seat: int | None = None,
    *,
    class_of: Mapping[int, str] | None = None,
    style: bool = True,
) -> str:
    """The dominoes of one seat in a row, trumps first and edged in gold; by default the viewer's own, or seat 0's."""
    shown = view if isinstance(view, Hand) else Hand(view)
    seat = max(int(shown.record["seat"]), 0) if seat is None else seat
    held, classes = shown_hand(shown, seat), dict(class_of or {})
    step, trumps = STEPS[0][1], _trumps(shown)
    width = round(max(len(held), 1) * step + 12)
    parts = [
        _tile(domino, 6 + step * (number + 0.5), 54, trumps=trumps, classes=classes)
        for number, domino in enumerate(held)
    ]
    words = _list_of(held)
    return _picture((width, 110), parts, f"seat {seat} holds {words}", contract_text(shown), style)


def domino(domino: int | None, *, trump: bool = False, upright: bool = True, style: bool = True) -> str:
    """One domino, face down if None."""
    width, height = (TILE if upright else TILE[::-1])[0] + 8, (TILE if upright else TILE[::-1])[1] + 10
    trumps = 0 if domino is None or not trump else 1 << domino
    part = _tile(domino, width / 2, height / 2 - 1, upright=upright, trumps=trumps, classes={})
    title = "a domino face down" if domino is None else domino_text(domino)
    return _picture((width, height), [part], title, "", style)


def _picture(size: tuple[int, int], parts: Sequence[str], title: str, description: str, style: bool) -> str:
    """The whole file. What must be unique in a page is named after the content."""
    width, height = size
    body = "".join(parts)
    name = f"z{crc32((title + body).encode()):08x}"
    told = f'<desc id="{name}d">{escape(description)}</desc>' if description else ""
    labels = f"{name}t {name}d" if description else f"{name}t"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="zeb42" viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width:100%;height:auto" role="img" aria-labelledby="{labels}">'
        f'<title id="{name}t">{escape(title)}</title>{told}'
        + (f"<style>{STYLE}</style>" if style else "")
        + body.replace("FELT", name)
        + "</svg>"
    )


def _felt() -> str:
    """The empty table; FELT stands for a name that no other picture has."""
    return (
        '<defs><radialGradient id="FELT" cx=".5" cy=".46" r=".62"><stop style="stop-color:var(--z-felt-light)"/>'
        '<stop offset="1" style="stop-color:var(--z-felt)"/></radialGradient></defs>'
        '<rect x="3" y="3" width="954" height="714" rx="48" style="fill:var(--z-rim);stroke:var(--z-rim-edge)" '
        'stroke-width="6"/>'
        '<rect x="20" y="20" width="920" height="680" rx="34" fill="url(#FELT)" style="stroke:var(--z-rim-edge)" '
        'stroke-width="3"/>'
    )


def _score(hand: Hand, seats: Sequence[str]) -> list[str]:
    """Points at the top left, the contract at the top right."""
    with_marks = bool(hand.record["match"]) or any(hand.marks)
    parts = []
    for team in (0, 1):
        y = 58 + 30 * team
        pair = named(TEAMS[team], seats)
        told = f"  {_marks(hand.marks[team])}" if with_marks else ""
        size = _fitting(f"{pair}  {hand.points[team]}{told}", 19)
        marks = f'<tspan class="quiet" dx="12">{told.strip()}</tspan>' if told else ""
        figures = f'<tspan font-size="{size * 26 // 19}" dx="10">{hand.points[team]}</tspan>{marks}'
        words = f'<tspan class="quiet">{escape(pair)}</tspan>{figures}'
        parts.append(f'<text x="44" y="{y}" font-size="{size}">{words}</text>')
    if hand.bidder >= 0:
        bid = f"{seats[hand.bidder]} bid {bid_text(hand.bid)}"
        parts.append(_text(bid, 916, 58, size=_fitting(bid, 25), anchor="end"))
    if hand.declaration is not None:
        trump = _TRUMP_WORDS.get(hand.declaration) or trump_text(hand.declaration)
        parts.append(_text(trump, 916, 88, size=_fitting(trump, 21), anchor="end", kind="gold"))
    return parts


def _fitting(words: str, size: int) -> int:
    """The size of type, at most ``size``, in which ``words`` stay clear of the hand at the top."""
    return min(size, int(_CORNER / (len(words) * _EM)))


def _marks(marks: int) -> str:
    return f"{marks} mark" + ("s" if marks != 1 else "")


def _seat(hand: Hand, seat: int, place: int, seats: Sequence[str], classes: Mapping[int, str]) -> list[str]:
    """The dominoes and the name of a seat."""
    upright = place % 2 == 0
    held, trumps = shown_hand(hand, seat), _trumps(hand)
    x, y = SEATS[place]
    scale, step = STEPS[place % 2]
    parts = []
    for number, domino in enumerate(held):
        offset = (number - (len(held) - 1) / 2) * step
        at = (x + offset, y) if upright else (x, y + offset)
        parts.append(_tile(domino, *at, upright=upright, scale=scale, trumps=trumps, classes=classes))
    words = seats[seat]
    if seat == hand.bidder and hand.phase != Phase.AUCTION:
        words += f": {bid_text(hand.bid)}"
    elif seat == hand.shaker and hand.phase == Phase.AUCTION:
        words += " shook"
    moving = seat == hand.to_move
    pill = _pill(words, *NAMES[place], size=20, kind="turn" if moving else "name", text="onturn" if moving else "")
    return [*parts, pill]


def _calls(hand: Hand, viewer: int, seats: Sequence[str]) -> list[str]:
    """What was called, before the seat that called it."""
    parts = []
    for seat, action in hand.history:
        is_best = seat == hand.bidder and action != core.PASS
        x, y = _CALLS[(seat - viewer) % 4]
        kind, text = ("turn", "onturn") if is_best else ("name", "")
        parts.append(_pill(action_text(action), x, y, size=30, kind=kind, text=text))
    return [*parts, _text(named(turn_text(hand), seats), 480, 368, size=28, anchor="middle")]


def _trick(hand: Hand, viewer: int, classes: Mapping[int, str], seats: Sequence[str]) -> list[str]:
    """The trick under way, its winner so far edged in gold, or what is to be done."""
    trick, best, trumps = current_trick(hand), winning_seat(hand), _trumps(hand)
    if not trick:
        return [_text(named(turn_text(hand), seats), 480, 368, size=28, anchor="middle"), *_paid(hand, seats)]
    return [
        _tile(domino, *TRICK[(seat - viewer) % 4], trumps=trumps, classes={domino: "won"} if seat == best else classes)
        for seat, domino in trick
    ]


def _paid(hand: Hand, seats: Sequence[str]) -> list[str]:
    """Whom a finished hand pays in marks."""
    if not hand.is_over or hand.bidder < 0 or not goals.by_marks(hand.record["scoring"]):
        return []
    words = f"{_marks(int(abs(hand.score)))} to {TEAMS[0 if hand.score > 0 else 1]}"
    return [_text(named(words, seats), 480, 406, size=22, anchor="middle", kind="gold")]


def _last_trick(hand: Hand, seats: Sequence[str]) -> list[str]:
    """The last finished trick, small, at the bottom left."""
    tricks = finished_tricks(hand)
    if not tricks:
        return []
    trick, winner, points = tricks[-1]
    parts = [_text(f"trick {len(tricks)}: {seats[winner]} took {points}", 44, 606, size=18, kind="quiet")]
    for number, (seat, domino) in enumerate(trick):
        classes = {domino: "won"} if seat == winner else {}
        parts.append(_tile(domino, 62 + 36 * number, 652, scale=0.58, trumps=0, classes=classes))
    return parts


def _tile(
    domino: int | None,
    x: float,
    y: float,
    *,
    upright: bool = True,
    scale: float = 1.0,
    trumps: int,
    classes: Mapping[int, str],
) -> str:
    """A domino, face down if None, with its middle at (x, y); one that has a class has a halo."""
    width, height = TILE
    kind = "" if domino is None else classes.get(domino, "")
    turned = "" if upright else " rotate(-90)"
    sized = "" if scale == 1 else f" scale({scale})"
    where = f"translate({x:g} {y:g}){turned}{sized}"
    shift = (1.5, 3) if upright else (-3, 1.5)
    lower = _box(width, height, 7, "cast", *shift)
    if kind and kind != "dim":
        lower = _box(width + 12, height + 12, 12, "halo")
    if domino is None:
        return f'<g transform="{where}">{lower}{_box(width, height, 7, "back")}{_box(28, 66, 5, "mark")}</g>'
    words = " ".join(filter(None, [kind, "trump" if trumps >> domino & 1 else ""]))
    named = f' class="{words}"' if words else ""
    bar = f'<path class="bar" d="M{-0.36 * width:g} 0H{0.36 * width:g}"/><circle class="pin" r="2.6"/>'
    face = _box(width, height, 7, "face") + bar + _pips(domino)
    return f'<g{named} transform="{where}">{lower}{face}</g>'


def _pips(domino: int) -> str:
    """The pips of both halves: dots of one path, each a line of no length."""
    dots = []
    for pips, middle in ((int(tiles.HIGH[domino]), -TILE[1] / 4), (int(tiles.LOW[domino]), TILE[1] / 4)):
        dots += [f"M{across * PIP_STEP:g} {middle + along * PIP_STEP:g}h0" for across, along in PIPS[pips]]
    return f'<path class="pips" d="{"".join(dots)}"/>' if dots else ""


def _box(width: float, height: float, radius: float, kind: str, dx: float = 0, dy: float = 0) -> str:
    """A rectangle with round corners around (dx, dy)."""
    at = f'x="{dx - width / 2:g}" y="{dy - height / 2:g}"'
    return f'<rect class="{kind}" {at} width="{width:g}" height="{height:g}" rx="{radius:g}"/>'


def _text(words: str, x: float, y: float, *, size: int, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text{named} x="{x:g}" y="{y:g}" font-size="{size}"{placed}>{escape(words)}</text>'


def _pill(words: str, x: float, y: float, *, size: int, kind: str, text: str) -> str:
    """Words on a rounded ground around (x, y)."""
    width, height = len(words) * size * _EM + 1.5 * size, 1.5 * size
    x = min(max(x, 34 + width / 2), BOARD[0] - 34 - width / 2)
    ground = f'<rect class="{kind}" x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" '
    return f'{ground}rx="{height / 2:g}"/>' + _text(words, x, y + 0.35 * size, size=size, anchor="middle", kind=text)


def _trumps(hand: Hand) -> int:
    """The trumps, as bits; none before they are named."""
    return int(tiles.TRUMPS[hand.declaration]) if hand.declaration is not None else 0


def _dimmed(hand: Hand) -> dict[int, str]:
    """The dominoes of a viewer on turn that it may not play."""
    if hand.phase != Phase.TRICKS or hand.to_move != int(hand.record["seat"]):
        return {}
    legal = hand.legal_actions()
    return {domino: "dim" for domino in hand.holding(hand.to_move) if domino not in legal}


def _list_of(held: Sequence[int | None]) -> str:
    hidden = sum(domino is None for domino in held)
    known = [domino_text(domino) for domino in held if domino is not None]
    return ", ".join(known + ([f"{hidden} face down"] if hidden else [])) or "nothing"


def named(words: str, seats: Sequence[str]) -> str:
    """``words`` with the names of the seats instead of their numbers."""
    if tuple(seats) == SEAT_WORDS:
        return words
    for team in (0, 1):
        words = words.replace(TEAMS[team], " & ".join(seats[team::2]))
    for seat, name in enumerate(seats):
        words = words.replace(f"seat {seat}", name)
    return words


def _described(hand: Hand, seats: Sequence[str]) -> str:
    """All that the picture shows, for who cannot see it."""
    words = [contract_text(hand)]
    words += [f"{TEAMS[team]} have {points_text(hand.points[team])}" for team in (0, 1)]
    if hand.phase == Phase.AUCTION:
        words += [f"seat {seat} called {action_text(action)}" for seat, action in hand.history]
    words += [f"seat {seat} played {domino_text(domino)}" for seat, domino in current_trick(hand)]
    best = winning_seat(hand)
    if best >= 0:
        words.append(f"seat {best} is winning the trick")
    words += [f"seat {seat} holds {_list_of(shown_hand(hand, seat))}" for seat in range(4) if not hand.is_over]
    return named("; ".join(words), seats) + "."
