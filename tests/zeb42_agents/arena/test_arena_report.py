"""Reports: what they say of small, lopsided and disconnected pools, and what lands in the files."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from zeb42_agents import make_agent
from zeb42_agents.agent import Randomness
from zeb42_agents.arena import PROTOCOLS, Scale, rate
from zeb42_agents.arena.console import console_report
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import GAME
from zeb42_agents.arena.live import LiveTable
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.report import markdown_report, matrix_rows, pair_rows, rating_rows
from zeb42_agents.arena.run import Progress
from zeb42_agents.arena.show import deal_report
from zeb42_agents.arena.summary import Summary, summarise
from zeb42_agents.arena.text import pace, plain
from zeb42_env import Hand

RUN = {"seed": 0, "partners": None, "agents": [], "sessions": []}


class Broken:
    """Loses every hand that it leads to."""

    name = "broken"

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        return np.full(len(views), 28)


def test_one_deal_is_written_as_unknown_width() -> None:
    summary = rate([make_agent("random"), make_agent("greedy")], num_deals=1)
    written = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert {agent["halfwidth"] for agent in written["agents"]} == {0.0, None}
    assert "Too few deals (1)" in written["notes"][0]
    assert summary.apart()[0] == []


def test_forfeits_are_named() -> None:
    summary = rate([make_agent("greedy"), Broken()], num_deals=40, strict=False)
    assert any("broken 80" in note for note in summary.notes)
    assert [line.forfeits for line in summary.agents] == [0, 80]
    assert "broken 80" in markdown_report(summary, RUN)


@pytest.mark.parametrize("protocol", ["majority", "contract"])
def test_a_terminal_of_80_columns_shows_every_number(protocol: str) -> None:
    agents = [make_agent(spec) for spec in ("random", "greedy", "eq:n=1")]
    agents[0].name = "zeb:runs/laptop-20261231-235959,sims=64"
    summary = rate(agents, num_deals=30, protocol=protocol)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(console_report(summary))
    shown = console.export_text()
    assert "…" not in shown
    for row in rating_rows(summary)[1]:
        assert all(cell in shown for cell in row[2:])


def test_matrices_are_each_others_mirror() -> None:
    agents = [make_agent(spec) for spec in ("random", "greedy", "eq:n=1")]
    summary = rate(agents, num_deals=30, protocol="contract")
    _, rows = matrix_rows(summary, surprise=False)
    rates = [[float(cell.split(" ")[0]) if cell else 50.0 for cell in row[1:]] for row in rows]
    assert np.array(rates) + np.array(rates).T == pytest.approx(np.full((3, 3), 100.0), abs=0.11)
    head, pairs = pair_rows(summary)
    assert "McNemar z" in head
    assert len(pairs) == 3
    assert len(rating_rows(summary)[1]) == 3


def printed(report: object, width: int = 200) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(report)
    return console.export_text()


def one_sided(num_deals: int, names: list[str]) -> Summary:
    """The first of two agents wins both games of nine deals in ten."""
    games = np.zeros((num_deals, 2), GAME)
    games["deal"] = np.arange(num_deals)[:, None]
    games["table"] = [0, 1]
    games["teams"] = [[0, 1], [1, 0]]
    games["result"] = [1.0, 0.0]
    games["result"][::10] = [0.0, 1.0]
    games["made"] = games["bidder"] = games["forfeit"] = -1
    return summarise(games, names, PROTOCOLS["match"])


def test_few_deals_tell_nobody_apart_and_no_interval_passes_100_percent() -> None:
    few, many = one_sided(6, ["a", "b"]), one_sided(400, ["a", "b"])
    assert few.apart()[0] == []
    assert len(many.apart()[0]) == 1
    assert pair_rows(few)[1][0][2].startswith("83.3% (")
    assert pair_rows(few)[1][0][2].endswith(" to 100.0)")
    assert matrix_rows(few, surprise=False)[1][0][2] == "83.3"  # with no interval that cannot be trusted
    assert "±" in matrix_rows(many, surprise=False)[1][0][2]
    assert "Told apart at 95%: none." in printed(console_report(few))


def test_names_cannot_break_tables_or_write_to_the_terminal() -> None:
    evil = ["a\n| b |", "c\u2028d\x1b[31m"]
    summary = one_sided(40, evil)
    shown = [printed(console_report(summary)), markdown_report(summary, RUN), summary._repr_html_(), repr(summary)]
    for text in shown:
        assert "\x1b" not in text
        assert "\u2028" not in text
        assert "a\n" not in text
        assert r"c\u2028d\x1b[31m" in text
    rows = [line for line in shown[1].splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows[:4]} == {9}
    assert plain("zeb:runs/é,sims=64 – x") == "zeb:runs/é,sims=64 – x"
    assert json.loads(json.dumps(summary.to_json()))["agents"][0]["name"] == evil[0]  # files keep them as they are


def test_slow_and_fast_runs_have_a_pace() -> None:
    assert pace(46_200, 20.0, "hand") == "2,310 hands per second"
    assert pace(72, 48.0, "match") == "1.5 matches per second"
    assert pace(36, 87.0, "match") == "25 matches per minute"


def test_results_are_short_in_a_notebook() -> None:
    summary = rate(["random", "greedy", "eq:n=1"], num_deals=40)
    assert repr(summary).startswith("Elo per hand in majority: greedy ")
    assert "random 0 (anchor)" in repr(summary)
    assert len(repr(summary)) < 200
    assert len(repr(summary.ratings)) < 200
    assert len(repr(summary.units)) < 200
    assert summary._repr_html_().count("<tr>") == 4


def test_uneven_pools_are_told() -> None:
    games = np.zeros((0, 2), GAME)
    with pytest.raises(ValueError, match="nothing to rate yet"):
        summarise(games, ["a", "b"], PROTOCOLS["majority"])
    games = np.zeros((41, 2), GAME)
    games["deal"] = np.arange(41)[:, None]
    games["table"] = [0, 1]
    games["teams"] = [[0, 2], [2, 0]]
    games["teams"][40] = [[2, 3], [3, 2]]
    games["result"][:, 0] = 1.0
    summary = summarise(games, list("abcd"), PROTOCOLS["majority"])
    assert summary.ratings.names == ["a", "c", "d"]  # b did not play
    assert any("between 1 and 40 mirrored deals" in note for note in summary.notes)


def test_the_live_view_waits_for_its_anchor_and_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0

    def slow_summarise(*arguments, **options):
        nonlocal now_s
        now_s += 2.0
        return summarise(*arguments, **options)

    monkeypatch.setattr("zeb42_agents.arena.live.monotonic", lambda: now_s)
    monkeypatch.setattr("zeb42_agents.arena.live.summarise", slow_summarise)
    names = ["random", "greedy", "eq:n=1"]
    agents = [make_agent(name) for name in names]
    described = [{"name": name, "spec": name, "config": {}, "fingerprint": None} for name in names]
    settings = {"protocol": "majority", "seed": 0, "partners": None, "agents": described}
    pairs = np.array([[0, 1]] * 5 + [[0, 2]] * 5)
    games = play_games(agents, PROTOCOLS["majority"], 0, np.arange(10), pairs)[0].reshape(-1, 2)
    console = Console(width=200, record=True, file=io.StringIO())
    scale = Scale(anchor="eq:n=1", anchor_elo=1000.0)
    live = LiveTable(console, RunFolder.open(tmp_path, settings), scale)
    shown = []
    for time_s, num_deals in ((16.0, 5), (32.0, 10), (50.0, 10), (54.0, 10)):  # a refresh at 32 ends at 34, rests to 54
        now_s = time_s
        live.show(Progress(games[:num_deals], num_deals, 10, num_deals, time_s, 0))
        shown.append(console.export_text(clear=True))
    assert "5 of 10 mirrored deals" in shown[0]
    assert "random" not in shown[0]
    assert "eq:n=1 1000 (anchor)" in shown[1]
    assert shown[2] == ""
    assert "eq:n=1 1000 (anchor)" in shown[3]


def test_a_hand_that_was_forfeited_can_be_shown(tmp_path: Path) -> None:
    agents = [make_agent("greedy"), Broken()]
    _, blocks = play_games(agents, PROTOCOLS["majority"], 0, np.arange(1), np.array([[0, 1]]))
    settings = {"protocol": "majority", "seed": 0, "partners": None, "agents": []}
    settings["agents"] = [{"name": agent.name, "spec": "", "config": {}, "fingerprint": None} for agent in agents]
    folder = RunFolder.open(tmp_path, settings)
    folder.append(blocks)
    folder.close()
    console = Console(width=160, record=True, file=(tmp_path / "out.txt").open("w"))
    console.print(deal_report(folder, 0))
    shown = console.export_text()
    console.file.close()
    assert "Forfeited by seat" in shown
    assert "illegal action 28 (pass)" in shown
    with pytest.raises(ValueError, match="expected agents of the run, got 'eq'; allowed: greedy, broken"):
        deal_report(folder, 0, pair=["eq", "greedy"])
    with pytest.raises(ValueError, match="at both tables, got deal 5, hand 0; allowed: 0 to"):
        deal_report(folder, 5)


def test_show_finds_rows_that_were_written_anew_and_refuses_a_view(tmp_path: Path) -> None:
    agents = [make_agent("greedy"), make_agent("random")]
    _, blocks = play_games(agents, PROTOCOLS["majority"], 0, np.arange(12), np.array([[0, 1]] * 12))
    described = [{"name": agent.name, "spec": "", "config": {}, "fingerprint": None} for agent in agents]
    settings = {"protocol": "majority", "seed": 0, "partners": None, "agents": described}
    rows = [json.loads(line) for block in blocks for line in block.splitlines()]
    folder = RunFolder.open(tmp_path / "spaces", settings)
    folder.append([json.dumps(dict(reversed(row.items()))) + "\n" for row in rows])
    folder.close()
    shown = printed(deal_report(folder, 1))
    assert "Deal 1 of" in shown
    worst = max(int(number) for number in re.findall(r"\(-(\d+)\) ", shown))
    assert f"(-{worst}): that play gave away {worst} point" in shown
    for row in rows:
        row["hand"] = str(Hand(Hand.parse(row["hand"]).view(0)))
    folder = RunFolder.open(tmp_path / "views", settings)
    folder.append([json.dumps(row) + "\n" for row in rows])
    folder.close()
    with pytest.raises(ValueError, match="expected a whole hand in the row of deal 1, got the view zeb42/1 deal="):
        deal_report(folder, 1)


def test_matches_can_be_shown_hand_by_hand(tmp_path: Path) -> None:
    agents = [make_agent("greedy"), make_agent("random")]
    _, blocks = play_games(agents, PROTOCOLS["match"], 0, np.arange(1), np.array([[0, 1]]))
    described = [{"name": agent.name, "spec": "", "config": {}, "fingerprint": None} for agent in agents]
    settings = {"protocol": "match", "seed": 0, "partners": None, "agents": described}
    folder = RunFolder.open(tmp_path, settings)
    folder.append(blocks)
    folder.close()
    assert deal_report(folder, 0, hand_number=1)
    with pytest.raises(ValueError, match="hand 15"):
        deal_report(folder, 0, hand_number=15)
