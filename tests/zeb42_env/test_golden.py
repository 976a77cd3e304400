"""Whole episodes as they were when somebody last read them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("regenerate", FOLDER / "regenerate.py")
assert _spec is not None
assert _spec.loader is not None
regenerate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(regenerate)


@pytest.mark.parametrize("name", regenerate.EPISODES)
def test_playthrough(name):
    seed, rules = regenerate.EPISODES[name]
    told = regenerate.playthrough(seed, rules)
    expected = (FOLDER / f"{name}.txt").read_text()
    assert told == expected, "if this change is meant, run tests/golden/regenerate.py and read the diff"


def test_no_playthrough_is_left_over():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(regenerate.EPISODES)


def test_the_picture():
    expected = (FOLDER / "table.svg").read_text()
    assert regenerate.picture() == expected, "if this change is meant, run tests/golden/regenerate.py and look at it"
