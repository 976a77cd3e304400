"""``zeb42 review`` as it is typed."""

from __future__ import annotations

import io
import json

import pytest
from test_review import blunder

from zeb42_agents.__main__ import main
from zeb42_agents.play.kept import Kept
from zeb42_env import Hand, parse_action

QUICK = ("--worlds", "20", "--threads", "1")
BLUNDER = str(blunder())


def run(capsys, *words: str) -> tuple[int, str, str]:
    status = main(["review", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hands.txt"
    path.write_text(f"# two hands\n{BLUNDER}  # a note\n\n" + json.dumps({"hand": BLUNDER, "deal": 3}) + "\n")
    return path


def test_a_pasted_line_is_reviewed_and_its_blunder_named(capsys):
    status, out, _ = run(capsys, *BLUNDER.split(), "--seat", "0", *QUICK)
    assert status == 0
    assert BLUNDER in out
    assert "trick 1  seat 0 leads 6-1           a blunder -" in out
    assert " 1. trick 1, seat 0 leads 6-1: a blunder." in out
    assert "seat 0 bid 1 mark, sixes are trump. set" in out
    assert "Hindsight: With all hands open it gave away" in out
    assert ", and so the hand" in out
    assert "seat 1 " not in out.replace("seat 1 &", "")


def test_files_and_pipes_are_read_line_by_line(capsys, file, monkeypatch):
    status, out, _ = run(capsys, str(file), "--seat", "0", "--worst", *QUICK)
    assert status == 0
    assert out.count("a blunder") == 2
    assert f"{file}, line 2" in out
    assert f"{file}, line 4" in out
    assert "All together: 2 hands" in out
    monkeypatch.setattr("sys.stdin", io.StringIO(BLUNDER + "\n"))
    status, out, _ = run(capsys, "-", "--seat", "0", "--worst", *QUICK)
    assert (status, out.count("a blunder")) == (0, 1)


def test_lines_of_json(capsys):
    status, out, _ = run(capsys, BLUNDER, "--seat", "0", "--json", *QUICK)
    head, *steps, end = map(json.loads, out.splitlines())
    assert (status, head["kind"], end["kind"]) == (0, "head", "end")
    assert len(steps) == 28
    assert end["worst"][0] == 0


def test_what_if(capsys):
    status, out, _ = run(capsys, BLUNDER, "--what-if", "0:6-6", *QUICK)
    assert status == 0
    assert "seat 0 leads 6-6" in out
    branch = Hand.parse(out.strip().splitlines()[-1])
    assert branch.history == [(0, parse_action("6-6"))]


def test_kept_hands(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ZEB42_DATA", str(tmp_path))
    assert run(capsys, "--kept")[::2] == (
        2,
        "error: expected a hand that was kept, got none: zeb42 play keeps those that you play\n",
    )
    Kept().add(Hand.parse(BLUNDER), ("you", "zeb", "Bo", "zeb"))
    status, out, _ = run(capsys, "--kept", "1", "--seat", "0", *QUICK)
    assert status == 0
    assert "you lead 6-1" in out
    assert "you & Bo bid 1 mark" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected a line of notation, a file of lines, '-', or the folder of an arena run; got nothing"),
        (("nowhere.txt",), "expected hands to review, got 'nowhere.txt'; allowed: a line that begins with zeb42/1"),
        ((BLUNDER, "--seat", "4"), "expected seats to review, got [4]; allowed: 0, 1, 2, 3"),
        ((BLUNDER, "--agent", "nobody"), "expected an agent, got 'nobody'"),
        ((BLUNDER, "--worlds", "1"), "expected num_worlds in 2..100000, got 1"),
        ((BLUNDER, "--deal", "1"), "expected the folder of one arena run with --deal"),
        ((BLUNDER, "--what-if", "6-6"), "expected PLY:ACTION such as 5:6-4, got '6-6'"),
        ((BLUNDER, "--what-if", "0:6-5"), "expected a legal action of seat 0, got 26 (6-5)"),
        ((BLUNDER, "--kept", "1"), "expected kept hands, lines or a run, got several of them"),
        ((".",), "expected --deal NUMBER with the arena run ."),
        (("zeb42/2 deal=1",), "in the line: expected the line to begin with zeb42/1, got 'zeb42/2'"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(capsys, words, message):
    status, _, error = run(capsys, *words)
    assert status == 2
    assert error.startswith(f"error: {message}")
    assert "Traceback" not in error


def test_notation_that_is_wrong_is_pointed_at(capsys, tmp_path):
    path = tmp_path / "hands.txt"
    path.write_text(BLUNDER + "\n" + BLUNDER.replace("plays=61.65", "plays=61.51") + "\n")
    status, _, error = run(capsys, str(path))
    first, line, marks = error.splitlines()
    assert status == 2
    assert first.startswith(f"error: in {path}, line 2: at plays, entry 2 (51): not legal for seat 1")
    assert first.endswith("it was dealt to seat 3")
    assert line[marks.index("^") : len(marks)] == "51"
