"""What all environments check of their options, seeds and actions."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from zeb42_env._core import record as core
from zeb42_env.hand import MAX_SEED, Hand
from zeb42_env.rules import Rules, RulesLike

RENDER_MODES = ("ansi", "rgb_array", "human")
RENDER_FPS = 2


def check_options(rules: RulesLike, per_trick_rewards: bool, render_mode: str | None) -> Rules:
    """The rules as Rules; ValueError for options that no environment takes."""
    rules = Rules.of(rules)
    if per_trick_rewards and rules.scoring != "points":
        raise ValueError(
            f'expected scoring="points" with per_trick_rewards, whose tricks add up to the hand, got {rules.scoring!r}'
        )
    if render_mode not in (None, *RENDER_MODES):
        raise ValueError(f"expected a render mode, got {render_mode!r}; allowed: None, {', '.join(RENDER_MODES)}")
    return rules


def check_seed(seed: Any) -> int:
    """``seed`` as an int; ValueError unless it is one in range."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"expected a seed in 0..2**64-1, got {seed!r}")
    return int(seed)


def check_begun(begun: bool) -> None:
    """ValueError before the first reset."""
    if not begun:
        raise ValueError("expected reset() first, got an environment in which no hand has been dealt")


def check_whole(whole: bool) -> None:
    """ValueError where a step was interrupted, whose lanes wait for another seat than the learner's."""
    if not whole:
        raise ValueError("expected reset() after a step that was interrupted, by a player's error or Ctrl-C")


def action_number(action: Any) -> int:
    """``action`` as an int, legal or not; ValueError for what is no whole number."""
    try:
        return operator.index(action)
    except TypeError:
        raise ValueError(f"expected an action id, got {action!r}; allowed: 0..{core.NUM_ACTIONS - 1}") from None


def given_hand(given: Hand | str, rules: Rules) -> np.void:
    """The record of a hand to begin an episode with; ValueError unless it is one that can be played on."""
    hand = Hand.parse(given) if isinstance(given, str) else given
    if not isinstance(hand, Hand):
        raise ValueError(f"expected options['hand'] to be a Hand or its notation, got {type(given).__name__}")
    record = hand.record
    if hand.is_over or record["seat"] != core.NOBODY:
        raise ValueError("expected options['hand'] to be a full hand that is not over, got a finished one or a view")
    if bool(record["match"]) != (rules.episode == "match"):
        raise ValueError(f"expected options['hand'] to be dealt for episode={rules.episode!r}, as the rules say")
    return record
