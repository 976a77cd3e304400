"""The kernels of the exact solver: an alpha-beta search with null windows over one full hand.

The points of a hand are zero-sum, so the search asks "do seats 0&2 take at least this many of the points that are
left?", and finds exact values by a few such questions (after MTD(f); Plaat et al., "Best-first fixed-depth minimax
algorithms", 1996). Positions at the start of a trick are remembered with both bounds and the best lead; in one deal the
dominoes still out and the leader name such a position completely, since every domino has its owner. One table serves
all questions about a world, and a generation stamp empties it between worlds.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: ignore-errors

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents._tactics import bounds, follow_looks, lead_looks, twins
from zeb42_env._core.bits import lowest
from zeb42_env._core.dominoes import (
    ALL_DOMINOES,
    COUNT,
    HAND_POINTS,
    LED_SUIT,
    NUM_DOMINOES,
    NUM_SEATS,
    NUM_SUITS,
    NUM_TRICKS,
    POWER,
    SUIT_MEMBERS,
)
from zeb42_env._core.goals import points_left
from zeb42_env._core.record import (
    HAND,
    TRICKS,
    legal_plays,
    num_decisions,
    play,
    played_dominoes,
    rewind,
    trick_points,
    trick_winner,
)

TABLE_BITS = 17
GENERATION_BITS = 16
ILLEGAL = -1
UNSETTLED = -1
TRIED_FIRST = 1 << 30  # score of the best lead that the table remembers
LOOKS = 5000  # what a play's looks weigh against its history
STRIDE = 3  # how far the next question goes beyond the last bound
FIRST_GUESS = 21

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
        ("history", np.int32, (NUM_SEATS * (1 + NUM_SUITS), NUM_DOMINOES)),  # how often a play settled it; see _row
        ("frames", FRAME, (NUM_DOMINOES + 1,)),  # by number of plays, the end included
    ],
    align=True,
)
"""What a search works in: about 1 MiB, made once by :func:`new_memory` and used for any number of worlds."""


def new_memory() -> np.ndarray:
    """Memory for the search kernels: MEMORY records [1]. One for each thread."""
    return np.zeros(1, MEMORY)


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
        f.low, f.high = bounds(m, f.seat, out, f.left)
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
        m.history[_row(f, ply), f.best_move] += NUM_DOMINOES - ply
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
def _row(f: np.void, ply: int) -> int:
    """The row of the history for a frame: its seat, and the suit it must follow, if any."""
    return f.seat + (NUM_SEATS * (1 + f.led) if ply & 3 else 0)


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


@njit(cache=True, nogil=True)
def _order(m: np.void, ply: int, table_move: int) -> None:
    """Lay out the plays worth trying in a frame, one of each set of twins, and how promising each looks."""
    f = m.frames[ply]
    declaration = m.declaration
    held = m.held[f.seat]
    legal = held
    others = m.held[(f.seat + 1) & 3] | m.held[(f.seat + 2) & 3] | m.held[(f.seat + 3) & 3]
    if ply & 3:
        follow = held & SUIT_MEMBERS[declaration, f.led]
        if follow:
            legal = follow
        others |= np.uint32(1) << np.uint32(f.best_domino)
    out = others | held
    row = _row(f, ply)
    num_moves = 0
    while legal:
        domino = lowest(legal)
        legal &= legal - np.uint32(1)
        is_twin = False
        for i in range(num_moves):
            is_twin |= twins(declaration, domino, np.int64(f.moves[i]), out, others)
        if is_twin:
            continue
        looks = lead_looks(m, f, domino) if ply & 3 == 0 else follow_looks(m, f, ply & 3, domino)
        f.moves[num_moves] = domino
        f.scores[num_moves] = TRIED_FIRST if domino == table_move else LOOKS * looks + m.history[row, domino]
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
    left = points_left(hand)
    if target <= 0:
        return 0
    if target > left:
        return left
    f = m.frames[ply]
    first = ply - (ply & 3)
    f.seat, f.left, f.target, f.trick_points = hand.to_move, left, target, trick_points(hand, first) - 1
    if first < ply:
        place = trick_winner(hand, first)
        f.led = LED_SUIT[hand.declaration, hand.plays[first]]
        f.best_domino = hand.plays[first + place]
        f.winner = (hand.leader + place) & 3
    return _search(m, ply)


@njit(cache=True, nogil=True)
def _exact(hand: np.void, m: np.void, guess: int) -> int:
    """The exact value of ``hand``, by null windows from ``guess`` on."""
    low, high = 0, points_left(hand)
    while low < high:
        target = min(max(guess, low + 1), high)
        bound = _ask(hand, m, target)
        if bound >= target:
            low = bound
            guess = bound + STRIDE
        else:
            high = bound
            guess = bound + 1 - STRIDE
    return low


@njit(cache=True, nogil=True)
def value(hand: np.void, m: np.void) -> int:
    """The points that seats 0&2 take from here to the end of a full ``hand``, the current trick included."""
    if hand.phase != TRICKS:
        return 0
    _enter(hand, m)
    return _exact(hand, m, FIRST_GUESS)


@njit(cache=True, nogil=True)
def makes(hand: np.void, m: np.void, target: int) -> bool:
    """Whether seats 0&2 take at least ``target`` points from here to the end of a full ``hand``."""
    if hand.phase != TRICKS:
        return target <= 0
    _enter(hand, m)
    return _ask(hand, m, target) >= target


@njit(cache=True, nogil=True)
def first_twins(hand: np.void, moves: np.uint32, firsts: np.ndarray) -> np.uint32:
    """Write into ``firsts`` (int8 [28]) the lowest of ``moves`` (bits) that each of them is worth the same as.

    Works on views too: what makes dominoes twins is public. Returns those lowest ones, as bits.
    """
    seat, in_trick = hand.to_move, hand.num_plays & 3
    out = ALL_DOMINOES & ~played_dominoes(hand)
    others = out & ~hand.held[seat]
    if in_trick:
        first = hand.num_plays - in_trick
        others |= np.uint32(1) << np.uint32(hand.plays[first + trick_winner(hand, first)])
    kept = np.uint32(0)
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        firsts[domino] = domino
        earlier = kept
        while earlier:
            other = lowest(earlier)
            earlier &= earlier - np.uint32(1)
            if twins(hand.declaration, domino, other, out, others):
                firsts[domino] = other
        if firsts[domino] == domino:
            kept |= np.uint32(1) << np.uint32(domino)
    return kept


@njit(cache=True, nogil=True)
def solve_moves(hand: np.void, m: np.void, moves: np.uint32, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28]) the points that seats 0&2 take from here on after each of ``moves`` (bits).

    The other entries become ILLEGAL. ``moves`` must be legal plays of ``hand``, a full one.
    """
    _enter(hand, m)
    _answer(hand, m, moves, True, FIRST_GUESS, out)


