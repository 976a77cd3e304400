"""Runs: any number of processes, resuming, merging, stopping rules, and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.agent import Randomness
from zeb42_agents.arena import Scale, Sprt, rate
from zeb42_agents.arena.cli import main
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import GAME, mirrored, read_games
from zeb42_agents.arena.plan import Chunks, Plan
from zeb42_agents.arena.players import Player, players_of
from zeb42_agents.arena.run import Outcome, run_pool
from zeb42_agents.arena.show import deal_report

SPECS = ("random", "greedy")


def run(path: Path, specs: tuple[str, ...] = SPECS, *, protocol: str = "majority", seed: int = 3, **plan) -> Outcome:
    players = players_of(specs)
    agents = [player.build() for player in players]
    settings = {
        "protocol": protocol,
        "seed": seed,
        "partners": None,
        "agents": [player.describe(agent) for player, agent in zip(players, agents, strict=True)],
    }
    folder = RunFolder.open(path, settings)
    return run_pool(players, folder, Plan(**plan), agents=agents)


def rows_without_time(path: Path) -> list[dict]:
    rows = [json.loads(line) for line in RunFolder.read(path).lines()]
    rows.sort(key=lambda row: (row["deal"], sorted(row["teams"]), row["table"], row.get("hand_number", 0)))
    return [{key: value for key, value in row.items() if key != "ms"} for row in rows]


def test_results_are_the_same_for_any_number_of_jobs(tmp_path: Path) -> None:
    run(tmp_path / "one", deals=40, jobs=1)
    run(tmp_path / "two", deals=40, jobs=2, chunk=7)
    assert rows_without_time(tmp_path / "one") == rows_without_time(tmp_path / "two")
    assert len(rows_without_time(tmp_path / "one")) == 80


def test_a_run_resumes_and_grows(tmp_path: Path) -> None:
    assert run(tmp_path / "steps", deals=10).num_played == 10
    assert run(tmp_path / "steps", deals=25).num_played == 15
    assert run(tmp_path / "steps", deals=25).num_played == 0
    run(tmp_path / "whole", deals=25)
    assert rows_without_time(tmp_path / "steps") == rows_without_time(tmp_path / "whole")
    more = run(tmp_path / "steps", ("random", "greedy", "eq:n=1"), deals=5)
    assert more.num_played == 10
    assert RunFolder.read(tmp_path / "steps").names == ["random", "greedy", "eq:n=1"]
    assert len(RunFolder.read(tmp_path / "steps").settings["sessions"]) == 4


def test_a_line_cut_off_costs_its_deal_and_no_more(tmp_path: Path) -> None:
    run(tmp_path, deals=10)
    (file,) = tmp_path.glob("hands-*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    folder = RunFolder.read(tmp_path)
    assert len(mirrored(folder.games())) == 9
    assert folder.num_broken_lines == 1
    assert run(tmp_path, deals=10).num_played == 1
    assert len(mirrored(RunFolder.read(tmp_path).games())) == 10


def test_matches_survive_a_cut_too(tmp_path: Path) -> None:
    run(tmp_path, protocol="match", deals=4)
    before = rate(tmp_path)
    (file,) = tmp_path.glob("hands-*.jsonl")
    file.write_bytes(file.read_bytes()[:-2000])
    assert run(tmp_path, protocol="match", deals=4).num_played == 1
    assert rate(tmp_path).ratings.elo == pytest.approx(before.ratings.elo)


def test_runs_merge_by_copying_their_rows(tmp_path: Path) -> None:
    run(tmp_path / "a", deals=10)
    run(tmp_path / "b", deals=12, first_deal=8)
    (tmp_path / "a" / "hands-b.jsonl").write_bytes((tmp_path / "b" / "hands-0001.jsonl").read_bytes())
    merged = mirrored(RunFolder.read(tmp_path / "a").games())
    assert merged["deal"][:, 0].tolist() == list(range(20))
    run(tmp_path / "whole", deals=20)
    assert rate(tmp_path / "a").ratings.elo == pytest.approx(rate(tmp_path / "whole").ratings.elo)


def test_tables_belong_together_if_the_teams_changed_seats(tmp_path: Path) -> None:
    run(tmp_path / "a", deals=3)
    run(tmp_path / "b", SPECS[::-1], deals=3)
    rows = list(RunFolder.read(tmp_path / "b").lines())
    file = tmp_path / "a" / "hands-0001.jsonl"
    own = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*own[:2], *rows[:4], own[2], rows[4], own[5]]))
    games = mirrored(RunFolder.read(tmp_path / "a").games())
    assert games["deal"].tolist() == [[0, 0], [1, 1]]
    assert games["teams"].tolist() == [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]
    folder = RunFolder.read(tmp_path / "a")
    assert deal_report(folder, 1)
    with pytest.raises(ValueError, match=r"this run has at both tables, got deal 2, hand 0; allowed: 0 to 1$"):
        deal_report(folder, 2)
    with pytest.raises(ValueError, match=r"got deal 0, hand 1; allowed: none yet$"):
        deal_report(folder, 0, hand_number=1)
    assert run(tmp_path / "a", deals=3).num_played == 1


def test_a_broken_line_costs_the_match_that_it_is_of(tmp_path: Path) -> None:
    run(tmp_path, protocol="match", deals=3)
    (file,) = tmp_path.glob("hands-*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    for middle in (
        lines[2][:40] + "\n",
        lines[2].replace('"ms"', '"s"'),
        "[]\n",
        lines[2].replace('"hand":"', '"hand":5,"":"'),
    ):
        file.write_text("".join([*lines[:2], middle, *lines[3:]]))
        folder = RunFolder.read(tmp_path)
        assert mirrored(folder.games())["deal"].tolist() == [[1, 1], [2, 2]]
        assert folder.num_broken_lines == 1
        with pytest.raises(ValueError, match="got deal 0, hand 2"):
            deal_report(folder, 0, hand_number=2)


def test_a_match_that_is_played_again_starts_afresh(tmp_path: Path) -> None:
    def row(hand_number: int, result: int | None) -> str:
        teams = {"deal": 0, "table": 0, "teams": list(SPECS), "hand_number": hand_number, "margin": 7, "result": result}
        costs = {"points": [42, 0], "bidder": 0, "made": 1, "ms": [1, 1], "decisions": [14, 14], "hand": ""}
        return json.dumps(teams | costs)

    cut_off, shorter = [row(k, None) for k in range(5)], [row(0, None), row(1, None), row(2, 1)]
    games, broken = read_games([*cut_off, *shorter], {"random": 0, "greedy": 1}, unit="match")
    assert (len(games), broken) == (1, 0)
    assert games["result"].tolist() == [1.0]
    assert games["decisions"].tolist() == [[42, 42]]


def test_a_folder_of_other_settings_is_refused_with_the_difference(tmp_path: Path) -> None:
    run(tmp_path, deals=2)
    with pytest.raises(ValueError, match=r"seed: the folder has 3, this run 4"):
        run(tmp_path, deals=2, seed=4)
    with pytest.raises(ValueError, match=r"protocol: the folder has 'majority', this run 'contract'"):
        run(tmp_path, deals=2, protocol="contract")
    settings = json.loads((tmp_path / "run.json").read_text())
    settings["agents"][1]["fingerprint"] = "other weights"
    (tmp_path / "run.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"greedy, fingerprint: the folder has 'other weights', this run None"):
        run(tmp_path, deals=2)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match="with other files in it"):
        run(tmp_path / "else", deals=2)


def test_an_agent_that_cannot_play_at_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lost every hand, and the run ended as if that were a result."""

    def exhausted(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        raise MemoryError("9 TB")

    monkeypatch.setattr(type(make_agent("greedy")), "act", exhausted)
    with pytest.raises(ValueError, match="agents that can play, got greedy, which fails: MemoryError: 9 TB"):
        run(tmp_path, deals=1)


def test_chunks_begin_with_one_deal_and_are_sized_by_the_slowest_agent() -> None:
    """A chunk was 16 deals of every pair at first: 40 minutes with a program that took seconds per decision."""
    tasks = np.array([(deal, i, j) for deal in range(100) for i, j in ((0, 1), (0, 2), (1, 2))])
    chunks, sizes = Chunks(tasks, Plan(deals=100)), []
    cost_s = np.array([0.001, 0.001, 10.0])  # of a deal
    while (chunk := chunks.take()) and len(sizes) < 12:
        own = chunk[1]
        sizes.append(len(own))
        games = np.zeros(2 * len(own), GAME)
        games["teams"][0::2], games["teams"][1::2] = own[:, 1:], own[:, :0:-1]
        games["time_ms"] = 500 * cost_s[games["teams"]]
        chunks.learn(games, float(cost_s[own[:, 1:]].sum()))
    assert sizes == [1] * 12  # at most one with the slow agent, and never before it is known
    fast, sizes = Chunks(tasks[tasks[:, 2] == 1], Plan(deals=100, jobs=2)), []
    while chunk := fast.take():
        sizes.append(len(chunk[1]))
        games = np.zeros(2 * sizes[-1], GAME)
        games["teams"][0::2], games["teams"][1::2], games["time_ms"] = (0, 1), (1, 0), 0.5
        fast.learn(games, 0.002 * sizes[-1])
    assert sizes == [1, 4, 16, 40, 20, 10, 5, 2, 1, 1]


def test_networks_are_given_a_minute_for_a_batch() -> None:
    tasks = np.array([(deal, 0, 1) for deal in range(1000)])
    chunks, sizes = Chunks(tasks, Plan(deals=1000, min_chunk=64)), []
    while (chunk := chunks.take()) and len(sizes) < 8:
        sizes.append(len(chunk[1]))
        games = np.zeros(2 * sizes[-1], GAME)
        games["teams"][0::2], games["teams"][1::2], games["time_ms"] = (0, 1), (1, 0), 0.5
        chunks.learn(games, 5.0 + 0.2 * sizes[-1])
    assert sizes == [1, 4, 16, 64, 64, 64, 64, 64]


def test_a_run_is_heard_of_by_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.arena.workers.TELL_EVERY_S", 0.0)
    heard: list[tuple[int, int, float]] = []
    players = players_of(SPECS)
    described = [player.describe(player.build()) for player in players]
    settings = {"protocol": "majority", "seed": 3, "partners": None, "agents": described}
    folder = RunFolder.open(tmp_path, settings)
    run_pool(players, folder, Plan(deals=2), watch=lambda p: heard.append((p.num_played, p.decisions, p.in_play)))
    assert (0, 2, 2 / 56) in heard
    assert heard[-1] == (2, 112, 0.0)
    assert [decisions for _, decisions, _ in heard] == sorted(decisions for _, decisions, _ in heard)


def test_versus_plays_only_those_pairs(tmp_path: Path) -> None:
    outcome = run(tmp_path, ("random", "greedy", "eq:n=1"), deals=4, versus="greedy")
    assert {tuple(pair) for pair in outcome.units.pairs.tolist()} == {(0, 1), (1, 2)}
    with pytest.raises(ValueError, match="expected versus to be one of the agents, got 'zeb'; allowed: random, greedy"):
        run(tmp_path, deals=4, versus="zeb")


def test_a_stopping_rule_looks_at_the_agents_of_its_session(tmp_path: Path) -> None:
    run(tmp_path, ("eq:n=1", "greedy"), deals=3)
    outcome = run(tmp_path, ("random", "greedy"), deals=800, max_halfwidth=25.0)
    assert outcome.stopped == "max_halfwidth"


@pytest.mark.parametrize("chunk", [7, 64, 500])
def test_stopping_rules_stop_at_the_same_deal_whatever_the_chunks(tmp_path: Path, chunk: int) -> None:
    tested = run(tmp_path / "test", deals=2000, chunk=chunk, sprt=True, test=Sprt(elo0=-40, elo1=40))
    assert (tested.stopped, tested.decision, tested.decided_after) == ("sprt", "elo0", 50)
    assert len(tested.games) == 50
    measured = run(tmp_path / "measure", deals=2000, chunk=chunk, max_halfwidth=25.0)
    assert measured.stopped == "max_halfwidth"
    assert len(measured.games) == 450
    assert len(mirrored(RunFolder.read(tmp_path / "measure").games())) == 450


def test_a_sequential_test_is_of_the_first_agent_named_whatever_the_folder_calls_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    run(tmp_path, ("random", "greedy"), deals=60)
    words = ["--sprt", "--elo1", "50", "--seed", "3", "--jobs", "1", "--no-plots", "--out", str(tmp_path)]
    for names, verdict in ((("greedy", "random"), "accepted"), (("random", "greedy"), "rejected")):
        assert main([*names, *words]) == 0
        assert f"that {names[0]} is 50 Elo stronger than {names[1]}, not 0, is {verdict}" in capsys.readouterr().out


def test_plans_refuse_nonsense() -> None:
    for plan in ({"deals": 0}, {"jobs": -1}, {"chunk": 0}, {"first_deal": -1}, {"max_halfwidth": 0.0}):
        with pytest.raises(ValueError, match="expected"):
            Plan(**plan)


def test_rate_plays_agents_or_reads_a_folder(tmp_path: Path) -> None:
    agents = [make_agent(spec) for spec in ("random", "greedy", "eq:n=1")]
    summary = rate(agents, num_deals=30, seed=3)
    assert [line.name for line in summary.agents][-1] == "random"
    run(tmp_path, ("random", "greedy", "eq:n=1"), deals=30)
    assert rate(tmp_path).ratings.elo == pytest.approx(summary.ratings.elo)
    with pytest.raises(ValueError, match="distinct names"):
        rate([agents[0], agents[0]], num_deals=1)
    with pytest.raises(ValueError, match="expected the folder of an arena run"):
        rate(tmp_path / "nothing")


def test_command_line_end_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    out = tmp_path / "run"
    words = ["random", "greedy", "eq:n=1", "--deals", "30", "--jobs", "1", "--protocol", "contract", "--out", str(out)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "Told apart at 95%" in printed
    assert "McNemar" in printed
    ratings = json.loads((out / "ratings.json").read_text())
    assert {agent["name"] for agent in ratings["agents"]} == {"random", "greedy", "eq:n=1"}
    assert ratings["anchor"] == {"name": "random", "elo": 0.0}
    assert len(ratings["pairs"]) == 3
    report = (out / "report.md").read_text()
    assert "surprise %" in report
    assert "zeb42 " in report
    for plot in ("ratings.png", "pairs.png", "strength-time.png"):
        assert (out / plot).read_bytes().startswith(b"\x89PNG")
    assert main(["report", str(out), "--anchor", "greedy", "--anchor-elo", "1000", "--no-plots"]) == 0
    assert json.loads((out / "ratings.json").read_text())["anchor"] == {"name": "greedy", "elo": 1000.0}
    capsys.readouterr()
    assert main(["show", str(out), "3", "--pair", "greedy", "random"]) == 0
    shown = capsys.readouterr().out
    assert "Gave away" in shown
    assert "table 0" in shown
    assert main(["show", str(out), "99"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["random"], "expected at least two agents"),
        (["random", "random"], "random more than once; give one of them a name"),
        (["random", "eq:n=1", "eq:1"], "eq:n=1 more than once, also as eq:1; give one of them a name"),
        (
            ["random", "alphazero"],
            "expected an agent, got 'alphazero'; allowed: br, eq, gentle, greedy, random, zeb, py:MODULE:NAME, 'cmd:",
        ),
        (["random", "greedy", "--protocol", "bridge"], "expected a protocol, got 'bridge'; allowed: majority"),
        (["random", "greedy", "--anchor", "eq:n=5"], "expected an anchor that plays"),
        (["random", "greedy", "--versus", "eq:n=5"], "expected versus to be one of the agents"),
        (["random", "greedy", "--seed", "-1"], "expected a seed"),
        (["random", "greedy", "--sprt", "--elo0", "5", "--elo1", "5"], "expected elo0 below elo1"),
        (["random", "greedy", "eq:n=1", "--sprt"], "expected two agents for a sequential test"),
        (["random", "cmd:"], "expected a command line after cmd:"),
        (["random", "cmd:no_such_program"], "expected a program after cmd:, got 'no_such_program'"),
        (["random", "greedy", "--deals", "0"], "expected deals of at least 1, got 0"),
        (["random", "greedy", "--deals", "many"], "--deals: invalid literal for int() with base 10: 'many'; see"),
        (["random", "greedy", "--deals", "100000000"], "expected at most 10000000 deals of each of 1 pairs"),
        (["random", "greedy", "--jobs", "100000000000000000000"], "expected at most 1024 jobs"),
        (["random", "greedy", "--colour"], "Unrecognized options: --colour"),
        (["random", "greedy", "--pool", "nowhere.toml"], "expected a TOML pool file"),
        (["report", "nowhere"], "expected the folder of an arena run"),
        (
            ["random", "greedy", "--first-deal", "99999999999999999999"],
            "expected deals in 0..576460752303423487, got 100",
        ),
        (["random", "greedy", "--prior-hands", "0"], "expected prior_hands in 1e-09..1e+09, got 0.0"),
        (["random", "greedy", "--anchor-elo", "nan"], "expected a finite anchor_elo, got nan"),
        (["random", "cmd:true", "--move-time", "inf"], "expected a move time above 0 and up to 86400 seconds, got inf"),
    ],
)
def test_bad_input_ends_with_one_message_and_status_2(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("package", "extra", "words"),
    [("matplotlib", "arena", ["greedy"]), ("torch", "agents", ["zeb:laptop,precision=bfloat16", "--no-plots"])],
)
def test_what_is_not_installed_is_said_before_anything_is_played(
    package: str, extra: str, words: list[str], tmp_path: Path
) -> None:
    code = f"""
import importlib.util
import sys
class Missing:
    def find_spec(self, name, *more):
        if name == "{package}":
            raise ModuleNotFoundError(name, name=name)
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "{package}" else find_spec(name, *more)
sys.meta_path.insert(0, Missing())
from zeb42_agents.arena.cli import main
sys.exit(main(["random", *{words}]))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    said = f"error: {package} is not installed, run `pip install 'zeb42[{extra}]'`\n"
    assert (ended.returncode, ended.stderr) == (2, said)
    assert not (tmp_path / "runs").exists()


def test_every_option_of_the_command_line_is_understood(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    words = "--protocol contract --deals 60 --first-deal 3 --seed 7 --versus greedy --partners random --jobs 1"
    rules = "--chunk 9 --sprt --elo0 -5 --elo1 15 --alpha 0.1 --beta 0.2 --strict --move-time 3"
    scale = "--anchor greedy --anchor-elo -100 --prior-hands 3 --no-plots"
    assert main(["random", "greedy", *words.split(), *rules.split(), *scale.split(), "--out", out]) == 0
    assert main(["report", out, *scale.split()]) == 0
    written = json.loads((tmp_path / "run" / "ratings.json").read_text())
    assert (written["anchor"], written["prior_hands"]) == ({"name": "greedy", "elo": -100.0}, 3.0)
    assert main(["show", out, "3", "--pair", "random", "greedy", "--hand", "0"]) == 0
    halfwidth = "random greedy --deals 2 --max-halfwidth 500 --no-plots --jobs 1 --out"
    assert main([*halfwidth.split(), out + "2"]) == 0


def test_ctrl_c_saves_and_prints_the_line_that_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Tired:
        name = "greedy"
        calls = 0

        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            Tired.calls += 1
            if Tired.calls > 100:
                raise KeyboardInterrupt
            return make_agent("greedy").act(views, rng)

    build = Player.build
    monkeypatch.setattr(Player, "build", lambda self: Tired() if self.spec == "greedy" else build(self))
    words = ["random", "greedy", "--deals", "50", "--jobs", "1", "--chunk", "5", "--no-plots"]
    monkeypatch.chdir(tmp_path)
    assert main(words) == 130
    (folder,) = tmp_path.glob("runs/arena-*")
    printed = capsys.readouterr().out
    assert f"zeb42 arena {' '.join(words)} --out {folder.relative_to(tmp_path)}" in printed
    done = len(mirrored(RunFolder.read(folder).games()))
    assert 0 < done < 50
    Tired.calls = -(10**6)
    assert main([*words, "--out", str(folder)]) == 0
    assert len(mirrored(RunFolder.read(folder).games())) == 50


def test_pool_files(tmp_path: Path) -> None:
    pool = tmp_path / "pool.toml"
    pool.write_text(
        'protocol = "dropped30"\nseed = 5\ndeals = 6\nanchor = "floor"\nanchor_elo = 100\n'
        '[[agents]]\nspec = "random"\nname = "floor"\n[[agents]]\nspec = "greedy"\n'
    )
    out = tmp_path / "run"
    assert main(["--pool", str(pool), "--jobs", "1", "--no-plots", "--deals", "4", "--out", str(out)]) == 0
    settings = json.loads((out / "run.json").read_text())
    assert (settings["protocol"], settings["seed"]) == ("dropped30", 5)
    assert json.loads((out / "ratings.json").read_text())["anchor"] == {"name": "floor", "elo": 100.0}
    assert len(rows_without_time(out)) == 8


def test_two_spellings_of_an_agent_need_names(tmp_path: Path) -> None:
    pool = tmp_path / "pool.toml"
    pool.write_text('[[agents]]\nspec = "eq:n=1"\n[[agents]]\nspec = "eq:1"\nname = "again"\n')
    words = ["--deals", "3", "--jobs", "1", "--no-plots", "--out", str(tmp_path / "run")]
    assert main(["--pool", str(pool), *words]) == 0
    assert main(["--pool", str(pool), *words, "eq:1"]) == 2
    assert players_of(["eq:n=1", "eq:n=1,calls=simple", "eq:n=2"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('colour = "red"', "expected known keys"),
        ('[[agents]]\nname = "x"', "expected a spec in agents[0]"),
        ('[[agents]]\nspec = "random"\ntime = 3', "allowed: spec, name, move_time_s"),
        ("[[agents", "expected a TOML pool file"),
        ('deals = "many"', "expected deals in {pool} to be an integer, got 'many'"),
        ("deals = 2.5", "expected deals in {pool} to be an integer, got 2.5"),
        ("seed = true", "expected seed in {pool} to be an integer, got True"),
        ('anchor_elo = "high"', "expected anchor_elo in {pool} to be a number, got 'high'"),
        ("agents = 5", "expected agents in {pool} to be an array, got 5"),
        ("agents = [5]", "expected agents[0] of {pool} to be a table, got 5"),
        (
            '[[agents]]\nspec = "cmd:true"\nmove_time_s = "1"',
            "expected move_time_s in agents[0] of {pool} to be a number",
        ),
    ],
)
def test_bad_pool_files_are_refused(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = tmp_path / "pool.toml"
    pool.write_text(text)
    assert main(["--pool", str(pool)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message.format(pool=pool) in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected run.json of format 1, got []"),
        ('{"format": 2}', "expected run.json of format 1, got 2"),
        ('{"format": 1, "seed": 0, "agents": [], "sessions": []}', "expected protocol, seed, agents and sessions"),
        ('{"format": 1, "protocol": "majority", "seed": 0, "agents": [5], "sessions": []}', "expected protocol, seed"),
        ("{", "expected the folder of an arena run"),
    ],
)
def test_a_damaged_run_json_is_one_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text(text)
    for words in (
        ["report", str(tmp_path)],
        ["show", str(tmp_path), "0"],
        ["random", "greedy", "--out", str(tmp_path)],
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert message in error


def test_names_are_shown_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    names = ("a[/b]", "g[red]", "$x^", ":fire:$")
    pool, out = tmp_path / "pool.toml", tmp_path / "run"
    pool.write_text("".join(f'[[agents]]\nspec = "greedy"\nname = "{name}"\n' for name in names))
    assert main(["--pool", str(pool), "--deals", "2", "--jobs", "1", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert main(["show", str(out), "1"]) == 0
    assert "a[/b] (0&2) – g[red] (1&3)" in capsys.readouterr().out
    for name in names:
        assert shown.count(name) > 5
        assert name in (out / "report.md").read_text()
    assert (out / "pairs.png").is_file()


def test_the_prior_is_the_stopping_rules_too(tmp_path: Path) -> None:
    assert run(tmp_path, deals=100, max_halfwidth=25.0, scale=Scale(prior_hands=1e5)).stopped == "max_halfwidth"


def test_weights_under_the_same_path_are_noticed(tmp_path: Path) -> None:
    def fingerprint(spec: str) -> str | None:
        return Player(spec, "player").describe(make_agent("greedy"))["fingerprint"]

    folder = tmp_path / "run"
    folder.mkdir()
    weights = folder / "model.safetensors"
    specs = (f"cmd:play {weights}", f"cmd:play --fast --weights={weights}")
    weights.write_bytes(b"one")
    before = [fingerprint(spec) for spec in specs]
    assert None not in before
    (folder / "log.csv").write_text("loss")
    assert [fingerprint(spec) for spec in specs] == before
    weights.write_bytes(b"two")
    assert not set(map(fingerprint, specs)) & set(before)
    zeb = make_agent("zeb:laptop")  # agents that are files know their own
    assert Player("zeb:laptop", "player").describe(zeb)["fingerprint"] == zeb.fingerprint is not None
    assert Player("eq:n=7", "eq").describe(make_agent("eq:n=7"))["config"]["n"] == 7


def test_only_what_a_spec_means_as_a_file_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("greedy", "scoring", "play"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"")
    (tmp_path / "majority").write_bytes(b"")
    for spec in ("greedy", "eq:n=5,objective=majority", "cmd:play scoring", "cmd:majority"):
        assert Player(spec, spec).describe(make_agent("greedy"))["fingerprint"] is None


def test_partners_are_part_of_the_settings(tmp_path: Path) -> None:
    words = ["random", "eq:n=1", "--deals", "3", "--jobs", "1", "--no-plots", "--out", str(tmp_path / "run")]
    assert main([*words, "--partners", "greedy"]) == 0
    assert "partners are `greedy`" in (tmp_path / "run" / "report.md").read_text()
    assert main(words) == 2


@pytest.mark.parametrize("program", ["zeb42 arena", "python -m zeb42_agents.arena"])
def test_help_says_what_was_typed(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["report"], ["show"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"], program=program)
        assert " ".join(["usage:", program, *words]) in " ".join(capsys.readouterr().out.split())
