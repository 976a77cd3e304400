"""What is known of the hidden dominoes beyond legality: ``python benchmarks/belief.py zeb:WEIGHTS``.

All four seats of fresh hands are played by one agent, and at every play the belief of the network is set beside the
legality posterior of the same view, on the dominoes still hidden: accuracy, with a 95% interval of the difference,
clustered by hand; cross-entropy; and TSSR, the probability of the true world times the number of worlds, so that
legality has 1 (Solinas et al. 2019): its mean, and its geometric mean, which one lucky guess does not lift.

Under ``hand`` and where contracts are dealt by a rule, a second line has the worlds of that belief weighed by what was
called, declared or dealt (:mod:`zeb42_agents.evidence`), and a third the same of evenly drawn worlds. With ``--mind
quick`` two more lines weigh them by what was played, too, as that mind plays drawn at the temperature ``--plays``,
first the worlds of the network's belief (``zeb:NETWORK,mind=quick,belief=net``), then evenly drawn ones
(``zeb:NETWORK,mind=quick``). Under ``hand`` these lines take everybody to call like the simple bidder; in a last one
the partner calls as the network does with the odds of ``--alike``, and an opponent with a quarter of them.

The network learned from its own play, so the first line, the network without search, is the claim; the others say
what its belief is worth at other tables; "A v B" is a table where B plays against A, whose views are asked about.
``--ceiling N`` estimates at N positions of its own table what anyone could
know who knew the policy: worlds are weighed by how likely their seats were to play what was played, each from its own
view (policy to the power 1/0.1), and by what was called.

A mind such as ``zeb:quick`` has no belief head: it is asked how likely each world's plays were, and the bidder
that agents share how likely its calls were. That takes some 20 ms per view, so give it fewer ``--hands``. Under
``hand`` a second line leaves the calls out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zeb42_agents import belief, evidence, likelihood, make_agent, worlds
from zeb42_agents.agent import Agent
from zeb42_agents.answers import Answers, sample_actions
from zeb42_agents.arena.protocols import get_protocol
from zeb42_agents.calls import Calling
from zeb42_agents.calls.network import UNHEARD
from zeb42_agents.calls.player import USUAL, heard_of
from zeb42_agents.minds import Mind
from zeb42_agents.played import BELIEF_WORLDS, MindPlayer
from zeb42_agents.zeb import OVER_A_MIND, Zeb
from zeb42_env import Table
from zeb42_env._core.bits import mix_all
from zeb42_env._core.record import TRICKS

TEMPERATURE = 0.1
PLAYERS = (",sims=16", "eq:n=10", "greedy", "br:outer=10,inner=4", "random")
Act = Callable[[np.ndarray, np.ndarray], np.ndarray]
HEAD = """
| protocol | played by | belief | accuracy | legality | lift | cross-entropy | legality | TSSR, mean | geometric |
|---|---|---|---:|---:|---|---:|---:|---:|---:|"""


class Positions(NamedTuple):
    """Views of seats that are to play."""

    views: np.ndarray
    """HAND [N]."""
    worlds: np.ndarray
    """HAND [N, 1], the truth as a world of the view."""
    hands: np.ndarray
    """int64 [N], which hand each is of."""

    @property
    def owners(self) -> np.ndarray:
        """The truth: the seat int8 [N, 28] that was dealt each domino."""
        return self.worlds["owner"][:, 0]

    def take(self, rows: np.ndarray) -> Positions:
        """Some of them."""
        return Positions(*(column[rows] for column in self))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="agent spec without options, such as zeb:laptop")
    parser.add_argument("--hands", type=int, default=2000)
    parser.add_argument("--protocols", nargs="*", default=["majority", "most_trumps", "dropped30", "hand"])
    parser.add_argument("--players", nargs="*", default=list(PLAYERS),
                        help="more tables; options that begin with a comma are the network's")  # fmt: skip
    parser.add_argument("--ceiling", type=int, default=0, metavar="N", help="positions of the ceiling's estimate")
    parser.add_argument("--worlds", type=int, default=256, help="of calls and of the ceiling, at each position")
    parser.add_argument("--mind", help="weigh a network's worlds by how likely this mind was to play what was played")
    parser.add_argument("--plays", type=float, help="the temperature at which it draws its plays, usually 2")
    parser.add_argument("--alike", type=float, default=OVER_A_MIND.alike,
                        help="how likely the partner calls as the network does (default: %(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    network = player_of(options.network)
    if not isinstance(network, Zeb | MindPlayer):
        parser.error(f"expected a network or a mind such as zeb:laptop or zeb:quick, got {options.network!r}")
    listener = player_of(f"zeb:{options.mind}") if options.mind else None
    if listener and (isinstance(network, MindPlayer) or not isinstance(listener, MindPlayer)):
        parser.error(f"expected a network and a mind as --mind, got {options.network!r} and {options.mind!r}")
    if not 0 <= options.alike <= 1:
        parser.error(f"expected alike, a probability in 0..1, got {options.alike}")
    if wrong := [player for player in options.players if player.count(" v ") > 1]:
        parser.error(f"expected one agent, or two as 'A v B', got {wrong[0]!r}")
    heard = heard_of(options.network.removeprefix("zeb:"), USUAL) if listener else UNHEARD
    if options.plays is not None and not (listener and options.plays > 0):
        parser.error(f"expected plays, a temperature above 0, beside --mind, got {options.plays}")
    print(HEAD, flush=True)
    for protocol in options.protocols:
        for player in ["", *options.players]:
            spec = options.network + player if player[:1] in ("", ",") else player
            teams = [make_agent(agent).act for agent in spec.split(" v ")]
            found = positions(teams[0], protocol, options.hands, options.seed, against=(*teams, None)[1])
            if isinstance(network, MindPlayer):
                table_of_mind(f"{protocol} | {spec}", protocol, network, found)
                continue
            believed = network.evaluator.belief(found.views)
            table(f"{protocol} | {spec}", protocol, believed, found, options.worlds)
            if isinstance(listener, MindPlayer):
                told = evidence.new_evidence(1, dealt_by(protocol), options.plays or OVER_A_MIND.plays)
                name = f"{protocol} | {spec}"
                table_of_plays(name, believed, found, options.worlds, told, listener.mind)
                if protocol == "hand" and len(heard.first):
                    told = evidence.new_evidence(1, plays=told.plays[0], alike=options.alike, heard=heard)
                    even = worlds.uniform_weights(len(found.views))
                    likely = by_evidence(found, even, options.worlds, told, listener.mind)
                    line(name, "calls, maybe alike, and plays", *likely, found)
        if options.ceiling and isinstance(network, Zeb):
            ceiling(network.evaluator, protocol, options.ceiling, options.worlds, options.seed)


def player_of(spec: str) -> Agent:
    """The agent of ``spec``, without the calls that come with it."""
    agent = make_agent(spec)
    return agent.player if isinstance(agent, Calling) else agent


def positions(act: Act, protocol: str, num_hands: int, seed: int, *, against: Act | None = None) -> Positions:
    """The views of the seat to move at every play of fresh hands; with ``against``, who then sits at seats 1 and 3, of
    the others alone."""
    numbers = np.arange(num_hands, dtype=np.uint64)
    played = Table(get_protocol(protocol).deal(seed, numbers), mix_all(np.uint64(seed + 1), numbers))
    truth = played.hands["owner"].copy()
    seen, rows = [], []
    while len((turn := played.turn()).rows):
        theirs = turn.views["to_move"] % 2 == 1 if against else np.zeros(len(turn.rows), bool)
        asked = (turn.views["phase"] == TRICKS) & ~theirs
        seen.append(turn.views[asked])
        rows.append(turn.rows[asked])
        actions = np.empty(len(turn.rows), np.int64)
        for team, sits in ((act, ~theirs), (against, theirs)):
            if team and sits.any():
                actions[sits] = team(turn.views[sits], turn.keys[sits])
        played.take(turn.rows, actions)
    views, hands = np.concatenate(seen), np.concatenate(rows)
    return Positions(views, as_worlds(views, truth[hands]), hands)


def as_worlds(views: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The deals ``owners`` [N, 28] behind ``views`` [N] as full hands HAND [N, 1]."""
    full = views.copy()
    full["seat"], full["owner"] = -1, owners
    bits = np.uint32(1) << np.arange(28, dtype=np.uint32)
    for seat in range(4):
        full["held"][:, seat] = ((owners == seat) * bits).sum(1)
    for ply in range(28):
        rows = np.flatnonzero(views["num_plays"] > ply)
        domino = views["plays"][rows, ply]
        full["held"][rows, owners[rows, domino]] &= ~bits[domino]
    return full[:, None]


