"""Texas 42 for reinforcement learning: the game, and its PettingZoo and Gymnasium environments."""

from zeb42_env._core.record import HAND
from zeb42_env._version import __version__
from zeb42_env.hand import Hand, IllegalActionError
from zeb42_env.notation import NotationError
from zeb42_env.rules import BidKind, Declaration, Phase, Rules, action_text, domino_text, parse_action

__all__ = [
    "HAND",
    "BidKind",
    "Declaration",
    "Hand",
    "IllegalActionError",
    "NotationError",
    "Phase",
    "Rules",
    "__version__",
    "action_text",
    "domino_text",
    "parse_action",
]
