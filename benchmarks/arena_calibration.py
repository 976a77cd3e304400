"""The calibration tables of the arena: random, greedy, E[Q] and Zeb, of dealt contracts and of the whole game.

    python benchmarks/arena_calibration.py                   all of them, some hours of one core
    python benchmarks/arena_calibration.py --minutes 10      ten minutes more of it; run it again to go on
    python benchmarks/arena_calibration.py --minutes 0       only write docs/calibration from what has been played
    python benchmarks/arena_calibration.py --protocol hand   the table of one protocol

The stages give cheap pairs more deals than dear ones, and every agent some early on, so that what has been played is a
table at any time, with the intervals that it deserves. What was played lies in runs/calibration-PROTOCOL and adds up.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

from zeb42_agents.arena.cli import main as arena
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import mirrored
from zeb42_agents.arena.plots import write_plots
from zeb42_agents.arena.report import markdown_report
from zeb42_agents.arena.summary import summarise

QUICK, SHARP, TAUGHT, SEASONED = "zeb:quick", "zeb:sharp", "zeb:taught", "zeb:seasoned"
SEARCH, STRONGEST = "zeb:quick,worlds=40", "zeb:seasoned,mind=quick"
AT_SIGHT = ("random", "greedy", "eq:n=1", "zeb:laptop", QUICK, SHARP, TAUGHT, SEASONED)
BY_CHANCE = (
    (AT_SIGHT, 500, None),
    ((*AT_SIGHT, "eq:n=10", "eq:n=100"), 100, None),
    ((SHARP, TAUGHT, SEASONED, "eq:n=10"), 1000, None),
    ((*AT_SIGHT, "eq:n=10", "eq:n=100"), 500, "eq:n=100"),
    ((SHARP, TAUGHT, SEASONED, "eq:n=10", "eq:n=100"), 1500, "eq:n=100"),
    ((*AT_SIGHT, "eq:n=10", "eq:n=100", STRONGEST), 100, STRONGEST),
    ((SEASONED, "eq:n=100", STRONGEST), 500, STRONGEST),
    (("eq:n=100", STRONGEST), 1500, None),
)
"""Of contracts by chance: agents, mirrored deals of each pair, and the one that all others play (None: all pairs). What
an interval to the anchor needs most is deals against the anchor."""
OF_THE_BIDDER = tuple(f"{agent},calls=simple" for agent in (QUICK, SEARCH, "eq:n=10"))
"""The same play with the calls of the bidder that agents share: what the calls alone are worth."""
AT_ONCE = ("random", "greedy", QUICK, OF_THE_BIDDER[0])
WHOLE = (*AT_ONCE, "eq:n=10", "eq:n=10,calls=calibrated", SEARCH, *OF_THE_BIDDER[1:])
LEVEL_1, TOLD = "br:outer=40,inner=8", "zeb:seasoned,mind=quick,dealt=most_trumps"
STAGES = {
    "majority": BY_CHANCE,
    "contract": BY_CHANCE,
    "most_trumps": (
        (("random", "greedy", QUICK, SHARP, TAUGHT, SEASONED), 500, None),
        (("random", "greedy", QUICK, SHARP, TAUGHT, SEASONED, "eq:n=10", "eq:n=100"), 100, None),
        (("random", "greedy", QUICK, SHARP, TAUGHT, SEASONED, "eq:n=10", LEVEL_1, "eq:n=100"), 500, "eq:n=100"),
        (("random", "greedy", QUICK, SHARP, TAUGHT, SEASONED, "eq:n=10", "eq:n=100", TOLD), 100, TOLD),
        ((LEVEL_1, "eq:n=100", TOLD), 500, None),
        ((SEASONED, TAUGHT, LEVEL_1, "eq:n=100", TOLD), 1000, "eq:n=100"),
        ((SHARP, SEASONED, TAUGHT, "eq:n=100"), 1500, "eq:n=100"),
        (("eq:n=100", TOLD), 1700, None),
    ),
    "hand": (
        (AT_ONCE, 300, None),
        (WHOLE, 100, None),
        (("greedy", QUICK, SEARCH, "eq:n=100"), 100, "eq:n=100"),
        ((*AT_ONCE, "eq:n=10", SEARCH, TAUGHT), 200, TAUGHT),
        (AT_ONCE, 1000, None),
        ((SEARCH, "eq:n=100"), 600, None),
    ),
    "match": (
        (AT_ONCE, 100, None),
        ((*AT_ONCE, SEARCH, *OF_THE_BIDDER[1:], "eq:n=10,calls=calibrated"), 50, None),
        ((*AT_ONCE, SEARCH, TAUGHT), 100, TAUGHT),
        (AT_ONCE, 500, None),
        ((QUICK, SEARCH, "eq:n=100"), 50, "eq:n=100"),
    ),
}
"""By protocol. A match has some ten hands, and E[Q] thinks long about its calls."""
ROOT = Path(__file__).parents[1]


class OutOfTimeError(KeyboardInterrupt):
    """The minutes are over: to the arena it is a Ctrl-C."""


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise OutOfTimeError


def play(protocol: str, deadline: float, extra: list[str]) -> bool:
    """Play the stages of one protocol up to the deadline (of ``monotonic``); says whether all are done."""
    stages: tuple[tuple[Sequence[str], int, str | None], ...] = STAGES[protocol]
    for agents, deals, versus in stages:
        left_s = deadline - monotonic()
        if left_s < 1.0:
            return False
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, left_s)
        words = [*agents, "--protocol", protocol, "--deals", str(deals), "--out", str(_folder(protocol)), "--no-plots"]
        status = arena([*words, *(["--versus", versus] if versus else []), *extra])
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        if status:
            return False
    return True


def write(protocol: str) -> None:
    """Write the summary of one protocol into docs/calibration."""
    out = ROOT / "docs" / "calibration"
    out.mkdir(parents=True, exist_ok=True)
    folder = RunFolder.read(_folder(protocol))
    summary = summarise(mirrored(folder.games()), folder.names, folder.protocol)
    (out / f"{protocol}.json").write_text(json.dumps(summary.to_json(), indent=1) + "\n")
    ratings, _, strength_time = write_plots(summary, out)
    plots = [plot.rename(out / f"{protocol}-{plot.name}").name for plot in (ratings, strength_time)]
    (out / "pairs.png").unlink()
    (out / f"{protocol}.md").write_text(markdown_report(summary, folder.settings, plots))


def _folder(protocol: str) -> Path:
    return ROOT / "runs" / f"calibration-{protocol}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1e4, help="stop after so many; the protocols share them")
    parser.add_argument("--protocol", choices=STAGES, help="only this one")
    options, extra = parser.parse_known_args()
    protocols = [options.protocol] if options.protocol else list(STAGES)
    end = monotonic() + 60.0 * options.minutes
    for place, protocol in enumerate(protocols):
        share_s = (end - monotonic()) / (len(protocols) - place)
        done = play(protocol, monotonic() + share_s, extra)
        print(f"{protocol}: {'complete' if done else 'to be continued: run this again'}")
        write(protocol)


if __name__ == "__main__":
    main()
