"""Programs as players: the line protocol, and what happens to those that break it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.arena import guard, play_pairing
from zeb42_agents.arena.cli import main
from zeb42_agents.arena.external import MAX_FAILED_STARTS, ExternalAgent
from zeb42_agents.arena.folder import RunFolder
from zeb42_agents.arena.plan import Plan
from zeb42_agents.arena.play import play_games
from zeb42_agents.arena.players import Player
from zeb42_agents.arena.protocols import get_protocol
from zeb42_agents.arena.run import run_pool
from zeb42_env import Hand, action_text
from zeb42_env._core import record as core
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


def shell(lines: str, **options) -> ExternalAgent:
    return ExternalAgent(shlex.join(["/bin/sh", "-c", lines]), **options)


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
    """Views of seat 0, so that one process is asked for all of them."""
    hands = get_protocol(protocol).deal(1, np.arange(16 * num_hands))
    return tables.views_of(hands, hands["to_move"])[hands["to_move"] == 0][:num_hands]


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
def test_a_line_too_many_loses_its_own_hand_and_is_not_taken_for_the_next_answer(external, surplus: str) -> None:
    agent = external(f'    print(action_text(action), end="{surplus}\\n" if count == 2 else "\\n", flush=True)\n')
    views, keys = first_leads(3), np.arange(3, dtype=np.uint64)
    expected = [Hand(view).legal_actions()[int(key) % 7] for view, key in zip(views, keys, strict=True)]
    assert agent.act(views, keys).tolist() == [expected[0], -1, expected[2]]
    assert agent.failures == {1: "answered more than one line"}


@pytest.mark.parametrize("afterwards", ['print("too late", flush=True)', "import os; os._exit(3)"])
def test_what_happens_between_two_questions_costs_no_hand(external, afterwards: str) -> None:
    agent = external(ANSWER + f"    time.sleep(0.1)\n    if count == 2: {afterwards}\n")
    for turn in range(4):
        assert agent.act(first_leads(1), np.zeros(1, np.uint64)).tolist() != [-1]
        until = time.monotonic() + 30.0
        while turn % 2 and not any(process.is_out_of_turn() for process in agent._processes.values()):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_what_a_crash_costs_does_not_depend_on_the_crashes_before(tmp_path: Path) -> None:
    """Ten restarts were counted per process, so that jobs, chunks and resuming decided how many hands were lost."""
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", f"echo >> {tmp_path}/starts; read line; echo ready; read line"]))
    assert (agent.act(first_leads(30), np.zeros(30, np.uint64)) == -1).all()
    assert set(agent.failures.values()) == {"ended (exit status 0)"}
    assert len((tmp_path / "starts").read_text()) == 30


@pytest.mark.parametrize("wait", ["", "sleep 0.05; "])
def test_an_end_after_an_answer_costs_no_hand_whether_or_not_it_is_seen_in_time(wait: str) -> None:
    """If the next question came before the end was to be seen, it was lost."""
    agent = shell(f"read line; echo ready; read line; echo 6-6; {wait}exit 3")
    for _ in range(20):
        agent.act(first_leads(1), np.zeros(1, np.uint64))
        assert agent.failures == {}
    agent.close()


def test_what_a_process_did_before_costs_no_hand() -> None:
    """A program that crashes at one question loses that; one that crashes after some number of them loses none."""
    agent = shell(
        "read line; echo ready; while read word key view; do "
        "count=$((count + 1)); if [ $key = 5 ] || [ $count = 3 ]; then exit 3; fi; echo 6-6; done"
    )
    keys = np.arange(12, dtype=np.uint64)
    for together in (1, 5, 12):  # as chunks do
        lost = []
        for first in range(0, 12, together):
            agent.act(first_leads(12)[first : first + together], keys[first : first + together])
            lost += [(first + row, why) for row, why in agent.failures.items()]
        assert lost == [(5, "ended (exit status 3)")]
    agent.close()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")
@pytest.mark.parametrize("then", ["echo 6-6; read line", "sleep 1000", "exit 3"])
def test_a_child_that_leaves_the_group_ends_too(tmp_path: Path, then: str) -> None:
    note = tmp_path / "children"
    leaves = f"sleep 1000 & echo $$ $! > {note}.$$; mv {note}.$$ {note}; exec sleep 1000"
    start = f"setsid /bin/sh -c {shlex.quote(leaves)} < /dev/null > /dev/null & "
    agent = shell(f"read line; echo ready; read line; {start} until [ -s {note} ]; do :; done; {then}", move_time_s=2.0)
    agent.act(first_leads(1), np.zeros(1, np.uint64))
    agent.close()
    pids = list(map(int, note.read_text().split()))
    assert len(pids) == 2
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_program_that_attacks_its_guard_ends(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "KILL_TIME_S", 0.2)  # how long the arena waits for it
    note = tmp_path / "pid"
    lines = f"read line; echo ready; read line; echo $$ > {note}; kill -{int(number)} $PPID; while :; do sleep 1; done"
    agent = shell(lines, move_time_s=1.0)
    assert agent.act(first_leads(1), np.zeros(1, np.uint64)).tolist() == [-1]
    agent.close()
    assert is_gone(int(note.read_text()))


def test_a_program_that_ends_its_own_group_leaves_its_guard_alone() -> None:
    agent = shell("trap 'kill 0' EXIT; read line; echo ready; read line; exit 3")
    agent.act(first_leads(1), np.zeros(1, np.uint64))
    agent.close()
    assert agent.failures in ({0: "ended (exit status 3)"}, {0: f"ended (exit status {-signal.SIGTERM})"})


def test_a_program_of_another_account_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sudo`` may not be killed by who called it."""

    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(guard, "KILL_TIME_S", 0.1)
    monkeypatch.setattr(guard.os, "kill", refuse)
    with subprocess.Popen(["sleep", "1000"]) as program:
        assert guard._end(program.pid, 0.0) == "could not be killed"
        monkeypatch.undo()
        program.kill()


