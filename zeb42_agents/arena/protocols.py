"""What two teams are compared on: :class:`Protocol`, and those that the arena knows."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, Literal

import numpy as np

from zeb42_env import HAND, PRESETS, Rules
from zeb42_env._core import tables

MAX_MATCH_HANDS = 16  # a match to seven marks takes at most 13 hands
MAX_DEALS = 2**63 // MAX_MATCH_HANDS  # the hands of every match have an int64 number


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How hands come about and who wins them. Every protocol is played on mirrored deals."""

    name: str
    """What it is called on the command line."""
    summary: str
    """One line for people."""
    rules: Rules
    """The rules that its hands carry in their record, so that agents know what they are played for."""
    unit: Literal["hand", "match"] = "hand"
    """What is won or lost, and what the Elo is per."""

    @property
    def by_contract(self) -> bool:
        """Whether made or set decides, so that both tables of a deal can be compared on it (McNemar)."""
        return self.rules.scoring == "contract"

    def deal(self, seed: int, numbers: np.ndarray) -> np.ndarray:
        """The hands [B] that ``numbers`` [B] of ``seed`` deal: the ones of ``Hand.deal(seed, rules, number=...)``."""
        hands = np.empty(len(numbers), HAND)
        hands[:] = self.rules.blank_record()[0]
        tables.deal_numbers(hands, np.uint64(seed), np.asarray(numbers, np.uint64), self.rules.contract_code)
        return hands


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="majority",
            summary="random contract; more of the 42 points wins, 21 each is half (the published format)",
            rules=PRESETS["majority"],
        ),
        Protocol(
            name="contract",
            summary="random contract; made or set",
            rules=PRESETS["contract"],
        ),
        Protocol(
            name="dropped30",
            summary="a forced bid of 30 on the bidder's best pip; made or set",
            rules=PRESETS["dropped30"],
        ),
        Protocol(
            name="most_trumps",
            summary="whoever has the most trumps bids 30 on them; made or set (the published ladder's format)",
            rules=PRESETS["most_trumps"],
        ),
        Protocol(
            name="hand",
            summary="auction, declaration and play; who scores the marks wins",
            rules=PRESETS["hand"],
        ),
        Protocol(
            name="match",
            summary="hands with an auction until a team has seven marks",
            rules=PRESETS["match"],
            unit="match",
        ),
    )
}


def require_numbers(seed: Any, num_deals: Any, first_deal: Any = 0) -> None:
    """ValueError unless these are whole numbers that deals can have."""
    try:
        if not 0 <= index(seed) < 2**64:
            raise ValueError(f"expected a seed in 0..2**64-1, got {seed}")
        if index(num_deals) < 1:
            raise ValueError(f"expected num_deals of at least 1, got {num_deals}")
        if not 0 <= index(first_deal) <= MAX_DEALS - num_deals:
            raise ValueError(f"expected deals in 0..{MAX_DEALS - 1}, got {num_deals} from {first_deal} on")
    except TypeError:
        got = f"{seed!r}, {num_deals!r} and {first_deal!r}"
        raise ValueError(f"expected whole numbers as seed, num_deals and first_deal, got {got}") from None


def get_protocol(name: str | Protocol) -> Protocol:
    """The protocol of this name; a Protocol is returned as it is. ValueError lists the names."""
    if isinstance(name, Protocol):
        return name
    if name not in PROTOCOLS:
        raise ValueError(f"expected a protocol, got {name!r}; allowed: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
