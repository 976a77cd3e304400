"""Attacks that take too long for the tests: how many were tried, and how many did any harm.

python benchmarks/hostile.py                        all of them; some ten minutes on two cores
python benchmarks/hostile.py --only memory --deals 100
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zeb42_agents.agent import Randomness
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.external import ExternalAgent
from zeb42_agents.arena.folder import RunFolder
from zeb42_env import HAND, Hand, Rules
from zeb42_env._core.gate import find_flaws

MARK = "ZEB42_HOSTILE"
GRACE_S = 10.0  # for the last process of a stopped arena to end

CHEAT = """
import sys
import numpy as np
from zeb42_agents import worlds
from zeb42_agents.solver import solve_worlds
from zeb42_env import Hand, action_text
sys.stdin.readline()
print("ready", flush=True)
remembers, seen, num_recognised = "--remember" in sys.argv, {}, 0
for line in sys.stdin:
    if line.strip() == "quit":
        break
    _, key, notation = line.split(" ", 2)
    view = Hand.parse(notation).record
    seat, weights = int(view["seat"]), np.ones((28, 4))
    mine = frozenset(np.flatnonzero(view["owner"] == seat).tolist())
    deal = (int(view["shaker"]), int(view["bidder"]), int(view["bid"]), int(view["declaration"]))
    if remembers:  # who shook, the contract, and dominoes that are not one's own: another hand of this deal
        known = seen.setdefault(deal, {})
        known[mine] = seat
        for other, its_seat in known.items():
            if its_seat != seat and not other & mine:
                num_recognised += 1
                weights[list(other)] = np.arange(4) == its_seat
    try:
        drawn = worlds.sample(view, 10, np.uint64(int(key)), weights)
    except ValueError:  # that hand was of another deal
        drawn = worlds.sample(view, 10, np.uint64(int(key)))
    points = solve_worlds(drawn).astype(float).mean(0)
    legal = Hand(view).legal_actions()
    print(action_text(max(legal, key=lambda domino: points[domino] * (-1 if seat & 1 else 1))), flush=True)
