"""The call that is worth most: in a match by the chance to win it, else by what the hand is scored by.

A call leads to ends: the caller's own contract, or another seat's, made or set. How likely each is, the network says;
its own contract is priced by the declaration that makes it most often. So passing is worth what the others then do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit

from zeb42_agents import simple_bidder
from zeb42_agents.calls.columns import NUM_BIDS, bid_row
from zeb42_agents.calls.match import THEY_SHAKE, WE_SHAKE, match_chance
from zeb42_agents.calls.network import (
    MINE,
    MOST_MARKS,
    NUM_ENDS,
    OF_OTHERS,
    STRAIGHT,
    THROWN_IN,
    CallNetwork,
    best_prices,
    contract_units,
    knows,
    lowest_bid,
    made_at,
    write_ends,
)
from zeb42_agents.explanation import SCORE, Candidate, Explanation
from zeb42_agents.simple_bidder import require_calling, simple_call
from zeb42_env._core import goals
from zeb42_env._core.bits import lowest, popcount
from zeb42_env._core.dominoes import HAND_POINTS, NUM_DECLARATIONS
from zeb42_env._core.record import (
    DECLARATION,
    DECLARE,
    MIN_BID,
    NUM_ACTIONS,
    PASS,
    bid_value,
    legal_mask,
)
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration

OTHER_RULES = "the network has not learned to call under these rules: the simple bidder that agents share speaks for it"
MATCH = "chance to win the match"
NEARLY = 1e-6  # calls that differ by less are worth the same


def learned_for(views: np.ndarray) -> np.ndarray:
    """In which of ``views`` [B] the rules are those that the networks have learned: bool [B]."""
    by_contract = np.fromiter((goals.by_contract(scoring) for scoring in views["scoring"]), np.bool_, len(views))
    return (views["kind"] == STRAIGHT) & by_contract


def learned_calls(net: CallNetwork, views: np.ndarray) -> np.ndarray:
    """The call or declaration int64 [B] for ``views`` [B] in their auction or declaration phase.

    Where the rules are others than the networks have learned (:func:`learned_for`), the simple bidder's. ValueError if
    a view is in another phase.
    """
    views = np.atleast_1d(views)
    require_calling(views)
    return _choose_many(net, views)


@njit(cache=True, nogil=True)
def _choose_many(net: CallNetwork, views: np.ndarray) -> np.ndarray:
    actions = np.empty(len(views), np.int64)
    for b in range(len(views)):
        actions[b] = choose_call(net, views[b]) if knows(views[b]) else simple_call(views[b])
    return actions


@njit(cache=True, nogil=True)
def choose_call(net: CallNetwork, view: np.void) -> int:
    """The action for one view in its auction or declaration phase; of calls that are worth the same passing, then the
    lower bid; of declarations the lower."""
    legal = legal_mask(view)
    best = lowest(legal)
    if popcount(legal) == 1:
        return best
    values = np.empty(NUM_ACTIONS)
    if view.phase == DECLARATION:
        value_declarations(net, view, values)
    else:
        value_calls(net, view, values, np.empty(NUM_BIDS))
    for action in range(best + 1, NUM_ACTIONS):
        if (legal >> np.uint64(action)) & np.uint64(1) and values[action] > values[best] + NEARLY:
            best = action
    return best


@njit(cache=True, nogil=True)
def value_declarations(net: CallNetwork, view: np.void, values: np.ndarray) -> None:
    """Write how often each declaration makes the contract into ``values`` (float64 [56])."""
    seat = np.int64(view.to_move)
    for declaration in range(NUM_DECLARATIONS):
        if (view.declarations >> declaration) & 1:
            units = contract_units(net, view, seat, view.held[seat], declaration)
            values[DECLARE + declaration] = made_at(net, units, np.int64(view.bid))


@njit(cache=True, nogil=True)
def value_calls(net: CallNetwork, view: np.void, values: np.ndarray, chances: np.ndarray) -> None:
    """Write what each legal call of a view in its auction is worth to its team into ``values`` (float64 [56]), and how
    often each of 30..42 is made by the caller into ``chances`` (float64 [13])."""
    seat, legal = np.int64(view.to_move), legal_mask(view)
    found, _ = best_prices(net, view, seat, view.held[seat], lowest_bid(view.bid))
    chances[:] = found
    ends = np.zeros((NUM_ACTIONS, NUM_ENDS), np.float32)
    write_ends(net, view, chances, ends)
    while legal:
        call = lowest(legal)
        legal &= legal - np.uint64(1)
        worth = ends[call, THROWN_IN] * result_worth(net, view, seat, 0)
        for side in range(2):
            for made in range(2):
                sign = 1 if side ^ made else -1  # partners (0) who make it, opponents (1) who are set
                for marks in range(1, MOST_MARKS + 1):
                    chance = ends[call, OF_OTHERS + (side * 2 + made) * MOST_MARKS + marks - 1]
                    if chance > 0.0:
                        worth += chance * result_worth(net, view, seat, sign * marks)
        if call != PASS:
            bid = bid_value(call)
            marks, makes = max(1, bid // HAND_POINTS), chances[bid_row(bid)]
            made_worth, set_worth = result_worth(net, view, seat, marks), result_worth(net, view, seat, -marks)
            worth += ends[call, MINE] * (makes * made_worth + (1.0 - makes) * set_worth)
        values[call] = worth


@njit(cache=True, nogil=True)
def result_worth(net: CallNetwork, view: np.void, seat: int, marks: int) -> float:
    """What it is worth to the team of ``seat`` if the hand brings it so many marks, or the others as many if below 0.

    In a match the chance to win it then; otherwise the score.
    """
    if not view.match:
        return np.float64(marks) if goals.by_marks(view.scoring) else np.float64(np.sign(marks))
    team = seat & 1
    ours, theirs = np.int64(view.marks[team]) + max(marks, 0), np.int64(view.marks[1 - team]) + max(-marks, 0)
    next_shaker = THEY_SHAKE if view.shaker & 1 == team else WE_SHAKE  # the shake passes to the left
    return match_chance(net.match, ours, theirs, next_shaker)


def explain_call(net: CallNetwork, view: np.void) -> Explanation:
    """What the networks think of each call or declaration of one ``view``, or the simple bidder where they have not
    learned the rules."""
    if not learned_for(np.array([view]))[0]:
        spoken = simple_bidder.explain_call(view)
        return replace(spoken, how=f"{spoken.how}; {OTHER_RULES}")
    hand = Hand(view)
    legal = hand.legal_actions()
    chosen = int(choose_call(net, view))
    values, chances = np.full(NUM_ACTIONS, np.nan), np.full(NUM_BIDS, np.nan)
    if view["phase"] == DECLARATION:
        value_declarations(net, view, values)
        candidates = [Candidate(action=a, win_share=float(values[a])) for a in legal]
        unit, how = SCORE, f"the one with which {min(int(view['bid']), HAND_POINTS)} points are made most often"
    else:
        value_calls(net, view, values, chances)
        candidates = [
            Candidate(
                action=call,
                value=float(values[call]),
                win_share=None if call == PASS else float(chances[bid_row(bid_value(call))]),
            )
            for call in legal
        ]
        unit = MATCH if view["match"] else "marks" if goals.by_marks(view["scoring"]) else SCORE
        how = "the call that is worth most, by how the auction goes on and what contracts bring"
        least = int(lowest_bid(view["bid"]))
        found, best = best_prices(net, view, int(view["seat"]), view["held"][view["seat"]], least)
        row = bid_row(least)
        how += f"; {min(least, HAND_POINTS)} is made in {found[row]:.0%} with {Declaration(int(best[row]))}"
    order = sorted(candidates, key=lambda c: (c.action != chosen, -(c.value or 0.0), -(c.win_share or 0.0), c.action))
    return Explanation(
        view=hand,
        chosen=chosen,
        candidates=tuple(order),
        speaker="network",
        basis="what such calls led to and such contracts brought at the table",
        how=how,
        unit=unit,
        root_value=order[0].value,
    )


def price_curve(net: CallNetwork, view: np.void, declarations: np.ndarray) -> np.ndarray:
    """How often the seat of ``view``, before its first lead, makes 30..42 at the table if it declares each of
    ``declarations`` and all who are still to call pass: float64 [D, 13]."""
    seat = int(view["seat"])
    chances = np.empty((len(declarations), NUM_BIDS))
    for i, declaration in enumerate(declarations):
        units = contract_units(net, view, seat, view["held"][seat], int(declaration))
        chances[i] = [made_at(net, units, MIN_BID + row) for row in range(NUM_BIDS)]
    return np.minimum.accumulate(chances, axis=1)  # each bid is calibrated by itself: more points are never likelier
