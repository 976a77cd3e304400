"""A slow second opinion on exact values, and positions to ask about."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np

from zeb42_env import Hand, Rules
from zeb42_env._core import record as core
from zeb42_env._core import tables

DATA = Path(__file__).parents[1] / "data"
COUNTS = {(5, 5): 10, (6, 4): 10, (5, 0): 5, (4, 1): 5, (3, 2): 5}
PIPS = [(high, low) for high in range(7) for low in range(high + 1)]


def reference_rows() -> list[dict]:
    """The positions with values from an independent solver."""
    with gzip.open(DATA / "exact-values.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def hand_of_row(row: dict) -> Hand:
    hand = Hand.from_deal(row["hands"], declaration=row["declaration"], bidder=row["bidder"])
    for _, domino in row["plays"]:
        hand.apply(domino)
    return hand


def positions(num_hands: int, seed: int, *, first: int = 0, last: int = 27, rules: Rules | None = None) -> np.ndarray:
    """Full hands [N] of random play under random contracts, each stopped before a play in ``first``..``last``."""
    rules = rules or Rules(contract="random")
    hands = np.repeat(rules.blank_record(), num_hands)
    tables.deal_numbers(hands, np.uint64(seed), np.arange(len(hands), dtype=np.uint64), rules.contract_code)
    rng = np.random.default_rng(seed)
    tables.play_randomly(hands, rng.integers(0, 2**64, num_hands, dtype=np.uint64))
    for hand in hands:
        plays_only = int(core.num_decisions(hand)) - 28
        core.rewind(hand, plays_only + int(rng.integers(first, last + 1)))
    return hands


def follows(domino: int, suit: str | int, declaration: int) -> bool:
    """Whether a domino belongs to a suit, by the rules as written: ``trump``, ``doubles`` or a pip."""
    high, low = PIPS[domino]
    if suit == "doubles":
        return high == low
    if declaration in (7, 8) and high == low:
        return False
    if declaration < 7 and declaration in (high, low):
        return suit == declaration
    return suit in (high, low)


def led_suit(domino: int, declaration: int) -> str | int:
    high, low = PIPS[domino]
    if declaration in (7, 8) and high == low:
        return "doubles"
    return declaration if declaration in (high, low) else high


def strength(domino: int, led: str | int, declaration: int) -> int:
    """What a domino is worth in a trick; 0 cannot win."""
    high, low = PIPS[domino]
    trump = "doubles" if declaration == 7 else declaration
    suit = trump if follows(domino, trump, declaration) and declaration < 8 else led
    if not follows(domino, suit, declaration):
        return 0
    within = high if suit == "doubles" else 7 if high == low else low if high == suit else high
    return 1 + within + (10 if suit == trump and declaration < 8 else 0)


def minimax(hand: Hand) -> dict[int, int]:
    """Points that seats 0&2 take from here on after each legal play, by looking at every line."""
    declaration = int(hand.declaration or 0)
    plays = [(seat, action) for seat, action in hand.history if action < 28]
    trick = tuple(plays[len(plays) - len(plays) % 4 :])

    @cache
    def value(holdings: tuple[frozenset[int], ...], seat: int, trick: tuple[tuple[int, int], ...]) -> int:
        if not any(holdings):
            return 0
        results = [after(holdings, seat, trick, domino) for domino in options(holdings, seat, trick)]
        return max(results) if seat % 2 == 0 else min(results)

    def options(holdings: tuple[frozenset[int], ...], seat: int, trick: tuple[tuple[int, int], ...]) -> list[int]:
        if trick:
            led = led_suit(trick[0][1], declaration)
            following = [domino for domino in holdings[seat] if follows(domino, led, declaration)]
            return following or list(holdings[seat])
        return list(holdings[seat])

    def after(holdings: tuple[frozenset[int], ...], seat: int, trick: tuple[tuple[int, int], ...], domino: int) -> int:
        rest = tuple(held - {domino} if s == seat else held for s, held in enumerate(holdings))
        trick = (*trick, (seat, domino))
        if len(trick) < 4:
            return value(rest, (seat + 1) % 4, trick)
        led = led_suit(trick[0][1], declaration)
        winner = max(trick, key=lambda play: strength(play[1], led, declaration))[0]
        points = 1 + sum(COUNTS.get(PIPS[d], 0) for _, d in trick)
        return (points if winner % 2 == 0 else 0) + value(rest, winner, ())

    holdings = tuple(frozenset(hand.holding(seat)) for seat in range(4))
    legal = sorted(options(holdings, hand.to_move, trick))
    return {domino: after(holdings, hand.to_move, trick, domino) for domino in legal}


def reneged_view() -> np.ndarray:
    """A view HAND [1] in which a seat plays a six that it failed to follow a trick before."""
    hand = Hand.from_deal(
        [[0, 1, 2, 3, 4, 5, 27], [6, 7, 8, 9, 10, 11, 26], [12, 13, 14, 15, 16, 17, 25], [18, 19, 20, 21, 22, 23, 24]],
        bidder=0, bid=30, declaration=9,
    ).record.reshape(1)  # fmt: skip
    for domino in (27, 6, 25, 24, 3, 26):  # the 6-6 is led, seat 1 has the 6-5, which it plays to the next trick
        core.apply(hand[0], domino)
    return tables.views_of(hand, hand["to_move"])
