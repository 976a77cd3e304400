"""The command line of training: options to a configuration and a folder, and what happens on the way out."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from zeb42_agents.training.config import PRESETS, TrainConfig

INTERRUPTED, FAILED, USAGE = 130, 1, 2
BESIDE_RESUME = {"resume", "cycles", "threads", "device", "wandb"}  # the rest is the run's own


@dataclass(frozen=True, kw_only=True)
class Command:
    """Train Zeb. Options that are not given are the preset's."""

    preset: str = "laptop"
    """laptop: two CPU cores, under ten minutes. hour: the same for an hour. gpu: one modern GPU. large-belief: the
    published run."""
    out: Path | None = None
    """Folder of the run; by default runs/PRESET-DATE-TIME."""
    resume: Path | None = None
    """Folder of a run to go on with: its configuration holds, but for --cycles, --threads, --device and --wandb."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Metrics to W&B besides the CSV."""
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(highlight=False, markup=False)  # brackets in paths and messages are not markup
    try:
        command = _parse(words)
        config, run = _settle(command)
        from zeb42_agents.training.trainer import Trainer  # after the options: torch takes seconds to import

        trainer = Trainer(config, run, wandb=command.wandb, console=console)
        console.print(f"run: {run}", soft_wrap=True)
        console.print(_in_words(config), soft_wrap=True)
    except ValueError as error:
        console.print(f"train_belief: {error}", style="red", soft_wrap=True)
        return USAGE
    except KeyboardInterrupt:
        console.print("\nstopped before the first hand; nothing was changed")
        return INTERRUPTED
    console.print(trainer.machine)
    if command.preset == "large-belief" and not config.base and command.resume is None:
        console.print("warning: no --base: the published run began from trained weights, this one begins from nothing")
    if trainer.cold:
        console.print(f"not in the base weights, starting cold: {', '.join(trainer.cold)}", soft_wrap=True)
    resume = f"python examples/train_belief.py --resume {run}"
    try:
        trainer.run()
    except KeyboardInterrupt:
        console.print(
            f"\nstopped; {trainer.saved_cycle} of {config.cycles} cycles are saved. To go on:\n  {resume}",
            soft_wrap=True,
        )
        return INTERRUPTED
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


def _parse(words: list[str]) -> Command:
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--preset", default="laptop")
    early.add_argument("--resume", type=Path)
    early.add_argument("--cycles")
    known = early.parse_known_args(words)[0]
    if known.preset not in PRESETS:
        raise ValueError(f"expected a preset, got {known.preset!r}; allowed: {', '.join(PRESETS)}")
    config = PRESETS[known.preset]
    if known.resume is not None and not {"-h", "--help"} & set(words):
        given = {word.partition("=")[0].lstrip("-").replace("_", "-") for word in words if word.startswith("--")}
        if extra := sorted(given - BESIDE_RESUME):
            raise ValueError(
                f"expected only --cycles, --threads, --device or --wandb beside --resume, "
                f"got also --{', --'.join(extra)}"
            )
        config = _saved_config(known.resume)
    elif known.cycles and known.cycles.isdecimal() and 0 < int(known.cycles) < config.teacher_cycles:
        config = replace(config, teacher_cycles=int(known.cycles))  # unless --teacher-cycles says otherwise
    default = Command(preset=known.preset, config=config)
    return tyro.cli(Command, args=words, default=default, prog="train_belief", config=(tyro.conf.FlagConversionOff,))


def _settle(command: Command) -> tuple[TrainConfig, Path]:
    """The configuration and the folder of the run."""
    if command.resume is None:
        out = command.out or Path("runs") / f"{command.preset}-{time.strftime('%Y%m%d-%H%M%S')}"
        if (out / "run.json").exists():
            raise ValueError(f"expected a new folder for --out, got {out}, which holds a run of the arena")
        if any((out / name).exists() for name in ("checkpoint", "checkpoint.old")):  # old: killed while replacing it
            raise ValueError(
                f"expected a new folder for --out, got {out}, which holds a run; --resume {out} goes on with it"
            )
        return command.config, out
    return command.config, command.resume


def _saved_config(run: Path) -> TrainConfig:
    from zeb42_agents.training.run_folder import load_config  # not before it is needed: torch takes seconds to import

    return load_config(run)


def _in_words(config: TrainConfig) -> str:
    return ", ".join(f"{name}={value}" for name, value in config.to_json().items())
