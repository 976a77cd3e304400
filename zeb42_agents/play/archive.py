"""Hands after they are over: kept on the user's disk, and reviewed for the browser. Public servers keep nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from zeb42_agents.play import advice, review, review_page
from zeb42_agents.play.kept import Kept
from zeb42_agents.play.session import YOU, Session
from zeb42_agents.play.show import place, result, state
from zeb42_agents.play.sources import Source
from zeb42_agents.play.summary import FEW_HANDS, Summary
from zeb42_agents.play.verdicts import GRADES
from zeb42_env.hand import Hand
from zeb42_env.rules import parse_action

MOST_SHOWN = 200
"""Of the hands kept, the newest so many are listed."""


def listed(kept: Kept, words: str) -> list[dict[str, Any]]:
    """The hands kept that have all of ``words`` in their line, newest first."""
    return [found.to_json() for found in reversed(kept.find(words.split())[-MOST_SHOWN:])]


def text(kept: Kept) -> str:
    """All hands kept, a line for each."""
    return "".join(f"{found.line}\n" for found in kept.all())


def reviewed(line: str, seat: int | None, *, public: bool) -> Iterator[dict[str, Any]]:
    """The review of the hand in ``line``, an object for each line, with the table beside each step as the reviewed seat
    saw it. A ValueError says what is wrong with the line before anything is given."""
    hand = Hand.parse(line)
    seats = None if seat is None else [seat]
    steps = review.lines(hand, seats=seats, effort=_effort(public))
    return _with_tables(hand, seat, steps)


def page(line: str, seat: int | None, *, public: bool) -> Iterator[str]:
    """The review of the hand in ``line`` as one HTML page that needs nothing else: it comes last, after an empty string
    for each decision, so that others are not kept waiting."""
    hand, effort, seats = Hand.parse(line), _effort(public), None if seat is None else [seat]
    steps = []
    for step in review.review(hand, seats=seats, effort=effort):
        steps.append(step)
        yield ""
    found = review.Review.of(hand, seats, effort, steps)
    places = tuple(f"seat {other}" if seat is None else place(other, seat) for other in range(4))
    title = result(hand, seat) if seat is not None and hand.is_over else "The hand"
    yield review_page.page([(Source(hand=hand, title=title, seats=places), found)])


class Asked(NamedTuple):
    """A hand that is to be summed up with others."""

    hand: Hand
    seat: int | None
    """Whose decisions; None for all seats."""


def summed_up(hands: Sequence[Asked], *, public: bool) -> Iterator[dict[str, Any]]:
    """Where players lost in ``hands``: a line of kind ``progress`` for each decision and ``hand`` for each hand, with
    the decision that cost most, then the ``summary``."""
    effort, done = _effort(public), []
    for number, (hand, seat) in enumerate(hands):
        seats, steps = None if seat is None else [seat], []
        num_steps = len(hand.history)
        for step in review.review(hand, seats=seats, effort=effort, graph=False):
            steps.append(step)
            yield {"kind": "progress", "hands": number, "num_hands": len(hands), "share": (step.ply + 1) / num_steps}
        done.append(review.Review.of(hand, seats, effort, steps))
        worst = done[-1].worst
        yield {
            "kind": "hand",
            "number": number,
            "num_costly": len(worst),
            "worst": _worst(worst[0]) if worst else None,
        }
    yield {"kind": "summary", **Summary.of(done).to_json(), "few": len(done) < FEW_HANDS}


def _worst(step: review.Step) -> dict[str, Any]:
    """The decision in a few words."""
    assert step.could_know is not None
    return {"what": step.kind, "trick": step.trick, "text": step.text, "words": GRADES[step.could_know.grade]}


def what_if(line: str, ply: int, action: str, *, public: bool) -> dict[str, Any]:
    """Another action at a decision of a hand: its verdicts, and how perfect play goes on."""
    found = review.what_if(Hand.parse(line), ply, parse_action(action), effort=_effort(public))
    return found.to_json()


def _effort(public: bool) -> review.Effort:
    return review.Effort(num_worlds=advice.PUBLIC_EFFORT, num_call_worlds=24) if public else review.Effort()


def _with_tables(hand: Hand, seat: int | None, steps: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    whole = hand.record["seat"] < 0
    for step in steps:
        if step["kind"] == "head" and seat is not None and hand.is_over:
            step["result"] = result(hand, seat)
        if step["kind"] == "step" and whole:
            step["table"] = _table(review.rewound(hand, step["ply"]), step["seat"] if seat is None else seat)
        yield step


def _table(hand: Hand, seat: int) -> dict[str, Any]:
    """The table in the middle of ``hand`` as ``seat`` saw it."""
    players: Sequence[str] = [YOU] * 4
    shown = state(Session(players, hand=hand), seat)
    for entry in shown["seats"]:
        entry["name"], entry["calls"] = entry["place"].capitalize(), None
    return shown | {"id": "review", "notes": [], "invitations": {}}
