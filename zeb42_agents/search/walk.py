"""The kernels that move through the search trees: select, expand, evaluate, back up, and sum up what was found.

In a simulation the searcher's own decisions follow the statistics of the tree, and each other seat plays by the
network's policy for its own view in the simulation's world. The first time a simulation comes to a decision that has no
evaluation yet, the view of the seat to move is that simulation's leaf. Leaves go to the evaluator in batches; a
simulation whose leaf is out is backed up in the next round.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.search.config import Settings
from zeb42_agents.search.ends import end_value, is_closed
from zeb42_agents.search.selection import (
    SMALLEST_PRIOR,
    complete_values,
    draw_other,
    improve_policy,
    logits_per_unit,
    num_taken,
    recommend,
    select_own,
    select_root,
)
from zeb42_agents.search.tree import CLOSED, MAX_LEGAL, NO_PARENT, OTHER, OWN, ROOT_INDEX, UNVISITED, Trees
from zeb42_env._core.bits import lowest, mix
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import HAND, MAX_DECISIONS, TRICKS, apply, blank, legal_mask


@njit(cache=True, nogil=True)
def start_trees(
    trees: Trees, views: np.ndarray, keys: np.ndarray, priors: np.ndarray, values: np.ndarray, max_considered: int
) -> None:
    """Start the trees of ``views`` [B] from the evaluator's ``priors`` [B, 56] and ``values`` [B] at their roots."""
    for b in range(len(views)):
        root = trees.roots[b]
        root.key = keys[b]
        root.seat = views[b].seat
        root.num_nodes = 0
        root.num_evaluations = 0
        root.num_requests = 0
        root.num_waiting = 0
        root.started = 0
        root.phase = 0
        root.noise[:] = 0.0
        root.final_draw = 0.0
        add_node(trees, b, NO_PARENT, 0, OWN)
        number = add_evaluation(trees, b, legal_mask(views[b]))
        trees.nodes[b, ROOT_INDEX].evaluation = number
        evaluation = trees.evaluations[b, number]
        set_policy(evaluation, priors[b])
        evaluation.value = values[b]
        evaluation.request = UNVISITED
        root.considered = min(max_considered, evaluation.num_actions)
        for slot in range(evaluation.num_actions):
            root.logits[slot] = np.log(max(np.float64(evaluation.probabilities[slot]), SMALLEST_PRIOR))


@njit(cache=True)
def add_node(trees: Trees, b: int, parent: int, action: int, kind: int) -> int:
    """A new node; UNVISITED if the tree is full."""
    number = np.int64(trees.roots[b].num_nodes)
    nodes = trees.nodes[b]
    if number == len(nodes):
        return UNVISITED
    trees.roots[b].num_nodes = number + 1
    node = nodes[number]
    node.value_sum = 0.0
    node.visits = 0
    node.in_flight = 0
    node.parent = parent
    node.first_child = UNVISITED
    node.next_sibling = UNVISITED
    node.evaluation = UNVISITED
    node.action = action
    node.kind = kind
    if parent != NO_PARENT:
        node.next_sibling = nodes[parent].first_child
        nodes[parent].first_child = number
    if kind != OWN:
        trees.entries[b, number, :] = UNVISITED
    return number


@njit(cache=True)
def add_evaluation(trees: Trees, b: int, legal: np.uint64) -> int:
    """A new evaluation over the ``legal`` actions (bits); what the evaluator says of them is still to come."""
    number = np.int64(trees.roots[b].num_evaluations)
    trees.roots[b].num_evaluations = number + 1
    evaluation = trees.evaluations[b, number]
    evaluation.visits = 0
    slot = 0
    while legal:
        evaluation.actions[slot] = lowest(legal)
        evaluation.children[slot] = UNVISITED
        legal &= legal - np.uint64(1)
        slot += 1
    evaluation.num_actions = slot
    return number


