"""What the others' calls, the declaration and their plays tell of the deal: worlds kept as likely as they explain them.

Worlds are drawn several times over, weighed, and resampled. Every hidden hand of a world answers for its own seat: all
the calls it made, passes included, under the shared simple bidder with soft edges or, if it may call alike, as the
viewer does; what it declared, under the simple bidder; and what it played, under a mind where there is one. What the
viewer did itself is the same in every world.

A contract that was dealt tells something, too, if it is known how. The record of a hand does not say by which rule its
contract was dealt, so a player has to be told (``dealt``).
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numba import njit

from zeb42_agents import likelihood
from zeb42_agents import worlds as deals
from zeb42_agents.calls.network import UNHEARD, Layers, heard_chance, knows
from zeb42_agents.minds import NETWORK, Mind
from zeb42_agents.minds.network import write_logits
from zeb42_agents.simple_bidder import made_chance, value_calls_with
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, mix, popcount
from zeb42_env._core.dominoes import NUM_DECLARATIONS, NUM_DOMINOES, NUM_SEATS, TRUMPS
from zeb42_env._core.record import (
    BY_CHANCE,
    BY_FORCED_30,
    BY_MOST_TRUMPS,
    HAND,
    MIN_BID,
    NUM_ACTIONS,
    PASS,
    best_pip,
    bid_value,
    blank,
    legal_calls,
    legal_plays,
    most_trumps,
    num_decisions,
    play,
    rewind,
    start,
)
from zeb42_env.records import as_records

Dealt = Literal["random", "dropped30", "most_trumps"]
"""How contracts come about that nobody called."""
DEALT_CODES = {"random": BY_CHANCE, "dropped30": BY_FORCED_30, "most_trumps": BY_MOST_TRUMPS}

CALL_SOFTNESS = 0.2  # stakes by which a call must be worth more to be e times as likely
CALL_NOISE = 0.1  # share of calls that are any legal one
DECLARATION_SOFTNESS = 0.2  # the same of a declaration, in log odds of making the bid
DECLARATION_NOISE = 0.05
PLAY_NOISE = 0.05  # share of plays that are any legal one
TEMPERATURES = (0.5, 2.0, 8.0, 1e6)  # of players of whom nothing is known: as a mind plays, roughly so, or anyhow
ODDS = (1 / 12, 1 / 12, 1 / 12, 3 / 4)  # it takes plays that tell to be heard: at no table worse than the rules alone
UNEXPLAINED = -12.0  # log of what a deal is taken to be that the rule of its contract excludes: the rule may be another
TILT = 3.0  # the bidder is dealt a trump so many times as likely when worlds are proposed, which their weight makes up
FLOOR = 0.01  # share of the weight that all candidates have alike
MAX_RESAMPLE = 64
MEMO_SLOTS = 1 << 16


class Evidence(NamedTuple):
    """How worlds are weighed, and what was found of hands before. One for each thread."""

    resample: int
    """Candidates for each world; 0: worlds are drawn evenly and nothing is weighed."""
    dealt: int
    """BY_CHANCE, BY_FORCED_30 or BY_MOST_TRUMPS: how contracts come about that nobody called."""
    plays: np.ndarray
    """float64 [T], the temperatures at which a mind's logits say how likely a play was; none: plays are not asked
    about."""
    odds: np.ndarray
    """float64 [T], the log of how likely each is that of a seat which has not played yet."""
    alike: np.ndarray
    """float64 [4], by seat from the viewer clockwise, how likely it calls as ``heard`` says where the rules are those
    that the viewer has learned to call by; else as the simple bidder."""
    heard: Layers
    """How the viewer itself makes its calls (:attr:`zeb42_agents.calls.CallNetwork.heard`)."""
    even: np.ndarray
    """float64 [28, 4], weights under which all worlds are equally likely."""
    memo_keys: np.ndarray
    """uint64 [65536], seats' hands that were asked about, with what was known when they called or played, hashed."""
    memo_logs: np.ndarray
    """float64 [65536], the log of how likely that hand called and declared, or played, as that seat did. The same at
    all later decisions of a hand, so it is kept from one to the next."""


