"""Texas 42 for reinforcement learning: the game, and its PettingZoo and Gymnasium environments."""

from pathlib import Path as _Path

from zeb42_env._core.record import HAND
from zeb42_env._numba import notice as _notice
from zeb42_env._numba import stale as _stale
from zeb42_env._version import __version__
from zeb42_env.aec import env, raw_env
from zeb42_env.hand import Hand, IllegalActionError
from zeb42_env.notation import NotationError
from zeb42_env.observation import legal_masks, observe, observe_many
from zeb42_env.records import as_records, check_records
from zeb42_env.rules import (
    PRESETS,
    BidKind,
    Declaration,
    Domino,
    Phase,
    Rules,
    action_text,
    domino_text,
    parse_action,
)
from zeb42_env.single import Texas42Env
from zeb42_env.table import Table, play_out
from zeb42_env.vector import Texas42VectorEnv, lane_seed

__all__ = [
    "HAND",
    "PRESETS",
    "BidKind",
    "Declaration",
    "Domino",
    "Hand",
    "IllegalActionError",
    "NotationError",
    "Phase",
    "Rules",
    "Table",
    "Texas42Env",
    "Texas42VectorEnv",
    "__version__",
    "action_text",
    "as_records",
    "check_records",
    "domino_text",
    "env",
    "lane_seed",
    "legal_masks",
    "observe",
    "observe_many",
    "parse_action",
    "play_out",
    "raw_env",
]


def _register() -> None:
    """Make the environments known to PettingZoo (1.27 on) and Gymnasium by name."""
    import gymnasium
    import pettingzoo

    if "zeb42/Texas42-v0" not in gymnasium.registry:
        gymnasium.register(
            "zeb42/Texas42-v0",
            entry_point="zeb42_env.single:Texas42Env",
            vector_entry_point="zeb42_env.vector:Texas42VectorEnv",
        )
    if hasattr(pettingzoo, "register") and "zeb42/texas42-v0" not in pettingzoo.aec_registry:
        pettingzoo.register("aec", "zeb42/texas42-v0", entry_point="zeb42_env.aec:env")


_stale.forget_stale_kernels(_Path(__file__).parent)
_notice.install()
_register()
