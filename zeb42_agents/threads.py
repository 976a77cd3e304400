"""Work in threads: the kernels release the interpreter, so threads run on as many cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

MOST_AT_ONCE = 64  # items between two moments at which Ctrl-C is heard


def in_pieces(work: Callable[[slice], None], num_items: int, threads: int) -> None:
    """Call ``work(part)`` for slices that cover ``num_items``, in up to ``threads`` threads; pieces are small, so that
    Ctrl-C is heard."""
    if threads < 1:
        raise ValueError(f"expected threads of at least 1, got {threads}")
    threads = min(threads, num_items)
    if threads <= 1:
        for first in range(0, num_items, MOST_AT_ONCE):
            work(slice(first, min(first + MOST_AT_ONCE, num_items)))
        return
    pieces = max(4 * threads, num_items // MOST_AT_ONCE)
    edges = [num_items * i // pieces for i in range(pieces + 1)]
    list(_pool(threads, os.getpid()).map(work, [slice(a, b) for a, b in pairwise(edges) if b > a]))


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that wait for work, one pool for each process: a fork inherits the object but not its threads."""
    del process
    return ThreadPoolExecutor(threads, thread_name_prefix="zeb42")
