"""One table: who sits where, the hand, the match, and what can be taken back. It knows the rules and no agent."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zeb42_env import Table
from zeb42_env._core import record as core
from zeb42_env._core.bits import mix
from zeb42_env._core.episodes import guest_key
from zeb42_env._core.goals import MATCH_MARKS
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules

YOU = "you"
"""The name of a person's seat."""
MAX_SEED = 2**53 - 1  # what a browser's numbers hold


class ConflictError(ValueError):
    """What was asked speaks of a table that has changed since: another tab was faster."""


class Question(NamedTuple):
    """A decision that an agent is to make."""

    seat: int
    view: np.void
    """HAND, what the seat may know."""
    key: np.ndarray
    """uint64 [1], what the decision draws from."""
    version: int


class Session:
    """A table of four seats, people (``you``) and agents (anything else, a name to this class).

    Every change counts :attr:`version` up, and what people ask for names the version that they saw, so that two tabs
    cannot both move. People see :meth:`view`; what agents draw from cannot be told from anything shown.

    Args:
        seats: the four names, seats 0 to 3.
        rules: of every hand; with ``episode="match"`` hands go on to seven marks.
        seed: of the deals; a secret one without it.
        hand: a full hand to begin with instead of a deal, at any point of its play.
    """

    def __init__(
        self, seats: Sequence[str], *, rules: Rules | None = None, seed: int | None = None, hand: Hand | None = None
    ) -> None:
        if len(seats) != 4:
            raise ValueError(f"expected four seats, got {len(seats)}")
        self.seats = tuple(seats)
        self.rules = rules or Rules()
        self.version = 0
        self.undone = 0
        if hand is not None and hand.record["seat"] != core.NOBODY:
            raise ValueError("expected a hand with all dominoes known, got a view")
        self._start(seed)
        if hand is not None:
            self.hand = hand.clone()
            self.is_dealt = False

    @property
    def is_match(self) -> bool:
        """Whether hands go on to seven marks."""
        return self.rules.episode == "match"

    @property
    def marks(self) -> tuple[int, int]:
        """Marks of seats 0&2 and 1&3, a finished hand counted."""
        first, second = self.hand.marks
        won = int(self.hand.score) if self.hand.is_over and self.is_match else 0
        return first + max(won, 0), second + max(-won, 0)

    @property
    def match_over(self) -> bool:
        """Whether a team has its seven marks."""
        return self.is_match and max(self.marks) >= MATCH_MARKS

    def people(self) -> list[int]:
        """The seats of people."""
        return [seat for seat, name in enumerate(self.seats) if name == YOU]

    def view(self, seat: int) -> Hand:
        """What ``seat`` may know; once the hand is over, everything."""
        return self.hand if self.hand.is_over else Hand(self.hand.view(seat))

    def question(self) -> Question | None:
        """What an agent is asked now; None if a person is to move or the hand is over."""
        seat = self.hand.to_move
        if seat < 0 or self.seats[seat] == YOU:
            return None
        turn = Table(self.hand.record.reshape(1), np.array([self._secret], np.uint64)).turn()
        return Question(seat, turn.views[0], turn.keys, self.version)

    def act(self, seat: int, action: int, version: int) -> None:
        """``seat`` takes ``action``. ConflictError, IllegalActionError; nothing has changed then."""
        self._expect(version)
        if seat != self.hand.to_move:
            raise ConflictError(f"it is the turn of seat {self.hand.to_move}, not of seat {seat}")
        self.hand.apply(action)
        self.version += 1

    def can_undo(self, seat: int) -> bool:
        """Whether ``seat`` has an action that nobody but agents answered."""
        return self._last_of(seat) is not None

    def undo(self, seat: int, version: int) -> None:
        """Take back the last action of the person at ``seat`` and what agents answered to it."""
        self._expect(version)
        taken = self._last_of(seat)
        if taken is None:
            raise ValueError("there is nothing of yours to take back in this hand")
        self._rewind(taken)
        self.undone += 1

    def replay(self, version: int) -> None:
        """Begin the same hand again; agents answer the same play in the same way."""
        self._expect(version)
        self._rewind(0)

    def go_on(self, version: int) -> None:
        """The next hand: of the match, or a new one. ValueError before this one is over."""
        self._expect(version)
        if not self.hand.is_over:
            raise ValueError("expected the hand to be over first; allowed: play on, replay it, or deal a new one")
        if not self.is_match or self.match_over:
            self._start(None)
            return
        marks, shaker = self.marks, (self.hand.shaker + 1) & 3
        self.number += 1
        self._deal(shaker=shaker, marks=marks)

    def new(self, version: int, seed: int | None = None) -> None:
        """A new hand, or a new match, of ``seed``; of a secret one without it."""
        self._expect(version)
        self._start(seed)

    def _start(self, seed: int | None) -> None:
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise ValueError(f"expected seed in 0..{MAX_SEED}, got {seed}")
        self.seed = secrets.randbelow(MAX_SEED) if seed is None else seed
        self.is_dealt = True
        """Whether the hand follows from the seed; one from elsewhere does not."""
        self.number = 0
        self._deal()

    def _deal(self, *, shaker: int | None = None, marks: tuple[int, int] = (0, 0)) -> None:
        self.hand = Hand.deal(self.seed, self.rules, number=self.number, shaker=shaker, marks=marks)
        self._secret = guest_key(np.uint64(mix(np.uint64(self.seed), np.uint64(self.number))))
        self.version += 1

    def _rewind(self, decisions: int) -> None:
        hands = self.hand.record.reshape(1)
        core.rewind(hands[0], decisions)
        self.hand = Hand(hands[0])
        self.version += 1

    def _last_of(self, seat: int) -> int | None:
        """How many actions came before the last one of ``seat``; None if it has none, or another person came after."""
        history = self.hand.history
        for number in range(len(history) - 1, -1, -1):
            if history[number][0] == seat:
                return number
            if self.seats[history[number][0]] == YOU:
                return None
        return None

    def _expect(self, version: int) -> None:
        if version != self.version:
            raise ConflictError(f"the table has changed since (version {self.version}, not {version}): look again")
