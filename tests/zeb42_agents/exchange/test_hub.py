"""The Hub as an exchange and as a source of weights: the unmodified client against a stand-in on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("huggingface_hub", reason="pip install 'zeb42[hub]'")
pytest.importorskip("starlette", reason="the stand-in")

import huggingface_hub.constants as hub_constants
from hub_standin import FakeHub, Fault
from packing import RUN, experience, packet

from zeb42_agents import hub, make_agent, weights
from zeb42_agents.exchange import Exchange, Inbox, Packet, Spool, open_exchange
from zeb42_agents.exchange.packets import ForeignError, digest, unpack
from zeb42_agents.exchange.parquet import pack as pack_parquet
from zeb42_agents.model import ZebConfig, ZebModel

SPEC = "hf://tester/run"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # the client's own, uploading over LFS


@pytest.fixture(scope="module")
def server() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture(params=["lfs", "xet"])
def fake(request: pytest.FixtureRequest, server: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """An empty Hub that this process talks to, over LFS or over Xet."""
    if request.param == "xet":
        pytest.importorskip("hf_xet")
    monkeypatch.setattr(hub_constants, "HF_HUB_DISABLE_XET", request.param == "lfs")
    return _empty(server, tmp_path, monkeypatch)


@pytest.fixture
def plain(server: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """The same over LFS alone, for what does not depend on it."""
    monkeypatch.setattr(hub_constants, "HF_HUB_DISABLE_XET", True)
    return _empty(server, tmp_path, monkeypatch)


def _empty(server: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    server.repos.clear()
    server.faults.clear()
    server.log.clear()
    server.commits_per_hour = None
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub_constants, "HF_XET_CACHE", str(tmp_path / "xet"), raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(hub, "FIRST_WAIT_S", 0.01)
    hub.download_weights.cache_clear()
    return server


def model(seed: int = 0, **options: object) -> ZebModel:
    torch.manual_seed(seed)
    return ZebModel(ZebConfig.named("small", **({"tokenizer": "v2", "belief_head": True} | options)))


def same(a: ZebModel, b: ZebModel) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def whole(packets: list[Packet]) -> str:
    return digest(np.concatenate([each.experience for each in packets]))


def commits(fake: FakeHub) -> int:
    return sum("/commit/" in line for line in fake.log)


# -- an exchange -------------------------------------------------------------------------------------------------------


def test_weights_are_one_commit_and_read_pinned(fake: FakeHub) -> None:
    exchange = open_exchange(SPEC, "small")
    assert exchange.fetch() is None
    exchange.publish(model(1), {"step": 1})
    assert commits(fake) == 1
    got = open_exchange(SPEC, "small").fetch()
    assert same(got.weights.model, model(1))
    reader = open_exchange(SPEC, "small")
    first = reader.fetch()
    fake.log.clear()
    assert reader.fetch(first.digest) is None
    assert len(fake.log) == 1  # nothing new is one request
    exchange.publish(model(2), {"step": 2})
    assert reader.fetch(first.digest).weights.state["step"] == 2


def test_hands_travel_as_parquet_in_one_commit(fake: FakeHub, tmp_path: Path) -> None:
    exchange = open_exchange(SPEC, "small")
    spool = Spool(tmp_path / "spool", exchange.hands_store, combined=exchange.combined)
    sent = [packet(first=first, weights_step=first // 8) for first in range(0, 32, 4)]
    for each in sent:
        spool.put(exchange.packed(each))
    assert spool.flush() == 8
    assert commits(fake) == 1
    names = list(open_exchange(SPEC, "small").hands_store.names("small/"))
    assert len(names) == 4  # eight packets of four states of the weights
    assert all(name.endswith(".parquet") for name in names)
    got = Inbox(open_exchange(SPEC, "small").hands_store, "small", run=RUN).pull()
    assert whole(got) == whole(sent)
    assert exchange.fetch() is None  # hands lie in a repository of their own
    assert {(repo.kind, repo.name) for repo in fake.repos.values()} == {("dataset", "tester/run-examples")}
    assert all(repo.private for repo in fake.repos.values())


@pytest.mark.parametrize("status", [409, 412, 429, 503])
@pytest.mark.parametrize("lost", [False, True])
def test_a_commit_that_fails_is_tried_again(plain: FakeHub, status: int, lost: bool) -> None:
    store = hub.HubStore("tester/f", "dataset", first_wait_s=0.01)
    plain.faults = [Fault("POST .*/commit/", status, 2, after=lost)]
    store.put({"n/a": b"x" * 20_000})
    assert store.read(["n/a"]) == {"n/a": b"x" * 20_000}
    plain.faults = [Fault("POST .*/commit/", status, 2, after=lost)]
    store.delete(["n/a"])
    assert store.names() == hub.HubStore("tester/f", "dataset").names()
    assert "n/a" not in store.names()


def test_what_passes_is_an_oserror_and_what_does_not_is_one_clear_line(
    plain: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = hub.HubStore("tester/f", "dataset", first_wait_s=0.01)
    store.put({"a": b"1"})
    plain.faults = [Fault("POST .*/commit/", 503, 99)]
    with pytest.raises(OSError, match="the Hub answers 503"):
        store.put({"a": b"2"})
    plain.faults = [Fault("POST .*/commit/", 429, 99, headers={"Retry-After": "2580"})]
    plain.log.clear()
    with pytest.raises(OSError, match="the Hub answers 429"):
        store.put({"a": b"2"})
    assert commits(plain) == 1  # in 43 minutes, not before: hands wait in the spool
    plain.faults = [Fault("POST .*/commit/", 403, 1)]
    with pytest.raises(ValueError, match=r"tester/f that this token may use, got 403.*hf auth login"):
        store.put({"a": b"2"})
    plain.faults.clear()
    monkeypatch.setenv("HF_TOKEN", "wrong")
    with pytest.raises(ValueError, match=r"got 401.*set HF_TOKEN"):
        hub.HubStore("tester/f", "dataset").names()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="the line to the Hub"):
        hub.HubStore("tester/f", "dataset").names()


def test_a_stalled_line_is_given_up(plain: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import _http

    store = hub.HubStore("tester/f", "dataset", tries=2, first_wait_s=0.01)
    store.put({"a": b"1"})  # with the usual patience
    monkeypatch.setattr(hub, "TIMEOUT_S", 0.3)
    _http.close_session()
    plain.faults = [Fault("POST .*/commit/", 503, 2, delay=1.5)]
    try:
        with pytest.raises(OSError, match="the line to the Hub"):
            store.put({"a": b"2"})
    finally:
        _http.close_session()  # the next one has the usual patience again


def test_a_quota_costs_nothing(plain: FakeHub, tmp_path: Path) -> None:
    exchange = open_exchange(SPEC, "small")
    exchange.hands_store._first_wait_s = 0.01
    spool = Spool(tmp_path / "spool", exchange.hands_store, combined=exchange.combined)
    spool.put(exchange.packed(packet()))
    plain.commits_per_hour = 0
    with pytest.raises(OSError, match="rate limit for repository commits"):
        spool.flush()
    spool.put(exchange.packed(packet(first=4)))  # what is sent next holds both
    plain.commits_per_hour = None
    spool.flush()
    got = Inbox(exchange.hands_store, "small", run=RUN).pull()
    assert [(each.first, each.end) for each in got] == [(0, 8)]


def test_a_lost_answer_and_more_hands_come_in_once(plain: FakeHub, tmp_path: Path) -> None:
    """The first commit went through, unknown to the worker: the next file overlaps with what is there."""
    exchange = open_exchange(SPEC, "small")
    exchange.hands_store._tries = 1
    spool = Spool(tmp_path / "spool", exchange.hands_store, combined=exchange.combined)
    spool.put(exchange.packed(packet()))
    plain.faults = [Fault("POST .*/commit/", 503, 1, after=True)]
    with pytest.raises(OSError, match="503"):
        spool.flush()
    inbox = Inbox(exchange.hands_store, "small", run=RUN)
    assert [each.end for each in inbox.pull()] == [4]
    spool.put(exchange.packed(packet(first=4)))
    spool.flush()
    assert [(each.first, each.end) for each in inbox.pull()] == [(4, 8)]


def test_pruning_and_squashing(plain: FakeHub) -> None:
    exchange = open_exchange(SPEC, "small")
    inbox = Inbox(exchange.hands_store, "small", run=RUN)
    for first in range(0, 24, 4):
        exchange.hands_store.put(exchange.combined(exchange.packed(packet(first=first, weights_step=first))))
    inbox.pull()
    before = commits(plain)
    assert inbox.prune(keep=2) == 4
    assert commits(plain) == before + 1
    assert len(exchange.hands_store.names("small/")) == 2
    exchange.publish(model(), {"step": 1})
    exchange.squash()
    assert [len(_history(repo)) for repo in plain.repos.values()] == [1, 1]
    assert len(Inbox(exchange.hands_store, "small", run=RUN).pull()) == 2
    with pytest.raises(ValueError, match="with a history"):
        open_exchange("folder", "small").squash()


def _history(repo: object) -> list[str]:
    found, commit = [], repo.at("main")
    while commit:
        found.append(commit.oid)
        commit = repo.commits.get(commit.parent)
    return found


WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
import huggingface_hub.constants as c
c.HF_HUB_DISABLE_XET = True
from packing import packet
from zeb42_agents.exchange import open_exchange
exchange = open_exchange("hf://tester/run", "small")
for first in range(0, 12, 4):
    exchange.hands_store.put(exchange.combined(exchange.packed(packet(session=int(sys.argv[2]), first=first))))
"""


