"""A worker: fetches weights, plays with them, sends the hands. It may be killed at any moment."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console

from zeb42_agents.arena.stops import check_stop
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.exchange import Exchange, Packet, Published, Spool
from zeb42_agents.fleet.live import Outages
from zeb42_agents.fleet.orders import KEY, Orders
from zeb42_agents.training import parts, sinks
from zeb42_agents.training.actor import Actor
from zeb42_agents.training.sinks import WandbMode

PATIENCE_S = 30.0  # a worker that is ahead plays on when no newer weights have come for as long
IDLE_S = 0.05
LAST_FLUSH_S = 30.0
MAX_WAIT_S = 60.0


class Courier(threading.Thread):
    """Hands over what a spool holds, once per period at most, whatever the exchange answers.

    Args:
        spool: what to hand over.
        period_s: what the learner asks for now.
        outages: told of failures.
    """

    def __init__(self, spool: Spool, period_s: Callable[[], float], outages: Outages) -> None:
        super().__init__(name="courier", daemon=True)
        self.failure: ValueError | None = None
        """Why nothing will ever be taken, such as a token without the right to write."""
        self._spool, self._period_s, self._outages = spool, period_s, outages
        self._more, self._ending = threading.Event(), threading.Event()
        self._more.set()  # what a worker before left

    def wake(self) -> None:
        """There is something to hand over."""
        self._more.set()

    def close(self) -> int:
        """Hand over the rest, if that is possible soon; returns how many files are left."""
        self._ending.set()
        self._more.set()
        self.join(LAST_FLUSH_S)
        return len(self._spool)

    def run(self) -> None:
        """See :class:`threading.Thread`."""
        failures = 0
        while self.failure is None:
            self._more.wait()
            self._more.clear()
            last = self._ending.is_set()
            try:
                self._spool.flush()
            except OSError as error:
                failures += 1
                self._more.set()
                self._outages.down(error, "hands wait in the spool")
            except ValueError as error:
                self.failure = error
            else:
                failures = 0
                self._outages.up()
            if last:
                return
            wait_s = min(MAX_WAIT_S, 0.5 * 2**failures) if failures else self._period_s()
            self._ending.wait(
                wait_s * (0.75 + 0.5 * secrets.randbelow(1000) / 1000)
            )  # workers are not to march in step


class Worker:
    """Plays hands for the learner that publishes in ``exchange``, until the run is over.

    Args:
        exchange: where weights come from and hands go to.
        spool: where hands wait until they are handed over.
        name: what reports call it. Each start is told apart by a random number besides.
        device, threads: of the network and the search.
        block: hands played side by side; 0 takes as many as the run's lanes.
        price_per_hour: of this machine, for the learner's report.
        machine: what it is, in a few words.
        wandb: whether W&B is told, too: a run of each start, in the group of the learner's.
        console: for progress; None is silent.
        alive: asked between blocks; the worker ends when it says no.
    """

    def __init__(
        self,
        exchange: Exchange,
        spool: Spool,
        *,
        name: str,
        device: str = "auto",
        threads: int = 1,
        block: int = 0,
        price_per_hour: float = 0.0,
        machine: str = "",
        wandb: WandbMode = "off",
        console: Console | None = None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.console = console or Console(quiet=True)
        self.session = secrets.randbits(63)
        self.num_played = 0
        self._exchange, self._spool, self._name = exchange, spool, name
        self._device, self._threads, self._block = device, threads, block
        self._price_per_hour, self._machine, self._alive = price_per_hour, machine, alive
        self._wandb = wandb
        self._sink: sinks.WandbSink | None = None
        if wandb != "off":
            sinks.require_wandb(wandb)  # before anything is played
        self._began_s = time.monotonic()
        self._published: Published | None = None
        self._orders: Orders | None = None
        self._evaluator: NetworkEvaluator | None = None
        self._actors: dict[bool, Actor] = {}
        self._credit = 0
        self._said_waiting = False
        self._asked_s = self._answered_s = self._renewed_s = time.monotonic()
        self._outages = Outages(self.console)
        self._courier = Courier(spool, lambda: self._orders.period_s if self._orders else 0.0, Outages(self.console))

    def run(self) -> None:
        """Play until the run is over. ValueError if the exchange holds what this worker cannot work with."""
        self._courier.start()
        try:
            while self._goes_on():
                if (orders := self._orders) is None or not (num := self._allowance(orders)):
                    time.sleep(IDLE_S if orders else max(IDLE_S, min(1.0, self._exchange.poll_s)))
                    continue
                packet = self._play(orders, num)
                self._tell(packet, orders)
                self._send(packet)
        finally:
            if self._sink is not None:
                self._sink.close({"hands": self.num_played})
            if left := self._courier.close():
                self.console.print(
                    f"{left} files of hands wait in {self._spool.folder}; a worker with that --spool sends them",
                    soft_wrap=True,
                )
        if self._courier.failure is not None:
            raise self._courier.failure

    def _goes_on(self) -> bool:
        """Look for newer weights; False when there is nothing left to do."""
        check_stop()
        if self._courier.failure is not None or not self._alive():
            return False
        now = time.monotonic()
        if self._orders is None or now - self._asked_s >= self._exchange.poll_s:
            self._asked_s = now
            try:
                published = self._exchange.fetch(self._published.digest if self._published else None)
            except OSError as error:
                self._outages.down(
                    error, "playing on with the weights at hand" if self._orders else "waiting for weights"
                )
                time.sleep(IDLE_S)
            else:
                self._outages.up()
                self._answered_s = time.monotonic()
                if published is not None:
                    self._take(published)
                elif self._orders is None and not self._said_waiting:
                    self._said_waiting = True
                    self.console.print(self._waiting(), soft_wrap=True)
                    time.sleep(1.0)
        if self._orders is not None and self._orders.finished:
            self.console.print(f"the run is over; {self.num_played:,} hands played")
            return False
        return True

    def _waiting(self) -> str:
        exchange = self._exchange
        hidden = ", and that this machine's token may read a private repository" if exchange.repo else ""
        return (
            f"no weights {exchange.name} in {exchange.spec} yet, waiting for a learner to publish them; if one did, "
            f"look at --exchange and --name{hidden}"
        )

    def _take(self, published: Published) -> None:
        """Play with ``published`` from now on."""
        orders = Orders.of(published.weights.state)
        before = self._orders
        if before is None or before.run != orders.run or before.config != orders.config or self._evaluator is None:
            self._evaluator = NetworkEvaluator(
                published.weights.model, device=self._device, precision=orders.config.precision
            )
            self._actors = {
                taught: parts.actor_of(
                    orders.config,
                    self._evaluator,
                    taught=taught,
                    threads=self._threads,
                    seed=self.session,
                    worker=self.session,
                )
                for taught in (True, False)
            }
            self._credit = orders.lead * orders.share
        else:
            self._evaluator.model.load_state_dict(published.weights.model.state_dict())
            self._credit += max(0, orders.cycle - before.cycle) * orders.share
        self._published, self._orders, self._renewed_s = published, orders, time.monotonic()

    def _allowance(self, orders: Orders) -> int:
        """How many hands to play now; 0: wait."""
        block = self._block or min(orders.config.lanes, orders.share or orders.config.lanes)
        now = time.monotonic()
        if orders.max_age_s and now - self._answered_s > orders.max_age_s:
            return 0  # nobody knows how old these weights are by now: the hands would be refused
        if not orders.share:
            return block
        if self._credit <= 0 and now - self._renewed_s > PATIENCE_S:
            self._credit, self._renewed_s = block, now  # others may have died that the learner counts on
        return min(block, max(0, self._credit))

    def _play(self, orders: Orders, num: int) -> Packet:
        assert self._evaluator is not None
        assert self._published is not None
        taught = orders.cycle < orders.config.teacher_cycles
        self._evaluator.calls = orders.config.contract == "auction" and not taught
        step = int(self._published.weights.state["step"])
        numbers = np.arange(self.num_played, self.num_played + num)
        experience = self._actors[taught].play(numbers, cycle=orders.cycle + 1, weights_step=step)
        packet = Packet(
            experience=experience,
            run=orders.run,
            worker=self._name,
            session=self.session,
            first=self.num_played,
            end=self.num_played + num,
            weights_step=step,
            time_s=time.monotonic() - self._began_s,
            price_per_hour=self._price_per_hour,
            machine=self._machine,
        )
        self.num_played += num
        self._credit -= num
        return packet

    def _tell(self, packet: Packet, orders: Orders) -> None:
        """Tell W&B, whose run begins with the first hands."""
        if self._wandb == "off":
            return
        if self._sink is None:
            assert self._published is not None
            about = {"weights": self._exchange.name, "session": f"{self.session:x}", "machine": self._machine}
            folder = self._spool.folder.with_name(f"{self._name}-wandb")
            folder.mkdir(exist_ok=True)
            self._sink = sinks.WandbSink(
                folder,
                self._wandb,
                about | {"price_per_hour": self._price_per_hour},
                None,
                job_type="worker",
                group=str(self._published.weights.state[KEY].get("group", self._exchange.name)),
                console=self.console,
            )
        row = {"cycle": orders.cycle, "weights_step": packet.weights_step, "hands": packet.end, "time_s": packet.time_s}
        self._sink.log(row | {"hands_per_s": packet.end / packet.time_s}, packet.end)

    def _send(self, packet: Packet) -> None:
        """Into the spool; what does not fit waits in memory, and so does play."""
        files = self._exchange.packed(packet)
        said = False
        while True:
            try:
                self._spool.put(files)
            except OSError as error:
                if not said:
                    self.console.print(f"no room for hands: {error}; waiting until there is", soft_wrap=True)
                    said = True
                self._courier.wake()
                check_stop()
                if self._courier.failure is not None or not self._alive():
                    return
                time.sleep(0.5)
            else:
                break
        if said:
            self.console.print("there is room again")
        self._courier.wake()


def parent_watch() -> Callable[[], bool]:
    """Says whether the process that started this one is still there."""
    parent = os.getppid()
    return lambda: os.getppid() == parent
