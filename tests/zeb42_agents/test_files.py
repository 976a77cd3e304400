"""Files on disk: whole whenever a crash comes, and on the disk itself when the call returns."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from zeb42_agents.files import read_json, recover_folder, replaced_file, replaced_folder, write_json


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are synced to the disk and the renames, in order."""
    done: list[str] = []
    open_file, sync, rename, replace = os.open, os.fsync, Path.rename, Path.replace
    names: dict[int, str] = {}

    def named_open(path: Path, *options: int, **more: int) -> int:
        descriptor = open_file(path, *options, **more)
        names[descriptor] = Path(path).name
        return descriptor

    def noted_sync(descriptor: int) -> None:
        done.append(f"sync {names[descriptor]}")
        sync(descriptor)

    def noted(verb: str, act: object) -> object:
        def call(self: Path, target: Path) -> Path:
            done.append(f"{verb} {self.name} to {Path(target).name}")
            return act(self, target)  # type: ignore[operator,no-any-return]

        return call

    monkeypatch.setattr(os, "open", named_open)
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted("rename", rename))
    monkeypatch.setattr(Path, "replace", noted("replace", replace))
    return done


def test_a_file_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, steps: list[str]) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_json(run / "a.json", {"cycles": 1})
    assert steps == ["sync a.json.new", "replace a.json.new to a.json", "sync run"]
    assert read_json(run / "a.json") == {"cycles": 1}


def test_a_folder_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, steps: list[str]) -> None:
    for number in range(2):
        steps.clear()
        with replaced_folder(tmp_path / "w") as fresh:
            (fresh / "inner").mkdir()
            (fresh / "inner" / "a").write_text(str(number))
        *files, last, beside = [step for step in steps if step.startswith("sync")]
        assert sorted(files) == ["sync a", "sync inner"]
        assert (last, beside) == ("sync w.new", f"sync {tmp_path.name}")
        renames = ["rename w to w.old"] * number + ["rename w.new to w"]
        assert steps[steps.index(last) + 1 :] == [*renames, beside]
        assert (tmp_path / "w" / "inner" / "a").read_text() == str(number)
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


@pytest.mark.skipif(os.name == "nt", reason="no such permissions there")
def test_whoever_may_read_the_folder_may_read_its_files(tmp_path: Path) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(mask)
        try:
            with replaced_folder(tmp_path / "weights") as fresh:
                save_file({"a": np.zeros(3)}, fresh / "model.safetensors")
        finally:
            os.umask(before)
        assert (tmp_path / "weights" / "model.safetensors").stat().st_mode & 0o777 == mode


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"cycles": 1})
    with pytest.raises(TypeError), replaced_file(tmp_path / "a.json") as fresh:
        fresh.write_text(str(fresh.write_text('{"cyc') / object()))  # type: ignore[operator]  # half of it is there
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"cycles": object()})
    assert read_json(tmp_path / "a.json") == {"cycles": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_folder_leaves_the_old_one_alone(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "w") as fresh:
        (fresh / "a").write_text("old")
    with pytest.raises(FileNotFoundError), replaced_folder(tmp_path / "w") as fresh:
        (fresh / "a").write_text((fresh / "no such file").read_text())
    assert (tmp_path / "w" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "w").symlink_to(tmp_path / "disk")
    for number in range(3):
        with replaced_folder(tmp_path / "w") as fresh:
            (fresh / "a").write_text(str(number))
        assert (tmp_path / "w" / "a").read_text() == str(number)
    (tmp_path / "disk").rename(tmp_path / "disk.old")  # as a crash between the two renames leaves it
    recover_folder(tmp_path / "w")
    assert (tmp_path / "w" / "a").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "w"]
    assert (tmp_path / "w").is_symlink()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON in .*a.json, got something else"),
        ("[]", "expected a JSON object in .*a.json, got list"),
        ("[" * 100_000, "expected JSON in .*a.json, got something else: maximum recursion depth"),
        (None, "expected JSON in .*a.json, got something else: .*Is a directory"),
    ],
)
def test_files_that_are_no_json_object(content: str | None, message: str, tmp_path: Path) -> None:
    if content is None:
        (tmp_path / "a.json").mkdir()
    else:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "a.json")
    with pytest.raises(ValueError, match=r"expected a file .*b\.json, got none"):
        read_json(tmp_path / "b.json")
