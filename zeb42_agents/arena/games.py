"""What the arena keeps of a game: one GAME record for the rating, one JSON row for people and for later.

A *game* is what a protocol's result is about: a hand, or a match. Each is played at table 0 and, with the teams
swapped, at table 1; the two together are a mirrored deal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numba import njit

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.notation import VERSION
from zeb42_env.rules import Declaration, ScoringRule, action_text

NUM_TABLES = 2

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
        ("time_ms", np.float64, (2,)),  # of all decisions of each team
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

    A game that is there twice counts once, and a deal with one table missing not at all.
    """
    low, high = games["teams"].min(1).astype(np.int64), games["teams"].max(1).astype(np.int64)
    order = np.lexsort((games["table"], games["deal"], high, low))
    games, low, high = games[order], low[order], high[order]
    same = np.zeros(len(games), bool)
    same[1:] = (
        (low[1:] == low[:-1])
        & (high[1:] == high[:-1])
        & (games["deal"][1:] == games["deal"][:-1])
        & (games["table"][1:] == games["table"][:-1])
    )
    games, low, high = games[~same], low[~same], high[~same]
    first = np.flatnonzero(
        (games["table"][:-1] == 0)
        & (games["table"][1:] == 1)
        & (games["deal"][:-1] == games["deal"][1:])
        & (low[:-1] == low[1:])
        & (high[:-1] == high[1:])
    )
    return np.stack([games[first], games[first + 1]], 1) if len(first) else np.empty((0, NUM_TABLES), GAME)


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
    scoring = get_args(ScoringRule)[hands[0]["scoring"]]
    suffix = "" if scoring == "marks" else f" scoring={scoring}"
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
    """One JSON row a hand: deal, table, teams, contract and plays (as notation), points, score, result and time.

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


def read_games(lines: Iterable[str], numbers: dict[str, int], *, unit: str) -> tuple[np.ndarray, int]:
    """The games of JSON rows, as GAME [N], and how many lines were not whole rows and were passed over.

    ``numbers`` gives each agent's number by its name; ValueError for a row of an agent that is not there.
    """
    games: list[tuple[Any, ...]] = []
    open_matches: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = {}
    num_broken = 0
    for line in lines:
        try:
            row = json.loads(line)
            key = (row["deal"], row["table"], numbers[row["teams"][0]], numbers[row["teams"][1]])
            result = row["result"]
            if unit == "match":
                hands = open_matches.setdefault(key, {})
                hands[row["hand_number"]] = row
                if result is not None:
                    games.append(_game_of_match(key, [hands[number] for number in range(len(hands))]))
                    del open_matches[key]
            else:
                games.append(_game_of_hand(key, row))
        except KeyError as error:
            if error.args[0] in ("deal", "table", "teams", "result", "hand", "points", "hand_number"):
                num_broken += 1
                continue
            raise ValueError(
                f"expected rows of the agents of this run, got {error}; allowed: {', '.join(numbers)}"
            ) from None
        except (ValueError, TypeError, IndexError):
            num_broken += 1
    return np.array(games, GAME), num_broken


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
