"""The Gymnasium environment: one learner and three given players."""

from __future__ import annotations

import copy
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from playing import ALL_RULES

import zeb42_env
from zeb42_env import Hand, Rules, Texas42Env

MATCH = Rules(episode="match")


def lowest_action(views, keys):
    """A player that does not use its randomness: the lowest legal action."""
    return [Hand(view).legal_actions()[0] for view in views]


def keyed_action(views, keys):
    """A player that draws from its keys alone."""
    return [
        int(np.random.default_rng(int(key)).choice(Hand(v).legal_actions())) for v, key in zip(views, keys, strict=True)
    ]


def play(env, rng):
    """Play an episode at random from its reset on; everything the environment said."""
    said = []
    terminated = False
    while not terminated:
        observation, reward, terminated, truncated, info = env.step(int(rng.choice(np.flatnonzero(env.action_masks()))))
        assert not truncated
        said.append((observation["observation"].tobytes(), reward, tuple(np.flatnonzero(info["action_mask"]))))
    return said


@pytest.mark.parametrize("options", [{}, {"observation": "tokens", "seat": "random"}, {"players": lowest_action}])
def test_gymnasiums_checker_has_nothing_to_say(options):
    env = gymnasium.make("zeb42/Texas42-v0", disable_env_checker=True, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_is_made_by_name_with_the_module_in_it():
    env = gymnasium.make("zeb42_env:zeb42/Texas42-v0", rules=MATCH)
    assert env.unwrapped.rules == MATCH
    observation, info = env.reset(seed=1)
    assert np.array_equal(observation["action_mask"], info["action_mask"])


@pytest.mark.parametrize("rules", [*ALL_RULES, MATCH])
@pytest.mark.parametrize("seat", [1, "random"])
@pytest.mark.parametrize("players", [None, lowest_action])
def test_the_reward_is_the_team_s(rules, seat, players):
    env = Texas42Env(rules=rules, seat=seat, players=players)
    rng = np.random.default_rng(0)
    for seed in range(3):
        _, info = env.reset(seed=seed)
        first = env.hand
        assert info["seat"] == env.seat == (seat if seat != "random" else env.seat)
        assert first.to_move == env.seat
        total = sum(reward for _, reward, _ in play(env, rng))
        if rules.episode == "hand":
            assert total == env.hand.score * (-1 if env.seat & 1 else 1)
        else:
            assert abs(total) == 1
        with pytest.raises(ValueError, match="reset"):
            env.step(0)


def test_the_learner_sees_its_own_seat():
    env = Texas42Env(seat=3)
    observation, _ = env.reset(seed=4)
    assert np.array_equal(observation["observation"], zeb42_env.observe(env.hand.view(3)))
    assert np.flatnonzero(observation["action_mask"]).tolist() == env.hand.legal_actions()
    assert env.action_masks().dtype == bool


def test_deals_what_hand_deals():
    env = Texas42Env(seat=2)
    for number in range(3):
        env.reset(seed=8 if number == 0 else None)
        assert np.array_equal(env.hand.record["owner"], Hand.deal(8, number=number).record["owner"])


def test_random_seats_are_all_four():
    env = Texas42Env(seat="random")
    env.reset(seed=0)
    seats = set()
    for _ in range(40):
        env.reset()
        seats.add(env.seat)
    assert seats == {0, 1, 2, 3}


def test_players_are_left_partner_and_right():
    asked = {name: set() for name in ("left", "partner", "right")}

    def player(name):
        def act(views, keys):
            asked[name] |= set(views["seat"].tolist())
            assert views.dtype == zeb42_env.HAND
            assert keys.dtype == np.uint64
            assert (views["seat"] == views["to_move"]).all()
            assert (views["held"].astype(bool).sum(axis=1) == 1).all()
            return lowest_action(views, keys)

        return act

    env = Texas42Env(seat=3, players=[player(name) for name in asked])
    env.reset(seed=0)
    play(env, np.random.default_rng(0))
    assert asked == {"left": {0}, "partner": {1}, "right": {2}}


def test_an_agent_will_do_as_a_player():
    class Lowest:
        name = "lowest"

        def act(self, views, rng):
            return np.array(lowest_action(views, rng))

    hands = []
    for players in (Lowest(), lowest_action):
        env = Texas42Env(players=players)
        env.reset(seed=3)
        play(env, np.random.default_rng(1))
        hands.append(env.hand)
    assert hands[0] == hands[1]


def test_a_player_s_mistakes_are_errors():
    env = Texas42Env(players=lambda views, keys: np.full(len(views), 77))
    env.reset(options={"hand": Hand.deal(0, shaker=3)})  # the learner calls first
    with pytest.raises(ValueError, match="a player of the environment broke the rules"):
        env.step(28)
    for bad, message in (("random", "make_agent"), ([None] * 2, "three"), (5, "act")):
        with pytest.raises(ValueError, match=message):
            Texas42Env(players=bad)


@pytest.mark.parametrize("seat", [0, 1])
def test_an_illegal_action_loses_the_hand(seat):
    env = Texas42Env(seat=seat)
    env.reset(seed=2)
    illegal = int(np.flatnonzero(~env.action_masks())[0])
    stake = max(1, env.hand.bid // 42)
    observation, reward, terminated, truncated, info = env.step(illegal)
    assert (reward, terminated, truncated) == (-stake, True, False)
    assert "expected a legal action" in info["illegal_action"]
    assert not observation["action_mask"].any()
    assert not env.action_masks().any()
    env.reset()
    with pytest.raises(ValueError, match="expected an action id"):
        env.step("pass")


def test_per_trick_rewards_add_up():
    env = Texas42Env(rules=Rules(scoring="points"), per_trick_rewards=True, seat=1)
    for seed in range(3):
        env.reset(seed=seed)
        rewards = [reward for _, reward, _ in play(env, np.random.default_rng(seed))]
        assert sum(rewards) == pytest.approx(-env.hand.score)
        assert sum(reward != 0 for reward in rewards) >= 3


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("players", [None, keyed_action])
def test_copies_go_on_alike_and_apart(duplicate, players):
    env = Texas42Env(players=players)
    env.reset(seed=5)
    env.step(int(np.flatnonzero(env.action_masks())[0]))
    other = duplicate(env)
    before = env.hand
    fate = play(other, np.random.default_rng(1))
    assert env.hand == before
    assert play(env, np.random.default_rng(1)) == fate


def test_starts_from_a_given_hand():
    hand = Hand.deal(9)
    env = Texas42Env(seat=(hand.to_move + 1) % 4, players=lowest_action)
    env.reset(options={"hand": str(hand)})
    assert env.hand.history[:1] == [(hand.to_move, 28)]
    assert np.array_equal(env.hand.record["owner"], hand.record["owner"])
    while len(hand.history) < 32:
        hand.apply(hand.legal_actions()[0])
    with pytest.raises(ValueError, match="played out"):
        Texas42Env(seat=(hand.to_move + 1) % 4).reset(options={"hand": hand})


def test_options_are_checked():
    for options, message in (({"seat": 4}, "0..3"), ({"seat": "self_play"}, "random"), ({"rules": None}, "Rules")):
        with pytest.raises(ValueError, match=message):
            Texas42Env(**options)
