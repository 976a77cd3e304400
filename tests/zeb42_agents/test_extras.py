"""What stands in front of a command: what it lacks, and a stop while it is still being imported."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from types import ModuleType

import pytest
from gymnasium.error import DependencyNotInstalled

from zeb42_agents.extras import needs_extras, run_command


class _Stopping(ModuleType):
    """A module whose import is still under way when the stop comes."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_a_stop_during_the_imports_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "zeb42_being_imported", _Stopping("zeb42_being_imported"))
    assert run_command("zeb42_being_imported", []) == 130
    assert "interrupted before anything was done" in capsys.readouterr().err


def test_help_that_nobody_reads_to_its_end_is_silent() -> None:
    """As in ``zeb42 arena --help | head``."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "zeb42_agents", "arena", "--help"]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (-signal.SIGPIPE, "")


def test_the_wanted_extra_is_named_where_a_module_within_asked_for_less() -> None:
    with (
        pytest.raises(
            DependencyNotInstalled, match=re.escape("torch is not installed, run `pip install 'zeb42[train]'`")
        ),
        needs_extras("train"),
        needs_extras(),
    ):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")
    with pytest.raises(ValueError, match="of its own"), needs_extras("train"):
        raise ValueError("of its own")
