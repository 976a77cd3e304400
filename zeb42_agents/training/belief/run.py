""":class:`Belief`: a network's belief, learned at many tables, in a folder that a stopped run goes on from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress as Bars

from zeb42_agents import weights
from zeb42_agents.agent import as_agent
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.evaluator import load as load_network
from zeb42_agents.files import replaced_file, write_json
from zeb42_agents.training.belief.collect import MIXED, collect, read_views
from zeb42_agents.training.belief.config import BeliefConfig
from zeb42_agents.training.belief.fit import fit_belief, judge
from zeb42_agents.training.in_rounds import CONFIG_FILE
from zeb42_agents.training.ladder.fit import Progress
from zeb42_agents.training.ladder.states import key_of
from zeb42_agents.training.lesson import LESSON_FILE
from zeb42_agents.training.run_folder import take_lock

TABLE_FILE = "tables.csv"
HELD_OUT = 10  # every such file is held out


class Belief:
    """A run that teaches a belief: ``views/`` by number, ``latest/`` and, if accepted,
    ``best/``, and ``tables.csv`` with what it is worth where."""

    def __init__(self, config: BeliefConfig, folder: Path, *, console: Console) -> None:
        self.config, self.folder, self._console = config, folder, console
        self._lock = take_lock(folder)
        self.before = load_network(config.network, device="cpu")
        if not self.before.model.config.belief_head:
            raise ValueError(f"expected a network with a belief head, got {config.network!r}")
        self.names = [f"zeb:{config.network}", *config.players]
        self.players = [as_agent(spec) for spec in self.names]  # a slip shows now, not after minutes
        write_json(folder / CONFIG_FILE, config.to_json())

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One for each file of views that is saved."""
        return [{"file": path.name} for path in sorted((self.folder / "views").glob("[0-9]*.npy"))]

    def run(self) -> None:
        """Play what is left to be played, learn, and say what the belief is worth at each table."""
        try:
            self._run()
        finally:
            self._lock.release(force=True)

    def _run(self) -> None:
        torch.set_num_threads(self.config.threads)
        paths = [self.folder / "views" / f"{number:04d}.npy" for number in range(self.config.chunks)]
        paths[0].parent.mkdir(exist_ok=True)
        with self._bar("playing") as tell:
            for number, path in enumerate(paths):
                tell(number / len(paths))
                if not path.is_file():
                    found = collect(self.players, self.config.hands, self.config.share, self._key(number))
                    with replaced_file(path) as fresh, open(fresh, "wb") as file:
                        np.save(file, found, allow_pickle=False)
        parts = [read_views(path) for path in paths]
        held_out = np.concatenate(parts[::HELD_OUT])
        learned = np.concatenate([part for number, part in enumerate(parts) if number % HELD_OUT])
        if missing := sorted({*range(len(self.names)), MIXED} - {*held_out["table"].tolist()}):
            names = ", ".join("mixed ones" if table == MIXED else self.names[table] for table in missing)
            raise ValueError(f"expected held-out views of all tables, got none of {names}; play more --hands")
        with self._bar(f"learning from {len(learned):,} views") as tell:
            learner = NetworkEvaluator(deepcopy(self.before.model), device="cpu", precision="float32")
            lesson = self.folder / LESSON_FILE
            model = fit_belief(learner, learned, self.config, tell, kept=lesson)
        state = {"network": self.config.network, "tables": self.names}
        weights.save(self.folder / "latest", model, state)
        worse = self._report(held_out, load_network(self.folder / "latest", device="cpu"))
        if worse:
            self._console.print(f"not accepted: worse than the rules alone at {', '.join(worse)}; it is in latest/")
        else:
            weights.save(self.folder / "best", model, state)
            self._console.print("accepted: at no table worse than the rules alone; it is in best/")
        lesson.unlink(missing_ok=True)  # not before: whoever stops while it is judged does not want to learn again

    def _report(self, held_out: np.ndarray, after: NetworkEvaluator) -> list[str]:
        """Say and write what the belief is worth at each table; the tables where the rules alone say more."""
        names = [*self.names, "mixed"]
        worse: list[str] = []
        rows: list[dict[str, Any]] = []
        was = {row["table"]: row for row in judge(self.before, held_out, names)}
        for row in judge(after, held_out, names):
            before = {f"before_{what}": was[row["table"]][f"network_{what}"] for what in ("accuracy", "cross_entropy")}
            rows.append(row | before)
            if float(row["network_cross_entropy"]) > float(row["legality_cross_entropy"]):
                worse.append(str(row["table"]))
            self._console.print(
                f"{row['table']}: {row['network_accuracy']:.1%} of hidden dominoes (the rules alone "
                f"{row['legality_accuracy']:.1%}, before {before['before_accuracy']:.1%}), "
                f"cross-entropy {row['network_cross_entropy']:.4f} ({row['legality_cross_entropy']:.4f}, "
                f"{before['before_cross_entropy']:.4f})",
                soft_wrap=True,
            )
        with replaced_file(self.folder / TABLE_FILE) as fresh, open(fresh, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        return worse

    def _key(self, number: int) -> np.uint64:
        return key_of(self.config.seed, number)

    @contextmanager
    def _bar(self, words: str) -> Iterator[Progress]:
        with Bars(console=self._console, transient=True) as bars:
            task = bars.add_task(words, total=1.0)
            yield lambda done: bars.update(task, completed=done)
        self._console.print(f"{words}: done")