def table(name: str, protocol: str, network: np.ndarray, at: Positions, num_worlds: int) -> None:
    """Print the lines of one table, where ``network`` [N, 28, 4] is the belief of the network."""
    line(name, "network", network, np.log(worlds.odds(at.views, network, at.worlds[:, 0])), at)
    if protocol == "majority":
        return
    told = evidence.new_evidence(1, dealt_by(protocol))
    for of, weights in (("network, calls", floored(network)), ("calls alone", worlds.uniform_weights(len(at.views)))):
        line(name, of, *by_evidence(at, weights, num_worlds, told), at)


def table_of_plays(
    name: str, network: np.ndarray, at: Positions, num_worlds: int, told: evidence.Evidence, mind: Mind
) -> None:
    """Print the lines of one table whose worlds are weighed by what was called and played."""
    even = worlds.uniform_weights(len(at.views))
    for of, weights in (("network, calls and plays", floored(network)), ("calls and plays", even)):
        line(name, of, *by_evidence(at, weights, num_worlds, told, mind), at)


def dealt_by(protocol: str) -> str:
    """What a player is told of how contracts come about."""
    return protocol if protocol in ("most_trumps", "dropped30") else "random"


def floored(belief: np.ndarray) -> np.ndarray:
    """What a search draws its worlds by."""
    return 0.99 * belief + np.float32(0.01 / 4)


