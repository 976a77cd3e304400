"""Starts one program, and ends it with all that it started when the arena lets go of it, or has ended itself.

A process that is killed cannot clean up after itself, so beside each program stands a guard: a small process that runs
this file alone, without the package. It leads a process group that the program is in, and waits for the end of its
socket, which the system closes whatever happens to the arena. On Linux what outlives its parent becomes a child of the
guard, even if it has left the group (``setsid``); so nothing is left when the guard has no children. Elsewhere what
left the group lives on.

    python guard.py SOCKET WORD ...     the number of the open socket, and the program's words

The arena may say, before it closes its side, how many seconds the program has to end by itself. The guard answers with
how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

POLL_S = 0.002
KILL_TIME_S = 5.0  # what is not gone by then cannot be killed by this account, or not now
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a program may end its own group by them
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_PR_SET_CHILD_SUBREAPER = 36


def guard(control: int, words: list[str]) -> None:
    """Run the program ``words`` until the socket ``control`` ends; then end it, its group and this process."""
    os.set_inheritable(control, False)
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    _adopt_orphans()
    try:
        program = os.posix_spawnp(words[0], words, os.environ, setsigdef=(*_STOPS, *_IGNORED_BY_PYTHON))
    except OSError as error:
        how = f"could not be started: {error}"
    else:
        null = os.open(os.devnull, os.O_RDWR)
        for pipe in (0, 1):  # they are the program's, and close when it closes them
            os.dup2(null, pipe)
        how = _end(program, float(_all_of(control) or 0))
    with suppress(OSError):  # nobody is left to hear it
        os.write(control, how.encode())
    os.killpg(0, signal.SIGKILL)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _all_of(control: int) -> bytes:
    received = b""
    with suppress(OSError):
        while some := os.read(control, 64):
            received += some
    return received


def _end(program: int, time_s: float) -> str:
    """Kill all children once the program has had its time; returns how it ended, a signal as a negative number."""
    deadline, how = time.monotonic() + time_s, ""
    while not (ended := os.waitpid(program, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if not ended[0]:
        _kill([program])
    deadline = time.monotonic() + KILL_TIME_S
    with suppress(ChildProcessError):  # there are none left
        while time.monotonic() < deadline:
            if ended[0] == program:
                how = f"exit status {os.waitstatus_to_exitcode(ended[1])}"
            ended = os.waitpid(-1, os.WNOHANG)
            if not ended[0]:
                _kill(_children())
                time.sleep(POLL_S)
    return how or "could not be killed"


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(OSError):  # it is another account's
            os.kill(pid, signal.SIGKILL)


def _children() -> list[int]:
    """The children of this process (Linux; none elsewhere)."""
    found = []
    for name in os.listdir("/proc") if sys.platform == "linux" else ():
        with suppress(OSError, ValueError), open(f"/proc/{int(name)}/stat", "rb") as stat:
            # number (name) state parent ...
            if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                found.append(int(name))
    return found


if __name__ == "__main__":
    guard(int(sys.argv[1]), sys.argv[2:])
