"""Players in any language: a program that reads a view a line and answers an action a line.

The arena starts the program once, without a shell, and talks to it over its standard input and output, in UTF-8:

    arena    zeb42-arena 1
    program  ready My Player 1.2
    arena    act 1234567890 zeb42/1 deal=66.65.54.50.41.32.00|?|?|? seat=0 shaker=2 contract=0:31:sixes
    program  6-6
    ...
    arena    quit

``act KEY VIEW`` asks for one decision. VIEW is the notation of all that the seat to move may know (``seat=``); the
answer is an action in words: ``6-4``, ``pass``, ``31`` (a bid), ``1 mark``, ``fives`` (a declaration). KEY is a number
0..2**64-1 that depends on the deal, table and decision alone: a program that takes its randomness from it plays the
same whoever asks and in whatever order. Views of many hands are asked in turn, so a program must not count on
remembering the last one.

A program that does not answer within its move time, that ends, that answers more than one line, or that answers
something that is not a legal action loses the hand. After all but the last it is started again, up to MAX_RESTARTS
times; then it loses every hand. One that cannot be started, ends or misunderstands the greeting the first time is not
started again. What it writes to standard error goes to the arena's.
"""

from __future__ import annotations

import os
import selectors
import shlex
import subprocess
from time import monotonic

import numpy as np

from zeb42_agents.agent import Randomness, view_keys
from zeb42_env import parse_action
from zeb42_env.notation import format_hand

GREETING = "zeb42-arena 1"
DEFAULT_MOVE_TIME_S = 10.0
MAX_MOVE_TIME_S = 86400.0  # what the system's clocks of a wait can hold, and a person's patience
START_TIME_S = 60.0
MAX_RESTARTS = 10
MAX_LINE_BYTES = 4096
STOP_TIME_S = 2.0


class ExternalError(Exception):
    """A program that gave no usable answer: the hand is lost."""


class SlowError(ExternalError):
    """A program that gave no answer in time: it may the next time."""


class ExternalAgent:
    """An agent that is another program; see the module for the protocol."""

    def __init__(self, command: str, *, move_time_s: float = DEFAULT_MOVE_TIME_S) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"expected a command line after cmd:, got {command!r}: {error}") from None
        if not self._words:
            raise ValueError("expected a command line after cmd:, got nothing; such as cmd:./my_player --fast")
        if not 0 < move_time_s <= MAX_MOVE_TIME_S:
            raise ValueError(f"expected a move time above 0 and up to {MAX_MOVE_TIME_S:g} seconds, got {move_time_s}")
        self.name = f"cmd:{command}"
        self.command = command
        self.move_time_s = move_time_s
        self.failures: dict[int, str] = {}
        """Why the last call of :meth:`act` failed at which views."""
        self._num_starts = 0
        self._given_up = ""
        self._pending = b""

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One action for each view, -1 where the program failed (see ``failures``)."""
        keys = view_keys(rng, len(views))
        self.failures = {}
        actions = np.full(len(views), -1, np.int64)
        for b, (view, key) in enumerate(zip(views, keys, strict=True)):
            try:
                actions[b] = self._ask(f"act {key} {format_hand(view)}", self.move_time_s)
            except ExternalError as error:
                self.failures[b] = str(error)
        return actions

    def close(self) -> None:
        """End the program, gently at first. The next call of :meth:`act` would start it anew."""
        process, self._process = self._process, None
        self._num_starts, self._given_up = 0, ""
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(b"quit\n")
            process.stdin.close()
            process.wait(STOP_TIME_S)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:  # after a second Ctrl-C too
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def __del__(self) -> None:
        self.close()

    def _ask(self, line: str, time_s: float) -> int:
        if self._process is None:
            self._start()
        reply = self._exchange(line, time_s)
        try:
            return parse_action(reply)
        except ValueError:
            raise ExternalError(f"answered {reply[:80]!r}, which is not an action") from None

    def _start(self) -> None:
        if self._given_up:
            raise ExternalError(self._given_up)
        if self._num_starts > MAX_RESTARTS:
            raise ExternalError(f"gave up after {MAX_RESTARTS} restarts")
        self._num_starts += 1
        self._pending = b""
        try:
            self._greet()
        except ExternalError as error:
            if self._num_starts == 1 and not isinstance(error, SlowError):
                self._given_up = f"gave up at its first start: {error}"
            raise

    def _greet(self) -> None:
        try:
            # unbuffered, so that a signal handler can close what is being written to
            self._process = subprocess.Popen(self._words, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise ExternalError(f"could not be started: {error}") from None
        reply = self._exchange(GREETING, START_TIME_S)
        if not reply.startswith("ready"):
            self._kill()
            raise ExternalError(f"answered {reply[:80]!r} to the greeting; expected 'ready'")

    def _exchange(self, line: str, time_s: float) -> str:
        """Send a line and wait for the answer; a program that fails at that is ended."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = monotonic() + time_s
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                if self._pending or selector.select(0):  # it would be taken for the answer to this line
                    surplus = self._pending or os.read(process.stdout.fileno(), MAX_LINE_BYTES)
                    raise ExternalError("answered more than one line" if surplus else "ended")
                process.stdin.write(line.encode() + b"\n")
                while b"\n" not in self._pending:
                    if not selector.select(max(0.0, deadline - monotonic())):
                        raise SlowError(f"no answer within {time_s:g} s")
                    received = os.read(process.stdout.fileno(), MAX_LINE_BYTES)
                    if not received:
                        raise ExternalError("ended")
                    self._pending += received
                    if len(self._pending) > MAX_LINE_BYTES:
                        raise ExternalError(f"answered a line of more than {MAX_LINE_BYTES} bytes")
        except ExternalError as error:
            code = self._kill()
            raise type(error)(f"{error} (exit status {code})" if str(error) == "ended" else str(error)) from None
        except OSError:
            raise ExternalError(f"ended (exit status {self._kill()})") from None
        reply, _, self._pending = self._pending.partition(b"\n")
        return reply.decode(errors="replace").strip()

    def _kill(self) -> int:
        process = self._process
        assert process is not None
        try:
            code = process.wait(0.2)  # one that ended by itself keeps its own status
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._process = None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        return code
