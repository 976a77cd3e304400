"""Experience: finished hands with what was found at each decision, and the kernel that turns it into training batches.

Nothing that follows from the record is stored. Tokens, legal actions, labels and outcomes are derived when a batch is
drawn, by replaying the hand up to the drawn decision, so no stored example can disagree with the rules or the tokens.
The buffer, the files on disk and what a worker sends are all EXPERIENCE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core import goals
from zeb42_env._core.bits import popcount
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DOMINOES, NUM_SEATS, NUM_TRICKS
from zeb42_env._core.record import (
    HAND,
    MAX_DECISIONS,
    NOBODY,
    NUM_ACTIONS,
    OVER,
    TRICKS,
    blank,
    legal_mask,
    num_decisions,
    rewind,
)
from zeb42_env._core.tokens import NOT_A_LABEL, belief_labels
from zeb42_env.records import check_records
from zeb42_env.tokenizers import get_tokenizer

MAX_CALLS = 15  # an opening call has that many legal actions: pass, twelve numbers, one or two marks
NUM_CALLS = NUM_SEATS + 1  # four calls and the declaration
FIRST_PLAY = NUM_CALLS * MAX_CALLS  # the numbers before are those of calls
NUM_NUMBERS = FIRST_PLAY + NUM_SEATS * sum(range(1, NUM_TRICKS + 1))  # in each trick a seat holds one domino less

NOBODY_THOUGHT = -128  # the root value of a decision that nothing was found for
NOTHING, SHARES, VALUES, IMITATION = 0, 1, 2, 3  # what the numbers of a decision mean

EXPERIENCE = np.dtype(
    [
        ("hand", HAND),  # finished
        ("worker", np.uint64),  # who played it; with the sequence its identity
        ("sequence", np.uint64),  # number of the hand among the worker's
        ("cycle", np.uint32),  # of training, in which it was played
        ("weights_step", np.uint32),  # updates behind the weights that played it
        ("root_values", np.int8, (MAX_DECISIONS,)),  # found at each decision, for the mover's team: -127..127 is -1..1
        ("meanings", np.uint8, (MAX_DECISIONS,)),  # of the numbers of each decision
        ("numbers", np.uint8, (NUM_NUMBERS,)),  # one for each legal action, ascending; see first_number
        ("explored", np.uint8),  # 1: not played as the network meant it, so no lesson in what a play reveals
    ],
    align=True,
)
"""One hand of experience: 376 bytes for 28 to 33 examples.

The numbers of a decision mean ``NOTHING``; ``SHARES``: 0..255 is a share of visits 0..1; ``VALUES``: 0..254 is a value
-1..1 of the action, for the mover's team; ``IMITATION``: 255 at the action to imitate.
"""


class Batch(NamedTuple):
    """A training batch, derived from experience. B examples, A = 56 actions (v2) or 7 dealt dominoes (v1)."""

    tokens: np.ndarray
    """int8 [B, T, F]."""
    legal: np.ndarray
    """bool [B, A]."""
    target: np.ndarray
    """float32 [B, A]: shares of the legal actions that sum to 1 (SHARES, IMITATION), their values (VALUES), or 0."""
    meaning: np.ndarray
    """int64 [B]: what the targets mean."""
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


@njit(cache=True, nogil=True, inline="always")
def first_number(view: np.void) -> int:
    """Where the numbers of the seat to move begin: 15 for each call, 7 for each play of the first trick, 6 of the
    second, and so on."""
    if view.phase != TRICKS:
        return num_decisions(view) * MAX_CALLS
    trick, place = view.num_plays // NUM_SEATS, view.num_plays % NUM_SEATS
    before = trick * NUM_TRICKS - trick * (trick - 1) // 2  # 7 + 6 + ...
    return FIRST_PLAY + NUM_SEATS * before + place * (NUM_TRICKS - trick)


@njit(cache=True, nogil=True, inline="always")
def pack_value(value: float) -> int:
    """A value -1..1 as the int8 that experience keeps; what is not a number is nobody's thought."""
    if np.isnan(value):
        return NOBODY_THOUGHT
    return np.int8(np.round(min(max(value, -1.0), 1.0) * 127.0))


