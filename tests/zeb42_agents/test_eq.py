"""E[Q]: the choice it promises, however it gets there."""

from __future__ import annotations

import numpy as np
import pytest
from double_dummy import positions
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import Agent, make_agent, simple_bidder, solver, worlds
from zeb42_agents.eq import EQ, LATE_PLAY, NUM_TIE_WORLDS
from zeb42_env import Hand, Phase, Rules, parse_action
from zeb42_env._core import record as core
from zeb42_env._core import tables
from zeb42_env._core.dominoes import COUNT, HAND_POINTS


def views(num_views: int, seed: int, *, first: int = 8, last: int = 26, scoring: str = "contract") -> np.ndarray:
    hands = positions(num_views, seed, first=first, last=last, rules=Rules(contract="random", scoring=scoring))
    return tables.views_of(hands, hands["to_move"])


def choice_without_shortcuts(view: np.void, key: np.uint64, num_worlds: int, objective: str) -> int:
    """The choice as it is promised: all worlds, all plays, exact points."""
    sampled = worlds.sample(view, num_worlds, key)
    team = int(view["seat"]) % 2
    final = solver.solve_worlds(sampled).astype(int) + int(view["points"][0])
    own = HAND_POINTS - final if team else final
    legal = [d for d in range(28) if int(core.legal_plays(view)) >> d & 1]
    bid = min(int(view["bid"]), HAND_POINTS)
    if objective == "majority":
        wins = own > HAND_POINTS // 2
    elif view["bidder"] % 2 == team:
        wins = own >= bid
    else:
        wins = HAND_POINTS - own < bid
    num_tie_worlds = num_worlds if view["num_plays"] >= LATE_PLAY else min(num_worlds, NUM_TIE_WORLDS)
    points = {d: own[:num_tie_worlds, d].sum() for d in legal}
    if objective == "points":
        return min(legal, key=lambda d: (-own[:, d].sum(), COUNT[d], d))
    return min(legal, key=lambda d: (-wins[:, d].sum(), -points[d], COUNT[d], d))


@pytest.mark.parametrize("objective", ["contract", "majority", "points"])
@pytest.mark.parametrize("threads", [1, 3])
def test_shortcuts_and_threads_do_not_change_the_choice(objective: str, threads: int) -> None:
    batch = views(40, seed=31, first=10)
    keys = np.arange(40, dtype=np.uint64)
    agent = EQ(25, objective=objective, threads=threads)
    expected = [choice_without_shortcuts(view, key, 25, objective) for view, key in zip(batch, keys, strict=True)]
    if threads == 1:
        assert agent.act(batch, keys).tolist() == expected
    else:  # one view at a time shares its worlds out
        assert [int(agent.act(batch[b : b + 1], keys[b : b + 1])[0]) for b in range(40)] == expected


def test_early_plays_keep_the_promise_too() -> None:
    batch = views(4, seed=32, first=0, last=5)
    keys = np.arange(4, dtype=np.uint64)
    expected = [choice_without_shortcuts(view, key, 15, "contract") for view, key in zip(batch, keys, strict=True)]
    assert EQ(15).act(batch, keys).tolist() == expected


@pytest.mark.parametrize(
    ("scoring", "objective"), [("contract", "contract"), ("majority", "majority"), ("points", "points")]
)
def test_the_objective_follows_the_scoring(scoring: str, objective: str) -> None:
    batch = views(40, seed=33, first=12, scoring=scoring)
    keys = np.arange(40, dtype=np.uint64)
    assert (EQ(8).act(batch, keys) == EQ(8, objective=objective).act(batch, keys)).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(6, 26), st.sampled_from(["contract", "majority", "points"]))
def test_what_is_hidden_does_not_matter(seed: int, ply: int, objective: str) -> None:
    hand = positions(1, seed, first=ply, last=ply)
    view = tables.views_of(hand, hand["to_move"])
    redealt = worlds.sample(view[0], 3, np.random.default_rng(seed))
    key = np.array([seed], np.uint64)
    choice = EQ(6, objective=objective).act(view, key)
    for world in redealt:
        assert EQ(6, objective=objective).act(tables.views_of(np.array([world]), view["seat"]), key) == choice


def test_hidden_dominoes_do_not_matter_in_the_auction() -> None:
    hand = Hand.deal(seed=5)
    hand.apply(parse_action("31"))
    view = hand.view(hand.to_move)
    key = np.array([9], np.uint64)
    choice = EQ(6).act(np.array([view]), key)
    for world in worlds.sample(view, 3, np.random.default_rng(1)):
        assert EQ(6).act(tables.views_of(np.array([world]), view["seat"].reshape(1)), key) == choice


def test_a_choice_does_not_depend_on_its_batch() -> None:
    batch = views(30, seed=34, first=10)
    keys = np.arange(30, dtype=np.uint64)
    agent = EQ(5)
    together = agent.act(batch, keys)
    order = np.random.default_rng(0).permutation(30)
    assert (agent.act(batch[order], keys[order]) == together[order]).all()
    assert [int(agent.act(batch[b : b + 1], keys[b : b + 1])[0]) for b in range(30)] == together.tolist()


