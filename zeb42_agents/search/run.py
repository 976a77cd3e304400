"""The searcher: batches of decisions in, results out; the evaluator and the kernels take turns, or work at once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from zeb42_agents.agent import require_movers, view_keys
from zeb42_agents.search.config import SearchConfig, Settings
from zeb42_agents.search.result import SearchResult
from zeb42_agents.search.roots import (
    FINAL_STREAM,
    NOISE_STREAM,
    WALK_STREAM,
    WORLDS_STREAM,
    draws_of,
    legal_actions,
    mix_dirichlet,
)
from zeb42_agents.search.samplers import Evaluator, Sampler, check_sample, standard_sampler
from zeb42_agents.search.tree import MAX_LEGAL, Trees, allocate
from zeb42_agents.search.walk import run_round, start_trees, summarize
from zeb42_agents.solver import new_memory
from zeb42_env._core.bits import mix_all
from zeb42_env._core.record import HAND, MAX_DECISIONS, NOBODY, NUM_ACTIONS

ROUNDING = 1e-3  # by which a value of an evaluator may be outside of -1..1


class Search:
    """Belief-guided tree search over views, for batches of decisions.

    What is found for a decision depends on its view, its key, the configuration and the evaluator's answers alone. An
    evaluator whose answers for a view vary with the rest of its batch (floating-point sums in another order) can tip a
    choice between actions that are equal to within that error; batches are made up from the leaves in the order of the
    decisions, whatever the threads, so the same call gives the same result.

    A searcher reuses its memory between calls and is for one caller at a time. A batch whose trees would take more than
    ``config.memory_mib`` is searched in parts.

    Args:
        evaluator: policy, value and belief of views; an :class:`zeb42_agents.answers.Answers`, or your own.
        config: how it is searched.
        sampler: where the worlds come from, in place of what ``config.belief`` names.
    """

    def __init__(
        self, evaluator: Evaluator, config: SearchConfig | None = None, sampler: Sampler | None = None
    ) -> None:
        self.evaluator = evaluator
        self.config = config = config or SearchConfig()
        if sampler is None and config.belief == "net" and not hasattr(evaluator, "belief"):
            raise ValueError(
                f"expected an evaluator with belief(views) for belief='net', got {type(evaluator).__name__} without; "
                f"SearchConfig(belief='uniform') needs none"
            )
        self.sampler = sampler or standard_sampler(evaluator, config)
        self._checks_worlds = sampler is not None
        self._settings = Settings.of(config)
        self._at_once = config.roots_at_once
        self._trees = allocate(0, config.worlds, config.sims, config.leaves)
        self._memories: list[np.ndarray] = []
        self._pool = ThreadPoolExecutor(config.threads) if config.threads > 1 or config.pipeline else None

    def __call__(self, views: np.ndarray, keys: np.ndarray) -> SearchResult:
        """Search ``views``.

        Args:
            views: HAND records [B], each the view of its own seat, which is to move. Not changed.
            keys: uint64 [B], all randomness that goes into a decision.

        Raises:
            ValueError: something else was given, no deal agrees with a view, or evaluator or sampler answered with
                what is not finite or of a wrong shape.
        """
        views = require_movers(views)
        keys = view_keys(keys, len(views))
        num_legal, only_action = legal_actions(views)
        found = _blank_result(views, self.config.worlds, num_legal, only_action)
        rows = np.flatnonzero(num_legal > 1)
        for first in range(0, len(rows), self._at_once):
            part = rows[first : first + self._at_once]
            self._search(found, part, views[part], keys[part])
        return SearchResult(
            config=self.config, worlds_from=self.sampler.name, views=views, searched=num_legal > 1, **found
        )

    def _search(self, found: dict[str, Any], rows: np.ndarray, views: np.ndarray, keys: np.ndarray) -> None:
        """Search ``views`` [R] and write what is found into rows ``rows`` [R] of ``found``."""
        sample = self.sampler(views, self.config.worlds, mix_all(keys, WORLDS_STREAM))
        if self._checks_worlds:
            check_sample(sample, views, self.config.worlds)
        prior, network_value = self._evaluate(views)
        if self.config.root == "puct" and self.config.dirichlet_fraction > 0.0:
            mix_dirichlet(prior, keys, self.config)
        trees = self._start(views, keys, sample.worlds, prior, network_value)
        found["num_evaluations"] += len(rows) + self._run(trees, len(rows))
        found["worlds"][rows], found["belief"][rows] = sample.worlds, sample.belief
        found["is_posterior"] = sample.is_posterior
        found["prior"][rows], found["network_value"][rows] = prior, network_value
        searched = {name: found[name][rows] for name in ("visits", "q", "policy", "root_value", "action", "line")}
        summarize(trees, self._settings, *searched.values())
        for name, array in searched.items():
            found[name][rows] = array

    def _evaluate(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        priors, values = self.evaluator(views)
        priors, values = np.ascontiguousarray(priors, np.float32), np.ascontiguousarray(values, np.float32)
        if priors.shape != (len(views), NUM_ACTIONS) or values.shape != (len(views),):
            raise ValueError(
                f"expected priors of shape {(len(views), NUM_ACTIONS)} and values of shape {(len(views),)} from the "
                f"evaluator, got {priors.shape} and {values.shape}"
            )
        if not (np.isfinite(values).all() and np.isfinite(priors).all()):
            raise ValueError("expected finite priors and values from the evaluator, got NaN or infinity")
        if len(values) and (priors.min() < 0 or np.abs(values).max() > 1 + ROUNDING):
            raise ValueError(
                f"expected priors of at least 0 (a policy, not logits) and values in -1..1 from the evaluator, got a "
                f"prior of {priors.min():.3g} and a value of {values[np.abs(values).argmax()]:.3g}"
            )
        return priors, values

    def _start(
        self, views: np.ndarray, keys: np.ndarray, worlds: np.ndarray, priors: np.ndarray, values: np.ndarray
    ) -> Trees:
        if len(self._trees.roots) < len(views):
            self._trees = allocate(len(views), self.config.worlds, self.config.sims, self.config.leaves)
        trees = self._trees
        trees.worlds[: len(views)] = worlds
        start_trees(trees, views, mix_all(keys, WALK_STREAM), priors, values, self.config.max_considered)
        if self._settings.gumbel and self.config.gumbel_scale > 0.0:
            draws = np.maximum(draws_of(mix_all(keys, NOISE_STREAM), MAX_LEGAL), 1e-12)
            trees.roots["noise"][: len(views)] = -np.log(-np.log(draws)) * self.config.gumbel_scale
        if self._settings.temperature > 0.0:
            trees.roots["final_draw"][: len(views)] = draws_of(mix_all(keys, FINAL_STREAM), 1)[:, 0]
        return trees

    def _run(self, trees: Trees, num_roots: int) -> int:
        """Rounds until every simulation is done; returns how many leaves were evaluated."""
        edges = [0, num_roots // 2, num_roots] if self.config.pipeline and num_roots > 1 else [0, num_roots]
        halves = [_Half(self, trees, first, last) for first, last in pairwise(edges)]
        for half in halves:
            half.start(np.zeros((0, NUM_ACTIONS), np.float32), np.zeros(0, np.float32))
        num_evaluations = 0
        while halves:
            half = halves.pop(0)
            leaves = half.leaves()
            if len(leaves):
                num_evaluations += len(leaves)
                half.start(*self._evaluate(leaves))  # meanwhile the other half's round is under way
                halves.append(half)
            else:
                self._memories += half.memories
        return num_evaluations

    def borrow_memory(self) -> np.ndarray:
        """Memory for the solver that no other chunk uses."""
        return self._memories.pop() if self._memories else new_memory()


class _Half:
    """Roots ``first`` .. ``last`` - 1, cut into one chunk for each thread."""

    def __init__(self, search: Search, trees: Trees, first: int, last: int) -> None:
        self.trees, self.settings, self.pool = trees, search._settings, search._pool
        num_chunks = min(search.config.threads, last - first)
        self.edges = [first + (last - first) * chunk // num_chunks for chunk in range(num_chunks + 1)]
        self.buffers = [np.empty((b - a) * search.config.leaves, HAND) for a, b in pairwise(self.edges)]
        self.memories = [search.borrow_memory() for _ in self.buffers]
        self.counts = [0] * num_chunks  # leaves of each chunk that are out
        self.jobs: list[Future[int]] = []

    def start(self, priors: np.ndarray, values: np.ndarray) -> None:
        """Begin a round: the evaluator's answers [L, 56] and [L] for the last leaves go in."""
        ends = np.cumsum(self.counts)
        work: list[tuple[Any, ...]] = []
        for chunk, (first, last) in enumerate(pairwise(self.edges)):
            mine = slice(ends[chunk] - self.counts[chunk], ends[chunk])
            answers = priors[mine], values[mine]
            room = self.buffers[chunk], self.memories[chunk][0]
            work.append((self.trees, self.settings, first, last, *answers, *room))
        if self.pool is None:
            self.counts = [run_round(*arguments) for arguments in work]
        else:
            self.jobs = [self.pool.submit(run_round, *arguments) for arguments in work]

    def leaves(self) -> np.ndarray:
        """The views [L] of the round's leaves, when it is done, in the order of the roots."""
        if self.pool is not None:
            self.counts = [job.result() for job in self.jobs]
        parts = [buffer[:count] for buffer, count in zip(self.buffers, self.counts, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def search(
    views: np.ndarray,
    keys: np.ndarray,
    evaluator: Evaluator,
    config: SearchConfig | None = None,
    sampler: Sampler | None = None,
) -> SearchResult:
    """Search ``views`` [B] once; see :class:`Search`, which reuses its memory where there are many batches."""
    return Search(evaluator, config, sampler)(views, keys)


def _blank_result(views: np.ndarray, num_worlds: int, num_legal: np.ndarray, only_action: np.ndarray) -> dict[str, Any]:
    """The fields of a result in which nothing was searched; forced actions are in."""
    num_views = len(views)
    found: dict[str, Any] = {
        "action": only_action,
        "visits": np.zeros((num_views, NUM_ACTIONS), np.int32),
        "q": np.zeros((num_views, NUM_ACTIONS), np.float32),
        "prior": np.zeros((num_views, NUM_ACTIONS), np.float32),
        "policy": np.zeros((num_views, NUM_ACTIONS), np.float32),
        "root_value": np.full(num_views, np.nan, np.float32),
        "network_value": np.full(num_views, np.nan, np.float32),
        "belief": np.zeros((num_views, 28, 4), np.float32),
        "is_posterior": False,
        "worlds": np.zeros((num_views, num_worlds), HAND),
        "line": np.full((num_views, MAX_DECISIONS), NOBODY, np.int8),
        "num_evaluations": 0,
    }
    forced = np.flatnonzero(num_legal == 1)
    found["policy"][forced, only_action[forced]] = 1.0
    found["prior"][forced, only_action[forced]] = 1.0
    found["line"][forced, 0] = only_action[forced]
    return found