def table_of_mind(name: str, protocol: str, mind: MindPlayer, at: Positions) -> None:
    """Print the lines of one table."""
    line(name, "calls and plays" if protocol == "hand" else "plays", *by_plays(at, mind, calls=True), at)
    if protocol == "hand":
        line(name, "plays alone", *by_plays(at, mind, calls=False), at)


def by_plays(at: Positions, player: MindPlayer, *, calls: bool) -> tuple[np.ndarray, np.ndarray]:
    """The belief [N, 28, 4] of worlds weighed by what was played, and by the ``calls``; the log TSSR [N] of it."""
    told, found, log_tssr = evidence.of_anybody(), np.empty((len(at.views), 28, 4)), np.empty(len(at.views))
    even = worlds.uniform_weights(1)
    for b in range(len(at.views)):
        view, truth, key = at.views[b : b + 1], at.worlds[b : b + 1], np.zeros(1, np.uint64)
        if calls:
            drawn, logs = evidence.propose_many(view, BELIEF_WORLDS, key, even, told)
            true_log, proposed = evidence.log_worth_many(view, truth, told), evidence.tilted_many(view, even, told)
        else:
            drawn, proposed = worlds.sample_many(view, BELIEF_WORLDS, key, even), even
            logs, true_log = np.zeros(drawn.shape), np.zeros((1, 1))
        for of, log in ((drawn, logs), (truth, true_log)):
            evidence.add_plays(view[0], of[0], player.mind, told, log[0])
        found[b] = likelihood.posterior(view, drawn, likelihood.weights(logs))[0]
        mean = np.log(np.exp(logs - logs.max()).mean()) + logs.max()
        log_tssr[b] = np.log(worlds.odds(view, proposed, truth[:, 0])[0]) + true_log[0, 0] - mean
    return found, log_tssr


