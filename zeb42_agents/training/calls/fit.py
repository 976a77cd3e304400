"""How the two networks of calls learn from finished hands: prices from contracts, then ends from calls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numba import njit
from torch import Tensor, nn

from zeb42_agents.calls.columns import (
    CALL,
    MOST_ON,
    NUM_BIDS,
    NUM_END_COLUMNS,
    NUM_PRICE_COLUMNS,
    bid_row,
    contract_columns,
    dealt_to,
    write_auction,
)
from zeb42_agents.calls.match import NUM_RESULTS
from zeb42_agents.calls.network import (
    NUM_ENDS,
    NUM_POINTS,
    CallNetwork,
    end_of,
    lowest_bid,
    possible_ends,
    price_declarations,
)
from zeb42_agents.calls.weights import from_tensors
from zeb42_agents.training.calls.config import CallsConfig
from zeb42_agents.training.ladder.fit import IMPOSSIBLE, Schedule
from zeb42_agents.training.ladder.fit import fit as learn
from zeb42_env._core import goals
from zeb42_env._core.dominoes import HAND_POINTS, NUM_SEATS
from zeb42_env._core.record import MAX_MARKS_BID, MIN_BID, PASS, bid_value
from zeb42_env.records import as_records

BATCH_SIZE, WEIGHT_DECAY = 2048, 1e-3
HELD_OUT = 0.1  # of the hands: prices do not learn from them, and are calibrated on them
NUM_STEPS = 32  # of the calibration of each bid


class Rows(NamedTuple):
    """What a network learns from: the columns that are on in each row, and what came of it."""

    on: np.ndarray
    """int32 [N], one row after the other."""
    begins: np.ndarray
    """int64 [B], where each begins."""
    wanted: np.ndarray
    """int64 [B], the output that came true."""
    possible: np.ndarray
    """bool [B, O], the outputs that may."""


class LayersModel(nn.Module):
    """One of the networks in torch; :mod:`zeb42_agents.calls.network` is the same in the kernels."""

    def __init__(self, num_columns: int, num_outputs: int, width: int, second_width: int) -> None:
        super().__init__()
        self.first = nn.EmbeddingBag(num_columns, width, mode="sum")
        self.first_bias = nn.Parameter(torch.zeros(width))
        self.second = nn.Linear(width, second_width)
        self.third = nn.Linear(second_width, num_outputs)
        nn.init.normal_(self.first.weight, std=0.15)
        nn.init.zeros_(self.third.bias)

    def forward(self, on: Tensor, begins: Tensor) -> Tensor:
        """Logits [B, O]; ``on`` int32 [N] columns one row after the other, ``begins`` int32 [B] where each begins."""
        units = torch.relu(self.first(on, begins) + self.first_bias)
        logits: Tensor = self.third(torch.relu(self.second(units)))
        return logits

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """The parameters as :func:`zeb42_agents.calls.weights.from_tensors` takes them."""
        layers = {
            "first": self.first.weight, "first_bias": self.first_bias, "second": self.second.weight.T,
            "second_bias": self.second.bias, "third": self.third.weight.T, "third_bias": self.third.bias,
        }  # fmt: skip
        return {f"{name}.{key}": value.detach().numpy().copy() for key, value in layers.items()}


class Fitted(NamedTuple):
    """Calls that were learned."""

    tensors: dict[str, np.ndarray]
    """Their parameters, as :func:`zeb42_agents.calls.weights.save` takes them."""
    network: CallNetwork
    brier: dict[int, float]
    """By points (30, 35, 42), the Brier score of the prices over the contracts that they did not learn from."""


def fit(experience: np.ndarray, config: CallsConfig, seed: int) -> Fitted:
    """Learn calls from ``experience`` (EXPERIENCE [N])."""
    with_contract = experience[experience["hand"]["declaration"] >= 0]
    held_out = np.random.default_rng(seed).random(len(with_contract)) < HELD_OUT
    learned, kept = (hands_of(with_contract[rows]) for rows in (~held_out, held_out))
    torch.manual_seed(seed)
    prices = LayersModel(NUM_PRICE_COLUMNS, NUM_POINTS, config.width, config.second_width)
    prices = learn_rows(prices, contract_rows(learned), config, seed)
    tensors = prices.tensors("prices") | calibration(prices, kept) | {"odds": odds_of(experience)}
    ends = LayersModel(NUM_END_COLUMNS, NUM_ENDS, config.width, config.second_width)
    rows = call_rows(from_tensors(tensors | ends.tensors("ends")), experience)
    ends = learn_rows(ends, rows, config, seed + 1)
    tensors |= ends.tensors("ends")
    promised, points = survival(prices, kept), points_taken(kept)
    brier = {}
    for goal in (30, 35, 42):
        row = bid_row(goal)
        said = np.interp(promised[:, row], tensors["promised"][row], tensors["made"][row])
        brier[goal] = float(((said - (points >= goal)) ** 2).mean())
    return Fitted(tensors, from_tensors(tensors), brier)


def odds_of(experience: np.ndarray) -> np.ndarray:
    """How likely a hand brought -5..5 marks to its shaker's team: float64 [11], over hands without exploration."""
    hands = experience["hand"][experience["since"] == 0]
    shakers = (hands["bidder"] - hands["shaker"]) % 2 == 0
    marks = np.where(hands["bid"] > 0, np.maximum(1, hands["bid"] // HAND_POINTS), 0)
    made = points_taken(hands) >= np.minimum(hands["bid"], HAND_POINTS)
    brought = np.where(shakers == made, marks, -marks)
    return np.bincount(brought + MAX_MARKS_BID, minlength=NUM_RESULTS) / len(hands)


def hands_of(experience: np.ndarray) -> np.ndarray:
    """Its hands, HAND [N], as kernels take them."""
    return as_records(np.ascontiguousarray(experience["hand"]))


def points_taken(hands: np.ndarray) -> np.ndarray:
    """The points int64 [B] of the bidder's team."""
    return hands["points"][np.arange(len(hands)), hands["bidder"] & 1].astype(np.int64)


def contract_rows(hands: np.ndarray) -> Rows:
    """What prices learn from: the contracts of ``hands`` [B], and the points that they brought."""
    on, begins = contract_columns(hands)
    return Rows(on, begins, points_taken(hands), np.ones((len(hands), NUM_POINTS), bool))


def call_rows(net: CallNetwork, experience: np.ndarray) -> Rows:
    """What ends learn from: the calls of ``experience`` from which on nothing was explored, and what came of them."""
    hands, since = hands_of(experience).copy(), experience["since"].astype(np.int64)
    num_rows = int((NUM_SEATS - since).sum())
    on, begins = np.empty(num_rows * MOST_ON, np.int32), np.empty(num_rows, np.int64)
    wanted, possible = np.empty(num_rows, np.int64), np.empty(num_rows, np.uint64)
    num_on = _write_call_rows(net, hands, since, on, begins, wanted, possible)
    bits = (possible[:, None] >> np.arange(NUM_ENDS, dtype=np.uint64)) & np.uint64(1)
    assert bits[np.arange(num_rows), wanted].all()
    return Rows(on[:num_on].copy(), begins, wanted, bits.astype(bool))


@njit(cache=True, nogil=True)
def _write_call_rows(
    net: CallNetwork,
    hands: np.ndarray,
    since: np.ndarray,
    on: np.ndarray,
    begins: np.ndarray,
    wanted: np.ndarray,
    possible: np.ndarray,
) -> int:
    """As :func:`call_rows`; takes the calls of ``hands`` back one by one."""
    n, row = 0, 0
    for b in range(len(hands)):
        hand = hands[b]
        bid, bidder, made = np.int64(hand.bid), np.int64(hand.bidder), hand.declaration >= 0 and goals.made(hand)
        for place in range(NUM_SEATS - 1, since[b] - 1, -1):
            seat, call = (hand.shaker + 1 + place) & 3, np.int64(hand.calls[place])
            hand.calls[place], hand.bid = -1, 0
            for i in range(place):
                if hand.calls[i] != PASS:
                    hand.bid = bid_value(hand.calls[i])
            held = dealt_to(hand, seat)
            chances, _ = price_declarations(net, hand, seat, held, lowest_bid(hand.bid))
            here = on[n : n + MOST_ON]
            m = write_auction(hand, seat, place, held, chances[0].max(), chances[1].max(), here)
            here[m] = CALL + call - PASS
            begins[row] = n
            n += m + 1
            wanted[row] = end_of(bidder == seat, (bidder ^ seat) & 1 == 0, bid, made)
            possible[row] = possible_ends(hand, seat, place, call)
            row += 1
    return n


def survival(prices: LayersModel, hands: np.ndarray) -> np.ndarray:
    """What ``prices`` promise of the contracts of ``hands`` [B]: at least 30..42 points, float64 [B, 13]."""
    on, begins = contract_columns(hands)
    with torch.inference_mode():
        logits = prices(torch.from_numpy(on), torch.from_numpy(begins.astype(np.int32)))
        shares = torch.softmax(logits, 1).numpy().astype(np.float64)
    return shares[:, ::-1].cumsum(1)[:, ::-1][:, MIN_BID:]


def calibration(prices: LayersModel, hands: np.ndarray) -> dict[str, np.ndarray]:
    """``promised`` and ``made``, float64 [13, K]: how often what is promised is made, by isotonic regression over the
    contracts of ``hands``, which prices did not learn from."""
    promised, points = survival(prices, hands), points_taken(hands)
    lines = [isotonic(promised[:, row], points >= MIN_BID + row) for row in range(NUM_BIDS)]
    return {"promised": np.array([line[0] for line in lines]), "made": np.array([line[1] for line in lines])}


def isotonic(promised: np.ndarray, made: np.ndarray, num_steps: int = NUM_STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Steps of ``promised`` (float64 [B]) and how often it was ``made`` there (bool [B]): float64 [K] each, rising from
    0 to 1. The pairs are put into steps of equal size; of neighbors that fall the mean is taken (pool adjacent
    violators)."""
    order = np.argsort(promised, kind="stable")
    parts = np.array_split(order, num_steps)
    steps = np.array([promised[part].mean() if len(part) else np.nan for part in parts])
    blocks: list[tuple[float, int]] = []
    for part in parts:
        blocks.append((float(made[part].mean()) if len(part) else 0.0, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    shares = np.concatenate([np.full(n, share) for share, n in blocks])
    inner = np.linspace(0.0, 1.0, num_steps + 2)[1:-1] * 1e-9  # so that steps rise where promises do not
    steps = np.clip(np.maximum.accumulate(np.nan_to_num(steps)), 1e-6, 1 - 1e-6) + inner
    return np.r_[0.0, steps, 1.0], np.r_[0.0, shares, 1.0]


def learn_rows(model: LayersModel, rows: Rows, config: CallsConfig, seed: int) -> LayersModel:
    """``model``, having learned ``rows`` by cross-entropy."""
    lengths = np.diff(np.r_[rows.begins, len(rows.on)])

    def loss(some: np.ndarray) -> Tensor:
        sizes = lengths[some]
        ends = np.cumsum(sizes)
        begins = ends - sizes
        on = rows.on[np.repeat(rows.begins[some] - begins, sizes) + np.arange(ends[-1])]
        logits = model(torch.from_numpy(on), torch.from_numpy(begins.astype(np.int32)))
        logits = logits.masked_fill(~torch.from_numpy(rows.possible[some]), IMPOSSIBLE)
        return F.cross_entropy(logits, torch.from_numpy(rows.wanted[some]))

    num_steps = max(1, round(config.passes * len(lengths) / BATCH_SIZE))
    schedule = Schedule(num_steps, BATCH_SIZE, config.lr, WEIGHT_DECAY)
    return learn(model, len(lengths), loss, schedule, seed, lambda _: None)
