"""The command line of training: folders of others are left alone, and every way out says how to go on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

import zeb42_agents.__main__ as command
from zeb42_agents import weights
from zeb42_agents.arena.stops import check_stop
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.training import cli
from zeb42_agents.training.config import PRESETS
from zeb42_agents.training.run_folder import RunFolder
from zeb42_agents.training.trainer import Trainer

ROOT = Path(__file__).parents[3]
SMALL = ["--lanes", "2", "--min-buffer-examples", "56", "--precision", "float32", "--threads", "1"]


@pytest.mark.parametrize("words", [[], ["--cycles"], ["--cycles", "4"], ["--preset=hour"], ["--help"]])
def test_every_number_of_words_is_read(words: list[str]) -> None:
    """None at all, as README has it, above all."""
    assert cli.given_options(words).keys() == {
        word.removeprefix("--").partition("=")[0] for word in words if "-" in word
    }
    if not words:
        assert cli._parse(words).config == PRESETS["laptop"]


def test_the_command_of_the_readme_begins_to_train(tmp_path: Path) -> None:
    """Word for word, up to the first line that says what is trained; then it is stopped."""
    readme = (ROOT / "README.md").read_text()
    command = readme.partition("<!-- train -->")[2].partition("```bash\n")[2].partition("\n")[0].split("&&")[-1].split()
    assert command == ["python", "examples/train_belief.py"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / command[1])],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("run: runs/laptop-")
        assert "seed=0, cycles=50" in process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "D"
    (out / "latest").mkdir(parents=True)
    (out / "latest" / "thesis.tex").write_text("thesis")
    assert cli.main(["--out", str(out), *SMALL]) == cli.USAGE
    assert "which holds other files" in capsys.readouterr().out
    assert cli.main(["--resume", str(out)]) == cli.USAGE
    assert "got a folder without config.json" in capsys.readouterr().out
    assert [path.name for path in out.rglob("*")] == ["latest", "thesis.tex"]


@pytest.mark.parametrize("left", [(".lock",), (".lock", "config.json.new")])
def test_what_a_crash_left_of_a_new_folder_is_no_run_yet(left: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    for name in left:
        (out / name).touch()
    assert cli._folder(cli._parse(["--out", str(out), *SMALL])) == out
    RunFolder(out).create()


@pytest.mark.parametrize("left", ["best", "latest", "metrics.csv"])
def test_a_run_that_lost_its_checkpoint_is_not_begun_again(
    left: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    config = cli._parse(SMALL).config
    Trainer(config, run)
    (run / "checkpoint").rename(tmp_path / "elsewhere")
    if left == "metrics.csv":
        (run / left).write_text("cycle,lr\n1,0.5\n")
    else:
        (run / left).mkdir()
    assert cli.main(["--resume", str(run)]) == cli.USAGE
    assert f"expected a checkpoint/ in {run} beside {left}" in capsys.readouterr().out


def test_a_base_that_is_not_finite_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    base = ZebModel(ZebConfig.named("small", tokenizer="v2"))
    with torch.no_grad():
        base.pos_embed.weight[0, 0] = float("nan")
    weights.save(tmp_path / "base", base, {})
    assert cli.main(["--base", str(tmp_path / "base"), "--out", str(tmp_path / "run"), *SMALL]) == cli.USAGE
    assert "expected finite weights as a base" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_pieces_that_are_links_are_replaced_where_they_lead(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = cli._parse(SMALL).config
    trainer = Trainer(config, run)
    trainer.save()
    for name in ("checkpoint", "latest"):
        (run / name).rename(tmp_path / name)
        (run / name).symlink_to(tmp_path / name)
    trainer.save()
    assert (run / "checkpoint").is_symlink()
    trainer._folder._lock.release()  # type: ignore[union-attr]
    assert Trainer(config, run).cycle == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("I/O error")])
def test_a_full_disk_is_one_line_that_says_how_to_go_on(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def full(self: Trainer) -> None:
        raise error

    monkeypatch.setattr(Trainer, "train_cycle", full)
    assert cli.main(["--out", str(tmp_path / "run"), *SMALL]) == cli.FAILED
    printed = capsys.readouterr().out
    assert "0 of 50 cycles are saved. To go on:" in printed
    assert f"  zeb42 train --resume {tmp_path / 'run'} --cycles 50" in printed


def test_a_stop_that_a_compiler_swallowed_stops_after_the_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    cycles = []

    def swallow(self: Trainer) -> dict[str, float]:
        cycles.append(len(cycles) + 1)
        self.cycle = self.saved_cycle = cycles[-1]
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            return {"total_games": 2.0}
        return {}

    monkeypatch.setattr(Trainer, "train_cycle", swallow)
    assert cli.main(["--out", str(tmp_path / "run"), *SMALL]) == 128 + signal.SIGTERM
    assert cycles == [1]
    assert "1 of 50 cycles are saved" in capsys.readouterr().out
    check_stop()  # nothing is left asked for


def test_the_command_names_its_subcommands(capsys: pytest.CaptureFixture) -> None:
    assert command.main(["--help"]) == 0
    assert "train" in capsys.readouterr().out
    assert command.main([]) == command.USAGE
    assert command.main(["trian"]) == command.USAGE
    assert "did you mean zeb42 train?" in capsys.readouterr().err
    assert command.main(["train", "--preset", "toaster"]) == command.USAGE
    assert "expected a preset, got 'toaster'" in capsys.readouterr().out


def test_the_command_imports_what_it_needs_alone() -> None:
    code = (
        "import sys; from zeb42_agents.__main__ import main; main(['--help']);"
        "sys.exit(bool({'torch', 'tyro', 'rich', 'tianshou', 'numba', 'numpy', 'gymnasium'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_help_lists_the_knobs(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert not stop.value.code
    printed = capsys.readouterr().out
    assert "--steps-per-cycle" in printed
    assert "--peek" in printed
    assert "usage: zeb42 train" in printed


def test_tianshou_is_in_one_room_and_pyplot_in_none() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in Path(command.__file__).parent.rglob("*.py")}
    importers = [path.name for path, text in texts.items() if "import tianshou" in text or "from tianshou" in text]
    assert importers == ["collect.py"]
    assert not [path for path, text in texts.items() if "matplotlib.pyplot" in text]
