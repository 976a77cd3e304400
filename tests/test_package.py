"""The package as others get it: its metadata, its wheel, its types, and what works without torch."""

from __future__ import annotations

import datetime
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

import zeb42_env

ROOT = Path(__file__).parents[1]
WHEEL_MIB = 8
CLIENT = """
import numpy as np

from zeb42_agents import make_agent
from zeb42_agents.solver import solve
from zeb42_env import Hand, Rules

hand = Hand.deal(seed=7, rules=Rules(contract="random"))
reveal_type(solve(hand))
reveal_type(hand.legal_actions())
reveal_type(make_agent("greedy").act(np.array([hand.view(0)]), np.random.default_rng(0)))
Hand.deal(seed="7")
Rules(scoring="golf")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, or the one that a release is tested with, away from its sources."""
    if given := os.environ.get("ZEB42_WHEEL"):
        return Path(given)
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel in it, and of ours only what others made."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "theirs.pth").write_text(sysconfig.get_paths()["purelib"])  # .pth files in there are not read
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def distribution(wheel: Path) -> Distribution:
    return PathDistribution(zipfile.Path(wheel, f"zeb42-{zeb42_env.__version__}.dist-info/"))  # type: ignore[arg-type]


def _outside(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([python, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_is_small_and_whole(wheel: Path) -> None:
    assert wheel.stat().st_size <= WHEEL_MIB * 2**20
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"zeb42_env/py.typed", "zeb42_agents/py.typed", "zeb42_agents/bundled/laptop/model.safetensors"} <= names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"zeb42_env", "zeb42_agents", f"zeb42-{zeb42_env.__version__}.dist-info"}


def test_the_metadata_say_what_is_expected(distribution: Distribution) -> None:
    metadata = distribution.metadata
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "The zeb42 authors"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    urls = {entry.split(",")[0] for entry in metadata.get_all("Project-URL", [])}
    assert {"Documentation", "Source", "Issues", "Changelog"} <= urls
    extras = set(metadata.get_all("Provides-Extra", []))
    assert {"play", "hub", "fleet", "wandb", "render", "train", "agents", "docs", "recipes", "all"} <= extras
    needed = [requirement for requirement in distribution.requires or [] if "extra ==" not in requirement]
    assert {re.split(r"[<>=!~ ]", requirement)[0] for requirement in needed} == {
        "gymnasium", "numba", "numpy", "pettingzoo",
    }  # fmt: skip
    assert [point.name for point in distribution.entry_points] == ["zeb42"]


def test_a_clients_mistakes_are_seen_by_mypy(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(CLIENT)
    command = ["-m", "mypy", "--strict", "--python-executable", str(installed), "client.py"]
    checked = _outside(Path(sys.executable), tmp_path, *command)
    said = [line.partition(": ")[2] for line in checked.stdout.splitlines()]
    reveals = [line.rpartition('"')[0].partition('"')[2] for line in said if line.startswith("note: Revealed")]
    assert all("Any" not in revealed.replace("dtype[Any]", "") for revealed in reveals[:2]), reveals
    errors = [line for line in said if line.startswith("error")]
    assert len(reveals) == 3
    assert len(errors) == 2, checked.stdout
    assert '"seed" to "deal" of "Hand" has incompatible type "str"' in errors[0]
    assert '"scoring" to "Rules"' in errors[1]


def test_the_commands_stand_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = _outside(installed, tmp_path, "-c", "import zeb42_agents; print(zeb42_agents.__file__)").stdout
    assert where.startswith(str(installed.parents[1]))
    helped = _outside(installed, tmp_path, "-m", "zeb42_agents", "--help")
    assert helped.returncode == 0
    assert _outside(installed, tmp_path, "-m", "zeb42_agents", "--version").stdout == f"{zeb42_env.__version__}\n"
    for command in re.findall(r"^  (\w+) ", helped.stdout, re.MULTILINE):
        ended = _outside(installed, tmp_path, "-m", "zeb42_agents", command, "--help")
        assert ended.returncode == 0, (command, ended.stderr)
        assert "usage" in ended.stdout.lower()
    assert not list(tmp_path.iterdir())


def test_all_but_training_works_without_torch(tmp_path: Path) -> None:
    code = """
import sys
import importlib.util
class Missing:
    def find_spec(self, name, *more):
        if name.partition(".")[0] in ("torch", "tianshou"):
            raise ModuleNotFoundError(name, name=name)
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torch" else find_spec(name, *more)
sys.meta_path.insert(0, Missing())
from zeb42_agents.arena import play_pairing
from zeb42_agents.arena.cli import main
from zeb42_agents.solver import solve
from zeb42_env import Hand, Rules
hand = Hand.deal(seed=7, rules=Rules(contract="random"))
assert len(solve(hand)) == 7
networks = ("zeb:laptop", "zeb:seasoned", "zeb:laptop,sims=4,worlds=2", "zeb:taught,mind=quick,worlds=4")
for first in ("eq:n=2", "br:outer=2,inner=2", "zeb:quick", "zeb:sharp", "zeb:quick,worlds=4", "gentle", *networks):
    assert play_pairing(first, "greedy", num_deals=1)
from zeb42_agents import make_agent
from zeb42_agents.play.levels import LEVELS
assert not [level for level in LEVELS if level.missing]
print(make_agent("eq:n=2").explain(hand.view(hand.to_move)).chosen)
import zeb42_agents.play.review_cli
assert main(["random", "greedy", "--deals", "2", "--jobs", "1", "--no-plots", "--out", "run"]) == 0
assert "torch" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "report.md").is_file()


def test_what_the_docs_import_works_or_says_the_pip_line(tmp_path: Path) -> None:
    """With what `pip install zeb42` brings and nothing else: never a bare ModuleNotFoundError."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    code = "\n".join(
        block for page in pages for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    )
    lines = set(
        re.findall(r"^(?:from zeb42_agents[\w.]* import [\w, ]+|import zeb42_agents[\w.]*)$", code, re.MULTILINE)
    )
    rooms = ("arena", "evaluator", "exchange", "fleet", "model", "weights")
    lines |= {f"import zeb42_agents.{room}" for room in (*rooms, "zeb", "minds.weights", "calls")}
    assert len(lines) > 20
    program = f"""
import sys
from zeb42_agents.extras import _EXTRAS
class Missing:
    def find_spec(self, name, *more):
        if any(name.partition(".")[0] in packages for packages in _EXTRAS.values()):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
for line in {sorted(lines)}:
    try:
        exec(line)
    except Exception as error:
        print(line, "->", type(error).__name__, error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    said = ended.stdout.splitlines()
    assert [line for line in said if "run `pip install 'zeb42[" not in line] == []
    missing = {line.partition(" ->")[0] for line in said}
    assert missing >= {f"import zeb42_agents.{room}" for room in rooms}
    assert not any(
        line.startswith(("from zeb42_agents.solver", "from zeb42_agents.search", "import zeb42_agents.zeb"))
        for line in missing
    )


def test_the_environment_imports_nothing_heavy() -> None:
    heavy = ("torch", "pygame", "matplotlib", "pyarrow", "numba.np.npyimpl")  # the last is for compiling
    code = f"import sys, zeb42_env; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_the_version_is_one() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [zeb42_env.__version__]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    dated = [section for section in sections if re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", section)]
    assert dated == [section for section in sections if section != "Unreleased"]
    assert dated[0].startswith(f"{zeb42_env.__version__} (")


def test_all_extras_are_pinned_or_known() -> None:
    """What an extra of ours needs at test time has its tested version in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {
        line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    tested = ("render", "arena", "agents", "train", "data", "test")
    needed = [*project["dependencies"], *(r for extra in tested for r in project["optional-dependencies"][extra])]
    names = {re.split(r"[\[<>=!~;, ]", requirement)[0].lower() for requirement in needed} - {"zeb42"}
    assert names <= pins, names - pins


def test_a_release_sets_its_version_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    release = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(release)
    (tmp_path / "zeb42_env").mkdir()
    (tmp_path / "zeb42_env" / "_version.py").write_text('__version__ = "0.1.0"\n')
    (tmp_path / "CITATION.cff").write_text((ROOT / "CITATION.cff").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- news\n\n## 0.1.0 (2026-11-22)\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    release.set_version("0.9.0")
    assert (tmp_path / "zeb42_env" / "_version.py").read_text() == '__version__ = "0.9.0"\n'
    assert re.search(r"^version: 0.9.0$", (tmp_path / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    today = datetime.date.today().isoformat()
    assert f"## 0.9.0 ({today})\n\n- news" in (tmp_path / "CHANGELOG.md").read_text()
    for wrong, message in (("0.9.0", "not in CHANGELOG.md yet"), ("9", "expected a version"), ("1.0.0", "Unreleased")):
        with pytest.raises(ValueError, match=message):
            release.set_version(wrong)
