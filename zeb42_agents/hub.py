"""The Hugging Face Hub: repositories as stores, and weights by ``hf://USER/REPO[/NAME][@REVISION]``.

Its client does not retry a commit, and waits for ever on a stalled line; here it does neither. An OSError says that the
Hub cannot be used *now*, a ValueError that it never will be so. Nothing that comes from it is unpickled.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from zeb42_agents.extras import needs_extras

SCHEME = "hf://"
TIMEOUT_S = 60.0
TRIES, FIRST_WAIT_S, LONGEST_WAIT_S = 5, 1.0, 30.0
_PASSING = {408, 409, 412, 425, 429, 500, 502, 503, 504}  # commits of others at the same time, quotas, the weather
_CLIENTS = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "hf_xet")  # whose errors are the line's
_SPEC = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:/([\w.-]+))?(?:@([\w./-]+))?")

Answer = TypeVar("Answer")


class HubName(NamedTuple):
    """What ``hf://USER/REPO[/NAME][@REVISION]`` says."""

    repo: str
    name: str
    """Of the weights; empty: the only ones there."""
    revision: str
    """A branch, a tag, or a commit, which pins; empty: the newest."""


def parse(spec: str) -> HubName:
    """What ``spec`` says; ValueError if it is none."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise ValueError(f"expected hf://USER/REPO[/NAME][@REVISION], got {spec!r}")
    repo, name, revision = match.groups(default="")
    return HubName(repo, name, revision)


class HubStore:
    """A repository as a :class:`zeb42_agents.exchange.Store`: one commit per ``put`` or ``delete``, reads pinned to the
    newest commit. It is made, private, at the first ``put``.

    Args:
        repo: ``USER/REPO``.
        kind: ``model`` or ``dataset``.
        tries, first_wait_s: how often a commit is tried, and the first wait, which doubles.
    """

    def __init__(
        self,
        repo: str,
        kind: Literal["model", "dataset"] = "model",
        *,
        tries: int = TRIES,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._api = _api()
        self.repo, self.kind = repo, kind
        self._tries, self._first_wait_s = tries, first_wait_s
        self._made = False
        self._seen = ""  # the commit that what follows is of
        self._listed: dict[str, dict[str, str]] = {}
        self._contents: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"HubStore({self.repo!r}, {self.kind!r})"

    @property
    def _where(self) -> dict[str, str]:
        return {"repo_id": self.repo, "repo_type": self.kind}

    def head(self) -> str:
        """The newest commit; empty if there is no repository."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with _translated(self.repo):
            try:
                sha = str(self._api.repo_info(**self._where).sha)
            except RepositoryNotFoundError as error:
                if _status(error) == 401:
                    raise
                return ""
        if sha != self._seen:
            self._seen = sha
            self._listed.clear()
            self._contents.clear()
        return sha

    def names(self, prefix: str = "") -> dict[str, str]:
        """See :class:`zeb42_agents.exchange.Store`. Nothing new costs one request."""
        from huggingface_hub.errors import EntryNotFoundError

        folder = prefix.rpartition("/")[0]
        if not (sha := self.head()):
            return {}
        if folder not in self._listed:
            with _translated(self.repo):
                try:
                    found = self._api.list_repo_tree(
                        path_in_repo=folder or None, recursive=True, revision=sha, **self._where
                    )
                    files = {entry.path: str(entry.blob_id) for entry in found if hasattr(entry, "blob_id")}
                except EntryNotFoundError:
                    files = {}
            self._listed[folder] = dict(sorted(files.items()))
        return {name: version for name, version in self._listed[folder].items() if name.startswith(prefix)}

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`zeb42_agents.exchange.Store`: all of one commit."""
        names = list(names)
        if not (sha := self.head()):
            return {}
        wanted = [name for name in names if name not in self._contents]
        found = self._download(wanted, sha) if wanted else {}
        found |= {name: self._contents[name] for name in names if name in self._contents}
        self._contents |= {name: content for name, content in found.items() if name.endswith("-state.json")}
        return found

    def _download(self, names: list[str], sha: str) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder, _translated(self.repo):
            self._api.snapshot_download(revision=sha, allow_patterns=names, local_dir=folder, **self._where)
            places = {name: Path(folder) / name for name in names}
            return {name: place.read_bytes() for name, place in places.items() if place.is_file()}

    def put(self, files: Mapping[str, bytes]) -> None:
        """See :class:`zeb42_agents.exchange.Store`: one commit. Files that are there already make none."""
        from huggingface_hub import CommitOperationAdd

        if not self._made:
            with _translated(self.repo):
                self._api.create_repo(self.repo, repo_type=self.kind, exist_ok=True, private=True)
            self._made = True
        if files:
            # The client changes operations while it works with them, so each try gets its own.
            self._commit(lambda: [CommitOperationAdd(name, content) for name, content in files.items()], "put", files)

    def delete(self, names: Iterable[str]) -> None:
        """See :class:`zeb42_agents.exchange.Store`: one commit."""
        from huggingface_hub import CommitOperationDelete

        doomed = [name for name in names if name in self.names(f"{name.rpartition('/')[0]}/" if "/" in name else "")]
        if doomed:
            self._commit(lambda: [CommitOperationDelete(name) for name in self._still_there(doomed)], "delete", doomed)

    def _still_there(self, names: list[str]) -> list[str]:
        there = self.names()
        return [name for name in names if name in there]

    def _commit(self, operations: Callable[[], list[Any]], verb: str, names: Iterable[str]) -> None:
        listed = list(names)
        message = f"{verb} {listed[0]}" if len(listed) == 1 else f"{verb} {len(listed)} files"
        for attempt in range(self._tries):
            try:
                with _translated(self.repo):
                    if made := operations():
                        self._api.create_commit(operations=made, commit_message=message, **self._where)
                return
            except OSError as error:
                wait_s = _wait_s(error, self._first_wait_s * 2**attempt)
                if attempt == self._tries - 1 or wait_s > LONGEST_WAIT_S:
                    raise
                time.sleep(wait_s)

    def squash(self) -> None:
        """Forget all commits but the newest state: what was deleted stops taking room."""
        with _translated(self.repo):
            self._api.super_squash_history(**self._where)


@lru_cache(maxsize=64)
def download_weights(spec: str) -> Path:
    """The file of the weights that ``spec`` names, in the client's cache, with its config and state beside it.

    ``NAME.safetensors`` with ``NAME-config.json`` is what zeb42 publishes; the published run's layout is a bare
    ``NAME.pt``, or ``model.pt`` with ``config.json``. A revision that is a commit is asked for once and then read from
    the cache. A name means the same weights for as long as a process runs. ValueError if there is nothing, or nobody
    answers.
    """
    said = parse(spec)
    try:
        with _translated(said.repo):
            api = _api()
            revision = said.revision
            if not re.fullmatch("[0-9a-f]{40}", revision):
                revision = str(api.repo_info(said.repo, revision=revision or None).sha)
            name = said.name or _only_name(api, said, revision)
            found = _first(api, said, revision, [f"{name}.safetensors", f"{name}.pt"])
            if found is None:
                listed = ", ".join(_weights_in(api, said.repo, revision)) or "none"
                raise ValueError(f"expected weights {name} in {said.repo}, got none; allowed: {listed}")
            _first(api, said, revision, [f"{name}-config.json", "config.json"])
            _first(api, said, revision, [f"{name}-state.json", "training_state.json"])
            return found
    except OSError as error:
        raise ValueError(f"expected weights at {spec}, got no answer from the Hub: {error}; try again later") from None


def _first(api: Any, said: HubName, revision: str, files: list[str]) -> Path | None:
    """The first of ``files`` that there is, downloaded."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    for file in files:
        try:
            return Path(api.hf_hub_download(said.repo, file, revision=revision))
        except LocalEntryNotFoundError:  # nobody answers
            raise
        except EntryNotFoundError:
            continue
    return None


