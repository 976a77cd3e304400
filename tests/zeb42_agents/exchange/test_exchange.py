"""The exchange: packets and weights that come out as they went in, each hand once, whatever lies beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from packing import RUN, experience, packet

from zeb42_agents.exchange import DirectoryStore, Exchange, Inbox, MemoryStore, Spool, SpoolFullError, open_exchange
from zeb42_agents.exchange.inbox import Ledger
from zeb42_agents.exchange.packets import VERSIONS, ForeignError, digest, pack, parse_name, unpack
from zeb42_agents.model import ZebConfig, ZebModel


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(MemoryStore(), name="small")


def inbox_of(exchange: Exchange) -> Inbox:
    return Inbox(exchange.hands_store, exchange.name, run=RUN)


def model(seed: int = 0) -> ZebModel:
    torch.manual_seed(seed)
    return ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True))


# -- packets -----------------------------------------------------------------------------------------------------------


def test_a_packet_comes_out_as_it_went_in() -> None:
    sent = packet(5, session=2**62 + 3, first=7, weights_step=11)
    got = unpack(pack(sent), run=RUN)
    assert digest(got.experience) == digest(sent.experience)
    assert got.about() == sent.about()
    name = parse_name(sent.name + ".safetensors")
    assert name == (11, 2**62 + 3, 7, 12)


def test_any_changed_byte_is_noticed() -> None:
    content = pack(packet(2))
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 200):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(0, 8))
        try:
            got = unpack(bytes(damaged), run=RUN)
        except ValueError:
            continue
        assert digest(got.experience) == digest(packet(2).experience)  # an about of no weight, such as the machine
    for length in (0, 7, 100, len(content) - 1):
        with pytest.raises(ValueError, match="damaged or foreign"):
            unpack(content[:length])


def test_packets_of_others_are_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ForeignError, match="run b, got some of run 'a-run'"):
        unpack(pack(packet()), run="b")
    with monkeypatch.context() as patch:
        patch.setitem(VERSIONS, "rules", "zeb42/0")
        older = pack(packet())
    with pytest.raises(ForeignError, match=r"rules 'zeb42/0' by zeb42 .*allowed: workers of the learner's version"):
        unpack(older)


@pytest.mark.parametrize("change", ["worker", "sequence", "weights_step", "order", "hand"])
def test_hands_that_belie_their_header_are_refused(change: str) -> None:
    hands = experience(3)
    if change == "order":
        hands = hands[::-1].copy()
    elif change == "hand":
        hands["hand"]["points"][1] = 3
    else:
        hands[change][1] = 77
    with pytest.raises(ValueError, match="expected"):
        unpack(pack(replace(packet(3), experience=hands)))


# -- inbox -------------------------------------------------------------------------------------------------------------


def test_every_hand_comes_in_once(exchange: Exchange) -> None:
    inbox = inbox_of(exchange)
    first, second = packet(session=1), packet(session=2)
    exchange.hands_store.put(exchange.packed(first) | exchange.packed(second))
    assert [p.session for p in inbox.pull()] == [1, 2]
    assert inbox.pull() == []
    exchange.hands_store.put(exchange.packed(first))  # a resend
    assert inbox.pull() == []
    exchange.hands_store.put(exchange.packed(packet(session=1, first=2)))  # overlaps: two of its hands are known
    assert [(p.first, p.experience["sequence"].tolist()) for p in inbox.pull()] == [(4, [4, 5])]
    exchange.hands_store.put(exchange.packed(packet(session=1, first=4)))
    assert [(p.first, p.end) for p in inbox.pull()] == [(6, 8)]
    assert inbox.counts == {"taken": 4, "resent": 1}


def test_pruned_packets_that_are_sent_again_are_known(exchange: Exchange) -> None:
    inbox = inbox_of(exchange)
    for first in range(0, 40, 4):
        exchange.hands_store.put(exchange.packed(packet(first=first, weights_step=first)))
    assert len(inbox.pull()) == 10
    assert inbox.prune(keep=3) == 7
    assert [parse_name(n.partition("/")[2]).first for n in exchange.hands_store.names()] == [28, 32, 36]
    exchange.hands_store.put(exchange.packed(packet(first=0)))
    assert inbox.pull() == []
    assert inbox.prune(keep=3) == 1


def test_damaged_and_foreign_files_are_set_aside_until_they_change(exchange: Exchange) -> None:
    inbox = inbox_of(exchange)
    good = exchange.packed(packet())
    (name,) = good
    files = {
        "small/README.txt": b"hello",
        name: good[name][:-5],  # a torn upload
        "small/" + packet(session=9).name + ".safetensors": pack(packet(session=8)),
        "small/" + packet(session=3).name + ".safetensors": pack(packet(session=3, run="another")),
        "other/" + packet(session=4).name + ".safetensors": pack(packet(session=4)),
    }
    exchange.hands_store.put(files)
    assert inbox.pull() == []
    assert inbox.counts == {"foreign": 2, "damaged": 2}
    assert len(inbox.aside) == 4
    assert inbox.pull() == []
    assert inbox.prune(0) == 0
    assert len(exchange.hands_store.names()) == 5
    exchange.hands_store.put(good)
    assert len(inbox.pull()) == 1


def test_an_inbox_takes_the_newest(exchange: Exchange) -> None:
    for step in range(5):
        exchange.hands_store.put(exchange.packed(packet(first=4 * step, weights_step=step)))
    inbox = inbox_of(exchange)
    assert [p.weights_step for p in inbox.pull(max_hands=7)] == [3, 4]
    assert inbox.counts == {"taken": 2, "passed over": 3}
    assert inbox.pull() == []


def test_what_is_refused_by_name_is_never_read(exchange: Exchange) -> None:
    for step in range(4):
        exchange.hands_store.put(exchange.packed(packet(first=4 * step, weights_step=step)))
    inbox = inbox_of(exchange)
    got = inbox.pull(lambda name: "too old" if name.weights_step < 2 else None)
    assert [p.weights_step for p in got] == [2, 3]
    assert inbox.counts == {"taken": 2, "too old": 2}


def test_hands_of_cycles_gone_by_are_left_out(exchange: Exchange) -> None:
    sent = [packet(first=4 * number) for number in range(3)]
    for made, cycles in zip(sent, ([1, 1, 1, 1], [1, 2, 2, 3], [2, 2, 2, 2]), strict=True):
        made.experience["cycle"] = cycles
        exchange.hands_store.put(exchange.packed(made))
    inbox = inbox_of(exchange)
    assert [p.experience["sequence"].tolist() for p in inbox.pull(first_cycle=2)] == [[5, 6, 7], [8, 9, 10, 11]]
    assert inbox.counts == {"taken": 2, "too old": 1}
    assert inbox.pull(first_cycle=2) == []


def test_an_inbox_goes_on_from_its_state(exchange: Exchange) -> None:
    inbox = inbox_of(exchange)
    exchange.hands_store.put(exchange.packed(packet()) | {"small/x": b""})
    inbox.pull()
    state = json.loads(json.dumps(inbox.get_state()))
    again = inbox_of(exchange)
    again.set_state(state)
    exchange.hands_store.put(exchange.packed(packet(first=4)))
    assert [p.first for p in again.pull()] == [4]
    assert again.counts == {"taken": 2, "foreign": 1}
    for broken in ({}, {**state, "ledger": {"zz": [[0, 1]]}}, {**state, "done": [1]}, {**state, "counts": {"a": "b"}}):
        with pytest.raises(ValueError, match="expected"):
            again.set_state(broken)


def test_an_outage_in_the_middle_loses_nothing(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.exchange.inbox.FILES_PER_READ", 1)
    for first in range(0, 12, 4):
        exchange.hands_store.put(exchange.packed(packet(first=first)))
    inbox, read, calls = inbox_of(exchange), exchange.hands_store.read, []

    def flaky(names: list[str]) -> dict[str, bytes]:
        calls.append(names)
        if len(calls) == 2:
            raise OSError("gone")
        return read(names)

    monkeypatch.setattr(exchange.hands_store, "read", flaky)
    assert [p.first for p in inbox.pull()] == [0]
    assert [p.first for p in inbox.pull()] == [4, 8]


def test_the_ledger_is_a_set_of_numbers() -> None:
    rng, ledger, known = np.random.default_rng(0), Ledger(), set()
    for _ in range(500):
        first = int(rng.integers(0, 200))
        numbers = set(range(first, first + int(rng.integers(1, 6))))
        parts = ledger.add(5, min(numbers), max(numbers) + 1)
        assert [n for first, end in parts for n in range(first, end)] == sorted(numbers - known)
        known |= numbers
    (intervals,) = ledger.to_json().values()
    assert known == {n for first, end in intervals for n in range(first, end)}
    assert all(a[1] < b[0] for a, b in pairwise(intervals))
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))).to_json() == ledger.to_json()


# -- weights -----------------------------------------------------------------------------------------------------------


def test_weights_come_out_as_they_went_in(exchange: Exchange) -> None:
    assert exchange.fetch() is None
    digest = exchange.publish(model(), {"step": 3, "total_games": 7})
    assert sorted(exchange.weights_store.names()) == ["small-config.json", "small-state.json", "small.safetensors"]
    got = exchange.fetch()
    assert got is not None
    assert got.digest == digest
    assert got.weights.state["step"] == 3
    ours, theirs = model().state_dict(), got.weights.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert exchange.fetch(digest) is None
    assert exchange.publish(model(), {"step": 4}) != digest  # the same parameters, but what is said of them has changed
    assert exchange.fetch(digest).weights.state["step"] == 4


def test_half_published_weights_are_not_taken(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    exchange.publish(model(1), {"step": 1})
    old = exchange.weights_store.read(["small-state.json"])
    exchange.publish(model(2), {"step": 2})
    exchange.weights_store.put(old)
    with pytest.raises(OSError, match="not whole"):
        exchange.fetch()
    exchange.weights_store.put({"small-state.json": b"[]"})
    with pytest.raises(ValueError, match="JSON object"):
        exchange.fetch()
    exchange.weights_store.put({"small-state.json": b"{}"})
    with pytest.raises(ValueError, match="digests"):
        exchange.fetch()


def test_a_publisher_between_the_files_is_waited_for(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange.publish(model(1), {"step": 1})
    stale = exchange.weights_store.read(["small-state.json"])
    exchange.publish(model(2), {"step": 2})
    whole = exchange.weights_store.read(["small-state.json"])
    exchange.weights_store.put(stale)
    monkeypatch.setattr("time.sleep", lambda _: exchange.weights_store.put(whole))
    assert exchange.fetch().weights.state["step"] == 2


def test_what_is_no_exchange_is_one_line(tmp_path: Path) -> None:
    for name in ("", "a/b", "..", "-x", "ä"):
        with pytest.raises(ValueError, match="expected a name of weights"):
            open_exchange(str(tmp_path), name)
    with pytest.raises(ValueError, match="expected an exchange, got 'ftp://x'"):
        open_exchange("ftp://x", "small")


# -- spool -------------------------------------------------------------------------------------------------------------


class Flaky(MemoryStore):
    """Answers the next ``down`` puts with an error, after it has taken them if ``late``."""

    down, late, calls = 0, False, 0

    def put(self, files: Mapping[str, bytes]) -> None:
        self.calls += 1
        if self.down:
            self.down -= 1
            if self.late:
                super().put(files)
            raise OSError("the exchange is away")
        super().put(files)


@pytest.mark.parametrize("late", [False, True])
def test_a_spool_outlives_an_outage_and_its_worker(tmp_path: Path, late: bool) -> None:
    store = Flaky()
    store.down, store.late = 1, late
    exchange = Exchange(store, name="small")
    spool = Spool(tmp_path / "spool", store)
    for first in (0, 4, 8):
        spool.put(exchange.packed(packet(first=first)))
    with pytest.raises(OSError, match="away"):
        spool.flush()
    assert len(spool) == 3
    with pytest.raises(ValueError, match="one is at work"):
        Spool(tmp_path / "spool", store)
    spool.close()
    again = Spool(tmp_path / "spool", store)
    assert again.flush() == 3
    assert store.calls == 2  # one put for all
    assert again.flush() == len(again) == 0
    assert len(inbox_of(exchange).pull()) == 3


def test_a_spool_has_bounds(tmp_path: Path) -> None:
    store = MemoryStore()
    spool = Spool(tmp_path / "spool", store, max_bytes=100)
    spool.put({"a": b"x" * 60})
    with pytest.raises(SpoolFullError, match="60 of 100 bytes, no room for 50"):
        spool.put({"b": b"x" * 50})
    assert spool.flush() == 1
    spool.put({"b": b"x" * 50})
    assert spool.flush() == 1
    assert list(store.names()) == ["a", "b"]


def test_large_spools_leave_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.exchange.spool.BATCH_BYTES", 100)
    store = Flaky()
    spool = Spool(tmp_path / "spool", store)
    for name in "abcde":
        spool.put({name: b"x" * 45})
    assert spool.flush() == 5
    assert store.calls == 3


def test_a_directory_is_an_exchange(tmp_path: Path) -> None:
    exchange = open_exchange(str(tmp_path / "x"), "small")
    assert isinstance(exchange.hands_store, DirectoryStore)
    exchange.publish(model(), {"step": 1})
    exchange.hands_store.put(exchange.packed(packet()))
    assert len(inbox_of(exchange).pull()) == 1
    assert open_exchange(str(tmp_path / "x"), "small").fetch() is not None