@njit(cache=True, nogil=True)
def solve_plays(hand: np.void, m: np.void, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28, 28]), for every play of a finished ``hand``, what :func:`solve_moves` says there.

    From the last play back, so that all the positions of one deal share what has been searched.
    """
    before = np.empty(1, HAND)
    position = before[0]
    first = num_decisions(hand) - NUM_DOMINOES
    before[0] = hand
    rewind(position, first)
    _enter(position, m)
    end = np.int64(hand.points[0])  # what the last solved position ends with: a good first guess for the one before
    for ply in range(NUM_DOMINOES - 1, -1, -1):
        before[0] = hand
        rewind(position, first + ply)
        taken = np.int64(position.points[0])
        end = taken + _answer(position, m, legal_plays(position), True, end - taken, out[ply])


@njit(cache=True, nogil=True)
def makes_moves(hand: np.void, m: np.void, target: int, moves: np.uint32, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [28]) whether seats 0&2 take at least ``target`` points from here on after each of
    ``moves`` (bits): 1 or 0, and ILLEGAL for the other entries."""
    _enter(hand, m)
    _answer(hand, m, moves, False, target, out)


@njit(cache=True, nogil=True)
def _answer(hand: np.void, m: np.void, moves: np.uint32, exact: bool, target: int, out: np.ndarray) -> int:
    """Fill ``out`` with exact points, ``target`` being the first guess, or with whether they reach ``target``.

    The memory must know the deal of ``hand``. Returns the last exact value."""
    out[:] = ILLEGAL
    same = np.empty(NUM_DOMINOES, np.int8)
    firsts = first_twins(hand, moves, same)
    children = np.empty(1, HAND)
    child = children[0]
    guess = target
    while moves:
        domino = lowest(moves)
        moves &= moves - np.uint32(1)
        if not (firsts >> np.uint32(domino)) & np.uint32(1):
            out[domino] = out[same[domino]]
            continue
        children[0] = hand
        gain = _step(child, domino, m)
        if exact:
            guess = gain + _exact(child, m, guess - gain)
            out[domino] = guess
        else:
            out[domino] = 1 if _ask(child, m, target - gain) >= target - gain else 0
    return guess


@njit(cache=True, nogil=True)
def _step(child: np.void, domino: int, m: np.void) -> int:
    """Play ``domino``, in place, and make the memory follow; returns what that earned seats 0&2 at once."""
    before = np.int64(child.points[0])
    play(child, domino)
    for seat in range(4):
        m.held[seat] = child.held[seat]
    return np.int64(child.points[0]) - before


@njit(cache=True, nogil=True)
def answer_worlds(worlds: np.ndarray, m: np.void, exact: bool, targets: np.ndarray, out: np.ndarray) -> None:
    """Write into ``out`` (int8 [W, 28]) what is asked of every legal play of ``worlds`` [W]: as :func:`solve_moves` if
    ``exact``, otherwise as :func:`makes_moves` with the world's target (int64 [W])."""
    for w in range(len(worlds)):
        moves = legal_plays(worlds[w]) if worlds[w].phase == TRICKS else np.uint32(0)
        _enter(worlds[w], m)
        _answer(worlds[w], m, moves, exact, targets[w], out[w])
