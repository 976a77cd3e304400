"""The verdicts on a call and on naming trump."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from zeb42_agents import bidding, solver
from zeb42_agents.calls import CallNetwork, load
from zeb42_agents.calls.choose import learned_for
from zeb42_agents.eq import EQ
from zeb42_agents.play.verdicts import CouldKnow, Hindsight, Unit, judge, win_values
from zeb42_env import Declaration, Hand, Phase
from zeb42_env._core import bits, goals
from zeb42_env._core import record as core
from zeb42_env._core.dominoes import HAND_POINTS
from zeb42_env.rules import bid_text

NUM_SAMPLES = 6
"""A call is priced over so many samples of worlds, and the scatter of these is its standard error."""
NUM_CURVE_WORLDS = 24
PRICES = "quick"  # the bundled calls that tell what contracts bring


@dataclass(frozen=True, kw_only=True)
class Contracts:
    """What a seat's dominoes make under its best declarations, over sampled worlds."""

    curve: bidding.BidCurve
    num_worlds: int
    learned: bool
    """Whether the chances at the table are those that the calls of Zeb have learned; otherwise they are estimated from
    the worlds."""

    def at_table(self, row: int, bid: int) -> float:
        """The chance at the table that the declaration in ``row`` of the curve makes ``bid`` (30..42)."""
        return float(self.curve.chances[row, min(bid, HAND_POINTS) - core.MIN_BID])

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        bids = range(core.MIN_BID, HAND_POINTS + 1)
        return {
            "num_worlds": self.num_worlds,
            "learned": self.learned,
            "bids": list(bids),
            "declarations": [
                {
                    "declaration": declaration,
                    "text": str(Declaration(declaration)),
                    "makes": [round(float(share), 4) for share in self.curve.makes[row]],
                    "at_table": [round(self.at_table(row, bid), 4) for bid in bids],
                    "points": round(float(self.curve.mean_points[row]), 2),
                }
                for row, declaration in enumerate(self.curve.declarations)
            ],
        }


@dataclass(frozen=True, kw_only=True)
class CallHindsight:
    """What the seat that called would have taken with all four hands open, had it won the auction."""

    played: int
    declaration: int
    points: int
    """With the best declaration and perfect play of all."""

    @property
    def makes(self) -> bool | None:
        """Whether the bid is made that way; None for a pass."""
        if self.played == core.PASS:
            return None
        return self.points >= min(int(core.bid_value(self.played)), HAND_POINTS)

    @property
    def text(self) -> str:
        """In words."""
        takes = f"{_as_trump(self.declaration)} would take {self.points}"
        if self.makes is None:
            return takes
        return f"{takes}: {bid_text(int(core.bid_value(self.played)))} is {'made' if self.makes else 'set'}"

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        return {
            "could_take": self.points,
            "trump": self.declaration,
            "makes": self.makes,
            "text": self.text,
        }


def verdicts(
    hand: Hand, played: int, key: np.uint64, *, num_worlds: int, threads: int, is_known: bool
) -> dict[str, Any]:
    """The fields of a step for a call or declaration ``played`` at ``hand``; hindsight only if all hands are known."""
    view = hand.view(hand.to_move)
    if hand.phase == Phase.DECLARATION:
        found: dict[str, Any] = {
            "could_know": could_know_trump(view, played, key, num_worlds=num_worlds, threads=threads)
        }
        if is_known:
            found["hindsight"] = hindsight_trump(hand, played)
        return found
    found = {
        "could_know": could_know_call(view, played, key, num_worlds=num_worlds, threads=threads),
        "contracts": contracts(view, key, threads=threads),
    }
    if is_known:
        found["hindsight"] = hindsight_call(hand, played)
    return found


def contracts(
    view: np.void, key: np.uint64, *, num_worlds: int = NUM_CURVE_WORLDS, threads: int = 1, learned: bool = False
) -> Contracts:
    """What the seat of ``view`` would make, before the first lead.

    At the table: as E[Q] prices it over the same worlds, which is what the verdict on a call goes by, or with
    ``learned`` as the calls of Zeb have learned it, which is what Zeb bids by. Those know what it means that nobody
    bids more; where they do not know the rules, E[Q] speaks.
    """
    prices = _prices() if learned and learned_for(np.array([view]))[0] else None
    curve = bidding.bid_curve(view, num_worlds, key, threads=threads, calls=prices)
    return Contracts(curve=curve, num_worlds=num_worlds, learned=prices is not None)


