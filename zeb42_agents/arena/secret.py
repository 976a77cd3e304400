"""Deals that nobody can know in advance: a secret is drawn, committed to, kept aside, and revealed at the end.

``run.json`` has the SHA-256 of the secret from the start, and the secret itself once the run has ended; so everybody
can check later that the deals were settled before the first hand. Until then the secret is in the arena's memory and,
to resume the run with, in a file of the user's state folder that no other account may read.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b, sha256
from pathlib import Path

_SECRET_BYTES = 32


def draw_secret() -> str:
    """A new secret, in hexadecimal digits."""
    return secrets.token_hex(_SECRET_BYTES)


def commitment(secret: str) -> str:
    """What may be known of a secret before its time: its SHA-256, in hexadecimal digits."""
    return sha256(bytes.fromhex(secret)).hexdigest()


def seed_of(secret: str) -> int:
    """The arena seed that follows from a secret."""
    return int.from_bytes(blake2b(bytes.fromhex(secret), digest_size=8, person=b"zeb42 seed").digest(), "little")


def keep_secret(secret: str) -> None:
    """Put a secret where :func:`recall_secret` finds it."""
    place = _place(commitment(secret))
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
    except OSError as error:
        raise ValueError(
            f"expected a folder for this run's secret in XDG_STATE_HOME, got {error}; --seed needs none"
        ) from None


def recall_secret(committed: str) -> str:
    """The secret with this commitment. ValueError if it is not here, or another."""
    place = _place(committed)
    try:
        secret = place.read_text().strip()
        if commitment(secret) == committed:
            return secret
        found = "another"
    except (OSError, ValueError):
        found = "none"
    raise ValueError(f"expected the secret of this run in {place}, which its first session wrote, got {found}")


def forget_secret(secret: str) -> None:
    """Remove the file of a secret that is revealed."""
    _place(commitment(secret)).unlink(missing_ok=True)


def _place(committed: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "zeb42" / "arena" / committed
