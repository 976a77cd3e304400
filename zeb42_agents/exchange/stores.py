"""Stores: four verbs over named bytes. A store knows nothing of hands or weights.

An OSError says that the store cannot be reached or written to *now*; whoever calls tries again later. A ValueError says
that it never will be.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import Protocol

from filelock import FileLock

from zeb42_agents.files import see_onto_disk


class Store(Protocol):
    """Named bytes. A name is a relative path with ``/``."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write ``files``, all of them at once where the store can. Done when it returns; again is harmless."""
        ...

    def names(self, prefix: str = "") -> dict[str, str]:
        """The names that begin with ``prefix``, in order, each with a word that changes when the bytes do."""
        ...

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """The bytes of ``names`` at one moment; those that are not there are left out."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Remove ``names``; what is not there is none the worse."""
        ...


class MemoryStore:
    """A dictionary: for threads of one process, for an actor of a cluster, and for tests."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, int]] = {}
        self._num_writes = 0
        self._lock = threading.Lock()

    def put(self, files: Mapping[str, bytes]) -> None:
        """See :class:`Store`."""
        with self._lock:
            for name, content in files.items():
                self._num_writes += 1
                self._files[_checked(name)] = (bytes(content), self._num_writes)

    def names(self, prefix: str = "") -> dict[str, str]:
        """See :class:`Store`."""
        with self._lock:
            return {name: str(self._files[name][1]) for name in sorted(self._files) if name.startswith(prefix)}

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`Store`."""
        with self._lock:
            return {name: self._files[name][0] for name in names if name in self._files}

    def delete(self, names: Iterable[str]) -> None:
        """See :class:`Store`."""
        with self._lock:
            for name in names:
                self._files.pop(name, None)


class DirectoryStore:
    """A folder, for processes of one machine or on one shared disk. No server.

    A file is written beside its place, seen onto the disk, and renamed: readers see all of it or nothing, and what
    ``put`` returned from survives a power cut. Several files of one ``put`` are renamed, and several of one ``read``
    opened, under a lock that a killed process does not keep.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise ValueError(f"expected a folder as an exchange, got {self.root}, which is a file")
        self._fresh = self.root / ".new"
        self._lock = FileLock(self._fresh / "lock", poll_interval=0.002)

    def put(self, files: Mapping[str, bytes]) -> None:
        """See :class:`Store`."""
        self.create()
        written: list[tuple[Path, Path]] = []
        try:
            for name, content in files.items():
                written.append((self._write(content), self.root / _checked(name)))
            folders = {place.parent for _, place in written}
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            with self._lock if len(written) > 1 else nullcontext():
                for fresh, place in written:
                    fresh.replace(place)
            for folder in folders:
                see_onto_disk(folder)
        except BaseException:
            for fresh, _ in written:
                fresh.unlink(missing_ok=True)
            raise

    def create(self) -> None:
        """Make the folder, if it is not there yet. ValueError if it never will be."""
        try:
            self._fresh.mkdir(parents=True, exist_ok=True)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise ValueError(f"expected a folder that can be written to, got {self.root}: {error.strerror}") from None

    def _write(self, content: bytes) -> Path:
        descriptor, path = tempfile.mkstemp(dir=self._fresh)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise
        return Path(path)

    def names(self, prefix: str = "") -> dict[str, str]:
        """See :class:`Store`."""
        found = self._walk(self.root, "") if self.root.is_dir() else ()
        return {name: version for name, version in sorted(found) if name.startswith(prefix)}

    def _walk(self, folder: Path, above: str) -> Iterator[tuple[str, str]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    yield from self._walk(Path(entry.path), f"{above}{entry.name}/")
                    continue
                try:
                    found = entry.stat()
                except FileNotFoundError:  # deleted since
                    continue
                yield f"{above}{entry.name}", f"{found.st_size}-{found.st_mtime_ns}"

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`Store`."""
        names = list(names)
        opened = {}
        with self._lock if len(names) > 1 and self._fresh.is_dir() else nullcontext():
            for name in names:
                try:
                    opened[name] = (self.root / _checked(name)).open("rb")
                except (FileNotFoundError, IsADirectoryError):
                    continue
        found = {}
        for name, file in opened.items():  # no file is ever written to again, so this needs no lock
            with file:
                found[name] = file.read()
        return found

    def delete(self, names: Iterable[str]) -> None:
        """See :class:`Store`."""
        for name in names:
            (self.root / _checked(name)).unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self.root)!r})"


def _checked(name: str) -> str:
    """``name``; ValueError if it leads out of the store."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or any(part.startswith(".") for part in parts):
        raise ValueError(f"expected a relative name without dots in front, got {name!r}")
    return name
