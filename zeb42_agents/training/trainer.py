"""The training run: cycles of playing and learning, with evaluations, checkpoints and a report."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from rich.console import Console
from tianshou.data import Collector
from tianshou.utils.torch_utils import policy_within_training_step, torch_train_mode

from zeb42_agents import weights
from zeb42_agents.agent import make_agent
from zeb42_agents.evaluator import NetworkEvaluator, resolve_device
from zeb42_agents.files import read_json, recover_folder, write_json
from zeb42_agents.model import ZebModel
from zeb42_agents.search import TrueHands
from zeb42_agents.training import tracking
from zeb42_agents.training.checkpoint import (
    Checkpoint,
    generator_tensors,
    load_generators,
    load_optimizer,
    optimizer_tensors,
    prefixed,
    read_checkpoint,
    without_prefix,
    write_checkpoint,
)
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.evaluate import BeliefReport, Strength, belief_report, strengths
from zeb42_agents.training.learner import LossWeights, ZebAlgorithm, averaged_copy
from zeb42_agents.training.replay import SelfPlayBuffer
from zeb42_agents.training.self_play import Exploration, SelfPlayPolicy, SelfPlayVectorEnv, mix_all
from zeb42_agents.training.teacher import teach
from zeb42_env.rules import Rules

WARM_UP_UPDATES = 200
LAST_LR_SHARE = 0.02
CONFIG_FILE = "config.json"
EVALUATION_SEED = 2**40  # far from any seed of training, and the same in every run, so that runs can be compared
MEMORISED = 0.7  # of the loss on fresh hands: a value head whose loss is lower has learned its buffer by heart


class Trainer:
    """One run in one folder. :meth:`run` goes on from the folder's last finished cycle to the configuration's last.

    Args:
        config: what to train. Where the folder holds a run already it has to be that run's (:func:`load_config`), but
            for ``cycles``, ``threads`` and ``device``: other changes make another run of it, from here on.
        run: the folder: ``config.json``, ``metrics.csv``, ``checkpoint/``, ``latest/`` and ``best/`` weights, plots
            and ``REPORT.md``.
        wandb: where metrics go besides.
        console: for progress; None is silent.
    """

    def __init__(
        self,
        config: TrainConfig,
        run: Path | str,
        *,
        wandb: tracking.WandbMode = "off",
        console: Console | None = None,
    ) -> None:
        if wandb != "off":
            tracking.require_wandb(wandb)  # before anything is on disk
        self.config = config
        self.run_folder = Path(run)
        self.console = console or Console(quiet=True)
        self.cycle = 0  # finished ones
        self.saved_cycle = 0  # the last one that is on disk
        self.total_games = 0
        self.total_time_s = 0.0
        self.best: dict[str, Any] = {}
        self._memorising = False
        self._lock = _lock(self.run_folder)
        self._threads = config.threads or os.cpu_count() or 1
        torch.set_num_threads(self._threads)
        torch.manual_seed(config.seed)
        self._device = resolve_device(config.device)
        _check_opponents(config.opponents)
        self.model = ZebModel(config.network_config())
        resumed = _resume(self.run_folder)
        self.cold: list[str] = []
        if config.base and not resumed:  # a checkpoint needs its base no more
            self.cold = weights.load_into(self.model, weights.load(config.base.removeprefix("zeb:")))
        self.model.to(self._device)
        if resumed and resumed.progress["cycle"] > config.cycles:
            raise ValueError(
                f"expected at least {resumed.progress['cycle']} cycles, as many as are done in {self.run_folder}, "
                f"got {config.cycles}"
            )
        same_device = resumed and resumed.progress.get("device", self._device.type) == self._device.type
        precision = resumed.progress["precision"] if resumed and same_device else config.precision
        self.averaged = averaged_copy(self.model)
        self.evaluator = NetworkEvaluator(
            self.averaged, calls=self._learns_calls, device=str(self._device), precision=precision
        )
        self._build()
        if resumed:
            self._restore(resumed)
        try:
            self.run_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"expected a folder to train in, got {self.run_folder}: {error.strerror}") from None
        self._lock = self._lock or _lock(self.run_folder)
        self.tracker = tracking.Tracker(
            self.run_folder,
            wandb=wandb,
            config=config.to_json(),
            wandb_id=resumed.progress["wandb_id"] if resumed else None,
            cycle=self.cycle,
            more_columns=[name for names in tracking.evaluation_columns(config.opponents) for name in names],
        )
        write_json(self.run_folder / CONFIG_FILE, config.to_json())

    def _build(self) -> None:
        config = self.config
        self._rules = [Rules(contract=config.contract, scoring=scoring) for scoring in config.scoring]
        self._env = SelfPlayVectorEnv(num_lanes=config.lanes, rules=self._rules, seed=config.seed)
        search = config.search_config(threads=self._threads, pipeline=self._device.type == "cuda")
        self._policies = {
            stage: SelfPlayPolicy(
                model=self.model,
                evaluator=self.evaluator,
                search=search if stage == "self-play" else None,
                sampler=TrueHands(lambda: self._env.hands) if config.peek else None,
                exploration=Exploration(
                    hands=config.explored_hands,
                    temperature=config.temperature,
                    random_teams=config.random_teams,
                    random_decisions=config.random_decisions,
                ),
                decisions_per_hand=self._env.decisions_per_hand,
                seed=config.seed + 1,
            )
            for stage in ("teacher", "self-play")
        }
        self.buffer = SelfPlayBuffer(
            num_lanes=config.lanes,
            capacity_hands=_hands(config.buffer_examples, self._env.decisions_per_hand),
            tokenizer=config.tokenizer,
            hidden_only=config.belief_target == "hidden",
            seed=config.seed + 2,
        )
        self._algorithm = ZebAlgorithm(
            policy=self._policies["teacher"],
            averaged=self.averaged,
            lr=config.lr,
            weight_decay=config.weight_decay,
            max_grad_norm=config.max_grad_norm,
            average_decay=config.average_decay,
            weights=LossWeights(
                policy=config.policy_weight,
                value=config.value_weight,
                belief=config.belief_weight,
                advantage_scale=config.advantage_scale,
                margin_value=config.value_target == "margin",
                root_value_share=config.root_value_share,
            ),
            device=self._device,
            precision="bfloat16" if self._device.type == "cuda" else "float32",
        )

    @property
    def machine(self) -> str:
        """What the run works with, in a line."""
        return f"on {self._device} with {self._threads} CPU threads, playing in {self.evaluator.precision}"

    # -- the run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Train until the last cycle, then measure and report. Every finished cycle is on disk; a stop loses no more
        than the one under way."""
        config = self.config
        if config.peek:
            self.console.print(f"warning: {tracking.PEEKED}", style="red", soft_wrap=True)
        if self.cycle >= config.cycles:
            self.console.print(f"all {config.cycles} cycles are done already; measuring again", soft_wrap=True)
        with tracking.progress_bar(self.console) as bar:
            task = bar.add_task(self.run_folder.name, total=config.cycles, completed=self.cycle, losses="")
            while self.cycle < config.cycles:
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
        self.finish()
        self.tracker.close()

    def train_cycle(self) -> dict[str, float]:
        """One cycle: play, learn, perhaps evaluate, save. Returns its row of metrics."""
        config, began = self.config, time.perf_counter()
        cycle = self.cycle + 1
        first_hand = (cycle - 1) * config.hands_per_lane
        self._shape_buffer(cycle)
        fresh = self._collect(cycle, first_hand)
        row: dict[str, float] = {"cycle": cycle, "collect_time_s": time.perf_counter() - began}
        self.total_games += config.lanes * config.hands_per_lane
        row |= {"total_games": self.total_games, "buffer_size": len(self.buffer)}
        if len(self.buffer) >= config.min_buffer_examples:
            started = time.perf_counter()
            row["fresh_value_loss"] = self._value_loss(fresh)
            row |= self._learn()
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
        config = self.config
        capacity = _hands(config.capacity_at(cycle), self._env.decisions_per_hand)
        if capacity != self.buffer.capacity_hands:
            self.buffer.resize(capacity)
        if config.max_age_cycles:
            self.buffer.forget_before(cycle - config.max_age_cycles)
        self.buffer.cycle = cycle

    def _collect(self, cycle: int, first_hand: int) -> np.ndarray:
        """Play this cycle's hands into the buffer; returns their experience."""
        config = self.config
        taught = cycle <= config.teacher_cycles
        self.evaluator.calls = self._learns_calls and not taught  # the teacher's bidder calls while it teaches
        policy = self._policies["teacher" if taught else "self-play"]
        self._env.start_at(first_hand)
        policy.start_at(first_hand)
        self.buffer.labeller = self._labeller(cycle) if taught else None
        self.buffer.clear_staging()
        collector: Collector[Any] = Collector(policy, self._env, self.buffer, raise_on_nan_in_buffer=False)
        collector.reset_env()
        with policy_within_training_step(policy):
            collector.collect(n_step=config.lanes * config.hands_per_lane * self._env.decisions_per_hand)
        return self.buffer.hands[-config.lanes * config.hands_per_lane :]

    def _labeller(self, cycle: int) -> Callable[[np.ndarray], np.ndarray]:
        config = self.config
        num_labelled = 0  # this cycle

        def label(hands: np.ndarray) -> np.ndarray:
            nonlocal num_labelled
            numbers = np.arange(num_labelled, num_labelled + len(hands), dtype=np.uint64)
            num_labelled += len(hands)
            return teach(
                hands,
                margin_weight=config.margin_weight,
                label_worlds=config.label_worlds,
                keys=mix_all(mix_all(np.uint64(config.seed + 3), np.uint64(cycle)), numbers),
                threads=self._threads,
            )

        return label

    def _learn(self) -> dict[str, float]:
        config, algorithm = self.config, self._algorithm
        policy = self._policies["teacher"]
        with policy_within_training_step(policy), torch_train_mode(algorithm):
            for _ in range(config.steps_per_cycle):
                lr = self._learning_rate()
                algorithm.set_learning_rate(lr)
                algorithm.update(self.buffer, config.batch_size)
        stats = algorithm.take_means()
        found = {name: getattr(stats, name, None) for name in tracking.COLUMNS}
        return {"lr": lr, **{name: value for name, value in found.items() if value is not None}}

    def _learning_rate(self) -> float:
        config, done = self.config, self._algorithm.num_updates
        warm = min(1.0, (done + 1) / WARM_UP_UPDATES)
        if config.lr_schedule == "constant":
            return config.lr * warm
        share = min(1.0, done / (config.cycles * config.steps_per_cycle))
        return config.lr * warm * (LAST_LR_SHARE + (1 - LAST_LR_SHARE) * 0.5 * (1 + math.cos(math.pi * share)))

    def _value_loss(self, experience: np.ndarray) -> float:
        """The value loss on hands that have not been learned from yet."""
        batch = self.buffer.draw_from(experience, 2048, seed=self.cycle)
        values = self.evaluator(batch.views)[1]
        goal = batch.margin if self.config.value_target == "margin" else batch.outcome
        seen = np.where(np.isnan(batch.root_value), goal, batch.root_value)
        share = self.config.root_value_share
        return float(np.mean((values - ((1 - share) * goal + share * seen)) ** 2))

    def _watch_memory(self, row: dict[str, float]) -> None:
        """Say so, once, when the value head knows its buffer better than the game."""
        memorising = row["value_loss"] < MEMORISED * row["fresh_value_loss"]
        if memorising and not self._memorising:
            self.console.print(
                f"warning: value loss {row['value_loss']:.3f} in the buffer but {row['fresh_value_loss']:.3f} on fresh "
                f"hands: {len(self.buffer):,} examples are too few for {self.config.steps_per_cycle} updates of "
                f"{self.config.batch_size} a cycle; it learns them by heart",
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
        mean = float(np.mean([strength.win_rate for strength in found]))
        if mean > self.best.get("win_rate", -1.0):
            self.best = {"win_rate": mean, "cycle": self.cycle}
            weights.save(self.run_folder / "best", self.averaged, self._state())
        row = {"eval_mean": mean}
        for names, strength in zip(tracking.evaluation_columns(config.opponents), found, strict=True):
            row |= zip(names, (strength.win_rate, strength.low, strength.high), strict=True)
        if config.belief_weight > 0:
            row |= belief_row(self._belief_report(self.evaluator))
        return row

    def _belief_report(self, evaluator: NetworkEvaluator) -> BeliefReport:
        return belief_report(
            evaluator,
            self._rules,
            num_hands=self.config.belief_hands,
            seed=EVALUATION_SEED + 1,
        )

    def finish(self) -> Strength:
        """Measure the best weights against random, write plots and REPORT.md, print the table and what to do next."""
        loaded = weights.load(self.run_folder)
        best = NetworkEvaluator(
            loaded.model,
            calls=self._learns_calls,
            device=str(self._device),
            precision=self.evaluator.precision,
        )
        (strength,) = strengths(
            best, ["random"], num_deals=self.config.final_deals, seed=EVALUATION_SEED + 2, protocol=self._protocol
        )
        report = self._belief_report(best) if self.config.belief_weight > 0 else None
        tracking.plot_learning(
            self.tracker,
            self.run_folder / "learning_curve.png",
            self.config.opponents,
            teacher_cycles=self.config.teacher_cycles,
        )
        if report is not None:
            tracking.plot_calibration(report, self.run_folder / "belief_calibration.png")
        counted = {"total_games": self.total_games, "cycle": self.cycle, "total_time_s": self.total_time_s}
        last = self.tracker.rows[-1] if self.tracker.rows else {}  # none if someone deleted the file
        row = {**counted, **last, **(belief_row(report) if report is not None else {})}
        next_lines = [
            f"python -m zeb42_agents.arena random greedy eq:n=20 zeb:{self.run_folder} --deals 100",
            f"python examples/train_belief.py --resume {self.run_folder} --cycles {2 * self.config.cycles}",
        ]
        words = f"{strength} ({self._protocol})"
        tracking.write_report(self.run_folder, row, report, words, self.config.to_json(), next_lines)
        self.console.print(tracking.summary_table(row, report, words))
        self.console.print(f"learning curve and report: {self.run_folder}/learning_curve.png, REPORT.md")
        self.console.print(f"weights: {self.run_folder}/best; checkpoint: {self.run_folder}/checkpoint")
        self.console.print(
            "next, rate it or train on:", *(f"  {line}" for line in next_lines), sep="\n", soft_wrap=True
        )
        return strength

    @property
    def _protocol(self) -> str:
        """What evaluations play: a network that learns to call is measured with an auction."""
        return "hand" if self._learns_calls else "majority"

    @property
    def _learns_calls(self) -> bool:
        """Whether the network learns to bid and declare, too."""
        return self.config.contract == "auction"

    # -- on disk -----------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {
            "step": self._algorithm.num_updates,
            "total_games": self.total_games,
            "cycle": self.cycle,
            "calls": self._learns_calls,
            **({"peek": True} if self.config.peek else {}),
        }

    def save(self) -> None:
        """Write the checkpoint and the latest weights."""
        tensors = {
            **prefixed("model", dict(self.model.state_dict())),
            **prefixed("averaged", dict(self.averaged.state_dict())),
            **optimizer_tensors(self._algorithm.optimizer._optim),
            **generator_tensors(),
        }
        progress = {
            **self._state(),
            "total_time_s": self.total_time_s,
            "best": self.best,
            "precision": self.evaluator.precision,
            "device": self._device.type,
            "wandb_id": self.tracker.wandb_id,
            "buffer": self.buffer.get_state(),
        }
        weights.save(self.run_folder / "latest", self.averaged, self._state())
        write_checkpoint(self.run_folder, Checkpoint(tensors, self.buffer.hands, progress))
        self.saved_cycle = self.cycle

    def _restore(self, checkpoint: Checkpoint) -> None:
        tensors, progress = checkpoint.tensors, checkpoint.progress
        try:
            self.model.load_state_dict(without_prefix("model", tensors))
            self.averaged.load_state_dict(without_prefix("averaged", tensors))
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"expected a checkpoint of this network in {self.run_folder}: {reason}") from None
        load_optimizer(self._algorithm.optimizer._optim, tensors)
        load_generators(tensors)
        self.cycle = self.saved_cycle = progress["cycle"]
        self.total_games = progress["total_games"]
        self.total_time_s = progress["total_time_s"]
        self.best = progress["best"]
        self._algorithm.num_updates = progress["step"]
        self._shape_buffer(max(1, self.cycle))
        self.buffer.set_state(checkpoint.hands, progress["buffer"])


