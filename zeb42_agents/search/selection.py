"""Which action a simulation takes: at the root, at the searcher's later decisions, and at the other seats'.

Sources: Danihelka et al., "Policy improvement by planning with Gumbel" (2022) for halving, completed Q and the choice
inside the tree; Silver et al., "A general reinforcement learning algorithm ..." (2018) for PUCT; Liu et al., "Watch
the unobserved" (2020) for simulations still out: they count as visits, never as values.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents.search.config import Settings
from zeb42_agents.search.tree import ROOT_INDEX
from zeb42_env._core.bits import mix

GOLDEN_RATIO = 0.6180339887498949
SMALLEST_PRIOR = 1e-9


@njit(cache=True)
def complete_values(nodes: np.ndarray, evaluation: np.void, values: np.ndarray) -> None:
    """Write the Q of each action into ``values`` [A], unvisited ones completed by the mixed value.

    The mixed value is the network's, averaged with what the visited actions found, as in the paper's appendix D.
    """
    num_visits, weight, weighted = 0, 0.0, 0.0
    for slot in range(evaluation.num_actions):
        child = evaluation.children[slot]
        values[slot] = np.nan
        if child >= 0 and nodes[child].visits > 0:
            q = nodes[child].value_sum / nodes[child].visits
            prior = max(np.float64(evaluation.probabilities[slot]), SMALLEST_PRIOR)
            values[slot] = q
            num_visits += nodes[child].visits
            weight += prior
            weighted += prior * q
    mixed = np.float64(evaluation.value)
    if num_visits:
        mixed = (mixed + num_visits * weighted / weight) / (1 + num_visits)
    for slot in range(evaluation.num_actions):
        if np.isnan(values[slot]):
            values[slot] = mixed


@njit(cache=True)
def logits_per_unit(nodes: np.ndarray, evaluation: np.void, settings: Settings) -> float:
    """How many logits one unit of value is worth here."""
    most = 0
    for slot in range(evaluation.num_actions):
        child = evaluation.children[slot]
        if child >= 0:
            most = max(most, np.int64(nodes[child].visits))
    return (settings.c_visit + most) * settings.c_scale


@njit(cache=True)
def improve_policy(evaluation: np.void, values: np.ndarray, logits: float, policy: np.ndarray) -> None:
    """Write the prior, tilted by the completed Q ``values`` [A], into ``policy`` [A]."""
    best = values[0]
    for slot in range(1, evaluation.num_actions):
        best = max(best, values[slot])
    total = 0.0
    for slot in range(evaluation.num_actions):
        prior = max(np.float64(evaluation.probabilities[slot]), SMALLEST_PRIOR)
        policy[slot] = prior * np.exp(logits * (values[slot] - best))
        total += policy[slot]
    for slot in range(evaluation.num_actions):
        policy[slot] /= total


@njit(cache=True)
def num_taken(nodes: np.ndarray, evaluation: np.void, slot: int) -> int:
    """Simulations that took this action, those still out included."""
    child = evaluation.children[slot]
    return np.int64(nodes[child].visits) + np.int64(nodes[child].in_flight) if child >= 0 else 0


@njit(cache=True)
def select_root(nodes: np.ndarray, evaluation: np.void, root: np.void, settings: Settings, scratch: np.ndarray) -> int:
    """The root action of the next simulation; -1 if it must wait for the leaves that are out."""
    if not settings.gumbel:
        return select_puct(nodes, evaluation, settings, scratch[0])
    number = root.started
    wanted = settings.visits[root.considered, number]
    phase = settings.phases[root.considered, number]
    if phase != root.phase and nodes[ROOT_INDEX].in_flight > 0:
        return -1
    root.phase = phase
    values = scratch[0]
    complete_values(nodes, evaluation, values)
    logits = logits_per_unit(nodes, evaluation, settings)
    chosen, best = -1, -np.inf
    for slot in range(evaluation.num_actions):
        score = root.noise[slot] + root.logits[slot] + logits * values[slot]
        if score > best and num_taken(nodes, evaluation, slot) == wanted:
            chosen, best = slot, score
    assert chosen >= 0
    return chosen


@njit(cache=True)
def select_own(nodes: np.ndarray, evaluation: np.void, settings: Settings, scratch: np.ndarray) -> int:
    """The action at a later decision of the searcher's own.

    ``gumbel``: visits follow the improved policy. The statistics are those of the public history, over all worlds.
    """
    if not settings.gumbel:
        return select_puct(nodes, evaluation, settings, scratch[0])
    values, policy = scratch[0], scratch[1]
    complete_values(nodes, evaluation, values)
    improve_policy(evaluation, values, logits_per_unit(nodes, evaluation, settings), policy)
    total = 1
    for slot in range(evaluation.num_actions):
        total += num_taken(nodes, evaluation, slot)
    chosen, best = 0, -np.inf
    for slot in range(evaluation.num_actions):
        due = policy[slot] - num_taken(nodes, evaluation, slot) / total
        if due > best:
            chosen, best = slot, due
    return chosen


@njit(cache=True)
def select_puct(nodes: np.ndarray, evaluation: np.void, settings: Settings, values: np.ndarray) -> int:
    """AlphaZero's rule; an action without a value yet has the completed one."""
    complete_values(nodes, evaluation, values)
    total = 0
    for slot in range(evaluation.num_actions):
        total += num_taken(nodes, evaluation, slot)
    explore = settings.c_puct * np.sqrt(max(1, total))
    chosen, best = 0, -np.inf
    for slot in range(evaluation.num_actions):
        bonus = explore * evaluation.probabilities[slot] / (1 + num_taken(nodes, evaluation, slot))
        if values[slot] + bonus > best:
            chosen, best = slot, values[slot] + bonus
    return chosen


