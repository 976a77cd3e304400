"""The run folder: one arena at a time, rows of its own settings alone, and deals that follow from a secret."""

from __future__ import annotations

import errno
import json
import shlex
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zeb42_agents.arena.cli import main
from zeb42_agents.arena.folder import RunFolder, new_run_path
from zeb42_agents.arena.games import read_row
from zeb42_agents.arena.plan import Plan
from zeb42_agents.arena.players import players_of
from zeb42_agents.arena.protocols import get_protocol
from zeb42_agents.arena.run import run_pool
from zeb42_agents.arena.show import deal_report
from zeb42_env import Hand


def settings(seed: int | None = 3, protocol: str = "majority", partners: str | None = None) -> dict[str, Any]:
    described = [player.describe(player.build()) for player in players_of(["random", "greedy"])]
    partner = players_of([partners])[0].describe(players_of([partners])[0].build()) if partners else None
    return {"protocol": protocol, "seed": seed, "partners": partner, "agents": described}


def play(path: Path, num_deals: int = 3, **changes: Any) -> None:
    run_pool(players_of(["random", "greedy"]), RunFolder.open(path, settings(**changes)), Plan(deals=num_deals))


def test_one_arena_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    """Two wrote one run.json, which held one and a half texts afterwards."""
    folder = RunFolder.open(tmp_path, settings())
    with pytest.raises(ValueError, match="expected a run folder that no other arena is at work in"):
        RunFolder.open(tmp_path, settings())
    assert RunFolder.read(tmp_path).names == ["random", "greedy"]  # a report may look at any time
    folder.close()
    play(tmp_path)
    play(tmp_path, num_deals=4)


def test_a_refused_folder_is_not_kept_locked(tmp_path: Path) -> None:
    play(tmp_path)
    with pytest.raises(ValueError, match="seed: the folder has 3, this run 4"):
        RunFolder.open(tmp_path, settings(seed=4))
    play(tmp_path)


def test_two_runs_that_start_in_one_second_do_not_meet(tmp_path: Path) -> None:
    assert len({new_run_path(tmp_path) for _ in range(5)}) == 5


def test_what_a_crash_left_of_a_new_folder_is_no_run_of_others(tmp_path: Path) -> None:
    (tmp_path / "run.json.new").write_text("{")
    (tmp_path / ".lock").touch()
    play(tmp_path)
    assert not (tmp_path / "run.json.new").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(ValueError, match="other files in it"):
        play(tmp_path / "other")


@pytest.mark.parametrize("change", [{"seed": 4}, {"protocol": "contract"}, {"partners": "eq:n=1"}])
def test_rows_of_other_settings_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """They counted as the run's own, without a word."""
    play(tmp_path / "own")
    if "partners" in change:
        partner = players_of(["eq:n=1"])[0]
        other = RunFolder.open(tmp_path / "other", settings(**change))
        run_pool(players_of(["random", "greedy"]), other, Plan(deals=3), partner=partner)
    else:
        play(tmp_path / "other", **change)
    (copied,) = (tmp_path / "other").glob("hands-*.jsonl")
    (tmp_path / "own" / "hands-copied.jsonl").write_bytes(copied.read_bytes())
    with pytest.raises(ValueError, match=r"which this run plays, got one of {'protocol': .*; was it copied here"):
        RunFolder.read(tmp_path / "own").games()
    assert main(["report", str(tmp_path / "own"), "--no-plots"]) == 2
    with pytest.raises(ValueError, match=r"which this run plays, got one of {'protocol': .*; was it copied here"):
        deal_report(RunFolder.read(tmp_path / "own"), 0)  # it showed whichever it found last


