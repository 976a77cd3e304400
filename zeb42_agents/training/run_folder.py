"""The folder of a training run: its configuration, a lock, and the checkpoint that the next cycle continues from.

The checkpoint is replaced as a whole after every cycle. ``progress.json`` names its schema and the digests of its other
pieces; what is read is checked before anything is built from it, since a folder may come from anywhere.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zeb42_agents import weights
from zeb42_agents.experience import check_experience
from zeb42_agents.files import read_array, read_json, recover_folder, replaced_folder, write_json
from zeb42_agents.training.config import TrainConfig
from zeb42_agents.training.tracking import METRICS_FILE

CONFIG_FILE, LOCK_FILE = "config.json", ".lock"
CHECKPOINT, BEST, LATEST = "checkpoint", "best", "latest"
SCHEMA = 2  # of the checkpoint: 2 since experience says per decision what its numbers mean
_LEARNING, _HANDS, _PROGRESS = "learning.safetensors", "hands.npy", "progress.json"
_TORCH_GENERATOR = "generator"
_KINDS: dict[str, type | tuple[type, ...]] = {
    "cycle": int,
    "step": int,
    "total_games": int,
    "total_time_s": (int, float),
    "best": dict,
    "precision": str,
    "device": str,
    "wandb_id": (str, type(None)),
    "buffer": dict,
    "sha256": dict,
}


class Checkpoint(NamedTuple):
    """What a run continues from."""

    tensors: dict[str, Tensor]
    """What :meth:`zeb42_agents.training.learner.Learner.tensors` says, and the state of torch's generators."""
    hands: np.ndarray
    """EXPERIENCE [N], the buffer, the oldest hand first."""
    progress: dict[str, Any]
    """Counters, the buffer's generator, what is best so far, the W&B run: JSON."""


class RunFolder:
    """The folder of one run. No other process trains in it as long as this object lives.

    ValueError if ``path`` holds anything but a run, or a run that has lost its checkpoint.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock: FileLock | None = None
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"expected a folder to train in, got {self.path}, which is a file")
        if is_begun(self.path):
            load_config(self.path)
            self._lock = take_lock(self.path)
            for name in (CHECKPOINT, BEST, LATEST):
                recover_folder(self.path / name)
            self._require_checkpoint()

    def create(self) -> None:
        """Make the folder, if it is not there yet, and keep others out."""
        self._lock = take_lock(self.path)

    def _require_checkpoint(self) -> None:
        if (self.path / CHECKPOINT).is_dir():
            return
        there = [f"{name}/" for name in (BEST, LATEST) if (self.path / name).exists()]
        metrics = self.path / METRICS_FILE
        there += [METRICS_FILE] if metrics.is_file() and metrics.read_bytes().count(b"\n") > 1 else []
        if there:
            raise ValueError(
                f"expected a checkpoint/ in {self.path} beside {', '.join(there)}, got none; allowed: a new run, with "
                f"--base {self.path} from its weights"
            )

    def write_config(self, config: TrainConfig) -> None:
        """Replace ``config.json``."""
        write_json(self.path / CONFIG_FILE, config.to_json())

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint; a crash at any moment leaves the old one or the new one."""
        with replaced_folder(self.path / CHECKPOINT) as fresh:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
            save_file(tensors, fresh / _LEARNING)
            np.save(fresh / _HANDS, checkpoint.hands, allow_pickle=False)
            digests = {name: _sha256(fresh / name) for name in (_LEARNING, _HANDS)}
            write_json(fresh / _PROGRESS, {"schema": SCHEMA, **checkpoint.progress, "sha256": digests})

    def read_checkpoint(self) -> Checkpoint | None:
        """The checkpoint; None if no cycle was ever finished. ValueError if it is damaged or foreign."""
        return read_checkpoint(self.path) if (self.path / CHECKPOINT).is_dir() else None


