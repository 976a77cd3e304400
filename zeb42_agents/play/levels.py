"""Who can be sat down with: agents under names that a person understands, weakest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from zeb42_agents.minds.weights import is_mind
from zeb42_agents.play.session import YOU
from zeb42_agents.stored import runs_in_kernels


@dataclass(frozen=True, kw_only=True)
class Level:
    """An opponent or a partner."""

    name: str
    spec: str
    about: str
    """What it does, and how strong that was measured to be."""
    calls: str | None = None
    """Where its calls come from, if that is not the agent itself: ``simple``, or the weights that they come with. They
    can be made before it has loaded."""
    is_cheap: bool = True
    """Whether a decision takes so little that a public server can offer it."""

    @property
    def missing(self) -> str | None:
        """What to install first; None if it can play."""
        return "pip install 'zeb42[agents]'" if needs_torch(self.spec) and find_spec("torch") is None else None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the browser."""
        return {"name": self.name, "spec": self.spec, "about": self.about, "missing": self.missing}


LEVELS = (
    Level(name="Random", spec="random", about="anything that is allowed; wins 24% against Steady"),
    Level(
        name="Gentle",
        spec="gentle:temperature=6",
        about="errs where it is in doubt; wins 40% against Steady",
        calls="simple",
    ),
    Level(name="Steady", spec="greedy", about="thinks one trick ahead", calls="simple"),
    Level(name="Zeb at a glance", spec="zeb:quick", about="plays at sight; wins 57% against Steady", calls="quick"),
    Level(name="Careful", spec="eq:n=10", about="tries 10 guessed deals; wins 59% against Steady"),
    Level(
        name="Zeb",
        spec="zeb:quick,worlds=40",
        about="plays out 40 guessed deals; wins 62% against Steady",
        calls="quick",
    ),
    Level(name="Strong", spec="eq:n=100", about="tries 100 guessed deals; wins 62% against Steady"),
    Level(
        name="Zeb thinking hard",
        spec="zeb:taught,mind=quick",
        about="160 guessed deals, played out and solved",
        calls="taught",
        is_cheap=False,
    ),
)
"""Ratings are in docs/play.md, with the command that measured them."""


def offered(more: Sequence[str] = (), *, public: bool = False) -> list[Level]:
    """The levels of a server: ours, and the specs that its command line named. A public one offers what is cheap."""
    named = [Level(name=spec, spec=spec, about="named on the command line") for spec in more]
    return [level for level in LEVELS if level.is_cheap or not public] + named


def find_level(name: str, levels: Sequence[Level]) -> Level:
    """The level of this name or spec. ValueError lists those that there are, or says what it lacks."""
    for level in levels:
        if name.strip().lower() in (level.name.lower(), level.spec.lower()):
            if level.missing:
                raise ValueError(f"{level.name} needs more packages: {level.missing}")
            return level
    allowed = ", ".join([YOU, *(level.name for level in levels)])
    raise ValueError(f"expected somebody to seat, got {name!r}; allowed: {allowed}")


def name_of_spec(spec: str) -> str:
    """What a spec is called at the table."""
    return next((level.name for level in LEVELS if level.spec == spec), spec)


def usual_seats() -> list[str]:
    """You with a strong partner against two that are a little less so."""
    return [YOU, "Careful", "Zeb", "Careful"]


def needs_torch(spec: str) -> bool:
    """Whether the agent of ``spec`` asks a network that torch alone computes: one of tokenizer v1, on a GPU or in
    bfloat16. What is on the Hub is not looked into."""
    name, _, options = spec.partition(":")
    weights, *others = options.split(",")
    if name != "zeb" or weights.startswith("hf://"):
        return False
    if any(option.startswith(("device=cuda", "precision=bfloat16")) for option in others):
        return True
    try:
        return not is_mind(weights) and not runs_in_kernels(weights)
    except ValueError:  # there are no such weights, which is said where the agent is made
        return False