def test_rows_say_what_they_were_played_under_and_older_rows_count(tmp_path: Path) -> None:
    play(tmp_path)
    (file,) = tmp_path.glob("hands-*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {(row["protocol"], row["seed"]) for row in rows} == {("majority", 3)}
    file.write_text(file.read_text().replace(',"protocol":"majority","seed":3}', "}"))
    assert len(RunFolder.read(tmp_path).games()) == 6


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = RunFolder.open(tmp_path, settings())
    monkeypatch.setattr("zeb42_agents.arena.folder.os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*hands-0001.jsonl"):
        run_pool(players_of(["random", "greedy"]), folder, Plan(deals=1))
    monkeypatch.undo()
    play(tmp_path)


SPY = """
read line; echo ready
arena=$(ps -o ppid= -p $PPID | tr -d ' ')
(env; for pid in $PPID $arena; do tr '\\0' ' ' < /proc/$pid/cmdline; tr '\\0' '\\n' < /proc/$pid/environ; done
cat {run}/run.json) > {seen}
"""


def test_deals_follow_from_a_secret_that_no_program_is_told(
    tmp_path: Path, own_state_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the seed in the command line and in run.json a program knew the whole deal in 1,120 of 1,124 decisions."""
    run, seen, stopped = tmp_path / "run", tmp_path / "seen", tmp_path / "stopped"
    spy = f"cmd:{shlex.join(['/bin/sh', '-c', SPY.format(run=run, seen=seen)])}"
    words = [spy, "greedy", "--deals", "3", "--jobs", "1", "--no-plots", "--out", str(run)]
    assert main(words) == 0
    during, after = seen.read_text(), json.loads((run / "run.json").read_text())
    assert '"seed": null' in during
    assert after["seed_sha256"] in during
    assert after["secret"] not in during
    assert str(after["seed"]) not in during
    assert sha256(bytes.fromhex(after["secret"])).hexdigest() == after["seed_sha256"]
    assert list(own_state_folder.rglob("*")) == [own_state_folder / "zeb42", own_state_folder / "zeb42" / "arena"]
    rows = [json.loads(line) for line in RunFolder.read(run).lines()]
    dealt = get_protocol("majority").deal(after["seed"], np.array([row["deal"] for row in rows]))
    for row, hand in zip(rows, dealt, strict=True):
        assert (Hand.parse(row["hand"]).record["owner"] == hand["owner"]).all()
    assert {row["seed"] for row in rows} == {f"sha256:{after['seed_sha256'][:16]}"}
    capsys.readouterr()
    assert main([*words[:3], "4", *words[4:]]) == 0  # more deals, which are secret no more
    assert "after this run's secret was out" in capsys.readouterr().out
    assert not stopped.exists()


def test_a_secret_run_resumes_where_its_secret_is(tmp_path: Path, own_state_folder: Path) -> None:
    secretly = settings(seed=None)
    secretly["agents"].append(players_of(["cmd:true"])[0].describe(players_of(["cmd:true"])[0].build()))
    folder = RunFolder.open(tmp_path, secretly)
    folder.close()
    (kept,) = own_state_folder.rglob("zeb42/arena/*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    again = RunFolder.open(tmp_path, secretly)
    assert again.seed == folder.seed
    again.close()
    assert len(RunFolder.read(tmp_path).games()) == 0  # a report needs no secret
    kept.unlink()
    with pytest.raises(ValueError, match=r"expected the secret of this run in .*, got none"):
        _ = RunFolder.open(tmp_path, secretly).seed


def test_a_seed_that_is_given_and_pools_without_programs_stay_reproducible(tmp_path: Path) -> None:
    for words, seed in ((["random", "greedy"], 0), (["random", "cmd:true", "--seed", "7"], 7)):
        out = tmp_path / str(seed)
        assert main([*words, "--deals", "1", "--jobs", "1", "--no-plots", "--out", str(out)]) == 0
        assert json.loads((out / "run.json").read_text())["seed"] == seed
        assert (
            main([*words[:2], "--deals", "2", "--jobs", "1", "--no-plots", "--out", str(out)]) == 0
        )  # the folder's own


def test_files_nested_beyond_reason_are_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("[" * 100_000)
    pool = tmp_path / "pool.toml"
    pool.write_text("agents = " + "[" * 100_000)
    for arguments in (["report", str(tmp_path)], ["--pool", str(pool)]):
        assert main(arguments) == 2
        told = capsys.readouterr()
        assert "nested" in told.out + told.err


def test_a_row_of_an_agent_against_itself_is_passed_over() -> None:
    row = {
        "deal": 0, "table": 0, "teams": ["random", "greedy"], "result": 1, "points": [42, 0], "bidder": 0, "made": 1,
        "ms": [0, 0], "decisions": [14, 14], "hand": "",
    }  # fmt: skip
    assert read_row(json.dumps(row), unit="hand") == row
    with pytest.raises(ValueError, match="expected a row of a hand"):
        read_row(json.dumps({**row, "teams": ["random", "random"]}), unit="hand")
