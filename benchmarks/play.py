"""How quick ``zeb42 play`` is: from the command to the first page and the first turn, a move, many tables at once.

    python benchmarks/play.py                   on an idle machine, after one start that compiles
    python benchmarks/play.py --tables 50

Everything is measured from outside, over HTTP, at a server of its own on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

SEATS = ["you", "Zeb", "Zeb", "Zeb"]  # who play 40 guessed deals to the end


@contextmanager
def server() -> Iterator[tuple[str, float]]:
    """A server's address, and when its command was given."""
    start_s = time.perf_counter()
    command = [sys.executable, "-m", "zeb42_agents", "play", "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found
    try:
        yield found[0].rstrip("/"), start_s
    finally:
        process.terminate()
        process.wait(20)


def until(client: httpx.Client, path: str, done: Any, *, limit_s: float = 300.0) -> dict[str, Any]:
    """What ``path`` answers once it is ``done``."""
    end_s = time.perf_counter() + limit_s
    while time.perf_counter() < end_s:
        found: dict[str, Any] = client.get(path).json()
        if done(found):
            return found
        time.sleep(0.002)
    raise TimeoutError(f"{path} is not done after {limit_s:g} s")


def waits(state: dict[str, Any]) -> bool:
    """Whether a person is to move, or the hand is over."""
    return bool(state["your_turn"] or state["over"])


def play_hand(client: httpx.Client, seats: list[str], moves_ms: list[float], seed: int) -> None:
    """One hand with the first legal action each time; the time per answered move is added to ``moves_ms``."""
    wanted = {"seats": seats, "episode": "hand", "seed": seed}
    state = client.post("/api/tables", json=wanted).raise_for_status().json()
    path = f"/api/tables/{state['id']}"
    state = until(client, path, waits)
    while not state["over"]:
        said = {"version": state["version"], "action": state["legal"][0]}
        start_s = time.perf_counter()
        client.post(f"{path}/act", json=said).raise_for_status()
        after = until(client, path, waits)
        answers = after["version"] - state["version"] - 1
        if answers > 0:
            moves_ms.extend([(time.perf_counter() - start_s) / answers * 1e3] * answers)
        state = after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=int, default=5, help="hands that moves are measured over")
    parser.add_argument("--tables", type=int, default=50, help="tables side by side")
    options = parser.parse_args()
    with server() as (url, start_s), httpx.Client(base_url=url, timeout=300) as client:
        client.get("/").raise_for_status()
        print(f"first page         {time.perf_counter() - start_s:6.2f} s after the command")
        key = client.post("/api/tables", json={}).raise_for_status().json()["id"]
        print(f"dominoes dealt     {time.perf_counter() - start_s:6.2f} s")
        until(client, f"/api/tables/{key}", waits)
        print(f"own turn           {time.perf_counter() - start_s:6.2f} s")
        until(client, "/api/version", lambda found: found["ready"])
        print(f"all warm           {time.perf_counter() - start_s:6.2f} s")
        moves_ms: list[float] = []
        for seed in range(options.hands):
            play_hand(client, SEATS, moves_ms, seed)
        middle, most = np.percentile(moves_ms, [50, 95])
        print(f"a move of Zeb      {middle:6.0f} ms, 95% within {most:.0f} ms, over {len(moves_ms)} moves")
        line = client.post("/api/tables", json={"seats": ["Steady"] * 4, "episode": "hand", "seed": 1}).json()
        over = until(client, f"/api/tables/{line['id']}", lambda state: state["over"])["over"]["hand"]
        start_s = time.perf_counter()
        with client.stream("POST", "/api/review", json={"hand": over, "seat": None}) as review:
            arrived = [time.perf_counter() - start_s for _ in review.iter_lines()]
        print(
            f"a review           {arrived[-1]:6.1f} s for {len(arrived) - 2} decisions, the first in {arrived[1]:.2f} s"
        )
        side_by_side(url, options.tables)


def side_by_side(url: str, num_tables: int) -> None:
    """A hand at each of many tables at once."""
    moves_ms: list[float] = []
    errors: list[str] = []

    def play(seed: int) -> None:
        try:
            with httpx.Client(base_url=url, timeout=300) as client:
                play_hand(client, SEATS, moves_ms, seed)
        except Exception as error:  # counted
            errors.append(f"{type(error).__name__}: {error}")

    start_s = time.perf_counter()
    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(num_tables)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        f"{num_tables} tables at once {time.perf_counter() - start_s:6.1f} s for a hand at each, {len(errors)} errors, "
        f"a move {np.median(moves_ms):.0f} ms in the middle"
    )
    for error in errors[:3]:
        print(f"  {error}")


if __name__ == "__main__":
    main()
