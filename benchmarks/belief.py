"""What the belief head knows beyond legality: ``python benchmarks/belief.py zeb:WEIGHTS``.

All four seats of fresh hands (random contract, more of the 42 points) are played by one agent, and at every play the
belief of the network about the hidden dominoes is set beside the legality posterior of the same view: accuracy with a
95% interval of the difference, clustered by hand, and cross-entropy. The network learned from its own play, so the
first line, the network without search, is the claim; the others say what its belief is worth at other tables.

``--ceiling N`` estimates at N positions what anyone could know who knew the policy: worlds are weighted by how likely
their seats were to play what was played, each from its own view (policy to the power 1/0.1).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from zeb42_agents import belief, likelihood, make_agent, worlds
from zeb42_agents.evaluator import NetworkEvaluator, sample_actions
from zeb42_agents.zeb import Zeb
from zeb42_env import Rules, Table, play_out
from zeb42_env._core import tables
from zeb42_env._core.bits import mix_all
from zeb42_env._core.record import BY_CHANCE

TEMPERATURE = 0.1
Act = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="agent spec without options, such as zeb:laptop")
    parser.add_argument("--hands", type=int, default=2000)
    parser.add_argument("--players", nargs="*", default=[",sims=16", "eq:n=10", "greedy", "random"],
                        help="more tables; options that begin with a comma are the network's")  # fmt: skip
    parser.add_argument("--ceiling", type=int, default=0, metavar="N", help="positions of the ceiling's estimate")
    parser.add_argument("--worlds", type=int, default=256, help="of the ceiling, at each position")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    network = make_agent(options.network)
    if not isinstance(network, Zeb):
        raise ValueError(f"expected a network such as zeb:laptop, got {options.network!r}")
    print("| played by | hidden dominoes | accuracy, network | legality | lift | cross-entropy, network | legality |")
    print("|---|---:|---:|---:|---|---:|---:|", flush=True)
    for player in ["", *options.players]:
        spec = options.network + player if player[:1] in ("", ",") else player
        views, owners = positions(make_agent(spec).act, options.hands, options.seed)
        print(line(spec, network.evaluator.belief(views), views, owners), flush=True)
    if options.ceiling:
        ceiling(network.evaluator, options.ceiling, options.worlds, options.seed)


def positions(act: Act, num_hands: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The views HAND [28 * num_hands] of the seat to move at every play of fresh hands, and the owners int8
    [28 * num_hands, 28]; play by play, the hands in the same order."""
    hands = np.repeat(Rules(contract="random", scoring="majority").blank_record(), num_hands)
    numbers = np.arange(num_hands, dtype=np.uint64)
    tables.deal_numbers(hands, np.uint64(seed), numbers, BY_CHANCE)
    seen = []

    def note_and_act(views: np.ndarray, keys: np.ndarray) -> np.ndarray:
        seen.append(views)
        return act(views, keys)

    play_out(Table(hands, mix_all(np.uint64(seed + 1), numbers)), note_and_act)
    return np.concatenate(seen), np.tile(hands["owner"], (28, 1))


def line(name: str, network: np.ndarray, views: np.ndarray, owners: np.ndarray) -> str:
    """One row of the table."""
    legality = belief.legality(views)
    ours, theirs = belief.score(network, owners, views), belief.score(legality, owners, views)
    right, yardstick = ours.accuracy["hidden"], theirs.accuracy["hidden"]
    low, high = lift_interval(network, legality, views, owners)
    return (
        f"| {name} | {ours.num_dominoes['hidden']:,} | {right:.1%} | {yardstick:.1%} | "
        f"{100 * (right - yardstick):+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) | "
        f"{ours.cross_entropy['hidden']:.4f} | {theirs.cross_entropy['hidden']:.4f} |"
    )


def lift_interval(ours: np.ndarray, theirs: np.ndarray, views: np.ndarray, owners: np.ndarray) -> tuple[float, float]:
    """95% interval of the difference in accuracy on hidden dominoes, clustered by hand."""
    hidden = views["owner"] < 0  # [N, 28]
    gain = (belief.hits(ours, owners) - belief.hits(theirs, owners)) * hidden
    num_hands = len(views) // 28
    gain, asked = (x.sum(1).reshape(28, num_hands).sum(0) for x in (gain, hidden))
    mean = gain.sum() / asked.sum()
    half = 1.96 * np.sqrt(np.square(gain - mean * asked).sum()) / asked.sum()
    return mean - half, mean + half


def ceiling(evaluator: NetworkEvaluator, num: int, num_worlds: int, seed: int) -> None:
    """Print what the network and one who knows its policy say of ``num`` positions."""
    views, owners = positions(
        lambda views, keys: sample_actions(evaluator(views)[0] ** (1 / TEMPERATURE), keys),
        max(1, num // 7),
        seed + 2,
    )
    picked = np.random.default_rng(seed).choice(len(views), num, replace=False)
    views, owners = views[picked], owners[picked]
    legality = belief.legality(views)
    sampled = worlds.sample_many(views, num_worlds, np.arange(num, dtype=np.uint64), worlds.uniform_weights(num))
    logs = likelihood.log_likelihood(evaluator, views, sampled, temperature=TEMPERATURE)
    informed = likelihood.posterior(views, sampled, likelihood.weights(logs))
    print(f"\n{num} positions, plays drawn by the policy to the power 1/{TEMPERATURE}, {num_worlds} worlds each:")
    for name, found in (("legality", legality), ("network", evaluator.belief(views)), ("policy known", informed)):
        score = belief.score(found, owners, views)
        print(
            f"  {name:12s} accuracy {score.accuracy['hidden']:.1%}, cross-entropy {score.cross_entropy['hidden']:.4f}"
        )


if __name__ == "__main__":
    main()
