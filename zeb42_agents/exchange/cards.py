"""The cards of the two repositories of a run on the Hub, written from what was measured and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from zeb42_agents.exchange.packets import LAYOUT, RULES, SCHEMA
from zeb42_agents.exchange.parquet import columns
from zeb42_agents.extras import needs_extras

with needs_extras():
    from huggingface_hub import DatasetCardData, EvalResult, ModelCardData

CARD = "README.md"


class Measured(NamedTuple):
    """A win rate against one opponent."""

    opponent: str
    win_rate: float
    low: float
    high: float
    num_deals: int
    protocol: str
    """Of the arena."""

    def __str__(self) -> str:
        return f"{100 * self.win_rate:.1f}% ({100 * self.low:.1f} to {100 * self.high:.1f})"

    @property
    def elo(self) -> tuple[float, float, float]:
        """Elo per hand over the opponent, and its 95% interval, whose ends may be infinite."""
        return tuple(_elo(rate) for rate in (self.win_rate, self.low, self.high))  # type: ignore[return-value]


def _elo(win_rate: float) -> float:
    if not 0 < win_rate < 1:
        return math.copysign(math.inf, win_rate - 0.5)
    return 400 * math.log10(win_rate / (1 - win_rate))


def model_card(repo: str, name: str, state: dict[str, Any], config: dict[str, Any], found: Sequence[Measured]) -> bytes:
    """The card of the weights ``name`` in ``repo``: how they were trained (``config``), what they won (``found``)."""
    results = [
        EvalResult(
            task_type="reinforcement-learning",
            task_name=f"Texas 42, {each.protocol}, against {each.opponent}",
            dataset_type="texas-42",
            dataset_name=f"{each.num_deals} mirrored deals",
            metric_type=kind,
            metric_name=f"{words}, with 95% interval",
            metric_value=round(value, digits),
            metric_config=f"{low:.{digits}f}..{high:.{digits}f}",
        )
        for each in found
        for kind, words, digits, (value, low, high) in (
            ("win_rate", "hands won", 4, (each.win_rate, each.low, each.high)),
            ("elo", f"Elo per hand over {each.opponent}", 1, each.elo),
        )
        if math.isfinite(value)
    ]
    data = ModelCardData(
        license="mit",
        library_name="zeb42",
        tags=["texas-42", "dominoes", "reinforcement-learning", "imperfect-information"],
        datasets=[f"{repo}-examples"],
        model_name=name,
        eval_results=results,
    )
    lines = [
        f"# {name}: a network that plays Texas 42",
        "",
        f"{state['total_games']:,} hands of self-play, {state['step']:,} updates, {state['cycle']:,} cycles.",
        "",
        "| against | protocol of the arena | mirrored deals | hands won, 95% | Elo per hand over it, 95% |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {each.opponent} | {each.protocol} | {each.num_deals:,} | {each} | {_with_interval(each.elo)} |"
            for each in found
        ),
        "",
        "The policy alone, without search. `zeb42 arena` rates it among others, on one scale:",
        "",
        f"    zeb42 arena random greedy eq:n=20 zeb:hf://{repo}/{name} --deals 100",
        "",
        "Trained with:",
        "",
        *(f"    {key} = {value}" for key, value in config.items()),
    ]
    return _card(data.to_yaml(), lines)


def _with_interval(elo: tuple[float, float, float]) -> str:
    return "{:+.0f} ({:+.0f} to {:+.0f})".format(*elo)


def dataset_card(repo: str, name: str, num_hands: int, bytes_per_example: float | None) -> bytes:
    """The card of the hands that were played for the weights ``name`` of ``repo``."""
    data = DatasetCardData(
        license="mit",
        pretty_name=f"Hands of Texas 42 played for {name}",
        tags=["texas-42", "dominoes", "reinforcement-learning"],
        configs=[{"config_name": name, "data_files": f"{name}/*.parquet"}],
    )
    size = "" if bytes_per_example is None else f" {bytes_per_example:.1f} bytes per example in the newest file."
    lines = [
        f"# Hands of Texas 42 played for {name}",
        "",
        f"The newest files of {num_hands:,} hands of self-play for `hf://{repo}/{name}`, a row for each hand, which",
        f"gives 28 to 33 training examples.{size} Each file's metadata (`zeb42`) says who played it, with which",
        f"weights, and the digest of its hands. Schema {SCHEMA}, rules {RULES}, record {LAYOUT}.",
        "",
        "| column | type | numbers |",
        "|---|---|---:|",
        *(f"| {column} | {dtype} | {width} |" for column, _, dtype, width in columns()),
        "",
        "`zeb42_agents.exchange.packets.unpack` reads a file, and replays every hand by the rules.",
    ]
    return _card(data.to_yaml(), lines)


def _card(front: str, lines: Sequence[str]) -> bytes:
    return "\n".join(["---", front.strip(), "---", "", *lines, ""]).encode()
