"""What the ideas behind the laptop preset are worth: ``python benchmarks/leads.py``.

Each line trains the preset with one idea taken back, for as many cycles, and measures the policy alone against random
(random contract, more of the 42 points; mirrored deals, 95%) and the belief beside legality on fresh self-play. Ten
sampled worlds a label cost thirteen times the work of the deal itself, so that line plays fewer hands: about as many as
fit into the same time.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any

from zeb42_agents.model import ZebOutput
from zeb42_agents.training import learner
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.evaluate import belief_report, strengths
from zeb42_agents.training.trainer import Trainer
from zeb42_env import Rules

NO_FORCED_MOVES = "forced moves teach nothing"
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "tokens v1: raw pips": {"tokenizer": "v1"},
    "won or lost alone as the teacher's value": {"margin_weight": 0.0},
    "10 sampled worlds a label, fewer hands": {"label_worlds": 10, "lanes": 40, "min_buffer_examples": 1000},
    "every hand explored": {"explored_hands": 1.0},
    "no hand explored": {"explored_hands": 0.0},
    NO_FORCED_MOVES: {},
}


ORIGINAL_LOSSES = learner.losses


def losses_of_choices(output: ZebOutput, batch: Any, weights: learner.LossWeights) -> learner.Losses:
    """The loss of those decisions alone that have a choice; as it is, the others teach values and beliefs too."""
    rows = (batch.legal.sum(1) > 1).nonzero()[:, 0]
    kept = ZebOutput(*(None if answers is None else answers[rows] for answers in output))  # type: ignore[arg-type]
    return ORIGINAL_LOSSES(kept, SimpleNamespace(**{name: field[rows] for name, field in vars(batch).items()}), weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--deals", type=int, default=1000, help="mirrored deals against random")
    parser.add_argument("--seed", type=int, default=0, help="of the runs")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), default=list(VARIANTS))
    options = parser.parse_args()
    print(f"| {options.cycles} cycles | hands | CPU minutes | won against random | belief on hidden, legality |")
    print("|---|---:|---:|---|---|", flush=True)
    for name in options.only:
        config = replace(
            PRESETS["laptop"],
            seed=options.seed,
            cycles=options.cycles,
            teacher_cycles=options.cycles,
            evaluate_deals=1,
            belief_hands=1,
            threads=options.threads,
            **VARIANTS[name],
        )
        learner.losses = losses_of_choices if name == NO_FORCED_MOVES else ORIGINAL_LOSSES
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(config, Path(folder) / "run")
            began = process_time()
            while trainer.cycle < config.cycles:
                trainer.train_cycle()
            minutes = (process_time() - began) / 60
        (pairing,) = strengths(trainer.evaluator, ["random"], num_deals=options.deals, seed=7)
        rules = [Rules(contract="random", scoring="majority")]
        report = belief_report(trainer.evaluator, rules, num_hands=1000, seed=7)
        ours, theirs = (score.accuracy["hidden"] for score in (report.network, report.legality))
        print(
            f"| {name} | {trainer.total_games:,} | {minutes:.1f} | {pairing.win_rate:.1%} | {ours:.1%}, {theirs:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
