"""Everything that plays, learns and measures Texas 42: agents, exact search, Zeb, its trainer, and the arena."""

from zeb42_agents.agent import Agent, make_agent, view_keys

__all__ = ["Agent", "make_agent", "view_keys"]
