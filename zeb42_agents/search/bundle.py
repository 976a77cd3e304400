"""Search over a bundle of worlds, each played to the end of the hand by honest players.

The searcher samples worlds behind its view and plays them to the end, or to where the hand is decided. The other seats
are minds: each plays from its own view in that world. The searcher cannot tell apart worlds with one public history,
so it decides once for all of them: at its own next turn the worlds are grouped by what everybody has seen, and each
group takes the play that is best for the group as a whole. There is no look at hidden dominoes, which is what
double-dummy values get wrong, but where it is asked for: worlds may be solved once few tricks are left.

A group of few worlds is nearly one world, and choosing by it would be choosing with all hands open. So groups of fewer
than ``thin`` worlds leave the searcher's decision to a mind, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_agents import evidence as heard
from zeb42_agents import worlds as deals
from zeb42_agents.evidence import Evidence
from zeb42_agents.minds import Mind, choose
from zeb42_agents.search.ends import solved_points
from zeb42_agents.solver import new_memory
from zeb42_agents.tally import solved_values
from zeb42_env._core.bits import lowest, mix, popcount
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS, NUM_TRICKS
from zeb42_env._core.goals import decided, outcome
from zeb42_env._core.record import HAND, OVER, blank, legal_plays, play

LEVELS = NUM_TRICKS + 1  # decisions of its own that a seat may still have, and the level after the last
MEMO_SLOTS, MEMO_WAYS = 1 << 14, 8
EMPTY = np.uint64(0)
EARLY_PLAYS = 8  # of the first two tricks
NOT_TRIED = -2.0  # below any value


GROUP = np.dtype(
    [
        ("best", np.float64),  # the best play so far of the group, for the searcher's team
        ("total", np.float64),  # what the worlds of this level have come to, for seats 0&2
        ("first", np.int64),  # the group's worlds are rows first .. last - 1,
        ("last", np.int64),
        ("end", np.int64),  # and those of the level end here
        ("todo", np.uint32),  # plays of the group still to be tried, as bits
    ],
    align=True,
)
"""One level of the walk: a group of worlds that the searcher cannot tell apart, and what is left to do."""


class Plan(NamedTuple):
    """How many worlds a search takes, and what it does with few."""

    num_worlds: int
    """Worlds sampled for a decision."""
    early: int
    """In the first two tricks, where most is hidden, so many times as many."""
    thin: int
    """Groups of fewer worlds leave the searcher's own decision to a mind."""
    every_deal: bool
    """Whether a view that no more than ``num_worlds`` deals agree with is searched in all of them, each once. Then a
    group of any size is all there is to know: no group is thin, and no world is solved."""
    solve_tricks: int = 0
    """A world with at most so many whole tricks left is not played on but solved, all hands open; 0 never. What is
    hidden so late matters less than the slips of the minds, and the solver is quicker than they are."""
    solved: float = 0.0
    """So much of what a play is worth is what it comes to if the same worlds are solved from there on, all hands open,
    and the rest what it comes to played out. The two err in other ways: the one sees what nobody sees, the other takes
    everybody for a mind."""

    @property
    def most_worlds(self) -> int:
        """The most that a decision takes."""
        return self.num_worlds * self.early


class Bundle(NamedTuple):
    """W worlds on their way to the end of the hand. Level l holds them at the searcher's decision number l."""

    worlds: np.ndarray
    """HAND [W], as sampled."""
    evidence: Evidence
    """How worlds are weighed by what the others called and played."""
    candidates: np.ndarray
    """HAND [W * resample], worlds to be weighed."""
    logs: np.ndarray
    """float64 [W * resample], what each is worth."""
    hands: np.ndarray
    """HAND [8, W]; rows of one level that are next to one another belong to one public history."""
    histories: np.ndarray
    """uint64 [8, W], what has been played since the root, hashed."""
    memo_keys: np.ndarray
    """uint64 [16384], decisions of minds already made: the history and the dominoes held, hashed; 0 empty."""
    memo_plays: np.ndarray
    """int8 [16384]"""
    groups: np.ndarray
    """GROUP [8], where the walk stands on each level."""
    scratch: np.ndarray
    """HAND [1]"""
    memory: np.ndarray
    """MEMORY [1], what the solver works in."""
    solve_at: np.ndarray
    """int64 [1], the number of plays from which on a world is solved where a trick begins."""


