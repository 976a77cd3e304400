"""A fleet in one process: what workers send is learned from once, and a learner goes on from what it finds."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from zeb42_agents import weights
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.exchange import Exchange, Inbox, MemoryStore, Packet, Spool
from zeb42_agents.exchange.packets import digest
from zeb42_agents.experience import SHARES, VALUES
from zeb42_agents.fleet import FleetConfig, FleetLearner, Worker
from zeb42_agents.fleet.ages import Ages
from zeb42_agents.fleet.live import Standing, live_table
from zeb42_agents.fleet.orders import Orders
from zeb42_agents.fleet.roster import Member, Roster
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training import parts
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.run_folder import read_checkpoint

TINY = replace(
    PRESETS["laptop"],
    cycles=3,
    teacher_cycles=2,
    lanes=16,
    steps_per_cycle=3,
    batch_size=16,
    min_buffer_examples=400,
    buffer_examples=100_000,
    evaluate_every=3,
    evaluate_deals=4,
    final_deals=4,
    belief_hands=4,
    sims=4,
    worlds=2,
    precision="float32",
    threads=1,
)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(MemoryStore(), name="tiny", poll_s=0.01)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Kernels take a minute to compile, in which a worker loses its patience and a learner its hands."""
    evaluator = NetworkEvaluator(ZebModel(TINY.network_config()), device="cpu", precision="float32")
    ring = parts.ring_of(TINY)
    for taught in (True, False):
        ring.append(parts.actor_of(TINY, evaluator, taught=taught, threads=1).play(np.arange(2)))
    ring.sample(8)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that never play more than they are asked to, however slow this machine is."""
    monkeypatch.setattr("zeb42_agents.fleet.worker.PATIENCE_S", math.inf)


@contextmanager
def workers(exchange: Exchange, folder: Path, num: int, **options: object) -> Iterator[list[Worker]]:
    """Workers in threads of this process, with small networks of their own."""
    stop = threading.Event()
    made = [
        Worker(
            exchange,
            Spool(folder / f"spool-{number}", exchange.hands_store),
            name=f"worker-{number}",
            block=8,
            price_per_hour=0.5,
            machine="a thread",
            alive=lambda: not stop.is_set(),
            **options,
        )
        for number in range(num)
    ]
    threads = [threading.Thread(target=worker.run) for worker in made]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for worker in made:
            worker._spool.close()


def learner_of(exchange: Exchange, folder: Path, **options: object) -> FleetLearner:
    return FleetLearner(TINY, folder / "run", exchange, **options)


def hands_sent(exchange: Exchange, run: str) -> set[tuple[int, int]]:
    packets = Inbox(exchange.hands_store, exchange.name, run=run).pull()
    return {(int(w), int(s)) for p in packets for w, s in zip(*identities(p.experience), strict=True)}


def identities(experience: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return experience["worker"], experience["sequence"]


@pytest.mark.usefixtures("patient")
def test_a_fleet_trains(exchange: Exchange, tmp_path: Path) -> None:
    learner = learner_of(exchange, tmp_path, fleet=FleetConfig(lead=2, workers=2, price_per_hour=0.25))
    with workers(exchange, tmp_path, 2) as made:
        learner.run()
    assert learner.cycle == 3
    hands = learner.ring.hands
    assert {int(w) for w in hands["worker"]} <= {worker.session for worker in made}
    assert len(set(zip(*identities(hands), strict=True))) == len(hands)
    assert set(hands["meanings"][:, 0]) <= {SHARES, VALUES}
    played = sum(worker.num_played for worker in made)
    assert 3 * 16 <= learner.total_games <= played <= (3 + 2) * 16 + 2 * 8
    row = learner.tracker.rows[-1]
    assert row["workers"] in (1, 2)
    assert 0 <= row["weights_age_updates"] <= row["weights_age_updates_max"] <= 6
    assert row["weights_age_s"] <= row["weights_age_s_max"] < 600
    published = exchange.fetch()
    assert published.weights.state["step"] == 9
    assert Orders.of(published.weights.state).finished
    report = (tmp_path / "run" / "REPORT.md").read_text()
    assert "| a thread |" in report
    assert "| **in all** |" in report
    assert "zeb42 fleet learner --exchange memory --name tiny" in report


def test_a_learner_goes_on_from_its_folder(exchange: Exchange, tmp_path: Path) -> None:
    first = learner_of(exchange, tmp_path)
    with workers(exchange, tmp_path, 1):
        first._publish()
        first.train_cycle()
        first.train_cycle()
    first._folder._lock.release()
    second = learner_of(exchange, tmp_path)
    assert (second.cycle, second.run_id, second.restored) == (2, first.run_id, "")
    assert second.learner.num_updates == 6
    assert digest(second.ring.hands) == digest(first.ring.hands)
    with workers(exchange, tmp_path, 1):
        second.run()
    second._pulled_s = -1e9
    second._pull()  # what was under way when the last cycle ended
    assert len(set(zip(*identities(second.ring.hands), strict=True))) == second.ring.num_hands
    assert second.ring.num_hands == len(hands_sent(exchange, second.run_id))  # of both workers, each once
    assert [row["cycle"] for row in second.tracker.rows] == [1, 2, 3]
    assert sum(member.hands for member in second.roster.members.values()) == second.total_games


def test_a_learner_without_its_folder_goes_on_from_the_exchange(exchange: Exchange, tmp_path: Path) -> None:
    first = learner_of(exchange, tmp_path)
    with workers(exchange, tmp_path, 1):
        first._publish()
        first.train_cycle()
        first.train_cycle()
    second = FleetLearner(TINY, tmp_path / "elsewhere", exchange)
    assert "cycle 2" in second.restored
    assert (second.cycle, second.run_id, second.learner.num_updates) == (2, first.run_id, 6)
    assert second.total_games == first.total_games
    assert set(zip(*identities(second.ring.hands), strict=True)) == hands_sent(exchange, first.run_id)
    ours, theirs = first.learner.averaged.state_dict(), second.learner.averaged.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert read_checkpoint(tmp_path / "elsewhere").progress["cycle"] == 2  # a kill from here on is no harm
    with workers(exchange, tmp_path, 1):
        second.run()
    assert second.learner.num_updates == 9


def test_the_buffer_is_refilled_with_the_newest(exchange: Exchange, tmp_path: Path) -> None:
    first = learner_of(exchange, tmp_path)
    with workers(exchange, tmp_path, 1):
        first._publish()
        first.train_cycle()
        first.train_cycle()
    small = replace(TINY, buffer_examples=448)  # sixteen hands
    published = exchange.fetch()
    state = published.weights.state
    state["fleet"]["config"] = small.to_json()
    exchange.publish(published.weights.model, state)
    second = FleetLearner(small, tmp_path / "elsewhere", exchange)
    newest = sorted(exchange.hands_store.names("tiny/"))[-2:]
    assert second.ring.num_hands == 16
    assert {f"{int(step):010d}" for step in second.ring.hands["weights_step"]} <= {name[5:15] for name in newest}
    assert second._inbox.counts["passed over"] == len(exchange.hands_store.names("tiny/")) - 2


def test_old_hands_are_not_taken_in(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("zeb42_agents.fleet.ages.time.monotonic", lambda: now[0])
    learner = learner_of(exchange, tmp_path, fleet=FleetConfig(max_age_s=600))
    learner._publish()
    now[0] += 5000  # the newest weights are never old, however long nobody trained
    put(exchange, learner, first=0, weights_step=0)
    assert learner._pull()
    learner.learner.num_updates = 10
    learner._ages.published(10)
    now[0] += 599
    put(exchange, learner, first=16, weights_step=0)
    assert learner._pull()
    now[0] += 2
    learner._pulled_s = -1e9
    put(exchange, learner, first=32, weights_step=0)
    put(exchange, learner, first=48, weights_step=10)
    assert learner._pull()
    assert learner._inbox.counts == {"taken": 3, "too old": 1}
    assert sorted(set(learner.ring.hands["sequence"] // 16)) == [0, 1, 3]


def put(exchange: Exchange, learner: FleetLearner, *, first: int, weights_step: int, cycle: int = 0) -> None:
    from packing import packet

    learner._pulled_s = -1e9
    sent = packet(16, first=first, weights_step=weights_step, run=learner.run_id)
    sent.experience["cycle"] = cycle
    exchange.hands_store.put(exchange.packed(sent))


def test_ages_stand_still_while_no_learner_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("zeb42_agents.fleet.ages.time.monotonic", lambda: now[0])
    ages = Ages()
    ages.published(0)
    now[0] += 10
    ages.published(5)
    now[0] += 7
    assert (ages.of(0), ages.of(4), ages.of(5), ages.of(9)) == (7, 7, 0, 0)
    kept = json.loads(json.dumps(ages.to_json()))
    now[0] = 3.0  # another machine, another clock
    again = Ages()
    again.restore(kept)
    assert (again.of(0), again.of(5)) == (7, 0)
    with pytest.raises(ValueError, match="ages of weights"):
        again.restore([["a", "b"]])


def test_hands_of_another_run_stay_where_they_are(exchange: Exchange, tmp_path: Path) -> None:
    from packing import packet

    exchange.hands_store.put(exchange.packed(packet(16, session=5, run="another")))
    learner = learner_of(exchange, tmp_path)
    with workers(exchange, tmp_path, 1):
        learner.run()
    assert learner._inbox.counts["foreign"] == 1
    assert 5 not in learner.ring.hands["worker"]
    assert "got some of run 'another'" in (tmp_path / "run" / "aside.csv").read_text()
    learner._inbox.pull()
    learner._inbox.prune(0)
    assert len(exchange.hands_store.names("tiny/")) == 1


def test_one_exchange_one_run(exchange: Exchange, tmp_path: Path) -> None:
    learner_of(exchange, tmp_path)._publish()
    FleetLearner(TINY, tmp_path / "other", Exchange(MemoryStore(), name="tiny"))._folder._lock.release()
    with pytest.raises(ValueError, match="those of another; allowed: another --name"):
        FleetLearner(TINY, tmp_path / "other", exchange)


def test_weights_that_no_learner_published_are_refused(exchange: Exchange, tmp_path: Path) -> None:
    exchange.publish(ZebModel(ZebConfig.named("small", tokenizer="v2")), {"step": 1})
    with pytest.raises(ValueError, match="expected weights that a learner of a fleet published"):
        learner_of(exchange, tmp_path)
    worker = Worker(exchange, Spool(tmp_path / "spool", exchange.hands_store), name="w")
    with pytest.raises(ValueError, match="expected weights that a learner of a fleet published"):
        worker.run()


class Away(MemoryStore):
    """A store that is out of reach while ``away``."""

    away = False

    def _check(self) -> None:
        if self.away:
            raise OSError("nobody answers")

    def put(self, files):
        self._check()
        super().put(files)

    def names(self, prefix=""):
        self._check()
        return super().names(prefix)

    def read(self, names):
        self._check()
        return super().read(names)


def test_an_outage_costs_nothing(tmp_path: Path) -> None:
    store = Away()
    exchange = Exchange(store, name="tiny", poll_s=0.01)
    console = Console(record=True, width=200)
    learner = FleetLearner(TINY, tmp_path / "run", exchange, console=console)
    learner._publish()
    with workers(exchange, tmp_path, 1, console=console) as (worker,):
        learner.train_cycle()
        store.away = True
        before = worker.num_played
        wait_for(lambda: worker.num_played > before)  # plays on with the weights at hand
        threading.Timer(1.0, lambda: setattr(store, "away", False)).start()
        learner._publish()
        learner.train_cycle()
        wait_for(lambda: len(worker._spool) == 0)
    assert console.export_text(clear=False).count("cannot be reached: nobody answers") >= 2
    assert "there again" in console.export_text()
    learner._pulled_s = -1e9
    learner._pull()
    assert learner.total_games == worker.num_played


def wait_for(true: Callable[[], object], seconds: float = 300.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_full_spool_stops_play_until_there_is_room(tmp_path: Path) -> None:
    store = Away()
    exchange = Exchange(store, name="tiny", poll_s=0.01)
    learner = learner_of(exchange, tmp_path)
    learner._publish()
    console = Console(record=True, width=200)
    with workers(exchange, tmp_path, 1, console=console) as (worker,):
        wait_for(lambda: worker.num_played)
        store.away = True
        wait_for(lambda: "cannot be reached" in console.export_text(clear=False))
        worker._spool._max_bytes = 10_000  # three blocks of eight hands
        wait_for(lambda: "no room for hands" in console.export_text(clear=False))
        played = worker.num_played
        time.sleep(0.3)
        assert worker.num_played == played
        store.away = False
        wait_for(lambda: worker.num_played > played)
        assert worker._spool.num_bytes <= 10_000
    learner._pull()
    assert learner.total_games == worker.num_played


@pytest.mark.usefixtures("patient")
def test_a_worker_that_is_ahead_waits(exchange: Exchange, tmp_path: Path) -> None:
    learner = learner_of(exchange, tmp_path, fleet=FleetConfig(lead=2, workers=2))
    learner._publish()
    with workers(exchange, tmp_path, 2) as made:
        wait_for(lambda: all(worker.num_played == 16 for worker in made))  # twice its share of sixteen
        time.sleep(0.3)
        assert [worker.num_played for worker in made] == [16, 16]
        learner.train_cycle()
        wait_for(lambda: all(worker.num_played == 24 for worker in made))


def test_a_worker_ends_with_the_run(exchange: Exchange, tmp_path: Path) -> None:
    learner = learner_of(exchange, tmp_path)
    learner.cycle = learner.config.cycles
    learner._publish()
    console = Console(record=True, width=200)
    Worker(exchange, Spool(tmp_path / "spool", exchange.hands_store), name="w", console=console).run()
    assert "the run is over; 0 hands played" in console.export_text()


def test_a_worker_plays_nothing_that_would_be_refused(exchange: Exchange, tmp_path: Path) -> None:
    learner = learner_of(exchange, tmp_path)
    learner._publish()
    orders = Orders.of(exchange.fetch().weights.state)
    worker = Worker(exchange, Spool(tmp_path / "spool", exchange.hands_store), name="w")
    worker._answered_s = time.monotonic() - orders.max_age_s - 1
    assert worker._allowance(orders) == 0
    worker._answered_s = time.monotonic()
    assert worker._allowance(orders) == 16


def test_the_published_bootstrap(exchange: Exchange, tmp_path: Path) -> None:
    """Weights without a belief head begin a run that has one; its workers play with it from the first hand."""
    from zeb42_agents.model import ZebConfig, ZebModel

    weights.save(tmp_path / "base", ZebModel(ZebConfig.named("small", tokenizer="v2")), {})
    config = replace(TINY, base=str(tmp_path / "base"), teacher_cycles=0)
    learner = FleetLearner(config, tmp_path / "run", exchange)
    assert {name.split(".")[0] for name in learner.cold} == {"belief_proj"}
    with workers(exchange, tmp_path, 1):
        learner.run()
    assert np.isfinite(learner.tracker.rows[-1]["belief_loss"])


def test_capacity_changes_and_ages_of_cycles_hold_for_a_fleet(exchange: Exchange, tmp_path: Path) -> None:
    config = replace(TINY, buffer_examples_later=448, buffer_later_cycle=3, max_age_cycles=1, min_buffer_examples=28)
    learner = FleetLearner(config, tmp_path / "run", exchange)
    with workers(exchange, tmp_path, 1):
        learner.run()
    assert learner.ring.capacity_hands == 16
    assert learner.ring.num_hands == 16
    assert min(learner.ring.hands["cycle"]) >= 2


def test_hands_of_cycles_gone_by_are_not_learned_from(exchange: Exchange, tmp_path: Path) -> None:
    """Not even if they were on their way for so long: a slow network does not make them younger."""
    config = replace(TINY, max_age_cycles=1, min_buffer_examples=28)
    learner = FleetLearner(config, tmp_path / "run", exchange)
    learner.cycle = 2
    for first, cycle in ((0, 1), (16, 2), (32, 3)):
        put(exchange, learner, first=first, weights_step=0, cycle=cycle)
    assert learner._pull()
    assert sorted(set(learner.ring.hands["cycle"])) == [2, 3]
    assert learner._inbox.counts == {"taken": 2, "too old": 1}


# -- what is shown -----------------------------------------------------------------------------------------------------


def some_packet(session: int, **options: object) -> Packet:
    from packing import packet

    return packet(4, session=session, **options)


def test_the_roster_adds_up() -> None:
    roster = Roster()
    roster.note(some_packet(1, worker="a", time_s=2.0, price_per_hour=3600.0))
    roster.note(some_packet(1, worker="a", time_s=4.0, price_per_hour=3600.0, first=4))
    roster.note(some_packet(2, worker="a|<b>", time_s=1.0, price_per_hour=0.0))
    (a, b) = roster.by_worker()
    assert (a.hands, a.time_s, a.money) == (8, 4.0, 4.0)
    assert b.hands == 4
    assert roster.members[1].hands_per_s == 2.0
    again = Roster()
    again.restore(json.loads(json.dumps(roster.to_json())))
    assert again.by_worker() == roster.by_worker()
    report = "\n".join(roster.report(Member(worker="learner", time_s=3600.0, price_per_hour=0.5)))
    assert "| ab |" in report
    assert "| **in all** | | 12 | 1.00 | | | 4.50 |" in report
    with pytest.raises(ValueError, match="workers of a run"):
        again.restore({"1": {"worker": 3}})


def test_the_live_table_shows_workers_and_losses() -> None:
    roster = Roster()
    roster.note(some_packet(1, worker="a", time_s=2.0))
    row = {"weights_age_s": 3.0, "weights_age_updates": 70.0, "policy_loss": 0.5}
    standing = Standing(4, 9, 123_456, "", row, {"taken": 4, "damaged": 2})
    console = Console(record=True, width=100)
    console.print(live_table(standing, roster))
    shown = console.export_text()
    for words in ("cycle 4/9", "buffer 123,456", "weights 3 s, 70 updates old", "pol 0.500", "2.0", "2 damaged"):
        assert words in shown