def test_it_plays_legally_in_every_phase() -> None:
    agent = make_agent("eq:n=2,objective=points")
    assert isinstance(agent, Agent)
    assert agent.name == "eq:n=2,objective=points"
    hands = np.repeat(Rules().blank_record(), 3)
    tables.deal_numbers(hands, np.uint64(1), np.arange(len(hands), dtype=np.uint64), Rules().contract_code)
    while (hands["phase"] != core.OVER).any():
        seen = tables.views_of(hands, hands["to_move"])
        before = seen.copy()
        actions = agent.act(seen, np.random.default_rng(0))
        assert (seen == before).all()
        for hand, action in zip(hands, actions, strict=True):
            assert int(core.legal_mask(hand)) >> int(action) & 1
            core.apply(hand, action)
    assert agent.act(hands[:0], np.random.default_rng(0)).shape == (0,)


def test_simple_calls_are_the_simple_bidders() -> None:
    view = np.array([Hand.deal(seed=5).view(Hand.deal(seed=5).to_move)])
    assert EQ(3, calls="simple").act(view, np.zeros(1, np.uint64)) == simple_bidder.simple_calls(view)


def test_with_everything_known_it_plays_perfectly() -> None:
    tested = 0
    for hand in positions(4000, seed=35, first=20, last=24):
        view = np.array([hand])
        core.blank(view[0], hand["to_move"])
        if worlds.count(view[0]) == 1 and len(points := solver.solve(hand)) > 1:
            tested += 1
            best = (max if hand["to_move"] % 2 == 0 else min)(points.values())
            choice = int(EQ(1, objective="points").act(view, np.zeros(1, np.uint64))[0])
            assert points[choice] == best
    assert tested >= 20


def test_a_decided_contract_is_played_for_points() -> None:
    batch = views(200, seed=36, first=16)
    offense = batch["points"][np.arange(200), batch["bidder"] & 1]
    decided = batch[(offense >= np.minimum(batch["bid"], 42)) | (42 - batch["points"].sum(1) + offense < batch["bid"])]
    decided = decided[decided["num_plays"] >= LATE_PLAY]
    keys = np.arange(len(decided), dtype=np.uint64)
    assert len(decided) > 20
    assert (EQ(10).act(decided, keys) == EQ(10, objective="points").act(decided, keys)).all()


def test_explain_agrees_with_the_choice() -> None:
    for view, key in zip(views(24, seed=37, first=6), np.arange(24, dtype=np.uint64), strict=True):
        agent = EQ(20, objective="majority")
        reports = agent.explain(view, np.array([key])).candidates
        assert {r.action for r in reports} == {d for d in range(28) if int(core.legal_plays(view)) >> d & 1}
        choice = int(agent.act(np.array([view]), np.array([key]))[0])
        assert reports[0].action == choice
        for report in reports:
            assert 0 <= report.win_share <= 1
            assert 0 <= report.mean_points <= 42
            assert report.spread_points >= 0
        assert sum(r.best_share for r in reports) >= 1 - 1e-9


def test_explain_points_and_defaults() -> None:
    view = views(1, seed=38, first=20, last=20)[0]
    reports = EQ(5, objective="points").explain(view).candidates
    assert all(r.win_share is None for r in reports)
    assert [r.mean_points for r in reports] == sorted((r.mean_points for r in reports), reverse=True)
    assert reports == EQ(5, objective="points").explain(view).candidates


def test_calls_and_declarations_are_explained() -> None:
    for seed in range(3):
        hand = Hand.deal(seed=seed)
        while hand.phase != Phase.TRICKS:
            view, key = hand.view(hand.to_move), np.array([seed], np.uint64)
            explanation = EQ(10).explain(view, key)
            assert explanation.chosen == EQ(10).act(np.array([view]), key)[0] == explanation.candidates[0].action
            assert sorted(c.action for c in explanation.candidates) == hand.legal_actions()
            assert EQ(10, calls="simple").explain(view, key).speaker == "simple bidder"
            if hand.phase == Phase.AUCTION and len(explanation.candidates) > 1:
                values = [c.value for c in explanation.candidates]
                assert values == sorted(values, reverse=True)
                assert explanation.unit == "marks"
            if hand.phase == Phase.DECLARATION:
                shares = [c.win_share for c in explanation.candidates if c.win_share is not None]
                assert len(shares) == 4
                assert shares[0] == max(shares)
            hand.apply(explanation.chosen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, r"in 1\.\.100000, got 0"),
        ({"n": -3}, r"in 1\.\.100000, got -3"),
        ({"n": 2.5}, r"a whole number in 1\.\.100000, got 2\.5"),
        ({"n": 10**20}, r"in 1\.\.100000, got 100000000000000000000"),
        ({"objective": "glory"}, "got 'glory'; allowed: scoring, contract, majority, points"),
        ({"calls": "loud"}, "got 'loud'; allowed: worlds, simple"),
        ({"threads": 0}, "threads of at least 1"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EQ(**options)


def test_views_that_cannot_be() -> None:
    impossible = views(1, seed=2, first=0, last=0)
    held = impossible["held"][0]
    held[impossible["seat"][0]] &= held[impossible["seat"][0]] - np.uint32(1)
    with pytest.raises(ValueError, match="no deal agrees with"):
        EQ(3).act(impossible, np.zeros(1, np.uint64))
    over = positions(1, seed=2)
    tables.play_randomly(over, np.zeros(1, np.uint64))
    with pytest.raises(ValueError, match="got a full hand, with nobody to move"):
        EQ(3).act(over, np.zeros(1, np.uint64))
    hand = Hand.deal(seed=2, rules=Rules(contract="random"))
    waiting = np.array([hand.view((hand.to_move + 1) % 4)])
    for ask in (lambda: EQ(3).act(waiting, np.zeros(1, np.uint64)), lambda: EQ(3).explain(waiting[0])):
        with pytest.raises(ValueError, match=r"got the view of seat \d, with seat \d to move"):
            ask()
