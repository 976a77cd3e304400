"""The command line of the arena: its options are the fields of the dataclasses, with their docstrings as the help."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from gymnasium.error import DependencyNotInstalled
from rich.console import Console
from tyro.conf import Positional, arg

from zeb42_agents.agent import Agent, agent_names
from zeb42_agents.arena.console import console_report
from zeb42_agents.arena.external import DEFAULT_MOVE_TIME_S
from zeb42_agents.arena.folder import RunFolder, new_run_path, public_seed
from zeb42_agents.arena.games import NUM_TABLES, mirrored
from zeb42_agents.arena.live import LiveTable
from zeb42_agents.arena.plan import Plan, check_plan
from zeb42_agents.arena.play import ForfeitError
from zeb42_agents.arena.players import Player, distinct, players_of, read_pool
from zeb42_agents.arena.plots import require_matplotlib
from zeb42_agents.arena.protocols import PROTOCOLS, get_protocol, require_numbers
from zeb42_agents.arena.rating import Scale
from zeb42_agents.arena.report import write_reports
from zeb42_agents.arena.run import Outcome, run_pool, suited
from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.arena.summary import summarise
from zeb42_agents.arena.text import PLURAL, pace, plain
from zeb42_agents.arena.workers import WorkerError
from zeb42_agents.command import parse_options

PROGRAM = "zeb42 arena"
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
_AGENTS = f"{', '.join(agent_names())} with options, such as eq:n=20, py:MODULE:CLASS, or 'cmd:PROGRAM ARGS'."
_PROTOCOLS = "; ".join(f"{protocol.name}: {protocol.summary}" for protocol in PROTOCOLS.values()) + "."

Options = TypeVar("Options")


@dataclass(frozen=True, kw_only=True)
class Play:
    """Rate Texas 42 players on mirrored deals. Also: "report RUN" rates a run folder again, "show RUN DEAL" explains a
    deal."""

    agents: Positional[Annotated[tuple[str, ...], arg(metavar="AGENT ...", help=_AGENTS)]] = ()
    pool: Path | None = None
    """TOML file with more agents, and settings that the command line overrides."""
    protocol: Annotated[str, arg(help=_PROTOCOLS)] = "majority"
    seed: int | None = None
    """Of the deals and of all randomness. By default 0, or a secret if a program plays; of a run folder, its own."""
    partners: str | None = None
    """Agent that sits opposite every agent, instead of the agent itself."""
    out: Path | None = None
    """Run folder; an existing one is resumed or added to. By default runs/arena-TIME."""
    move_time: float = DEFAULT_MOVE_TIME_S
    """Seconds that a program (cmd:) has for a decision."""
    no_plots: bool = False
    """Write no PNG."""
    plan: Plan = field(default_factory=lambda: Plan(jobs=0))


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rate the games of a run folder again."""

    run: Positional[Annotated[Path, arg(metavar="RUN")]]
    """The run folder."""
    no_plots: bool = False
    """Write no PNG."""
    scale: Scale = field(default_factory=Scale)


@dataclass(frozen=True, kw_only=True)
class Show:
    """Replay both tables of a deal with the exact solver's verdict on each play."""

    run: Positional[Annotated[Path, arg(metavar="RUN")]]
    """The run folder."""
    deal: Positional[Annotated[int, arg(metavar="DEAL")]]
    """Number of the deal, or of the match."""
    pair: tuple[str, str] | None = None
    """Which pair of agents; by default the first that played the deal."""
    hand: int = 0
    """Which hand of a match."""


