"""Kill a training run at random moments, resume it each time, and compare it with one that was left alone.

``python benchmarks/kill_and_resume.py`` starts a tiny run in a process of its own, sends it SIGKILL after a random
time, and goes on until it has been killed ten times; then it lets the run finish. At every stop it checks that what
lies in the folder is whole, and that no finished cycle was lost; at the end, that metrics, weights and hands are those
of a run that was never stopped. The moments come from ``--seed``; the clock decides where they fall.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from zeb42_agents import weights
from zeb42_agents.training.run_folder import read_checkpoint

TINY = {
    "cycles": 60,
    "teacher-cycles": 30,
    "lanes": 8,
    "steps-per-cycle": 2,
    "batch-size": 16,
    "min-buffer-examples": 100,
    "buffer-examples": 2000,
    "evaluate-every": 20,
    "evaluate-deals": 4,
    "final-deals": 4,
    "belief-hands": 4,
    "sims": 4,
    "worlds": 2,
    "precision": "float32",
    "threads": 1,
}
OPTIONS = [word for name, value in TINY.items() for word in (f"--{name}", str(value))]
TRAIN = [sys.executable, "-m", "zeb42_agents.training"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, torn = Path(folder) / "whole", Path(folder) / "torn"
        subprocess.run([*TRAIN, "--out", str(whole), *OPTIONS], check=True, stdout=subprocess.DEVNULL)
        kills = killed_at = 0
        while kills < options.kills:
            finished = run_and_kill(torn, rng, killed_at)
            if finished is None:
                sys.exit(f"the run ended after {kills} kills; give it more cycles")
            if finished < killed_at:
                sys.exit(f"cycle {killed_at} was finished, but only {finished} is left")
            kills, killed_at = kills + 1, finished
            print(f"kill {kills}: cycle {finished} is whole and saved", flush=True)
        subprocess.run([*TRAIN, "--resume", str(torn)], check=True, stdout=subprocess.DEVNULL)
        compare(whole, torn)
    print(f"killed {kills} times, resumed each time; metrics, weights and hands as if never stopped")


def run_and_kill(run: Path, rng: random.Random, before: int) -> int | None:
    """Start or resume ``run``, kill it a random while after its first new cycle; the last finished cycle, or None if
    the run came to its end first."""
    words = ["--resume", str(run)] if (run / "checkpoint").exists() else ["--out", str(run), *OPTIONS]
    process = subprocess.Popen([*TRAIN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while finished_cycle(run) <= before and process.poll() is None:
        time.sleep(0.005)
    time.sleep(rng.uniform(0.0, 1.0))
    if process.poll() is not None:
        return None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return check_whole(run)


def finished_cycle(run: Path) -> int:
    """The cycle that the checkpoint says is finished; 0 while there is none, or while it is being replaced."""
    try:
        return int(json.loads((run / "checkpoint" / "progress.json").read_text())["cycle"])
    except (FileNotFoundError, json.JSONDecodeError):
        return 0


def check_whole(run: Path) -> int:
    """Read everything that a resume reads; an error here is a file that was left half-written."""
    checkpoint = read_checkpoint(run)
    weights.load(run)
    json.loads((run / "config.json").read_text())
    return int(checkpoint.progress["cycle"])


def compare(whole: Path, torn: Path) -> None:
    """Stop with a message if the two runs differ in anything but what the clock says."""
    for name in ("latest", "best"):
        ours, theirs = (weights.load(run / name).model.state_dict() for run in (whole, torn))
        if not all(torch.equal(ours[key], theirs[key]) for key in ours):
            sys.exit(f"the {name} weights differ")
    if not np.array_equal(read_checkpoint(whole).hands, read_checkpoint(torn).hands):
        sys.exit("the buffers differ")
    if metrics(whole) != metrics(torn):
        sys.exit("the metrics differ")


def metrics(run: Path) -> list[dict[str, str]]:
    """The rows of the run without what the clock says."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if not k.endswith("_time_s")} for row in csv.DictReader(file)]


if __name__ == "__main__":
    main()
