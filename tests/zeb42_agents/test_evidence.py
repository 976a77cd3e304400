"""Worlds weighed by calls, declarations, dealt contracts and plays, against slow second computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from call_networks import tensors_of
from evaluators import Inventor, keys_of, positions, views_to_move

from zeb42_agents import Agent, belief, evidence, likelihood, make_agent, minds, simple_bidder, worlds
from zeb42_agents.calls import network as kernels
from zeb42_agents.calls.weights import from_tensors
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.network import logits_of
from zeb42_agents.minds.weights import MindConfig
from zeb42_agents.played import MindPlayer
from zeb42_agents.search import SearchConfig, search
from zeb42_agents.search import bundle as bundles
from zeb42_agents.search.samplers import ByBelief, standard_sampler
from zeb42_env import Hand, Phase
from zeb42_env._core.record import BY_AUCTION, BY_CHANCE, BY_FORCED_30, BY_MOST_TRUMPS, num_decisions, rewind

HEARD = from_tensors(tensors_of(3, heard=True)).heard
DEALT = {"dropped30": BY_FORCED_30, "most_trumps": BY_MOST_TRUMPS}


def sampled(views: np.ndarray, num_worlds: int, seed: int = 0) -> np.ndarray:
    return worlds.sample_many(views, num_worlds, keys_of(len(views), seed), worlds.uniform_weights(len(views)))


def softly(values: dict[int, float], action: int, softness: float, noise: float) -> float:
    """The log of how likely ``action`` is among ``values``."""
    total = sum(np.exp(value / softness) for value in values.values())
    return float(np.log((1 - noise) * np.exp(values[action] / softness) / total + noise / len(values)))


def slowly(view: np.void, world: np.void, alike: float = 0.0) -> float:
    """The log-likelihood of what the others called and declared in one world, decision by decision."""
    past = np.array([world])
    decisions = [*(int(call) for call in world["calls"] if call >= 0)]
    if world["declaration"] >= 0:
        decisions.append(46 + int(world["declaration"]))
    rewind(past[0], 0)
    hand, total = Hand(past[0]), 0.0
    for action in decisions:
        own = hand.view(hand.to_move)
        if hand.to_move != view["seat"] and action < 46:
            values = np.full(56, np.nan)
            simple_bidder.value_calls(own, values)
            worth = {a: float(values[a]) for a in hand.legal_actions()}
            simple = np.exp(softly(worth, action, evidence.CALL_SOFTNESS, evidence.CALL_NOISE))
            seat, share = hand.to_move, alike if (hand.to_move ^ view["seat"]) & 1 == 0 else alike / 4
            heard = kernels.heard_chance(HEARD, own, seat, own["held"][seat], action)
            likely = (1 - evidence.CALL_NOISE) * heard + evidence.CALL_NOISE / len(worth)
            total += float(np.log(share * likely + (1 - share) * simple))
        elif hand.to_move != view["seat"]:
            points = min(int(own["bid"]), 42)
            held = own["held"][hand.to_move]
            chances = {a: simple_bidder.made_chance(held, a - 46, points) for a in hand.legal_actions()}
            odds = {a: np.log(chance / (1 - chance)) for a, chance in chances.items()}
            total += softly(odds, action, evidence.DECLARATION_SOFTNESS, evidence.DECLARATION_NOISE)
        hand.apply(action)
    return total


def test_calls_and_declarations_weigh_as_in_a_slow_computation() -> None:
    parts = [positions(8, seed=40 + n, decisions=n, contract=BY_AUCTION) for n in (1, 3, 4, 5, 9, 17)]
    parts.append(positions(8, seed=50, decisions=3, contract=BY_AUCTION, scoring="marks", all_pass="reshake"))
    views = views_to_move(np.concatenate(parts))
    drawn = sampled(views, 5)
    logs = evidence.log_likelihood_of_calls(views, drawn)
    expected = [[slowly(view, world) for world in row] for view, row in zip(views, drawn, strict=True)]
    np.testing.assert_allclose(logs, expected, atol=1e-9)
    assert (np.ptp(logs, 1) > 0).mean() > 0.9


def test_others_may_call_as_the_viewer_does() -> None:
    """The partner more often than an opponent; and what was found of one viewer is not another's."""
    rules = {"scoring": "marks", "contract": BY_AUCTION}
    parts = [positions(6, seed=60 + n, decisions=n, **rules) for n in (1, 3, 4, 5, 9)]
    hands = np.concatenate(parts)
    hands[::2]["match"], hands[::2]["marks"] = 1, (3, 6)
    views = views_to_move(hands)
    drawn, told = sampled(views, 4), evidence.new_evidence(1, alike=0.8, heard=HEARD)
    for _ in range(2):  # the second time from memory
        logs = evidence.log_worth_many(views, drawn, told) - evidence.log_worth_many(
            views, drawn, evidence.new_evidence(1)
        )
        calls = logs + evidence.log_likelihood_of_calls(views, drawn)
        expected = [[slowly(view, world, 0.8) for world in row] for view, row in zip(views, drawn, strict=True)]
        np.testing.assert_allclose(calls, expected, atol=1e-6)
    assert (abs(logs) > 0.01).mean() > 0.5
    heard = evidence.log_worth_many(views, drawn, told)
    other = views[:2].copy()
    other[1]["match"], other[1]["marks"] = 1, (6, 0)  # the same hand at another score, and seen by an opponent
    for view in (other[0], other[1]):
        for seat in range(4):
            asked = view.copy().reshape(1)
            asked["seat"] = seat
            world = drawn[:1, :1]
            fresh = evidence.new_evidence(1, alike=0.8, heard=HEARD)
            assert evidence.log_worth_many(asked, world, told) == evidence.log_worth_many(asked, world, fresh)
    for by in ("points", "majority"):  # by such rules it calls like the simple bidder itself
        strange = positions(5, seed=70, decisions=4, scoring=by, contract=BY_AUCTION)
        seen = views_to_move(strange)
        worth = [evidence.log_worth_many(seen, sampled(seen, 4), t) for t in (told, evidence.new_evidence(1))]
        assert np.array_equal(*worth)
    assert np.array_equal(heard, evidence.log_worth_many(views, drawn, told))
    unheard = evidence.new_evidence(1, alike=0.8)  # nobody has learned how it calls itself
    plain = evidence.log_worth_many(views, drawn, evidence.new_evidence(1))
    assert np.array_equal(evidence.log_worth_many(views, drawn, unheard), plain)


