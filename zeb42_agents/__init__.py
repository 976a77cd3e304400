"""Everything that plays, learns and measures Texas 42: agents, exact search, Zeb, its trainer, and the arena."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

from zeb42_agents.extras import needs_extras

if TYPE_CHECKING:
    from zeb42_agents.agent import Agent, SupportsAct, agent_names, as_agent, make_agent, view_keys
    from zeb42_agents.evaluator import NetworkEvaluator, load
    from zeb42_agents.explanation import Candidate, Explanation

_ROOMS = {
    "agent": ("Agent", "SupportsAct", "agent_names", "as_agent", "make_agent", "view_keys"),
    "evaluator": ("NetworkEvaluator", "load"),
    "explanation": ("Candidate", "Explanation"),
}
__all__ = [
    "Agent",
    "Candidate",
    "Explanation",
    "NetworkEvaluator",
    "SupportsAct",
    "agent_names",
    "as_agent",
    "load",
    "make_agent",
    "view_keys",
]


def __getattr__(name: str) -> object:
    """The public names are imported when they are asked for, so that ``zeb42 --help`` waits for no compiler."""
    for room, names in _ROOMS.items():
        if name in names:
            with needs_extras():
                return getattr(import_module(f"zeb42_agents.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _forget_stale_kernels() -> None:
    """By its file: to import ``zeb42_env`` takes a third of a second."""
    env = Path(str(find_spec("zeb42_env").origin)).parent  # type: ignore[union-attr]
    forget = run_path(str(env / "_numba" / "stale.py"))["forget_stale_kernels"]
    forget(Path(__file__).parent, builds_on=(env,))


_forget_stale_kernels()
