"""Reports of a rated pool: its tables as text, ``ratings.json`` and ``report.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from zeb42_agents.arena.folder import public_seed
from zeb42_agents.arena.plots import PLOTS, write_plots
from zeb42_agents.arena.summary import MIN_DEALS_FOR_INTERVALS, Summary, rating_rows, title
from zeb42_agents.arena.text import percent, plain
from zeb42_agents.files import write_json


def pair_rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """A line for each pair."""
    head = ["pair", "deals", "won", "margin", "Elo", "superior"]
    if summary.protocol.by_contract:
        head += ["only one made", "McNemar z"]
    rows = []
    names = summary.ratings.names
    for (i, j), pair in summary.pairs.items():
        row = [
            f"{names[i]} – {names[j]}",
            f"{pair.num_deals:,}",
            percent(pair.win_rate, pair.win_interval),
            f"{pair.margin:+.2f} ± {pair.margin_halfwidth:.2f}",
            f"{pair.elo:+.0f} ± {pair.elo_halfwidth:.0f}",
            f"{100 * pair.superiority:.1f}%",
        ]
        if summary.protocol.by_contract:
            row += [f"{pair.only_first_made} : {pair.only_second_made}", f"{pair.mcnemar_z:+.2f}"]
        rows.append(row)
    return head, rows


def matrix_rows(summary: Summary, *, surprise: bool) -> tuple[list[str], list[list[str]]]:
    """Win rate in percent of the row's agent against the column's, with its interval if there are enough deals for one;
    or observed less expected, in percentage points and standard errors."""
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
                width = f" ± {100 * pair.win_rate_halfwidth:.1f}" if pair.num_deals >= MIN_DEALS_FOR_INTERVALS else ""
                row.append(f"{100 * (0.5 + sign * (pair.win_rate - 0.5)):.1f}{width}")
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


def markdown_report(summary: Summary, run: dict[str, Any], plots: Sequence[str] = ()) -> str:
    """The report as Markdown, complete enough to be pasted into a paper; ``run`` is the folder's ``run.json``."""
    ratings, protocol = summary.ratings, summary.protocol
    told, not_told = summary.apart()
    sections = [
        f"# {title(summary)}",
        f"Protocol `{protocol.name}`: {protocol.summary}. {ratings.num_deals:,} deals, each played at two tables with "
        f"the teams swapped; partners are {_partners(run)}; arena seed {public_seed(run)}.",
        _markdown_table(*rating_rows(summary)),
        f"Elo is per {summary.unit}: the luck of the deal is part of it, so it is much smaller than the Elo of a long "
        f"match. Bradley-Terry, maximum a posteriori with {ratings.prior_hands:g} virtual drawn hands per agent; "
        f"`{plain(ratings.anchor)}` is fixed at {ratings.anchor_elo:.0f}. The interval is that of the difference to "
        "it, from the sandwich covariance clustered by deal. Time is that of the call divided by its decisions.",
        "## What can be told apart",
        _bullets("At 95%", told),
        _bullets("Not at 95%", not_told),
        "## Pairs",
        _markdown_table(*pair_rows(summary)),
        "Won by the row against the column:",
        _markdown_table(*matrix_rows(summary, surprise=False)),
        "Observed less expected by the ratings, in percentage points (in standard errors); large ones show that "
        "strength is not one number:",
        _markdown_table(*matrix_rows(summary, surprise=True)),
        "Variance of independent hands over that of mirrored ones:",
        "\n".join(f"- {plain(line)}" for line in mirror_lines(summary)),
    ]
    if summary.notes:
        sections += ["## Notes", "\n".join(f"- {plain(note)}" for note in summary.notes)]
    sections += [f"![{Path(plot).stem}]({plot})" for plot in plots]
    sections += ["## Agents and versions", _agents_table(run), _versions(run)]
    return "\n\n".join(section for section in sections if section) + "\n"


def write_reports(summary: Summary, path: Path, run: dict[str, Any], *, with_plots: bool = True) -> list[Path]:
    """Write ``ratings.json``, ``report.md`` and the plots into the run folder; returns what was written."""
    written = [path / "ratings.json", path / "report.md"]
    write_json(written[0], summary.to_json())
    written[1].write_text(markdown_report(summary, run, PLOTS if with_plots else ()))
    return written + (write_plots(summary, path) if with_plots else [])


def _partners(run: dict[str, Any]) -> str:
    partner = run.get("partners")
    return f"`{plain(partner['name'])}` for every agent" if partner else "the same agent"


def _bullets(title: str, words: list[str]) -> str:
    return f"{title}:\n\n" + "\n".join(f"- {plain(line)}" for line in words) if words else f"{title}: none."


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
    return "\n".join("| " + " | ".join(plain(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
