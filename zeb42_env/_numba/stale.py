"""Forget compiled kernels when a source they may have been compiled from has changed.

Numba's cache looks at the file of a kernel alone. A kernel into which another file's kernel was compiled stays as it
was when that other file changes, and says what the old code said. So each package folder keeps a stamp, which lists
its sources and those of what it builds on. When one of them changes, the kernels of each file that imports it, itself
or through others, go and are compiled again. The rest stays: compiling everything takes minutes.
"""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

STAMP = "kernels.stamp"


def forget_stale_kernels(package: Path, *, builds_on: tuple[Path, ...] = ()) -> bool:
    """Drop the cached kernels below ``package`` whose sources, here or in ``builds_on``, are not those of the stamp.

    Returns whether anything was out of date. A folder that cannot be written to is left as it is: what was installed
    there as a whole does not change file by file.
    """
    stamp = package / "__pycache__" / STAMP
    sources = _sources((package, *builds_on))
    try:
        lines = stamp.read_text(errors="replace").splitlines() if stamp.is_file() else []
        if lines == list(sources):
            return False
        stamp.parent.mkdir(exist_ok=True)
        new = stamp.with_name(f"{STAMP}.{os.getpid()}")
        new.write_text("\n".join(sources))  # before anything goes: who cannot write could not compile again either
        for source in _stale(sources, set(lines)):
            if source.is_relative_to(package):
                # the code as well as its index: a new index would have the old code until the new one is written
                for kept in source.parent.glob(f"__pycache__/{source.stem}.*.nb[ic]"):
                    kept.unlink(missing_ok=True)
        new.replace(stamp)
    except OSError:
        return False
    return True


def _sources(packages: tuple[Path, ...]) -> dict[str, Path]:
    """All sources of packages, each under a line with its module, size and time of change: half a millisecond."""
    sources = {}
    for package in packages:
        for source in sorted(package.rglob("*.py")):
            with contextlib.suppress(FileNotFoundError):  # an editor may be replacing it
                stat = source.stat()
                module = ".".join((package.name, *source.relative_to(package).with_suffix("").parts))
                sources[f"{module.removesuffix('.__init__')} {stat.st_size} {stat.st_mtime_ns}"] = source
    return sources


def _stale(sources: dict[str, Path], known: set[str]) -> list[Path]:
    """The sources that have changed since ``known``, and all that import one of them, itself or through others."""
    modules = {line.split()[0]: source for line, source in sources.items()}
    if any(line.partition(" ")[0] not in modules for line in known):
        return list(sources.values())  # where a file is gone, a name may now mean something else
    stale = {line.split()[0] for line in sources.keys() - known}
    imported = {name: set(_imports(source, modules)) for name, source in modules.items()}
    while reached := {name for name, others in imported.items() if name not in stale and others & stale}:
        stale |= reached
    return [modules[name] for name in stale]


def _imports(source: Path, modules: dict[str, Path]) -> Iterator[str]:
    """The modules that a source imports anywhere in it, among ``modules`` and others."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):  # who cannot tell what it imports gets all
        yield from modules
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:  # ``import a.b`` binds a, through which all of a can be reached
                parts = alias.name.split(".")
                yield from (".".join(parts[: n + 1]) for n in range(len(parts)))
        elif isinstance(node, ast.ImportFrom):
            if node.module is None or node.level:  # relative: none is written here, and who writes one gets all
                yield from modules
                continue
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
