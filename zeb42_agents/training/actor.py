"""The actor: hands by their numbers in, finished experience out. It knows no buffer and no learner.

Hand number n depends on the actor's seed and on n alone: which rules it is played by, how it is dealt, how it is
explored and what its decisions draw. So hands of any length, contract and rules play side by side, and neither their
order nor how they are split among actors changes one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents.answers import sample_actions
from zeb42_agents.experience import blank_experience, stage
from zeb42_agents.search import Evaluator, Search
from zeb42_agents.training.seeds import DEALS, LABELS, PLAYS, key_of
from zeb42_env._core.bits import mix, mix_all, unit
from zeb42_env._core.record import HAND, NUM_ACTIONS, TRICKS, legal_mask
from zeb42_env._core.tables import deal_rows
from zeb42_env.rules import Rules
from zeb42_env.table import Table, Turn

STYLE_STREAM = 2000  # of the key of a hand's plays, beyond the numbers of its decisions
EXPLORED, RANDOM_TEAM = 1, (2, 4)  # bits of a style

Teach = Callable[[np.ndarray, np.ndarray], None]
"""Labels finished EXPERIENCE [N], in place; uint64 [N] are the keys of what it draws."""


class Exploration(NamedTuple):
    """How hands that a teacher labels are played. One that is not explored is played by the likeliest actions."""

    hands: float
    """Share of hands that are explored; what follows is about them."""
    temperature: float
    """Actions are drawn by the policy to the power 1 / temperature."""
    random_teams: float
    """How likely each team takes all its plays at random; calls are not drawn."""
    random_decisions: float
    """Share of single decisions taken at random."""


NO_EXPLORATION = Exploration(hands=0.0, temperature=1.0, random_teams=0.0, random_decisions=0.0)


class Found(NamedTuple):
    """What R decisions came to."""

    actions: np.ndarray
    """int64 [R]."""
    shares: np.ndarray | None
    """float32 [R, 56], the policy that a search recommends; None without one."""
    root_values: np.ndarray | None
    """float32 [R], what it thought of the view."""


class Actor:
    """Plays all four seats of hands.

    Args:
        player: a search, which labels what it plays, or an evaluator, whose policy plays alone.
        rules: what the hands are played by, in turn: hand number n by ``rules[n % len(rules)]``. One hand each.
        seed: of everything random.
        exploration: of an evaluator's play. A search has noise of its own.
        teach: labels the finished hands in place of the search; see :func:`zeb42_agents.training.teacher.teach`.
        worker: who this is: with the number of the hand the identity of what it plays.
    """

    def __init__(
        self,
        player: Evaluator | Search,
        rules: Sequence[Rules],
        *,
        seed: int,
        exploration: Exploration = NO_EXPLORATION,
        teach: Teach | None = None,
        worker: int = 0,
    ) -> None:
        self._player = player
        self._rules = list(rules)
        self._seed = seed
        self._exploration = exploration
        self._teach = teach
        self._worker = worker

    def start(self, numbers: np.ndarray) -> HandsAtPlay:
        """Deal the hands ``numbers`` (integers [N]), to be played."""
        numbers = np.asarray(numbers, np.uint64)
        keys = mix_all(key_of(self._seed, PLAYS), numbers)
        table = Table(deal(self._rules, numbers, key_of(self._seed, DEALS)), keys)
        self._table = table
        return HandsAtPlay(self, numbers, table, _styles(keys, self._exploration))

    def live_hands(self) -> np.ndarray:
        """The hands that were dealt last, as far as they are not over, EVERY DOMINO VISIBLE: HAND [R]. For the ablation
        peek alone."""
        return self._table.hands[self._table.live]

    def play(self, numbers: np.ndarray, *, cycle: int = 0, weights_step: int = 0) -> np.ndarray:
        """Play the hands ``numbers`` (integers [N]): EXPERIENCE [M] in their order, without hands that were thrown in.

        ``cycle`` and ``weights_step`` are stamped on it.
        """
        hands = self.start(numbers)
        while len((turn := hands.table.turn()).rows):
            found = hands.decide(turn)
            hands.note(turn, found)
            hands.table.take(turn.rows, found.actions)
        return hands.finish(cycle=cycle, weights_step=weights_step)


class HandsAtPlay:
    """Hands that an actor plays, and what has been found of them so far. See :meth:`Actor.play` for the loop."""

    def __init__(self, actor: Actor, numbers: np.ndarray, table: Table, styles: np.ndarray) -> None:
        self.table = table
        self._actor, self._numbers, self._styles = actor, numbers, styles
        self._experience = blank_experience(len(numbers))

    def decide(self, turn: Turn) -> Found:
        """One action for each decision of ``turn``, from its view and key, and what a search found on the way."""
        actor = self._actor
        if isinstance(actor._player, Search):
            found = actor._player(turn.views, turn.keys)
            return Found(found.action, found.policy, found.root_value)
        policy, _ = actor._player(turn.views)
        _explore(policy, turn.views, self._styles[turn.rows], turn.keys, actor._exploration)
        return Found(sample_actions(policy, turn.keys), None, None)

    def note(self, turn: Turn, found: Found) -> None:
        """Keep what was found at ``turn``."""
        if found.shares is not None:
            stage(turn.views, turn.rows, found.shares, found.root_values, self._experience)

    def finish(self, *, cycle: int = 0, weights_step: int = 0) -> np.ndarray:
        """The experience of the hands, all of them over; see :meth:`Actor.play`."""
        experience = self._experience
        experience["hand"] = self.table.hands
        experience["worker"] = self._actor._worker
        experience["sequence"] = self._numbers
        experience["cycle"] = cycle
        experience["weights_step"] = weights_step
        experience["explored"] = self._styles & EXPLORED
        kept = experience[experience["hand"]["bidder"] >= 0]
        if self._actor._teach is not None:
            self._actor._teach(kept, mix_all(key_of(self._actor._seed, LABELS), kept["sequence"]))
        return kept


def deal(rules: Sequence[Rules], numbers: np.ndarray, key: np.uint64) -> np.ndarray:
    """The hands ``numbers`` (uint64 [N]) of ``key``, undecided: HAND [N]. They take turns with ``rules``."""
    if not rules or any(rule.episode != "hand" for rule in rules):
        raise ValueError(f"expected rules of single hands, at least one, got {list(rules)}; allowed: episode hand")
    hands = np.zeros(len(numbers), HAND)
    for i, rule in enumerate(rules):
        rows = np.flatnonzero(numbers % np.uint64(len(rules)) == i)
        hands[rows] = rule.blank_record()
        deal_rows(hands, rows, mix_all(key, numbers[rows]), rule.contract_code)
    return hands


@njit(cache=True)
def _styles(keys: np.ndarray, exploration: Exploration) -> np.ndarray:
    """How each hand is explored, drawn from the keys [N] of their plays: uint8 [N], bits."""
    styles = np.zeros(len(keys), np.uint8)
    stream = np.empty(1, np.uint64)
    for i in range(len(keys)):
        stream[0] = mix(keys[i], np.uint64(STYLE_STREAM))
        explored, first, second = unit(stream), unit(stream), unit(stream)
        if explored < exploration.hands:
            styles[i] = EXPLORED
            styles[i] |= RANDOM_TEAM[0] * np.uint8(first < exploration.random_teams)
            styles[i] |= RANDOM_TEAM[1] * np.uint8(second < exploration.random_teams)
    return styles


@njit(cache=True)
def _explore(
    policy: np.ndarray, views: np.ndarray, styles: np.ndarray, keys: np.ndarray, exploration: Exploration
) -> None:
    """Turn the policy float32 [R, 56] into what actions are drawn by (rows of any sum), in place."""
    stream = np.empty(1, np.uint64)
    for row in range(len(views)):
        if not styles[row] & EXPLORED:
            likeliest = policy[row].argmax()
            policy[row] = 0.0
            policy[row, likeliest] = 1.0
            continue
        stream[0] = mix(keys[row], np.uint64(0))
        at_random = unit(stream) < exploration.random_decisions
        at_random |= styles[row] & RANDOM_TEAM[views[row].seat & 1] != 0
        if at_random and views[row].phase == TRICKS:  # calls at random would make contracts that nobody meets
            legal = legal_mask(views[row])
            for action in range(NUM_ACTIONS):
                policy[row, action] = (legal >> np.uint64(action)) & np.uint64(1)
        else:
            policy[row] **= np.float32(1.0 / exploration.temperature)
