"""A hand reviewed: every decision with two verdicts, what its seat could know and what hindsight knows.

    for step in review(hand, seats=[0]):
        print(step.text, step.could_know and step.could_know.grade)

:func:`lines` is the same as JSON, one object for each line, as the browser and the page on disk read it; its shape
is in docs/review.md. What a seat could know is worked out from its view and a key of its ply alone, so hidden dominoes
that lie elsewhere change no byte of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zeb42_agents import worlds
from zeb42_agents.agent import Agent, SupportsAct, as_agent
from zeb42_agents.explanation import Explanation
from zeb42_agents.play import calls, plays
from zeb42_agents.play.summary import Summary
from zeb42_agents.play.verdicts import CouldKnow, Hindsight, win_values
from zeb42_env import Hand, Phase, action_text
from zeb42_env._core import bits
from zeb42_env._core import record as core
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env.wording import contract_text, result_text

FORMAT = 1
MOST_WORLDS = 100_000


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard a review thinks; the same effort gives the same review."""

    num_worlds: int = 100
    """Worlds that each play is tried in."""
    num_call_worlds: int = 72
    """Worlds that each bid, pass and declaration is tried in."""
    seed: int = 0
    """Of the worlds."""
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("num_worlds", "num_call_worlds"):
            if not 2 <= getattr(self, name) <= MOST_WORLDS:
                raise ValueError(f"expected {name} in 2..{MOST_WORLDS}, got {getattr(self, name)}")
        if self.threads < 1:
            raise ValueError(f"expected threads of at least 1, got {self.threads}")

    def key(self, ply: int, purpose: int = 0) -> np.uint64:
        """What the worlds of a decision follow from: its place in the hand, and never the deal."""
        of_ply = np.uint64(bits.mix(np.uint64(self.seed), np.uint64(ply)))
        return np.uint64(bits.mix(of_ply, np.uint64(purpose)))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One decision of a hand as it was reviewed."""

    ply: int
    """How many actions came before it."""
    seat: int
    action: int
    view: Hand
    """What the seat knew."""
    win_could_know: float | None = None
    """The share of hands that the graph's seat wins from here, before the action, as it sees it; see
    :func:`graph_seat`. None before the first lead."""
    win_hindsight: float | None = None
    """The same with all four hands open: 1 won, 0 lost, between where points or a draw count."""
    could_know: CouldKnow | None = None
    """None for a seat that is not reviewed."""
    hindsight: Hindsight | calls.CallHindsight | None = None
    """None for a seat that is not reviewed, or where not all four hands are known."""
    contracts: calls.Contracts | None = None
    """Of a call: what the own dominoes would make."""
    opinion: Explanation | None = None
    """What the agent thinks that was asked, if one was."""

    @property
    def text(self) -> str:
        """The action in words."""
        return action_text(self.action)

    @property
    def trick(self) -> int | None:
        """1..7 in the tricks."""
        return 1 + int(self.view.record["num_plays"]) // NUM_SEATS if self.view.phase == Phase.TRICKS else None

    @property
    def kind(self) -> str:
        """``bid``, ``trump``, ``lead`` or ``follow``."""
        if self.trick is None:
            return "bid" if self.view.phase == Phase.AUCTION else "trump"
        return "follow" if int(self.view.record["num_plays"]) % NUM_SEATS else "lead"

    @property
    def side(self) -> str | None:
        """``offense`` or ``defense``; None in the auction."""
        if self.view.phase == Phase.AUCTION:
            return None
        return "offense" if (self.view.bidder ^ self.seat) & 1 == 0 else "defense"

    def to_json(self) -> dict[str, Any]:
        """One line of :func:`lines`."""
        reviewed = self.could_know is not None
        return {
            "kind": "step",
            "ply": self.ply,
            "seat": self.seat,
            "action": self.action,
            "text": self.text,
            "what": self.kind,
            "trick": self.trick,
            "side": self.side,
            "win": _point(self.win_could_know, self.win_hindsight),
            "view": str(self.view) if reviewed else None,
            "could_know": self.could_know.to_json() if self.could_know else None,
            "contracts": self.contracts.to_json() if self.contracts else None,
            "hindsight": self.hindsight.to_json() if self.hindsight else None,
            "opinion": self.opinion.to_json() if self.opinion else None,
        }


@dataclass(frozen=True, kw_only=True)
class Review:
    """A whole hand reviewed."""

    hand: Hand
    seats: tuple[int, ...]
    effort: Effort
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, hand: Hand, seats: Sequence[int] | None, effort: Effort, steps: Sequence[Step]) -> Review:
        """What :func:`review` gave for ``hand`` and ``seats``."""
        return cls(hand=hand, seats=_seats_of(hand, seats), effort=effort, steps=tuple(steps))

    @property
    def decisions(self) -> list[Step]:
        """The steps that have a verdict."""
        return [step for step in self.steps if step.could_know is not None]

    @property
    def worst(self) -> list[Step]:
        """Those that cost something beyond doubt, the worst first."""
        costly = [step for step in self.decisions if step.could_know and step.could_know.is_costly]
        return sorted(costly, key=lambda step: (-step.could_know.share if step.could_know else 0.0, step.ply))

    @cached_property
    def summary(self) -> Summary:
        """Where the reviewed seats lost."""
        return Summary.of([self])

    def to_json(self) -> dict[str, Any]:
        """All that :func:`lines` gives, as one object: the head, its ``steps`` and its ``end``."""
        head = _head(self.hand, self.seats, self.effort)
        return head | {"steps": [step.to_json() for step in self.steps], "end": _end(self)}


def review(
    hand: Hand,
    *,
    seats: Sequence[int] | None = None,
    effort: Effort = Effort(),
    agent: Agent | SupportsAct | str | None = None,
    graph: bool = True,
) -> Iterator[Step]:
    """Every decision of ``hand`` so far, in order, each as soon as it is known.

    Args:
        hand: finished or not. A view shows its own seat's decisions; hindsight needs all four hands, which a view of a
            finished hand has.
        seats: whose decisions get verdicts; all four by default, the own one of a view.
        effort: how many worlds.
        agent: who is asked for an opinion beside the verdicts, an agent or its spec. Where it has a belief, the worlds
            that plays are tried in are drawn by that; otherwise every possible deal is as likely as another.
        graph: whether the share of winning is found at the decisions of seats that are not reviewed, too.

    ValueError, before the first step, for seats or an agent that do not exist.
    """
    seats = _seats_of(hand, seats)
    asked = None if agent is None else as_agent(agent)
    full, is_known = _with_all_hands(hand)
    return _steps(full, is_known, seats, effort, asked, graph)


def review_whole(hand: Hand, **options: Any) -> Review:
    """The same as :func:`review`, once all of it is known."""
    steps = tuple(review(hand, **options))
    return Review.of(hand, options.get("seats"), options.get("effort") or Effort(), steps)


def lines(hand: Hand, **options: Any) -> Iterator[dict[str, Any]]:
    """A review as JSON, an object for each line: a ``head`` at once, a ``step`` for each action, an ``end``.

    Arguments and errors of :func:`review`.
    """
    steps = review(hand, **options)
    seats, effort = _seats_of(hand, options.get("seats")), options.get("effort") or Effort()
    return _lines(hand, seats, effort, steps)


def _lines(hand: Hand, seats: tuple[int, ...], effort: Effort, steps: Iterator[Step]) -> Iterator[dict[str, Any]]:
    yield _head(hand, seats, effort)
    done = []
    for step in steps:
        done.append(step)
        yield step.to_json()
    yield _end(Review(hand=hand, seats=seats, effort=effort, steps=tuple(done)))


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Another action at a decision."""

    step: Step
    """The decision, as if the other action had been taken."""
    branch: Hand
    """The hand after it, open to be played on."""
    line: tuple[int, ...] | None
    """How it goes on to the end, from there, if all play perfectly with all four hands open; None where not all are
    known or no trump is named yet."""

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        return {
            "kind": "what_if",
            "hand": str(self.branch),
            "step": self.step.to_json(),
            "line": None if self.line is None else list(self.line),
        }