def new_bundle(num_worlds: int, evidence: Evidence | None = None) -> Bundle:
    """Room for ``num_worlds`` worlds and what ``evidence`` weighs them out of; without it they are drawn evenly."""
    evidence = evidence or heard.new_evidence()
    num_candidates = num_worlds * evidence.resample
    return Bundle(
        worlds=np.empty(num_worlds, HAND),
        evidence=evidence,
        candidates=np.empty(num_candidates, HAND),
        logs=np.empty(num_candidates),
        hands=np.empty((LEVELS, num_worlds), HAND),
        histories=np.empty((LEVELS, num_worlds), np.uint64),
        memo_keys=np.empty(MEMO_SLOTS, np.uint64),
        memo_plays=np.empty(MEMO_SLOTS, np.int8),
        groups=np.zeros(LEVELS, GROUP),
        scratch=np.empty(1, HAND),
        memory=new_memory(),
        solve_at=np.full(1, NUM_DOMINOES, np.int64),
    )


@njit(cache=True, nogil=True)
def weigh_plays(
    view: np.void, key: np.uint64, given: np.ndarray, bundle: Bundle, mind: Mind, plan: Plan, values: np.ndarray
) -> np.ndarray:
    """Write what each legal play comes to for the team of ``view`` into ``values`` (float64 [28], -1..1).

    Returns the worlds that it was found in: ``given`` (HAND [W]), or if that is empty those that it draws, a part of
    ``bundle.worlds``.
    """
    if len(given):
        bundle.solve_at[0] = NUM_DOMINOES - NUM_SEATS * plan.solve_tricks
        search_bundle(bundle, mind, given, mix(key, np.uint64(1)), plan.thin, values)
        _ask_solver(view, given, plan, bundle, values)
        return given
    num_worlds = plan.num_worlds * (plan.early if view.num_plays < EARLY_PLAYS else 1)
    thin, solve_tricks = plan.thin, plan.solve_tricks
    if heard.says_something(view, bundle.evidence):
        found, all_of_them = _weighed(view, key, bundle, mind, num_worlds, plan.every_deal)
    else:
        found, all_of_them = _even(view, key, bundle, num_worlds, plan.every_deal)
    if all_of_them:
        thin, solve_tricks = 1, 0
    sampled = bundle.worlds[:found]
    bundle.solve_at[0] = NUM_DOMINOES - NUM_SEATS * solve_tricks
    search_bundle(bundle, mind, sampled, mix(key, np.uint64(1)), thin, values)
    _ask_solver(view, sampled, plan, bundle, values)
    return sampled


@njit(cache=True, nogil=True)
def _ask_solver(view: np.void, sampled: np.ndarray, plan: Plan, bundle: Bundle, values: np.ndarray) -> None:
    """Mix what the plays come to solved into ``values`` [28], as ``plan`` says."""
    if plan.solved == 0.0:
        return
    solved = np.empty(NUM_DOMINOES)
    solved_values(view, sampled, bundle.memory[0], solved)
    for domino in range(NUM_DOMINOES):
        if values[domino] > NOT_TRIED:
            values[domino] += plan.solved * (solved[domino] - values[domino])


@njit(cache=True, nogil=True)
def _even(view: np.void, key: np.uint64, bundle: Bundle, num_worlds: int, every_deal: bool) -> tuple[int, bool]:
    """Write worlds, all as likely, into ``bundle.worlds``; returns how many, and whether they are all there are."""
    found = deals.enumerate_into(view, bundle.worlds[:num_worlds]) if every_deal else 0
    if found:
        return found, True
    consistent = deals.sample_into(view, key, bundle.evidence.even, bundle.worlds[:num_worlds])
    assert consistent
    return num_worlds, False


