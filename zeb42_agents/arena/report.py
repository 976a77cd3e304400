"""Reports of a rated pool: tables for the console, ``ratings.json`` and ``report.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from zeb42_agents.arena.plots import PLOTS, write_plots
from zeb42_agents.arena.summary import Summary, to_json
from zeb42_agents.files import write_json

PLURAL = {"hand": "hands", "match": "matches"}
WORD_OF_HEAD = 8  # letters: longer words in the head of a column of numbers are broken rather than widen it


def rating_rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """The head and the lines of the rating table, as text."""
    unit = summary.unit
    margin = "marks" if unit == "match" else "points"
    head = ["", "agent", f"Elo a {unit}", "± 95%", PLURAL[unit], "won", f"{margin} margin", "ms a decision"]
    rows = [
        [
            str(place),
            line.name,
            f"{line.elo:.0f}",
            "anchor" if line.name == summary.ratings.anchor else f"{line.halfwidth:.0f}",
            f"{line.hands:,}",
            f"{100 * line.win_rate:.1f}%",
            f"{line.margin:+.2f}",
            f"{line.ms_per_decision:.3g}",
        ]
        for place, line in enumerate(summary.agents, 1)
    ]
    return head, rows


def pair_rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """One line a pair."""
    head = ["pair", "deals", "won", "margin", "Elo", "superior"]
    if summary.protocol.by_contract:
        head += ["only one made", "McNemar z"]
    rows = []
    names = summary.ratings.names
    for (i, j), pair in summary.pairs.items():
        row = [
            f"{names[i]} – {names[j]}",
            f"{pair.num_deals:,}",
            f"{100 * pair.win_rate:.1f}% ± {100 * pair.win_rate_halfwidth:.1f}",
            f"{pair.margin:+.2f} ± {pair.margin_halfwidth:.2f}",
            f"{pair.elo:+.0f} ± {pair.elo_halfwidth:.0f}",
            f"{100 * pair.superiority:.1f}%",
        ]
        if summary.protocol.by_contract:
            row += [f"{pair.only_first_made} : {pair.only_second_made}", f"{pair.mcnemar_z:+.2f}"]
        rows.append(row)
    return head, rows


def matrix_rows(summary: Summary, *, surprise: bool) -> tuple[list[str], list[list[str]]]:
    """Win rate of the row's agent against the column's; or observed less expected, in per cent and errors."""
    numbers = [summary.ratings.names.index(line.name) for line in summary.agents]
    head = ["won %" if not surprise else "surprise %", *(summary.ratings.names[j] for j in numbers)]
    rows = []
    for i in numbers:
        row = [summary.ratings.names[i]]
        for j in numbers:
            pair = summary.pairs.get((min(i, j), max(i, j)))
            sign = 1.0 if i < j else -1.0
            if i == j or pair is None:
                row.append("")
            elif surprise:
                found = summary.surprises[min(i, j), max(i, j)]
                row.append(f"{sign * 100 * (found.observed - found.expected):+.1f} ({sign * found.z:+.1f}σ)")
            else:
                row.append(f"{100 * (0.5 + sign * (pair.win_rate - 0.5)):.1f} ± {100 * pair.win_rate_halfwidth:.1f}")
        rows.append(row)
    return head, rows


def mirror_lines(summary: Summary) -> list[str]:
    """By how much mirroring the deals cut the variance, pair by pair."""
    names = summary.ratings.names
    return [
        f"{names[i]} – {names[j]}: {pair.win_mirror_gain:.2f}x on wins, {pair.margin_mirror_gain:.2f}x on margin"
        for (i, j), pair in summary.pairs.items()
        if isfinite(pair.win_mirror_gain) and isfinite(pair.margin_mirror_gain)  # not if all deals went alike
    ]


def console_report(summary: Summary) -> RenderableType:
    """The tables for the console."""
    parts: list[RenderableType] = [_rich_table(*rating_rows(summary), title=_title(summary))]
    if len(summary.pairs) > 1:
        parts.append(_rich_table(*matrix_rows(summary, surprise=False), title="Won by the row against the column"))
        parts.append(_rich_table(*matrix_rows(summary, surprise=True), title="Observed less expected"))
    parts.append(_rich_table(*pair_rows(summary), title="Pairs, the first one's view"))
    told, not_told = summary.apart()
    parts.append(Text(_apart_line("Told apart at 95%", told) + "\n" + _apart_line("Not told apart", not_told)))
    parts += [Text(f"Note: {note}") for note in summary.notes]
    return Group(*parts)


def live_table(summary: Summary) -> Table:
    """The rating table alone, for a run that goes on."""
    return _rich_table(*rating_rows(summary), title=_title(summary))


def markdown_report(summary: Summary, run: dict[str, Any], plots: Sequence[str] = ()) -> str:
    """The report as Markdown, complete enough to be pasted into a paper; ``run`` is the folder's ``run.json``."""
    ratings, protocol = summary.ratings, summary.protocol
    told, not_told = summary.apart()
    sections = [
        f"# {_title(summary)}",
        f"Protocol `{protocol.name}`: {protocol.summary}. {ratings.num_deals:,} deals, each played at two tables with "
        f"the teams swapped; partners are {_partners(run)}; arena seed {run['seed']}.",
        _markdown_table(*rating_rows(summary)),
        f"Elo is per {summary.unit}: the luck of the deal is part of it, so it is much smaller than the Elo of a long "
        f"match. Bradley-Terry, maximum a posteriori with {ratings.prior_hands:g} virtual drawn hands an agent; "
        f"`{ratings.anchor}` is fixed at {ratings.anchor_elo:.0f}. The interval is that of the difference to it, from "
        "the sandwich covariance clustered by deal. Time is that of the call divided by its batch of decisions.",
        "## What can be told apart",
        _bullets("At 95%", told),
        _bullets("Not at 95%", not_told),
        "## Pairs",
        _markdown_table(*pair_rows(summary)),
        "Won by the row against the column:",
        _markdown_table(*matrix_rows(summary, surprise=False)),
        "Observed less expected by the ratings, in points of per cent (in standard errors); large ones show that "
        "strength is not one number:",
        _markdown_table(*matrix_rows(summary, surprise=True)),
        "Variance of independent hands over that of mirrored ones:",
        "\n".join(f"- {line}" for line in mirror_lines(summary)),
    ]
    if summary.notes:
        sections += ["## Notes", "\n".join(f"- {note}" for note in summary.notes)]
    sections += [f"![{Path(plot).stem}]({plot})" for plot in plots]
    sections += ["## Agents and versions", _agents_table(run), _versions(run)]
    return "\n\n".join(section for section in sections if section) + "\n"


