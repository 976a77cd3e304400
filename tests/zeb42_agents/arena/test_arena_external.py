"""Programs as players: the line protocol, and what happens to those that break it."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.external import MAX_RESTARTS, ExternalAgent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.protocols import get_protocol
from zeb42_agents.arena.run import Plan, run_pool
from zeb42_env import Hand
from zeb42_env._core import tables

PREAMBLE = """
import sys, time
from zeb42_env import Hand, action_text
line = sys.stdin.readline()
assert line == "zeb42-arena 1\\n", line
Hand.deal(0).legal_actions()
print("ready test player", flush=True)
count = 0
for line in sys.stdin:
    if line == "quit\\n":
        break
    word, key, notation = line.split(" ", 2)
    assert word == "act" and int(key) >= 0
    view = Hand.parse(notation)
    assert view.record["seat"] == view.to_move
    action = view.legal_actions()[int(key) % len(view.legal_actions())]
    count += 1
"""
ANSWER = "    print(action_text(action), flush=True)\n"


def program(tmp_path: Path, body: str = ANSWER) -> str:
    file = tmp_path / "player.py"
    file.write_text(PREAMBLE + body)
    return shlex.join([sys.executable, str(file)])


@pytest.fixture
def external(tmp_path: Path):
    made: list[ExternalAgent] = []

    def make(body: str = ANSWER, **options) -> ExternalAgent:
        made.append(ExternalAgent(program(tmp_path, body), **options))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


def first_leads(num_hands: int, protocol: str = "majority") -> np.ndarray:
    hands = get_protocol(protocol).deal(1, np.arange(num_hands))
    return tables.views_of(hands, hands["to_move"])


def test_a_program_plays_whole_hands(external) -> None:
    greedy = make_agent("greedy")
    first, second = (play_pairing(external(), greedy, protocol="hand", num_deals=4) for _ in range(2))
    assert first.forfeits == (0, 0)
    assert first.games["result"].tolist() == second.games["result"].tolist()


def test_it_answers_by_key_and_view(external) -> None:
    agent, views = external(), first_leads(3)
    keys = np.array([0, 1, 2**64 - 1], np.uint64)
    expected = [Hand(view).legal_actions()[int(key) % 7] for view, key in zip(views, keys, strict=True)]
    assert agent.act(views, keys).tolist() == expected
    assert agent.failures == {}


def test_what_is_not_an_action_is_a_failure_and_the_program_goes_on(external) -> None:
    agent = external('    print("pass the salt" if count == 2 else action_text(action), flush=True)\n')
    actions = agent.act(first_leads(3), np.zeros(3, np.uint64))
    assert (actions >= 0).tolist() == [True, False, True]
    assert "answered 'pass the salt', which is not an action" in agent.failures[1]


def test_an_illegal_action_loses_the_hand(external) -> None:
    agent = external('    print("2 marks", flush=True)\n')
    agent.name = "bold"
    games, blocks = play_games([agent, agent], get_protocol("majority"), 0, np.arange(2), np.array([[0, 1], [0, 1]]))
    assert (games["forfeit"] == games["bidder"] % 2).all()
    assert '"why": "illegal action 42 (2 marks)"' in blocks[0]


def test_a_slow_program_loses_the_hand_and_is_started_again(external) -> None:
    agent = external("    time.sleep(30 if count == 2 else 0)\n" + ANSWER, move_time_s=0.5)
    actions = agent.act(first_leads(4), np.zeros(4, np.uint64))
    assert (actions >= 0).tolist() == [True, False, True, False]
    assert agent.failures[1] == "no answer within 0.5 s"


@pytest.mark.parametrize("surplus", ["\\nthat was easy", "\\n"])
def test_a_line_too_many_is_not_taken_for_the_next_answer(external, surplus: str) -> None:
    agent = external(f'    print(action_text(action), end="{surplus}\\n" if count == 2 else "\\n", flush=True)\n')
    views, keys = first_leads(5), np.arange(5, dtype=np.uint64)
    expected = [Hand(view).legal_actions()[int(key) % 7] for view, key in zip(views, keys, strict=True)]
    assert agent.act(views, keys).tolist() == [*expected[:2], -1, *expected[3:]]
    assert agent.failures == {2: "answered more than one line"}


def test_a_program_that_keeps_ending_is_given_up(tmp_path: Path) -> None:
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", "read line; echo ready; read line; exit 3"]))
    num = MAX_RESTARTS + 4
    actions = agent.act(first_leads(num), np.zeros(num, np.uint64))
    assert (actions == -1).all()
    assert "exit status 3" in agent.failures[0]
    assert "gave up after" in agent.failures[num - 1]


def test_a_program_that_never_came_up_is_not_started_again(tmp_path: Path) -> None:
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", f"echo started >> {tmp_path}/starts; exit 3"]))
    assert agent.act(first_leads(3), np.zeros(3, np.uint64)).tolist() == [-1, -1, -1]
    assert agent.failures[2] == "gave up at its first start: ended (exit status 3)"
    assert (tmp_path / "starts").read_text() == "started\n"
    agent.close()
    assert agent.act(first_leads(1), np.zeros(1, np.uint64)).tolist() == [-1]
    assert (tmp_path / "starts").read_text() == "started\n" * 2  # a new run, a new try


def test_a_slow_first_start_is_tried_again(tmp_path: Path, external, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    slowly = f"test -e {started} || {{ touch {started}; exec sleep 1000; }}; exec {external().command}"
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", slowly]))
    monkeypatch.setattr("zeb42_agents.arena.external.START_TIME_S", 5.0)
    actions = agent.act(first_leads(2), np.zeros(2, np.uint64))
    agent.close()
    assert (actions >= 0).tolist() == [False, True]
    assert agent.failures == {0: "no answer within 5 s"}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/nowhere/player", "could not be started"),
        ("/bin/sh -c 'read line; echo hello; read line'", "expected 'ready'"),
        ("/bin/sh -c 'exit 0'", "ended"),
        ("/bin/sh -c 'read line; echo ready; cat /dev/zero'", "a line of more than 4096 bytes"),
    ],
)
def test_programs_that_do_not_speak_the_protocol(command: str, why: str) -> None:
    agent = ExternalAgent(command)
    assert agent.act(first_leads(2), np.zeros(2, np.uint64)).tolist() == [-1, -1]
    assert why in agent.failures[0]
    agent.close()


def test_specs_of_programs(tmp_path: Path) -> None:
    player = Player(f"cmd:{program(tmp_path)}", "mine", 3.0)
    agent = player.build()
    assert isinstance(agent, ExternalAgent)
    assert (agent.name, agent.move_time_s) == ("mine", 3.0)
    assert player.describe(agent)["fingerprint"]
    for command, message in (("", "expected a command line"), ("'unclosed", "No closing quotation")):
        with pytest.raises(ValueError, match=message):
            ExternalAgent(command)
    with pytest.raises(ValueError, match="move time above 0"):
        ExternalAgent("true", move_time_s=0.0)


@pytest.mark.parametrize(
    ("jobs", "script"),
    [
        (2, "{started}; exec sleep 1000"),  # Ctrl-C comes in the middle of start-up
        (2, "read line; echo ready; read line; {started}; exec sleep 1000"),  # "quit" is not read
        (2, 'read line; echo ready; read line; {started}; read line; echo "$line" >> {last}'),
        (1, 'read line; echo ready; read line; {started}; read line; echo "$line" >> {last}'),
    ],
)
def test_no_program_survives_ctrl_c(tmp_path: Path, jobs: int, script: str) -> None:
    pids, last = tmp_path / "pids", tmp_path / "last"
    pids.touch()
    command = shlex.join(["/bin/sh", "-c", script.format(started=f"echo $$ >> {pids}", last=last)])
    players = [Player(f"cmd:{command}", "program", 1000.0), Player("random", "random")]
    settings = {"protocol": "majority", "seed": 0, "partners": None}
    settings["agents"] = [player.describe(player.build()) for player in players]

    def press_ctrl_c() -> None:
        deadline = time.monotonic() + 60.0
        while len(pids.read_text().splitlines()) < jobs and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press_ctrl_c)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        run_pool(players, RunFolder.open(tmp_path / "run", settings), Plan(num_deals=50, jobs=jobs))
    presser.join()
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    if "{last}" in script:
        assert last.read_text() == jobs * "quit\n"
