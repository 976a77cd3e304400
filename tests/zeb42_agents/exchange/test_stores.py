"""Stores: whole files or none, the same four verbs wherever they lie."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from zeb42_agents.exchange import DirectoryStore, MemoryStore, Store


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else DirectoryStore(tmp_path / "store")


def test_the_four_verbs(store: Store) -> None:
    assert store.names() == {}
    store.put({"a/1": b"one", "a/2": b"two", "b": b"three"})
    assert list(store.names()) == ["a/1", "a/2", "b"]
    assert list(store.names("a/")) == ["a/1", "a/2"]
    assert store.read(["b", "a/1", "nowhere"]) == {"b": b"three", "a/1": b"one"}
    before = store.names()
    store.put({"a/1": b"another"})
    after = store.names()
    assert before["a/1"] != after["a/1"]
    assert before["a/2"] == after["a/2"]
    store.delete(["a/1", "nowhere"])
    assert list(store.names()) == ["a/2", "b"]


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", ".hidden", "a/.b", "", "a\\b"])
def test_names_stay_within(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="relative name"):
        store.put({name: b""})


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="which is a file"):
        DirectoryStore(tmp_path / "file")
    with pytest.raises(ValueError, match="can be written to"):
        DirectoryStore(tmp_path / "file" / "below").put({"a": b""})
    assert DirectoryStore(tmp_path / "nowhere").read("ab") == DirectoryStore(tmp_path / "nowhere").names() == {}
    assert not (tmp_path / "nowhere").exists()


def test_a_failed_put_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path)
    store.put({"a": b"old"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            store.put({"a": b"new", "b": b"new"})
    assert store.read(["a", "b"]) == {"a": b"old"}
    assert [path.name for path in (tmp_path / ".new").iterdir() if path.name != "lock"] == []


def test_files_put_together_are_read_together(store: Store) -> None:
    store.put(dict.fromkeys("abc", b"0" * 100))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number = (number + 1) % 10
            store.put({name: str(number).encode() * 100 for name in "abc"})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen: set[bytes] = set()
        give_up = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < give_up:
            (content,) = set(store.read("abc").values())
            assert len(set(content)) == 1
            seen.add(content)
    finally:
        stop.set()
        thread.join()
    assert len(seen) == 3


WRITER = """
import sys, itertools
from zeb42_agents.exchange import DirectoryStore
store = DirectoryStore(sys.argv[1])
for number in itertools.count():
    store.put({"a": str(number).encode() * 20000})
    print(number, flush=True)
"""


def test_a_kill_leaves_whole_files(tmp_path: Path) -> None:
    """Killed in the middle of writing, the old file or the new one is there, and the lock is free."""
    store = DirectoryStore(tmp_path)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(5)][-1]
    writer.kill()
    writer.wait()
    writer.stdout.close()
    number, left = divmod(len(store.read(["a"])["a"]), 20000)
    assert left == 0
    content = store.read(["a"])["a"]
    assert int(content[:number]) >= acknowledged
    store.put({"a": b"x" * 20000, "b": b""})
