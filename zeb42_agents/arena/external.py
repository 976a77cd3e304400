"""Players in any language: a program that reads a view a line and answers an action a line.

The arena starts the program without a shell, and talks to it over its standard input and output, in UTF-8:

    arena    zeb42-arena 1
    program  ready My Player 1.2
    arena    act 1234567890 zeb42/1 deal=66.65.54.50.41.32.00|?|?|? seat=0 shaker=2 contract=0:31:sixes
    program  6-6
    ...
    arena    quit

``act KEY VIEW`` asks for one decision. VIEW is the notation of all that the seat to move may know (``seat=``); the
answer is an action in words: ``6-4``, ``pass``, ``31`` (a bid), ``1 mark``, ``fives`` (a declaration). KEY is a number
0..2**64-1 that depends on the deal, table and decision alone: a program that takes its randomness from it plays the
same whoever asks and in whatever order.

**One process per place.** A place is a seat at one of the two tables of one pair. No process is ever shown a deal from
two places, so none can remember what its partner, or the mirrored table, held. Views of many deals come interleaved.

**What loses a hand**: no answer within the move time (the time to take the question in included), an end instead of an
answer, more than one line, or something that is not a legal action. Except for the last, the process is killed, with
all that it started, and a new one plays on, however often that happens. What one hand costs does not depend on the
hands that were asked before: an end loses a hand only if a new process ends at the same question, and a line or an end
while nobody asked costs none. A program that does not come up in MAX_FAILED_STARTS starts loses the hand; if it never
did, it is given up, and loses all hands. What it writes to standard error goes to the arena's.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from time import monotonic

import numpy as np

from zeb42_agents.agent import Agent, Randomness, view_keys
from zeb42_agents.arena import guard
from zeb42_agents.arena.stops import stops_held
from zeb42_env import parse_action
from zeb42_env.notation import format_hand

GREETING = "zeb42-arena 1"
DEFAULT_MOVE_TIME_S = 10.0
MAX_MOVE_TIME_S = 86400.0  # what the system's clocks of a wait can hold, and a person's patience
START_TIME_S = 60.0
MAX_FAILED_STARTS = 3
MAX_LINE_BYTES = 4096
STOP_TIME_S = 2.0
END_TIME_S = 0.2  # for a process that has closed its output to have ended


class ExternalError(Exception):
    """A program that gave no usable answer: the hand is lost."""


class _EndedError(ExternalError):
    """It ended in place of an answer."""


class ExternalAgent(Agent):
    """An agent that is another program; see the module for the protocol."""

    def __init__(self, command: str, *, move_time_s: float = DEFAULT_MOVE_TIME_S) -> None:
        self._processes: dict[int, _Process] = {}  # by place
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"expected a command line after cmd:, got {command!r}: {error}") from None
        if "\0" in command:
            raise ValueError(f"expected a command line after cmd:, got one with a zero byte: {command!r}")
        if not self._words:
            raise ValueError("expected a command line after cmd:, got nothing; such as cmd:./my_player --fast")
        if not 0 < move_time_s <= MAX_MOVE_TIME_S:
            raise ValueError(f"expected a move time above 0 and up to {MAX_MOVE_TIME_S:g} seconds, got {move_time_s}")
        self.name = f"cmd:{command}"
        self.command = command
        self.move_time_s = move_time_s
        self.failures: dict[int, str] = {}
        """Why the last call of :meth:`act` failed at which views."""
        self._came_up = False
        self._num_failed_starts = 0
        self._given_up = ""

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One action for each view, -1 where the program failed (see ``failures``); one process per seat."""
        return self.act_at(views, rng, views["seat"])

    def act_at(self, views: np.ndarray, rng: Randomness, places: np.ndarray) -> np.ndarray:
        """As :meth:`act`, one process for each of ``places`` (int [B]): views of one place may meet, no others do."""
        keys = view_keys(rng, len(views))
        self.failures = {}
        actions = np.full(len(views), -1, np.int64)
        for b, (view, key, place) in enumerate(zip(views, keys, places.tolist(), strict=True)):
            try:
                actions[b] = self._ask(f"act {key} {format_hand(view)}", place)
            except ExternalError as error:
                self.failures[b] = str(error)
        return actions

    def prepare(self, places: np.ndarray) -> None:
        """Start the processes of ``places``, side by side, so that starting does not count as thinking."""
        missing = [place for place in places.tolist() if place not in self._processes]
        since = monotonic()
        with suppress(ExternalError):  # given up, as who is asked there says
            for place in missing:
                self._launch(place)
        for place in self._processes.keys() & missing:
            with suppress(ExternalError):
                self._greet(place, since)

    def close(self) -> None:
        """End the program, gently at first. The next call of :meth:`act` would start it anew."""
        processes, self._processes = list(self._processes.values()), {}
        self._came_up, self._num_failed_starts, self._given_up = False, 0, ""
        for process in processes:
            process.say_quit()
            process.let_go(STOP_TIME_S)
        for process in processes:
            process.end()

    def __del__(self) -> None:
        self.close()

    def _ask(self, line: str, place: int) -> int:
        process = self._processes.get(place)
        if process and not process.is_out_of_turn():
            with suppress(_EndedError):  # of what it was asked before, perhaps: a new process decides
                return self._answer(place, line)
        self._start(place)
        return self._answer(place, line)

    def _answer(self, place: int, line: str) -> int:
        reply = self._exchange(place, line, self.move_time_s, monotonic())
        try:
            return parse_action(reply)
        except ValueError:
            raise ExternalError(f"answered {reply[:80]!r}, which is not an action") from None

    def _exchange(self, place: int, line: str, time_s: float, since: float) -> str:
        """The answer to a line; a process that fails at that is ended."""
        try:
            return self._processes[place].exchange(line, time_s, since)
        except _EndedError:
            how = self._processes.pop(place).end(after_s=END_TIME_S)
            raise _EndedError(f"ended ({how})") from None
        except ExternalError:
            self._processes.pop(place).end()
            raise

    def _start(self, place: int) -> None:
        """A new process for ``place``. ExternalError if none of MAX_FAILED_STARTS came up."""
        if place in self._processes:
            self._processes.pop(place).end()
        for _ in range(MAX_FAILED_STARTS - 1):
            with suppress(ExternalError):
                return self._try_start(place)
        return self._try_start(place)

    def _try_start(self, place: int) -> None:
        self._launch(place)
        self._greet(place, monotonic())

    def _launch(self, place: int) -> None:
        if self._given_up:
            raise ExternalError(self._given_up)
        self._processes[place] = _Process(self._words)

    def _greet(self, place: int, since: float) -> None:
        try:
            reply = self._exchange(place, GREETING, START_TIME_S, since)
            if not reply.startswith("ready"):
                self._processes.pop(place).end()
                raise ExternalError(f"answered {reply[:80]!r} to the greeting; expected 'ready'")
        except ExternalError as error:
            raise self._failed_start(f"did not come up: {error}") from None
        self._came_up, self._given_up = True, ""

    def _failed_start(self, why: str) -> ExternalError:
        self._num_failed_starts += 1
        if self._num_failed_starts >= MAX_FAILED_STARTS and not self._came_up:
            self._given_up = f"gave up after {self._num_failed_starts} starts: {why}"
        return ExternalError(self._given_up or why)


