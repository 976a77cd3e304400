"""The calibration tables of the arena: random, greedy, E[Q] and Zeb, of dealt contracts and of the whole game.

    python benchmarks/arena_calibration.py                   all of them, about four hours of one core
    python benchmarks/arena_calibration.py --minutes 10      ten minutes more of it; run it again to go on
    python benchmarks/arena_calibration.py --minutes 0       only write docs/calibration from what has been played
    python benchmarks/arena_calibration.py --protocol hand   the table of one protocol

The stages give cheap pairs more deals than dear ones, and every agent some early on, so that what has been played is a
table at any time, with the intervals that it deserves. Those of dealt contracts end when all intervals are as short as
asked: their widths decide, never the ratings. What was played lies in runs/calibration-PROTOCOL and adds up.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

import numpy as np

from zeb42_agents.arena.cli import main as arena
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.games import mirrored
from zeb42_agents.arena.plots import write_plots
from zeb42_agents.arena.report import markdown_report
from zeb42_agents.arena.summary import summarise

CHEAP, UP_TO_10 = ("random", "greedy", "eq:n=1"), ("random", "greedy", "eq:n=1", "eq:n=10")
UP_TO_100, WITH_500 = (*UP_TO_10, "eq:n=100"), ("greedy", "eq:n=10", "eq:n=100", "eq:n=500")
STAGES = (
    (CHEAP, 3000, None),
    (UP_TO_10, 600, None),
    (UP_TO_100, 300, None),
    (WITH_500, 100, "eq:n=500"),
    (UP_TO_100, 450, None),
    (WITH_500, 200, "eq:n=500"),
    (("eq:n=100", "eq:n=500"), 400, None),
    (UP_TO_100, 600, None),
    (WITH_500, 300, "eq:n=500"),
    (("eq:n=100", "eq:n=500"), 800, None),
    (UP_TO_100, 1000, None),
)
"""Agents, mirrored deals of each pair, and the one that all others play (None: all pairs)."""
BROAD = 5
"""The first so many stages give a table; the others sharpen it."""
ASKED, ASKED_OF_500 = 10.0, 15.0
"""Half the width in Elo that the 95% intervals of the differences to eq:n=100 should have at most."""
MORE_WORLDS = tuple(
    ((agent, "eq:n=100"), 2000, None) for agent in ("random", "eq:n=1", "eq:n=10", "eq:n=30", "eq:n=300")
)
"""What more worlds are worth, in the published format only: 2,000 mirrored deals each against eq:n=100."""
ZEB = (("greedy", "zeb:laptop", "zeb:laptop,sims=64", "eq:n=100"), 600, None)
"""The network that comes with the package, alone and with search."""
QUICK, TAUGHT, SEARCH = "zeb:quick", "zeb:taught", "zeb:quick,worlds=40"
OF_THE_BIDDER = tuple(f"{agent},calls=simple" for agent in (QUICK, SEARCH, "eq:n=10"))
"""The same play with the calls of the bidder that agents share: what the calls alone are worth."""
AT_ONCE = ("random", "greedy", QUICK, OF_THE_BIDDER[0])
WHOLE = (*AT_ONCE, "eq:n=10", "eq:n=10,calls=calibrated", SEARCH, *OF_THE_BIDDER[1:])
LEVEL_1, TOLD = "br:outer=40,inner=8", "zeb:taught,mind=quick,dealt=most_trumps"
STAGES_OF = {
    "most_trumps": (
        (("random", "greedy", QUICK, TAUGHT), 300, None),
        (("random", "greedy", QUICK, TAUGHT, "eq:n=10", LEVEL_1, "eq:n=100", TOLD), 100, None),
        ((TAUGHT, LEVEL_1, "eq:n=100", TOLD), 400, None),
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
"""Those of the format of the strongest published program, and of the whole game, with the auction: a match has some ten
hands, and E[Q] thinks long about its calls."""
PROTOCOLS = ("majority", "contract", "most_trumps", "hand", "match")
ROOT = Path(__file__).parents[1]


class OutOfTimeError(KeyboardInterrupt):
    """The minutes are over: to the arena it is a Ctrl-C."""


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise OutOfTimeError


def play(protocol: str, deadline: float, extra: list[str]) -> bool:
    """Play the stages of one protocol up to the deadline (of ``monotonic``); says whether all are done."""
    dealt = (*STAGES[:BROAD], *(MORE_WORLDS if protocol == "majority" else ()), *STAGES[BROAD:], ZEB)
    stages: tuple[tuple[Sequence[str], int, str | None], ...] = STAGES_OF.get(protocol, dealt)
    for stage in stages:
        agents, deals, versus = stage
        if stage in STAGES and is_sharp(protocol, [versus] if versus else agents):
            continue
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


def is_sharp(protocol: str, agents: Sequence[str]) -> bool:
    """Whether the ratings of these agents are as sharp as asked."""
    if not (_folder(protocol) / "run.json").is_file():
        return False
    folder = RunFolder.read(_folder(protocol))
    summary = summarise(mirrored(folder.games()), folder.names, folder.protocol)
    found = {line.name: line.halfwidth for line in summary.agents}
    return all(found.get(name, np.inf) <= (ASKED_OF_500 if name == "eq:n=500" else ASKED) for name in agents)


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
    parser.add_argument("--protocol", choices=PROTOCOLS, help="only this one")
    options, extra = parser.parse_known_args()
    protocols = [options.protocol] if options.protocol else list(PROTOCOLS)
    end = monotonic() + 60.0 * options.minutes
    for place, protocol in enumerate(protocols):
        share_s = (end - monotonic()) / (len(protocols) - place)
        done = play(protocol, monotonic() + share_s, extra)
        print(f"{protocol}: {'complete' if done else 'to be continued: run this again'}")
        write(protocol)


if __name__ == "__main__":
    main()
