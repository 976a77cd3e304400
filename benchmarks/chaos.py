"""Faults at an exchange, seeded: ``python benchmarks/chaos.py`` (a folder), ``--hub`` (the Hub's stand-in on loopback).

Workers and a learner are processes that do nothing but exchange: spool, packets, inbox, checkpoints, weights. While
they work they are killed, their store is taken away, answers twice, stalls, refuses, has no room, is littered with
torn and foreign files; clocks are an hour apart, and all workers have one name. In the end every hand that a worker's
spool had acknowledged has to be in the learner's buffer exactly once, whatever else there is has to be a hand that was
played, and all weights that were fetched have to have been whole.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from zeb42_agents.exchange import DirectoryStore, Exchange, Inbox, Packet, Spool
from zeb42_agents.exchange.packets import pack, unpack
from zeb42_agents.experience import EXPERIENCE, blank_experience
from zeb42_agents.files import read_json, replaced_folder, write_json
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_env import Rules
from zeb42_env._core.record import BY_CHANCE
from zeb42_env._core.tables import deal_numbers, play_randomly

HANDS, RUN, NAME = 8, "chaos", "tiny"
FAULTS = ("kill worker", "kill learner", "outage", "lost answer", "stall", "no room", "torn file", "foreign file")
HUB_FAULTS = ("409", "412", "429", "503")


class Result(NamedTuple):
    """What came of it."""

    acknowledged: int
    """Hands."""
    in_buffer: int
    missing: int
    """Acknowledged, and not in the buffer."""
    twice: int
    invented: int
    """In the buffer, and never played."""
    faults: dict[str, int]
    statuses: list[int]
    """Of the processes that were not killed."""
    counts: dict[str, int]
    """Files, as the learner's inbox counted them."""
    fetches: int
    """Of whole weights."""


class Faulty:
    """A store of the folder ``signs`` : what lies there says how it fails now."""

    def __init__(self, store: Any, signs: Path) -> None:
        self._store, self._signs = store, signs

    def put(self, files: Mapping[str, bytes]) -> None:
        self._away()
        if (self._signs / "no room").exists():
            raise OSError(28, "No space left on device")
        if (self._signs / "stall").exists():
            time.sleep(0.3)
        self._store.put(files)
        if (self._signs / "lost answer").exists() and random.random() < 0.5:
            raise OSError("the answer was lost")

    def names(self, prefix: str = "") -> dict[str, str]:
        self._away()
        names: dict[str, str] = self._store.names(prefix)
        return names

    def read(self, names: Any) -> dict[str, bytes]:
        self._away()
        found: dict[str, bytes] = self._store.read(names)
        return found

    def delete(self, names: Any) -> None:
        self._away()
        self._store.delete(names)

    def _away(self) -> None:
        if (self._signs / "outage").exists():
            raise OSError("nobody answers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=20, help="of each kind")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hub", action="store_true", help="over the Hub's stand-in, which has faults of its own")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = wreak(Path(folder), faults=options.faults, workers=options.workers, seed=options.seed, hub=options.hub)
    for name, value in result._asdict().items():
        print(f"{name}: {value}")
    print(f"{time.perf_counter() - began:.0f} s")
    sys.exit(0 if kept(result) else 1)


def kept(result: Result) -> bool:
    """Whether every promise was kept."""
    whole = result.missing == result.twice == result.invented == 0
    return whole and not any(result.statuses) and result.acknowledged > 0 and result.fetches > 0


