"""What an exchange and a learner can take in: ``python benchmarks/fleet.py``.

Simulated workers play nothing: they put packets at a fixed speed, so that what is measured is the exchange. Absorption
is the most that a learner of this machine can take: reading, checking and storing hands, and learning from them at the
laptop preset's 100 updates of 256 examples for 512 hands.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch

from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.exchange import DirectoryStore, Exchange, Inbox, Packet
from zeb42_agents.exchange.parquet import pack as pack_parquet
from zeb42_agents.experience import EXPERIENCE
from zeb42_agents.model import ZebModel
from zeb42_agents.training import parts
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.replay import Ring

BLOCK = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=128.0, help="hands per second of a simulated worker")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    hands = _hands(1024)
    print(
        f"Parquet: {len(pack_parquet(_packet(hands, 1, 0))) / (28 * len(hands)):.1f} bytes per example of the teacher's"
    )
    _million(hands)
    base = 0.0
    for num in (1, 2, 4):
        rate = _scale(hands[:BLOCK], num, options.speed, options.seconds)
        base = base or rate
        print(f"{num} simulated workers of {options.speed:.0f} hands/s: {rate:.1f} hands/s taken, {rate / base:.2f}x")
    _absorption(hands)


def _hands(num: int) -> np.ndarray:
    config = PRESETS["laptop"]
    torch.manual_seed(0)
    evaluator = NetworkEvaluator(ZebModel(config.network_config()), precision="float32")
    return parts.actor_of(config, evaluator, taught=True, threads=2).play(np.arange(num))


def _packet(hands: np.ndarray, session: int, first: int) -> Packet:
    experience = hands.copy()
    experience["worker"], experience["sequence"] = session, np.arange(first, first + len(hands))
    end = first + len(hands)
    return Packet(experience=experience, run="b", worker="w", session=session, first=first, end=end, weights_step=0)


def _million(hands: np.ndarray) -> None:
    folder = Path(tempfile.mkdtemp())
    exchange = Exchange(DirectoryStore(folder), name="b")
    for number in range(36):
        exchange.hands_store.put(exchange.packed(_packet(hands, 1, number * len(hands))))
    began = time.perf_counter()
    inbox, ring = Inbox(exchange.hands_store, "b", run="b"), _ring()
    for packet in inbox.pull():
        ring.append(packet.experience)
    ring.sample(256)
    print(f"{len(ring):,} examples fetched and ready to draw in {time.perf_counter() - began:.2f} s")
    shutil.rmtree(folder)


def _ring() -> Ring:
    return Ring(40_000, tokenizer="v2", hidden_only=True, seed=0)


def _scale(hands: np.ndarray, num: int, speed: float, seconds: float) -> float:
    """Hands per second that arrive of ``num`` workers that put a block every ``BLOCK / speed`` seconds."""
    folder = Path(tempfile.mkdtemp())
    store = DirectoryStore(folder)
    exchange, ending = Exchange(store, name="b"), threading.Event()

    def work(session: int) -> None:
        began, first = time.perf_counter(), 0
        while not ending.is_set():
            store.put(exchange.packed(_packet(hands, session, first)))
            first += len(hands)
            ending.wait(max(0.0, began + first / speed - time.perf_counter()))

    threads = [threading.Thread(target=work, args=(session,)) for session in range(1, num + 1)]
    inbox, ring, taken = Inbox(store, "b", run="b"), _ring(), 0
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    inbox.pull()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for packet in inbox.pull():
            ring.append(packet.experience)
            taken += len(packet.experience)
        inbox.prune(100)
        time.sleep(0.05)
    rate = taken / (time.perf_counter() - began)
    ending.set()
    for thread in threads:
        thread.join()
    shutil.rmtree(folder)
    return rate


def _absorption(hands: np.ndarray) -> None:
    config = PRESETS["laptop"]
    folder = Path(tempfile.mkdtemp())
    exchange = Exchange(DirectoryStore(folder), name="b")
    for number in range(16):
        exchange.hands_store.put(exchange.packed(_packet(hands[:512], 1, number * 512)))
    inbox, ring = Inbox(exchange.hands_store, "b", run="b"), _ring()
    began = time.perf_counter()
    for packet in inbox.pull():
        ring.append(packet.experience)
    taken_s = (time.perf_counter() - began) / (16 * 512)
    learner = parts.learner_of(config, ZebModel(config.network_config()))
    learner.step(ring.sample(config.batch_size))
    began, updates = time.perf_counter(), 40
    for _ in range(updates):
        learner.step(ring.sample(config.batch_size))
    updates_s = (time.perf_counter() - began) / updates
    per_hand_s = taken_s + updates_s * config.steps_per_cycle / (config.lanes * config.hands_per_lane)
    print(f"taking in: {1 / taken_s:,.0f} hands/s of {EXPERIENCE.itemsize} bytes; an update: {1000 * updates_s:.1f} ms")
    print(f"a learner of the laptop preset absorbs {1 / per_hand_s:,.0f} hands/s")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
