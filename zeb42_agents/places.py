"""Where weights are: what a name means, on disk or on the Hub. Nothing here reads them, and nothing needs torch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from zeb42_agents.files import fingerprint, set_aside

MODEL_FILE, CONFIG_FILE, STATE_FILE = "model.safetensors", "config.json", "state.json"
BUNDLED = Path(__file__).parent / "bundled"
RUN_FOLDERS = ("best", "latest")
"""Of a training run, the one to play with first."""


def locate(source: str | Path) -> Path:
    """Where the weights are that ``source`` names: a published ``.pt`` file, a ``.safetensors`` file of an exchange, or
    a folder that :func:`zeb42_agents.weights.save` wrote.

    ``source`` is one of these, a training run's folder (its best weights, else its latest), the name of bundled
    weights, or ``hf://USER/REPO[/NAME][@REVISION]``. ValueError if there are none.
    """
    if str(source).startswith("hf://"):
        from zeb42_agents.hub import download_weights

        return download_weights(str(source))
    path = Path(source)
    with suppress(OSError):  # a name that no file can have, such as one that is too long
        if path.suffix in (".pt", ".safetensors") and path.is_file():
            return path
        for folder in (path, *(path / name for name in RUN_FOLDERS), BUNDLED / str(source)):
            for place in (folder, set_aside(folder)):  # the old one where a kill came while it was being replaced
                if (place / MODEL_FILE).is_file():
                    return place
    bundled = ", ".join(bundled_names()) or "none in this installation"
    if str(source).startswith("zeb:"):
        raise ValueError(f"expected weights, got {str(source)!r}, an agent; allowed: {str(source)[4:]!r}, without zeb:")
    raise ValueError(
        f"expected weights, got {str(source)!r}, where there are none; allowed: a folder with {MODEL_FILE} and "
        f"{CONFIG_FILE}, a training run's folder, a published .pt file, hf://USER/REPO/NAME, or "
        f"bundled weights ({bundled})"
    )


def fingerprint_of(source: str | Path) -> str:
    """A hash of the files of the weights that ``source`` names, see :func:`locate`."""
    place = locate(source)
    if place.is_dir():
        return fingerprint([place / MODEL_FILE, place / CONFIG_FILE])
    return fingerprint([file for file in (place, beside(place, "config")) if file.is_file()])


def bundled_names() -> list[str]:
    """The weights that come with the package."""
    return sorted(folder.parent.name for folder in BUNDLED.glob(f"*/{MODEL_FILE}"))


def is_published(place: Path) -> bool:
    """Whether ``place`` is a checkpoint of the published run, which torch alone reads."""
    return place.suffix == ".pt" and place.is_file()


def beside(path: Path, what: str) -> Path:
    """The file about the weights in ``path`` that lies beside them: ``NAME-config.json`` for ``NAME.safetensors``."""
    return path.with_name(f"{path.stem}-{what}.json")
