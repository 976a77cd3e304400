"""The run: the same after a stop as without one, honest about what it is given, whole on disk."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from zeb42_agents import weights
from zeb42_agents.experience import SHARES, VALUES
from zeb42_agents.files import write_json
from zeb42_agents.training import cli, tracking
from zeb42_agents.training.config import PRESETS, TrainConfig
from zeb42_agents.training.run_folder import SCHEMA, load_config, read_checkpoint
from zeb42_agents.training.trainer import Trainer

TINY = replace(
    PRESETS["laptop"],
    cycles=3,
    teacher_cycles=2,
    lanes=8,
    steps_per_cycle=3,
    batch_size=16,
    min_buffer_examples=100,
    buffer_examples=448,
    evaluate_every=3,
    evaluate_deals=4,
    final_deals=4,
    belief_hands=4,
    sims=4,
    worlds=2,
    dropout=0.1,
    precision="float32",
    threads=1,
)
TINY_WORDS = [
    word
    for name, value in TINY.to_json().items()
    if value != getattr(PRESETS["laptop"], name)
    for word in (f"--{name.replace('_', '-')}", str(value))
]


def metrics(run: Path) -> list[dict[str, str]]:
    """What the rows of the CSV say, but for what the clock says."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if v and not k.endswith("_time_s")} for row in csv.DictReader(file)]


def parameters(run: Path, name: str = "latest") -> dict[str, torch.Tensor]:
    return dict(weights.load(run / name).model.state_dict())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    Trainer(TINY, run).run()
    return run


