"""What a network says of views, in batches: policies, values and beliefs, whatever it is computed with."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numba import njit

from zeb42_agents.shape import ZebConfig
from zeb42_agents.simple_bidder import simple_calls
from zeb42_agents.stored import Stored
from zeb42_agents.threads import in_pieces
from zeb42_agents.transformer import believe, think, transformer_of
from zeb42_env._core.bits import unit
from zeb42_env._core.columns import NUM_OTHERS
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import NUM_ACTIONS, TRICKS, legal_mask
from zeb42_env.records import as_records
from zeb42_env.tokenizers import get_tokenizer

LEAST_PART = 32  # views that are worth a thread


class Answers(ABC):
    """Policies, values and beliefs of views by a network, in batches; what the search asks.

    Until a network has learned to call (``calls``), the shared simple bidder speaks for it before the first lead.
    ``config`` is its shape; it is asked about at most ``max_batch`` views at once.
    """

    def __init__(self, config: ZebConfig, *, calls: bool = False, max_batch: int = 1024) -> None:
        self.config = config
        self.tokenizer = get_tokenizer(config.tokenizer)
        self.calls = calls and self.tokenizer.reads_calls
        self.max_batch = max_batch

    @property
    def is_on_gpu(self) -> bool:
        """Whether a GPU computes, while which the CPU may go on with something else."""
        return False

    @abstractmethod
    def _think(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The logits float32 [N, 56], or [N, 7] of slots, and the values float32 [N] of views [N] that it can read."""

    @abstractmethod
    def _believe(self, views: np.ndarray) -> np.ndarray:
        """The probability float32 [N, 28, 3] that left, partner and right were dealt each domino, of such views."""

    def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The policy float32 [N, 56] over the legal actions of ``views`` [N], and the value float32 [N] in -1..1 for
        the team of the view's seat, which is to move."""
        views = as_records(views, "views")
        if views.ndim != 1:
            raise ValueError(
                f"expected views to be HAND records [N], got shape {list(views.shape)}; one alone is [one]"
            )
        if not ((views["seat"] >= 0) & (views["seat"] == views["to_move"])).all():
            raise ValueError("expected views of the seats to move, got another seat's, a full hand or a finished one")
        policy = np.zeros((len(views), NUM_ACTIONS), np.float32)
        value = np.zeros(len(views), np.float32)
        for rows in self._batches(np.flatnonzero(self.tokenizer.readable(views))):
            part = views[rows]
            logits, value[rows] = self._think(part)
            policy[rows] = _softmax_legal(logits, part, self.tokenizer.slots(part))
        if not (np.isfinite(policy).all() and np.isfinite(value).all()):  # no action could be drawn from that
            raise ValueError("expected finite answers of the network, got NaN or infinity; its weights are damaged")
        spoken_for = np.flatnonzero(~self.speaks(views))
        if len(spoken_for):
            policy[spoken_for] = 0.0
            policy[spoken_for, simple_calls(views[spoken_for])] = 1.0
        return policy, value

    def belief(self, views: np.ndarray) -> np.ndarray:
        """The probability float32 [N, 28, 4] that each seat was dealt each domino; even odds without a belief head."""
        belief = np.full((len(views), NUM_DOMINOES, NUM_SEATS), 1 / NUM_SEATS, np.float32)
        if self.config.belief_head:
            for rows in self._batches(np.flatnonzero(self.tokenizer.readable(views))):
                _turn_to_seats(self._believe(views[rows]), views[rows], rows, belief)
        return belief

    def speaks(self, views: np.ndarray) -> np.ndarray:
        """In which of ``views`` [N] the policy is the network's own: bool [N]; in the others it is the bidder's."""
        return self.tokenizer.readable(views) & (self.calls | (views["phase"] == TRICKS))

    def _batches(self, rows: np.ndarray) -> list[np.ndarray]:
        return [rows[i : i + self.max_batch] for i in range(0, len(rows), self.max_batch)]


class KernelAnswers(Answers):
    """A network of tokenizer v2 that answers inside the kernels, on the CPU and without torch.

    What it says of a view does not depend on what else it is asked. Large batches are shared among ``threads``, by
    default as many as there are cores, or as OMP_NUM_THREADS says.
    """

    def __init__(self, stored: Stored, *, max_batch: int = 1024, threads: int = 0) -> None:
        super().__init__(stored.config, calls=bool(stored.state.get("calls", False)), max_batch=max_batch)
        self._net = transformer_of(stored.config, stored.tensors)
        self._threads = threads or _usual_threads()

    def _think(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, values = np.empty((len(views), NUM_ACTIONS), np.float32), np.empty(len(views), np.float32)
        tokens = self.tokenizer.encode(views)
        self._share(len(views), lambda part: think(self._net, tokens[part], logits[part], values[part]))
        return logits, values

    def _believe(self, views: np.ndarray) -> np.ndarray:
        shares = np.empty((len(views), NUM_DOMINOES, NUM_OTHERS), np.float32)
        tokens = self.tokenizer.encode(views)
        self._share(len(views), lambda part: believe(self._net, tokens[part], shares[part]))
        return shares

    def _share(self, number: int, work: Callable[[slice], None]) -> None:
        in_pieces(work, number, max(1, min(self._threads, number // LEAST_PART)))


def _usual_threads() -> int:
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) else os.cpu_count() or 1


@njit(cache=True, nogil=True)
def _softmax_legal(logits: np.ndarray, views: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Probabilities float32 [N, 56] over the legal actions, from logits over actions, or over ``slots`` [N, 7]."""
    policy = np.zeros((len(views), NUM_ACTIONS), np.float32)
    by_slot = slots.shape[1] > 0
    for n in range(len(views)):
        legal = legal_mask(views[n])
        highest = -np.inf
        for place in range(logits.shape[1]):
            action = slots[n, place] if by_slot else place
            if (legal >> np.uint64(action)) & np.uint64(1):
                highest = max(highest, logits[n, place])
        total = 0.0
        for place in range(logits.shape[1]):
            action = slots[n, place] if by_slot else place
            if (legal >> np.uint64(action)) & np.uint64(1):
                policy[n, action] = np.exp(logits[n, place] - highest)
                total += policy[n, action]
        policy[n] /= total
    return policy


@njit(cache=True, nogil=True)
def _turn_to_seats(others: np.ndarray, views: np.ndarray, rows: np.ndarray, belief: np.ndarray) -> None:
    """Write beliefs about left, partner and right [R, 28, 3] into rows of beliefs about seats [N, 28, 4]."""
    for r in range(len(rows)):
        view = views[r]
        for domino in range(NUM_DOMINOES):
            known = view.owner[domino]
            for seat in range(NUM_SEATS):
                place = (seat - view.seat - 1) & 3
                if known >= 0:
                    belief[rows[r], domino, seat] = 1.0 if seat == known else 0.0
                else:
                    belief[rows[r], domino, seat] = others[r, domino, place] if place < 3 else 0.0


@njit(cache=True, nogil=True)
def sample_actions(policy: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """One action from each policy [N, 56], drawn from keys [N]: int64 [N]."""
    actions = np.empty(len(policy), np.int64)
    stream = np.empty(1, np.uint64)
    for n in range(len(policy)):
        stream[0] = keys[n]
        left = unit(stream) * policy[n].sum()
        for action in range(policy.shape[1]):
            if policy[n, action] > 0.0:
                actions[n] = action
                left -= policy[n, action]
                if left < 0.0:
                    break
    return actions
