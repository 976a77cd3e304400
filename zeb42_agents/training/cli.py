"""The command line of training: options to a configuration and a folder, and what happens on the way out."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from rich.console import Console
from safetensors import SafetensorError

from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.command import parse_options
from zeb42_agents.training.belief.cli import main as teach_belief
from zeb42_agents.training.belief.cli import teaches_belief
from zeb42_agents.training.belief.config import KIND as BELIEF
from zeb42_agents.training.calls.cli import learns_calls
from zeb42_agents.training.calls.cli import main as learn_calls
from zeb42_agents.training.calls.config import KIND as CALLS
from zeb42_agents.training.config import PRESETS, TrainConfig
from zeb42_agents.training.ladder.cli import is_ladder
from zeb42_agents.training.ladder.cli import main as climb
from zeb42_agents.training.ladder.config import KIND as LADDER
from zeb42_agents.training.run_folder import load_config, require_new
from zeb42_agents.training.trainer import Trainer

PROGRAM = "zeb42 train"
INTERRUPTED, FAILED, USAGE = 130, 1, 2
BESIDE_RESUME = {
    "resume",
    "cycles",
    "threads",
    "device",
    "wandb",
    "tensorboard",
    "trackio",
}  # the rest is the run's own


@dataclass(frozen=True, kw_only=True)
class Command:
    """Train Zeb. Options that are not given are the preset's."""

    preset: str = "laptop"
    """laptop: two CPU cores, under ten minutes. hour: the same for an hour. gpu: one modern GPU. large-belief: the
    published run. ladder: search or outcomes teach a small mind, for hours; calls: calls are learned from what
    contracts brought; belief: a network learns who holds what at many tables; these three have options of their own."""
    out: Path | None = None
    """Folder of the run; by default runs/PRESET-DATE-TIME."""
    resume: Path | None = None
    """Folder of a run to go on with: its configuration holds, but for --cycles, --threads, --device, and where
    metrics go."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Metrics to W&B besides the CSV."""
    tensorboard: bool = False
    """Metrics to TensorBoard, too, in the folder of the run."""
    trackio: bool = False
    """Metrics to Trackio, too, on this machine."""
    config: TrainConfig = field(default_factory=TrainConfig)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = given_options(words)
    if given.get("preset") == LADDER or ("resume" in given and is_ladder(Path(given["resume"]))):
        return climb(words, given)
    if given.get("preset") == CALLS or ("resume" in given and learns_calls(Path(given["resume"]))):
        return learn_calls(words, given)
    if given.get("preset") == BELIEF or ("resume" in given and teaches_belief(Path(given["resume"]))):
        return teach_belief(words, given)
    console = Console(highlight=False, markup=False)  # brackets in paths and messages are not markup
    with stops_raise():
        try:
            command = _parse(words)
            run = _folder(command)
            trainer = Trainer(
                command.config,
                run,
                wandb=command.wandb,
                tensorboard=command.tensorboard,
                trackio=command.trackio,
                console=console,
            )
            _introduce(console, command, trainer)
        except (ValueError, OSError, SafetensorError) as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return USAGE
        except KeyboardInterrupt as stop:
            console.print("\nstopped before the first hand; nothing was changed")
            return _status(stop)
        return _train(console, trainer)


def _train(console: Console, trainer: Trainer) -> int:
    """Run, and say what a stop or a failure left and how to go on."""
    run, cycles = trainer.run_folder, trainer.config.cycles
    go_on = f"To go on:\n  {PROGRAM} --resume {shlex.quote(str(run))} --cycles {cycles}"
    try:
        trainer.run()
    except KeyboardInterrupt as stop:
        saved = f"{trainer.saved_cycle} of {cycles} cycles are saved"
        console.print(f"\nstopped; {saved}. {go_on}", soft_wrap=True)
        return _status(stop)
    except (OSError, SafetensorError) as error:  # a full disk, for one
        saved = f"{trainer.saved_cycle} of {cycles} cycles are saved"
        console.print(f"stopped: {error}; {saved}. {go_on}", style="red", soft_wrap=True)
        return FAILED
    except FloatingPointError as error:
        if trainer.saved_cycle:
            saved = f"cycle {trainer.saved_cycle} is saved in {run}; go on from it"
            base = f" with --base {run}/latest"
        else:
            saved, base = "no cycle was finished; begin again", ""
        console.print(
            f"stopped in cycle {trainer.saved_cycle + 1}: {error}; {saved} with a lower --lr: a new run{base}",
            style="red",
            soft_wrap=True,
        )
        return FAILED
    return 0


def _status(stop: KeyboardInterrupt) -> int:
    return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED


def _introduce(console: Console, command: Command, trainer: Trainer) -> None:
    console.print(f"run: {trainer.run_folder}", soft_wrap=True)
    console.print(", ".join(f"{name}={value}" for name, value in command.config.to_json().items()), soft_wrap=True)
    console.print(trainer.machine)
    if command.preset == "large-belief" and not command.config.base and command.resume is None:
        console.print("warning: no --base: the published run began from trained weights, this one begins from nothing")
    if trainer.cold:
        console.print(f"not in the base weights, starting cold: {', '.join(trainer.cold)}", soft_wrap=True)


def _parse(words: list[str]) -> Command:
    """The command of these words. (tyro's overridable_config_cli would make of each preset a word that must be typed;
    here it may be left out, and with --resume the folder's configuration takes its place.)"""
    given = given_options(words)
    preset = given.get("preset", "laptop")
    if preset not in PRESETS:
        raise ValueError(f"expected a preset, got {preset!r}; allowed: {', '.join([*PRESETS, LADDER, CALLS, BELIEF])}")
    config, cycles = PRESETS[preset], given.get("cycles", "")
    if "resume" in given and not {"-h", "--help"} & set(words):
        if extra := sorted(set(given) - BESIDE_RESUME):
            raise ValueError(
                f"expected only --cycles, --threads, --device, --wandb, --tensorboard or --trackio beside --resume, "
                f"got also --{', --'.join(extra)}"
            )
        config = load_config(Path(given["resume"]))
    elif cycles.isdecimal() and 0 < int(cycles) < config.teacher_cycles:
        config = replace(config, teacher_cycles=int(cycles))  # unless --teacher-cycles says otherwise
    return parse_options(Command, words, program=PROGRAM, default=Command(preset=preset, config=config))


def given_options(words: Sequence[str]) -> dict[str, str]:
    """The options in ``words`` and the word after each, before their types are known: what the defaults depend on."""
    given = {}
    for word, following in pairwise([*words, ""]):
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            given[name.replace("_", "-")] = value if equals else following
    return given


def _folder(command: Command) -> Path:
    """The folder of the run."""
    if command.resume is not None:
        return command.resume
    out = command.out or Path("runs") / f"{command.preset}-{time.strftime('%Y%m%d-%H%M%S')}"
    require_new(out)
    return out