print(num_recognised, file=open(sys.argv[1], "a"))
"""

GREET = "import os, signal, subprocess, time\nos.read(0, 14); os.write(1, b'ready\\n')\n"
ASKED = "while os.read(0, 4096): "
NASTY = {
    "never answers": "import time; time.sleep(1000)",
    "no greeting": "import os\nos.write(1, b'hello\\n')\nwhile os.read(0, 4096): pass",
    "dies at once": "import os; os.abort()",
    "dies when asked": GREET + "os.read(0, 1); os.kill(os.getpid(), 11)",
    "answers without reading": (
        GREET + "import array, fcntl, termios\nseen = 0\n"
        "while True:\n"
        "    waiting = array.array('i', [0]); fcntl.ioctl(0, termios.FIONREAD, waiting)\n"
        "    if waiting[0] > seen: seen = waiting[0]; os.write(1, b'6-6\\n')\n"
        "    time.sleep(0.001)"
    ),
    "floods": GREET + "while True: os.write(1, b'6-6\\n' * 1000)",
    "a line without end": GREET + "while True: os.write(1, b'x' * 1000)",
    "dribbles": GREET + "while True: os.write(1, b'6'); time.sleep(0.1)",
    "closes its output": GREET + "os.close(1); time.sleep(1000)",
    "closes its input": GREET + "os.close(0); time.sleep(1000)",
    "ignores signals": (
        GREET + "for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\nwhile True: time.sleep(1000)"
    ),
    "leaves children": (
        GREET + "for _ in range(3): subprocess.Popen(['sleep', '1000'])\n" + ASKED + "os.write(1, b'6-6\\n')"
    ),
    "leaves its session": (
        GREET + "subprocess.Popen(['sh', '-c', 'setsid sleep 1000 & sleep 1000'], start_new_session=True)\n"
        "os.read(0, 1)"
    ),
    "kills its guard": GREET + "os.read(0, 1); os.kill(os.getppid(), 9); time.sleep(1000)",
    "bytes that are no text": GREET + ASKED + "os.write(1, b'\\xff\\x00\\x1b[2J\\n')",
    "two lines": GREET + ASKED + "os.write(1, b'6-6\\n5-5\\n')",
}


class OneProcess(ExternalAgent):
    """How programs were asked before: one process for both partners and both tables."""

    def act_at(self, views: np.ndarray, rng: Randomness, places: np.ndarray) -> np.ndarray:
        return super().act_at(views, rng, np.zeros_like(places))

    def prepare(self, places: np.ndarray) -> None:
        super().prepare(np.zeros_like(places[:1]))


def memory(deals: int) -> bool:
    """A program that remembers other hands of a deal, against its honest twin: they must be level."""
    seed, elo = secrets.randbits(64), {}
    print(f"Elo over eq:n=10 on {deals} mirrored deals of a secret seed, and how often another hand was recognised")
    with tempfile.TemporaryDirectory() as scratch:
        program, note = Path(scratch) / "program.py", Path(scratch) / "recognised"
        program.write_text(CHEAT)
        for name, kind, flag in (
            ("honest", ExternalAgent, ""),
            ("remembers", ExternalAgent, "--remember"),
            ("remembers, in one process as before", OneProcess, "--remember"),
        ):
            note.write_text("")
            command = shlex.join([sys.executable, str(program), str(note), *([flag] if flag else [])])
            agent = kind(command, move_time_s=300.0)  # it may have to compile kernels first
            result = play_pairing(agent, "eq:n=10", num_deals=deals, seed=seed, strict=True)
            agent.close()
            low, high = result.elo_interval
            elo[name] = (result.elo, (high - low) / 2)
            recognised = sum(map(int, note.read_text().split()))
            print(f"  {name:<38}{result.elo:+7.0f} ± {(high - low) / 2:.0f}   {recognised:,}", flush=True)
    gained = elo["remembers"][0] - elo["honest"][0]
    print(f"  remembering is worth {gained:+.0f} Elo")
    return abs(gained) <= elo["honest"][1]


def programs() -> bool:
    """Programs that break the protocol in every way: each run must end, score all hands and leave nothing."""
    survived = 0
    for name, body in NASTY.items():
        with tempfile.TemporaryDirectory() as scratch:
            file, out = Path(scratch) / "nasty.py", Path(scratch) / "run"
            file.write_text(body)
            words = ["random", f"cmd:{shlex.join([sys.executable, str(file)])}", "--move-time", "0.3", "--deals", "6"]
            started = time.monotonic()
            arena = start_arena(scratch, [*words, "--jobs", "2", "--no-plots", "--out", str(out)])
            try:
                arena.communicate(timeout=300.0)
                whole = arena.returncode == 0 and len(RunFolder.read(out).games()) == 12
            except subprocess.TimeoutExpired:
                arena.kill()
                whole = False
            left = left_after(scratch)
        survived += whole and not left
        verdict = "ended, all scored" if whole else "DID NOT END"
        print(f"  {name:<28}{verdict}, {len(left)} processes left, {time.monotonic() - started:.0f} s", flush=True)
    print(f"  {survived} of {len(NASTY)} did no harm")
    return survived == len(NASTY)


def stops(tries: int) -> bool:
    """Stops at any moment: nothing is left, and what is resumed is what a run never stopped would have played."""
    generator, survived, num = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        player = Path(scratch) / "player.py"
        player.write_text(
            "import sys\nfrom zeb42_env import Hand, action_text\nsys.stdin.readline(); print('ready', flush=True)\n"
            "for line in sys.stdin:\n    word, *rest = line.split(' ', 2)\n    if word == 'quit\\n': break\n"
            "    print(action_text(Hand.parse(rest[1]).legal_actions()[0]), flush=True)\n"
        )
        command = f"cmd:{shlex.join([sys.executable, str(player)])}"
        words = ["random", "greedy", command, "--seed", "1", "--deals", "40", "--jobs", "2", "--no-plots"]
        whole = Path(scratch) / "whole"
        start_arena(scratch, [*words, "--out", str(whole)]).communicate()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            for _ in range(tries):
                num += 1
                out = Path(scratch) / f"run{num}"
                arena = start_arena(scratch, [*words, "--out", str(out)])
                time.sleep(generator.uniform(0.1, 8.0))
                arena.send_signal(number)
                arena.communicate(timeout=60.0)
                left = left_after(scratch)
                start_arena(scratch, [*words, "--out", str(out)]).communicate()
                same = results_of(out) == results_of(whole)
                survived += same and not left
                if left or not same:
                    print(f"  {number.name}: {len(left)} processes left, results {'same' if same else 'DIFFER'}")
    print(f"  {survived} of {num} stops left nothing behind and lost nothing")
    return survived == num


def records(tries: int) -> bool:
    """Change bytes of records from play, at random, and hand them to the gate: none may crash it, and what it lets
    through has to be a hand, which its notation tells whole."""
    rng, good = np.random.default_rng(0), []
    for seed in range(400):
        kind = (Rules(), Rules(contract="random", scoring="majority"), Rules(episode="match"))[seed % 3]
        hand = Hand.deal(seed, kind)
        for _ in range(seed % 34):
            if not hand.is_over:
                hand.apply(int(rng.choice(hand.legal_actions())))
        good += [hand.record, *(hand.view(seat) for seat in range(4))]
    originals, num_tried, num_passed, num_wrong = np.array(good, HAND), 0, 0, 0
    while num_tried < tries:
        raw = originals.copy().view(np.uint8).reshape(len(originals), -1)
        rows = np.arange(len(raw))
        for _ in range(int(rng.choice([1, 2, 8, 96]))):
            raw[rows, rng.integers(0, raw.shape[1], len(raw))] = rng.integers(0, 256, len(raw), dtype=np.uint8)
        changed = raw.reshape(-1).view(HAND)
        passed = changed[(find_flaws(changed) == 0) & (raw != originals.view(np.uint8).reshape(raw.shape)).any(1)]
        for record in passed:
            hand = Hand(record)
            num_wrong += Hand.parse(str(hand)) != hand
        num_tried, num_passed = num_tried + len(changed), num_passed + len(passed)
    print(f"  {num_tried:,} records of changed bytes: no crash, {num_passed:,} passed, {num_wrong} of them no hands")
    return num_wrong == 0


def start_arena(mark: str, words: list[str]) -> subprocess.Popen[str]:
    """The arena's command line, with a mark in the environment by which all of its processes are found."""
    command = [sys.executable, "-m", "zeb42_agents.arena", *words]
    environment = os.environ | {MARK: mark, "XDG_STATE_HOME": mark}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def left_after(mark: str) -> list[str]:
    """The process numbers that bear the mark and do not end (Linux)."""
    deadline = time.monotonic() + GRACE_S
    while True:
        left = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    left.append(folder.name)
            except OSError:
                continue
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def results_of(out: Path) -> list[tuple[object, ...]]:
    """What was played, whatever the order and the time it took; each game once."""
    rows = {}
    for line in RunFolder.read(out).lines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # cut off
        rows[row["deal"], row["table"], *row["teams"]] = row["hand"]
    return sorted((*key, hand) for key, hand in rows.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["memory", "programs", "stops", "records"])
    parser.add_argument("--deals", type=int, default=100, help="mirrored deals of the memory attack")
    parser.add_argument("--tries", type=int, default=5, help="stops by each signal")
    parser.add_argument("--records", type=int, default=1_500_000, help="records of changed bytes")
    options = parser.parse_args()
    attacks = {
        "memory": lambda: memory(options.deals),
        "programs": programs,
        "stops": lambda: stops(options.tries),
        "records": lambda: records(options.records),
    }
    harmless = True
    for name in options.only or attacks:
        print(name, flush=True)
        harmless &= attacks[name]()
    return 0 if harmless else 1


if __name__ == "__main__":
    sys.exit(main())
