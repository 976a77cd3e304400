"""The mind and the search over it: ``python benchmarks/mind.py {speed,promise,strength,ablation} zeb:MIND``.

``speed``: an evaluation of the mind beside one of the transformer, and labels a second, in CPU time of one core.
``promise``: what the search promises at its decisions less what comes of them, by trick and by ``thin``. The other
three seats are the mind, as the search supposes, so that the difference is its own optimism.
``strength``: mirrored deals against the yardsticks. ``ablation``: leaf, worlds and minds on the same deals, each
against the same opponent. Intervals are 95%, clustered by deal; seeds are fixed.
"""

from __future__ import annotations

import argparse
from time import perf_counter, process_time

import numpy as np
import torch

from zeb42_agents import make_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.evaluator import load
from zeb42_agents.minds import network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.network import logits_of
from zeb42_agents.played import MindPlayer
from zeb42_agents.search.bundle import Plan
from zeb42_agents.training.ladder.labels import label_states
from zeb42_agents.training.ladder.states import Players, reach_states
from zeb42_env import Rules
from zeb42_env._core import goals
from zeb42_env._core.tables import deal_numbers
from zeb42_env.table import Table

SEED = 2**41
STRENGTH = (
    ("", "eq:n=100", "majority"),
    (",worlds=160", "eq:n=100", "majority"),
    (",worlds=160", "eq:n=100", "dropped30"),
    (",worlds=160", "br:outer=40,inner=8", "most_trumps"),
)
ABLATION = (
    ("double-dummy", 16, "-", "eq:n=16"),
    ("double-dummy", 160, "-", "eq:n=160"),
    ("value", 16, "drawn", "zeb:laptop,sims=64,worlds=16,solve_tricks=0,belief=uniform"),
    ("value", 160, "drawn", "zeb:laptop,sims=640,worlds=160,solve_tricks=0,belief=uniform"),
    ("played", 16, "argmax", "{mind},worlds=16,solve_tricks=0"),
    ("played", 16, "drawn", "{mind},worlds=16,solve_tricks=0,temperature=0.5"),
    ("played", 160, "argmax", "{mind},worlds=160,solve_tricks=0"),
    ("played", 160, "drawn", "{mind},worlds=160,solve_tricks=0,temperature=0.5"),
    ("played, then solved", 16, "argmax", "{mind},worlds=16"),
    ("played, then solved", 160, "argmax", "{mind},worlds=160"),
    ("played, then solved", 160, "drawn", "{mind},worlds=160,temperature=0.5"),
)


def speed(mind: str) -> None:
    """Print the table of ``speed``."""
    torch.set_num_threads(1)
    model = MindModel.of(minds_on_disk.load(mind.removeprefix("zeb:")))
    net, transformer = model.network(), load("laptop")
    players = Players(network_mind(net), [], explore=0.1)
    views, keys = reach_states(players, num_hands=256, share=1.0, seed=np.uint64(SEED))
    rows = {
        "the mind, one view after the other": lambda: logits_of(net, views),
        "the transformer (zeb:laptop), float32, in batches of 1024": lambda: transformer(views[:1024]),
    }
    with torch.inference_mode():
        each = {name: _cpu_s(run) / n for (name, run), n in zip(rows.items(), (len(views), 1024), strict=True)}
    for name, seconds in each.items():
        print(f"| {name} | {1e6 * seconds:.1f} us |")
    first, second = each.values()
    print(f"| ratio | {second / first:.0f} |")
    for worlds in (40, 64, 160):
        some, plan = slice(0, 400), Plan(num_worlds=worlds, early=1, thin=8, every_deal=True)
        seconds = _cpu_s(lambda plan=plan, some=some: label_states(views[some], keys[some], players.mind, plan), 1)
        print(f"| labels of {worlds} worlds | {400 / seconds:.0f} a second |")


def _cpu_s(run: object, rounds: int = 5) -> float:
    """The least CPU time of some rounds, in seconds."""
    took = []
    for _ in range(rounds + 1):  # the first one compiles
        began = process_time()
        run()  # type: ignore[operator]
        took.append(process_time() - began)
    return min(took[1:])


