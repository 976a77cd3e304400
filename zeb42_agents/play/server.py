"""The server of ``zeb42 play``: static pages at once, the tables as soon as what they need is imported.

Nothing here imports numba or torch, so the first page does not wait for them; :class:`Kitchen` does so in a thread.
Requests and answers are JSON; streams are server-sent events (a table) or a JSON object for each line (a thought).
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from zeb42_agents.play.guard import LOCAL_HOSTS, Guard, visitor_of

if TYPE_CHECKING:
    from zeb42_agents.play.house import House
    from zeb42_agents.play.sources import Shelf
    from zeb42_env.rules import Rules

LOG = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
MOST_WORDS = 60
"""Characters of an action in words that are read."""
MOST_LINE = 4000
"""Characters of a line of notation that are read."""
MOST_AT_ONCE = 60
"""Requests of one visitor of a public server that are under way, streams included."""
MOST_SUMMED = {False: 200, True: 10}
"""Hands that are summed up at once, on a server of one's own and on a public one."""
BEAT_S = 15.0
"""A silent stream says that it lives."""
SWEEP_S = 60.0
"""How often tables that nobody uses are looked for."""
PATIENCE_S = 180.0
"""How long a request waits for the tables; the first start after installation compiles."""


class Kitchen:
    """Makes the house ready in a thread, and says how far it is."""

    def __init__(self, build: Callable[[Kitchen], None]) -> None:
        self.step = "starting"
        self.since_s = time.monotonic()
        self.error: str | None = None
        self.house: House | None = None
        self._build = build
        self._open = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._cook, name="kitchen", daemon=True).start()

    def progress(self) -> dict[str, Any]:
        """How far it is."""
        waited = round(time.monotonic() - self.since_s, 1)
        ready = self.step == "ready"
        return {
            "ready": ready,
            "step": self.step,
            "seconds": waited,
            "error": self.error,
        }

    async def served(self) -> House:
        """The house, once it is open."""
        await asyncio.wait_for(self._open.wait(), PATIENCE_S)
        if self.house is None:
            raise NotOpenError(self.error)
        return self.house

    def _cook(self) -> None:
        try:
            self._build(self)
            self.tell("ready")
        except Exception as error:  # shown on the page
            self.error = f"{type(error).__name__}: {error}"
        self._loop.call_soon_threadsafe(self._open.set)

    def opened(self, house: House) -> None:
        """The house can seat people; what follows only makes it quicker."""
        self.house = house
        self._loop.call_soon_threadsafe(self._open.set)

    def tell(self, step: str) -> None:
        """What it is at."""
        self.step = step


def create_app(
    *,
    more: Sequence[str] = (),
    public: bool = False,
    hosts: Sequence[str] = LOCAL_HOSTS,
    house: House | None = None,
    proxies: int = 0,
    shelf: Shelf | None = None,
) -> Starlette:
    """The application.

    Args:
        more: specs of agents that may be seated beside our levels.
        public: for strangers; see :class:`zeb42_agents.play.house.House`.
        hosts: the names that the server goes by.
        house: tables made elsewhere; by default they are made in the background.
        proxies: how many reverse proxies stand before the server, which say whom they speak for.
        shelf: hands that the page opens with.
    """
    files = {f"/{path.relative_to(STATIC).as_posix()}": path for path in sorted(STATIC.rglob("*")) if path.is_file()}
    files["/"] = STATIC / "index.html"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.kitchen = Kitchen(lambda kitchen: _prepare(kitchen, more, public, house))
        app.state.proxies, app.state.shelf = proxies, shelf
        sweeper = asyncio.create_task(_sweep(app.state.kitchen))
        yield
        sweeper.cancel()
        if app.state.kitchen.house is not None:
            app.state.kitchen.house.close()

    async def page(request: Request) -> Response:
        path = files.get(request.url.path)
        if path is None:
            return JSONResponse({"error": "there is nothing here"}, 404)
        headers = {"cache-control": "no-cache"}
        return Response(path.read_bytes(), media_type=KINDS.get(path.suffix, "text/plain"), headers=headers)

    routes = [Route(f"/api{path}", _answering(endpoint), methods=[method]) for method, path, endpoint in ENDPOINTS]
    return Starlette(
        routes=[*routes, Route("/{path:path}", page, methods=["GET"])],
        middleware=[Middleware(Guard, hosts=hosts, proxies=proxies, most_each=MOST_AT_ONCE if public else None)],
        lifespan=lifespan,
    )


