"""A real server on a real socket, for tests, and a house whose agents answer at once."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from zeb42_agents import make_agent
from zeb42_agents.play.cli import listen
from zeb42_agents.play.house import House
from zeb42_agents.play.kept import Kept
from zeb42_agents.play.server import create_app

_FOLDER = tempfile.TemporaryDirectory()


def quick_house(**options: Any) -> House:
    """All levels, but greedy plays for each of them; hands are kept in a folder that goes with the process."""
    kept = Kept(Path(_FOLDER.name) / "hands.txt")
    return House(**{"make": lambda _: make_agent("greedy"), "kept": kept, **options})


@contextmanager
def serving(house: House | None = None, **options: Any) -> Iterator[str]:
    """The address of a server that runs in a thread."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(house=house, **options), log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
