"""What a learner tells its workers, beside the weights: it lies in their ``NAME-state.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from zeb42_agents.exchange.packets import VERSIONS, differing_versions
from zeb42_agents.training.config import TrainConfig
from zeb42_env._version import __version__

KEY = "fleet"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What to play, and how fast."""

    run: str
    """Which run the hands are for."""
    config: TrainConfig
    """How hands are played and labelled."""
    cycle: int
    """Finished ones, behind the weights."""
    share: int
    """Hands of one worker per cycle; 0: as many as it can."""
    lead: int
    """Cycles that a worker may be ahead."""
    max_age_s: float
    """Hands of weights that were replaced longer ago are refused; 0: none."""
    period_s: float
    """Between two hand-overs of one worker."""
    finished: bool
    """The run is over."""

    def to_json(self) -> dict[str, Any]:
        """What :meth:`of` reads, under the key ``fleet`` of the weights' state."""
        return asdict(self) | {"config": self.config.to_json(), "versions": VERSIONS | {"package": __version__}}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Orders:
        """The orders in the ``state`` of published weights; ValueError if there are none."""
        found = state.get(KEY)
        if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
            raise ValueError(
                "expected weights that a learner of a fleet published, got others; allowed: zeb42 fleet learner "
                "--name NEW --base ... begins from them under another name"
            )
        orders = cls(config=_config(found), **_known(found))
        for name, kinds in _KINDS.items():
            value = getattr(orders, name)
            if not isinstance(value, kinds) or (not isinstance(value, str) and not 0 <= value < 2**53):
                raise ValueError(f"expected {name} of a fleet in the state of its weights, got {value!r}")
        return orders


def _config(found: dict[str, Any]) -> TrainConfig:
    """The configuration in orders that this version of the package can follow; ValueError if it is another's."""
    versions = found.get("versions", VERSIONS)  # zeb42 0.2.0 did not say
    theirs = versions if isinstance(versions, dict) else {}
    differing = differing_versions(theirs)
    try:
        config = TrainConfig.from_json(found["config"])
    except ValueError as error:
        differing = differing or str(error)
    if differing:
        raise ValueError(
            f"expected weights published by this version of zeb42, {__version__}, got those of "
            f"{theirs.get('package', 'another')} ({differing}); allowed: the learner's version of zeb42 on this machine"
        )
    return config


def _known(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found.get(name) for name in _KINDS}


_KINDS: dict[str, Any] = {
    "run": str,
    "cycle": int,
    "share": int,
    "lead": int,
    "max_age_s": (int, float),
    "period_s": (int, float),
    "finished": bool,
}
