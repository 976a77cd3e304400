"""What other packages may count on: the names of the kernels, and that both packages are typed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, resources

import pytest
from numba.core.dispatcher import Dispatcher

from zeb42_env._core import MODULES


@pytest.mark.parametrize("module", MODULES)
def test_what_is_promised_is_there_and_explained(module: str) -> None:
    found = vars(import_module(f"zeb42_env._core.{module}"))
    assert sorted(MODULES[module]) == sorted(set(MODULES[module]) & set(found))
    for name in MODULES[module]:
        if isinstance(found[name], Dispatcher):
            assert found[name].__doc__, name


def test_both_packages_say_that_they_are_typed() -> None:
    for package in ("zeb42_env", "zeb42_agents"):
        assert resources.files(package).joinpath("py.typed").is_file()


def test_one_room_does_not_load_the_others() -> None:
    code = (
        "import sys, zeb42_env; print([m for m in sys.modules if m.split('.')[0] in ('torch', 'pygame', 'tianshou')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
