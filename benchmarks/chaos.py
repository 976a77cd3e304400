"""Faults at an exchange, seeded: ``python benchmarks/chaos.py`` prints a table; some ten minutes on two idle cores.

Three times workers and a learner work while they are killed, their store is taken away, answers twice, stalls, refuses,
has no room, is littered with torn and foreign files; clocks are an hour apart, and all workers have one name:

- ``folder`` and ``hub`` (its stand-in on loopback, the unmodified client): processes that do nothing but exchange:
  spool, packets, inbox, checkpoints, weights.
- ``fleet``: ``zeb42 fleet learner`` and ``zeb42 fleet worker`` as they are, in a folder.

In the end every hand that a worker's spool had acknowledged has to be in the learner's buffer exactly once (of the
fleet's, which is stopped within a cycle: in its checkpoint's buffer or in what its checkpoint's inbox takes in next),
whatever else there is has to be a hand that was played, all weights that were fetched have to have been whole, and no
process may have ended in anything but a clear line.
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
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from zeb42_agents.command import parse_options
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.exchange import DirectoryStore, Exchange, Inbox, Packet, Published, Spool
from zeb42_agents.exchange.packets import pack, parse_name, unpack
from zeb42_agents.experience import EXPERIENCE, blank_experience
from zeb42_agents.files import read_json, replaced_folder, write_json
from zeb42_agents.fleet import cli
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training import parts
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.run_folder import Checkpoint, read_checkpoint
from zeb42_env import Rules
from zeb42_env._core.record import BY_CHANCE
from zeb42_env._core.tables import deal_numbers, play_randomly

HANDS, RUN, NAME = 8, "chaos", "tiny"
FAULTS = ("kill worker", "kill learner", "outage", "lost answer", "stall", "no room", "torn file", "foreign file")
HUB_FAULTS = ("409", "412", "429", "503")
PLACES = ("folder", "hub", "fleet")
STOPPED = 128 + signal.SIGTERM  # how a command ends that was asked to
CYCLE = 8  # hands of one cycle of the fleet's learner
FLEET = (
    f"--cycles 1000000 --teacher-cycles 0 --lanes {CYCLE} --hands-per-lane 1 --steps-per-cycle 1 --batch-size 8 "
    "--min-buffer-examples 28 --sims 2 --worlds 1 --evaluate-every 1000000 --precision float32 --threads 1 "
    "--device cpu --max-age-s 0"
).split()


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
    badly_ended: int
    """Processes that were not killed, and ended in anything but a clear line."""
    counts: dict[str, int]
    """Files, as the learner's inbox counted them."""
    fetches: int
    """Of whole weights."""
    starts: int
    """Of processes."""


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
    parser.add_argument("places", nargs="*", default=PLACES, help=f"of {', '.join(PLACES)} (default: all)")
    parser.add_argument("--faults", type=int, default=20, help="of each kind (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--outage-s", type=float, default=120.0, help="of one long outage (default: %(default)s)")
    options = parser.parse_args()
    good = True
    for place in options.places:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            result = wreak(
                Path(folder),
                place,
                faults=options.faults,
                workers=options.workers,
                seed=options.seed,
                long_outage_s=options.outage_s,
            )
        _print(place, result, time.perf_counter() - began)
        good &= kept(result)
    sys.exit(0 if good else 1)


def _print(place: str, result: Result, took_s: float) -> None:
    print(f"\n## {place}: {'kept' if kept(result) else 'BROKEN'}, {took_s:.0f} s\n")
    print("| what | how often |\n|---|---:|")
    rows = {f"fault: {kind}": num for kind, num in result.faults.items()}
    rows |= {"starts of processes": result.starts, "badly ended": result.badly_ended}
    rows |= {"hands acknowledged": result.acknowledged, "of these missing": result.missing}
    rows |= {"hands in the buffer": result.in_buffer, "twice": result.twice, "never played": result.invented}
    rows |= {"whole weights fetched": result.fetches}
    rows |= {f"files {word}": num for word, num in sorted(result.counts.items())}
    print("\n".join(f"| {word} | {num:,} |" for word, num in rows.items()), flush=True)


