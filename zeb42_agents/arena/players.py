"""Who plays: agents by spec, programs by command line, pools from a TOML file; and what is recorded about them."""

from __future__ import annotations

import os
import shlex
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from zeb42_agents.agent import PYTHON_PREFIX, Agent, import_agent, is_spec, make_agent, require_agent, same_agent
from zeb42_agents.arena.external import DEFAULT_MOVE_TIME_S, ExternalAgent
from zeb42_agents.files import fingerprint

EXTERNAL_PREFIX = "cmd:"
_POOL_KEYS = {
    "agents": list, "protocol": str, "seed": int, "deals": int,
    "anchor": str, "anchor_elo": float, "versus": str, "partners": str,
}  # fmt: skip
_AGENT_KEYS = {"spec": str, "name": str, "move_time_s": float}
_TOML_TYPES = {list: "an array", str: "a string", int: "an integer", float: "a number"}


@dataclass(frozen=True)
class Player:
    """One contestant, as little as a worker process needs to build it."""

    spec: str
    """What :func:`zeb42_agents.make_agent` takes, ``py:MODULE:NAME``, or ``cmd:`` and the command line of a program."""
    name: str
    """What tables call it; the spec unless a pool file says otherwise."""
    move_time_s: float = DEFAULT_MOVE_TIME_S
    """How long a program may take over one decision before the hand is lost. Agents of this package are not timed."""

    @property
    def is_program(self) -> bool:
        """Whether it plays in a process of its own."""
        return self.spec.startswith(EXTERNAL_PREFIX)

    def build(self) -> Agent:
        """The agent. ValueError if the spec is wrong."""
        agent: Agent
        if self.is_program:
            agent = ExternalAgent(self.spec.removeprefix(EXTERNAL_PREFIX), move_time_s=self.move_time_s)
            program = shlex.split(agent.command)[0]
            if shutil.which(program) is None:
                raise ValueError(f"expected a program after cmd:, got {program!r}, which is not there or cannot run")
        elif self.spec.startswith(PYTHON_PREFIX):
            agent = import_agent(self.spec)
        else:
            require_agent(self.spec, "py:MODULE:NAME", "'cmd:PROGRAM ARGS'")
            agent = make_agent(self.spec)
        agent.name = self.name
        return agent

    def describe(self, agent: Agent) -> dict[str, Any]:
        """What a run folder records, so that another configuration under the same name is noticed.

        ``config`` is the agent's own plain attributes; ``fingerprint`` the agent's own if it has one, otherwise a hash
        of the files that the command line of a program names.
        """
        config = {
            key: value
            for key, value in sorted(vars(agent).items())
            if not key.startswith("_") and isinstance(value, str | int | float | bool)
            if key not in ("name", "fingerprint")
        }
        files = self._files()
        known = getattr(agent, "fingerprint", None) or (fingerprint(files) if files else None)
        return {"name": self.name, "spec": self.spec, "config": config, "fingerprint": known}

    def _files(self) -> list[Path]:
        """What a program may be made of that its command line names."""
        if self.is_program:
            program, *arguments = shlex.split(self.spec.removeprefix(EXTERNAL_PREFIX))
            words = [part for word in arguments for part in (word, word.partition("=")[2])]  # --weights=FILE
            named = [Path(word) for word in (*([program] if os.sep in program else []), *words)]
            return [path for path in named if _is_file(path)]
        return []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a word that is too long to be a file's name
        return False


def players_of(specs: Sequence[str], *, move_time_s: float = DEFAULT_MOVE_TIME_S) -> list[Player]:
    """Players by spec. ValueError if two have one name."""
    return distinct([Player(spec, spec, move_time_s) for spec in specs])


def distinct(players: list[Player]) -> list[Player]:
    """The players, if no two share a name or, without names of their own, are one agent, and none goes by another
    agent's name; ValueError otherwise."""
    for player in players:
        if player.name != player.spec and is_spec(player.name) and not same_agent(player.name, player.spec):
            raise ValueError(f"expected a name of its own for {player.spec}, got another agent's: {player.name}")
    for first, second in combinations(players, 2):
        unnamed = first.name == first.spec and second.name == second.spec
        if first.name == second.name or (unnamed and same_agent(first.spec, second.spec)):
            got = f"{first.name} more than once" + (f", also as {second.name}" if first.name != second.name else "")
            raise ValueError(f"expected distinct agents, got {got}; give one of them a name")
    return players


def read_pool(path: str | Path) -> tuple[list[Player], dict[str, Any]]:
    """The players and the settings of a TOML pool file.

    An ``[[agents]]`` table has ``spec``, and optionally ``name`` and ``move_time_s``; the settings are those of the
    command line (protocol, seed, deals, anchor, anchor_elo, versus, partners), which overrides them. ValueError for
    anything else.
    """
    try:
        pool = tomllib.loads(Path(path).read_text())
    except (OSError, ValueError) as error:  # UnicodeDecodeError, TOMLDecodeError
        raise ValueError(f"expected a TOML pool file, got {path}: {error}") from None
    except RecursionError:
        raise ValueError(f"expected a TOML pool file, got {path}: it is nested too deep") from None
    _check_table(f"{path}", pool, _POOL_KEYS)
    players = []
    for number, entry in enumerate(pool.pop("agents", [])):
        _check_table(f"agents[{number}] of {path}", entry, _AGENT_KEYS)
        if "spec" not in entry:
            raise ValueError(f"expected a spec in agents[{number}] of {path}, got {entry!r}")
        move_time_s = entry.get("move_time_s", DEFAULT_MOVE_TIME_S)
        players.append(Player(entry["spec"], entry.get("name", entry["spec"]), move_time_s))
    return players, pool


def _check_table(where: str, table: Any, types: dict[str, type]) -> None:
    """ValueError unless ``table`` is one with these keys alone, and values of these types."""
    if not isinstance(table, dict):
        raise ValueError(f"expected {where} to be a table, got {table!r}")
    unknown = sorted(set(table) - set(types))
    if unknown:
        raise ValueError(f"expected known keys in {where}, got {', '.join(unknown)}; allowed: {', '.join(types)}")
    for key, value in table.items():
        if type(value) is not types[key] and not (type(value) is int and types[key] is float):
            raise ValueError(f"expected {key} in {where} to be {_TOML_TYPES[types[key]]}, got {value!r}")
