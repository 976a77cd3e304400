"""Random and greedy: legal, blind, reproducible, and greedy sensible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import Agent, make_agent
from zeb42_env import Hand, Rules, parse_action
from zeb42_env._core import record as core
from zeb42_env._core import tables
from zeb42_env._core.bits import mix

RULES = Rules(contract="random", scoring="majority")
SPECS = ("random", "greedy")


def positions(num_hands: int, seed: int, rules: Rules = RULES) -> np.ndarray:
    """Full hands [N] of random play, each stopped at a random decision."""
    hands = np.repeat(rules.blank_record(), num_hands)
    tables.deal_numbers(hands, np.uint64(seed), np.arange(len(hands), dtype=np.uint64), rules.contract_code)
    rng = np.random.default_rng(seed)
    tables.play_randomly(hands, rng.integers(0, 2**64, num_hands, dtype=np.uint64))
    for hand in hands:
        core.rewind(hand, int(rng.integers(0, core.num_decisions(hand))))
    return hands


def redeal(hand: np.void, viewer: int, rng: np.random.Generator) -> np.ndarray | None:
    """Another world [1] of ``viewer``'s view, by shuffling the hidden dominoes; None if the shuffle broke a rule."""
    world = np.array([hand])
    seats = [seat for seat in range(4) if seat != viewer]
    hidden = [d for seat in seats for d in range(28) if int(hand["held"][seat]) >> d & 1]
    sizes = [bin(int(hand["held"][seat])).count("1") for seat in seats]
    rng.shuffle(hidden)
    view = np.array([hand])
    core.blank(view[0], viewer)
    candidates = np.empty(4, np.uint32)
    core.may_hold(view[0], candidates)
    for seat, end, size in zip(seats, np.cumsum(sizes), sizes, strict=True):
        held = sum(1 << d for d in hidden[end - size : end])
        if held & ~int(candidates[seat]):
            return None
        world["held"][0, seat] = held
        world["owner"][0, hidden[end - size : end]] = seat
    return world


@pytest.mark.parametrize("spec", SPECS)
def test_agents_play_legally_in_every_phase(spec: str) -> None:
    agent = make_agent(spec)
    assert isinstance(agent, Agent)
    for rules in (RULES, Rules(contract="dropped30"), Rules()):
        hands = positions(300, seed=3, rules=rules)
        views = tables.views_of(hands, hands["to_move"])
        before = views.copy()
        actions = agent.act(views, np.random.default_rng(0))
        assert actions.dtype == np.int64
        assert actions.shape == (300,)
        assert all(int(core.legal_mask(h)) >> int(a) & 1 for h, a in zip(hands, actions, strict=True))
        assert views.tobytes() == before.tobytes()


@pytest.mark.parametrize("spec", SPECS)
def test_a_choice_depends_on_its_view_and_key_alone(spec: str) -> None:
    agent = make_agent(spec)
    hands = positions(200, seed=5)
    views = tables.views_of(hands, hands["to_move"])
    keys = np.array([mix(np.uint64(9), np.uint64(b)) for b in range(200)], np.uint64)
    together = agent.act(views, keys)
    order = np.random.default_rng(1).permutation(200)
    assert (agent.act(views[order], keys[order]) == together[order]).all()
    assert [int(agent.act(views[b : b + 1], keys[b : b + 1])[0]) for b in range(20)] == together[:20].tolist()


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_hidden_dominoes_change_nothing(spec: str, seed: int) -> None:
    agent = make_agent(spec)
    hand = positions(1, seed)[0]
    viewer = int(hand["to_move"])
    keys = np.array([seed], np.uint64)
    chosen = agent.act(tables.views_of(np.array([hand]), np.array([viewer])), keys)
    rng = np.random.default_rng(seed)
    worlds = [world for _ in range(20) if (world := redeal(hand, viewer, rng)) is not None]
    for world in worlds:
        assert agent.act(tables.views_of(world, np.array([viewer])), keys) == chosen


def greedy_choice(line: str) -> int:
    hand = Hand.parse(line)
    return int(make_agent("greedy").act(np.array([hand.view(hand.to_move)]), np.zeros(1, np.uint64))[0])


