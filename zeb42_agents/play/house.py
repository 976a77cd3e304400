"""Many tables side by side: who sits at them, whose turn it is, and who is told of every change."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from zeb42_agents.agent import Agent, make_agent
from zeb42_agents.play import advice, archive, show
from zeb42_agents.play.kept import Kept
from zeb42_agents.play.levels import Level, find_level, offered
from zeb42_agents.play.players import PATIENCE_S, Player
from zeb42_agents.play.session import YOU, Session
from zeb42_agents.play.words import read_action
from zeb42_agents.play.workers import BusyError, Worker
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules

MAX_TABLES = 500
MAX_WATCHERS = 20  # streams of one table
MAX_WAITING = 100  # questions of one visitor before each adviser, on a server of one's own
PUBLIC_TABLES = 5  # that one visitor of a public server has open; a further one closes the oldest of them
PUBLIC_WAITING = 8  # questions of one visitor
PUBLIC_STREAMS = 20  # of one visitor, of all tables
HOLD_S = 600.0
"""How long after its last change a table keeps its place in a full house."""
NUM_NOTES = 2
IDLE_S = {False: 24 * 3600.0, True: 3600.0}
"""How long a table waits for its people before it is cleared away, on a server of one's own and on a public one."""


CLOSING_S = 5.0
"""How long the last hands may take to be written."""


class GoneError(LookupError):
    """No table has this key: it never was, or was cleared away."""


class LiveTable:
    """One session, the agents that play at it, and the streams that follow it."""

    def __init__(
        self,
        session: Session,
        players: dict[str, Player],
        names: dict[str, str],
        keep: Callable[[Session], None],
        *,
        visitor: str = "",
    ) -> None:
        self.session = session
        self.visitor = visitor
        """Who opened it, and on whose account its agents think."""
        self.keys = {secrets.token_urlsafe(12): seat for seat in session.people() or [0]}
        self.notes: deque[dict[str, Any]] = deque(maxlen=NUM_NOTES)
        self.used_s = time.monotonic()
        self._players, self._names, self._keep = players, names, keep
        self._streams: dict[asyncio.Queue[dict[str, Any] | None], str] = {}
        self._driver: asyncio.Task[None] | None = None

    def state(self, key: str) -> dict[str, Any]:
        """What the person with this key sees."""
        seat = self.keys[key]
        shown = show.state(self.session, seat)
        for entry in shown["seats"]:
            spec = entry["player"]
            player = self._players.get(spec)
            entry["name"] = "You" if entry["seat"] == seat and spec == YOU else self._names.get(spec, "A person")
            entry["calls"] = player.caller if player else None
        shown["id"] = key
        shown["notes"] = list(self.notes)
        opener, *guests = self.keys
        shown["invitations"] = {guest: show.place(self.keys[guest], seat) for guest in guests if key == opener}
        return shown

    def changed(self) -> None:
        """Tell every stream, and let agents go on."""
        self.used_s = time.monotonic()
        self._publish()
        if self._driver is not None:
            self._driver.cancel()
        self._driver = asyncio.get_running_loop().create_task(self._drive())

    def expect_room(self) -> None:
        """ValueError if too many streams follow this table already."""
        if len(self._streams) >= MAX_WATCHERS:
            raise ValueError(f"expected at most {MAX_WATCHERS} streams of one table; close a tab")

    async def follow(self, key: str) -> AsyncIterator[dict[str, Any]]:
        """The state now, and every one that follows, none left out, until the table is cleared away."""
        stream: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._streams[stream] = key
        try:
            yield self.state(key)
            while (state := await stream.get()) is not None:
                yield state
        finally:
            del self._streams[stream]

    def close(self) -> None:
        """Let nobody play here any more, nor follow."""
        if self._driver is not None:
            self._driver.cancel()
        for stream in self._streams:
            stream.put_nowait(None)

    async def _drive(self) -> None:
        while (question := self.session.question()) is not None:
            player = self._players[self.session.seats[question.seat]]
            answer = await player.answer(question, who=self.visitor)
            if question.version != self.session.version:
                return
            if answer.note:
                self.notes.append({"version": question.version, "seat": question.seat, "text": answer.note})
            self.session.act(question.seat, answer.action, question.version)
            self._publish()

    def _publish(self) -> None:
        if self.session.hand.is_over:
            self._keep(self.session)
        for stream, key in self._streams.items():
            stream.put_nowait(self.state(key))