def test_a_run_leaves_everything_it_promised(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    assert {"config.json", "metrics.csv", "checkpoint", "latest", "best", "REPORT.md"} <= names
    assert (whole / "learning_curve.png").stat().st_size > 10_000
    assert (whole / "belief_calibration.png").stat().st_size > 10_000
    assert not [name for name in names if name.endswith((".new", ".old"))]
    rows = metrics(whole)
    assert [row["cycle"] for row in rows] == ["1", "2", "3"]
    assert all(float(row["policy_loss"]) >= 0 for row in rows)
    assert float(rows[-1]["legality_hidden_accuracy"]) > 0.3
    assert "legality alone" in (whole / "REPORT.md").read_text()
    assert load_config(whole) == TINY
    assert weights.load(whole).state["cycle"] == 3
    hands = read_checkpoint(whole).hands
    assert hands["cycle"].tolist() == [2] * (len(hands) - 8) + [3] * 8
    assert hands["meanings"][:, 0].tolist() == [VALUES] * (len(hands) - 8) + [SHARES] * 8
    assert hands["sequence"].tolist() == list(range(24 - len(hands), 24))
    assert hands["weights_step"].tolist() == [3] * (len(hands) - 8) + [6] * 8


def test_resuming_gives_the_same_as_not_having_stopped(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "stopped"
    for cycles in (1, 2):
        trainer = Trainer(TINY, run)
        while trainer.cycle < cycles:
            trainer.train_cycle()
    Trainer(TINY, run).run()
    assert metrics(run) == metrics(whole)
    ours, theirs = parameters(run), parameters(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert np.array_equal(read_checkpoint(run).hands, read_checkpoint(whole).hands)


def test_rows_of_an_unfinished_cycle_are_dropped(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "torn"
    trainer = Trainer(TINY, run)
    trainer.train_cycle()
    with (run / "metrics.csv").open("a") as file:
        file.write("2,16," + "0.5," * (len(trainer.tracker.columns) - 3) + "1e-\n2,16")  # cycles that were cut off
    (run / "checkpoint").rename(run / "checkpoint.old")
    (run / "checkpoint.new").mkdir()
    (run / "checkpoint.new" / "hands.npy").write_bytes(b"half")
    Trainer(TINY, run).train_cycle()
    assert metrics(run) == metrics(whole)[:2]


def test_threads_change_nothing(whole: Path, tmp_path: Path) -> None:
    trainer = Trainer(replace(TINY, threads=2), tmp_path / "two")
    for _ in range(3):
        trainer.train_cycle()
    assert read_checkpoint(tmp_path / "two").hands["hand"].tobytes() == read_checkpoint(whole).hands["hand"].tobytes()


def test_peek_and_sampled_labels_run(tmp_path: Path) -> None:
    config = replace(
        TINY, cycles=2, teacher_cycles=1, label_worlds=2, peek=True, tokenizer="v1", belief_target="all_21"
    )
    trainer = Trainer(config, tmp_path / "peek")
    for _ in range(2):
        row = trainer.train_cycle()
    assert np.isfinite(row["policy_loss"])


def test_an_auction_is_played_and_learned_from(tmp_path: Path) -> None:
    config = replace(TINY, cycles=1, teacher_cycles=0, contract="auction", scoring=("marks",), evaluate_every=5)
    trainer = Trainer(config, tmp_path / "auction")
    trainer.train_cycle()
    (state,) = [weights.load(tmp_path / "auction").state]
    assert state["calls"] is True
    assert (trainer.ring.hands["meanings"] == SHARES).all()


@pytest.mark.parametrize("prefix", ["", "zeb:"])
def test_a_base_without_belief_head_is_the_published_bootstrap(tmp_path: Path, prefix: str) -> None:
    from zeb42_agents.model import ZebConfig, ZebModel

    base = ZebModel(ZebConfig.named("small", tokenizer="v2"))
    weights.save(tmp_path / "base", base, {})
    trainer = Trainer(replace(TINY, base=f"{prefix}{tmp_path / 'base'}"), tmp_path / "run")
    assert {name.split(".")[0] for name in trainer.cold} == {"belief_proj"}
    assert torch.equal(trainer.learner.model.policy_proj.weight, base.policy_proj.weight)
    trainer.train_cycle()
    (tmp_path / "base").rename(tmp_path / "moved")
    assert Trainer(replace(TINY, base=str(tmp_path / "base")), tmp_path / "run").cold == []  # the checkpoint has it all


def test_without_a_belief_head_a_run_says_nothing_of_belief(tmp_path: Path) -> None:
    run = tmp_path / "run"
    Trainer(replace(TINY, cycles=1, teacher_cycles=1, belief_weight=0.0, opponents=("greedy",)), run).run()
    (row,) = metrics(run)
    assert row["policy_loss"]
    assert not any(value for name, value in row.items() if name.startswith(("belief", "legality")))
    assert "elief" not in (run / "REPORT.md").read_text().partition("Next:")[0]
    row_of_8 = {"total_games": 8.0, "eval_win_rate": 0.5, "eval_low": 0.4, "eval_high": 0.6}
    assert tracking.status(row_of_8, ["greedy"]) == "8 hands, vs greedy 50.0% (40.0 to 60.0)"


def test_counts_of_millions_are_exact(tmp_path: Path) -> None:
    for _ in range(2):
        tracker = tracking.Tracker(tmp_path, wandb="off", config={}, wandb_id="abc", cycle=1)
        if not tracker.rows:
            tracker.log({"cycle": 1, "total_games": 1_916_416, "policy_loss": 0.5})
    assert tracker.rows == [{"cycle": 1, "total_games": 1_916_416, "policy_loss": 0.5}]
    assert tracker.wandb_id == "abc"  # kept while W&B is off


class FakeWandb(ModuleType):
    """Enough of W&B to see what it is told."""

    class errors:
        class Error(Exception):
            pass

        class CommError(Error):
            pass

    Settings = SimpleNamespace

    def __init__(self, *, logged_in: bool = True) -> None:
        super().__init__("wandb")
        self.logged_in, self.inits, self.steps, self.kept = logged_in, [], [], []

    def Artifact(self, name: str, type: str) -> SimpleNamespace:
        return SimpleNamespace(add_dir=lambda folder: None)

    def init(self, **options: object) -> SimpleNamespace:
        if not self.logged_in:
            raise self.errors.Error("api_key not configured")
        self.inits.append(options)
        return SimpleNamespace(
            id=options["id"] or "fresh",
            log=lambda row, step: self.steps.append(step),
            finish=lambda: None,
            define_metric=lambda *names, **options: None,
            log_artifact=lambda artifact, aliases: self.kept.append(aliases),
            name="run",
        )


def test_wandb_goes_on_with_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    run = tmp_path / "run"
    for mode in ("online", "off", "offline", "online"):
        trainer = Trainer(replace(TINY, min_buffer_examples=448, cycles=9), run, wandb=mode)  # type: ignore[arg-type]
        trainer.train_cycle()
    assert fake.steps == [1, 3, 4]
    assert fake.kept == [["best", "cycle-3"]]
    assert [options["id"] for options in fake.inits] == [None, "fresh", "fresh"]
    assert [options["resume"] for options in fake.inits] == [None, None, "allow"]


def test_wandb_that_does_not_start_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb(logged_in=False))
    assert cli.main(["--out", str(tmp_path / "a"), "--wandb", "online", *TINY_WORDS]) == cli.USAGE
    assert "api_key not configured; allowed: wandb login first" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert cli.main(["--out", str(tmp_path / "b"), "--wandb", "offline", *TINY_WORDS]) == cli.USAGE
    assert "pip install 'zeb42[wandb]'" in capsys.readouterr().out  # brackets and all
    assert not (tmp_path / "b").exists()


def test_weights_are_mended_on_the_way_in(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "torn"
    shutil.copytree(whole, run)
    (run / "best").rename(run / "best.old")
    Trainer(TINY, run)
    assert (run / "best").is_dir()
    assert not (run / "best.old").exists()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_cycle(tmp_path: Path) -> None:
    run = tmp_path / "nan"
    trainer = Trainer(TINY, run)
    trainer.train_cycle()
    with torch.no_grad():
        trainer.learner.model.pos_embed.weight.fill_(float("nan"))
    before = parameters(run)
    with pytest.raises(FloatingPointError, match="not finite at update 4"):
        trainer.train_cycle()
    assert all(torch.equal(value, before[name]) for name, value in parameters(run).items())
    assert read_checkpoint(run).progress["cycle"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "toaster"], "allowed: laptop, hour, large-belief, gpu"),
        (["--sims", "1"], "expected sims in 2"),
        (["--min-buffer-examples", "2000000"], "at most the buffer's capacity"),
        (["--min-buffer-examples", "1000000"], "whole hands, 999992"),
        (
            ["--max-age-cycles", "2", "--min-buffer-examples", "50000"],
            "what max_age_cycles leaves in the buffer, 43008",
        ),
        (["--cycles", "2", "--min-buffer-examples", "50000"], "what all cycles together play, 28672"),
        (["--out", "file"], "expected a folder to train in, got file"),
        (["--out", "file/run"], "expected a folder to train in, got file/run"),
        (["--device", "meta"], "expected a device, got 'meta'; allowed: auto, cpu, cuda"),
        (["--teacher-cycles", "99"], "at most 50 teacher_cycles"),
        (["--tokenizer", "v1", "--contract", "auction"], "tokenizer v1 can read"),
        (["--base", "nowhere"], "expected weights, got 'nowhere'"),
        (["--base", "runs/[x]"], "expected weights, got 'runs/[x]'"),
        (["--opponents", "gredy"], "expected an agent, got 'gredy'"),
        (["--opponents"], "expected at least one of opponents"),
        (["--resume", "nowhere", "--preset", "gpu"], "got also --preset"),
        (["--resume", "nowhere", "--lr=1e-3"], "got also --lr"),
        (["--resume", "nowhere"], "expected a training run in nowhere"),
        (["--cycles", "0", "--teacher-cycles", "0"], "expected cycles in 1"),
        (["--cycles", "many"], "error: "),
        (["--speed", "2"], "--speed"),
    ],
)
def test_bad_options_are_one_line_and_status_2(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    status = cli.main(words)
    printed = capsys.readouterr()
    assert status == 2
    assert message in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err
    assert len((printed.out + printed.err).splitlines()) == 1


def test_a_checkpoint_of_another_network_is_refused(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "copy"
    Trainer(TINY, run).train_cycle()
    with pytest.raises(ValueError, match="expected the weights and moments of this network"):
        Trainer(replace(TINY, size="medium"), run)
    damaged = run / "checkpoint" / "learning.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged or foreign"):
        Trainer(TINY, run)


def _no_hands(folder: Path) -> None:
    (folder / "hands.npy").write_bytes(b"")


def _hands_of_another_kind(folder: Path) -> None:
    np.save(folder / "hands.npy", np.zeros(3))
    _seal(folder)


def _hands_in_an_archive(folder: Path) -> None:
    with (folder / "hands.npy").open("wb") as file:
        np.savez(file, a=np.zeros(3))
    _seal(folder)


def _hands_in_no_archive(folder: Path) -> None:
    (folder / "hands.npy").write_bytes(b"PK\x03\x04" + bytes(60))
    _seal(folder)


def _hands_of_a_hundred_billion(folder: Path) -> None:
    """A header alone, of more rows than any machine has room for."""
    hands = np.load(folder / "hands.npy")
    with (folder / "hands.npy").open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(hands)
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (10**11,)})
    _seal(folder)


