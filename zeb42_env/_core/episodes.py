"""Episodes over HAND records: one hand, or a match of hands to seven marks; and many of them at once.

Everything random about an episode comes from its key. Hand number k of a match is dealt from ``hand_key(key, k)``, so
a hand depends on (seed, lane, episode, k) and on nothing else: not on how many lanes there are, nor on who plays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_env._core.bits import lowest, mix
from zeb42_env._core.dominoes import HAND_POINTS, NUM_SEATS
from zeb42_env._core.goals import MATCH_MARKS, score, stake
from zeb42_env._core.record import apply, deal, legal_mask, trick_points

_LANES = np.uint64(0x4C414E45)  # keeps the keys of lanes apart from the keys of hands
_PLAYERS = np.uint64(0x504C4159)  # and those of the built-in players from both

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
def player_key(episode_key: np.uint64) -> np.uint64:
    """Where the stream starts that built-in players of an episode draw from, and a random learner's seat."""
    return mix(episode_key, _PLAYERS)


@njit(cache=True)
def marks_after(hand: np.void, team: int) -> int:
    """The marks of ``team`` once the finished ``hand`` is counted."""
    value = score(hand) if team == 0 else -score(hand)
    return np.int64(hand.marks[team]) + (np.int64(value) if value > 0 else 0)


@njit(cache=True)
def episode_over(hand: np.void) -> bool:
    """Whether the finished ``hand`` ends its episode: always, unless a match goes on."""
    return not hand.match or max(marks_after(hand, 0), marks_after(hand, 1)) >= MATCH_MARKS


@njit(cache=True)
def payoff(hand: np.void) -> float:
    """What the finished ``hand`` pays seats 0&2: its score, or for a match 1 to its winner and nothing on the way."""
    if not hand.match:
        return score(hand)
    if not episode_over(hand):
        return 0.0
    return 1.0 if marks_after(hand, 0) > marks_after(hand, 1) else -1.0


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
def next_hand(hand: np.void, episode_key: np.uint64, number: int, contract: int) -> None:
    """Turn the finished ``hand`` of a match into hand ``number`` of it: marks counted, the next seat shakes."""
    ours, theirs = marks_after(hand, 0), marks_after(hand, 1)
    hand.marks[0], hand.marks[1] = ours, theirs
    hand.shaker = (hand.shaker + 1) & 3
    deal(hand, hand_key(episode_key, number), contract)


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
    if action < 0 or action >= len(mask) or not (legal_mask(hand) >> np.uint64(action)) & np.uint64(1):
        return ILLEGAL
    apply(hand, action)
    write_mask(hand, mask)
    return np.int64(hand.to_move)


@njit(cache=True, inline="always")
def write_mask(hand: np.void, mask: np.ndarray) -> None:
    """Write the legal actions of the seat to move into ``mask`` (int8 [56], 0/1)."""
    mask[:] = 0
    legal = legal_mask(hand)
    while legal:
        mask[lowest(legal)] = 1
        legal &= legal - np.uint64(1)


@njit(cache=True)
def write_masks(hands: np.ndarray, masks: np.ndarray) -> None:
    """Write the legal actions of ``hands`` [B] into ``masks`` (int8 [B, 56], 0/1)."""
    for b in range(len(hands)):
        write_mask(hands[b], masks[b])


# The same for the one hand in ``hands`` [1]: Python hands over an array six times faster than a record.


@njit(cache=True)
def first_hands(hands: np.ndarray, blank_hands: np.ndarray, episode_key: np.uint64, contract: int) -> None:
    """:func:`first_hand` of the one hand in ``hands`` [1]."""
    first_hand(hands[0], blank_hands[0], episode_key, contract)


@njit(cache=True)
def next_hands(hands: np.ndarray, episode_key: np.uint64, number: int, contract: int) -> None:
    """:func:`next_hand` of the one hand in ``hands`` [1]."""
    next_hand(hands[0], episode_key, number, contract)


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
