"""Command lines from dataclasses: nested fields, defaults, the help, and errors of one line."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field

import pytest

from zeb42_agents.command import parse_options


@dataclass(frozen=True, kw_only=True)
class Inner:
    """What is inside."""

    num_worlds: int = 3
    """Worlds per decision."""

    def __post_init__(self) -> None:
        if self.num_worlds < 1:
            raise ValueError(f"expected num_worlds of at least 1, got {self.num_worlds}")


@dataclass(frozen=True, kw_only=True)
class Outer:
    """Does what it does."""

    fast: bool = False
    """Hurry."""
    inner: Inner = field(default_factory=Inner)


def test_fields_are_options_under_their_own_names() -> None:
    assert parse_options(Outer, [], program="it") == Outer()
    given = parse_options(Outer, ["--num-worlds", "7", "--fast"], program="it")
    assert given == Outer(fast=True, inner=Inner(num_worlds=7))
    default = Outer(inner=Inner(num_worlds=9))
    assert parse_options(Outer, ["--fast"], program="it", default=default) == Outer(fast=True, inner=default.inner)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--num-worlds", "many"], "Error parsing --num-worlds: invalid literal for int() with base 10: 'many'"),
        (["--num-worlds"], "Missing value for argument '--num-worlds'. Expected 1 values"),
        (["--colour", "red"], "Unrecognized options: --colour, red"),
        (["--num-worlds", "0"], "expected num_worlds of at least 1, got 0"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], message: str, encoding: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    with pytest.raises(ValueError, match="see it --help") as error:
        parse_options(Outer, words, program="it")
    assert str(error.value) == f"{message}; see it --help"
    assert capsys.readouterr().err == ""


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_options(Outer, ["--help"], program="it")
    assert end.value.code == 0
    shown = capsys.readouterr().out
    for words in ("Does what it does.", "--fast", "Hurry.", "--num-worlds INT", "Worlds per decision. (default: 3)"):
        assert words in shown