def test_a_contract_dealt_by_chance_tells_nothing() -> None:
    views = views_to_move(positions(10, seed=41))
    assert not evidence.log_likelihood_of_calls(views, sampled(views, 4)).any()
    told = evidence.new_evidence(4)
    for view, key in zip(views, keys_of(10), strict=True):
        assert evidence.sample(view, 6, key, told).tobytes() == worlds.sample(view, 6, key).tobytes()


@pytest.mark.parametrize("dealt", ["dropped30", "most_trumps"])
def test_worlds_obey_the_rule_that_dealt_the_contract(dealt: str) -> None:
    views = views_to_move(positions(12, seed=42, decisions=5, contract=DEALT[dealt]))
    told = evidence.new_evidence(32, dealt)
    kept = np.concatenate([evidence.sample(view, 40, key, told) for view, key in zip(views, keys_of(12), strict=True)])
    evenly = sampled(views, 40).reshape(-1)
    again = np.repeat(views, 40)

    def obeying(deals: np.ndarray) -> np.ndarray:
        fine = np.zeros(len(deals), bool)
        for i, deal in enumerate(deals):
            held = np.array([[1 << d for d in range(28) if deal["owner"][d] == seat] for seat in range(4)]).sum(1)
            bidder = evidence.most_trumps(held.astype(np.uint32)) if dealt == "most_trumps" else int(deal["shaker"])
            best = evidence.best_pip(np.uint32(held[bidder]))
            fine[i] = (bidder, best) == (again[i]["bidder"], again[i]["declaration"])
        return fine

    assert obeying(evenly).mean() < 0.6
    assert obeying(kept).mean() > 0.97  # some weight is left for all, since the rule may be another


