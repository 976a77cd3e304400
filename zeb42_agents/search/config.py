"""How a search is run: one frozen dataclass, the same as numbers for the kernels, and the schedule of halving."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, log2
from typing import Annotated, Literal, NamedTuple

import numpy as np

from zeb42_agents.evidence import MAX_RESAMPLE, Dealt
from zeb42_agents.ranges import Between, check_fields
from zeb42_agents.search.tree import MAX_LEGAL, MAX_SIMS, bytes_per_root

RootRule = Literal["gumbel", "puct"]
BeliefRule = Literal["net", "legality", "uniform", "likelihood"]
SOLVE_TRICKS = 4  # left, that both searches solve if nothing else is asked for


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How a search is run. The defaults are for play; self-play adds noise (``gumbel_scale=1``)."""

    sims: Annotated[int, Between(2, MAX_SIMS)] = 64
    """Simulations per decision, 2 to 32,767: a tree numbers its evaluations in int16, and a simulation makes one at
    most."""
    worlds: Annotated[int, Between(1, 30_000)] = 16
    """Worlds sampled per decision. The simulations of an action take them in turn, the same ones for every action."""
    belief: BeliefRule = "net"
    """What weighs the worlds, where no sampler is given. ``net``: the evaluator's belief; ``legality``: each seat's
    share of the consistent worlds, domino by domino; ``uniform``: every consistent world equally; ``likelihood``: how
    likely the evaluator's policy was to play what was played (thousands of evaluations per decision)."""
    resample: Annotated[int, Between(0, MAX_RESAMPLE)] = 0
    """So many times as many worlds are drawn by ``belief``, and those to search kept as likely as they explain the
    others' calls and the declaration (:mod:`zeb42_agents.evidence`); 0 asks nothing of calls. ``likelihood`` draws 256
    at least."""
    dealt: Dealt = "random"
    """How contracts come about that nobody called, beside ``resample``: ``dropped30`` and ``most_trumps`` tell
    something of the dominoes behind them."""
    belief_floor: Annotated[float, Between(0, 1)] = 0.01
    """Share of even odds mixed into the belief of ``net`` and the weights of ``likelihood``, so that no legal world is
    ruled out by an overconfident network."""
    root: RootRule = "gumbel"
    """``gumbel``: sequential halving (Danihelka et al. 2022), for few simulations; ``puct``: AlphaZero's rule (Silver
    et al. 2018), for many."""
    leaves: Annotated[int, Between(1, 30_000)] = 16
    """Most leaves of one decision in one network batch. Halving never starts a phase with leaves still out."""
    solve_tricks: Annotated[int, Between(0, 7)] = SOLVE_TRICKS
    """A world with at most this many tricks left, the current one included, is closed by the exact solver; 0 never.
    With four a solution costs less than an evaluation by the smallest network, and is worth more."""
    mix_tricks: Annotated[int, Between(0, 7)] = 0
    """A leaf with at most this many tricks left takes ``mix_weight`` of its value from the exact solver; 0 never."""
    mix_weight: Annotated[float, Between(0, 1)] = 0.5
    """The solver's share of such a leaf's value."""
    max_considered: Annotated[int, Between(2, MAX_LEGAL)] = 8
    """``gumbel``: how many root actions halving begins with, the most likely ones after the noise."""
    gumbel_scale: Annotated[float, Between(0, inf)] = 0.0
    """``gumbel``: 0 always plays the best action found, 1 samples from the improved policy, as self-play wants."""
    c_visit: Annotated[float, Between(0, inf)] = 50.0
    """Completed Q: weight of a value against the prior, ``(c_visit + most visits) * c_scale`` logits per unit."""
    c_scale: Annotated[float, Between(0, inf)] = 0.1
    """Completed Q: see ``c_visit``."""
    c_puct: Annotated[float, Between(0, inf)] = 1.25
    """``puct``: weight of the exploration term."""
    dirichlet_fraction: Annotated[float, Between(0, 1)] = 0.0
    """``puct``: share of Dirichlet noise in the root prior; 0.25 is usual in self-play."""
    dirichlet_alpha: float = 1.0
    """``puct``: concentration of that noise."""
    temperature: Annotated[float, Between(0, inf)] = 0.0
    """``puct``: 0 plays the most visited action, otherwise one drawn by visits to the power 1/temperature."""
    stake_marks: Annotated[float, Between(0, inf)] = 0.0
    """What a hand for marks is worth at the end of a line: its marks over this, within [-1, 1]; 0 takes the stake of
    the hand itself, which is then simply won or lost."""
    memory_mib: Annotated[int, Between(1, 2**30)] = 256
    """What the trees of a batch may take, in MiB: more decisions are searched in parts. Changes no result."""
    threads: Annotated[int, Between(1, 1024)] = 1
    """Threads that share the decisions of a batch. Changes no result."""
    pipeline: bool = False
    """Select for one half of the decisions while the other half is with the evaluator; pays on an accelerator."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.dealt != "random" and not self.resample:
            raise ValueError(f"expected resample of at least 1 beside dealt={self.dealt}, got 0")
        if not self.dirichlet_alpha > 0:
            raise ValueError(f"expected dirichlet_alpha above 0, got {self.dirichlet_alpha!r}")
        if not self.roots_at_once:
            raise ValueError(
                f"expected sims and worlds whose tree fits into memory_mib={self.memory_mib}, got sims={self.sims}, "
                f"worlds={self.worlds}, which take {self.mib_per_root:.0f}"
            )

    @property
    def mib_per_root(self) -> float:
        """What the tree of one decision takes in memory, in MiB; most of it is 6 bytes per simulation and world."""
        return bytes_per_root(self.worlds, self.sims, self.leaves) / 2**20

    @property
    def roots_at_once(self) -> int:
        """How many decisions are searched at once: those whose trees fit into ``memory_mib``."""
        return int(self.memory_mib / self.mib_per_root)


class Settings(NamedTuple):
    """The numbers of a :class:`SearchConfig` that the kernels use."""

    sims: int
    leaves: int
    gumbel: bool
    c_visit: float
    c_scale: float
    c_puct: float
    temperature: float
    solve_plays: int
    mix_plays: int
    mix_weight: float
    stake_marks: float
    visits: np.ndarray  # int32 [M, sims] schedule of halving
    phases: np.ndarray  # int32 [M, sims]

    @classmethod
    def of(cls, config: SearchConfig) -> Settings:
        """Those of ``config``."""
        visits, phases = halving_schedule(config.max_considered, config.sims)
        return cls(
            sims=config.sims,
            leaves=config.leaves,
            gumbel=config.root == "gumbel",
            c_visit=float(config.c_visit),
            c_scale=float(config.c_scale),
            c_puct=float(config.c_puct),
            temperature=float(config.temperature) if config.root == "puct" else 0.0,
            solve_plays=4 * config.solve_tricks,
            mix_plays=4 * config.mix_tricks,
            mix_weight=float(config.mix_weight),
            stake_marks=float(config.stake_marks),
            visits=visits,
            phases=phases,
        )


@lru_cache(maxsize=64)
def halving_schedule(max_considered: int, sims: int) -> tuple[np.ndarray, np.ndarray]:
    """What sequential halving (Karnin et al. 2013) asks of each simulation.

    Returns:
        visits: int32 [max_considered + 1, sims]. With M actions considered, simulation i goes to one that has had
            ``visits[M, i]`` visits: the best such by its current score.
        phases: int32, the same shape. Which halving simulation i belongs to: before the first simulation of a phase
            the values of the phase before it must be known.
    """
    visits = np.zeros((max_considered + 1, sims), np.int32)
    phases = np.zeros((max_considered + 1, sims), np.int32)
    for considered in range(1, max_considered + 1):
        num_phases = max(1, ceil(log2(considered)))
        left, done, phase = considered, 0, 0
        order: list[tuple[int, int]] = []
        while len(order) < sims:
            rounds = max(1, sims // (num_phases * left))
            order += [(done + r, phase) for r in range(rounds) for _ in range(left)]
            done += rounds
            fewer = max(2, (left + 1) // 2) if left > 1 else 1
            phase += fewer != left
            left = fewer
        visits[considered], phases[considered] = np.array(order[:sims], np.int32).T
    return visits, phases
