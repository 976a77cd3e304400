"""The PettingZoo environment: its API, its rewards, its copies, its seeds."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pettingzoo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pettingzoo.utils.conversions import turn_based_aec_to_parallel
from playing import ALL_RULES, api_test, parallel_api_test, seed_test

import zeb42_env
from zeb42_env import Hand, IllegalActionError, Rules

MATCH = Rules(episode="match")
POINTS = Rules(scoring="points")
UNAVOIDABLE = (
    "Observation is not a NumPy array",  # a Dict, as PettingZoo's own card games have it
    "Observation space for each agent probably should be",
    "The observation contains negative numbers and is in the shape of a graphical observation",  # tokens
)


def play(env, rng, *, each_step=lambda env: None):
    """Play an episode at random; returns each agent's rewards added up and the number of actions."""
    totals, num_actions = dict.fromkeys(env.possible_agents, 0.0), 0
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        totals[agent] += reward
        if terminated or truncated:
            env.step(None)
            continue
        env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))
        num_actions += 1
        each_step(env)
    return totals, num_actions


@pytest.mark.parametrize("form", ["planes", "tokens"])
@pytest.mark.parametrize("make", [zeb42_env.env, zeb42_env.raw_env])
@pytest.mark.parametrize("rules", [*ALL_RULES, MATCH])
def test_api(make, form, rules, capsys):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        api_test(make(rules=rules, observation=form), num_cycles=70)
    unexpected = [str(w.message) for w in caught if not str(w.message).startswith(UNAVOIDABLE)]
    assert not unexpected


@pytest.mark.parametrize("options", [{}, {"rules": MATCH}, {"observation": "tokens"}])
def test_seeds(options):
    seed_test(lambda: zeb42_env.env(**options), num_cycles=100)


def test_parallel_conversion(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its random actions are illegal, which it warns of
        parallel_api_test(turn_based_aec_to_parallel(zeb42_env.env()), num_cycles=200)


@pytest.mark.skipif(not hasattr(pettingzoo, "register"), reason="this PettingZoo has no registry")
def test_registry():
    env = pettingzoo.make("aec", "zeb42/texas42-v0", rules=MATCH)
    assert env.unwrapped.rules == MATCH


@pytest.mark.parametrize("rules", [*ALL_RULES, MATCH])
def test_rewards_are_the_teams_and_sum_to_zero(rules):
    env = zeb42_env.env(rules=rules)

    def check(env):
        rewards = env.rewards
        if env.agents:
            assert rewards["seat_0"] == rewards["seat_2"] == -rewards["seat_1"] == -rewards["seat_3"]

    for seed in range(5):
        env.reset(seed=seed)
        totals, num_actions = play(env, np.random.default_rng(seed), each_step=check)
        assert totals["seat_0"] == totals["seat_2"] == -totals["seat_1"] == -totals["seat_3"]
        if rules.episode == "match":
            assert abs(totals["seat_0"]) == 1
            assert num_actions <= 13 * 33
        else:
            assert totals["seat_0"] == env.unwrapped.hand.score
            assert num_actions <= 33


def test_all_agents_end_together_and_every_info_has_a_mask():
    env = zeb42_env.env()
    env.reset(seed=1)

    def check(env):
        assert len(set(env.terminations.values())) == 1
        assert not any(env.truncations.values())
        for agent in env.agents:
            expected = env.observe(agent)["action_mask"]
            assert np.array_equal(env.infos[agent]["action_mask"], expected)
            assert expected.any() == (agent == env.agent_selection and not env.terminations[agent])

    play(env, np.random.default_rng(0), each_step=check)
    assert env.agents == []


def test_per_trick_rewards_add_up_to_the_hand():
    env = zeb42_env.env(rules=POINTS, per_trick_rewards=True)
    paid = []
    for seed in range(5):
        env.reset(seed=seed)
        totals, _ = play(env, np.random.default_rng(seed), each_step=lambda env: paid.append(any(env.rewards.values())))
        assert totals["seat_0"] == pytest.approx(env.unwrapped.hand.score)
    assert sum(paid) == 5 * 7
    with pytest.raises(ValueError, match="points"):
        zeb42_env.env(per_trick_rewards=True)


def test_a_match_goes_on_to_seven_marks():
    env = zeb42_env.raw_env(rules=MATCH)
    rng = np.random.default_rng(0)
    for seed in range(4):
        env.reset(seed=seed)
        hands = [env.hand]

        def note(env, hands=hands):
            if env.hand.record["calls"].max() < 0 and not env.hand.is_over:
                hands.append(env.hand)

        totals, _ = play(env, rng, each_step=note)
        last = env.hand
        marks = np.array(last.marks)
        marks[0 if last.score > 0 else 1] += abs(int(last.score))
        assert marks.max() >= 7 > max(last.marks)
        assert totals["seat_0"] == (1 if marks[0] > marks[1] else -1)
        assert [hand.shaker for hand in hands] == [(hands[0].shaker + k) % 4 for k in range(len(hands))]
        assert len({hand.record["owner"].tobytes() for hand in hands}) == len(hands)


def test_a_hand_thrown_in_ends_level_or_the_next_seat_shakes():
    for rules, over in ((Rules(all_pass="reshake"), True), (Rules(all_pass="reshake", episode="match"), False)):
        env = zeb42_env.env(rules=rules)
        env.reset(seed=3)
        shaker = env.hand.shaker
        for _ in range(4):
            env.step(28)
        assert all(env.terminations.values()) is over
        assert set(env.rewards.values()) == {0.0}
        assert env.hand.shaker == (shaker if over else (shaker + 1) % 4)
        assert env.hand.marks == (0, 0)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 32), rules=st.sampled_from([*ALL_RULES, MATCH]))
