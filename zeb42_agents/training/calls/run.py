""":class:`Calls`: rounds of playing, learning and rating in a folder, which a stopped run goes on from."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from zeb42_agents.agent import make_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.calls import weights
from zeb42_agents.calls.choose import learned_calls
from zeb42_agents.calls.player import Calling
from zeb42_agents.files import read_array, read_json, replaced_file, replaced_folder, write_json
from zeb42_agents.simple_bidder import simple_calls
from zeb42_agents.training.calls.collect import EXPERIENCE, NEVER, Caller, collect
from zeb42_agents.training.calls.config import CallsConfig
from zeb42_agents.training.calls.fit import Fitted, fit
from zeb42_agents.training.calls.heard import listen
from zeb42_agents.training.in_rounds import CONFIG_FILE
from zeb42_agents.training.run_folder import take_lock
from zeb42_env._core.bits import mix
from zeb42_env.records import check_records

PROGRESS_FILE, TABLE_FILE = "progress.json", "rounds.csv"
RATING_SEED = 2**41  # far from any seed of training, and the same in every run
BRIER_GOALS = (30, 35, 42)


class Calls:
    """A run that learns calls: ``hands/`` and ``rounds/`` by number, ``best/``, and ``rounds.csv``."""

    def __init__(self, config: CallsConfig, folder: Path, *, console: Console) -> None:
        self.config, self.folder, self._console = config, folder, console
        self._lock = take_lock(folder)
        self.player = make_agent(config.player)
        progress = folder / PROGRESS_FILE
        self.rows: list[dict[str, Any]] = read_json(progress)["rows"] if progress.is_file() else []
        write_json(folder / CONFIG_FILE, config.to_json())

    def run(self) -> None:
        """Do the rounds that are left, and say after each how it went."""
        torch.set_num_threads(self.config.threads)
        for number in range(len(self.rows), self.config.rounds):
            began = time.perf_counter()
            self._play(number)
            fitted = self._learn(number)
            self._console.print(f"round {number}: listens to its calls in {self.config.heard_hands:,} auctions")
            tensors = fitted.tensors | listen(fitted.network, self.config, self.config.seed + number)
            row = self._rate(number, fitted) | {"time_s": round(time.perf_counter() - began, 1)}
            is_best = all(row["match_win_rate"] > other["match_win_rate"] for other in self.rows)
            weights.save(self.folder / "rounds" / str(number), tensors, row | {"player": self.config.player})
            if is_best:
                with replaced_folder(self.folder / "best") as fresh:
                    shutil.copytree(self.folder / "rounds" / str(number), fresh, dirs_exist_ok=True)
            self.rows.append(row)
            write_json(self.folder / PROGRESS_FILE, {"schema": 1, "rows": self.rows})
            with replaced_file(self.folder / TABLE_FILE) as fresh, open(fresh, "w", newline="") as file:
                table = csv.DictWriter(file, list(row))
                table.writeheader()
                table.writerows(self.rows)
            words = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "round")
            self._console.print(f"round {number}{', the best' if is_best else ''}: {words}", soft_wrap=True)

    def _play(self, number: int) -> None:
        """The hands of a round, on disk."""
        self._console.print(f"round {number}: {self.config.hands:,} hands of {self.config.player}")
        found = collect(self.player, self._caller(number), self.config.hands, self._key(number))
        (self.folder / "hands").mkdir(exist_ok=True)
        with replaced_file(self.folder / "hands" / f"{number}.npy") as fresh, open(fresh, "wb") as file:
            np.save(file, found)
        for old in range(number - self.config.remembered + 1):
            (self.folder / "hands" / f"{old}.npy").unlink(missing_ok=True)

    def _caller(self, number: int) -> Caller:
        """Who calls in a round: the calls of the one before."""
        if number == 0:
            return simple_calls
        network = weights.load(self.folder / "rounds" / str(number - 1))
        return lambda views: learned_calls(network, views)

    def _learn(self, number: int) -> Fitted:
        kept = range(max(0, number - self.config.remembered + 1), number + 1)
        experience = np.concatenate([read_experience(self.folder / "hands" / f"{k}.npy") for k in kept])
        self._console.print(f"round {number}: learns from {len(experience):,} hands")
        return fit(experience, self.config, self.config.seed + number)

    def _rate(self, number: int, fitted: Fitted) -> dict[str, Any]:
        """A round's row: how well its prices hold, and its calls against the simple bidder's with the same play."""
        row: dict[str, Any] = {"round": number} | {f"brier_{goal}": fitted.brier[goal] for goal in BRIER_GOALS}
        learned = Calling(self.player, fitted.network, name=f"calls of round {number}")
        simple = Calling(self.player, None, name="simple calls")
        for protocol in ("match", "hand"):
            found = play_pairing(
                learned, simple, protocol=protocol, num_deals=self.config.rating_deals, seed=RATING_SEED
            )
            row |= {f"{protocol}_win_rate": found.win_rate, f"{protocol}_low": found.interval[0]}
            row |= {f"{protocol}_high": found.interval[1], f"{protocol}_margin": found.margin}
        return row

    def _key(self, number: int) -> np.uint64:
        return np.uint64(mix(np.uint64(self.config.seed), np.uint64(number)))


def read_experience(path: Path) -> np.ndarray:
    """The EXPERIENCE [N] in the file ``path``. ValueError if it is damaged, or holds what play cannot make."""
    found = read_array(path)
    if found.dtype != EXPERIENCE or found.ndim != 1:
        raise ValueError(f"expected hands to learn calls from in {path}, got {found.dtype} {list(found.shape)}")
    if not ((found["since"] >= 0) & (found["since"] <= NEVER)).all():
        raise ValueError(f"expected the first call without exploration, 0..{NEVER}, in {path}, got others")
    check_records(np.ascontiguousarray(found["hand"]), f"the hands in {path}")
    return found
