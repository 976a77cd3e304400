"""Reviews of hands: what a seat could know and what hindsight knows, and that the two never mix."""

from __future__ import annotations

import json

import numpy as np
import pytest
from playing import random_position, redealt

from zeb42_agents import make_agent, solver, worlds
from zeb42_agents.bidding import bid_curve
from zeb42_agents.calls import load as load_calls
from zeb42_agents.calls.choose import price_curve
from zeb42_agents.play import calls, plays
from zeb42_agents.play.review import Effort, lines, review, review_whole, rewound, what_if
from zeb42_agents.play.summary import Summary
from zeb42_agents.play.verdicts import held_out_losses, judge, win_values
from zeb42_env import Hand, IllegalActionError, Rules, parse_action
from zeb42_env.rules import Declaration

QUICK = Effort(num_worlds=24, num_call_worlds=12, threads=1)


def blunder() -> Hand:
    """Five trumps without the 6-5, two doubles, and 42 to make: seat 0 leads its lowest trump instead of the 6-6."""
    words = ("66 64 63 62 61 55 44", "65 54 53 52 43 42 41", "33 32 31 30 22 21 20", "60 51 50 40 11 10 00")
    deal = [[parse_action("-".join(tile)) for tile in seat.split()] for seat in words]
    hand = Hand.from_deal(deal, declaration=Declaration.SIXES, bidder=0, bid=42)
    hand.apply(parse_action("6-1"))
    return play_out(hand)


def play_out(hand: Hand) -> Hand:
    greedy = make_agent("greedy")
    while not hand.is_over:
        views = np.array([hand.view(hand.to_move)])
        hand.apply(int(greedy.act(views, np.zeros(1, np.uint64))[0]))
    return hand


def test_a_known_blunder_is_named():
    found = review_whole(blunder(), seats=[0], effort=QUICK)
    worst = found.worst[0]
    assert (worst.ply, worst.text, worst.kind, worst.side, worst.trick) == (0, "6-1", "lead", "offense", 1)
    verdict = worst.could_know
    assert verdict.grade == "blunder"
    assert "6-6" in [option["text"] for option in verdict.to_json()["options"][:2]]
    assert verdict.option.loss > 0.3
    assert verdict.option.loss > 2 * verdict.option.se
    assert worst.hindsight.lost_it
    assert found.summary.groups[0].num_costly >= 1


def test_the_best_play_is_called_the_best():
    hand = rewound(blunder(), 0)
    hand.apply(parse_action("6-6"))
    (step,) = review(hand, effort=QUICK, seats=[0])
    assert step.could_know.grade in ("best", "close")
    assert step.hindsight.given_away == 0
    assert not step.hindsight.lost_it


@pytest.mark.parametrize("rules", [Rules(), Rules(scoring="points"), Rules(contract="random", scoring="majority")])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_was_hidden_changes_no_byte_of_what_could_be_known(rules, seed):
    hand = random_position(seed, rules, decisions=11)
    seat = seed
    other = redealt(hand, seat, np.random.default_rng(seed))
    assert other is not None
    assert other != hand

    def known(of: Hand) -> list[str]:
        steps = [step.to_json() for step in review(of, seats=[seat], effort=QUICK)]
        assert any(step["could_know"] for step in steps)
        for step in steps:
            step.pop("hindsight")
            if step["win"]:
                step["win"].pop("hindsight")
        return [json.dumps(step) for step in steps]

    assert known(hand) == known(other)


def test_hindsight_is_the_exact_value():
    hand = blunder()
    steps = list(review(hand, effort=Effort(num_worlds=2, num_call_worlds=2, threads=1)))
    exact = solver.analyse(hand)
    assert [step.hindsight.given_away for step in steps] == [play.given_away for play in exact]
    for step, play in zip(steps, exact, strict=True):
        team = step.seat & 1
        assert step.hindsight.points[step.action] == (42 - play.after if team else play.after)
        before = rewound(hand, step.ply)
        values = {domino: before.points[0] + points for domino, points in solver.solve(before).items()}
        own = {domino: 42 - points if team else points for domino, points in values.items()}
        assert step.hindsight.points == own


def test_hindsight_of_trump_and_calls_is_the_solvers():
    hand = play_out(Hand.deal(3))
    steps = {step.kind: step for step in review(hand, effort=QUICK) if step.trick is None}
    trump = steps["trump"].hindsight
    for action, points in trump.points.items():
        named = rewound(hand, steps["trump"].ply)
        named.apply(action)
        best = solver.solve(named)
        of_first = (max if named.to_move % 2 == 0 else min)(best.values())
        assert points == (42 - of_first if named.to_move & 1 else of_first)
    bid = next(step for step in review(hand, effort=QUICK) if step.seat == hand.bidder and step.kind == "bid")
    assert bid.hindsight.points == max(trump.points.values())
    assert bid.hindsight.makes == (bid.hindsight.points >= hand.bid)