def take_lock(folder: Path) -> FileLock:
    """The lock of the run in ``folder``, which is made; it holds as long as this process has it, and dies with it.

    ValueError if another process is at that run, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE, is_singleton=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"expected a run that nobody is training, got {folder}, where another process is at work"
        ) from None
    except OSError as error:
        raise ValueError(f"expected a folder to train in, got {folder}: {error.strerror}") from None
    return lock


def is_begun(path: Path) -> bool:
    """Whether there is anything in the folder ``path``, but for what a stop just after its making leaves."""
    return path.is_dir() and any(entry.name not in (LOCK_FILE, f"{CONFIG_FILE}.new") for entry in path.iterdir())


def require_new(out: Path) -> None:
    """ValueError if there is anything in the folder ``out`` already; it says what, and how a run there goes on."""
    if is_begun(out):
        kinds = {"run.json": "a run of the arena", CONFIG_FILE: f"a run; --resume {out} goes on with it"}
        held = next((what for name, what in kinds.items() if (out / name).exists()), "other files")
        raise ValueError(f"expected a new folder for --out, got {out}, which holds {held}")


def load_config(run: Path) -> TrainConfig:
    """The configuration of the run in ``run``; ValueError if there is none."""
    if not (run / CONFIG_FILE).is_file():
        got = f"a folder without {CONFIG_FILE}" if run.is_dir() else "no such folder"
        raise ValueError(f"expected a training run in {run}, got {got}")
    return TrainConfig.from_json(read_json(run / CONFIG_FILE))


def read_checkpoint(run: Path) -> Checkpoint:
    """The checkpoint of ``run``; ValueError if there is none or it is damaged."""
    folder = run / CHECKPOINT
    if not folder.is_dir():
        raise ValueError(f"expected a training run with a finished cycle in {run}, got none")
    progress = _checked_progress(read_json(folder / _PROGRESS), run)
    try:
        changed = [name for name in (_LEARNING, _HANDS) if progress["sha256"].get(name) != _sha256(folder / name)]
        if changed:
            raise ValueError(f"{', '.join(changed)} is not what {_PROGRESS} says it is")
        tensors = load_file(folder / _LEARNING)
        hands = check_experience(read_array(folder / _HANDS))
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"expected a checkpoint in {folder}, got damaged or foreign files: {error}") from None
    kinds = (_TORCH_GENERATOR, "model.", "averaged.", *(["optimizer."] if progress["step"] else []))
    lacking = [kind for kind in kinds if not any(name.startswith(kind) for name in tensors)]
    if lacking:
        raise ValueError(f"expected a whole checkpoint in {folder}, got one without {', '.join(lacking)}")
    return Checkpoint(tensors, hands, progress)


def _checked_progress(progress: dict[str, Any], run: Path) -> dict[str, Any]:
    if progress.get("schema") != SCHEMA:
        raise ValueError(
            f"expected a run of this version of zeb42 in {run} (checkpoint schema {SCHEMA}), got schema "
            f"{progress.get('schema', 1)!r}; allowed: its weights still play, and begin a new run with --base {run}"
        )
    where = f"expected a whole checkpoint in {run / CHECKPOINT}"
    if lacking := [name for name in _KINDS if name not in progress]:
        raise ValueError(f"{where}, got one without {', '.join(lacking)}")
    for name, kind in _KINDS.items():
        value = progress[name]
        too_large = isinstance(value, int | float) and not 0 <= value < 2**53
        if not isinstance(value, kind) or isinstance(value, bool) or too_large:
            raise ValueError(f"{where}, got {name} {value!r} in {_PROGRESS}")
    best = progress["best"]
    win_rate, cycle = best.get("win_rate"), best.get("cycle")
    if best and not (isinstance(win_rate, float) and 0 <= win_rate <= 1 and isinstance(cycle, int)):
        raise ValueError(f"{where}, got best {best!r} in {_PROGRESS}")
    if progress["precision"] not in ("float32", "bfloat16"):
        raise ValueError(f"{where}, got precision {progress['precision']!r} in {_PROGRESS}")
    return progress


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_best(run: Path) -> None:
    """ValueError if ``best/`` is there and damaged: before a run goes on, not at its end."""
    if (run / BEST).is_dir():
        weights.load(run / BEST)


def generator_tensors() -> dict[str, Tensor]:
    """The state of torch's generators, which dropout draws from."""
    states = {_TORCH_GENERATOR: torch.get_rng_state()}
    if torch.cuda.is_available():
        states[f"{_TORCH_GENERATOR}.cuda"] = torch.cuda.get_rng_state()
    return states


def load_generators(tensors: dict[str, Tensor]) -> None:
    """Put torch's generators where :func:`generator_tensors` found them. ValueError if that is no such state."""
    try:
        torch.set_rng_state(tensors[_TORCH_GENERATOR])
        on_cuda = tensors.get(f"{_TORCH_GENERATOR}.cuda")
        if on_cuda is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(on_cuda)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"expected the state of torch's generator in the checkpoint, got another: {error}") from None
