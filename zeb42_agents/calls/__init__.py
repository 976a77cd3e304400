"""What a call is worth: ``match`` is the table of chances to win a match."""

from __future__ import annotations

from zeb42_agents.calls.match import match_chance, match_table

__all__ = ["match_chance", "match_table"]
