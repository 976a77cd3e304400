"""The two verdicts on one decision, which never mix.

*What you could know* (:class:`CouldKnow`) follows from the view of the seat that decided: every candidate is tried in
the same sampled worlds, and what was done is held against the best of them. *Hindsight* (:class:`Hindsight`) sees all
four hands: the exact solver says what was given away, which may well have been right to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zeb42_env._core import goals
from zeb42_env._core.dominoes import HAND_POINTS
from zeb42_env.rules import action_text

Grade = Literal["forced", "best", "close", "slip", "mistake", "blunder"]
Unit = Literal["win", "points", "marks"]

GRADES: dict[str, str] = {
    "forced": "no choice",
    "best": "best",
    "close": "too close to call",
    "slip": "a slip",
    "mistake": "a mistake",
    "blunder": "a blunder",
}
"""The grades of :class:`CouldKnow`, mildest first, in words."""
COSTLY = ("slip", "mistake", "blunder")
STANDARD_ERRORS = 2.0
"""A loss within so many of its standard errors is too close to call."""
MISTAKE, BLUNDER = 0.05, 0.15
"""From which loss on it is more than a slip, as a share of winning one hand."""
ONE_HAND = {"win": 1.0, "points": HAND_POINTS, "marks": 2.0}
"""What one hand won instead of lost is worth in each unit: a mark to us instead of a mark to them is two."""
NUM_FOLDS = 4


@dataclass(frozen=True, kw_only=True)
class Option:
    """What the worlds say of one candidate, in the unit of the verdict."""

    action: int
    value: float
    """What it is worth on average to the team that decides."""
    loss: float
    """By how much the best candidate is better; 0 for the best."""
    se: float
    """Standard error of the loss: of the difference in the same worlds."""
    points: float | None = None
    """Points that the team ends the hand with on average, where worlds were played out."""

    @property
    def is_close(self) -> bool:
        """Whether the worlds cannot tell it from the best."""
        return self.loss <= STANDARD_ERRORS * self.se


@dataclass(frozen=True, kw_only=True)
class CouldKnow:
    """The verdict from the view of the seat that decided: nothing here depends on what it could not see."""

    played: int
    grade: Grade
    unit: Unit
    """``win``: share of hands won; ``points``: of 42; ``marks``: expected score of a call."""
    options: tuple[Option, ...]
    """Best first."""
    num_worlds: int
    held_out_loss: float
    """The loss again, its best candidate chosen in other worlds than those that measure it: not inflated by that
    choice, so it may be below 0, and sums over many decisions mean something."""
    held_out_se: float

    @property
    def option(self) -> Option:
        """What was done."""
        return next(option for option in self.options if option.action == self.played)

    @property
    def is_costly(self) -> bool:
        """Whether it cost something beyond doubt."""
        return self.grade in COSTLY

    @property
    def share(self) -> float:
        """The loss as a share of winning one hand, whatever the unit: what decisions are sorted by."""
        return self.option.loss / ONE_HAND[self.unit]

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        played = self.option
        return {
            "grade": self.grade,
            "words": GRADES[self.grade],
            "unit": self.unit,
            "loss": _short(played.loss),
            "se": _short(played.se),
            "share": _short(self.share),
            "loss_points": _points_lost(self.options, played),
            "held_out_loss": _short(self.held_out_loss),
            "held_out_se": _short(self.held_out_se),
            "num_worlds": self.num_worlds,
            "best": [option.action for option in self.options if option.loss == 0],
            "options": [
                {
                    "action": option.action,
                    "text": action_text(option.action),
                    "value": _short(option.value),
                    "loss": _short(option.loss),
                    "se": _short(option.se),
                    "close": option.is_close,
                    "points": None if option.points is None else _short(option.points),
                }
                for option in self.options
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Hindsight:
    """The verdict with all four hands open, everyone playing perfectly from here on. Points are those that the team
    that decides ends the hand with."""

    played: int
    points: dict[int, int]
    """By action, of every candidate that can be solved."""
    wins: dict[int, float]
    """By action, 1 if that wins the hand, 0 if it loses it, or the share of 42 points where every point counts."""

    @property
    def given_away(self) -> int:
        """Points that the decision cost its team."""
        return max(self.points.values()) - self.points[self.played]

    @property
    def lost_it(self) -> bool:
        """Whether it turned a hand that was won into one that is not."""
        return max(self.wins.values()) == 1 and self.wins[self.played] < 1

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        most = max(self.points.values())
        return {
            "given_away": self.given_away,
            "lost_it": self.lost_it,
            "points": self.points[self.played],
            "best_points": most,
            "best": [action for action, points in self.points.items() if points == most],
            "options": [
                {"action": action, "text": action_text(action), "points": points, "win": self.wins[action]}
                for action, points in sorted(self.points.items(), key=lambda item: (-item[1], item[0]))
            ],
        }


def win_values(record: np.void, team: int, own_points: np.ndarray) -> np.ndarray:
    """What ending with ``own_points`` (int, any shape, 0..42) is worth to ``team``: float64 0..1, won to lost; where
    every point counts the share of the 42. Of ``record`` only what it is played for is read."""
    outcomes = np.array([goals.outcome(record, points) for points in range(HAND_POINTS + 1)])
    of_team = outcomes if team == 0 else -outcomes[::-1]
    values: np.ndarray = (1.0 + of_team[own_points]) / 2.0
    return values


def judge(
    played: int,
    actions: list[int],
    values: np.ndarray,
    *,
    unit: Unit,
    num_worlds: int,
    points: np.ndarray | None = None,
) -> CouldKnow:
    """The verdict on ``played`` from what each of ``actions`` [A] is worth in each draw.

    Args:
        played: what was done, one of them.
        actions: ids of the candidates.
        values: float [R, A]; each row is one world, or one sample of worlds, the same for all candidates.
        unit: of the values.
        num_worlds: how many worlds that was in all.
        points: float [R, A], the points that the team ends with, if they are known.
    """
    means = values.mean(0).round(9)  # sums of equal values in another order are equal
    best = int(means.argmax())
    losses = values[:, [best]] - values  # [R, A], paired: in the same worlds
    errors = _standard_errors(losses)
    options = [
        Option(
            action=action,
            value=float(means[a]),
            loss=float(means[best] - means[a]),
            se=float(errors[a]),
            points=None if points is None else float(points[:, a].mean()),
        )
        for a, action in enumerate(actions)
    ]
    options.sort(key=lambda option: (option.loss, -(option.points or 0.0), option.action))
    held_out = held_out_losses(values, actions.index(played))
    own = next(option for option in options if option.action == played)
    return CouldKnow(
        played=played,
        grade=_grade(own, len(actions), unit),
        unit=unit,
        options=tuple(options),
        num_worlds=num_worlds,
        held_out_loss=float(held_out.mean()),
        held_out_se=float(_standard_errors(held_out[:, None])[0]),
    )


def held_out_losses(values: np.ndarray, played: int) -> np.ndarray:
    """By how much the best column of ``values`` [R, A] beats column ``played`` in each row, float [R], where for every
    quarter of the rows the best is chosen in the others. The best of many noisy means looks better than it is; this
    does not."""
    losses = np.zeros(len(values))
    fold = np.arange(len(values)) % NUM_FOLDS
    for number in range(min(NUM_FOLDS, len(values))):
        rest = values[fold != number]
        means = rest.mean(0) if len(rest) else np.zeros(values.shape[1])
        best = played if means[played] == means.max() else int(means.argmax())
        losses[fold == number] = values[fold == number, best] - values[fold == number, played]
    return losses


def _standard_errors(draws: np.ndarray) -> np.ndarray:
    """Of the mean of each column of ``draws`` [R, A]: float [A]. Few draws know their scatter badly, so theirs are
    widened as Student's distribution asks: two of them hold the mean as often as two of many."""
    if len(draws) < 2:
        return np.full(draws.shape[1], np.inf)
    freedom = len(draws) - 1
    wider = (
        1.0 + 1.21 / freedom + 1.44 / freedom**2
    )  # the 97.5% quantile by that of the normal, after Cornish and Fisher
    errors: np.ndarray = wider * draws.std(0, ddof=1) / np.sqrt(len(draws))
    return errors


def _grade(option: Option, num_candidates: int, unit: Unit) -> Grade:
    if num_candidates == 1:
        return "forced"
    if option.loss == 0:
        return "best"
    if option.is_close:
        return "close"
    share = option.loss / ONE_HAND[unit]
    return "blunder" if share >= BLUNDER else "mistake" if share >= MISTAKE else "slip"


def _points_lost(options: tuple[Option, ...], played: Option) -> float | None:
    best = options[0].points
    return None if best is None or played.points is None else _short(best - played.points)


def _short(number: float) -> float | None:
    """Four digits after the point; None for what is not finite, which JSON cannot say."""
    return round(number, 4) + 0.0 if np.isfinite(number) else None
