"""The ladder's run: its folder, its rungs, and what it tells on the way.

A kill loses the files of labels under way, or the last minute of a lesson, or what is played for it or measured just
then.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeb42_agents import weights
from zeb42_agents.agent import Agent, as_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.stops import check_stop
from zeb42_agents.evaluator import NetworkEvaluator, load
from zeb42_agents.files import read_json, recover_folder, replaced_file, write_json
from zeb42_agents.minds import Mind, dice_mind, network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.played import MindPlayer
from zeb42_agents.search.bundle import Plan
from zeb42_agents.training.in_rounds import CONFIG_FILE, is_kind
from zeb42_agents.training.ladder.bottom import BOTTOM, bottom_rung, given_mind, require_learner
from zeb42_agents.training.ladder.config import KIND, LadderConfig
from zeb42_agents.training.ladder.fit import fit_labels, regret
from zeb42_agents.training.ladder.labels import label_by_outcomes, label_states, read_labels, write_labels
from zeb42_agents.training.ladder.network import answers, fit_network, logits_of
from zeb42_agents.training.ladder.states import Players, States, key_of, mixture, reach_states
from zeb42_agents.training.lesson import LESSON_FILE
from zeb42_agents.training.run_folder import is_begun, take_lock

PROGRESS_FILE, TABLE_FILE = "progress.json", "rungs.csv"
MINDS, NETWORKS, LABELS, BEST, BEST_NETWORK = "minds", "networks", "labels", "best", "best-network"
HELD_OUT = "held-out"
SCHEMA = 1
JUDGES = 5  # rungs, the newest ones, whose held-out labels judge a mind; none is ever learned
MEASURE_SEED = 2**40 + 3
_STATES, _FIT, _FIT_NETWORK, _ANSWERED, _HELD_OUT_CHUNK = 1, 2, 3, 4, 2**32


class Ladder:
    """A ladder in a folder, begun or gone on with.

    Args:
        config: what it is.
        folder: where it lives; no other process climbs in it as long as this object lives.
        console: where it tells its progress.

    ValueError if ``folder`` holds anything but this ladder.
    """

    def __init__(self, config: LadderConfig, folder: Path | str, *, console: Console | None = None) -> None:
        self.config, self.folder = config, Path(folder)
        self.console = console or Console(highlight=False, markup=False)
        self.rows: list[dict[str, Any]] = []
        """One for each finished rung, the bottom one first: what ``rungs.csv`` shows."""
        if is_begun(self.folder) and not ((self.folder / PROGRESS_FILE).is_file() or is_kind(self.folder, KIND)):
            raise ValueError(f"expected a new folder or a ladder, got {self.folder} that holds something else")
        self._lock = take_lock(self.folder)
        self._lesson = self.folder / LESSON_FILE
        if (self.folder / PROGRESS_FILE).is_file():
            self.rows = _checked_rows(read_json(self.folder / PROGRESS_FILE), self.folder)
            recover_folder(self.folder / BEST)
            recover_folder(self.folder / BEST_NETWORK)
        self._opponents = {spec: as_agent(spec) for spec in config.opponents}  # a slip shows now, not after hours
        for spec in config.strangers:
            as_agent(spec).close()
        if not self.rows:
            given_mind(config)
        elif self.config.has_network:
            require_learner(config.base)
        write_json(self.folder / CONFIG_FILE, config.to_json())

    @property
    def student(self) -> int:
        """The rung whose mind labels: the last one that was accepted."""
        return max(int(row["rung"]) for row in self.rows if row["accepted"])

    def run(self) -> None:
        """Climb to the last rung, or until the hours are over."""
        torch.set_num_threads(1)  # updates are small: threads would wait for one another more than they would work
        began = time.monotonic()
        if len(self.rows) > self.config.rungs:
            self.console.print(f"all {self.config.rungs} rungs are done already; more --rungs go on", soft_wrap=True)
        if not self.rows:
            with self._bar("rung 0") as tell:
                model = self._mind_of(BOTTOM, lambda: bottom_rung(self.config, tell, kept=self._lesson))
            self._finish(model, {"accepted": True}, began)
        while len(self.rows) <= self.config.rungs:
            if self.config.hours and time.monotonic() - began > 3600 * self.config.hours:
                self.console.print(f"the {self.config.hours:g} hours are over; --resume {self.folder} goes on")
                return
            self._climb(len(self.rows))

    def _climb(self, rung: int) -> None:
        began = time.monotonic()
        student = MindModel.of(minds_on_disk.load(self.folder / MINDS / _name(self.student)))
        mind = network_mind(student.network())
        with self._bar(f"rung {rung}: labels") as tell:
            fresh = self._label(rung, mind, tell)
        labelled = time.monotonic()
        held_out = np.concatenate([self._read(r, f"{HELD_OUT}.npy") for r in self._newest(JUDGES, rung)])
        kept = np.concatenate([self._read(r, "[0-9]*.npy") for r in self._newest(self.config.keep, rung)])
        row: dict[str, Any] = {"labels": len(kept), "fresh": fresh, "held_out": len(held_out)}
        network: NetworkEvaluator | None = None
        if self.config.has_network:
            network, found = self._teach_network(rung, kept, held_out)
            row |= found

        def learn() -> MindModel:
            lessons = [kept]
            if network is not None:
                with self._bar(f"rung {rung}: the network answers"):
                    lessons.append(answers(network, self._answered(rung, mind)))
            with self._bar(f"rung {rung}: learning") as tell:
                seed = self._seed(rung, _FIT)
                return fit_labels(deepcopy(student), lessons, self.config, seed, tell, kept=self._lesson)

        model = self._mind_of(rung, learn)
        before, after = regret(student.of_views, held_out), regret(model.of_views, held_out)
        row |= {
            "accepted": after <= before,
            "label_s": round(labelled - began, 1),
            "learn_s": round(time.monotonic() - labelled, 1),
            "regret_before": before,
            "regret_after": after,
        }
        self._finish(model, row, began)

    def _mind_of(self, rung: int, learn: Callable[[], MindModel]) -> MindModel:
        """The mind of ``rung``: what ``learn`` gives, unless a stop came after it was learned and before it counted."""
        path = self.folder / MINDS / _name(rung)
        if not path.is_dir():
            minds_on_disk.save(path, learn().weights({"rung": rung}))
            self._lesson.unlink(missing_ok=True)
        return MindModel.of(minds_on_disk.load(path))

    # -- the network ---------------------------------------------------------------------------------------------------

    def _teach_network(
        self, rung: int, kept: np.ndarray, held_out: np.ndarray
    ) -> tuple[NetworkEvaluator, dict[str, Any]]:
        """The better one of the network so far and of what it becomes by ``kept``, and what the rung's row says of it.

        It is on disk before the mind learns, and is not learned again after a stop.
        """
        last = max((int(row["rung"]) for row in self.rows if row.get("network_accepted")), default=BOTTOM)
        before = load(self.folder / NETWORKS / _name(last) if last else self.config.base, device="cpu")
        path = self.folder / NETWORKS / _name(rung)
        if not path.is_dir():
            with self._bar(f"rung {rung}: the network learns") as tell:
                learner = NetworkEvaluator(deepcopy(before.model), device="cpu", precision="float32")
                seed = self._seed(rung, _FIT_NETWORK)
                model = fit_network(learner, kept, self.config, seed, tell, kept=self._lesson)
            weights.save(path, model, {"rung": rung})
            self._lesson.unlink(missing_ok=True)
        after = load(path, device="cpu")
        regrets = [regret(partial(logits_of, network), held_out) for network in (before, after)]
        better = regrets[1] <= regrets[0]
        if better:
            weights.save(self.folder / BEST_NETWORK, after.model, {"rung": rung})
        found = {"network_regret": min(regrets), "network_accepted": better}
        return (after if better else before), found

    def _answered(self, rung: int, mind: Mind) -> np.ndarray:
        """The states that the network answers in for the mind: HAND [N]."""
        return self._reach(mind, self.config.answered_hands, 1.0, key_of(self.config.seed, rung, _ANSWERED)).views

    def _seed(self, rung: int, what: int) -> int:
        return int(key_of(self.config.seed, rung, what)) >> 1

    def _finish(self, model: MindModel, row: dict[str, Any], began: float) -> None:
        """Measure the mind of the next rung when it is time, and count it."""
        rung = len(self.rows)
        if rung % self.config.measure_every == 0:
            row |= self._measure(model)
        row = {"rung": rung, **row, "time_s": round(time.monotonic() - began, 1)}
        if row["accepted"]:
            minds_on_disk.save(self.folder / BEST, model.weights({"rung": rung}))
        self.rows.append(row)
        write_json(self.folder / PROGRESS_FILE, {"schema": SCHEMA, "rows": self.rows})
        self._write_table()
        words = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name not in ("rung", "accepted"))
        self.console.print(f"rung {rung} {'accepted' if row['accepted'] else 'refused'}: {words}", soft_wrap=True)

    def _label(self, rung: int, mind: Mind, tell: Any) -> int:
        """See that all the files of the rung's labels are there; how many labels they hold for learning.

        Each worker sees to a file at a time.
        """
        folder = self.folder / LABELS / _name(rung)
        folder.mkdir(parents=True, exist_ok=True)
        config, numbers = self.config, range(self.config.chunks)
        names = {_HELD_OUT_CHUNK: HELD_OUT} | {number: _name(number) for number in numbers}

        def see_to(number: int) -> int:
            if (path := folder / f"{names[number]}.npy").is_file():
                return len(read_labels(path))
            lot = config.hands, config.label_worlds
            if number == _HELD_OUT_CHUNK:
                lot = config.held_out_hands, config.held_out_worlds
            labels = self._chunk(rung, number, network_mind(mind.network), *lot)
            write_labels(path, labels)
            return len(labels)

        with ThreadPoolExecutor(config.workers) as pool:
            files: dict[int, Future[int]] = {}
            try:
                for number in names:
                    files[number] = pool.submit(see_to, number)
                for done, file in enumerate(as_completed(files.values()), 1):
                    file.result()
                    tell(done / len(files))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                if under_way := sum(file.running() for file in files.values()):
                    self.console.print(
                        f"stopping when {under_way} files of labels are finished, which may take minutes; "
                        f"a second Ctrl-C gives them up",
                        soft_wrap=True,
                    )
                raise  # the pool waits for them
        return sum(files[number].result() for number in numbers)

    def _chunk(self, rung: int, number: int, mind: Mind, num_hands: int, num_worlds: int) -> np.ndarray:
        config = self.config
        states = self._reach(mind, num_hands, config.labelled, key_of(config.seed, rung, _STATES, number))
        if num_worlds == 0:
            return label_by_outcomes(states, mind)
        plan = self._plan(num_worlds)._replace(solved=config.solved)
        return label_states(states.views, states.keys, mind, plan, config.evidence())

    def _reach(self, mind: Mind, num_hands: int, share: float, seed: np.uint64) -> States:
        strangers = self._strangers(mind)  # anew each time: what an agent holds is not made for several threads
        players, rules = Players(mind, strangers, self.config.explore), mixture(self.config.majority)
        try:
            return reach_states(players, num_hands=num_hands, share=share, seed=seed, rules=rules)
        finally:
            for stranger in strangers:
                stranger.close()

    def _plan(self, num_worlds: int) -> Plan:
        config = self.config
        return Plan(num_worlds=num_worlds, early=1, thin=config.thin, every_deal=True, solve_tricks=config.solve_tricks)

    def _strangers(self, mind: Mind) -> list[Agent]:
        config, searching, dice = self.config, self.config.search_worlds, self.config.dice_worlds
        return [
            *map(as_agent, config.strangers),
            *([MindPlayer(network_mind(mind.network), self._plan(searching))] if searching else []),
            *([MindPlayer(dice_mind(dice))] if dice else []),
        ]

    def _read(self, rung: int, pattern: str) -> np.ndarray:
        return np.concatenate(
            [read_labels(path) for path in sorted((self.folder / LABELS / _name(rung)).glob(pattern))]
        )

    @staticmethod
    def _newest(number: int, rung: int) -> range:
        return range(max(BOTTOM + 1, rung - number + 1), rung + 1)

    def _measure(self, model: MindModel) -> dict[str, float]:
        """How many hands the mind alone wins, of mirrored deals in the published format."""
        player = MindPlayer(network_mind(model.network()))
        against: dict[str, Any] = dict(self._opponents)
        if self.rows:
            bottom = MindModel.of(minds_on_disk.load(self.folder / MINDS / _name(BOTTOM)))
            against["bottom"] = MindPlayer(network_mind(bottom.network()))
        found = {}
        for name, opponent in against.items():
            pairing = play_pairing(player, opponent, num_deals=self.config.measure_deals, seed=MEASURE_SEED)
            found[f"win_rate {name}"] = pairing.win_rate
            found[f"half_width {name}"] = (pairing.interval[1] - pairing.interval[0]) / 2
        return found

    def _write_table(self) -> None:
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with replaced_file(self.folder / TABLE_FILE) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)

    @contextmanager
    def _bar(self, what: str) -> Iterator[Any]:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn(), TextColumn("left"))
        with Progress(*columns, TimeRemainingColumn(), console=self.console) as progress:
            task = progress.add_task(what, total=1.0)

            def tell(share: float) -> None:
                check_stop()
                progress.update(task, completed=share)

            yield tell


def _name(rung: int) -> str:
    return f"{rung:04d}"


def _checked_rows(progress: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    rows = progress.get("rows")
    whole = isinstance(rows, list) and all(
        isinstance(row, dict) and row.get("rung") == number and isinstance(row.get("accepted"), bool)
        for number, row in enumerate(rows)
    )
    if progress.get("schema") != SCHEMA or not whole or not rows or not rows[0]["accepted"]:
        raise ValueError(f"expected the progress of a ladder in {folder / PROGRESS_FILE}, got something else")
    return rows
