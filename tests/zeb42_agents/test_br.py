"""The best response to honest minds: its bundle of worlds against a slow one, and what no mind may depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import position

from zeb42_agents import make_agent, minds, worlds
from zeb42_agents.br import BestResponse
from zeb42_agents.minds.dice import finish_by_dice
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.weights import MindConfig
from zeb42_agents.search import bundle as bundles
from zeb42_agents.solver import solve
from zeb42_env import HAND, Hand
from zeb42_env._core import goals, tables
from zeb42_env._core.bits import mix


def redealt(view: np.void, seed: int) -> Hand:
    """Another hand behind the same view."""
    return Hand(worlds.sample(view, 1, np.random.default_rng(seed))[0])


class SlowBundle:
    """The same search, with sets of hands and recursion."""

    def __init__(
        self, view: np.void, sampled: np.ndarray, key: int, mind: minds.Mind, thin: int, solve_tricks: int = 0
    ) -> None:
        self.seat, self.sign = int(view["seat"]), 1 if int(view["seat"]) % 2 == 0 else -1
        self.sampled = [(Hand(world), 1) for world in sampled]
        self.key, self.mind, self.thin = np.uint64(key), mind, thin
        self.solve_at = 28 - 4 * solve_tricks

    def mind_plays(self, hand: Hand, history: int) -> int:
        if len(hand.legal_actions()) == 1:
            return hand.legal_actions()[0]
        held = np.uint64(hand.record["held"][hand.to_move])
        name = np.uint64(mix(np.uint64(history), held))
        return int(minds.choose(self.mind, hand.view(hand.to_move), np.uint64(mix(self.key, name))))

    def value(self, group: list[tuple[Hand, int]], domino: int) -> float:
        total, open_worlds = 0.0, {}
        for hand, history in group:
            hand = hand.clone()
            hand.apply(domino)
            history = int(mix(np.uint64(history), np.uint64(domino)))
            while not hand.is_over and hand.to_move != self.seat and not self.settled(hand):
                played = self.mind_plays(hand, history)
                hand.apply(played)
                history = int(mix(np.uint64(history), np.uint64(played)))
            if hand.is_over or goals.decided(hand.record):
                total += self.sign * goals.outcome(hand.record, int(hand.points[0]))
            elif self.is_solved(hand):
                best = max if hand.to_move % 2 == 0 else min
                total += self.sign * goals.outcome(hand.record, int(hand.points[0]) + best(solve(hand).values()))
            else:
                open_worlds.setdefault(history, []).append((hand, history))
        for history, next_group in open_worlds.items():
            hand = next_group[0][0]
            plays = hand.legal_actions()
            if len(next_group) < self.thin:
                plays = [self.mind_plays(hand, history)]
            total += max(self.value(next_group, play) for play in plays)
        return total

    def is_solved(self, hand: Hand) -> bool:
        return hand.record["num_plays"] % 4 == 0 and hand.record["num_plays"] >= self.solve_at

    def settled(self, hand: Hand) -> bool:
        decided = hand.record["num_plays"] % 4 == 0 and bool(goals.decided(hand.record))
        return decided or self.is_solved(hand)


def a_mind(kind: str) -> minds.Mind:
    if kind == "dice":
        return minds.dice_mind(3)
    torch.manual_seed(0)
    network = MindModel(MindConfig(width=24, second_width=20)).network()
    return minds.network_mind(network, 0.3 if kind == "drawn" else 0.0)


@pytest.mark.parametrize("kind", ["dice", "network", "drawn"])
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("thin", "solve_tricks"), [(1, 0), (3, 0), (3, 3)])
def test_the_bundle_is_the_recursion_it_stands_for(kind: str, seed: int, thin: int, solve_tricks: int) -> None:
    hand = position(seed, 8 + seed)
    view, mind = hand.view(hand.to_move), a_mind(kind)
    sampled = worlds.sample(view, 12, np.random.default_rng(seed))
    values = np.empty(28)
    bundle = bundles.new_bundle(12)
    bundle.solve_at[0] = 28 - 4 * solve_tricks
    bundles.search_bundle(bundle, mind, sampled, np.uint64(seed), thin, values)
    slow = SlowBundle(view, sampled, seed, mind, thin, solve_tricks)
    for domino in range(28):
        if domino in hand.legal_actions():
            assert values[domino] == pytest.approx(slow.value(slow.sampled, domino) / 12)
        else:
            assert values[domino] == bundles.NOT_TRIED


@pytest.mark.parametrize("seed", range(8))
def test_the_last_tricks_are_exact_over_information_sets(seed: int) -> None:
    """Every deal once, and no group too thin: what each play comes to is what the recursion says of all deals."""
    hand, mind = position(seed, 17 + seed % 7), a_mind("network")
    view, values = hand.view(hand.to_move), np.empty(28)
    plan = bundles.Plan(num_worlds=2000, early=1, thin=8, every_deal=True)
    found = bundles.weigh_plays(view, np.uint64(5), np.empty(0, HAND), bundles.new_bundle(2000), mind, plan, values)
    assert len(found) == worlds.count(view) == len({world.tobytes() for world in found})
    slow = SlowBundle(view, found, int(mix(np.uint64(5), np.uint64(1))), mind, thin=1)
    for domino in hand.legal_actions():
        assert values[domino] == pytest.approx(slow.value(slow.sampled, domino) / len(found))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), num_plays=st.integers(0, 26))
def test_what_is_hidden_changes_no_choice(seed, num_plays):
    hand = position(seed, num_plays)
    view, agent, key = hand.view(hand.to_move), make_agent("br:outer=6,inner=3"), np.array([7], np.uint64)
    other = redealt(view, seed)
    assert agent.act(np.array([view]), key) == agent.act(np.array([other.view(other.to_move)]), key)


def test_a_mind_plays_by_its_own_view_alone():
    hand = position(3, 5)
    view = np.array([hand.view(hand.to_move)])[0]
    first = minds.choose(minds.dice_mind(4), view, np.uint64(9))
    assert first in hand.legal_actions()
    assert minds.choose(minds.dice_mind(4), view, np.uint64(9)) == first


def test_choices_depend_on_view_and_key_not_on_the_batch():
    views = np.array([hand.view(hand.to_move) for hand in (position(s, s % 20) for s in range(16))], HAND)
    keys = np.arange(16, dtype=np.uint64)
    agent = make_agent("br:outer=6,inner=3")
    together = agent.act(views, keys)
    assert agent.act(views[::-1], keys[::-1]).tolist() == together[::-1].tolist()
    assert [int(agent.act(views[i : i + 1], keys[i : i + 1])[0]) for i in range(16)] == together.tolist()


def test_dice_play_the_whole_hand_and_say_what_it_comes_to():
    """The mean over playouts of a trick-less fast path is that of hands played at random by the rules' own kernels."""
    hand = position(2, 9)
    legal = hand.legal_actions()
    held, stream = np.empty(4, np.uint32), np.array([5], np.uint64)
    fast = np.mean([finish_by_dice(hand.record, legal[0], held, stream) for _ in range(4000)])
    hand.apply(legal[0])
    hands = np.repeat(np.array([hand.record]), 4000)
    tables.play_randomly(hands, np.arange(4000, dtype=np.uint64))
    slow = np.mean([goals.outcome(h, int(h["points"][0])) for h in hands])
    assert fast == pytest.approx(slow, abs=5 * 1.5 / np.sqrt(4000))


