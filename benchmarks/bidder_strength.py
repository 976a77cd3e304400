"""What the simple bidder's calls are worth, the play being the same, and what becomes of its contracts.

    python benchmarks/bidder_strength.py duel greedy eq:n=10    against the old bidder's calls, each agent in all seats
    python benchmarks/bidder_strength.py table greedy eq:n=10   contracts in self-play: promised, made, set by bid
    python benchmarks/bidder_strength.py table eq:n=10 --own    the same with the agent's own calls
    python benchmarks/bidder_strength.py calls zeb:laptop       learned calls against simple ones: match and hand
    python benchmarks/bidder_strength.py prices zeb:laptop      Brier scores of P(make) over contracts at the table
    python benchmarks/bidder_strength.py heard zeb:quick --deals 3000 --seed 99     what the listener knows of the calls

``duel`` plays mirrored deals under ``hand``. The old bidder, which bid up to its double-dummy mean plus one, lives on
here alone. ``calls`` and ``prices`` take the learned calls that ``--learned`` names; all seats play alike. Contracts
of ``prices`` come of self-play with learned calls, with simple calls, and of the published format, in which the most
trumps bid 30. Beside both prices stand a constant and an oracle: how often the contract was made when the dominoes that
the bidder does not see were dealt again and again, corrected for how often.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from zeb42_agents import Agent, calls, make_agent, simple_bidder, worlds
from zeb42_agents.agent import Randomness, view_keys
from zeb42_agents.arena import PairingResult, get_protocol, play_pairing
from zeb42_agents.arena.play import play_hands
from zeb42_agents.calls.columns import NUM_CALLS, dealt_to
from zeb42_agents.calls.network import NUM_POINTS, at_least, calibrated, contract_units, heard_chance, write_prices
from zeb42_agents.training.calls.heard import auctions
from zeb42_env import Hand
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS, NUM_DOMINOES
from zeb42_env._core.record import (
    BID_MARKS,
    BID_POINTS,
    DECLARATION,
    DECLARE,
    MIN_BID,
    PASS,
    TRICKS,
    legal_mask,
    num_decisions,
    rewind,
)
from zeb42_env.rules import bid_text

NUM_AGAIN = 32  # times that the oracle deals a contract
Calls = Callable[[np.ndarray], np.ndarray]

OLD_WEIGHTS = np.array([15.3, 17.0, 20.8, 25.4, 27.8, 29.0, 30.2, 42.0, 22.9, 6.1, 3.2, 3.0, 2.4, 3.5, 0.8])
OLD_FEATURES = [*range(11), simple_bidder.SECOND_ONLY, *2 * [simple_bidder.WINNER], simple_bidder.ONE_ABOVE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("duel", "table", "calls", "prices", "heard"))
    parser.add_argument("agents", nargs="+", help="agent specs: who plays")
    parser.add_argument("--deals", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1842)
    parser.add_argument("--own", action="store_true", help="the agent calls for itself")
    parser.add_argument("--learned", default="laptop", help="where the learned calls are")
    parser.add_argument("--protocol", nargs="+", default=["match", "hand"], help="of calls")
    options = parser.parse_args()
    for spec in options.agents:
        if options.what == "heard":
            heard(spec.removeprefix("zeb:"), options.deals, options.seed)
            continue
        agent = make_agent(spec)
        if options.what == "duel":
            new, old = (CallsBy(agent, calls, f"{spec}, {calls.__name__}") for calls in (simple_calls, old_calls))
            print(duel(new, old, options.deals, options.seed), flush=True)
        elif options.what == "calls":
            learned = calls.Calling(agent, calls.load(options.learned), name=f"{spec}, learned calls")
            for protocol in options.protocol:
                compare_calls(learned, protocol, options.deals, options.seed)
        elif options.what == "prices":
            compare_prices(agent, calls.load(options.learned), options.deals, options.seed)
        else:
            table(agent if options.own else CallsBy(agent, simple_calls, spec), options.deals, options.seed)


def heard(weights: str, num_hands: int, seed: int) -> None:
    """Print how well the listener of ``weights`` knows their calls in auctions among others."""
    net = calls.load(weights)
    views, called = auctions(net, num_hands, seed)
    chances = np.zeros((len(views), NUM_CALLS))
    for b, view in enumerate(views):
        seat = int(view["to_move"])
        for call in range(NUM_CALLS):
            chances[b, call] = heard_chance(net.heard, view, seat, view["held"][seat], PASS + call)
    own, named = chances[np.arange(len(views)), called - PASS], chances.argmax(1) == called - PASS
    entropy = -np.log(own).mean()
    print(
        f"| {weights} | {len(views):,} calls | cross-entropy {entropy:.3f} | given {np.exp(-entropy):.1%} | "
        f"named {named.mean():.1%} |"
    )


class CallsBy(Agent):
    """An agent's play with a function's calls and declarations: int64 [B] for views [B]."""

    def __init__(self, player: Agent, calls: Calls, name: str) -> None:
        self.player, self.calls, self.name = player, calls, name

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One action for each view; see :meth:`zeb42_agents.Agent.act`."""
        keys, plays = view_keys(rng, len(views)), views["phase"] == TRICKS
        actions = np.empty(len(views), np.int64)
        for of_phase, choose in ((plays, lambda v, k: self.player.act(v, k)), (~plays, lambda v, _: self.calls(v))):
            if of_phase.any():
                actions[of_phase] = choose(views[of_phase], keys[of_phase])
        return actions


