"""What a run that learns calls is: one frozen dataclass that is the command line and the saved JSON at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from zeb42_agents.ranges import Between, check_fields, values_from_json
from zeb42_agents.training.config import MANY

KIND = "calls"


@dataclass(frozen=True, kw_only=True)
class CallsConfig:
    """How calls are learned."""

    player: str = "zeb:laptop"
    """Who plays the contracts, as an agent's spec; the calls are learned for such play."""
    rounds: Annotated[int, Between(1, MANY)] = 3
    """Rounds in all; a round plays, learns and rates. The first one plays with the simple bidder's calls."""
    hands: Annotated[int, Between(1000, MANY)] = 300_000
    """Hands that a round plays."""
    remembered: Annotated[int, Between(1, MANY)] = 2
    """Rounds whose hands are learned from, the newest first."""
    width: Annotated[int, Between(1, 1024)] = 96
    """Units of the first layer of each network."""
    second_width: Annotated[int, Between(1, 1024)] = 64
    """Units of the second layer."""
    passes: Annotated[float, Between(0.01, 1000)] = 4.0
    """Times that each hand is learned from in a round."""
    lr: Annotated[float, Between(1e-6, 1)] = 2e-3
    """Learning rate at its highest."""
    heard_hands: Annotated[int, Between(100, MANY)] = 300_000
    """Auctions from which the listener learns how the calls are made, after each round."""
    rating_deals: Annotated[int, Between(2, MANY)] = 500
    """Mirrored deals of ``match``, and as many of ``hand``, that a round is rated on."""
    seed: Annotated[int, Between(0, 2**32 - 1)] = 42
    """Of everything."""
    threads: Annotated[int, Between(1, 64)] = 1
    """Of torch."""
    kind: str = KIND
    """What tells the folder of such a run from others."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.kind != KIND:
            raise ValueError(f"expected kind {KIND!r}, got {self.kind!r}")

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> CallsConfig:
        """What :meth:`to_json` gave. ValueError names what does not belong."""
        return cls(**values_from_json(content, cls(), "the configuration of a run that learns calls"))