def test_every_action_has_a_line_and_json_takes_them():
    hand = play_out(Hand.deal(5))
    head, *steps, end = (json.loads(json.dumps(line, allow_nan=False)) for line in lines(hand, effort=QUICK))
    assert head["kind"] == "head"
    assert Hand.parse(head["hand"]) == hand
    assert head["num_steps"] == len(steps) == len(hand.history)
    assert [(step["seat"], step["action"]) for step in steps] == hand.history
    assert {step["what"] for step in steps} == {"bid", "trump", "lead", "follow"}
    for step in steps:
        legal = rewound(hand, step["ply"]).legal_actions()
        assert sorted(option["action"] for option in step["could_know"]["options"]) == legal
        assert (step["could_know"]["grade"] == "forced") == (len(legal) == 1)
        assert step["could_know"]["options"][0]["loss"] == 0
        assert (step["win"] is None) == (step["trick"] is None)
    worst = [steps[ply]["could_know"]["share"] for ply in end["worst"]]
    assert worst == sorted(worst, reverse=True)
    assert head["graph_seat"] == hand.bidder
    assert end["win"]["hindsight"] == hand.made


def test_the_head_waits_for_nothing(monkeypatch):
    monkeypatch.setattr(calls, "verdicts", lambda *_, **__: pytest.fail("something was worked out"))
    assert next(lines(Hand.deal(5)))["kind"] == "head"


def test_a_view_is_reviewed_without_hindsight_until_all_is_known():
    hand = random_position(4, decisions=20)
    view = Hand(hand.view(2))
    found = list(review(view, effort=QUICK))
    assert {step.seat for step in found if step.could_know} == {2}
    assert all(step.hindsight is None and step.win_hindsight is None for step in found)
    with pytest.raises(ValueError, match=r"expected seats to review, got \[1\]; allowed: 2"):
        review(view, seats=[1])
    whole = play_out(hand)
    known = review_whole(Hand(whole.view(2)), effort=QUICK, seats=[1])
    assert known.to_json()["steps"] == review_whole(whole, effort=QUICK, seats=[1]).to_json()["steps"]


def test_what_if_is_the_verdict_on_the_other_play_and_goes_on_perfectly():
    hand = blunder()
    found = what_if(hand, 0, parse_action("6-6"), effort=QUICK)
    assert found.step.could_know.option.loss == 0
    assert found.branch.history == [(0, parse_action("6-6"))]
    at = found.branch.clone()
    for domino in found.line:
        at.apply(domino)
    assert at.is_over
    assert at.points[0] == found.step.hindsight.points[parse_action("6-6")]
    with pytest.raises(IllegalActionError, match="expected a legal action of seat 0"):
        what_if(hand, 0, parse_action("6-5"), effort=QUICK)
    with pytest.raises(ValueError, match=r"expected a ply of the hand, got 99; allowed: 0\.\.28"):
        what_if(hand, 99, 0, effort=QUICK)
    with pytest.raises(ValueError, match="expected a decision"):
        what_if(hand, 28, 0, effort=QUICK)


def test_an_agent_gives_its_opinion():
    hand = rewound(blunder(), 5)
    steps = list(review(hand, seats=[0], effort=QUICK, agent="greedy"))
    assert [step.opinion is not None for step in steps] == [step.could_know is not None for step in steps]
    agent = make_agent("greedy")
    view = hand.view(0) if hand.to_move == 0 else rewound(hand, 0).view(0)
    assert agent.explain(view).chosen in steps[0].view.legal_actions()


def test_the_agents_belief_draws_the_worlds():
    hand = rewound(blunder(), 0)
    view = hand.view(0)
    belief = np.zeros((28, 4))
    belief[np.arange(28), hand.record["owner"]] = 1  # it knows where all lie
    verdict, share = plays.could_know(view, parse_action("6-1"), np.uint64(1), num_worlds=8, weights=belief)
    exact = plays.hindsight(hand, parse_action("6-1"))
    assert {option.action: option.points for option in verdict.options} == exact.points
    assert share == max(exact.wins.values())


