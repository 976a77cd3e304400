"""What one seat sees of a table, as JSON: everything follows from its view and from what is public."""

from __future__ import annotations

from typing import Any

from zeb42_agents.play.session import YOU, Session
from zeb42_agents.play.words import led_text, why_not
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase, action_text, bid_text, domino_text, points_text
from zeb42_env.wording import bid_counts, current_trick, finished_tricks, shown_hand, trump_text, winning_seat

PLACES = ("you", "left", "partner", "right")
WATCHED = ("bottom", "left", "top", "right")
"""What the seats are called where nobody sits who is read to."""
FORMAT = 1


def state(session: Session, seat: int) -> dict[str, Any]:
    """The table as ``seat`` sees it. Pairs are (own team, other team); dominoes and actions are in words.

    ``view`` is the line of notation of what the seat may know; the seed, the other hands and the whole line come when
    the hand is over, not before: each would give the hidden dominoes away. The seed of a match gives the hands to come
    away, too, so it waits for the end of the match.
    """
    view = session.view(seat)
    mine = view.to_move == seat and session.seats[seat] == YOU
    tricks, reader = finished_tricks(view), seat if session.seats[seat] == YOU else core.NOBODY
    return {
        "format": FORMAT,
        "version": session.version,
        "seat": seat,
        "watching": session.seats[seat] != YOU,
        "match": session.is_match,
        "number": session.number,
        "contract": session.rules.contract,
        "scoring": session.rules.scoring,
        "view": str(view),
        "phase": str(view.phase),
        "to_move": view.to_move,
        "your_turn": mine,
        "legal": [action_text(action) for action in view.legal_actions()] if mine else [],
        "not_now": _not_now(view) if mine else {},
        "seats": [_seat(session, view, seat, reader, other) for other in range(4)],
        "bid": bid_text(view.bid) if view.bidder >= 0 else None,
        "bidder": view.bidder,
        "trump": str(view.declaration) if view.declaration is not None else None,
        "trump_text": trump_text(view.declaration) if view.declaration is not None else None,
        "trumps": _trumps(view),
        "trick": _trick(view),
        "led": led_text(view) if view.phase == Phase.TRICKS and int(view.record["num_plays"]) % 4 else None,
        "tricks": [
            {"plays": _plays(plays), "by": winner, "points": points, "counts": _counts(plays)}
            for plays, winner, points in tricks
        ],
        "points": _own_first(view.points, seat),
        "needed": _needed(view, seat),
        "marks": _own_first(session.marks, seat),
        "over": _over(session, seat, reader) if view.is_over else None,
        "can": {"undo": session.can_undo(seat), "replay": bool(view.history), "next": view.is_over},
        "undone": session.undone,
        "says": says(view, reader),
    }


def place(seat: int, viewer: int) -> str:
    """Where ``seat`` sits as ``viewer`` says it: you, left, partner, right; to nobody (-1),
    who watches, seat 0 is at the bottom."""
    return WATCHED[seat] if viewer == core.NOBODY else PLACES[(seat - viewer) & 3]


def name_of(seat: int, viewer: int) -> str:
    """The same at the beginning of a sentence: ``You``, ``Left``."""
    return place(seat, viewer).capitalize()


def says(view: Hand, viewer: int) -> str:
    """The last thing that happened, and whose turn it is: one or two sentences to be read aloud."""
    history, words = view.history, []
    if history:
        seat, action = history[-1]
        words.append(_sentence(seat, action, viewer))
        tricks = finished_tricks(view)
        if tricks and not int(view.record["num_plays"]) % 4:
            _, winner, points = tricks[-1]
            words.append(f"{name_of(winner, viewer)} {_verb(winner, viewer, 'take')} the trick, {points_text(points)}.")
    if view.is_over:
        words.append(result(view, viewer))
    else:
        words.append(_turn(view, viewer))
    return " ".join(words)


def result(view: Hand, viewer: int) -> str:
    """How a finished hand came out, as ``viewer`` says it."""
    if view.bidder < 0:
        return "Nobody bid: the hand is thrown in."
    side = "your side" if (view.bidder - viewer) & 1 == 0 else "their side"
    if viewer == core.NOBODY:
        side = f"{WATCHED[view.bidder & 1]} and {WATCHED[2 + (view.bidder & 1)]}"
    took = points_text(view.points[view.bidder & 1])
    if not bid_counts(view):
        return f"{side[0].upper()}{side[1:]} took {took} of {tiles.HAND_POINTS}; no bid counts here."
    bid = f"{name_of(view.bidder, viewer)} bid {bid_text(view.bid)}"
    return f"{bid}, and {side} took {took}: {'made' if view.made else 'set'}."


