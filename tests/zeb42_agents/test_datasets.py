"""Hands as Parquet, decisions as arrays: what is written comes back, and says what the hands say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from torch.utils.data import DataLoader

from zeb42_agents import make_agent
from zeb42_agents.arena.cli import main as arena
from zeb42_agents.datasets import COLUMNS, Decisions, decisions, read_hands, write_hands
from zeb42_env import PRESETS, Hand, Table, observe, play_out

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def hands() -> np.ndarray:
    """Hands of all presets: finished ones, one that nobody bid, and some under way."""
    rules = list(PRESETS.values())
    dealt = [Hand.deal(3, rules[number % len(rules)], number=number).record for number in range(24)]
    table = Table(np.array(dealt), np.arange(24, dtype=np.uint64))
    play_out(table, make_agent("random").act)
    thrown_in = Hand.deal(3, {"all_pass": "reshake"})
    for _ in range(4):
        thrown_in.apply(28)
    under_way = [before.record for before, _ in list(Hand(table.hands[4]).replay())[::9]]
    return np.array([*table.hands, thrown_in.record, *under_way])


def test_parquet_brings_hands_back(hands: np.ndarray, tmp_path: Path) -> None:
    write_hands(tmp_path / "hands.parquet", hands)
    assert (read_hands(tmp_path / "hands.parquet") == hands).all()
    table = pq.read_table(tmp_path / "hands.parquet")
    assert table.column_names == list(COLUMNS)
    for row, record in zip(table.to_pylist(), hands, strict=True):
        hand = Hand(record)
        assert (row["notation"], row["bidder"], row["bid"]) == (str(hand), hand.bidder, hand.bid)
        assert row["made"] == hand.made
        assert row["score_02"] == (hand.score if hand.is_over else None)
        assert (row["points_02"], row["points_13"]) == hand.points
        assert row["declaration"] == (-1 if hand.declaration is None else hand.declaration)


def test_decisions_are_those_of_the_hands(hands: np.ndarray) -> None:
    data = decisions(hands, "tokens")
    row = 0
    for number, record in enumerate(hands):
        hand = Hand(record)
        for before, action in hand.replay():
            view, seat = before.view(before.to_move), before.to_move
            assert (data.hand[row], data.seat[row], data.action[row]) == (number, seat, action)
            assert np.array_equal(data.observation[row], observe(view, "tokens"))
            assert np.flatnonzero(data.action_mask[row]).tolist() == before.legal_actions()
            hidden = view["owner"] < 0
            told = np.where(hidden, (record["owner"] - seat - 1) & 3, -1)
            assert np.array_equal(data.owner[row], told)
            margin = (hand.points[seat & 1] - hand.points[1 - (seat & 1)]) / 42 if hand.is_over else np.nan
            assert np.isclose(data.margin[row], margin, equal_nan=True)
            won = np.sign(hand.score) * (-1) ** seat if hand.is_over else np.nan
            assert np.isclose(np.sign(data.outcome[row]), won, equal_nan=True)
            row += 1
    assert row == len(data)


def test_decisions_survive_a_file_and_feed_torch(hands: np.ndarray, tmp_path: Path) -> None:
    data = decisions(hands, "flat")
    assert data.observation.shape == (len(data), 627)
    data.save(tmp_path / "decisions.npz")
    again = Decisions.load(tmp_path / "decisions.npz")
    assert all(np.array_equal(getattr(again, name), value, equal_nan=name in ("outcome", "margin"))
               for name, value in vars(data).items())  # fmt: skip
    observation, mask, action, *_ = next(iter(DataLoader(data.to_torch(), batch_size=32)))
    assert observation.shape == (32, 627)
    assert mask.gather(1, action[:, None]).all()


def test_a_run_folder_is_read(tmp_path: Path) -> None:
    words = ["random", "greedy", "--deals", "3", "--jobs", "1", "--no-plots", "--out", str(tmp_path / "run")]
    assert arena(words) == 0
    (file,) = (tmp_path / "run").glob("hands-*.jsonl")
    file.write_text(file.read_text() + '{"hand": "zeb42/1 cut o')  # as a kill leaves it
    assert len(read_hands(tmp_path / "run")) == 6


def test_what_is_wrong_is_said(hands: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = Hand.deal(0).view(1)
    with pytest.raises(ValueError, match="expected full hands"):
        decisions(np.array([view]))
    forged = hands[:2].copy()
    forged["points"] += 1
    with pytest.raises(ValueError, match="expected hands that play can make"):
        write_hands(tmp_path / "hands.parquet", forged)
    (tmp_path / "no.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(ValueError, match="expected a Parquet file of hands, got"):
        read_hands(tmp_path / "no.parquet")
    import pyarrow as pa

    pq.write_table(pa.table({"notation": ["zeb42/1 nothing"]}), tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match=r"in row 0 of .*bad.parquet"):
        read_hands(tmp_path / "bad.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DependencyNotInstalled, match=r"pyarrow is not installed, run `pip install 'zeb42\[data\]'`"):
        write_hands(tmp_path / "hands.parquet", hands)
