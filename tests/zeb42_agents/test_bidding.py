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
GOOD = ["5-5", "5-4", "5-3", "5-1", "6-6", "4-1", "2-0"]  # worth 30, not worth more than the partner's bid
BETTER = ["5-5", "5-4", "5-3", "5-1", "6-6", "6-4", "2-0"]
WEAK = ["6-1", "5-0", "4-2", "3-1", "5-3", "4-0", "2-1"]


def ids(dominoes: list[str]) -> list[int]:
    return [parse_action(domino) for domino in dominoes]


def bits(dominoes: list[str]) -> np.uint32:
    return np.uint32(sum(1 << domino for domino in ids(dominoes)))


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
    assert simple(auction_hand(STRONG)) == "2 marks"
    assert simple(auction_hand(GOOD)) == "30"
    assert simple(auction_hand(WEAK)) == "pass"


def test_marks_are_bid_only_where_they_count() -> None:
    assert simple(auction_hand(STRONG, rules=Rules(scoring="contract"))) == "30"
    assert simple(auction_hand(STRONG, rules=Rules(scoring="majority"))) == "30"


def test_the_declaration_is_the_suit_it_bid_on() -> None:
    hand = auction_hand(STRONG)
    for call in ("1 mark", "pass", "pass", "pass"):
        hand.apply(parse_action(call))
    assert simple(hand) == "sixes"
    explanation = simple_bidder.explain_call(hand.view(0))
    chances = {str(c): c.win_share for c in explanation.candidates}
    assert chances["sixes"] == simple_bidder.made_chance(bits(STRONG), 6, 42) == max(chances.values())


def test_its_explanation_is_what_it_acts_on() -> None:
    hand = auction_hand(GOOD)
    explanation = simple_bidder.explain_call(hand.view(0))
    values = {str(c): c.value for c in explanation.candidates}
    chances = {str(c): c.win_share for c in explanation.candidates}
    assert str(explanation.candidates[0]) == action_text(explanation.chosen) == simple(hand) == "30"
    assert explanation.unit == "marks"
    assert values["pass"] == simple_bidder.PASS_WORTH[0]
    assert values["30"] == max(values.values()) == pytest.approx(2 * chances["30"] - 1)
    assert values["2 marks"] == pytest.approx(2 * (2 * chances["1 mark"] - 1))
    assert f"make 30 in {chances['30']:.0%} with fives" in explanation.how


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
    hand.apply(parse_action("30"))
    hand.apply(parse_action("pass"))
    record = hand.record
    record["held"][2], record["held"][1] = bits(GOOD), 0  # only the caller's own dominoes matter
    assert simple_bidder.simple_call(record) == core.PASS
    record["held"][2], record["bidder"] = bits(BETTER), 1
    assert simple_bidder.simple_call(record) == parse_action("31")
    record["bid"] = 41
    assert simple_bidder.simple_call(record) == core.PASS


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(0, 9))
def test_higher_bids_are_made_less_often(seed: int, declaration: int) -> None:
    held = np.uint32(Hand.deal(seed).record["held"][0])
    chances = np.array([simple_bidder.made_chance(held, declaration, points) for points in (22, *range(30, 43))])
    assert (chances > 0).all()
    assert (chances < 1).all()
    assert (np.diff(chances) <= 0).all()
    every = np.empty(simple_bidder.NUM_GOALS)
    simple_bidder.best_chances(held, 1 << declaration, every)
    np.testing.assert_allclose(every, chances)


def test_chances_rise_with_trumps_and_winners() -> None:
    def chance(dominoes: list[str], declaration: int) -> float:
        return simple_bidder.made_chance(bits(dominoes), declaration, 30)

    assert chance(STRONG, 6) > chance(STRONG, 5)
    assert chance(STRONG, 6) > chance([*STRONG[:5], "5-4", "4-3"], 6)
    assert chance(STRONG, 6) > chance(["6-5", "6-4", "6-3", "6-1", "6-0", "5-5", "4-4"], 6)
    assert chance([f"6-{pip}" for pip in range(7)], 6) > 0.999


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
    assert (np.diff(curve.chances, axis=1) <= 0).all()
    assert (np.diff(curve.chances[:, 0]) <= 0).all()
    for row in (0, 4):
        points = []
        for world in worlds.sample(view, 12, np.uint64(5)):
            deal = [Hand(world).holding(s) for s in range(4)]
            to_go = solver.solve(Hand.from_deal(deal, declaration=curve.declarations[row], bidder=seat))
            points.append(max(to_go.values()) if seat % 2 == 0 else 42 - min(to_go.values()))
        assert curve.mean_points[row] == pytest.approx(np.mean(points))
        np.testing.assert_allclose(curve.makes[row], [np.mean(np.array(points) >= b) for b in range(30, 43)])
        estimate = simple_bidder.made_chance(view["held"][seat], curve.declarations[row], 30)
        made = 12 * curve.makes[row, 0]
        assert curve.chances[row, 0] == min(bidding.real_chance(made, 12, estimate), (made + 1) / 13)
    same = bidding.bid_curve(view, 12, np.uint64(5), threads=2)
    assert (same.makes == curve.makes).all()


