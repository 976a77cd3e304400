"""The command lines of a fleet: ``zeb42 fleet run``, ``learner`` and ``worker``."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import torch
import tyro
from rich.console import Console
from safetensors import SafetensorError

from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.command import parse_options
from zeb42_agents.evaluator import resolve_device
from zeb42_agents.exchange import Exchange, NotWholeError, Spool, open_exchange
from zeb42_agents.fleet.config import FleetConfig
from zeb42_agents.fleet.learner import FleetLearner, describe_machine
from zeb42_agents.fleet.local import LocalWorkers
from zeb42_agents.fleet.orders import Orders
from zeb42_agents.fleet.worker import Worker, parent_watch
from zeb42_agents.training.cli import given_options
from zeb42_agents.training.config import PRESETS, TrainConfig
from zeb42_agents.training.run_folder import CHECKPOINT, is_begun, load_config

PROGRAM = "zeb42 fleet"
INTERRUPTED, FAILED, USAGE = 130, 1, 2
NOT_OF_THE_RUN = {"cycles", "threads", "device"}  # may differ from start to start
HELP = """usage: zeb42 fleet COMMAND ...

  run      a learner and workers on this machine
  learner  learns from what workers send, and publishes its weights
  worker   plays for a learner

zeb42 fleet COMMAND --help lists the options of one. Typed again, a command goes on where it was stopped."""


@dataclass(frozen=True, kw_only=True)
class LearnerCommand:
    """Learn from what workers send to an exchange, and publish weights there. The same command goes on after a stop."""

    exchange: str
    """Where workers and learner meet: a folder, or hf://USER/REPO."""
    name: str = ""
    """Of the weights in the exchange; by default the preset's."""
    out: Path | None = None
    """Folder of the run; by default runs/fleet-NAME."""
    preset: str = "laptop"
    """laptop, hour, gpu, or large-belief: the published run."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Metrics to W&B besides the CSV."""
    tensorboard: bool = False
    """Metrics to TensorBoard, too, in the folder of the run."""
    trackio: bool = False
    """Metrics to Trackio, too, on this machine."""
    squash: bool = False
    """Forget the history of the exchange's repositories on the Hub first: what was deleted stops taking room there."""
    fleet: FleetConfig = field(default_factory=FleetConfig)
    config: TrainConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True, kw_only=True)
class RunCommand(LearnerCommand):
    """A learner and workers on this machine. The same command goes on after a stop."""

    exchange: str = ""
    """Where workers and learner meet: a folder or hf://USER/REPO; by default a folder in that of the run."""
    fleet: FleetConfig = field(default_factory=lambda: FleetConfig(lead=2, workers=2))
    ray: str = ""
    """Workers on a Ray cluster that this machine is a node of, as many as it has GPUs, or else CPUs but one: its
    address, or auto for one that runs here. Without an address: RAY_ADDRESS, or a cluster of this machine's own."""
    worker_price_per_hour: float = 0.0
    """Of each worker, for the report: its part of a machine that is not the learner's."""


@dataclass(frozen=True, kw_only=True)
class WorkerCommand:
    """Play for the learner that publishes in an exchange, until its run is over."""

    exchange: str
    """Where workers and learner meet: a folder, or hf://USER/REPO."""
    name: str
    """Of the weights to play with."""
    worker: str = ""
    """What reports call this worker; by default after the machine."""
    spool: Path | None = None
    """Folder where hands wait until they are handed over; by default .zeb42-spool/WORKER."""
    spool_mib: int = 1024
    """Its size at most."""
    device: str = "auto"
    """Of the network."""
    threads: int = 1
    """CPU threads of network, search and teacher; 0 takes every core."""
    block: int = 0
    """Hands played side by side; 0: as many as the run's lanes."""
    price_per_hour: float = 0.0
    """Of this machine, for the learner's report."""
    wandb: Literal["off", "offline", "online"] = "off"
    """A run of this worker in W&B, in the group of the learner's."""
    with_parent: Annotated[bool, tyro.conf.arg(help="End when the process that started this one does.")] = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    commands: dict[str, Callable[[list[str], Console], int]] = {"run": _run, "learner": _learner, "worker": _worker}
    console = Console(highlight=False, markup=False)
    if words[:1] in (["-h"], ["--help"]):
        print(HELP)
        return 0
    if not words or words[0] not in commands:
        got = repr(words[0]) if words else "none"
        said = f"error: expected a command of a fleet, got {got}; allowed: {', '.join(commands)}"
        console.print(said, style="red", soft_wrap=True)
        return USAGE
    with stops_raise():
        try:
            return commands[words[0]](words[1:], console)
        except (ValueError, SafetensorError) as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return USAGE
        except KeyboardInterrupt as stop:
            console.print("\nstopped; the same command goes on")
            return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED
        except (OSError, FloatingPointError) as error:
            console.print(f"stopped: {error}; the same command goes on", style="red", soft_wrap=True)
            return FAILED


