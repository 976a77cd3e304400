"""What comes with an extra of the package: the line to type where it is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

INTERRUPTED = 130  # what a shell expects after Ctrl-C
_EXTRAS = {
    "arena": ("scipy", "rich", "matplotlib", "tyro", "filelock", "safetensors"),
    "agents": ("torch",),
    "train": ("tianshou",),
    "play": ("starlette", "uvicorn", "anyio", "platformdirs"),
    "wandb": ("wandb",),
    "data": ("pyarrow",),
    "hub": ("huggingface_hub",),
    "fleet": ("ray",),
    "render": ("pygame",),
    "recipes": ("sb3_contrib", "stable_baselines3", "torchrl", "tensordict", "minari", "pyspiel"),
}


@contextmanager
def needs_extras(wanted: str = "") -> Iterator[None]:
    """``with needs_extras(): import torch``: DependencyNotInstalled says what to install where a package is missing.

    That is the extra that the package is in, or the ``wanted`` one, which brings all that is needed here at once.
    """
    try:
        yield
    except Exception as error:
        # A module that was imported here may have said it already, and known less of what is wanted.
        missing = error.__cause__ if wanted and not isinstance(error, ModuleNotFoundError) else error
        if isinstance(missing, ModuleNotFoundError):
            from gymnasium.error import DependencyNotInstalled

            package = (missing.name or "").partition(".")[0]
            for extra, packages in _EXTRAS.items():
                if package in packages:
                    message = f"{package} is not installed, run `pip install 'zeb42[{wanted or extra}]'`"
                    raise DependencyNotInstalled(message) from missing
        raise


def run_command(module: str, arguments: Sequence[str] | None = None, *, extra: str = "", **known: str) -> int:
    """The exit status of the command line in ``module``, its ``main``; 2 where it lacks what is to be installed, which
    ``extra`` brings all at once.

    ``arguments`` are those of the process by default; ``main`` is told what is ``known`` besides.
    """
    try:
        from gymnasium.error import DependencyNotInstalled

        with needs_extras(extra):
            main = import_module(module).main
    except KeyboardInterrupt:  # the imports take seconds
        print("interrupted before anything was done", file=sys.stderr)
        return INTERRUPTED
    except DependencyNotInstalled as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(main(sys.argv[1:] if arguments is None else arguments, **known))
