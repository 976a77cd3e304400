"""How a belief is learned, and judged against what the rules alone say."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zeb42_agents.belief import legality, score
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebModel, ZebOutput
from zeb42_agents.training.belief.collect import MIXED
from zeb42_agents.training.belief.config import BeliefConfig
from zeb42_agents.training.ladder.fit import IMPOSSIBLE, Progress, Schedule, fit
from zeb42_agents.training.lesson import digest
from zeb42_env._core.tables import legal_masks

BATCH_SIZE, WEIGHT_DECAY = 256, 0.01
NOT_ASKED = -100
TEMPERATURE = 0.5  # of the plays that stay


def fit_belief(
    network: NetworkEvaluator,
    learned: np.ndarray,
    config: BeliefConfig,
    progress: Progress,
    *,
    kept: Path | None = None,
) -> ZebModel:
    """The average of the weights that ``network`` goes through while its belief learns ``learned`` (VIEW [N]); its
    plays and its value learn to stay. ``kept`` is as in :func:`zeb42_agents.training.ladder.fit.fit`."""
    before, model = deepcopy(network.model).eval(), network.model

    def loss(rows: np.ndarray) -> Tensor:
        some = learned[rows]
        views = np.ascontiguousarray(some["view"])
        tokens = network.tokens(views)
        output: ZebOutput = model(tokens)
        with torch.no_grad():
            usual: ZebOutput = before(tokens)
        legal = torch.from_numpy(_legal(network, views))
        logs, stay = (
            torch.log_softmax((o.policy / TEMPERATURE).masked_fill(~legal, IMPOSSIBLE), 1) for o in (output, usual)
        )
        moved = (stay.exp() * (stay - logs).masked_fill(~legal, 0)).sum(1).mean() + F.mse_loss(
            output.value, usual.value
        )
        assert output.belief is not None
        wanted = torch.from_numpy(places(views, some["owner"])).flatten()
        return F.cross_entropy(output.belief.flatten(0, 1), wanted, ignore_index=NOT_ASKED) + config.stay * moved

    num_steps = max(1, round(config.passes * len(learned) / BATCH_SIZE))
    schedule = Schedule(num_steps, BATCH_SIZE, config.lr, WEIGHT_DECAY)
    of = digest(learned, config.network, config.stay) if kept else ""
    return fit(model, len(learned), loss, schedule, config.seed, progress, kept=kept, of=of)


def places(views: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Who was dealt each hidden domino: int64 [B, 28], 0 to 2 for left, partner and right of the viewer, else
    NOT_ASKED."""
    place = (owners.astype(np.int64) - views["seat"][:, None] - 1) & 3
    return np.where(views["owner"] < 0, place, NOT_ASKED)


def judge(network: NetworkEvaluator, held_out: np.ndarray, names: list[str]) -> list[dict[str, float | str]]:
    """For each table of ``held_out`` (VIEW [N]) the accuracy and the cross-entropy on hidden dominoes, of the network
    and of the rules alone. ``names`` are those of the tables; the last is that of mixed ones."""
    rows: list[dict[str, float | str]] = []
    for table, name in enumerate(names):
        of = held_out[held_out["table"] == (table if table < len(names) - 1 else MIXED)]
        if not len(of):
            continue
        views = np.ascontiguousarray(of["view"])
        ours, theirs = (score(found, of["owner"], views) for found in (network.belief(views), legality(views)))
        row: dict[str, float | str] = {"table": name, "views": float(len(of))}
        for whose, scored in (("network", ours), ("legality", theirs)):
            row[f"{whose}_accuracy"] = scored.accuracy["hidden"]
            row[f"{whose}_cross_entropy"] = scored.cross_entropy["hidden"]
        rows.append(row)
    return rows


def _legal(network: NetworkEvaluator, views: np.ndarray) -> np.ndarray:
    """Which places of the policy are legal: bool [B, A]."""
    legal = legal_masks(views).astype(bool)
    if not network.tokenizer.has_slots:
        return legal
    slots = network.tokenizer.slots(views)
    return np.take_along_axis(legal, slots, 1)
