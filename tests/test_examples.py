"""The recipes run, with tiny settings, where their package is installed."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

import zeb42_env

FOLDER = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of is theirs


def load(name, *packages):
    """The example as a module; the test is skipped where a package it needs is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in packages:
            pytest.importorskip(package)
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def test_random_loop(capsys):
    means = load("random_loop").main(["--hands", "5"])
    assert set(means) == {"turn_based", "one_learner", "many_at_once"}
    assert "marks a hand" in capsys.readouterr().out


def test_train_minimal(capsys):
    rate = load("train_minimal", "torch").main(["--cycles", "2", "--hands", "8", "--steps", "2", "--deals", "4"])
    assert 0 <= rate <= 1
    assert "cycle 2: 448 examples" in capsys.readouterr().out


def test_tianshou_dqn(capsys):
    best = load("tianshou_dqn", "tianshou").main(["--epochs", "1", "--steps", "300", "--test-hands", "10"])
    assert -1 <= best <= 1


def test_maskable_ppo(capsys):
    mean = load("maskable_ppo", "sb3_contrib").main(["--steps", "64", "--test-hands", "20"])
    assert -1 <= mean <= 1


def test_torchrl_teams(capsys):
    totals = load("torchrl_teams", "torchrl").main(["--hands", "3"])
    assert totals.shape == (3, 2, 2)
    assert (totals.sum(dim=1) == 0).all()
    assert (totals[..., 0] == totals[..., 1]).all()


@pytest.mark.parametrize(
    ("recipe", "package", "line"),
    [
        ("maskable_ppo", "sb3_contrib", "sb3_contrib is not installed, run `pip install 'zeb42[recipes]'`"),
        ("torchrl_teams", "torchrl", "torchrl is not installed, run `pip install 'zeb42[recipes]'`"),
        ("tianshou_dqn", "tianshou", "tianshou is not installed, run `pip install 'zeb42[train]'`"),
        ("minari_export", "minari", "minari is not installed, run `pip install 'zeb42[recipes]'`"),
        ("rllib_wrapper", "ray", "RLlib is not installed; it wants an environment of its own"),
    ],
)
def test_a_recipe_without_its_library_says_which(recipe, package, line, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)  # what another recipe has imported
    monkeypatch.setitem(sys.modules, package, None)
    start = (lambda: load(recipe).main([])) if recipe == "rllib_wrapper" else (lambda: load(recipe))  # names need none
    with pytest.raises((DependencyNotInstalled, SystemExit), match=re.escape(line)):
        start()


def test_rllib_names():
    env = load("rllib_wrapper").make_env({"rules": "majority"})
    env.reset(seed=0)
    for agent in env.possible_agents:
        observation = env.observe(agent)
        assert set(observation) == {"observations", "action_mask"}
        assert env.observation_space(agent).contains(observation)
        assert np.array_equal(observation["observations"], env.env.observe(agent)["observation"])


def test_minari_export(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    dataset = load("minari_export", "minari").main(["--hands", "3"])
    assert dataset.total_episodes == 3
    episode = next(dataset.iterate_episodes())
    assert episode.terminations[-1]
    assert dataset.recover_environment().unwrapped.rules == zeb42_env.Rules.of("majority")


def test_rllib_ppo(capsys):
    assert load("rllib_wrapper", "ray.rllib").main(["--iterations", "1", "--batch", "200"]) > 0