def promise(mind: str, num_hands: int) -> None:
    """Print the table of ``promise``."""
    net = minds_on_disk.load(mind.removeprefix("zeb:")).network()
    print("| worlds | thin | " + " | ".join(f"trick {t + 1}" for t in range(6)) + " |\n|---:|---:|" + "---|" * 6)
    for worlds, thin in ((16, 8), (160, 1), (160, 4), (160, 8), (160, 32)):
        plan = Plan(num_worlds=worlds, early=1, thin=thin, every_deal=True)
        searcher, others = MindPlayer(network_mind(net), plan), MindPlayer(network_mind(net))
        rules = Rules(contract="random", scoring="majority")
        numbers = np.arange(num_hands, dtype=np.uint64)
        hands = np.repeat(rules.blank_record(), num_hands)
        deal_numbers(hands, np.uint64(SEED), numbers, rules.contract_code)
        table, seats = Table(hands, numbers), np.arange(num_hands) % 4
        promised: list[tuple[int, int, float]] = []
        while len((turn := table.turn()).rows):
            actions = others.act(turn.views, turn.keys)
            for i in np.flatnonzero(turn.views["seat"] == seats[turn.rows]):
                view = turn.views[i]
                if goals.decided(view):
                    continue
                found = searcher.explain(view, turn.keys[i : i + 1])
                actions[i] = found.chosen
                promised.append((int(turn.rows[i]), int(view["num_plays"]) // 4, float(found.root_value or 0.0)))
            table.take(turn.rows, actions)
        score = np.array([goals.outcome(hand, int(hand["points"][0])) for hand in table.hands])
        score[seats % 2 == 1] *= -1
        excess = np.array([(trick, value - score[row]) for row, trick, value in promised])
        cells = []
        for trick in range(6):
            bias = excess[excess[:, 0] == trick, 1]
            cells.append(f"{bias.mean():+.3f} ± {1.96 * bias.std() / np.sqrt(len(bias)):.3f}")
        print(f"| {worlds} | {thin} | " + " | ".join(cells) + " |", flush=True)


def pairing(first: str, second: str, protocol: str, num_deals: int) -> str:
    """Cells of a table: deals, hands won, Elo, ms per decision."""
    began = perf_counter()
    found = play_pairing(make_agent(first), make_agent(second), protocol=protocol, num_deals=num_deals, seed=SEED)
    (low, high), (elo_low, elo_high) = found.interval, found.elo_interval
    won = f"{100 * found.win_rate:.1f}% ({100 * low:.1f} to {100 * high:.1f})"
    elo = f"{found.elo:+.0f} ({elo_low:+.0f} to {elo_high:+.0f})"
    return f"{num_deals} | {won} | {elo} | {found.ms_per_decision[0]:.2f} | <!-- {perf_counter() - began:.0f} s -->"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "promise", "strength", "ablation"))
    parser.add_argument("mind", help="spec of a mind without options, such as zeb:ladder")
    parser.add_argument("--deals", type=int, default=500, help="mirrored deals of a pairing, hands of a promise")
    parser.add_argument("--opponent", default="eq:n=100", help="of the ablation")
    parser.add_argument("--lines", type=int, nargs="*", help="which lines of strength or ablation, from 0")
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.mind)
    elif options.what == "promise":
        promise(options.mind, options.deals)
    elif options.what == "strength":
        for line in options.lines or range(len(STRENGTH)):
            more, other, protocol = STRENGTH[line]
            cells = pairing(f"{options.mind}{more}", other, protocol, options.deals)
            print(f"| {options.mind}{more} | {other} | {protocol} | {cells}", flush=True)
    else:
        for line in options.lines or range(len(ABLATION)):
            leaf, worlds, kind, spec = ABLATION[line]
            cells = pairing(spec.format(mind=options.mind), options.opponent, "majority", options.deals)
            print(f"| {leaf} | {worlds} | {kind} | {cells}", flush=True)


if __name__ == "__main__":
    main()
