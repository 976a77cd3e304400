"""What agents say of a decision: what they do, nothing of what is hidden, and the same after a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from zeb42_agents import Candidate, Explanation, make_agent, worlds
from zeb42_agents.belief import legality
from zeb42_env import Hand, Phase, Rules

SPECS = (
    "random",
    "greedy",
    "br:outer=6,inner=3",
    "eq:n=6",
    "eq:n=6,objective=points,threads=2",
    "eq:n=4,calls=simple",
    "zeb:laptop",
    "zeb:laptop,sims=8,worlds=3",
    "zeb:laptop,sims=8,worlds=3,belief=legality,root=puct",
)


def decisions(seed: int) -> list[Hand]:
    """A call, a declaration, and plays from first to last, all of one hand."""
    hand, found = Hand.deal(seed=seed, rules=Rules(scoring=("marks", "majority", "points")[seed % 3])), []
    rng = np.random.default_rng(seed)
    while not hand.is_over:
        if hand.phase != Phase.TRICKS or hand.record["num_plays"] in (0, 5, 14, 26):
            found.append(hand.clone())
        hand.apply(int(rng.choice(hand.legal_actions()[: 8 if hand.phase == Phase.AUCTION else None])))
    return found


@pytest.mark.parametrize("spec", SPECS)
def test_explanations_say_what_is_done_and_round_trip_blind_to_what_is_hidden(spec: str) -> None:
    agent = make_agent(spec)
    for seed in range(2):
        for hand in decisions(seed):
            view, key = hand.view(hand.to_move), np.array([seed], np.uint64)
            explanation = agent.explain(view, key)
            assert explanation.chosen == agent.act(np.array([view]), key)[0]
            assert {candidate.action for candidate in explanation.candidates} <= set(hand.legal_actions())
            assert explanation.chosen in [candidate.action for candidate in explanation.candidates]
            assert explanation.view == Hand(view)
            assert str(explanation.view) in str(explanation)
            written = json.dumps(explanation.to_json(), allow_nan=False)
            again = Explanation.from_json(json.loads(written))
            assert again == explanation
            assert json.dumps(again.to_json()) == written
            assert (str(again), again._repr_html_()) == (str(explanation), explanation._repr_html_())
            for world in worlds.sample(view, 2, np.random.default_rng(seed)):
                redealt = Hand(world).view(hand.to_move)
                assert json.dumps(agent.explain(redealt, key).to_json()) == written


@pytest.mark.parametrize("spec", ["eq:n=20", "zeb:laptop", "zeb:laptop,sims=8,worlds=4"])
def test_beliefs_are_beside_legality(spec: str) -> None:
    hand = next(hand for hand in decisions(1) if hand.phase == Phase.TRICKS and len(hand.legal_actions()) > 1)
    view = hand.view(hand.to_move)
    explanation = make_agent(spec).explain(view)
    assert np.allclose(explanation.legality, legality(view.reshape(1))[0])
    assert explanation.belief is not None
    assert explanation.belief.shape == (28, 4)
    assert np.allclose(explanation.belief.sum(1), 1, atol=1e-5)
    if explanation.world_share is not None:
        assert np.allclose(explanation.world_share.sum(1), 1)
        assert all(world.view(hand.to_move).tobytes() == view.tobytes() for world in explanation.worlds)


def test_short_and_small() -> None:
    hand = next(hand for hand in decisions(1) if hand.phase == Phase.TRICKS and len(hand.legal_actions()) > 1)
    explanation = make_agent("zeb:laptop,sims=8,worlds=4").explain(hand.view(hand.to_move))
    assert len(repr(explanation)) < 80
    assert explanation._repr_html_().count("<tr>") == 1 + len(explanation.candidates)
    hostile = replace(explanation, how="<script>")
    assert "<script>" not in hostile._repr_html_()
    assert sum(candidate.visit_share or 0 for candidate in explanation.candidates) == pytest.approx(1)
    assert explanation != hostile
    assert explanation != "anything else"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "expected an explanation of format 1, got 9"),
        ({"view": "zeb42/1 nonsense"}, "a word without '='"),
        ({"chosen": 56}, r"expected action ids 0\.\.55"),
        ({"chosen": "6-4"}, r"expected action ids 0\.\.55"),
        ({"speaker": "oracle"}, "expected a speaker, got 'oracle'; allowed: network, search"),
        ({"candidates": [3]}, "as to_json writes it"),
        ({"candidates": [{"weight": 3}]}, "as to_json writes it"),
        ({"belief": [[1, 2]]}, "cannot reshape"),
        ({"color": "red"}, "as to_json writes it"),
    ],
)
def test_json_that_is_no_explanation(change: dict, message: str) -> None:
    hand = Hand.deal(seed=1)
    view = Hand(hand.view(hand.to_move))
    content = Explanation(view=view, chosen=28, candidates=(Candidate(action=28),)).to_json()
    assert Explanation.from_json(content).chosen == 28
    with pytest.raises(ValueError, match=message):
        Explanation.from_json({**content, **change})
    for other in ({}, None, [], {"format": 1}):
        with pytest.raises(ValueError, match="expected an explanation"):
            Explanation.from_json(other)  # type: ignore[arg-type]