def test_it_sees_a_sure_win():
    """Last to a trick with one more to come, where all is forced: it takes what wins in every deal."""
    agent, sure = make_agent("br:outer=20,inner=4"), 0
    for seed in range(100):
        hand = position(seed, 23)
        view = hand.view(hand.to_move)
        wins = {play: [won_after(redealt(view, deal), play) for deal in range(12)] for play in hand.legal_actions()}
        best = [play for play, won in wins.items() if all(won)]
        if len(best) == 1 and not any(any(won) for play, won in wins.items() if play != best[0]):
            sure += 1
            assert agent.act(np.array([view]), np.array([seed], np.uint64)).tolist() == best
    assert sure > 3


def won_after(hand: Hand, play: int) -> bool:
    """Whether the seat to move has won after ``play`` and what is forced then."""
    team = hand.to_move & 1
    hand.apply(play)
    while not hand.is_over:
        hand.apply(hand.legal_actions()[0])
    return (1 - 2 * team) * goals.outcome(hand.record, int(hand.points[0])) > 0


@pytest.mark.parametrize("options", [{"outer": 0}, {"inner": 0}, {"thin": 0}, {"outer": 10**6}, {"inner": 1.5}])
def test_bad_options(options):
    with pytest.raises(ValueError, match="a whole number in"):
        BestResponse(**options)
