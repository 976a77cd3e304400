"""The recipes run, with tiny settings, where their package is installed; `.ci/run` has an environment for each."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import sys
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from reference_rules import DOMINOES, ReferenceHand, action_id

import zeb42_env
from zeb42_env import Declaration, Rules, parse_action

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
    won = load("tianshou_ppo", "tianshou").main(arguments)
    assert 0 <= won <= 1


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
    history = np.array(load("torchrl_teams", "torchrl").main(["--updates", "2", "--hands", "4"]))
    assert history.shape == (2, 2)
    assert "update 2: loss of the critics" in capsys.readouterr().out


def test_torchrl_loss_falls():
    """On a team's own decisions of few hands: the critic's loss halves, the policy leans to what went well."""
    recipe = load("torchrl_teams", "torchrl")
    import torch

    torch.manual_seed(0)
    env, team, other = recipe.make_env(0), recipe.Team("ns", lr=2e-3), recipe.Team("ew", lr=2e-3)
    policy = recipe.TensorDictSequential(team.actor, other.actor)
    with torch.no_grad():
        hands = [env.rollout(28, policy) for _ in range(6)]
    decisions = torch.cat([team.decisions(hand) for hand in hands])
    assert len(decisions) == 6 * 14  # seven plays of each of the team's two seats
    outcomes = [hand["next", "ns", "reward"].sum(0)[0].item() for hand in hands]
    assert decisions["value_target"].reshape(6, 14).tolist() == [[outcome] * 14 for outcome in outcomes]
    before = team.learn(decisions, epochs=4, batch=42)
    after = team.learn(decisions, epochs=0, batch=42)
    assert after < 0.5 * before
    with torch.no_grad():
        ratio = (team.actor.log_prob(decisions.copy()) - decisions["ns", "log_prob"]).exp()
    gain = decisions["value_target"].squeeze(-1)
    assert ratio[gain > 0].mean() > ratio[gain < 0].mean()


def test_openspiel_accepts_the_game(capfd):
    load("openspiel_game", "pyspiel")
    import pyspiel

    game = pyspiel.load_game("python_texas42")
    pyspiel.random_sim_test(game, num_sims=2, serialize=False, verbose=False)


def test_openspiel_plays_by_the_rules():
    """Drawn deals, decision by decision, against an implementation of the rules that shares nothing with zeb42_env."""
    load("openspiel_game", "pyspiel")
    import pyspiel

    game = pyspiel.load_game("python_texas42")
    rng = np.random.default_rng(0)
    for _ in range(30):
        state = game.new_initial_state()
        shaker, deal = int(rng.integers(4)), rng.permutation(28).tolist()
        for outcome in [shaker, *deal]:
            assert state.is_chance_node()
            assert outcome in dict(state.chance_outcomes())
            state.apply_action(outcome)
        hands = [[DOMINOES[domino] for domino in deal[7 * seat : 7 * seat + 7]] for seat in range(4)]
        slow = ReferenceHand(hands, shaker, declarations=Rules().declarations)
        while not state.is_terminal():
            assert state.current_player() == slow.turn
            legal = {action_id(action): action for action in slow.legal()}
            assert state.legal_actions() == sorted(legal)
            action = int(rng.choice(state.legal_actions()))
            state.apply_action(action)
            slow.act(legal[action])
        assert slow.phase == "over"
        score = slow.score("marks")
        assert state.returns() == [score, -score] * 2


def test_openspiel_plays_hands_of_an_independent_implementation():
    """The hands of tests/data, whose legal plays and points others computed, with a single call before them."""
    load("openspiel_game", "pyspiel")
    import pyspiel

    game = pyspiel.load_game("python_texas42")
    with gzip.open(FOLDER.parent / "tests" / "data" / "random-hands.jsonl.gz", "rt") as file:
        entries = [entry for entry in map(json.loads, file) if entry["declaration"] in Rules().declarations]
    assert len(entries) == 176
    for entry in entries:
        state, bidder, bid = game.new_initial_state(), entry["bidder"], entry["bid"]
        opening = parse_action("1 mark" if bid == 42 else str(bid))
        calls = [opening, *3 * [parse_action("pass")], parse_action(str(Declaration(entry["declaration"])))]
        for action in [(bidder - 1) % 4, *chain(*entry["hands"]), *calls]:  # who shakes calls last
            state.apply_action(action)
        for (seat, domino), legal in zip(entry["plays"], entry["legal"], strict=True):
            assert state.current_player() == seat
            assert state.legal_actions() == sorted(legal)
            state.apply_action(domino)
        made = 1 if entry["points"][bidder % 2] >= bid else -1
        assert state.is_terminal()
        assert state.returns() == [made if seat % 2 == bidder % 2 else -made for seat in range(4)]


def test_openspiel_shows_what_a_seat_sees():
    recipe = load("openspiel_game", "pyspiel")
    import pyspiel

    game, rng = pyspiel.load_game("python_texas42"), np.random.default_rng(0)
    hand = zeb42_env.Hand.deal(3)
    while not hand.is_over:
        state = recipe.from_hand(game, hand)
        for seat in range(4):
            assert state.information_state_string(seat) == str(zeb42_env.Hand(hand.view(seat)))
            assert np.array_equal(state.information_state_tensor(seat), zeb42_env.observe(hand.view(seat)))
        hand.apply(int(rng.choice(hand.legal_actions())))


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


def test_rllib_ppo(capsys):  # Ray alone is in the extra `fleet`; only RLlib wants this package
    assert load("rllib_wrapper", "ormsgpack").main(["--iterations", "1", "--batch", "200"]) > 0
