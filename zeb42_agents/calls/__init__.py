"""Calls that a network has learned: what contracts bring at the table, what becomes of an auction, and the match.

``match`` is the table of chances to win a match; ``columns`` is what the networks see; ``network`` holds the three of
them, *prices* (the points of a contract), *ends* (what a call leads to) and *heard* (how likely each call is, for who
hears it); ``choose`` takes the call that is worth most; ``player`` gives a player such calls; ``weights`` is the form
on disk. Nothing here needs torch. They learn in :mod:`zeb42_agents.training.calls`.
"""

from __future__ import annotations

from zeb42_agents.calls.choose import explain_call, learned_calls, learned_for, price_curve
from zeb42_agents.calls.match import match_chance, match_table
from zeb42_agents.calls.network import CallNetwork
from zeb42_agents.calls.player import Calling, with_calls
from zeb42_agents.calls.weights import comes_with_calls, load

__all__ = [
    "CallNetwork",
    "Calling",
    "comes_with_calls",
    "explain_call",
    "learned_calls",
    "learned_for",
    "load",
    "match_chance",
    "match_table",
    "price_curve",
    "with_calls",
]