def new_evidence(
    resample: int = 0, dealt: str = "random", plays: float = 0.0, alike: float = 0.0, heard: Layers = UNHEARD
) -> Evidence:
    """Evidence that takes ``resample`` candidates for each world; ValueError if the options are no such. With
    ``plays`` of 0 plays are not asked about. ``alike`` is how likely the partner calls as the viewer does, which
    ``heard`` knows; of an opponent it is a quarter of that."""
    if not isinstance(resample, int | np.integer) or not 0 <= resample <= MAX_RESAMPLE:
        raise ValueError(
            f"expected resample, candidates per world, a whole number in 0..{MAX_RESAMPLE}, got {resample!r}"
        )
    if dealt not in get_args(Dealt):
        raise ValueError(f"expected dealt, got {dealt!r}; allowed: {', '.join(get_args(Dealt))}")
    if not 0 <= plays <= 100:
        raise ValueError(f"expected plays, a temperature in 0..100, got {plays}")
    if not 0 <= alike <= 1:
        raise ValueError(f"expected alike, a probability in 0..1, got {alike}")
    if not resample and (dealt != "random" or plays or alike):
        raise ValueError("expected resample above 0 beside dealt, plays or alike, got 0: no world is weighed then")
    has_heard = float(len(heard.first) > 0)
    num_slots = MEMO_SLOTS if resample else 1
    return Evidence(
        resample=int(resample),
        dealt=DEALT_CODES[dealt],
        plays=np.array([plays] if plays else [], np.float64),
        odds=np.zeros(1 if plays else 0),
        alike=has_heard * np.array([0.0, alike / 4, alike, alike / 4]),
        heard=heard,
        even=np.ones((NUM_DOMINOES, NUM_SEATS)),
        memo_keys=np.zeros(num_slots, np.uint64),
        memo_logs=np.zeros(num_slots),
    )


def of_anybody() -> Evidence:
    """Evidence for a belief about players of whom nothing is known: a seat plays as the mind does, more or less, or
    anyhow, and its plays tell which."""
    return new_evidence(1)._replace(plays=np.array(TEMPERATURES), odds=np.log(ODDS))


def what_it_hears(evidence: Evidence) -> str:
    """What worlds are weighed by, for people."""
    return f"the calls{' and plays' if len(evidence.plays) else ''} so far"


def log_likelihood_of_calls(views: np.ndarray, worlds: np.ndarray, *, dealt: str = "random") -> np.ndarray:
    """How likely the other seats' calls and declaration were in each world: the log of it, float64 [B, W].

    Args:
        views: HAND [B], views in any phase.
        worlds: HAND [B, W], full hands that agree with the views.
        dealt: how contracts come about that nobody called: ``random`` tells nothing; under ``dropped30`` and
            ``most_trumps`` worlds that the rule excludes are taken to be very unlikely.

    Raises:
        ValueError: views or worlds are not such.
    """
    views, worlds = as_records(views, "views"), as_records(worlds, "worlds")
    likelihood.require_views_and_worlds(views, worlds)
    logs = np.empty(worlds.shape)
    _log_many(views, worlds, new_evidence(1, dealt), logs)
    return logs


@njit(cache=True, nogil=True)
def _log_many(views: np.ndarray, worlds: np.ndarray, evidence: Evidence, logs: np.ndarray) -> None:
    for b in range(len(views)):
        log_calls(views[b], worlds[b], evidence, logs[b])


@njit(cache=True, nogil=True)
def says_something(view: np.void, evidence: Evidence) -> bool:
    """Whether the calls, the contract or the plays of ``view`` tell anything of the other hands."""
    if evidence.resample == 0:
        return False
    if len(evidence.plays) and view.num_plays:
        return True
    if view.calls[0] < 0:
        return evidence.dealt != BY_CHANCE and view.declaration >= 0
    return view.calls[1] >= 0 or ((view.shaker + 1) & 3) != view.seat


@njit(cache=True, nogil=True)
def sample(view: np.void, num_worlds: int, key: np.uint64, evidence: Evidence) -> np.ndarray:
    """Worlds HAND [num_worlds] of ``view``, as likely as they explain what was called; ValueError if there are none.

    Without evidence in the view they are those of :func:`zeb42_agents.worlds.sample_evenly`.
    """
    if not says_something(view, evidence):
        return deals.sample_evenly(view, num_worlds, key)
    candidates, logs = np.empty(evidence.resample * num_worlds, HAND), np.empty(evidence.resample * num_worlds)
    if not propose(view, key, evidence.even, evidence, candidates, logs):
        raise ValueError(deals.NO_DEAL)
    out = np.empty(num_worlds, HAND)
    keep(candidates, logs, key, out)
    return out


