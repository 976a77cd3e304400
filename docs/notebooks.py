"""The tutorials as Jupyter notebooks, made from their Markdown while the site is built: no copy is kept.

A block of code becomes a cell, and the gray box after it that cell's output. Pictures travel inside the notebook, links
lead to the repository, so that a downloaded notebook needs no other file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

_CODE = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_IMAGE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^):]+\.svg)\)")
_LINK = re.compile(r"\]\((?P<path>[^):#][^):]*)\)")


def notebook(page: Path, repository: str) -> dict[str, Any]:
    """The notebook of ``page``, a Markdown file under docs/tutorials; ``repository`` is where its links lead."""
    text, cells, end = page.read_text(encoding="utf-8"), [], 0
    for found in _CODE.finditer(text):
        cells += [_prose(text[end : found.start()], page, repository), _code(found["code"], found["printed"])]
        end = found.end()
    cells.append(_prose(text[end:], page, repository))
    kept = [cell for cell in cells if "".join(cell["source"]).strip()]
    for number, cell in enumerate(kept):
        cell["id"] = f"{page.stem}-{number}"
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": kept,
    }


def write_notebooks(tutorials: Path, folder: Path, repository: str) -> None:
    """One notebook in ``folder`` for each page of ``tutorials``."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in sorted(tutorials.glob("*.md")):
        text = json.dumps(notebook(page, repository), ensure_ascii=False, indent=1)
        (folder / f"{page.stem}.ipynb").write_text(text + "\n", encoding="utf-8")


def _prose(text: str, page: Path, repository: str) -> dict[str, Any]:
    pictures: dict[str, dict[str, str]] = {}

    def inside(found: re.Match[str]) -> str:
        path = page.parent / found["path"]
        pictures[path.name] = {"image/svg+xml": path.read_text(encoding="utf-8")}
        return f"![{found['words']}](attachment:{path.name})"

    def outside(found: re.Match[str]) -> str:
        path, _, anchor = found["path"].partition("#")
        parts: list[str] = []
        for part in PurePosixPath("docs", page.parent.name, path).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        return f"]({repository}/{'/'.join(parts)}{'#' + anchor if anchor else ''})"

    source = _LINK.sub(outside, _IMAGE.sub(inside, text.strip()))
    cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}
    return {**cell, "attachments": pictures} if pictures else cell


def _code(code: str, printed: str | None) -> dict[str, Any]:
    stream = {"output_type": "stream", "name": "stdout", "text": (printed or "").splitlines(keepends=True)}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [] if printed is None else [stream],
        "source": code.rstrip("\n").splitlines(keepends=True),
    }
