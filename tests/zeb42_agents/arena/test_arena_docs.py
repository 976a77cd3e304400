"""The blocks of docs/arena.md do what the page says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from zeb42_agents import make_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.external import ExternalAgent
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.players import read_pool
from zeb42_agents.arena.protocols import PROTOCOLS
from zeb42_env import Hand, action_text

PAGE = (Path(__file__).parents[3] / "docs" / "arena.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_program_plays(tmp_path: Path) -> None:
    program = tmp_path / "player.py"
    program.write_text(blocks("python")[0])
    agent = ExternalAgent(shlex.join([sys.executable, str(program)]))
    result = play_pairing(agent, make_agent("greedy"), protocol="hand", num_deals=2)
    assert result.forfeits == (0, 0)
    agent.close()


def test_the_example_program_ends_without_a_word_when_it_is_told_to(tmp_path: Path) -> None:
    program = tmp_path / "player.py"
    program.write_text(blocks("python")[0])
    view = Hand(Hand.deal(0).view(Hand.deal(0).to_move))
    lines = f"zeb42-arena 1\nact 123 {view}\nquit\n"
    ended = subprocess.run([sys.executable, str(program)], input=lines, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["ready lowest", action_text(view.legal_actions()[0])]


def test_the_library_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks("python")[1].replace("num_deals=500", "num_deals=20").replace("num_deals=100", "num_deals=4")
    exec(code, {})
    assert "greedy" in capsys.readouterr().out


def test_the_pool_file_parses(tmp_path: Path) -> None:
    pool = tmp_path / "pool.toml"
    pool.write_text(blocks("toml")[0])
    players, settings = read_pool(pool)
    assert [player.name for player in players] == ["yardstick", "mine"]
    assert settings["protocol"] in PROTOCOLS


def test_rows_have_the_fields_that_the_page_lists() -> None:
    _, rows = play_games([make_agent("random"), make_agent("greedy")], PROTOCOLS["majority"], 0, [0], [[0, 1]])
    in_a_folder = [*json.loads(rows[0].splitlines()[0]), "protocol", "seed"]
    assert in_a_folder == list(json.loads(blocks("json")[0]))


def test_every_protocol_is_on_the_page() -> None:
    assert all(f"| `{name}`" in PAGE for name in PROTOCOLS)
