"""Workers on a Ray cluster: Ray places them and brings them what they need; the workers are those of everywhere.

The exchange of a run is a folder of the learner's machine. An actor beside the learner hands out its four verbs, so a
cluster needs no shared disk. Each worker keeps a spool on its own machine: a node that is lost costs what it had not
yet handed over.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from zeb42_agents.evaluator import resolve_device
from zeb42_agents.exchange import DirectoryStore, Exchange, Spool, open_exchange
from zeb42_agents.extras import needs_extras
from zeb42_agents.fleet.crew import STOP_S, Crew, End
from zeb42_agents.fleet.learner import describe_machine
from zeb42_agents.fleet.worker import Worker

OWN = "own"  # --ray without an address
TIMEOUT_S, KNOCK_S = 60.0, 10.0
POLL_S = 0.25
SPOOLS = ".zeb42-spool"  # in the home of whoever runs the cluster
CLAIM_S = 30.0  # for a spool whose last owner is not quite dead


class Room(NamedTuple):
    """What a cluster has for workers."""

    cpus: int
    gpus: int
    here: int
    """Of its CPUs, those of this machine."""

    def workers(self) -> int:
        """How many fit: one for each GPU, or else for each CPU but the learner's."""
        return self.gpus or max(1, self.cpus - 1)

    def share(self, number: int) -> tuple[int, int]:
        """CPUs and GPUs of the worker ``number``: the first ones take the GPUs, with as many CPUs as go with each."""
        return (max(1, (self.cpus - 1) // self.gpus), 1) if number < self.gpus else (1, 0)


@contextmanager
def cluster(address: str) -> Iterator[Room]:
    """Connected to the Ray cluster at ``address``, or to one of this machine's own (``OWN``), which listens on
    127.0.0.1 only and ends with the block. ValueError says in one line why not."""
    own = address == OWN
    if not own and address.startswith("ray://"):
        raise ValueError(
            f"expected the address of a cluster that this machine is a node of, got {address}; allowed: HOST:PORT, auto"
        )
    ray = _ray()
    options: dict[str, Any] = {"include_dashboard": False} if own else {}
    if own:
        _listen_here_only()
    try:
        _knock(address)
        ray.init("local" if own else address, log_to_driver=False, logging_level="error", **options)
    except Exception as error:  # Ray raises that itself, where a node does not start in time
        raise ValueError(
            f"expected a Ray cluster at {address} with a node on this machine, got: {_in_short(error)}; allowed: "
            f"`ray start` first, with the token of the cluster, or --ray alone for a cluster of this machine"
        ) from None
    try:
        total, node = ray.cluster_resources(), ray.get_runtime_context().get_node_id()
        (here,) = [each["Resources"] for each in ray.nodes() if each["NodeID"] == node]
        yield Room(*(int(found) for found in (total.get("CPU", 0), total.get("GPU", 0), here.get("CPU", 0))))
    finally:
        ray.shutdown()


class RayStore:
    """A store that an actor of the cluster serves, as :class:`zeb42_agents.exchange.Store`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def put(self, files: Mapping[str, bytes]) -> None:
        """See :class:`zeb42_agents.exchange.Store`."""
        self._ask("put", dict(files))

    def names(self, prefix: str = "") -> dict[str, str]:
        """See :class:`zeb42_agents.exchange.Store`."""
        names: dict[str, str] = self._ask("names", prefix)
        return names

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`zeb42_agents.exchange.Store`."""
        found: dict[str, bytes] = self._ask("read", list(names))
        return found

    def delete(self, names: Iterable[str]) -> None:
        """See :class:`zeb42_agents.exchange.Store`."""
        self._ask("delete", list(names))

    def _ask(self, verb: str, words: Any) -> Any:
        ray = _ray()
        try:
            return ray.get(getattr(self._actor, verb).remote(words), timeout=TIMEOUT_S)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise OSError(f"the learner's end of the cluster: {_in_short(error)}") from None


def serve(folder: Path) -> RayStore:
    """The exchange in ``folder`` of this machine, to be handed to workers anywhere in the cluster."""
    ray = _ray()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_concurrency": 16, "max_restarts": -1, "max_task_retries": -1}
    return RayStore(ray.remote(DirectoryStore).options(scheduling_strategy=here, **options).remote(folder.resolve()))


class Job(NamedTuple):
    """What a worker on a cluster has to know."""

    name: str
    """Of the weights."""
    exchange: str
    store: RayStore | None
    """Where ``exchange`` is a folder of the learner's machine; else workers open it themselves."""
    run: str
    price_per_hour: float


class RayWorker:
    """An actor that is a worker."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def run(self, job: Job, worker: str, threads: int) -> int:
        """Play until the run is over, or :meth:`stop`; returns the number of hands."""
        import torch

        torch.set_num_threads(threads)
        if job.store is None:
            exchange = open_exchange(job.exchange, job.name)
        else:
            exchange = Exchange(job.store, name=job.name, spec=job.exchange, poll_s=POLL_S)
        spool = self._claim(Path.home() / SPOOLS / f"{job.name}-{job.run}" / worker, exchange)
        player = Worker(
            exchange,
            spool,
            name=worker,
            threads=threads,
            price_per_hour=job.price_per_hour,
            machine=describe_machine(str(resolve_device("auto"))),
            console=Console(highlight=False, markup=False),  # into Ray's log of this actor
            alive=lambda: not self._stopping.is_set(),
        )
        try:
            player.run()
        finally:
            spool.close()
        if not len(spool):
            shutil.rmtree(spool.folder, ignore_errors=True)
        return player.num_played

    def stop(self) -> None:
        """Hand over what is left, and end."""
        self._stopping.set()

    def _claim(self, folder: Path, exchange: Exchange) -> Spool:
        until = time.monotonic() + CLAIM_S
        while True:
            try:
                return Spool(folder, exchange.hands_store, combined=exchange.combined)
            except ValueError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)


class RayWorkers(Crew):
    """Workers of a cluster, kept alive. Those that find no room wait until there is: until a node comes, or until
    Ray's autoscaler has brought one.

    Args:
        job: what they do.
        num: how many.
        room: of the cluster.
        console: where it is said that one died.
    """

    def __init__(self, job: Job, num: int, room: Room, console: Console) -> None:
        super().__init__(num, console)
        self._job, self._room = job, room
        self._actors: dict[str, Any] = {}
        self._runs: dict[str, Any] = {}

    def _start(self, name: str) -> None:
        ray = _ray()
        if name in self._actors:
            ray.kill(self._actors[name])  # cut off, perhaps, and at work still
        cpus, gpus = self._room.share(self.names.index(name))
        made = ray.remote(RayWorker).options(num_cpus=cpus, num_gpus=gpus, max_concurrency=2)
        self._actors[name] = actor = made.remote()
        self._runs[name] = actor.run.remote(self._job, name, cpus)

    def _end(self, name: str) -> End | None:
        ray = _ray()
        done, _ = ray.wait([self._runs[name]], timeout=0)
        if not done:
            return None
        try:
            ray.get(done)
        except ray.exceptions.RayTaskError as error:
            for_good = isinstance(error.cause, ValueError)
            return End(_in_short(error.cause), for_good)
        except ray.exceptions.RayError as error:
            return End(_in_short(error)[:160])
        return End()

    def _stop(self) -> None:
        ray = _ray()
        for actor in self._actors.values():
            actor.stop.remote()
        ray.wait(list(self._runs.values()), num_returns=len(self._runs), timeout=STOP_S)
        for actor in self._actors.values():
            ray.kill(actor)


def _ray() -> Any:
    with needs_extras():
        import ray
    return ray


def _knock(address: str) -> None:
    """OSError if nobody is at HOST:PORT; Ray itself would find that out after two minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()


def _listen_here_only() -> None:
    """Let all processes of a cluster that begins here listen on 127.0.0.1: Ray's default on Windows and macOS. Its
    address of a node cannot be set to that, and the variable that can is read when Ray is imported, which tianshou does
    as well."""
    from ray._private import ray_constants

    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False


def _in_short(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(line for line in lines if ": " not in line[:14])[:300] or type(error).__name__
