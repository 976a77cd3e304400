"""How the hands of training are played, by the actor alone and through tianshou's Collector: the same."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import zeb42_agents
from zeb42_agents import worlds
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.experience import NOT_A_LABEL, NOTHING, SHARES, check_experience, decisions_of, draw
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.search import Search, SearchConfig
from zeb42_agents.training.actor import Actor, Exploration
from zeb42_agents.training.collect import TianshouLoop
from zeb42_agents.training.learner import Learner, LossWeights
from zeb42_agents.training.replay import Ring
from zeb42_agents.training.teacher import teach
from zeb42_env._core.record import HAND, blank, rewind
from zeb42_env.rules import Rules

NUM_HANDS = 64
HALF = Exploration(hands=0.5, temperature=1.0, random_teams=0.4, random_decisions=0.05)
RANDOM = [Rules(contract="random", scoring="majority")]
MIXED = [
    Rules(contract="random", scoring="majority"),
    Rules(contract="auction", all_pass="reshake", scoring="marks"),
    Rules(contract="dropped30", scoring="points"),
    Rules(contract="auction", scoring="contract"),
]


class Passing(NetworkEvaluator):
    """Never bids, so that hands with reshake are thrown in."""

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        policy, value = super().__call__(views)
        auction = np.flatnonzero(views["phase"] == 0)
        may_pass = auction[(views["calls"][auction, 2] < 0) | (views["all_pass"][auction] == 1)]
        policy[may_pass] = 0
        policy[may_pass, 28] = 1
        return policy, value


def network() -> ZebModel:
    torch.manual_seed(0)
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True, dropout=0.0))
    torch.nn.init.normal_(model.policy_proj.weight)  # with opinions
    return model


EVALUATOR = NetworkEvaluator(network(), precision="float32")
SEARCH = SearchConfig(sims=6, worlds=3, solve_tricks=2, gumbel_scale=1.0)


def likeliest(hand: np.void) -> list[bool]:
    """For each play of a finished hand, whether it was the network's likeliest."""
    views = np.repeat(np.array([hand], HAND), 28)
    for ply in range(28):
        rewind(views[ply], ply)
        blank(views[ply], views[ply]["to_move"])
    return list(EVALUATOR(views)[0].argmax(1) == hand["plays"])


def test_hands_that_are_not_explored_are_played_by_the_likeliest_actions() -> None:
    played = Actor(EVALUATOR, RANDOM, seed=3, exploration=HALF).play(np.arange(NUM_HANDS))
    explored = played["explored"].astype(bool)
    assert 0.25 * NUM_HANDS < explored.sum() < 0.75 * NUM_HANDS
    as_meant = np.array([all(likeliest(hand)) for hand in played["hand"]])
    assert as_meant[~explored].all()
    assert as_meant[explored].mean() < 0.1


def test_explored_hands_teach_no_belief() -> None:
    played = Actor(EVALUATOR, RANDOM, seed=3, exploration=HALF).play(np.arange(NUM_HANDS))
    fifth = np.full(NUM_HANDS, 5)
    batch = draw(played, np.arange(NUM_HANDS), fifth, tokenizer="v2", hidden_only=True)
    assert np.array_equal((batch.labels != NOT_A_LABEL).any(1), played["explored"] == 0)
    assert (batch.meaning == NOTHING).all()  # nobody labelled them


def test_teams_play_at_random_by_the_hand() -> None:
    alone = Exploration(hands=1.0, temperature=0.05, random_teams=0.5, random_decisions=0.0)
    hands = Actor(EVALUATOR, RANDOM, seed=3, exploration=alone).play(np.arange(24))["hand"]
    agreed = np.zeros((len(hands), 2, 2))  # hand, team; likeliest plays, all plays
    for b, hand in enumerate(hands):
        for domino, is_likeliest in zip(hand["plays"], likeliest(hand), strict=True):
            agreed[b, hand["owner"][domino] & 1] += is_likeliest, 1
    share = agreed[:, :, 0] / agreed[:, :, 1]
    by_the_network = share > 0.99  # at that temperature only near-ties are drawn
    assert 0.25 < by_the_network.mean() < 0.75
    assert share[~by_the_network].mean() < 0.8


