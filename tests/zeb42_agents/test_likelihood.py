"""Worlds weighed by what was played, against a slow second computation."""

from __future__ import annotations

import numpy as np
import pytest
from evaluators import Even, Inventor, keys_of, positions, views_to_move

from zeb42_agents import belief, likelihood, worlds
from zeb42_agents.search.samplers import ByLikelihood
from zeb42_env import Hand
from zeb42_env._core.record import BY_AUCTION, num_decisions, rewind


def sampled(views: np.ndarray, num_worlds: int, seed: int = 0) -> np.ndarray:
    return worlds.sample_many(views, num_worlds, keys_of(len(views), seed), worlds.uniform_weights(len(views)))


def slowly(view: np.void, world: np.void, temperature: float) -> float:
    """The log-likelihood of one world, play by play."""
    past = np.array([world])
    rewind(past[0], num_decisions(past[0]) - world["num_plays"])
    hand, total = Hand(past[0]), 0.0
    for domino in world["plays"][: world["num_plays"]]:
        if hand.to_move != view["seat"]:
            policy = Inventor()(hand.view(hand.to_move).reshape(1))[0][0].astype(float) ** (1 / temperature)
            total += np.log(policy[domino] / policy.sum())
        hand.apply(int(domino))
    return total


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_weights_are_those_of_a_slow_computation(temperature: float) -> None:
    hands = np.concatenate([positions(12, seed=31), positions(6, seed=32, decisions=20, contract=BY_AUCTION)])
    views = views_to_move(hands)
    drawn = sampled(views, 5)
    logs = likelihood.log_likelihood(Inventor(), views, drawn, temperature=temperature)
    expected = [[slowly(view, world, temperature) for world in row] for view, row in zip(views, drawn, strict=True)]
    np.testing.assert_allclose(logs, expected, atol=1e-4)
    assert (np.ptp(logs, 1) > 0).any()
    np.testing.assert_allclose(likelihood.weights(logs).sum(1), 1)


def test_what_is_hidden_changes_nothing() -> None:
    """Not what the sampler draws, nor what it asks of the evaluator, which sees views alone."""
    hands = positions(20, seed=33)
    views = views_to_move(hands)
    dealt_again = sampled(views, 1)[:, 0]
    assert (dealt_again["owner"] != hands["owner"]).any()
    sampler = ByLikelihood(policy=Inventor(), num_candidates=20)
    one, other = (sampler(views_to_move(h), 8, keys_of(20)) for h in (hands, dealt_again))
    assert one.worlds.tobytes() == other.worlds.tobytes()
    np.testing.assert_array_equal(one.belief, other.belief)
    alone = sampler(views[7:8], 8, keys_of(20)[7:8])
    assert alone.worlds.tobytes() == one.worlds[7].tobytes()


def test_a_policy_that_tells_nothing_leaves_legality() -> None:
    views = views_to_move(positions(10, seed=34, decisions=21))
    drawn = sampled(views, 400)
    shares = likelihood.weights(likelihood.log_likelihood(Even(), views, drawn))
    found = likelihood.posterior(views, drawn, np.full_like(shares, 1 / 400))
    np.testing.assert_allclose(found, belief.legality(views), atol=0.1)
    np.testing.assert_allclose(found.sum(2), 1)


class Tell(Even):
    """Whoever may play the 6-6 does; the rest is even."""

    def _invent(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        priors, values, beliefs = super()._invent(views)
        holds = priors[:, 27] > 0
        priors[holds] = 0.0
        priors[holds, 27] = 1.0
        return priors, values, beliefs


def test_who_could_have_played_it_does_not_hold_it() -> None:
    """At a table where the 6-6 is played when it can be, three seats that led or failed to follow do not have it."""
    hand = Hand.from_deal(
        [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12, 13], [14, 15, 16, 17, 18, 19, 27], [20, 21, 22, 23, 24, 25, 26]],
        declaration=0,
        bidder=1,
    )
    hand.apply(7)  # seat 1 leads, and would have led the 6-6
    view = hand.view(2).reshape(1)
    view_of_three = hand.view(3).reshape(1)
    assert view["owner"][0, 27] == 2
    sampler = ByLikelihood(policy=Tell(), num_candidates=200, floor=0.0)
    sample = sampler(view_of_three, 40, keys_of(1))
    assert (sample.worlds["owner"][..., 27] != 1).all()
    assert (sample.belief[0, 27] > [0.3, -1, 0.3, -1]).all()
    assert sample.belief[0, 27, 1] < 0.01


def test_no_views_are_no_weights() -> None:
    none = views_to_move(positions(1, seed=36))[:0]
    logs = likelihood.log_likelihood(Even(), none, sampled(none, 4))
    assert likelihood.weights(logs).shape == (0, 4)


def test_resampling_is_systematic() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(30), 50)
    drawn = likelihood.resample(shares, 100, keys_of(50))
    for b in range(50):
        counts = np.bincount(drawn[b], minlength=30)
        assert (np.abs(counts - 100 * shares[b]) < 1 + 1e-9).all()
    assert (np.diff(drawn, axis=1) < 0).any(axis=1).all()  # in random order
    np.testing.assert_array_equal(likelihood.resample(shares[3:4], 100, keys_of(50)[3:4])[0], drawn[3])
    certain = np.eye(4)[[3, 0]]
    np.testing.assert_array_equal(likelihood.resample(certain, 5, keys_of(2)), [[3] * 5, [0] * 5])


def test_wrong_arguments() -> None:
    views = views_to_move(positions(3, seed=35))
    drawn = sampled(views, 4)
    for ask, message in (
        (lambda: likelihood.log_likelihood(Even(), views, drawn[:2]), r"expected views \[B\] and full hands \[B, W\]"),
        (lambda: likelihood.log_likelihood(Even(), views, np.repeat(views[:, None], 4, 1)), "got views"),
        (lambda: likelihood.log_likelihood(Even(), views, drawn, temperature=0.0), "temperature above 0, got 0"),
        (lambda: likelihood.log_likelihood(Even(), [1], drawn), "expected views to be HAND records"),
    ):
        with pytest.raises(ValueError, match=message):
            ask()