def test_greedy_leads_its_best_trump_to_pull() -> None:
    deal = "deal=66.62.61.55.42.31.10|63.54.43.33.21.00.20|65.60.53.52.44.22.64|51.50.41.40.32.30.11"
    assert greedy_choice(f"zeb42/1 {deal} shaker=3 contract=0:30:sixes") == parse_action("6-6")


def test_greedy_cashes_a_sure_winner_with_its_count() -> None:
    """Trumps are gone after six tricks' worth of play; of 5-5 and 1-0 it leads the winner that carries ten points."""
    deal = "deal=66.65.64.63.62.55.10|61.54.43.33.21.00.20|60.53.52.51.44.22.11|50.42.41.40.32.31.30"
    plays = "66.61.60.30,65.20.11.31,64.00.22.32,63.21.44.40"
    assert greedy_choice(f"zeb42/1 {deal} shaker=3 contract=0:30:sixes plays={plays}") != parse_action("1-0")
    plays += ",62.33.51.41"
    assert greedy_choice(f"zeb42/1 {deal} shaker=3 contract=0:30:sixes plays={plays}") == parse_action("5-5")


def test_greedy_gives_count_to_its_partners_winning_trick() -> None:
    """Seat 0 leads the highest trump; seat 2 has none and may throw anything: the ten points go to the partner."""
    deal = "deal=66.65.61.54.42.31.10|63.62.60.43.33.21.00|55.53.52.44.22.20.11|64.51.50.41.40.32.30"
    assert greedy_choice(f"zeb42/1 {deal} shaker=3 contract=0:30:sixes plays=66.63") == parse_action("5-5")


def test_greedy_keeps_count_from_the_enemys_winning_trick() -> None:
    """The same hand of seat 2, but the highest trump is seat 1's: nothing that counts is thrown on it."""
    deal = "deal=63.65.61.54.42.31.10|66.62.60.43.33.21.00|55.53.52.44.22.20.11|64.51.50.41.40.32.30"
    chosen = greedy_choice(f"zeb42/1 {deal} shaker=3 contract=1:30:sixes plays=66")
    assert chosen not in [parse_action(word) for word in ("5-5", "3-2")]
    assert parse_action("5-5") in Hand.parse(f"zeb42/1 {deal} shaker=3 contract=1:30:sixes plays=66").legal_actions()


def test_greedy_in_the_last_seat_gives_count_only_to_a_trick_it_wins() -> None:
    wins = "deal=60.61.41.42.31.30.10|66.62.63.33.21.00.11|55.53.52.51.44.22.20|50.54.64.65.43.40.32"
    line = f"zeb42/1 {wins} shaker=3 contract=0:30:blanks plays=61.62.44"
    assert Hand.parse(line).legal_actions() == [parse_action("6-4"), parse_action("6-5")]
    assert greedy_choice(line) == parse_action("6-4")  # either wins: the ten points come home
    loses = "deal=60.61.41.42.31.30.10|55.62.63.33.21.00.11|66.53.52.51.44.22.20|50.54.64.65.43.40.32"
    line = f"zeb42/1 {loses} shaker=3 contract=0:30:blanks plays=61.62.66"
    assert greedy_choice(line) == parse_action("6-5")  # neither wins: the ten points stay


def test_greedy_beats_random() -> None:
    """74.8% of the hands where more of the 42 points wins; below 71% something broke."""
    hands = np.repeat(RULES.blank_record(), 4000)
    tables.deal_numbers(hands, np.uint64(11), np.arange(len(hands), dtype=np.uint64), RULES.contract_code)
    greedy, random = make_agent("greedy"), make_agent("random")
    rng = np.random.default_rng(0)
    while (hands["phase"] != core.OVER).any():
        for team, agent in enumerate((greedy, random)):
            moving = np.flatnonzero((hands["to_move"] >= 0) & (hands["to_move"] % 2 == team))
            actions = agent.act(tables.views_of(hands[moving], hands["to_move"][moving]), rng)
            for b, action in zip(moving, actions, strict=True):
                core.apply(hands[b], action)
    wins = (hands["points"][:, 0] > 21).mean() + 0.5 * (hands["points"][:, 0] == 21).mean()
    assert wins > 0.71
