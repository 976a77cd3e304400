"""The simple bidder's standards, bid curves against the solver, and the calls of E[Q]."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import bidding, simple_bidder, solver, worlds
from zeb42_agents.eq import EQ
from zeb42_env import Hand, Rules, action_text, parse_action
from zeb42_env._core import record as core
from zeb42_env._core import tables

STRONG = ["6-6", "6-5", "6-4", "6-1", "6-0", "5-5", "4-4"]
WEAK = ["6-1", "5-0", "4-2", "3-1", "5-3", "4-0", "2-1"]


def ids(dominoes: list[str]) -> list[int]:
    return [parse_action(domino) for domino in dominoes]


def auction_hand(first: list[str], seed: int = 0, rules: Rules = Rules()) -> Hand:  # noqa: B008 - frozen
    """A hand before the first call, whose first caller (seat 0, seat 3 shaking) holds ``first``."""
    rest = [domino for domino in range(28) if domino not in ids(first)]
    np.random.default_rng(seed).shuffle(rest)
    record = rules.blank_record(shaker=3)
    for seat, dominoes in enumerate([ids(first), rest[:7], rest[7:14], rest[14:]]):
        for domino in dominoes:
            record["owner"][0, domino] = seat
            record["held"][0, seat] |= np.uint32(1 << domino)
    core.start(record[0], 0)
    return Hand(record)


def simple(hand: Hand) -> str:
    return action_text(int(simple_bidder.simple_calls(np.array([hand.view(hand.to_move)]))[0]))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from(["shaker_bids", "reshake"]))
def test_simple_auctions_are_legal_and_end_in_a_contract(seed: int, all_pass: str) -> None:
    hand = Hand.deal(seed, Rules(all_pass=all_pass))  # type: ignore[arg-type]
    while not hand.is_over and hand.phase != core.TRICKS:
        views = np.array([hand.view(hand.to_move)])
        before = views.copy()
        action = int(simple_bidder.simple_calls(views)[0])
        assert (views == before).all()
        hand.apply(action)  # raises if illegal
    assert hand.bidder >= 0 or all_pass == "reshake"


def test_strong_hands_bid_weak_hands_pass() -> None:
    assert simple(auction_hand(STRONG)) == "1 mark"
    assert simple(auction_hand(WEAK)) == "pass"


def test_the_declaration_is_the_suit_it_bid_on() -> None:
    hand = auction_hand(STRONG)
    for call in ("1 mark", "pass", "pass", "pass"):
        hand.apply(parse_action(call))
    assert simple(hand) == "sixes"


def test_a_stuck_shaker_bids_the_lowest() -> None:
    hand = auction_hand(STRONG, seed=3)
    for _ in range(3):
        hand.apply(parse_action("pass"))
    record = hand.record
    record["held"][3] = sum(1 << d for d in ids(WEAK))  # only the caller's own dominoes matter
    assert simple_bidder.simple_call(record) == parse_action("30")
    record["all_pass"] = core.RESHAKE
    assert simple_bidder.simple_call(record) == core.PASS


def test_it_does_not_bid_over_its_partner_nor_above_its_means() -> None:
    hand = auction_hand(WEAK, seed=1)
    hand.apply(parse_action("31"))
    hand.apply(parse_action("pass"))
    record = hand.record
    strong = int(np.sum([1 << d for d in ids(STRONG)]))
    record["held"][2], record["held"][1] = strong, 0  # only the caller's own dominoes matter
    assert simple_bidder.simple_call(record) == core.PASS
    record["bidder"] = 1
    assert simple_bidder.simple_call(record) > core.PASS
    record["bid"] = 84
    assert simple_bidder.simple_call(record) == core.PASS


def test_strength_rises_with_trumps_and_winners() -> None:
    def strength(dominoes: list[str], declaration: int) -> float:
        return simple_bidder.strength(np.uint32(sum(1 << d for d in ids(dominoes))), declaration)

    assert strength(STRONG, 6) > strength(STRONG, 5)
    assert strength(STRONG, 6) > strength([*STRONG[:5], "5-4", "4-3"], 6)
    assert strength(STRONG, 6) > strength(["6-5", "6-4", "6-3", "6-1", "6-0", "5-5", "4-4"], 6)
    seven_trumps = [f"6-{pip}" for pip in range(7)]
    assert strength(seven_trumps, 6) >= 42


def test_simple_calls_refuse_the_tricks() -> None:
    hand = Hand.deal(seed=1, rules=Rules(contract="random"))
    with pytest.raises(ValueError, match="auction or declaration phase, got phase 2"):
        simple_bidder.simple_calls(np.array([hand.view(0)]))


def test_bid_curve_is_what_the_solver_says() -> None:
    hand = Hand.deal(seed=12)
    view = hand.view(hand.to_move)
    seat = hand.to_move
    curve = bidding.bid_curve(view, 12, np.uint64(5))
    assert sorted(curve.declarations) == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    assert curve.makes.shape == (9, 13)
    assert (np.diff(curve.makes, axis=1) <= 0).all()
    assert (np.diff(curve.makes[:, 0]) <= 0).all()
    for row in (0, 4):
        points = []
        for world in worlds.sample(view, 12, np.uint64(5)):
            deal = [Hand(world).holding(s) for s in range(4)]
            to_go = solver.solve(Hand.from_deal(deal, declaration=curve.declarations[row], bidder=seat))
            points.append(max(to_go.values()) if seat % 2 == 0 else 42 - min(to_go.values()))
        assert curve.mean_points[row] == pytest.approx(np.mean(points))
        np.testing.assert_allclose(curve.makes[row], [np.mean(np.array(points) >= b) for b in range(30, 43)])
    assert "P(make)" in str(curve)
    assert len(str(curve).splitlines()) == 10
    same = bidding.bid_curve(view, 12, np.uint64(5), threads=2)
    assert (same.makes == curve.makes).all()


def test_bid_curve_of_seven_trumps_is_certain() -> None:
    hand = auction_hand([f"6-{pip}" for pip in range(7)])
    curve = bidding.bid_curve(hand.view(0), 5)
    assert curve.declarations[0] == 6
    assert (curve.makes[0] == 1).all()
    assert curve.mean_points[0] == 42


def test_bid_curve_refuses_other_views() -> None:
    with pytest.raises(ValueError, match="auction or declaration phase"):
        bidding.bid_curve(Hand.deal(seed=1, rules=Rules(contract="random")).view(0))
    with pytest.raises(ValueError, match="auction or declaration phase"):
        bidding.bid_curve(Hand.deal(seed=1).record)
    with pytest.raises(ValueError, match="num_worlds of at least 1"):
        bidding.bid_curve(Hand.deal(seed=1).view(0), 0)


def eq_call(hand: Hand, num_worlds: int = 20) -> str:
    actions = EQ(num_worlds).act(np.array([hand.view(hand.to_move)]), np.array([3], np.uint64))
    return action_text(int(actions[0]))


def test_eq_bids_what_it_can_make() -> None:
    behind_partner = Hand.deal(seed=1, shaker=3)
    for call in ("36", "pass"):
        behind_partner.apply(parse_action(call))
    view = behind_partner.view(2)
    view["held"][2] = sum(1 << d for d in ids(WEAK))
    view["owner"] = np.where(np.isin(np.arange(28), ids(WEAK)), 2, -1)
    assert int(EQ(20).act(view.reshape(1), np.array([3], np.uint64))[0]) == core.PASS
    certain = eq_call(auction_hand([f"6-{pip}" for pip in range(7)]))
    assert certain == "2 marks"  # the most that may be bid
    hand = auction_hand([f"6-{pip}" for pip in range(7)])
    for call in ("2 marks", "pass", "pass", "pass"):
        hand.apply(parse_action(call))
    assert eq_call(hand) == "sixes"


@pytest.mark.parametrize("scoring", ["marks", "contract", "majority", "points"])
def test_eq_calls_under_every_scoring(scoring: str) -> None:
    for seed in range(3):
        hand = Hand.deal(seed, Rules(scoring=scoring, all_pass="reshake"))  # type: ignore[arg-type]
        while not hand.is_over and hand.phase != core.TRICKS:
            hand.apply(parse_action(eq_call(hand, num_worlds=3)))
    strong = auction_hand(STRONG, rules=Rules(scoring=scoring))  # type: ignore[arg-type]
    assert eq_call(strong) != "pass"


def test_worlds_given_calls_are_worlds_and_believe_the_bidder() -> None:
    rng = np.random.default_rng(0)
    stronger = 0.0
    for seed in range(10):
        hand = Hand.deal(seed)
        caller = hand.to_move
        hand.apply(parse_action("36"))
        view = hand.view(hand.to_move)
        explained = bidding.worlds_given_calls(view, np.uint64(seed), 100)
        assert all(r.tobytes() == view.tobytes() for r in tables.views_of(explained, np.full(100, hand.to_move)))
        uniform = worlds.sample(view, 100, rng)

        def mean_strength(sampled: np.ndarray, caller: int = caller) -> float:
            return float(np.mean([simple_bidder.best_declaration(w["held"][caller], 0b1011111111)[1] for w in sampled]))

        stronger += mean_strength(explained) - mean_strength(uniform)
    assert stronger / 10 > 2


def test_without_calls_the_worlds_are_uniform() -> None:
    view = Hand.deal(seed=4).view(Hand.deal(seed=4).to_move)
    explained = bidding.worlds_given_calls(view, np.uint64(1), 10)
    assert (explained == worlds.sample(view, 40, np.uint64(1))[:10]).all()


def test_real_chances() -> None:
    assert bidding.real_chance(100, 100) > 0.9
    assert bidding.real_chance(0, 100) < 0.01
    assert bidding.real_chance(50, 100) == pytest.approx(1 / (1 + np.exp(bidding.DOUBLE_DUMMY_OPTIMISM)))
    chances = [bidding.real_chance(made, 20) for made in range(21)]
    assert (np.diff(chances) > 0).all()


def test_best_over_worlds_is_the_one_made_most() -> None:
    hand = Hand.deal(seed=8)
    sampled = worlds.sample(hand.view(hand.to_move), 15, np.uint64(2))
    memory = solver.new_memory()[0]
    made = [sum(bidding.contract_makes(world, hand.to_move, 30, d, memory) for world in sampled) for d in range(10)]
    best = bidding.best_over_worlds(sampled, hand.to_move, 30, 0b1111111111, memory)
    assert made[best] == max(made)
    assert simple_bidder.promising(sampled[0]["held"][hand.to_move], 0b1111111111, 10) == 0b1111111111
    assert bin(simple_bidder.promising(sampled[0]["held"][hand.to_move], 0b0110111111, 4)).count("1") == 4
