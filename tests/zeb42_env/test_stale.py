"""Kernels compiled from sources that have changed are forgotten, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zeb42_env._numba.stale import forget_stale_kernels


def package(folder: Path, **sources: str) -> Path:
    """A folder with a source ``inner/b.py``, and those given."""
    (folder / "inner" / "__pycache__").mkdir(parents=True)
    for name, source in {"a": "", "inner/b": "", **sources}.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def kernel(folder: Path, name: str = "inner/b") -> Path:
    source = folder / name
    index = source.with_name("__pycache__") / f"{source.name}.kernel-1.py311.nbi"
    index.parent.mkdir(exist_ok=True)
    index.write_bytes(b"an index")
    code_of(index).write_bytes(b"compiled")
    return index


def code_of(index: Path) -> Path:
    """Where numba keeps the code of one signature."""
    return index.with_suffix(".1.nbc")


def edit(source: Path) -> None:
    os.utime(source, ns=(0, source.stat().st_mtime_ns + 1))


def test_a_change_forgets_what_imports_it_and_no_more(tmp_path: Path) -> None:
    """From afar, through others, inside a function, as a name of a package: and only then."""
    env = package(tmp_path / "env", __init__="from env.inner.b import x", **{"inner/b": "x = 1"})
    sources = {
        "direct": "from env.inner.b import x",
        "far": "from agents import direct as other",
        "late": "def f():\n    import env.inner.b",
        "whole": "from env import x",
        "relative": "from .direct import x",
        "apart": "from env.a import y\nimport numpy",
    }
    agents = package(tmp_path / "agents", **sources)
    assert forget_stale_kernels(agents, builds_on=(env,))
    for changed, kept in (
        (env / "inner" / "b.py", {"apart", "inner/b"}),
        (agents / "direct.py", {"apart", "inner/b", "late", "whole"}),
        (agents / "inner" / "b.py", {*sources} - {"relative"}),
        (env / "a.py", {*sources, "inner/b"} - {"apart", "relative"}),
    ):
        cached = {name: kernel(agents, name) for name in (*sources, "inner/b")}
        assert not forget_stale_kernels(agents, builds_on=(env,))
        assert all(index.exists() for index in cached.values())
        edit(changed)
        assert forget_stale_kernels(agents, builds_on=(env,))
        assert {name for name, index in cached.items() if index.exists()} == kept
        assert {name for name, index in cached.items() if code_of(index).exists()} == kept


def test_a_source_that_comes_or_goes_is_a_change(tmp_path: Path) -> None:
    folder = package(tmp_path / "env", user="from env import new")
    assert forget_stale_kernels(folder)
    cached = kernel(folder, "user")
    (folder / "new.py").write_text("")
    assert forget_stale_kernels(folder)
    assert not cached.exists()
    cached = kernel(folder)
    (folder / "new.py").unlink()
    assert forget_stale_kernels(folder)
    assert not cached.exists()
    assert not forget_stale_kernels(folder)


@pytest.mark.parametrize("stamp", [b"\n\n", b"\xff\xfe", b"0123abcd"])
def test_a_damaged_stamp_forgets_everything(tmp_path: Path, stamp: bytes) -> None:
    folder = package(tmp_path / "env")
    assert forget_stale_kernels(folder)
    cached = kernel(folder)
    (folder / "__pycache__" / "kernels.stamp").write_bytes(stamp)
    assert forget_stale_kernels(folder)
    assert not cached.exists()


def test_a_source_that_cannot_be_parsed_may_import_anything(tmp_path: Path) -> None:
    folder = package(tmp_path / "env", broken="from env import (")
    assert forget_stale_kernels(folder)
    cached = kernel(folder, "broken")
    edit(folder / "a.py")
    assert forget_stale_kernels(folder)
    assert not cached.exists()


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    folder = package(tmp_path / "env")
    cached = kernel(folder)
    (folder / "__pycache__").write_text("in the way")
    assert not forget_stale_kernels(folder)
    assert cached.read_bytes() == b"an index"


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
