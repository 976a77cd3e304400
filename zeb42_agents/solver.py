"""Exact double-dummy values: what each play is worth when all four hands are seen and all four seats play perfectly.

The points of a hand are zero-sum, so the solver is an alpha-beta search with null windows: it asks "do seats 0&2 take
at least this many of the points that are left?", and finds exact values by a few such questions (MTD(f); Plaat et al.,
"Best-first fixed-depth minimax algorithms", 1996). Positions at the start of a trick are remembered with both bounds
and the best lead; in one deal the dominoes still out and the leader name such a position completely, since every domino
has its owner. One table serves all questions about a world, and a generation stamp empties it between worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import (
    COUNT,
    COUNT_DOMINOES,
    HAND_POINTS,
    LED_SUIT,
    NUM_DECLARATIONS,
    NUM_DOMINOES,
    NUM_SUITS,
    NUM_TRICKS,
    POWER,
    SUIT_MEMBERS,
    TRUMPS,
)
from zeb42_env._core.record import (
    HAND,
    NOBODY,
    OVER,
    TRICKS,
    apply,
    legal_plays,
    num_decisions,
    play,
    rewind,
    trick_winner,
)
from zeb42_env.hand import Hand

TABLE_BITS = 17
GENERATION_BITS = 16
ILLEGAL = -1
UNSETTLED = -1

FRAME = np.dtype(
    [
        ("seat", np.int64),  # to play
        ("led", np.int64),  # suit of the trick so far
        ("best_domino", np.int64),  # that wins the trick so far
        ("winner", np.int64),  # and the seat that played it
        ("trick_points", np.int64),  # count that lies in the trick so far
        ("left", np.int64),  # points that this and the later tricks hold
        ("target", np.int64),  # the question: do seats 0&2 take at least this many of them?
        ("low", np.int64),  # bounds on what they take, known before the plays are tried
        ("high", np.int64),
        ("key", np.uint64),  # of the position in the table
        ("num_moves", np.int64),
        ("next_move", np.int64),  # how many of the moves have been tried
        ("move", np.int64),  # the one being tried
        ("gain", np.int64),  # what it earns seats 0&2 at once
        ("best", np.int64),  # value of the best one so far
        ("best_move", np.int64),
        ("moves", np.int8, (NUM_TRICKS,)),  # plays to try
        ("scores", np.int32, (NUM_TRICKS,)),  # and how promising each looks
    ],
    align=True,
)
"""One ply of a search that keeps its own stack: numba's cache does not get on with recursion."""

MEMORY = np.dtype(
    [
        ("table", np.uint64, (1 << TABLE_BITS,)),  # generation, position, bounds and best lead; see _remember
        ("generation", np.uint64),  # of the world that is being solved
        ("nodes", np.int64),  # positions searched so far
        ("declaration", np.int64),
        ("held", np.uint32, (4,)),  # dominoes that each seat holds, as bits
        ("history", np.int32, (4, NUM_DOMINOES)),  # how often a play by a seat settled a question
        ("frames", FRAME, (NUM_DOMINOES + 1,)),  # by number of plays, the end included
    ],
    align=True,
)
"""What a search works in: about 1 MiB, made once by :func:`new_memory` and used for any number of worlds."""


def _beaters() -> np.ndarray:
    beaters = np.zeros((NUM_DECLARATIONS, NUM_SUITS, NUM_DOMINOES), np.uint32)
    for declaration in range(NUM_DECLARATIONS):
        for suit in range(NUM_SUITS):
            power = POWER[declaration, suit]
            for domino in range(NUM_DOMINOES):
                beaters[declaration, suit, domino] = sum(1 << int(d) for d in np.flatnonzero(power > power[domino]))
    return beaters


BEATERS = _beaters()  # [10, 8, 28] the dominoes that beat a domino in a trick of that led suit, as bits


def new_memory() -> np.ndarray:
    """Memory for the search kernels: MEMORY records [1]. One for each thread."""
    return np.zeros(1, MEMORY)


@njit(cache=True, nogil=True, inline="always")
def _can_beat(held: np.uint32, declaration: int, led: int, domino: int) -> bool:
    """Whether a seat with ``held`` can beat ``domino`` in a trick of suit ``led``, following suit if it must."""
    beaters = held & BEATERS[declaration, led, domino]
    if not beaters:
        return False
    follow = held & SUIT_MEMBERS[declaration, led]
    return (not follow) or (beaters & follow) != 0


