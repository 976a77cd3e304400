"""The learner of a fleet: a training run whose hands arrive through an exchange instead of being played here."""

from __future__ import annotations

import csv
import math
import platform
import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zeb42_agents.arena.pairing import PairingResult
from zeb42_agents.arena.stops import check_stop
from zeb42_agents.exchange import Exchange, Inbox, NotWholeError, Packet, Published
from zeb42_agents.exchange.inbox import TOO_OLD
from zeb42_agents.exchange.packets import PacketName
from zeb42_agents.experience import EXPERIENCE
from zeb42_agents.fleet.ages import Ages
from zeb42_agents.fleet.config import FleetConfig
from zeb42_agents.fleet.live import FleetView, Outages, Standing
from zeb42_agents.fleet.orders import KEY, Orders
from zeb42_agents.fleet.roster import Member, Roster
from zeb42_agents.training import parts, tracking
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.evaluate import evaluation_columns
from zeb42_agents.training.run_folder import Checkpoint, generator_tensors
from zeb42_agents.training.sinks import WandbMode
from zeb42_agents.training.trainer import Trainer

ASIDE_FILE = "aside.csv"
PUBLICATIONS_PER_HOUR = 24  # where commits are counted; the rest is the workers'
HELP_AFTER_S, RETRY_S = 60.0, 2.0