def test_resampled_worlds_come_as_often_as_they_explain_the_calls() -> None:
    """However they were proposed: over all deals behind a view, each as often as its likelihood says."""
    views = views_to_move(positions(30, seed=43, decisions=23, contract=BY_AUCTION))
    tried = 0
    for view, key in zip(views, keys_of(30), strict=True):
        every = np.empty(200, views.dtype)
        found = int(worlds.enumerate_into(view, every))
        if found < 5 or view["bidder"] == view["seat"]:
            continue
        tried += 1
        every = every[:found]
        likely = np.exp(evidence.log_likelihood_of_calls(view.reshape(1), every[None])[0])
        kept = evidence.sample(view, 4000, key, evidence.new_evidence(4))
        owners = [world["owner"].tobytes() for world in kept]
        shares = np.array([owners.count(world["owner"].tobytes()) for world in every]) / len(kept)
        np.testing.assert_allclose(shares, likely / likely.sum(), atol=0.04)
    assert tried > 5


def a_mind() -> minds.Mind:
    torch.manual_seed(0)
    return minds.network_mind(MindModel(MindConfig(width=24, second_width=20)).network())


def test_a_search_takes_weighed_worlds_for_all_there_are_only_if_they_are() -> None:
    """Out of more deals than it keeps, worlds come singly, and who chose by one would choose with all hands open."""
    views = np.concatenate([views_to_move(positions(80, seed=47, decisions=d)) for d in (18, 19)])
    told, mind, none = evidence.new_evidence(16, plays=2.0), a_mind(), np.empty(0, views.dtype)
    plan = bundles.Plan(num_worlds=16, early=1, thin=40, every_deal=True)
    tried = [0, 0]
    for view, key in zip(views, keys_of(160), strict=True):
        bundle, found = bundles.new_bundle(16, told), np.empty(28)
        kept = bundles.weigh_plays(view, key, none, bundle, mind, plan, found).copy()
        by_minds, by_choice = np.empty(28), np.empty(28)
        bundles.weigh_plays(view, key, kept, bundle, mind, plan, by_minds)
        bundles.weigh_plays(view, key, kept, bundle, mind, plan._replace(thin=1), by_choice)
        few = worlds.count(view) <= 16
        np.testing.assert_array_equal(found, by_choice if few else by_minds)
        tried[few] += not np.array_equal(by_minds, by_choice)
    assert all(tried)  # views where it makes a difference, of both kinds


@pytest.mark.parametrize("told", [evidence.new_evidence(4, plays=0.3), evidence.of_anybody()], ids=["one", "anybody"])
def test_plays_weigh_as_players_like_the_mind_would_have_drawn_them(told: evidence.Evidence) -> None:
    views = views_to_move(positions(20, seed=45))
    views = views[views["phase"] == 2]
    mind = a_mind()
    for view, drawn in zip(views, sampled(views, 4), strict=True):
        logs = np.zeros(4)
        evidence.add_plays(view, drawn, mind, told, logs)
        again = np.zeros(4)
        evidence.add_plays(view, drawn, mind, told, again)  # out of the memory
        np.testing.assert_array_equal(logs, again)
        for world, log in zip(drawn, logs, strict=True):
            past, of_seats = np.array([world]), np.tile(told.odds, (4, 1))
            rewind(past[0], num_decisions(past[0]) - world["num_plays"])
            hand = Hand(past[0])
            for domino in world["plays"][: world["num_plays"]].tolist():
                if hand.to_move != view["seat"] and len(hand.legal_actions()) > 1:
                    logits = logits_of(mind.network, hand.view(hand.to_move).reshape(1))[0].astype(float)
                    options = {a: logits[a] - logits.max() for a in hand.legal_actions()}
                    of_seats[hand.to_move] += [
                        softly(options, domino, temperature, evidence.PLAY_NOISE) for temperature in told.plays
                    ]
                hand.apply(domino)
            assert log == pytest.approx(np.log(np.exp(of_seats).sum(1)).sum(), abs=1e-4)


