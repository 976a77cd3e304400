"""The command line of ``zeb42 play``."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from gymnasium.error import DependencyNotInstalled

from zeb42_agents.command import parse_options

if TYPE_CHECKING:
    from zeb42_agents.play.sources import Shelf

USAGE = 2
DEFAULT_PORT = 4242
PUBLIC_CONNECTIONS = 1000  # at once; more are told that the server is busy
NUM_PORTS = 50  # that are tried, one after another


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """Sit down at a table of Texas 42, in the browser or in the terminal."""

    terminal: bool = False
    """Play in the terminal; the browser otherwise."""
    seats: tuple[str, ...] = ()
    """Terminal: who sits at seats 0 to 3: you, a level (Random, Gentle, Steady, ...) or an agent such as eq:n=30; you
    with Zeb against two careful players without it."""
    game: Literal["match", "hand", "random", "dropped30", "most_trumps"] = "match"
    """Terminal: a match to seven marks, one auctioned hand, or one hand of a dealt contract."""
    seed: int | None = None
    """Terminal: of the deals; a new one each time without it."""
    agents: tuple[str, ...] = ()
    """More agents to offer, such as eq:n=500 or zeb:runs/RUN."""
    host: str = "127.0.0.1"
    """Where the server listens. 0.0.0.0 lets other machines in; see --public and --allow-host."""
    port: int = DEFAULT_PORT
    """The next free one is taken if it is in use; 0 takes any."""
    public: bool = False
    """For strangers: caps on effort, tables that expire after an hour, nothing kept."""
    allow_host: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A name that the server goes by beside localhost, such as example.org or *.hf.space; may be repeated."""
    proxies: int = 0
    """How many reverse proxies stand before the server, so that --public tells visitors apart: 1 on a Space."""
    no_browser: bool = False
    """Only print the address. Without a display no browser is opened anyway."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected --port in 0..65535, got {self.port}")
        if not 0 <= self.proxies <= 9:
            raise ValueError(f"expected --proxies in 0..9, got {self.proxies}")
        if self.seats and len(self.seats) != 4:
            raise ValueError(f"expected four --seats, got {len(self.seats)}")


def main(words: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    try:
        options = parse_options(PlayOptions, words, program="zeb42 play")
        if options.terminal:
            from zeb42_agents.play.terminal import sit_down

            return sit_down(options.seats, game=options.game, seed=options.seed, more=options.agents)
        return serve(options)
    except (ValueError, DependencyNotInstalled) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE


def serve(options: PlayOptions, *, shelf: Shelf | None = None) -> int:
    """Serve until Ctrl-C; the page opens with the hands on the ``shelf`` if there are any."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small batches gain nothing from more, and tables share the cores
    import uvicorn

    from zeb42_agents.agent import make_agent
    from zeb42_agents.play.guard import LOCAL_HOSTS
    from zeb42_agents.play.levels import find_level, offered
    from zeb42_agents.play.server import create_app

    for spec in options.agents:  # what cannot be made is said now, not at the table
        make_agent(find_level(spec, offered(options.agents)).spec).close()
    listener = listen(options.host, options.port)
    port = listener.getsockname()[1]
    shown = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/{'#shelf' if shelf else ''}"
    app = create_app(
        more=options.agents,
        public=options.public,
        proxies=options.proxies,
        shelf=shelf,
        hosts=[*LOCAL_HOSTS, *([options.host] if options.host not in ("0.0.0.0", "::") else []), *options.allow_host],
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom a proxy speaks for is read where --proxies says how many there are
        timeout_graceful_shutdown=1,
        limit_concurrency=PUBLIC_CONNECTIONS if options.public else None,
    )
    server = uvicorn.Server(config)
    print(f"Texas 42 with Zeb: {url}  (Ctrl-C ends it)", flush=True)
    if options.port not in (0, port):
        print(f"Port {options.port} is in use: this is the next free one.", flush=True)
    if not options.no_browser and has_display():
        threading.Timer(0.2, webbrowser.open, [url]).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at ``port``, or at the next that is free. ValueError if there is none, or no such host."""
    for tried in range(port, min(port + NUM_PORTS, 65536)):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
            listener.bind((host, tried))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            if isinstance(error, socket.gaierror) or error.errno == 99:  # no such name, or not an address of ours
                raise ValueError(f"expected --host to be an address of this machine, got {host!r}") from None
    raise ValueError(f"expected a free port from {port} on, got {NUM_PORTS} in use; --port takes another")


def has_display() -> bool:
    """Whether a browser can be opened here."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
