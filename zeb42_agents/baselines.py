"""Players without search: :class:`RandomAgent`, and :class:`GreedyAgent`, a rule player who thinks one trick ahead.

Both call and declare by :func:`zeb42_agents.simple_bidder.simple_calls`, as all agents that have not learned to bid.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_agents.simple_bidder import explain_call, simple_calls
from zeb42_env._core.bits import below, lowest, nth_bit, popcount
from zeb42_env._core.dominoes import COUNT, LED_SUIT, NUM_DOMINOES, NUM_SEATS, NUM_TRICKS, POWER, SUIT_MEMBERS, TRUMPS
from zeb42_env._core.record import TRICKS, legal_plays, may_hold, trick_points, trick_winner
from zeb42_env.hand import Hand

LOWEST_TRUMP_POWER = 9  # POWER is 9..16 for trumps, 1..8 for other dominoes of the led suit, 0 for the rest

EXPECTED_COUNT = 2.5  # points that the seats still to play add to a trick, over the one that every trick has
KEEP_TRUMP = 3.0  # points that a trump is worth for later
KEEP_BOSS = 0.5  # the same for the best domino left of its suit
KEEP_POWER = 0.1  # and for each step of rank
KEEP_COUNT = 0.15  # share of a count that it is worth to hold it back
PULL = 10.0  # points that drawing the trumps of the opponents is worth to who holds the best one


class RandomAgent(Agent):
    """Plays any legal domino, all equally likely."""

    name = "random"

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action for each view; see :meth:`zeb42_agents.Agent.act`."""
        return _call_or_play(views, rng, random_plays)

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """That every play is as likely; calls are the simple bidder's. See :meth:`zeb42_agents.Agent.explain`."""
        views, keys = one_decision(view, rng)
        if views[0]["phase"] != TRICKS:
            return explain_call(views[0])
        hand = Hand(views[0])
        legal = hand.legal_actions()
        return Explanation(
            view=hand,
            chosen=int(self.act(views, keys)[0]),
            candidates=tuple(Candidate(action=domino, policy=1 / len(legal)) for domino in legal),
            speaker="chance",
            basis="no opinion",
            how="any, all equally likely",
        )


class GreedyAgent(Agent):
    """Plays the domino with the best expected points of the current trick, less what the domino is worth for later.

    The chance that its team takes the trick comes from counting: each unseen domino is with one of the seats that may
    still hold it, in proportion to how many dominoes those seats have left. So it leads trumps while they pull, cashes
    sure winners, gives count to its partner's winning trick and keeps it from the enemy's. It uses no randomness.
    """

    name = "greedy"

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action for each view; see :meth:`zeb42_agents.Agent.act`."""
        return _call_or_play(views, rng, greedy_plays)

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What each play is worth to it, in points; calls are the simple bidder's. See
        :meth:`zeb42_agents.Agent.explain`."""
        views, _ = one_decision(view, rng)
        if views[0]["phase"] != TRICKS:
            return explain_call(views[0])
        hand, worths = Hand(views[0]), play_worths(views[0])
        candidates = [Candidate(action=domino, value=float(worths[domino])) for domino in hand.legal_actions()]
        candidates.sort(key=lambda candidate: (-worths[candidate.action], candidate.action))
        return Explanation(
            view=hand,
            chosen=candidates[0].action,
            candidates=tuple(candidates),
            speaker="rules",
            basis="this trick, and counting who may hold what",
            how="the most points expected of this trick, less what the domino is worth for later; of equals the lower",
            unit="points",
            root_value=candidates[0].value,
        )


def _call_or_play(views: np.ndarray, rng: Randomness, kernel: Callable[..., None]) -> np.ndarray:
    """Actions [B]: from ``kernel`` where a domino is to be played, from the shared bidder elsewhere."""
    views = require_movers(views)
    actions = np.full(len(views), -1, np.int64)
    kernel(views, view_keys(rng, len(views)), actions)
    calling = np.flatnonzero(actions < 0)
    if len(calling):
        actions[calling] = simple_calls(views[calling])
    return actions


@njit(cache=True, nogil=True)
def random_plays(views: np.ndarray, keys: np.ndarray, actions: np.ndarray) -> None:
    """Write a uniform legal play into ``actions`` [B] for each of ``views`` [B] that is to play; keys [B]."""
    stream = np.empty(1, np.uint64)
    for b in range(len(views)):
        if views[b].phase == TRICKS:
            stream[0] = keys[b]
            legal = legal_plays(views[b])
            actions[b] = nth_bit(np.uint64(legal), below(stream, popcount(legal)))


@njit(cache=True, nogil=True)
def greedy_plays(views: np.ndarray, keys: np.ndarray, actions: np.ndarray) -> None:  # noqa: ARG001
    """Write greedy's play into ``actions`` [B] for each of ``views`` [B] that is to play; the keys are not used."""
    candidates = np.empty(NUM_SEATS, np.uint32)
    for b in range(len(views)):
        if views[b].phase == TRICKS:
            actions[b] = greedy_play(views[b], candidates)


