"""The worlds of a view: every deal that is consistent with what one seat may know.

The hidden dominoes go to three seats; a failure to follow suit closes a suit to a seat, and each seat has room for as
many dominoes as it has yet to play. A backward pass over the hidden dominoes, with the room left in the seats as its
state (at most 8 x 8, the third follows from the first two), sums the weights of all completions; from those sums follow
the count, each domino's marginals, and exact samples without rejection. The auction and the declaration close nothing.

Weights [28, 4] make the distribution proportional to the product of the weights of a world's placements: that is how a
belief guides the sampling. Without them all worlds are equally likely.
"""

# Numba gives records, intrinsics and integers types that mypy cannot know.
# mypy: disable-error-code="attr-defined, call-arg, assignment, operator, return-value, var-annotated, index, arg-type"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from zeb42_env._core.bits import unit
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS, NUM_TRICKS
from zeb42_env._core.record import HAND, NOBODY, may_hold, played_dominoes, read_plays
from zeb42_env.records import as_records
from zeb42_env.rules import domino_text

MAX_FREE = 21  # dominoes that a seat cannot see when the tricks begin
ROOM = NUM_TRICKS + 1  # a seat has room for 0..7 dominoes
INCONSISTENT = -1
NO_DEAL = "expected a view with a consistent deal, got one that no deal agrees with"

__all__ = [
    "count",
    "marginals",
    "marginals_many",
    "one_record",
    "require_deals",
    "sample",
    "sample_many",
    "uniform_weights",
]


def count(view: np.void) -> int:
    """How many deals are consistent with ``view``; 1 for a full hand. ValueError if there are none."""
    view = one_record(view)
    total = _count(view)
    if total < 1:
        raise ValueError(NO_DEAL)
    return int(total)


def marginals(view: np.void, weights: np.ndarray | None = None) -> np.ndarray:
    """The probability float64 [28, 4] that each seat was dealt each domino, over the worlds of ``view``.

    Own and played dominoes have their 0 and 1 too. ``weights`` [28, 4] as for :func:`sample`. ValueError if no deal is
    consistent with the view, or the weights are not usable.
    """
    view = one_record(view)
    weights = _weights(view, weights)
    out = np.empty((NUM_DOMINOES, NUM_SEATS))
    if not _marginals(view, weights, out):
        raise ValueError(_no_world(view))
    return out


def sample(
    view: np.void, num_worlds: int, rng: np.random.Generator | np.uint64, weights: np.ndarray | None = None
) -> np.ndarray:
    """Independent worlds of ``view``, exactly distributed.

    Args:
        view: one HAND record, a view (or a full hand, which is its own only world).
        num_worlds: how many to draw, at least 1.
        rng: a generator, or the uint64 key that the draws follow from.
        weights: [28, 4], none negative; a world's probability is proportional to the product over the hidden dominoes
            of the weight of the seat that each is placed with. Only the ratios in a row matter.

    Returns:
        HAND records [num_worlds]: full hands in the same public state, ready to play on.

    Raises:
        ValueError: num_worlds below 1, no consistent deal, or weights of a wrong shape, not finite, negative, or
            without a positive weight on some deal.
    """
    view = one_record(view)
    if num_worlds < 1:
        raise ValueError(f"expected num_worlds of at least 1, got {num_worlds}")
    weights = _weights(view, weights)
    key = rng.integers(0, 2**64, dtype=np.uint64) if isinstance(rng, np.random.Generator) else np.uint64(rng)
    out = np.empty(num_worlds, HAND)
    if not sample_into(view, key, weights, out):
        raise ValueError(_no_world(view))
    return out


@njit(cache=True, nogil=True)
def require_deals(views: np.ndarray) -> None:
    """ValueError unless every one of ``views`` [B] has a deal that is consistent with it."""
    for b in range(len(views)):
        if _count(views[b]) < 1:
            raise ValueError(NO_DEAL)