def _a_best_that_nothing_beats(folder: Path) -> None:
    progress = json.loads((folder / "progress.json").read_text())
    text = json.dumps({**progress, "best": {**progress["best"], "win_rate": float("nan")}})
    (folder / "progress.json").write_text(text)


def _crafted_hands(folder: Path) -> None:
    """What corrupted memory once: the digest is right, the hand is none."""
    hands = np.load(folder / "hands.npy")
    hands["hand"]["num_plays"][0] = 127
    np.save(folder / "hands.npy", hands)
    _seal(folder)


def _a_flipped_byte(folder: Path) -> None:
    with (folder / "learning.safetensors").open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"\x7f")


def _no_progress(folder: Path) -> None:
    write_json(folder / "progress.json", {"schema": SCHEMA})


def _another_version(folder: Path) -> None:
    write_json(folder / "progress.json", {"cycle": 3})


def _wrong_types(folder: Path) -> None:
    progress = json.loads((folder / "progress.json").read_text())
    write_json(folder / "progress.json", {**progress, "step": "many"})


def _no_moments(folder: Path) -> None:
    tensors = load_file(folder / "learning.safetensors")
    save_file({k: v for k, v in tensors.items() if k[:9] != "optimizer"}, folder / "learning.safetensors")
    _seal(folder)


