"""The exchange: weights one way, hands the other. The only thing that workers and learners share."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import save

from zeb42_agents import hub, weights
from zeb42_agents.exchange.packets import PARQUET, SUFFIX, Packet, pack, unpack
from zeb42_agents.exchange.stores import DirectoryStore, Store
from zeb42_agents.experience import decisions_of
from zeb42_agents.hub import SCHEME
from zeb42_agents.model import ZebModel
from zeb42_agents.weights import Weights

FETCH_TRIES = 5
HUB_POLL_S = 15.0
HUB_COMMITS_PER_HOUR = 128  # reported: of one account or one repository, so it is taken for all together
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")


class NotWholeError(OSError):
    """The files of the weights are of different moments or damaged. A learner that publishes again mends it."""

    def __init__(self, words: str, state: dict[str, Any]) -> None:
        super().__init__(words)
        self.state = state
        """What the state file says, which tells whose weights they are."""


class Published(NamedTuple):
    """Weights as a learner published them."""

    weights: Weights
    """The network, and the state beside it: ``step``, ``total_games`` and what the learner tells its workers."""
    digest: str
    """Changes with anything of them."""


class Exchange:
    """Weights called ``name`` and the hands that are played for them.

    Three files are the weights, by the published names: ``NAME.safetensors``, ``NAME-config.json`` and
    ``NAME-state.json``; the last has the digests of the others. Hands are packets in the folder ``NAME/``.

    Args:
        weights_store, hands_store: where both lie; the same one if only one is given.
        name: of the weights.
        spec: what users call it.
        poll_s: how often it may be asked for news.
        commits_per_hour: how often all of a fleet together may write to it; 0: as often as they like.
        combines: whether files are few and large: Parquet, each of many packets.
    """

    def __init__(
        self,
        weights_store: Store,
        hands_store: Store | None = None,
        *,
        name: str,
        spec: str = "memory",
        poll_s: float = 0.05,
        commits_per_hour: int = 0,
        combines: bool = False,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"expected a name of weights such as large-belief, got {name!r}; allowed: letters, digits, . _ -"
            )
        self.weights_store = weights_store
        self.hands_store = hands_store or weights_store
        self.name = name
        self.spec = spec
        self.poll_s = poll_s
        self.commits_per_hour = commits_per_hour
        self._combines = combines

    @property
    def _files(self) -> tuple[str, str, str]:
        return f"{self.name}.safetensors", f"{self.name}-config.json", f"{self.name}-state.json"

    # -- weights -------------------------------------------------------------------------------------------------------

    def publish(self, model: ZebModel, state: dict[str, Any]) -> str:
        """Put the weights of ``model`` and ``state`` (JSON) in the place of what is there, in one ``put``; returns
        their digest."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        weights_file, config_file, state_file = self._files
        files = {weights_file: save(tensors), config_file: _json(asdict(model.config))}
        files[state_file] = _json({**state, "sha256": {name: _sha256(content) for name, content in files.items()}})
        self.weights_store.put(files)
        return _sha256(files[state_file])

    def fetch(self, have: str | None = None) -> Published | None:
        """The weights that are there, whole; None if there are none, or if they are those whose digest one ``have``.

        OSError if the exchange cannot be reached now; its NotWholeError if the files do not fit each other, as when a
        publisher was killed between them. ValueError if there is something else than weights of this version.
        """
        for attempt in range(FETCH_TRIES):
            found = self.weights_store.read([self._files[2]])
            if not found or _sha256(found[self._files[2]]) == have:
                return None
            found = self.weights_store.read(self._files)
            if (state := self._whole(found)) is not None:
                return self._build(found, state)
            time.sleep(0.05 * 2**attempt)  # a publisher is between the files
        raise NotWholeError(
            f"the weights {self.name} in {self.spec} are not whole: their files are of different moments or damaged",
            _object(found[self._files[2]], self._files[2]) if self._files[2] in found else {},
        )

    def _whole(self, found: dict[str, bytes]) -> dict[str, Any] | None:
        """The state, if the files in ``found`` are those it has the digests of."""
        if len(found) < len(self._files):
            return None
        state = _object(found[self._files[2]], self._files[2])
        digests = state.get("sha256")
        if not isinstance(digests, dict):
            raise ValueError(f"expected digests in {self._files[2]}, got none; allowed: weights that zeb42 published")
        return state if all(digests.get(name) == _sha256(found[name]) for name in self._files[:2]) else None

    def _build(self, found: dict[str, bytes], state: dict[str, Any]) -> Published:
        weights_file, config_file, state_file = self._files
        config = _object(found[config_file], config_file)
        model = weights.from_bytes(found[weights_file], config, weights_file)
        return Published(Weights(model, state), _sha256(found[state_file]))

    # -- hands ---------------------------------------------------------------------------------------------------------

    def packed(self, packet: Packet) -> dict[str, bytes]:
        """``packet`` as one file for a spool or a store."""
        return {f"{self.name}/{packet.name}{SUFFIX}": pack(packet)}

    def combined(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """What a spool holds, as it goes to the store. Where files and commits are counted, packets that follow each
        other are one Parquet file."""
        if not self._combines:
            return files
        from zeb42_agents.exchange import parquet

        found: dict[str, bytes] = {}
        groups: list[list[Packet]] = []
        for name, content in files.items():
            try:
                packet = unpack(content)
            except ValueError:  # of another version, perhaps: the learner says what it is
                found[name] = content
                continue
            if groups and groups[-1][-1].is_followed_by(packet):
                groups[-1].append(packet)
            else:
                groups.append([packet])
        for group in groups:
            whole = replace(
                group[-1],
                experience=np.concatenate([packet.experience for packet in group]),
                first=group[0].first,
            )
            found[f"{self.name}/{whole.name}{PARQUET}"] = parquet.pack(whole)
        return found

    @property
    def repo(self) -> str:
        """``USER/REPO`` of an exchange on the Hub, else empty."""
        return self.spec.removeprefix(SCHEME) if self.spec.startswith(SCHEME) else ""

    def describe(self, state: dict[str, Any], config: dict[str, Any], found: Sequence[Any]) -> None:
        """Write the cards of both repositories; ``found`` are :class:`zeb42_agents.exchange.cards.Measured`."""
        from zeb42_agents.exchange import cards

        files = sorted(self.hands_store.names(f"{self.name}/"))
        newest = self.hands_store.read(files[-1:])
        size = None
        for content in newest.values():
            examples = int(decisions_of(unpack(content).experience).sum())
            size = len(content) / max(1, examples)
        self.weights_store.put({cards.CARD: cards.model_card(self.repo, self.name, state, config, found)})
        self.hands_store.put({cards.CARD: cards.dataset_card(self.repo, self.name, state["total_games"], size)})

    def squash(self) -> None:
        """Forget the history of both stores, where they have one. ValueError if they have none."""
        stores = {id(store): store for store in (self.weights_store, self.hands_store)}.values()
        if not all(hasattr(store, "squash") for store in stores):
            raise ValueError(f"expected an exchange with a history, got {self.spec}; allowed: hf://USER/REPO")
        for store in stores:
            store.squash()  # type: ignore[attr-defined]


def open_exchange(spec: str, name: str) -> Exchange:
    """The exchange that ``spec`` names: a folder, or ``hf://USER/REPO``, whose hands go to the dataset
    ``USER/REPO-examples``. ValueError says what is allowed."""
    if spec.startswith(SCHEME):
        said = hub.parse(spec)
        if said.name or said.revision:
            raise ValueError(f"expected hf://USER/REPO as an exchange, got {spec!r}; the name of weights is --name")
        return Exchange(
            hub.HubStore(said.repo),
            hub.HubStore(f"{said.repo}-examples", "dataset"),
            name=name,
            spec=spec,
            poll_s=HUB_POLL_S,
            commits_per_hour=HUB_COMMITS_PER_HOUR,
            combines=True,
        )
    if "://" in spec:
        raise ValueError(f"expected an exchange, got {spec!r}; allowed: a folder, hf://USER/REPO")
    return Exchange(DirectoryStore(Path(spec)), name=name, spec=spec)


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"expected JSON in {name}, got something else: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object in {name}, got {type(found).__name__}")
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
