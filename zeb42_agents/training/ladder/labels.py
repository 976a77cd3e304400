"""Labels: a state that a mind reached, and what each of its plays comes to, by a search or by what came of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zeb42_agents.evidence import Evidence, new_evidence
from zeb42_agents.files import read_array, replaced_file
from zeb42_agents.minds import Mind
from zeb42_agents.search.bundle import NOT_TRIED, Plan, new_bundle, weigh_many
from zeb42_agents.training.ladder.outcomes import carry_out
from zeb42_agents.training.ladder.states import States
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_TRICKS
from zeb42_env._core.record import HAND, TRICKS
from zeb42_env._core.tables import legal_masks
from zeb42_env.records import check_records

LABEL = np.dtype(
    [
        ("view", HAND),
        ("shares", np.float32, (NUM_TRICKS,)),  # of each legal domino, ascending; 0 after the last
        ("num_worlds", np.int32),  # asked for: of fewer deals each came once; 0 where a network said so
    ],
    align=True,
)
"""One label, 128 bytes. A share of success is (1 + value) / 2: of won or lost it is the share of worlds won."""


def label_states(
    views: np.ndarray, keys: np.ndarray, mind: Mind, plan: Plan, evidence: Evidence | None = None
) -> np.ndarray:
    """LABEL [B] of ``views`` (HAND [B], in their tricks, of the seat to move, each with a choice).

    Label b draws from keys[b] (uint64 [B]) alone. Worlds are weighed by ``evidence``, by default by none.
    """
    values = np.full((len(views), NUM_DOMINOES), NOT_TRIED)
    weigh_many(views, keys, new_bundle(plan.most_worlds, evidence or new_evidence()), mind, plan, values)
    return labels_of(views, (1 + values) / 2, values > NOT_TRIED, num_worlds=plan.num_worlds)


def label_by_outcomes(states: States, mind: Mind) -> np.ndarray:
    """LABEL [N] of ``states``: what each play came to, carried out in the very deal with ``mind`` at all four seats.

    The deal is one sample of all that the mind could not see, and an honest one, whatever the plays so far tell: it was
    there when they were made. And nobody who plays on knows more than a player may. So the mean over many such labels
    is what the play is worth among minds, which no sampled and no solved worlds are. One label alone is noise.
    """
    values = np.full((len(states.views), NUM_DOMINOES), NOT_TRIED)
    carry_out(states.hands, states.keys, mind, values)
    return labels_of(states.views, (1 + values) / 2, values > NOT_TRIED, num_worlds=1)


def labels_of(views: np.ndarray, shares: np.ndarray, legal: np.ndarray, *, num_worlds: int) -> np.ndarray:
    """LABEL [B] of ``views`` [B] from the share of success [B, 28] of each domino that is ``legal``, bool [B, 28]."""
    labels = np.zeros(len(views), LABEL)
    labels["view"], labels["num_worlds"] = views, num_worlds
    place = np.cumsum(legal, 1) - 1
    rows, dominoes = np.nonzero(legal)
    labels["shares"][rows, place[rows, dominoes]] = shares[rows, dominoes]
    return labels


def targets(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of success float32 [B, 28] of each domino, and which dominoes are legal, bool [B, 28]."""
    legal = legal_dominoes(labels["view"])
    place = np.maximum(np.cumsum(legal, 1) - 1, 0)
    return np.where(legal, np.take_along_axis(labels["shares"], np.minimum(place, NUM_TRICKS - 1), 1), 0), legal


def legal_dominoes(views: np.ndarray) -> np.ndarray:
    """Which dominoes the seat to move may play in ``views`` [B], in their tricks: bool [B, 28]."""
    return legal_masks(np.ascontiguousarray(views, HAND))[:, :NUM_DOMINOES].astype(bool)


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write ``labels`` to ``path``; a crash leaves all of it or nothing."""
    with replaced_file(path) as fresh, fresh.open("wb") as file:
        np.save(file, labels, allow_pickle=False)


def read_labels(path: Path) -> np.ndarray:
    """The labels in ``path``: LABEL [N]. ValueError if the file is damaged or foreign."""
    try:
        found = read_array(path)
        if found.dtype != LABEL or found.ndim != 1:
            raise ValueError(f"it holds {found.dtype} of shape {found.shape}")
        found = np.require(found, LABEL)
        views = check_records(np.ascontiguousarray(found["view"]))
        if not ((views["phase"] == TRICKS) & (views["seat"] == views["to_move"])).all():
            raise ValueError("it holds views of seats that are not to play")
        if not ((found["shares"] >= 0) & (found["shares"] <= 1)).all() or (found["num_worlds"] < 1).any():
            raise ValueError("it holds shares that are none")
    except (ValueError, OSError) as error:
        raise ValueError(f"expected labels in {path}, got a damaged or foreign file: {error}") from None
    return found
