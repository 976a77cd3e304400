"""What an exchange and a learner can take in: ``python benchmarks/fleet.py``; ``compare`` holds a fleet of one machine
against the single process.

Simulated workers play nothing: they put packets at a fixed speed, so that what is measured is the exchange. Absorption
is the most that a learner of this machine can take: reading, checking and storing hands, and learning from them at the
laptop preset's 100 updates of 256 examples for 512 hands.

``compare`` trains the laptop preset, teacher only, for a few cycles, in turn as ``zeb42 train`` and as ``zeb42 fleet
run --workers 2``, with the same seeds and as many hands. It prints hands/s by the clock (the first two cycles and the
evaluations left out), CPU seconds per hand of whole commands, and what both networks win against random and against
each other. On an idle machine: some twenty minutes.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from zeb42_agents.arena import play_pairing
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.exchange import DirectoryStore, Exchange, Inbox, Packet
from zeb42_agents.exchange.parquet import pack as pack_parquet
from zeb42_agents.experience import EXPERIENCE
from zeb42_agents.model import ZebModel, flops
from zeb42_agents.training import parts
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.replay import Ring
from zeb42_agents.training.tracking import rows_until

BLOCK = 64
STRENGTH_SEED = 20261128
CARD, PEAK_3050_TI = "RTX 3050 Ti's", 5.3e12  # float32, the laptop card at its base clock, as its maker says
PUBLISHED_UPDATES_PER_S = 3743 * 1000 / (50 * 3600)  # cycles, updates in each, hours, by the run's recap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("exchange", "absorb", "compare"), default="exchange")
    parser.add_argument("--speed", type=float, default=128.0, help="hands per second of a simulated worker")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cycles", type=int, default=12, help="compare: cycles of 512 hands of each training")
    parser.add_argument("--rounds", type=int, default=2, help="compare: trainings of each kind, in turn")
    parser.add_argument("--deals", type=int, default=1000, help="compare: mirrored deals of each figure of strength")
    parser.add_argument("--options", default="", help="compare: more options of both trainings")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.what == "compare":
        _compare(options.rounds, options.cycles, options.deals, options.options.split())
        return
    hands = _hands(1024)
    if options.what == "exchange":
        size = len(pack_parquet(_packet(hands, 1, 0))) / (28 * len(hands))
        print(f"Parquet: {size:.1f} bytes per example of the teacher's")
        _million(hands)
        base = 0.0
        for num in (1, 2, 4):
            rate = _scale(hands[:BLOCK], num, options.speed, options.seconds)
            base = base or rate
            print(f"{num} simulated workers of {options.speed:.0f} hands/s: {rate:.1f} hands/s, {rate / base:.2f}x")
    _absorption(hands)
    _published_learner()


class Training(NamedTuple):
    """What a training came to."""

    hands_per_s: float
    cpu_s_per_hand: float
    hands: int
    weights: str


def _compare(rounds: int, cycles: int, deals: int, more: list[str]) -> None:
    found: dict[str, list[Training]] = {"train": [], "fleet run": []}
    with tempfile.TemporaryDirectory() as name:
        for seed in range(rounds):
            for command in found:
                training = _train(command, Path(name) / f"{command.split()[0]}-{seed}", seed, cycles, more)
                found[command].append(training)
                agent = f"zeb:{training.weights}"
                against = play_pairing(agent, "random", protocol="majority", num_deals=deals, seed=STRENGTH_SEED)
                print(
                    f"zeb42 {command}, seed {seed}: {training.hands:,} hands, {training.hands_per_s:.1f} hands/s, "
                    f"{1000 * training.cpu_s_per_hand:.1f} CPU ms per hand; {against}",
                    flush=True,
                )
        for single, fleet in zip(*found.values(), strict=True):
            ours, theirs = f"zeb:{fleet.weights}", f"zeb:{single.weights}"
            print("fleet against single process:", end=" ")
            print(play_pairing(ours, theirs, protocol="majority", num_deals=deals, seed=STRENGTH_SEED), flush=True)
    single, fleet = (np.mean([[each.hands_per_s, each.cpu_s_per_hand] for each in kind], 0) for kind in found.values())
    print(f"hands/s of the fleet: {fleet[0] / single[0]:.2f} of the single process's; asked: at least 0.9")
    print(f"CPU seconds per hand: {fleet[1] / single[1]:.2f} of the single process's")


def _train(command: str, out: Path, seed: int, cycles: int, more: list[str]) -> Training:
    """A training in a process of its own; the last weights are those that count."""
    words = ["--cycles", str(cycles), "--teacher-cycles", str(cycles), "--seed", str(seed), "--out", str(out)]
    words += ["--evaluate-every", str(cycles), "--evaluate-deals", "4", "--final-deals", "4", "--belief-hands", "4"]
    words += ["--precision", "float32", *(["--workers", "2"] if command == "fleet run" else []), *more]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "zeb42_agents", *command.split(), *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = rows_until(out / "metrics.csv", cycles)
    began, counted = rows[1], rows[2:]  # workers are started, and learning has begun
    hands = int(counted[-1]["total_games"])
    took_s = sum(row["collect_time_s"] + row["update_time_s"] for row in counted)
    rate = (hands - began["total_games"]) / took_s
    return Training(rate, cpu_s / hands, hands, str(out / "latest"))


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


def _published_learner() -> None:
    """By calculation: the published learner's card, an RTX 3050 Ti, and what its run says of it."""
    config = PRESETS["large-belief"]
    per_update = 3 * config.batch_size * flops(config.network_config())  # backward is twice forward
    most = PEAK_3050_TI / per_update
    print(
        f"large-belief: {per_update / 1e9:.1f} GFLOP per update, so at most {most:.0f} updates/s at the {CARD} peak of "
        f"{PEAK_3050_TI / 1e12:.1f} TFLOPS; the published run made at least {PUBLISHED_UPDATES_PER_S:.0f} per s, "
        f"{100 * PUBLISHED_UPDATES_PER_S / most:.0f}% of it"
    )
    for share in (PUBLISHED_UPDATES_PER_S / most, 0.3):
        hands = share * most / config.steps_per_cycle * config.lanes * config.hands_per_lane
        print(f"at {100 * share:.0f}% of the peak it absorbs {hands:.0f} hands/s, {config.lanes} per cycle")


if __name__ == "__main__":
    main()