def _seal(folder: Path) -> None:
    """Make the digests those of the files, as whoever crafts a folder can."""
    progress = json.loads((folder / "progress.json").read_text())
    for name in progress["sha256"]:
        progress["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    write_json(folder / "progress.json", progress)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_no_hands, "damaged or foreign files"),
        (_hands_of_another_kind, "EXPERIENCE records of this version"),
        (_hands_in_an_archive, "damaged or foreign files"),
        (_hands_in_no_archive, "damaged or foreign files"),
        (_hands_of_a_hundred_billion, "damaged or foreign files"),
        (_a_best_that_nothing_beats, "got best"),
        (_crafted_hands, "the hands of experience that play can make"),
        (_a_flipped_byte, r"learning.safetensors is not what progress.json says"),
        (_no_progress, "got one without cycle, step"),
        (_another_version, "a run of this version of zeb42"),
        (_wrong_types, "got step 'many'"),
        (_no_moments, "got one without optimizer"),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    damage: Callable[[Path], None], message: str, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    damage(run / "checkpoint")
    with pytest.raises(ValueError, match=message):
        Trainer(TINY, run)


@pytest.mark.parametrize("text", ["name,size\na,1\n", "cycle,lr\n1,fast\n"])
def test_foreign_metrics_are_refused_by_name(text: str, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    (run / "metrics.csv").write_text(text)
    with pytest.raises(ValueError, match=r"expected metrics by cycle in .*metrics\.csv"):
        Trainer(TINY, run)


def test_a_finished_run_without_its_metrics_is_measured_all_the_same(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    (run / "metrics.csv").unlink()
    Trainer(TINY, run).run()
    assert "24 hands in 3 cycles" in (run / "REPORT.md").read_text()


def test_a_stop_before_a_cycle_is_saved_does_not_claim_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def interrupted(self: Trainer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "save", interrupted)
    assert cli.main(["--out", str(tmp_path / "run"), *TINY_WORDS]) == cli.INTERRUPTED
    assert "0 of 3 cycles are saved" in capsys.readouterr().out


def test_a_first_cycle_that_is_not_finite_has_nothing_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def bad(self: Trainer, *_: object) -> dict[str, float]:
        raise FloatingPointError("loss or gradient is not finite at update 1")

    monkeypatch.setattr(Trainer, "_learn", bad)
    assert cli.main(["--out", str(tmp_path / "run"), *TINY_WORDS]) == cli.FAILED
    printed = capsys.readouterr().out
    assert "stopped in cycle 1: loss or gradient is not finite at update 1; no cycle was finished" in printed
    assert "--base" not in printed


def test_every_opponent_has_its_columns(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    Trainer(replace(TINY, cycles=1, teacher_cycles=1, opponents=("random", "greedy")), run).run()
    (row,) = metrics(run)
    rates = [float(row[name]) for name in ("eval_win_rate", "eval_win_rate greedy")]
    assert float(row["eval_mean"]) == pytest.approx(np.mean(rates))
    assert float(row["eval_low greedy"]) <= rates[1] <= float(row["eval_high greedy"])
    assert "eval_win_rate greedy" not in metrics(whole)[0]


def test_peeking_is_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = tmp_path / "run"
    assert cli.main(["--out", str(run), *TINY_WORDS, "--peek", "--cycles", "1", "--teacher-cycles", "0"]) == 0
    assert "warning: ABLATION" in capsys.readouterr().out
    assert "**ABLATION" in (run / "REPORT.md").read_text()
    assert weights.load(run).state["peek"] is True


def test_value_losses_in_the_buffer_and_on_fresh_hands_are_of_one_kind(tmp_path: Path) -> None:
    """With the teacher's value as the target both are measured against it: no false alarm about memory."""
    config = replace(TINY, root_value_share=1.0, lr=1e-9, batch_size=256)
    row = Trainer(config, tmp_path / "run").train_cycle()
    assert row["fresh_value_loss"] == pytest.approx(row["value_loss"], rel=0.2)
    assert row["value_loss"] < 0.9  # of outcomes, an untrained value is off by 1


def test_fewer_cycles_than_are_done_are_refused(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    with pytest.raises(ValueError, match="expected at least 3 cycles"):
        Trainer(replace(TINY, cycles=2), run)
    assert load_config(run).cycles == 3


def test_interrupt_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = tmp_path / "stopped"
    original = Trainer.train_cycle

    def interrupted(self: Trainer) -> dict[str, float]:
        if self.cycle == 1:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(Trainer, "train_cycle", interrupted)
    assert cli.main(["--out", str(run), *TINY_WORDS]) == cli.INTERRUPTED
    printed = capsys.readouterr().out
    assert "1 of 3 cycles are saved" in printed
    assert f"  zeb42 train --resume {run} --cycles 3" in printed
    monkeypatch.setattr(Trainer, "train_cycle", original)
    assert cli.main(["--resume", str(run), "--cycles", "1"]) == cli.USAGE  # fewer than the teacher's two
    (run / "checkpoint").rename(run / "checkpoint.old")  # as a kill between two renames leaves it
    assert cli.main(["--out", str(run), *TINY_WORDS]) == cli.USAGE
    assert "which holds a run" in capsys.readouterr().out
    assert cli.main(["--resume", str(run)]) == 0
    assert json.loads((run / "checkpoint" / "progress.json").read_text())["cycle"] == 3


def test_two_trainers_do_not_share_a_folder(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    script = (
        "import sys, filelock\n"
        f"lock = filelock.FileLock({str(run / '.lock')!r}); lock.acquire()\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        assert cli.main(["--resume", str(run)]) == cli.USAGE
        assert "where another process is at work" in capsys.readouterr().out
        other.communicate("")
    assert cli.main(["--resume", str(run)]) == 0
    assert "all 3 cycles are done already" in capsys.readouterr().out


def test_what_is_not_said_beside_resume_is_as_the_run_has_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(whole, run)
    found = []
    monkeypatch.setattr(Trainer, "run", lambda self: found.append(self.config))
    words = ["--resume", str(run), "--cycles", "4", "--threads", "2", "--device", "cpu"]
    assert cli.main(words) == 0  # more cycles than before, fewer than the preset's teacher has
    assert found == [replace(TINY, cycles=4, threads=2, device="cpu")]
    assert "on cpu with 2 CPU threads, playing in float32" in capsys.readouterr().out


def test_presets_are_what_they_say() -> None:
    published = PRESETS["large-belief"]
    assert published.network_config().belief_head
    assert (published.size, published.lr, published.batch_size, published.steps_per_cycle) == ("large", 1e-4, 64, 1000)
    assert (published.capacity_at(1), published.capacity_at(3743)) == (1_000_000, 500_000)
    assert published.min_buffer_examples == 250_000
    assert published.belief_weight == 0.5
    for preset in PRESETS.values():
        assert TrainConfig.from_json(json.loads(json.dumps(preset.to_json()))) == preset


@pytest.mark.parametrize(
    "content", [{"seed": "x"}, {"lr": None}, {"lanes": 8.5}, {"opponents": "random"}, {"opponents": [1]}, {"speed": 1}]
)
def test_a_foreign_configuration_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"in a training configuration, got|expected a training configuration"):
        TrainConfig.from_json({**TINY.to_json(), **content})


def test_fewer_cycles_than_the_presets_teacher_has_shorten_the_teacher() -> None:
    laptop = PRESETS["laptop"]
    assert cli._parse(["--cycles", "4"]).config == replace(laptop, cycles=4, teacher_cycles=4)
    assert cli._parse(["--cycles", "400"]).config == replace(laptop, cycles=400)
    assert cli._parse(["--cycles", "4", "--teacher-cycles", "3"]).config.teacher_cycles == 3
