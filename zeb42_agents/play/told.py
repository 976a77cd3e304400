"""A hand from a real table, told action by action: who is next, what may be said, and in the end the whole hand.

Nobody's dominoes are known while a hand is told. They follow from who played what; where the hand ended early, what was
left over is told seat by seat. What a seat cannot have had, since it did not follow that suit before, is barred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zeb42_agents.play.show import PLACES, name_of
from zeb42_agents.play.words import read_said
from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase, Rules, action_text, bid_text, domino_text
from zeb42_env.wording import trump_text

END = "end"
"""Said where play ended early: what follows was left over, from seat 0 on."""
MOST_ENTRIES = core.MAX_DECISIONS + 1 + tiles.NUM_DOMINOES
SEATS = range(tiles.NUM_SEATS)


class Telling:
    """A hand as far as it is told; seat 0 is the teller. ValueError for a seat that cannot have shaken."""

    def __init__(self, shaker: int) -> None:
        if shaker not in SEATS:
            raise ValueError(f"expected the seat that shook, got {shaker}; allowed: 0..3")
        self._hand = _undealt(shaker)
        self._actions: list[int] = []
        self._plays: list[tuple[int, int]] = []
        """Seat and domino, in order."""
        self._left: list[list[int]] | None = None
        """What each seat was left with; None while play goes on."""

    @property
    def phase(self) -> str:
        """``auction``, ``declaration``, ``tricks``; ``left`` for what was left over; ``whole`` once all is known."""
        if self._left is not None:
            return "left" if self.seat >= 0 else "whole"
        phase = Phase(int(self._hand["phase"]))
        return "whole" if phase == Phase.OVER else str(phase)

    @property
    def seat(self) -> int:
        """Whose action or domino is told next; -1 if none is."""
        if self._left is None:
            return int(self._hand["to_move"])
        return next((seat for seat in SEATS if self._missing(seat)), core.NOBODY)

    def tell(self, words: str) -> None:
        """The next action, in words, or :data:`END`. ValueError says why it cannot be."""
        phase = self.phase
        if phase == "whole":
            raise ValueError(f"expected no more, the hand is told; got {words.strip()!r}")
        if phase == "tricks" and words.strip().lower() == END:
            self._left = [[] for _ in SEATS]
            self._give_rest()
            return
        action = read_said(words, Phase.TRICKS if phase == "left" else Phase(int(self._hand["phase"])))
        if phase in ("auction", "declaration"):
            self._call(action, words)
        elif action is None:
            raise ValueError(f"expected a domino such as 6-4, got {words.strip()!r}")
        else:
            self._place(action)

    def hand(self) -> Hand:
        """The whole hand, once it is told."""
        hand = _undealt(int(self._hand["shaker"]))
        left = [(seat, domino) for seat, held in enumerate(self._left or []) for domino in held]
        for seat, domino in [*self._plays, *left]:
            hand["owner"][domino] = seat
            hand["held"][seat] |= np.uint32(1 << domino)
        for action in self._actions:
            core.apply(hand, action)
        return Hand(hand)

    def to_json(self) -> dict[str, Any]:
        """All of it for the page: what is asked next and what may be said, what was told, and the hand in the end."""
        hand, phase, seat = self._hand, self.phase, self.seat
        bid, declaration = int(hand["bid"]), int(hand["declaration"])
        gone, barred = self._gone(), self._barred(seat)
        stuck = phase in ("tricks", "left") and len(gone) + len(barred) == tiles.NUM_DOMINOES
        trumps = int(tiles.TRUMPS[declaration]) if declaration >= 0 else 0
        return {
            "phase": phase,
            "seat": seat,
            "asks": self._asks(),
            "legal": [action_text(action) for action in self._legal_calls()],
            "barred": {domino_text(domino): why for domino, why in barred.items()},
            "gone": {domino_text(domino): where for domino, where in gone.items()},
            "trouble": f"{name_of(seat, 0)} can have had none of those left: take something back" if stuck else "",
            "calls": [
                {"seat": (int(hand["shaker"]) + 1 + turn) & 3, "text": action_text(action)}
                for turn, action in enumerate(self._actions[: tiles.NUM_SEATS])
            ],
            "bid": bid_text(bid) if bid else None,
            "bidder": int(hand["bidder"]),
            "trump_text": trump_text(Declaration(declaration)) if declaration >= 0 else None,
            "trumps": [domino_text(domino) for domino in range(tiles.NUM_DOMINOES) if trumps >> domino & 1],
            "tricks": self._tricks(),
            "points": [int(points) for points in hand["points"]],
            "left": [[domino_text(domino) for domino in held] for held in self._left or []],
            "hand": str(self.hand()) if phase == "whole" else None,
        }

    def _call(self, action: int | None, words: str) -> None:
        legal = self._legal_calls()
        if action not in legal:
            allowed = ", ".join(map(action_text, legal))
            stuck = action == core.PASS and self.phase == "auction"  # all others passed
            why = ": all others passed, so the shaker must bid" if stuck else ""
            raise ValueError(f"{name_of(self.seat, 0)} cannot have said {words.strip()!r}{why}; allowed: {allowed}")
        self._actions.append(action)
        core.apply(self._hand, action)

    def _place(self, domino: int) -> None:
        """A domino that was played or left over."""
        seat = self.seat
        self._expect_possible(seat, domino)
        if self._left is None:
            self._plays.append((seat, domino))
            self._actions.append(domino)
            core.play(self._hand, domino)
            return
        self._left[seat].append(domino)
        self._give_rest()

    def _give_rest(self) -> None:
        """Where one seat is left to tell of, it had all that nobody else had."""
        short = [seat for seat in SEATS if self._missing(seat)]
        if self._left is None or len(short) > 1:
            return
        gone = self._gone()
        rest = [domino for domino in range(tiles.NUM_DOMINOES) if domino not in gone]
        for domino in rest:
            self._expect_possible(short[0], domino)
        self._left[short[0]] = rest

    def _legal_calls(self) -> list[int]:
        """What may be said in the auction, or named as trump."""
        if self.phase not in ("auction", "declaration"):
            return []
        mask = int(core.legal_mask(self._hand))
        return [action for action in range(core.NUM_ACTIONS) if mask >> action & 1]

    def _missing(self, seat: int) -> int:
        """How many dominoes of ``seat`` are not told yet."""
        told = sum(player == seat for player, _ in self._plays)
        return tiles.NUM_TRICKS - told - len(self._left[seat] if self._left else [])

    def _gone(self) -> dict[int, str]:
        """The dominoes that were told, and where each is."""
        played = {d: f"{PLACES[seat]}, trick {1 + number // 4}" for number, (seat, d) in enumerate(self._plays)}
        return played | {domino: PLACES[seat] for seat, held in enumerate(self._left or []) for domino in held}

    def _barred(self, seat: int) -> dict[int, str]:
        """The dominoes that ``seat`` cannot have had, and why."""
        gone, barred = self._gone(), dict[int, str]()
        for number, (player, domino) in enumerate(self._plays):
            suit = int(tiles.FOLLOWERS[int(self._hand["declaration"]), self._plays[number // 4 * 4][1]])
            if player == seat and not suit >> domino & 1:
                why = f"{name_of(seat, 0)} did not follow suit in trick {1 + number // 4}"
                barred |= {d: why for d in range(tiles.NUM_DOMINOES) if suit >> d & 1 and d not in gone | barred}
        return barred

    def _expect_possible(self, seat: int, domino: int) -> None:
        where, why = self._gone().get(domino), self._barred(seat).get(domino)
        if where is not None:
            raise ValueError(f"{domino_text(domino)} was told before: {where}")
        if why is not None:
            raise ValueError(f"{name_of(seat, 0)} cannot have had {domino_text(domino)}: {why}")

    def _tricks(self) -> list[dict[str, Any]]:
        """The tricks so far, the last of them perhaps not whole; ``by`` is who wins it."""
        found = []
        for first in range(0, len(self._plays), tiles.NUM_SEATS):
            trick = self._plays[first : first + tiles.NUM_SEATS]
            found.append(
                {
                    "plays": [{"seat": seat, "domino": domino_text(domino)} for seat, domino in trick],
                    "by": trick[int(core.trick_winner(self._hand, first))][0],
                    "points": int(core.trick_points(self._hand, first)),
                }
            )
        return found

    def _asks(self) -> str:
        """The question that the next entry answers."""
        phase, seat, number = self.phase, self.seat, len(self._plays)
        if phase == "whole":
            return "That is the whole hand."
        if phase == "auction":
            return f"What did {PLACES[seat]} bid?"
        if phase == "declaration":
            return f"{name_of(seat, 0)} won the bid. What was trump?"
        if phase == "left":
            return f"What did {PLACES[seat]} still hold? {self._missing(seat)} to name"
        return f"Trick {1 + number // 4}: what did {PLACES[seat]} {'play' if number % 4 else 'lead'}?"


def told(shaker: int, said: Sequence[str]) -> dict[str, Any]:
    """What the page shows of a hand of which ``said`` was told: actions in words, in order. ValueError points at the
    entry that cannot be."""
    if len(said) > MOST_ENTRIES:
        raise ValueError(f"expected at most {MOST_ENTRIES} entries, got {len(said)}")
    telling = Telling(shaker)
    for place, words in enumerate(said, 1):
        try:
            telling.tell(words)
        except ValueError as error:
            raise ValueError(f"at entry {place}: {error}") from None
    return telling.to_json()


def _undealt(shaker: int) -> np.void:
    """The record of a hand of which no domino is known."""
    hand: np.void = Rules().blank_record(shaker=shaker)[0]
    hand["owner"] = core.UNKNOWN
    core.start(hand, (shaker + 1) & 3)
    return hand
