"""Programs end with the arena that started them, however it ends.

A process that is killed cannot clean up after itself, so each one that starts programs has a guard beside it: a small
process that is told of every program, and that kills what is left of them when the pipe from its arena closes. The
system closes that pipe whatever happens to the arena. The guard runs this file alone, without the package.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress


class Guard:
    """The arena's side: keeps the guard informed, and starts it when there is something to guard."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._pipe = self._owner = -1

    def add(self, group: int) -> None:
        """Kill this process group when this process ends."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """The group is gone, and its number free for others."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        if self._owner == os.getpid():
            try:
                os.write(self._pipe, line.encode())
                return
            except OSError:  # somebody ended the guard
                os.close(self._pipe)
        elif self._owner >= 0:  # a fork: what was started before is the business of the process that did
            self._groups.clear()
        self._start()

    def _start(self) -> None:
        ours, self._pipe = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY)
        actions = [(os.POSIX_SPAWN_DUP2, here, there) for here, there in ((ours, 0), (null, 1), (null, 2))]
        words = [sys.executable, "-I", "-S", __file__]
        os.posix_spawn(sys.executable, words, os.environ, file_actions=actions)
        os.close(ours)
        os.close(null)
        self._owner = os.getpid()
        os.write(self._pipe, "".join(f"+{group}\n" for group in self._groups).encode())


GUARD = Guard()
"""The guard of the programs that this process starts."""


def kill_group(group: int) -> None:
    """End every process of the group, if there is one."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies alone
        os.killpg(group, signal.SIGKILL)


def _stand_guard() -> None:
    os.setsid()  # no Ctrl-C and no closing terminal ends the guard before the arena
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        kill_group(group)


if __name__ == "__main__":
    _stand_guard()
