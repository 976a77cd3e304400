"""``zeb42 review``: hands reviewed in the terminal, or as a page to keep."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

from gymnasium.error import DependencyNotInstalled
from tyro.conf import Positional, UseAppendAction, arg

from zeb42_agents.agent import Agent, agent_names, as_agent
from zeb42_agents.arena.text import plain
from zeb42_agents.command import parse_options
from zeb42_agents.play.kept import Kept
from zeb42_agents.play.review import Effort, Review, lines, review, what_if
from zeb42_agents.play.review_text import end_lines, head_lines, hindsight_words, reason, step_line
from zeb42_agents.play.sources import Shelf, Source, deal_sources, kept_sources, read_sources
from zeb42_agents.play.summary import Summary
from zeb42_env import action_text, parse_action
from zeb42_env.svg import named

PROGRAM = "zeb42 review"
BAD_INPUT, INTERRUPTED = 2, 130
WIDE = 76  # columns of the first of two tables side by side


@dataclass(frozen=True, kw_only=True)
class Options:
    """Review hands: what could be known at each decision, and what hindsight knows. See docs/review.md."""

    hands: Positional[
        Annotated[
            tuple[str, ...],
            arg(metavar="HAND ...", help="A line of notation, files of lines, - for standard input; or a RUN folder."),
        ]
    ] = ()
    deal: int | None = None
    """Of the arena run RUN, this deal: both tables side by side."""
    pair: tuple[str, str] | None = None
    """Which pair of agents; by default the first that played the deal."""
    hand: int = 0
    """Which hand of a match."""
    kept: tuple[int, ...] | None = None
    """Numbers of hands that you kept; none is the last one. "zeb42 hands" lists them."""
    seat: UseAppendAction[tuple[int, ...]] = ()
    """Whose decisions; again for more seats. By default all."""
    agent: Annotated[str | None, arg(help=f"Ask for its opinion, too: {', '.join(agent_names())} with options.")] = None
    worlds: int = Effort.num_worlds
    """Worlds that each play is tried in; calls take three quarters of them."""
    seed: int = 0
    """Of the worlds."""
    threads: int = Effort.threads
    """Cores that work on it."""
    worst: bool = False
    """Only what cost something, worst first."""
    what_if: Annotated[tuple[str, ...], arg(metavar="PLY:ACTION ...")] = ()
    """Other actions at decisions, such as 5:6-4, counted from 0: what each would have been worth."""
    html: Path | None = None
    """Write one page that holds everything, to be opened from disk."""
    browser: bool = False
    """Look at them in the browser instead, as zeb42 play does: two tables side by side, many hands added up."""
    no_browser: bool = False
    """With --browser: only print the address."""
    keep: bool = False
    """Keep the hands in your data folder, too."""
    json: bool = False
    """Print lines of JSON (docs/review.md) instead of text."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = parse_options(Options, arguments, program=PROGRAM)
        effort = Effort(
            num_worlds=options.worlds,
            num_call_worlds=max(2, 3 * options.worlds // 4),
            seed=options.seed,
            threads=options.threads,
        )
        asked = None if options.agent is None else as_agent(options.agent)
        sources = _sources(options)
        if options.keep:
            for source in sources:
                Kept().add(source.hand, source.seats)
        _run(options, sources, effort, asked)
    except (ValueError, OSError, DependencyNotInstalled) as error:
        first, *more = str(error).splitlines() or [""]
        print("\n".join([f"error: {plain(first)}", *map(plain, more)]), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _sources(options: Options) -> list[Source]:
    if options.kept is not None:
        if options.hands or options.deal is not None:
            raise ValueError("expected kept hands, lines or a run, got several of them")
        return kept_sources(options.kept)
    folders = [Path(word) for word in options.hands if _is_folder(word)]
    if options.deal is not None:
        if len(folders) != 1 or len(options.hands) != 1:
            raise ValueError(
                f"expected the folder of one arena run with --deal, got {' '.join(options.hands) or 'none'}"
            )
        return list(deal_sources(folders[0], options.deal, options.pair, options.hand))
    if folders:
        raise ValueError(f"expected --deal NUMBER with the arena run {folders[0]}")
    return read_sources(options.hands)


def _is_folder(word: str) -> bool:
    try:
        return Path(word).is_dir()
    except (OSError, ValueError):  # a line of notation is a very long name
        return False


def _show(options: Options, sources: list[Source]) -> None:
    """A server for the hands, until Ctrl-C."""
    alone = {"--html": options.html, "--json": options.json, "--what-if": options.what_if, "--agent": options.agent}
    for name, value in alone.items():
        if value:
            raise ValueError(f"expected --browser or {name}, got both")
    from zeb42_agents.play.cli import PlayOptions, serve

    shelf = Shelf(sources=tuple(sources), seats=options.seat, beside=options.deal is not None)
    serve(PlayOptions(no_browser=options.no_browser), shelf=shelf)


def _run(options: Options, sources: list[Source], effort: Effort, agent: Agent | None) -> None:
    if options.browser:
        _show(options, sources)
        return
    if options.what_if:
        _print_what_ifs(options, sources, effort, agent)
        return
    if options.json:
        for source in sources:
            for line in lines(source.hand, seats=options.seat or None, effort=effort, agent=agent):
                print(json.dumps(line), flush=True)
        return
    if options.deal is not None and options.html is None:
        _print_side_by_side(options, sources, effort, agent)
        return
    reviews = [_print_one(options, source, effort, agent) for source in sources]
    if len(reviews) > 1:
        print(f"\nAll together: {Summary.of(reviews)}")
    if options.html is not None:
        from zeb42_agents.play.review_page import write_page

        write_page(options.html, list(zip(sources, reviews, strict=True)), beside=options.deal is not None)
        print(f"written: {options.html}")


def _print_one(options: Options, source: Source, effort: Effort, agent: Agent | None) -> Review:
    """Print a review while it is worked out."""
    head = head_lines(source.hand, source.title, source.seats)
    print("\n".join(head[:-2] if options.worst else head), flush=True)
    steps = []
    for step in review(source.hand, seats=options.seat or None, effort=effort, agent=agent):
        steps.append(step)
        if not options.worst and step.could_know is not None:
            print(step_line(step, source.seats), flush=True)
    found = Review.of(source.hand, options.seat or None, effort, steps)
    print("\n".join(end_lines(found, source.seats, unicode=_takes_unicode())), flush=True)
    return found


def _print_side_by_side(options: Options, sources: list[Source], effort: Effort, agent: Agent | None) -> None:
    """Both tables of a deal, trick beside trick, as far as they are worked out."""
    seats = options.seat or None
    heads = [[source.title, named(_outcome(source), source.seats)] for source in sources]
    print(f"{sources[0].hand}\n{sources[1].hand}\n")
    for first, second in zip(*heads, strict=True):
        print(_beside(plain(first), plain(second)))
    print()
    both = [review(source.hand, seats=seats, effort=effort, agent=agent) for source in sources]
    steps: tuple[list[Any], list[Any]] = ([], [])
    for pair in zip_longest(*both):
        cells = []
        for table, step in enumerate(pair):
            if step is not None:
                steps[table].append(step)
            cells.append("" if step is None else step_line(step, sources[table].seats, brief=True))
        print(_beside(*cells), flush=True)
    for source, found in zip(sources, steps, strict=True):
        print(f"\n{plain(source.title)}")
        of_table = Review.of(source.hand, seats, effort, found)
        print("\n".join(end_lines(of_table, source.seats, unicode=_takes_unicode())), flush=True)


def _outcome(source: Source) -> str:
    return head_lines(source.hand, "", source.seats)[1]


def _beside(first: str, second: str) -> str:
    return f"{first:<{WIDE}}  {second}".rstrip()


def _print_what_ifs(options: Options, sources: list[Source], effort: Effort, agent: Agent | None) -> None:
    if len(sources) != 1:
        raise ValueError(f"expected one hand with --what-if, got {len(sources)}")
    source = sources[0]
    for words in options.what_if:
        ply, action = _ply_and_action(words)
        found = what_if(source.hand, ply, action, effort=effort, agent=agent)
        print(step_line(found.step, source.seats))
        print(f"  {reason(found.step)}")
        if found.step.hindsight is not None:
            print(f"  {hindsight_words(found.step)}")
        if found.line:
            print(f"  Perfect play goes on {' '.join(map(action_text, found.line))}.")
        print(f"  {found.branch}", flush=True)


def _ply_and_action(words: str) -> tuple[int, int]:
    ply, colon, action = words.partition(":")
    if not colon or not ply.isascii() or not ply.isdigit():
        raise ValueError(f"expected PLY:ACTION such as 5:6-4, got {words!r}")
    return int(ply), parse_action(action)


def _takes_unicode() -> bool:
    from zeb42_env.render import takes_unicode

    return takes_unicode(getattr(sys.stdout, "encoding", None))
