"""Hands kept on the user's disk."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from playing import random_position

from zeb42_agents.play import show
from zeb42_agents.play.kept import Kept, data_folder, export
from zeb42_env import Hand

WHEN = datetime(2026, 11, 25, 15, 10, 3, tzinfo=UTC)
SEATS = ("you", "zeb:laptop", "eq:n=100", "greedy")
OVER = random_position(1, decisions=33)


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "new" / "hands.txt")


def test_hands_come_back_as_they_were_kept(kept):
    assert kept.all() == []
    first = kept.add(OVER, SEATS, when=WHEN)
    second = kept.add(random_position(2, decisions=9), SEATS, when=WHEN)
    assert kept.all() == [first, second]
    assert [entry.number for entry in kept.all()] == [1, 2]
    assert first.when == "2026-11-25T15:10:03Z"
    assert first.seats == SEATS
    assert second.result == "not over"
    assert kept.numbered([2]) == [second]
    assert Hand.parse(kept.path.read_text().splitlines()[0].partition("#")[0]) == OVER
    assert first.names == ("you", "zeb:laptop", "Strong", "Steady")
    assert first.to_json()["seats"] == list(first.names)


def test_the_same_hand_is_kept_once(kept):
    assert kept.add(OVER, SEATS) == kept.add(OVER, SEATS)
    kept.add(OVER, ("you", "random", "random", "random"))  # others played it the same way
    assert len(kept.all()) == 2


def test_hands_are_found_by_words(kept):
    kept.add(OVER, SEATS, when=WHEN)
    kept.add(random_position(2, decisions=33), ("Ann", "Bo", "Di", "Ed"), when=WHEN)
    assert [entry.number for entry in kept.find(["ann"])] == [2]
    assert [entry.number for entry in kept.find(["2026-11", "ZEB:laptop"])] == [1]
    assert kept.find(["nobody"]) == []
    assert len(kept.find([])) == 2


def test_names_cannot_break_a_line(kept):
    hostile = ("a\nzeb42/1 deal=", "b # c", "d | e", "  result: f")
    entry = kept.add(OVER, hostile, when=WHEN)
    assert kept.all() == [entry]
    assert kept.num_broken_lines == 0
    assert len(kept.path.read_text().splitlines()) == 1


def test_what_a_crash_cut_off_costs_one_line(kept):
    first = kept.add(OVER, SEATS, when=WHEN)
    with kept.path.open("a") as file:
        file.write("zeb42/1 deal=66.65")
    second = kept.add(random_position(2, decisions=33), SEATS, when=WHEN)
    assert [entry.hand for entry in kept.all()] == [first.hand, second.hand]
    assert kept.num_broken_lines == 1


@pytest.mark.parametrize(
    "note", ["# yesterday  seats: a | b | c | d  result: made", "# 2026-11-25T15:10:03Z  seats: a | b  result: made"]
)
def test_a_note_that_was_edited_by_hand_is_no_note(kept, note):
    kept.add(OVER, SEATS)
    kept.path.write_text(f"{kept.path.read_text()}{OVER}  {note}\n")
    _, edited = kept.all()
    assert (edited.hand, edited.when, edited.local_time) == (OVER, "", "")
    assert kept.find(["zeb42/1"]) == kept.all()


def test_lines_of_plain_notation_are_hands_too(kept):
    kept.path.parent.mkdir()
    kept.path.write_text(f"{OVER}\n\nno hand\n")
    (entry,) = kept.all()
    assert entry.hand == OVER
    assert entry.line == str(OVER)
    assert kept.num_broken_lines == 1


def test_export_writes_lines_that_are_read_again(kept, tmp_path):
    kept.add(OVER, SEATS, when=WHEN)
    export(kept.find([]), tmp_path / "out.txt")
    assert Kept(tmp_path / "out.txt").all() == kept.all()


def test_programs_that_keep_at_the_same_time_keep_every_hand(kept):
    code = (
        "import sys; from zeb42_agents.files import append_line; from pathlib import Path\n"
        "for i in range(200): append_line(Path(sys.argv[1]), sys.argv[2] + str(i) + 'x' * 400)"
    )
    kept.path.parent.mkdir()
    programs = [subprocess.Popen([sys.executable, "-c", code, str(kept.path), name]) for name in "abc"]
    assert [program.wait() for program in programs] == [0, 0, 0]
    lines = kept.path.read_text().splitlines()
    assert sorted(lines) == sorted(f"{name}{i}{'x' * 400}" for name in "abc" for i in range(200))


def test_what_cannot_be_kept_is_refused(kept):
    with pytest.raises(ValueError, match="expected a whole hand to keep, got a view"):
        kept.add(Hand(OVER.view(0)), SEATS)
    with pytest.raises(ValueError, match="expected the names of four seats"):
        kept.add(OVER, ("you",))
    with pytest.raises(ValueError, match="got none: zeb42 play keeps those that you play"):
        kept.numbered([1])


def test_the_folder_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("ZEB42_DATA", str(tmp_path))
    assert Kept().path == tmp_path / "hands.txt"
    monkeypatch.delenv("ZEB42_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert data_folder().name == "zeb42"


def test_a_hand_is_told_as_the_person_at_the_table_says_it(kept):
    entry = kept.add(OVER, ("zeb:quick", "you", "eq:n=100", "greedy"), when=WHEN)
    assert entry.own_seat == 1
    assert entry.told == show.result(OVER, 1)
    assert "seat" not in entry.told
    assert datetime.strptime(entry.local_time, "%Y-%m-%d %H:%M").astimezone() == WHEN.replace(second=0)
    assert kept.find(["strong"]) == kept.find(["STEADY", "eq:n=100"]) == [entry]  # by name and by spec
    other = kept.add(OVER, ("greedy",) * 4)
    assert (other.own_seat, other.told) == (None, other.result)