@njit(cache=True, nogil=True)
def stage(views: np.ndarray, rows: np.ndarray, shares: np.ndarray, root_values: np.ndarray, staged: np.ndarray) -> None:
    """Note what a search found for ``views`` [R], before their actions, in ``staged[rows]``, experience under way.

    ``shares`` [R, 56] are of visits over action ids; ``root_values`` [R].
    """
    for r in range(len(views)):
        view, example = views[r], staged[rows[r]]
        decision, place = num_decisions(view), first_number(view)
        example.root_values[decision] = pack_value(root_values[r])
        example.meanings[decision] = SHARES
        legal = legal_mask(view)
        for action in range(NUM_ACTIONS):
            if (legal >> np.uint64(action)) & np.uint64(1):
                example.numbers[place] = np.uint8(min(max(shares[r, action], 0.0), 1.0) * 255.0 + 0.5)
                place += 1


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
    meaning: np.ndarray,
    numbers: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Write decision ``decisions[b]`` of hand ``hands[b]`` as row b of a batch, all but its tokens. See :class:`Batch`
    for the shapes; ``numbers`` float32 [3, B] takes outcome, margin and root value. Where ``legal`` is [B, 7], its
    places are the dominoes dealt to the viewer."""
    owner = np.empty(NUM_DOMINOES, np.int8)
    for b in range(len(hands)):
        source = experience[hands[b]]
        views[b] = source.hand
        view = views[b]
        margin = (np.int64(view.points[0]) - np.int64(view.points[1])) / HAND_POINTS
        outcome = goals.outcome(view, np.int64(view.points[0]))
        owner[:] = view.owner
        rewind(view, decisions[b])
        seat = view.to_move
        sign = 1.0 if seat & 1 == 0 else -1.0
        numbers[0, b] = sign * outcome
        numbers[1, b] = sign * margin
        found = source.root_values[decisions[b]]
        numbers[2, b] = np.nan if found == NOBODY_THOUGHT else found / 127.0
        blank(view, seat)
        if source.explored:
            labels[b] = NOT_A_LABEL
        else:
            belief_labels(owner, view, hidden_only, labels[b])
        meaning[b] = source.meanings[decisions[b]]
        _write_target(view, source.numbers, meaning[b], legal[b], target[b])


@njit(cache=True, nogil=True)
def _write_target(
    view: np.void,
    numbers: np.ndarray,
    meaning: int,
    legal: np.ndarray,
    target: np.ndarray,
) -> None:
    """Write what the stored ``numbers`` say of the seat to move over its actions, or over the seven dominoes
    it was dealt."""
    legal[:] = False
    target[:] = 0.0
    mask_of_legal = legal_mask(view)
    stored, total, dealt = first_number(view), 0.0, np.uint32(0)
    by_slot = len(legal) < NUM_ACTIONS
    if by_slot:
        for domino in range(NUM_DOMINOES):
            dealt |= np.uint32(view.owner[domino] == view.seat) << np.uint32(domino)
    for action in range(NUM_ACTIONS):
        if not (mask_of_legal >> np.uint64(action)) & np.uint64(1):
            continue
        place = action
        if by_slot:
            place = popcount(dealt & ((np.uint32(1) << np.uint32(action)) - np.uint32(1)))
        legal[place] = True
        if meaning == VALUES:
            target[place] = numbers[stored] / 127.0 - 1.0
        elif meaning != NOTHING:
            target[place] = numbers[stored]
            total += numbers[stored]
        stored += 1
    if total > 0.0:
        target /= np.float32(total)


def draw(
    experience: np.ndarray, hands: np.ndarray, decisions: np.ndarray, *, tokenizer: str, hidden_only: bool
) -> Batch:
    """The batch of these (hand, decision) pairs of ``experience``: int64 [B] each. ``hidden_only`` asks only for the
    owners of dominoes still hidden, otherwise for all that were not dealt to the viewer."""
    size = len(hands)
    words = get_tokenizer(tokenizer)
    views = np.empty(size, HAND)
    legal = np.empty((size, words.num_actions), np.bool_)
    target = np.empty((size, words.num_actions), np.float32)
    meaning = np.empty(size, np.int64)
    numbers = np.empty((3, size), np.float32)
    labels = np.empty((size, NUM_DOMINOES), np.int8)
    derive(experience, hands, decisions, hidden_only, views, legal, target, meaning, numbers, labels)
    return Batch(words.encode(views), legal, target, meaning, numbers[0], numbers[1], numbers[2], labels, views)


def sample(experience: np.ndarray, size: int, rng: np.random.Generator, *, tokenizer: str, hidden_only: bool) -> Batch:
    """``size`` examples of ``experience`` (EXPERIENCE [N]), each hand and then each of its decisions as likely as any
    other; see :func:`draw`."""
    hands = rng.integers(0, len(experience), size)
    decisions = (rng.random(size) * decisions_of(experience)[hands]).astype(np.int64)
    return draw(experience, hands, decisions, tokenizer=tokenizer, hidden_only=hidden_only)


def blank_experience(num_hands: int) -> np.ndarray:
    """EXPERIENCE [num_hands] in which nothing has been found yet."""
    experience = np.zeros(num_hands, EXPERIENCE)
    experience["root_values"] = NOBODY_THOUGHT
    return experience


def check_experience(experience: Any) -> np.ndarray:
    """``experience`` of any origin as the kernels take it, once it is what play and a teacher can make: EXPERIENCE [N].

    Any bytes may be given. ValueError says what is wrong.
    """
    if getattr(experience, "dtype", None) != EXPERIENCE or experience.ndim != 1:
        given = getattr(experience, "dtype", type(experience).__name__)
        raise ValueError(f"expected EXPERIENCE records of this version [N], got {given}")
    experience = np.require(experience, EXPERIENCE, ["C", "ALIGNED", "WRITEABLE"])
    hands = check_records(experience["hand"].copy(), "the hands of experience")
    if not ((hands["seat"] == NOBODY) & (hands["phase"] == OVER) & (hands["bidder"] >= 0)).all():
        raise ValueError("expected whole and finished hands with a contract, got a view, or a hand without an end")
    beyond = np.arange(MAX_DECISIONS) >= decisions_of(experience)[:, None]
    meanings = experience["meanings"]
    if (meanings > IMITATION).any() or (meanings[beyond] != NOTHING).any() or (experience["explored"] > 1).any():
        raise ValueError("expected meanings 0..3 of the decisions of a hand and explored 0 or 1, got others")
    return experience