def uniform_weights(num_views: int) -> np.ndarray:
    """Weights [num_views, 28, 4] under which all worlds are equally likely, for :func:`sample_many`."""
    return np.ones((num_views, NUM_DOMINOES, NUM_SEATS), np.float32)


@njit(cache=True, nogil=True)
def sample_many(views: np.ndarray, num_worlds: int, keys: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Worlds [B, num_worlds] of ``views`` [B]; view b draws from keys[b] (uint64 [B]) with weights[b] ([B, 28, 4]).

    A view whose weights leave no deal, by zeros or by rounding, is sampled uniformly. ValueError for a view without a
    deal.
    """
    worlds = np.empty((len(views), num_worlds), views.dtype)
    for b in range(len(views)):
        drawn = sample_into(views[b], keys[b], weights[b], worlds[b])
        if not drawn and not sample_into(views[b], keys[b], np.ones_like(weights[b]), worlds[b]):
            raise ValueError(NO_DEAL)
    return worlds


@njit(cache=True, nogil=True)
def marginals_many(views: np.ndarray) -> np.ndarray:
    """The marginals float64 [B, 28, 4] of ``views`` [B] when all worlds are equally likely; ValueError for a view
    without a deal."""
    out = np.empty((len(views), NUM_DOMINOES, NUM_SEATS))
    weights = np.ones((NUM_DOMINOES, NUM_SEATS))
    for b in range(len(views)):
        if not _marginals(views[b], weights, out[b]):
            raise ValueError(NO_DEAL)
    return out


@njit(cache=True, nogil=True)
def odds(views: np.ndarray, weights: np.ndarray, worlds: np.ndarray) -> np.ndarray:
    """How many times as likely one of ``worlds`` [B] is when drawn by weights[b] ([B, 28, 4]) than when all worlds of
    views[b] are as likely: float64 [B]."""
    even = np.ones((NUM_DOMINOES, NUM_SEATS))
    out = np.empty(len(views))
    for b in range(len(views)):
        found = _complete(views[b], weights[b].astype(np.float64), False)
        out[b] = _complete(views[b], even, False).total / found.total
        for k in range(found.num_free):
            out[b] *= found.weights[k, (worlds[b].owner[found.free[k]] - views[b].seat - 1) & 3]
    return out


@njit(cache=True, nogil=True)
def _lay_out(view: np.void, owners: np.ndarray, free: np.ndarray, seats: np.ndarray, room: np.ndarray) -> int:
    """Split the dominoes into settled ones, written into ``owners`` (int8 [28], -1 elsewhere), and free ones.

    ``free`` (int8 [28]) lists the dominoes that more than one seat may hold and ``seats`` (int8 [28]) those seats as
    bits; ``room`` (int64 [4]) is what the seats have left for them. Returns how many are free, INCONSISTENT if a domino
    or a seat is left over, or a seat has dominoes of a suit that it failed to follow.
    """
    candidates = np.empty(NUM_SEATS, np.uint32)
    played, broken = read_plays(view, candidates)
    for seat in range(NUM_SEATS):
        broken |= view.held[seat] & candidates[seat]
    if broken:
        return INCONSISTENT
    may_hold(view, candidates)
    room[:] = NUM_TRICKS
    for domino in range(NUM_DOMINOES):
        owners[domino] = NOBODY
    for i in range(view.num_plays):
        owners[view.plays[i]] = view.owner[view.plays[i]]
        room[view.owner[view.plays[i]]] -= 1
    num_free, open_room = 0, 0
    for domino in range(NUM_DOMINOES):
        bit = np.uint32(1) << np.uint32(domino)
        if played & bit:
            continue
        options, num_options, last = 0, 0, 0
        for seat in range(NUM_SEATS):
            if candidates[seat] & bit:
                options |= 1 << seat
                num_options += 1
                last = seat
        if num_options == 0:
            return INCONSISTENT
        if num_options == 1:
            owners[domino] = last
            room[last] -= 1
        else:
            free[num_free] = domino
            seats[num_free] = options
            num_free += 1
    for seat in range(NUM_SEATS):
        if room[seat] < 0:
            return INCONSISTENT
        open_room += room[seat]
    return num_free if open_room == num_free and num_free <= MAX_FREE else INCONSISTENT


class _Completions(NamedTuple):
    """All worlds of a view at once. Seats are counted on from the viewer: the next, the one after it, the third."""

    num_free: int  # dominoes that more than one seat may hold; INCONSISTENT if there is no world by the rules alone
    owners: np.ndarray  # int8 [28], of the settled dominoes, -1 elsewhere
    free: np.ndarray  # int8 [28], the free ones
    room: np.ndarray  # int64 [4], what each seat has left for them
    weights: np.ndarray  # float64 [28, 3], of each free domino with the three seats
    sums: np.ndarray  # float64 [num_free + 1, 8, 8], see _sum_completions
    total: float  # the weight of all worlds together, 0 if there is none


@njit(cache=True, nogil=True)
def _complete(view: np.void, weights: np.ndarray, rescale: bool) -> _Completions:
    """The worlds of ``view`` under ``weights`` [28, 4]; ``rescale`` as in :func:`_sum_completions`."""
    owners, free, seats = np.empty(28, np.int8), np.empty(28, np.int8), np.empty(28, np.int8)
    room, own_weights = np.empty(NUM_SEATS, np.int64), np.empty((NUM_DOMINOES, 3))
    num_free = _lay_out(view, owners, free, seats, room)
    sums = np.empty((max(num_free, 0) + 1, ROOM, ROOM))
    if num_free < 0:
        return _Completions(num_free, owners, free, room, own_weights, sums, 0.0)
    for k in range(num_free):
        for place in range(3):
            seat = (view.seat + 1 + place) & 3
            allowed = (seats[k] >> seat) & 1
            own_weights[k, place] = np.float64(weights[free[k], seat]) if allowed else 0.0
    total = _sum_completions(num_free, room, (view.seat + 1) & 3, own_weights, rescale, sums)
    return _Completions(num_free, owners, free, room, own_weights, sums, total)


@njit(cache=True, nogil=True)
def _sum_completions(
    num_free: int, room: np.ndarray, first: int, weights: np.ndarray, rescale: bool, sums: np.ndarray
) -> float:
    """The backward pass: sums[k, a, b] is the weight of all ways to place free dominoes k, k+1, ... when seat ``first``
    has room for ``a`` of them, the next one for ``b`` and the third for the rest.

    ``rescale`` divides each layer by its largest sum, so that extreme weights neither overflow nor vanish; only the
    ratios within a layer are then meaningful. Returns the sum over all worlds, 0 if there is none.
    """
    one, two, three = first, (first + 1) & 3, (first + 2) & 3
    sums[num_free, : room[one] + 1, : room[two] + 1] = 0.0
    sums[num_free, 0, 0] = 1.0
    for k in range(num_free - 1, -1, -1):
        largest = 0.0
        left = num_free - k
        for a in range(room[one] + 1):
            for b in range(room[two] + 1):
                c = left - a - b
                total = 0.0
                if 0 <= c <= room[three]:
                    if a > 0:
                        total += weights[k, 0] * sums[k + 1, a - 1, b]
                    if b > 0:
                        total += weights[k, 1] * sums[k + 1, a, b - 1]
                    if c > 0:
                        total += weights[k, 2] * sums[k + 1, a, b]
                sums[k, a, b] = total
                largest = max(largest, total)
        if rescale and largest > 0.0:
            for a in range(room[one] + 1):
                for b in range(room[two] + 1):
                    sums[k, a, b] /= largest
    return sums[0, room[one], room[two]]


@njit(cache=True, nogil=True, inline="always")
def _shares(found: _Completions, k: int, a: int, b: int) -> tuple[float, float, float]:
    """The weight of all worlds in which free domino ``k`` goes to each of the three seats, when the first has room for
    ``a`` and the second for ``b``."""
    to_one = found.weights[k, 0] * found.sums[k + 1, a - 1, b] if a > 0 else 0.0
    to_two = found.weights[k, 1] * found.sums[k + 1, a, b - 1] if b > 0 else 0.0
    to_three = found.weights[k, 2] * found.sums[k + 1, a, b] if found.num_free - k - a - b > 0 else 0.0
    return to_one, to_two, to_three


@njit(cache=True, nogil=True)
def _count(view: np.void) -> int:
    return np.int64(_complete(view, np.ones((NUM_DOMINOES, NUM_SEATS)), False).total)


@njit(cache=True, nogil=True)
def _marginals(view: np.void, weights: np.ndarray, out: np.ndarray) -> bool:
    """Write the marginals into ``out`` (float64 [28, 4]); False if there is no world."""
    found = _complete(view, weights, True)
    if found.total <= 0.0:
        return False
    one = (view.seat + 1) & 3
    two, three = (one + 1) & 3, (one + 2) & 3
    out[:] = 0.0
    for domino in range(NUM_DOMINOES):
        if found.owners[domino] >= 0:
            out[domino, found.owners[domino]] = 1.0
    reach = np.zeros((2, ROOM, ROOM))  # probability of each room when domino k is to be placed
    reach[0, found.room[one], found.room[two]] = 1.0
    for k in range(found.num_free):
        domino = found.free[k]
        now, after = k & 1, 1 - (k & 1)
        reach[after] = 0.0
        for a in range(found.room[one] + 1):
            for b in range(found.room[two] + 1):
                here = reach[now, a, b]
                if here == 0.0:
                    continue
                to_one, to_two, to_three = _shares(found, k, a, b)
                share = here / (to_one + to_two + to_three)
                out[domino, one] += share * to_one
                out[domino, two] += share * to_two
                out[domino, three] += share * to_three
                if a > 0:
                    reach[after, a - 1, b] += share * to_one
                if b > 0:
                    reach[after, a, b - 1] += share * to_two
                reach[after, a, b] += share * to_three
    return True


@njit(cache=True, nogil=True)
def sample_evenly(view: np.void, num_worlds: int, key: np.uint64) -> np.ndarray:
    """Worlds of ``view``, all equally likely, as :func:`sample_many` draws them: HAND [num_worlds]. ValueError if there
    are none."""
    out = np.empty(num_worlds, HAND)
    if not sample_into(view, key, np.ones((NUM_DOMINOES, NUM_SEATS)), out):
        raise ValueError(NO_DEAL)
    return out


@njit(cache=True, nogil=True)
def sample_into(view: np.void, key: np.uint64, weights: np.ndarray, out: np.ndarray) -> bool:
    """Write worlds of ``view`` into ``out`` (HAND [W]); False if there is none to write."""
    found = _complete(view, weights, True)
    if found.total <= 0.0:
        return False
    one = (view.seat + 1) & 3
    two, three = (one + 1) & 3, (one + 2) & 3
    settled = _settle(view, found.owners)
    stream = np.empty(1, np.uint64)
    stream[0] = key
    for w in range(len(out)):
        world = out[w]
        out[w] = settled[0]
        a, b = found.room[one], found.room[two]
        for k in range(found.num_free):
            to_one, to_two, to_three = _shares(found, k, a, b)
            draw = unit(stream) * (to_one + to_two + to_three)
            if draw < to_one or to_two + to_three == 0.0:
                seat = one
                a -= 1
            elif draw < to_one + to_two or to_three == 0.0:
                seat = two
                b -= 1
            else:
                seat = three
            world.owner[found.free[k]] = seat
            world.held[seat] |= np.uint32(1) << np.uint32(found.free[k])
    return True


@njit(cache=True, nogil=True)
def enumerate_into(view: np.void, out: np.ndarray) -> int:
    """Write every world of ``view`` into ``out`` (HAND [W]), each once, and return how many there are; 0 if there are
    none or more than W, and then nothing is written."""
    found = _complete(view, np.ones((NUM_DOMINOES, NUM_SEATS)), False)
    if found.total > len(out):
        return 0
    one = (view.seat + 1) & 3
    two, three = (one + 1) & 3, (one + 2) & 3
    settled = _settle(view, found.owners)
    for w in range(np.int64(found.total)):
        world = out[w]
        out[w] = settled[0]
        a, b = found.room[one], found.room[two]
        rank = np.float64(w)  # of the world among those that agree with what is placed so far
        for k in range(found.num_free):
            to_one, to_two, _ = _shares(found, k, a, b)
            if rank < to_one:
                seat = one
                a -= 1
            elif rank < to_one + to_two:
                seat = two
                rank -= to_one
                b -= 1
            else:
                seat = three
                rank -= to_one + to_two
            world.owner[found.free[k]] = seat
            world.held[seat] |= np.uint32(1) << np.uint32(found.free[k])
    return np.int64(found.total)


@njit(cache=True, nogil=True)
def _settle(view: np.void, owners: np.ndarray) -> np.ndarray:
    """The view as a full hand (HAND [1]) with every settled domino in its place and the free ones still missing."""
    settled = np.empty(1, HAND)
    settled[0] = view
    hand = settled[0]
    hand.seat = NOBODY
    played = played_dominoes(view)
    for seat in range(NUM_SEATS):
        hand.held[seat] = 0
    for domino in range(NUM_DOMINOES):
        hand.owner[domino] = owners[domino]
        bit = np.uint32(1) << np.uint32(domino)
        if owners[domino] >= 0 and not played & bit:
            hand.held[owners[domino]] |= bit
    return settled


def one_record(record: np.void | np.ndarray) -> np.void:
    """One HAND record, from a record or an array of one; ValueError for anything else."""
    if getattr(record, "dtype", None) != HAND or np.size(record) != 1:
        of_shape = f" of shape {record.shape}" if isinstance(record, np.ndarray) else ""
        raise ValueError(
            f"expected one HAND record, got {type(record).__name__}{of_shape}; allowed: what Hand.view gives"
        )
    return as_records(record).reshape(1)[0]


def _weights(view: np.void, weights: np.ndarray | None) -> np.ndarray:
    """Checked float64 weights [28, 4], each row's largest made 1."""
    if weights is None:
        return np.ones((NUM_DOMINOES, NUM_SEATS))
    weights = np.asarray(weights, np.float64)
    if weights.shape != (NUM_DOMINOES, NUM_SEATS):
        raise ValueError(f"expected weights of shape (28, 4), got {weights.shape}")
    if np.isnan(weights).any() or np.isinf(weights).any():
        raise ValueError(f"expected finite weights, got {weights[~np.isfinite(weights)][0]}")
    if (weights < 0).any():
        raise ValueError(f"expected weights of at least 0, got {weights.min()}")
    options = np.zeros((NUM_DOMINOES, NUM_SEATS), bool)
    candidates = np.empty(NUM_SEATS, np.uint32)
    may_hold(view, candidates)
    for seat in range(NUM_SEATS):
        options[:, seat] = candidates[seat] >> np.arange(NUM_DOMINOES) & 1 == 1
    weights = np.where(options, weights, 0.0)
    starved = (weights.sum(1) == 0.0) & (options.sum(1) > 1)
    if starved.any():
        domino = int(np.flatnonzero(starved)[0])
        allowed = ", ".join(str(seat) for seat in np.flatnonzero(options[domino]))
        raise ValueError(
            f"expected a positive weight for {domino_text(domino)} with a seat that may hold it, got none; "
            f"allowed seats: {allowed}"
        )
    return weights / np.maximum(weights.max(1, keepdims=True), np.finfo(np.float64).tiny)


def _no_world(view: np.void) -> str:
    if _count(view) < 1:
        return NO_DEAL
    return "expected weights that leave a consistent deal, got weights that are zero on every one"