async def _sweep(kitchen: Kitchen) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        if kitchen.house is not None:
            kitchen.house.clear_away()


def _prepare(kitchen: Kitchen, more: Sequence[str], public: bool, house: House | None) -> None:
    """Import, open the house, then load the usual agents and run each kernel once."""
    kitchen.tell("laying the table")
    from zeb42_agents.play import house as room
    from zeb42_agents.play.levels import usual_seats
    from zeb42_agents.play.session import YOU

    made = house or room.House(more, public=public)
    kitchen.opened(made)
    if house is None:
        from zeb42_agents.play.warm import warm

        for spec in dict.fromkeys(usual_seats()):
            if spec != YOU:
                warm(made, spec, kitchen.tell)


def _answering(endpoint: Callable[[Request, dict[str, Any]], Any]) -> Callable[[Request], Any]:
    """The endpoint with the body read, and errors as JSON with a status: what a caller did wrong is no 500, and what
    fails here says so without its words, which are for the log."""

    async def answer(request: Request) -> Response:
        try:
            given = await _body(request) if request.method == "POST" else {}
            found = await endpoint(request, given)
        except Exception as error:
            status = _status_of(error)
            if status is None:
                return JSONResponse({"error": _failure(error)["error"]}, 500)
            return JSONResponse({"error": str(error)}, status)
        return found if isinstance(found, Response) else JSONResponse(found, headers={"cache-control": "no-store"})

    return answer


class NotOpenError(RuntimeError):
    """The house could not be made ready."""


def _status_of(error: Exception) -> int | None:
    """The status for an error; None for one that is ours, or an agent's."""
    from zeb42_agents.play.guard import TooLargeError
    from zeb42_agents.play.workers import BusyError

    if isinstance(error, TooLargeError):
        return 413
    if isinstance(error, TimeoutError | BusyError | NotOpenError):
        return 503
    names = {kind.__name__ for kind in type(error).__mro__}  # told by name: their modules may not be imported yet
    if "GoneError" in names:
        return 404
    if "ConflictError" in names:
        return 409
    return 422 if isinstance(error, ValueError) else None


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body() or b"{}")
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError):
        raise ValueError("expected a JSON object") from None
    if not isinstance(given, dict):
        raise ValueError("expected a JSON object")
    return given


def _field(given: dict[str, Any], name: str, kind: type, default: Any = ...) -> Any:
    value = given.get(name, default)
    if value is ...:
        raise ValueError(f"expected {name}")
    if value is None and default is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"expected {name} to be {kind.__name__}, got {str(value)[:40]!r}")
    return value


async def _house(request: Request) -> House:
    house: House = await request.app.state.kitchen.served()
    return house


def _visitor(request: Request) -> str:
    return visitor_of(request.scope, request.app.state.proxies)


def _key(request: Request) -> str:
    return str(request.path_params["key"])