@njit(cache=True, nogil=True)
def sample_many(
    views: np.ndarray, num_worlds: int, keys: np.ndarray, weights: np.ndarray, mind: Mind, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Worlds [B, num_worlds] of ``views`` [B], drawn by weights[b] ([B, 28, 4]) and resampled by what was called, and
    by what was played as ``mind`` plays, from keys[b]; the belief float32 [B, 28, 4] that comes of it; and in which
    views (bool [B]) there was something to weigh.

    Of the others, and those that ``weights`` leave no deal, worlds are as in
    :func:`zeb42_agents.worlds.sample_many` and the belief is ``weights``.
    """
    worlds, belief = np.empty((len(views), num_worlds), HAND), weights.astype(np.float32)
    weighed = np.zeros(len(views), np.bool_)
    candidates, logs = np.empty(evidence.resample * num_worlds, HAND), np.empty(evidence.resample * num_worlds)
    placed = np.empty((NUM_DOMINOES, NUM_SEATS))
    for b in range(len(views)):
        own = weights[b].astype(np.float64)
        if says_something(views[b], evidence) and propose(views[b], keys[b], own, evidence, candidates, logs):
            add_plays(views[b], candidates, mind, evidence, logs)
            shares = keep(candidates, logs, keys[b], worlds[b])
            placed[:] = 0.0
            for w in range(len(candidates)):
                for domino in range(NUM_DOMINOES):
                    placed[domino, candidates[w].owner[domino]] += shares[w]
            belief[b] = placed
            weighed[b] = True
        else:
            one = slice(b, b + 1)
            worlds[one] = deals.sample_many(views[one], num_worlds, keys[one], weights[one])
    return worlds, belief, weighed


@njit(cache=True, nogil=True)
def propose_many(
    views: np.ndarray, num_candidates: int, keys: np.ndarray, weights: np.ndarray, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates HAND [B, N] of ``views`` [B], drawn by ``weights`` [B, 28, 4] from ``keys``, and the log of what each
    is worth, float64 [B, N]: 0 where a view tells nothing. ValueError for a view without a deal."""
    candidates, logs = np.empty((len(views), num_candidates), HAND), np.zeros((len(views), num_candidates))
    for b in range(len(views)):
        own = weights[b].astype(np.float64)
        if says_something(views[b], evidence):
            found = propose(views[b], keys[b], own, evidence, candidates[b], logs[b])
        else:
            found = deals.sample_into(views[b], keys[b], own, candidates[b])
        if not found:
            raise ValueError(deals.NO_DEAL)
    return candidates, logs


@njit(cache=True, nogil=True)
def keep(candidates: np.ndarray, logs: np.ndarray, key: np.uint64, out: np.ndarray) -> np.ndarray:
    """Write worlds drawn from ``candidates`` (HAND [N]), which are worth ``logs`` [N], into ``out`` (HAND [W]). Returns
    the share of each candidate, float64 [N]."""
    shares = np.empty((1, len(candidates)))
    weigh(logs, shares[0])
    drawn = likelihood.resample(shares, len(out), np.full(1, mix(key, np.uint64(0)), np.uint64))
    for w in range(len(out)):
        out[w] = candidates[drawn[0, w]]
    return shares[0]


@njit(cache=True, nogil=True)
def propose(
    view: np.void, key: np.uint64, weights: np.ndarray, evidence: Evidence, candidates: np.ndarray, logs: np.ndarray
) -> bool:
    """Draw ``candidates`` (HAND [N]) by ``weights`` [28, 4] and write the log of what each is worth (float64 [N]).

    Where somebody else has declared, its seat is dealt trumps more often than ``weights`` say, and ``logs`` make up for
    that: worlds that explain the declaration are rare otherwise. False if there is no world.
    """
    if not deals.sample_into(view, key, tilted(view, weights), candidates):
        return False
    log_worth(view, candidates, evidence, logs)
    return True


@njit(cache=True, nogil=True)
def tilted(view: np.void, weights: np.ndarray) -> np.ndarray:
    """What worlds are proposed by, float64 [28, 4]: ``weights`` [28, 4], trumps to whoever else declared them."""
    tilted = weights.astype(np.float64)
    if view.declaration >= 0 and view.bidder != view.seat:
        for domino in range(NUM_DOMINOES):
            if (TRUMPS[view.declaration] >> np.uint32(domino)) & np.uint32(1):
                tilted[domino, view.bidder] *= TILT
    return tilted


@njit(cache=True, nogil=True)
def tilted_many(views: np.ndarray, weights: np.ndarray, evidence: Evidence) -> np.ndarray:
    """What :func:`propose_many` proposes by, float64 [B, 28, 4]."""
    out = weights.astype(np.float64)
    for b in range(len(views)):
        if says_something(views[b], evidence):
            out[b] = tilted(views[b], weights[b])
    return out


@njit(cache=True, nogil=True)
def log_worth(view: np.void, worlds: np.ndarray, evidence: Evidence, logs: np.ndarray) -> None:
    """Write the log of what each of ``worlds`` [W] is worth among those that were proposed into ``logs`` [W]."""
    log_calls(view, worlds, evidence, logs)
    if view.declaration >= 0 and view.bidder != view.seat:
        for w in range(len(worlds)):
            held = _dealt_to(worlds[w], view.bidder)
            logs[w] -= popcount(held & TRUMPS[view.declaration]) * np.log(TILT)


@njit(cache=True, nogil=True)
def log_worth_many(views: np.ndarray, worlds: np.ndarray, evidence: Evidence) -> np.ndarray:
    """:func:`log_worth` of ``worlds`` [B, W] as :func:`propose_many` gives it: float64 [B, W]."""
    logs = np.zeros(worlds.shape)
    for b in range(len(views)):
        if says_something(views[b], evidence):
            log_worth(views[b], worlds[b], evidence, logs[b])
    return logs


@njit(cache=True, nogil=True)
def weigh(logs: np.ndarray, shares: np.ndarray) -> None:
    """Write the share of each of N candidates (float64 [N], sum 1) that ``logs`` [N] make of them."""
    highest = logs.max()
    total = 0.0
    for w in range(len(logs)):
        shares[w] = np.exp(logs[w] - highest)
        total += shares[w]
    for w in range(len(logs)):
        shares[w] = (1.0 - FLOOR) * shares[w] / total + FLOOR / len(logs)


@njit(cache=True, nogil=True)
def log_calls(view: np.void, worlds: np.ndarray, evidence: Evidence, logs: np.ndarray) -> None:
    """Write how likely the calls and the contract of ``view`` were in each of ``worlds`` [W] into ``logs`` [W]."""
    logs[:] = 0.0
    if view.calls[0] < 0:
        if view.declaration >= 0 and evidence.dealt != BY_CHANCE:
            for w in range(len(worlds)):
                logs[w] = 0.0 if _deals_so(view, worlds[w], evidence.dealt) else UNEXPLAINED
        return
    story = _story(view)
    if evidence.alike.any():  # a seat is another viewer's partner
        story = mix(story, np.uint64(4 + view.seat))
    auction = np.empty(1, HAND)
    for w in range(len(worlds)):
        for seat in range(NUM_SEATS):
            if seat == view.seat:
                continue
            held = _dealt_to(worlds[w], seat)
            name = mix(mix(story, np.uint64(held)), np.uint64(seat))
            slot = np.int64(name & np.uint64(MEMO_SLOTS - 1))
            if evidence.memo_keys[slot] != name:
                evidence.memo_keys[slot] = name
                evidence.memo_logs[slot] = _log_of_seat(view, seat, held, evidence, auction)
            logs[w] += evidence.memo_logs[slot]


@njit(cache=True, nogil=True)
def _story(view: np.void) -> np.uint64:
    """All that calls and declaration are judged by besides the dominoes, hashed."""
    story = mix(np.uint64(view.declarations), np.uint64(view.scoring))
    story = mix(story, np.uint64(2 * view.shaker + view.all_pass))
    if view.match:
        story = mix(mix(story, np.uint64(view.marks[0] + 1)), np.uint64(view.marks[1] + 1))
    for i in range(NUM_SEATS):
        story = mix(story, np.uint64(view.calls[i] + 1))
    story = mix(story, np.uint64(4 * np.int64(view.bid) + view.bidder + 1))
    return mix(story, np.uint64(view.declaration + 1))


@njit(cache=True, nogil=True)
def _log_of_seat(view: np.void, seat: int, held: np.uint32, evidence: Evidence, auction: np.ndarray) -> float:
    """The log of how likely ``seat``, dealt ``held``, made its call and its declaration, if it has made them."""
    hand = auction[0]
    auction[0] = view
    start(hand, (view.shaker + 1) & 3)
    log = 0.0
    for i in range(NUM_SEATS):
        action = np.int64(view.calls[i])
        if action < 0:
            break
        hand.to_move = (view.shaker + 1 + i) & 3
        if hand.to_move == seat:
            chance, alike = call_chance(hand, held, action), evidence.alike[(seat - view.seat) & 3]
            if alike > 0.0 and knows(hand):
                own = heard_chance(evidence.heard, hand, seat, held, action)
                own = (1.0 - CALL_NOISE) * own + CALL_NOISE / popcount(legal_calls(hand))
                chance = alike * own + (1.0 - alike) * chance
            log += np.log(chance)
        hand.calls[i] = action
        if action != PASS:
            hand.bid, hand.bidder = bid_value(action), hand.to_move
    if view.declaration >= 0 and view.bidder == seat:
        log += np.log(_declaration_chance(view, held))
    return log


@njit(cache=True, nogil=True)
def call_chance(hand: np.void, held: np.uint32, action: int) -> float:
    """How likely a bidder with the dominoes ``held`` makes the call ``action``, to move in the auction of ``hand``."""
    values, legal = np.empty(NUM_ACTIONS), legal_calls(hand)
    value_calls_with(hand, held, legal, values)
    return _soft_chance(values, legal, action, CALL_SOFTNESS, CALL_NOISE)


@njit(cache=True, nogil=True)
def _soft_chance(values: np.ndarray, legal: np.uint64, chosen: int, softness: float, noise: float) -> float:
    """How likely ``chosen`` is of ``legal`` (bits) where an action is as likely as e to its value by ``softness``, and
    a share of ``noise`` of all choices is even."""
    highest, left = -np.inf, legal
    while left:
        action = lowest(left)
        left &= left - np.uint64(1)
        highest = max(highest, np.float64(values[action]))
    total, left = 0.0, legal
    while left:
        action = lowest(left)
        left &= left - np.uint64(1)
        total += np.exp((values[action] - highest) / softness)
    soft = np.exp((values[chosen] - highest) / softness) / total
    return (1.0 - noise) * soft + noise / popcount(legal)


@njit(cache=True, nogil=True)
def _declaration_chance(view: np.void, held: np.uint32) -> float:
    """How likely the bidder with the dominoes ``held`` makes the declaration of ``view``."""
    points = goals.promised(view)
    odds = np.zeros(NUM_DECLARATIONS)
    highest = -np.inf
    for declaration in range(NUM_DECLARATIONS):
        if (view.declarations >> declaration) & 1:
            chance = made_chance(held, declaration, points)
            odds[declaration] = np.log(chance / (1.0 - chance))
            highest = max(highest, odds[declaration])
    total, num_allowed = 0.0, 0
    for declaration in range(NUM_DECLARATIONS):
        if (view.declarations >> declaration) & 1:
            total += np.exp((odds[declaration] - highest) / DECLARATION_SOFTNESS)
            num_allowed += 1
    soft = np.exp((odds[view.declaration] - highest) / DECLARATION_SOFTNESS) / total
    return (1.0 - DECLARATION_NOISE) * soft + DECLARATION_NOISE / num_allowed


@njit(cache=True, nogil=True)
def _deals_so(view: np.void, world: np.void, dealt: int) -> bool:
    """Whether the rule ``dealt`` makes the contract of ``view`` out of the deal of ``world``."""
    if view.bid != MIN_BID or best_pip(_dealt_to(world, view.bidder)) != view.declaration:
        return False
    if dealt == BY_FORCED_30:
        return view.bidder == view.shaker
    held = np.zeros(NUM_SEATS, np.uint32)
    for seat in range(NUM_SEATS):
        held[seat] = _dealt_to(world, seat)
    return most_trumps(held) == view.bidder


@njit(cache=True, inline="always")
def _dealt_to(world: np.void, seat: int) -> np.uint32:
    """The seven dominoes that ``seat`` was dealt, as bits."""
    held = np.uint32(0)
    for domino in range(NUM_DOMINOES):
        held |= np.uint32(world.owner[domino] == seat) << np.uint32(domino)
    return held


@njit(cache=True, nogil=True)
def add_plays(view: np.void, worlds: np.ndarray, mind: Mind, evidence: Evidence, logs: np.ndarray) -> None:
    """Add the log of how likely the plays of the other seats were in each of ``worlds`` [W] to ``logs`` [W].

    Every seat is taken to play by ``mind``, a network, from its own view, drawn at one of the temperatures of the
    evidence: at which, its plays tell as the hand goes on. Dice have no odds of their plays: they add nothing.
    """
    if mind.kind != NETWORK or not len(evidence.plays):
        return
    past = np.empty(2, HAND)
    hand = past[0]
    story = mix(_story(view), np.uint64(1))
    of_seats, of_play = np.empty((NUM_SEATS, len(evidence.plays))), np.empty(len(evidence.plays))
    for w in range(len(worlds)):
        for seat in range(NUM_SEATS):
            of_seats[seat] = evidence.odds
        past[0] = worlds[w]
        rewind(hand, num_decisions(hand) - np.int64(hand.num_plays))
        history = story
        for ply in range(view.num_plays):
            domino, seat = np.int64(view.plays[ply]), np.int64(hand.to_move)
            legal = legal_plays(hand)
            if seat != view.seat and popcount(legal) > 1:
                name = mix(mix(history, np.uint64(hand.held[seat])), np.uint64(seat))
                if not _remembered(name, evidence, of_play):
                    past[1] = hand
                    blank(past[1], seat)
                    write_logits(mind.network, past[1])
                    _weigh_play(mind.network.logits, np.uint64(legal), domino, evidence.plays, of_play)
                    _remember(name, evidence, of_play)
                of_seats[seat] += of_play
            play(hand, domino)
            history = mix(history, np.uint64(domino))
        for seat in range(NUM_SEATS):
            if seat != view.seat:
                highest = of_seats[seat].max()
                logs[w] += highest + np.log(np.exp(of_seats[seat] - highest).sum())


@njit(cache=True, nogil=True)
def _remembered(name: np.uint64, evidence: Evidence, of_play: np.ndarray) -> bool:
    """Whether what was found under ``name`` is still known; it is written into ``of_play`` [T] then."""
    for t in range(len(of_play)):
        key = mix(name, np.uint64(t))
        slot = np.int64(key & np.uint64(MEMO_SLOTS - 1))
        if evidence.memo_keys[slot] != key:
            return False
        of_play[t] = evidence.memo_logs[slot]
    return True


@njit(cache=True, nogil=True)
def _remember(name: np.uint64, evidence: Evidence, of_play: np.ndarray) -> None:
    for t in range(len(of_play)):
        key = mix(name, np.uint64(t))
        slot = np.int64(key & np.uint64(MEMO_SLOTS - 1))
        evidence.memo_keys[slot], evidence.memo_logs[slot] = key, of_play[t]


@njit(cache=True, nogil=True)
def _weigh_play(
    logits: np.ndarray, legal: np.uint64, played: int, temperatures: np.ndarray, of_play: np.ndarray
) -> None:
    """Write the log of how likely ``played`` of the ``legal`` dominoes (bits) is at each temperature [T]."""
    for t in range(len(temperatures)):
        of_play[t] = np.log(_soft_chance(logits, legal, played, temperatures[t], PLAY_NOISE))


@njit(cache=True, nogil=True)
def explain_many(
    views: np.ndarray, num_worlds: int, keys: np.ndarray, mind: Mind, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates HAND [B, N] of ``views`` [B] from ``keys``, and the log float64 [B, N] of how well each explains what
    was called, declared and played. ValueError for a view without a deal."""
    even = np.ones((len(views), NUM_DOMINOES, NUM_SEATS))
    worlds, logs = propose_many(views, num_worlds, keys, even, evidence)
    for b in range(len(views)):
        add_plays(views[b], worlds[b], mind, evidence, logs[b])
    return worlds, logs
