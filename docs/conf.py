"""The documentation site: `sphinx-build -W docs docs/_build/html`. Nothing is fetched while it is built or read.

The pages are the Markdown files of this folder, which a code forge shows as they are. Two things differ there, and
:func:`_as_site` mends them for the site: links to files outside this folder, and the page of benchmarks, which lives
beside its scripts. The tutorials are offered as notebooks, too, which :mod:`notebooks` makes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
from notebooks import write_notebooks

ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_SOURCE = _PROJECT["urls"]["Source"] + "/blob/main"

project = "zeb42"
author = _PROJECT["authors"][0]["name"]
copyright = author
exec((ROOT / "zeb42_env" / "_version.py").read_text(encoding="utf-8"))
release = version = globals()["__version__"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
suppress_warnings = ["ref.python"]  # options of one name in several classes

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
add_module_names = False

html_theme = "furo"
html_title = f"zeb42 {release}"
html_static_path: list[str] = []
html_show_sourcelink = False
html_copy_source = False


def _as_site(_: Sphinx, docname: str, source: list[str]) -> None:
    """Point links that lead out of this folder to pages of the site, or to the files in the repository."""
    up = r"\]\((?:\.\./)+" if "/" not in docname else r"\]\(\.\./(?:\.\./)+"
    here = "" if "/" not in docname else "../"
    text = re.sub(rf"({up})benchmarks/README\.md", rf"]({here}benchmarks.md", source[0])
    text = re.sub(rf"({up})CHANGELOG\.md", rf"]({here}changelog.md", text)
    text = re.sub(rf"{up}([^)\s]+)", rf"]({_SOURCE}/\1", text)
    if docname.startswith("tutorials/"):
        name = docname.rpartition("/")[2] + ".ipynb"
        link = f'<p><a href="{name}" download>Download this page as a notebook</a></p>'
        text = re.sub(r"\A(# .*\n)", rf"\1\n{link}\n", text)
    source[0] = text


def _notebooks(app: Sphinx, error: Exception | None) -> None:
    """Beside the tutorials of a site that was built, their notebooks."""
    if error is None and app.builder.format == "html":
        write_notebooks(Path(app.srcdir) / "tutorials", Path(app.outdir) / "tutorials", _SOURCE)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _as_site)
    app.connect("build-finished", _notebooks)
