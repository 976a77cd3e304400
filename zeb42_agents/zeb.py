"""Zeb at the table: the agent that plays by the network, alone or with search."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents import stored
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.answers import Answers, KernelAnswers
from zeb42_agents.calls.network import UNHEARD, Layers
from zeb42_agents.calls.player import SIMPLE, USUAL, heard_of, with_calls
from zeb42_agents.evidence import new_evidence
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_agents.minds import Mind, network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.places import fingerprint_of, locate
from zeb42_agents.played import ALONE, MAX_WORLDS, THIN, MindPlayer
from zeb42_agents.search import Search, SearchConfig
from zeb42_agents.search.bundle import Plan
from zeb42_agents.search.config import SOLVE_TRICKS
from zeb42_agents.search.samplers import standard_sampler
from zeb42_agents.simple_bidder import explain_call, simple_calls
from zeb42_env._core.dominoes import NUM_TRICKS
from zeb42_env.hand import Hand

SPOKEN_FOR = "the network has not learned to call: the simple bidder that agents share speaks for it"
TREE_WORLDS = 16  # of a search in a tree, where none are asked for
MAX_PRIOR = 100.0
OF_A_BUNDLE = "solve_tricks=, solved=, prior=, temperature=, resample=, dealt=, plays=, alike="
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd")  # of the drivers of NVIDIA and AMD
KERNEL_WIDTH = 64  # of tokens: there the kernels are as fast as torch in batches, and several times for one view


class Usual(NamedTuple):
    """What a search does where nothing is asked for, in options that depend on another one."""

    worlds: int
    belief: str
    resample: int
    plays: float
    alike: float
    solved: float
    prior: float


OVER_A_MIND = Usual(worlds=160, belief="uniform", resample=8, plays=2.0, alike=0.7, solved=0.5, prior=0.03)
"""With ``mind=``: what was measured to be strong."""
ELSEWHERE = Usual(worlds=0, belief="net", resample=0, plays=0.0, alike=0.0, solved=0.0, prior=0.0)


class Zeb(Agent):
    """The network as a player: the likeliest action of its policy, or what its search finds best."""

    def __init__(self, evaluator: Answers, *, search: SearchConfig | None = None, name: str = "zeb") -> None:
        self.name = name
        self.evaluator = evaluator
        self._options: list[str] = []
        self._fingerprint: str | None = None
        self.search = Search(evaluator, search) if search else None

    @classmethod
    def from_spec(
        cls,
        weights: str,
        *,
        sims: int = 0,
        worlds: int = 0,
        belief: str | None = None,
        resample: int | None = None,
        dealt: str = "random",
        solve_tricks: int = SOLVE_TRICKS,
        root: str = "gumbel",
        mix_tricks: int = 0,
        mix_weight: float = 0.5,
        thin: int = THIN,
        early: int = 1,
        temperature: float = 0.0,
        plays: float | None = None,
        alike: float | None = None,
        solved: float | None = None,
        prior: float | None = None,
        mind: str = "",
        calls: str = USUAL,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 1,
    ) -> Agent:
        """``zeb:WEIGHTS`` plays the policy alone, of a network or of a mind.

        With ``sims=`` a network searches its tree, see :class:`SearchConfig`; ``worlds=`` is 16 if not given.
        Small networks answer in kernels, larger ones and those on a GPU (``cuda``, or ``auto`` where one is) in torch.
        ``precision=auto`` takes bfloat16 where a short measurement finds it faster, which may tip near-ties from one
        machine to the next; with ``float32`` that takes a difference in the seventh digit.

        With ``worlds=`` a mind searches, see :class:`zeb42_agents.search.bundle.Plan`. ``early`` times as many worlds
        in the first two tricks; groups of fewer than ``thin`` worlds are left to the mind; the last ``solve_tricks``
        tricks are solved. ``solved`` is the weight (0 to 1) of what the same worlds come to if they are solved at once;
        ``prior`` that of the logarithm of a play's share in the policy. With a ``temperature`` the modeled players draw
        their plays.

        With ``resample=4`` a search keeps its worlds out of four times as many, as likely as they explain what the
        others called; with ``dealt=most_trumps`` (or ``dropped30``) it is told how contracts come about that nobody
        called. With a mind, ``plays=2`` asks what was played, too: how likely the mind was to play so, drawn at that
        temperature. The others are taken to call as the simple bidder does; with ``alike=0.7`` the partner as Zeb
        itself does, seven times in ten, and an opponent a quarter as often.

        With ``mind=quick`` (or a folder) a network searches over that mind, and its policy has a say in the choice.
        What is not said is then as in ``OVER_A_MIND``: 160 worlds, weighed by calls and plays, half the worth solved.

        It calls by the networks that come with its weights, where some do. ``calls`` are ``own``, those, and a warning
        where there are none; ``simple``, those of the bidder that agents share; or a folder of others: see
        :func:`zeb42_agents.calls.with_calls`.
        """
        is_mind = minds_on_disk.is_mind(weights)
        if is_mind:
            _refuse(f"{weights} is a mind itself", {"mind": (mind, "")})
        settled = _settled(
            mind,
            calls,
            worlds=worlds,
            belief=belief,
            resample=resample,
            plays=plays,
            alike=alike,
            solved=solved,
            prior=prior,
        )
        worlds, belief, resample, plays, alike, solved, prior = settled
        of_search = {
            "solve_tricks": (solve_tricks, SOLVE_TRICKS), "resample": (resample, 0), "dealt": (dealt, "random"),
        }  # fmt: skip
        of_tree = {
            "belief": (belief, "net"), "root": (root, "gumbel"), "mix_tricks": (mix_tricks, 0),
            "mix_weight": (mix_weight, 0.5), "threads": (threads, 1),
        }  # fmt: skip
        of_network = {"sims": (sims, 0), "device": (device, "auto"), "precision": (precision, "float32"), **of_tree}
        of_worlds = {
            "thin": (thin, THIN), "early": (early, 1), "plays": (plays, 0.0), "alike": (alike, 0.0),
            "solved": (solved, 0.0), "prior": (prior, 0.0),
        }  # fmt: skip
        of_mind = {**of_worlds, "temperature": (temperature, 0.0)}
        if is_mind:
            options = f"worlds=, thin=, early=, {OF_A_BUNDLE}"
            _refuse(f"{weights} is a mind, which searches by {options}", of_network)
            if not worlds:
                _need("worlds", {**of_worlds, **of_search})
            plan = _plan(worlds, thin, early, solve_tricks, solved)
            evidence = new_evidence(resample, dealt, plays, alike, _heard(weights, calls, alike))
            player = MindPlayer(
                _mind(weights, temperature), plan, evidence=evidence, prior=_prior(prior), name=f"zeb:{weights}"
            )
            player.fingerprint = fingerprint_of(weights)
            return with_calls(player, weights, calls)
        if mind:
            options = f"worlds=, thin=, belief=, {OF_A_BUNDLE}"
            of_others: dict[str, tuple[Any, Any]] = {"early": (early, 1), "sims": (sims, 0)}
            of_others |= {name: of_tree[name] for name in ("root", "mix_tricks", "mix_weight", "threads")}
            _refuse(f"with mind= {weights} searches by {options}", of_others)
            plan = _plan(worlds, thin, 1, solve_tricks, solved)._replace(every_deal=False)
            evaluator = _network(weights, device, precision)
            drawn = SearchConfig(belief=belief, resample=resample, dealt=dealt)  # type: ignore[arg-type]
            others = _mind(mind, temperature)
            told = new_evidence(resample, dealt, plays, alike, _heard(weights, calls, alike))
            player = MindPlayer(
                others,
                plan,
                sampler=standard_sampler(evaluator, drawn, others, told),
                policy=evaluator,
                prior=_prior(prior),
                name=f"zeb:{weights}",
            )
            player.fingerprint = "+".join(fingerprint_of(name) for name in (weights, mind))
            return with_calls(player, weights, calls)
        _refuse(f"{weights} is a network and no mind, and searches over one by mind=", of_mind)
        if not sims:
            _need("sims", {"worlds": (worlds, 0), **of_search, **of_tree})
        evaluator = _network(weights, device, precision)
        search = None
        if sims:
            search = SearchConfig(
                sims=sims,
                worlds=worlds or TREE_WORLDS,
                belief=belief,  # type: ignore[arg-type]
                resample=resample,
                dealt=dealt,  # type: ignore[arg-type]
                solve_tricks=solve_tricks,
                root=root,  # type: ignore[arg-type]
                mix_tricks=mix_tricks,
                mix_weight=mix_weight,
                threads=threads,
                pipeline=evaluator.is_on_gpu,
            )
        agent = cls(evaluator, search=search)
        agent._fingerprint = fingerprint_of(weights)
        chosen = {"sims": (sims, 0), "worlds": (worlds, 0), **of_search, **of_network}
        agent._options = [f"{key}={value!r}" for key, (value, usual) in chosen.items() if value != usual]
        agent._options.insert(0, repr(weights))
        return with_calls(agent, weights, calls)

    @staticmethod
    def settle(options: dict[str, Any]) -> dict[str, Any]:
        """``options``, all that :meth:`from_spec` takes, with the values that it gives to those which are None."""
        return (
            options
            | _settled(options["mind"], options["calls"], **{name: options[name] for name in Usual._fields})._asdict()
        )

    @property
    def fingerprint(self) -> str | None:  # type: ignore[override]
        """A hash of the files of its weights; None if it was built from a network in memory."""
        return self._fingerprint

    def __repr__(self) -> str:
        return f"Zeb({', '.join(self._options)})"

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action id for each view (HAND [B]): int64 [B]."""
        views = require_movers(views)
        keys = view_keys(rng, len(views))
        actions = np.empty(len(views), np.int64)
        own = self.evaluator.speaks(views)
        if not own.all():  # before any search, whose values could overrule the bidder
            actions[~own] = simple_calls(views[~own])
        if own.any():
            actions[own] = self._choose(views[own], keys[own])
        return actions

    def _choose(self, views: np.ndarray, keys: np.ndarray) -> np.ndarray:
        chosen: np.ndarray = self.search(views, keys).action if self.search else self.evaluator(views)[0].argmax(1)
        return chosen

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What it thinks of its decision about one ``view``: with search visits, Q, principal line, belief and worlds,
        without it the policy, the value and the belief. Of a call that the simple bidder makes for it, what the bidder
        thinks, with the network's value and belief. See :meth:`zeb42_agents.Agent.explain`."""
        views, keys = one_decision(view, rng)
        if self.evaluator.speaks(views)[0]:
            return self.search(views, keys).explain() if self.search else self._explain_policy(views)
        call, thought = explain_call(views[0]), self._explain_policy(views)
        how = f"{call.how}; {SPOKEN_FOR}"
        return replace(call, how=how, network_value=thought.network_value, belief=thought.belief)

    def _explain_policy(self, views: np.ndarray) -> Explanation:
        """The network's answers about one view."""
        hand = Hand(views[0])
        policy, value = self.evaluator(views)
        candidates = [Candidate(action=action, policy=float(policy[0, action])) for action in hand.legal_actions()]
        read = self.evaluator.tokenizer.readable(views)[0]
        has_belief = read and self.evaluator.config.belief_head
        return Explanation(
            view=hand,
            chosen=int(policy[0].argmax()),
            candidates=tuple(sorted(candidates, key=lambda c: (-policy[0, c.action], c.action))),
            speaker="network",
            how="the likeliest",
            network_value=float(value[0]) if read else None,
            belief=self.evaluator.belief(views)[0].astype(np.float64) if has_belief else None,
        )


