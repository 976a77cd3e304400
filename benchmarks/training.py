"""What experience, the teacher, learning and self-play cost: ``python benchmarks/training.py``.

Positions are from random play of random contracts. ``--threads`` is for the teacher, learning and self-play; drawing
batches is one core. The network's floor is the time that its forward matrix products alone would take at the
throughput measured in the same run for one large product in the same precision; the share of the floor says what the
rest of self-play (search, attention, memory traffic, Python) costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
import torch

from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.experience import EXPERIENCE, SHARES, blank_experience
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.search import Search, SearchConfig
from zeb42_agents.training.actor import Actor
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.learner import Learner, LossWeights
from zeb42_agents.training.replay import Ring
from zeb42_agents.training.teacher import teach
from zeb42_env import Rules
from zeb42_env._core.record import BY_CHANCE
from zeb42_env._core.tables import deal_numbers, play_randomly

PUBLISHED_BYTES = 1535


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", default=["small", "medium", "large"])
    parser.add_argument("--sims", type=int, default=64)
    parser.add_argument("--lanes", type=int, default=64, help="of the self-play measurement")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    hands = finished_hands(2000)
    _bytes_and_draws(hands)
    _teacher(hands[:400], options.threads)
    for size in options.sizes:
        for precision in ("float32", "bfloat16"):
            _learning(size, hands, options.threads, precision)
    for size in options.sizes:
        _self_play(size, options.sims, options.lanes, options.threads)


def finished_hands(num: int) -> np.ndarray:
    """Random contracts played at random: HAND [num]."""
    hands = np.repeat(Rules(contract="random", scoring="majority").blank_record(), num)
    deal_numbers(hands, np.uint64(1), np.arange(len(hands), dtype=np.uint64), BY_CHANCE)
    play_randomly(hands, np.arange(num).astype(np.uint64))
    return hands


def _median_s(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return float(np.median(times))


def _experience(hands: np.ndarray) -> np.ndarray:
    experience = blank_experience(len(hands))
    experience["hand"] = hands
    return experience


def _ring(hands: np.ndarray, tokenizer: str) -> Ring:
    ring = Ring(len(hands), tokenizer=tokenizer, hidden_only=True, seed=0)
    experience = _experience(hands)
    experience["meanings"][:, :28] = SHARES
    experience["numbers"] = 1
    ring.append(experience)
    return ring


def _bytes_and_draws(hands: np.ndarray) -> None:
    per_example = EXPERIENCE.itemsize / 28
    print(f"bytes an example, memory and disk: {per_example:.1f} (published {PUBLISHED_BYTES})")
    for tokenizer in ("v1", "v2"):
        ring = _ring(hands, tokenizer)
        few = _median_s(partial(ring.sample, 64), 200)
        many = _median_s(partial(ring.sample, 4096), 30)
        print(f"sample with tokens and labels, {tokenizer}: 64 in {1e6 * few:.0f} us, 4096 in {1e3 * many:.2f} ms")


def _teacher(hands: np.ndarray, threads: int) -> None:
    keys = np.arange(len(hands)).astype(np.uint64)
    for label_worlds, num in ((0, len(hands)), (10, len(hands) // 10)):
        label = partial(teach, margin_weight=0.3, label_worlds=label_worlds)
        label(_experience(hands[:2]), keys[:2], threads=1)
        experience = _experience(hands[:num])
        began = perf_counter()
        label(experience, keys[:num], threads=threads)
        what = f"{label_worlds} sampled worlds a decision" if label_worlds else "the deal itself"
        print(f"teacher, {what}, {threads} threads: {num / (perf_counter() - began):.1f} hands/s")


def _learning(size: str, hands: np.ndarray, threads: int, precision: str) -> None:
    config = PRESETS["laptop"]
    model = ZebModel(ZebConfig.named(size, tokenizer="v2", belief_head=True, dropout=0.0))
    learner = Learner(model, LossWeights(1.0, 1.0, 0.5, 0.15, False, 0.0), lr=1e-4, precision=precision)
    ring = _ring(hands, "v2")
    time_s = _median_s(lambda: learner.step(ring.sample(config.batch_size)), 8)
    rate = config.batch_size / time_s
    print(
        f"learning, {size} v2 ({model.num_parameters:,} parameters), {precision}, {threads} threads: "
        f"{rate:,.0f} examples/s"
    )


class Timed:
    """An evaluator that counts its calls' time and views."""

    def __init__(self, evaluator: NetworkEvaluator) -> None:
        self.evaluator = evaluator
        self.time_s = 0.0
        self.num_views = 0

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`zeb42_agents.search.Evaluator`."""
        began = perf_counter()
        answers = self.evaluator(views)
        self.time_s += perf_counter() - began
        self.num_views += len(views)
        return answers

    def belief(self, views: np.ndarray) -> np.ndarray:
        """See :class:`zeb42_agents.search.Evaluator`."""
        began = perf_counter()
        belief = self.evaluator.belief(views)
        self.time_s += perf_counter() - began
        self.num_views += len(views)
        return belief


def _self_play(size: str, sims: int, lanes: int, threads: int) -> None:
    model = ZebModel(ZebConfig.named(size, tokenizer="v2", belief_head=True, dropout=0.0))
    evaluator = NetworkEvaluator(model)
    timed = Timed(evaluator)
    search = Search(timed, SearchConfig(sims=sims, gumbel_scale=1.0, threads=threads))
    rules = [Rules(contract="random", scoring="majority")]
    began, num_searched = 0.0, 0
    hands = Actor(search, rules, seed=0).start(np.arange(lanes))
    for decision in range(28):
        if decision == 1:  # the first one warms up
            timed.time_s, timed.num_views, num_searched, began = 0.0, 0, 0, perf_counter()
        turn = hands.table.turn()
        found = search(turn.views, turn.keys)
        num_searched += int(found.searched.sum())
        hands.table.take(turn.rows, found.action)
    wall_s = perf_counter() - began
    floor_s = timed.num_views * _forward_flop(model) / _matmul_flops(evaluator.precision)
    print(
        f"self-play, {size} v2, {sims} sims, {lanes} lanes, {threads} threads, {evaluator.precision}: "
        f"{lanes * 27 / 28 / wall_s:.2f} hands/s, {num_searched * sims / wall_s:,.0f} simulations/s, "
        f"network {100 * timed.time_s / wall_s:.0f}% of the time, {100 * floor_s / wall_s:.0f}% at its floor"
    )


def _forward_flop(model: ZebModel) -> float:
    """Floating-point operations of the matrix products of one view, attention's included."""
    config = model.config
    tokens, width = config.max_tokens, config.embed_dim
    layer = 2 * tokens * (4 * width * width + 2 * width * config.ff_dim) + 4 * tokens * tokens * width
    return config.n_layers * layer + 2 * tokens * 40 * width


def _matmul_flops(precision: str) -> float:
    """Measured throughput of one 2048^3 product, operations a second."""
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a = torch.randn(2048, 2048, dtype=dtype)
    return 2 * 2048**3 / _median_s(lambda: a @ a, 5)


if __name__ == "__main__":
    main()
