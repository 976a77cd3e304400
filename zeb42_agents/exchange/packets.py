"""Packets: what a worker sends. Hands of experience with who played them, as bytes that anybody may hand over.

A packet's name is its identity, and its bytes never change: sending it again is a no-op, and names sort by the weights
that played the hands, so that the newest are found without a clock.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from zeb42_agents.experience import EXPERIENCE, check_experience
from zeb42_env._core.record import HAND
from zeb42_env._version import __version__
from zeb42_env.notation import VERSION as RULES

SCHEMA = 1
MAX_HANDS = 1_000_000
SUFFIX = ".safetensors"
PARQUET = ".parquet"
_NAME = re.compile(r"(\d{10})-([0-9a-f]{16})-(\d{10})-(\d{10})(\.safetensors|\.parquet)")
ABOUT, _HANDS = "zeb42", "experience"


def digest(experience: np.ndarray) -> str:
    """The SHA-256 of EXPERIENCE [N], field by field: what lies between them is not of the hands."""
    found = hashlib.sha256()
    for name in EXPERIENCE.names or ():
        parts = [experience[name][inner] for inner in HAND.names or ()] if name == "hand" else [experience[name]]
        for part in parts:
            found.update(np.ascontiguousarray(part).data)
    return found.hexdigest()


def _described(dtype: np.dtype) -> str:
    """A word that changes with any field of a record."""
    return hashlib.sha256(repr((HAND.descr, dtype.descr)).encode()).hexdigest()[:16]


LAYOUT = _described(EXPERIENCE)
VERSIONS: dict[str, Any] = {"schema": SCHEMA, "rules": RULES, "layout": LAYOUT}
"""What a worker and its learner have to agree in."""


def differing_versions(about: dict[str, Any]) -> str:
    """In words, in which of :data:`VERSIONS` ``about`` is not as we are; empty if in none."""
    return ", ".join(f"{key} {about.get(key)!r}" for key, value in VERSIONS.items() if about.get(key) != value)


class ForeignError(ValueError):
    """Bytes that are no packet of this run, these rules, or this version."""


class PacketName(NamedTuple):
    """What the name of a packet says: enough to pass it over without reading it."""

    weights_step: int
    session: int
    first: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Packet:
    """Hands that one worker played with one state of the weights."""

    experience: np.ndarray = field(repr=False)
    """EXPERIENCE [N]; ``worker`` is the session, ``sequence`` lies in ``first..end`` and ascends."""
    run: str
    """Which run of training they were played for."""
    worker: str
    """Name of the worker. Two of the same name are still two: each start has a session of its own."""
    session: int
    """A random number of 63 bits, drawn when the worker started."""
    first: int
    end: int
    """The numbers ``first..end - 1`` of the session were dealt; hands that were thrown in are not among them."""
    weights_step: int
    """Updates behind the weights that played."""
    time_s: float = 0.0
    """The worker's time since its start, by its own stopwatch."""
    price_per_hour: float = 0.0
    """Of the worker's machine."""
    machine: str = ""
    """What it is, in a few words."""

    @property
    def name(self) -> str:
        """Its file name, without a suffix."""
        return f"{self.weights_step:010d}-{self.session:016x}-{self.first:010d}-{self.end:010d}"

    def is_followed_by(self, other: Packet) -> bool:
        """Whether ``other`` is of the same worker and weights, and goes on where this one ends."""
        known = ("run", "session", "weights_step")
        return self.end == other.first and all(getattr(self, key) == getattr(other, key) for key in known)

    def part(self, first: int, end: int) -> Packet:
        """The hands numbered ``first..end - 1`` of it."""
        if (first, end) == (self.first, self.end):
            return self
        sequence = self.experience["sequence"]
        return replace(self, experience=self.experience[(sequence >= first) & (sequence < end)], first=first, end=end)

    def about(self) -> dict[str, Any]:
        """All but the hands, with the versions that they were made by: JSON."""
        known = {key: getattr(self, key) for key in _KINDS}
        return {**VERSIONS, "package": __version__, **known}