def test_processes_share_a_repository(plain: FakeHub, tmp_path: Path) -> None:
    env = {**os.environ, "HF_ENDPOINT": plain.url, "HF_HOME": str(tmp_path / "home")}
    given = [sys.executable, "-c", WORKER, str(Path(__file__).parent)]
    processes = [subprocess.Popen([*given, str(number)], env=env) for number in (1, 2)]
    assert [process.wait(240) for process in processes] == [0, 0]
    inbox = Inbox(open_exchange(SPEC, "small").hands_store, "small", run=RUN)
    assert sorted((each.session, each.first) for each in inbox.pull()) == [(s, f) for s in (1, 2) for f in (0, 4, 8)]


def test_the_cards_say_what_was_measured(plain: FakeHub) -> None:
    from huggingface_hub import DatasetCard, ModelCard

    from zeb42_agents.exchange.cards import Measured

    exchange = open_exchange(SPEC, "small")
    exchange.publish(model(), {"step": 3})
    exchange.hands_store.put(exchange.combined(exchange.packed(packet(50))))
    state = {"step": 3, "total_games": 1234, "cycle": 2}
    found = [Measured("random", 0.75, 0.72, 0.78, 1000, "majority"), Measured("greedy", 1.0, 0.9, 1.0, 4, "majority")]
    exchange.describe(state, {"size": "small"}, found)
    card = ModelCard(exchange.weights_store.read(["README.md"])["README.md"].decode())
    rate, elo, *rest = card.data.eval_results
    assert (rate.metric_type, rate.metric_value, rate.metric_config) == ("win_rate", 0.75, "0.7200..0.7800")
    assert (elo.metric_type, elo.metric_value, elo.metric_config) == ("elo", 190.8, "164.1..219.9")
    assert [each.metric_type for each in rest] == ["win_rate"]  # an Elo without an end is none
    assert "| random | majority | 1,000 | 75.0% (72.0 to 78.0) | +191 (+164 to +220) |" in card.text
    assert "| 100.0% (90.0 to 100.0) | +inf (+382 to +inf) |" in card.text
    data = DatasetCard(exchange.hands_store.read(["README.md"])["README.md"].decode())
    assert data.data.to_dict()["configs"][0]["data_files"] == "small/*.parquet"
    assert "1,234 hands" in data.text
    assert "| hand.plays | int8 | 28 |" in data.text
    inbox = Inbox(exchange.hands_store, "small", run=RUN)
    assert len(inbox.pull()) == 1  # a card is no file of hands
    assert inbox.counts == {"taken": 1}


