"""Files that a crash or a power cut leaves whole: the old content or the new one, and on the disk once it returns."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

FINGERPRINT_BYTES = 16


def fingerprint(files: Sequence[Path]) -> str:
    """A hash of the names and contents of ``files``, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[: 2 * FINGERPRINT_BYTES]


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """``with replaced_file(path) as fresh:`` write ``fresh``; it takes the place of ``path`` when all is written.

    A crash leaves the old file or the new one, and perhaps a ``.new`` beside it.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        yield fresh
        see_onto_disk(fresh)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(path)
    see_onto_disk(path.parent)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """``with replaced_folder(path) as fresh:`` fill ``fresh``; it takes the place of ``path`` when all is written.

    A crash leaves the old folder, or nothing but a ``.new`` or ``.old`` beside it that the next call clears up. Where
    ``path`` is a link, the folder that it leads to is replaced.
    """
    path = path.resolve()
    recover_folder(path)
    fresh, old = path.with_name(path.name + ".new"), set_aside(path)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        for written in (*fresh.rglob("*"), fresh):
            if written.is_file() and not written.is_symlink():
                with suppress(OSError):  # safetensors writes for its user alone; where modes cannot be set, so be it
                    written.chmod(written.stat().st_mode | (written.parent.stat().st_mode & 0o666))
            see_onto_disk(written)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    see_onto_disk(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(path: Path) -> None:
    """Put back what a crash between the two renames of :func:`replaced_folder` left under another name."""
    path = path.resolve()
    old = set_aside(path)
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def set_aside(path: Path) -> Path:
    """Where the old folder is while :func:`replaced_folder` puts the new one in its place."""
    path = path.resolve()
    return path.with_name(path.name + ".old")


def append_line(path: Path, line: str) -> None:
    """Add ``line`` to the text file ``path``, made if need be; it is on the disk when this returns.

    Of several programs at once one writes at a time; what a crash cut off stays a line of its own.
    """
    from filelock import FileLock

    if "\n" in line:
        raise ValueError("expected one line, got several")
    # A file grows page by page: without the lock, half of another's line would look cut off by a crash.
    with FileLock(f"{path}.lock"), open(path, "ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        is_cut_off = size > 0 and file.read() != b"\n"
        file.write(f"{chr(10) if is_cut_off else ''}{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def see_onto_disk(path: Path) -> None:
    """Return when a file's content, or the names that a directory holds, are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON that a person can read; a crash leaves the old file or the new one."""
    with replaced_file(path) as fresh:
        fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; ValueError if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"expected a file {path}, got none") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"expected JSON in {path}, got something else: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object in {path}, got {type(content).__name__}")
    return content


def read_array(path: Path) -> np.ndarray:
    """The array in the ``.npy`` file ``path``, of any type and shape. ValueError if it is damaged or foreign."""
    try:
        # Mapped, so that a header can ask for no more rows than its file has; copied, since files are replaced later.
        return np.array(np.lib.format.open_memmap(path, mode="r"))
    except (ValueError, OSError, EOFError, MemoryError, RecursionError, ArithmeticError) as error:
        raise ValueError(f"expected an array in {path}, got something else: {error}") from None
    except (TokenError, SyntaxError, TypeError, LookupError) as error:  # numpy's own, of headers that it did not write
        raise ValueError(f"expected an array in {path}, got a header that is none: {error}") from None
