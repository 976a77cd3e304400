"""Experience: finished hands with what was found at each decision, and the kernel that turns it into training batches.

Nothing that follows from the record is stored. Tokens, legal actions, labels and outcomes are derived when a batch is
drawn, by replaying the hand up to the drawn decision, so no stored example can disagree with the rules or the tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.bits import popcount
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES, NUM_SEATS, NUM_TRICKS
from zeb42_env._core.goals import FOR_MARKS, score
from zeb42_env._core.record import (
    HAND,
    MAX_DECISIONS,
    NOBODY,
    NUM_ACTIONS,
    TRICKS,
    blank,
    legal_mask,
    num_decisions,
    rewind,
)
from zeb42_env._core.tokens import NOT_A_LABEL, belief_labels
from zeb42_env.tokenizers import get_tokenizer

MAX_CALLS = 15  # an opening call has that many legal actions: pass, twelve numbers, one or two marks
NUM_CALL_DECISIONS = NUM_SEATS + 1  # four calls and the declaration

NOBODY_THOUGHT = -128  # the root value of a decision that nothing was found for
SHARES, QUALITIES = 0, 1  # what a hand's numbers mean: visit shares of a search, or a teacher's value of every action

EXPERIENCE = np.dtype(
    [
        ("hand", HAND),  # finished
        ("root_values", np.int8, (MAX_DECISIONS,)),  # found at each decision, for the mover's team: -127..127 is -1..1
        ("calls", np.uint8, (NUM_CALL_DECISIONS, MAX_CALLS)),  # of the legal actions in ascending order: calls,
        ("plays", np.uint8, (NUM_DOMINOES, NUM_TRICKS)),  # and plays; 0..255 is a share of visits 0..1, or 0..254 a
        ("kind", np.uint8),  # value -1..1
        ("explored", np.uint8),  # 1: not played as the network meant it, so no lesson in what a play reveals
        ("cycle", np.uint32),  # of training, in which it was played
    ],
    align=True,
)
"""One hand of experience: 408 bytes for 28 to 33 examples."""


class Batch(NamedTuple):
    """A training batch, derived from experience. B examples, A = 56 actions (v2) or 7 dealt dominoes (v1)."""

    tokens: np.ndarray
    """int8 [B, T, F]."""
    legal: np.ndarray
    """bool [B, A]."""
    target: np.ndarray
    """float32 [B, A]: visit shares that sum to 1, or the value of each legal action."""
    is_quality: np.ndarray
    """bool [B]: the targets are values."""
    outcome: np.ndarray
    """float32 [B]: what the hand was worth to the mover's team in the end, -1..1."""
    margin: np.ndarray
    """float32 [B]: the points margin of the mover's team as a share of 42."""
    root_value: np.ndarray
    """float32 [B]: what the search or the teacher thought at the time; NaN where nobody did."""
    labels: np.ndarray
    """int8 [B, 28]: 0 left, 1 partner, 2 right; -1 not asked, as nothing is of an explored hand."""
    views: np.ndarray
    """HAND [B]: the views that all this was seen from."""


@njit(cache=True, nogil=True)
def normalised_score(hand: np.void, team: int) -> float:
    """The score of a finished hand for ``team``, within -1..1: marks are counted as won or lost, whatever the stake."""
    worth = score(hand)
    if hand.scoring == FOR_MARKS:
        worth = np.sign(worth)
    return worth if team == 0 else -worth


@njit(cache=True, nogil=True, inline="always")
def pack_value(value: float) -> int:
    """A value -1..1 as the int8 that experience keeps; what is not a number is nobody's thought."""
    if np.isnan(value):
        return NOBODY_THOUGHT
    return np.int8(np.round(min(max(value, -1.0), 1.0) * 127.0))


@njit(cache=True, nogil=True)
def stage(
    views: np.ndarray,
    lanes: np.ndarray,
    target: np.ndarray,
    root_value: np.ndarray,
    staged: np.ndarray,
) -> None:
    """Note what was found for ``views`` [R], before their actions, in the lanes' unfinished ``staged`` experience.

    ``target`` [R, 56] are shares of visits over action ids; ``root_value`` [R].
    """
    for row in range(len(views)):
        view = views[row]
        lane = staged[lanes[row]]
        decision = num_decisions(view)
        lane.root_values[decision] = pack_value(root_value[row])
        legal = legal_mask(view)
        k = 0
        for action in range(NUM_ACTIONS):
            if not (legal >> np.uint64(action)) & np.uint64(1):
                continue
            share = np.uint8(min(max(target[row, action], 0.0), 1.0) * 255.0 + 0.5)
            if view.phase == TRICKS:
                lane.plays[view.num_plays, k] = share
            else:
                lane.calls[decision, k] = share
            k += 1


