"""How fast E[Q] decides, and how strong it is.

    python benchmarks/eq.py speed
    python benchmarks/eq.py pairing eq:n=100 random --protocol majority --deals 2000
    python benchmarks/eq.py ceiling --deals 2000

``speed`` times eq:n=100 under the contract objective over random hands that it plays itself at all four seats.
``pairing`` plays mirrored deals between two agents: the first one's share of hands, the difference in Elo, and
McNemar's z over the contracts that just one of the two made as the offense. ``ceiling`` is what a player who sees all
hands and plays each position exactly wins against random on the same deals: once with the points as its aim, once with
nothing but more than 21 of them, least count breaking the ties.
"""

from __future__ import annotations

import argparse
from time import perf_counter, thread_time

import numpy as np

from zeb42_agents import make_agent, solver
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.pairing import PairingResult
from zeb42_agents.arena.protocols import get_protocol
from zeb42_agents.baselines import RandomAgent
from zeb42_agents.eq import EQ
from zeb42_env import Hand, Rules
from zeb42_env._core import record, tables
from zeb42_env._core.dominoes import COUNT, HAND_POINTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    speed = commands.add_parser("speed", help="time decisions")
    speed.add_argument("--hands", type=int, default=40)
    speed.add_argument("--threads", type=int, default=1)
    pairing = commands.add_parser("pairing", help="play mirrored deals")
    pairing.add_argument("first")
    pairing.add_argument("second")
    pairing.add_argument("--protocol", default="majority")
    pairing.add_argument("--deals", type=int, default=2000)
    pairing.add_argument("--seed", type=int, default=0)
    ceiling = commands.add_parser("ceiling", help="play with all hands seen against random")
    ceiling.add_argument("--deals", type=int, default=2000)
    ceiling.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.command == "speed":
        time_decisions(options.hands, options.threads)
    elif options.command == "ceiling":
        for aim in ("points", "majority"):
            share = see_all(aim, options.deals, options.seed)
            halfwidth = 1.96 * share.std() / len(share) ** 0.5
            print(f"all hands seen, aim {aim}: {share.mean():.1%} +- {halfwidth:.1%} of hands over {len(share)} deals")
    else:
        agents = make_agent(options.first), make_agent(options.second)
        result = play_pairing(*agents, protocol=options.protocol, num_deals=options.deals, seed=options.seed)
        print(row(options.first, options.second, result))


def time_decisions(num_hands: int, threads: int) -> None:
    """Print the times of eq:n=100 at first leads and over all decisions with more than one legal play."""
    agent = EQ(100, objective="contract", threads=threads)
    rng = np.random.default_rng(0)
    first_s, all_s = [], []
    clock = thread_time if threads == 1 else perf_counter  # other work on the machine counts little in a thread's own
    for number in range(num_hands + 1):
        hand = Hand.deal(42, Rules(contract="random"), number=number)
        while not hand.is_over:
            views = np.array([hand.view(hand.to_move)])
            start = clock()
            action = int(agent.act(views, rng)[0])
            time_s = clock() - start
            if number and len(hand.legal_actions()) > 1:  # the first hand warms up
                all_s.append(time_s)
                if views["num_plays"][0] == 0:
                    first_s.append(time_s)
            hand.apply(action)
    print(f"eq:n=100, contract objective, {threads} thread(s), {num_hands} random hands")
    print(f"first lead          mean {np.mean(first_s):.3f} s, largest {np.max(first_s):.3f} s")
    print(f"unforced decisions  mean {1000 * np.mean(all_s):.1f} ms over {len(all_s)}")


def see_all(aim: str, num_deals: int, seed: int) -> np.ndarray:
    """Share of hands float [num_deals] that the player who sees everything wins of the two tables of each deal."""
    share = np.zeros(num_deals)
    rng = np.random.default_rng(seed)
    for team in (0, 1):
        hands = get_protocol("majority").deal(seed, np.arange(num_deals))
        while len(live := np.flatnonzero(hands["to_move"] >= 0)):
            seeing = hands["to_move"][live] % 2 == team
            actions = np.empty(len(live), np.int64)
            actions[seeing] = exact_plays(hands[live[seeing]], team, aim)
            others = hands[live[~seeing]]
            actions[~seeing] = RandomAgent().act(tables.views_of(others, others["to_move"]), rng)
            for b, action in zip(live, actions.tolist(), strict=True):
                record.apply(hands[b], action)
        share += 0.25 * (1.0 + np.sign(2.0 * hands["points"][:, team] - HAND_POINTS))
    return share


def exact_plays(hands: np.ndarray, team: int, aim: str) -> np.ndarray:
    """The best plays int64 [B] of ``team`` in full ``hands`` [B] by exact points; ties go to the least count."""
    to_go = solver.solve_worlds(hands).astype(np.int64)
    final = hands["points"][:, :1] + to_go
    worth = HAND_POINTS - final if team else final
    if aim == "majority":
        worth = (worth > HAND_POINTS // 2).astype(np.int64)
    return np.where(to_go == solver.ILLEGAL, -1000, 100 * worth - COUNT).argmax(1)


def row(first: str, second: str, result: PairingResult) -> str:
    """One line of the table of strengths."""
    only_first, only_second = discordant(result.games)
    mcnemar = (only_first - only_second) / max(1, only_first + only_second) ** 0.5
    low, high = result.elo_interval
    return (
        f"| {first} | {second} | {result.protocol} | {result.num_deals} | {result.win_rate:.1%} "
        f"({result.interval[0]:.1%} to {result.interval[1]:.1%}) | {result.elo:+.0f} ({low:+.0f} to {high:+.0f}) "
        f"| {only_first} : {only_second}, z = {mcnemar:+.2f} | {result.ms_per_decision[0]:.1f} |"
    )


def discordant(games: np.ndarray) -> tuple[int, int]:
    """Mirrored contracts that only the first, or only the second agent made as the offense."""
    offense = games["bidder"] & 1  # [M, 2] team
    agents = np.take_along_axis(games["teams"], offense[..., None].astype(np.int64), 2)[..., 0]
    both = (agents[:, 0] != agents[:, 1]) & (games["bidder"] >= 0).all(1)
    made = games["made"].astype(bool)[both]
    first_made = np.where(agents[both] == 0, made, False).any(1)
    second_made = np.where(agents[both] == 1, made, False).any(1)
    return int((first_made & ~second_made).sum()), int((second_made & ~first_made).sum())


if __name__ == "__main__":
    main()