@njit(cache=True)
def draw_other(evaluation: np.void, key: np.uint64) -> int:
    """The action of another seat, drawn from its policy.

    Draw number n is at (offset of the key + n golden ratios) mod 1 on the line of cumulated probabilities: each draw is
    distributed as the policy says, and several of them cover it more evenly than independent ones.
    """
    offset = np.float64(mix(key, np.uint64(0)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
    point = (offset + evaluation.visits * GOLDEN_RATIO) % 1.0
    evaluation.visits += 1
    last = evaluation.num_actions - 1
    for slot in range(last):
        point -= evaluation.probabilities[slot]
        if point < 0.0:
            return slot
    return last


@njit(cache=True)
def recommend(nodes: np.ndarray, evaluation: np.void, root: np.void, settings: Settings, scratch: np.ndarray) -> int:
    """The action that the search recommends: of those most visited, the one with the best score; with a temperature,
    one drawn by visits."""
    if settings.temperature > 0.0:
        return draw_by_visits(nodes, evaluation, 1.0 / settings.temperature, root.final_draw)
    values = scratch[0]
    complete_values(nodes, evaluation, values)
    logits = logits_per_unit(nodes, evaluation, settings)
    chosen, most, best = 0, -1, -np.inf
    for slot in range(evaluation.num_actions):
        visits = num_taken(nodes, evaluation, slot)
        score = values[slot]
        if settings.gumbel:
            score = root.noise[slot] + root.logits[slot] + logits * values[slot]
        if visits > most or (visits == most and score > best):
            chosen, most, best = slot, visits, score
    return chosen


@njit(cache=True)
def draw_by_visits(nodes: np.ndarray, evaluation: np.void, power: float, draw: float) -> int:
    """The action at ``draw`` in [0, 1) on the line of visits to this power."""
    most = 1
    for slot in range(evaluation.num_actions):
        most = max(most, num_taken(nodes, evaluation, slot))
    total = 0.0
    for slot in range(evaluation.num_actions):
        total += (num_taken(nodes, evaluation, slot) / most) ** power
    point, chosen = draw * total, 0
    for slot in range(evaluation.num_actions):
        visits = num_taken(nodes, evaluation, slot)
        if visits > 0 and point >= 0.0:
            chosen = slot
            point -= (visits / most) ** power
    return chosen
