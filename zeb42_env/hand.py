""":class:`Hand`: one hand of Texas 42 as a friendly object over one HAND record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from zeb42_env._core import bits, goals
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env._core.gate import is_bid
from zeb42_env.notation import format_hand, parse_hand
from zeb42_env.records import check_records
from zeb42_env.rules import Declaration, Domino, Phase, Rules, RulesLike, action_text

MAX_SEED = 2**64 - 1


class IllegalActionError(ValueError):
    """An action that the seat to move may not take: says what was expected, given and allowed."""


class Hand:
    """One hand, from the deal to its score.

    >>> hand = Hand.deal(seed=7)
    >>> while not hand.is_over:
    ...     hand.apply(hand.legal_actions()[0])
    >>> sum(hand.points)
    42

    Seats are 0..3 clockwise, partners 0&2 and 1&3; a pair of points or marks is (seats 0&2, seats 1&3). Actions are
    ids of one space for all phases: 0-27 play that domino, 28 pass, 29-40 bid 30..41, 41-45 bid 1..5 marks, 46-55
    declare 0..9; :func:`zeb42_env.action_text` puts them in words.
    """

    __slots__ = ("_hands",)

    def __init__(self, record: np.void | np.ndarray) -> None:
        """A hand (or a view) over a copy of ``record``, one HAND record; ValueError unless play can have made it."""
        if getattr(record, "dtype", None) != core.HAND or np.size(record) != 1:
            raise ValueError(f"expected one HAND record, got {type(record).__name__}; make one with Hand.deal")
        self._hands = np.array(record, core.HAND).reshape(1)
        check_records(self._hands, "a HAND record")

    @classmethod
    def deal(
        cls,
        seed: int,
        rules: RulesLike = "hand",
        *,
        number: int = 0,
        shaker: int | None = None,
        marks: tuple[int, int] = (0, 0),
    ) -> Self:
        """Deal hand ``number`` of ``seed``; the same two numbers and rules always give the same hand.

        ``rules`` may be a preset's name or a mapping (:meth:`zeb42_env.Rules.of`). ``shaker`` is drawn with the deal
        unless given; ``marks`` are those of the match so far.
        """
        for value in (seed, number):
            if not isinstance(value, int | np.integer) or not 0 <= value <= MAX_SEED:
                raise ValueError(f"expected seed and number in 0..2**64-1, got {seed!r} and {number!r}")
        rules = Rules.of(rules)
        _check_seat("shaker", core.NOBODY if shaker is None else shaker, lowest=core.NOBODY)
        hands = rules.blank_record(shaker=core.NOBODY if shaker is None else shaker, marks=marks)
        key = np.uint64(bits.mix(np.uint64(seed), np.uint64(number)))
        core.deal(hands[0], key, rules.contract_code)
        return cls._over(hands)

    @classmethod
    def from_deal(
        cls,
        hands: Sequence[Sequence[int]],
        *,
        declaration: int,
        bidder: int,
        bid: int = core.MIN_BID,
        rules: RulesLike = "contract",
    ) -> Self:
        """A hand with this deal (seven domino ids for each seat) and contract, at the first lead.

        ``bid`` is 30..42 points, or 42 for each mark up to five. The bidder shakes, so to speak.
        """
        dealt = sorted(int(domino) for seat in hands for domino in seat)
        if [len(seat) for seat in hands] != [7, 7, 7, 7] or dealt != list(range(tiles.NUM_DOMINOES)):
            raise ValueError(
                f"expected each domino id 0..27 once, seven to each of four seats, got {list(map(list, hands))}"
            )
        _check_seat("bidder", bidder)
        if declaration not in list(Declaration):
            raise ValueError(f"expected a declaration, got {declaration!r}; allowed: 0..9")
        if not isinstance(bid, int | np.integer) or not is_bid(int(bid)):
            raise ValueError(f"expected a bid, got {bid!r}; allowed: 30..42, or 84, 126, 168, 210 for 2 to 5 marks")
        records = Rules.of(rules).blank_record(shaker=bidder)
        record = records[0]
        for seat, dominoes in enumerate(hands):
            for domino in dominoes:
                record["owner"][domino] = seat
                record["held"][seat] |= np.uint32(1 << int(domino))
        core.start(record, (bidder + 1) & 3)
        record["bidder"] = bidder
        record["bid"] = bid
        core.declare(record, declaration)
        return cls._over(records)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The hand (or view) of a line of notation; :class:`zeb42_env.NotationError` says what is wrong and where."""
        return cls._over(parse_hand(text))

    @classmethod
    def _over(cls, hands: np.ndarray) -> Self:
        """A hand over ``hands`` [1] itself, made by play and not from outside."""
        hand = object.__new__(cls)
        hand._hands = hands
        return hand

    def __str__(self) -> str:
        return format_hand(self._hands[0])

    def __repr__(self) -> str:
        return f"Hand.parse({str(self)!r})"

    def _repr_svg_(self) -> str:
        """The table as notebooks show it."""
        from zeb42_env import svg

        return svg.table(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hand) and self._hands.tobytes() == other._hands.tobytes()

    def __hash__(self) -> int:
        return hash(self._hands.tobytes())

    def __getstate__(self) -> bytes:
        return self._hands.tobytes()

    def __setstate__(self, state: bytes) -> None:
        self._hands = np.frombuffer(state, core.HAND).copy()

    def clone(self) -> Self:
        """A copy that shares nothing with this hand."""
        return self._over(self._hands.copy())

    @property
    def record(self) -> np.void:
        """A copy of the HAND record."""
        return self._hands[0].copy()

    @property
    def phase(self) -> Phase:
        """What is asked of the seat to move."""
        return Phase(int(self._hands[0]["phase"]))

    @property
    def to_move(self) -> int:
        """The seat to move; -1 when the hand is over."""
        return int(self._hands[0]["to_move"])

    @property
    def is_over(self) -> bool:
        """Whether nobody is to move any more."""
        return self.phase == Phase.OVER

    @property
    def shaker(self) -> int:
        """The seat that shook; the seat on its left calls first."""
        return int(self._hands[0]["shaker"])

    @property
    def bidder(self) -> int:
        """The seat of the highest bid so far; -1 none."""
        return int(self._hands[0]["bidder"])

    @property
    def bid(self) -> int:
        """The highest bid so far in points, 42 a mark; 0 none."""
        return int(self._hands[0]["bid"])

    @property
    def declaration(self) -> Declaration | None:
        """What is trump; None before it is declared."""
        declaration = int(self._hands[0]["declaration"])
        return None if declaration < 0 else Declaration(declaration)

    @property
    def points(self) -> tuple[int, int]:
        """Points taken so far."""
        first, second = self._hands[0]["points"]
        return int(first), int(second)

    @property
    def marks(self) -> tuple[int, int]:
        """Marks of the match before this hand."""
        first, second = self._hands[0]["marks"]
        return int(first), int(second)

    @property
    def made(self) -> bool | None:
        """Whether the offense took what it bid; None while that is open or nobody bid."""
        return bool(goals.made(self._hands[0])) if self.is_over and self.bidder >= 0 else None

    @property
    def score(self) -> float:
        """What the finished hand is worth to seats 0&2 in the unit of its scoring; ValueError before it is over."""
        if not self.is_over:
            raise ValueError(f"expected a finished hand, got one in its {self.phase} phase")
        return float(goals.score(self._hands[0]))

    @property
    def history(self) -> list[tuple[int, int]]:
        """Every action since the deal, in order, as (seat, action)."""
        record = self._hands[0]
        calls = [int(call) for call in record["calls"] if call >= 0]
        taken = [((self.shaker + 1 + i) & 3, call) for i, call in enumerate(calls)]
        if calls and record["declaration"] >= 0:
            taken.append((self.bidder, core.DECLARE + int(record["declaration"])))
        return taken + [(int(record["owner"][d]), int(d)) for d in record["plays"][: record["num_plays"]]]

    def holding(self, seat: int) -> list[Domino]:
        """The dominoes that ``seat`` still holds; empty if this is another seat's view."""
        _check_seat("seat", seat)
        held = int(self._hands[0]["held"][seat])
        return [Domino(domino) for domino in range(tiles.NUM_DOMINOES) if held >> domino & 1]

    def replay(self) -> Iterator[tuple[Self, int]]:
        """Every decision since the deal, in order: the hand as it stood, and the action that was taken.

        >>> for before, action in hand.replay():
        ...     print(before.to_move, action_text(action), before.view(before.to_move))

        A contract that was dealt is no decision. ValueError for a view: its hidden dominoes cannot be dealt again.
        """
        if self._hands[0]["seat"] != core.NOBODY:
            raise ValueError("expected a full hand to replay, got a view")
        current = self.clone()
        core.rewind(current._hands[0], 0)
        for _, action in self.history:
            yield current.clone(), action
            core.apply(current._hands[0], action)

    def legal_actions(self) -> list[int]:
        """The actions of the seat to move, ascending; empty when the hand is over."""
        mask = int(core.legal_mask(self._hands[0]))
        return [action for action in range(core.NUM_ACTIONS) if mask >> action & 1]

    def apply(self, action: int) -> None:
        """Take ``action`` for the seat to move; IllegalActionError, and nothing changed, if it may not."""
        mask = int(core.legal_mask(self._hands[0]))
        is_action = isinstance(action, int | np.integer) and 0 <= action < core.NUM_ACTIONS
        if not is_action or not mask >> int(action) & 1:
            given = f"{action} ({action_text(int(action))})" if is_action else repr(action)
            allowed = ", ".join(f"{a} ({action_text(a)})" for a in self.legal_actions()) or "none, the hand is over"
            whose = f" of seat {self.to_move}" if mask else ""
            raise IllegalActionError(f"expected a legal action{whose}, got {given}; allowed: {allowed}")
        core.apply(self._hands[0], int(action))

    def view(self, seat: int) -> np.void:
        """All that ``seat`` may know, as a HAND record: what agents are given."""
        _check_seat("seat", seat)
        viewer = int(self._hands[0]["seat"])
        if viewer not in (core.NOBODY, seat):
            raise ValueError(f"expected the seat of this view, got {seat}; allowed: {viewer}")
        view = self.record
        core.blank(view, seat)
        return view


def _check_seat(name: str, seat: int, *, lowest: int = 0) -> None:
    if not isinstance(seat, int | np.integer) or not lowest <= seat < tiles.NUM_SEATS:
        raise ValueError(f"expected {name} to be a seat, got {seat!r}; allowed: 0..3")
