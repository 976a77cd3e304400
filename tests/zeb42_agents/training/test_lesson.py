"""A lesson that is stopped goes on to the end that it would have come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zeb42_agents.training.ladder import fit
from zeb42_agents.training.ladder.fit import Schedule
from zeb42_agents.training.lesson import digest

NUM_ROWS = 70
NUM_LEFT = 10  # updates of a lesson that was stopped
SCHEDULE = Schedule(num_steps=160, batch_size=16, lr=1e-2, weight_decay=0.01)


def learn(
    kept: Path | None,
    progress: Callable[[float], None] = lambda _: None,
    seed: int = 1,
    width: int = 8,
    of: str = "",
) -> tuple[list[Tensor], list[np.ndarray]]:
    """What a small network comes to, and the rows of the batches on the way."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 1))
    inputs, seen = torch.randn(NUM_ROWS, 3), []

    def loss(rows: np.ndarray) -> Tensor:
        seen.append(rows)
        return (model(inputs[rows]) - inputs[rows].sum(1, keepdim=True)).square().mean()

    average = fit.fit(model, NUM_ROWS, loss, SCHEDULE, seed, progress, kept=kept, of=of)
    return [*average.parameters()], seen


def stop(at: float) -> Callable[[float], None]:
    def told(done: float) -> None:
        if done > at:
            raise KeyboardInterrupt

    return told


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a lesson that was stopped after 150 updates of 160."""
    monkeypatch.setattr(fit, "KEPT_EVERY_S", -1)
    path = tmp_path / "lesson"
    with pytest.raises(KeyboardInterrupt):
        learn(path, stop(0.8))
    return path


def test_a_stopped_lesson_goes_on_to_the_same_end(kept: Path) -> None:
    whole, all_seen = learn(None)
    resumed, seen = learn(kept)
    assert len(seen) == NUM_LEFT
    assert all(map(np.array_equal, seen, all_seen[-NUM_LEFT:]))
    assert all(map(torch.equal, resumed, whole))


@pytest.mark.parametrize("another", [{"seed": 2}, {"of": "other labels"}])
def test_another_lesson_begins_anew(kept: Path, another: dict) -> None:
    whole, _ = learn(None, **another)
    other, seen = learn(kept, **another)
    assert len(seen) == SCHEDULE.num_steps
    assert all(map(torch.equal, other, whole))


def test_what_lies_between_fields_is_not_told_apart() -> None:
    """And all else is: what is learned, and how."""
    padded = np.dtype([("a", np.int8), ("b", np.float64)], align=True)
    memory = np.full(3 * padded.itemsize, 255, np.uint8)
    first, second = np.zeros(3, padded), memory.view(padded)
    second["a"], second["b"] = first["a"], first["b"]
    assert 255 in memory
    assert digest(first, 20.0) == digest(second, 20.0)
    assert digest(first, 20.0) != digest(first, 5.0)
    second["a"][1] = 1
    assert digest(first, 20.0) != digest(second, 20.0)


def test_a_damaged_lesson_is_named(kept: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a lesson under way in .*lesson, got a damaged file"):
        learn(kept, width=9)
    for content in (b"", kept.read_bytes()[:-7]):
        kept.write_bytes(content)
        with pytest.raises(ValueError, match="allowed: delete it, and the lesson begins anew"):
            learn(kept)