def test_an_illegal_action_loses_the_hand_for_the_team(seed, steps, rules):
    env = zeb42_env.env(rules=rules)
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        mask = env.observe(env.agent_selection)["action_mask"]
        before = env.clone()
        env.step(int(rng.choice(np.flatnonzero(mask))))
        if env.terminations[env.agent_selection]:
            env = before
            break
    mask = env.observe(env.agent_selection)["action_mask"]
    offender, bid = int(env.agent_selection[-1]), env.hand.bid
    raw = env.unwrapped.clone()
    illegal = int(rng.choice([*np.flatnonzero(mask == 0), 56, 1000, -1]))
    env.step(illegal)
    stake = max(1, bid // 42) if rules.scoring == "marks" and rules.episode == "hand" else 1
    for agent in env.agents:
        assert env.rewards[agent] == (-stake if int(agent[-1]) % 2 == offender % 2 else stake)
        assert env.terminations[agent] is True
        assert env.truncations[agent] is False
        assert "expected a legal action" in env.infos[agent]["illegal_action"]
        assert env.infos[agent]["illegal_agent"] == f"seat_{offender}"
    for _ in range(4):
        env.step(None)
    assert not env.agents
    before = raw.hand
    with pytest.raises(IllegalActionError):
        raw.step(illegal)
    assert raw.hand == before
    assert not any(raw.terminations.values())


@pytest.mark.parametrize("action", [None, "pass", 1.5])
def test_what_is_no_action_raises(action):
    env = zeb42_env.env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected an action id"):
        env.step(action)


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda env: env.clone(),
        copy.deepcopy,
        lambda env: pickle.loads(pickle.dumps(env)),
        lambda env: restored(env),
    ],
)
@pytest.mark.parametrize("make", [zeb42_env.env, zeb42_env.raw_env])
@pytest.mark.parametrize("rules", [Rules(), MATCH])
def test_copies_keep_the_hand_and_go_their_own_way(make, duplicate, rules):
    env = make(rules=rules)
    env.reset(seed=11)
    rng = np.random.default_rng(1)
    for _ in range(40 if rules is MATCH else 12):
        env.step(int(rng.choice(np.flatnonzero(env.observe(env.agent_selection)["action_mask"]))))
    other = duplicate(env)
    before = env.unwrapped.hand
    assert other.unwrapped.hand == before
    assert type(other) is type(env)
    fates = [play(e, np.random.default_rng(5)) for e in (other, env)]
    assert fates[0] == fates[1]
    if rules is not MATCH:
        assert other.unwrapped.hand == env.unwrapped.hand != before
    for e in (other, env):
        e.reset()
    assert other.unwrapped.hand == env.unwrapped.hand


def restored(env):
    other = (zeb42_env.env if env is not env.unwrapped else zeb42_env.raw_env)(rules=env.unwrapped.rules)
    other.set_state(env.get_state())
    return other