# -- Parquet -----------------------------------------------------------------------------------------------------------


def test_parquet_is_small_and_whole() -> None:
    hands = experience(1000)
    sent = Packet(experience=hands, run=RUN, worker="w", session=1, first=0, end=1000, weights_step=0)
    content = pack_parquet(sent)
    got = unpack(content, run=RUN)
    assert all((got.experience[name] == hands[name]).all() for name in hands.dtype.names)
    assert got.about() == sent.about()
    assert len(content) / (1000 * 28) <= 20  # with numbers of noise; see docs/fleet.md for real ones


def test_damaged_parquet_is_refused() -> None:
    content = pack_parquet(packet(8))
    rng = np.random.default_rng(0)
    for place in rng.integers(4, len(content), 60):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(0, 8))
        try:
            got = unpack(bytes(damaged), run=RUN)
        except ValueError:
            continue
        assert (got.experience["hand"] == packet(8).experience["hand"]).all()
    for length in (5, 100, len(content) - 1):
        with pytest.raises(ValueError, match="damaged or foreign"):
            unpack(content[:length])
    with pytest.raises(ForeignError, match="of run 'a-run'"):
        unpack(content, run="b")


def test_anybody_can_read_the_hands() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(pack_parquet(packet(3))))
    assert table.column("sequence").to_pylist() == [0, 1, 2]
    assert len(table.column("hand.plays")[0]) == 28
    about = json.loads(table.schema.metadata[b"zeb42"])
    assert (about["schema"], about["run"], about["worker"]) == (1, RUN, "w")


# -- weights by name ---------------------------------------------------------------------------------------------------


def put(repo: str, files: dict[str, bytes]) -> str:
    store = hub.HubStore(repo)
    store.put(files)
    return store.head()


def pt_bytes(content: object, tmp_path: Path) -> bytes:
    torch.save(content, tmp_path / "x.pt")
    return (tmp_path / "x.pt").read_bytes()


