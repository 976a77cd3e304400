"""The one line about compiling."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

from zeb42_env._numba import notice


def event(module):
    return SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=SimpleNamespace(__module__=module))})


def compile_for(listener, seconds, module="zeb42_env._core.record"):
    listener.on_start(event(module))
    time.sleep(seconds)
    listener.on_end(event(module))


def test_says_so_once_after_long_compiling(monkeypatch, capsys):
    monkeypatch.setattr(notice, "PATIENCE_S", 30.0)
    listener = notice.CompileNotice()
    for _ in range(3):
        compile_for(listener, 0.3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(notice, "PATIENCE_S", 0.8)  # which is spent, in sum and in no single one
    compile_for(listener, 0.3)
    compile_for(listener, 0.01)
    assert capsys.readouterr().err == notice.MESSAGE


def test_short_compiling_and_other_packages_stay_silent(monkeypatch, capsys):
    monkeypatch.setattr(notice, "PATIENCE_S", 30.0)
    listener = notice.CompileNotice()
    compile_for(listener, 0.02)
    monkeypatch.setattr(notice, "PATIENCE_S", 0.05)
    compile_for(listener, 0.2, module="somebody.else")
    monkeypatch.setattr(notice, "PATIENCE_S", 30.0)
    listener.on_start(event("zeb42_agents.solver"))
    listener.on_start(event("zeb42_agents.solver"))  # a kernel inside a kernel
    listener.on_end(event("zeb42_agents.solver"))
    listener.on_end(event("zeb42_agents.solver"))
    time.sleep(0.15)
    assert capsys.readouterr().err == ""
    assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())


def test_import_compiles_nothing(tmp_path):
    """With an empty cache an import leaves it empty: kernels compile when they are first used."""
    code = "import zeb42_env"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert list(tmp_path.rglob("*.nbi")) == []
