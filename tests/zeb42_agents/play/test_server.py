"""The server of zeb42 play over real sockets: tables, streams, what is refused, and that nothing hidden gets out."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from serving import quick_house, serving

from zeb42_agents import make_agent, worlds
from zeb42_agents.agent import Agent
from zeb42_agents.play import cli
from zeb42_agents.play.guard import visitor_of
from zeb42_agents.play.house import PUBLIC_TABLES
from zeb42_agents.play.kept import Kept
from zeb42_agents.play.review import Effort, review_whole
from zeb42_agents.play.summary import Summary
from zeb42_agents.play.workers import BusyError, Worker
from zeb42_env import Hand

WAIT_S = 180.0  # for a machine that is busy, and compiles
QUICK = ["you", "Steady", "Steady", "Steady"]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(quick_house()) as url,
        httpx.Client(base_url=url, timeout=300) as found,
    ):
        patch.setattr("zeb42_agents.play.advice.BID_EFFORTS", (4, 8))
        yield found


def sit(client: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/api/tables", json={"seats": QUICK, **wanted})
    assert answer.status_code == 200, answer.text
    return answer.json()


def settled(client: httpx.Client, key: str) -> dict[str, Any]:
    """The table once a person is to move, or the hand is over."""
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        state = client.get(f"/api/tables/{key}").json()
        if state["your_turn"] or state["over"]:
            return state
        time.sleep(0.01)
    raise AssertionError(f"nobody moved: {state['says']}")


def play_out(client: httpx.Client, key: str) -> dict[str, Any]:
    while not (state := settled(client, key))["over"]:
        said = client.post(f"/api/tables/{key}/act", json={"version": state["version"], "action": state["legal"][0]})
        assert said.status_code == 200, said.text
    return state


def test_a_hand_over_the_wire(client: httpx.Client) -> None:
    key = sit(client, seed=3, episode="hand")["id"]
    over = play_out(client, key)
    assert sum(over["points"]) == 42
    again = client.post(f"/api/tables/{key}/replay", json={"version": over["version"]}).json()
    assert again["over"] is None
    assert play_out(client, key)["over"] == over["over"]
    state = settled(client, key)
    new = client.post(f"/api/tables/{key}/new", json={"version": state["version"], "seed": 4}).json()
    assert play_out(client, new["id"])["over"]["seed"] == 4


def test_undo_and_conflicts(client: httpx.Client) -> None:
    state = settled(client, sit(client, seed=5)["id"])
    path = f"/api/tables/{state['id']}"
    first = client.post(f"{path}/act", json={"version": state["version"], "action": "pass"})
    assert first.status_code == 200
    late = client.post(f"{path}/act", json={"version": state["version"], "action": "pass"})
    assert late.status_code == 409
    assert "has changed since" in late.json()["error"]
    after = settled(client, state["id"])
    undone = client.post(f"{path}/undo", json={"version": after["version"]}).json()
    assert undone["view"] == state["view"]


def test_what_is_said_wrongly_is_explained(client: httpx.Client) -> None:
    state = settled(client, sit(client, seed=6)["id"])
    for action, why in (("nello", "expected a bid such as 31"), ("64", "allowed: pass"), ("", "allowed: pass")):
        answer = client.post(f"/api/tables/{state['id']}/act", json={"version": state["version"], "action": action})
        assert answer.status_code == 422
        assert why in answer.json()["error"]
    wrong: list[tuple[str, dict[str, Any], int, str]] = [
        ("/api/tables", {"seats": ["you", "Einstein", "Steady", "Steady"]}, 422, "allowed: you, Random, Gentle"),
        ("/api/tables", {"seats": ["you"]}, 422, "expected four seats"),
        ("/api/tables", {"seats": "you"}, 422, "expected seats to be list"),
        ("/api/tables", {"seats": QUICK, "seed": -1}, 422, "expected seed in"),
        ("/api/tables", {"seats": QUICK, "contract": "bridge"}, 422, "allowed: auction, random"),
        ("/api/tables", {"seats": QUICK, "hand": "zeb42/1 deal=x"}, 422, "expected a field shaker"),
        ("/api/tables", {"seats": ["zeb:/etc/passwd", "you", "you", "you"]}, 422, "expected somebody to seat"),
        ("/api/tables/nobody/act", {"version": 1, "action": "pass"}, 404, "not open any more"),
        (f"/api/tables/{state['id']}/act", {"version": True, "action": "pass"}, 422, "expected version to be int"),
        (f"/api/tables/{state['id']}/act", {}, 422, "expected action"),
        (f"/api/tables/{state['id']}/ask", {"who": "Einstein"}, 422, "expected somebody to seat"),
        ("/api/bids", {"dominoes": "5-5 5-5"}, 422, "at entry 2: 5-5 is there twice"),
    ]
    for path, body, status, why in wrong:
        answer = client.post(path, json=body)
        assert answer.status_code == status, answer.text
        assert why in answer.json()["error"]


def test_what_is_no_request_of_ours_is_refused(client: httpx.Client) -> None:
    asked = {"content-type": "application/json"}
    assert client.get("/api/version", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/api/version", headers={"host": "127.0.0.1.evil.example"}).status_code == 403
    foreign = client.post("/api/tables", content="{}", headers={**asked, "origin": "http://evil.example"})
    assert foreign.status_code == 403
    other_port = client.post("/api/tables", content="{}", headers={**asked, "origin": "http://127.0.0.1:1"})
    assert other_port.status_code == 403
    assert client.post("/api/tables", content="{}", headers={"content-type": "text/plain"}).status_code == 415
    cross = client.post("/api/tables", content="{}", headers={**asked, "sec-fetch-site": "cross-site"})
    assert cross.status_code == 403
    assert client.post("/api/tables", content="x" * 70_000, headers=asked).status_code == 413
    assert client.post("/api/tables", content=(b"x" * 1000 for _ in range(70)), headers=asked).status_code == 413
    assert client.get("/api/version?" + "x" * 3000).status_code == 414
    for body in ("[1]", "{", '"x"', "[" * 50_000, "\xff"):
        assert client.post("/api/tables", content=body.encode("latin-1"), headers=asked).status_code == 422
    assert client.get("/../../etc/passwd").status_code == 404
    assert client.get("/%2e%2e/server.py").status_code == 404
    assert client.get("/nothing").status_code == 404


def test_every_answer_carries_the_policy(client: httpx.Client) -> None:
    for path in ("/", "/app.js", "/api/version", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_the_front_end_is_small_and_its_own() -> None:
    from zeb42_agents.play.server import STATIC

    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 150_000
    for path in files:
        if path.parent.name != "vendor":
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text
            assert "https://" not in text


def follow(client: httpx.Client, key: str, states: list[dict[str, Any]], until_over: threading.Event) -> None:
    with client.stream("GET", f"/api/tables/{key}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                states.append(json.loads(line[6:]))
                if states[-1]["over"]:
                    until_over.set()
                    return


def test_a_stream_has_every_state_once_in_order(client: httpx.Client) -> None:
    key = sit(client, seed=8, episode="hand")["id"]
    states: list[dict[str, Any]] = []
    over = threading.Event()
    thread = threading.Thread(target=follow, args=(client, key, states, over))
    thread.start()
    play_out(client, key)
    assert over.wait(WAIT_S)
    thread.join()
    versions = [state["version"] for state in states]
    assert versions == list(range(versions[0], versions[0] + len(versions)))


def two_tables_apart_in_what_is_hidden(seed: int) -> tuple[Hand, Hand]:
    hand = Hand.deal(seed=seed, shaker=3)  # seat 0 bids first: nothing was done by those whose hands differ
    other = Hand(worlds.sample(hand.view(0), 1, np.random.default_rng(seed))[0])
    assert other != hand
    return hand, other


def test_hidden_dominoes_change_no_byte_of_any_answer(client: httpx.Client) -> None:
    """Tables that differ in hidden dominoes alone answer alike: the state, the stream, what is asked, bidding help."""
    answers = []
    for hand in two_tables_apart_in_what_is_hidden(1):
        state = sit(client, hand=str(hand))
        key, found = state["id"], [json.dumps(state)]
        with client.stream("GET", f"/api/tables/{key}/events") as events:
            found.append(next(line for line in events.iter_lines() if line.startswith("data: ")))
        for path in ("ask", "bids"):
            found.append(client.post(f"/api/tables/{key}/{path}", json={"up_to": 16}).text)
        answers.append([text.replace(key, "KEY") for text in found])
    assert answers[0] == answers[1]
    assert all("KEY" in text or "kind" in text for text in answers[0])


def test_no_seat_of_a_state_shows_what_is_hidden(client: httpx.Client) -> None:
    key = sit(client, seed=9, episode="hand")["id"]
    states: list[dict[str, Any]] = []
    thread = threading.Thread(target=follow, args=(client, key, states, threading.Event()))
    thread.start()
    over = play_out(client, key)
    thread.join()
    deal = over["over"]["deal"]
    for state in states[:-1]:
        played = {play["domino"] for trick in state["tricks"] for play in trick["plays"]}
        played |= {play["domino"] for play in (state["trick"] or {"plays": []})["plays"]}
        text = json.dumps({field: value for field, value in state.items() if field != "trumps"})
        for seat in (1, 2, 3):
            assert state["seats"][seat]["dominoes"] is None
            for domino in set(deal[seat]) - played:
                assert f'"{domino}"' not in text
        assert '"seed":' not in text
        assert state["view"].split()[1].endswith("|?|?|?")


def ask(client: httpx.Client, key: str, path: str = "ask", **body: Any) -> list[dict[str, Any]]:
    answer = client.post(f"/api/tables/{key}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_asking_gives_plays_with_spread_and_never_plays(client: httpx.Client) -> None:
    key = sit(client, seed=11, contract="dropped30", episode="hand")["id"]
    before = settled(client, key)
    lines = ask(client, key, up_to=64)
    assert [line["kind"] for line in lines] == ["hidden", "worlds", "plays", "plays"]
    assert [line["effort"] for line in lines[2:]] == [16, 64]
    options = lines[-1]["options"]
    assert {option["text"] for option in options} == set(before["legal"])
    assert options[0]["loss"] == 0
    assert options[0]["close"]
    assert all(option["loss"] >= 0 and option["se"] >= 0 for option in options)
    own = set(before["seats"][0]["dominoes"])
    for world in lines[1]["worlds"]:
        dealt = {domino for held in world for domino in held}
        assert not dealt & own
    for domino in lines[0]["dominoes"]:
        assert sum(domino["rules"]) == pytest.approx(1, abs=0.003)
    assert settled(client, key)["version"] == before["version"]


def test_bidding_help_at_the_table_and_for_a_typed_hand(client: httpx.Client) -> None:
    key = sit(client, hand=str(Hand.deal(seed=12, shaker=3)))["id"]
    at_table = ask(client, key, "bids", who="Steady")
    assert [line["kind"] for line in at_table] == ["bids", "opinion", "bids"]
    text = " ".join(settled(client, key)["seats"][0]["dominoes"])
    typed = client.post("/api/bids", json={"dominoes": text}).text.splitlines()
    assert [json.loads(line)["num_worlds"] for line in typed] == [4, 8]
    rows = json.loads(typed[-1])["declarations"]
    assert len(rows) == 9
    for row in rows:
        assert row["makes"] == sorted(row["makes"], reverse=True)
        assert row["at_table"] == sorted(row["at_table"], reverse=True)
    assert sum(row["at_table"][0] for row in rows) < sum(row["makes"][0] for row in rows)


def test_asking_when_another_is_to_move_shows_only_who_may_hold_what(client: httpx.Client) -> None:
    table = sit(client, seats=["you", "you", "you", "you"], seed=13)
    mover = table["to_move"]
    key = table["id"] if mover else next(key for key, place in table["invitations"].items() if place == "left")
    assert [line["kind"] for line in ask(client, key)] == ["hidden", "worlds"]


def test_a_guest_holds_no_key_of_another_place(client: httpx.Client) -> None:
    table = sit(client, seats=["you", "you", "Steady", "you"], seed=13)
    assert sorted(table["invitations"].values()) == ["left", "right"]
    for guest in table["invitations"]:
        assert client.get(f"/api/tables/{guest}").json()["invitations"] == {}


def test_who_watches_does_not_play(client: httpx.Client) -> None:
    table = sit(client, seats=["you", "Steady", "Steady", "Steady"], seed=5, episode="hand")
    watched = sit(client, seats=["Steady"] * 4, seed=5, episode="hand")
    for key, status in ((watched["id"], 422), (table["id"], 409)):
        said = client.post(f"/api/tables/{key}/act", json={"version": -1, "action": "pass"})
        assert said.status_code == status, said.text


def test_too_many_tabs_are_told(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.house.MAX_WATCHERS", 0)
    answer = client.get(f"/api/tables/{sit(client)['id']}/events")
    assert answer.status_code == 422
    assert "close a tab" in answer.json()["error"]


def test_too_many_questions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.house.MAX_WAITING", 0)
    with serving(quick_house()) as url, httpx.Client(base_url=url, timeout=300) as client:
        answer = client.post("/api/review", json={"hand": str(Hand.deal(seed=1))})
        assert answer.status_code == 503
        assert "ask again" in answer.json()["error"]


def proxied(url: str, visitor: str) -> httpx.Client:
    """A client whose address a reverse proxy tells; what it says of itself stands before that."""
    return httpx.Client(base_url=url, timeout=300, headers={"x-forwarded-for": f"1.2.3.4, {visitor}"})


def test_a_visitor_closes_no_table_but_its_own() -> None:
    with (
        serving(quick_house(public=True), public=True, proxies=1) as url,
        proxied(url, "10.0.0.1") as first,
        proxied(url, "10.0.0.2") as second,
    ):
        theirs = sit(second)["id"]
        mine = [sit(first)["id"] for _ in range(PUBLIC_TABLES + 2)]
        assert [first.get(f"/api/tables/{key}").status_code for key in mine] == 2 * [404] + PUBLIC_TABLES * [200]
        assert second.get(f"/api/tables/{theirs}").status_code == 200


def test_a_full_house_closes_no_table_that_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.house.MAX_TABLES", 1)
    with (
        serving(quick_house(public=True), public=True, proxies=1) as url,
        proxied(url, "10.0.0.1") as first,
        proxied(url, "10.0.0.2") as second,
    ):
        key = sit(first)["id"]
        refused = second.post("/api/tables", json={"seats": QUICK})
        assert refused.status_code == 503
        assert "come back in a few minutes" in refused.json()["error"]
        monkeypatch.setattr("zeb42_agents.play.house.HOLD_S", 0.0)
        sit(second)
        assert first.get(f"/api/tables/{key}").status_code == 404


def test_one_visitor_has_only_so_many_requests_and_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.server.MOST_AT_ONCE", 2)
    monkeypatch.setattr("zeb42_agents.play.house.PUBLIC_STREAMS", 1)
    with serving(quick_house(public=True), public=True, proxies=1) as url, proxied(url, "10.0.0.1") as client:
        key = sit(client)["id"]
        path = f"/api/tables/{key}/events"
        with client.stream("GET", path) as events:
            lines = events.iter_lines()  # a stream whose iterator is thrown away is closed
            next(lines)
            assert client.get(path).status_code == 422
            with client.stream("GET", "/api/version"), proxied(url, "10.0.0.2") as other:
                assert other.get("/api/version").status_code == 200
        monkeypatch.setattr("zeb42_agents.play.house.PUBLIC_STREAMS", 9)
        with client.stream("GET", path) as one, client.stream("GET", path) as two:
            both = [one.iter_lines(), two.iter_lines()]
            assert all(next(lines).startswith("data: ") for lines in both)
            assert client.get("/api/version").status_code == 429
            with proxied(url, "10.0.0.2") as other:
                assert other.get("/api/version").status_code == 200


def test_the_stream_of_a_cleared_table_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.server.SWEEP_S", 0.1)
    with serving(quick_house()) as url, httpx.Client(base_url=url, timeout=60) as client:
        key = sit(client)["id"]
        settled(client, key)
        with client.stream("GET", f"/api/tables/{key}/events") as events:
            lines = events.iter_lines()
            assert next(lines).startswith("data: ")
            monkeypatch.setattr("zeb42_agents.play.house.IDLE_S", {False: 0.0, True: 0.0})
            assert [line for line in lines if line.startswith("data: ")] == []
        assert client.get(f"/api/tables/{key}").status_code == 404


def test_who_asks_takes_turns() -> None:
    worker, done, gate = Worker("a test", most_each=3), list[str](), threading.Event()
    worker.submit(gate.wait)
    futures = [
        worker.submit(lambda name=name: done.append(name), who=name[0]) for name in ("a1", "a2", "a3", "b1", "c1")
    ]
    with pytest.raises(BusyError, match="ask again"):
        worker.submit(gate.wait, who="a")
    gate.set()
    for future in futures:
        future.result(60)
    assert done == ["a1", "b1", "c1", "a2", "a3"]
    worker.stop()


@pytest.mark.parametrize(
    ("proxies", "told", "visitor"),
    [
        (0, "9.9.9.9", "10.0.0.7"),
        (1, "9.9.9.9, 8.8.8.8", "8.8.8.8"),
        (2, "9.9.9.9, 8.8.8.8", "9.9.9.9"),
        (2, "8.8.8.8", "10.0.0.7"),
        (1, "2001:db8::1", "2001:db8::/64"),
        (1, "nobody", "nobody"),
    ],
)
def test_who_a_visitor_is(proxies: int, told: str, visitor: str) -> None:
    scope = {"type": "http", "client": ("10.0.0.7", 1), "headers": [(b"x-forwarded-for", told.encode())]}
    assert visitor_of(scope, proxies) == visitor


@pytest.mark.parametrize("path", ["ask", "bids"])
def test_an_agent_that_fails_when_asked_is_a_clear_line(path: str) -> None:
    house = quick_house(make=lambda spec: Broken() if spec == "random" else make_agent("greedy"))
    with serving(house) as url, httpx.Client(base_url=url, timeout=300) as client:
        key = sit(client, hand=str(Hand.deal(seed=12, shaker=3)))["id"]
        lines = ask(client, key, path, who="Random", up_to=16)
        assert lines[-1] == {"kind": "error", "error": "who was asked failed (RuntimeError): ask another"}


def test_a_hand_from_elsewhere_has_no_seed(client: httpx.Client) -> None:
    over = play_out(client, sit(client, hand=str(Hand.deal(seed=12, shaker=3)), episode="hand")["id"])
    assert over["over"]["seed"] is None
    new = client.post(f"/api/tables/{over['id']}/next", json={"version": over["version"]}).json()
    assert isinstance(play_out(client, new["id"])["over"]["seed"], int)


def test_many_hands_are_summed_up(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.archive._effort", lambda public: Effort(num_worlds=4, num_call_worlds=4))
    hands = [
        {"hand": play_out(client, sit(client, seed=seed, episode="hand")["id"])["over"]["hand"], "seat": 0}
        for seed in (1, 2)
    ]
    lines = [json.loads(line) for line in client.post("/api/summary", json={"hands": hands}).text.splitlines()]
    kinds = [line["kind"] for line in lines]
    assert kinds[-1] == "summary"
    assert kinds.count("hand") == 2
    assert {line["hands"] for line in lines if line["kind"] == "progress"} == {0, 1}
    reviews = [
        review_whole(Hand.parse(one["hand"]), seats=[0], effort=Effort(num_worlds=4, num_call_worlds=4))
        for one in hands
    ]
    assert lines[-1] == {"kind": "summary", "few": True, **Summary.of(reviews).to_json()}
    for body, why in (
        ({"hands": []}, "expected 1 to 200 hands"),
        ({"hands": [{"hand": "x"}]}, "expected the line to begin"),
    ):
        answer = client.post("/api/summary", json=body)
        assert answer.status_code == 422
        assert why in answer.json()["error"]


def test_told_hands_over_the_wire(client: httpx.Client) -> None:
    found = client.post("/api/told", json={"shaker": 3, "said": ["pass", "31"]}).json()
    assert found["asks"] == "What did partner bid?"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"shaker": 3, "said": ["31", "30"]}, "at entry 2: Left cannot have said"),
        ({"shaker": 4, "said": []}, "expected the seat that shook"),
        ({"shaker": 3, "said": [1]}, "expected said to be words"),
    ]
    for body, why in wrong:
        answer = client.post("/api/told", json=body)
        assert answer.status_code == 422
        assert why in answer.json()["error"]


class Broken(Agent):
    def act(self, views: np.ndarray, rng: Any) -> np.ndarray:
        raise RuntimeError("out of dominoes")


class Cheat(Agent):
    def act(self, views: np.ndarray, rng: Any) -> np.ndarray:
        return np.full(len(views), 55)


class Slow(Agent):
    def act(self, views: np.ndarray, rng: Any) -> np.ndarray:
        time.sleep(0.6)
        return make_agent("greedy").act(views, rng)


@pytest.mark.parametrize(
    ("agent", "note"),
    [
        (Broken, "failed (RuntimeError): greedy stood in for it"),
        (Cheat, "wanted what is not allowed: greedy stood in for it"),
        (Slow, "took more than 0.05 seconds"),
    ],
)
def test_an_agent_that_fails_is_shown_and_the_table_goes_on(
    agent: type[Agent], note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeb42_agents.play.players.FIRST_PATIENCE_S", 0.0)
    monkeypatch.setattr("zeb42_agents.play.players._caller", lambda _: "agent")
    house = quick_house(make=lambda spec: agent() if spec == "random" else make_agent("greedy"), patience_s=0.05)
    with serving(house) as url, httpx.Client(base_url=url, timeout=300) as client:
        key = sit(client, seats=["you", "Random", "Steady", "Steady"], seed=14, episode="hand")["id"]
        notes: set[str] = set()
        while not (state := settled(client, key))["over"]:
            notes |= {line["text"] for line in state["notes"]}
            said = {"version": state["version"], "action": state["legal"][0]}
            assert client.post(f"/api/tables/{key}/act", json=said).status_code == 200
        assert any(note in line for line in notes), notes
        assert not any("out of dominoes" in line for line in notes)  # it could as well name what it holds


def test_a_public_server_caps_effort_and_offers_what_is_cheap() -> None:
    with serving(quick_house(public=True)) as url, httpx.Client(base_url=url, timeout=300) as client:
        agents = client.get("/api/agents").json()
        assert agents["public"]
        assert "Zeb thinking hard" not in [level["name"] for level in agents["levels"]]
        key = sit(client, seed=11, contract="dropped30", episode="hand")["id"]
        settled(client, key)
        assert max(line["effort"] for line in ask(client, key, up_to=100_000) if line["kind"] == "plays") == 64


def test_tables_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeb42_agents.play.house.IDLE_S", {False: 0.0, True: 0.0})
    with serving(quick_house()) as url, httpx.Client(base_url=url, timeout=300) as client:
        first = sit(client)["id"]
        time.sleep(0.05)
        sit(client)
        assert client.get(f"/api/tables/{first}").status_code == 404


def test_the_next_port_is_taken() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with cli.listen("127.0.0.1", port) as listener:
            assert port < listener.getsockname()[1] <= port + cli.NUM_PORTS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "expected --port in 0..65535"),
        (["--proxies", "-1"], "expected --proxies in 0..9"),
        (["--host", "nobody.invalid"], "expected --host to be an address of this machine"),
        (["--agents", "zen"], "expected an agent, got 'zen'; allowed: "),
        (["--agents", "eq:n=5", "zeb:runs/none"], "got 'runs/none'"),
        (["--color", "red"], "zeb42 play --help"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_no_display_opens_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not cli.has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert cli.has_display()


@pytest.mark.parametrize("public", [False, True])
def test_hands_are_kept_here_and_never_by_a_public_server(public: bool, tmp_path: Path) -> None:
    file = tmp_path / "hands.txt"
    with (
        serving(quick_house(public=public, kept=Kept(file))) as url,
        httpx.Client(base_url=url, timeout=300) as client,
    ):
        over = play_out(client, sit(client, seed=15, episode="hand")["id"])
        found = client.get("/api/hands", params={"words": "greedy"}).json()["hands"]
        assert [one["hand"] for one in found] == ([] if public else [over["over"]["hand"]])
        assert client.get("/api/hands", params={"words": "nobody"}).json()["hands"] == []
        assert len(client.get("/api/hands.txt").text.splitlines()) == (0 if public else 1)
    assert file.exists() is not public
