"""Straight 42, slow and obvious: an implementation of the rules that shares no code, table or idea with the kernels.

Written from the rules alone. A domino is a pair of pips, a hand a list of pairs; a call is a string.
"""

from __future__ import annotations

DOMINOES = [(high, low) for high in range(7) for low in range(high + 1)]  # in the order of their ids
TRUMP_DOUBLES, DOUBLES_APART, FOLLOW_ME = 7, 8, 9
MARK_BIDS = ("1 mark", "2 marks", "3 marks", "4 marks", "5 marks")
CALLS = ("pass", *map(str, range(30, 42)), *MARK_BIDS)  # in the order of their action ids, from 28 on


def is_double(domino):
    return domino[0] == domino[1]


def suits_of(domino, declaration):
    """The suits that a domino is a member of: pips, or the word "doubles"."""
    if is_double(domino) and declaration in (TRUMP_DOUBLES, DOUBLES_APART):
        return {"doubles"}
    if declaration in domino:
        return {declaration}
    return set(domino)


def is_trump(domino, declaration):
    if declaration == TRUMP_DOUBLES:
        return is_double(domino)
    return declaration in domino  # a pip suit; 8 and 9 are on no domino


def suit_led(domino, declaration):
    suits = suits_of(domino, declaration)
    return suits.pop() if len(suits) == 1 else max(domino)


def beats(challenger, champion, led, declaration):
    """Whether ``challenger``, played later, takes the trick from ``champion``, which is winning it."""
    if is_trump(challenger, declaration) != is_trump(champion, declaration):
        return is_trump(challenger, declaration)
    suit = declaration if is_trump(challenger, declaration) else led
    if suit == TRUMP_DOUBLES:
        suit = "doubles"
    if suit not in suits_of(challenger, declaration):
        return False
    if suit == "doubles":
        return challenger[0] > champion[0]
    if is_double(champion):
        return False
    return is_double(challenger) or sum(challenger) > sum(champion)  # they share the suit's pip


def count_of(domino):
    total = sum(domino)
    return total if total in (5, 10) else 0


def points_of_trick(dominoes):
    return 1 + sum(count_of(domino) for domino in dominoes)


def worth(call):
    """What a bid promises, in points with 42 a mark."""
    return 42 * (MARK_BIDS.index(call) + 1) if call in MARK_BIDS else int(call)


class ReferenceHand:
    """One hand. ``hands`` are four lists of dominoes; ``contract`` is (bidder, bid, declaration) or None to auction."""

    def __init__(self, hands, shaker, *, declarations, all_pass="shaker_bids", contract=None):
        self.hands = [list(hand) for hand in hands]
        self.shaker = shaker
        self.declarations = declarations
        self.all_pass = all_pass
        self.calls = []  # (seat, call)
        self.declaration = None
        self.tricks = []  # each a list of (seat, domino)
        self.taken = {0: 0, 1: 0}
        self.bidder, self.bid = None, 0
        self.phase = "auction"
        self.turn = (shaker + 1) % 4
        if contract is not None:
            self.bidder, self.bid, declaration = contract
            self.declare(declaration)

    def legal(self):
        """Legal actions of the seat to move: calls, declarations or dominoes."""
        if self.phase == "auction":
            return self.legal_calls()
        if self.phase == "declaration":
            return list(self.declarations)
        if self.phase == "over":
            return []
        mine = self.hands[self.turn]
        trick = self.tricks[-1] if self.tricks else []
        if not 0 < len(trick) < 4:
            return list(mine)
        led = suit_led(trick[0][1], self.declaration)
        following = [domino for domino in mine if led in suits_of(domino, self.declaration)]
        return following or list(mine)

    def legal_calls(self):
        bids = [call for call in CALLS[1:] if worth(call) > self.bid]
        two_marks_were_bid = self.bid >= 84
        if two_marks_were_bid:
            bids = [call for call in bids if worth(call) == self.bid + 42]
        else:
            bids = [call for call in bids if worth(call) <= 84]
        nobody_bid = len(self.calls) == 3 and self.bid == 0
        if nobody_bid and self.all_pass == "shaker_bids":
            return bids
        return ["pass", *bids]

    def act(self, action):
        if self.phase == "auction":
            self.call(action)
        elif self.phase == "declaration":
            self.declare(action)
        else:
            self.play(action)

    def call(self, call):
        self.calls.append((self.turn, call))
        if call != "pass":
            self.bid, self.bidder = worth(call), self.turn
        self.turn = (self.turn + 1) % 4
        if len(self.calls) == 4:
            self.phase = "declaration" if self.bid else "over"
            self.turn = self.bidder

    def declare(self, declaration):
        self.declaration = declaration
        self.turn = self.bidder
        self.phase = "tricks"

    def play(self, domino):
        if not self.tricks or len(self.tricks[-1]) == 4:
            self.tricks.append([])
        trick = self.tricks[-1]
        trick.append((self.turn, domino))
        self.hands[self.turn].remove(domino)
        self.turn = (self.turn + 1) % 4
        if len(trick) < 4:
            return
        led = suit_led(trick[0][1], self.declaration)
        winner, best = trick[0]
        for seat, played in trick[1:]:
            if beats(played, best, led, self.declaration):
                winner, best = seat, played
        self.taken[winner % 2] += points_of_trick([played for _, played in trick])
        self.turn = winner
        if len(self.tricks) == 7:
            self.phase, self.turn = "over", None

    def offense_made_it(self):
        return self.taken[self.bidder % 2] >= min(self.bid, 42)

    def marks_won(self):
        """(team, marks) of the finished hand; team None if it was thrown in."""
        if self.bidder is None:
            return None, 0
        offense = self.bidder % 2
        return (offense if self.offense_made_it() else 1 - offense), max(1, self.bid // 42)

    def score(self, scoring):
        """What the finished hand is worth to seats 0 and 2."""
        if self.bidder is None:
            return 0
        margin = self.taken[0] - self.taken[1]
        if scoring == "points":
            return margin / 42
        if scoring == "majority":
            return (margin > 0) - (margin < 0)
        team, marks = self.marks_won()
        value = marks if scoring == "marks" else 1
        return value if team == 0 else -value

    def may_hold(self, viewer, dealt):
        """For each other seat the dominoes that ``viewer``, dealt ``dealt``, cannot rule out, by failures to follow."""
        seen = {domino for trick in self.tricks for _, domino in trick} | set(dealt)
        candidates = {}
        for seat in range(4):
            if seat == viewer:
                continue
            possible = [domino for domino in DOMINOES if domino not in seen]
            for trick in self.tricks:
                led = suit_led(trick[0][1], self.declaration)
                for player, domino in trick[1:]:
                    if player == seat and led not in suits_of(domino, self.declaration):
                        possible = [d for d in possible if led not in suits_of(d, self.declaration)]
            candidates[seat] = possible
        return candidates


def action_id(action):
    """The id of an action of this module in the engine's one space of actions."""
    if isinstance(action, tuple):
        return DOMINOES.index(action)
    if isinstance(action, str):
        return 28 + CALLS.index(action)
    return 46 + action