class FleetLearner(Trainer):
    """A run that learns from what workers send to ``exchange``, and publishes its weights there after every cycle.

    Where ``run`` holds this run already, it goes on; where only the exchange does (the folder is on a machine that is
    gone), it goes on with the published weights and the newest hands that lie there, its optimizer cold.

    Args:
        config, run, wandb, tensorboard, trackio, console: as of :class:`Trainer`. A cycle takes in at least the hands
            that it would play.
        exchange: where hands come from and weights go to.
        fleet: how it keeps step with its workers.
    """

    job_type = "learner"

    def __init__(
        self,
        config: TrainConfig,
        run: Path | str,
        exchange: Exchange,
        *,
        fleet: FleetConfig | None = None,
        wandb: WandbMode = "off",
        tensorboard: bool = False,
        trackio: bool = False,
        console: Console | None = None,
    ) -> None:
        self.exchange = exchange
        self.fleet = fleet or FleetConfig()
        self.run_id = ""
        self.restored = ""  # where it goes on from, in words
        self.roster = Roster()
        self._ages = Ages()
        self._arrived: list[Packet] = []  # since the cycle began
        self._row: dict[str, float] = {}
        self._publish_after_s = -math.inf
        self._last_told = (-1, -1)  # cycle and share of the last publication
        self._pulled_s = -math.inf
        self._outages = Outages(console or Console(quiet=True))
        self._view = FleetView(Console(quiet=True))
        self._not_whole: NotWholeError | None = None  # what lies in the exchange cannot be used; a run's folder can
        self._there = self._look()
        super().__init__(config, run, wandb=wandb, tensorboard=tensorboard, trackio=trackio, console=console)
        if self.restored:
            self._save_checkpoint()

    def _look(self) -> Published | None:
        """What lies in the exchange, once it can be reached."""
        while True:
            check_stop()
            try:
                found = self.exchange.fetch()
            except NotWholeError as error:
                self._not_whole = error
                return None
            except OSError as error:
                self._outages.down(error, "waiting for it")
                time.sleep(RETRY_S)
            else:
                self._outages.up()
                return found

    # -- where it goes on from -----------------------------------------------------------------------------------------

    def _saved(self) -> Checkpoint | None:
        own, there = super()._saved(), self._there
        state = there.weights.state if there else self._not_whole.state if self._not_whole else {}
        orders = Orders.of(state) if state else None
        if own is not None:
            self.run_id = str(own.progress.get(KEY, {}).get("run", ""))
            if orders and orders.run != self.run_id:
                raise ValueError(
                    f"expected weights {self.exchange.name} of the run in {self.run_folder} in the exchange, got those "
                    f"of another; allowed: another --name, or an --out without a run"
                )
            if orders is None or orders.cycle <= own.progress["cycle"]:
                if self._not_whole:
                    self.console.print(f"{self._not_whole}; {self.run_folder} publishes its own again", soft_wrap=True)
                return own
        if self._not_whole:
            raise ValueError(
                f"{self._not_whole}; allowed: the learner of that run with the --out that it had, which publishes them "
                "again, or another --name"
            )
        if there is None or orders is None:
            self.run_id = secrets.token_hex(8)
            return None
        if orders.cycle > self.config.cycles:
            raise ValueError(
                f"expected at least {orders.cycle} cycles, as many as the exchange has of {self.exchange.name}, got "
                f"{self.config.cycles}"
            )
        self.run_id = orders.run
        return self._from_exchange(there, orders)

    def _from_exchange(self, there: Published, orders: Orders) -> Checkpoint:
        """A checkpoint of what lies in the exchange: the weights, and the newest hands that fit into the buffer."""
        state = there.weights.state
        inbox = Inbox(self.exchange.hands_store, self.exchange.name, run=orders.run)
        packets = inbox.pull(max_hands=parts.capacity_hands(self.config, max(1, orders.cycle)))
        hands = np.concatenate([np.zeros(0, EXPERIENCE), *(packet.experience for packet in packets)])
        tensors = there.weights.model.state_dict()
        more = state[KEY]
        self.restored = f"the exchange: cycle {orders.cycle}, {len(hands):,} hands, the optimizer cold"
        return Checkpoint(
            {f"{kind}.{name}": tensor for kind in ("model", "averaged") for name, tensor in tensors.items()}
            | generator_tensors(),
            hands,
            {
                "cycle": orders.cycle,
                "step": state["step"],
                "total_games": state["total_games"],
                "total_time_s": more["total_time_s"],
                "wandb_id": more["wandb_id"],
                "best": {},
                "precision": "auto",
                "device": "",
                "buffer": parts.ring_of(self.config).get_state(),
                KEY: {name: more[name] for name in ("run", "ages", "workers")} | {"inbox": inbox.get_state()},
            },
        )

    def _build(self, saved: Checkpoint | None) -> None:
        super()._build(saved)
        self._inbox = Inbox(self.exchange.hands_store, self.exchange.name, run=self.run_id)

    def _restore(self, saved: Checkpoint) -> None:
        super()._restore(saved)
        try:
            kept = saved.progress[KEY]
            self._inbox.set_state(kept["inbox"])
            self._ages.restore(kept["ages"])
            self.roster.restore(kept["workers"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"expected the run of a fleet in {self.run_folder}, got another: {error}") from None

    def _progress(self) -> dict[str, Any]:
        return super()._progress() | {
            KEY: {
                "run": self.run_id,
                "inbox": self._inbox.get_state(),
                "ages": self._ages.to_json(),
                "workers": self.roster.to_json(),
            }
        }

    # -- the loop ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Learn until the last cycle, then tell the workers, measure and report."""
        with FleetView(self.console) as self._view:
            self._publish()
            while self.cycle < self.config.cycles:
                check_stop()
                self._row = row = self.train_cycle()
                if "eval_win_rate" in row or not self.console.is_terminal:
                    status = tracking.status(row, self.config.opponents)
                    self.console.print(f"cycle {self.cycle}/{self.config.cycles}: {status}", soft_wrap=True)
        self._publish()
        strength = self.finish()
        self.tracker.close({"final_win_rate": strength.win_rate, "best_win_rate": self.best.get("win_rate", 0.0)})

    def train_cycle(self) -> dict[str, float]:
        """One cycle: take in what has arrived, learn, perhaps evaluate, save, publish. Returns its row of metrics."""
        row = super().train_cycle()
        self._inbox.prune(self.fleet.keep_files) if self._may_commit() else None
        return row

    def _collect(self, cycle: int) -> np.ndarray:  # noqa: ARG002 - the trainer's signature
        """Wait for the hands of this cycle; returns their experience. What arrived is in the ring at once."""
        began, self._arrived = time.monotonic(), []
        helped = False
        while wanted := self._wanted():
            check_stop()
            if self._pull():
                continue
            self._view.show(self._standing(wanted), self.roster)
            if not helped and not self.roster.active() and time.monotonic() - began > HELP_AFTER_S:
                helped = True
                self.console.print(f"{wanted}, and no worker has been heard of; start some with\n  {self.invitation}")
            if self._publication_due():
                self._publish()
            time.sleep(min(self.exchange.poll_s, 0.5))
        return np.concatenate([packet.experience for packet in self._arrived])

    @property
    def invitation(self) -> str:
        """The line that starts a worker for this run."""
        return f"zeb42 fleet worker --exchange {self.exchange.spec} --name {self.exchange.name}"

    def _wanted(self) -> str:
        """What is still waited for; empty if there is enough to learn from."""
        arrived = sum(len(packet.experience) for packet in self._arrived)
        hands = self.config.lanes * self.config.hands_per_lane
        if arrived < hands and len(self.ring) >= self.config.min_buffer_examples:
            return f"waiting for hands: {arrived:,} of {hands:,}"
        if len(self.ring) < self.config.min_buffer_examples or not arrived:
            return f"waiting for hands: {len(self.ring):,} of {self.config.min_buffer_examples:,} examples"
        return ""

    def _pull(self) -> bool:
        """Take in what has arrived; whether it was anything."""
        if time.monotonic() - self._pulled_s < self.exchange.poll_s:
            return False
        try:
            packets = self._inbox.pull(self._refuse, first_cycle=self._first_cycle(self.cycle + 1))
        except OSError as error:
            self._outages.down(error, "it is tried again, and learning waits for hands")
            self._pulled_s = time.monotonic() + 1.0
            return False
        self._outages.up()
        self._pulled_s = time.monotonic()
        for packet in packets:
            self.ring.append(packet.experience)
            self.total_games += packet.end - packet.first
            self.roster.note(packet)
        self._arrived += packets
        self._note_aside()
        return bool(packets)

    def _refuse(self, name: PacketName) -> str | None:
        limit_s = self.fleet.max_age_s
        return TOO_OLD if limit_s and self._ages.of(name.weights_step) > limit_s else None

    def _learn(self, fresh: np.ndarray, cycle: int) -> dict[str, float]:
        steps = np.array([packet.weights_step for packet in self._arrived])
        ages_s = np.array([self._ages.of(int(step)) for step in steps])
        behind = np.maximum(0, self.learner.num_updates - steps)
        counts = [len(packet.experience) for packet in self._arrived]
        row = {
            "weights_age_s": float(np.average(ages_s, weights=counts)),
            "weights_age_s_max": float(ages_s.max()),
            "weights_age_updates": float(np.average(behind, weights=counts)),
            "weights_age_updates_max": float(behind.max()),
            "workers": len(self.roster.active()),
            "hands_per_s": sum(member.hands_per_s for member in self.roster.active()),
            "files_refused": sum(count for why, count in self._inbox.counts.items() if why != "taken"),
        }
        self._view.show(self._standing(""), self.roster)
        return row | super()._learn(fresh, cycle)

    def save(self) -> None:
        """Write the latest weights and the checkpoint, then publish: what workers play with is never ahead of it."""
        super().save()
        if self._publication_due():
            self._publish()

    # -- the exchange --------------------------------------------------------------------------------------------------

    def _may_commit(self) -> bool:
        return not self.exchange.commits_per_hour or self.cycle % 25 == 0

    def _publication_due(self) -> bool:
        return time.monotonic() >= self._publish_after_s and self._last_told != (self.cycle, self._share())

    @property
    def _num_workers(self) -> int:
        return max(1, self.fleet.workers, len(self.roster.active()))

    def _share(self) -> int:
        if not self.fleet.lead:
            return 0
        return math.ceil(self.config.lanes * self.config.hands_per_lane / self._num_workers)

    def _orders(self) -> Orders:
        left = max(1, self.exchange.commits_per_hour - PUBLICATIONS_PER_HOUR - 8)  # eight for pruning and cards
        return Orders(
            run=self.run_id,
            config=self.config,
            cycle=self.cycle,
            share=self._share(),
            lead=self.fleet.lead,
            max_age_s=self.fleet.max_age_s,
            period_s=self._num_workers * 3600 / left if self.exchange.commits_per_hour else 0.0,
            finished=self.cycle >= self.config.cycles,
        )

    def _publish(self) -> None:
        """Publish the averaged weights and the orders. An outage is no harm: the next cycle tries again."""
        orders = self._orders()
        more = {
            "total_time_s": self.total_time_s,
            "wandb_id": self.tracker.wandb_id,
            "group": self.run_folder.name,
            "ages": self._ages.to_json()[-100:],
            "workers": self.roster.to_json(),
        }
        try:
            self.exchange.publish(self.learner.averaged, self._state() | {KEY: orders.to_json() | more})
        except OSError as error:
            self._outages.down(error, "learning goes on, and its weights are published later")
            self._publish_after_s = time.monotonic() + RETRY_S
            return
        self._outages.up()
        self._ages.published(self.learner.num_updates)
        period_s = 3600 / PUBLICATIONS_PER_HOUR if self.exchange.commits_per_hour else 0.0
        self._publish_after_s = time.monotonic() + period_s
        self._last_told = (orders.cycle, orders.share)

    def _note_aside(self) -> None:
        """Name what was set aside in ``aside.csv``, and say it."""
        if not self._inbox.aside:
            return
        with (self.run_folder / ASIDE_FILE).open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(self._inbox.aside)
        for name, why in self._inbox.aside[:3]:
            self.console.print(f"set aside, not learned from: {name}: {why}", soft_wrap=True)
        if len(self._inbox.aside) > 3:
            self.console.print(
                f"and {len(self._inbox.aside) - 3} more; see {self.run_folder / ASIDE_FILE}", soft_wrap=True
            )
        self._inbox.aside.clear()

    def _standing(self, wanted: str) -> Standing:
        return Standing(self.cycle, self.config.cycles, len(self.ring), wanted, self._row, self._inbox.counts)

    # -- its end -------------------------------------------------------------------------------------------------------

    def finish(self) -> PairingResult:
        """What the trainer does at its end; on the Hub the cards are written, too."""
        strength = super().finish()
        if self.exchange.repo:
            try:
                self.exchange.describe(self._state(), self.config.to_json(), self._measured(strength))
            except OSError as error:
                self._outages.down(error, "the cards are not written")
        return strength

    def _measured(self, strength: PairingResult) -> list[Any]:
        """The last evaluation, and the last word: the best weights against random."""
        from zeb42_agents.exchange.cards import Measured

        config = self.config
        last = next((row for row in reversed(self.tracker.rows) if "eval_win_rate" in row), {})
        found = []
        for opponent, names in zip(config.opponents, evaluation_columns(config.opponents), strict=True):
            if names[0] in last:
                rate, low, high = (last[name] for name in names)
                found.append(Measured(opponent, rate, low, high, config.evaluate_deals, self._protocol))
        low, high = strength.interval
        final = Measured("random", strength.win_rate, low, high, config.final_deals, f"{self._protocol}, best weights")
        return [*found, final]

    def _train_on(self) -> str:
        cycles = 2 * self.config.cycles
        name = f"--exchange {self.exchange.spec} --name {self.exchange.name} --out {self.run_folder}"
        return f"zeb42 fleet learner {name} --cycles {cycles}"

    def _more_to_report(self) -> list[str]:
        learner = Member(
            worker="learner",
            machine=describe_machine(str(self._device)),
            time_s=self.total_time_s,
            price_per_hour=self.fleet.price_per_hour,
        )
        counts = ", ".join(f"{count:,} {why}" for why, count in sorted(self._inbox.counts.items()))
        return [*self.roster.report(learner), "", f"Files of hands: {counts or 'none'}."]


def describe_machine(device: str) -> str:
    """This machine in a few words."""
    import os

    import torch

    if device.startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return f"{os.cpu_count()} cores, {platform.machine()}"