def write_reports(summary: Summary, path: Path, run: dict[str, Any], *, with_plots: bool = True) -> list[Path]:
    """Write ``ratings.json``, ``report.md`` and the plots into the run folder; returns what was written."""
    written = [path / "ratings.json", path / "report.md"]
    write_json(written[0], to_json(summary))
    written[1].write_text(markdown_report(summary, run, PLOTS if with_plots else ()))
    return written + (write_plots(summary, path) if with_plots else [])


def _title(summary: Summary) -> str:
    return f"Elo a {summary.unit}, {summary.protocol.name} protocol, {summary.ratings.num_deals:,} mirrored deals"


def _partners(run: dict[str, Any]) -> str:
    partner = run.get("partners")
    return f"`{partner['name']}` for every agent" if partner else "the same agent"


def _apart_line(title: str, words: list[str]) -> str:
    return f"{title}: " + ("; ".join(words) if words else "none") + "."


def _bullets(title: str, words: list[str]) -> str:
    return f"{title}:\n\n" + "\n".join(f"- {line}" for line in words) if words else f"{title}: none."


def _agents_table(run: dict[str, Any]) -> str:
    rows = [
        [agent["name"], f"`{agent['spec']}`", json.dumps(agent["config"]), agent["fingerprint"] or ""]
        for agent in run["agents"]
    ]
    return _markdown_table(["agent", "spec", "configuration", "fingerprint"], rows)


def _versions(run: dict[str, Any]) -> str:
    found = []
    for session in run["sessions"]:
        words = ", ".join(f"{name} {version}" for name, version in session["versions"].items())
        if words not in found:
            found.append(words)
    return "\n".join(f"- {words}" for words in found)


def _markdown_table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * 2 + ["---:"] * (len(head) - 2), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _rich_table(head: list[str], rows: list[list[str]], *, title: str) -> Table:
    """A table that hides nothing in a narrow terminal: heads are no wider than their numbers, names are folded."""
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(head):
        is_text = name in ("agent", "pair") or (place == 0 and name != "")
        if not is_text:
            words = [len(word) for word in name.split() if len(word) <= WORD_OF_HEAD]
            name = "\n".join(wrap(name, max([1, *words, *(len(row[place]) for row in rows)])))
        table.add_column(Text(name), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # not markup, which a name may look like
    return table
