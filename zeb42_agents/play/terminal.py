"""A table at the keyboard: ``zeb42 play --terminal``, with the helps of the browser in words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np

from zeb42_agents.agent import Agent, agent_names, make_agent
from zeb42_agents.play import advice, show
from zeb42_agents.play.levels import find_level, name_of_spec, offered, usual_seats
from zeb42_agents.play.session import YOU, Session
from zeb42_agents.play.words import read_action
from zeb42_env import render
from zeb42_env.hand import Hand
from zeb42_env.rules import Phase, Rules, action_text

GAMES = {
    "match": Rules(episode="match"),
    "hand": Rules(),
    "random": Rules(contract="random", scoring="majority"),
    "dropped30": Rules(contract="dropped30"),
    "most_trumps": Rules(contract="most_trumps"),
}
HELP = """Say what you do as players do: 31, 42, 84, pass; fives, 5s, follow me; 6-4, 64, double five.
  hint   what is best, over 100 guessed deals      bids   how often each bid is made
  holds  who may hold what                         undo   take back your last action
  again  the same hand from its start              new    another hand
  ?      what is allowed                           quit   leave the table"""
HINT_EFFORT, BID_EFFORT = 100, 60
NUM_LIKELY = 8


class LeaveError(Exception):
    """The person leaves the table."""


def sit_down(
    names: Sequence[str] = (),
    *,
    game: str = "match",
    seed: int | None = None,
    more: Sequence[str] = (),
    ask: Callable[[str], str] = input,
) -> int:
    """Play until the hand or match is over, or the person leaves; returns the exit status.

    ``names`` are four seats: ``you``, names of levels, or specs of agents. ValueError says what is not to be had.
    """
    named = [name for name in names if name.partition(":")[0] in agent_names()]
    levels = offered([*more, *named])
    specs = [name if name == YOU else find_level(name, levels).spec for name in names or usual_seats()]
    agents = {spec: make_agent(spec) for spec in dict.fromkeys(specs) if spec != YOU}
    session = Session(specs, rules=GAMES[game], seed=seed)
    print(f"At the table: {', '.join(f'seat {seat} {name_of_spec(spec)}' for seat, spec in enumerate(specs))}")
    print("Type help for what you can say.")
    try:
        while True:
            _play_hand(session, agents, ask)
            print("\n" + render.ansi(session.hand.record))
            print(f"the hand: {session.hand}\nseed {session.seed}, hand {session.number + 1}")
            if not session.is_match or session.match_over:
                break
            session.go_on(session.version)
            print(f"\nNext hand; marks {session.hand.marks[0]} to {session.hand.marks[1]}.")
    except (LeaveError, EOFError, KeyboardInterrupt):
        print(f"\nLeft the table. The same deals again: --seed {session.seed}")
    return 0


def _play_hand(session: Session, agents: dict[str, Agent], ask: Callable[[str], str]) -> None:
    pauses = not session.people() and sys.stdin.isatty()
    while not session.hand.is_over:
        question = session.question()
        if question is None:
            _take_turn(session, ask)
            continue
        action = int(np.asarray(agents[session.seats[question.seat]].act(np.array([question.view]), question.key))[0])
        session.act(question.seat, action, question.version)
        print(f"seat {question.seat} ({name_of_spec(session.seats[question.seat])}): {action_text(action)}")
        if pauses and int(session.hand.record["num_plays"]) % 4 == 0 and not session.hand.is_over:
            ask("Enter for what follows ")


def _take_turn(session: Session, ask: Callable[[str], str]) -> None:
    """Ask the person to move until it is done."""
    seat = session.hand.to_move
    view = session.view(seat)
    print("\n" + render.ansi(view.record))
    print(show.says(view, seat))
    helps: dict[str, Callable[[], None]] = {
        "help": lambda: print(HELP),
        "?": lambda: print("allowed: " + ", ".join(action_text(action) for action in view.legal_actions())),
        "hint": lambda: _hint(view),
        "why": lambda: _hint(view),
        "bids": lambda: _bids(view),
        "holds": lambda: _holds(view),
    }
    changes: dict[str, Callable[[], None]] = {
        "undo": lambda: session.undo(seat, session.version),
        "again": lambda: session.replay(session.version),
        "new": lambda: session.new(session.version),
    }
    while True:
        words = ask(f"seat {seat}: ").strip()
        if words.lower() in ("quit", "exit", "q"):
            raise LeaveError
        try:
            if words.lower() in helps:
                helps[words.lower()]()
            elif words.lower() in changes:
                changes[words.lower()]()
                return
            else:
                session.act(seat, read_action(words, view), session.version)
                return
        except ValueError as error:
            print(error)


def _hint(view: Hand) -> None:
    (step,) = advice.best_plays(view, [HINT_EFFORT])
    unit = {"win": "wins", "points": "points", "marks": "marks"}[step["unit"]]
    print(f"over {step['effort']} guessed deals, each played perfectly from here:")
    for option in step["options"][:10]:
        value = f"{option['value']:.0%}" if unit == "wins" else f"{option['value']:+.2f}"
        verdict = "best" if not option["loss"] else f"-{option['loss']:.2f} +- {option['se']:.2f}"
        close = ", too close to call" if option["close"] and option["loss"] else ""
        print(f"  {option['text']:<12} {value:>6} {unit}   {verdict}{close}")


def _bids(view: Hand) -> None:
    if view.phase == Phase.TRICKS:
        raise ValueError("the bidding is over; allowed: hint, holds")
    (step,) = advice.bids(view, [BID_EFFORT])
    shown = range(0, 13, 2)
    how = "as Zeb's calls have learned it" if step["learned"] else f"estimated over {step['num_worlds']} guessed deals"
    print(f"chance to make it at the table, {how}:")
    print(f"{'':14}" + "".join(f"{step['bids'][b]:>6}" for b in shown) + "  points")
    for row in sorted(step["declarations"], key=lambda row: -row["at_table"][0]):
        shares = "".join(f"{row['at_table'][b]:>6.0%}" for b in shown)
        print(f"{row['text']:14}{shares}{row['points']:>8.1f}")


def _holds(view: Hand) -> None:
    """The likeliest dominoes of each other seat, by the rules alone."""
    found = advice.hidden(view)
    for number, place in enumerate(found["places"]):
        likely = sorted(found["dominoes"], key=lambda domino: -domino["rules"][number])[:NUM_LIKELY]
        words = ", ".join(f"{domino['domino']} {domino['rules'][number]:.0%}" for domino in likely)
        print(f"  {place:8} {words}")
