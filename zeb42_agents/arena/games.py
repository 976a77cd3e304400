"""What the arena keeps of a game: one GAME record for the rating, one JSON row for people and for later.

A *game* is what a protocol's result is about: a hand, or a match. Each is played at table 0 and, with the teams
swapped, at table 1; the two together are a mirrored deal.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from zeb42_agents.arena.protocols import MAX_DEALS, MAX_MATCH_HANDS
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env._core.record import MAX_MARKS_BID
from zeb42_env.notation import VERSION, rules_fields
from zeb42_env.rules import Declaration, action_text

NUM_TABLES = 2
ORIGIN_KEYS = ("protocol", "seed", "partners")  # of a row, and of the settings of the run that it was played in
MAX_TIME_MS = 1e12  # of a hand: some thirty years
MAX_MARGIN = MAX_MATCH_HANDS * MAX_MARKS_BID  # marks of a match, whatever its rules

GAME = np.dtype(
    [
        ("deal", np.int64),
        ("table", np.int8),
        ("teams", np.int16, (2,)),  # which agent sat at seats 0&2, which at 1&3
        ("result", np.float32),  # to seats 0&2: 1 won, 0.5 drawn, 0 lost
        ("margin", np.float32),  # points (of a match: marks) that seats 0&2 took more than 1&3
        ("bidder", np.int8),  # -1 nobody, or a match
        ("made", np.int8),  # 1 made, 0 set; -1 no contract, or a match
        ("forfeit", np.int8),  # team (0 or 1) that lost by an illegal action, a crash or its clock; -1 none
        ("time_ms", np.float64, (2,)),  # of all decisions of each team's agent; those of a partner do not count
        ("decisions", np.int32, (2,)),
    ]
)
"""One game at one table."""


@dataclass(frozen=True)
class Forfeit:
    """Why a hand ended before its time: which seat's agent could not go on."""

    seat: int
    why: str


@dataclass
class Played:
    """Hands that were played out at their tables, aligned by row."""

    hands: np.ndarray  # HAND [B], finished or forfeited
    points: np.ndarray  # int64 [B, 2], with what a forfeit leaves on the table given to the other team
    scores: np.ndarray  # float64 [B], to seats 0&2 in the unit of the hand's scoring
    made: np.ndarray  # int8 [B], 1 made, 0 set, -1 no contract
    time_ms: np.ndarray  # float64 [B, 2]
    decisions: np.ndarray  # int32 [B, 2]
    forfeits: dict[int, Forfeit]  # by row


def mirrored(games: np.ndarray) -> np.ndarray:
    """The complete mirrored deals of ``games``, as GAME [M, 2]: column t is table t; sorted by pair, then deal.

    The tables of a deal belong together if the teams changed seats between them. A game that is there twice counts
    once, and so does a deal that a merged run played with the tables the other way round; a deal with one table missing
    does not count.
    """
    teams = games["teams"].astype(np.int64)
    first = np.where(games["table"] == 0, teams[:, 0], teams[:, 1])  # who has seats 0&2 at table 0 of this deal
    keys = np.stack([teams.min(1), teams.max(1), games["deal"], first, games["table"]])  # [5, N]
    order = np.lexsort(keys[::-1])
    order = order[_changes(keys[:, order])]
    games, keys = games[order], keys[:4, order]
    whole = np.flatnonzero(~_changes(keys)) - 1  # the game after it is of the same deal, so at table 1
    deals = np.stack([games[whole], games[whole + 1]], 1)
    return deals[_changes(keys[:3, whole])]


def _changes(keys: np.ndarray) -> np.ndarray:
    """bool [N]: whether a column of ``keys`` [K, N] differs from the one before it; the first does."""
    changes = np.ones(keys.shape[1], np.bool_)
    changes[1:] = (keys[:, 1:] != keys[:, :-1]).any(0)
    return changes


DEAL_WIDTH = 3 * tiles.NUM_DOMINOES - 1  # characters: two a domino, one between two of them


