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


@pytest.mark.parametrize("page", [path.name for path in sorted((FOLDER / "tutorials").glob("*.md"))])
def test_a_tutorial_prints_what_it_shows(page):
    text = (FOLDER / "tutorials" / page).read_text(encoding="utf-8")
    assert "```text" in text
    assert generate.executed(text) == text, "run `python docs/generate.py`, and read what changed"


def test_the_drawings_are_drawn_by_this_code():
    drawn = generate.drawings()
    assert {path.stem for path in (FOLDER / "pictures").glob("*.svg")} == set(drawn)
    for name, picture in drawn.items():
        assert (FOLDER / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == picture + "\n", name


def test_what_is_quoted_of_the_ten_hands_was_printed():
    """The figures under each hand are lines of its analysis, which lies beside the page."""
    page = (FOLDER / "playing-well.md").read_text(encoding="utf-8")
    printed = {
        line.strip()
        for name in ("bids.txt", "review.txt")
        for line in (FOLDER / "hands" / name).read_text(encoding="utf-8").splitlines()
    }
    sections = re.split(r"^## Hand \d+", page, flags=re.MULTILINE)[1:]
    assert len(sections) == len(generate.ten_hands()) == 10
    for section in sections:
        quoted = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
        assert quoted
        for line in "\n".join(quoted).splitlines():
            assert line.strip() in printed, line


@pytest.mark.nightly
def test_the_ten_hands_are_analysed_by_this_code():
    assert generate.bids() == (FOLDER / "hands" / "bids.txt").read_text(encoding="utf-8")
    assert generate.review_of_ten() == (FOLDER / "hands" / "review.txt").read_text(encoding="utf-8")


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