def _settled(mind: str, calls: str, **given: Any) -> Usual:
    """What is ``given``, and the usual where it is None; of ``worlds``, where it is 0."""
    usual = OVER_A_MIND if mind else ELSEWHERE
    said = {name: value for name, value in given.items() if value is not None and (name != "worlds" or value)}
    if said.get("belief") == "likelihood":  # weighs worlds by the plays itself
        usual = usual._replace(resample=0, plays=0.0, alike=0.0)
    if said.get("resample") == 0:
        usual = usual._replace(plays=0.0, alike=0.0)
    if calls == SIMPLE:
        usual = usual._replace(alike=0.0)
    return usual._replace(**said)


def _network(weights: str, device: str, precision: str) -> Answers:
    """The network of ``weights``: in the kernels if it is small, or if there is no torch, which is imported only here.

    A GPU is asked for with ``device=cuda``, or by ``auto`` where one is; there, and where bfloat16 may serve, torch
    answers.
    """
    place, has_torch = locate(weights), find_spec("torch") is not None
    is_exact = precision == "float32" or (precision == "auto" and not has_torch)
    on_cpu = device == "cpu" or (device == "auto" and not _has_gpu())
    can_answer = on_cpu and is_exact and stored.runs_in_kernels(place)
    if can_answer and (not has_torch or stored.config_at(place).embed_dim <= KERNEL_WIDTH):
        return KernelAnswers(stored.read(place))
    from zeb42_agents.evaluator import load

    return load(place, device=device, precision=precision)  # type: ignore[arg-type]


