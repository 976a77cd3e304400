"""What a hand is played by and for: :class:`Rules`, and the words of the game as enums with a short text form each."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any, Literal, Self, SupportsIndex, get_args

import numpy as np

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env._core.goals import HIGHEST_MARKS

ContractRule = Literal["auction", "random", "dropped30", "most_trumps"]
AllPassRule = Literal["shaker_bids", "reshake"]
ScoringRule = Literal["marks", "contract", "majority", "points"]
EpisodeRule = Literal["hand", "match"]


class _Word(IntEnum):
    """An enum whose members have a short text form: ``parse(str(member)) == member``."""

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The member with this text form; ValueError names the allowed ones."""
        for member in cls:
            if text.strip().lower() == str(member):
                return member
        allowed = ", ".join(str(member) for member in cls)
        raise ValueError(f"expected a {cls.__name__.lower()}, got {text!r}; allowed: {allowed}")


class Phase(_Word):
    """What is asked of the seat to move."""

    AUCTION = core.AUCTION
    DECLARATION = core.DECLARATION
    TRICKS = core.TRICKS
    OVER = core.OVER


class Declaration(_Word):
    """What is trump: a pip suit, the doubles, or nothing."""

    BLANKS = 0
    ONES = 1
    TWOS = 2
    THREES = 3
    FOURS = 4
    FIVES = 5
    SIXES = 6
    DOUBLES = tiles.DOUBLES_TRUMP
    DOUBLES_SUIT = tiles.DOUBLES_SUIT_ONLY
    NO_TRUMP = tiles.NO_TRUMP


class BidKind(_Word):
    """What a call promises: nothing, points, or every point for one or more marks."""

    PASS = 0
    POINTS = 1
    MARKS = 2


def bid_kind(action: int) -> BidKind:
    """The kind of a call. ValueError if ``action`` is not one."""
    if action == core.PASS:
        return BidKind.PASS
    if core.BID_POINTS <= action < core.BID_MARKS:
        return BidKind.POINTS
    if core.BID_MARKS <= action < core.DECLARE:
        return BidKind.MARKS
    raise ValueError(f"expected a call, got action {action}; allowed: {core.PASS}..{core.DECLARE - 1}")