def notations(hands: np.ndarray) -> list[str]:
    """The line of notation of each of ``hands`` [B]: what ``str(Hand(...))`` gives, some thirty times as fast.

    All hands must be full ones under the same rules, which is what a protocol deals.
    """
    if not len(hands):
        return []
    text = np.empty((len(hands), 2, DEAL_WIDTH), np.uint8)
    _write_dominoes(hands, text)
    characters = text.tobytes().decode("ascii")
    suffix = "".join(f" {key}={value}" for key, value in rules_fields(hands[0]).items())
    columns = ("shaker", "calls", "declaration", "bidder", "bid", "num_plays", "match", "marks")
    values = [np.ascontiguousarray(hands[name]).tolist() for name in columns]
    lines = []
    for b, (shaker, calls, declaration, bidder, bid, num_plays, match, marks) in enumerate(zip(*values, strict=True)):
        start = 2 * DEAL_WIDTH * b
        line = f"{VERSION} deal={characters[start : start + DEAL_WIDTH]} shaker={shaker}"
        if calls[0] >= 0:
            line += " calls=" + ",".join(_CALLS[call] for call in calls if call >= 0)
            if declaration >= 0:
                line += f" trump={_TRUMPS[declaration]}"
        elif declaration >= 0:
            line += f" contract={bidder}:{bid}:{_TRUMPS[declaration]}"
        if num_plays:
            start += DEAL_WIDTH
            line += f" plays={characters[start : start + 3 * num_plays - 1]}"
        line += suffix
        if match:
            line += f" marks={marks[0]}-{marks[1]} match=yes" if any(marks) else " match=yes"
        lines.append(line)
    return lines


_TRUMPS = [str(declaration) for declaration in Declaration]
_CALLS = {call: action_text(call).replace(" ", "-") for call in range(core.PASS, core.DECLARE)}
_ZERO, _POINT, _COMMA, _BAR = ord("0"), ord("."), ord(","), ord("|")


@njit(cache=True, nogil=True)
def _write_dominoes(hands: np.ndarray, text: np.ndarray) -> None:
    """Write the ``deal=`` and the ``plays=`` of full ``hands`` [B] into ``text`` (ASCII, uint8 [B, 2, DEAL_WIDTH])."""
    text[:] = _POINT
    for b in range(len(hands)):
        at = 0
        for seat in range(tiles.NUM_SEATS):
            for domino in range(tiles.NUM_DOMINOES - 1, -1, -1):
                if hands[b].owner[domino] == seat:
                    text[b, 0, at] = _ZERO + tiles.HIGH[domino]
                    text[b, 0, at + 1] = _ZERO + tiles.LOW[domino]
                    at += 3
            if at < DEAL_WIDTH:
                text[b, 0, at - 1] = _BAR
        for number in range(hands[b].num_plays):
            domino = hands[b].plays[number]
            text[b, 1, 3 * number] = _ZERO + tiles.HIGH[domino]
            text[b, 1, 3 * number + 1] = _ZERO + tiles.LOW[domino]
            if number & 3 == 0 and number:
                text[b, 1, 3 * number - 1] = _COMMA


def hand_rows(played: Played, games: np.ndarray, names: Sequence[str], hand_numbers: np.ndarray | None) -> list[str]:
    """One JSON row per hand: deal, table, teams, contract and plays (as notation), points, score, result and time.

    Args:
        played: the hands.
        games: GAME [B], aligned with them; a result of NaN says that the match goes on.
        names: the agents' names, by the numbers in ``games["teams"]``.
        hand_numbers: [B] which hand of its match each is; None outside matches.
    """
    quoted = [json.dumps(name) for name in names]
    teams, deals, tables, results = (
        np.ascontiguousarray(games[name]).tolist() for name in ("teams", "deal", "table", "result")
    )
    bidders = np.ascontiguousarray(played.hands["bidder"]).tolist()
    made, points, scores = played.made.tolist(), played.points.tolist(), played.scores.tolist()
    time_ms, decisions = played.time_ms.tolist(), played.decisions.tolist()
    rows = []
    for b, line in enumerate(notations(played.hands)):
        first, second = teams[b]
        row = f'{{"deal":{deals[b]},"table":{tables[b]},"teams":[{quoted[first]},{quoted[second]}],'
        if hand_numbers is not None:
            row += f'"hand_number":{hand_numbers[b]},"margin":{games["margin"][b]:g},'
        row += (
            f'"result":{"null" if results[b] != results[b] else f"{results[b]:g}"},'
            f'"points":[{points[b][0]},{points[b][1]}],"score":{scores[b]:g},"bidder":{bidders[b]},"made":{made[b]},'
            f'"ms":[{time_ms[b][0]:.4g},{time_ms[b][1]:.4g}],"decisions":[{decisions[b][0]},{decisions[b][1]}],'
            f'"hand":"{line}"'
        )
        if b in played.forfeits:
            row += ',"forfeit":' + json.dumps({"seat": played.forfeits[b].seat, "why": played.forfeits[b].why})
        rows.append(row + "}")
    return rows