class House:
    """All tables of a server.

    Args:
        more: specs of agents that may be seated beside our levels.
        public: for strangers: caps on effort, tables that expire soon, nothing kept.
        kept: where finished hands are kept; the user's data folder without it.
    """

    def __init__(
        self,
        more: Sequence[str] = (),
        *,
        public: bool = False,
        make: Callable[[str], Agent] = make_agent,
        patience_s: float = PATIENCE_S,
        kept: Kept | None = None,
    ) -> None:
        self.levels: list[Level] = offered(more, public=public)
        self.public = public
        self._make, self._patience_s = make, patience_s
        self._kept = None if public else kept or Kept()
        self._players: dict[str, Player] = {}
        self._tables: dict[str, LiveTable] = {}
        self._watching: Counter[str] = Counter()
        """The streams of each visitor."""
        most_each = PUBLIC_WAITING if public else MAX_WAITING
        self._advisers = [Worker(f"adviser {number}", most_each=most_each) for number in (1, 2)]
        self._keeper = Worker("keeper")  # reads and writes the file of hands, which grows with the years
        self._names = {level.spec: level.name for level in self.levels}
        self._calls = {level.spec: level.calls for level in self.levels}

    def player(self, spec: str) -> Player:
        """The player of ``spec``, one for all tables."""
        if spec not in self._players:
            most_each = PUBLIC_WAITING + PUBLIC_TABLES if self.public else None
            self._players[spec] = Player(
                spec,
                make=self._make,
                patience_s=self._patience_s,
                calls=self._calls.get(spec),
                most_each=most_each,
            )
        return self._players[spec]

    def open(
        self,
        seats: Sequence[str],
        *,
        rules: Rules | None = None,
        seed: int | None = None,
        hand: Hand | None = None,
        visitor: str = "",
    ) -> str:
        """A new table; the key of its first person's place (of the place behind seat 0 if agents play alone).

        ``seats`` are four: ``you``, or names or specs of levels; ``visitor`` is who opens it. ValueError says what is
        not to be had, BusyError that the house is full.
        """
        if len(seats) != 4:
            raise ValueError(f"expected four seats, got {len(seats)}")
        specs = [YOU if seat == YOU else find_level(seat, self.levels).spec for seat in seats]
        session = Session(specs, rules=rules, seed=seed, hand=hand)
        self.clear_away()
        self._make_room(visitor)
        players = {spec: self.player(spec) for spec in specs if spec != YOU}
        table = LiveTable(session, players, self._names, self._keep, visitor=visitor)
        for key in table.keys:
            self._tables[key] = table
        table.changed()
        return next(iter(table.keys))

    def table(self, key: str) -> LiveTable:
        """The table that ``key`` belongs to. GoneError if there is none."""
        if key not in self._tables:
            raise GoneError("this table is not open any more: start a new one")
        return self._tables[key]

    def state(self, key: str) -> dict[str, Any]:
        """What the person with this key sees."""
        return self.table(key).state(key)

    def follow(self, key: str, *, visitor: str = "") -> AsyncIterator[dict[str, Any]]:
        """What the person with this key sees, now and after every change. ValueError if too many follow already."""
        table = self.table(key)
        table.expect_room()
        if self.public and self._watching[visitor] >= PUBLIC_STREAMS:
            raise ValueError(f"expected at most {PUBLIC_STREAMS} streams of one visitor; close a tab")
        return self._followed(table, key, visitor)

    def say(self, key: str, words: str, version: int) -> dict[str, Any]:
        """The person with this key does what ``words`` say; the table afterwards."""
        table, seat = self._place(key)
        if table.session.seats[seat] != YOU:
            raise ValueError("an agent sits here: you watch")
        view = table.session.view(seat)
        if version == table.session.version and view.to_move == seat:
            action = read_action(words, view)
        else:
            action = -1  # the session says what is wrong
        table.session.act(seat, action, version)
        return self._after(key)

    def undo(self, key: str, version: int) -> dict[str, Any]:
        """Take the last action back."""
        table, seat = self._place(key)
        table.session.undo(seat, version)
        return self._after(key)

    def replay(self, key: str, version: int) -> dict[str, Any]:
        """The same hand from its start."""
        self._place(key)[0].session.replay(version)
        return self._after(key)

    def go_on(self, key: str, version: int) -> dict[str, Any]:
        """The next hand."""
        table, _ = self._place(key)
        table.session.go_on(version)
        table.notes.clear()
        return self._after(key)

    def new(self, key: str, version: int, seed: int | None) -> dict[str, Any]:
        """A new hand or match at the same table."""
        table, _ = self._place(key)
        table.session.new(version, seed)
        table.notes.clear()
        return self._after(key)

    def viewed(self, key: str) -> Hand:
        """What the person with this key may know, the own turn or not."""
        table, seat = self._place(key)
        return table.session.view(seat)

    async def ask(
        self, view: Hand, *, level: str | None, up_to: int, visitor: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """Everything about a decision, piece by piece: hidden dominoes, an opinion, and plays over more and more
        guessed deals. ``level`` is whose belief and opinion are asked; the rules alone without it."""
        found = find_level(level, self.levels) if level else None
        if int(view.record["seat"]) < 0:
            raise ValueError("the hand is over: review it instead")
        name = found.name if found else ""
        yield await self._asked(found, lambda agent: advice.hidden(view, agent, name), visitor)
        yield await self._asked(found, lambda agent: advice.guesses(view, agent, name), visitor)
        if view.to_move != int(view.record["seat"]):
            return
        if found is not None:
            yield await self._asked(found, lambda agent: advice.opinion(view, agent, name), visitor)
        efforts = [effort for effort in advice.EFFORTS if effort <= self.most(up_to)]
        async for step in self._steps(advice.best_plays(view, efforts or advice.EFFORTS[:1]), visitor):
            yield step

    async def bids(self, view: Hand, *, level: str | None = None, visitor: str = "") -> AsyncIterator[dict[str, Any]]:
        """P(make) for each declaration and bid, and what ``level`` would call and why."""
        found = find_level(level, self.levels) if level else None
        efforts = advice.BID_EFFORTS[:1] if self.public else advice.BID_EFFORTS
        steps = self._steps(advice.bids(view, efforts), visitor)
        yield await anext(steps)
        if found is not None and view.to_move == int(view.record["seat"]):
            yield await self._asked(found, lambda agent: advice.opinion(view, agent, found.name), visitor)
        async for step in steps:
            yield step

    async def review(self, line: str, seat: int | None, *, visitor: str = "") -> AsyncIterator[dict[str, Any]]:
        """The review of the hand in ``line``, piece by piece; of all seats without ``seat``."""
        async for step in self._steps(archive.reviewed(line, seat, public=self.public), visitor):
            yield step

    async def summary(self, hands: Sequence[archive.Asked], *, visitor: str = "") -> AsyncIterator[dict[str, Any]]:
        """Where the seats asked for lost in many hands, decision by decision, and added up in the end."""
        async for step in self._steps(archive.summed_up(hands, public=self.public), visitor):
            yield step

    async def page(self, line: str, seat: int | None, *, visitor: str = "") -> str:
        """A review as one HTML page to keep."""
        steps = self._steps(archive.page(line, seat, public=self.public), visitor)
        return str([step async for step in steps][-1])

    async def what_if(self, line: str, ply: int, action: str, *, visitor: str = "") -> dict[str, Any]:
        """Another action at a decision of a hand."""
        tried = lambda: archive.what_if(line, ply, action, public=self.public)  # noqa: E731
        found: dict[str, Any] = await self._in_thread(tried, visitor)
        return found

    async def hands(self, words: str) -> list[dict[str, Any]]:
        """The hands kept here that have all of ``words`` in their line, newest first."""
        kept = self._kept
        return await asyncio.wrap_future(self._keeper.submit(lambda: archive.listed(kept, words))) if kept else []

    async def hands_text(self) -> str:
        """All hands kept here, a line for each."""
        kept = self._kept
        return await asyncio.wrap_future(self._keeper.submit(lambda: archive.text(kept))) if kept else ""

    def most(self, up_to: int) -> int:
        """The most guessed deals that may be asked for."""
        return min(up_to, advice.PUBLIC_EFFORT) if self.public else up_to

    async def _asked(self, level: Level | None, job: Callable[[Any], Any], visitor: str) -> Any:
        """``job(agent)`` for the agent of ``level``, or for none."""
        if level is None:
            return await self._in_thread(lambda: job(None), visitor)
        return await self.player(level.spec).run(job, who=visitor)

    async def _steps(self, steps: Iterator[Any], visitor: str) -> AsyncIterator[Any]:
        """The steps of a thought, each worked out in a thread; whoever stops asking ends it after the one under way."""
        while (step := await self._in_thread(lambda: next(steps, None), visitor)) is not None:
            yield step

    async def _in_thread(self, job: Callable[[], Any], visitor: str) -> Any:
        adviser = min(self._advisers, key=lambda worker: worker.pending)
        return await asyncio.wrap_future(adviser.submit(job, who=visitor))

    async def _followed(self, table: LiveTable, key: str, visitor: str) -> AsyncIterator[dict[str, Any]]:
        self._watching[visitor] += 1
        states = table.follow(key)
        try:
            async for state in states:
                yield state
        finally:
            self._watching[visitor] -= 1
            await states.aclose()  # type: ignore[attr-defined]

    def _keep(self, session: Session) -> None:
        kept, hand, seats = self._kept, session.hand.clone(), session.seats
        if kept is not None and session.people():
            self._keeper.submit(lambda: kept.add(hand, seats))  # a full disk does not end the game

    def _place(self, key: str) -> tuple[LiveTable, int]:
        table = self.table(key)
        return table, table.keys[key]

    def _after(self, key: str) -> dict[str, Any]:
        table = self.table(key)
        table.changed()
        return table.state(key)

    def clear_away(self) -> None:
        """Close the tables that nobody used for long."""
        oldest_s = time.monotonic() - IDLE_S[self.public]
        for table in set(self._tables.values()):
            if table.used_s < oldest_s:
                self._close(table)

    def _make_room(self, visitor: str) -> None:
        """Close what stands in the way of a further table of ``visitor``: its own oldest one, or one that waits for its
        people while the house is full. BusyError if all tables are in use."""
        tables = sorted(set(self._tables.values()), key=lambda table: table.used_s)
        own = [table for table in tables if table.visitor == visitor]
        if self.public and len(own) >= PUBLIC_TABLES:
            self._close(own[0])
        elif len(tables) >= MAX_TABLES:
            waits_s = 0.0 if not self.public else HOLD_S
            if time.monotonic() - tables[0].used_s < waits_s:
                raise BusyError("every table is taken: come back in a few minutes")
            self._close(tables[0])

    def _close(self, table: LiveTable) -> None:
        table.close()
        for key in table.keys:
            self._tables.pop(key, None)

    def close(self) -> None:
        """Close all tables and give the threads back."""
        for table in set(self._tables.values()):
            self._close(table)
        for player in self._players.values():
            player.stop()
        for adviser in self._advisers:
            adviser.stop()
        with suppress(TimeoutError):  # a hand that was just finished is kept, too
            self._keeper.submit(lambda: None).result(CLOSING_S)
        self._keeper.stop()
