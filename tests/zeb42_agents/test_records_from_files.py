"""Records from files look as those that were dealt, yet numba would compile every kernel again for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from zeb42_env import HAND, Hand, Rules
from zeb42_env._core.tables import views_of

ASK_EVERYONE = """
import sys
import numpy as np
from numba.core import event

compiled = []

class Listener(event.Listener):
    def on_start(self, start):
        compiled.append(start.data["dispatcher"].py_func.__name__)

    def on_end(self, end):
        pass

event.register("numba:compile", Listener())
from zeb42_agents import make_agent, solver, worlds
from zeb42_env import HAND, Hand, Table, observe_many, play_out

hands, views = (np.load(name) for name in sys.argv[2:])
if sys.argv[1] == "dealt":
    hands, views = hands.astype(HAND), views.astype(HAND)
else:
    assert hands.dtype == HAND and not hands.dtype.isalignedstruct
keys = np.arange(len(hands), dtype=np.uint64)
said = [str(Hand(hands[0])), observe_many(views, views["seat"]).sum()]
said += [observe_many(views, views["seat"], "tokens").sum()]
said += [worlds.count(views[0]), worlds.marginals(views[0]).sum(), worlds.sample(views[0], 2, rng=1).tobytes()]
said += [solver.solve(hands[0]), solver.solve_worlds(hands).tolist()]
said += [make_agent(name).act(views, keys).tolist() for name in ("random", "greedy", "eq:n=2")]
table = Table(hands, keys)
play_out(table, make_agent("random").act)
print([*said, table.hands.tobytes()])
print(sorted(compiled))
"""


def test_no_kernel_is_compiled_again_for_records_from_files(tmp_path: Path) -> None:
    hands = np.array([Hand.deal(seed, Rules(contract="random")).record for seed in range(3)], HAND)
    names = [str(tmp_path / "hands.npy"), str(tmp_path / "views.npy")]
    np.save(names[0], hands)
    np.save(names[1], views_of(hands, hands["to_move"]))
    said = [
        subprocess.run(
            [sys.executable, "-c", ASK_EVERYONE, origin, *names], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for origin in ("dealt", "file")
    ]
    assert said[0][0] == said[1][0]
    assert said[1][1] == "[]"
