"""Everything of a release but the upload.

    python .ci/release.py version 0.2.0    set the version and date the changelog
    python .ci/release.py check            build wheel and sdist into dist/, install the wheel in a clean environment,
                                           and run the sdist's tests there, away from the repository

The rest is by hand: commit, tag, upload. `check` ends with the lines to type.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
WHEEL_MIB = 8
BUILD_TOOLS = ("build", "twine")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version", help="set the version everywhere").add_argument("number")
    check = commands.add_parser("check", help="build, install the wheel in a clean environment, test it there")
    check.add_argument("tests", nargs="*", default=["tests"], help="of the sdist; by default all")
    check.add_argument("--python", default=sys.executable, help="the interpreter of the clean environment")
    options = parser.parse_args()
    try:
        if options.command == "version":
            set_version(options.number)
        else:
            release_check(options.tests, options.python)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"failed with status {error.returncode}: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def set_version(number: str) -> None:
    """Write ``number`` where a version stands, and turn the changelog's Unreleased into its dated section."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", number):
        raise ValueError(f"expected a version such as 0.2.0, got {number!r}")
    today = datetime.date.today().isoformat()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if f"## {number} " in changelog:
        raise ValueError(f"expected a version that is not in CHANGELOG.md yet, got {number}")
    if not re.search(r"^## Unreleased\n\n- ", changelog, re.MULTILINE):
        raise ValueError("expected lines under Unreleased in CHANGELOG.md, got none")
    for name, pattern, text in (
        ("zeb42_env/_version.py", r'^__version__ = ".*"$', f'__version__ = "{number}"'),
        ("CITATION.cff", r"^version: .*$", f"version: {number}"),
        ("CITATION.cff", r"^date-released: .*$", f'date-released: "{today}"'),
        ("CHANGELOG.md", r"^## Unreleased$", f"## {number} ({today})"),
    ):
        path = ROOT / name
        changed, count = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"expected one line like {pattern} in {name}, got {count}")
        path.write_text(changed, encoding="utf-8")
        print(f"{name}: {text}")


def release_check(tests: list[str], python: str) -> None:
    """Build, look at what was built, and run ``tests`` of the sdist on the installed wheel."""
    require_own_address()
    wheel, sdist = build()
    size = wheel.stat().st_size / 2**20
    if size > WHEEL_MIB:
        raise ValueError(f"expected a wheel of at most {WHEEL_MIB} MiB, got {size:.1f}")
    print(f"{wheel.name}: {size:.2f} MiB, {sdist.name}: {sdist.stat().st_size / 2**20:.2f} MiB")
    with tempfile.TemporaryDirectory(prefix="zeb42-release-") as folder:
        check_wheel(wheel, sdist, Path(folder), tests, python)
    version = wheel.name.split("-")[1]
    print(
        f"\nAll of that passed. To release:\n  git commit -am 'Version {version}' && git tag v{version} && "
        f"git push --follow-tags\n  twine upload dist/{wheel.name} dist/{sdist.name}"
    )


def require_own_address() -> None:
    """Say it where the repository is not the one that the metadata name; ValueError where they name several."""
    pyproject, citation = ((ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CITATION.cff"))
    (named,) = re.findall(r'^Source = "(.*)"$', pyproject, re.MULTILINE)
    if f'repository-code: "{named}"' not in citation:
        raise ValueError(f"expected one address in pyproject.toml and CITATION.cff, got {named} in the first alone")
    asked = subprocess.run(
        ["git", "remote", "get-url", "origin"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    origin = asked.stdout.strip() or "no remote"
    if origin.removesuffix(".git").replace(":", "/").split("/")[-2:] != named.split("/")[-2:]:
        print(f"note: the metadata name {named}, this repository's origin is {origin}; settle that before the upload")


def build() -> tuple[Path, Path]:
    """The wheel and the sdist, made from nothing."""
    for old in [*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")]:
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="zeb42-build-") as folder:
        tools = environment(Path(folder) / "tools", sys.executable)
        run(tools, "-m", "pip", "install", "--quiet", *BUILD_TOOLS)
        run(tools, "-m", "build", "--outdir", str(DIST), str(ROOT))
        (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
        run(tools, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    return wheel, sdist


def check_wheel(wheel: Path, sdist: Path, folder: Path, tests: list[str], python: str) -> None:
    """Run the sdist's tests in ``folder`` on the installed wheel, with the packages' sources taken away."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (outside,) = (path for path in folder.iterdir() if path.is_dir())
    for package in ("zeb42_env", "zeb42_agents"):
        (outside / package).rename(folder / f"{package}-of-the-sdist")
    inside = environment(folder / "clean", python)
    run(inside, "-m", "pip", "install", "--quiet", f"{wheel}[test]", "-c", str(ROOT / "constraints.txt"))
    run(inside, "-c", "import zeb42_env, sys; assert zeb42_env.__file__.startswith(sys.prefix), zeb42_env", cwd=outside)
    empty = folder / "empty"
    empty.mkdir()
    run(inside, "-m", "zeb42_agents", "--help", cwd=empty)
    run(inside, "-m", "zeb42_agents", "arena", "greedy", "zeb:laptop", "--deals", "10", "--out", "run", cwd=empty)
    os.environ["ZEB42_WHEEL"] = str(wheel)
    run(inside, "-m", "pytest", *tests, cwd=outside)
    with zipfile.ZipFile(wheel) as archive:
        print(f"{len(archive.namelist())} files in the wheel, installed and tested in an environment of its own")


def environment(folder: Path, python: str) -> Path:
    """The interpreter of a new virtual environment."""
    if python == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    return folder / "bin" / "python"


def run(python: Path, *words: str, cwd: Path = ROOT) -> None:
    """Run ``python`` with these words, and nothing of ours on its path but what is installed; CalledProcessError if it
    fails."""
    print("+ python", *words, flush=True)
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([python, *words], cwd=cwd, check=True, env=clean)


if __name__ == "__main__":
    sys.exit(main())