def test_copies_before_the_first_reset():
    env = zeb42_env.env()
    for other in (env.clone(), copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        other.reset(seed=3)
        assert other.unwrapped.hand == Hand.deal(3)


def test_a_seed_fixes_all_episodes_that_follow():
    env = zeb42_env.env()
    env.reset(seed=7)
    hands = [env.unwrapped.hand]
    for _ in range(3):
        env.reset()
        hands.append(env.unwrapped.hand)
    assert hands == [Hand.deal(7, number=number) for number in range(4)]
    env.reset(seed=7)
    assert env.unwrapped.hand == hands[0]
    assert env.unwrapped.rules == Rules()
    for bad in (-1, 2**64, "7"):
        with pytest.raises(ValueError, match="expected a seed"):
            env.reset(seed=bad)


def test_without_a_seed_hands_differ():
    deals = set()
    for _ in range(4):
        env = zeb42_env.env()
        env.reset()
        deals.add(str(env.unwrapped.hand))
    assert len(deals) == 4


def test_another_process_deals_the_same_hand():
    code = "import zeb42_env as z; e = z.env(); e.reset(seed=5); e.reset(); print(e.unwrapped.hand)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(Hand.deal(5, number=1))


def test_starts_from_a_given_hand():
    hand = Hand.deal(9)
    hand.apply(28)
    env = zeb42_env.env()
    for given_hand in (hand, str(hand)):
        env.reset(seed=1, options={"hand": given_hand})
        assert env.unwrapped.hand == hand
        assert env.agent_selection == f"seat_{hand.to_move}"
    finished = Hand.deal(9, Rules(all_pass="reshake"))
    for _ in range(4):
        finished.apply(28)
    for bad, message in ((Hand(hand.view(0)), "a view"), (finished, "finished"), (7, "got int"), ("x", "zeb42/1")):
        with pytest.raises(ValueError, match=message):
            env.reset(options={"hand": bad})
    with pytest.raises(ValueError, match="match"):
        zeb42_env.env(rules=MATCH).reset(options={"hand": hand})


def test_options_are_checked():
    for options, message in (
        ({"rules": "auction"}, "expected rules"),
        ({"observation": "image"}, "planes, tokens"),
        ({"render_mode": "gif"}, "ansi, rgb_array, human"),
    ):
        with pytest.raises(ValueError, match=message):
            zeb42_env.env(**options)


def test_observations_are_copies():
    env = zeb42_env.env()
    env.reset(seed=0)
    first = env.observe("seat_0")
    for array in first.values():
        array[:] = 77
    second = env.observe("seat_0")
    assert second["observation"].max() < 77
    assert second["action_mask"].max() <= 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("_hands", lambda hands: hands[:0]),
        ("_hands", lambda hands: np.repeat(hands, 2)),
        ("_hands", lambda hands: np.array([Hand(hands).view(0)])),
        ("_mask", lambda mask: mask[:5]),
        ("_mask", lambda mask: 1 - mask),
        ("agent_selection", lambda _: "seat_9"),
        ("agent_selection", lambda _: None),
        ("agents", lambda _: ["seat_0", "seat_9"]),
        ("rewards", lambda rewards: {"seat_0": rewards["seat_0"]}),
        ("infos", lambda _: None),
        ("_number", lambda _: -1),
        ("_episode_key", lambda _: "key"),
    ],
)
@pytest.mark.parametrize("make", [zeb42_env.raw_env, zeb42_env.env])
def test_a_state_that_no_environment_was_in_is_refused_and_changes_nothing(make, name, change):
    env, other = make(), make()
    other.reset(seed=1)
    state = other.unwrapped.get_state()
    setattr(state, name, change(getattr(state, name)))
    with pytest.raises(ValueError, match=f"expected .*{name.strip('_')}"):
        env.set_state(state)
    assert not env.unwrapped.has_begun
    if make is zeb42_env.env:
        with pytest.raises(AssertionError, match=r"reset\(\) needs to be called"):
            env.step(0)
    env.reset(seed=2)
    before = env.unwrapped.hand
    with pytest.raises(ValueError, match="expected"):
        env.set_state(state)
    assert env.unwrapped.hand == before


@pytest.mark.parametrize("decisions", [0, 5, 20, 33])
def test_every_state_that_an_environment_was_in_is_taken(decisions):
    env, other = zeb42_env.env(rules=Rules(episode="match")), zeb42_env.env(rules=Rules(episode="match"))
    env.reset(seed=3)
    for _ in range(decisions):
        observation, *_ = env.last()
        env.step(int(observation["action_mask"].argmax()))
    other.set_state(env.unwrapped.get_state())
    assert other.unwrapped.hand == env.unwrapped.hand
    assert (other.last()[0]["action_mask"] == env.last()[0]["action_mask"]).all()
    env.step(99)  # forfeits
    other.set_state(env.unwrapped.get_state())
    assert other.terminations == env.terminations


def test_there_is_no_state_before_the_first_reset():
    with pytest.raises(ValueError, match=r"expected reset\(\)"):
        zeb42_env.raw_env().get_state()


def test_a_state_of_foreign_bytes_is_refused_and_changes_nothing():
    env = zeb42_env.raw_env()
    env.reset(seed=1)
    before = env.hand
    state = env.get_state()
    state._hands["num_plays"] = 127
    with pytest.raises(ValueError, match="that play can make, got plays that are not legal"):
        env.set_state(state)
    assert env.hand == before
    assert env.get_state().agent_selection == f"seat_{before.to_move}"