def test_a_belief_from_plays_is_nearer_to_the_truth_than_the_rules_alone() -> None:
    player, views, owners = make_agent("zeb:quick,calls=simple"), [], []
    for seed in range(12):
        hand = Hand.deal(seed=seed)
        truth = hand.record["owner"].copy()
        while not hand.is_over:
            view = hand.view(hand.to_move)
            if hand.phase == Phase.TRICKS and len(hand.history) % 3 == 0:
                views.append(view)
                owners.append(truth)
            hand.apply(int(player.act(np.array([view]), keys_of(1))[0]))
    assert isinstance(player, MindPlayer)
    seen = np.array(views)
    found = player.belief(seen)
    np.testing.assert_allclose(found.sum(2), 1)
    np.testing.assert_array_equal(found, player.belief(seen))
    ours, theirs = (belief.score(b, np.array(owners), seen) for b in (found, belief.legality(seen)))
    assert ours.cross_entropy["hidden"] < theirs.cross_entropy["hidden"] - 0.05
    assert ours.accuracy["hidden"] > theirs.accuracy["hidden"] + 0.05


def players() -> dict[str, Agent]:
    told, plan = evidence.new_evidence(3, plays=0.5), bundles.Plan(num_worlds=12, early=1, thin=4, every_deal=True)
    return {
        "eq": make_agent("eq:n=9,resample=3"),
        "eq dealt": make_agent("eq:n=9,resample=3,dealt=most_trumps"),
        "br": make_agent("br:outer=8,inner=2,resample=3"),
        "mind": MindPlayer(a_mind(), plan, evidence=told),
        "its partner is alike": make_agent("zeb:taught,mind=quick,worlds=12,resample=3"),
        "network over a mind": make_agent("zeb:laptop,mind=quick,worlds=12,resample=3,calls=simple"),
    }


@pytest.mark.parametrize("name", list(players()))
def test_what_is_hidden_and_what_was_asked_before_change_no_choice(name: str) -> None:
    hands = positions(24, seed=46, contract=BY_AUCTION)
    if name == "eq dealt":
        hands = positions(24, seed=46, contract=BY_MOST_TRUMPS, scoring="contract")
    views, keys = views_to_move(hands), keys_of(24)
    other = views_to_move(sampled(views, 1, seed=9)[:, 0])
    assert other.tobytes() == views.tobytes()
    agent, fresh = players()[name], players()[name]
    chosen = agent.act(views, keys)
    np.testing.assert_array_equal(agent.act(other, keys), chosen)  # with a memory full of it
    alone = [int(fresh.act(views[i : i + 1], keys[i : i + 1])[0]) for i in reversed(range(24))]
    assert alone[::-1] == chosen.tolist()
    for view, key, action in zip(views[:6], keys[:6], chosen[:6], strict=True):
        assert agent.explain(view, np.array([key])).chosen == action


def test_threads_change_no_choice() -> None:
    views, keys = views_to_move(positions(12, seed=47, contract=BY_AUCTION)), keys_of(12)
    one, three = make_agent("eq:n=9,resample=3"), make_agent("eq:n=9,resample=3,threads=3")
    np.testing.assert_array_equal(one.act(views, keys), three.act(views, keys))
    few = [int(three.act(views[i : i + 1], keys[i : i + 1])[0]) for i in range(12)]
    assert few == one.act(views, keys).tolist()