def _sentence(seat: int, action: int, viewer: int) -> str:
    who = name_of(seat, viewer)
    if action < core.PASS:
        return f"{who} {_verb(seat, viewer, 'play')} {domino_text(action)}."
    if action == core.PASS:
        return f"{who} {_verb(seat, viewer, 'pass')}."
    if action < core.DECLARE:
        return f"{who} {_verb(seat, viewer, 'bid')} {action_text(action)}."
    return f"{who} {_verb(seat, viewer, 'call')} trump: {trump_text(Declaration(action - core.DECLARE))}."


def _turn(view: Hand, viewer: int) -> str:
    doing = {Phase.AUCTION: "bid", Phase.DECLARATION: "call trump"}
    lead = int(view.record["num_plays"]) % 4 == 0
    what = doing.get(view.phase, "lead" if lead else "play")
    if view.to_move == viewer:
        return f"Your turn to {what}."
    return f"{name_of(view.to_move, viewer)} is to {what}."


def _verb(seat: int, viewer: int, verb: str) -> str:
    if seat == viewer:
        return verb
    return verb + ("es" if verb.endswith("s") else "s")


def _seat(session: Session, view: Hand, viewer: int, reader: int, seat: int) -> dict[str, Any]:
    said = [action for caller, action in view.history if caller == seat and core.PASS <= action < core.DECLARE]
    held = shown_hand(view, seat)
    known = seat == viewer or view.is_over
    return {
        "seat": seat,
        "place": place(seat, viewer),
        "called": place(seat, reader),
        "player": session.seats[seat],
        "person": session.seats[seat] == YOU,
        "held": len(held),
        "dominoes": [domino_text(domino) for domino in held if domino is not None] if known else None,
        "said": action_text(said[0]) if said else None,
        "shaker": seat == view.shaker,
        "bidder": seat == view.bidder and view.phase != Phase.AUCTION,
    }


def _trick(view: Hand) -> dict[str, Any] | None:
    """The trick on the table: the one under way, or the last one until somebody leads."""
    plays = current_trick(view)
    if plays:
        return {"plays": _plays(plays), "winning": winning_seat(view), "by": None, "points": None}
    tricks = finished_tricks(view)
    if not tricks:
        return None
    plays, winner, points = tricks[-1]
    return {"plays": _plays(plays), "winning": winner, "by": winner, "points": points}


def _plays(plays: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [{"seat": seat, "domino": domino_text(domino)} for seat, domino in plays]


def _counts(plays: list[tuple[int, int]]) -> list[str]:
    return [domino_text(domino) for _, domino in plays if tiles.COUNT[domino]]


def _trumps(view: Hand) -> list[str]:
    """All trump dominoes, which anybody can tell."""
    trumps = int(tiles.TRUMPS[view.declaration]) if view.declaration is not None else 0
    return [domino_text(domino) for domino in range(tiles.NUM_DOMINOES) if trumps >> domino & 1]


def _needed(view: Hand, seat: int) -> list[int] | None:
    """The points that each team needs to make, or to set, what was bid."""
    if view.bidder < 0 or view.phase == Phase.AUCTION:
        return None
    bid = min(view.bid, tiles.HAND_POINTS)
    offense, defense = bid, tiles.HAND_POINTS + 1 - bid
    return [offense, defense] if (view.bidder - seat) & 1 == 0 else [defense, offense]


def _not_now(view: Hand) -> dict[str, str]:
    """Why each of the dominoes held may not be played."""
    if view.phase != Phase.TRICKS:
        return {}
    legal = view.legal_actions()
    return {domino_text(d): why_not(d, view) for d in view.holding(view.to_move) if d not in legal}


def _over(session: Session, seat: int, reader: int) -> dict[str, Any]:
    hand = session.hand
    owner = hand.record["owner"]
    scored = hand.score if seat & 1 == 0 else -hand.score
    return {
        "text": result(hand, reader),
        "made": hand.made,
        "score": scored,
        "match_over": session.match_over,
        "won_match": session.match_over and session.marks[seat & 1] > session.marks[1 - (seat & 1)],
        "deal": [
            [domino_text(d) for d in reversed(range(tiles.NUM_DOMINOES)) if owner[d] == other] for other in range(4)
        ],
        "hand": str(hand),
        "seed": session.seed if session.is_dealt and (session.match_over or not session.is_match) else None,
        "number": session.number,
    }


def _own_first(pair: tuple[int, int], seat: int) -> list[int]:
    return [pair[seat & 1], pair[1 - (seat & 1)]]