@njit(cache=True)
def greedy_play(view: np.void, candidates: np.ndarray) -> int:
    """The domino of most worth to the seat to move; ``candidates`` (uint32 [4]) is scratch."""
    legal = legal_plays(view)
    if popcount(legal) == 1:
        return lowest(legal)
    may_hold(view, candidates)
    left = np.empty(NUM_SEATS, np.int64)
    num_dominoes_left(view, left)
    best, best_worth = -1, -1e9
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        worth = play_worth(view, domino, candidates, left)
        if worth > best_worth:
            best, best_worth = domino, worth
    return best


@njit(cache=True)
def play_worths(view: np.void) -> np.ndarray:
    """:func:`play_worth` of every legal play, float64 [28]; not a number elsewhere."""
    candidates, left = np.empty(NUM_SEATS, np.uint32), np.empty(NUM_SEATS, np.int64)
    may_hold(view, candidates)
    num_dominoes_left(view, left)
    worths = np.full(NUM_DOMINOES, np.nan)
    legal = legal_plays(view)
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        worths[domino] = play_worth(view, domino, candidates, left)
    return worths


@njit(cache=True)
def num_dominoes_left(view: np.void, left: np.ndarray) -> None:
    """Write into ``left`` [4] how many dominoes each seat still holds."""
    left[:] = NUM_TRICKS - view.num_plays // 4
    for place in range(view.num_plays & 3):
        left[(view.leader + place) & 3] -= 1


@njit(cache=True)
def play_worth(view: np.void, domino: int, candidates: np.ndarray, left: np.ndarray) -> float:
    """Points of this trick that the mover's team may expect more than the other if it plays ``domino``, less what the
    domino is worth for later ones."""
    me = view.to_move
    place = view.num_plays & 3
    first = view.num_plays - place
    led = LED_SUIT[view.declaration, view.plays[first] if place else domino]
    points = trick_points(view, first) + np.int64(COUNT[domino])
    winner, power = me, np.int64(POWER[view.declaration, led, domino])
    if place:
        best_place = trick_winner(view, first)
        best_power = np.int64(POWER[view.declaration, led, view.plays[first + best_place]])
        if best_power >= power:
            winner, power = (view.leader + best_place) & 3, best_power
    ours = (winner - me) & 1 == 0
    chance = 1.0 if ours else 0.0
    for later in range(1, NUM_SEATS - place):
        seat = (me + later) & 3
        beats = chance_to_beat(seat, led, power, view.declaration, candidates, left)
        if later == 2:  # the partner
            chance += (1.0 - chance) * beats * (0.5 if ours else 1.0)
        else:
            chance *= 1.0 - beats
    worth = (2.0 * chance - 1.0) * (points + EXPECTED_COUNT * (NUM_SEATS - 1 - place) / 3)
    if place == 0 and power >= LOWEST_TRUMP_POWER and chance > 0.99:
        theirs = (candidates[(me + 1) & 3] | candidates[(me + 3) & 3]) & TRUMPS[view.declaration]
        if theirs:
            worth += PULL
    return worth - keep_worth(view, domino, candidates)


@njit(cache=True)
def chance_to_beat(
    seat: int, led: int, power: int, declaration: int, candidates: np.ndarray, left: np.ndarray
) -> float:
    """The chance that ``seat`` can beat ``power`` in a trick of suit ``led``, each unseen domino taken by itself."""
    none_higher, is_void, no_trump = 1.0, 1.0, 1.0
    unseen = candidates[seat]
    suit = SUIT_MEMBERS[declaration, led]
    while unseen:
        domino = lowest(unseen)
        unseen &= unseen - np.uint32(1)
        beats = POWER[declaration, led, domino] > power
        follows = (suit >> np.uint32(domino)) & np.uint32(1)
        if not follows and not beats:
            continue
        places = 0
        for other in range(NUM_SEATS):
            if (candidates[other] >> np.uint32(domino)) & np.uint32(1):
                places += left[other]
        absent = 1.0 - left[seat] / places
        if follows:
            is_void *= absent
            if beats:
                none_higher *= absent
        else:
            no_trump *= absent
    return 1.0 - none_higher + is_void * (1.0 - no_trump)


@njit(cache=True)
def keep_worth(view: np.void, domino: int, candidates: np.ndarray) -> float:
    """Points that holding ``domino`` back is worth for later tricks."""
    me = view.to_move
    led = LED_SUIT[view.declaration, domino]
    power = POWER[view.declaration, led, domino]
    worth = KEEP_POWER * power + KEEP_COUNT * COUNT[domino]
    if power >= LOWEST_TRUMP_POWER:
        worth += KEEP_TRUMP
    others = (candidates[(me + 1) & 3] | candidates[(me + 3) & 3]) & SUIT_MEMBERS[view.declaration, led]
    while others:
        other = lowest(others)
        others &= others - np.uint32(1)
        if POWER[view.declaration, led, other] > power:
            return worth
    return worth + KEEP_BOSS
