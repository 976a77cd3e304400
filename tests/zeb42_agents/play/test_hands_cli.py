"""``zeb42 hands`` as it is typed."""

from __future__ import annotations

import pytest
from playing import random_position

from zeb42_agents.__main__ import main
from zeb42_agents.play.kept import Kept

OVER = random_position(1, decisions=33)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ZEB42_DATA", str(tmp_path / "data"))
    return Kept()


def test_an_empty_folder_is_no_error(kept, capsys):
    assert main(["hands"]) == 0
    assert capsys.readouterr().out == f"0 hands in {kept.path}\n"
    assert not kept.path.exists()


def test_hands_are_listed_searched_and_exported(kept, capsys, tmp_path):
    kept.add(OVER, ("you", "zeb", "Bo", "greedy"))
    kept.add(random_position(2, decisions=33), ("Ann", "zeb", "Bo", "greedy"))
    assert main(["hands"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("    1  20")
    assert "you, zeb, Bo, Steady" in first
    assert "Ann, zeb" in second
    assert last.startswith("2 hands in ")
    assert main(["hands", "ANN", "--lines"]) == 0
    assert capsys.readouterr().out == kept.all()[1].line + "\n"
    assert main(["hands", "you", "--export", str(tmp_path / "out.txt")]) == 0
    assert "(1 hand)" in capsys.readouterr().out
    assert Kept(tmp_path / "out.txt").all() == kept.all()[:1]


def test_lines_that_are_no_hands_are_mentioned(kept, capsys):
    kept.path.parent.mkdir()
    kept.path.write_text("no hand\n")
    assert main(["hands"]) == 0
    assert "1 lines of" in capsys.readouterr().err


def test_bad_input_is_one_line_and_status_2(kept, capsys, tmp_path):
    assert main(["hands", "--export", str(tmp_path / "missing" / "out.txt")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_review_keeps_what_it_is_told_to(kept, capsys):
    assert main(["review", str(random_position(1, decisions=31)), "--keep", "--worlds", "2", "--worst"]) == 0
    assert [entry.hand for entry in kept.all()] == [random_position(1, decisions=31)]