def test_bid_curve_shows_both_shares() -> None:
    hand = Hand.deal(seed=12)
    curve = bidding.bid_curve(hand.view(hand.to_move), 3, np.uint64(5))
    titles, numbers, first = str(curve).splitlines()[:3]
    assert "made at the table" in titles
    assert "perfect play" in titles
    assert numbers.split().count("30") == 2
    assert len(str(curve).splitlines()) == 11
    assert f"{curve.chances[0, 0]:.0%}" in first
    page = curve._repr_html_()
    assert page.startswith("<table>")
    assert page.count("<tr>") == 1 + 2 * 9
    assert f"<td>{curve.chances[0, 0]:.0%}</td>" in page
    assert f"<td>{curve.makes[0, 12]:.0%}</td>" in page
    assert "at the table" in repr(curve)


def test_bid_curve_of_seven_trumps_is_certain() -> None:
    hand = auction_hand([f"6-{pip}" for pip in range(7)])
    curve = bidding.bid_curve(hand.view(0), 5)
    assert curve.declarations[0] == 6
    assert (curve.makes[0] == 1).all()
    assert (curve.chances[0] > 0.98).all()
    assert curve.mean_points[0] == 42


def test_bid_curve_promises_no_more_than_perfect_play() -> None:
    hand = auction_hand([f"6-{pip}" for pip in range(7)])  # of any other suit it has one domino
    curve = bidding.bid_curve(hand.view(0), 40)
    assert (curve.chances <= (40 * curve.makes + 1) / 41).all()


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
            chances = [simple_bidder.best_declaration(w["held"][caller], 0b1011111111, 36)[1] for w in sampled]
            return float(np.mean(chances))

        stronger += mean_strength(explained) - mean_strength(uniform)
    assert stronger / 10 > 0.1


def test_without_calls_the_worlds_are_uniform() -> None:
    view = Hand.deal(seed=4).view(Hand.deal(seed=4).to_move)
    explained = bidding.worlds_given_calls(view, np.uint64(1), 10)
    assert (explained == worlds.sample(view, 40, np.uint64(1))[:10]).all()


def test_the_table_makes_less_than_perfect_play() -> None:
    chances = [[bidding.real_chance(made, 20, estimate) for made in range(21)] for estimate in (0.2, 0.5, 0.8)]
    assert (np.diff(chances, axis=0) > 0).all()
    assert (np.diff(chances, axis=1) > 0).all()
    assert 0.3 < bidding.real_chance(15, 20, 0.4) < 0.5  # where perfect play says 75%
    assert bidding.real_chance(20, 20, simple_bidder.made_chance(bits([f"6-{pip}" for pip in range(7)]), 6, 42)) > 0.98
    assert bidding.chance_in_world(False, 0.5) < 0.3 < bidding.chance_in_world(True, 0.5)
    assert bidding.chance_in_world(True, 0.4) < bidding.chance_in_world(True, 0.6)


@pytest.mark.parametrize(
    "dominoes", [["3-2", "4-2", "1-0", "5-0", "3-0", "4-1", "6-1"], ["6-1", "5-2", "4-3", "3-1", "2-0", "4-0", "1-0"]]
)
def test_hands_without_a_double_are_not_opened(dominoes: list[str]) -> None:
    hand = auction_hand(dominoes)  # with these E[Q] opened 31 to 38 before calls were priced by what the table makes
    views = np.repeat(hand.view(0).reshape(1), 5)
    assert (EQ(20).act(views, np.arange(5, dtype=np.uint64)) == core.PASS).all()
    assert simple(hand) == "pass"


def test_best_over_worlds_is_the_one_made_most() -> None:
    hand = Hand.deal(seed=8)
    sampled = worlds.sample(hand.view(hand.to_move), 15, np.uint64(2))
    memory, held = solver.new_memory()[0], sampled[0]["held"][hand.to_move]
    chances = []
    for d in range(10):
        made = sum(bidding.contract_makes(world, hand.to_move, 30, d, memory) for world in sampled)
        chances.append(bidding.real_chance(made, 15, simple_bidder.made_chance(held, d, 30)))
    tried = [d for d in range(10) if simple_bidder.promising(held, 0b1111111111, 30, 4) >> d & 1]
    best, chance = bidding.best_over_worlds(sampled, hand.to_move, 30, 0b1111111111, memory)
    assert len(tried) == 4
    assert chance == chances[best] == max(chances[d] for d in tried)
    assert simple_bidder.promising(held, 0b1111111111, 30, 10) == 0b1111111111


def test_a_call_is_worth_the_same_beside_others() -> None:
    """In this deal the next seat overcalls a pass and 30 alike, but with another trump."""
    hand, memory = Hand.deal(10029, Rules(scoring="points")), solver.new_memory()[0]
    world, thirty = np.array([hand.record], core.HAND), parse_action("30")
    alone = bidding.score_calls(world, hand.to_move, np.uint64(1 << thirty), memory)[thirty]
    both = bidding.score_calls(world, hand.to_move, np.uint64(1 << core.PASS | 1 << thirty), memory)[thirty]
    assert both == alone