@njit(cache=True, nogil=True)
def _search(m: np.void, start: int) -> int:
    """Answer the question in frame ``start``: do seats 0&2 take at least its target of the points that are left?

    Returns a bound on the exact value: a lower one if at least the target, an upper one if below it.
    """
    ply = start
    while True:
        value = _arrive(m, ply)
        if value == UNSETTLED:
            _descend(m, ply)
            ply += 1
            continue
        while True:
            if ply == start:
                return value
            ply -= 1
            f = m.frames[ply]
            m.held[f.seat] ^= np.uint32(1) << np.uint32(f.move)
            if not _learn(f, value + f.gain) and f.next_move < f.num_moves:
                _descend(m, ply)
                ply += 1
                break
            value = f.best
            _remember(m, ply)


@njit(cache=True, nogil=True)
def _arrive(m: np.void, ply: int) -> int:
    """The value of the position in a frame if it can be told, or UNSETTLED with the plays to try laid out."""
    f = m.frames[ply]
    table_move = -1
    if ply & 3 == 0:
        if f.target <= 0:
            return 0
        if f.target > f.left:
            return f.left
        m.nodes += 1
        if ply == NUM_DOMINOES - 4:
            return _last_trick(m, f.seat)
        out = m.held[0] | m.held[1] | m.held[2] | m.held[3]
        f.low, f.high = _bounds(m, f.seat, out, f.left)
        if f.low >= f.target:
            return f.low
        if f.high < f.target:
            return f.high
        f.key = (m.generation << np.uint64(30)) | (np.uint64(out) << np.uint64(2)) | np.uint64(f.seat)
        entry = m.table[_slot(f.key)]
        if entry >> np.uint64(17) == f.key:
            table_move = np.int64(entry & np.uint64(31))
            f.low = max(f.low, np.int64((entry >> np.uint64(11)) & np.uint64(63)))
            f.high = min(f.high, np.int64((entry >> np.uint64(5)) & np.uint64(63)))
            if f.low >= f.target:
                return f.low
            if f.high < f.target:
                return f.high
    else:
        m.nodes += 1
    _order(m, ply, table_move)
    f.next_move = 0
    f.best = -1 if f.seat & 1 == 0 else HAND_POINTS + 1
    f.best_move = 0
    return UNSETTLED


@njit(cache=True, nogil=True)
def _descend(m: np.void, ply: int) -> None:
    """Try the most promising play that is left: make it, and set the next frame to the position behind it."""
    f, child = m.frames[ply], m.frames[ply + 1]
    pick = f.next_move
    for j in range(f.next_move + 1, f.num_moves):
        if f.scores[j] > f.scores[pick]:
            pick = j
    move = np.int64(f.moves[pick])
    f.moves[pick] = f.moves[f.next_move]
    f.scores[pick] = f.scores[f.next_move]
    f.next_move += 1
    f.move = move
    m.held[f.seat] ^= np.uint32(1) << np.uint32(move)
    child.led, child.best_domino, child.winner = f.led, f.best_domino, f.winner
    place = ply & 3
    if place == 0:
        child.led, child.best_domino, child.winner = LED_SUIT[m.declaration, move], move, f.seat
    elif POWER[m.declaration, f.led, move] > POWER[m.declaration, f.led, f.best_domino]:
        child.best_domino, child.winner = move, f.seat
    points = f.trick_points + COUNT[move]
    if place < 3:
        f.gain = 0
        child.seat = (f.seat + 1) & 3
        child.trick_points = points
        child.left, child.target = f.left, f.target
        return
    points += 1
    f.gain = points if child.winner & 1 == 0 else 0
    child.seat = child.winner
    child.trick_points = 0
    child.left, child.target = f.left - points, f.target - f.gain


@njit(cache=True, nogil=True, inline="always")
def _learn(f: np.void, value: int) -> bool:
    """Take note of the value of the play just tried; True if it settles the question."""
    if f.seat & 1 == 0:
        if value > f.best:
            f.best, f.best_move = value, f.move
        return f.best >= f.target
    if value < f.best:
        f.best, f.best_move = value, f.move
    return f.best < f.target


