"""README is true: its Python runs, its links lead somewhere, and what .ci/run takes from it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_blocks_run(number: int) -> None:
    exec(compile(BLOCKS[number], f"README block {number + 1}", "exec"), {})


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_two_commands_are_marked() -> None:
    for marker, ending in (("train", "python examples/train_belief.py"), ("test", "pytest")):
        (command,) = re.findall(rf"<!-- {marker} -->\n```bash\n(.*?)\n```", README, re.DOTALL)
        assert command.endswith(ending)
        assert "-c constraints.txt" in command