def wreak(folder: Path, *, faults: int, workers: int, seed: int, hub: bool = False) -> Result:
    """Let ``workers`` and a learner meet while ``faults`` of each kind happen, then let them finish."""
    torch.set_num_threads(1)
    signs = folder / "signs"
    signs.mkdir(parents=True)
    server = _server() if hub else None
    exchange_of = _exchanges(folder, signs, server)
    template = _template()
    unpack(pack(_packet(template, 1, 0, 0)))  # compiled once, before the processes begin
    model = ZebModel(ZebConfig(embed_dim=16, n_heads=1, n_layers=1, ff_dim=16, tokenizer="v2", max_tokens=33))
    jobs: dict[str, Callable[[], None]] = {
        f"worker {number}": lambda number=number: _work(folder, exchange_of(), number, template)  # type: ignore[misc]
        for number in range(workers)
    }
    jobs["learner"] = lambda: _learn(folder, exchange_of(), model)
    running = {name: _fork(job) for name, job in jobs.items()}
    rng = random.Random(seed)
    planned = [kind for kind in (*FAULTS, *(HUB_FAULTS if hub else ())) for _ in range(faults)]
    rng.shuffle(planned)
    for kind in planned:
        time.sleep(rng.uniform(0.05, 0.25))
        _do(kind, rng, signs, folder, jobs, running, server, template)
    for sign in signs.iterdir():
        sign.unlink()
    (folder / "stop").touch()
    statuses = [os.waitpid(pid, 0)[1] for name, pid in running.items() if name != "learner"]
    (folder / "drained").touch()
    statuses.append(os.waitpid(running["learner"], 0)[1])
    if server is not None:
        server.stop()
    return _count(folder, dict(Counter(planned)), statuses)


def _do(
    kind: str,
    rng: random.Random,
    signs: Path,
    folder: Path,
    jobs: dict[str, Callable[[], None]],
    running: dict[str, int],
    server: Any,
    template: np.ndarray,
) -> None:
    if kind.startswith("kill"):
        name = "learner" if kind == "kill learner" else rng.choice([name for name in jobs if name != "learner"])
        os.kill(running[name], signal.SIGKILL)
        os.waitpid(running[name], 0)
        running[name] = _fork(jobs[name])
    elif kind in HUB_FAULTS:
        from hub_standin import Fault

        server.faults.append(Fault("POST .*/commit/", int(kind), rng.randint(1, 3), after=rng.random() < 0.3))
    elif kind == "torn file":
        sent = _packet(template, rng.randrange(2**62), 0, 5)
        _litter(folder, server, f"{sent.name}.safetensors", pack(sent)[: rng.randrange(2000)])
    elif kind == "foreign file":
        _litter(folder, server, f"note-{rng.randrange(2**30)}.txt", b"not a hand")
    else:
        (signs / kind).touch()
        time.sleep(rng.uniform(0.1, 0.5))
        (signs / kind).unlink()


def _litter(folder: Path, server: Any, name: str, content: bytes) -> None:
    if server is None:
        place = folder / "exchange" / NAME / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    elif (repo := server.repos.get(("dataset", "tester/chaos-examples"))) is not None:
        with server.lock:
            commit = repo.at("main")
            repo.commit({**commit.tree, f"{NAME}/{name}": server.small(content)}, "litter")


def _exchanges(folder: Path, signs: Path, server: Any) -> Callable[[], Exchange]:
    def of_folder() -> Exchange:
        return Exchange(Faulty(DirectoryStore(folder / "exchange"), signs), name=NAME)  # type: ignore[arg-type]

    def of_hub() -> Exchange:
        import huggingface_hub.constants as constants

        from zeb42_agents.hub import HubStore

        constants.HF_HUB_DISABLE_XET = True
        os.environ |= {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_test"}
        stores = [
            HubStore("tester/chaos", first_wait_s=0.02),
            HubStore("tester/chaos-examples", "dataset", first_wait_s=0.02),
        ]
        first, second = (Faulty(store, signs) for store in stores)
        return Exchange(first, second, name=NAME, combines=True)  # type: ignore[arg-type]

    return of_folder if server is None else of_hub


def _server() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "zeb42_agents" / "exchange"))
    from hub_standin import FakeHub

    return FakeHub().start()


