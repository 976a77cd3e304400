"""How the listener learns: a small network that says how likely each call is, from the calls that a player makes.

What a :class:`~zeb42_agents.calls.network.CallNetwork` calls takes it some twenty prices. Whoever asks how likely
thousands of hands were to call as somebody did has no time for that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numba import njit

from zeb42_agents.calls import weights as calls_on_disk
from zeb42_agents.calls.choose import learned_calls
from zeb42_agents.calls.columns import NUM_CALLS
from zeb42_agents.calls.network import MOST_HEARD_ON, NUM_HEARD_COLUMNS, CallNetwork, write_heard_columns
from zeb42_agents.files import read_json
from zeb42_agents.places import MODEL_FILE, STATE_FILE
from zeb42_agents.simple_bidder import simple_calls
from zeb42_agents.stored import contents_of, tensors_of
from zeb42_agents.training.calls.collect import HANDS_AT_ONCE, deal, explore
from zeb42_agents.training.calls.config import CallsConfig
from zeb42_agents.training.calls.fit import LayersModel, Rows, learn_rows
from zeb42_env._core import tables
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.record import PASS
from zeb42_env.table import Table

SIMPLE, EXPLORED = 0.3, 0.1  # shares of the calls that somebody else makes: an auction is rarely among equals
PASSES = 12.0  # through the calls: they are exact, and there is little to learn by heart


def listen(net: CallNetwork, config: CallsConfig, seed: int) -> dict[str, np.ndarray]:
    """The parameters of a listener to ``net`` by name, as :func:`zeb42_agents.calls.weights.save` takes them."""
    views, calls = auctions(net, config.heard_hands, seed)
    torch.manual_seed(seed)
    model = LayersModel(NUM_HEARD_COLUMNS, NUM_CALLS, config.width, config.second_width)
    return learn_rows(model, heard_rows(views, calls), replace(config, passes=PASSES), seed).tensors("heard")


def add_listener(folder: Path, config: CallsConfig) -> None:
    """Give the calls in ``folder`` a listener, a new one if they have one."""
    place = calls_on_disk.locate(folder)
    tensors = tensors_of(contents_of(place / MODEL_FILE), place / MODEL_FILE)
    tensors |= listen(calls_on_disk.load(place), config, config.seed)
    calls_on_disk.save(place, tensors, read_json(place / STATE_FILE))


def auctions(net: CallNetwork, num_hands: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Views HAND [N] of seats that are to call, and the call int64 [N] that ``net`` makes there."""
    rng = np.random.default_rng(seed)
    seen, said = [], []
    for first in range(0, num_hands, HANDS_AT_ONCE):
        hands = deal(min(HANDS_AT_ONCE, num_hands - first), np.uint64(seed + first), rng)
        table = Table(hands, np.zeros(len(hands), np.uint64))
        for _ in range(NUM_SEATS):
            turn = table.turn()
            calls = learned_calls(net, turn.views)
            seen.append(turn.views)
            said.append(calls)
            table.take(turn.rows, _made(turn.views, calls, rng))
    return np.concatenate(seen), np.concatenate(said)


def _made(views: np.ndarray, calls: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is called in ``views``: ``calls``, but for some that others make."""
    kind = rng.random(len(views))
    made = np.where(kind < SIMPLE, simple_calls(views), calls)
    explored = kind > 1 - EXPLORED
    if explored.any():
        made[explored] = explore(views[explored], rng)
    return made


def heard_rows(views: np.ndarray, calls: np.ndarray) -> Rows:
    """What a listener learns from: ``views`` [N] and the ``calls`` int64 [N] that were made there."""
    on, begins = np.empty(len(views) * MOST_HEARD_ON, np.int32), np.empty(len(views), np.int64)
    num_on = _write_rows(views, on, begins)
    legal = tables.legal_masks(views)[:, PASS : PASS + NUM_CALLS].astype(bool)
    return Rows(on[:num_on].copy(), begins, calls - PASS, legal)


@njit(cache=True, nogil=True)
def _write_rows(views: np.ndarray, on: np.ndarray, begins: np.ndarray) -> int:
    n = 0
    for b in range(len(views)):
        begins[b] = n
        n += write_heard_columns(views[b], views[b].to_move, views[b].held[views[b].to_move], on[n : n + MOST_HEARD_ON])
    return n
