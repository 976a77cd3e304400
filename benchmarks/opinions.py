"""What each opinion of a search over a mind is worth: ``python benchmarks/opinions.py zeb:seasoned,mind=quick``.

Such a search has three opinions of a play: what sampled worlds come to when they are played out, what the same worlds
come to when they are solved at once (``solved=``), and how the network's policy likes it (``prior=``). Hands are
played, the search's team against ``--opponent``, and at each decision with a choice every legal play is also carried
out in the very deal, with ``--network`` at all four seats (nobody who plays on sees more than a player may). What came
of the plays, 1 won, 0 drawn, -1 lost, is regressed on the opinions, each less its mean over the plays of that
decision: a coefficient is what an opinion adds beside the others, over all legal plays, not the close ones alone.
``--other solve_tricks=2`` asks the same worlds to be played out with other options, too. (A network that carries the
plays out may favor worlds that are played out; ``--network eq:n=10``, a player by solved worlds, should favor the
others.)

Then, for shares of ``solved`` and weights of ``prior``, what the favorites of that mixture would have won beyond those
of the spec as it is, in hands: the sum over a hand's decisions, each changed alone and played on by ``--network``. Of
so many mixtures the best one is best by luck, too: measure it on other deals. All intervals are 95%, clustered by hand.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from zeb42_agents import make_agent
from zeb42_agents.agent import Agent, read_spec
from zeb42_agents.arena.protocols import PROTOCOLS, get_protocol
from zeb42_agents.played import LEAST_SHARE
from zeb42_agents.training.ladder.states import deal_hands
from zeb42_env._core import goals
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import HAND, TRICKS
from zeb42_env._core.tables import legal_masks
from zeb42_env.table import Table, play_out

SOLVED, POLICY, PLAYED = range(3)  # and what comes after is played with other options
SHARES, PRIORS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0), (0.0, 0.015, 0.03, 0.05, 0.1)


class Found(NamedTuple):
    """N decisions of a search."""

    opinions: np.ndarray
    """float64 [N, 28, K]: solved worlds -1..1, the logarithm of the policy, played worlds -1..1 by the spec and by each
    of the other options; 0 where not legal."""
    legal: np.ndarray
    """bool [N, 28]."""
    came: np.ndarray
    """float64 [N, 28], what each play came to: -1, 0 or 1."""
    hands: np.ndarray
    """int64 [N], the hand of each decision."""
    tricks: np.ndarray
    """int64 [N], 0 to 6."""


class Thinker:
    """A search whose opinions are asked apart, and which plays by what its spec makes of them."""

    def __init__(self, spec: str, others: list[str]) -> None:
        make, options = read_spec(spec)
        if not options.get("mind"):
            raise ValueError(f"expected a network's search over a mind, such as zeb:seasoned,mind=quick, got {spec}")
        self.solved, self.prior = float(options["solved"]), float(options["prior"])
        self._solving = make(**options | {"solved": 1.0})
        self._playing = [make(**options | {"solved": 0.0} | _more(other)) for other in ("", *others)]

    def opinions(self, view: np.void, key: np.ndarray) -> np.ndarray:
        """[28, K], see :class:`Found`; -inf for plays that are not legal."""
        found = np.full((NUM_DOMINOES, PLAYED + len(self._playing)), -np.inf)
        for one in self._solving.explain(view, key).candidates:
            found[one.action, SOLVED] = one.value
            found[one.action, POLICY] = np.log(max(one.policy or 0.0, LEAST_SHARE))
        for opinion, agent in enumerate(self._playing, PLAYED):
            for one in agent.explain(view, key).candidates:
                found[one.action, opinion] = one.value
        return found


def _more(words: str) -> dict[str, int]:
    """The options in ``solve_tricks=2``, say. ValueError for those that would draw other worlds."""
    found = dict(word.split("=", 1) for word in words.split(",") if word)
    if unknown := sorted(set(found) - {"solve_tricks", "thin"}):
        raise ValueError(
            f"expected other ways to play the same worlds out, got {unknown[0]}=; allowed: solve_tricks, thin"
        )
    return {name: int(value) for name, value in found.items()}


def worth(opinions: np.ndarray, solved: float, prior: float, played: int = PLAYED) -> np.ndarray:
    """The worth of plays of which these are the ``opinions`` [..., K], as a search mixes them."""
    mixed: np.ndarray = (
        (1 - solved) * opinions[..., played] + solved * opinions[..., SOLVED] + prior * opinions[..., POLICY]
    )
    return mixed


def ask(thinker: Thinker, opponent: Agent, network: Agent, protocol: str, num_hands: int, seed: int) -> Found:
    """Play ``num_hands`` hands, half of them from either side, and carry out every play of the search's decisions."""
    hands = deal_hands(num_hands, np.uint64(seed), [(get_protocol(protocol).rules, 1.0)])
    table = Table(hands, mix_all(np.uint64(seed + 1), np.arange(num_hands, dtype=np.uint64)))
    states, opinions, of_hand = [], [], []
    while len((turn := table.turn()).rows):
        actions = opponent.act(turn.views, turn.keys)
        mine = ((turn.views["to_move"] & 1) == turn.rows % 2) & (turn.views["phase"] == TRICKS)
        for i in np.flatnonzero(mine & (legal_masks(turn.views).sum(1) > 1)):
            found = thinker.opinions(turn.views[i], turn.keys[i : i + 1])
            legal = np.flatnonzero(np.isfinite(found[:, PLAYED]))
            actions[i] = legal[worth(found[legal], thinker.solved, thinker.prior).argmax()]
            if not goals.decided(turn.views[i]):
                states.append(table.hands[turn.rows[i]].copy())
                opinions.append(found)
                of_hand.append(turn.rows[i])
        table.take(turn.rows, actions)
    apart = np.array(opinions)
    legal = np.isfinite(apart[:, :, PLAYED])
    rows, dominoes = np.nonzero(legal)
    branches = np.array(states, HAND)[rows]
    signs = np.where((branches["to_move"] & 1) == 0, 1, -1)
    tried = Table(branches, mix_all(np.uint64(seed + 2), rows.astype(np.uint64)))
    tried.take(np.arange(len(rows)), dominoes)
    if len(tried.live):
        play_out(tried, network.act)
    came = np.zeros(legal.shape)
    came[rows, dominoes] = signs * np.array([goals.outcome(hand, int(hand["points"][0])) for hand in tried.hands])
    tricks = np.array([int(state["num_plays"]) // 4 for state in states])
    return Found(np.where(legal[:, :, None], apart, 0), legal, came, np.array(of_hand), tricks)


def coefficients(found: Found, opinions: list[int]) -> tuple[np.ndarray, np.ndarray, float]:
    """What each of ``opinions`` adds beside the others, half the width of its interval, and the share explained."""
    inputs = _less_mean(found.opinions[:, :, opinions], found.legal)[found.legal]
    wanted = _less_mean(found.came[:, :, None], found.legal)[found.legal][:, 0]
    inverse = np.linalg.inv(inputs.T @ inputs)
    weights = inverse @ inputs.T @ wanted
    left = wanted - inputs @ weights
    hands, places = np.unique(np.repeat(found.hands, found.legal.sum(1)), return_inverse=True)
    sums = np.zeros((len(hands), len(opinions)))
    np.add.at(sums, places, inputs * left[:, None])
    deviations = np.sqrt(np.diag(inverse @ sums.T @ sums @ inverse))
    return weights, 1.96 * deviations, float(1 - left @ left / (wanted @ wanted))


def _less_mean(values: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """``values`` [N, 28, K] less their mean over the legal plays of each decision."""
    values = values * legal[:, :, None]
    return values - (values.sum(1) / legal.sum(1)[:, None])[:, None]


def more_explained(found: Found, other: int, opinion: int) -> tuple[float, float, float]:
    """How much more of what came of the plays ``other`` explains alone than ``opinion``, and an interval, by drawing
    hands again 2,000 times."""
    wanted = _less_mean(found.came[:, :, None], found.legal)[:, :, 0]
    hands, places = np.unique(found.hands, return_inverse=True)

    def by_hand(products: np.ndarray) -> np.ndarray:
        return np.bincount(places, (products * found.legal).sum(1))

    drawn = np.random.default_rng(0).multinomial(len(hands), np.full(len(hands), 1 / len(hands)), 2000)
    times = np.concatenate([np.ones((1, len(hands)), np.int64), drawn])  # the first is the hands as they are
    explained = []
    for one in (other, opinion):
        inputs = _less_mean(found.opinions[:, :, [one]], found.legal)[:, :, 0]
        explained.append((times @ by_hand(inputs * wanted)) ** 2 / (times @ by_hand(inputs**2)))
    shares = (explained[0] - explained[1]) / (times @ by_hand(wanted**2))
    low, high = np.quantile(shares[1:], (0.025, 0.975))
    return float(shares[0]), float(low), float(high)


def more_won(found: Found, usual: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """The share of decisions that ``other`` (worth [N, 28]) takes otherwise than ``usual``, how much larger a share of
    hands it would have won, and half the width of the interval of that."""
    first, second = (np.where(found.legal, values, -np.inf).argmax(1) for values in (usual, other))
    rows = np.arange(len(first))
    gains = (found.came[rows, second] - found.came[rows, first]) / 2
    hands, places = np.unique(found.hands, return_inverse=True)
    sums = np.bincount(places, gains)
    return float((first != second).mean()), float(sums.mean()), float(1.96 * sums.std() / np.sqrt(len(hands)))


def report(found: Found, names: list[str], solved: float, prior: float) -> None:
    """Print the tables; ``names`` are those of the ways to play worlds out, ``solved`` and ``prior`` are the spec's."""
    print(f"{len(found.came)} decisions, {found.legal.sum()} plays")
    print("| decisions | worlds are played out by | played | solved | policy | explained |\n|---|---|---|---|---|---:|")
    models = [("-", [SOLVED]), ("-", [POLICY])]
    for played, name in enumerate(names, PLAYED):
        models += [(name, [played]), (name, [played, SOLVED, POLICY])]
    late = found.tricks >= 4
    for when, rows in (("all", late | True), ("tricks 1 to 4", ~late), ("tricks 5 to 7", late)):
        some = Found(*(part[rows] for part in found))
        for name, opinions in models:
            weights, widths, explained = coefficients(some, opinions)
            said = {min(o, PLAYED): f"{w:+.3f} ± {h:.3f}" for o, w, h in zip(opinions, weights, widths, strict=True)}
            told = " | ".join(said.get(opinion, "") for opinion in (PLAYED, SOLVED, POLICY))
            print(f"| {when} | {name} | {told} | {explained:.2%} |")
    for name, other, than, opinion in [
        (names[0], PLAYED, "solved", SOLVED),
        *((name, played, names[0], PLAYED) for played, name in enumerate(names[1:], PLAYED + 1)),
    ]:
        more, low, high = (100 * share for share in more_explained(found, other, opinion))
        print(f"{name} alone explains {more:+.2f} points more than {than} alone ({low:+.2f} to {high:+.2f})")
    usual = worth(found.opinions, solved, prior)
    for played, name in enumerate(names, PLAYED):
        heads = " | ".join(f"prior {one:g}" for one in PRIORS)
        print(f"\n| {name}, solved | {heads} |\n|---:|" + "---|" * len(PRIORS))
        for share in SHARES:
            cells = []
            for one in PRIORS:
                differs, more, width = more_won(found, usual, worth(found.opinions, share, one, played))
                cells.append(f"{100 * more:+.2f}% ± {100 * width:.2f} ({differs:.0%} other)")
            print(f"| {share:g} | {' | '.join(cells)} |")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("search", help="spec of a network's search over a mind")
    parser.add_argument("--opponent", default="eq:n=10")
    parser.add_argument("--network", default="zeb:seasoned", help="who carries the plays out, at all four seats")
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="majority")
    parser.add_argument("--other", nargs="*", default=[], help="options of other ways to play worlds out")
    parser.add_argument("--hands", type=int, default=1000, help="of each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    thinker = Thinker(options.search, options.other)
    opponent, network = make_agent(options.opponent), make_agent(options.network)
    parts = [ask(thinker, opponent, network, options.protocol, options.hands, seed) for seed in options.seeds]
    for number, part in enumerate(parts):
        part.hands[:] += number * options.hands
    found = Found(*map(np.concatenate, zip(*parts, strict=True)))
    report(found, [options.search, *options.other], thinker.solved, thinker.prior)


if __name__ == "__main__":
    main()