def _weights_in(api: Any, repo: str, revision: str) -> list[str]:
    files = [Path(file) for file in api.list_repo_files(repo, revision=revision) if "/" not in file]
    return sorted({file.stem for file in files if file.suffix in (".safetensors", ".pt")})


def _only_name(api: Any, said: HubName, revision: str) -> str:
    names = _weights_in(api, said.repo, revision)
    if len(names) != 1:
        listed = ", ".join(names) or "none"
        raise ValueError(f"expected the name of weights, as in hf://{said.repo}/NAME, got none; allowed: {listed}")
    return names[0]


# -- the client --------------------------------------------------------------------------------------------------------


def _api() -> Any:
    with needs_extras():
        import huggingface_hub
    from huggingface_hub.utils import _http, disable_progress_bars

    disable_progress_bars()  # two for every file of hands
    if _http._GLOBAL_CLIENT_FACTORY is _http.default_client_factory:  # nobody chose another

        def with_timeout() -> Any:
            client = _http.default_client_factory()
            client.timeout = TIMEOUT_S
            return client

        huggingface_hub.set_client_factory(with_timeout)
    return huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="zeb42")


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def _wait_s(error: OSError, usual_s: float) -> float:
    """How long to wait before the next try: what the server says, else ``usual_s``, give or take a half."""
    response = getattr(error.__cause__, "response", None)
    said = "" if response is None else response.headers.get("retry-after", "")
    return float(said) if said.isdigit() else usual_s * (0.5 + random.random())


@contextmanager
def _translated(repo: str) -> Iterator[None]:
    """The client's errors as an OSError for what passes, and a ValueError for what does not."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except LocalEntryNotFoundError as error:
        raise OSError(f"the Hub does not answer: {_in_short(error)}") from error
    except HfHubHTTPError as error:
        status = _status(error)
        if status is None or status in _PASSING:
            raise OSError(f"the Hub answers {status}: {_in_short(error)}") from error
        raise ValueError(
            f"expected a repository {repo} that this token may use, got {status}: {_in_short(error)}; allowed: log in "
            "with `hf auth login`, or set HF_TOKEN to a token that may read and write it"
        ) from error
    except (ValueError, OSError):
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] in _CLIENTS or isinstance(error, RuntimeError):
            raise OSError(f"the line to the Hub: {type(error).__name__}: {_in_short(error)}") from error
        raise


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