class Domino(int):
    """A domino: its id 0..27, that prints as players write it. Whatever takes a domino takes the plain id as well.

    >>> Domino.parse("4-6"), int(Domino.parse("6-4")), Domino(27)
    (6-4, 25, 6-6)
    """

    __slots__ = ()

    def __new__(cls, domino: SupportsIndex) -> Self:
        """The domino of this id; ValueError unless it is one."""
        number = operator.index(domino)
        if not 0 <= number < tiles.NUM_DOMINOES:
            raise ValueError(f"expected a domino id, got {number}; allowed: 0..{tiles.NUM_DOMINOES - 1}")
        return super().__new__(cls, number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The domino that is written ``text``, in either order of its pips; ValueError if none is."""
        action = parse_action(text)
        if action >= core.PASS:
            raise ValueError(f"expected a domino, got {text!r}; allowed: two pips 0..6 such as 6-4")
        return cls(action)

    @property
    def high(self) -> int:
        """The higher pip."""
        return int(tiles.HIGH[self])

    @property
    def low(self) -> int:
        """The lower pip, the same on a double."""
        return int(tiles.LOW[self])

    @property
    def points(self) -> int:
        """What it carries: 10, 5 or 0 points."""
        return int(tiles.COUNT[self])

    def __str__(self) -> str:
        return domino_text(self)

    __repr__ = __str__


def domino_text(domino: int) -> str:
    """A domino as players write it, higher pip first: ``6-4``."""
    return f"{tiles.HIGH[domino]}-{tiles.LOW[domino]}"


def points_text(points: int) -> str:
    """Points in words: ``1 point``, ``33 points``."""
    return f"{points} point" + ("s" if points != 1 else "")


def bid_text(bid: int) -> str:
    """A bid in points, 42 a mark, as players say it: ``31``, ``1 mark``, ``2 marks``."""
    marks = bid // tiles.HAND_POINTS
    if not marks:
        return str(bid)
    return f"{marks} mark" + ("s" if marks > 1 else "")


def is_action(action: int) -> bool:
    """Whether ``action`` is an action id, legal or not."""
    return 0 <= action < core.NUM_ACTIONS


def action_text(action: int) -> str:
    """An action id as words: ``6-4``, ``pass``, ``31``, ``1 mark``, ``fives``."""
    if not is_action(action):
        raise ValueError(f"expected an action id, got {action}; allowed: 0..{core.NUM_ACTIONS - 1}")
    if action < core.PASS:
        return domino_text(action)
    if action >= core.DECLARE:
        return str(Declaration(action - core.DECLARE))
    return "pass" if action == core.PASS else bid_text(int(core.bid_value.py_func(action)))


_ACTION_OF_WORDS = {action_text(action).replace("-", " "): action for action in range(core.PASS, core.NUM_ACTIONS)}


def parse_action(text: str) -> int:
    """The action id of ``text``: the inverse of :func:`action_text`.

    Either order of a domino's pips will do, and so will a hyphen or a space between words: ``2-marks``, ``no trump``.
    """
    word = " ".join(text.split()).lower()
    pips = word.split("-")
    if len(pips) == 2 and all(len(pip) == 1 and pip in "0123456" for pip in pips):
        return tiles.domino_id(int(pips[0]), int(pips[1]))
    words = word.replace("-", " ")
    if words not in _ACTION_OF_WORDS:
        raise ValueError(
            f"expected an action, got {text!r}; allowed: a domino such as 6-4, pass, 30..41, 1 mark, "
            f"2 marks .. {core.MAX_MARKS_BID} marks, or a declaration such as fives"
        )
    return _ACTION_OF_WORDS[words]


def _declaration_number(declaration: int | str) -> int:
    """The number of a declaration that may be given in words."""
    if isinstance(declaration, str):
        return int(Declaration.parse(declaration))
    if not isinstance(declaration, int | np.integer):
        raise ValueError(f"expected a declaration, got {declaration!r}; allowed: 0..9, or words such as sixes")
    return int(declaration)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a hand is played by and for. The defaults are the tournament game, played for marks."""

    contract: ContractRule = "auction"
    """How the contract comes about. ``random``: bidder, bid (30..42) and declaration are dealt uniformly.
    ``dropped30``: the shaker is forced to bid 30 and its best pip is trump. ``most_trumps``: so is the
    seat that holds the most trumps of any seat and pip; of equal ones the seat that holds the double, then the one with
    more doubles, then the lower seat."""
    all_pass: AllPassRule = "shaker_bids"
    """When the other three pass: the shaker may not (``shaker_bids``), or the hand may be thrown in (``reshake``)."""
    declarations: Sequence[int | str] = (0, 1, 2, 3, 4, 5, 6, 7, 9)
    """What the winner of an auction may declare: numbers or words such as ``"sixes"``, or one of them; kept as numbers.
    A dealt contract may be any of the ten."""
    scoring: ScoringRule = "marks"
    """What the hand is played for. ``marks``: the marks at stake. ``contract``: 1 made or set. ``majority``: 1 for
    more than 21 of the 42 points. ``points``: the margin as a share of 42. Always zero-sum between the teams."""
    episode: EpisodeRule = "hand"
    """A ``hand``, or a ``match`` until a team has seven marks, which alone then pays: 1 for the match."""

    def __post_init__(self) -> None:
        for name, kind in (
            ("contract", ContractRule),
            ("all_pass", AllPassRule),
            ("scoring", ScoringRule),
            ("episode", EpisodeRule),
        ):
            if getattr(self, name) not in get_args(kind):
                allowed = ", ".join(get_args(kind))
                raise ValueError(
                    f"expected {name} to be one of the rules, got {getattr(self, name)!r}; allowed: {allowed}"
                )
        one = isinstance(self.declarations, str) or np.ndim(self.declarations) == 0
        given = (self.declarations,) if one else tuple(self.declarations)
        declarations = tuple(_declaration_number(declaration) for declaration in given)  # type: ignore[arg-type]
        object.__setattr__(self, "declarations", declarations)
        if not declarations or len(set(declarations)) < len(declarations) or not set(declarations) <= set(range(10)):
            raise ValueError(f"expected distinct declarations, at least one, got {self.declarations}; allowed: 0..9")
        if self.episode == "match" and self.scoring != "marks":
            raise ValueError(f"expected scoring for a match, got {self.scoring!r}; allowed: marks")

    @classmethod
    def of(cls, given: RulesLike) -> Rules:
        """The rules that ``given`` says: ``Rules``, the name of a preset, or a mapping of options.

        >>> Rules.of("majority") == Rules.of({"contract": "random", "scoring": "majority"})
        True

        So rules can be written in JSON, YAML or on a command line; :meth:`to_json` is the way there. ValueError lists
        the names and the options.
        """
        if isinstance(given, Rules):
            return given
        if isinstance(given, str):
            if given not in PRESETS:
                raise ValueError(f"expected rules, got {given!r}; allowed: {', '.join(PRESETS)}, or options by name")
            return PRESETS[given]
        if not isinstance(given, Mapping):
            allowed = f"Rules(...), options by name, or a preset: {', '.join(PRESETS)}"
            raise ValueError(f"expected rules, got {given!r}; allowed: {allowed}")
        options = [field.name for field in fields(cls)]
        if unknown := [str(name) for name in given if name not in options]:
            raise ValueError(f"expected options of the rules, got {', '.join(unknown)}; allowed: {', '.join(options)}")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """The rules as plain values, which :meth:`of` reads."""
        options = asdict(self)
        return {**options, "declarations": list(options["declarations"])}

    @property
    def contract_code(self) -> int:
        """The number that the kernels know this contract rule by."""
        return get_args(ContractRule).index(self.contract)

    def blank_record(self, *, shaker: int = core.NOBODY, marks: tuple[int, int] = (0, 0)) -> np.ndarray:
        """One undealt HAND record (array [1]) that carries these rules; a shaker of -1 is drawn with the deal."""
        hands = np.zeros(1, core.HAND)
        of_both = np.asarray(marks, object)
        whole = of_both.shape == (2,) and all(isinstance(of_team, int | np.integer) for of_team in of_both)
        if not whole or not all(0 <= of_team <= HIGHEST_MARKS for of_team in of_both):
            raise ValueError(f"expected marks of both teams, got {marks!r}; allowed: 0..{HIGHEST_MARKS} each")
        hands["declarations"] = sum(1 << int(declaration) for declaration in self.declarations)
        hands["scoring"] = get_args(ScoringRule).index(self.scoring)
        hands["all_pass"] = get_args(AllPassRule).index(self.all_pass)
        hands["match"] = self.episode == "match"
        hands["shaker"] = shaker
        hands["marks"] = marks
        return hands


RulesLike = Rules | Mapping[str, Any] | str
"""What :meth:`Rules.of` reads: rules, their options by name, or the name of a preset."""

PRESETS: dict[str, Rules] = {
    "majority": Rules(contract="random", scoring="majority"),
    "contract": Rules(contract="random", scoring="contract"),
    "dropped30": Rules(contract="dropped30", scoring="contract"),
    "most_trumps": Rules(contract="most_trumps", scoring="contract"),
    "hand": Rules(),
    "match": Rules(episode="match"),
}
"""Rules by name, the names of the arena's protocols: four with a dealt contract, a whole hand, and a match."""
