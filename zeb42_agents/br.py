"""``br``: the best response to honest players who think no further than dice, without a network or a solver."""

from __future__ import annotations

import numpy as np

from zeb42_agents.evidence import new_evidence
from zeb42_agents.minds import dice_mind
from zeb42_agents.played import MAX_WORLDS, THIN, MindPlayer
from zeb42_agents.search.bundle import Plan


class BestResponse(MindPlayer):
    """Plays ``outer`` sampled worlds to the end of the hand and takes the play that reaches the goal most often.

    >>> BestResponse(outer=40, inner=8).act(views, np.random.default_rng(0))

    The other seats are minds that best-respond over ``inner`` worlds of their own view to random play
    (:mod:`zeb42_agents.minds`); its own later decisions are one per information set
    (:mod:`zeb42_agents.search.bundle`), but for groups of fewer than ``thin`` worlds. The literature calls this level
    1. It has never seen a full hand, which makes it a yardstick and a teacher without double-dummy habits. Of equal
    plays it takes the one that gives the least count away. It calls as the simple bidder does. With ``resample`` the
    worlds are weighed by what was called, with ``dealt`` by how contracts are dealt (:mod:`zeb42_agents.evidence`).
    """

    def __init__(
        self, outer: int = 40, *, inner: int = 8, thin: int = THIN, resample: int = 0, dealt: str = "random"
    ) -> None:
        for name, value in (("outer", outer), ("inner", inner), ("thin", thin)):
            if not isinstance(value, int | np.integer) or not 1 <= value <= MAX_WORLDS:
                raise ValueError(f"expected {name}, a whole number in 1..{MAX_WORLDS}, got {value!r}")
        plan = Plan(num_worlds=int(outer), early=1, thin=int(thin), every_deal=False)
        evidence = new_evidence(resample, dealt)
        super().__init__(dice_mind(inner), plan, evidence=evidence, name=f"br:outer={outer},inner={inner}")
        self.outer, self.inner, self.thin, self.resample, self.dealt = outer, inner, thin, resample, dealt

    def __repr__(self) -> str:
        options = {"thin": THIN, "resample": 0, "dealt": "random"}
        other = [f", {key}={getattr(self, key)!r}" for key, usual in options.items() if getattr(self, key) != usual]
        return f"BestResponse(outer={self.outer}, inner={self.inner}{''.join(other)})"
