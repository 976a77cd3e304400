"""What makes the environment easy to build on: rules by name, dominoes that read, copies, flat arrays and replays."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, api_test, random_position

import zeb42_env
from zeb42_agents.arena.protocols import PROTOCOLS
from zeb42_agents.solver import analyse, solve
from zeb42_env import (
    PRESETS,
    Domino,
    Hand,
    Rules,
    Texas42Env,
    Texas42VectorEnv,
    action_text,
    domino_text,
    legal_masks,
    observe_many,
    parse_action,
)
from zeb42_env.observation import piece

NAME = "zeb42/Texas42-v0"


@pytest.mark.parametrize("make", [zeb42_env.env, zeb42_env.raw_env, Texas42Env, Texas42VectorEnv])
def test_rules_by_name_and_by_option(make) -> None:
    for rules in ("dropped30", {"contract": "dropped30", "scoring": "contract"}, PRESETS["dropped30"]):
        assert make(rules=rules).unwrapped.rules == Rules(contract="dropped30", scoring="contract")
    assert make().unwrapped.rules == Rules()
    for wrong, message in (
        ("golf", "expected rules, got 'golf'; allowed: majority, contract, dropped30, most_trumps, hand, match, or"),
        ({"scorings": "marks"}, "expected options of the rules, got scorings; allowed: contract, all_pass"),
        ({"scoring": "golf"}, "expected scoring to be one of the rules, got 'golf'; allowed: marks"),
        (42, "expected rules, got 42; allowed: Rules"),
    ):
        with pytest.raises(ValueError, match=message):
            make(rules=wrong)


@pytest.mark.parametrize("rules", ALL_RULES)
def test_rules_survive_json(rules: Rules) -> None:
    assert Rules.of(json.loads(json.dumps(rules.to_json()))) == rules


def test_presets_are_the_protocols_of_the_arena() -> None:
    assert {name: protocol.rules for name, protocol in PROTOCOLS.items()} == PRESETS
    assert Hand.deal(7, "majority") == Hand.deal(7, Rules(contract="random", scoring="majority"))


@pytest.mark.parametrize("given", ["majority", {"contract": "random", "declarations": ["fives", 6]}])
def test_a_spec_survives_json(given) -> None:
    gymnasium.register_envs(zeb42_env)
    env = gymnasium.make(NAME, rules=given, observation="flat")
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.rules == env.unwrapped.rules == Rules.of(given)
    assert gymnasium.make_vec(NAME, num_envs=2, rules=given).unwrapped.rules == Rules.of(given)


def test_dominoes_print_as_players_write_them() -> None:
    hand = Hand.deal(seed=7, rules="contract")
    values = solve(hand)
    assert str(values) == "{" + ", ".join(f"{domino_text(d)}: {v}" for d, v in values.items()) + "}"
    assert values[hand.legal_actions()[0]] == values[Domino(hand.legal_actions()[0])]
    assert str(hand.holding(1)[0]) == domino_text(hand.holding(1)[0])
    while not hand.is_over:
        hand.apply(hand.legal_actions()[0])
    assert str(analyse(hand)[0].domino) == domino_text(analyse(hand)[0].domino)


def test_words_are_read_with_hyphens_or_spaces() -> None:
    for action in range(56):
        assert parse_action(action_text(action)) == action
    for text, same in (
        ("1-mark", "1 mark"),
        ("2-marks", "2 marks"),
        ("no trump", "no-trump"),
        ("Doubles suit", "doubles-suit"),
    ):
        assert parse_action(text) == parse_action(same)
    for wrong in ("6 4", "7-7", "-pass", "3"):
        with pytest.raises(ValueError, match="expected an action, got"):
            parse_action(wrong)


def test_a_domino_is_its_id() -> None:
    for number in range(28):
        domino = Domino(number)
        assert (domino, hash(domino), int(domino)) == (number, hash(number), number)
        assert Domino.parse(str(domino)) == Domino.parse(f"{domino.low}-{domino.high}") == domino
        assert domino.high * (domino.high + 1) // 2 + domino.low == number
        assert pickle.loads(pickle.dumps(domino)) == copy.deepcopy(domino) == domino
        assert (f"{domino}", f"{domino:02d}") == (domino_text(number), f"{number:02d}")
        assert json.dumps({domino: domino}) == f'{{"{number}": {number}}}'
    assert sum(Domino(number).points for number in range(28)) == 35
    assert np.array([Domino(3), Domino(4)]).dtype == np.int64
    for wrong in (28, -1, "31", "7-7"):
        with pytest.raises(ValueError, match=r"expected a(n action| domino)"):
            Domino.parse(wrong) if isinstance(wrong, str) else Domino(wrong)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES))
def test_a_replay_is_the_hand(seed: int, rules: Rules) -> None:
    hand = random_position(seed, rules)
    seen = list(hand.replay())
    assert [(before.to_move, action) for before, action in seen] == hand.history
    current = Hand.deal(seed, rules)
    for before, action in seen:
        assert before == current
        current.apply(action)
    assert current == hand


def test_a_view_is_not_replayed() -> None:
    with pytest.raises(ValueError, match="expected a full hand to replay, got a view"):
        list(Hand(Hand.deal(7).view(0)).replay())


@pytest.mark.parametrize("players", [None, lambda views, keys: legal_masks(views).argmax(1)])
def test_clones_go_on_alike_and_apart(players) -> None:
    env = Texas42Env(rules="majority", seat="random", players=players)
    env.reset(seed=5)
    env.action_space.seed(3)
    twin = env.clone()
    for _ in range(40):
        before = env.hand
        observation, reward, over, _, info = twin.step(int(twin.action_masks().nonzero()[0][-1]))
        assert env.hand == before
        other, other_reward, other_over, _, other_info = env.step(int(env.action_masks().nonzero()[0][-1]))
        assert (reward, over, info["seat"]) == (other_reward, other_over, other_info["seat"])
        assert np.array_equal(observation["observation"], other["observation"])
        if over:
            env.reset()
            twin.reset()
    assert env.action_space.sample() == twin.action_space.sample()


@pytest.mark.parametrize("copy_arrays", [True, False])
def test_clones_of_many_lanes_go_on_alike_and_apart(copy_arrays: bool) -> None:
    env = Texas42VectorEnv(6, seat="self_play", rules="majority", copy=copy_arrays)
    observation, _ = env.reset(seed=5)
    twin = env.clone()
    for _ in range(35):
        before, mask = env.hands, observation["action_mask"].copy()
        ahead = twin.step(mask.argmax(1))
        assert np.array_equal(env.hands, before)
        assert np.array_equal(observation["action_mask"], mask)
        observation, rewards, over, _, _ = env.step(mask.argmax(1))
        assert np.array_equal(observation["observation"], ahead[0]["observation"])
        assert np.array_equal(rewards, ahead[1])
        assert np.array_equal(over, ahead[2])


def test_flat_is_planes_and_legal_actions() -> None:
    env, plain = zeb42_env.env(observation="flat"), zeb42_env.env()
    for one in (env, plain):
        one.reset(seed=3)
    for agent in env.agent_iter():
        flat, _, over, *_ = env.last()
        plain.agent_selection = agent
        both = plain.observe(agent)
        assert env.observation_space(agent).contains(flat)
        assert np.array_equal(flat, np.concatenate((both["observation"], both["action_mask"])))
        assert np.array_equal(piece(flat, "action_mask"), both["action_mask"])
        assert np.array_equal(piece(flat, "holding"), piece(both["observation"], "holding"))
        action = None if over else int(np.flatnonzero(piece(flat, "action_mask"))[-1])
        env.step(action)
        plain.step(action)


@pytest.mark.parametrize("seat", [0, "self_play"])
def test_flat_of_many_lanes(seat) -> None:
    for mode in ("SameStep", "NextStep"):
        env, plain = (
            Texas42VectorEnv(4, seat=seat, observation=form, autoreset_mode=mode) for form in ("flat", "planes")
        )
        flat, both = env.reset(seed=2)[0], plain.reset(seed=2)[0]
        for _ in range(40):
            assert env.observation_space.contains(flat)
            assert np.array_equal(flat, np.concatenate((both["observation"], both["action_mask"]), axis=1))
            actions = both["action_mask"].argmax(1)
            (flat, _, over, _, infos), (both, *_, plain_infos) = env.step(actions), plain.step(actions)
            if mode == "SameStep" and over.any():
                lane = int(np.flatnonzero(over)[0])
                last = plain_infos["final_obs"][lane]
                assert np.array_equal(
                    infos["final_obs"][lane], np.concatenate((last["observation"], last["action_mask"]))
                )


def test_flat_pleases_the_checkers() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Action.* may not be legal|.*not a dictionary.*")
        api_test(zeb42_env.raw_env(observation="flat"), num_cycles=50, verbose_progress=False)
    env = gymnasium.make(f"zeb42_env:{NAME}", observation="flat")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(env.unwrapped, skip_render_check=True)


def test_many_views_have_masks_and_observations_as_one() -> None:
    hands = [random_position(seed, ALL_RULES[seed % len(ALL_RULES)]) for seed in range(30)]
    views = np.array([hand.view(hand.to_move) for hand in hands])
    masks = legal_masks(views)
    flat = observe_many(views, views["seat"], "flat")
    assert np.array_equal(piece(flat, "action_mask"), masks)
    assert np.array_equal(flat[:, :571], observe_many(views, views["seat"]))
    for hand, mask in zip(hands, masks, strict=True):
        assert np.flatnonzero(mask).tolist() == hand.legal_actions()
        assert all(action_text(action) for action in np.flatnonzero(mask))
    full = np.array([hand.record for hand in hands])
    elsewhere = (full["to_move"] + 1) & 3
    assert not piece(observe_many(full, elsewhere, "flat"), "action_mask").any()
    with pytest.raises(ValueError, match="expected views to be HAND records"):
        legal_masks(np.zeros(3))
