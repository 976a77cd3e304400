"""Belief-guided tree search over views: what Zeb thinks with."""

from zeb42_agents.search.config import SearchConfig
from zeb42_agents.search.result import SearchResult
from zeb42_agents.search.run import Evaluator, Search, search

__all__ = ["Evaluator", "Search", "SearchConfig", "SearchResult", "search"]