def _run(words: list[str], console: Console) -> int:
    out = given_options(words).get("out") or f"runs/fleet-{_name(words)}"
    if "exchange" not in given_options(words):
        words = [*words, "--exchange", str(Path(out) / "exchange")]
    command, exchange = _learner_command(RunCommand, _with_address(words), f"{PROGRAM} run")
    price = command.worker_price_per_hour
    if not 0 <= price < 1e9:
        raise ValueError(f"expected worker_price_per_hour of at least 0, got {price}")
    if command.ray:
        return _run_on_a_cluster(command, exchange, console, asked="workers" in given_options(words))
    cores = os.cpu_count() or 1
    threads = max(1, cores // max(1, command.fleet.workers))
    learner = _build_learner(_with_threads(command, command.fleet.workers * threads), exchange, console)
    workers = ["--exchange", command.exchange, "--name", exchange.name, "--threads", str(threads)]
    workers += ["--price-per-hour", str(price), "--device", command.config.device, "--wandb", command.wandb]
    with LocalWorkers(workers, command.fleet.workers, learner.run_folder / "workers", console):
        learner.run()
    return 0


def _run_on_a_cluster(command: RunCommand, exchange: Exchange, console: Console, *, asked: bool) -> int:
    from zeb42_agents.fleet import cluster

    with cluster.cluster(command.ray) as room:
        num = command.fleet.workers if asked else room.workers()
        command = replace(command, fleet=replace(command.fleet, workers=num))
        console.print(f"Ray: {room.cpus} CPUs, {room.gpus} GPUs, {num} workers", soft_wrap=True)
        learner = _build_learner(_with_threads(command, min(num, room.here)), exchange, console)
        store = None if exchange.repo else cluster.serve(Path(command.exchange))
        price = command.worker_price_per_hour
        job = cluster.Job(exchange.name, command.exchange, store, learner.run_id, price)
        with cluster.RayWorkers(job, num, room, console):
            learner.run()
    return 0


def _with_address(words: list[str]) -> list[str]:
    """``words``, with an address behind a --ray that has none."""
    given = given_options(words).get("ray")
    if given is None or (given and not given.startswith("-")):
        return words
    at = words.index("--ray") + 1
    return [*words[:at], os.environ.get("RAY_ADDRESS") or "own", *words[at:]]


def _with_threads(command: RunCommand, busy: int) -> RunCommand:
    """``command``, whose learner takes the cores that workers of this machine leave, unless it says how many."""
    config, cores = command.config, os.cpu_count() or 1
    return replace(command, config=replace(config, threads=config.threads or max(1, cores - busy)))


def _learner(words: list[str], console: Console) -> int:
    command, exchange = _learner_command(LearnerCommand, words, f"{PROGRAM} learner")
    learner = _build_learner(command, exchange, console)
    console.print(f"workers: {learner.invitation}", soft_wrap=True)
    learner.run()
    return 0


def _worker(words: list[str], console: Console) -> int:
    command = parse_options(WorkerCommand, words, program=f"{PROGRAM} worker")
    for name, least in (("spool_mib", 1), ("threads", 0), ("block", 0), ("price_per_hour", 0)):
        if not least <= getattr(command, name) < 1e9:
            raise ValueError(f"expected {name} of at least {least}, got {getattr(command, name)}")
    exchange = open_exchange(command.exchange, command.name)
    name, spool = _claim_spool(command, exchange)
    threads = command.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    machine = describe_machine(str(resolve_device(command.device)))
    console.print(f"worker {name} on {machine}, spool {spool.folder}", soft_wrap=True)
    Worker(
        exchange,
        spool,
        name=name,
        device=command.device,
        threads=threads,
        block=command.block,
        price_per_hour=command.price_per_hour,
        machine=machine,
        wandb=command.wandb,
        console=console,
        alive=parent_watch() if command.with_parent else lambda: True,
    ).run()
    return 0


def _claim_spool(command: WorkerCommand, exchange: Exchange) -> tuple[str, Spool]:
    """The spool that was asked for, or the first of this machine that nobody uses: what lies in it is sent, too."""
    size = command.spool_mib * 2**20
    if command.spool is not None:
        name = command.worker or socket.gethostname()
        return name, _spool(command.spool, exchange, size)
    for number in range(1024):
        name = command.worker or socket.gethostname()
        name += f"-{number}" if number else ""
        try:
            return name, _spool(Path(".zeb42-spool") / exchange.name / name, exchange, size)
        except ValueError as error:
            taken = error
    raise taken


def _spool(folder: Path, exchange: Exchange, size: int) -> Spool:
    return Spool(folder, exchange.hands_store, max_bytes=size, combined=exchange.combined)


def _build_learner(command: LearnerCommand, exchange: Exchange, console: Console) -> FleetLearner:
    assert command.out is not None
    if command.squash:
        exchange.squash()
    learner = FleetLearner(
        command.config,
        command.out,
        exchange,
        fleet=command.fleet,
        wandb=command.wandb,
        tensorboard=command.tensorboard,
        trackio=command.trackio,
        console=console,
    )
    console.print(f"run: {learner.run_folder}, exchange: {exchange.spec}, weights: {exchange.name}", soft_wrap=True)
    console.print(", ".join(f"{name}={value}" for name, value in command.config.to_json().items()), soft_wrap=True)
    console.print(learner.machine)
    if learner.restored:
        console.print(f"going on from {learner.restored}", soft_wrap=True)
    elif learner.cycle:
        console.print(f"going on after cycle {learner.cycle}")
    if learner.cold:
        console.print(f"not in the base weights, starting cold: {', '.join(learner.cold)}", soft_wrap=True)
    return learner


def _name(words: list[str]) -> str:
    given = given_options(words)
    return given.get("name") or given.get("preset") or "laptop"


Learning = TypeVar("Learning", bound=LearnerCommand)


def _learner_command(kind: type[Learning], words: list[str], program: str) -> tuple[Learning, Exchange]:
    """The command, whose configuration is that of the run if there is one already, and its exchange."""
    given, name = given_options(words), _name(words)
    preset = given.get("preset", "laptop")
    if preset not in PRESETS:
        raise ValueError(f"expected a preset, got {preset!r}; allowed: {', '.join(PRESETS)}")
    config, cycles = PRESETS[preset], given.get("cycles", "")
    out = Path(given.get("out") or f"runs/fleet-{name}")
    asked_for_help = {"-h", "--help"} & set(words) or "exchange" not in given
    of_run = None if asked_for_help else _config_of_run(out, given["exchange"], name)
    if of_run is None and cycles.isdecimal() and 0 < int(cycles) < config.teacher_cycles:
        config = replace(config, teacher_cycles=int(cycles))  # unless --teacher-cycles says otherwise
    default = kind(exchange=given.get("exchange", tyro.MISSING), preset=preset, config=of_run or config)
    command = parse_options(kind, words, program=program, default=default)
    if of_run is not None:
        _require_same(command.config, of_run, out)
    return replace(command, name=name, out=out), open_exchange(command.exchange, name)


def _config_of_run(out: Path, exchange: str, name: str) -> TrainConfig | None:
    """The configuration of the run that the same command began, here or on a machine that is gone."""
    if (out / CHECKPOINT).is_dir():
        return load_config(out)
    if is_begun(out) and (out / "config.json").exists() and not (out / "exchange").exists():
        return None  # the folder says what is wrong with it
    try:
        found = open_exchange(exchange, name).fetch()
    except NotWholeError:
        return None  # the learner says what is wrong with them
    return Orders.of(found.weights.state).config if found else None


def _require_same(config: TrainConfig, of_run: TrainConfig, out: Path) -> None:
    differing = [
        f"--{f.name.replace('_', '-')} {getattr(config, f.name)} (it has {getattr(of_run, f.name)})"
        for f in fields(TrainConfig)
        if f.name not in NOT_OF_THE_RUN and getattr(config, f.name) != getattr(of_run, f.name)
    ]
    if differing:
        raise ValueError(
            f"expected the options of the run that is there already, got {', '.join(differing)}; allowed: another "
            f"--name, and another --out than {out}, for another run"
        )