_KINDS = {
    f.name: {"str": str, "int": int, "float": float}[str(f.type)] for f in fields(Packet) if f.name != "experience"
}


def parse_name(file: str) -> PacketName | None:
    """What a file name (without its folder) says; None if it is no packet's."""
    match = _NAME.fullmatch(file)
    if match is None:
        return None
    step, session, first, end, _ = match.groups()
    found = PacketName(int(step), int(session, 16), int(first), int(end))
    return found if found.first < found.end and found.session < 2**63 else None


def pack(packet: Packet) -> bytes:
    """``packet`` as safetensors: the records as they are in memory, and about them as JSON in the header."""
    rows = np.ascontiguousarray(packet.experience).view(np.uint8).reshape(len(packet.experience), EXPERIENCE.itemsize)
    about = packet.about() | {"sha256": digest(packet.experience)}
    return save({_HANDS: rows}, {ABOUT: json.dumps(about)})


def unpack(content: bytes, *, run: str | None = None) -> Packet:
    """The packet that ``content`` is, safetensors or Parquet, every hand of it replayed by the rules.

    ForeignError if it is of another run than ``run``, of other rules or another version; ValueError if it is damaged.
    """
    if content[:4] == b"PAR1":
        from zeb42_agents.exchange import parquet

        return parquet.unpack(content, run=run)
    about, rows = _read(content)
    check_about(about, run)
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != EXPERIENCE.itemsize:
        raise ValueError(f"expected hands of {EXPERIENCE.itemsize} bytes, got {rows.dtype} {list(rows.shape)}")
    experience = rows.reshape(-1).view(EXPERIENCE)
    if about.get("sha256") != digest(experience):
        raise ValueError("expected the hands that the header has the digest of, got others")
    return checked_packet(experience, about)


def _read(content: bytes) -> tuple[dict[str, Any], np.ndarray]:
    try:
        rows = load(content)[_HANDS]  # checks the header against the length
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return json.loads(header["__metadata__"][ABOUT]), rows
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected a packet of hands, got a damaged or foreign file: {error}") from None


def check_about(about: Any, run: str | None) -> None:
    """ForeignError unless ``about`` is of this version and of ``run``, ValueError unless it is whole."""
    if not isinstance(about, dict):
        raise ValueError(f"expected a packet's header as JSON, got {type(about).__name__}")
    if differing := differing_versions(about):
        raise ForeignError(
            f"expected hands of this version of zeb42 ({__version__}, {RULES}, schema {SCHEMA}), got "
            f"{differing} by zeb42 {about.get('package')!r}; allowed: workers of the learner's version"
        )
    for key, kind in _KINDS.items():
        kinds, value = (int, float) if kind is float else kind, about.get(key)
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        if not fits or (kind is not str and not 0 <= about[key] < 2**63):
            raise ValueError(f"expected {key} of a packet to be {kind.__name__}, 0..2**63 - 1, got {value!r}")
    if run is not None and about["run"] != run:
        raise ForeignError(f"expected hands of run {run}, got some of run {about['run']!r}")


def checked_packet(experience: np.ndarray, about: dict[str, Any]) -> Packet:
    """The packet of ``experience`` and a header that :func:`check_about` let pass. ValueError if one belies the
    other, or no hand came about by the rules."""
    if len(experience) > MAX_HANDS:
        raise ValueError(f"expected at most {MAX_HANDS:,} hands in a packet, got {len(experience):,}")
    packet = Packet(experience=check_experience(experience), **{key: about[key] for key in _KINDS})
    sequence = packet.experience["sequence"].astype(np.int64)
    whose = (packet.experience["worker"] == packet.session) & (packet.experience["weights_step"] == packet.weights_step)
    within = (sequence >= packet.first) & (sequence < packet.end)
    if not (whose & within).all() or (np.diff(sequence) <= 0).any():
        raise ValueError("expected the hands that the header speaks of, got others")
    return packet
