"""Where a run is told besides its folder: W&B, TensorBoard and Trackio, behind the same four calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from rich.console import Console

WandbMode = Literal["off", "offline", "online"]

INIT_TIMEOUT_S = 30.0
BEST_OF = {"eval_win_rate": "max", "eval_mean": "max", "belief_hidden_accuracy": "max"}  # what a summary shows of them


class Sink(Protocol):
    """A place that is told how a run goes."""

    def log(self, row: dict[str, float], step: int) -> None:
        """The metrics of a cycle; ``step`` is its number, also after a restart."""
        ...

    def show(self, files: Sequence[Path]) -> None:
        """Pictures (``.png``) and pages (``.md``) to look at."""
        ...

    def keep(self, folder: Path, aliases: Sequence[str]) -> None:
        """Weights: a folder of files, and what this version of them is called."""
        ...

    def close(self, summary: dict[str, Any]) -> None:
        """The run is over; ``summary`` is what it came to."""
        ...


class WandbSink:
    """Weights & Biases. Where its server does not answer the run is written offline, to be synced later.

    Args:
        run: folder of the run, whose name it has.
        mode: ``offline`` or ``online``.
        config: of the run.
        run_id: of the W&B run to go on with; None begins one.
        job_type: ``train``, ``learner`` or ``worker``.
        group: what runs of one training share; by default the name.
        tags: to find it by.
        console: where it is said that the server does not answer.
    """

    def __init__(
        self,
        run: Path,
        mode: WandbMode,
        config: dict[str, Any],
        run_id: str | None,
        *,
        job_type: str = "train",
        group: str = "",
        tags: Sequence[str] = (),
        console: Console | None = None,
    ) -> None:
        self._wandb = wandb = require_wandb(mode)
        options = {
            "project": os.environ.get("WANDB_PROJECT", "zeb42"),
            "name": run.name,
            "group": os.environ.get("WANDB_RUN_GROUP", group or run.name),
            "job_type": job_type,
            "tags": list(tags),
            "dir": str(run),
            "config": config,
            "id": run_id,
            "settings": wandb.Settings(init_timeout=INIT_TIMEOUT_S),
        }
        try:
            try:
                # Offline, the id alone says which run it is.
                resume = "allow" if run_id and mode == "online" else None
                self._run = wandb.init(mode=mode, resume=resume, **options)
            except wandb.errors.CommError as error:
                if mode != "online" or not _is_silence(error):
                    raise
                why = " ".join(str(error).split())[:100]
                (console or Console(quiet=True)).print(
                    f"W&B does not answer ({why}); written offline, for wandb sync {run}/wandb", soft_wrap=True
                )
                self._run = wandb.init(mode="offline", **options)
        except wandb.errors.Error as error:
            raise ValueError(
                f"expected W&B to start a run {mode}, got {error}; allowed: wandb login first, or --wandb offline"
            ) from None
        self._run.define_metric("cycle")
        self._run.define_metric("*", step_metric="cycle")
        for name, summary in BEST_OF.items():
            self._run.define_metric(name, step_metric="cycle", summary=summary)

    @property
    def run_id(self) -> str:
        """Of the W&B run, to go on with it."""
        return str(self._run.id)

    def log(self, row: dict[str, float], step: int) -> None:
        """See :class:`Sink`."""
        self._run.log(row, step=step)

    def show(self, files: Sequence[Path]) -> None:
        """See :class:`Sink`."""
        pictures = {file.stem: self._wandb.Image(str(file)) for file in files if file.suffix == ".png"}
        if pictures:
            self._run.log(pictures)
        for file in files:
            if file.suffix == ".md":
                self._run.save(str(file), base_path=str(file.parent), policy="now")

    def keep(self, folder: Path, aliases: Sequence[str]) -> None:
        """See :class:`Sink`."""
        artifact = self._wandb.Artifact(f"{self._run.name}-{folder.name}", type="model")
        artifact.add_dir(str(folder))
        self._run.log_artifact(artifact, aliases=list(aliases))

    def close(self, summary: dict[str, Any]) -> None:
        """See :class:`Sink`."""
        self._run.summary.update(summary)
        self._run.finish()


def _is_silence(error: Exception) -> bool:
    """Whether a server did not answer, in contrast to one that refuses."""
    words = str(error).lower()
    return not any(
        word in words for word in ("permission", "api key", "unauthorized", "not found", "401", "403", "404")
    )


def require_wandb(mode: WandbMode) -> Any:
    """The package wandb; ValueError if it is not installed."""
    try:
        import wandb
    except ImportError:
        raise ValueError(
            f"expected the package wandb for --wandb {mode}, got none; pip install 'zeb42[wandb]'"
        ) from None
    return wandb


class TensorBoardSink:
    """Event files for ``tensorboard --logdir RUN/tensorboard``; tianshou brings the package."""

    def __init__(self, run: Path, config: dict[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run / "tensorboard"))
        self._step = 0
        self._writer.add_text("config", "\n".join(f"    {name} = {value}" for name, value in config.items()))

    def log(self, row: dict[str, float], step: int) -> None:
        """See :class:`Sink`."""
        self._step = step
        for name, value in row.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def show(self, files: Sequence[Path]) -> None:
        """See :class:`Sink`."""
        from matplotlib.image import imread

        for file in files:
            if file.suffix == ".png":
                self._writer.add_image(file.stem, imread(file)[..., :3], self._step, dataformats="HWC")
            else:
                self._writer.add_text(file.stem, file.read_text(encoding="utf-8"), self._step)

    def keep(self, folder: Path, aliases: Sequence[str]) -> None:
        """See :class:`Sink`: TensorBoard keeps no files, so this says where they are."""
        self._writer.add_text("weights", f"{', '.join(aliases)}: {folder}", self._step)

    def close(self, summary: dict[str, Any]) -> None:
        """See :class:`Sink`."""
        for name, value in summary.items():
            if isinstance(value, (int, float)):
                self._writer.add_scalar(f"summary/{name}", value, self._step)
        self._writer.close()


class TrackioSink:
    """Trackio, which keeps what it is told on this machine: ``trackio show --project zeb42``.

    Args:
        run: folder of the run, whose name says which of Trackio's runs to go on with.
        config: of the run.
    """

    def __init__(self, run: Path, config: dict[str, Any]) -> None:
        self._trackio = trackio = require_trackio()
        self._name = run.name
        self._step = 0
        self._run = trackio.init(
            project=os.environ.get("TRACKIO_PROJECT", "zeb42"),
            name=run.name,
            config=config,
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, row: dict[str, float], step: int) -> None:
        """See :class:`Sink`."""
        self._step = step
        self._run.log(row, step=step)

    def show(self, files: Sequence[Path]) -> None:
        """See :class:`Sink`."""
        shown: dict[str, Any] = {}
        for file in files:
            if file.suffix == ".png":
                shown[file.stem] = self._trackio.Image(str(file))
            else:
                shown[file.stem] = self._trackio.Markdown(file.read_text(encoding="utf-8"))
        if shown:
            self._run.log(shown, step=self._step)

    def keep(self, folder: Path, aliases: Sequence[str]) -> None:
        """See :class:`Sink`."""
        name = f"{self._name}-{folder.name}"
        self._trackio.log_artifact(folder, name=name, type="model", aliases=list(aliases))

    def close(self, summary: dict[str, Any]) -> None:
        """See :class:`Sink`: Trackio has no summary, so these are metrics of the last cycle."""
        if summary:
            self._run.log({f"summary/{name}": value for name, value in summary.items()}, step=self._step)
        self._trackio.finish()


def require_trackio() -> Any:
    """The package trackio; ValueError if it is not installed."""
    try:
        import trackio
    except ImportError:
        raise ValueError(
            "expected the package trackio for --trackio, got none; pip install trackio, without -c constraints.txt: it "
            "wants an older pillow"
        ) from None
    return trackio
