"""The command line of the arena."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from zeb42_agents.agent import Agent, agent_names
from zeb42_agents.arena.console import console_report
from zeb42_agents.arena.external import DEFAULT_MOVE_TIME_S
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import NUM_TABLES, mirrored
from zeb42_agents.arena.live import LiveTable
from zeb42_agents.arena.plan import Plan, check_plan
from zeb42_agents.arena.play import ForfeitError
from zeb42_agents.arena.players import Player, distinct, players_of, read_pool
from zeb42_agents.arena.protocols import PROTOCOLS, get_protocol
from zeb42_agents.arena.rating import DEFAULT_ANCHOR, DEFAULT_ANCHOR_ELO, PRIOR_HANDS, resolve_anchor
from zeb42_agents.arena.report import write_reports
from zeb42_agents.arena.run import Outcome, run_pool
from zeb42_agents.arena.sprt import Sprt
from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.arena.summary import summarise
from zeb42_agents.arena.text import PLURAL, pace, plain
from zeb42_agents.arena.workers import WorkerError, num_cores

PROGRAM = "python -m zeb42_agents.arena"
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
ACCELERATED = ("zeb",)  # kinds of agents that bring their own threads or device: one process for those
ACCELERATED_CHUNK = 64  # mirrored deals at a time: their batches stay worth while even if that takes minutes


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    commands = {"show": _show_main, "report": _report_main}
    console = Console(markup=False, emoji=False, highlight=False)  # an agent's name is what it is
    try:
        with stops_raise():
            if arguments and arguments[0] in commands:
                return commands[arguments[0]](arguments[1:], console)
            return _play_main(arguments, console)
    except (ValueError, OSError) as error:
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


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help")


def _play_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Rate Texas 42 players on mirrored deals.",
        epilog=f"also: {PROGRAM} report RUN (rate a run folder again); {PROGRAM} show RUN DEAL (explain a deal)",
    )
    add = parser.add_argument
    add("specs", nargs="*", metavar="AGENT", help=f"{', '.join(agent_names())} with options, or 'cmd:PROGRAM ARGS'")
    add("--pool", metavar="FILE", help="TOML file with more agents, and settings that the command line overrides")
    add("--protocol", help="; ".join(f"{p.name}: {p.summary}" for p in PROTOCOLS.values()) + " (default: majority)")
    add("--deals", type=int, help="mirrored deals (or matches) of each pair, at most (default: 100)")
    add("--first-deal", type=int, default=0, metavar="N", help="number of the first deal (default: 0)")
    add("--seed", type=int, help="of the deals and of all randomness (default: 0)")
    add("--versus", metavar="AGENT", help="play only against this one, instead of all pairs")
    add("--partners", metavar="AGENT", help="sits opposite every agent, instead of the agent itself")
    add("--jobs", type=int, help="processes (default: one a core; one in all if a network plays)")
    add("--chunk", type=int, help="mirrored deals that advance together (default: what takes some seconds)")
    add("--out", metavar="RUN", help="run folder; an existing one is resumed or added to (default: runs/arena-TIME)")
    add("--max-halfwidth", type=float, metavar="ELO", help="stop when every interval is this short to each side")
    add("--sprt", action="store_true", help="stop when a sequential test of the first agent over the second decides")
    for name, value in (("elo0", 0.0), ("elo1", 10.0), ("alpha", 0.05), ("beta", 0.05)):
        add(
            f"--{name}",
            type=float,
            default=value,
            metavar="ELO" if "elo" in name else "CHANCE",
            help=f"of --sprt (default: {value:g})",
        )
    clock_help = f"for a decision of a program (cmd:) (default: {DEFAULT_MOVE_TIME_S:g})"
    add("--strict", action="store_true", help="stop at the first illegal action or crash")
    add("--move-time", type=float, default=DEFAULT_MOVE_TIME_S, metavar="SECONDS", help=clock_help)
    _add_rating_options(parser)
    return parser


def _add_rating_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--anchor", metavar="AGENT", help=f"whose rating is fixed (default: {DEFAULT_ANCHOR}, or the first agent)")
    elo_help = f"at what (default: {DEFAULT_ANCHOR_ELO:.0f} for {DEFAULT_ANCHOR}, 0 for another)"
    prior_help = f"weight of the prior, in drawn hands an agent (default: {PRIOR_HANDS:g})"
    add("--anchor-elo", type=float, metavar="ELO", help=elo_help)
    add("--prior-hands", type=float, default=PRIOR_HANDS, metavar="HANDS", help=prior_help)
    add("--no-plots", action="store_true", help="write no PNG")


@dataclass
class _Session:
    """Who plays what, where."""

    players: list[Player]
    partner: Player | None
    agents: list[Agent]  # the players', and the partner's
    plan: Plan
    folder: RunFolder
    rating: dict[str, Any]  # anchor, anchor_elo, prior_hands


def _play_main(arguments: Sequence[str], console: Console) -> int:
    options = _play_parser().parse_args(arguments)
    session = _prepare(options)
    _print_settings(console, session)
    try:
        with LiveTable(console, session.folder, session.rating) as live:
            outcome = run_pool(
                session.players,
                session.folder,
                session.plan,
                partner=session.partner,
                agents=session.agents,
                watch=live.show,
            )
    except KeyboardInterrupt as stop:
        line = _resume_line(arguments, session.folder.path)
        return _stopped(stop, ["what was finished is saved. To go on:", f"  {line}"])
    return _report(outcome, session, console, with_plots=not options.no_plots)


def _prepare(options: argparse.Namespace) -> _Session:
    """Check everything, build the agents, and make or join the run folder, in this order."""
    players = players_of(options.specs, move_time_s=options.move_time)
    if options.pool:
        more, settings = read_pool(options.pool)
        players = distinct(players + more)
        for key, value in settings.items():
            if getattr(options, key) is None:
                setattr(options, key, value)
    if len(players) < 2:
        raise ValueError(f"expected at least two agents, got {len(players)}; such as: {PROGRAM} random greedy")
    protocol = get_protocol(options.protocol or "majority")
    seed = options.seed or 0
    if not 0 <= seed < 2**64:
        raise ValueError(f"expected a seed in 0..2**64-1, got {seed}")
    partner = players_of([options.partners], move_time_s=options.move_time)[0] if options.partners else None
    plan = _plan(options, players, partner)
    names = [player.name for player in players]
    check_plan(names, plan)
    known = RunFolder.read(options.out).names if options.out and (Path(options.out) / "run.json").exists() else []
    resolve_anchor([*names, *known], options.anchor, options.anchor_elo)
    agents = [player.build() for player in players]
    partners = [partner.build()] if partner else []
    settings = {
        "protocol": protocol.name,
        "seed": seed,
        "partners": partner.describe(partners[0]) if partner else None,
        "agents": [player.describe(agent) for player, agent in zip(players, agents, strict=True)],
    }
    folder = RunFolder.open(options.out or time.strftime("runs/arena-%Y%m%d-%H%M%S"), settings)
    rating = {"anchor": options.anchor, "anchor_elo": options.anchor_elo, "prior_hands": options.prior_hands}
    return _Session(players, partner, agents + partners, plan, folder, rating)


def _plan(options: argparse.Namespace, players: Sequence[Player], partner: Player | None) -> Plan:
    num_deals = 100 if options.deals is None else options.deals
    if num_deals < 1:
        raise ValueError(f"expected --deals of at least 1, got {num_deals}")
    sprt = None
    if options.sprt:
        sprt = Sprt(elo0=options.elo0, elo1=options.elo1, alpha=options.alpha, beta=options.beta)
    everyone = [*players, *([partner] if partner else [])]
    accelerated = any(player.spec.partition(":")[0] in ACCELERATED for player in everyone)
    return Plan(
        num_deals=num_deals,
        first_deal=options.first_deal,
        versus=options.versus,
        jobs=options.jobs if options.jobs is not None else 1 if accelerated else num_cores(),
        chunk=options.chunk,
        min_chunk=ACCELERATED_CHUNK if accelerated else 1,
        max_halfwidth=options.max_halfwidth,
        sprt=sprt,
        strict=options.strict,
        anchor=options.anchor,
        anchor_elo=options.anchor_elo,
        prior_hands=options.prior_hands,
    )


def _print_settings(console: Console, session: _Session) -> None:
    plan, folder = session.plan, session.folder
    words = [f"protocol {folder.protocol.name}", f"seed {folder.seed}"]
    words += [f"deals {plan.first_deal}..{plan.first_deal + plan.num_deals - 1}"]
    words += [f"versus {plan.versus}" if plan.versus else "all pairs"]
    words += [f"partners {session.partner.name if session.partner else 'same'}"]
    words += [f"jobs {plan.jobs}", f"run folder {folder.path}"]
    console.print("agents  " + "  ".join(plain(player.name) for player in session.players), soft_wrap=True)
    console.print(plain(", ".join(words)), soft_wrap=True)


def _report(outcome: Outcome, session: _Session, console: Console, *, with_plots: bool) -> int:
    folder = session.folder
    notes = _notes(outcome, session)
    summary = summarise(outcome.games, folder.names, folder.protocol, notes=notes, **session.rating)
    console.print(console_report(summary))
    num_games, unit = NUM_TABLES * outcome.num_played, folder.protocol.unit
    console.print(
        f"{num_games:,} {PLURAL[unit]} played in {outcome.elapsed_s:.1f} s: {pace(num_games, outcome.elapsed_s, unit)}"
    )
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
            f"Sequential test: that {first} is {plan.sprt.elo1:g} Elo stronger than {second}, not {plan.sprt.elo0:g}, "
            f"is {verdict} after {outcome.decided_after} mirrored deals (log-likelihood ratio {outcome.ratio:.2f}; "
            f"bounds {plan.sprt.bounds[0]:.2f} and {plan.sprt.bounds[1]:.2f})."
        )
        if outcome.decision:
            notes.append("The run stopped on its own result, so its Elo and win rate are biased away from equality.")
    if outcome.stopped == "max_halfwidth":
        notes.append(f"The run stopped when every interval was within ±{plan.max_halfwidth:g} Elo.")
    if folder.num_broken_lines:
        notes.append(f"{folder.num_broken_lines} lines of the run folder were not whole rows and do not count.")
    played_by = {str(session["versions"]) for session in folder.settings["sessions"]}
    if len(played_by) > 1:
        notes.append("The sessions of this run used different versions; see the report.")
    return notes


def _stopped(stop: KeyboardInterrupt, words: Sequence[str]) -> int:
    """Say what a stop left, and return the exit status for it."""
    with suppress(OSError):  # the terminal may be what was closed
        print("\n".join([f"interrupted{f' by {stop}' if str(stop) else ''}; {words[0]}", *words[1:]]), flush=True)
    return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED


def _resume_line(arguments: Sequence[str], path: Path) -> str:
    words = list(arguments)
    if not any(word == "--out" or word.startswith("--out=") for word in words):
        words += ["--out", str(path)]
    return f"{PROGRAM} {shlex.join(words)}"


def _report_main(arguments: Sequence[str], console: Console) -> int:
    parser = _Parser(prog=f"{PROGRAM} report", description="Rate the games of a run folder again.")
    parser.add_argument("run", metavar="RUN")
    _add_rating_options(parser)
    options = parser.parse_args(arguments)
    folder = RunFolder.read(options.run)
    games = mirrored(folder.games())
    notes = []
    if folder.num_broken_lines:
        notes.append(f"{folder.num_broken_lines} lines of the run folder were not whole rows and do not count.")
    rating = {"anchor": options.anchor, "anchor_elo": options.anchor_elo, "prior_hands": options.prior_hands}
    summary = summarise(games, folder.names, folder.protocol, notes=notes, **rating)
    console.print(console_report(summary))
    written = write_reports(summary, folder.path, folder.settings, with_plots=not options.no_plots)
    console.print("written: " + "  ".join(str(path) for path in written), soft_wrap=True)
    return 0


def _show_main(arguments: Sequence[str], console: Console) -> int:
    from zeb42_agents.arena.show import deal_report

    parser = _Parser(
        prog=f"{PROGRAM} show", description="Replay both tables of a deal with the exact solver's verdict on each play."
    )
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("deal", metavar="DEAL", type=int)
    parser.add_argument("--pair", nargs=2, metavar="AGENT", help="which pair (default: the only one, or the first)")
    parser.add_argument("--hand", type=int, default=0, metavar="N", help="which hand of a match")
    options = parser.parse_args(arguments)
    console.print(deal_report(RunFolder.read(options.run), options.deal, pair=options.pair, hand_number=options.hand))
    return 0
