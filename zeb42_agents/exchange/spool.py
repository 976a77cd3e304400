"""The spool: packets wait on the worker's own disk until the exchange has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from zeb42_agents.exchange.stores import DirectoryStore, Store

BATCH_BYTES = 32 * 2**20  # of one put, at least one file


class SpoolFullError(OSError):
    """There is no room left: what waits has to leave first."""


class Spool:
    """Takes packets at once and hands everything over in one ``put`` per :meth:`flush`.

    What :meth:`put` returned from survives a kill: whoever opens the folder next hands it over. It never grows beyond
    ``max_bytes``, and it throws nothing away: who plays has to wait.

    Args:
        folder: on the worker's disk. One process at a time.
        store: where it all goes.
        max_bytes: room for what waits.
        combined: turns what waits into what is handed over, such as many packets into few files.
    """

    def __init__(
        self,
        folder: Path | str,
        store: Store,
        *,
        max_bytes: int = 2**30,
        combined: Callable[[Mapping[str, bytes]], Mapping[str, bytes]] = dict,
    ) -> None:
        self._local = DirectoryStore(folder)
        self._local.create()
        self._store = store
        self._max_bytes = max_bytes
        self._combined = combined
        self._lock = FileLock(Path(folder) / ".new" / "owner")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ValueError(
                f"expected a spool that no worker uses, got {folder}, where one is at work; allowed: another --spool"
            ) from None

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._local.root

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.release()

    def put(self, files: Mapping[str, bytes]) -> None:
        """Keep ``files`` until they are handed over. SpoolFullError, or another OSError from a full disk, if there is
        no room; nothing of them is kept then."""
        waiting, more = self.num_bytes, sum(map(len, files.values()))
        if waiting + more > self._max_bytes:
            raise SpoolFullError(
                f"the spool {self._local.root} holds {waiting:,} of {self._max_bytes:,} bytes, no room for {more:,}"
            )
        self._local.put(files)

    @property
    def num_bytes(self) -> int:
        """Bytes that wait."""
        return sum(int(version.partition("-")[0]) for version in self._local.names().values())

    def __len__(self) -> int:
        """Files that wait."""
        return len(self._local.names())

    def flush(self) -> int:
        """Hand everything over, the oldest first; returns how many files. An OSError of the store leaves what it did
        not take."""
        num_sent = 0
        for names in self._batches():
            self._store.put(self._combined(self._local.read(names)))
            self._local.delete(names)
            num_sent += len(names)
        return num_sent

    def _batches(self) -> list[list[str]]:
        batches: list[list[str]] = [[]]
        total = 0
        for name, version in self._local.names().items():
            size = int(version.partition("-")[0])
            if batches[-1] and total + size > BATCH_BYTES:
                batches.append([])
                total = 0
            batches[-1].append(name)
            total += size
        return [batch for batch in batches if batch]