@njit(cache=True, nogil=True)
def _weighed(
    view: np.void, key: np.uint64, bundle: Bundle, mind: Mind, num_worlds: int, every_deal: bool
) -> tuple[int, bool]:
    """The same of worlds resampled by the evidence, out of all there are if those are no more than its candidates.

    A world may come several times, so those that are more likely count for more.
    """
    num_candidates = num_worlds * bundle.evidence.resample
    found = deals.enumerate_into(view, bundle.candidates[:num_candidates]) if every_deal else 0
    candidates, logs = bundle.candidates[: found or num_candidates], bundle.logs[: found or num_candidates]
    if found:
        heard.log_calls(view, candidates, bundle.evidence, logs)
    else:
        consistent = heard.propose(view, key, bundle.evidence.even, bundle.evidence, candidates, logs)
        assert consistent
    heard.add_plays(view, candidates, mind, bundle.evidence, logs)
    heard.keep(candidates, logs, key, bundle.worlds[:num_worlds])
    return num_worlds, 0 < found <= num_worlds


@njit(cache=True, nogil=True)
def weigh_many(views: np.ndarray, keys: np.ndarray, bundle: Bundle, mind: Mind, plan: Plan, values: np.ndarray) -> None:
    """:func:`weigh_plays` for ``views`` [B] with keys [B], in worlds that it draws, into ``values`` [B, 28]."""
    for b in range(len(views)):
        weigh_plays(views[b], keys[b], bundle.worlds[:0], bundle, mind, plan, values[b])


@njit(cache=True, nogil=True)
def search_bundle(
    bundle: Bundle, mind: Mind, worlds: np.ndarray, key: np.uint64, thin: int, values: np.ndarray
) -> None:
    """Write what each legal play of the seat to move comes to for its team into ``values`` (float64 [28], -1..1).

    ``worlds`` HAND [W] are sampled from one view in its tricks. Other dominoes get NOT_TRIED. ``key`` is what the minds
    draw from.
    """
    bundle.memo_keys[:] = EMPTY
    for w in range(len(worlds)):
        bundle.hands[0, w] = worlds[w]
        bundle.histories[0, w] = np.uint64(1)
    bundle.groups[0].first, bundle.groups[0].last = 0, len(worlds)
    values[:] = NOT_TRIED
    legal = legal_plays(worlds[0])
    sign = 1.0 if worlds[0].to_move & 1 == 0 else -1.0
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        values[domino] = sign * _value_of(bundle, mind, key, thin, domino) / len(worlds)


@njit(cache=True, nogil=True)
def _value_of(bundle: Bundle, mind: Mind, key: np.uint64, thin: int, domino: int) -> float:
    """What comes of ``domino`` at the root for seats 0&2, -1..1, summed over its worlds.

    A walk in depth over groups and their plays, by hand where recursion would say it shorter: numba cannot cache
    kernels that call themselves.
    """
    groups = bundle.groups
    sign = 1.0 if bundle.hands[0, 0].to_move & 1 == 0 else -1.0
    level = _play(bundle, mind, key, 0, domino)
    while True:
        group = groups[level]
        if group.todo:
            domino = lowest(group.todo)
            group.todo &= group.todo - np.uint32(1)
            level = _play(bundle, mind, key, level, domino)
        elif group.last < group.end:  # the next group of this level; the one before, if any, has taken its best play
            group.first = group.last
            group.last = _gather(bundle, level, group.first, group.end)
            group.best = -np.inf
            group.todo = _candidates(bundle, mind, key, thin, level)
        elif level == 1:
            return group.total
        else:  # what came of a play of the level above
            level -= 1
            above = groups[level]
            above.best = max(above.best, sign * group.total)
            if not above.todo:
                above.total += sign * above.best


