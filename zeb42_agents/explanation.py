"""What an agent thinks of one decision: text for people, JSON for programs, a table for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from html import escape
from typing import Any, Literal, Self, get_args

import numpy as np

from zeb42_agents import belief as beliefs
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env.hand import Hand
from zeb42_env.rules import action_text, domino_text, is_action

FORMAT = 1
Speaker = Literal["network", "search", "worlds", "simple bidder", "rules", "chance", "agent"]
SCORE = "score"
NUM_SHOWN = 3
"""How many of its worlds an explanation shows."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What an agent thinks of one action; None where it has no opinion. Points are those that the mover's team ends
    the hand with."""

    action: int
    """Its id, 0..55."""
    value: float | None = None
    """What it is worth to the mover's team, in the explanation's ``unit``."""
    value_spread: float | None = None
    """Standard deviation of that over the worlds."""
    win_share: float | None = None
    """Share of the worlds in which it wins what plays are judged by; of the simple bidder's, how often its contract is
    made at the table."""
    visits: int | None = None
    """Simulations that began with it."""
    visit_share: float | None = None
    """Their share of all."""
    prior: float | None = None
    """Its probability in the policy that a search began with."""
    policy: float | None = None
    """Its probability in the agent's own policy."""
    mean_points: float | None = None
    """Points on average over the worlds."""
    spread_points: float | None = None
    """Standard deviation of the points over the worlds."""
    best_share: float | None = None
    """Share of the worlds in which no other action takes more points."""

    def __str__(self) -> str:
        return action_text(self.action)


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """What an agent thinks of one decision. It follows from the view, the key and the agent alone.

    ``str()`` is for people; :meth:`to_json` and :meth:`from_json` round-trip.
    """

    view: Hand
    """What the mover knows."""
    chosen: int
    """The action that the agent takes."""
    candidates: tuple[Candidate, ...]
    """The legal actions, the agent's favorite first."""
    speaker: Speaker = "agent"
    """Who spoke: the network alone, the search around it, solved worlds, the simple bidder that agents share, rules of
    thumb, chance, or an agent that says no more."""
    basis: str = ""
    """What the opinion rests on, in words."""
    how: str = ""
    """How the agent chose, in words."""
    unit: str = SCORE
    """What values are in: ``score`` is -1..1, won or lost or the margin as a share of 42."""
    root_value: float | None = None
    """What the decision is worth to the mover's team, all candidates considered."""
    network_value: float | None = None
    """What the network alone says of it: a score, -1..1."""
    belief: np.ndarray | None = None
    """float64 [28, 4], the probability that each seat was dealt each domino, as the agent believes."""
    world_share: np.ndarray | None = None
    """float64 [28, 4], the share of its sampled worlds in which each seat was dealt each domino."""
    num_worlds: int = 0
    """How many worlds it sampled."""
    worlds: tuple[Hand, ...] = ()
    """The first few of them."""
    line: tuple[int, ...] = ()
    """The principal line: the chosen action, then the answers that the agent expects."""

    @cached_property
    def legality(self) -> np.ndarray:
        """float64 [28, 4], the same if every deal that is consistent with the view were equally likely."""
        return beliefs.legality(self.view.record.reshape(1))[0]

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Explanation) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON: hands as notation, arrays as lists, what is not known left out; actions in words beside."""
        content: dict[str, Any] = {"format": FORMAT, "text": action_text(self.chosen)}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                content[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
        return content | {
            "view": str(self.view),
            "worlds": [str(world) for world in self.worlds],
            "line": list(self.line),
            "candidates": [
                {"text": str(candidate)} | {key: value for key, value in asdict(candidate).items() if value is not None}
                for candidate in self.candidates
            ],
            "legality": self.legality.tolist(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote. ValueError says what is wrong."""
        if not isinstance(content, Mapping) or content.get("format") != FORMAT:
            found = content.get("format") if isinstance(content, Mapping) else type(content).__name__
            raise ValueError(f"expected an explanation of format {FORMAT}, got {found!r}")
        beside = ("format", "text", "legality")
        given = {key: value for key, value in content.items() if key not in beside}
        try:
            given["view"] = Hand.parse(given["view"])
            given["worlds"] = tuple(Hand.parse(world) for world in given["worlds"])
            given["line"] = tuple(given["line"])
            given["candidates"] = tuple(
                Candidate(**{key: value for key, value in candidate.items() if key != "text"})
                for candidate in given["candidates"]
            )
            for key in ("belief", "world_share"):
                if key in given:
                    given[key] = np.array(given[key], np.float64).reshape(NUM_DOMINOES, NUM_SEATS)
            read = cls(**given)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"expected an explanation as to_json writes it, got another object: {error}") from None
        actions = (read.chosen, *read.line, *(candidate.action for candidate in read.candidates))
        if not all(isinstance(action, int) and is_action(action) for action in actions):
            raise ValueError(f"expected action ids 0..55, got {actions}")
        if read.speaker not in get_args(Speaker):
            raise ValueError(f"expected a speaker, got {read.speaker!r}; allowed: {', '.join(get_args(Speaker))}")
        return read

    def __str__(self) -> str:
        if len(self.candidates) == 1 and self.root_value is None and self.network_value is None:
            forced = f"seat {self.view.to_move} has one legal action: {action_text(self.chosen)}"
            return "\n".join([str(self.view), forced, *([self.how] if self.how else [])])
        words = [str(self.view), *self._headlines(), *self._table()]
        if self.how:
            words.append(f"* {self.how}")
        if self.line:
            words.append("principal line: " + " ".join(action_text(action) for action in self.line))
        words += self._hidden()
        words += [f"world {w}: {world}" for w, world in enumerate(self.worlds)]
        return "\n".join(words)

    def __repr__(self) -> str:
        return (
            f"Explanation(seat {self.view.to_move}: {action_text(self.chosen)} of {len(self.candidates)}, "
            f"by {self.speaker})"
        )

    def _repr_html_(self) -> str:
        columns = self._columns()
        rows = ["".join(f"<th>{escape(title)}</th>" for title in ("", "action", *(title for _, title, _ in columns)))]
        for candidate in self.candidates:
            cells = ["*" if candidate.action == self.chosen else "", str(candidate)]
            cells += [_cell(getattr(candidate, key), form).strip() for key, _, form in columns]
            rows.append("".join(f"<td>{escape(cell)}</td>" for cell in cells))
        caption = "<br>".join(escape(words) for words in (*self._headlines(), self.how) if words)
        return f"<table><caption>{caption}</caption>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"

    def _headlines(self) -> list[str]:
        values = [self.root_value, self.network_value]
        unit = "" if self.unit == SCORE else f" {self.unit}"
        words = [f"value {value:+.3f}{unit}" for value in values if value is not None]
        if len(words) > 1:
            words = [f"{words[0]}, network alone {self.network_value:+.3f}"]
        basis = [self.basis] if self.basis else []
        first, *others = [*basis, *words] or ["nothing more is known"]
        return [f"seat {self.view.to_move} to move: {first}", *others]

    def _columns(self) -> list[tuple[str, str, str]]:
        """The columns that anything is known of: field of the candidates, title, format."""
        searched = any(candidate.visits is not None for candidate in self.candidates)
        columns = [
            ("prior", "prior", "6.3f"),
            ("visits", "visits", "6d"),
            ("value", "q" if searched else "value", "+7.3f"),
            ("policy", "policy", "7.3f"),
            ("win_share", "wins", "6.0%"),
            ("mean_points", "points", "6.1f"),
            ("spread_points", "+-", "5.1f"),
            ("best_share", "best", "6.0%"),
        ]
        return [column for column in columns if any(getattr(c, column[0]) is not None for c in self.candidates)]

    def _table(self) -> list[str]:
        columns = self._columns()
        if not columns:
            return ["  " + " ".join(map(str, self.candidates)), f"* {action_text(self.chosen)}"]
        words = [f"  {'action':<12} " + " ".join(f"{title:>{_width(form)}}" for _, title, form in columns)]
        for candidate in self.candidates:
            cells = " ".join(_cell(getattr(candidate, key), form) for key, _, form in columns)
            words.append(f"{'*' if candidate.action == self.chosen else ' '} {candidate!s:<12} {cells}")
        return words

    def _hidden(self) -> list[str]:
        if self.world_share is None:
            return []
        words = [f"hidden dominoes: share of the {self.num_worlds} worlds in which seat 0, 1, 2, 3 holds them"]
        for domino in reversed(np.flatnonzero(self.view.record["owner"] < 0)):
            shares = self.world_share[domino]
            words.append(f"  {domino_text(domino)}  " + "  ".join(f"{share:4.2f}" for share in shares))
        return words


def share_of_worlds(worlds: np.ndarray) -> np.ndarray:
    """float64 [28, 4], the share of ``worlds`` (HAND [W]) in which each seat was dealt each domino."""
    return (worlds["owner"][:, :, None] == np.arange(NUM_SEATS)).mean(0)


def _width(form: str) -> int:
    return int(form.lstrip("+").partition(".")[0].rstrip("d"))


def _cell(value: float | None, form: str) -> str:
    return f"{'-':>{_width(form)}}" if value is None else f"{value:{form}}"