def kept(result: Result) -> bool:
    """Whether every promise was kept."""
    whole = result.missing == result.twice == result.invented == result.badly_ended == 0
    return whole and result.acknowledged > 0 and result.fetches > 0


def wreak(folder: Path, place: str, *, faults: int, workers: int, seed: int, long_outage_s: float = 0.0) -> Result:
    """Let ``workers`` and a learner meet at ``place`` while ``faults`` of each kind happen, then let them finish."""
    if place not in PLACES:
        raise SystemExit(f"expected a place, got {place}; allowed: {', '.join(PLACES)}")
    torch.set_num_threads(1)
    signs = folder / "signs"
    signs.mkdir(parents=True)
    server = _server() if place == "hub" else None
    exchange_of = _exchanges(folder, signs, server)
    template = _template()
    unpack(pack(_packet(template, 1, 0, 0)))  # compiled once, before the processes begin
    jobs: dict[str, Callable[[], int]] = {}
    if place == "fleet":
        _warm_up()
        for number in range(workers):
            jobs[f"worker {number}"] = lambda number=number: _fleet_worker(folder, exchange_of(), signs, number)  # type: ignore[misc]
        jobs["learner"] = lambda: _fleet_learner(folder, exchange_of())
    else:
        model = ZebModel(ZebConfig(embed_dim=16, n_heads=1, n_layers=1, ff_dim=16, tokenizer="v2", max_tokens=33))
        for number in range(workers):
            jobs[f"worker {number}"] = lambda number=number: _work(folder, exchange_of(), number, template)  # type: ignore[misc]
        jobs["learner"] = lambda: _learn(folder, exchange_of(), model)
    running = {name: _fork(job, folder) for name, job in jobs.items()}
    rng = random.Random(seed)
    planned = [kind for kind in (*FAULTS, *(HUB_FAULTS if server else ())) for _ in range(faults)]
    rng.shuffle(planned)
    try:
        _wait_for(lambda: any(folder.glob("fetched-*")))  # kills before that would be all alike
        for kind in planned:
            time.sleep(rng.uniform(0.05, 0.25) * (4 if place == "fleet" else 1))
            _do(kind, rng, signs, folder, jobs, running, server, template)
        if long_outage_s:
            (signs / "outage").touch()
            time.sleep(long_outage_s)
        for sign in signs.iterdir():
            sign.unlink()
        ends = _finish_fleet(folder, running) if place == "fleet" else _finish(folder, running)
    except BaseException:
        for pid in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise
    finally:
        if server is not None:
            server.stop()
    return _count(folder, place, dict(Counter(planned)), ends)


def _finish(folder: Path, running: dict[str, int]) -> int:
    """Let all come to their end; returns how many of them ended badly."""
    (folder / "stop").touch()
    ends = [_end_of(pid) for name, pid in running.items() if name != "learner"]
    (folder / "drained").touch()
    ends.append(_end_of(running["learner"]))
    return sum(end != 0 for end in ends)


def _finish_fleet(folder: Path, running: dict[str, int]) -> int:
    """Stop the workers, who hand over what they have, let the learner take in all but part of a cycle, and stop it."""
    time.sleep(2.0)  # the last ones may have been started just now
    workers = [pid for name, pid in running.items() if name != "learner"]
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    ends = [_end_of(pid) for pid in workers]
    acknowledged = _noted(folder, "acknowledged")
    _wait_for(lambda: len(acknowledged - set(_held(_checkpoint_of(folder).hands))) < CYCLE)
    os.kill(running["learner"], signal.SIGTERM)
    ends.append(_end_of(running["learner"]))
    return sum(end != STOPPED for end in ends)


def _checkpoint_of(folder: Path) -> Checkpoint:
    checkpoint = read_checkpoint(folder / "run")
    assert checkpoint is not None
    return checkpoint


