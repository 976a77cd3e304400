"""Ctrl-C, SIGTERM and SIGHUP (a closed terminal) all end a run in the same way: what is finished is kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """This process was asked to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number
        """What a shell expects: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""


_asked: list[int] = []


@contextmanager
def stops_raise() -> Iterator[None]:
    """Within the block each of STOP_SIGNALS that is not ignored (``nohup``) raises :class:`Stopped`."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        _asked.append(number)
        raise Stopped(number)

    before = _handle(stop)
    try:
        yield
    finally:
        _restore(before)
        _asked.clear()


def check_stop() -> None:
    """Raise once more what was swallowed: an exception in a callback of the compiler goes nowhere."""
    if _asked:
        raise Stopped(_asked.pop())


@contextmanager
def stops_held() -> Iterator[None]:
    """What would stop this process waits until the block is done. (Masked signals would stay masked in a child.)"""
    held: list[int] = []
    before = _handle(lambda number, _: held.append(number))
    try:
        yield
    finally:
        _restore(before)
        for stop in held:
            signal.raise_signal(stop)


def _handle(handler: object) -> dict[int, object]:
    """Replace the handlers of the stop signals that are not ignored; returns what was there."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handled = [number for number in STOP_SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, handler) for number in handled}  # type: ignore[arg-type]


def _restore(handlers: dict[int, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
