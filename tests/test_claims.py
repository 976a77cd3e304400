"""The claims are where claims.toml says, and what reruns them is there; one of them is rerun, and one that is wrong."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("claims", ROOT / "benchmarks" / "claims.py")
assert _spec is not None
assert _spec.loader is not None
claims = importlib.util.module_from_spec(_spec)
sys.modules["claims"] = claims
_spec.loader.exec_module(claims)
RUNS, LONG = claims.read_claims()


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_every_claim_stands_on_its_page(run) -> None:
    for claim in run.claims:
        assert claim.on_page() != 0
        assert claim.kind in ("exact", "share", "rate", "time")
    assert (ROOT / run.command.split()[0]).is_file()


def test_all_of_it_fits_in_an_hour() -> None:
    assert sum(run.minutes for run in RUNS) <= 60
    assert all((ROOT / entry.command.split()[0]).is_file() and entry.hours > 0 for entry in LONG)


def test_a_claim_is_rerun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = claims.Run(
        name="bytes",
        command="benchmarks/env.py --only memory",
        minutes=0.1,
        claims=tuple(
            claims.Claim(
                what=what, page="benchmarks/README.md", claimed=r"HAND record \| (\d+)", today=today, kind=kind
            )
            for what, today, kind in (
                ("right", r"record, bytes +(\d+)", "exact"),
                ("wrong", r"a (m)illion", "rate"),
                ("missing", r"nothing (\d)", "time"),
            )
        )[::2],
    )
    table = claims.Table()
    claims.check(run, tmp_path / "run", table)
    assert table.rows[0] == "| right | 96 | 96 | the same | benchmarks/README.md |"
    assert "FAILED: expected a figure like nothing" in table.rows[1]
    assert not table.holds
    capsys.readouterr()


def test_a_run_that_ended_is_read_and_one_that_did_not_is_run(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(
        "import sys; f = open(sys.argv[1], 'a'); f.write('x'); print(1 / int(sys.argv[2]))"
    )
    counted = tmp_path / "times"
    good, bad = (
        claims.Run(name="it", command=f"{tmp_path}/count.py {counted} {number}", minutes=0.1, claims=())
        for number in (2, 0)
    )
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            bad.output(tmp_path / "run")
    assert counted.read_text() == "xx"
    for _ in range(2):
        assert good.output(tmp_path / "run") == "0.5\n"
    assert counted.read_text() == "xxx"
    assert not bad.is_done(tmp_path / "run")


@pytest.mark.parametrize(
    ("kind", "claimed", "today", "verdict"),
    [
        ("exact", 96, 96, (True, "the same")),
        ("exact", 96, 97, (False, "ANOTHER")),
        ("share", 77.5, 77.4, (True, "off by 0.1")),
        ("share", 77.5, 76.5, (False, "OFF by 1")),
        ("rate", 2.0, 3.0, (True, "1.50x as fast")),
        ("time", 2.0, 4.0, (True, "0.50x as fast")),
    ],
)
def test_verdicts(kind: str, claimed: float, today: float, verdict: tuple[bool, str]) -> None:
    claim = claims.Claim(what="", page="", claimed="", today="", kind=kind, within=0.2)
    assert claim.verdict(claimed, today) == verdict
