"""Episodes over HAND records: one hand, or a match of hands to seven marks; and many of them at once.

Everything random about an episode comes from its key. Hand number k of a match is dealt from ``hand_key(key, k)``, so
a hand depends on (seed, lane, episode, k) and on nothing else: not on how many lanes there are, nor on who plays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import mix, one_way
from zeb42_env._core.dominoes import HAND_POINTS, NUM_SEATS
from zeb42_env._core.goals import MATCH_MARKS, score, stake
from zeb42_env._core.record import apply, deal, legal_mask, trick_points
from zeb42_env._core.tables import is_legal, write_mask

_LANES = np.uint64(0x4C414E45)  # keeps the keys of lanes apart from the keys of hands
_BUILT_IN = np.uint64(0x504C4159)  # and those of the built-in players from both
_GUESTS = np.uint64(0x47554553)  # and those of all other players from theirs

ILLEGAL = -2
"""What :func:`take` says of an action that the rules do not allow."""


@njit(cache=True)
def lane_key(seed: np.uint64, lane: np.uint64) -> np.uint64:
    """The seed of one lane of many: a hand's key there is ``mix(lane_key(seed, lane), episode)``."""
    return mix(mix(seed, _LANES), lane)


@njit(cache=True)
def hand_key(episode_key: np.uint64, number: int) -> np.uint64:
    """The key that hand ``number`` of an episode is dealt from."""
    return episode_key if number == 0 else mix(episode_key, np.uint64(number))


@njit(cache=True)
def built_in_key(episode_key: np.uint64) -> np.uint64:
    """Where the stream starts that built-in players of an episode draw from, and a random learner's seat."""
    return mix(episode_key, _BUILT_IN)


@njit(cache=True)
def guest_key(key: np.uint64) -> np.uint64:
    """What players from outside draw from in the hand that is dealt from ``key``, which cannot be told from it."""
    return one_way(key, _GUESTS)


@njit(cache=True, inline="always")
def marks_after(hand: np.void, hand_score: float, team: int) -> int:
    """The marks of ``team`` once ``hand`` is counted as worth ``hand_score`` marks to seats 0&2."""
    won = np.int64(hand_score) if team == 0 else -np.int64(hand_score)
    return np.int64(hand.marks[team]) + max(won, 0)


@njit(cache=True)
def episode_over(hand: np.void) -> bool:
    """Whether the finished ``hand`` ends its episode: always, unless a match goes on."""
    value = score(hand)
    return not hand.match or max(marks_after(hand, value, 0), marks_after(hand, value, 1)) >= MATCH_MARKS


@njit(cache=True)
def payoff(hand: np.void) -> float:
    """What the finished ``hand`` pays seats 0&2: its score, or for a match 1 to its winner and nothing on the way."""
    if not hand.match:
        return score(hand)
    if not episode_over(hand):
        return 0.0
    value = score(hand)
    return 1.0 if marks_after(hand, value, 0) > marks_after(hand, value, 1) else -1.0


@njit(cache=True)
def first_hand(hand: np.void, blank_hand: np.void, episode_key: np.uint64, contract: int) -> None:
    """Deal the first hand of an episode into ``hand``; ``blank_hand`` carries the rules."""
    hand.declarations = blank_hand.declarations
    hand.scoring = blank_hand.scoring
    hand.all_pass = blank_hand.all_pass
    hand.match = blank_hand.match
    hand.kind = blank_hand.kind
    hand.shaker = blank_hand.shaker
    hand.marks[0], hand.marks[1] = blank_hand.marks[0], blank_hand.marks[1]
    deal(hand, hand_key(episode_key, 0), contract)


@njit(cache=True)
def next_hand(hand: np.void, hand_score: float, key: np.uint64, contract: int) -> None:
    """Turn a ``hand`` of a match into the next, dealt from ``key``: marks counted, the next seat shakes.

    ``hand_score`` is what the hand was worth to seats 0&2, in marks.
    """
    ours, theirs = marks_after(hand, hand_score, 0), marks_after(hand, hand_score, 1)
    hand.marks[0], hand.marks[1] = ours, theirs
    hand.shaker = (hand.shaker + 1) & 3
    deal(hand, key, contract)


@njit(cache=True, nogil=True)
def next_hands(hands: np.ndarray, rows: np.ndarray, scores: np.ndarray, keys: np.ndarray, contract: int) -> None:
    """:func:`next_hand` of ``hands[rows]``: ``scores`` [R] to seats 0&2, in marks, and uint64 ``keys`` [R].

    Scores are given, since a hand may have been forfeited.
    """
    for i in range(len(rows)):
        next_hand(hands[rows[i]], scores[i], keys[i], contract)


@njit(cache=True, nogil=True)
def count_marks(hands: np.ndarray, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The marks of both teams (int64 [R, 2]) once ``hands[rows]`` are counted as worth ``scores`` [R] to seats 0&2."""
    marks = np.empty((len(rows), 2), np.int64)
    for i in range(len(rows)):
        for team in range(2):
            marks[i, team] = marks_after(hands[rows[i]], scores[i], team)
    return marks


@njit(cache=True)
def trick_margin(hand: np.void) -> float:
    """What the trick that the last play completed is worth to seats 0&2, as a share of 42; 0 if it completed none."""
    num_plays = np.int64(hand.num_plays)
    if num_plays == 0 or num_plays & 3:
        return 0.0
    points = trick_points(hand, num_plays - NUM_SEATS)
    return (points if hand.leader & 1 == 0 else -points) / HAND_POINTS


@njit(cache=True)
def take(hands: np.ndarray, action: int, mask: np.ndarray) -> int:
    """One checked action of the one hand in ``hands`` [1], in place.

    Returns ILLEGAL with nothing changed, or the seat to move next with its legal actions in ``mask`` (int8 [56]);
    -1 when the hand is over.
    """
    hand = hands[0]
    if not is_legal(hand, action):
        return ILLEGAL
    apply(hand, action)
    write_mask(legal_mask(hand), mask.reshape((1, len(mask))), 0)
    return np.int64(hand.to_move)


# The same for the one hand in ``hands`` [1]: Python hands over an array six times faster than a record.


@njit(cache=True)
def first_hands(hands: np.ndarray, blank_hands: np.ndarray, episode_key: np.uint64, contract: int) -> None:
    """:func:`first_hand` of the one hand in ``hands`` [1]."""
    first_hand(hands[0], blank_hands[0], episode_key, contract)


@njit(cache=True)
def go_on(hands: np.ndarray, episode_key: np.uint64, number: int, contract: int) -> None:
    """Turn the finished one hand in ``hands`` [1] into hand ``number`` of its match."""
    next_hand(hands[0], score(hands[0]), hand_key(episode_key, number), contract)


@njit(cache=True)
def is_episode_over(hands: np.ndarray) -> bool:
    """:func:`episode_over` of the one hand in ``hands`` [1]."""
    return episode_over(hands[0])


@njit(cache=True)
def pays(hands: np.ndarray) -> float:
    """:func:`payoff` of the one hand in ``hands`` [1]."""
    return payoff(hands[0])


@njit(cache=True)
def stakes(hands: np.ndarray) -> float:
    """:func:`stake` of the one hand in ``hands`` [1]."""
    return stake(hands[0])


@njit(cache=True)
def last_trick_margin(hands: np.ndarray) -> float:
    """:func:`trick_margin` of the one hand in ``hands`` [1]."""
    return trick_margin(hands[0])
