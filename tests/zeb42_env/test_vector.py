"""The vector environment: each lane is the scalar environment with the lane's seed, whatever surrounds it."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from playing import ALL_RULES
from test_single import keyed_action

import zeb42_env
from zeb42_env import Hand, Rules, Texas42Env, Texas42VectorEnv, lane_seed

MATCH = Rules(episode="match")
POINTS = Rules(scoring="points")


def choose(masks, rng_keys, step, *, illegal_share=0.0):
    """An action for each lane that depends on the lane's key and the step alone; now and then an illegal one."""
    actions = np.zeros(len(masks), np.int64)
    for lane, mask in enumerate(masks):
        rng = np.random.default_rng([int(rng_keys[lane]), step])
        legal = np.flatnonzero(mask)
        wanted = np.flatnonzero(mask == 0) if rng.random() < illegal_share else legal
        actions[lane] = rng.choice(wanted) if len(wanted) else 0
    return actions


def assert_same(ours, theirs, path="infos"):
    """Infos, nested, of the two vector environments; why an action is illegal is told in words only by the scalar."""
    assert set(ours) == set(theirs), path
    for key, value in ours.items():
        other = theirs[key]
        if isinstance(value, dict):
            assert_same(value, other, f"{path}.{key}")
        elif key == "illegal_action":
            assert [bool(told) for told in other] == value.tolist()
        elif value.dtype == object:
            for a, b in zip(value, other, strict=True):
                assert (a is None) == (b is None)
                for name in a or ():
                    assert np.array_equal(a[name], b[name])
        else:
            there = ours.get(f"_{key}", slice(None))  # what is said of the other lanes is not defined
            assert np.array_equal(value[there], other[there]), f"{path}.{key}"


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rules": MATCH, "seat": "random"},
        {"rules": Rules(contract="random", all_pass="reshake"), "observation": "tokens", "seat": 3},
        {"rules": POINTS, "per_trick_rewards": True, "seat": 1},
        {"players": keyed_action, "seat": "random"},
    ],
)
def test_lanes_are_scalar_environments(mode, options):
    seeds = [5, 77, 1234]
    ours = Texas42VectorEnv(3, autoreset_mode=mode, **options)
    theirs = SyncVectorEnv([lambda: Texas42Env(**options)] * 3, autoreset_mode=mode)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    pair = (ours.reset(seed=seeds), theirs.reset(seed=seeds))
    for step in range(70):
        (seen, infos), (expected, their_infos) = pair
        for key in expected:
            assert np.array_equal(seen[key], expected[key])
        assert_same(infos, their_infos)
        actions = choose(seen["action_mask"], seeds, step, illegal_share=0.02)
        result, wanted = ours.step(actions), theirs.step(actions)
        for a, b in zip(result[1:4], wanted[1:4], strict=True):
            assert np.array_equal(a, b)
            assert a.dtype == b.dtype
        pair = ((result[0], result[4]), (wanted[0], wanted[4]))
        if mode == AutoresetMode.DISABLED and result[2].any():
            pair = tuple(env.reset(options={"reset_mask": result[2].copy()}) for env in (ours, theirs))


def run(env, seed, num_steps=60):
    """What the lanes say in some steps of play that depends on the lane alone."""
    keys = [lane_seed(seed, lane) for lane in range(env.num_envs)]
    observations, _ = env.reset(seed=seed)
    said = []
    for step in range(num_steps):
        actions = choose(observations["action_mask"], keys, step)
        observations, rewards, terminated, _, infos = env.step(actions)
        said.append((observations["observation"], observations["action_mask"], rewards, terminated, infos["seat"]))
    return [np.stack(column) for column in zip(*said, strict=True)]


@pytest.mark.parametrize("seat", [0, "random", "self_play"])
@pytest.mark.parametrize("rules", [Rules(), MATCH])
def test_a_lane_depends_on_seed_and_lane_alone(seat, rules):
    few = run(Texas42VectorEnv(3, seat=seat, rules=rules), 9)
    many = run(Texas42VectorEnv(11, seat=seat, rules=rules, num_threads=2), 9)
    for a, b in zip(few, many, strict=True):
        assert np.array_equal(a, b[:, :3])
    assert not np.array_equal(many[0][:, 0], many[0][:, 1])


