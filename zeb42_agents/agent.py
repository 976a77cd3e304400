"""What an agent is, and the names that agents go by."""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

import numpy as np

from zeb42_agents import worlds
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_agents.extras import needs_extras
from zeb42_agents.files import fingerprint
from zeb42_env._core.record import HAND
from zeb42_env.hand import Hand
from zeb42_env.records import as_records

Randomness = np.random.Generator | np.ndarray
"""A generator, or one ``uint64`` key for each view of the batch."""

ENTRY_POINTS = "zeb42.agents"
PYTHON_PREFIX = "py:"


class SupportsAct(Protocol):
    """The least that a player is: whatever has this can be seated everywhere; see :func:`as_agent`."""

    def act(self, views: np.ndarray, rng: Any) -> Any:
        """One legal action for each view, as :meth:`Agent.act` says."""
        ...


class Agent:
    """Anything that plays: it is handed views, never hands. :meth:`act` is its own, the rest has usual answers."""

    name: str = "agent"
    """What tables and results call it."""
    fingerprint: str | None = None
    """Changes with whatever else the agent is made of, such as its weights; None if its name says all."""

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action id for each view.

        Args:
            views: HAND records [B]; each is the view of its own ``seat``, which is to move. Never changed.
            rng: all randomness the agent may use. With keys (``uint64`` [B]), the choice for a view depends on that
                view and its key alone, not on the rest of the batch; a generator draws one key per view.

        Returns:
            int64 [B].
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it acts; allowed: a method act(views, rng)")

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the agent thinks of its decision about one ``view``; the action is the one that :meth:`act` takes.

        ``rng`` as there, where one key must be given for one view; without it all follows from seed 0.
        """
        views, keys = one_decision(view, rng)
        return unexplained(views[0], int(np.asarray(self.act(views, keys))[0]))

    def close(self) -> None:
        """Give back what the agent holds, such as processes. It does not play afterwards."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class _Adopted(Agent):
    """An object that has ``act`` and perhaps more of an agent: what it lacks gets the usual answers."""

    def __init__(self, player: SupportsAct) -> None:
        self._player = player
        self.name = str(getattr(player, "name", type(player).__name__))
        self.fingerprint = getattr(player, "fingerprint", None)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        actions: np.ndarray = self._player.act(views, rng)
        return actions

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        explain = getattr(self._player, "explain", super().explain)
        explanation: Explanation = explain(view, rng)
        return explanation

    def close(self) -> None:
        getattr(self._player, "close", super().close)()

    def __getattr__(self, key: str) -> Any:
        return getattr(self.__dict__["_player"], key)

    def __repr__(self) -> str:
        return repr(self._player)


def as_agent(player: Agent | SupportsAct | str) -> Agent:
    """The agent that ``player`` is: one already, its spec (:func:`make_agent`), or any object with
    ``act(views, rng)``, whose name is that of its class if it has none. ValueError for anything else."""
    if isinstance(player, str):
        return make_agent(player)
    if isinstance(player, Agent):
        return player
    if not isinstance(player, type) and callable(getattr(player, "act", None)):
        return _Adopted(player)
    allowed = f"a spec ({', '.join(agent_names())}), or an object with act(views, rng)"
    raise ValueError(f"expected an agent, got {player!r}; allowed: {allowed}")


def one_decision(view: np.void, rng: Randomness | None) -> tuple[np.ndarray, np.ndarray]:
    """The batch of one ``view``, and its key, from seed 0 without ``rng``. ValueError if it is not the mover's."""
    views = require_movers(np.array([worlds.one_record(view)]))
    return views, view_keys(np.random.default_rng(0) if rng is None else rng, 1)


def unexplained(view: np.void, chosen: int) -> Explanation:
    """That the mover of ``view`` takes ``chosen``, without a reason."""
    hand = Hand(view)
    return Explanation(view=hand, chosen=chosen, candidates=tuple(Candidate(action=a) for a in hand.legal_actions()))


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
    "br": "zeb42_agents.br:BestResponse",
    "zeb": "zeb42_agents.zeb:Zeb.from_spec",
    "gentle": "zeb42_agents.play.gentle:gentle",
}
"""Where the builder of each kind of agent lives. Its keyword arguments are the options of the spec, converted to the
annotated types int, float, bool or str; a first positional argument is what a spec may name without a key. Other
packages add theirs by entry points of the group ``zeb42.agents``: a name, and where its builder is."""


