"""Kernels compiled from sources that have changed are forgotten, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zeb42_env._numba.stale import forget_stale_kernels


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
    assert cached.read_bytes() == b"compiled"


def test_kernels_go_before_the_stamp_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop between the two leaves an old stamp, and the next import looks again."""
    folder = package(tmp_path / "env")
    cached = kernel(folder)

    def stopped(path: Path, *, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stopped)
        with pytest.raises(KeyboardInterrupt):
            forget_stale_kernels(folder)
    assert cached.exists()
    assert forget_stale_kernels(folder)
    assert not cached.exists()
