"""The recipes run, with tiny settings, where their package is installed; `.ci/run` has an environment for each."""

from __future__ import annotations

import importlib.util
import os
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
    """The example as a module; where a package it needs is missing the test is skipped, unless all have to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in packages if os.environ.get("ZEB42_RECIPES") != "all" else ():
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


def test_tianshou_ppo(capsys):
    arguments = ["--epochs", "1", "--steps", "280", "--collect", "140", "--test-hands", "20"]
    mean = load("tianshou_ppo", "tianshou").main(arguments)
    assert -1 <= mean <= 1


def test_ppo_selfplay(tmp_path, capsys):
    plot = tmp_path / "curve.png"
    arguments = ["--updates", "2", "--lanes", "8", "--deals", "10", "--plot", str(plot)]
    result = load("ppo_selfplay", "torch").main(arguments)
    assert result.num_deals == 10
    assert result.names == ("ppo", "random")
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "16 hands: ppo" in capsys.readouterr().out


def test_ppo_selfplay_pays_each_seat_for_its_own_tricks():
    """With values of 0 and no fading, an advantage is what the seat's team still takes more than the others."""
    recipe = load("ppo_selfplay", "torch")
    recipe.TRACE = 1.0
    envs = zeb42_env.Texas42VectorEnv(
        6, rules=recipe.RULES, seat="self_play", per_trick_rewards=True, autoreset_mode="Disabled"
    )
    observations, infos = envs.reset(seed=3)
    seats, rewards, margins = [], [], []
    for _ in range(28):
        points = zeb42_env.observation.piece(observations["observation"], "points").astype(int)
        margins.append((points[:, 0] - points[:, 1]) / 42)  # of the mover's team so far
        seats.append(infos["seat"])
        observations, reward, over, _, infos = envs.step(observations["action_mask"].argmax(axis=1))
        rewards.append(reward)
    assert over.all()
    sides = 1 - 2 * (np.array(seats) % 2)
    rest = sides * np.sum(rewards, axis=0) - np.array(margins)
    found = recipe.advantages_of(np.zeros((28, 6), np.float32), np.array(seats), np.array(rewards, np.float32))
    assert np.allclose(found, rest, atol=1e-6)


def test_maskable_ppo(capsys):
    won = load("maskable_ppo", "sb3_contrib").main(["--steps", "224", "--lanes", "8", "--test-hands", "20"])
    assert 0 <= won <= 1


def test_sb3_sees_the_vector_environment():
    """Planes, masks, rewards and last observations are those of the environment below, hand by hand."""
    recipe = load("maskable_ppo", "sb3_contrib")
    adapter = recipe.HandsVecEnv(5, rules=recipe.RULES, seat="random")
    below = zeb42_env.Texas42VectorEnv(5, rules=recipe.RULES, seat="random", autoreset_mode="SameStep")
    adapter.seed(11)
    planes = adapter.reset()
    expected, _ = below.reset(seed=[11, 12, 13, 14, 15])
    for step in range(15):
        assert np.array_equal(planes, expected["observation"])
        assert np.array_equal(np.stack(adapter.env_method("action_masks")), expected["action_mask"].astype(bool))
        actions = expected["action_mask"].argmax(axis=1)
        planes, rewards, over, notes = adapter.step(actions)
        expected, below_rewards, below_over, _, infos = below.step(actions)
        assert np.array_equal(rewards, below_rewards)
        assert np.array_equal(over, below_over)
        assert over.all() == (step % 7 == 6)
        for lane in np.flatnonzero(over):
            assert np.array_equal(notes[lane]["terminal_observation"], infos["final_obs"][lane]["observation"])


def test_torchrl_teams(capsys):
    history = np.array(load("torchrl_teams", "torchrl").main(["--updates", "4", "--hands", "4"]))
    assert history.shape == (4, 2)
    assert np.isfinite(history).all()


def test_openspiel_accepts_the_game(capfd):
    load("openspiel_game", "pyspiel")
    import pyspiel

    game = pyspiel.load_game("python_texas42")
    pyspiel.random_sim_test(game, num_sims=2, serialize=False, verbose=False)


def test_openspiel_plays_by_our_rules():
    """Drawn hands, decision by decision: who moves, what is legal, what each seat sees, and what it is worth."""
    recipe = load("openspiel_game", "pyspiel")
    import pyspiel

    game = pyspiel.load_game("python_texas42")
    rng = np.random.default_rng(0)
    for seed in range(5):
        hand = zeb42_env.Hand.deal(seed)
        state = recipe.from_hand(game, hand)
        while not hand.is_over:
            assert state.current_player() == hand.to_move
            assert state.legal_actions() == hand.legal_actions()
            for seat in range(4):
                assert state.information_state_string(seat) == str(zeb42_env.Hand(hand.view(seat)))
                assert np.array_equal(state.information_state_tensor(seat), zeb42_env.observe(hand.view(seat)))
            action = int(rng.choice(hand.legal_actions()))
            hand.apply(action)
            state.apply_action(action)
        assert state.is_terminal()
        assert state.returns() == [hand.score, -hand.score] * 2


def test_openspiel_deals_again_only_what_is_hidden():
    recipe = load("openspiel_game", "pyspiel")
    import pyspiel

    game, rng = pyspiel.load_game("python_texas42"), np.random.default_rng(1)
    hand = zeb42_env.Hand.deal(4)
    while not hand.is_over:
        state = recipe.from_hand(game, hand)
        other = recipe.resample(state, hand.to_move, rng)
        assert other.information_state_string(hand.to_move) == state.information_state_string(hand.to_move)
        assert other.legal_actions() == state.legal_actions()
        hand.apply(int(rng.choice(hand.legal_actions())))


def test_openspiel_searches(capsys):
    marks = load("openspiel_game", "pyspiel").main(["--hands", "1", "--simulations", "3"])
    assert abs(marks) <= 5


@pytest.mark.parametrize(
    ("recipe", "package", "line"),
    [
        ("maskable_ppo", "sb3_contrib", "sb3_contrib is not installed, run `pip install 'zeb42[recipes]'`"),
        ("torchrl_teams", "tensordict", "tensordict is not installed, run `pip install 'zeb42[recipes]'`"),
        ("openspiel_game", "pyspiel", "pyspiel is not installed, run `pip install 'zeb42[recipes]'`"),
        ("ppo_selfplay", "torch", "torch is not installed, run `pip install 'zeb42[agents]'`"),
        ("tianshou_ppo", "tianshou", "tianshou is not installed, run `pip install 'zeb42[train]'`"),
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
