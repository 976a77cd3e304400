"""The arena: ratings of 42 players that say what they know and what they do not.

``python -m zeb42_agents.arena random greedy eq:n=20 --deals 100`` rates agents; :func:`play_pairing` and :func:`rate`
do the same from Python.
"""

from zeb42_agents.extras import needs_extras

with needs_extras():
    from zeb42_agents.arena.library import rate
    from zeb42_agents.arena.pairing import PairingResult, play_pairing
    from zeb42_agents.arena.play import ForfeitError
    from zeb42_agents.arena.protocols import PROTOCOLS, Protocol, get_protocol
    from zeb42_agents.arena.rating import Comparison, Ratings, Scale, fit_ratings
    from zeb42_agents.arena.sprt import Sprt
    from zeb42_agents.arena.summary import Summary

__all__ = [
    "PROTOCOLS",
    "Comparison",
    "ForfeitError",
    "PairingResult",
    "Protocol",
    "Ratings",
    "Scale",
    "Sprt",
    "Summary",
    "fit_ratings",
    "get_protocol",
    "play_pairing",
    "rate",
]
