"""Stopping a pairing as soon as it is decided: a generalised sequential probability ratio test on mirrored deals.

The log-likelihood ratio of "the first is elo1 stronger" over "it is elo0 stronger", for deals that score 0, 1/4, ... 1,
in its normal approximation (Van den Bergh, "A practical introduction to the GSPRT", as in the tests of chess engines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Decision = Literal["elo1", "elo0"]

VARIANCE_MARGIN = 1.1  # the variance is an estimate; a tenth more keeps both error rates below what was asked for


@dataclass(frozen=True, kw_only=True)
class Sprt:
    """The test of --sprt: is the first agent elo1 stronger than the second, or only elo0?"""

    elo0: float = 0.0
    """Elo of the first agent over the second under the null hypothesis."""
    elo1: float = 10.0
    """The same under the alternative."""
    alpha: float = 0.05
    """Chance that elo1 is accepted when elo0 is true."""
    beta: float = 0.05
    """Chance that elo0 is accepted when elo1 is true."""
    min_deals: int = 50
    """No decision before this many mirrored deals: the variance must be known by then."""

    def __post_init__(self) -> None:
        if not self.elo0 < self.elo1:
            raise ValueError(f"expected elo0 below elo1, got {self.elo0:g} and {self.elo1:g}")
        for name in ("alpha", "beta"):
            if not 0.0 < getattr(self, name) < 0.5:
                raise ValueError(f"expected {name} between 0 and 0.5, got {getattr(self, name):g}")

    @property
    def bounds(self) -> tuple[float, float]:
        """The log-likelihood ratios at which elo0 and elo1 are accepted."""
        return float(np.log(self.beta / (1.0 - self.alpha))), float(np.log((1.0 - self.beta) / self.alpha))

    def ratios(self, scores: np.ndarray) -> np.ndarray:
        """The log-likelihood ratio [M] after each of the deals' ``scores`` [M] (share of the deal's games won).

        One virtual deal lost and one won keep the variance above zero where every deal was split.
        """
        num = np.arange(1, len(scores) + 1)
        mean = np.cumsum(scores) / num
        square = (np.cumsum(np.square(scores)) + 1.0) / (num + 2.0)
        centre = (np.cumsum(scores) + 1.0) / (num + 2.0)
        variance = VARIANCE_MARGIN * (square - centre**2)
        score0, score1 = (1.0 / (1.0 + 10.0 ** (-elo / 400.0)) for elo in (self.elo0, self.elo1))
        return num * (score1 - score0) * (2.0 * mean - score0 - score1) / (2.0 * variance)

    def decide(self, scores: np.ndarray) -> tuple[Decision | None, int, float]:
        """The decision, after how many deals it falls, and the log-likelihood ratio there (or at the end)."""
        if not len(scores):
            return None, 0, 0.0
        ratios = self.ratios(np.asarray(scores, np.float64))
        lower, upper = self.bounds
        late_enough = np.arange(1, len(ratios) + 1) >= self.min_deals
        crossed = np.flatnonzero(((ratios <= lower) | (ratios >= upper)) & late_enough)
        if not len(crossed):
            return None, len(ratios), float(ratios[-1])
        at = int(crossed[0])
        return ("elo1" if ratios[at] >= upper else "elo0"), at + 1, float(ratios[at])
