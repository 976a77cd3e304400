"""``zeb42 bench``: how fast this machine plays for a learner, and what that costs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from zeb42_agents import weights
from zeb42_agents.arena.stops import Stopped, stops_raise
from zeb42_agents.command import parse_options
from zeb42_agents.evaluator import NetworkEvaluator, resolve_device
from zeb42_agents.fleet.learner import describe_machine
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.search import Search, SearchConfig
from zeb42_agents.training.actor import Actor
from zeb42_env.rules import Rules

INTERRUPTED, USAGE = 130, 2


@dataclass(frozen=True, kw_only=True)
class Command:
    """Hands of self-play per second on this machine, by network and simulations, and what a million of them cost."""

    networks: tuple[str, ...] = ("small", "large")
    """Sizes of untrained networks (small, medium, large), or weights such as laptop."""
    sims: tuple[int, ...] = (0, 16, 50)
    """Simulations per decision; 0 plays the policy alone."""
    worlds: int = 16
    """Worlds per decision."""
    lanes: int = 64
    """Hands played side by side."""
    seconds: float = 20.0
    """For each row, at least; whole blocks of hands are played."""
    threads: int = 0
    """CPU threads; 0 takes every core."""
    device: str = "auto"
    """Of the network."""
    price_per_hour: float = 0.0
    """Of this machine."""

    def __post_init__(self) -> None:
        for name, least in (("worlds", 1), ("lanes", 1), ("threads", 0), ("price_per_hour", 0), ("seconds", 0)):
            if not least <= getattr(self, name) < 1e9:
                raise ValueError(f"expected {name} of at least {least}, got {getattr(self, name)}")
        if not self.networks or not self.sims or min(self.sims) < 0:
            raise ValueError(f"expected networks, and sims of at least 0, got {self.networks} and {self.sims}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(highlight=False, markup=False)
    with stops_raise():
        try:
            command = parse_options(Command, words, program="zeb42 bench")
            threads = command.threads or os.cpu_count() or 1
            torch.set_num_threads(threads)
            networks = {name: _evaluator(name, command.device) for name in command.networks}
            console.print(f"{describe_machine(str(resolve_device(command.device)))}, {threads} CPU threads")
            table = _table(command.price_per_hour)
            for name, evaluator in networks.items():
                for sims in command.sims:
                    hands_per_s = measure(evaluator, sims, command, threads)
                    table.add_row(*row(name, evaluator.precision, sims, hands_per_s, command.price_per_hour))
            console.print(table)
        except ValueError as error:
            console.print(f"error: {error}", style="red", soft_wrap=True)
            return USAGE
        except KeyboardInterrupt as stop:
            console.print("\nstopped")
            return stop.exit_status if isinstance(stop, Stopped) else INTERRUPTED
    return 0


def _evaluator(name: str, device: str) -> NetworkEvaluator:
    if name in ("small", "medium", "large"):
        torch.manual_seed(0)
        tokenizer = "v1" if name == "large" else "v2"  # the published network reads v1
        model = ZebModel(ZebConfig.named(name, tokenizer=tokenizer, belief_head=True))  # type: ignore[arg-type]
    else:
        model = weights.load(name.removeprefix("zeb:") if name.startswith("zeb:") else Path(name)).model
    return NetworkEvaluator(model, device=device)


def measure(evaluator: NetworkEvaluator, sims: int, command: Command, threads: int) -> float:
    """Hands per second of self-play, all four seats, compiling left out."""
    player: NetworkEvaluator | Search = evaluator
    if sims:
        search = SearchConfig(
            sims=sims,
            worlds=min(command.worlds, sims),
            gumbel_scale=1.0,
            threads=threads,
            pipeline=evaluator.is_on_gpu,
        )
        player = Search(evaluator, search)
    actor = Actor(player, [Rules(contract="random", scoring="majority")], seed=0)
    actor.play(np.arange(1))
    began, played = time.perf_counter(), 0
    while played == 0 or time.perf_counter() - began < command.seconds:
        actor.play(1 + played + np.arange(command.lanes))
        played += command.lanes
    return played / (time.perf_counter() - began)


def _table(price_per_hour: float) -> Table:
    table = Table(title=f"self-play at {price_per_hour:g} per hour")
    for name in ("network", "precision", "sims", "games/s", "price per game/s", "a million games", "take"):
        table.add_column(name, justify="left" if name in ("network", "precision") else "right")
    return table


def row(name: str, precision: str, sims: int, hands_per_s: float, price_per_hour: float) -> list[str]:
    """The cells of one measurement; the price per game/s is the published table's: per hour."""
    hours = 1e6 / hands_per_s / 3600
    return [
        name,
        precision,
        str(sims),
        f"{hands_per_s:.1f}",
        f"{price_per_hour / hands_per_s:.4f}",
        f"{hours * price_per_hour:.2f}",
        f"{hours:.1f} h",
    ]
