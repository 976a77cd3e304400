"""What an agent is, and the names that agents go by."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any, Protocol, get_type_hints, runtime_checkable

import numpy as np

from zeb42_env._core.record import HAND
from zeb42_env.records import as_records

Randomness = np.random.Generator | np.ndarray
"""A generator, or one ``uint64`` key for each view of the batch."""


@runtime_checkable
class Agent(Protocol):
    """Anything that plays: it is handed views, never hands."""

    name: str

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action id for each view.

        Args:
            views: HAND records [B]; each is the view of its own ``seat``, which is to move. Never changed.
            rng: all randomness the agent may use. With keys (``uint64`` [B]), the choice for a view depends on that
                view and its key alone, not on the rest of the batch; a generator draws one key a view.

        Returns:
            int64 [B].
        """
        ...


def view_keys(rng: Randomness, num_views: int) -> np.ndarray:
    """The key (``uint64`` [num_views]) that each view of a batch draws its randomness from."""
    if isinstance(rng, np.random.Generator):
        return rng.integers(0, 2**64, num_views, dtype=np.uint64)
    keys = np.asarray(rng)
    if keys.dtype != np.uint64 or keys.shape != (num_views,):
        raise ValueError(f"expected a Generator or uint64 keys of shape ({num_views},), got {keys.dtype} {keys.shape}")
    return keys


def require_movers(views: np.ndarray) -> np.ndarray:
    """``views`` in the form that kernels take; ValueError unless they are HAND records [B], each the view of the seat
    to move, of a hand not over."""
    if getattr(views, "dtype", None) != HAND or np.ndim(views) != 1:
        raise ValueError(
            f"expected HAND records [B], got {type(views).__name__}; np.array([view]) makes a batch of one"
        )
    astray = np.flatnonzero((views["seat"] < 0) | (views["seat"] != views["to_move"]))
    if len(astray):
        seat, to_move = (int(views[key][astray[0]]) for key in ("seat", "to_move"))
        got = "a full hand" if seat < 0 else f"the view of seat {seat}"
        mover = f"seat {to_move}" if to_move >= 0 else "nobody"
        raise ValueError(
            f"expected the view of the seat to move, got {got}, with {mover} to move; allowed: Hand.view(hand.to_move)"
        )
    return as_records(views)


_AGENTS = {
    "random": "zeb42_agents.baselines:RandomAgent",
    "greedy": "zeb42_agents.baselines:GreedyAgent",
    "eq": "zeb42_agents.eq:EQ",
    "zeb": "zeb42_agents.zeb:Zeb.from_spec",
}
"""Where the builder of each kind of agent lives. Its keyword arguments are the options of the spec, converted to the
annotated types int, float, bool or str; a first positional argument is what a spec may name without a key."""


def agent_names() -> list[str]:
    """The names that a spec may begin with."""
    return sorted(_AGENTS)


def make_agent(spec: str) -> Agent:
    """The agent that a spec names: ``random``, ``greedy``, ``eq:n=100``, ``zeb:PATH,sims=64``.

    ``NAME[:OPTION,OPTION...]`` with options ``key=value``; the first may be a bare value where the agent has a main
    one, such as Zeb's weights. ValueError says what is wrong and what is allowed.
    """
    builder, options = read_spec(spec)
    agent: Agent = builder(**options)
    agent.name = spec
    return agent


def is_spec(text: str) -> bool:
    """Whether ``text`` names an agent of this package."""
    try:
        read_spec(text)
    except ValueError:
        return False
    return True


def require_agent(spec: str, *others: str) -> None:
    """ValueError unless ``spec`` begins with the name of an agent. It lists them, and the ``others`` that the caller
    allows in that place."""
    if spec.partition(":")[0] not in _AGENTS:
        raise ValueError(f"expected an agent, got {spec!r}; allowed: {', '.join([*agent_names(), *others])}")


def read_spec(spec: str) -> tuple[Any, dict[str, Any]]:
    """What builds the agent that a spec names, and all its options with the defaults. ValueError as in
    :func:`make_agent`."""
    name, _, rest = spec.partition(":")
    require_agent(spec)
    module, _, attribute = _AGENTS[name].partition(":")
    builder: Any = import_module(module)
    for part in attribute.split("."):
        builder = getattr(builder, part)
    defaults = {key: p.default for key, p in inspect.signature(builder).parameters.items()}
    return builder, defaults | _options(spec, builder, rest.split(",") if rest else [])


def same_agent(first: str, second: str) -> bool:
    """Whether two specs are spellings of one agent, as ``eq``, ``eq:100`` and ``eq:n=100`` are."""
    if first.partition(":")[0] != second.partition(":")[0]:
        return False
    return is_spec(first) and is_spec(second) and read_spec(first) == read_spec(second)


def _options(spec: str, builder: Any, words: list[str]) -> dict[str, Any]:
    parameters = inspect.signature(builder).parameters
    types = get_type_hints(builder.__init__ if inspect.isclass(builder) else builder)
    main = [key for key, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    options: dict[str, Any] = {}
    for place, word in enumerate(words):
        key, equals, value = word.partition("=")
        if place == 0 and main and (not equals or (key not in parameters and types[main[0]] is str)):
            key, value = main[0], word  # a path may have "=" in it
        if key not in parameters or key in options:
            allowed = ", ".join(f"{p}=" for p in parameters) or "none"
            raise ValueError(
                f"expected options of {spec.partition(':')[0]}, got {word!r} in {spec!r}; allowed: {allowed}"
            )
        options[key] = _convert(spec, key, value, types[key])
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in options:
            raise ValueError(f"expected {key} in {spec!r}, such as {spec.partition(':')[0]}:{key}=...")
    return options


def _convert(spec: str, key: str, value: str, kind: Any) -> Any:
    if kind is bool:
        if value in ("true", "false"):
            return value == "true"
        raise ValueError(f"expected {key} in {spec!r} to be true or false, got {value!r}")
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"expected {key} in {spec!r} to be a number ({kind.__name__}), got {value!r}") from None
    return value
