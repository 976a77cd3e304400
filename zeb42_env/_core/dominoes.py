"""The 28 dominoes, and what each is worth under each of the ten declarations.

A domino is an id 0..27, ``high * (high + 1) // 2 + low``. A suit is 0..6 for the pips and 7 for the suit of doubles,
which exists when doubles are trump (declaration 7) or a suit of their own (declaration 8).
"""

from __future__ import annotations

import numpy as np

NUM_DOMINOES = 28
NUM_SEATS = 4
NUM_TRICKS = 7
NUM_DECLARATIONS = 10
NUM_SUITS = 8
DOUBLES_SUIT = 7
DOUBLES_TRUMP, DOUBLES_SUIT_ONLY, NO_TRUMP = 7, 8, 9  # declarations beyond the seven pips
HAND_POINTS = 42
ALL_DOMINOES = np.uint32((1 << NUM_DOMINOES) - 1)

HIGH = np.array([high for high in range(7) for _ in range(high + 1)], np.int8)  # [28] the larger pip
LOW = np.array([low for high in range(7) for low in range(high + 1)], np.int8)  # [28] the smaller pip
IS_DOUBLE = HIGH == LOW  # [28]
COUNT = np.where((HIGH + LOW) % 5 == 0, HIGH + LOW, 0).astype(np.int8)  # [28] points a domino carries: 0, 5 or 10
COUNT_DOMINOES = np.uint32(sum(1 << d for d in range(NUM_DOMINOES) if COUNT[d]))  # the five counts, as bits


def _belongs(domino: int, declaration: int, suit: int) -> bool:
    """Whether ``domino`` is a member of ``suit`` when ``declaration`` is trump."""
    if declaration in (DOUBLES_TRUMP, DOUBLES_SUIT_ONLY):
        if IS_DOUBLE[domino]:
            return suit == DOUBLES_SUIT
    elif declaration in (HIGH[domino], LOW[domino]):
        return suit == declaration
    return suit in (HIGH[domino], LOW[domino])


def _led(domino: int, declaration: int) -> int:
    """The suit that ``domino`` leads: trump if it is one, otherwise its higher pip."""
    trump_or_doubles = DOUBLES_SUIT if declaration in (DOUBLES_TRUMP, DOUBLES_SUIT_ONLY) else declaration
    if trump_or_doubles < NUM_SUITS and _belongs(domino, declaration, trump_or_doubles):
        return trump_or_doubles
    return int(HIGH[domino])


def _rank(domino: int, suit: int) -> int:
    """Rank inside a suit, 0..7: the double on top, then by the other pip; doubles among themselves by pip."""
    if suit == DOUBLES_SUIT:
        return int(HIGH[domino])
    if IS_DOUBLE[domino]:
        return 7
    return int(LOW[domino] if HIGH[domino] == suit else HIGH[domino])


def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    led_suit = np.zeros((NUM_DECLARATIONS, NUM_DOMINOES), np.int8)
    members = np.zeros((NUM_DECLARATIONS, NUM_SUITS), np.uint32)
    power = np.zeros((NUM_DECLARATIONS, NUM_SUITS, NUM_DOMINOES), np.int8)
    trumps = np.zeros(NUM_DECLARATIONS, np.uint32)
    for declaration in range(NUM_DECLARATIONS):
        trump = declaration if declaration <= DOUBLES_TRUMP else -1  # the trump suit: 7 is the suit of doubles
        for domino in range(NUM_DOMINOES):
            led_suit[declaration, domino] = _led(domino, declaration)
            for suit in range(NUM_SUITS):
                if _belongs(domino, declaration, suit):
                    members[declaration, suit] |= np.uint32(1 << domino)
                    power[declaration, suit, domino] = 1 + _rank(domino, suit)
            if trump >= 0 and _belongs(domino, declaration, trump):
                trumps[declaration] |= np.uint32(1 << domino)
                power[declaration, :, domino] = 9 + _rank(domino, trump)
    bits = np.uint32(1) << np.arange(NUM_DOMINOES, dtype=np.uint32)
    beaters = ((power[:, :, None] > power[..., None]) * bits).sum(-1, dtype=np.uint32)
    return led_suit, members, power, trumps, beaters


LED_SUIT, SUIT_MEMBERS, POWER, TRUMPS, BEATERS = _tables()
FOLLOWERS = np.take_along_axis(SUIT_MEMBERS, LED_SUIT.astype(np.int64), 1)
"""LED_SUIT  [10, 28]    suit that a domino leads.
SUIT_MEMBERS [10, 8]     dominoes that belong to a suit, as bits: who follows it must play one of them.
POWER        [10, 8, 28] what a domino is worth in a trick of that led suit: 0 cannot win, 1..8 follows, 9..16 trump.
TRUMPS       [10]        the trump dominoes, as bits; none for declarations 8 and 9.
BEATERS      [10, 8, 28] the dominoes that beat a domino in a trick of that led suit, trumps too, as bits.
FOLLOWERS    [10, 28]    the dominoes that follow a domino that is led, itself too, as bits."""


def domino_id(high: int, low: int) -> int:
    """The id of the domino with these two pips, in either order."""
    high, low = max(high, low), min(high, low)
    return high * (high + 1) // 2 + low
