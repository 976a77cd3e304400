"""Agents of the user's own modules in the arena, by ``py:MODULE:NAME``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zeb42_agents import make_agent
from zeb42_agents.arena.cli import main
from zeb42_agents.arena.players import players_of, read_pool

MODULE = '''
import numpy as np
from zeb42_env import legal_masks

class Bold:
    """Takes the highest or the lowest action."""
    def __init__(self, *, highest: bool = True, path: str = ""):
        self.highest = highest
    def act(self, views, rng):
        masks = legal_masks(views)
        return 55 - masks[:, ::-1].argmax(1) if self.highest else masks.argmax(1)

number = 7
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the current folder, another one for each test."""
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    return name


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_class_of_the_users_plays(jobs: str, module: str, tmp_path: Path) -> None:
    words = [f"py:{module}:Bold", f"py:{module}:Bold,highest=false,path=a=b", "--deals", "4"]
    assert main([*words, "--jobs", jobs, "--no-plots", "--out", "run"]) == 0
    first, second = json.loads((tmp_path / "run" / "run.json").read_text())["agents"]
    assert (first["spec"], second["spec"]) == tuple(words[:2])
    assert first["fingerprint"] == second["fingerprint"] is not None
    (tmp_path / f"{module}.py").write_text(MODULE + "# changed\n")
    assert players_of([words[0]])[0].build().fingerprint != first["fingerprint"]


def test_a_pool_file_may_name_it(module: str, tmp_path: Path) -> None:
    (tmp_path / "pool.toml").write_text(f'[[agents]]\nspec = "py:{module}:Bold"\nname = "bold"\n')
    (player,), _ = read_pool("pool.toml")
    assert player.build().name == "bold"


def test_what_is_wrong_is_one_line(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    for spec, message in (
        (f"py:{module}", "expected py:MODULE:NAME, got"),
        (f"py:{module}:Bold(1)", "expected py:MODULE:NAME, got"),
        ("py:no_such_module:Bold", "got ModuleNotFoundError: No module named 'no_such_module'"),
        (f"py:{module}:Shy", "got AttributeError"),
        (f"py:{module}:number", "expected a class or a function for"),
        (f"py:{module}:Bold,nerve=1", "allowed: highest=, path="),
        (f"py:{module}:Bold,highest=1", "to be true or false"),
        ("py:json:loads,s=1", "expected an agent, got 1"),
    ):
        assert main(["greedy", spec, "--deals", "1", "--no-plots"]) == 2, spec
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert message in said, said


def test_make_agent_runs_no_code_of_others(module: str) -> None:
    with pytest.raises(ValueError, match="expected an agent, got 'py:"):
        make_agent(f"py:{module}:Bold")
