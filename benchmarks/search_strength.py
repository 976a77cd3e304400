"""What search adds to a network: ``python benchmarks/search_strength.py zeb:WEIGHTS``.

Each variant of the search plays mirrored deals against the same network without search, in the random-contract majority
format; the last lines play two variants against each other where the difference is the question. Intervals are 95%,
clustered by deal.
"""

from __future__ import annotations

import argparse
import os
from time import perf_counter

from zeb42_agents import make_agent
from zeb42_agents.arena import play_pairing

VARIANTS = (
    "sims=16",
    "sims=64",
    "sims=256,worlds=32",
    "sims=64,belief=legality",
    "sims=64,belief=uniform",
    "sims=64,solve_tricks=0",
    "sims=64,solve_tricks=2",
    "sims=64,solve_tricks=6",
    "sims=64,root=puct",
)
DUELS = (("sims=64", "sims=64,belief=uniform"), ("sims=64", "sims=64,belief=legality"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="agent spec without options, such as zeb:laptop")
    parser.add_argument("--deals", type=int, default=1000, help="mirrored deals of each line")
    parser.add_argument("--duel-deals", type=int, default=1000, help="of each duel")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    print(f"| search of {options.network} | against | deals | hands won | Elo a hand | ms a decision |")
    print("|---|---|---:|---|---|---:|", flush=True)
    for variant in options.variants:
        _play(options.network, variant, "", options.deals, options.threads)
    for first, second in DUELS if options.duel_deals else ():
        _play(options.network, first, second, options.duel_deals, options.threads)


def _play(network: str, variant: str, other: str, num_deals: int, threads: int) -> None:
    searcher = make_agent(f"{network},{variant},threads={threads}")
    opponent = make_agent(f"{network},{other},threads={threads}" if other else network)
    began = perf_counter()
    found = play_pairing(searcher, opponent, protocol="majority", num_deals=num_deals)
    low, high = found.interval
    elo_low, elo_high = found.elo_interval
    print(
        f"| {variant} | {other or 'the network alone'} | {num_deals} | {100 * found.win_rate:.1f}% ({100 * low:.1f} to "
        f"{100 * high:.1f}) | {found.elo:+.0f} ({elo_low:+.0f} to {elo_high:+.0f}) | {found.ms_per_decision[0]:.2f} |",
        f"<!-- {perf_counter() - began:.0f} s -->",
        flush=True,
    )


if __name__ == "__main__":
    main()
