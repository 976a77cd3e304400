"""The images of deploy/ cannot be built here, without Docker: what they name is there, and their commands parse."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from zeb42_agents.command import parse_options
from zeb42_agents.play.cli import PlayOptions
from zeb42_agents.play.levels import LEVELS, find_level, needs_torch

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = sorted((ROOT / "deploy").glob("Dockerfile*"))


def steps(file: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile and what follows each."""
    text = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_an_image_names_is_there(file: Path) -> None:
    found = steps(file)
    ((_, image),) = [step for step in found if step[0] == "FROM"]
    python = re.fullmatch(r"python:(\d+\.\d+)-slim", image)
    assert python, image
    assert python[1] in SpecifierSet(PROJECT["requires-python"])
    assert f"Programming Language :: Python :: {python[1]}" in PROJECT["classifiers"]
    for _, words in (step for step in found if step[0] == "COPY"):
        for source in [word for word in words.split() if not word.startswith("--")][:-1]:
            assert (ROOT / source).exists(), source
    (install,) = [words for name, words in found if name == "RUN" and "pip install" in words]
    extras = re.search(r'"\.\[(.*?)\]" -c (\S+)', install)
    assert extras, install
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    assert (ROOT / extras[2]).exists()


def test_the_commands_of_the_public_table_parse() -> None:
    found = steps(ROOT / "deploy" / "Dockerfile.play")
    hosts = re.search(r'HOSTS="(.*?)"', dict(found)["ENV"])
    assert hosts
    (port,) = [words for name, words in found if name == "EXPOSE"]
    command = re.search(r"exec zeb42 play (.*?)\"\]", dict(found)["CMD"])
    assert command
    words = shlex.split(command[1].replace("$HOSTS", hosts[1]))
    options = parse_options(PlayOptions, words, program="zeb42 play")
    assert (options.host, options.port, options.public, options.no_browser) == ("0.0.0.0", int(port), True, True)
    assert (options.allow_host, options.proxies) == (("*.hf.space",), 1)
    (warming,) = [words for name, words in found if name == "RUN" and words.startswith("zeb42 play")]
    warmed = parse_options(PlayOptions, shlex.split(warming)[2:], program="zeb42 play")
    assert warmed.terminal
    assert not [name for name in warmed.seats if needs_torch(find_level(name, LEVELS).spec)]  # the image has no PyTorch
