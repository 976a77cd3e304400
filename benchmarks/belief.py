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
from numba import njit

from zeb42_agents import belief, make_agent, worlds
from zeb42_agents.evaluator import NetworkEvaluator, sample_actions
from zeb42_agents.zeb import Zeb
from zeb42_env import Rules
from zeb42_env._core.record import BY_CHANCE, HAND, OVER, apply, blank, rewind
from zeb42_env._core.tables import deal_numbers, views_of

TEMPERATURE = 0.1
Act = Callable[[np.ndarray, np.random.Generator], np.ndarray]


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
    deal_numbers(hands, np.uint64(seed), np.arange(len(hands), dtype=np.uint64), BY_CHANCE)
    rng = np.random.default_rng(seed + 1)
    seen, owners = [], []
    while (hands["phase"] != OVER).any():
        views = views_of(hands, hands["to_move"])
        seen.append(views)
        owners.append(hands["owner"].copy())
        step(hands, act(views, rng))
    return np.concatenate(seen), np.concatenate(owners)


@njit
def step(hands: np.ndarray, actions: np.ndarray) -> None:
    """Take one action in each of ``hands``."""
    for i in range(len(hands)):
        apply(hands[i], actions[i])


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
        lambda views, rng: sample_actions(
            evaluator(views)[0] ** (1 / TEMPERATURE), rng.integers(0, 2**63, len(views)).astype(np.uint64)
        ),
        max(1, num // 7),
        seed + 2,
    )
    picked = np.random.default_rng(seed).choice(len(views), num, replace=False)
    views, owners = views[picked], owners[picked]
    legality = belief.legality(views)
    informed = np.array([posterior(evaluator, view, num_worlds, i) for i, view in enumerate(views)])
    print(f"\n{num} positions, plays drawn by the policy to the power 1/{TEMPERATURE}, {num_worlds} worlds each:")
    for name, found in (("legality", legality), ("network", evaluator.belief(views)), ("policy known", informed)):
        score = belief.score(found, owners, views)
        print(
            f"  {name:12s} accuracy {score.accuracy['hidden']:.1%}, cross-entropy {score.cross_entropy['hidden']:.4f}"
        )


def posterior(evaluator: NetworkEvaluator, view: np.void, num_worlds: int, seed: int) -> np.ndarray:
    """Belief float [28, 4] by the likelihood of the plays in sampled worlds, blended with legality where few weigh."""
    sampled = worlds.sample(view, num_worlds, np.random.default_rng(seed))
    past = np.empty(num_worlds * int(view["num_plays"]), HAND)
    played = np.empty(len(past), np.int64)
    num = look_back(sampled, int(view["seat"]), past, played)
    log_weight = np.zeros(num_worlds)
    if num:
        policy = evaluator(past[:num])[0] ** (1 / TEMPERATURE)
        share = policy[np.arange(num), played[:num]] / policy.sum(1)
        log_weight = np.log(share + 1e-12).reshape(num_worlds, -1).sum(1)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    found = (weight[:, None, None] * (sampled["owner"][:, :, None] == np.arange(4))).sum(0)
    doubt = 1 / (1 + 1 / np.square(weight).sum())  # the fewer worlds carry the weight, the less they are trusted
    return (1 - doubt) * found + doubt * belief.legality(np.array([view], HAND))[0]


@njit
def look_back(sampled: np.ndarray, seat: int, past: np.ndarray, played: np.ndarray) -> int:
    """Write the views of the other seats before each of their plays, world by world; returns how many."""
    num = 0
    for w in range(len(sampled)):
        for ply in range(sampled[w].num_plays):
            domino = sampled[w].plays[ply]
            if sampled[w].owner[domino] != seat:
                past[num] = sampled[w]
                rewind(past[num], ply)
                blank(past[num], past[num].to_move)
                played[num] = domino
                num += 1
    return num


if __name__ == "__main__":
    main()