simple_calls = simple_bidder.simple_calls


def old_calls(views: np.ndarray) -> np.ndarray:
    """The old simple bidder's: half of what it could afford above the lowest bid, one mark for every point."""
    return np.array([_old_call(view) for view in views])


def _old_call(view: np.void) -> int:
    found = np.zeros((NUM_DECLARATIONS, simple_bidder.NUM_FEATURES))
    for declaration in range(NUM_DECLARATIONS):
        simple_bidder.features(view["held"][view["to_move"]], declaration, found[declaration])
    old = found[:, OLD_FEATURES]
    no_trump = found[:, simple_bidder.NO_TRUMP_HAND] > 0
    old[no_trump, 12], old[~no_trump, 13] = 0, 0
    points = old @ OLD_WEIGHTS
    points[[not int(view["declarations"]) >> declaration & 1 for declaration in range(NUM_DECLARATIONS)]] = -1
    if view["phase"] == DECLARATION:
        return DECLARE + int(points.argmax())
    legal = int(legal_mask(view))
    bids = legal >> (PASS + 1) << (PASS + 1)
    if not bids:
        return PASS
    least = (bids & -bids).bit_length() - 1
    partners = view["bidder"] >= 0 and (view["bidder"] - view["to_move"]) % 2 == 0
    affordable = int(points.max()) + 1
    if affordable >= HAND_POINTS and least <= BID_MARKS and not partners:
        return BID_MARKS
    least_points = MIN_BID + least - BID_POINTS
    if partners or least >= BID_MARKS or affordable < least_points:
        return PASS if legal >> PASS & 1 else least
    return least + (min(affordable, HAND_POINTS - 1) - least_points) // 2


def duel(first: Agent, second: Agent, num_deals: int, seed: int) -> PairingResult:
    """Mirrored deals under ``hand``."""
    return play_pairing(first, second, protocol="hand", num_deals=num_deals, seed=seed)


def compare_calls(learned: calls.Calling, protocol: str, num_deals: int, seed: int) -> None:
    """Print what the calls of a player are worth against the simple bidder's, the play being the same."""
    simple = calls.Calling(learned.player, None, name="simple calls")
    found = play_pairing(learned, simple, protocol=protocol, num_deals=num_deals, seed=seed)
    unit, (low, high) = "marks a match" if protocol == "match" else "points a hand", found.margin_interval
    print(f"{found}; {found.margin:+.2f} {unit} ({low:+.2f} to {high:+.2f})", flush=True)


