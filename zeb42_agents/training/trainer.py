"""The training run: cycles of playing and learning, with evaluations, checkpoints and a report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from zeb42_agents import weights
from zeb42_agents.agent import make_agent
from zeb42_agents.arena import PairingResult
from zeb42_agents.arena.stops import check_stop
from zeb42_agents.arena.text import percent
from zeb42_agents.evaluator import NetworkEvaluator, resolve_device
from zeb42_agents.experience import sample
from zeb42_agents.model import ZebModel, flops
from zeb42_agents.training import parts, report, sinks, tracking
from zeb42_agents.training.collect import TianshouLoop
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.evaluate import (
    BELIEF_SEED,
    EVALUATION_SEED,
    FINAL_SEED,
    BeliefReport,
    belief_report,
    strength_row,
    strengths,
)
from zeb42_agents.training.run_folder import (
    BEST,
    LATEST,
    Checkpoint,
    RunFolder,
    check_best,
    generator_tensors,
    load_generators,
)
from zeb42_agents.training.seeds import FRESH, key_of

MEMORISED = 0.7  # of the loss on fresh hands: a value head whose loss is lower has learned its buffer by heart
FRESH_EXAMPLES = 2048


class Trainer:
    """One run in one folder. :meth:`run` goes on from the folder's last finished cycle to the configuration's last.

    Args:
        config: what to train. Where the folder holds a run already it has to be that run's (``load_config``), but for
            ``cycles``, ``threads`` and ``device``: other changes make another run of it, from here on.
        run: the folder: ``config.json``, ``metrics.csv``, ``checkpoint/``, ``latest/`` and ``best/`` weights, plots
            and ``REPORT.md``.
        wandb, tensorboard, trackio: where metrics go besides.
        console: for progress; None is silent.
    """

    job_type = "train"  # what W&B calls it

    def __init__(
        self,
        config: TrainConfig,
        run: Path | str,
        *,
        wandb: sinks.WandbMode = "off",
        tensorboard: bool = False,
        trackio: bool = False,
        console: Console | None = None,
    ) -> None:
        if wandb != "off":
            sinks.require_wandb(wandb)  # before anything is on disk
        if trackio:
            sinks.require_trackio()
        self.config = config
        self.console = console or Console(quiet=True)
        self.cycle = 0  # finished ones
        self.saved_cycle = 0  # the last one that is on disk
        self.total_games = 0
        self.total_time_s = 0.0
        self.best: dict[str, Any] = {}
        self._memorising = False
        self._threads = config.threads or os.cpu_count() or 1
        torch.set_num_threads(self._threads)
        torch.manual_seed(config.seed)
        self._device = resolve_device(config.device)
        _check_opponents(config.opponents)
        self._folder = RunFolder(run)
        self.run_folder = self._folder.path
        saved = self._saved()
        self._build(saved)
        if saved:
            self._restore(saved)
        self._folder.create()
        self._folder.write_config(config)
        self.tracker = tracking.Tracker(
            self.run_folder,
            wandb=wandb,
            config=config.to_json(),
            wandb_id=saved.progress["wandb_id"] if saved else None,
            cycle=self.cycle,
            tensorboard=tensorboard,
            trackio=trackio,
            job_type=self.job_type,
            console=self.console,
        )
        if not saved:  # from here on a run without a checkpoint is one that lost it
            self._save_checkpoint()

    def _saved(self) -> Checkpoint | None:
        saved = self._folder.read_checkpoint()
        if saved:
            check_best(self.run_folder)
            if saved.progress["cycle"] > self.config.cycles:
                raise ValueError(
                    f"expected at least {saved.progress['cycle']} cycles, as many as are done in {self.run_folder}, "
                    f"got {self.config.cycles}"
                )
        return saved

    def _build(self, saved: Checkpoint | None) -> None:
        config = self.config
        model = ZebModel(config.network_config())
        self.cold: list[str] = []
        if config.base and not saved:  # a checkpoint needs its base no more
            self.cold = weights.load_into(model, weights.load(config.base.removeprefix("zeb:")))
            if not all(torch.isfinite(parameter).all() for parameter in model.parameters()):
                raise ValueError(f"expected finite weights as a base, got NaN or infinity in {config.base}")
        self.learner = parts.learner_of(config, model.to(self._device))
        same_device = saved and saved.progress["device"] == self._device.type
        self.evaluator = NetworkEvaluator(
            self.learner.averaged,
            calls=self._learns_calls,
            device=str(self._device),
            precision=saved.progress["precision"] if saved and same_device else config.precision,
        )
        self._actors = {
            taught: parts.actor_of(config, self.evaluator, taught=taught, threads=self._threads)
            for taught in (True, False)
        }
        self.ring = parts.ring_of(config)
        self._loop = TianshouLoop(self.ring, self.learner, num_lanes=config.lanes)

    @property
    def machine(self) -> str:
        """What the run works with, in a line."""
        model = self.learner.model
        network = f"{model.num_parameters / 1e6:.1f} M parameters, {flops(model.config) / 1e6:.0f} MFLOP per view"
        return f"on {self._device} with {self._threads} CPU threads, playing in {self.evaluator.precision}; {network}"

    @property
    def _learns_calls(self) -> bool:
        """Whether the network learns to bid and declare, too."""
        return self.config.contract == "auction"

    @property
    def _protocol(self) -> str:
        """What evaluations play: a network that learns to call is measured with an auction."""
        return "hand" if self._learns_calls else "majority"

    def run(self) -> None:
        """Train until the last cycle, then measure and report. Every finished cycle is on disk; a stop loses no more
        than the one under way."""
        config = self.config
        if config.peek:
            self.console.print(f"warning: {report.PEEKED}", style="red", soft_wrap=True)
        if self.cycle >= config.cycles:
            self.console.print(f"all {config.cycles} cycles are done already; measuring again", soft_wrap=True)
        with tracking.progress_bar(self.console) as bar:
            task = bar.add_task(self.run_folder.name, total=config.cycles, completed=self.cycle, losses="")
            while self.cycle < config.cycles:
                check_stop()
                if self.cycle == config.teacher_cycles > 0:
                    self.console.print(
                        f"from cycle {self.cycle + 1} on its own search is the teacher (teacher_cycles="
                        f"{config.teacher_cycles}): the policy loss is against visit shares now, another measure",
                        soft_wrap=True,
                    )
                row = self.train_cycle()
                status = tracking.status(row, config.opponents)
                bar.update(task, completed=self.cycle, losses=tracking.losses(row))
                if "eval_win_rate" in row or not self.console.is_terminal:
                    self.console.print(f"cycle {self.cycle}/{config.cycles}: {status}", soft_wrap=True)
        check_stop()
        strength = self.finish()
        self.tracker.close({"final_win_rate": strength.win_rate, "best_win_rate": self.best.get("win_rate", 0.0)})

    def train_cycle(self) -> dict[str, float]:
        """One cycle: play, learn, perhaps evaluate, save. Returns its row of metrics."""
        config, began = self.config, time.perf_counter()
        cycle = self.cycle + 1
        self._shape_buffer(cycle)
        fresh = self._collect(cycle)
        row: dict[str, float] = {"cycle": cycle, "total_games": self.total_games, "buffer_size": len(self.ring)}
        row["collect_time_s"] = time.perf_counter() - began
        if len(self.ring) >= config.min_buffer_examples:
            started = time.perf_counter()
            row |= self._learn(fresh, cycle)
            row["update_time_s"] = time.perf_counter() - started
            self._watch_memory(row)
        self.cycle = cycle
        if cycle % config.evaluate_every == 0 or cycle == config.cycles:
            row |= self._evaluate()
        row["cycle_time_s"] = time.perf_counter() - began
        self.total_time_s += row["cycle_time_s"]
        row["total_time_s"] = self.total_time_s
        self.tracker.log(row)
        self.save()
        return row

    def _shape_buffer(self, cycle: int) -> None:
        capacity = parts.capacity_hands(self.config, cycle)
        if capacity != self.ring.capacity_hands:
            self.ring.resize(capacity)
        if first := self._first_cycle(cycle):
            self.ring.forget_before(first)

    def _first_cycle(self, cycle: int) -> int:
        """The cycle whose hands are the oldest that ``cycle`` may learn from."""
        return max(0, cycle - self.config.max_age_cycles) if self.config.max_age_cycles else 0

    def _collect(self, cycle: int) -> np.ndarray:
        """Play this cycle's hands into the buffer; returns their experience."""
        taught = cycle <= self.config.teacher_cycles
        self.evaluator.calls = self._learns_calls and not taught  # the teacher's bidder calls while it teaches
        num_hands = self.config.lanes * self.config.hands_per_lane
        self.total_games += num_hands
        return self._loop.collect(
            self._actors[taught],
            (cycle - 1) * num_hands + np.arange(num_hands),
            cycle=cycle,
            weights_step=self.learner.num_updates,
        )

    def _learn(self, fresh: np.ndarray, cycle: int) -> dict[str, float]:
        """Learn from the buffer; also what the value loss was on ``fresh`` hands before."""
        config = self.config
        rng = np.random.default_rng(int(key_of(key_of(config.seed, FRESH), cycle)))
        batch = sample(fresh, FRESH_EXAMPLES, rng, tokenizer=config.tokenizer, hidden_only=self.ring.hidden_only)
        row = {"fresh_value_loss": self.learner.value_loss(batch)}
        self._loop.learn(config.steps_per_cycle, config.batch_size)
        return row | self.learner.take_means() | {"lr": self.learner.lr}

    def _watch_memory(self, row: dict[str, float]) -> None:
        """Say so, once, when the value head knows its buffer better than the game."""
        memorising = row["value_loss"] < MEMORISED * row["fresh_value_loss"]
        if memorising and not self._memorising:
            self.console.print(
                f"warning: value loss {row['value_loss']:.3f} in the buffer but {row['fresh_value_loss']:.3f} on fresh "
                f"hands: {len(self.ring):,} examples are too few for {self.config.steps_per_cycle} updates of "
                f"{self.config.batch_size} per cycle; it learns them by heart",
                soft_wrap=True,
            )
        self._memorising = memorising

    def _evaluate(self) -> dict[str, float]:
        config = self.config
        found = strengths(
            self.evaluator,
            config.opponents,
            num_deals=config.evaluate_deals,
            seed=EVALUATION_SEED,
            protocol=self._protocol,
        )
        row = strength_row(config.opponents, found)
        if row["eval_mean"] > self.best.get("win_rate", -1.0):
            self.best = {"win_rate": row["eval_mean"], "cycle": self.cycle}
            weights.save(self.run_folder / BEST, self.learner.averaged, self._state())
            self.tracker.keep(self.run_folder / BEST, ["best", f"cycle-{self.cycle}"])
        belief = self._belief_report(self.evaluator)
        return row | (belief.row() if belief else {})

    def _belief_report(self, evaluator: NetworkEvaluator) -> BeliefReport | None:
        if self.config.belief_weight == 0:
            return None
        rules = parts.rules_of(self.config)
        return belief_report(evaluator, rules, num_hands=self.config.belief_hands, seed=BELIEF_SEED)

    def finish(self) -> PairingResult:
        """Measure the best weights against random, write plots and REPORT.md, print the table and what to do next."""
        config, run = self.config, self.run_folder
        best = NetworkEvaluator(
            weights.load(run).model,
            calls=self._learns_calls,
            device=str(self._device),
            precision=self.evaluator.precision,
        )
        (strength,) = strengths(
            best, ["random"], num_deals=config.final_deals, seed=FINAL_SEED, protocol=self._protocol
        )
        found = self._belief_report(best)
        report.write_plots(self.tracker, found, run, config)
        counted = {"total_games": self.total_games, "cycle": self.cycle, "total_time_s": self.total_time_s}
        last = self.tracker.rows[-1] if self.tracker.rows else {}  # none if someone deleted the file
        row = {**counted, **last, **(found.row() if found else {})}
        next_lines = [f"zeb42 arena random greedy eq:n=20 zeb:{run} --deals 100", self._train_on()]
        words = f"{percent(strength.win_rate, strength.interval)} ({self._protocol})"
        report.write_report(run, row, found, words, config.to_json(), next_lines, more=self._more_to_report())
        self.tracker.show([run / name for name in ("learning_curve.png", "belief_calibration.png", "REPORT.md")])
        self.console.print(report.summary_table(row, found, words))
        self.console.print(f"learning curve and report: {run}/learning_curve.png, REPORT.md")
        self.console.print(f"weights: {run}/best; checkpoint: {run}/checkpoint")
        self.console.print(
            "next, rate it or train on:", *(f"  {line}" for line in next_lines), sep="\n", soft_wrap=True
        )
        return strength

    def _train_on(self) -> str:
        """The line to type for twice as many cycles."""
        return f"zeb42 train --resume {self.run_folder} --cycles {2 * self.config.cycles}"

    def _more_to_report(self) -> list[str]:
        """Lines of REPORT.md beside those that every run has."""
        return []

    # -- on disk -------------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.learner.num_updates,
            "total_games": self.total_games,
            "cycle": self.cycle,
            "calls": self._learns_calls,
            **({"peek": True} if self.config.peek else {}),
        }

    def save(self) -> None:
        """Write the latest weights and the checkpoint."""
        weights.save(self.run_folder / LATEST, self.learner.averaged, self._state())
        self._save_checkpoint()
        self.saved_cycle = self.cycle

    def _progress(self) -> dict[str, Any]:
        """What a checkpoint says besides tensors and hands: JSON."""
        return {
            **self._state(),
            "total_time_s": self.total_time_s,
            "best": self.best,
            "precision": self.evaluator.precision,
            "device": self._device.type,
            "wandb_id": self.tracker.wandb_id,
            "buffer": self.ring.get_state(),
        }

    def _save_checkpoint(self) -> None:
        tensors = self.learner.tensors() | generator_tensors()
        self._folder.write_checkpoint(Checkpoint(tensors, self.ring.hands, self._progress()))

    def _restore(self, saved: Checkpoint) -> None:
        progress = saved.progress
        try:
            self.learner.load(saved.tensors, progress["step"])
            load_generators(saved.tensors)
            self.ring.resize(parts.capacity_hands(self.config, max(1, progress["cycle"])))
            self.ring.set_state(saved.hands, progress["buffer"])
        except ValueError as error:
            raise ValueError(f"in the checkpoint of {self.run_folder}: {error}") from None
        self.cycle = self.saved_cycle = progress["cycle"]
        self.total_games = progress["total_games"]
        self.total_time_s = progress["total_time_s"]
        self.best = progress["best"]


def _check_opponents(specs: tuple[str, ...]) -> None:
    """ValueError before the first hand, not at the first evaluation, if one of them is no agent."""
    if not specs:
        raise ValueError("expected at least one of opponents, got none; allowed: agent specs such as random")
    for spec in specs:
        make_agent(spec)
