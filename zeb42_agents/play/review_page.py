"""A review as one page of HTML that opens from disk: the tables drawn, the graph, both verdicts. Nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from zeb42_agents.arena.text import plain
from zeb42_agents.files import replaced_file
from zeb42_agents.play.calls import CallHindsight
from zeb42_agents.play.review import Review, Step, graph_seat
from zeb42_agents.play.review_text import bare, hindsight_words, reason, said, value_text
from zeb42_agents.play.sources import Source
from zeb42_agents.play.verdicts import GRADES, CouldKnow, Hindsight
from zeb42_env import __version__, action_text, svg
from zeb42_env.svg import named
from zeb42_env.wording import contract_text, turn_text

HERE = Path(__file__).parent
MOST_OPTIONS = 8  # of a call, the best and what was called
_GRAPH = (760, 230)
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 16, 30


def write_page(path: str | Path, reviews: Sequence[tuple[Source, Review]], *, beside: bool = False) -> None:
    """Write the page of ``reviews`` to ``path``, whole or not at all; ``beside`` puts two hands side by side."""
    with replaced_file(Path(path)) as fresh:
        fresh.write_text(page(reviews, beside=beside), encoding="utf-8")


def page(reviews: Sequence[tuple[Source, Review]], *, beside: bool = False) -> str:
    """The page as a string."""
    script = (HERE / "review_page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    style = svg.STYLE + (HERE / "review_page.css").read_text(encoding="utf-8")
    hands = "".join(_hand(number, *both) for number, both in enumerate(reviews))
    kind = "two" if beside else "one"
    effort = reviews[0][1].effort
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Review: {_words(named(contract_text(reviews[0][1].hand), reviews[0][0].seats))}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Review</h1>
<p class="quiet">Two answers that never mix. <b>What you could know</b> uses the seat's own view: every choice is tried
in the same {effort.num_worlds} sampled worlds ({effort.num_call_worlds} for a call), each played perfectly. Differences
within two standard errors are too close to call. <b>Hindsight</b> sees all four hands.</p>
</header>
<main class="{"wide" if beside else ""}">
<div class="bar-of-buttons" role="group" aria-label="How to show the decisions">
<button type="button" data-order="worst" aria-pressed="true">Worst first</button>
<button type="button" data-order="played" aria-pressed="false">As played</button>
<button type="button" data-hindsight aria-pressed="true">Hindsight</button>
</div>
<div class="sides {kind}">{hands}</div>
</main>
<footer><p>zeb42 {escape(__version__)}. This page is complete in itself; nothing is loaded from elsewhere.</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _hand(number: int, source: Source, review: Review) -> str:
    """One hand: what it was, the graph, where it was lost, the decisions."""
    seats = [plain(name) for name in source.seats]
    title = f"<h2>{_words(source.title or 'The hand')}</h2>"
    outcome = turn_text(review.hand) if review.hand.is_over else f"not over: {turn_text(review.hand)}"
    sentences = [named(words, seats) for words in (contract_text(review.hand), outcome)]
    about = _words(" ".join(f"{words[:1].upper()}{words[1:]}." for words in sentences))
    decisions = sorted(review.decisions, key=lambda step: (-_share(step), step.ply))
    cards = "".join(_decision(number, step, seats) for step in decisions)
    return (
        f"<section>{title}<p>{about}</p><details><summary>Notation</summary><code>{_words(str(review.hand))}</code>"
        f"</details>{_graph(number, review, seats)}{_summary(review)}<div data-decisions>{cards}</div></section>"
    )


def _decision(number: int, step: Step, seats: Sequence[str]) -> str:
    """The card of one decision."""
    verdict = step.could_know
    assert verdict is not None
    where = f"Trick {step.trick}" if step.trick else ("Auction" if step.kind == "bid" else "Trump")
    name, known = f"h{number}p{step.ply}", f'data-ply="{step.ply}" data-loss="{_share(step):.6f}"'
    head = (
        f'<div class="title"><h3>{where}: {_words(said(step, seats))}</h3>'
        f'<span class="badge">{_words(GRADES[verdict.grade])}</span></div>'
    )
    if verdict.grade == "forced":
        return f'<article class="small forced" id="{name}" {known}>{head}</article>'
    picture = svg.table(step.view, seats=seats, class_of=_classes(step), style=False)
    could_know = (
        f'<section class="verdict"><h4>What you could know</h4><p>{_words(reason(step))}</p>{_opinion(step)}'
        f"{_options(verdict)}{_contracts(step)}</section>"
    )
    parts = f"<div>{picture}</div><div>{could_know}{_hindsight(step)}</div>"
    return f'<article class="{verdict.grade}" id="{name}" {known}>{head}<div class="two-parts">{parts}</div></article>'


def _classes(step: Step) -> dict[int, str]:
    """The dominoes that the picture marks: what was played, and the best."""
    verdict = step.could_know
    if verdict is None or step.trick is None:
        return {}
    best = {option.action: "best" for option in verdict.options if option.loss == 0}
    if len(best) == len(verdict.options):
        return {verdict.played: "best"}
    return {verdict.played: "played"} | best


def _options(verdict: CouldKnow) -> str:
    """What each candidate is worth, best first."""
    shown = list(verdict.options[:MOST_OPTIONS])
    if verdict.option not in shown:
        shown.append(verdict.option)
    low, high = min(option.value for option in shown), max(option.value for option in shown)
    if verdict.unit == "win":
        low, high = 0.0, 1.0
    rows = []
    for option in shown:
        share = 100 * (option.value - low) / (high - low) if high > low else 100.0
        loss = "" if option.loss == 0 else f"−{bare(verdict, option.loss)} ± {bare(verdict, 2 * option.se)}"
        played = ' class="played"' if option.action == verdict.played else ""
        worth, bar = (
            value_text(verdict, option.value),
            f"<span class='measure' data-share='{max(share, 1):.1f}'></span>",
        )
        rows.append(
            f"<tr{played}><td>{_words(action_text(option.action))}</td><td class='bar'>{bar}</td>"
            f"<td class='figure'>{_words(worth)}</td><td class='figure'>{_words(loss)}</td></tr>"
        )
    head = "<tr><th>choice</th><td></td><th class='figure'>value</th><th class='figure'>less than the best</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _contracts(step: Step) -> str:
    """Of a call: how often bids are made under the best declarations."""
    if step.contracts is None:
        return ""
    content = step.contracts.to_json()
    bids = [30, 32, 34, 36, 38, 40, 42]
    head = "".join(f"<th class='figure'>{bid}</th>" for bid in bids)
    rows = [
        f"<tr><td>{_words(row['text'])}</td>"
        + "".join(f"<td class='figure'>{row['at_table'][bid - 30]:.0%}</td>" for bid in bids)
        + "</tr>"
        for row in content["declarations"][:3]
    ]
    title = "<p class='quiet'>Made at the table, if it is yours:</p>"
    return f"{title}<table><tr><th>trump</th>{head}</tr>{''.join(rows)}</table>"


def _opinion(step: Step) -> str:
    if step.opinion is None:
        return ""
    return f"<p>The agent that was asked would have chosen {_words(action_text(step.opinion.chosen))}.</p>"


def _hindsight(step: Step) -> str:
    """The other verdict."""
    found = step.hindsight
    if found is None:
        return ""
    table = ""
    if isinstance(found, Hindsight) and not isinstance(found, CallHindsight):
        rows = [
            f"<tr{' class=played' if action == found.played else ''}><td>{_words(action_text(action))}</td>"
            f"<td class='figure'>{points}</td></tr>"
            for action, points in sorted(found.points.items(), key=lambda item: (-item[1], item[0]))
        ]
        table = f"<table><tr><th>choice</th><th class='figure'>points in the end</th></tr>{''.join(rows)}</table>"
    return (
        f'<section class="verdict hind"><h4>Hindsight</h4><p>{_words(hindsight_words(step))}</p>'
        f"<details><summary>All choices</summary>{table}</details></section>"
        if table
        else f'<section class="verdict hind"><h4>Hindsight</h4><p>{_words(hindsight_words(step))}</p></section>'
    )


def _summary(review: Review) -> str:
    """Where the hand was lost."""
    rows = []
    for group in review.summary.groups:
        low, high = (max(0.0, end) for end in group.interval)
        rows.append(
            f"<tr><td>{_words(group.words)}</td><td class='figure'>{group.num_decisions}</td>"
            f"<td class='figure'>{group.num_costly}</td><td class='figure'>{max(group.loss, 0.0):.2f}</td>"
            f"<td class='figure'>{low:.2f}–{high:.2f}</td></tr>"
        )
    head = "".join(f"<th class='figure'>{word}</th>" for word in ("decisions", "costly", "hands given up", "95%"))
    return f"<table><tr><th>where</th>{head}</tr>{''.join(rows)}</table>"


def _graph(number: int, review: Review, seats: Sequence[str]) -> str:
    """The share of winning before each play."""
    steps = [step for step in review.steps if step.win_could_know is not None]
    if len(steps) < 2:
        return ""
    width, height = _GRAPH
    first, span = steps[0].ply, max(27, steps[-1].ply - steps[0].ply)

    def x(ply: int) -> float:
        return round(_LEFT + (width - _LEFT - _RIGHT) * (ply - first) / span, 1)

    def y(share: float) -> float:
        return round(_TOP + (height - _TOP - _BOTTOM) * (1 - share), 1)

    of = seats[graph_seat(review.hand, review.seats)]
    parts = list(_grid(x, y, first))
    exact = [(x(step.ply), y(step.win_hindsight)) for step in steps if step.win_hindsight is not None]
    if exact:
        parts.append(f'<polyline class="exact" points="{_points(exact)}"/>')
    parts.append(
        f'<polyline class="known" points="{_points([(x(s.ply), y(s.win_could_know or 0.0)) for s in steps])}"/>'
    )
    for step in steps:
        if step.could_know is not None and step.could_know.is_costly:
            label = _words(f"trick {step.trick}, {said(step, seats)}: {GRADES[step.could_know.grade]}")
            where = f'cx="{x(step.ply)}" cy="{y(step.win_could_know or 0.0)}"'
            dot = f'<circle class="dot {step.could_know.grade}" {where} r="8"><title>{label}</title></circle>'
            parts.append(f'<a href="#h{number}p{step.ply}" aria-label="{label}">{dot}</a>')
    told = f"Share of winning for {of}, {steps[0].win_could_know:.0%} at first, {steps[-1].win_could_know:.0%} at last"
    drawn = (
        f'<svg class="graph" viewBox="0 0 {width} {height}" role="group" aria-label="{_words(told)}">{"".join(parts)}'
    )
    key = '<span class="hind"> <span class="key exact"></span> by hindsight</span>' if exact else ""
    words = f"share of winning before each play, for {_words(of)}, by what could be known"
    return f'<figure>{drawn}</svg><figcaption><span class="key"></span> {words}{key}</figcaption></figure>'


def _grid(x, y, first: int) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """Lines at 0, half and 1, and the numbers of the tricks."""
    for share in (0.0, 0.5, 1.0):
        yield f'<line class="grid" x1="{_LEFT}" x2="{_GRAPH[0] - _RIGHT}" y1="{y(share)}" y2="{y(share)}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y(share) + 5}" text-anchor="end">{share:.0%}</text>'
    for trick in range(7):
        yield f'<text x="{x(first + 4 * trick)}" y="{_GRAPH[1] - 8}">trick {trick + 1}</text>'


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _share(step: Step) -> float:
    """What decisions are sorted by: only what cost something beyond doubt comes first."""
    verdict = step.could_know
    return verdict.share if verdict is not None and verdict.is_costly else 0.0


def _words(text: str) -> str:
    return escape(plain(text))