async def version(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """Who serves, and how far it is with getting ready."""
    from zeb42_env._version import __version__

    return {"version": __version__, **request.app.state.kitchen.progress()}


async def agents(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """Who can be seated."""
    house = await _house(request)
    from zeb42_agents.play.levels import usual_seats

    return {
        "levels": [level.to_json() for level in house.levels],
        "usual": usual_seats(),
        "public": house.public,
    }


async def open_table(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """A new table."""
    house = await _house(request)
    from zeb42_agents.play.levels import usual_seats

    seats = _field(given, "seats", list, usual_seats())
    if not all(isinstance(seat, str) for seat in seats):
        raise ValueError("expected seats to be names")
    rules, seed, hand = _rules(given), _field(given, "seed", int, None), _whole_hand(given)
    return house.state(house.open(seats, rules=rules, seed=seed, hand=hand, visitor=_visitor(request)))


def _rules(given: dict[str, Any]) -> Rules:
    from zeb42_env.rules import Rules

    return Rules(
        contract=_field(given, "contract", str, "auction"),
        scoring=_field(given, "scoring", str, "marks"),
        all_pass=_field(given, "all_pass", str, "shaker_bids"),
        episode=_field(given, "episode", str, "match"),
    )


def _whole_hand(given: dict[str, Any]) -> Any:
    from zeb42_env.hand import Hand

    line = _field(given, "hand", str, None)
    return None if line is None else Hand.parse(line)


async def table(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """What this place sees."""
    return (await _house(request)).state(_key(request))


async def act(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """Bid, call trump or play, in words."""
    house = await _house(request)
    return house.say(_key(request), _field(given, "action", str)[:MOST_WORDS], _field(given, "version", int))


async def undo(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """Take the last action back."""
    return (await _house(request)).undo(_key(request), _field(given, "version", int))


async def replay(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The same hand from its start."""
    return (await _house(request)).replay(_key(request), _field(given, "version", int))


async def go_on(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The next hand."""
    return (await _house(request)).go_on(_key(request), _field(given, "version", int))


async def new(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """A new hand or match, of a seed."""
    house = await _house(request)
    return house.new(_key(request), _field(given, "version", int), _field(given, "seed", int, None))


async def events(request: Request, _: dict[str, Any]) -> Response:
    """The table as it changes: server-sent events."""
    house = await _house(request)
    states = house.follow(_key(request), visitor=_visitor(request))

    async def stream() -> AsyncIterator[str]:
        following = asyncio.ensure_future(anext(states, None))
        try:
            while True:
                done, _ = await asyncio.wait({following}, timeout=BEAT_S)
                if not done:
                    yield ": still here\n\n"
                    continue
                if following.result() is None:  # the table was cleared away
                    return
                yield f"data: {json.dumps(following.result())}\n\n"
                following = asyncio.ensure_future(anext(states, None))
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await states.aclose()  # type: ignore[attr-defined]

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


async def ask(request: Request, given: dict[str, Any]) -> Response:
    """What is best, who may hold what: a JSON object for each line, more and more thought out."""
    house = await _house(request)
    level, up_to, view = _field(given, "who", str, None), _field(given, "up_to", int, 256), house.viewed(_key(request))
    return await _lines(house.ask(view, level=level, up_to=up_to, visitor=_visitor(request)))


async def table_bids(request: Request, given: dict[str, Any]) -> Response:
    """Bidding help at the table."""
    house = await _house(request)
    level = _field(given, "who", str, None)
    return await _lines(house.bids(house.viewed(_key(request)), level=level, visitor=_visitor(request)))


async def typed_bids(request: Request, given: dict[str, Any]) -> Response:
    """Bidding help for seven dominoes from a real table."""
    house = await _house(request)
    from zeb42_agents.play.advice import typed_hand
    from zeb42_agents.play.words import read_dominoes

    view = typed_hand(read_dominoes(_field(given, "dominoes", str)[:200]))
    return await _lines(house.bids(view, level=_field(given, "who", str, None), visitor=_visitor(request)))


async def told_hand(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """A hand from a real table, as far as it is told."""
    await _house(request)
    from zeb42_agents.play.told import told

    said = _field(given, "said", list)
    if not all(isinstance(words, str) and len(words) <= MOST_WORDS for words in said):
        raise ValueError(f"expected said to be words of at most {MOST_WORDS} characters")
    return told(_field(given, "shaker", int), said)


async def review(request: Request, given: dict[str, Any]) -> Response:
    """A hand reviewed, an object for each line."""
    house = await _house(request)
    seat = _field(given, "seat", int, None)
    return await _lines(house.review(_field(given, "hand", str)[:MOST_LINE], seat, visitor=_visitor(request)))


async def summary(request: Request, given: dict[str, Any]) -> Response:
    """Many hands added up, an object for each line."""
    house = await _house(request)
    from zeb42_agents.play.archive import Asked
    from zeb42_env.hand import Hand

    asked, most = _field(given, "hands", list), MOST_SUMMED[house.public]
    if not 1 <= len(asked) <= most or not all(isinstance(one, dict) for one in asked):
        raise ValueError(f"expected 1 to {most} hands, got {len(asked)}")
    hands = [Asked(Hand.parse(_field(one, "hand", str)[:MOST_LINE]), _field(one, "seat", int, None)) for one in asked]
    return await _lines(house.summary(hands, visitor=_visitor(request)))


async def on_the_shelf(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """The hands that the command line brought along."""
    shelf = request.app.state.shelf
    return shelf.to_json() if shelf else {"hands": [], "beside": False}


async def review_page(request: Request, given: dict[str, Any]) -> Response:
    """A review as one page to keep."""
    house = await _house(request)
    line, seat = _field(given, "hand", str)[:MOST_LINE], _field(given, "seat", int, None)
    found = await house.page(line, seat, visitor=_visitor(request))
    return Response(found, media_type="text/html; charset=utf-8", headers={"content-disposition": "attachment"})


async def what_if(request: Request, given: dict[str, Any]) -> Any:
    """Another action at a decision of a hand."""
    house = await _house(request)
    line, action = _field(given, "hand", str)[:MOST_LINE], _field(given, "action", str)[:MOST_WORDS]
    return await house.what_if(line, _field(given, "ply", int), action, visitor=_visitor(request))


async def read(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """A pasted line as notation; an error points at what is wrong."""
    await _house(request)
    from zeb42_env.hand import Hand

    return {"hand": str(Hand.parse(_field(given, "line", str)[:MOST_LINE].partition("#")[0]))}


async def hands(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """The hands kept on this machine."""
    house = await _house(request)
    return {"hands": await house.hands(request.query_params.get("words", "")[:80])}


async def hands_file(request: Request, _: dict[str, Any]) -> Response:
    """The same as a file of lines."""
    house = await _house(request)
    return Response(await house.hands_text(), media_type="text/plain; charset=utf-8")


async def _lines(steps: AsyncIterator[dict[str, Any]]) -> Response:
    """A stream of JSON lines; what is wrong with the question is an error before it begins."""
    try:
        first = await anext(steps, None)
    except Exception as error:
        if _status_of(error) is not None:
            raise
        first = _failure(error)

    async def stream() -> AsyncIterator[str]:
        if first is not None:
            yield json.dumps(first) + "\n"
        try:
            async for step in steps:
                yield json.dumps(step) + "\n"
        except Exception as error:
            yield json.dumps(_failure(error)) + "\n"

    return StreamingResponse(stream(), media_type="application/x-ndjson", headers={"cache-control": "no-store"})


def _failure(error: Exception) -> dict[str, Any]:
    """What the page is told of an error under way. An agent may raise anything, and name anything that it was told at
    other tables, so that its own words go to the log."""
    if _status_of(error) is not None:
        return {"kind": "error", "error": str(error)}
    LOG.warning("an answer failed", exc_info=error)
    return {"kind": "error", "error": f"who was asked failed ({type(error).__name__}): ask another"}


ENDPOINTS: list[tuple[str, str, Callable[[Request, dict[str, Any]], Any]]] = [
    ("GET", "/version", version),
    ("GET", "/agents", agents),
    ("POST", "/tables", open_table),
    ("GET", "/tables/{key}", table),
    ("GET", "/tables/{key}/events", events),
    ("POST", "/tables/{key}/act", act),
    ("POST", "/tables/{key}/undo", undo),
    ("POST", "/tables/{key}/replay", replay),
    ("POST", "/tables/{key}/next", go_on),
    ("POST", "/tables/{key}/new", new),
    ("POST", "/tables/{key}/ask", ask),
    ("POST", "/tables/{key}/bids", table_bids),
    ("POST", "/bids", typed_bids),
    ("POST", "/told", told_hand),
    ("POST", "/review", review),
    ("POST", "/review/page", review_page),
    ("POST", "/summary", summary),
    ("GET", "/shelf", on_the_shelf),
    ("POST", "/what_if", what_if),
    ("POST", "/read", read),
    ("GET", "/hands", hands),
    ("GET", "/hands.txt", hands_file),
]