def what_if(
    hand: Hand,
    ply: int,
    action: int,
    *,
    effort: Effort = Effort(),
    agent: Agent | SupportsAct | str | None = None,
) -> WhatIf:
    """What ``action`` would have been worth as number ``ply`` (from 0) of ``hand``, and where it leads.

    ValueError for a ply that the hand has not, IllegalActionError for an action that is not legal there.
    """
    full, is_known = _with_all_hands(hand)
    seats = _seats_of(hand, None)
    before = rewound(full, ply)
    if before.is_over or before.to_move not in seats:
        raise ValueError(f"expected a decision of seats {', '.join(map(str, seats))}, got ply {ply}")
    branch = before.clone()
    branch.apply(action)
    asked = None if agent is None else as_agent(agent)
    step = _step(before, ply, action, is_known, True, before.to_move, effort, asked)
    return WhatIf(step=step, branch=branch, line=plays.perfect_line(branch) if is_known else None)


def rewound(hand: Hand, ply: int) -> Hand:
    """``hand`` as it was after its first ``ply`` actions. ValueError if it has fewer, or is a view."""
    num_actions = len(hand.history)
    if not 0 <= ply <= num_actions:
        raise ValueError(f"expected a ply of the hand, got {ply}; allowed: 0..{num_actions}")
    record = hand.record
    if record["seat"] != core.NOBODY:
        raise ValueError("expected a whole hand, got a view, which cannot be taken back")
    core.rewind(record, ply)
    return Hand(record)