class _Process:
    """One process of a program, with its guard, and the talk with it, which never waits beyond a deadline."""

    def __init__(self, words: list[str]) -> None:
        with stops_held():  # a stop in between would leave a program that nobody knows of
            self._control, theirs = socket.socketpair()
            with theirs:
                self._guard = subprocess.Popen(
                    [sys.executable, "-I", "-S", guard.__file__, str(theirs.fileno()), *words],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # no Ctrl-C and no closing terminal ends it before the arena
                )
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._requests, self._answers = self._guard.stdin, self._guard.stdout
        os.set_blocking(self._requests.fileno(), False)

    def is_out_of_turn(self) -> bool:
        """Whether it has said something, or ended, although nobody asked."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            return bool(selector.select(0))

    def exchange(self, line: str, time_s: float, since: float) -> str:
        """Send a line and wait for the answer. ExternalError if there is none within ``time_s``, or a wrong one."""
        deadline = since + time_s
        unsent, received = self._send(line.encode() + b"\n"), b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            if unsent:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while b"\n" not in received:
                ready = {key.fileobj for key, _ in selector.select(max(0.0, deadline - monotonic()))}
                if not ready or (received and monotonic() > deadline):
                    raise ExternalError(f"no answer within {time_s:g} s")
                if self._requests in ready:
                    unsent = self._send(unsent)
                    if not unsent:
                        selector.unregister(self._requests)
                if self._answers in ready:
                    received += self._receive()
                    if len(received) > MAX_LINE_BYTES:
                        raise ExternalError(f"answered a line of more than {MAX_LINE_BYTES} bytes")
        reply, _, surplus = received.partition(b"\n")
        if surplus:  # it would be taken for the answer to the next line
            raise ExternalError("answered more than one line")
        if unsent:
            raise ExternalError("answered before it was asked")
        return reply.decode(errors="replace").strip()

    def _send(self, unsent: bytes) -> bytes:
        try:
            return unsent[os.write(self._requests.fileno(), unsent) :]
        except BlockingIOError:
            return unsent
        except OSError:
            raise _EndedError from None

    def _receive(self) -> bytes:
        received = os.read(self._answers.fileno(), MAX_LINE_BYTES)
        if not received:
            raise _EndedError
        return received

    def say_quit(self) -> None:
        """Ask it to end; one that does not read its questions is not waited for."""
        with suppress(OSError):
            os.write(self._requests.fileno(), b"quit\n")
        self._requests.close()

    def let_go(self, time_s: float) -> None:
        """Have it killed, with all that it started, unless it ends within ``time_s``."""
        with suppress(OSError):  # the guard has ended
            self._control.sendall(f"{time_s}".encode())
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def end(self, *, after_s: float = 0.0) -> str:
        """As :meth:`let_go`, and wait until it is done (a guard goes on alone, too); returns how it ended."""
        self.let_go(after_s)
        self._control.settimeout(after_s + 2 * guard.KILL_TIME_S)
        with closing(self._control), closing(self._requests), closing(self._answers):
            try:
                how = self._control.recv(MAX_LINE_BYTES).decode(errors="replace")
            except OSError:  # a program can stop its guard
                how = ""
            with suppress(OSError):
                os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        return how or "with its guard"