def test_what_a_fleet_publishes_plays_by_name(fake: FakeHub) -> None:
    exchange = open_exchange(SPEC, "small")
    exchange.publish(model(1), {"step": 1})
    pinned = exchange.weights_store.head()
    exchange.publish(model(2), {"step": 2})
    assert weights.load(f"{SPEC}/small").state["step"] == 2
    assert weights.load(SPEC).state["step"] == 2  # the only ones there
    assert same(weights.load(f"{SPEC}/small@{pinned}").model, model(1))
    fake.log.clear()
    hub.download_weights.cache_clear()
    weights.load(f"{SPEC}/small@{pinned}")
    assert fake.log == []  # a pinned commit is read from the cache
    agent = make_agent(f"zeb:{SPEC}/small@{pinned}")
    assert agent.fingerprint
    assert agent.fingerprint != make_agent(f"zeb:{SPEC}/small").fingerprint


def test_the_published_layout_is_read(plain: FakeHub, tmp_path: Path) -> None:
    """``jasonyandell/zeb-42``: bare state_dicts with a configuration and a state beside them."""
    ours = model(3, tokenizer="v1")
    config = {"embed_dim": 64, "n_heads": 2, "n_layers": 2, "ff_dim": 128, "tokenizer": "v1", "belief_head": True}
    state = {"step": 7, "total_games": 100}
    bare = pt_bytes(ours.state_dict(), tmp_path)
    put(
        "tester/old",
        {
            "large-belief.pt": bare,
            "large-belief-config.json": json.dumps(config).encode(),
            "large-belief-state.json": json.dumps(state).encode(),
            "model.pt": pt_bytes({"model_state_dict": ours.state_dict(), "model_config": config}, tmp_path),
            "config.json": json.dumps(config).encode(),
            "training_state.json": json.dumps(state | {"step": 9}).encode(),
        },
    )
    loaded = weights.load("hf://tester/old/large-belief")
    assert same(loaded.model, ours)
    assert loaded.state == state
    assert weights.load("hf://tester/old/model").state["step"] == 9
    with pytest.raises(ValueError, match=r"expected the name of weights.*allowed: large-belief, model"):
        weights.load("hf://tester/old")
    with pytest.raises(ValueError, match=r"expected weights nowhere .*allowed: large-belief, model"):
        weights.load("hf://tester/old/nowhere")


def test_nothing_from_the_hub_is_unpickled(plain: FakeHub, tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/harmed",)

    put("tester/bad", {"bad.pt": pt_bytes({"a": Harm()}, tmp_path), "bad-config.json": b"{}"})
    with pytest.raises(ValueError, match="damaged or foreign"):
        weights.load("hf://tester/bad/bad")
    assert not (tmp_path / "harmed").exists()


def test_a_digest_that_does_not_fit_is_named(plain: FakeHub) -> None:
    exchange = open_exchange(SPEC, "small")
    exchange.publish(model(1), {"step": 1})
    state = exchange.weights_store.read(["small-state.json"])
    exchange.publish(model(2), {"step": 2})
    exchange.weights_store.put(state)
    with pytest.raises(ValueError, match=r"small.safetensors to be what small-state.json has the digest of"):
        weights.load(f"{SPEC}/small")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("hf://tester", "expected hf://USER/REPO"),
        ("hf://tester/none/x", "that this token may use, got 404"),
        ("hf://a/b/c/d", "expected hf://USER/REPO"),
    ],
)
def test_names_of_nothing(plain: FakeHub, spec: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        weights.load(spec)


def test_no_answer_is_one_line(plain: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="got no answer from the Hub"):
        weights.load("hf://tester/run/small")


def test_an_exchange_on_the_hub_has_no_revision() -> None:
    with pytest.raises(ValueError, match="the name of weights is --name"):
        open_exchange("hf://a/b/c", "small")


@pytest.mark.nightly
def test_the_real_hub() -> None:
    """Against the real one, with HF_TOKEN and ZEB42_HUB_TEST_REPO=USER/REPO: whatever the stand-in only guesses."""
    repo = os.environ.get("ZEB42_HUB_TEST_REPO")
    if not repo or not os.environ.get("HF_TOKEN"):
        pytest.skip("needs HF_TOKEN and ZEB42_HUB_TEST_REPO")
    exchange: Exchange = open_exchange(f"hf://{repo}", "smoke")
    exchange.publish(model(1), {"step": 1})
    assert same(exchange.fetch().weights.model, model(1))
    exchange.hands_store.put(exchange.combined(exchange.packed(packet(session=int.from_bytes(os.urandom(7))))))
    assert Inbox(exchange.hands_store, "smoke", run=RUN).pull()
    assert weights.load(f"hf://{repo}/smoke").state["step"] == 1
