"""The solver against an independent one, against looking at every line, and against its own promises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from double_dummy import hand_of_row, minimax, positions, reference_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import solver
from zeb42_env import Hand, Rules
from zeb42_env._core import record as core
from zeb42_env._core import tables
from zeb42_env._core.dominoes import HAND_POINTS


def test_all_reference_values() -> None:
    for row in reference_rows():
        expected = {int(domino): points for domino, points in row["q_points_seats_0_2_to_go"].items()}
        assert solver.solve(hand_of_row(row)) == expected


def test_a_thousand_endings_against_every_line() -> None:
    for record in positions(1000, seed=11, first=17, last=27):
        hand = Hand(record)
        assert solver.solve(hand) == minimax(hand), str(hand)


def test_a_few_longer_endings_against_every_line() -> None:
    for record in positions(20, seed=12, first=12, last=15):
        hand = Hand(record)
        assert solver.solve(hand) == minimax(hand), str(hand)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 27))
def test_the_value_is_the_best_play_and_null_windows_agree(seed: int, ply: int) -> None:
    hand = positions(1, seed, first=ply, last=ply)[0]
    memory = solver.new_memory()[0]
    points = solver.solve(hand)
    value = solver.value(hand, memory)
    assert value == (max if hand["to_move"] % 2 == 0 else min)(points.values())
    left = HAND_POINTS - int(hand["points"].sum())
    assert all(0 <= p <= left for p in points.values())
    for target in range(-1, left + 3):
        assert solver.makes(hand, memory, target) == (value >= target)
        made = solver.makes_worlds(np.array([hand]), target)[0]
        assert {d: bool(made[d]) for d in range(28) if made[d] != solver.ILLEGAL} == {
            d: p >= target for d, p in points.items()
        }


def test_threads_and_earlier_work_change_nothing() -> None:
    hands = positions(60, seed=3, first=4)
    alone = np.array([solver.solve_worlds(hands[i : i + 1])[0] for i in range(60)])
    assert (solver.solve_worlds(hands) == alone).all()
    assert (solver.solve_worlds(hands, threads=3) == alone).all()
    targets = np.arange(60) % 30
    assert (solver.makes_worlds(hands, targets, threads=2) == np.where(alone < 0, -1, alone >= targets[:, None])).all()


def test_the_table_survives_the_wrap_of_its_generations() -> None:
    hands = positions(20, seed=5, first=0, last=8)
    expected = [solver.value(hand, solver.new_memory()[0]) for hand in hands]
    memory = solver.new_memory()
    for _ in range(2):
        memory["generation"] = 2**16 - 10
        assert [solver.value(hand, memory[0]) for hand in hands] == expected


def test_work_is_bounded() -> None:
    """Positions searched, mean over 100 random deals under all declarations: a slower search fails here first."""
    hands = np.array([Hand.deal(42, Rules(contract="random"), number=n).record for n in range(100)])
    memory = solver.new_memory()[0]
    searched = []
    for ask in (
        lambda hand: solver.value(hand, memory),
        lambda hand: solver.makes(hand, memory, 30 if hand["bidder"] % 2 == 0 else 13),
        lambda hand: solver.solve_moves(hand, memory, core.legal_plays(hand), np.empty(28, np.int8)),
    ):
        before = int(memory["nodes"])
        for hand in hands:
            ask(hand)
        searched.append((int(memory["nodes"]) - before) / len(hands))
    assert searched[0] < 60_000
    assert searched[1] < 10_000
    assert searched[2] < 150_000


def test_twins_are_worth_the_same() -> None:
    num_twins = 0
    for record in positions(400, seed=8, first=10, last=22):
        legal = core.legal_plays(record)
        firsts = np.empty(28, np.int8)
        kept = int(solver.first_twins(record, legal, firsts))
        memory = solver.new_memory()[0]
        for domino in range(28):
            if int(legal) >> domino & 1 and not kept >> domino & 1:
                num_twins += 1
                values = []
                for choice in (domino, int(firsts[domino])):
                    child = np.array([record])
                    core.play(child[0], choice)
                    values.append(int(child[0]["points"][0]) + solver.value(child[0], memory))
                assert values[0] == values[1]
    assert num_twins > 15


def test_twins_are_public() -> None:
    for record in positions(100, seed=9, first=8, last=20):
        view = np.array([record])
        core.blank(view[0], record["to_move"])
        legal = core.legal_plays(record)
        firsts = np.empty((2, 28), np.int8)
        assert solver.first_twins(record, legal, firsts[0]) == solver.first_twins(view[0], legal, firsts[1])


def test_analysis_follows_the_hand_to_its_score() -> None:
    rng = np.random.default_rng(4)
    hand = Hand.deal(seed=4)
    while not hand.is_over:
        hand.apply(int(rng.choice(hand.legal_actions())))
    values = solver.analyse(hand)
    assert [(v.seat, v.domino) for v in values] == hand.history[-28:]
    assert values[-1].after == hand.points[0]
    for earlier, later in pairwise(values):
        assert earlier.after == later.before
    for v in values:
        assert v.given_away >= 0
        assert v.after == v.before - v.given_away * (1 if v.seat % 2 == 0 else -1)
    assert sum(v.given_away for v in values) > 0


def test_analysis_of_a_hand_under_way() -> None:
    hand = Hand.deal(seed=4, rules=Rules(contract="random"))
    assert solver.analyse(hand) == []
    hand.apply(hand.legal_actions()[0])
    assert len(solver.analyse(hand)) == 1


def test_nothing_is_left_when_the_hand_is_over() -> None:
    over = positions(1, seed=1)
    tables.play_randomly(over, np.zeros(1, np.uint64))
    memory = solver.new_memory()[0]
    assert solver.value(over[0], memory) == 0
    assert solver.makes(over[0], memory, 0)
    assert not solver.makes(over[0], memory, 1)
    with pytest.raises(ValueError, match="in its tricks"):
        solver.solve(over[0])


def test_bad_input() -> None:
    hand = Hand.deal(seed=1, rules=Rules(contract="random"))
    with pytest.raises(ValueError, match="full hands, got a view"):
        solver.solve(hand.view(hand.to_move))
    with pytest.raises(ValueError, match="in its tricks"):
        solver.solve(Hand.deal(seed=1))
    with pytest.raises(ValueError, match="HAND records"):
        solver.solve_worlds(np.zeros(3))
    with pytest.raises(ValueError, match="threads of at least 1"):
        solver.solve_worlds(np.array([hand.record]), threads=0)
    with pytest.raises(ValueError, match="begun its tricks"):
        solver.analyse(Hand.deal(seed=1))
