"""The run folder: ``run.json`` says what is played, ``hands-*.jsonl`` hold one row a hand, appended and never changed.

A run resumes, and grows by agents or deals, by pointing at the same folder; runs merge by copying the ``hands-*.jsonl``
files of one folder of the same settings into another. A game that is there twice counts once, a line that was cut off
does not count.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from zeb42_agents.arena.games import GAME, read_games
from zeb42_agents.arena.protocols import Protocol, get_protocol
from zeb42_agents.files import write_json
from zeb42_env import __version__

FORMAT = 1
_VERSIONED = ("numpy", "numba", "torch")


class RunFolder:
    """One run on disk: its settings, its rows, and the file that this session appends to."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = settings
        self.num_broken_lines = 0
        self._hands: IO[str] | None = None

    @classmethod
    def open(cls, path: str | Path, settings: dict[str, Any]) -> RunFolder:
        """Make the folder, or join the run that is in it; agents that are new to it are added.

        ``settings`` has ``protocol``, ``seed``, ``partners`` and ``agents`` (:meth:`Player.describe` of each).
        ValueError with the differences if the folder was made by others.
        """
        path = Path(path)
        folder = cls(path, {"format": FORMAT, **settings, "sessions": []})
        if (path / "run.json").exists():
            existing = cls.read(path)
            _refuse_differences(path, existing.settings, settings)
            known = {agent["name"] for agent in existing.settings["agents"]}
            existing.settings["agents"] += [agent for agent in settings["agents"] if agent["name"] not in known]
            folder = existing
        elif path.exists() and any(path.iterdir()):
            raise ValueError(f"expected an empty folder or one of an arena run, got {path} with other files in it")
        path.mkdir(parents=True, exist_ok=True)
        folder.settings["sessions"].append(
            {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "command": sys.argv, "versions": versions()}
        )
        folder._write_settings()
        return folder

    @classmethod
    def read(cls, path: str | Path) -> RunFolder:
        """The run in a folder, to rate or to show. ValueError if there is none."""
        path = Path(path)
        try:
            settings = json.loads((path / "run.json").read_text())
        except (OSError, ValueError) as error:  # UnicodeDecodeError, JSONDecodeError
            raise ValueError(f"expected the folder of an arena run, got {path}: {error}") from None
        found = settings.get("format") if isinstance(settings, dict) else settings
        if found != FORMAT:
            raise ValueError(f"expected run.json of format {FORMAT}, got {found!r} in {path}")
        if not _is_whole(settings):
            raise ValueError(f"expected protocol, seed, agents and sessions in {path / 'run.json'}, got less or others")
        return cls(path, settings)

    @property
    def names(self) -> list[str]:
        """The agents' names; their places are the numbers in GAME records."""
        return [agent["name"] for agent in self.settings["agents"]]

    @property
    def protocol(self) -> Protocol:
        """What is played."""
        return get_protocol(self.settings["protocol"])

    @property
    def seed(self) -> int:
        """The arena seed."""
        return int(self.settings["seed"])

    def lines(self) -> Iterator[str]:
        """Every line of every ``hands-*.jsonl``, in the order of the files' names."""
        for file in sorted(self.path.glob("hands-*.jsonl")):
            with file.open(encoding="utf-8", errors="replace") as rows:
                yield from rows

    def games(self) -> np.ndarray:
        """All games on disk, as GAME [N]; counts the lines that were not whole rows in ``num_broken_lines``."""
        numbers = {name: i for i, name in enumerate(self.names)}
        games, self.num_broken_lines = read_games(self.lines(), numbers, unit=self.protocol.unit)
        return games if len(games) else np.empty(0, GAME)

    def append(self, blocks: Sequence[str]) -> None:
        """Append rows to this session's own file, and see them onto the disk."""
        if not blocks:
            return
        if self._hands is None:
            self._hands = self._new_file()
        self._hands.write("".join(blocks))
        self._hands.flush()

    def close(self) -> None:
        """Close this session's file."""
        if self._hands is not None:
            self._hands.flush()
            os.fsync(self._hands.fileno())
            self._hands.close()
            self._hands = None

    def _new_file(self) -> IO[str]:
        number = 1
        while True:
            try:
                return (self.path / f"hands-{number:04}.jsonl").open("x", encoding="utf-8")
            except FileExistsError:
                number += 1

    def _write_settings(self) -> None:
        write_json(self.path / "run.json", self.settings)


def versions() -> dict[str, str]:
    """What plays: zeb42, Python and the libraries that decisions go through."""
    found = {"zeb42": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in _VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _is_whole(settings: Any) -> bool:
    match settings:
        case {"protocol": str(), "seed": int(), "agents": list(agents), "sessions": list(sessions)}:
            return all(map(_is_agent, agents)) and all(isinstance(of, dict) and "versions" in of for of in sessions)
        case _:
            return False


def _is_agent(described: Any) -> bool:
    match described:
        case {"name": str(), "spec": str(), "config": dict(), "fingerprint": str() | None}:
            return True
        case _:
            return False


def _refuse_differences(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    differences = [
        f"  {key}: the folder has {old.get(key)!r}, this run {new[key]!r}"
        for key in ("protocol", "seed", "partners")
        if old.get(key) != new[key]
    ]
    known = {agent["name"]: agent for agent in old["agents"]}
    for agent in new["agents"]:
        before = known.get(agent["name"], agent)
        differences += [
            f"  {agent['name']}, {key}: the folder has {before.get(key)!r}, this run {agent[key]!r}"
            for key in ("spec", "config", "fingerprint")
            if before.get(key) != agent[key]
        ]
    if differences:
        raise ValueError(
            f"expected the settings of the run in {path}, got others; choose another --out\n" + "\n".join(differences)
        )