@njit(cache=True)
def set_policy(evaluation: np.void, priors: np.ndarray) -> None:
    """Take the legal actions' share of ``priors`` [56], scaled to sum to 1."""
    total = 0.0
    for slot in range(evaluation.num_actions):
        total += priors[evaluation.actions[slot]]
    for slot in range(evaluation.num_actions):
        if total > 0.0:
            evaluation.probabilities[slot] = priors[evaluation.actions[slot]] / total
        else:
            evaluation.probabilities[slot] = 1.0 / evaluation.num_actions


@njit(cache=True, nogil=True)
def run_round(
    trees: Trees,
    settings: Settings,
    first: int,
    last: int,
    priors: np.ndarray,
    values: np.ndarray,
    leaf_views: np.ndarray,
    memory: np.void,
) -> int:
    """One round of roots ``first`` .. ``last`` - 1: take what the evaluator said of their leaves, find the next ones.

    Args:
        priors, values: float32 [L, 56] and [L], for the leaves of the round before, in order.
        leaf_views: HAND [at least (last - first) * K], where the views of the new leaves are written.
        memory: what the solver works in, one for each thread.

    Returns:
        How many new leaves there are; 0 when these roots are done.
    """
    hands = np.empty(1, HAND)
    scratch = np.empty((2, MAX_LEGAL))
    num_answers, num_leaves = 0, 0
    for b in range(first, last):
        root = trees.roots[b]
        backup_leaves(trees, b, priors[num_answers:], values[num_answers:])
        num_answers += root.num_requests
        root.num_requests = 0
        root.num_waiting = 0
        evaluation = trees.evaluations[b, 0]
        while root.started < settings.sims and root.num_waiting < settings.leaves:
            slot = select_root(trees.nodes[b], evaluation, root, settings, scratch)
            if slot < 0:
                break
            simulate(trees, settings, b, slot, hands, scratch, leaf_views[num_leaves:], memory)
        num_leaves += root.num_requests
    return num_leaves


@njit(cache=True)
def backup_leaves(trees: Trees, b: int, priors: np.ndarray, values: np.ndarray) -> None:
    """Store the evaluations of root b's leaves, and back up the simulations that waited for them."""
    root = trees.roots[b]
    for number in range(root.num_requests):
        request = trees.requests[b, number]
        if request.evaluation >= 0:
            evaluation = trees.evaluations[b, request.evaluation]
            set_policy(evaluation, priors[number])
            evaluation.value = request.sign * values[number]
            evaluation.request = UNVISITED
    for number in range(root.num_waiting):
        waiting = trees.waiting[b, number]
        value = np.float64(trees.requests[b, waiting.request].sign * values[waiting.request])
        value += waiting.weight * (waiting.exact - value)
        backup(trees.nodes[b], waiting.node, value)


@njit(cache=True)
def backup(nodes: np.ndarray, node: int, value: float) -> None:
    """Add the value of a finished simulation to every node of its line."""
    while node != NO_PARENT:
        nodes[node].visits += 1
        nodes[node].in_flight -= 1
        nodes[node].value_sum += value
        node = nodes[node].parent


