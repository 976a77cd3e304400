"""How old the weights behind a hand are, by the learner's clock alone: workers' clocks may be hours off."""

from __future__ import annotations

import time
from bisect import bisect_right
from typing import Any

KEPT = 1000


class Ages:
    """When weights were replaced by newer ones, on a clock that stands still while no learner runs."""

    def __init__(self) -> None:
        self._steps: list[int] = []  # published, ascending
        self._times_s: list[float] = []  # of the run's clock, when each was published first
        self._since_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """The run's clock."""
        return time.monotonic() - self._since_s

    def published(self, step: int) -> None:
        """Weights after ``step`` updates can be had from now on."""
        if not self._steps or step > self._steps[-1]:
            self._steps.append(step)
            self._times_s.append(self.now_s)
            del self._steps[:-KEPT], self._times_s[:-KEPT]

    def of(self, step: int) -> float:
        """Seconds since weights after ``step`` updates were replaced; 0 for the newest."""
        place = bisect_right(self._steps, step)
        return self.now_s - self._times_s[place] if place < len(self._steps) else 0.0

    def to_json(self) -> list[tuple[int, float]]:
        """Steps and how many seconds ago each was published; :meth:`restore` reads it."""
        now = self.now_s
        return [(step, round(now - at, 3)) for step, at in zip(self._steps, self._times_s, strict=True)]

    def restore(self, content: Any) -> None:
        """Go on from what :meth:`to_json` said; ValueError if it is none."""
        try:
            steps = [int(step) for step, _ in content]
            ages_s = [float(age_s) for _, age_s in content]
        except (TypeError, ValueError) as error:
            raise ValueError(f"expected steps and the ages of weights, got something else: {error}") from None
        now = self.now_s
        self._steps, self._times_s = steps, [now - age_s for age_s in ages_s]
