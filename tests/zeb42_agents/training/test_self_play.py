"""How the hands of training are played: by the likeliest actions, or explored."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tianshou.data import Collector
from tianshou.utils.torch_utils import policy_within_training_step

from zeb42_agents import worlds
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebConfig, ZebModel
from zeb42_agents.search import SearchConfig
from zeb42_agents.training.learner import averaged_copy
from zeb42_agents.training.replay import SelfPlayBuffer, as_bytes
from zeb42_agents.training.self_play import Exploration, SelfPlayPolicy, SelfPlayVectorEnv
from zeb42_env._core.record import HAND, blank, legal_mask, rewind
from zeb42_env._core.tables import views_of
from zeb42_env._core.tokens import NOT_A_LABEL
from zeb42_env.rules import Rules

LANES = 64
HALF = Exploration(hands=0.5, temperature=1.0, random_teams=0.4, random_decisions=0.05)


def policy(exploration: Exploration, search: SearchConfig | None = None) -> SelfPlayPolicy:
    torch.manual_seed(0)
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True))
    torch.nn.init.normal_(model.policy_proj.weight)  # with opinions
    return SelfPlayPolicy(
        model=model,
        evaluator=NetworkEvaluator(averaged_copy(model), precision="float32"),
        search=search,
        exploration=exploration,
        decisions_per_hand=28,
        seed=3,
    )


def collected(player: SelfPlayPolicy) -> SelfPlayBuffer:
    """One hand of every lane."""
    buffer = SelfPlayBuffer(num_lanes=LANES, capacity_hands=LANES, tokenizer="v2", hidden_only=True, seed=0)
    env = SelfPlayVectorEnv(num_lanes=LANES, rules=[Rules(contract="random", scoring="majority")], seed=1)
    collector: Collector = Collector(player, env, buffer, raise_on_nan_in_buffer=False)
    collector.reset_env()
    with policy_within_training_step(player):
        collector.collect(n_step=28 * LANES)
    return buffer


def likeliest(player: SelfPlayPolicy, hand: np.void) -> list[bool]:
    """For each play of a finished hand, whether it was the network's likeliest."""
    views = np.repeat(np.array([hand], HAND), 28)
    for ply in range(28):
        rewind(views[ply], ply)
        blank(views[ply], views[ply]["to_move"])
    return list(player._evaluator(views)[0].argmax(1) == hand["plays"])


def test_hands_that_are_not_explored_are_played_by_the_likeliest_actions() -> None:
    player = policy(HALF)
    hands = collected(player).hands
    explored = hands["explored"].astype(bool)
    assert 0.25 * LANES < explored.sum() < 0.75 * LANES
    as_meant = np.array([all(likeliest(player, hand["hand"])) for hand in hands])
    assert as_meant[~explored].all()
    assert not as_meant[explored].any()


def test_explored_hands_teach_no_belief() -> None:
    buffer = collected(policy(HALF))
    every = np.arange(LANES) * 33 + 5  # decision 5 of each hand
    asked = (buffer.draw(every).labels != NOT_A_LABEL).any(1)
    assert np.array_equal(asked, buffer.hands["explored"] == 0)


def test_teams_play_at_random_by_the_hand() -> None:
    alone = Exploration(hands=1.0, temperature=0.05, random_teams=0.5, random_decisions=0.0)
    player = policy(alone)
    hands = collected(player).hands["hand"][:24]
    agreed = np.zeros((len(hands), 2, 2))  # hand, team; likeliest plays, all plays
    for b, hand in enumerate(hands):
        for domino, is_likeliest in zip(hand["plays"], likeliest(player, hand), strict=True):
            agreed[b, hand["owner"][domino] & 1] += is_likeliest, 1
    share = agreed[:, :, 0] / agreed[:, :, 1]
    by_the_network = share > 0.99  # at that temperature only near-ties are drawn
    assert 0.25 < by_the_network.mean() < 0.75
    assert share[~by_the_network].mean() < 0.8


def test_outside_training_nothing_is_explored() -> None:
    player = policy(Exploration(hands=1.0, temperature=1.0, random_teams=1.0, random_decisions=1.0))
    env = SelfPlayVectorEnv(num_lanes=LANES, rules=[Rules(contract="random", scoring="majority")], seed=1)
    observations, _ = env.reset()
    chosen = player.forward(SimpleNamespace(obs=observations)).act
    views = env.hands.copy()
    for view in views:
        blank(view, view["to_move"])
    assert np.array_equal(as_bytes(views), observations)
    assert np.array_equal(chosen, player._evaluator(views)[0].argmax(1))


@pytest.mark.parametrize("search", [None, SearchConfig(sims=6, worlds=3, solve_tricks=2, gumbel_scale=1.0)])
def test_self_play_does_not_depend_on_what_a_seat_cannot_see(search: SearchConfig | None) -> None:
    """The environment's hands are dealt again behind the seats to move: the same is observed, played and found."""
    rules = [Rules(contract="random", scoring="majority")]
    for num_plays in (0, 5, 14):
        found = []
        for redeal in (False, True):
            env = SelfPlayVectorEnv(num_lanes=12, rules=rules, seed=4)
            env.reset()
            for _ in range(num_plays):
                env.step(np.array([legal_actions(hand)[0] for hand in env.hands]))
            if redeal:
                views = views_of(env.hands, env.hands["to_move"])
                env.hands[:] = [worlds.sample(view, 1, np.random.default_rng(9))[0] for view in views]
            player = policy(HALF, search)
            player.start_at(num_plays)
            with policy_within_training_step(player):
                answer = player.forward(SimpleNamespace(obs=env._observe(np.arange(12))))
            found.append([answer.act, *(answer.policy[key] for key in sorted(answer.policy.get_keys()))])
        for first, second in zip(*found, strict=True):
            assert np.array_equal(first, second, equal_nan=True)


def legal_actions(hand: np.void) -> list[int]:
    mask = int(legal_mask(hand))
    return [action for action in range(56) if mask >> action & 1]