@njit(cache=True, nogil=True)
def _remember(m: np.void, ply: int) -> None:
    """Keep what a settled position taught: its bounds and best lead in the table, and the play that settled it."""
    f = m.frames[ply]
    settled_by_mover = (f.best >= f.target) == (f.seat & 1 == 0)
    if f.num_moves > 1 and settled_by_mover:
        m.history[f.seat, f.best_move] += (NUM_DOMINOES - ply) * (NUM_DOMINOES - ply)
    if ply & 3 == 0:
        if f.best >= f.target:
            f.low = max(f.low, f.best)
        else:
            f.high = min(f.high, f.best)
        m.table[_slot(f.key)] = (
            (f.key << np.uint64(17))
            | (np.uint64(f.low) << np.uint64(11))
            | (np.uint64(f.high) << np.uint64(5))
            | np.uint64(f.best_move)
        )


@njit(cache=True, nogil=True, inline="always")
def _slot(key: np.uint64) -> np.uint64:
    return (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - TABLE_BITS)


@njit(cache=True, nogil=True)
def _last_trick(m: np.void, leader: int) -> int:
    """The points that seats 0&2 take in a trick where every seat has one domino left."""
    domino = lowest(m.held[leader])
    led = LED_SUIT[m.declaration, domino]
    points, winner, best = 1 + COUNT[domino], leader, POWER[m.declaration, led, domino]
    for place in range(1, 4):
        seat = (leader + place) & 3
        domino = lowest(m.held[seat])
        points += COUNT[domino]
        power = POWER[m.declaration, led, domino]
        if power > best:
            winner, best = seat, power
    return points if winner & 1 == 0 else 0


@njit(cache=True, nogil=True, inline="always")
def _bounds(m: np.void, leader: int, out: np.uint32, left: int) -> tuple[int, int]:
    """Bounds on the points of seats 0&2 at the start of a trick, from tricks that no play can take away.

    The leader's side takes the leader's highest trumps and, once the other side has no trumps, its best dominoes of
    each suit. Whoever holds the highest trumps takes a trick with each of them.
    """
    declaration = m.declaration
    others = m.held[(leader + 1) & 3] | m.held[(leader + 3) & 3]
    partner = m.held[(leader + 2) & 3]
    mine = m.held[leader]
    trumps = out & TRUMPS[declaration]
    sure = np.uint32(0)  # the leader's tricks
    theirs = np.uint32(0)  # the other side's
    if trumps:
        run = mine & trumps
        while run:
            domino = lowest(run)
            run &= run - np.uint32(1)
            if not (BEATERS[declaration, LED_SUIT[declaration, domino], domino] & out & ~mine):
                sure |= np.uint32(1) << np.uint32(domino)
        if not sure:
            for place in range(1, 4, 2):
                held = m.held[(leader + place) & 3]
                run = held & trumps
                while run:
                    domino = lowest(run)
                    run &= run - np.uint32(1)
                    if not (BEATERS[declaration, LED_SUIT[declaration, domino], domino] & out & ~held):
                        theirs |= np.uint32(1) << np.uint32(domino)
    pulled = max(popcount(m.held[(leader + 1) & 3] & trumps), popcount(m.held[(leader + 3) & 3] & trumps))
    if pulled <= popcount(sure):
        rest = mine & ~trumps
        while rest:
            domino = lowest(rest)
            rest &= rest - np.uint32(1)
            led = LED_SUIT[declaration, domino]
            if not (BEATERS[declaration, led, domino] & (others | partner) & SUIT_MEMBERS[declaration, led]):
                sure |= np.uint32(1) << np.uint32(domino)
    gain = 0
    loss = 0
    if sure:
        if sure == mine:
            gain = left
        else:
            gain = popcount(sure)
            counts = sure & COUNT_DOMINOES
            while counts:
                gain += COUNT[lowest(counts)]
                counts &= counts - np.uint32(1)
    elif theirs:
        loss = popcount(theirs)
        counts = theirs & COUNT_DOMINOES
        while counts:
            loss += COUNT[lowest(counts)]
            counts &= counts - np.uint32(1)
    if leader & 1 == 0:
        return gain, left - loss
    return loss, left - gain