def agent_names() -> list[str]:
    """The names that a spec may begin with, those of other packages included."""
    return sorted({*_AGENTS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def make_agent(spec: str) -> Agent:
    """The agent that a spec names: ``random``, ``greedy``, ``eq:n=100``, ``zeb:PATH,sims=64``.

    ``NAME[:OPTION,OPTION...]`` with options ``key=value``; the first may be a bare value where the agent has a main
    one, such as Zeb's weights. ValueError says what is wrong and what is allowed; DependencyNotInstalled what to
    install.
    """
    builder, options = read_spec(spec)
    agent = as_agent(builder(**options))
    agent.name = spec
    return agent


def import_agent(spec: str) -> Agent:
    """The agent that a class or function of a module of yours makes: ``py:MODULE:NAME[,OPTION...]``.

    ``py:mine:Bold,nerve=0.5`` is ``mine.Bold(nerve=0.5)``, with the options of :func:`make_agent`. The module is looked
    for where Python looks, and in the current folder last. Importing it runs its code, so this is for specs that the
    user wrote. ValueError says what is wrong.
    """
    target, *words = spec.removeprefix(PYTHON_PREFIX).split(",")
    module, _, name = target.partition(":")
    if not spec.startswith(PYTHON_PREFIX) or not all(map(str.isidentifier, [*module.split("."), *name.split(".")])):
        raise ValueError(f"expected py:MODULE:NAME, got {spec!r}; such as py:mine:Bold,nerve=0.5")
    builder = _imported(module, name, spec)
    agent = as_agent(builder(**_options(spec, builder, words)))
    agent.name = spec
    if agent.fingerprint is None:
        files = _source_files(builder)
        agent.fingerprint = fingerprint(files) if files else None
    return agent


def _imported(module: str, name: str, spec: str) -> Any:
    """What ``name`` is in ``module``; ValueError unless it is there and can be called."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever a module of the user's does on import
        raise ValueError(f"expected {name} in the module {module} for {spec!r}, got {_in_short(error)}") from error
    if not callable(found):
        raise ValueError(f"expected a class or a function for {spec!r}, got {found!r}")
    return found


def _in_short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _source_files(builder: Any) -> list[Path]:
    """The file that ``builder`` was written in, if it has one."""
    try:
        return [Path(inspect.getfile(builder))]
    except TypeError:  # of C
        return []


def is_spec(text: str) -> bool:
    """Whether ``text`` names an agent of this package, or of one that is registered."""
    try:
        read_spec(text)
    except ValueError:
        return False
    return True


def require_agent(spec: str, *others: str) -> None:
    """ValueError unless ``spec`` begins with the name of an agent. It lists them, and the ``others`` that the caller
    allows in that place."""
    if spec.partition(":")[0] not in agent_names():
        raise ValueError(f"expected an agent, got {spec!r}; allowed: {', '.join([*agent_names(), *others])}")


def read_spec(spec: str) -> tuple[Any, dict[str, Any]]:
    """What builds the agent that a spec names, and all its options with the defaults. Errors as in
    :func:`make_agent`."""
    name, _, rest = spec.partition(":")
    require_agent(spec)
    builder = _builder(name)
    defaults = {key: p.default for key, p in _parameters(builder).items()}
    options = defaults | _options(spec, builder, rest.split(",") if rest else [])
    settle = getattr(getattr(builder, "__self__", None), "settle", None)  # of options that depend on one another
    return builder, settle(options) if settle else options


def _builder(name: str) -> Any:
    """What makes the agent ``name``. ValueError if more than one package claims the name, or its own cannot be
    loaded."""
    registered = list(entry_points(group=ENTRY_POINTS, name=name))
    claims = [*(["zeb42"] if name in _AGENTS else []), *map(_claim, registered)]
    if len(claims) > 1:
        raise ValueError(f"expected one package to register the agent {name!r}, got {', '.join(claims)}")
    if registered:
        try:
            builder = registered[0].load()
        except Exception as error:  # whatever a foreign module does on import
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"expected {claims[0]} to build the agent {name!r}, got {reason}") from error
        if not callable(builder):
            raise ValueError(f"expected {claims[0]} to build the agent {name!r}, got {builder!r}; allowed: a callable")
        return builder
    module, _, attribute = _AGENTS[name].partition(":")
    with needs_extras():
        builder = import_module(module)
    for part in attribute.split("."):
        builder = getattr(builder, part)
    return builder


def _claim(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'a package'} ({point.value})"


def _parameters(builder: Any) -> dict[str, inspect.Parameter]:
    """The parameters that options can name."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {key: p for key, p in inspect.signature(builder).parameters.items() if p.kind in named}


def same_agent(first: str, second: str) -> bool:
    """Whether two specs are spellings of one agent, as ``eq``, ``eq:100`` and ``eq:n=100`` are."""
    if first.partition(":")[0] != second.partition(":")[0]:
        return False
    return is_spec(first) and is_spec(second) and read_spec(first) == read_spec(second)


def _options(spec: str, builder: Any, words: list[str]) -> dict[str, Any]:
    parameters = _parameters(builder)
    hints = get_type_hints(builder.__init__ if inspect.isclass(builder) else builder)
    types = {key: _beside_none(hints.get(key, str)) for key in parameters}
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
            example = "zeb:laptop" if spec in ("zeb", "zeb:") else f"{spec}{',' if ':' in spec else ':'}{key}=..."
            raise ValueError(f"expected {key} in {spec!r}, such as {example}")
    return options


def _beside_none(hint: Any) -> Any:
    """``int`` of ``int | None``: an option that is not given may be None, one that is given never is."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if get_origin(hint) in (Union, UnionType) and len(kinds) == 1 else hint


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
