"""Everything that plays, learns and measures Texas 42: agents, exact search, Zeb, its trainer, and the arena."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeb42_agents.agent import Agent, SupportsAct, agent_names, as_agent, make_agent, view_keys
    from zeb42_agents.explanation import Candidate, Explanation

__all__ = [
    "Agent",
    "Candidate",
    "Explanation",
    "SupportsAct",
    "agent_names",
    "as_agent",
    "make_agent",
    "view_keys",
]


def __getattr__(name: str) -> object:
    """The public names are imported when they are asked for, so that ``zeb42 --help`` waits for no compiler."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "explanation" if name in ("Candidate", "Explanation") else "agent"
    return getattr(import_module(f"zeb42_agents.{room}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _forget_stale_kernels() -> None:
    """By its file: to import ``zeb42_env`` takes a third of a second."""
    env = Path(str(find_spec("zeb42_env").origin)).parent  # type: ignore[union-attr]
    forget = run_path(str(env / "_numba" / "stale.py"))["forget_stale_kernels"]
    forget(Path(__file__).parent, builds_on=(env,))


_forget_stale_kernels()
