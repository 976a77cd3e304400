"""The run folder: ``run.json`` says what is played, ``hands-*.jsonl`` hold one row per hand, appended, never changed.

A run resumes, and grows by agents or deals, by pointing at the same folder; runs merge by copying the ``hands-*.jsonl``
files of one folder of the same settings into another. Each row says which settings it was played under. A game that is
there twice counts once, a line that was cut off does not count. One arena at a time writes to a folder.
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
from filelock import FileLock, Timeout

from zeb42_agents.arena.games import GAME, read_games
from zeb42_agents.arena.players import EXTERNAL_PREFIX
from zeb42_agents.arena.protocols import Protocol, get_protocol
from zeb42_agents.arena.secret import commitment, draw_secret, forget_secret, keep_secret, recall_secret, seed_of
from zeb42_agents.files import write_json
from zeb42_env import __version__

FORMAT = 1
LOCK_FILE = ".lock"
_LEFT_BY_A_CRASH = {LOCK_FILE, "run.json.new"}
_VERSIONED = ("numpy", "numba", "torch")


class RunFolder:
    """One run on disk: its settings, its rows, and the file that this session appends to."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = settings
        self.num_broken_lines = 0
        self._hands: IO[str] | None = None
        self._lock: FileLock | None = None
        self._secret = ""

    @classmethod
    def open(cls, path: str | Path, settings: dict[str, Any]) -> RunFolder:
        """Make the folder, or join the run that is in it; agents that are new to it are added.

        ``settings`` has ``protocol``, ``seed``, ``partners`` and ``agents`` (:meth:`Player.describe` of each). A seed
        of None is the folder's own; a new folder's is then a secret if a program plays, and 0 otherwise. ValueError
        with the differences if the folder was made by others, or if another arena is at work in it.
        """
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
        try:
            if (path / "run.json").exists():
                folder = cls.read(path)
                _refuse_differences(path, folder.settings, settings)
                known = {agent["name"] for agent in folder.settings["agents"]}
                folder.settings["agents"] += [agent for agent in settings["agents"] if agent["name"] not in known]
            elif {file.name for file in path.iterdir()} <= _LEFT_BY_A_CRASH:
                folder = cls(path, {"format": FORMAT, **settings, "sessions": []})
                folder._settle_seed()
            else:
                raise ValueError(f"expected an empty folder or one of an arena run, got {path} with other files in it")
            folder._begin_session()
        except BaseException:
            lock.release()
            raise
        folder._lock = lock
        return folder

    @classmethod
    def read(cls, path: str | Path) -> RunFolder:
        """The run in a folder, to rate or to show. ValueError if there is none."""
        path = Path(path)
        try:
            settings = json.loads((path / "run.json").read_text())
        except (OSError, ValueError) as error:  # UnicodeDecodeError, JSONDecodeError
            raise ValueError(f"expected the folder of an arena run, got {path}: {error}") from None
        except RecursionError:
            raise ValueError(f"expected the folder of an arena run, got {path}: run.json is nested too deep") from None
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
        """The arena seed. ValueError if it is a secret that is not here."""
        if self.settings["seed"] is None:
            self._secret = self._secret or recall_secret(self.settings["seed_sha256"])
            return seed_of(self._secret)
        return int(self.settings["seed"])

    @property
    def origin(self) -> dict[str, Any]:
        """What each row says of the settings that it was played under."""
        partners = self.settings["partners"]
        origin = {"protocol": self.settings["protocol"], "seed": public_seed(self.settings)}
        return origin | ({"partners": partners["name"]} if partners else {})

    def lines(self) -> Iterator[str]:
        """Every line of every ``hands-*.jsonl``, in the order of the files' names."""
        for file in sorted(self.path.glob("hands-*.jsonl")):
            with file.open(encoding="utf-8", errors="replace") as rows:
                yield from rows

    def games(self) -> np.ndarray:
        """All games on disk, as GAME [N]; counts the lines that were not whole rows in ``num_broken_lines``."""
        numbers = {name: i for i, name in enumerate(self.names)}
        games, self.num_broken_lines = read_games(self.lines(), numbers, unit=self.protocol.unit, origin=self.origin)
        return games if len(games) else np.empty(0, GAME)

    def append(self, blocks: Sequence[str]) -> None:
        """Append rows to this session's own file, and see them onto the disk."""
        if not blocks:
            return
        if self._hands is None:
            self._hands = self._new_file()
        origin = "," + json.dumps(self.origin, separators=(",", ":"))[1:] + "\n"
        try:
            self._hands.write("".join(blocks).replace("}\n", origin))  # a line ends nowhere else
            self._hands.flush()
            os.fsync(self._hands.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._hands.name) from None

    def reveal(self) -> None:
        """Say what the secret was that the seed follows from, if it was one: the run has ended."""
        if self.settings["seed"] is None:
            self.settings["seed"], self.settings["secret"] = self.seed, self._secret
            self._write_settings()
            forget_secret(self._secret)

    def close(self) -> None:
        """Close this session's file, and let others write to the folder."""
        hands, self._hands = self._hands, None
        try:
            if hands is not None:
                hands.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def _new_file(self) -> IO[str]:
        number = 1
        while True:
            try:
                return (self.path / f"hands-{number:04}.jsonl").open("x", encoding="utf-8")
            except FileExistsError:
                number += 1

    def _settle_seed(self) -> None:
        if self.settings["seed"] is None:
            if any(described["spec"].startswith(EXTERNAL_PREFIX) for described in _everyone(self.settings)):
                self._secret = draw_secret()
                keep_secret(self._secret)
                self.settings["seed_sha256"] = commitment(self._secret)
            else:
                self.settings["seed"] = 0

    def _begin_session(self) -> None:
        session = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "command": sys.argv, "versions": versions()}
        self.settings["sessions"].append(session | ({"revealed": True} if "secret" in self.settings else {}))
        self._write_settings()

    def _write_settings(self) -> None:
        write_json(self.path / "run.json", self.settings)


def new_run_path(parent: str | Path = "runs") -> Path:
    """A folder of its own for a run that starts now, made here: two that start in one second do not meet."""
    named = Path(parent) / time.strftime("arena-%Y%m%d-%H%M%S")
    number = 1
    while True:
        path = named if number == 1 else named.with_name(f"{named.name}-{number}")
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            number += 1


def public_seed(settings: dict[str, Any]) -> int | str:
    """The seed of a run as rows and people see it: a secret's commitment stays its name when the secret is out."""
    committed = settings.get("seed_sha256")
    return f"sha256:{committed[:16]}" if committed else int(settings["seed"])


def _locked(path: Path) -> FileLock:
    lock = FileLock(path / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(f"expected a run folder that no other arena is at work in, got {path}") from None
    return lock


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
        case {"protocol": str(), "agents": list(), "sessions": list(sessions)}:
            pass
        case _:
            return False
    match settings:
        case {"seed": int()} | {"seed": None, "seed_sha256": str()}:
            pass
        case _:
            return False
    settings.setdefault("partners", None)
    known = all(isinstance(session, dict) and "versions" in session for session in sessions)
    return known and all(map(_is_agent, _everyone(settings)))


def _everyone(settings: dict[str, Any]) -> list[dict[str, Any]]:
    return [*settings["agents"], *([settings["partners"]] if settings["partners"] else [])]


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
        if old.get(key) != new[key] and not (key == "seed" and new[key] is None)
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
