"""How strong a network is without search: ``python benchmarks/policy_strength.py zeb:WEIGHTS [zeb:OTHER ...]``.

Mirrored deals against random in the random-contract majority format (the published evaluation), and against greedy and
eq:n=10, or any players under any protocol; 95% intervals, clustered by deal.
"""

from __future__ import annotations

import argparse

from zeb42_agents import make_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.protocols import PROTOCOLS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="agent specs")
    parser.add_argument("--opponents", nargs="*", default=["random", "greedy", "eq:n=10"])
    parser.add_argument("--deals", type=int, default=2000, help="mirrored deals of each line")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="majority")
    options = parser.parse_args()
    print("| player | against | deals | hands won | Elo a hand |")
    print("|---|---|---:|---|---|", flush=True)
    for spec in options.networks:
        for opponent in options.opponents:
            players = make_agent(spec), make_agent(opponent)
            pairing = play_pairing(*players, protocol=options.protocol, num_deals=options.deals, seed=options.seed)
            low, high = (100 * bound for bound in pairing.interval)
            elo_low, elo_high = pairing.elo_interval
            print(
                f"| {spec} | {opponent} | {options.deals} | {100 * pairing.win_rate:.1f}% ({low:.1f} to {high:.1f}) | "
                f"{pairing.elo:+.0f} ({elo_low:+.0f} to {elo_high:+.0f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