@njit(cache=True, nogil=True)
def _order(m: np.void, ply: int, table_move: int) -> None:
    """Lay out the plays worth trying in a frame, and how promising each looks."""
    f = m.frames[ply]
    declaration = m.declaration
    place = ply & 3
    seat, led, best_domino = f.seat, f.led, f.best_domino
    held = m.held[seat]
    legal = held
    after = m.held[(seat + 1) & 3]
    before = m.held[(seat + 3) & 3]  # plays after this seat only when it leads
    ours, safe = False, True
    if place:
        follow = held & SUIT_MEMBERS[declaration, led]
        if follow:
            legal = follow
        ours = (f.winner ^ seat) & 1 == 0
        if place < 3:
            safe = not _can_beat(after, declaration, led, best_domino)
    num_moves = 0
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        count = np.int64(COUNT[domino])
        if place == 0:
            suit = LED_SUIT[declaration, domino]
            if _can_beat(after, declaration, suit, domino) or _can_beat(before, declaration, suit, domino):
                score = -20 * count
            else:
                score = 400 + 10 * count
        elif POWER[declaration, led, domino] > POWER[declaration, led, best_domino]:
            if place < 3 and _can_beat(after, declaration, led, domino):
                score = -20 * count
            else:
                score = 300 + 10 * count
                if ours and safe:
                    score -= 200
        elif ours and safe:
            score = 200 + 20 * count
        else:
            score = -20 * count - POWER[declaration, LED_SUIT[declaration, domino], domino]
        score = score * 1000 + m.history[seat, domino]
        if domino == table_move:
            score = 1 << 30
        f.moves[num_moves] = domino
        f.scores[num_moves] = score
        num_moves += 1
    f.num_moves = num_moves


@njit(cache=True, nogil=True)
def _enter(hand: np.void, m: np.void) -> None:
    """Set the memory up for questions about ``hand``, a full one in its tricks."""
    m.generation += np.uint64(1)
    if m.generation >> np.uint64(GENERATION_BITS):
        m.generation = np.uint64(1)
        m.table[:] = np.uint64(0)
    m.declaration = hand.declaration
    m.history[:] = 0
    for seat in range(4):
        m.held[seat] = hand.held[seat]


@njit(cache=True, nogil=True)
def _ask(hand: np.void, m: np.void, target: int) -> int:
    """:func:`_search` from where ``hand`` stands, which the memory has been set up for."""
    ply = np.int64(hand.num_plays)
    left = HAND_POINTS - np.int64(hand.points[0]) - np.int64(hand.points[1])
    if target <= 0:
        return 0
    if target > left:
        return left
    f = m.frames[ply]
    f.seat, f.left, f.target, f.trick_points = hand.to_move, left, target, 0
    first = ply - (ply & 3)
    if first < ply:
        place = trick_winner(hand, first)
        f.led = LED_SUIT[hand.declaration, hand.plays[first]]
        f.best_domino = hand.plays[first + place]
        f.winner = (hand.leader + place) & 3
        for i in range(first, ply):
            f.trick_points += COUNT[hand.plays[i]]
    return _search(m, ply)


@njit(cache=True, nogil=True)
def _exact(hand: np.void, m: np.void, guess: int) -> int:
    """The exact value of ``hand``, by null windows from ``guess`` on."""
    low, high = 0, HAND_POINTS - np.int64(hand.points[0]) - np.int64(hand.points[1])
    while low < high:
        target = min(max(guess, low + 1), high)
        bound = _ask(hand, m, target)
        if bound >= target:
            low = bound
            guess = bound + 1
        else:
            high = bound
            guess = bound
    return low


@njit(cache=True, nogil=True)
def value(hand: np.void, m: np.void) -> int:
    """The points that seats 0&2 take from here to the end of a full ``hand``, the current trick included."""
    if hand.phase != TRICKS:
        return 0
    _enter(hand, m)
    return _exact(hand, m, 21)


@njit(cache=True, nogil=True)
def makes(hand: np.void, m: np.void, target: int) -> bool:
    """Whether seats 0&2 take at least ``target`` points from here to the end of a full ``hand``."""
    if hand.phase != TRICKS:
        return target <= 0
    _enter(hand, m)
    return _ask(hand, m, target) >= target