def compare_prices(player: Agent, network: calls.CallNetwork, num_contracts: int, seed: int) -> None:
    """Print the Brier scores of both prices, of a constant and of the oracle, over several sets of contracts."""
    for caller, protocol in ((network, "hand"), (None, "hand"), (network, "most_trumps")):
        agent = calls.Calling(player, caller)
        hands = get_protocol(protocol).deal(seed, np.arange(num_contracts))
        seats, keys = np.zeros((num_contracts, 4), np.int64), np.random.default_rng(seed).integers(
            0, 2**64, num_contracts, dtype=np.uint64
        )  # fmt: skip
        play_hands([agent], hands, seats, keys, seats, strict=True)
        taken = hands["points"][np.arange(num_contracts), hands["bidder"] & 1]
        priced, again = prices_of(network, hands), play_again(player, hands, seed)
        name = "most trumps, 30" if protocol == "most_trumps" else "learned calls" if caller else "simple calls"
        print(f"{num_contracts:,} contracts, {name}: took, Brier of learned, simple, a constant, the oracle")
        for i, goal in enumerate((30, 35, 42)):
            took, shares = taken >= goal, (again >= goal).mean(1)
            brier = [((said - took) ** 2).mean() for said in (*priced[:, i].T, took.mean())]
            luck = (shares * (1 - shares)).mean() / (NUM_AGAIN - 1)  # what a mean over so few is off by
            brier.append(((shares - took) ** 2).mean() - luck)
            said = priced[:, i, 0]
            print(f"  {goal}: {took.mean():.1%}  " + "  ".join(f"{b:.3f}" for b in brier), flush=True)
            tenths = [
                (said[m].mean(), took[m].mean(), m.sum()) for k in range(10) if (m := said * 10 // 1 == k).sum() > 50
            ]
            print("      promised:made " + " ".join(f"{p:.0%}:{t:.0%}({n})" for p, t, n in tenths), flush=True)


def prices_of(network: calls.CallNetwork, hands: np.ndarray) -> np.ndarray:
    """What learned and simple prices say of 30, 35 and 42 points in the contracts of ``hands``: float64 [B, 3, 2]."""
    priced, points = np.empty((len(hands), 3, 2)), np.empty(NUM_POINTS, np.float32)
    for b, hand in enumerate(hands):
        bidder, declaration = int(hand["bidder"]), int(hand["declaration"])
        held = dealt_to(hand, bidder)
        units = contract_units(network, hand, bidder, held, declaration)
        write_prices(network, units, int(hand["bid"]), points)
        for i, goal in enumerate((30, 35, 42)):
            priced[b, i, 0] = calibrated(network, at_least(points, goal), goal)
            priced[b, i, 1] = simple_bidder.made_chance(held, declaration, goal)
    return priced


def play_again(player: Agent, hands: np.ndarray, seed: int) -> np.ndarray:
    """The points of the bidder's team, int64 [B, NUM_AGAIN], when what it does not see is dealt anew."""
    rng, dealt = np.random.default_rng(seed + 1), []
    for hand in hands:
        begun = hand.copy()
        rewind(begun, int(num_decisions(hand)) - NUM_DOMINOES)  # to the first lead
        dealt.append(worlds.sample(Hand(begun).view(int(hand["bidder"])), NUM_AGAIN, rng))
    again = np.concatenate(dealt)
    seats, keys = np.zeros((len(again), 4), np.int64), rng.integers(0, 2**64, len(again), dtype=np.uint64)
    play_hands([player], again, seats, keys, seats, strict=True)
    return again["points"][np.arange(len(again)), again["bidder"] & 1].reshape(len(hands), NUM_AGAIN)


def table(agent: Agent, num_hands: int, seed: int) -> None:
    """Print what the simple bidder's estimate promises of the contracts in self-play, and what became of them."""
    protocol = get_protocol("hand")
    hands = protocol.deal(seed, np.arange(num_hands))
    seats = np.zeros((num_hands, 4), np.int64)
    keys = np.random.default_rng(seed).integers(0, 2**64, num_hands, dtype=np.uint64)
    made = play_hands([agent], hands, seats, keys, seats, strict=True).made.astype(bool)
    bids = hands["bid"].astype(int)
    promised = np.empty((num_hands, 3))
    for b in range(num_hands):
        held = np.uint32(sum(1 << d for d in np.flatnonzero(hands["owner"][b] == hands["bidder"][b])))
        for i, points in enumerate((30, 35, 42)):
            promised[b, i] = simple_bidder.made_chance(held, int(hands["declaration"][b]), points)
    taken = hands["points"][np.arange(num_hands), hands["bidder"] & 1]
    print(f"{agent.name}, {num_hands:,} hands: {made.mean():.1%} of contracts made")
    for bid in np.unique(bids):
        these = bids == bid
        print(f"  {bid_text(int(bid)):8} {these.mean():6.1%} of contracts, set {1 - made[these].mean():6.1%}")
    for i, points in enumerate((30, 35, 42)):
        took = taken >= points
        said, brier = promised[:, i], ((promised[:, i] - took) ** 2).mean()
        print(f"  at least {points}: promised {said.mean():.1%}, {took.mean():.1%} took it, Brier {brier:.3f}")


if __name__ == "__main__":
    main()