def by_evidence(
    at: Positions, weights: np.ndarray, num_worlds: int, told: evidence.Evidence, mind: Mind | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The belief [N, 28, 4] of worlds drawn by ``weights`` and weighed by what was called, and played where there is a
    ``mind``; the log TSSR [N] of it."""
    keys = mix_all(np.uint64(7), np.arange(len(at.views), dtype=np.uint64))
    drawn, logs = evidence.propose_many(at.views, num_worlds, keys, weights, told)
    tilted = evidence.tilted_many(at.views, weights, told)
    true_logs = evidence.log_worth_many(at.views, at.worlds, told)
    if mind is not None:
        for b, view in enumerate(at.views):
            evidence.add_plays(view, drawn[b], mind, told, logs[b])
            evidence.add_plays(view, at.worlds[b], mind, told, true_logs[b])
    highest = logs.max(1)
    mean = np.log(np.exp(logs - highest[:, None]).mean(1)) + highest
    found = likelihood.posterior(at.views, drawn, likelihood.weights(logs))
    return found, np.log(worlds.odds(at.views, tilted, at.worlds[:, 0])) + true_logs[:, 0] - mean


def line(name: str, of: str, found: np.ndarray, log_tssr: np.ndarray, at: Positions) -> None:
    """Print one row of the table."""
    legality = belief.legality(at.views)
    ours, theirs = belief.score(found, at.owners, at.views), belief.score(legality, at.owners, at.views)
    right, yardstick = ours.accuracy["hidden"], theirs.accuracy["hidden"]
    low, high = lift_interval(found, legality, at)
    print(
        f"| {name} | {of} | {right:.1%} | {yardstick:.1%} | "
        f"{100 * (right - yardstick):+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) | "
        f"{ours.cross_entropy['hidden']:.4f} | {theirs.cross_entropy['hidden']:.4f} | "
        f"{np.exp(log_tssr).mean():.2f} | {np.exp(log_tssr.mean()):.2f} |",
        flush=True,
    )


def lift_interval(ours: np.ndarray, theirs: np.ndarray, at: Positions) -> tuple[float, float]:
    """95% interval of the difference in accuracy on hidden dominoes, clustered by hand."""
    hidden = at.views["owner"] < 0  # [N, 28]
    gain = (belief.hits(ours, at.owners) - belief.hits(theirs, at.owners)) * hidden
    gain, asked = (np.bincount(at.hands, x.sum(1)) for x in (gain, hidden))
    mean = gain.sum() / asked.sum()
    half = 1.96 * np.sqrt(np.square(gain - mean * asked).sum()) / asked.sum()
    return mean - half, mean + half


def ceiling(evaluator: Answers, protocol: str, num: int, num_worlds: int, seed: int) -> None:
    """Print what one who knows the policy of the network says of ``num`` positions, beside the others."""
    at = positions(
        lambda views, keys: sample_actions(evaluator(views)[0] ** (1 / TEMPERATURE), keys),
        protocol,
        max(1, num // 7),
        seed + 2,
    )
    at = at.take(np.random.default_rng(seed).choice(len(at.views), num, replace=False))
    name = f"{protocol} | its policy to the power 1/{TEMPERATURE}, {num} positions"
    table(name, protocol, evaluator.belief(at.views), at, num_worlds)
    told = evidence.new_evidence(1, dealt_by(protocol))
    even, keys = worlds.uniform_weights(num), np.arange(num, dtype=np.uint64)
    drawn, logs = evidence.propose_many(at.views, num_worlds, keys, even, told)
    logs += likelihood.log_likelihood(evaluator, at.views, drawn, temperature=TEMPERATURE)
    true_logs = evidence.log_worth_many(at.views, at.worlds, told)
    true_logs += likelihood.log_likelihood(evaluator, at.views, at.worlds, temperature=TEMPERATURE)
    highest = logs.max(1)
    mean = np.log(np.exp(logs - highest[:, None]).mean(1)) + highest
    tilted = evidence.tilted_many(at.views, even, told)
    log_tssr = np.log(worlds.odds(at.views, tilted, at.worlds[:, 0])) + true_logs[:, 0] - mean
    line(name, "policy and calls known", likelihood.posterior(at.views, drawn, likelihood.weights(logs)), log_tssr, at)


if __name__ == "__main__":
    main()
