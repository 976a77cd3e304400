"""What players of the environments are given: views, and keys that do not lead to the deal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from test_single import keyed_action

from zeb42_env import HAND, Hand, Rules, Texas42Env, Texas42VectorEnv
from zeb42_env._core import bits, episodes
from zeb42_env._core.record import num_decisions

GAMMA, MASK = int(bits.GOLDEN_GAMMA), 2**64 - 1


def undone_draw(drawn: int) -> int:
    """The state of the stream that ``next_bits`` drew from: every step of splitmix64 can be undone."""
    z = drawn ^ (drawn >> 31) ^ (drawn >> 62)
    z = z * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    z ^= (z >> 27) ^ (z >> 54)
    z = z * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    return z ^ (z >> 30) ^ (z >> 60)


def undone_mix(mixed: int, number: int) -> int:
    """The key that ``mix(key, number)`` was made from."""
    return undone_draw(undone_draw(mixed)) - (number + 1) * GAMMA & MASK


def suspects(view: np.void, key: int) -> list[int]:
    """The keys that the hand may have been dealt from, by all ways back from the key of one decision."""
    decisions = int(num_decisions(view))
    streams = [undone_draw(key) - k * GAMMA & MASK for k in range(1, 35)] + [key, undone_mix(key, decisions)]
    ways = [*streams, *(key ^ stream for stream in streams)]
    words = [int(word) for word in (episodes._BUILT_IN, episodes._GUESTS)]
    return ways + [undone_mix(way, word) for way in ways for word in words]


def recovered(decisions: list[tuple[np.void, int]], rules: Rules) -> int:
    """How many of the ``decisions`` (a view and a key) give the deal away: one that fits all that the view shows."""
    found = 0
    for view, key in decisions:
        keys = np.array(suspects(view, key), np.uint64)
        deals = np.repeat(rules.blank_record(), len(keys))
        for b in range(len(keys)):
            episodes.deal(deals[b], keys[b], 0)
        seen = view["owner"] >= 0
        found += bool((deals["owner"][:, seen] == view["owner"][seen]).all(1).any())
    return found


def decisions_of_players(rules: Rules, seeds: range) -> list[tuple[np.void, int]]:
    seen: list[tuple[np.void, int]] = []

    def spy(views: np.ndarray, keys: np.ndarray) -> list[int]:
        seen.extend(zip(views, keys.tolist(), strict=True))
        return keyed_action(views, keys)

    env = Texas42Env(rules=rules, players=spy)
    for seed in seeds:
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            _, _, over, _, info = env.step(int(np.flatnonzero(info["action_mask"])[0]))
    return seen


def test_keys_of_players_do_not_lead_to_the_deal() -> None:
    rules = Rules()
    seen = decisions_of_players(rules, range(6))
    assert len(seen) > 100
    assert len({key for _, key in seen}) == len(seen)
    assert recovered(seen, rules) == 0


def test_the_attack_works_where_keys_can_be_undone() -> None:
    """The keys that players used to get: the deal lay open at each of them."""
    rules, leaky = Rules(), []
    for seed in range(3):
        key = bits.mix_all(bits.mix_all(np.uint64(seed), np.uint64(0)), episodes._BUILT_IN)
        stream = np.full(1, key, np.uint64)
        hand = Hand.deal(seed, rules)
        while not hand.is_over:
            leaky.append((hand.view(hand.to_move), int(bits.next_bits(stream))))
            hand.apply(hand.legal_actions()[0])
    assert recovered(leaky, rules) == len(leaky) > 90


def test_keys_differ_between_the_hands_of_a_match() -> None:
    seen = decisions_of_players(Rules(episode="match"), range(2))
    assert max(view["marks"].max() for view, _ in seen) > 0
    assert len({key for _, key in seen}) == len(seen)


def test_vector_and_scalar_environment_give_the_same_keys() -> None:
    seen: dict[str, list[tuple[bytes, int]]] = {"scalar": [], "vector": []}

    def spy(name: str) -> Callable[[np.ndarray, np.ndarray], list[int]]:
        def act(views: np.ndarray, keys: np.ndarray) -> list[int]:
            seen[name].extend((view.tobytes(), int(key)) for view, key in zip(views, keys, strict=True))
            return keyed_action(views, keys)

        return act

    for seed in (5, 6):
        Texas42Env(players=spy("scalar"), seat=3).reset(seed=seed)
    Texas42VectorEnv(2, players=spy("vector"), seat=3).reset(seed=[5, 6])
    assert sorted(seen["scalar"]) == sorted(seen["vector"])
    assert seen["scalar"]


def test_a_match_goes_on_by_scores_that_are_given() -> None:
    hands = np.array([Hand.deal(seed, Rules(episode="match"), marks=(3, 2)).record for seed in range(4)], HAND)
    before = hands.copy()
    rows, scores, keys = np.array([3, 1]), np.array([2.0, -1.0]), np.array([8, 9], np.uint64)
    assert episodes.count_marks(hands, rows, scores).tolist() == [[5, 2], [3, 3]]
    episodes.next_hands(hands, rows, scores, keys, 0)
    assert hands["marks"].tolist() == [[3, 2], [3, 3], [3, 2], [5, 2]]
    assert hands["shaker"][rows].tolist() == ((before["shaker"][rows] + 1) & 3).tolist()
    assert hands[[0, 2]].tobytes() == before[[0, 2]].tobytes()
    for row, key in zip(rows, keys, strict=True):
        alone = before[row : row + 1].copy()
        episodes.deal(alone[0], key, 0)
        assert (hands["owner"][row] == alone["owner"][0]).all()
        assert hands["phase"][row] == hands["num_plays"][row] == 0
