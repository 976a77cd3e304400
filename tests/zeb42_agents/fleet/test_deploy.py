"""What is typed on rented machines: files that SkyPilot accepts, and command lines that are ours."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from zeb42_agents.command import parse_options
from zeb42_agents.fleet.cli import WorkerCommand

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((Path(__file__).parent / "skypilot-schema.json").read_text())
TASKS = sorted((ROOT / "deploy").glob("*.sky.yaml"))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def check(task: dict[str, object]) -> None:
    jsonschema.validate(task, SCHEMA["task"])
    jsonschema.validate(task.get("resources", {}), SCHEMA["resources"])


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.name)
def test_skypilot_accepts_the_task(path: Path) -> None:
    task = yaml.safe_load(path.read_text())
    check(task)
    for wrong in ({"acelerators": "T4:1"}, {"disk_size": []}):
        with pytest.raises(jsonschema.ValidationError):
            check({**task, "resources": {**task["resources"], **wrong}})
    with pytest.raises(jsonschema.ValidationError):
        check({**task, "runs": "ls"})


def test_the_worker_is_started_with_options_that_it_has() -> None:
    task = yaml.safe_load((ROOT / "deploy" / "worker.sky.yaml").read_text())
    (line,) = [line for line in task["run"].splitlines() if line.startswith("zeb42 fleet worker ")]
    for name, value in task["envs"].items():
        line = line.replace(f"${name}", value)
    command = parse_options(WorkerCommand, shlex.split(line)[3:], program="zeb42 fleet worker")
    assert (command.exchange, command.name, command.threads) == ("hf://USER/REPO", "large-belief", 0)


def test_what_is_installed_is_there() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())
    for text in (dockerfile, (ROOT / "deploy" / "worker.sky.yaml").read_text()):
        (extras,) = re.findall(r"pip install .*\[([\w,]+)\]", text)
        assert set(extras.split(",")) <= set(EXTRAS)