def test_close_means_within_two_standard_errors_of_the_paired_difference():
    values = np.zeros((100, 2))
    values[:, 0] = 0.5
    values[:, 1] = values[:, 0] - 0.01  # always a little worse: paired, there is no doubt
    assert judge(1, [0, 1], values, unit="win", num_worlds=100).grade == "slip"
    noisy = np.random.default_rng(0).random((100, 2))
    noisy[:, 1] += 0.03 + noisy[:, 0].mean() - noisy[:, 1].mean()
    verdict = judge(0, [0, 1], noisy, unit="win", num_worlds=100)
    difference = noisy[:, 1] - noisy[:, 0]
    assert verdict.option.loss == pytest.approx(difference.mean())
    assert verdict.option.se == pytest.approx(difference.std(ddof=1) / 10, rel=0.02)
    few = judge(0, [0, 1], noisy[:6], unit="win", num_worlds=6).option
    assert (
        few.se == pytest.approx(2.571 / 1.96 * (noisy[:6, 1] - noisy[:6, 0]).std(ddof=1) / 6**0.5, rel=0.03)
        or not few.se
    )
    assert verdict.grade == "close"


def test_losses_are_not_inflated_by_the_choice_of_the_best():
    rng = np.random.default_rng(0)
    plain, held_out = [], []
    for _ in range(1000):
        values = rng.random((40, 6))  # all are equally good
        plain.append(judge(0, list(range(6)), values, unit="win", num_worlds=40).option.loss)
        held_out.append(held_out_losses(values, 0).mean())
    assert np.mean(plain) > 0.04
    assert abs(np.mean(held_out)) < 3 * np.std(held_out) / np.sqrt(1000)


def test_values_of_winning():
    record = Hand.from_deal([list(range(7 * s, 7 * s + 7)) for s in range(4)], declaration=0, bidder=1, bid=31).record
    assert win_values(record, 1, np.array([30, 31])).tolist() == [0, 1]
    assert win_values(record, 0, np.array([11, 12])).tolist() == [0, 1]
    record["scoring"] = 3
    assert win_values(record, 0, np.array([0, 21, 42])).tolist() == [0, 0.5, 1]


def test_a_summary_adds_hands_up():
    one = review_whole(blunder(), seats=[0], effort=QUICK)
    two = Summary.of([one, one])
    assert two.num_hands == 2
    for both, single in zip(two.groups, one.summary.groups, strict=True):
        assert both.num_decisions == 2 * single.num_decisions
        assert both.loss == pytest.approx(2 * single.loss)
        assert both.se == pytest.approx(2**0.5 * single.se)
    assert "2 hands" in str(two)
    assert "Fewer than 10 hands" in str(two)
    assert "%" not in str(two).replace("95%", "")  # no accuracy
    names = [group["name"] for group in two.to_json()["groups"]]
    assert names == ["all", "lead", "offense"]  # it only ever follows with one domino


def test_efforts_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"expected num_worlds in 2\.\.100000, got 1"):
        Effort(num_worlds=1)
    with pytest.raises(ValueError, match="expected threads of at least 1, got 0"):
        Effort(threads=0)
    with pytest.raises(ValueError, match="expected seats to review"):
        review(Hand.deal(0), seats=[4])
    with pytest.raises(ValueError, match="expected an agent"):
        review(Hand.deal(0), agent="nobody")


def test_bids_are_priced_by_what_zebs_calls_have_learned_where_they_know_the_rules():
    view, key = Hand.deal(seed=7).view(Hand.deal(seed=7).to_move), np.uint64(3)
    found = calls.contracts(view, key, num_worlds=6, learned=True)
    declarations = np.array(found.curve.declarations)
    assert found.learned
    np.testing.assert_array_equal(found.curve.chances, price_curve(load_calls("quick"), view, declarations))
    hand = Hand.deal(seed=7, rules=Rules(scoring="majority"))
    view = hand.view(hand.to_move)
    found = calls.contracts(view, key, num_worlds=6, learned=True)
    assert not found.learned
    np.testing.assert_array_equal(found.curve.chances, bid_curve(view, 6, key).chances)


@pytest.mark.parametrize("scoring", ["contract", "majority", "points"])
def test_the_share_of_winning_is_that_of_worlds_solved_play_by_play(scoring):
    hand = Hand.deal(seed=5, rules=Rules(contract="random", scoring=scoring))
    while not hand.is_over:
        ply = len(hand.history)
        for seat in range(4):
            view, team, key = hand.view(seat), seat & 1, np.uint64(ply)
            sampled = worlds.sample_many(np.array([view]), 8, np.array([key]), worlds.uniform_weights(1))[0]
            first = solver.solve_worlds(sampled).astype(int)
            legal = first != solver.ILLEGAL
            best = np.where(legal, first, -1).max(1) if hand.to_move % 2 == 0 else np.where(legal, first, 99).min(1)
            own = best + int(view["points"][0])
            wanted = win_values(view, team, own if team == 0 else 42 - own).mean()
            assert plays.win_share(view, team, key, num_worlds=8) == pytest.approx(wanted)
        hand.apply(hand.legal_actions()[ply % len(hand.legal_actions())])
