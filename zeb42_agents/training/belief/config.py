"""What a run that teaches a belief is: one frozen dataclass that is the command line and the saved JSON at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from zeb42_agents.ranges import Between, check_fields, values_from_json
from zeb42_agents.training.config import MANY

KIND = "belief"


@dataclass(frozen=True, kw_only=True)
class BeliefConfig:
    """How a belief is learned."""

    network: str = "taught"
    """The Zeb network that learns; it needs a belief head."""
    players: tuple[str, ...] = (
        "zeb:quick",
        "zeb:quick,worlds=16",
        "greedy",
        "random",
        "eq:n=10",
        "br:outer=10,inner=4",
    )
    """Who plays beside the network itself, as agents' specs."""
    chunks: Annotated[int, Between(2, MANY)] = 40
    """Files of views; a stop loses no more than the one under way. Every tenth is held out."""
    hands: Annotated[int, Between(10, 10**6)] = 1000
    """Hands of a file."""
    share: Annotated[float, Between(0.01, 1)] = 0.4
    """Share of the plays whose views are learned from."""
    passes: Annotated[float, Between(0.01, 1000)] = 3.0
    """Times that each view is learned from."""
    lr: Annotated[float, Between(1e-6, 1)] = 1e-3
    """Learning rate at its highest."""
    stay: Annotated[float, Between(0, 1e4)] = 5.0
    """Weight of the plays and the value staying what they were."""
    seed: Annotated[int, Between(0, 2**32 - 1)] = 42
    """Of everything."""
    threads: Annotated[int, Between(1, 64)] = 1
    """Of torch."""

    def __post_init__(self) -> None:
        check_fields(self)

    def to_json(self) -> dict[str, Any]:
        """What ``config.json`` says."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> BeliefConfig:
        """What :meth:`to_json` gave. ValueError names what does not belong."""
        values = {name: value for name, value in content.items() if name != "kind"}
        return cls(**values_from_json(values, cls(), "the configuration of a run that teaches a belief"))