@njit(cache=True)
def simulate(
    trees: Trees,
    settings: Settings,
    b: int,
    slot: int,
    hands: np.ndarray,
    scratch: np.ndarray,
    leaf_views: np.ndarray,
    memory: np.void,
) -> None:
    """One simulation that begins with root action number ``slot``: walk to a leaf, or to an end and back up its value.

    The action's first simulation is in world 0, its second in world 1, and so on round: all actions meet the same
    worlds, so that what sets them apart is not the luck of the deal.
    """
    root = trees.roots[b]
    nodes = trees.nodes[b]
    root.started += 1
    hand = hands[0]
    evaluation = trees.evaluations[b, 0]
    world = num_taken(nodes, evaluation, slot) % trees.worlds.shape[1]
    hands[0] = trees.worlds[b, world]
    node, number, action = ROOT_INDEX, 0, np.int64(evaluation.actions[slot])
    while True:
        nodes[node].in_flight += 1
        apply(hand, action)
        child = expand(trees, settings, b, node, number, slot, action, hand)
        if child == UNVISITED:  # the tree is full
            if is_closed(hand, settings):
                backup(nodes, node, end_value(hand, settings, root.seat, memory))
            else:
                request_evaluation(trees, settings, b, node, UNVISITED, hand, leaf_views, memory)
            return
        node = child
        if nodes[node].kind == CLOSED:
            nodes[node].in_flight += 1
            backup(nodes, node, evaluate_closed(trees, settings, b, node, world, hand, memory))
            return
        legal = legal_mask(hand)
        if legal & (legal - np.uint64(1)) == np.uint64(0):
            number, slot, action = UNVISITED, UNVISITED, lowest(legal)
            continue
        number = find_evaluation(trees, b, node, world, hand.to_move)
        if number == UNVISITED:
            nodes[node].in_flight += 1
            number = add_evaluation(trees, b, legal)
            set_evaluation(trees, b, node, world, number)
            trees.evaluations[b, number].request = root.num_requests
            request_evaluation(trees, settings, b, node, number, hand, leaf_views, memory)
            return
        evaluation = trees.evaluations[b, number]
        if evaluation.request != UNVISITED:
            nodes[node].in_flight += 1
            wait_for(trees, settings, b, node, evaluation.request, hand, memory)
            return
        if nodes[node].kind == OWN:
            slot = select_own(nodes, evaluation, settings, scratch)
        else:
            slot = draw_other(evaluation, mix(root.key, np.uint64(number)))
        action = np.int64(evaluation.actions[slot])


@njit(cache=True)
def find_evaluation(trees: Trees, b: int, node: int, world: int, mover: int) -> int:
    """The evaluation of the decision at ``node`` in ``world``; UNVISITED if there is none yet.

    Worlds in which the mover holds the same dominoes look the same to it, and share one.
    """
    if trees.nodes[b, node].kind == OWN:
        return np.int64(trees.nodes[b, node].evaluation)
    entries = trees.entries[b, node]
    if entries[world] == UNVISITED:
        held = trees.worlds[b, world].held[mover]
        for other in range(len(entries)):
            if entries[other] != UNVISITED and trees.worlds[b, other].held[mover] == held:
                entries[world] = entries[other]
                break
    return np.int64(entries[world])


@njit(cache=True)
def set_evaluation(trees: Trees, b: int, node: int, world: int, number: int) -> None:
    """Let evaluation ``number`` be that of the decision at ``node`` in ``world``."""
    if trees.nodes[b, node].kind == OWN:
        trees.nodes[b, node].evaluation = number
    else:
        trees.entries[b, node, world] = number


@njit(cache=True)
def expand(
    trees: Trees, settings: Settings, b: int, node: int, number: int, slot: int, action: int, hand: np.void
) -> int:
    """The node after ``action``, made if need be; UNVISITED if the tree is full. ``hand`` is after the action.

    ``number`` and ``slot`` are the evaluation that chose the action, which remembers the child; UNVISITED if forced.
    """
    if number >= 0 and trees.evaluations[b, number].children[slot] >= 0:
        return np.int64(trees.evaluations[b, number].children[slot])
    nodes = trees.nodes[b]
    child = np.int64(nodes[node].first_child)
    while child != UNVISITED and nodes[child].action != action:
        child = np.int64(nodes[child].next_sibling)
    if child == UNVISITED:
        kind = OTHER
        if is_closed(hand, settings):
            kind = CLOSED
        elif hand.to_move == trees.roots[b].seat:
            kind = OWN
        child = add_node(trees, b, node, action, kind)
    if number >= 0:
        trees.evaluations[b, number].children[slot] = child
    return child


