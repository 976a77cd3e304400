"""Everything that plays, learns and measures Texas 42: agents, exact search, Zeb, its trainer, and the arena."""

from pathlib import Path

import zeb42_env
from zeb42_agents.agent import Agent, SupportsAct, agent_names, as_agent, make_agent, view_keys
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_env._numba import stale

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

stale.forget_stale_kernels(Path(__file__).parent, builds_on=(Path(zeb42_env.__file__).parent,))