def main(arguments: Sequence[str], *, program: str = PROGRAM) -> int:
    """Run the command line; returns the exit status. ``program`` is what was typed before the ``arguments``."""
    commands = {"show": _show, "report": _report_again}
    console = Console(markup=False, emoji=False, highlight=False)  # an agent's name is what it is
    try:
        with stops_raise():
            if arguments and arguments[0] in commands:
                return commands[arguments[0]](arguments[1:], console, f"{program} {arguments[0]}")
            return _play(arguments, console, program)
    except (ValueError, OSError, DependencyNotInstalled) as error:
        print("\n".join(map(plain, f"error: {error}".splitlines())), file=sys.stderr)
        return BAD_INPUT
    except WorkerError as error:
        print(f"stopped: {error}; point --out at the run folder to go on", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as stop:
        return _stopped(stop, ["nothing is lost of what a run folder has"])
    except ForfeitError as error:
        print(plain(f"stopped (--strict): {error}"), file=sys.stderr)
        return FAILED


@dataclass
class _Session:
    """Who plays what, where."""

    players: list[Player]
    partner: Player | None
    agents: list[Agent]  # the players', and the partner's
    plan: Plan
    folder: RunFolder


def _play(arguments: Sequence[str], console: Console, program: str) -> int:
    options = parse_options(Play, arguments, program=program)
    players = players_of(options.agents, move_time_s=options.move_time)
    if options.pool:
        more, settings = read_pool(options.pool)
        players = distinct(players + more)
        options = parse_options(Play, arguments, program=program, default=_with_settings(Play(), settings))
    session = _prepare(options, players)
    _print_settings(console, session)
    line = f"{program} {_resume_words(arguments, session.folder.path)}"
    try:
        with LiveTable(console, session.folder, session.plan.scale) as live:
            outcome = run_pool(
                session.players,
                session.folder,
                session.plan,
                partner=session.partner,
                agents=session.agents,
                watch=live.show,
            )
    except KeyboardInterrupt as stop:
        return _stopped(stop, ["what was finished is saved. To go on:", f"  {line}"])
    except OSError as error:
        raise OSError(f"{error}; what was finished is saved. To go on: {line}") from None
    num_games, unit, elapsed_s = NUM_TABLES * outcome.num_played, session.folder.protocol.unit, outcome.elapsed_s
    console.print(f"{num_games:,} {PLURAL[unit]} played in {elapsed_s:.1f} s: {pace(num_games, elapsed_s, unit)}")
    notes, scale = _notes(outcome, session), session.plan.scale
    return _show_ratings(console, session.folder, outcome.games, scale, notes, with_plots=not options.no_plots)


def _with_settings(options: Options, settings: dict[str, Any]) -> Options:
    """``options`` with ``settings`` in their places, in the dataclasses inside too."""
    changed = {}
    for place in fields(options):  # type: ignore[arg-type]
        value = getattr(options, place.name)
        changed[place.name] = (
            _with_settings(value, settings) if is_dataclass(value) else settings.get(place.name, value)
        )
    return replace(options, **changed)  # type: ignore[type-var]


def _prepare(options: Play, players: list[Player]) -> _Session:
    """Check everything, build the agents, and make or join the run folder, in this order."""
    if not options.no_plots:
        require_matplotlib()
    if len(players) < 2:
        raise ValueError(f"expected at least two agents, got {len(players)}; such as: {PROGRAM} random greedy")
    protocol = get_protocol(options.protocol)
    require_numbers(options.seed or 0, options.plan.deals, options.plan.first_deal)
    partner = players_of([options.partners], move_time_s=options.move_time)[0] if options.partners else None
    plan = suited(options.plan, [*players, *([partner] if partner else [])])
    names = [player.name for player in players]
    check_plan(names, plan)
    known = RunFolder.read(options.out).names if options.out and (options.out / "run.json").exists() else []
    plan.scale.resolve([*names, *known])
    agents = [player.build() for player in players]
    partners = [partner.build()] if partner else []
    settings = {
        "protocol": protocol.name,
        "seed": options.seed,
        "partners": partner.describe(partners[0]) if partner else None,
        "agents": [player.describe(agent) for player, agent in zip(players, agents, strict=True)],
    }
    folder = RunFolder.open(options.out or new_run_path(), settings)
    return _Session(players, partner, agents + partners, plan, folder)


def _print_settings(console: Console, session: _Session) -> None:
    plan, folder = session.plan, session.folder
    words = [f"protocol {folder.protocol.name}", f"seed {public_seed(folder.settings)}"]
    words += [f"deals {plan.first_deal}..{plan.first_deal + plan.deals - 1}"]
    words += [f"versus {plan.versus}" if plan.versus else "all pairs"]
    words += [f"partners {session.partner.name if session.partner else 'same'}"]
    words += [f"jobs {plan.jobs}", f"run folder {folder.path}"]
    console.print("agents  " + "  ".join(plain(player.name) for player in session.players), soft_wrap=True)
    console.print(plain(", ".join(words)), soft_wrap=True)


def _show_ratings(
    console: Console, folder: RunFolder, games: np.ndarray, scale: Scale, notes: list[str], *, with_plots: bool
) -> int:
    """Rate ``games``, print the report and write it into the folder."""
    if folder.num_broken_lines:
        notes.append(f"{folder.num_broken_lines} lines of the run folder were not whole rows and do not count.")
    summary = summarise(games, folder.names, folder.protocol, scale, notes=notes)
    console.print(console_report(summary))
    written = write_reports(summary, folder.path, folder.settings, with_plots=with_plots)
    console.print("written: " + "  ".join(str(path) for path in written), soft_wrap=True)
    return 0


def _notes(outcome: Outcome, session: _Session) -> list[str]:
    plan, folder = session.plan, session.folder
    notes = []
    if plan.sprt:
        verdict = {"elo1": "accepted", "elo0": "rejected", None: "neither accepted nor rejected"}[outcome.decision]
        first, second = (player.name for player in session.players)
        notes.append(
            f"Sequential test: that {first} is {plan.test.elo1:g} Elo stronger than {second}, not {plan.test.elo0:g}, "
            f"is {verdict} after {outcome.decided_after} mirrored deals (log-likelihood ratio {outcome.ratio:.2f}; "
            f"bounds {plan.test.bounds[0]:.2f} and {plan.test.bounds[1]:.2f})."
        )
        if outcome.decision:
            notes.append("The run stopped on its own result, so its Elo and win rate are biased away from equality.")
    if outcome.stopped == "max_halfwidth":
        notes.append(f"The run stopped when every interval was within ±{plan.max_halfwidth:g} Elo.")
    if any(session.get("revealed") for session in folder.settings["sessions"]):
        notes.append("Deals were added after this run's secret was out, so a program may have known them.")
    played_by = {str(session["versions"]) for session in folder.settings["sessions"]}
    if len(played_by) > 1:
        notes.append("The sessions of this run used different versions; see the report.")
    return notes


def _stopped(stop: KeyboardInterrupt, words: Sequence[str]) -> int:
    """Say what a stop left, and return the exit status for it."""
    with suppress(OSError):  # the terminal may be what was closed
        print("\n".join([f"interrupted{f' by {stop}' if str(stop) else ''}; {words[0]}", *words[1:]]), flush=True)
    return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED


def _resume_words(arguments: Sequence[str], path: Path) -> str:
    words = list(arguments)
    if not any(word == "--out" or word.startswith("--out=") for word in words):
        words += ["--out", str(path)]
    return shlex.join(words)


def _report_again(arguments: Sequence[str], console: Console, program: str) -> int:
    options = parse_options(Report, arguments, program=program)
    folder = RunFolder.read(options.run)
    games = mirrored(folder.games())
    return _show_ratings(console, folder, games, options.scale, [], with_plots=not options.no_plots)


def _show(arguments: Sequence[str], console: Console, program: str) -> int:
    from zeb42_agents.arena.show import deal_report

    options = parse_options(Show, arguments, program=program)
    console.print(deal_report(RunFolder.read(options.run), options.deal, pair=options.pair, hand_number=options.hand))
    return 0