@njit(cache=True, nogil=True)
def solve_moves(hand: np.void, m: np.void, moves: np.uint32, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28]) the points that seats 0&2 take from here on after each of ``moves`` (bits).

    The other entries become ILLEGAL. ``moves`` must be legal plays of ``hand``, a full one.
    """
    out[:] = ILLEGAL
    _enter(hand, m)
    children = np.empty(1, HAND)
    child = children[0]
    guess = 21
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        children[0] = hand
        gain = _step(child, domino, m)
        guess = gain + _exact(child, m, guess - gain)
        out[domino] = guess


@njit(cache=True, nogil=True)
def solve_plays(hand: np.void, m: np.void, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28, 28]), for every play of a finished ``hand``, what :func:`solve_moves` says there.

    From the last play back, so that all the positions of one deal share what has been searched.
    """
    out[:] = ILLEGAL
    hands = np.empty(3, HAND)
    hands[0] = hand
    before, child = hands[1], hands[2]
    first = num_decisions(hand) - NUM_DOMINOES
    hands[1] = hands[0]
    rewind(before, first)
    _enter(before, m)
    end = np.int64(hand.points[0])  # what the last position solved would end with: a good first guess for the next
    for ply in range(NUM_DOMINOES - 1, -1, -1):
        hands[1] = hands[0]
        rewind(before, first + ply)
        moves = legal_plays(before)
        while moves:
            domino = lowest(moves)
            moves &= moves - np.uint32(1)
            hands[2] = hands[1]
            gain = _step(child, domino, m)
            out[ply, domino] = gain + _exact(child, m, end - child.points[0])
            end = before.points[0] + out[ply, domino]


@njit(cache=True, nogil=True)
def makes_moves(hand: np.void, m: np.void, target: int, moves: np.uint32, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28]) whether seats 0&2 take at least ``target`` points from here on after each of
    ``moves`` (bits): 1 or 0, and ILLEGAL for the other entries."""
    out[:] = ILLEGAL
    _enter(hand, m)
    children = np.empty(1, HAND)
    child = children[0]
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        children[0] = hand
        gain = _step(child, domino, m)
        out[domino] = 1 if _ask(child, m, target - gain) >= target - gain else 0


@njit(cache=True, nogil=True)
def _step(child: np.void, domino: int, m: np.void) -> int:
    """Play ``domino``, in place, and make the memory follow; returns what that earned seats 0&2 at once."""
    before = np.int64(child.points[0])
    play(child, domino)
    for seat in range(4):
        m.held[seat] = child.held[seat]
    return np.int64(child.points[0]) - before


@njit(cache=True, nogil=True)
def _solve_worlds(worlds: np.ndarray, m: np.void, out: np.ndarray) -> None:
    for w in range(len(worlds)):
        moves = legal_plays(worlds[w]) if worlds[w].phase == TRICKS else np.uint32(0)
        solve_moves(worlds[w], m, moves, out[w])


@njit(cache=True, nogil=True)
def _makes_worlds(worlds: np.ndarray, m: np.void, targets: np.ndarray, out: np.ndarray) -> None:
    for w in range(len(worlds)):
        moves = legal_plays(worlds[w]) if worlds[w].phase == TRICKS else np.uint32(0)
        makes_moves(worlds[w], m, targets[w], moves, out[w])


def solve(hand: Hand | np.void) -> dict[int, int]:
    """The points that seats 0&2 take from here to the end of the hand, the current trick included, for each legal play.

    >>> solve(hand)
    {3: 12, 9: 12, 17: 2}

    ``hand`` is a :class:`zeb42_env.Hand` or a HAND record: a full hand in its tricks, not a view; ValueError otherwise.
    """
    worlds = _full_hands(hand.record if isinstance(hand, Hand) else hand)
    if worlds.size != 1 or worlds[0]["phase"] != TRICKS:
        raise ValueError("expected one hand in its tricks; before the first lead there is nothing to solve")
    points = solve_worlds(worlds)[0]
    return {domino: int(points[domino]) for domino in range(NUM_DOMINOES) if points[domino] != ILLEGAL}


def solve_worlds(worlds: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Exact points of every legal play of ``worlds`` (HAND [W], full hands in their tricks).

    Returns int8 [W, 28]: the points that seats 0&2 take from here on, ILLEGAL (-1) for other dominoes.
    """
    worlds = _full_hands(worlds)
    out = np.empty((len(worlds), NUM_DOMINOES), np.int8)
    in_threads(lambda part, memory: _solve_worlds(worlds[part], memory, out[part]), len(worlds), threads)
    return out


