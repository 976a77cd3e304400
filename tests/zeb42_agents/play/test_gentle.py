"""A gentle opponent draws from the mind's policy, the same for the same key."""

from __future__ import annotations

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_env import Hand, Rules


def test_a_temperature_draws_from_the_policy() -> None:
    hand = Hand.deal(seed=5, rules=Rules(contract="random"))
    views = np.array([hand.view(hand.to_move)])
    thought = make_agent("zeb:quick").explain(views[0], np.array([1], np.uint64))
    policy = np.zeros(56)
    policy[[one.action for one in thought.candidates]] = [one.policy for one in thought.candidates]
    keys = np.random.default_rng(0).integers(0, 2**63, 2000).astype(np.uint64)
    drawn = make_agent("gentle:temperature=1").act(np.repeat(views, len(keys)), keys)
    assert np.abs(np.bincount(drawn, minlength=len(policy)) / len(keys) - policy).max() < 0.04
    assert (make_agent("gentle:temperature=0.01").act(np.repeat(views, 20), keys[:20]) == policy.argmax()).all()


def test_it_explains_what_it_does() -> None:
    gentle = make_agent("gentle:temperature=3")
    for seed, rules in ((1, Rules()), (2, Rules(contract="random"))):
        hand = Hand.deal(seed=seed, rules=rules)
        view, key = hand.view(hand.to_move), np.array([seed], np.uint64)
        assert gentle.explain(view, key).chosen == gentle.act(np.array([view]), key)[0]


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "1000", "hot"])
def test_a_temperature_that_cannot_be(temperature: str) -> None:
    with pytest.raises(ValueError, match="expected temperature"):
        make_agent(f"gentle:temperature={temperature}")