@njit(cache=True)
def request_evaluation(
    trees: Trees,
    settings: Settings,
    b: int,
    node: int,
    number: int,
    hand: np.void,
    leaf_views: np.ndarray,
    memory: np.void,
) -> None:
    """Write the view of the seat to move as the next leaf; its evaluation will go to ``number``."""
    root = trees.roots[b]
    request = np.int64(root.num_requests)
    root.num_requests = request + 1
    trees.requests[b, request].evaluation = number
    trees.requests[b, request].sign = 1 if (hand.to_move ^ root.seat) & 1 == 0 else -1
    leaf_views[request] = hand
    blank(leaf_views[request], hand.to_move)
    wait_for(trees, settings, b, node, request, hand, memory)


@njit(cache=True)
def wait_for(trees: Trees, settings: Settings, b: int, node: int, request: int, hand: np.void, memory: np.void) -> None:
    """Let a simulation that came to ``node`` wait for a leaf, its own or one that is out already."""
    root = trees.roots[b]
    waiting = trees.waiting[b, root.num_waiting]
    root.num_waiting += 1
    waiting.node = node
    waiting.request = request
    waiting.exact = 0.0
    waiting.weight = 0.0
    if hand.phase == TRICKS and NUM_DOMINOES - hand.num_plays <= settings.mix_plays:
        waiting.weight = settings.mix_weight
        waiting.exact = end_value(hand, settings, root.seat, memory)


@njit(cache=True)
def evaluate_closed(
    trees: Trees, settings: Settings, b: int, node: int, world: int, hand: np.void, memory: np.void
) -> float:
    """The value of a closed node in a world, computed once."""
    number = np.int64(trees.entries[b, node, world])
    if number == UNVISITED:
        number = add_evaluation(trees, b, np.uint64(0))
        trees.entries[b, node, world] = number
        trees.evaluations[b, number].value = end_value(hand, settings, trees.roots[b].seat, memory)
    return np.float64(trees.evaluations[b, number].value)


@njit(cache=True, nogil=True)
def summarize(
    trees: Trees,
    settings: Settings,
    visits: np.ndarray,
    values: np.ndarray,
    policies: np.ndarray,
    root_values: np.ndarray,
    actions: np.ndarray,
    lines: np.ndarray,
) -> None:
    """Write what the searches found: visits and Q [B, 56], improved policy [B, 56], its value [B], the recommended
    action [B] and the principal line [B, 33]; visits, Q and policies come filled with 0, lines with -1."""
    scratch = np.empty((2, MAX_LEGAL))
    completed, policy = scratch[0], scratch[1]
    for b in range(len(visits)):
        nodes = trees.nodes[b]
        evaluation = trees.evaluations[b, 0]
        chosen = recommend(nodes, evaluation, trees.roots[b], settings, scratch)
        complete_values(nodes, evaluation, completed)
        improve_policy(evaluation, completed, logits_per_unit(nodes, evaluation, settings), policy)
        root_values[b] = 0.0
        for slot in range(evaluation.num_actions):
            action = evaluation.actions[slot]
            policies[b, action] = policy[slot]
            root_values[b] += policy[slot] * completed[slot]
            child = evaluation.children[slot]
            if child >= 0:
                visits[b, action] = nodes[child].visits
                values[b, action] = nodes[child].value_sum / nodes[child].visits
        actions[b] = evaluation.actions[chosen]
        write_line(nodes, evaluation.children[chosen], lines[b])


@njit(cache=True)
def write_line(nodes: np.ndarray, node: int, line: np.ndarray) -> None:
    """Write the most visited line from ``node`` on into ``line`` [33]."""
    for place in range(MAX_DECISIONS):
        if node == UNVISITED:
            return
        line[place] = nodes[node].action
        best, most = UNVISITED, 0
        child = nodes[node].first_child
        while child != UNVISITED:
            visits = np.int64(nodes[child].visits)
            if visits > most or (visits == most > 0 and nodes[child].action < nodes[best].action):
                best, most = np.int64(child), visits
            child = nodes[child].next_sibling
        node = best