def _held(hands: np.ndarray) -> list[tuple[int, int]]:
    """Whose hands these are: the session that played each, and its number there."""
    return list(zip(hands["worker"].tolist(), hands["sequence"].tolist(), strict=True))


def _wait_for(true: Callable[[], bool], seconds: float = 600.0) -> None:
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError, AssertionError):  # a checkpoint is being replaced
            if true():
                return
        if time.monotonic() > until:
            raise TimeoutError("nothing happens any more")
        time.sleep(0.2)


def _end_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _do(
    kind: str,
    rng: random.Random,
    signs: Path,
    folder: Path,
    jobs: dict[str, Callable[[], int]],
    running: dict[str, int],
    server: Any,
    template: np.ndarray,
) -> None:
    if kind.startswith("kill"):
        name = "learner" if kind == "kill learner" else rng.choice([name for name in jobs if name != "learner"])
        os.kill(running[name], signal.SIGKILL)
        os.waitpid(running[name], 0)
        running[name] = _fork(jobs[name], folder)
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
        fresh = place.with_name(f".{name}")  # or the learner sees it empty first, and names it twice
        fresh.write_bytes(content)
        fresh.replace(place)
    elif (repo := server.repos.get(("dataset", "tester/chaos-examples"))) is not None:
        with server.lock:
            commit = repo.at("main")
            repo.commit({**commit.tree, f"{NAME}/{name}": server.small(content)}, "litter")


def _exchanges(folder: Path, signs: Path, server: Any) -> Callable[[], Exchange]:
    Noted.notes = Seen.notes = folder

    def of_folder() -> Exchange:
        return Seen(Faulty(DirectoryStore(folder / "exchange"), signs), name=NAME, spec=str(folder / "exchange"))  # type: ignore[arg-type]

    if server is None:
        return of_folder
    from huggingface_hub import CommitOperationAdd, HfApi, constants  # noqa: F401 - so that no process does it anew

    from zeb42_agents.hub import HubStore

    def of_hub() -> Exchange:
        constants.HF_HUB_DISABLE_XET = True
        os.environ.update(HF_ENDPOINT=server.url, HF_TOKEN="hf_test")
        stores = [
            HubStore("tester/chaos", first_wait_s=0.02),
            HubStore("tester/chaos-examples", "dataset", first_wait_s=0.02),
        ]
        first, second = (Faulty(store, signs) for store in stores)
        return Seen(first, second, name=NAME, combines=True)  # type: ignore[arg-type]

    return of_hub


def _server() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "zeb42_agents" / "exchange"))
    from hub_standin import FakeHub

    return FakeHub().start()


