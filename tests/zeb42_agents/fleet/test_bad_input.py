"""What a fleet may be handed by mistake: one clear line that says what to do, or set aside and counted.

The Hub's answers are in tests/zeb42_agents/exchange/test_hub.py, options of the commands in test_fleet_cli.py.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from pathlib import Path

import pytest
from packing import packet
from rich.console import Console
from test_fleet import TINY, learner_of

from zeb42_agents.exchange import DirectoryStore, Exchange, MemoryStore, Spool, open_exchange
from zeb42_agents.exchange.packets import VERSIONS
from zeb42_agents.fleet import FleetLearner, Worker, cli
from zeb42_agents.fleet.orders import Orders


def said_by(console: Console) -> str:
    return console.export_text(clear=False)


def waiting_worker(exchange: Exchange, folder: Path, until: str) -> str:
    """What a worker says that has nothing to play with, up to the words ``until``."""
    console, stop = Console(record=True, width=400, file=io.StringIO()), threading.Event()
    spool = Spool(folder / "spool", exchange.hands_store)
    worker = Worker(exchange, spool, name="w", console=console, alive=lambda: not stop.is_set())
    thread = threading.Thread(target=worker.run)
    thread.start()
    give_up = time.monotonic() + 60
    while until not in said_by(console) and time.monotonic() < give_up:
        time.sleep(0.05)
    stop.set()
    thread.join()
    spool.close()
    return said_by(console)


def test_a_worker_says_once_that_there_is_nothing_and_where_to_look(tmp_path: Path) -> None:
    class Slow(MemoryStore):
        """Its first answer takes longer than a second, as the Hub's may."""

        def read(self, names):
            time.sleep(0.0 if self.asked else 1.1)
            self.asked = True
            return super().read(names)

        asked = False

    said = waiting_worker(Exchange(Slow(), name="tiny", spec="DIR", poll_s=0.01), tmp_path, "--name")
    assert said.count("no weights tiny in DIR yet, waiting for a learner to publish them") == 1
    assert "look at --exchange and --name" in said
    assert "token" not in said


def test_weights_of_different_moments(tmp_path: Path) -> None:
    """As a publisher leaves them that was killed between the files: the learner of the run publishes them again."""
    exchange = Exchange(MemoryStore(), name="tiny", spec="DIR", poll_s=0.01)
    learner = learner_of(exchange, tmp_path)
    learner.save()
    learner._folder._lock.release()
    config = exchange.weights_store.read(["tiny-config.json"])["tiny-config.json"]
    exchange.weights_store.put({"tiny-config.json": config + b"\n"})

    said = waiting_worker(exchange, tmp_path, "not whole")
    assert re.search(r"^the weights tiny in DIR are not whole: .* damaged; waiting for weights$", said, re.MULTILINE)
    with pytest.raises(ValueError, match=r"not whole.*allowed: the learner of that run with the --out that it had"):
        FleetLearner(TINY, tmp_path / "another", exchange)

    console = Console(record=True, width=400, file=io.StringIO())
    again = learner_of(exchange, tmp_path, console=console)
    assert again.run_id == learner.run_id
    assert f"not whole: their files are of different moments or damaged; {tmp_path / 'run'} publishes" in said_by(
        console
    )
    again._publish()
    assert Orders.of(exchange.fetch().weights.state).run == learner.run_id
    again._folder._lock.release()

    other = Exchange(MemoryStore(), name="tiny", spec="DIR", poll_s=0.01)
    learner_of(other, tmp_path / "other")._publish()
    other.weights_store.put({"tiny-config.json": config + b"\n"})
    with pytest.raises(ValueError, match="got those of another; allowed: another --name"):  # and nothing is put over it
        learner_of(other, tmp_path)


def test_a_command_of_a_learner_names_them_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "exchange"
    learner_of(open_exchange(str(folder), "tiny"), tmp_path)._publish()
    (folder / "tiny.safetensors").write_bytes(b"")
    words = ["learner", "--exchange", str(folder), "--name", "tiny", "--out", str(tmp_path / "new")]
    assert cli.main(words) == 2
    assert "not whole" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"versions": VERSIONS | {"layout": "0", "package": "9.9.9"}}, "got those of 9.9.9 (layout '0')"),
        ({"versions": VERSIONS | {"rules": "zeb42/9", "package": "9.9.9"}}, "got those of 9.9.9 (rules 'zeb42/9')"),
        ({"versions": "new"}, "got those of another (schema None"),
    ],
)
def test_a_worker_with_another_package_than_its_learner(change: dict, named: str, tmp_path: Path) -> None:
    exchange = Exchange(MemoryStore(), name="tiny", poll_s=0.01)
    orders = json.loads(json.dumps(learner_of(exchange, tmp_path)._orders().to_json()))
    assert Orders.of({"fleet": orders}).config == TINY
    with pytest.raises(ValueError, match="allowed: the learner's version of zeb42 on this machine") as error:
        Orders.of({"fleet": orders | change})
    assert named in str(error.value)
    with pytest.raises(ValueError, match=r"got those of .* \(expected a training configuration, got also new_knob\)"):
        Orders.of({"fleet": orders | {"config": orders["config"] | {"new_knob": 1}}})


def test_two_workers_of_one_name_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine the second gets a spool of its own; one that was asked for and is in use is refused."""
    monkeypatch.chdir(tmp_path)
    exchange = Exchange(DirectoryStore(tmp_path / "x"), name="tiny", spec="x")
    command = cli.WorkerCommand(exchange="x", name="tiny", worker="twin")
    claimed = [cli._claim_spool(command, exchange) for _ in range(2)]
    assert [name for name, _ in claimed] == ["twin", "twin-1"]
    one_spool = cli.WorkerCommand(exchange="x", name="tiny", worker="twin", spool=claimed[0][1].folder)
    with pytest.raises(ValueError, match="one is at work"):
        cli._claim_spool(one_spool, exchange)
    for _, spool in claimed:
        spool.close()
    learner = learner_of(exchange, tmp_path)
    for session in (1, 2):
        exchange.hands_store.put(exchange.packed(packet(4, session=session, run=learner.run_id, worker="twin")))
    learner._inbox.pull()
    assert learner._inbox.counts == {"taken": 2}