def makes_worlds(worlds: np.ndarray, targets: np.ndarray | int, *, threads: int = 1) -> np.ndarray:
    """Whether seats 0&2 take at least ``targets`` (int [W], or one for all) points from here on, for every legal play
    of ``worlds`` (HAND [W], full hands in their tricks): int8 [W, 28] of 1 and 0, ILLEGAL (-1) for other dominoes."""
    worlds = _full_hands(worlds)
    goals = np.ascontiguousarray(np.broadcast_to(np.asarray(targets, np.int64), worlds.shape))
    out = np.empty((len(worlds), NUM_DOMINOES), np.int8)
    in_threads(lambda part, memory: _makes_worlds(worlds[part], memory, goals[part], out[part]), len(worlds), threads)
    return out


def analyse(hand: Hand | np.void) -> list[PlayValue]:
    """What every play of a hand gave away: its exact values before and after each play so far, in order.

    ``hand`` is a full hand, finished or not, at least in its tricks; ValueError otherwise.
    """
    record = (hand.record if isinstance(hand, Hand) else hand).copy()
    full = _full_hands(record)[0]
    if full["phase"] not in (TRICKS, OVER):
        raise ValueError("expected a hand that has begun its tricks, got one before its declaration")
    plays = [int(domino) for domino in full["plays"][: full["num_plays"]]]
    current = np.array(full).reshape(1)
    rewind(current[0], int(num_decisions(full)) - len(plays))
    values = []
    for domino in plays:
        seat = int(current[0]["to_move"])
        taken = int(current[0]["points"][0])
        options = {d: taken + points for d, points in solve(current[0]).items()}
        best = (max if seat % 2 == 0 else min)(options.values())
        values.append(PlayValue(seat, domino, best, options[domino], abs(best - options[domino])))
        apply(current[0], domino)
    return values


class PlayValue(NamedTuple):
    """One play of :func:`analyse`. Points are what seats 0&2 end the hand with under perfect play."""

    seat: int
    domino: int
    before: int
    """With the best play."""
    after: int
    """With the play that was made."""
    given_away: int
    """Points that the play cost its own team."""


def in_threads(work: Callable[[slice, np.void], None], num_items: int, threads: int) -> None:
    """Call ``work(part, memory)`` for slices that cover ``num_items``, in up to ``threads`` threads.

    The kernels release the interpreter, so threads run on as many cores.
    """
    if threads < 1:
        raise ValueError(f"expected threads of at least 1, got {threads}")
    threads = min(threads, num_items)
    if threads <= 1:
        with _borrowed_memory() as memory:
            work(slice(0, num_items), memory)
        return
    edges = [num_items * i // (4 * threads) for i in range(4 * threads + 1)]

    def run(part: slice) -> None:
        with _borrowed_memory() as memory:
            work(part, memory)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, [slice(a, b) for a, b in pairwise(edges) if b > a]))


_spare_memories: list[np.ndarray] = []


@contextmanager
def _borrowed_memory() -> Iterator[np.void]:
    """A memory that nobody else uses meanwhile; list operations are atomic, so threads may borrow at the same time."""
    try:
        memory = _spare_memories.pop()
    except IndexError:
        memory = new_memory()
    try:
        yield memory[0]
    finally:
        _spare_memories.append(memory)


def _full_hands(hands: np.void | np.ndarray) -> np.ndarray:
    """HAND records [W] of full hands; ValueError for anything else."""
    if getattr(hands, "dtype", None) != HAND:
        raise ValueError(f"expected HAND records, got {type(hands).__name__}; worlds.sample makes them")
    full = np.atleast_1d(hands)
    if full.ndim != 1 or (full["seat"] != NOBODY).any():
        raise ValueError("expected full hands, got a view; sample its worlds with worlds.sample")
    return full
