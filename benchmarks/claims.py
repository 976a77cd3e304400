"""Rerun what README and docs claim in figures, and set today's figure beside the claimed one.

    python benchmarks/claims.py                  all that fits in an hour, on two idle cores
    python benchmarks/claims.py --list           what there is, with minutes; what takes longer, with hours
    python benchmarks/claims.py --only solver policy
    python benchmarks/claims.py --minutes 10     the first that fit into ten minutes together
    python benchmarks/claims.py --out FOLDER     go on with a table that was stopped

The claims are in claims.toml: where each stands, and how to find it there and in the output of its command. The table
is printed and written to ``--out`` (``claims.md``, with every command's output beside it). Stopped, it goes on with the
same ``--out``: what ran to its end there is read, not run again. The exit status is 1 if a
command failed, printed no figure, or a figure that must be the same is another. Speeds depend on the machine, so they
only say how many times as fast today was.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
DONE = "done.txt"  # in the folder of a run that ended well: its command
HEADER = "| what | claimed | today | verdict | where |\n|---|---:|---:|---|---|"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A figure on a page, and how to find it there and in what is printed today."""

    what: str
    page: str
    claimed: str
    """Pattern of the page, whose one group is the figure."""
    today: str
    """Pattern of the output, likewise."""
    kind: Literal["exact", "share", "rate", "time"]
    within: float = 0.0
    """How far a share may be off."""
    times: float = 1.0
    """Unit of the claimed figure."""

    def on_page(self) -> float:
        """The claimed figure. ValueError unless the page has it."""
        return self.times * _figure(self.claimed, (ROOT / self.page).read_text(encoding="utf-8"), self.page)

    def verdict(self, claimed: float, today: float) -> tuple[bool, str]:
        """Whether today's figure upholds the claim, and in words."""
        if self.kind == "exact":
            return (True, "the same") if claimed == today else (False, "ANOTHER")
        if self.kind == "share":
            off = abs(today - claimed)
            return (True, f"off by {off:.2g}") if off <= self.within + 1e-9 else (False, f"OFF by {off:.2g}")
        speed = today / claimed if self.kind == "rate" else claimed / max(today, 1e-9)
        return True, f"{speed:.2f}x as fast"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A command that prints the figures of some claims."""

    name: str
    command: str
    """Script and options, from the repository's root; ``{folder}`` is a folder of its own."""
    minutes: float
    """On two idle cores."""
    claims: tuple[Claim, ...]
    read: str = ""
    """File of that folder that has the figures, if not the output."""

    def output(self, folder: Path) -> str:
        """What the command prints, or writes, or did in ``folder`` when it last ran. CalledProcessError if it fails."""
        if not self.is_done(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            words = self.command.format(folder=folder).split()
            with (folder / "output.txt").open("w", encoding="utf-8") as printed:
                subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=printed, stderr=subprocess.STDOUT)
            (folder / DONE).write_text(self.command, encoding="utf-8")
        return (folder / (self.read or "output.txt")).read_text(encoding="utf-8")

    def is_done(self, folder: Path) -> bool:
        """Whether this command ran to its end in ``folder``."""
        done = folder / DONE
        return done.is_file() and done.read_text(encoding="utf-8") == self.command


@dataclass(frozen=True, kw_only=True)
class Long:
    """A command that takes too long to be run here."""

    command: str
    hours: float
    what: str


@dataclass
class Table:
    """The rows so far, and whether all of them hold."""

    rows: list[str] = field(default_factory=list)
    holds: bool = True

    def add(self, claim: Claim, claimed: float, today: float) -> None:
        """A row with both figures."""
        upheld, verdict = claim.verdict(claimed, today)
        self._add(upheld, f"| {claim.what} | {claimed:,.10g} | {today:,.10g} | {verdict} | {claim.page} |")

    def add_failure(self, claim: Claim, why: str) -> None:
        """A row without today's figure."""
        self._add(False, f"| {claim.what} | {claim.on_page():,.10g} | | FAILED: {why} | {claim.page} |")

    def _add(self, upheld: bool, row: str) -> None:
        self.holds &= upheld
        self.rows.append(row)
        print(row, flush=True)


def read_claims() -> tuple[list[Run], list[Long]]:
    """The runs, and what takes longer."""
    found = tomllib.loads((ROOT / "benchmarks" / "claims.toml").read_text(encoding="utf-8"))
    runs = [Run(**{**run, "claims": tuple(Claim(**claim) for claim in run["claims"])}) for run in found["run"]]
    return runs, [Long(**entry) for entry in found["long"]]


def check(run: Run, folder: Path, table: Table) -> None:
    """Run it, and add a row for each of its claims."""
    try:
        output = run.output(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        for claim in run.claims:
            table.add_failure(claim, " ".join(str(error).split())[-80:])
        return
    for claim in run.claims:
        try:
            table.add(claim, claim.on_page(), _figure(claim.today, output, "the output"))
        except ValueError as error:
            table.add_failure(claim, str(error))


def _figure(pattern: str, text: str, where: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"expected a figure like {pattern} in {where}, got none")
    return float(found[1].replace(",", ""))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runs, long = read_claims()
    parser.add_argument("--only", nargs="+", choices=[run.name for run in runs], metavar="RUN")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long it may take (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--out", type=Path, help="folder of the table; a new one by default, one to go on with")
    options = parser.parse_args(arguments)
    chosen = [run for run in runs if not options.only or run.name in options.only]
    if options.list:
        for run in chosen:
            print(f"{run.minutes:6.1f} min  {run.name:<16} python {run.command}")
        for entry in long:
            print(f"{entry.hours:6.1f} h    {entry.what}: python {entry.command}")
        return 0
    out = options.out or Path(tempfile.mkdtemp(prefix="zeb42-claims-"))
    table, left, began = Table(), options.minutes, time.monotonic()
    print(HEADER, flush=True)
    for run in chosen:
        folder = (out / run.name).resolve()
        if not run.is_done(folder):
            if run.minutes > left:
                print(f"<!-- {run.name}: {run.minutes:g} minutes, left out -->")
                continue
            left -= run.minutes
        check(run, folder, table)
    print(f"\n{len(table.rows)} figures in {(time.monotonic() - began) / 60:.1f} minutes: {out / 'claims.md'}")
    waiting = [f"- {entry.hours:g} hours: `python {entry.command}`, {entry.what}" for entry in long]
    out.mkdir(parents=True, exist_ok=True)
    text = [HEADER, *table.rows, "", "Not run here:", "", *waiting, ""]
    (out / "claims.md").write_text("\n".join(text), encoding="utf-8")
    return 0 if table.holds else 1


if __name__ == "__main__":
    sys.exit(main())
