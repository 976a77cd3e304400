"""Belief-guided tree search over views: what Zeb thinks with."""

from zeb42_agents.search.config import SearchConfig
from zeb42_agents.search.result import SearchResult
from zeb42_agents.search.run import Search, search
from zeb42_agents.search.samplers import ByLikelihood, Evaluator, Sample, Sampler, TrueHands

__all__ = [
    "ByLikelihood",
    "Evaluator",
    "Sample",
    "Sampler",
    "Search",
    "SearchConfig",
    "SearchResult",
    "TrueHands",
    "search",
]
