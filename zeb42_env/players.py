"""Those who play the seats that do not learn: built-in random players, agents, or plain functions over views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from zeb42_env._core import record as core
from zeb42_env._core import tables
from zeb42_env._core.lanes import RANDOM_SEAT, SELF_PLAY, WAITING, Course, Lanes, act_lanes, guest_keys
from zeb42_env.hand import Hand, IllegalActionError
from zeb42_env.rules import Rules

SeatRule = int | Literal["random", "self_play"]
Choice = Callable[[np.ndarray, np.ndarray], Any]
Player = Any
"""An agent with ``act(views, keys)``, or a function of the same: HAND views [B] and uint64 keys [B] -> actions [B]."""


def seat_code(seat: SeatRule, *, self_play: bool) -> int:
    """The number that the kernels know this seat rule by; ValueError for one that is not allowed."""
    words = {"random": RANDOM_SEAT, "self_play": SELF_PLAY} if self_play else {"random": RANDOM_SEAT}
    if isinstance(seat, str) and seat in words:
        return words[seat]
    if isinstance(seat, int | np.integer) and 0 <= seat < 4:
        return int(seat)
    raise ValueError(f"expected seat to be the learner's, got {seat!r}; allowed: 0..3, {', '.join(words)}")


def choices_of(players: Player | Sequence[Player] | None) -> tuple[Choice, ...]:
    """What the seats to the learner's left, opposite and to its right choose by; empty for the built-in players."""
    if players is None:
        return ()
    three = tuple(players) if isinstance(players, list | tuple) else (players,) * 3
    if len(three) != 3:
        raise ValueError(f"expected one player, or three (left, partner, right), got {len(three)}")
    for player in three:
        if not callable(player) and not hasattr(player, "act"):
            raise ValueError(
                f"expected players with act(views, keys), or functions of the same, got {player!r}; "
                "zeb42_agents.make_agent makes agents from their names"
            )
    return tuple(player.act if hasattr(player, "act") else player for player in three)


def course_of(rules: Rules, seat: int, per_trick_rewards: bool, choices: tuple[Choice, ...]) -> Course:
    """How the lanes of an environment run."""
    return Course(rules.contract_code, seat, per_trick_rewards, not choices)


def let_players_play(
    lanes: Lanes, course: Course, choices: tuple[Choice, ...], rewards: np.ndarray, status: np.ndarray
) -> None:
    """Ask the players of all lanes that wait for one, until every lane is at its learner's turn or over.

    What seats 0&2 are paid is added to ``rewards`` (float64 [N]); ``status`` (int8 [N]) is kept up to date.
    """
    while len(waiting := np.flatnonzero(status == WAITING)):
        views, keys = np.empty(len(waiting), core.HAND), np.empty(len(waiting), np.uint64)
        tables.show(lanes.hands, waiting, guest_keys(lanes), views, keys)
        chosen = _choose(choices, (views["to_move"] - lanes.seats[waiting] - 1) & 3, views, keys)
        actions, go = np.empty(len(status), np.int64), np.zeros(len(status), bool)
        actions[waiting], go[waiting] = chosen, True
        act_lanes(0, len(status), lanes, course, go, actions, rewards, status)


def _choose(choices: tuple[Choice, ...], places: np.ndarray, views: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The actions (int64 [W]) of the players at ``places`` [W]: 0 left of the learner, 1 opposite, 2 right."""
    different = list(dict.fromkeys(choices))  # a player of several seats is asked once
    asked = np.array([different.index(choice) for choice in choices])[places]
    actions = np.empty(len(views), np.int64)
    for number, choice in enumerate(different):
        mine = np.flatnonzero(asked == number)
        if len(mine):
            answer = np.asarray(choice(views[mine], keys[mine]))
            if answer.shape != mine.shape or answer.dtype.kind not in "iu":
                raise ValueError(
                    f"expected an integer action of a player for each of {len(mine)} views, got {answer.dtype} "
                    f"{list(answer.shape)}"
                )
            actions[mine] = answer
    for w in np.flatnonzero(~tables.are_legal(views, actions)):
        try:
            Hand(views[w]).apply(int(actions[w]))
        except IllegalActionError as error:
            raise ValueError(f"a player of the environment broke the rules: {error}") from None
    return actions