def read_row(line: str, *, unit: str) -> dict[str, Any]:
    """The row of a hand, from its JSON line. ValueError if that is not a whole row of a run of this ``unit``."""
    try:
        row = json.loads(line)
    except RecursionError:
        row = None
    if not _is_whole(row, unit):
        raise ValueError(f"expected a row of a hand, got {line[:80]!r}")
    return row  # type: ignore[no-any-return]


def _is_whole(row: Any, unit: str) -> bool:
    match row:
        case {
            "deal": int(deal),
            "table": 0 | 1,
            "teams": [str(first), str(second)],
            "result": 0 | 0.5 | 1 | None as result,
            "points": [int(), int()] as points,
            "bidder": -1 | 0 | 1 | 2 | 3,
            "made": -1 | 0 | 1,
            "ms": [int() | float(), int() | float()] as time_ms,
            "decisions": [int(), int()] as decisions,
            "hand": str(),
        }:
            pass
        case _:
            return False
    within = [
        0 <= deal < MAX_DEALS,
        first != second,
        all(0 <= value <= tiles.HAND_POINTS for value in points),
        all(0 <= value < MAX_TIME_MS for value in time_ms),
        all(0 <= value < 2**31 for value in decisions),
    ]
    match row:
        case {"forfeit": {"seat": 0 | 1 | 2 | 3, "why": str()}}:
            pass
        case {"forfeit": _}:
            return False
    match row:
        case {"hand_number": int(hand_number), "margin": int() | float() as margin} if unit == "match":
            within += [0 <= hand_number < MAX_MATCH_HANDS, abs(margin) <= MAX_MARGIN]
        case _ if unit == "match" or result is None:
            return False
    return all(within)


def read_games(
    lines: Iterable[str], numbers: dict[str, int], *, unit: str, origin: dict[str, Any] | None = None
) -> tuple[np.ndarray, int]:
    """The games of JSON rows, as GAME [N], and how many lines were not whole rows and were passed over.

    ``numbers`` gives each agent's number by its name; ValueError for a row of an agent that is not there, or of another
    ``origin`` (:attr:`RunFolder.origin`) if it says so. A match that lacks one of its hands is no game.
    """
    games: list[tuple[Any, ...]] = []
    open_matches: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    num_broken = 0
    for line in lines:
        try:
            row = read_row(line, unit=unit)
        except ValueError:
            num_broken += 1
            continue
        require_own(row, numbers, origin)
        key = (row["deal"], row["table"], numbers[row["teams"][0]], numbers[row["teams"][1]])
        if unit != "match":
            games.append(_game_of_hand(key, row))
            continue
        hands = open_matches.setdefault(key, [])
        if row["hand_number"] == 0:
            hands.clear()  # of a match that was cut off and is played again
        if row["hand_number"] == len(hands):
            hands.append(row)
            if row["result"] is not None:
                games.append(_game_of_match(key, open_matches.pop(key)))
    return np.array(games, GAME), num_broken


def require_own(row: dict[str, Any], names: Collection[str], origin: dict[str, Any] | None) -> None:
    """ValueError if a row is of an agent that is not among ``names``, or was played under another ``origin``."""
    unknown = [name for name in row["teams"] if name not in names]
    if unknown:
        raise ValueError(
            f"expected rows of the agents of this run, got one of {unknown[0]!r}; allowed: {', '.join(names)}"
        )
    if origin and "seed" in row and any(row.get(key) != origin.get(key) for key in ORIGIN_KEYS):
        of, here = ({key: named.get(key) for key in ORIGIN_KEYS} for named in (row, origin))
        raise ValueError(f"expected rows of {here}, which this run plays, got one of {of}; was it copied here?")


def _game_of_hand(key: tuple[Any, ...], row: dict[str, Any]) -> tuple[Any, ...]:
    deal, table, first, second = key
    forfeit = row["forfeit"]["seat"] & 1 if "forfeit" in row else -1
    margin = row["points"][0] - row["points"][1]
    ms, decisions = tuple(row["ms"]), tuple(row["decisions"])
    return deal, table, (first, second), row["result"], margin, row["bidder"], row["made"], forfeit, ms, decisions


def _game_of_match(key: tuple[Any, ...], rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    deal, table, first, second = key
    forfeits = [row["forfeit"]["seat"] & 1 for row in rows if "forfeit" in row]
    forfeit = forfeits[0] if forfeits else -1
    ms = tuple(sum(row["ms"][team] for row in rows) for team in range(2))
    decisions = tuple(sum(row["decisions"][team] for row in rows) for team in range(2))
    last = rows[-1]
    return deal, table, (first, second), last["result"], last["margin"], -1, -1, forfeit, ms, decisions
