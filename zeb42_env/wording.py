"""What is to be said and shown of a hand, in text or in a picture: its contract, turn and result, tricks and hands."""

from __future__ import annotations

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import goals
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase, bid_text, points_text

TEAMS = ("seats 0 & 2", "seats 1 & 3")


def contract_text(hand: Hand) -> str:
    """The contract in words: ``seat 1 bid 31, fives are trump``."""
    if hand.bidder < 0:
        return "nobody has bid yet" if hand.phase == Phase.AUCTION else "nobody bid"
    bid = f"seat {hand.bidder} bid {bid_text(hand.bid)}"
    if hand.phase == Phase.AUCTION:
        return bid + " so far"
    return f"{bid}, {trump_text(hand.declaration)}"


def trump_text(declaration: Declaration | None) -> str:
    """What is trump in words: ``fives are trump``, ``no trump: follow me``."""
    if declaration is None:
        return "trump is still to be declared"
    if declaration == Declaration.NO_TRUMP:
        return "no trump: follow me"
    if declaration == Declaration.DOUBLES_SUIT:
        return "doubles are a suit of their own, no trump"
    return f"{declaration} are trump"


def result_text(hand: Hand) -> str:
    """How a finished hand came out: ``made: seats 1 & 3 bid 31 and took 33 points``."""
    if hand.bidder < 0:
        return "thrown in: nobody bid"
    offense = hand.bidder & 1
    if not bid_counts(hand):
        return f"{TEAMS[offense]} took {points_text(hand.points[offense])} of {tiles.HAND_POINTS}; no bid counts here"
    word = "made" if hand.made else "set"
    return f"{word}: {TEAMS[offense]} bid {bid_text(hand.bid)} and took {points_text(hand.points[offense])}"


def bid_counts(hand: Hand) -> bool:
    """Whether a hand is won by making or setting what was bid, not by most of the points, or by each of them."""
    return bool(goals.by_contract(int(hand.record["scoring"])))


def turn_text(hand: Hand) -> str:
    """Whose turn it is, and for what."""
    doing = {Phase.AUCTION: "to call", Phase.DECLARATION: "to declare trump"}
    if hand.is_over:
        return result_text(hand)
    lead = "to lead" if hand.record["num_plays"] % 4 == 0 else "to play"
    return f"seat {hand.to_move} {doing.get(hand.phase, lead)}"


def current_trick(hand: Hand) -> list[tuple[int, int]]:
    """The (seat, domino) pairs of the trick under way, in order; empty between tricks."""
    plays = [(seat, action) for seat, action in hand.history if action < core.PASS]
    return plays[len(plays) - len(plays) % 4 :]


def finished_tricks(hand: Hand) -> list[tuple[list[tuple[int, int]], int, int]]:
    """The tricks taken so far: their (seat, domino) pairs in order, the winner and the points."""
    plays = [(seat, action) for seat, action in hand.history if action < core.PASS]
    record, tricks = hand.record, []
    for first in range(0, len(plays) - len(plays) % 4, 4):
        trick = plays[first : first + 4]
        winner = trick[core.trick_winner(record, first)][0]
        tricks.append((trick, winner, 1 + int(sum(tiles.COUNT[domino] for _, domino in trick))))
    return tricks


def winning_seat(hand: Hand) -> int:
    """The seat that is winning the trick under way; -1 between tricks."""
    trick = current_trick(hand)
    if not trick:
        return core.NOBODY
    record = hand.record
    return trick[core.trick_winner(record, int(record["num_plays"]) - len(trick))][0]


def shown_hand(hand: Hand, seat: int) -> list[int | None]:
    """What ``seat`` still holds, trumps first and then by suit; None for each domino that lies face down."""
    record = hand.record
    viewer = int(record["seat"])
    played = sum(record["owner"][d] == seat for d in record["plays"][: record["num_plays"]])
    if viewer not in (core.NOBODY, seat):
        return [None] * (7 - int(played))
    trumps = int(tiles.TRUMPS[hand.declaration]) if hand.declaration is not None else 0
    held = sorted(hand.holding(seat), key=lambda d: (not trumps >> d & 1, -int(tiles.HIGH[d]), -int(tiles.LOW[d])))
    return list(held)