@njit(cache=True, nogil=True)
def decisions_of(experience: np.ndarray) -> np.ndarray:
    """How many examples each hand of ``experience`` [N] holds: int64 [N]."""
    counts = np.empty(len(experience), np.int64)
    for i in range(len(experience)):
        counts[i] = num_decisions(experience[i].hand)
    return counts


@njit(cache=True, nogil=True)
def derive(
    experience: np.ndarray,
    hands: np.ndarray,
    decisions: np.ndarray,
    hidden_only: bool,
    views: np.ndarray,
    legal: np.ndarray,
    target: np.ndarray,
    is_quality: np.ndarray,
    numbers: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Write decision ``decisions[b]`` of hand ``hands[b]`` as row b of a batch, all but its tokens. See :class:`Batch`
    for the shapes; ``numbers`` float32 [3, B] takes outcome, margin and root value. Where ``legal`` is [B, 7], its
    places are the dominoes dealt to the viewer."""
    by_slot = legal.shape[1] < NUM_ACTIONS
    owner = np.empty(NUM_DOMINOES, np.int8)
    for b in range(len(hands)):
        source = experience[hands[b]]
        views[b] = source.hand
        view = views[b]
        seat_points = view.points[0] - view.points[1]
        worth = normalised_score(view, 0)
        owner[:] = view.owner
        rewind(view, decisions[b])
        seat = view.to_move
        sign = 1.0 if seat & 1 == 0 else -1.0
        numbers[0, b] = sign * worth
        numbers[1, b] = sign * seat_points / HAND_POINTS
        found = source.root_values[decisions[b]]
        numbers[2, b] = np.nan if found == NOBODY_THOUGHT else found / 127.0
        blank(view, seat)
        if source.explored:
            labels[b] = NOT_A_LABEL
        else:
            belief_labels(owner, view, hidden_only, labels[b])
        quality = source.kind == QUALITIES
        is_quality[b] = quality
        legal[b] = False
        target[b] = 0.0
        mask_of_legal = legal_mask(view)
        dealt, k, total, place = np.uint32(0), 0, 0.0, 0
        if by_slot:
            for domino in range(NUM_DOMINOES):
                dealt |= np.uint32(view.owner[domino] == seat) << np.uint32(domino)
        for action in range(NUM_ACTIONS):
            if not (mask_of_legal >> np.uint64(action)) & np.uint64(1):
                continue
            stored = source.plays[view.num_plays, k] if view.phase == TRICKS else source.calls[decisions[b], k]
            k += 1
            place = action
            if by_slot:
                place = popcount(dealt & ((np.uint32(1) << np.uint32(action)) - np.uint32(1)))
            legal[b, place] = True
            target[b, place] = stored / 127.0 - 1.0 if quality else stored
            total += stored
        if not quality:
            for a in range(target.shape[1]):
                target[b, a] = target[b, a] / total if total > 0 else np.float32(legal[b, a]) / k


def draw(
    experience: np.ndarray, hands: np.ndarray, decisions: np.ndarray, *, tokenizer: str, hidden_only: bool
) -> Batch:
    """The batch of these (hand, decision) pairs of ``experience``: int64 [B] each."""
    size = len(hands)
    words = get_tokenizer(tokenizer)
    views = np.empty(size, HAND)
    legal = np.empty((size, words.num_actions), np.bool_)
    target = np.empty((size, words.num_actions), np.float32)
    is_quality = np.empty(size, np.bool_)
    numbers = np.empty((3, size), np.float32)
    labels = np.empty((size, NUM_DOMINOES), np.int8)
    derive(experience, hands, decisions, hidden_only, views, legal, target, is_quality, numbers, labels)
    return Batch(words.encode(views), legal, target, is_quality, numbers[0], numbers[1], numbers[2], labels, views)


def blank_experience(num_hands: int) -> np.ndarray:
    """EXPERIENCE [num_hands] in which nothing has been found yet."""
    experience = np.zeros(num_hands, EXPERIENCE)
    experience["root_values"] = NOBODY_THOUGHT
    return experience


def from_finished_views(views: np.ndarray) -> np.ndarray:
    """The full hands [B] that finished ``views`` [B] tell: after the last trick everything has been seen."""
    hands = views.copy()
    hands["seat"] = NOBODY
    return hands