def _has_gpu() -> bool:
    """Whether torch can use a GPU, which is asked, an import of seconds, only where something speaks for one."""
    if find_spec("torch") is None:
        return False
    if "torch" not in sys.modules and not shutil.which("nvidia-smi") and not any(map(os.path.exists, GPU_FILES)):
        return False
    import torch

    return bool(torch.cuda.is_available())


def _plan(worlds: int, thin: int, early: int, solve_tricks: int, solved: float) -> Plan:
    """What a search over ``worlds`` worlds does; none: the mind plays alone."""
    if not worlds:
        return ALONE
    for name, value in (("worlds", worlds), ("early", early), ("thin", thin), ("worlds * early", worlds * early)):
        if not 1 <= value <= MAX_WORLDS:
            raise ValueError(f"expected {name} in 1..{MAX_WORLDS}, got {value}")
    if not 0 <= solve_tricks <= NUM_TRICKS:
        raise ValueError(f"expected solve_tricks in 0..{NUM_TRICKS}, got {solve_tricks}")
    if not 0 <= solved <= 1:
        raise ValueError(f"expected solved in 0..1, got {solved}")
    return Plan(num_worlds=worlds, early=early, thin=thin, every_deal=True, solve_tricks=solve_tricks, solved=solved)


def _prior(prior: float) -> float:
    if not 0 <= prior <= MAX_PRIOR:
        raise ValueError(f"expected prior in 0..{MAX_PRIOR:g}, got {prior}")
    return prior