def _fork(job: Callable[[], int], folder: Path) -> int:
    """A process of its own, with a clock that is an hour off, whose words go to a file."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        words = os.open(folder / f"said-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(words, 1)
        os.dup2(words, 2)
        if tqdm := sys.modules.get("tqdm"):  # its lock lives on in all who were forked, and a kill may leave it taken
            tqdm.tqdm.set_lock(threading.RLock())
        random.seed(os.getpid())
        skew_s = random.choice((-3600.0, 3600.0))
        real = time.time
        time.time = lambda: real() + skew_s
        status = job()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
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


class Noted(Spool):
    """A spool that notes what it is offered, and what it has acknowledged."""

    notes: Path

    def put(self, files: Mapping[str, bytes]) -> None:
        """See :class:`Spool`."""
        said = [parse_name(name.rpartition("/")[2]) for name in files]
        words = "".join(f"{name.session} {name.first} {name.end}\n" for name in said if name)
        self._note("offered", words)
        super().put(files)
        self._note("acknowledged", words)

    def _note(self, kind: str, words: str) -> None:
        with (self.notes / f"{kind}-{os.getpid()}").open("a") as file:
            file.write(words)


class Seen(Exchange):
    """An exchange that notes which weights came out of it."""

    notes: Path

    def fetch(self, have: str | None = None) -> Published | None:
        """See :class:`Exchange`."""
        if (found := super().fetch(have)) is not None:
            with (self.notes / f"fetched-{os.getpid()}").open("a") as file:
                file.write(f"{found.weights.state['step']}\n")
        return found


def _work(folder: Path, exchange: Exchange, number: int, template: np.ndarray) -> int:
    session = secrets.randbits(62)
    spool = Noted(folder / f"spool-{number}", exchange.hands_store, max_bytes=2**20, combined=exchange.combined)
    first, step, digest = 0, 0, None
    while not (folder / "stop").exists():
        try:
            if (found := exchange.fetch(digest)) is not None:
                step, digest = found.weights.state["step"], found.digest
        except OSError:
            pass
        try:
            spool.put(exchange.packed(_packet(template, session, first, step)))
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
    return 0


def _learn(folder: Path, exchange: Exchange, model: ZebModel) -> int:
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
            return 0
        time.sleep(0.05)


def _fleet_worker(folder: Path, exchange: Exchange, signs: Path, number: int) -> int:
    """``zeb42 fleet worker``, whose disk is full now and then."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if (signs / "no room").exists():
            raise OSError(28, "No space left on device")
        real(descriptor)

    os.fsync = fsync  # type: ignore[assignment]
    cli.open_exchange, cli.Spool = lambda *_: exchange, Noted  # type: ignore[assignment,misc]
    words = ["--exchange", str(folder / "exchange"), "--name", NAME, "--worker", "w", "--device", "cpu", "--block", "4"]
    return cli.main(["worker", *words, "--spool", str(folder / f"spool-{number}")])


def _fleet_learner(folder: Path, exchange: Exchange) -> int:
    """``zeb42 fleet learner``."""
    cli.open_exchange = lambda *_: exchange  # type: ignore[assignment,misc]
    words = ["--exchange", str(folder / "exchange"), "--name", NAME, "--out", str(folder / "run")]
    return cli.main(["learner", *words, *FLEET])


def _warm_up() -> None:
    """Compile what the processes will need."""
    config = parse_options(TrainConfig, [word for word in FLEET if word != "--max-age-s"][:-1], program="chaos")
    evaluator = NetworkEvaluator(ZebModel(config.network_config()), device="cpu", precision="float32")
    hands = parts.actor_of(config, evaluator, taught=False, threads=1).play(np.arange(4))
    ring = parts.ring_of(config)
    ring.append(hands)
    ring.sample(8)


def _count(folder: Path, place: str, faults: dict[str, int], badly_ended: int) -> Result:
    acknowledged, offered = (_noted(folder, kind) for kind in ("acknowledged", "offered"))
    if place == "fleet":
        checkpoint = _checkpoint_of(folder)
        saved = checkpoint.progress["fleet"]
        inbox = Inbox(DirectoryStore(folder / "exchange"), NAME, run=saved["run"])
        inbox.set_state(saved["inbox"])
        hands = np.concatenate([checkpoint.hands, *(packet.experience for packet in inbox.pull())])
        counts = dict(inbox.counts)
    else:
        hands = np.load(folder / "checkpoint" / "hands.npy")
        counts = read_json(folder / "checkpoint" / "state.json")["inbox"]["counts"]
    held = _held(hands)
    said = [path.read_text() for path in folder.glob("said-*")]
    return Result(
        acknowledged=len(acknowledged),
        in_buffer=len(held),
        missing=len(acknowledged - set(held)),
        twice=len(held) - len(set(held)),
        invented=len(set(held) - offered),
        faults=faults,
        badly_ended=badly_ended + sum("Traceback" in words for words in said),
        counts=counts,
        fetches=sum(len(seen.read_text().splitlines()) for seen in folder.glob("fetched-*")),
        starts=len(said),
    )


def _noted(folder: Path, kind: str) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for notes in folder.glob(f"{kind}-*"):
        for session, first, end in (map(int, line.split()) for line in notes.read_text().splitlines()):
            found |= {(session, number) for number in range(first, end)}
    return found


if __name__ == "__main__":
    main()