def test_a_lane_is_a_scalar_environment_with_the_lane_s_seed():
    vector, scalar = Texas42VectorEnv(5), Texas42Env()
    observations, _ = vector.reset(seed=3)
    for lane in range(5):
        observation, _ = scalar.reset(seed=lane_seed(3, lane))
        assert np.array_equal(observation["observation"], observations["observation"][lane])
    first = [lane_seed(seed, lane) for seed in range(20) for lane in range(20)]
    assert len(set(first)) == 400


def test_another_process_sees_the_same():
    code = (
        "import zeb42_env as z; e = z.Texas42VectorEnv(6, seat='random'); o, i = e.reset(seed=4);"
        "print(o['observation'].sum(axis=1).tolist(), i['seat'].tolist())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    observations, infos = Texas42VectorEnv(6, seat="random").reset(seed=4)
    assert printed.strip() == f"{observations['observation'].sum(axis=1).tolist()} {infos['seat'].tolist()}"


@pytest.mark.parametrize("rules", ALL_RULES)
def test_self_play_is_the_hand_itself(rules):
    env = Texas42VectorEnv(4, rules=rules, seat="self_play", autoreset_mode="Disabled")
    observations, infos = env.reset(seed=[1, 2, 3, 4])
    hands = [Hand.deal(seed, rules) for seed in (1, 2, 3, 4)]
    for step in range(33):
        for lane, hand in enumerate(hands):
            assert infos["seat"][lane] == hand.to_move
            assert np.array_equal(observations["observation"][lane], zeb42_env.observe(hand.view(hand.to_move)))
        actions = choose(observations["action_mask"], [1, 2, 3, 4], step)
        observations, rewards, terminated, _, infos = env.step(actions)
        for hand, action in zip(hands, actions, strict=True):
            hand.apply(int(action))
        assert terminated.tolist() == [hand.is_over for hand in hands]
        if terminated.any():
            break
    for lane in np.flatnonzero(terminated):
        assert rewards[lane] == hands[lane].score
    assert terminated.any()


def test_bad_steps_are_refused():
    env = Texas42VectorEnv(2, autoreset_mode="Disabled")
    for actions in (np.zeros(3, int), np.zeros(2)):
        env.reset(seed=0)
        with pytest.raises(ValueError, match="expected integer actions"):
            env.step(actions)
    env.step(np.array([55, 55]))
    with pytest.raises(ValueError, match="expected reset"):
        env.step(np.array([0, 0]))
    with pytest.raises(ValueError, match="expected reset"):
        Texas42VectorEnv(2).step(np.array([0, 0]))
    with pytest.raises(ValueError, match="reset_mask"):
        env.reset(options={"reset_mask": [True, False]})
    with pytest.raises(ValueError, match="2 seeds"):
        env.reset(seed=[1])
    for options, message in (({"num_envs": 0}, "at least 1"), ({"render_mode": "human"}, "ansi, rgb_array")):
        with pytest.raises(ValueError, match=message):
            Texas42VectorEnv(**options)


def test_a_reset_mask_leaves_the_others_alone():
    env = Texas42VectorEnv(4, autoreset_mode="Disabled")
    observations, _ = env.reset(seed=0)
    first = observations["observation"]
    observations, _, terminated, _, _ = env.step(choose(observations["action_mask"], range(4), 0))
    assert not terminated.any()
    mask = np.array([False, True, False, True])
    options = {"reset_mask": mask}
    after, infos = env.reset(options=options)
    assert options == {"reset_mask": mask}
    for lane in range(4):
        unchanged = np.array_equal(after["observation"][lane], observations["observation"][lane])
        assert unchanged != mask[lane]
    again, _ = env.reset(seed=0, options={"reset_mask": mask})
    assert np.array_equal(again["observation"][mask], first[mask])
    assert infos["_seat"].tolist() == mask.tolist()


def test_given_arrays_are_copies_unless_asked_otherwise():
    env = Texas42VectorEnv(2)
    first, _ = env.reset(seed=0)
    kept = first["observation"].copy()
    env.step(np.array([28, 28]))
    assert np.array_equal(first["observation"], kept)
    bare = Texas42VectorEnv(2, copy=False)
    first, _ = bare.reset(seed=0)
    second, *_ = bare.step(np.array([28, 28]))
    assert np.shares_memory(first["observation"], second["observation"])


def test_is_made_by_name():
    envs = gymnasium.make_vec("zeb42/Texas42-v0", num_envs=3, rules=MATCH)
    assert isinstance(envs.unwrapped, Texas42VectorEnv)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    envs.reset(seed=0)
    envs.close()
