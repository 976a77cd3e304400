"""The legality posterior, and scores of beliefs on both metrics."""

from __future__ import annotations

import numpy as np
import pytest
from double_dummy import positions

from zeb42_agents import belief, worlds
from zeb42_env._core import tables


def test_legality_is_the_exact_posterior() -> None:
    hands = positions(30, seed=41)
    views = tables.views_of(hands, hands["to_move"])
    posterior = belief.legality(views)
    np.testing.assert_allclose(posterior, [worlds.marginals(view) for view in views])
    np.testing.assert_allclose(posterior.sum(2), 1)
    for b, view in enumerate(views):
        known = view["owner"] >= 0
        assert (posterior[b, known, view["owner"][known]] == 1).all()


def test_legality_over_random_play_is_the_published_yardstick() -> None:
    hands = positions(3000, seed=42)
    views = tables.views_of(hands, hands["to_move"])
    result = belief.score(belief.legality(views), hands["owner"], views)
    assert result.accuracy["all_21"] == pytest.approx(0.702, abs=0.012)
    assert result.cross_entropy["all_21"] == pytest.approx(0.511, abs=0.02)
    assert result.accuracy["hidden"] == pytest.approx(0.405, abs=0.015)
    assert result.cross_entropy["hidden"] == pytest.approx(1.02, abs=0.02)
    assert result.num_dominoes["all_21"] == 21 * 3000
    assert "hidden accuracy 0.4" in str(result)


def test_certainty_and_ignorance() -> None:
    hands = positions(50, seed=43, last=20)
    views = tables.views_of(hands, hands["to_move"])
    truth = np.eye(4)[hands["owner"]]
    right = belief.score(truth, hands["owner"], views)
    assert right.accuracy == {"all_21": 1.0, "hidden": 1.0}
    assert right.cross_entropy == {"all_21": 0.0, "hidden": 0.0}
    flat = belief.score(np.full((50, 28, 4), 7.0), hands["owner"], views)  # rows are normalised, ties are shared
    assert flat.accuracy["hidden"] == pytest.approx(0.25)
    assert flat.cross_entropy["hidden"] == pytest.approx(np.log(4))
    wrong = belief.score(np.roll(truth, 1, axis=2), hands["owner"], views)
    assert wrong.accuracy["all_21"] == 0
    assert wrong.cross_entropy["all_21"] == pytest.approx(-np.log(belief.LEAST_PROBABILITY))


def test_nothing_hidden_is_no_number() -> None:
    hands = positions(1, seed=44, first=27, last=27)
    views = tables.views_of(hands, hands["to_move"])
    result = belief.score(belief.legality(views), hands["owner"], views)
    assert np.isnan(result.accuracy["hidden"])
    assert result.accuracy["all_21"] == 1


def test_bad_input() -> None:
    hands = positions(3, seed=45)
    views = tables.views_of(hands, hands["to_move"])
    posterior = belief.legality(views)
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(3, 28, 4\)"):
        belief.score(posterior[:2], hands["owner"], views)
    with pytest.raises(ValueError, match="finite and at least 0"):
        belief.score(-posterior, hands["owner"], views)
    with pytest.raises(ValueError, match=r"owners in 0\.\.3, got -1"):
        belief.score(posterior, views["owner"], views)
    with pytest.raises(ValueError, match="expected views, got a full hand"):
        belief.legality(hands)
    with pytest.raises(ValueError, match="HAND records"):
        belief.legality(np.zeros(3))
