"""The workers that a learner has heard of: how fast they are, what they cost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from zeb42_agents.exchange import Packet

ACTIVE_S = 120.0  # a worker that was not heard of for as long is thought gone


@dataclass(kw_only=True)
class Member:
    """One start of one worker."""

    worker: str
    machine: str = ""
    hands: int = 0
    time_s: float = 0.0
    """By its own stopwatch, up to what it sent last."""
    price_per_hour: float = 0.0
    hands_per_s: float = field(default=0.0, compare=False)
    """Over its last packets."""

    @property
    def money(self) -> float:
        """What it has cost."""
        return self.time_s / 3600 * self.price_per_hour


class Roster:
    """Adds up packets by the session that sent them."""

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}
        self._heard_s: dict[int, float] = {}

    def note(self, packet: Packet) -> None:
        """A packet has come in."""
        member = self.members.setdefault(packet.session, Member(worker=packet.worker))
        num_hands, took_s = packet.end - packet.first, packet.time_s - member.time_s
        if took_s > 0:
            rate = num_hands / took_s
            member.hands_per_s = rate if not member.hands_per_s else 0.7 * member.hands_per_s + 0.3 * rate
        member.hands += num_hands
        member.time_s = max(member.time_s, packet.time_s)
        member.machine, member.price_per_hour = packet.machine, packet.price_per_hour
        self._heard_s[packet.session] = time.monotonic()

    def active(self, within_s: float = ACTIVE_S) -> list[Member]:
        """The workers heard of in the last ``within_s``."""
        since = time.monotonic() - within_s
        return [self.members[session] for session, heard in self._heard_s.items() if heard >= since]

    def by_worker(self) -> list[Member]:
        """All starts of each name added up, the names in order."""
        found: dict[str, Member] = {}
        for member in self.members.values():
            total = found.setdefault(member.worker, Member(worker=member.worker))
            price = total.money + member.money
            total.machine = member.machine
            total.hands += member.hands
            total.time_s += member.time_s
            total.price_per_hour = price / total.time_s * 3600 if total.time_s else 0.0
        return [found[name] for name in sorted(found)]

    def report(self, learner: Member) -> list[str]:
        """Lines of Markdown: machine-hours and money by worker, the ``learner`` among them."""
        rows = [*self.by_worker(), learner]
        lines = ["", "Machines:", "", "| machine | what it is | hands | hours | hands/s | per hour | money |"]
        lines += ["|---|---|---:|---:|---:|---:|---:|"]
        for row in rows:
            rate = f"{row.hands / row.time_s:.1f}" if row.hands and row.time_s else ""
            hands = f"{row.hands:,}" if row.hands else ""
            lines.append(
                f"| {_cell(row.worker)} | {_cell(row.machine)} | {hands} | {row.time_s / 3600:.2f} | {rate} | "
                f"{row.price_per_hour:.3f} | {row.money:.2f} |"
            )
        hours, money = sum(row.time_s for row in rows) / 3600, sum(row.money for row in rows)
        hands_in_all = sum(row.hands for row in rows)
        lines.append(f"| **in all** | | {hands_in_all:,} | {hours:.2f} | | | {money:.2f} |")
        return lines

    def to_json(self) -> dict[str, dict[str, Any]]:
        """What :meth:`restore` reads."""
        return {f"{session:x}": asdict(member) for session, member in self.members.items()}

    def restore(self, content: Any) -> None:
        """Go on from what :meth:`to_json` said; ValueError if it is none."""
        try:
            self.members = {int(session, 16): Member(**_plain(member)) for session, member in content.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"expected the workers of a run, got something else: {error}") from None

    def heard(self, packets: Iterable[Packet]) -> None:
        """Note all of ``packets``."""
        for packet in packets:
            self.note(packet)


def _plain(member: dict[str, Any]) -> dict[str, Any]:
    for name, value in member.items():
        kinds = str if name in ("worker", "machine") else (int, float)
        if not isinstance(value, kinds):
            raise ValueError(f"{name} {value!r}")
    return member


def _cell(text: str) -> str:
    """Names come from workers: nothing in them breaks a table."""
    return "".join(c for c in text if c.isprintable() and c not in "|<>`")[:60]
