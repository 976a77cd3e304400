"""The columns of the token observation: the one table behind the encoder, the space, what networks scale, and the docs.

A token is a row of 40 small integers. There is one for the situation, one for each seat from the viewer clockwise, and
one for each domino. Who adds a column says here what it is called, how wide it is and how large it gets.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS, NUM_DOMINOES, NUM_SEATS, NUM_SUITS, NUM_TRICKS
from zeb42_env._core.goals import HIGHEST_MARKS, MATCH_MARKS, NUM_SCORINGS
from zeb42_env._core.record import MAX_MARKS_BID

NUM_TOKENS, NUM_COLUMNS = 1 + NUM_SEATS + NUM_DOMINOES, 40
SITUATION, SEATS, DOMINOES = 0, 1, 1 + NUM_SEATS  # the first token of each kind
NUM_OTHERS = NUM_SEATS - 1
COUNT_POINTS = 35  # of the five counts together


class Column(NamedTuple):
    """Some neighbouring columns that say one thing."""

    name: str
    meaning: str
    width: int = 1
    high: int = 1
    """The largest value; the smallest is 0."""
    scale: int = 0
    """What networks divide by, if not ``high``: weights were trained with it."""


SITUATION_COLUMNS = (
    Column("declaration", "what is trump: 0..6, doubles, doubles suit, no trump", NUM_DECLARATIONS),
    Column("phase", "auction, declaration, tricks; a hand that is over counts as tricks", 3),
    Column("scoring", "what the hand is played for: marks, contract, majority, points", NUM_SCORINGS),
    Column("match", "whether the hand is part of a match"),
    Column("we_bid", "my team is the offense"),
    Column("they_bid", "the other team is the offense"),
    Column("points_bid", "points bid, at most 42", high=HAND_POINTS),
    Column("marks_bid", "marks bid", high=MAX_MARKS_BID),
    Column("our_points", "points of my team", high=HAND_POINTS),
    Column("their_points", "points of the other team", high=HAND_POINTS),
    Column("we_need", "points my team still needs", high=HAND_POINTS),
    Column("they_need", "points the other team still needs", high=HAND_POINTS),
    Column("our_marks", "marks of my team before this hand", high=HIGHEST_MARKS, scale=MATCH_MARKS),
    Column("their_marks", "marks of the other team before this hand", high=HIGHEST_MARKS, scale=MATCH_MARKS),
    Column("tricks_left", "tricks left, the one under way too", high=NUM_TRICKS),
    Column("in_trick", "dominoes in the trick under way: 0, 1, 2, 3", 4),
    Column("trick_count", "what the counts in the trick under way carry", high=25, scale=21),
    Column("trump_led", "trump was led"),
    Column("we_win", "my team is winning the trick"),
    Column("they_win", "an opponent is winning the trick"),
    Column("trumps_out", "trumps still out, not mine", high=NUM_TRICKS),
    Column("my_trumps", "trumps I hold", high=NUM_TRICKS),
    Column("count_out", "what the counts I cannot see carry", high=COUNT_POINTS),
)
SEAT_COLUMNS = (
    Column("place", "me, left, partner, right", NUM_SEATS),
    Column("void", "can hold none of suit 0..6, of doubles", NUM_SUITS),
    Column("void_in_trump", "can hold no trump"),
    Column("shaker", "shook"),
    Column("bidder", "made the highest bid so far"),
    Column("leader", "leads the trick, or is to lead"),
    Column("to_move", "is to move"),
    Column("is_winning", "is winning the trick"),
    Column("has_played", "has played in the trick"),
    Column("dominoes_left", "dominoes left", high=NUM_TRICKS),
    Column("candidates", "hidden dominoes it may hold", high=NUM_OTHERS * NUM_TRICKS),
    Column("passed", "passed"),
    Column("points_it_bid", "points it bid, at most 42", high=HAND_POINTS),
    Column("marks_it_bid", "marks it bid", high=MAX_MARKS_BID),
)
DOMINO_COLUMNS = (
    Column("mine", "I hold it"),
    Column("hidden", "another seat holds it"),
    Column("in_trick", "in the trick under way, played by me, left, partner, right", NUM_SEATS),
    Column("in_earlier", "in an earlier trick, played by me, left, partner, right", NUM_SEATS),
    Column("may_hold", "may be held by left, partner, right", NUM_OTHERS),
    Column("trump", "trump"),
    Column("follows", "belongs to the suit led"),
    Column("legal", "may be played now"),
    Column("is_winning", "is winning the trick"),
    Column("would_win", "would win the trick as it lies"),
    Column("count", "carries 5, 10 points", 2),
    Column("beaten_by", "others' dominoes that beat it in the suit it leads: 0, 1, 2, 3, more", 5),
    Column("led", "led its trick"),
    Column("won", "won its trick"),
    Column("failed", "did not follow suit"),
    Column("trick", "trick it was played in: 1..7", NUM_TRICKS),
    Column("double", "a double"),
    Column("fellows", "others' dominoes in the suit it leads", high=NUM_TRICKS - 1, scale=NUM_TRICKS),
)
KINDS = {"situation": SITUATION_COLUMNS, "seat": SEAT_COLUMNS, "domino": DOMINO_COLUMNS}
_TOKENS_OF_KIND = (1, NUM_SEATS, NUM_DOMINOES)


def starts(columns: tuple[Column, ...]) -> dict[str, int]:
    """Where each of the named columns begins in its token."""
    found, start = {}, 0
    for column in columns:
        found[column.name] = start
        start += column.width
    assert start <= NUM_COLUMNS
    return found


def places_of(starts: dict[str, int]) -> Any:
    """The same as a named tuple: to kernels, which know no dictionaries, each is a constant."""
    return namedtuple("Places", starts)(**starts)  # type: ignore[misc]


def _each_token(kinds: list[list[tuple[int, int]]], rest: int) -> np.ndarray:
    """[33, 40] from the (width, value) of the columns of each kind of token; ``rest`` where there is no column."""
    rows = np.full((len(kinds), NUM_COLUMNS), rest)
    for row, kind in zip(rows, kinds, strict=True):
        values = [value for width, value in kind for _ in range(width)]
        row[: len(values)] = values
    return np.repeat(rows, _TOKENS_OF_KIND, axis=0)


HIGHS = _each_token([[(c.width, c.high) for c in kind] for kind in KINDS.values()], 0).astype(np.int8)
"""int8 [33, 40]: the largest value in each place."""
_UNITS = _each_token([[(c.width, c.scale or c.high) for c in kind] for kind in KINDS.values()], 1)
SCALE = (1 / _UNITS).astype(np.float32)
"""float32 [33, 40]: what a network multiplies tokens by to bring each column into about -1..1."""
