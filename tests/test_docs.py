"""The pages say what the code says."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import zeb42_agents
import zeb42_env
from zeb42_agents import arena, search
from zeb42_env import Hand, aec

FOLDER = Path(__file__).parents[1] / "docs"


def _script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate, notebooks = _script("generate"), _script("notebooks")


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


@pytest.mark.parametrize("page", [path.name for path in sorted((FOLDER / "tutorials").glob("*.md"))])
def test_a_notebook_says_what_its_tutorial_says(page, tmp_path):
    """Cell by cell: all the code and prose of the page, and nothing that is not on it; pictures are inside."""
    notebooks.write_notebooks(FOLDER / "tutorials", tmp_path, "FORGE")
    made = json.loads((tmp_path / page).with_suffix(".ipynb").read_text(encoding="utf-8"))
    text = (FOLDER / "tutorials" / page).read_text(encoding="utf-8")
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    assert ["".join(cell["source"]) + "\n" for cell in code] == re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shown = ["".join(cell["outputs"][0]["text"]) for cell in code if cell["outputs"]]
    assert shown == re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    prose = [cell for cell in made["cells"] if cell["cell_type"] == "markdown"]
    words = "\n\n".join("".join(cell["source"]) for cell in prose)
    assert "```python" not in words
    assert "```text" not in words
    assert words.splitlines()[0] == text.splitlines()[0]
    for heading in re.findall(r"^#+ .*$", text, re.MULTILINE):
        assert heading in words
    for cell in prose:
        named = set(re.findall(r"\(attachment:([^)]+)\)", "".join(cell["source"])))
        assert named == set(cell.get("attachments", {}))
        assert all(file["image/svg+xml"].startswith("<svg") for file in cell.get("attachments", {}).values())
    for target in re.findall(r"\]\(([^)]+)\)", words):
        assert target.startswith(("attachment:", "FORGE/")), target
        path = FOLDER.parent / target.removeprefix("FORGE/").partition("#")[0]
        assert target.startswith("attachment:") or path.exists(), target


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
