"""The mind and the search over it: ``python benchmarks/mind.py {speed,promise,noise,strength,ablation} zeb:MIND``.

``speed``: an evaluation of the mind beside one of the transformer, and labels a second, in CPU time of one core.
``promise``: what the search promises at its decisions less what comes of them, by trick and by ``thin``. The other
three seats are the mind, as the search supposes, so that the difference is its own optimism.
``noise``: what few worlds cost, of any search over a mind, such as ``zeb:taught,mind=quick``: each decision is searched
16 times, and how much a choice falls short of another one's is judged by worlds that neither has seen.
``strength``: mirrored deals against the yardsticks. ``ablation``: leaf, worlds and minds on the same deals, each
against the same opponent, then the strongest player without one thing at a time. Intervals are 95%, clustered by deal;
seeds are fixed.
"""

from __future__ import annotations

import argparse
from time import perf_counter, process_time

import numpy as np
import torch

from zeb42_agents import make_agent
from zeb42_agents.agent import read_spec
from zeb42_agents.arena import play_pairing
from zeb42_agents.evaluator import load
from zeb42_agents.minds import network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.network import logits_of
from zeb42_agents.played import LEAST_SHARE, MindPlayer
from zeb42_agents.search.bundle import Plan
from zeb42_agents.training.ladder.labels import label_states
from zeb42_agents.training.ladder.states import Players, reach_states
from zeb42_env import Rules
from zeb42_env._core import goals
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.tables import deal_numbers, legal_masks
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
    ("value", 16, "drawn", "zeb:taught,sims=64,worlds=16,solve_tricks=0,belief=uniform"),
    ("value", 160, "drawn", "zeb:taught,sims=640,worlds=160,solve_tricks=0,belief=uniform"),
    ("played", 16, "argmax", "{mind},worlds=16,solve_tricks=0"),
    ("played", 16, "drawn", "{mind},worlds=16,solve_tricks=0,temperature=0.5"),
    ("played", 160, "argmax", "{mind},worlds=160,solve_tricks=0"),
    ("played", 160, "drawn", "{mind},worlds=160,solve_tricks=0,temperature=0.5"),
    ("played, then solved", 16, "argmax", "{mind},worlds=16"),
    ("played, then solved", 160, "argmax", "{mind},worlds=160"),
    ("played, then solved", 160, "drawn", "{mind},worlds=160,temperature=0.5"),
    ("the strongest", 160, "argmax", "{strongest}"),
    ("the strongest, few worlds", 16, "argmax", "{strongest},worlds=16"),
    ("the strongest, drawn minds", 160, "drawn", "{strongest},temperature=0.5"),
    ("the strongest, deaf to the plays", 160, "argmax", "{strongest},resample=0"),
    ("the strongest, nothing solved at once", 160, "argmax", "{strongest},solved=0"),
    ("the strongest, without its policy", 160, "argmax", "{strongest},prior=0"),
)
STRONGEST = "zeb:taught,mind=quick"


def speed(mind: str) -> None:
    """Print the table of ``speed``."""
    torch.set_num_threads(1)
    model = MindModel.of(minds_on_disk.load(mind.removeprefix("zeb:")))
    net, transformer = model.network(), load("laptop")
    players = Players(network_mind(net), [], explore=0.1)
    views, keys, _ = reach_states(players, num_hands=256, share=1.0, seed=np.uint64(SEED))
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


def noise(spec: str, num_hands: int) -> None:
    """Print the table of ``noise``: half of the 16 searches that are left choose the other play, half judge the two."""
    player, prior, rounds = make_agent(spec), float(read_spec(spec)[1]["prior"]), 16
    network = make_agent("zeb:taught")
    rules, numbers = Rules(contract="random", scoring="majority"), np.arange(num_hands, dtype=np.uint64)
    hands = np.repeat(rules.blank_record(), num_hands)
    deal_numbers(hands, np.uint64(SEED + 1), numbers, rules.contract_code)
    table, chosen_ply = Table(hands, numbers), np.random.default_rng(0).integers(0, 24, num_hands)
    views, worth = [], []
    while len((turn := table.turn()).rows):
        legal = legal_masks(turn.views).sum(1)
        for i in np.flatnonzero((turn.views["num_plays"] == chosen_ply[turn.rows]) & (legal > 1)):
            found = np.full((rounds, NUM_DOMINOES), -np.inf)
            for r in range(rounds):
                key = mix_all(turn.keys[i : i + 1], np.uint64(r))
                for one in player.explain(turn.views[i], key).candidates:
                    found[r, one.action] = (one.value or 0.0) + prior * np.log(max(one.policy or 0.0, LEAST_SHARE))
            views.append(turn.views[i])
            worth.append(found)
        table.take(turn.rows, network.act(turn.views, turn.keys))
    all_worth, tricks = np.array(worth), np.array([view["num_plays"] // 4 for view in views])
    print(f"{spec}, {len(views)} decisions\n| worlds, times | regret a decision | " + " | ".join(
        f"trick {t + 1}" for t in range(6)) + " |\n|---:|---|" + "---:|" * 6)  # fmt: skip
    for many in (1, 2, 4, 8):
        lost = []
        for first in range(0, rounds, many):
            others = [r for r in range(rounds) if not first <= r < first + many]
            choose, judge = (all_worth[:, part].mean(1) for part in (others[0::2], others[1::2]))
            mine = all_worth[:, first : first + many].mean(1).argmax(1)
            rows = np.arange(len(views))
            lost.append(judge[rows, choose.argmax(1)] - judge[rows, mine])
        regret = np.mean(lost, 0)
        cells = " | ".join(f"{regret[tricks == trick].mean():+.4f}" for trick in range(6))
        print(f"| {many} | {regret.mean():+.5f} ± {1.96 * regret.std() / np.sqrt(len(regret)):.5f} | {cells} |")


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
    parser.add_argument("what", choices=("speed", "promise", "noise", "strength", "ablation"))
    parser.add_argument("mind", help="spec of a mind without options; of noise, any search over one")
    parser.add_argument(
        "--deals", type=int, default=500, help="mirrored deals of a pairing, hands of promise and noise"
    )
    parser.add_argument("--opponent", default="eq:n=100", help="of the ablation")
    parser.add_argument("--lines", type=int, nargs="*", help="which lines of strength or ablation, from 0")
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.mind)
    elif options.what == "promise":
        promise(options.mind, options.deals)
    elif options.what == "noise":
        noise(options.mind, options.deals)
    elif options.what == "strength":
        for line in options.lines or range(len(STRENGTH)):
            more, other, protocol = STRENGTH[line]
            cells = pairing(f"{options.mind}{more}", other, protocol, options.deals)
            print(f"| {options.mind}{more} | {other} | {protocol} | {cells}", flush=True)
    else:
        for line in options.lines or range(len(ABLATION)):
            leaf, worlds, kind, spec = ABLATION[line]
            cells = pairing(
                spec.format(mind=options.mind, strongest=STRONGEST), options.opponent, "majority", options.deals
            )
            print(f"| {leaf} | {worlds} | {kind} | {cells}", flush=True)


if __name__ == "__main__":
    main()