def _fork(job: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        random.seed(os.getpid())
        skew_s = random.choice((-3600.0, 3600.0))
        real = time.time
        time.time = lambda: real() + skew_s
        job()
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _template() -> np.ndarray:
    hands = np.repeat(Rules(contract="random", scoring="majority").blank_record(), HANDS)
    deal_numbers(hands, np.uint64(1), np.arange(HANDS, dtype=np.uint64), BY_CHANCE)
    play_randomly(hands, np.arange(HANDS).astype(np.uint64))
    experience = blank_experience(HANDS)
    experience["hand"] = hands
    return experience


def _packet(template: np.ndarray, session: int, first: int, step: int) -> Packet:
    experience = template.copy()
    experience["worker"], experience["weights_step"] = session, step
    experience["sequence"] = np.arange(first, first + HANDS)
    return Packet(
        experience=experience, run=RUN, worker="w", session=session, first=first, end=first + HANDS, weights_step=step
    )


def _work(folder: Path, exchange: Exchange, number: int, template: np.ndarray) -> None:
    session = secrets.randbits(62)
    spool = Spool(folder / f"spool-{number}", exchange.hands_store, max_bytes=2**20, combined=exchange.combined)
    first, step, digest = 0, 0, None
    with (
        (folder / f"acknowledged-{os.getpid()}").open("a") as log,
        (folder / f"fetched-{os.getpid()}").open("a") as seen,
    ):
        while not (folder / "stop").exists():
            try:
                if (found := exchange.fetch(digest)) is not None:
                    step, digest = found.weights.state["step"], found.digest
                    print(step, file=seen, flush=True)
            except OSError:
                pass
            try:
                spool.put(exchange.packed(_packet(template, session, first, step)))
                print(session, first, file=log, flush=True)  # acknowledged
                first += HANDS
            except OSError:
                pass
            with contextlib.suppress(OSError):
                spool.flush()
            time.sleep(random.uniform(0.005, 0.05))
    while len(spool):
        try:
            spool.flush()
        except OSError:
            time.sleep(0.1)


def _learn(folder: Path, exchange: Exchange, model: ZebModel) -> None:
    inbox = Inbox(exchange.hands_store, NAME, run=RUN)
    hands, step = np.zeros(0, EXPERIENCE), 0
    checkpoint = folder / "checkpoint"
    if checkpoint.is_dir() or checkpoint.with_name("checkpoint.old").is_dir():
        place = checkpoint if checkpoint.is_dir() else checkpoint.with_name("checkpoint.old")
        state = read_json(place / "state.json")
        hands, step = np.load(place / "hands.npy"), state["step"]
        inbox.set_state(state["inbox"])
    while True:
        last = (folder / "drained").exists()
        try:
            packets = inbox.pull()
        except OSError:
            time.sleep(0.05)
            continue
        hands = np.concatenate([hands, *(packet.experience for packet in packets)])
        step += 1
        with replaced_folder(checkpoint) as fresh:
            np.save(fresh / "hands.npy", hands)
            write_json(fresh / "state.json", {"step": step, "inbox": inbox.get_state()})
        try:
            exchange.publish(model, {"step": step})
            inbox.prune(10)
        except OSError:
            pass
        if last and not packets:
            return
        time.sleep(0.05)


def _count(folder: Path, faults: dict[str, int], statuses: list[int]) -> Result:
    acknowledged: set[tuple[int, int]] = set()
    for log in folder.glob("acknowledged-*"):
        for line in log.read_text().splitlines():
            session, first = map(int, line.split())
            acknowledged |= {(session, number) for number in range(first, first + HANDS)}
    hands = np.load(folder / "checkpoint" / "hands.npy")
    held = list(zip(hands["worker"].tolist(), hands["sequence"].tolist(), strict=True))
    sessions = {session for session, _ in acknowledged}
    return Result(
        acknowledged=len(acknowledged),
        in_buffer=len(held),
        missing=len(acknowledged - set(held)),
        twice=len(held) - len(set(held)),
        # A worker may be killed between the spool's answer and its note of it: one packet for each start at most.
        invented=len([1 for session, _ in set(held) - acknowledged if session not in sessions]),
        faults=faults,
        statuses=statuses,
        counts=read_json(folder / "checkpoint" / "state.json")["inbox"]["counts"],
        fetches=sum(len(seen.read_text().splitlines()) for seen in folder.glob("fetched-*")),
    )


if __name__ == "__main__":
    main()