@pytest.mark.parametrize("belief", ["net", "uniform", "likelihood"])
def test_the_search_over_views_hears_the_calls(belief: str) -> None:
    """Its worlds explain the calls better, and follow from the view and the key alone."""
    hands = positions(16, seed=48, decisions=11, contract=BY_AUCTION)
    views, keys = views_to_move(hands), keys_of(16)
    deaf, hears = (SearchConfig(sims=4, worlds=16, belief=belief, resample=r) for r in (0, 8))  # type: ignore[arg-type]
    found, other = (search(views, keys, Inventor(), config) for config in (hears, deaf))
    asked = found.searched  # forced actions are not, and have no worlds
    heard, unheard = (evidence.log_likelihood_of_calls(views[asked], f.worlds[asked]) for f in (found, other))
    assert heard.mean() > unheard.mean()
    again = search(views_to_move(sampled(views, 1)[:, 0]), keys, Inventor(), hears)
    assert again.worlds.tobytes() == found.worlds.tobytes()
    assert again.action.tolist() == found.action.tolist()
    assert "called" in found.worlds_from or "calls" in found.worlds_from
    np.testing.assert_allclose(found.belief[asked].sum(2), 1, atol=1e-4)


def test_the_search_over_a_mind_hears_the_plays() -> None:
    """Its worlds explain the plays better, and follow from the view and the key alone, whatever was asked before."""
    dealt = (BY_CHANCE, BY_AUCTION, BY_CHANCE, BY_MOST_TRUMPS)  # one memory across them
    views = np.concatenate([views_to_move(positions(4, seed=49, decisions=12, contract=c)) for c in dealt])
    keys, mind, told = keys_of(16), a_mind(), evidence.new_evidence(8, plays=0.5)
    sampler = standard_sampler(Inventor(), SearchConfig(belief="uniform", resample=8), mind, told)
    even = ByBelief("even", lambda views: worlds.uniform_weights(len(views)))
    heard, unheard = sampler(views, 16, keys), even(views, 16, keys)
    logs = np.zeros((2, 16, 16))
    for b, view in enumerate(views):
        evidence.add_plays(view, heard.worlds[b], mind, told, logs[0, b])
        evidence.add_plays(view, unheard.worlds[b], mind, told, logs[1, b])
    assert logs[0].mean() > logs[1].mean()
    assert heard.is_posterior
    drawn, worth = evidence.explain_many(views, 20_000, keys, mind, told)
    expected = likelihood.posterior(views, drawn, likelihood.weights(worth))
    assert abs(heard.belief - expected).mean() < 0.02 < abs(heard.belief - belief.legality(views)).mean()
    assert sampler.name == "even odds, weighed by the calls and plays so far"
    alone = [sampler(views[b : b + 1], 16, keys[b : b + 1]).worlds[0] for b in reversed(range(16))]
    assert np.array(alone[::-1]).tobytes() == heard.worlds.tobytes()


def test_wrong_arguments() -> None:
    for options, message in (
        ({"resample": -1}, r"expected resample, candidates per world, a whole number in 0\.\.64, got -1"),
        ({"resample": 2.5}, "got 2.5"),
        ({"resample": 2, "dealt": "auction"}, "expected dealt, got 'auction'; allowed: random, dropped30, most_trumps"),
        ({"dealt": "dropped30"}, "expected resample above 0 beside dealt, plays or alike"),
        ({"resample": 2, "plays": -1.0}, r"expected plays, a temperature in 0\.\.100, got -1"),
        ({"resample": 2, "alike": 1.5}, r"expected alike, a probability in 0\.\.1, got 1\.5"),
        ({"alike": 0.5}, "expected resample above 0 beside dealt, plays or alike"),
    ):
        with pytest.raises(ValueError, match=message):
            evidence.new_evidence(**options)
    for nobody in (None, minds.dice_mind(4)):
        with pytest.raises(ValueError, match="expected a mind of weights beside plays="):
            standard_sampler(Inventor(), SearchConfig(resample=2), nobody, evidence.new_evidence(2, plays=2.0))
    with pytest.raises(ValueError, match="resample of at least 1 beside dealt=dropped30"):
        SearchConfig(dealt="dropped30")
    views = views_to_move(positions(3, seed=44))
    with pytest.raises(ValueError, match=r"expected views \[B\] and full hands \[B, W\]"):
        evidence.log_likelihood_of_calls(views, sampled(views, 4)[:2])
    with pytest.raises(ValueError, match="resample"):
        make_agent("eq:n=4,dealt=most_trumps")