@njit(cache=True, nogil=True)
def _play(bundle: Bundle, mind: Mind, key: np.uint64, level: int, domino: int) -> int:
    """Play ``domino`` in the worlds of the level's group, and on until the searcher is to move again: the level below.

    Worlds that end on the way are counted there.
    """
    group, below = bundle.groups[level], bundle.groups[level + 1]
    seat = np.int64(bundle.hands[level, group.first].to_move)
    below.total, below.todo = 0.0, np.uint32(0)
    end = np.int64(group.first)  # of the worlds that go on
    below.last = end
    for w in range(group.first, group.last):
        bundle.hands[level + 1, end] = bundle.hands[level, w]
        hand = bundle.hands[level + 1, end]
        play(hand, domino)
        history = _play_others(bundle, mind, key, hand, seat, mix(bundle.histories[level, w], np.uint64(domino)))
        if hand.phase == OVER or decided(hand):
            below.total += outcome(hand, np.int64(hand.points[0]))
        elif hand.num_plays & 3 == 0 and hand.num_plays >= bundle.solve_at[0]:
            below.total += outcome(hand, solved_points(hand, bundle.memory[0]))
        else:
            bundle.histories[level + 1, end] = history
            end += 1
    below.end = end
    return level + 1


@njit(cache=True, nogil=True)
def _candidates(bundle: Bundle, mind: Mind, key: np.uint64, thin: int, level: int) -> np.uint32:
    """The plays that the level's group decides between, as bits: all legal ones, or the mind's if the group is thin."""
    group = bundle.groups[level]
    hand = bundle.hands[level, group.first]
    legal = legal_plays(hand)
    if popcount(legal) > 1 and group.last - group.first < thin:
        return np.uint32(1) << np.uint32(_mind_plays(bundle, mind, key, hand, bundle.histories[level, group.first]))
    return legal


@njit(cache=True, nogil=True)
def _play_others(bundle: Bundle, mind: Mind, key: np.uint64, hand: np.void, seat: int, history: np.uint64) -> np.uint64:
    """Let minds play in ``hand`` until ``seat`` is to move or nothing is left to decide; returns the history."""
    while hand.phase != OVER and hand.to_move != seat:
        if hand.num_plays & 3 == 0 and (decided(hand) or hand.num_plays >= bundle.solve_at[0]):
            break
        domino = _mind_plays(bundle, mind, key, hand, history)
        play(hand, domino)
        history = mix(history, np.uint64(domino))
    return history


@njit(cache=True, nogil=True)
def _mind_plays(bundle: Bundle, mind: Mind, key: np.uint64, hand: np.void, history: np.uint64) -> int:
    """What the mind of the seat to move plays from its own view of ``hand``."""
    held = hand.held[hand.to_move]
    legal = legal_plays(hand)
    if popcount(legal) == 1:
        return lowest(legal)
    name = mix(history, np.uint64(held))  # all that the seat sees, since the root is common
    slot = np.int64(name & np.uint64(MEMO_SLOTS - 1)) & ~(MEMO_WAYS - 1)
    free = -1
    for place in range(slot, slot + MEMO_WAYS):
        if bundle.memo_keys[place] == name:
            return np.int64(bundle.memo_plays[place])
        if bundle.memo_keys[place] == EMPTY:
            free = place
            break
    bundle.scratch[0] = hand
    blank(bundle.scratch[0], hand.to_move)
    domino = choose(mind, bundle.scratch[0], mix(key, name))
    place = free if free >= 0 else slot  # a full row forgets its first
    bundle.memo_keys[place] = name
    bundle.memo_plays[place] = domino
    return domino


@njit(cache=True, nogil=True)
def _gather(bundle: Bundle, level: int, first: int, last: int) -> int:
    """Bring the worlds with the history of world ``first`` together at the front; returns where they end."""
    history = bundle.histories[level, first]
    end = first + 1
    for w in range(first + 1, last):
        if bundle.histories[level, w] != history:
            continue
        if w != end:
            bundle.histories[level, w] = bundle.histories[level, end]
            bundle.histories[level, end] = history
            bundle.scratch[0] = bundle.hands[level, w]
            bundle.hands[level, w] = bundle.hands[level, end]
            bundle.hands[level, end] = bundle.scratch[0]
        end += 1
    return end
