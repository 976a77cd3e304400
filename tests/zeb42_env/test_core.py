"""What other packages may count on: the names of the kernels, and that both packages are typed."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module, resources
from pathlib import Path

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


def test_the_agents_keep_to_the_rooms_that_are_named() -> None:
    import zeb42_agents

    for source in Path(zeb42_agents.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("zeb42_env._core"):
                continue
            room = (node.module or "").removeprefix("zeb42_env._core").lstrip(".")
            rooms, names = ([room], [n.name for n in node.names]) if room else ([n.name for n in node.names], [])
            assert set(rooms) <= set(MODULES), source
            assert not any(name.startswith("_") for name in names), source


def test_both_packages_say_that_they_are_typed() -> None:
    for package in ("zeb42_env", "zeb42_agents"):
        assert resources.files(package).joinpath("py.typed").is_file()


def test_one_room_does_not_load_the_others() -> None:
    code = (
        "import sys, zeb42_env; print([m for m in sys.modules if m.split('.')[0] in ('torch', 'pygame', 'tianshou')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
