"""Where players lose: the could-know losses of many decisions, added up by what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zeb42_agents.play.verdicts import ONE_HAND

if TYPE_CHECKING:
    from zeb42_agents.play.review import Review, Step

GROUPS = {
    "all": "all decisions",
    "bid": "bids",
    "trump": "naming trump",
    "lead": "leads",
    "follow": "following",
    "offense": "plays on offense",
    "defense": "plays on defense",
}
INTERVAL = 2.0  # standard errors on either side
FEW_HANDS = 10  # below that, nothing is said about habits


@dataclass(frozen=True, kw_only=True)
class Group:
    """One kind of decision, over all hands."""

    name: str
    num_decisions: int
    """Those with a choice."""
    num_costly: int
    """Those that cost something beyond doubt."""
    loss: float
    """Hands lost in all: the share of winning given up, added up. Measured in other worlds than those that chose the
    best candidate, so it is not inflated by that choice, and may fall below 0."""
    se: float
    """Its standard error: from the sampled worlds of each decision."""

    @property
    def words(self) -> str:
        """What kind that is."""
        return GROUPS[self.name]

    @property
    def interval(self) -> tuple[float, float]:
        """Where the loss lies, 95%."""
        return self.loss - INTERVAL * self.se, self.loss + INTERVAL * self.se

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        low, high = self.interval
        return {
            "name": self.name,
            "words": self.words,
            "num_decisions": self.num_decisions,
            "num_costly": self.num_costly,
            "loss": round(self.loss, 4),
            "interval": [round(low, 4), round(high, 4)],
        }


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The sums over one or many hands. One hand won instead of lost is 1, whatever it was played for."""

    num_hands: int
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, reviews: Sequence[Review]) -> Summary:
        """The summary of ``reviews``."""
        steps = [step for review in reviews for step in review.decisions]
        groups = [_group(name, [step for step in steps if _belongs(step, name)]) for name in GROUPS]
        return cls(num_hands=len(reviews), groups=tuple(group for group in groups if group.num_decisions))

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/review.md."""
        return {"num_hands": self.num_hands, "groups": [group.to_json() for group in self.groups]}

    def __str__(self) -> str:
        hands = "1 hand" if self.num_hands == 1 else f"{self.num_hands} hands"
        rows = [f"{hands}; given up, in hands won (95% interval of what the sampled worlds can tell)"]
        for group in self.groups:
            low, high = group.interval
            decisions = "1 decision" if group.num_decisions == 1 else f"{group.num_decisions} decisions"
            rows.append(
                f"  {group.words:<17} {max(group.loss, 0.0):5.2f}  ({max(low, 0.0):.2f} to {max(high, 0.0):.2f})"
                f"  {decisions:>14}, {group.num_costly} costly"
            )
        if self.num_hands < FEW_HANDS:
            rows.append(f"  Fewer than {FEW_HANDS} hands say how these went, not how you play.")
        return "\n".join(rows)


def _belongs(step: Step, name: str) -> bool:
    if name in ("offense", "defense"):
        return step.side == name and step.trick is not None
    return name in ("all", step.kind)


def _group(name: str, steps: Iterable[Step]) -> Group:
    found = [step.could_know for step in steps if step.could_know and step.could_know.grade != "forced"]
    worth = np.array([ONE_HAND[verdict.unit] for verdict in found])
    losses = np.array([verdict.held_out_loss for verdict in found]) / worth
    errors = np.array([verdict.held_out_se for verdict in found]) / worth
    return Group(
        name=name,
        num_decisions=len(found),
        num_costly=sum(verdict.is_costly for verdict in found),
        loss=float(losses.sum()),
        se=float(np.sqrt((errors**2).sum())),
    )