def _as_trump(declaration: int) -> str:
    """``fives as trump``, in a sentence."""
    named = Declaration(declaration)
    others = {Declaration.NO_TRUMP: "no trump", Declaration.DOUBLES_SUIT: "doubles as a suit of their own"}
    return others.get(named, f"{named} as trump")


@cache
def _prices() -> CallNetwork:
    return load(PRICES)


def could_know_call(view: np.void, played: int, key: np.uint64, *, num_worlds: int = 72, threads: int = 1) -> CouldKnow:
    """The verdict on calling ``played`` from ``view``: the expected score of every legal call, as E[Q] prices it over
    samples of worlds that explain the calls so far."""
    actions = Hand(view).legal_actions()
    unit: Unit = "marks"
    if len(actions) == 1:
        return judge(played, actions, np.zeros((1, 1)), unit=unit, num_worlds=0)
    num_samples = min(NUM_SAMPLES, num_worlds // 2)
    bidder = EQ(n=max(1, num_worlds // num_samples))
    keys = [np.array([bits.mix(key, np.uint64(sample))], np.uint64) for sample in range(num_samples)]

    def price(sample: int) -> list[float]:
        values = {c.action: c.value for c in bidder.explain(view, keys[sample]).candidates}
        return [float(values[action] or 0.0) for action in actions]

    with ThreadPoolExecutor(threads) as pool:  # the kernels release the interpreter
        values = np.array(list(pool.map(price, range(num_samples))))
    return judge(played, actions, values, unit=unit, num_worlds=num_samples * bidder.n)


def could_know_trump(
    view: np.void, played: int, key: np.uint64, *, num_worlds: int = 72, threads: int = 1
) -> CouldKnow:
    """The verdict on naming ``played`` trump from ``view``, over worlds that explain the calls so far."""
    seat, actions = int(view["to_move"]), Hand(view).legal_actions()
    sampled = bidding.worlds_given_calls(view, key, num_worlds)
    points = _contract_points(sampled, seat, [action - core.DECLARE for action in actions], threads)
    by_margin = bool(goals.by_margin(view["scoring"]))
    wins = win_values(view, seat & 1, points)
    return judge(
        played,
        actions,
        points.astype(float) if by_margin else wins,
        unit="points" if by_margin else "win",
        num_worlds=num_worlds,
        points=points,
    )


def hindsight_trump(hand: Hand, played: int) -> Hindsight:
    """What each declaration takes with all four hands open."""
    seat, actions = hand.to_move, hand.legal_actions()
    own = _contract_points(np.array([hand.record]), seat, [action - core.DECLARE for action in actions])[0]
    wins = win_values(hand.record, seat & 1, own)
    return Hindsight(
        played=played,
        points=dict(zip(actions, own.tolist(), strict=True)),
        wins=dict(zip(actions, wins.tolist(), strict=True)),
    )


def hindsight_call(hand: Hand, played: int) -> CallHindsight:
    """What the caller's best declaration takes with all four hands open."""
    allowed = int(hand.record["declarations"])
    declarations = [declaration for declaration in range(10) if allowed >> declaration & 1]
    own = _contract_points(np.array([hand.record]), hand.to_move, declarations)[0]
    best = int(own.argmax())
    return CallHindsight(played=played, declaration=declarations[best], points=int(own[best]))


def _contract_points(full: np.ndarray, seat: int, declarations: list[int], threads: int = 1) -> np.ndarray:
    """Points int64 [W, D] that the team of ``seat`` takes in each of ``full`` (HAND [W]) if it declares and leads."""
    points = np.empty((len(full), len(declarations)), np.int64)

    def work(part: slice, memory: np.void) -> None:
        for w in range(part.start, part.stop):
            for d, declaration in enumerate(declarations):
                points[w, d] = bidding.contract_points(full[w], seat, declaration, memory)

    solver.in_threads(work, len(full), threads)
    return points