def _mind(weights: str, temperature: float) -> Mind:
    """The mind of a folder, or one that comes with the package, which draws its plays at a ``temperature``."""
    if not 0 <= temperature <= 100:
        raise ValueError(f"expected temperature in 0..100, got {temperature}")
    if not minds_on_disk.is_mind(weights):
        raise ValueError(f"expected mind, the weights of a mind, got {weights!r}; quick comes with the package")
    return network_mind(minds_on_disk.load(weights).network(), temperature)


def _heard(weights: str, calls: str, alike: float) -> Layers:
    """What knows the calls of a player whose partner may be ``alike``; without columns where nothing does."""
    if alike and calls == SIMPLE:
        raise ValueError(
            f"expected no alike={alike} beside calls=simple: everybody is taken to call like the simple bidder anyway"
        )
    return heard_of(weights, calls) if alike else UNHEARD


def _refuse(why: str, options: dict[str, tuple[Any, Any]]) -> None:
    """ValueError if one of ``options`` (what was given, what is usual) was given."""
    if given := _given(options):
        raise ValueError(f"expected no {', '.join(given)}: {why}")


def _need(option: str, others: dict[str, tuple[Any, Any]]) -> None:
    """ValueError if one of ``others`` was given, which mean nothing without ``option``."""
    if given := _given(others):
        raise ValueError(f"expected {option}= beside {', '.join(given)}, got none; without it nothing is searched")


def _given(options: dict[str, tuple[Any, Any]]) -> list[str]:
    return [f"{name}={value}" for name, (value, usual) in options.items() if value != usual]
