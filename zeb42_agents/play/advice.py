"""Answers for a person who asks: what to do, what lies where, what to bid. Each follows from the view alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zeb42_agents import worlds
from zeb42_agents.belief import legality
from zeb42_agents.calls import Calling
from zeb42_agents.explanation import SCORE, Candidate, Explanation
from zeb42_agents.minds import NETWORK
from zeb42_agents.play import calls, plays
from zeb42_agents.play.show import PLACES
from zeb42_agents.played import MindPlayer
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import goals
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Phase, action_text, domino_text

EFFORTS = (16, 64, 256, 1024)
"""Guessed deals per step of thinking longer."""
BID_EFFORTS = (20, 60, 200)
NUM_SHOWN = 8
"""Guessed deals to flip through."""
PUBLIC_EFFORT = 64
"""The most that a public server thinks."""


def key_of(view: np.void) -> np.uint64:
    """What answers about ``view`` draw from: the same question, the same answer, whoever asks."""
    return np.uint64(int.from_bytes(hashlib.blake2b(view.tobytes(), digest_size=8).digest(), "little"))


def best_plays(view: Hand, efforts: Sequence[int] = EFFORTS, *, threads: int = 2) -> Iterator[dict[str, Any]]:
    """What each legal action is worth, over more and more guessed deals; ValueError unless it is the view of the mover.

    A step has the options best first: value, loss against the best and its standard error over the same deals, and
    ``close`` where the deals cannot tell it from the best.
    """
    record = view.record
    if record["seat"] < 0 or record["seat"] != record["to_move"]:
        raise ValueError("it is not your turn: there is nothing to choose")
    legal = view.legal_actions()
    for effort in efforts:
        verdict = _verdict(view, legal[0], effort, threads)
        unit = verdict.unit
        yield {
            "kind": "plays",
            "effort": effort,
            "last": effort == efforts[-1],
            "unit": unit,
            "options": [
                {
                    "text": action_text(option.action),
                    "value": round(option.value, 4),
                    "loss": round(option.loss, 4),
                    "se": round(option.se, 4),
                    "close": option.is_close,
                    "points": None if option.points is None else round(option.points, 1),
                }
                for option in verdict.options
            ],
        }


def _verdict(view: Hand, action: int, effort: int, threads: int) -> Any:
    record, key = view.record, key_of(view.record)
    if view.phase == Phase.TRICKS:
        return plays.could_know(record, action, key, num_worlds=effort, threads=threads)[0]
    if view.phase == Phase.DECLARATION:
        return calls.could_know_trump(record, action, key, num_worlds=effort, threads=threads)
    return calls.could_know_call(record, action, key, num_worlds=effort, threads=threads)


def opinion(view: Hand, agent: Any, name: str) -> dict[str, Any]:
    """What ``agent`` would do and why, in the words of a table; it goes by ``name`` there."""
    found = agent.explain(view.record, np.array([key_of(view.record)], np.uint64))
    return {
        "kind": "opinion",
        "name": name,
        "chosen": action_text(found.chosen),
        "speaker": found.speaker,
        "why": reason(found),
        "line": [action_text(action) for action in found.line],
    }


def reason(found: Explanation) -> str:
    """Why an agent does what it does, in a sentence for players."""
    favorite = next((one for one in found.candidates if one.action == found.chosen), None)
    if favorite is None or len(found.candidates) == 1:
        return "Nothing else is allowed."
    win, policy = favorite.win_share, favorite.policy
    deals = f"{found.num_worlds} guessed deals"
    if found.speaker == "search":
        lines = sum(one.visits or 0 for one in found.candidates)
        return f"It looked {lines:,} lines ahead in {deals} and came back to this one most often.{_chance(found)}"
    learned = found.speaker == "network" and found.chosen >= core.PASS and policy is None
    if found.speaker == "simple bidder" or learned:
        return _bidders_reason(found, favorite)
    if found.speaker == "network":
        often = "" if policy is None else f", {policy:.0%} of the time in hands like this one"
        return f"It goes by its feel for the game, without looking ahead{often}.{_chance(found)}"
    if found.speaker == "worlds" and win is not None:
        return f"That wins {win:.0%} of {deals} when everybody then plays perfectly."
    if found.speaker == "worlds" and favorite.value is not None and found.unit == "marks":
        return f"It is worth most over {deals} that fit the bids: {favorite.value:+.2f} marks."
    if found.speaker == "worlds" and policy is not None:  # a mind's, which plays them out
        return f"It comes out best over {deals} when everybody then plays by what they see.{_chance(found)}"
    if found.speaker == "worlds":
        return f"It is worth most over {deals}."
    return {
        "rules": "It looks at this trick alone, and counts who may hold what.",
        "chance": "It draws from all that is allowed.",
    }.get(found.speaker, "It says no more.")


def _bidders_reason(found: Explanation, favorite: Candidate) -> str:
    """Of bidders that read the seven dominoes and know how often such hands made it: the shared one, learned calls."""
    if favorite.win_share is not None:
        return f"Dominoes like these make it {favorite.win_share:.0%} of the time at real tables."
    chances = [one.win_share for one in found.candidates if one.win_share is not None]
    if not chances:
        return "That is worth most to it."
    return f"Dominoes like these make the lowest bid left {max(chances):.0%} of the time at real tables."


def _chance(found: Explanation) -> str:
    """The chance to win that an agent sees; nothing where every point counts."""
    value = found.network_value if found.root_value is None else found.root_value
    if value is None or found.unit != SCORE or goals.by_margin(found.view.record["scoring"]):
        return ""
    return f" It sees a {(1 + max(-1.0, min(1.0, value))) / 2:.0%} chance to win the hand."


def hidden(view: Hand, agent: Any = None, name: str = "") -> dict[str, Any]:
    """What each hidden domino may be: shares for left, partner and right, by the rules alone and as the network of
    ``agent``, which goes by ``name``, believes, where it has one that reads this view."""
    record = view.record
    viewer = int(record["seat"])
    if viewer < 0:
        raise ValueError("expected a view, got a hand with all dominoes known: nothing is hidden")
    others = [(viewer + turn) & 3 for turn in (1, 2, 3)]
    rules = legality(record.reshape(1))[0]
    belief = network_belief(record, agent)
    unseen = [int(domino) for domino in np.flatnonzero(record["owner"] == core.UNKNOWN)]
    return {
        "kind": "hidden",
        "places": list(PLACES[1:]),
        "who": None if belief is None else name,
        "dominoes": [
            {
                "domino": domino_text(domino),
                "count": int(tiles.COUNT[domino]),
                "rules": [round(float(rules[domino, seat]), 3) for seat in others],
                "belief": None if belief is None else [round(float(belief[domino, seat]), 3) for seat in others],
            }
            for domino in reversed(unseen)
        ],
    }


def network_belief(view: np.void, agent: Any) -> np.ndarray | None:
    """The belief float64 [28, 4] of ``agent``'s network about ``view``, made to agree with the rules; a mind's own."""
    if isinstance(agent, Calling):
        agent = agent.player
    if isinstance(agent, MindPlayer):
        if agent.mind.kind != NETWORK:
            return None
        return agent.belief(np.array([view]))[0]
    evaluator = getattr(agent, "evaluator", None)
    if evaluator is None or not evaluator.config.belief_head:
        return None
    views = np.array([view])
    if not evaluator.tokenizer.readable(views)[0]:
        return None
    try:
        return worlds.marginals(view, evaluator.belief(views)[0].astype(np.float64))
    except ValueError:  # the network rules every deal out
        return None


def guesses(view: Hand, agent: Any = None, name: str = "", num_worlds: int = NUM_SHOWN) -> dict[str, Any]:
    """A few guessed deals: the dominoes that left, partner and right still hold in each. Drawn by the network's belief
    where there is one; otherwise every possible deal is as likely as another."""
    record = view.record
    viewer = int(record["seat"])
    belief = network_belief(record, agent)
    drawn = worlds.sample(record, num_worlds, key_of(record), belief)
    return {
        "kind": "worlds",
        "possible": worlds.count(record),
        "drawn_by": "the rules alone" if belief is None else f"what {name} believes",
        "worlds": [
            [
                [domino_text(domino) for domino in reversed(Hand(world).holding((viewer + turn) & 3))]
                for turn in (1, 2, 3)
            ]
            for world in drawn
        ],
    }


def bids(view: Hand, efforts: Sequence[int] = BID_EFFORTS, *, threads: int = 2) -> Iterator[dict[str, Any]]:
    """P(make) of each declaration and bid from the seven dominoes of ``view``, over more and more guessed deals.

    ``at_table`` is the chance at the table, as Zeb's calls have learned it or estimated (see
    :func:`zeb42_agents.play.calls.contracts`), ``makes`` the share of deals, with perfect play and all hands seen.
    ValueError once trump is named.
    """
    for effort in efforts:
        key = key_of(view.record)
        found = calls.contracts(view.record, key, num_worlds=effort, threads=threads, learned=True)
        yield {"kind": "bids", "effort": effort, "last": effort == efforts[-1], **found.to_json()}


def typed_hand(dominoes: Sequence[int], *, shaker: int = 3) -> Hand:
    """The view of seat 0, first to bid unless ``shaker`` says otherwise, that holds these seven."""
    own = ".".join(domino_text(domino).replace("-", "") for domino in dominoes)
    passes = ",".join(["pass"] * (3 - shaker))
    before = f" calls={passes}" if passes else ""
    return Hand.parse(f"zeb42/1 deal={own}|?|?|? seat=0 shaker={shaker}{before}")