def belief_row(report: BeliefReport) -> dict[str, float]:
    """The columns of a belief report."""
    row = {}
    for who, score in (("belief", report.network), ("legality", report.legality)):
        for metric, name in (("hidden", "hidden"), ("all_21", "all")):
            row[f"{who}_{name}_accuracy"] = score.accuracy[metric]
            row[f"{who}_{name}_loss"] = score.cross_entropy[metric]
    return row


def load_config(run: Path) -> TrainConfig:
    """The configuration of the run in ``run``; ValueError if there is none."""
    if not (run / CONFIG_FILE).is_file():
        got = f"a folder without {CONFIG_FILE}" if run.is_dir() else "no such folder"
        raise ValueError(f"expected a training run in {run}, got {got}")
    return TrainConfig.from_json(read_json(run / CONFIG_FILE))


def _check_opponents(specs: tuple[str, ...]) -> None:
    """ValueError before the first hand, not at the first evaluation, if one of them is no agent."""
    if not specs:
        raise ValueError("expected at least one of opponents, got none; allowed: agent specs such as random")
    for spec in specs:
        make_agent(spec)


def _lock(run: Path) -> FileLock | None:
    """Keeps other processes from training in ``run`` as long as it lives; None if there is no such folder yet. A killed
    process keeps nothing."""
    if not run.is_dir():
        return None
    lock = FileLock(run / ".lock", is_singleton=True)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"expected a run that nobody is training, got {run}, where another trainer is at work"
        ) from None
    return lock


def _resume(run: Path) -> Checkpoint | None:
    for name in ("checkpoint", "best", "latest"):
        recover_folder(run / name)
    return read_checkpoint(run) if (run / "checkpoint").is_dir() else None


def _hands(examples: int, decisions_per_hand: int) -> int:
    return max(1, examples // decisions_per_hand)
