"""What all environments refuse, in one way and with nothing changed."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from test_single import keyed_action

import zeb42_env
from zeb42_env import Hand, Rules, Texas42Env, Texas42VectorEnv, render

HUGE = (2**63, -(2**63) - 1, 10**30, -1, 56)


@pytest.mark.parametrize("action", HUGE)
def test_a_number_that_is_no_action_is_illegal_however_large(action: int) -> None:
    raw, env, single = zeb42_env.raw_env(), zeb42_env.env(), Texas42Env()
    raw.reset(seed=1)
    before = raw.hand
    with pytest.raises(zeb42_env.IllegalActionError, match=f"got {action}; allowed"):
        raw.step(action)
    assert raw.hand == before
    env.reset(seed=1)
    env.step(action)
    assert all(env.terminations.values())
    assert f"got {action}" in env.infos["seat_0"]["illegal_action"]
    single.reset(seed=1)
    _, reward, terminated, _, info = single.step(action)
    assert (reward, terminated) == (-1, True)
    assert f"got {action}" in info["illegal_action"]


@pytest.mark.parametrize("action", [np.array([28]), 28.0, "pass", None, np.nan, [28]])
def test_what_is_no_number_is_refused(action: object) -> None:
    raw, single = zeb42_env.raw_env(), Texas42Env()
    raw.reset(seed=1)
    single.reset(seed=1)
    for env in (raw, single):
        with pytest.raises(ValueError, match=r"expected an action id.*allowed: 0..55"):
            env.step(action)  # type: ignore[attr-defined, arg-type]


def test_before_the_first_reset_there_is_no_hand() -> None:
    raw, single, vector = zeb42_env.raw_env(render_mode="ansi"), Texas42Env(render_mode="ansi"), Texas42VectorEnv(2)
    for ask in (
        lambda: raw.hand,
        raw.render,
        lambda: single.hand,
        single.render,
        lambda: vector.hands,
        Texas42VectorEnv(2, render_mode="ansi").render,
    ):
        with pytest.raises(ValueError, match=r"expected reset\(\) first"):
            ask()


def test_seeds_of_all_environments() -> None:
    assert Texas42Env().reset(seed=np.int64(5))[1]["seat"] == 0  # type: ignore[arg-type]
    for seed in (1.0, np.nan, -1, 2**64, "x"):
        for env in (zeb42_env.raw_env(), Texas42Env(), Texas42VectorEnv(2)):
            with pytest.raises(ValueError, match="expected a seed in 0"):
                env.reset(seed=seed)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a seed in 0"):
        Texas42VectorEnv(2).reset(seed=np.array(5))  # type: ignore[arg-type]


def test_a_list_of_seeds_is_taken_whole_or_not_at_all() -> None:
    env = Texas42VectorEnv(3)
    env.reset(seed=[7, 8, 9])
    before = env._lanes.keys.copy()
    with pytest.raises(ValueError, match="expected a seed"):
        env.reset(seed=[1, "x", 3])  # type: ignore[list-item]
    assert np.array_equal(env._lanes.keys, before)


def test_an_environment_with_threads_can_be_copied() -> None:
    env = Texas42VectorEnv(4, num_threads=2)
    env.reset(seed=1)
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        actions = np.array([28, 30, 31, 28])
        assert np.array_equal(other.step(actions)[1], Texas42VectorEnv.step(copy.deepcopy(env), actions)[1])
        assert np.array_equal(other.hands["shaker"], env.hands["shaker"])
        other.close()
    env.close()


def test_players_answer_in_whole_numbers() -> None:
    seed = next(seed for seed in range(9) if Hand.deal(seed).to_move != 0)  # another than the learner calls first
    for answer, message in (
        (lambda views, keys: np.full(len(views), 28.7), r"a player for each of 1 views, got float64 \[1\]"),
        (lambda views, keys: [28, 28], "a player for each of 1 views, got int64"),
        (lambda views, keys: [55], "a player of the environment broke the rules"),
    ):
        with pytest.raises(ValueError, match=message):
            Texas42Env(players=answer).reset(seed=seed)


@pytest.mark.parametrize("num_lanes", [1, 3])
def test_an_interrupted_step_is_not_gone_on_with_as_another_seat(num_lanes: int) -> None:
    """A player raised in the middle of a step: the next step would have been taken for its seat."""
    trouble = False

    def player(views: np.ndarray, keys: np.ndarray) -> list[int]:
        if trouble:
            raise KeyboardInterrupt
        return keyed_action(views, keys)

    env = Texas42VectorEnv(num_lanes, players=player) if num_lanes > 1 else Texas42Env(players=player)
    _, info = env.reset(seed=0)
    masks = np.atleast_2d(info["action_mask"])
    actions = masks.argmax(1) if num_lanes > 1 else int(masks[0].argmax())
    trouble = True
    with pytest.raises(KeyboardInterrupt):
        env.step(actions)  # type: ignore[arg-type]
    trouble = False
    with pytest.raises(ValueError, match=r"expected reset\(\) after a step that was interrupted"):
        env.step(actions)  # type: ignore[arg-type]
    if num_lanes > 1:
        with pytest.raises(ValueError, match="interrupted"):
            env.reset(options={"reset_mask": np.arange(num_lanes) == 0})
    _, info = env.reset(seed=0)
    assert np.array_equal(np.atleast_2d(info["action_mask"]), masks)


def test_marks_bids_and_declarations_are_whole_numbers_in_range() -> None:
    for marks in ((127, 127), (-5, 0), (200, 0), (1.5, 0), (100, 0), 5, (1, 2, 3)):
        with pytest.raises(ValueError, match=r"expected marks of both teams, got .*; allowed: 0..99"):
            Hand.deal(1, marks=marks)  # type: ignore[arg-type]
    hands = [list(range(7 * seat, 7 * seat + 7)) for seat in range(4)]
    with pytest.raises(ValueError, match=r"expected a bid, got 30\.5"):
        Hand.from_deal(hands, declaration=1, bidder=0, bid=30.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected a declaration, got 1\.7; allowed: 0..9, or words"):
        Rules(declarations=(1.7,))  # type: ignore[arg-type]


def test_declarations_may_be_words() -> None:
    assert Rules(declarations="doubles").declarations == (7,) == Rules(declarations=7).declarations  # type: ignore[arg-type]
    assert Rules(declarations=("sixes", "doubles", 0)).declarations == (6, 7, 0)
    with pytest.raises(ValueError, match="expected a declaration, got 'clubs'; allowed: blanks, ones"):
        Rules(declarations="clubs")


def test_a_state_is_one_that_the_environment_gave() -> None:
    env = zeb42_env.raw_env()
    env.reset(seed=1)
    with pytest.raises(ValueError, match="expected a state as get_state gives it, got dict"):
        env.set_state({"agents": []})  # type: ignore[arg-type]


def test_huge_numbers_in_a_line_name_their_field() -> None:
    for field in ("shaker", "marks"):
        line = str(Hand.deal(1)).replace(" shaker=3", "")
        number = "9" * 5000
        value = number if field == "shaker" else f"{number}-0"
        words = [word for word in line.split() if not word.startswith(field)] + [f"{field}={value}"]
        with pytest.raises(zeb42_env.NotationError, match=f"at {field}=: expected a number"):
            Hand.parse(" ".join(words))


def test_one_point_is_one_point() -> None:
    deals = (Hand.deal(seed, Rules(contract="random")) for seed in range(200))
    hand = next(hand for hand in deals if _after_a_trick(hand).points in ((1, 0), (0, 1)))
    shown = render.ansi(hand.record, unicode=False)
    assert ": 1 point" in shown
    assert "1 points" not in shown
    assert hand._repr_svg_().startswith("<svg")


def _after_a_trick(hand: Hand) -> Hand:
    for _ in range(4):
        hand.apply(hand.legal_actions()[0])
    return hand
