"""The cards of the two repositories of a run on the Hub, written from what was measured and nothing else."""

from __future__ import annotations

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


def model_card(repo: str, name: str, state: dict[str, Any], config: dict[str, Any], found: Sequence[Measured]) -> bytes:
    """The card of the weights ``name`` in ``repo``: how they were trained (``config``), what they won (``found``)."""
    results = [
        EvalResult(
            task_type="reinforcement-learning",
            task_name=f"Texas 42, {each.protocol}, against {each.opponent}",
            dataset_type="texas-42",
            dataset_name=f"{each.num_deals} mirrored deals",
            metric_type="win_rate",
            metric_name="hands won, with 95% interval",
            metric_value=round(each.win_rate, 4),
            metric_config=f"{each.low:.4f}..{each.high:.4f}",
        )
        for each in found
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
        "| against | protocol of the arena | mirrored deals | hands won, 95% |",
        "|---|---|---:|---:|",
        *(f"| {each.opponent} | {each.protocol} | {each.num_deals:,} | {each} |" for each in found),
        "",
        "The policy alone, without search. No Elo was measured; `zeb42 arena` does that:",
        "",
        f"    zeb42 arena random greedy eq:n=20 zeb:hf://{repo}/{name} --deals 100",
        "",
        "Trained with:",
        "",
        *(f"    {key} = {value}" for key, value in config.items()),
    ]
    return _card(data.to_yaml(), lines)


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
