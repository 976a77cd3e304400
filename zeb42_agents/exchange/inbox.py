"""What a learner has taken out of an exchange: every hand once, whatever is sent how often."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zeb42_agents.exchange.packets import ForeignError, Packet, PacketName, parse_name, unpack
from zeb42_agents.exchange.stores import Store

FILES_PER_READ = 64

TOO_OLD = "too old"

Refuse = Callable[[PacketName], str | None]
"""Why a packet is not wanted, by its name alone, in a word or two to count it by; None if it is."""


class Ledger:
    """Which numbers of each session have come in, as intervals ``[first, end)`` that do not touch."""

    def __init__(self) -> None:
        self._intervals: dict[int, list[tuple[int, int]]] = {}

    def add(self, session: int, first: int, end: int) -> list[tuple[int, int]]:
        """Note ``first..end - 1``; returns the parts of it that had not come in before, as intervals."""
        known = self._intervals.setdefault(session, [])
        low = bisect_left(known, first, key=lambda interval: interval[1])  # the first that reaches ``first``
        high = bisect_right(known, end, key=lambda interval: interval[0])  # the first that begins after ``end``
        fresh, at = [], first
        for start, stop in known[low:high]:
            if at < start:
                fresh.append((at, start))
            at = max(at, stop)
        if at < end:
            fresh.append((at, end))
        touching = [(first, end), *known[low:high]]
        known[low:high] = [(min(start for start, _ in touching), max(stop for _, stop in touching))]
        return fresh

    def to_json(self) -> dict[str, list[tuple[int, int]]]:
        """What :meth:`from_json` reads."""
        return {f"{session:x}": list(known) for session, known in self._intervals.items()}

    @classmethod
    def from_json(cls, content: Any) -> Ledger:
        """The ledger of a checkpoint; ValueError if it is none."""
        ledger = cls()
        try:
            for session, known in content.items():
                for first, end in known:
                    if not (isinstance(first, int) and isinstance(end, int) and 0 <= first < end):
                        raise ValueError(f"an interval {first!r}, {end!r}")
                    ledger.add(int(session, 16), first, end)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"expected a ledger of hands by session, got another: {error}") from None
        return ledger


class Inbox:
    """Takes packets of one run out of ``store``, each hand exactly once.

    Damaged and foreign files stay where they are: they are counted and named, never read again unless their bytes
    change, never fatal.

    Args:
        store: where packets lie, in the folder ``name``.
        name: of the weights.
        run: whose hands these have to be.
    """

    def __init__(self, store: Store, name: str, *, run: str) -> None:
        self.counts: Counter[str] = Counter()
        """Files by what became of them: ``taken``, ``resent``, ``damaged``, ``foreign``, or why they were refused."""
        self.aside: list[tuple[str, str]] = []
        """Names that were set aside since somebody last looked, and why."""
        self._store = store
        self._folder = f"{name}/"
        self._run = run
        self._ledger = Ledger()
        self._done: dict[str, str] = {}  # names that were looked at, with the version of their bytes
        self._removable: set[str] = set()  # of those, the ones that are ours to delete

    def pull(self, refuse: Refuse | None = None, *, max_hands: int | None = None, first_cycle: int = 0) -> list[Packet]:
        """The packets that have come in since the last call, the oldest weights first; at most the newest ``max_hands``
        of them, the others count as ``passed over``. Hands of cycles before ``first_cycle`` are left out, and a packet
        of no others counts as ``too old``. OSError if the store cannot be reached now: nothing is lost."""
        listed = self._store.names(self._folder)
        self._done = {name: version for name, version in self._done.items() if name in listed}
        self._removable &= set(listed)
        fresh = {name: version for name, version in listed.items() if self._done.get(name) != version}
        wanted = self._sort_out(fresh, refuse or (lambda _: None))
        if max_hands is not None:
            wanted = self._newest(wanted, fresh, max_hands)
        packets: list[Packet] = []
        for start in range(0, len(wanted), FILES_PER_READ):
            names = wanted[start : start + FILES_PER_READ]
            try:
                found = self._store.read(names)
            except OSError:
                if packets:  # what was read is not forgotten; the rest comes with the next call
                    break
                raise
            for name, content in found.items():
                packets += self._open(name, content, first_cycle)
                self._done[name] = fresh[name]
        return packets

    def _sort_out(self, fresh: dict[str, str], refuse: Refuse) -> list[str]:
        wanted = []
        for name, version in fresh.items():
            said = parse_name(name.removeprefix(self._folder))
            if said is None:
                self._set_aside(name, "foreign", "no packet's name")
            elif (why := refuse(said)) is not None:
                self.counts[why] += 1
                self._removable.add(name)
            else:
                wanted.append(name)
                continue
            self._done[name] = version
        return wanted

    def _newest(self, wanted: list[str], fresh: dict[str, str], max_hands: int) -> list[str]:
        kept, num_hands = [], 0
        for name in reversed(wanted):
            if num_hands < max_hands:
                kept.append(name)
                said = parse_name(name.removeprefix(self._folder))
                num_hands += said.end - said.first if said else 0
            else:
                self.counts["passed over"] += 1
                self._done[name] = fresh[name]
                self._removable.add(name)
        return kept[::-1]

    def _open(self, name: str, content: bytes, first_cycle: int) -> list[Packet]:
        """What of a file had not come in before; a packet for each part of it that has no gap."""
        try:
            packet = unpack(content, run=self._run)
            if packet.name != name.removeprefix(self._folder).rpartition(".")[0]:
                raise ValueError(f"expected the packet {name}, got {packet.name} under its name")
        except ForeignError as error:
            self._set_aside(name, "foreign", str(error))
            return []
        except ValueError as error:
            self._set_aside(name, "damaged", str(error))
            return []
        self._removable.add(name)
        young = packet.experience["cycle"] >= first_cycle
        if len(young) and not young.any():
            self.counts[TOO_OLD] += 1
            return []
        packet = replace(packet, experience=packet.experience[young])
        parts = self._ledger.add(packet.session, packet.first, packet.end)
        self.counts["taken" if parts else "resent"] += 1
        return [packet.part(first, end) for first, end in parts]

    def _set_aside(self, name: str, kind: str, why: str) -> None:
        self.counts[kind] += 1
        self.aside.append((name, why))

    def prune(self, keep: int) -> int:
        """Delete all but the newest ``keep`` files of those that were taken or refused; returns how many. What was set
        aside, or not looked at yet, stays."""
        doomed = sorted(self._removable)[: max(0, len(self._removable) - keep)]
        if doomed:
            self._store.delete(doomed)
            self._removable -= set(doomed)
        return len(doomed)

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint has to keep beside the hands: JSON."""
        return {
            "ledger": self._ledger.to_json(),
            "done": self._done,
            "removable": sorted(self._removable),
            "counts": dict(self.counts),
        }

    def set_state(self, state: Any) -> None:
        """Go on from what :meth:`get_state` said; ValueError if it is none."""
        try:
            ledger, done, removable, counts = (state[key] for key in ("ledger", "done", "removable", "counts"))
            whole = isinstance(done, dict) and all(
                isinstance(word, str) for word in [*done, *done.values(), *removable]
            )
            if not whole or not all(isinstance(count, int) for count in counts.values()):
                raise ValueError("names or counts of another kind")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"expected what an inbox has taken, got something else: {error}") from None
        self._ledger = Ledger.from_json(ledger)
        self._done, self._removable, self.counts = dict(done), set(removable), Counter(counts)
