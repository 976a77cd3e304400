"""Observations: every piece against a slow reading of the rules, and no trace of what a seat may not know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, random_position, redealt
from reference_rules import (
    CALLS,
    DOMINOES,
    ReferenceHand,
    action_id,
    beats,
    is_trump,
    points_of_trick,
    suit_led,
    worth,
)

import zeb42_env
from zeb42_env import HAND, Hand
from zeb42_env._core import planes
from zeb42_env.observation import (
    PIECES,
    legal_masks,
    observation_space,
    observe,
    observe_many,
    piece,
    pieces_table,
)

BIDS = [worth(call) for call in CALLS[1:]]
seats = st.integers(0, 3)
seeds = st.integers(0, 2**32)
rules = st.sampled_from(ALL_RULES)


def slow_copy(hand: Hand) -> ReferenceHand:
    """The slow rules brought to where ``hand`` is."""
    state = hand.record
    dealt = [[DOMINOES[d] for d in range(28) if state["owner"][d] == seat] for seat in range(4)]
    auctioned = state["calls"][0] >= 0
    given_contract = hand.declaration is not None and not auctioned
    contract = (hand.bidder, hand.bid, int(hand.declaration)) if given_contract else None
    slow = ReferenceHand(
        dealt,
        hand.shaker,
        declarations=[d for d in range(10) if int(state["declarations"]) >> d & 1],
        all_pass="reshake" if state["all_pass"] else "shaker_bids",
        contract=contract,
    )
    for _, action in hand.history:
        slow.act({action_id(candidate): candidate for candidate in slow.legal()}[action])
    return slow


def slow_pieces(hand: Hand, me: int) -> dict[str, np.ndarray]:
    """The planes of ``me``, built piece by piece from the slow rules."""
    slow, state = slow_copy(hand), hand.record
    out = {entry.name: np.zeros(entry.shape, int) for entry in PIECES}

    def mark_seat(name: str, seat: int | None, *rest: int) -> None:
        if seat is not None:
            out[name][((seat - me) % 4, *rest)] = 1

    if slow.phase != "over":
        out["phase"][["auction", "declaration", "tricks"].index(slow.phase)] = 1
    mark_seat("to_move", slow.turn)
    mark_seat("shaker", slow.shaker)
    mark_seat("bidder", slow.bidder)
    for domino in slow.hands[me]:
        out["holding"][DOMINOES.index(domino)] = 1
    for seat, call in slow.calls:
        mark_seat("calls", seat, CALLS.index(call))
    if slow.bidder is not None:
        out["bid"][BIDS.index(slow.bid)] = 1
    for declaration in slow.declarations:
        out["may_declare"][declaration] = 1
    if slow.declaration is not None:
        out["declaration"][slow.declaration] = 1
        out["trumps"][[d for d in range(28) if is_trump(DOMINOES[d], slow.declaration)]] = 1
    for number, trick in enumerate(slow.tricks):
        for seat, domino in trick:
            mark_seat("played", seat, DOMINOES.index(domino))
            out["trick_number"][DOMINOES.index(domino)] = number + 1
    dealt = [DOMINOES[d] for d in range(28) if state["owner"][d] == me]
    for seat, dominoes in slow.may_hold(me, dealt).items():
        out["may_hold"][(seat - me) % 4 - 1, [DOMINOES.index(d) for d in dominoes]] = 1
    slow_trick(slow, me, out, mark_seat)
    out["points"][:] = slow.taken[me % 2], slow.taken[1 - me % 2]
    out["marks"][:] = hand.marks[me % 2], hand.marks[1 - me % 2]
    out["match"][:] = state["match"]
    out["scoring"][state["scoring"]] = 1
    out["reshake"][:] = slow.all_pass == "reshake"
    return out


def slow_trick(slow, me, out, mark_seat):
    if slow.phase != "tricks":
        return
    trick = slow.tricks[-1] if slow.tricks and len(slow.tricks[-1]) < 4 else []
    mark_seat("leader", trick[0][0] if trick else slow.turn)
    if not trick:
        return
    led = suit_led(trick[0][1], slow.declaration)
    out["led_suit"][7 if led == "doubles" else led] = 1
    winner, best = trick[0]
    for seat, domino in trick:
        mark_seat("trick", seat, DOMINOES.index(domino))
        if beats(domino, best, led, slow.declaration):
            winner, best = seat, domino
    mark_seat("winning", winner)
    for domino in slow.hands[me]:
        out["beats"][DOMINOES.index(domino)] = beats(domino, best, led, slow.declaration)
    out["trick_points"][:] = points_of_trick([domino for _, domino in trick])


@settings(deadline=None, max_examples=150)
@given(seed=seeds, me=seats, rules=rules, over=st.booleans())
def test_every_plane_is_what_the_table_says(seed, me, rules, over):
    hand = random_position(seed, rules, decisions=33 if over else None)
    array = observe(hand.view(me))
    for name, expected in slow_pieces(hand, me).items():
        assert np.array_equal(piece(array, name), expected), name


@settings(deadline=None, max_examples=40)
@given(seed=seeds, rules=rules)
def test_the_state_is_the_planes_of_seat_0_with_the_truth(seed, rules):
    hand = random_position(seed, rules)
    env = zeb42_env.raw_env(rules=rules)
    env.reset(seed=0, options={"hand": hand})
    state = env.state()
    expected = slow_pieces(hand, 0)
    for other in (1, 2, 3):
        expected["may_hold"][other - 1] = 0
        expected["may_hold"][other - 1, hand.holding(other)] = 1
    for name, value in expected.items():
        assert np.array_equal(piece(state, name), value), name
    assert env.state_space.contains(state)


@settings(deadline=None, max_examples=150)
@given(seed=seeds, me=seats, rules=rules)
def test_redealing_what_is_hidden_changes_nothing_that_a_seat_sees(seed, me, rules):
    hand = random_position(seed, rules)
    other = redealt(hand, me, np.random.default_rng(seed))
    if other is None:
        return
    assert other.view(me).tobytes() == hand.view(me).tobytes()
    for form in ("planes", "tokens"):
        env, twin = zeb42_env.env(rules=rules, observation=form), zeb42_env.env(rules=rules, observation=form)
        env.reset(options={"hand": hand})
        twin.reset(options={"hand": other})
        for key, array in env.observe(f"seat_{me}").items():
            assert np.array_equal(array, twin.observe(f"seat_{me}")[key]), (form, key)


def test_redealing_does_change_the_hidden_dominoes():
    changed = 0
    for seed in range(40):
        hand = random_position(seed, decisions=10)
        other = redealt(hand, 0, np.random.default_rng(seed))
        changed += other is not None and other != hand
    assert changed > 30


@settings(deadline=None, max_examples=60)
@given(seed=seeds, rules=rules, form=st.sampled_from(["planes", "tokens"]))
def test_observations_are_in_their_space(seed, rules, form):
    space = observation_space(form)["observation"]
    for decisions in (None, 33):
        hand = random_position(seed, rules, decisions=decisions)
        for me in range(4):
            assert space.contains(observe(hand.view(me), form))


def test_many_are_as_one():
    hands = np.array([random_position(seed).record for seed in range(20)])
    seats = np.arange(20) % 4
    for form in ("planes", "tokens"):
        many = observe_many(hands, seats, form)
        for hand, seat, array in zip(hands, seats, many, strict=True):
            assert np.array_equal(observe(Hand(hand).view(int(seat)), form), array)


def test_the_table_covers_the_array():
    assert sum(planes.SIZES) == planes.SIZE == observation_space("planes")["observation"].shape[0]
    marked = np.zeros(planes.SIZE, int)
    for entry in PIECES:
        piece(marked, entry.name)[:] += 1
    assert (marked == 1).all()
    for entry in PIECES:
        assert f"`{entry.name}`" in pieces_table()
    with pytest.raises(ValueError, match="expected a piece"):
        piece(marked, "kibitzer")


@pytest.mark.parametrize(
    ("seats", "message"),
    [
        (np.zeros(1, int), r"expected seats to be whole numbers \[3\], got int64 \[1\]"),
        (np.zeros(3), r"expected seats to be whole numbers \[3\], got float64 \[3\]"),
        (0, r"expected seats to be whole numbers \[3\], got int64 \[\]"),
        (np.array([0, 7, 0]), "expected seats in 0..3, or -1 for the state, got 7"),
        (np.array([1, 0, 1]), r"expected seats to look at their own views, got seat 0 at that of seat 1 \(number 1\)"),
    ],
)
def test_seats_that_cannot_look_are_refused(seats, message):
    views = np.array([random_position(seed).view(1) for seed in range(3)])
    with pytest.raises(ValueError, match=message):
        observe_many(views, seats)


def test_of_no_hands_nobody_sees_anything():
    assert observe_many(np.empty(0, HAND), []).shape == (0, 571)


def test_one_record_alone_is_no_batch():
    one = random_position(1).view(1)
    for ask in (legal_masks, lambda record: observe_many(record, 1)):
        with pytest.raises(ValueError, match=r"got shape \[\]; one alone is \[one\]"):
            ask(one)