def test_a_hand_depends_on_its_number_alone() -> None:
    """Contracts, lengths and rules side by side: whatever is played beside a hand, it is the same."""
    actor = Actor(EVALUATOR, MIXED, seed=5, exploration=HALF, worker=9)
    whole = check_experience(actor.play(np.arange(40), cycle=2, weights_step=77))
    assert set(decisions_of(whole)) == {28, 33}
    assert whole["sequence"].tolist() == list(range(40))
    assert set(whole["worker"]), set(whole["weights_step"]) == ({9}, {77})
    some = np.array([31, 2, 17, 4, 9])
    assert np.array_equal(actor.play(some, cycle=2, weights_step=77), whole[some])


def test_hands_that_are_thrown_in_teach_nothing() -> None:
    actor = Actor(Passing(network(), precision="float32"), MIXED, seed=5)
    played = check_experience(actor.play(np.arange(16)))
    assert [number % 4 for number in played["sequence"]] == [0, 2, 3] * 4


def test_matches_are_not_hands() -> None:
    with pytest.raises(ValueError, match="expected rules of single hands"):
        Actor(EVALUATOR, [Rules(episode="match")], seed=0).start(np.arange(2))


def loop(num_lanes: int) -> tuple[TianshouLoop, Ring]:
    ring = Ring(1000, tokenizer="v2", hidden_only=True, seed=0)
    learner = Learner(network(), LossWeights(1.0, 1.0, 1.0, 0.15, False, 0.0), lr=1e-3)
    return TianshouLoop(ring, learner, num_lanes=num_lanes), ring


PLAYERS = [EVALUATOR, Passing(network(), precision="float32"), Search(EVALUATOR, SEARCH)]


@pytest.mark.parametrize("player", PLAYERS)
def test_the_collector_plays_what_the_actor_plays(player: NetworkEvaluator | Search) -> None:
    """Hands of different length in fewer lanes than hands: all of them, once each, as the plain parts play them."""
    label = partial(teach, margin_weight=0.3, label_worlds=0, threads=1)
    by_itself = not isinstance(player, Search)
    actor = Actor(player, MIXED, seed=7, exploration=HALF, teach=label if by_itself else None)
    numbers = 100 + np.arange(22)
    collecting, ring = loop(num_lanes=5)
    collected = collecting.collect(actor, numbers, cycle=3, weights_step=4)
    plain = actor.play(numbers, cycle=3, weights_step=4)
    assert np.array_equal(collected["hand"], plain["hand"])
    assert np.array_equal(collected, plain)
    assert np.array_equal(ring.hands, plain)
    if not by_itself:
        assert (plain["meanings"][:, :28] == SHARES).all()
    again = collecting.collect(actor, 200 + np.arange(5), cycle=4, weights_step=5)
    assert np.array_equal(ring.hands, np.concatenate([plain, again]))


def test_the_algorithm_of_tianshou_is_the_learner() -> None:
    collecting, ring = loop(num_lanes=4)
    collecting.collect(Actor(EVALUATOR, MIXED, seed=7), np.arange(4), cycle=1, weights_step=0)
    _, twin = loop(num_lanes=4)
    twin.append(ring.hands)
    plain = Learner(network(), LossWeights(1.0, 1.0, 1.0, 0.15, False, 0.0), lr=1e-3)
    collecting.learn(3, 8)
    for _ in range(3):
        plain.step(twin.sample(8))
    theirs = plain.tensors()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in collecting._algorithm._learner.tensors().items())


@pytest.mark.parametrize("search", [None, SEARCH])
def test_self_play_does_not_depend_on_what_a_seat_cannot_see(search: SearchConfig | None) -> None:
    """The hands are dealt again behind the seats to move: the same is observed, played and found."""
    for num_plays in (0, 5, 14):
        found = []
        for redeal in (False, True):
            actor = Actor(Search(EVALUATOR, search) if search else EVALUATOR, RANDOM, seed=4, exploration=HALF)
            hands = actor.start(np.arange(12))
            for _ in range(num_plays):
                turn = hands.table.turn()
                hands.table.take(turn.rows, EVALUATOR(turn.views)[0].argmax(1))
            if redeal:
                views = hands.table.turn().views
                hands.table.hands[:] = [worlds.sample(view, 1, np.random.default_rng(9))[0] for view in views]
            found.append([answer for answer in hands.decide(hands.table.turn()) if answer is not None])
        for first, second in zip(*found, strict=True):
            assert np.array_equal(first, second, equal_nan=True)


def test_tianshou_has_one_room() -> None:
    folder = Path(zeb42_agents.__file__).parent
    importing = re.compile(r"^\s*(import|from) tianshou", re.MULTILINE)
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if importing.search(path.read_text())]
    assert found == ["training/collect.py"]
