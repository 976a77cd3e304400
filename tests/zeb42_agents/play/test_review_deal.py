"""``zeb42 review RUN --deal``: both tables of an arena deal."""

from __future__ import annotations

import json

import pytest

from zeb42_agents.__main__ import main
from zeb42_env import Hand

QUICK = ("--worlds", "2", "--threads", "1")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run"
    words = ("random", "greedy", "--deals", "2", "--protocol", "hand", "--jobs", "1", "--no-plots", "--out", str(path))
    assert main(["arena", *words]) == 0
    return path


@pytest.fixture
def hands(run_folder):
    rows = [json.loads(line) for file in run_folder.glob("hands-*.jsonl") for line in file.read_text().splitlines()]
    return [row["hand"] for row in sorted(rows, key=lambda row: row["table"]) if row["deal"] == 1]


def test_both_tables_stand_side_by_side(run_folder, hands, capsys):
    capsys.readouterr()
    assert main(["review", str(run_folder), "--deal", "1", *QUICK]) == 0
    out = capsys.readouterr().out
    assert all(hand in out for hand in hands)
    assert len({Hand.parse(hand).record["owner"].tobytes() for hand in hands}) == 1
    (heads,) = [line for line in out.splitlines() if line.startswith("deal 1, table 0") and "deal 1, table 1" in line]
    assert "random (0 & 2)" in heads
    plays = [line for line in out.splitlines() if line.startswith("trick 1 ") and line.count("trick 1 ") == 2]
    assert len(plays) == 4
    assert out.count("given up, in hands won") == 2


def test_the_page_has_both_tables(run_folder, hands, capsys, tmp_path):
    path = tmp_path / "deal.html"
    assert main(["review", str(run_folder), "--deal", "1", "--seat", "0", "--html", str(path), *QUICK]) == 0
    text = path.read_text()
    assert text.count("<section><h2>deal 1, table") == 2
    assert 'class="sides two"' in text
    assert all(hand in text for hand in hands)


def test_the_browser_gets_both_tables_and_reads_no_folder_itself(run_folder, hands, monkeypatch):
    shelves = []
    monkeypatch.setattr("zeb42_agents.play.cli.serve", lambda options, shelf: shelves.append((options, shelf)))
    assert main(["review", str(run_folder), "--deal", "1", "--seat", "0", "--browser", "--no-browser"]) == 0
    ((options, shelf),) = shelves
    assert (options.host, options.public, options.no_browser) == ("127.0.0.1", False, True)
    told = shelf.to_json()
    assert [one["hand"] for one in told["hands"]] == hands
    assert [one["seat"] for one in told["hands"]] == [0, 0]
    assert told["beside"]
    assert str(run_folder) not in json.dumps(told)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--deal", "1", "--browser", "--json"), "expected --browser or --json, got both"),
        (("--deal", "1", "--browser", "--seat", "0", "--seat", "1"), "expected one --seat with --browser"),
        ((), "expected --deal NUMBER with the arena run"),
        (("--deal", "9"), "expected a deal that this run has at both tables, got deal 9"),
        (("--deal", "1", "--pair", "random", "nobody"), "expected agents of the run, got 'nobody'"),
    ],
)
def test_deals_that_are_not_there(run_folder, capsys, words, message):
    capsys.readouterr()
    assert main(["review", str(run_folder), *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_folders_of_other_things_are_refused(tmp_path, capsys):
    assert main(["review", str(tmp_path), "--deal", "1"]) == 2
    assert "expected the folder of an arena run" in capsys.readouterr().err
