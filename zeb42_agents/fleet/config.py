"""How a learner and its workers keep step: what is not about learning itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FleetConfig:
    """What a learner asks of the hands that arrive, and what it tells its workers."""

    max_age_s: float = 600.0
    """Hands are not taken in whose weights had been replaced longer ago, by the learner's clock; 0 takes all. What was
    taken in stays until the buffer is full."""
    keep_files: int = 100
    """Files of hands that stay in the exchange, the newest: what a learner without its folder begins again with."""
    lead: int = 0
    """Cycles of hands that workers may be ahead of the learner; then they wait for it. 0: they never wait."""
    workers: int = 1
    """How many are expected, until more have been heard of."""
    price_per_hour: float = 0.0
    """Of the learner's machine, for the report."""

    def __post_init__(self) -> None:
        for name in ("max_age_s", "keep_files", "lead", "workers", "price_per_hour"):
            if not 0 <= getattr(self, name) < 1e9:
                raise ValueError(f"expected {name} of at least 0, got {getattr(self, name)!r}")
