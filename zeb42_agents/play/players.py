"""Agents at the table: loaded when first asked, each in a thread of its own, and replaced by greedy where they fail.

What an agent says of its own failure goes to the log and not to the table: it may name dominoes that it holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents.agent import Agent, make_agent
from zeb42_agents.baselines import GreedyAgent
from zeb42_agents.calls import with_calls
from zeb42_agents.calls.player import SIMPLE
from zeb42_agents.play.session import Question
from zeb42_agents.play.workers import Worker
from zeb42_env._core.record import TRICKS
from zeb42_env.hand import Hand
from zeb42_env.rules import action_text

LOG = logging.getLogger(__name__)
PATIENCE_S = 20.0
"""How long a table waits for one decision."""
FIRST_PATIENCE_S = 180.0
"""And for the first, with which an agent loads, and after installation compiles."""
SIMPLE_BIDDER, NETWORK = "simple bidder", "network"  # speakers of calls, as explanations name them


class Answer(NamedTuple):
    """What is done at a decision, and what is to be said about it."""

    action: int
    note: str | None


class Player:
    """The agent of one spec, shared by all tables that seat it."""

    def __init__(
        self,
        spec: str,
        *,
        make: Callable[[str], Agent] = make_agent,
        patience_s: float = PATIENCE_S,
        calls: str | None = None,
        most_each: int | None = None,
    ) -> None:
        self.spec = spec
        self._calls = calls
        self._calling: Agent | None = None
        self.caller = None if calls is None else SIMPLE_BIDDER if calls == SIMPLE else NETWORK
        """Who makes its calls, such as ``simple bidder``; None before that is known."""
        self._make = make
        self._patience_s = patience_s
        self._agent: Agent | None = None
        self._worker = Worker(f"agent {spec}", most_each=most_each)
        self._is_stuck = False
        self._has_answered = False

    def agent(self) -> Agent:
        """The agent itself, loaded once; in its thread."""
        if self._agent is None:
            self._agent = self._make(self.spec)
            self.caller = _caller(self._agent)
        return self._agent

    def do(self, job: Callable[[Agent], Any], *, who: str = "") -> Future[Any]:
        """``job(agent)`` in the agent's thread, for ``who``, after what it is at. BusyError if it waits for much."""
        return self._worker.submit(lambda: job(self.agent()), who=who)

    async def run(self, job: Callable[[Agent], Any], *, who: str = "") -> Any:
        """The same, awaited."""
        return await asyncio.wrap_future(self.do(job, who=who))

    async def answer(self, question: Question, *, who: str = "") -> Answer:
        """What it does; greedy stands in, and a note says so, where it fails, breaks the rules or is too slow.

        Where its calls are known to come from elsewhere, it need not have loaded for them.
        """
        early = self._agent is None and self._calls is not None and question.view["phase"] != TRICKS
        if self._is_stuck and self._worker.pending:
            return self._stand_in(question, "is still thinking about an earlier decision")
        self._is_stuck = False

        def decide(agent: Agent) -> int:
            return int(np.asarray(agent.act(np.array([question.view]), question.key))[0])

        patience_s = self._patience_s if self._has_answered else max(FIRST_PATIENCE_S, self._patience_s)
        try:
            job = asyncio.to_thread(self._call, question) if early else self.run(decide, who=who)
            action = await asyncio.wait_for(job, patience_s)
        except TimeoutError:
            self._is_stuck = not early
            return self._stand_in(question, f"took more than {patience_s:g} seconds")
        except Exception as error:  # an agent may raise anything; its table goes on
            LOG.warning("%s failed", self.spec, exc_info=error)
            return self._stand_in(question, f"failed ({type(error).__name__})")
        self._has_answered |= not early
        if action not in Hand(question.view).legal_actions():
            said = action_text(action) if 0 <= action < 56 else str(action)
            LOG.warning("%s wanted %s, which is not allowed", self.spec, said)
            return self._stand_in(question, "wanted what is not allowed")
        return Answer(action, None)

    def _call(self, question: Question) -> int:
        if self._calling is None:
            self._calling = with_calls(GreedyAgent(), self.spec, self._calls or SIMPLE)
        return int(self._calling.act(np.array([question.view]), question.key)[0])

    def stop(self) -> None:
        """Give its thread back."""
        self._worker.stop()

    def _stand_in(self, question: Question, why: str) -> Answer:
        action = int(GreedyAgent().act(np.array([question.view]), question.key)[0])
        return Answer(action, f"{self.spec} {why}: greedy stood in for it")


def _caller(agent: Agent) -> str:
    """Who speaks for ``agent`` in the auction, by what it says of one call."""
    hand = Hand.deal(seed=0)
    return agent.explain(hand.view(hand.to_move)).speaker
