"""The pages say what the code says."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import zeb42_agents
import zeb42_env
from zeb42_agents import arena, search
from zeb42_env import Hand, aec

FOLDER = Path(__file__).parents[1] / "docs"
_spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
assert _spec is not None
assert _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


def test_the_environment_page_is_generated():
    expected = (FOLDER / "environment.md").read_text()
    assert generate.environment_page() == expected, "run `python docs/generate.py --page`"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (FOLDER / page).read_text(encoding="utf-8"), re.DOTALL)


PAGES = [path.name for path in sorted(FOLDER.glob("*.md")) if path.name != "arena.md" and blocks(path.name)]
"""The pages of this folder that have code; arena.md has tests of its own."""


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page):
    for block in blocks(page):
        exec(block, {})


@pytest.mark.parametrize("module", [zeb42_env, zeb42_agents, arena, search])
def test_the_api_pages_have_every_public_name(module):
    page = (FOLDER / "api" / f"{'environment' if module is zeb42_env else 'agents'}.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\.\. (?:auto|py:)\w+:: [\w.]*?(\w+)$", page, re.MULTILINE))
    assert set(module.__all__) - documented <= {"__version__"}


def test_the_environment_page_has_its_history():
    assert "Version history" in inspect.cleandoc(aec.__doc__ or "")


def test_the_rules_page_shows_the_hand_it_speaks_of():
    page = (FOLDER / "rules.md").read_text()
    for name, hand in generate.pictures().items():
        assert f"pictures/{name}.png" in page
        assert (FOLDER / "pictures" / f"{name}.png").exists()
        assert not hand.is_over
    (line,) = re.findall(r"^    (zeb42/1 .*)$", page, re.MULTILINE)
    assert Hand.parse(line) == generate.pictures()["play"]
    assert str(Hand.parse(line)) == line
