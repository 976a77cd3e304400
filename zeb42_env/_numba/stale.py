"""Forget compiled kernels when any source they may have been compiled from has changed.

Numba's cache looks at the file of a kernel alone. A kernel into which another file's kernel was compiled stays as it
was when that other file changes, and says what the old code said. So each package folder keeps a stamp of all its
sources (and of those it builds on); when the stamp changes, the cached kernels go and are compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

STAMP = "kernels.stamp"


def forget_stale_kernels(package: Path, *, builds_on: tuple[Path, ...] = ()) -> bool:
    """Drop the cached kernels below ``package`` if its sources, or those of ``builds_on``, are not those of the stamp.

    Returns whether anything was out of date. A folder that cannot be written to is left as it is: what was installed
    there as a whole does not change file by file.
    """
    stamp = package / "__pycache__" / STAMP
    digest = _digest((package, *builds_on))
    try:
        if stamp.is_file() and stamp.read_text() == digest:
            return False
        stamp.parent.mkdir(exist_ok=True)
        new = stamp.with_name(f"{STAMP}.{os.getpid()}")
        new.write_text(digest)  # before anything goes: who cannot write could not compile again either
        for index in package.rglob("__pycache__/*.nbi"):
            index.unlink(missing_ok=True)
        new.replace(stamp)
    except OSError:
        return False
    return True


def _digest(packages: tuple[Path, ...]) -> str:
    """A digest of names, sizes and times of change of all sources below ``packages``: half a millisecond."""
    digest = hashlib.sha256()
    for package in packages:
        for source in sorted(package.rglob("*.py")):
            with contextlib.suppress(FileNotFoundError):  # an editor may be replacing it
                stat = source.stat()
                digest.update(f"{source.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
