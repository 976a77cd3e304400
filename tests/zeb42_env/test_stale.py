"""Kernels compiled from sources that have changed are forgotten, and no others."""

from __future__ import annotations

import os
from pathlib import Path

from zeb42_env._core.stale import forget_stale_kernels


def package(folder: Path) -> Path:
    (folder / "inner" / "__pycache__").mkdir(parents=True)
    (folder / "a.py").write_text("1")
    (folder / "inner" / "b.py").write_text("2")
    return folder


def kernel(folder: Path) -> Path:
    index = folder / "inner" / "__pycache__" / "b.kernel-1.py311.nbi"
    index.write_bytes(b"compiled")
    return index


def test_a_change_anywhere_forgets_every_kernel(tmp_path: Path) -> None:
    env, agents = package(tmp_path / "env"), package(tmp_path / "agents")
    assert forget_stale_kernels(agents, builds_on=(env,))
    cached = kernel(agents)
    assert not forget_stale_kernels(agents, builds_on=(env,))
    assert cached.exists()
    for changed in (agents / "a.py", env / "inner" / "b.py"):
        os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1))
        assert forget_stale_kernels(agents, builds_on=(env,))
        assert not cached.exists()
        cached = kernel(agents)
    (env / "new.py").write_text("3")
    assert forget_stale_kernels(agents, builds_on=(env,))
    assert not forget_stale_kernels(agents, builds_on=(env,))


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    folder = package(tmp_path / "env")
    cached = kernel(folder)
    (folder / "__pycache__").write_text("in the way")
    assert not forget_stale_kernels(folder)
    assert not cached.exists() or cached.read_bytes() == b"compiled"
