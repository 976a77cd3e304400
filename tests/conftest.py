"""What all tests share: the folders of helpers that tests import, and a quiet, windowless pygame."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
sys.path.insert(0, str(Path(__file__).parent / "zeb42_env"))
sys.path.insert(0, str(Path(__file__).parent / "zeb42_agents"))
for folder in ("exchange", "training"):
    sys.path.insert(0, str(Path(__file__).parent / "zeb42_agents" / folder))


def pytest_collection_modifyitems(config, items):
    """Leave the nightly tests out unless ``-m`` speaks of them."""
    if "nightly" in config.option.markexpr:
        return
    nightly = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=nightly)
    items[:] = [item for item in items if item not in set(nightly)]
