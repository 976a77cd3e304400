"""The search trees of many decisions, as arrays: data only. :mod:`zeb42_agents.search.walk` moves through them.

A tree is over *public histories*: a node is what everybody at the table has seen since the root, so the statistics of
the searcher's own later decisions are shared by all worlds that it cannot tell apart. Worlds only say what the other
seats hold.

Everything is preallocated: root b has its slice of each array, nothing of it is read by another root, and threads split
the roots. Values in the tree are for the searcher's team.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import HAND

ROOT_INDEX = 0
NO_PARENT = -1
UNVISITED = -1
OWN, OTHER, CLOSED = 0, 1, 2  # who decides at a node: the searcher, another seat, nobody: its worlds are solved
NODES_PER_SIMULATION = 3  # forced moves make nodes without leaves; a full tree takes its leaves off the last node

MAX_LEGAL = 16
"""The most actions that any seat ever has to choose from is 15: the opening calls."""

ENTRY = np.dtype(np.int16)
"""The number of an evaluation. A simulation makes one at most, so this is also what bounds the simulations."""

MAX_SIMS = int(np.iinfo(ENTRY).max)

NODE = np.dtype(
    [
        ("value_sum", np.float64),  # of finished simulations, for the searcher's team
        ("visits", np.int32),  # finished simulations through here
        ("in_flight", np.int32),  # simulations through here whose leaf is still out
        ("parent", np.int32),
        ("first_child", np.int32),
        ("next_sibling", np.int32),
        ("evaluation", np.int32),  # the searcher's own decisions: one evaluation serves every world
        ("action", np.int8),  # that led here from the parent
        ("kind", np.int8),
    ],
    align=True,
)
"""One public history. Its edges are the actions taken so far, in any world."""

EVALUATION = np.dtype(
    [
        ("probabilities", np.float32, (MAX_LEGAL,)),
        ("children", np.int32, (MAX_LEGAL,)),  # nodes; UNVISITED until taken
        ("actions", np.int8, (MAX_LEGAL,)),  # legal actions, ascending
        ("num_actions", np.int32),
        ("visits", np.int32),  # how often an action was drawn here
        ("request", np.int32),  # leaf of the batch that is out; UNVISITED when it is back
        ("value", np.float32),  # for the searcher's team
    ],
    align=True,
)
"""What the network (or, at the end of a line, the solver) said of one decision of one world."""

ROOT = np.dtype(
    [
        ("key", np.uint64),
        ("logits", np.float32, (MAX_LEGAL,)),  # log prior
        ("noise", np.float32, (MAX_LEGAL,)),  # Gumbel noise
        ("final_draw", np.float64),  # picks the action where a temperature is asked for
        ("seat", np.int32),
        ("considered", np.int32),  # actions that halving begins with
        ("phase", np.int32),  # of halving
        ("started", np.int32),  # simulations
        ("num_nodes", np.int32),
        ("num_evaluations", np.int32),
        ("num_requests", np.int32),  # leaves that are out
        ("num_waiting", np.int32),  # simulations that wait for them; several may share one
    ],
    align=True,
)

REQUEST = np.dtype([("evaluation", np.int32), ("sign", np.int32)])
"""A leaf that is out: where its evaluation goes (UNVISITED nowhere, the tree is full), and 1 or -1 for the mover's
team."""

WAITING = np.dtype([("node", np.int32), ("request", np.int32), ("exact", np.float32), ("weight", np.float32)])
"""A simulation that waits: its last node, its leaf, and the solver's value with its weight in the mix."""


class Trees(NamedTuple):
    """B search trees; E evaluations and N nodes at most, K leaves out at most, W worlds each."""

    roots: np.ndarray  # ROOT [B]
    nodes: np.ndarray  # NODE [B, N]
    evaluations: np.ndarray  # EVALUATION [B, E]; number 0 is the root's
    entries: np.ndarray  # ENTRY [B, N, W] evaluation of another seat's decision, or of a closed line, in a world
    worlds: np.ndarray  # HAND [B, W]
    requests: np.ndarray  # REQUEST [B, K]
    waiting: np.ndarray  # WAITING [B, K]


def allocate(num_roots: int, num_worlds: int, sims: int, leaves: int) -> Trees:
    """Room for ``num_roots`` trees; nothing in it is initialized."""
    num_nodes = 1 + NODES_PER_SIMULATION * sims + NUM_DOMINOES
    return Trees(
        roots=np.empty(num_roots, ROOT),
        nodes=np.empty((num_roots, num_nodes), NODE),
        evaluations=np.empty((num_roots, sims + 1), EVALUATION),
        entries=np.empty((num_roots, num_nodes, num_worlds), ENTRY),
        worlds=np.empty((num_roots, num_worlds), HAND),
        requests=np.empty((num_roots, leaves), REQUEST),
        waiting=np.empty((num_roots, leaves), WAITING),
    )


def bytes_per_root(num_worlds: int, sims: int, leaves: int) -> int:
    """What one tree and the views of its leaves take in memory."""
    arrays = allocate(0, num_worlds, sims, leaves)
    return sum(array.itemsize * prod(array.shape[1:]) for array in arrays) + leaves * HAND.itemsize
