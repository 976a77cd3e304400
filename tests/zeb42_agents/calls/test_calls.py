"""Learned calls: legal, blind to what is hidden, worth what they say; and what becomes of bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from call_networks import EVEN, tensors_of
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import Explanation, calls, places, simple_bidder, worlds
from zeb42_agents.agent import make_agent
from zeb42_agents.bidding import bid_curve
from zeb42_agents.calls import network as kernels
from zeb42_agents.calls import weights
from zeb42_agents.calls.choose import MATCH, OTHER_RULES, value_calls
from zeb42_agents.calls.columns import NUM_BIDS
from zeb42_agents.eq import EQ
from zeb42_env import Hand, Rules, action_text, parse_action
from zeb42_env._core import record as core

NETWORK = weights.from_tensors(tensors_of(1))
NO_OPINION = weights.from_tensors(tensors_of(0, scale=0.0))
RULES = (
    Rules(),
    Rules(all_pass="reshake"),
    Rules(episode="match"),
    Rules(scoring="contract"),
    Rules(declarations=range(10), episode="match", all_pass="reshake"),
    Rules(declarations="sixes"),
)


def auctions(num: int, *, seed: int = 0, rules: Rules | None = None) -> np.ndarray:
    """Views of seats that are to call or to declare."""
    rng, views = np.random.default_rng(seed), []
    while len(views) < num:
        chosen = rules or RULES[int(rng.integers(len(RULES)))]
        marks = tuple(rng.integers(7, size=2).tolist()) if chosen.episode == "match" else (0, 0)
        record = chosen.blank_record(marks=marks)
        core.deal(record[0], np.uint64(rng.integers(2**62)), 0)
        hand = Hand(record)
        for _ in range(rng.integers(5)):
            hand.apply(int(rng.choice(hand.legal_actions())))
            if hand.is_over:
                break
        if hand.phase in (core.AUCTION, core.DECLARATION) and not hand.is_over:
            views.append(hand.view(hand.to_move))
    return np.array(views)


def last_call(text: str, rules: Rules = Rules(), marks: tuple[int, int] = (0, 0)) -> np.void:  # noqa: B008 - frozen
    """The view of the shaker, seat 3, after its left opponent (seat 0) called ``text`` and the others passed."""
    record = rules.blank_record(shaker=3, marks=marks)
    core.deal(record[0], np.uint64(5), 0)
    hand = Hand(record)
    for call in (text, "pass", "pass"):
        hand.apply(parse_action(call))
    return hand.view(3)


def values_of(network: calls.CallNetwork, view: np.void) -> dict[str, float]:
    values = np.full(56, np.nan)
    value_calls(network, view, values, np.empty(NUM_BIDS))
    return {action_text(a): float(values[a]) for a in Hand(view).legal_actions()}


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32))
def test_calls_are_legal_and_explained_as_they_are_made(seed: int) -> None:
    views = auctions(8, seed=seed)
    before = views.copy()
    actions = calls.learned_calls(NETWORK, views)
    assert (views == before).all()
    for view, action in zip(views, actions, strict=True):
        assert int(action) in Hand(view).legal_actions()
        thought = calls.explain_call(NETWORK, view)
        assert thought.chosen == action == thought.candidates[0].action
        assert Explanation.from_json(thought.to_json()) == thought
    alone = [int(calls.learned_calls(NETWORK, views[b : b + 1])[0]) for b in range(len(views))]
    assert actions.tolist() == alone


def test_no_call_depends_on_what_is_hidden() -> None:
    views = auctions(30, seed=4)
    redealt = views.copy()
    for b, view in enumerate(views):
        (world,) = worlds.sample(view, 1, np.random.default_rng(b))
        redealt[b] = Hand(world).view(int(view["to_move"]))
    assert redealt.tobytes() == views.tobytes()
    assert len(set(calls.learned_calls(NETWORK, views).tolist())) > 3  # it has opinions, so that a change would show
    # What a full hand holds besides is not looked at either.
    full = np.array([worlds.sample(view, 1, np.random.default_rng(b))[0] for b, view in enumerate(views)])
    assert np.array_equal(calls.learned_calls(NETWORK, full), calls.learned_calls(NETWORK, views))


def test_what_a_call_leads_to_is_possible_and_sums_to_one() -> None:
    views = auctions(40, seed=9)
    for view in views[views["phase"] == core.AUCTION]:
        ends = np.zeros((core.NUM_ACTIONS, kernels.NUM_ENDS), np.float32)
        kernels.write_ends(NETWORK, view, np.full(NUM_BIDS, 0.5), ends)
        for call in Hand(view).legal_actions():
            assert ends[call].sum() == pytest.approx(1, abs=1e-5)
            if call == core.PASS:
                assert ends[call, kernels.MINE] == 0
            elif view["to_move"] == view["shaker"]:
                assert ends[call, kernels.MINE] == 1  # nobody calls after the shaker
            if view["all_pass"] == core.SHAKER_BIDS or view["bid"] or call != core.PASS:
                assert ends[call, kernels.THROWN_IN] == 0


def test_without_an_opinion_values_are_what_one_can_reckon() -> None:
    values = values_of(NO_OPINION, last_call("30"))
    assert values["pass"] == pytest.approx(0)  # the opponents make it or are set, each as likely
    assert values["31"] == pytest.approx(2 * 12 / 43 - 1, abs=1e-5)  # 12 of the 43 numbers of points are 31 or more
    assert values["2 marks"] == pytest.approx(2 * (2 / 43 - 1), abs=1e-5)
    by_contract = values_of(NO_OPINION, last_call("30", Rules(scoring="contract")))
    assert by_contract["2 marks"] == pytest.approx(2 / 43 - 1, abs=1e-5)


def test_in_a_match_a_call_is_worth_the_chance_to_win_it() -> None:
    table, rules = calls.match_table(EVEN), Rules(episode="match")
    values = values_of(NO_OPINION, last_call("30", rules, marks=(5, 3)))  # seat 3 is of the team with 3
    we_made, we_set = 11 / 43, 32 / 43
    # Seat 0 shakes next, so they do.
    expected = we_made * table[4, 5, 1] + we_set * table[3, 6, 1]
    assert values["32"] == pytest.approx(expected, abs=1e-5)
    assert values["pass"] == pytest.approx((table[3, 6, 1] + table[4, 5, 1]) / 2, abs=1e-5)
    assert values["2 marks"] == pytest.approx(1 / 43 * table[5, 5, 1], abs=1e-5)  # set, they have seven
    assert calls.explain_call(NO_OPINION, last_call("30", rules)).unit == MATCH


def test_who_is_desperate_bids_what_it_can_only_lose() -> None:
    """Opponents who hold a bid of two marks at 5 to 0 win the match with it; at 0 to 0 they do not."""
    tensors = tensors_of(0, scale=0.0)
    opponents_make_it = kernels.end_of(False, False, 84, True)
    tensors["ends.third_bias"][opponents_make_it] = 9.0
    network = weights.from_tensors(tensors)
    behind = values_of(network, last_call("2 marks", Rules(episode="match"), marks=(5, 0)))
    assert behind["3 marks"] > behind["pass"]
    level = values_of(network, last_call("2 marks", Rules(episode="match")))
    assert level["3 marks"] < level["pass"]


def test_rules_that_were_not_learned_are_left_to_the_bidder_and_said() -> None:
    view = Hand.deal(3, Rules(scoring="majority")).view(int(Hand.deal(3, Rules(scoring="majority")).to_move))
    assert not calls.learned_for(np.array([view]))[0]
    assert calls.learned_calls(NETWORK, np.array([view])) == simple_bidder.simple_calls(np.array([view]))
    thought = calls.explain_call(NETWORK, view)
    assert thought.speaker == "simple bidder"
    assert OTHER_RULES in str(thought)
    with pytest.raises(ValueError, match="auction or declaration phase, got phase 2"):
        calls.learned_calls(NETWORK, np.array([Hand.deal(1, "contract").view(0)]))


def test_a_bid_curve_can_show_learned_prices() -> None:
    view = last_call("30")
    learned, solved = bid_curve(view, 5, calls=NETWORK), bid_curve(view, 5)
    assert sorted(learned.declarations) == sorted(solved.declarations)
    assert (np.diff(learned.chances, axis=1) <= 0).all()
    row, same = 0, solved.declarations.index(learned.declarations[0])
    assert np.array_equal(learned.makes[row], solved.makes[same])
    assert not np.allclose(learned.chances[row], solved.chances[same])


def save(folder: Path, **changed: np.ndarray) -> Path:
    weights.save(folder, tensors_of(1) | changed, {})
    return folder


def test_a_player_calls_by_the_calls_that_it_is_given(tmp_path: Path) -> None:
    save(tmp_path / "calls")
    agent = calls.Calling(make_agent("greedy"), calls.load(tmp_path))
    views, keys = auctions(20, seed=6), np.arange(20, dtype=np.uint64)
    assert np.array_equal(agent.act(views, keys), calls.learned_calls(NETWORK, views))
    assert agent.explain(views[0]) == calls.explain_call(NETWORK, views[0])
    plays = np.array([Hand.deal(s, "contract").view(Hand.deal(s, "contract").to_move) for s in range(5)])
    assert np.array_equal(agent.act(plays, keys[:5]), make_agent("greedy").act(plays, keys[:5]))
    simple = calls.Calling(make_agent("greedy"), None)
    assert np.array_equal(simple.act(views, keys), simple_bidder.simple_calls(views))
    assert simple.explain(views[0]) == simple_bidder.explain_call(views[0])


def test_weights_without_calls_say_so_once_where_they_are_asked_to_call(tmp_path: Path) -> None:
    player = make_agent("greedy")
    with pytest.warns(UserWarning, match="comes without calls: the simple bidder speaks for it") as said:
        assert calls.with_calls(player, str(tmp_path), "own") is player
    assert len(said) == 1
    save(tmp_path / "calls")
    assert isinstance(calls.with_calls(player, str(tmp_path), "own"), calls.Calling)
    assert calls.with_calls(player, str(tmp_path), "simple") is player
    with pytest.raises(ValueError, match="expected calls, got 'nowhere', where there are none"):
        calls.with_calls(player, str(tmp_path), "nowhere")


@pytest.mark.parametrize("options", ["", ",calls=own"])
@pytest.mark.parametrize("name", places.bundled_names())
def test_bundled_calls_are_those_that_come_with_the_weights(name: str, options: str) -> None:
    agent, views = make_agent(f"zeb:{name}{options}"), auctions(10, seed=9)
    assert np.array_equal(
        agent.act(views, np.arange(10, dtype=np.uint64)), calls.learned_calls(calls.load(name), views)
    )


def test_eq_calls_by_calibrated_prices() -> None:
    agent, views = EQ(n=3, calls="calibrated"), auctions(10, seed=8)
    bundled = calls.load("laptop")
    assert np.array_equal(agent.act(views, np.arange(10, dtype=np.uint64)), calls.learned_calls(bundled, views))
    assert agent.explain(views[0]) == calls.explain_call(bundled, views[0])
    assert agent.fingerprint != EQ(n=3).fingerprint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"odds": np.ones(3)}, "got others: odds"),
        ({"made": np.tile([1.0, 0.0], (NUM_BIDS, 1))}, "calibration that rises"),
        ({"prices.third_bias": np.full(kernels.NUM_POINTS, np.nan, np.float32)}, "finite real numbers"),
        ({"more": np.ones(1)}, "got others: more"),
        ({"odds": np.full(11, 0.5)}, "11 shares of 1"),
        ({"ends.second": np.ones((2, 2), np.float32)}, "got others: ends.second"),
    ],
)
def test_damaged_calls_are_refused(tmp_path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calls.load(save(tmp_path, **changed))


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "w")
    (folder / places.MODEL_FILE).write_bytes(b"not tensors at all")
    with pytest.raises(ValueError, match="damaged or foreign file"):
        calls.load(folder)
    (folder / places.CONFIG_FILE).write_text('{"kind": "calls", "columns": 99}')
    with pytest.raises(ValueError, match="expected calls with columns 1"):
        calls.load(folder)
    with pytest.raises(ValueError, match="where there are none"):
        calls.load("x" * 5000)
