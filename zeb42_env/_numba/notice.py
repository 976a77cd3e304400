"""One line on stderr when numba compiles this package's kernels for more than two seconds, as it does once."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from numba.core import event

PATIENCE_S = 2.0
MESSAGE = "zeb42: compiling kernels, each once after installation; this may take a minute or more ...\n"
_PACKAGES = ("zeb42_env", "zeb42_agents")


class CompileNotice(event.Listener):
    """Adds up the time that our kernels compile, and says so when it passes PATIENCE_S.

    Kernels that numba finds in its cache raise no event. The line comes from a timer, so it is on the screen while
    the compiler is still at work.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._spent_s = 0.0
        self._started_s = 0.0
        self._timer: threading.Timer | None = None
        self._said = False

    def on_start(self, start: Any) -> None:
        if self._said or not start.data["dispatcher"].py_func.__module__.startswith(_PACKAGES):
            return
        self._depth += 1
        if self._depth == 1:
            self._started_s = time.monotonic()
            self._timer = threading.Timer(max(0.0, PATIENCE_S - self._spent_s), self._say)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, end: Any) -> None:
        if self._depth == 0 or not end.data["dispatcher"].py_func.__module__.startswith(_PACKAGES):
            return
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._spent_s += time.monotonic() - self._started_s

    def _say(self) -> None:
        if not self._said:
            self._said = True
            sys.stderr.write(MESSAGE)
            sys.stderr.flush()


def install() -> None:
    """Listen to the compiler from now on."""
    event.register("numba:compile", CompileNotice())