def test_a_program_that_never_comes_up_is_given_up(tmp_path: Path) -> None:
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", f"echo started >> {tmp_path}/starts; exit 3"]))
    assert agent.act(first_leads(5), np.zeros(5, np.uint64)).tolist() == [-1] * 5
    assert agent.failures[0] == agent.failures[4]
    assert agent.failures[4] == "gave up after 3 starts: did not come up: ended (exit status 3)"
    assert (tmp_path / "starts").read_text() == "started\n" * MAX_FAILED_STARTS
    agent.close()
    agent.prepare(np.arange(8))
    assert agent.act(first_leads(1), np.zeros(1, np.uint64)).tolist() == [-1]
    assert len((tmp_path / "starts").read_text().split()) <= MAX_FAILED_STARTS + 8  # a new run, a new try


def test_a_slow_first_start_is_tried_again(tmp_path: Path, external, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    slowly = f"test -e {started} || {{ touch {started}; exec sleep 1000; }}; exec {external().command}"
    agent = ExternalAgent(shlex.join(["/bin/sh", "-c", slowly]))
    monkeypatch.setattr("zeb42_agents.arena.external.START_TIME_S", 5.0)
    actions = agent.act(first_leads(2), np.zeros(2, np.uint64))
    agent.close()
    assert (actions >= 0).all(), agent.failures


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
    for command, message in (
        ("", "expected a command line"),
        ("'unclosed", "No closing quotation"),
        ("true \0", "a zero byte"),
    ):
        with pytest.raises(ValueError, match=message):
            ExternalAgent(command)
    with pytest.raises(ValueError, match="move time above 0"):
        ExternalAgent("true", move_time_s=0.0)


def test_a_program_may_have_words_that_are_too_long_for_a_file(tmp_path: Path) -> None:
    """``cmd:python3 -c '...'`` was refused: "File name too long"."""
    lines = f"read line; echo ready; while read line; do echo 2 marks; done  # {300 * 'long '}"
    command = f"cmd:{shlex.join(['/bin/sh', '-c', lines, '--weights=' + 300 * 'w'])}"
    words = ["random", command, "--deals", "1", "--jobs", "1", "--no-plots", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert len(RunFolder.read(tmp_path / "run").games()) == 2
    with pytest.raises(ValueError, match="expected"):
        make_agent("zeb:" + 300 * "w")


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
        run_pool(players, RunFolder.open(tmp_path / "run", settings), Plan(deals=50, jobs=jobs))
    presser.join()
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())
    if "{last}" in script:
        assert last.read_text().split() == jobs * ["quit"]


BLIND = """
import array, fcntl, os, sys, termios, time
fcntl.fcntl(0, 1031, 4096)  # F_SETPIPE_SZ: full after some twenty questions
os.read(0, 14)
os.write(1, b"ready\\n")
seen = 0
while True:
    waiting = array.array("i", [0])
    fcntl.ioctl(0, termios.FIONREAD, waiting)
    if waiting[0] > seen:
        seen = waiting[0]
        os.write(1, b"6-6\\n")
    time.sleep(0.001)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe of another size")
def test_a_program_that_answers_without_reading_cannot_hang_the_arena(tmp_path: Path) -> None:
    file = tmp_path / "blind.py"
    file.write_text(BLIND)
    agent = ExternalAgent(shlex.join([sys.executable, str(file)]), move_time_s=1.0)
    actions = agent.act(first_leads(60), np.zeros(60, np.uint64))
    assert 0 < (actions == -1).sum() <= 4
    assert set(agent.failures.values()) <= {"no answer within 1 s", "answered before it was asked"}
    while not agent.failures:  # the pipe is full once more
        agent.act(first_leads(1), np.zeros(1, np.uint64))
    agent.act(first_leads(15), np.zeros(15, np.uint64))
    started = time.monotonic()
    agent.close()
    assert time.monotonic() - started < 5.0


@pytest.mark.parametrize("body", [ANSWER, "    time.sleep(1000)\n", "    sys.exit()\n"])
def test_what_a_program_started_ends_with_it(tmp_path: Path, external, body: str) -> None:
    note = tmp_path / "child"
    start = "    import subprocess; child = subprocess.Popen(['sleep', '1000'])\n"
    start += f"    open({str(note)!r}, 'w').write(str(child.pid))\n"
    agent = external(start + body, move_time_s=5.0)
    agent.act(first_leads(1), np.zeros(1, np.uint64))
    agent.close()
    assert is_gone(int(note.read_text()))


def is_gone(pid: int) -> bool:
    """Whether the process has ended, or does so in a moment."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True  # nobody has asked how it ended
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


class Recorder:
    """In place of a process: notes what it is shown, and plays the first legal action."""

    seen: ClassVar[list[list[str]]] = []

    def __init__(self, words: list[str]) -> None:
        self.lines: list[str] = []
        Recorder.seen.append(self.lines)

    def exchange(self, line: str, time_s: float, since: float) -> str:
        if not line.startswith("act"):
            return "ready"
        self.lines.append(line.split(" ", 2)[2])
        return action_text(Hand.parse(self.lines[-1]).legal_actions()[0])

    def is_out_of_turn(self) -> bool:
        return False

    def say_quit(self) -> None: ...

    def let_go(self, time_s: float) -> None: ...

    def end(self, *, after_s: float = 0.0) -> str:
        return ""


@pytest.mark.parametrize(("protocol", "with_partner"), [("majority", False), ("hand", True), ("match", False)])
def test_no_process_sees_two_hands_of_a_deal_or_one_deal_twice(
    monkeypatch: pytest.MonkeyPatch, protocol: str, with_partner: bool
) -> None:
    """A process that saw its partner's hand, or that of the mirrored table, and remembered it was worth 126 Elo."""
    monkeypatch.setattr("zeb42_agents.arena.external._Process", Recorder)
    Recorder.seen.clear()
    agents = [make_agent("random"), ExternalAgent("one"), make_agent("greedy"), ExternalAgent("two")]
    partner = ExternalAgent("opposite") if with_partner else None
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    num = 6 if protocol != "match" else 2
    for chunk in np.array_split(np.arange(num * len(pairs)), 4):  # as a run does: deal by deal, in parts
        play_games(
            agents, get_protocol(protocol), 9, chunk // len(pairs), np.array(pairs)[chunk % len(pairs)], partner=partner
        )
    deals = {}
    for number, hand in enumerate(get_protocol(protocol).deal(9, np.arange(num * 16))):
        for seat in range(4):
            deals[seat, tuple(np.flatnonzero(hand["owner"] == seat))] = number
    for lines in Recorder.seen:
        views = [Hand.parse(line).record for line in lines]
        shown = [(deals[int(v["seat"]), tuple(np.flatnonzero(v["owner"] == v["seat"]))], int(v["seat"])) for v in views]
        assert len(dict(shown)) == len(set(shown)), "two hands of one deal"
        assert len(set(lines)) == len(lines), "a deal twice"
    assert sum(map(len, Recorder.seen)) > 100


REMEMBER = """
    mine = frozenset(notation.split("deal=")[1].split("|")[int(notation.split("seat=")[1][0])].split("."))
    deal = notation.split("contract=")[1].split(" ")[0], notation.split("shaker=")[1][0]
    for other in hands.setdefault(deal, set()):
        if not other & mine:
            print("I have seen another hand of this deal", file=open(LOG, "a"))
    hands[deal].add(mine)
"""


def test_memory_shows_a_program_nothing(tmp_path: Path, external) -> None:
    """The cheat of the reliability report: it knows a deal again by who shook and the contract."""
    log = tmp_path / "log"
    cheat = f"    LOG, hands = {str(log)!r}, globals().setdefault('hands', {{}})\n" + REMEMBER + ANSWER
    agent = external(cheat)
    played = play_pairing(agent, make_agent("greedy"), protocol="contract", num_deals=4, seed=2)
    assert played.forfeits == (0, 0)
    assert not log.exists()
    hands = get_protocol("contract").deal(2, np.arange(1))
    leader = int(hands[0]["to_move"])
    agent.act_at(tables.views_of(hands, np.array([leader])), np.zeros(1, np.uint64), np.zeros(1, np.int64))
    core.apply(hands[0], Hand(hands[0]).legal_actions()[0])
    agent.act_at(tables.views_of(hands, hands["to_move"]), np.zeros(1, np.uint64), np.zeros(1, np.int64))
    assert "another hand" in log.read_text()  # what it would do if one process had both
