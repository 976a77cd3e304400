"""One deal of a run, explained: both tables side by side, with the exact solver's verdict on each play.

The verdict looks at all four hands, which no player could: a play that gave points away here may have been the right
one to make. What it shows is where the two tables parted, and which plays decided them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from zeb42_agents import solver
from zeb42_agents.arena.folder import RunFolder, public_seed
from zeb42_agents.arena.games import read_row, require_own
from zeb42_agents.arena.text import plain
from zeb42_env import Hand, action_text, domino_text
from zeb42_env._core import record as core
from zeb42_env.rules import bid_text
from zeb42_env.wording import bid_counts

PLAYS_PER_TRICK = 4
TURNING_POINTS = 3  # plays that gave most away, named under the table
MANY_POINTS = 5  # from here on a verdict is red
CELL = 14  # characters for a play and its verdict


def deal_report(
    folder: RunFolder, deal: int, *, pair: Sequence[str] | None = None, hand_number: int = 0
) -> RenderableType:
    """Both tables of ``deal``, trick by trick.

    Args:
        folder: the run.
        deal: which mirrored deal.
        pair: the two agents; None for the first pair that played it.
        hand_number: of a match, which hand.

    ValueError if the run does not have both tables of it.
    """
    tables = find_tables(folder, deal, pair, hand_number)
    hands = [hand_of(row) for row in tables]
    parts: list[RenderableType] = [Text(plain(line)) for line in _deal_lines(deal, hands[0], hand_number, folder)]
    verdicts = [solver.analyse(hand) if hand.declaration is not None else [] for hand in hands]
    parts.append(_play_table(tables, hands, verdicts))
    for row, plays in zip(tables, verdicts, strict=True):
        parts += [Text(plain(line)) for line in _verdict_lines(row, plays)]
    parted = _parting(hands)
    if parted is not None:
        parts.append(Text(f"The tables part at {parted}."))
    worst = max((play.given_away for plays in verdicts for play in plays), default=0)
    if worst:
        points = "1 point" if worst == 1 else f"{worst} points"
        parts.append(Text(f"(-{worst}): that play gave away {points}, as the solver sees it with all hands open."))
    return Group(*parts)


def hand_of(row: dict[str, Any]) -> Hand:
    """The whole hand of a row. ValueError if it is not one."""
    hand = Hand.parse(row["hand"])
    if hand.record["seat"] != core.NOBODY:
        raise ValueError(f"expected a whole hand in the row of deal {row['deal']}, got the view {plain(str(hand))}")
    return hand


def find_tables(folder: RunFolder, deal: int, pair: Sequence[str] | None, hand_number: int) -> list[dict[str, Any]]:
    """The rows of tables 0 and 1 of ``deal``, arguments and errors as for :func:`deal_report`."""
    for name in pair or ():
        if name not in folder.names:
            raise ValueError(f"expected agents of the run, got {name!r}; allowed: {', '.join(folder.names)}")
    for tables in _by_deal_and_pair(_rows_of(folder, deal), pair, hand_number).values():
        if len(tables) == 2:
            return [tables[0], tables[1]]
    every = _by_deal_and_pair(_rows_of(folder), pair, hand_number)
    between = f" between {pair[0]} and {pair[1]}" if pair else ""
    raise ValueError(
        f"expected a deal that this run has at both tables, got deal {deal}{between}, hand {hand_number}; "
        f"allowed: {_in_words(sorted({deal for (deal, *_), tables in every.items() if len(tables) == 2}))}"
    )


def _by_deal_and_pair(
    rows: Iterable[dict[str, Any]], pair: Sequence[str] | None, hand_number: int
) -> dict[tuple[Any, ...], dict[int, dict[str, Any]]]:
    """The rows of this pair and hand number by table, under their deal and who has seats 0&2, then 1&3, at table 0."""
    found: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = {}
    for row in rows:
        if row.get("hand_number", 0) == hand_number and (pair is None or set(pair) == set(row["teams"])):
            turn = 1 if row["table"] == 0 else -1
            found.setdefault((row["deal"], *row["teams"][::turn]), {})[row["table"]] = row
    return found


def _in_words(deals: list[int]) -> str:
    if not deals:
        return "none yet"
    gaps = deals[-1] - deals[0] + 1 - len(deals)
    return f"{deals[0]} to {deals[-1]}" + (f", less {gaps} in between" if gaps else "")


def _rows_of(folder: RunFolder, deal: int | None = None) -> Iterator[dict[str, Any]]:
    """The whole rows of ``deal``, or of every deal; only lines that mention it are read, which takes far longer."""
    mentions = re.compile(r'"deal"\s*:' if deal is None else rf'"deal"\s*:\s*{deal}\b')
    for line in folder.lines():
        if mentions.search(line):
            try:
                row = read_row(line, unit=folder.protocol.unit)
            except ValueError:
                continue  # cut off in the middle
            if deal in (None, row["deal"]):
                require_own(row, folder.names, folder.origin)
                yield row


def _deal_lines(deal: int, hand: Hand, hand_number: int, folder: RunFolder) -> list[str]:
    of_match = f", hand {hand_number}" if folder.protocol.unit == "match" else ""
    seed = public_seed(folder.settings)
    lines = [f"Deal {deal}{of_match} of {folder.path} (protocol {folder.protocol.name}, seed {seed})"]
    owners = hand.record["owner"]
    for seat in range(4):
        dealt = "  ".join(domino_text(domino) for domino in reversed(range(28)) if owners[domino] == seat)
        lines.append(f"  seat {seat}  {dealt}")
    return lines


def _contract(hand: Hand) -> str:
    if hand.declaration is None:
        return "no contract"
    return f"seat {hand.bidder} bids {bid_text(hand.bid)}, {hand.declaration}"


def _play_table(tables: list[dict[str, Any]], hands: list[Hand], verdicts: list[list[solver.PlayValue]]) -> Table:
    table = Table(title="", show_lines=False)
    table.add_column("trick", justify="right")
    for number, (row, hand) in enumerate(zip(tables, hands, strict=True)):
        head = plain(f"table {number}: {row['teams'][0]} (0&2) – {row['teams'][1]} (1&3)")
        table.add_column(Text(f"{head}\n{_contract(hand)}"))
        table.add_column("0&2 – 1&3", justify="right")
    calls = [_calls_text(hand) for hand in hands]
    if any(calls):
        table.add_row("calls", calls[0], "", calls[1], "")
    lines = [_trick_lines(hand, plays) for hand, plays in zip(hands, verdicts, strict=True)]
    for trick in range(max(map(len, lines), default=0)):
        cells = [own[trick] if trick < len(own) else (Text(""), "") for own in lines]
        table.add_row(str(trick + 1), cells[0][0], cells[0][1], cells[1][0], cells[1][1])
    return table


def _calls_text(hand: Hand) -> str:
    calls = [(seat, action) for seat, action in hand.history if action >= core.PASS]
    return "  ".join(f"{seat}: {action_text(action)}" for seat, action in calls)


def _trick_lines(hand: Hand, plays: list[solver.PlayValue]) -> list[tuple[Text, str]]:
    """For each trick the plays with their verdicts, and the points after it."""
    record = hand.record
    core.rewind(record, len(hand.history) - len(plays))
    replay = Hand(record)
    lines = []
    for first in range(0, len(plays), PLAYS_PER_TRICK):
        words = Text()
        for play in plays[first : first + PLAYS_PER_TRICK]:
            replay.apply(play.domino)
            lost = play.given_away
            word = f"{play.seat}: {domino_text(play.domino)}" + (f" (-{lost})" if lost else "")
            words.append(f"{word:<{CELL}}", style="bold red" if lost >= MANY_POINTS else "yellow" if lost else "")
        lines.append((words, f"{replay.points[0]} – {replay.points[1]}"))
    return lines


def _verdict_lines(row: dict[str, Any], plays: list[solver.PlayValue]) -> list[str]:
    """Who won the table, what each side gave away, and which plays did."""
    teams, points, result = row["teams"], row["points"], row["result"]
    given = [sum(play.given_away for play in plays if play.seat % 2 == team) for team in (0, 1)]
    won = "goes on" if result is None else "a draw" if result == 0.5 else f"won by {teams[0] if result else teams[1]}"
    contract = {1: "made, ", 0: "set, "}.get(row["made"], "") if bid_counts(Hand.parse(row["hand"])) else ""
    lines = [
        f"Table {row['table']}: {contract}{points[0]} – {points[1]}, {won}. "
        f"Gave away: {teams[0]} {given[0]}, {teams[1]} {given[1]} points."
    ]
    worst = sorted(range(len(plays)), key=lambda number: (-plays[number].given_away, number))[:TURNING_POINTS]
    turning = [
        f"{domino_text(play.domino)} of seat {play.seat} ({teams[play.seat % 2]}) in trick "
        f"{number // PLAYS_PER_TRICK + 1}: {play.given_away}"
        for number, play in ((number, plays[number]) for number in worst)
        if play.given_away
    ]
    if turning:
        lines.append("  Most: " + "; ".join(turning) + ".")
    if "forfeit" in row:
        lines.append(f"  Forfeited by seat {row['forfeit']['seat']}: {row['forfeit']['why']}")
    return lines


def _parting(hands: list[Hand]) -> str | None:
    """Where the two tables first did different things."""
    for (seat, first), (_, second) in zip(hands[0].history, hands[1].history, strict=False):
        if first != second:
            return f"seat {seat}: {action_text(first)} at table 0, {action_text(second)} at table 1"
    return None