def graph_seat(hand: Hand, seats: Sequence[int]) -> int:
    """Whose share of winning the graph of a review of ``seats`` shows: the one seat, or of several the bidder."""
    return hand.bidder if len(seats) > 1 and hand.bidder >= 0 else seats[0]


def _steps(
    full: Hand, is_known: bool, seats: tuple[int, ...], effort: Effort, agent: Agent | None, graph: bool
) -> Iterator[Step]:
    onlooker = graph_seat(full, seats)
    for ply, (hand, action) in enumerate(full.replay()):
        if graph or hand.to_move in seats:
            yield _step(hand, ply, action, is_known, hand.to_move in seats, onlooker, effort, agent, graph)


def _step(
    hand: Hand,
    ply: int,
    action: int,
    is_known: bool,
    reviewed: bool,
    onlooker: int,
    effort: Effort,
    agent: Agent | None,
    graph: bool = True,
) -> Step:
    seat, key = hand.to_move, effort.key(ply)
    view = hand.view(seat)
    found: dict[str, Any] = {}
    opinion = None
    if reviewed and agent is not None:
        opinion = agent.explain(view, np.array([effort.key(ply, 1)], np.uint64))
        found["opinion"] = opinion
    if hand.phase == Phase.TRICKS:
        team = onlooker & 1
        if reviewed:
            verdict, share = plays.could_know(
                view,
                action,
                key,
                num_worlds=effort.num_worlds,
                threads=effort.threads,
                weights=_belief_of(opinion),
            )
            found |= {"could_know": verdict, "win_could_know": share}
        if graph and (seat != onlooker or not reviewed):
            num_worlds, threads = max(2, effort.num_worlds // 2), effort.threads
            seen = hand.view(onlooker)
            found["win_could_know"] = plays.win_share(seen, team, key, num_worlds=num_worlds, threads=threads)
        if is_known:
            hindsight = plays.hindsight(hand, action)
            best = max(hindsight.wins.values())
            found["win_hindsight"] = best if seat & 1 == team else 1.0 - best
            if reviewed:
                found["hindsight"] = hindsight
    elif reviewed:
        num_worlds, threads = effort.num_call_worlds, effort.threads
        found |= calls.verdicts(hand, action, key, num_worlds=num_worlds, threads=threads, is_known=is_known)
    return Step(ply=ply, seat=seat, action=action, view=Hand(view), **found)


def _belief_of(opinion: Explanation | None) -> np.ndarray | None:
    """The belief that worlds are drawn by; None if the agent has none of its own."""
    if opinion is None or opinion.speaker == "worlds":
        return None
    return opinion.belief


def _seats_of(hand: Hand, seats: Sequence[int] | None) -> tuple[int, ...]:
    viewer = int(hand.record["seat"])
    known = tuple(range(NUM_SEATS)) if viewer == core.NOBODY or worlds.count(hand.record) == 1 else (viewer,)
    if seats is None:
        return known
    chosen = tuple(dict.fromkeys(seats))
    if not chosen or not set(chosen) <= set(known):
        raise ValueError(f"expected seats to review, got {list(seats)}; allowed: {', '.join(map(str, known))}")
    return chosen


def _with_all_hands(hand: Hand) -> tuple[Hand, bool]:
    """A whole hand that looks like ``hand`` to whoever sees that, and whether it is the only one."""
    record = hand.record
    if record["seat"] == core.NOBODY:
        return hand, True
    only = worlds.count(record) == 1
    return Hand(worlds.sample(record, 1, np.uint64(0))[0]), only


def _head(hand: Hand, seats: tuple[int, ...], effort: Effort) -> dict[str, Any]:
    return {
        "kind": "head",
        "format": FORMAT,
        "hand": str(hand),
        "seats": list(seats),
        "contract": contract_text(hand),
        "result": result_text(hand) if hand.is_over else None,
        "graph_seat": graph_seat(hand, seats),
        "num_steps": len(hand.history),
        "num_worlds": effort.num_worlds,
        "num_call_worlds": effort.num_call_worlds,
        "seed": effort.seed,
    }


def _end(review: Review) -> dict[str, Any]:
    return {
        "kind": "end",
        "worst": [step.ply for step in review.worst],
        "summary": review.summary.to_json(),
        "win": _final_point(review),
    }


def _final_point(review: Review) -> dict[str, Any] | None:
    """Where the graph ends: how a finished hand came out for the team that it is drawn for."""
    if not review.hand.is_over or review.hand.bidder < 0:
        return None
    team = graph_seat(review.hand, review.seats) & 1
    share = float(win_values(review.hand.record, team, np.array(review.hand.points[team])))
    return _point(share, share)


def _point(could_know: float | None, hindsight: float | None) -> dict[str, Any] | None:
    if could_know is None and hindsight is None:
        return None
    short = [None if share is None else round(share, 4) for share in (could_know, hindsight)]
    return {"could_know": short[0], "hindsight": short[1]}
