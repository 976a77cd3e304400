"""Zeb at the table: the agent that plays by the network, alone or with search."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from zeb42_agents import stored
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.answers import Answers, KernelAnswers
from zeb42_agents.calls.network import UNHEARD
from zeb42_agents.calls.player import SIMPLE, USUAL, heard_of, with_calls
from zeb42_agents.evidence import Evidence, new_evidence
from zeb42_agents.explanation import Candidate, Explanation
from zeb42_agents.minds import Mind, network_mind
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.places import bundled_names, fingerprint_of, locate
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
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd")  # of the drivers of NVIDIA and AMD
KERNEL_WIDTH = 64  # of tokens: there the kernels are as fast as torch in batches, and several times for one view


class Options(NamedTuple):
    """What a spec says of a player beside its weights, with what is usual of a network. See :meth:`Zeb.from_spec`."""

    sims: int = 0
    worlds: int = 0
    belief: str = "net"
    resample: int = 0
    dealt: str = "random"
    solve_tricks: int = SOLVE_TRICKS
    root: str = "gumbel"
    mix_tricks: int = 0
    mix_weight: float = 0.5
    thin: int = THIN
    early: int = 1
    temperature: float = 0.0
    plays: float = 0.0
    alike: float = 0.0
    solved: float = 0.0
    prior: float = 0.0
    mind: str = ""
    calls: str = USUAL
    device: str = "auto"
    precision: str = "float32"
    threads: int = 1

    def given(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of ``names`` that are other than usual, and their values."""
        return {name: value for name in names if (value := getattr(self, name)) != self._field_defaults[name]}


ELSEWHERE = Options()
OVER_A_MIND = Options(worlds=160, belief="uniform", resample=8, plays=2.0, alike=0.7, solved=0.5, prior=0.03)
"""With ``mind=``: what was measured to be strong."""
SETTLED = ("worlds", "belief", "resample", "plays", "alike", "solved", "prior")
"""Options whose usual value depends on others."""
OF_EVERY_SEARCH = ("solve_tricks", "resample", "dealt")
OF_A_TREE = ("belief", "root", "mix_tricks", "mix_weight", "threads")
OF_A_NETWORK = ("sims", "device", "precision", *OF_A_TREE)
OF_PLAYED_WORLDS = ("thin", "early", "plays", "alike", "solved", "prior")
OF_A_BUNDLE = ("solve_tricks", "solved", "prior", "temperature", "resample", "dealt", "plays", "alike")


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

        With ``resample=4`` a search draws four times as many worlds and keeps those more often that explain better what
        the others called; with ``dealt=most_trumps`` (or ``dropped30``) it is told how contracts come about that nobody
        called. With a mind, ``plays=2`` asks what was played, too: how likely the mind was to play so, drawn at that
        temperature. The others are taken to call as the simple bidder does; with ``alike=0.7`` the partner as Zeb
        itself does, seven times in ten, and an opponent a quarter as often.

        With ``mind=quick`` (or a folder) a network searches over that mind, and its policy has a say in the choice.
        What is not said is then as in ``OVER_A_MIND``: 160 worlds, weighed by calls and plays, half the worth solved.

        Its calls are those that come with its weights, if any. ``calls=own`` is the same, with a warning where there
        are none; ``calls=simple`` takes the bidder that agents share; ``calls=FOLDER`` takes others: see
        :func:`zeb42_agents.calls.with_calls`.
        """
        said = {name: value for name, value in locals().items() if name in Options._fields}
        options = Options(**cls.settle(said))
        if minds_on_disk.is_mind(weights):
            player: Agent = _mind_player(weights, options)
        elif mind:
            player = _player_over_a_mind(weights, options)
        else:
            player = cls._of_network(weights, options)
        return with_calls(player, weights, calls)

    @classmethod
    def _of_network(cls, weights: str, options: Options) -> Zeb:
        """A network alone, or with a search in its tree."""
        of_minds = (*OF_PLAYED_WORLDS, "temperature")
        _refuse(f"{weights} is a network and no mind, and searches over one by mind=", options, of_minds)
        if not options.sims:
            _need("sims= (a tree) or mind=", options, ("worlds", *OF_EVERY_SEARCH, *OF_A_TREE))
        evaluator = _network(weights, options)
        search = None
        if options.sims:
            search = SearchConfig(
                sims=options.sims,
                worlds=options.worlds or TREE_WORLDS,
                belief=options.belief,  # type: ignore[arg-type]
                resample=options.resample,
                dealt=options.dealt,  # type: ignore[arg-type]
                solve_tricks=options.solve_tricks,
                root=options.root,  # type: ignore[arg-type]
                mix_tricks=options.mix_tricks,
                mix_weight=options.mix_weight,
                threads=options.threads,
                pipeline=evaluator.is_on_gpu,
            )
        agent = cls(evaluator, search=search)
        agent._fingerprint = fingerprint_of(weights)
        chosen = options.given(("sims", "worlds", *OF_EVERY_SEARCH, *OF_A_NETWORK))
        agent._options = [repr(weights), *(f"{name}={value!r}" for name, value in chosen.items())]
        return agent

    @staticmethod
    def settle(options: dict[str, Any]) -> dict[str, Any]:
        """``options``, all that :meth:`from_spec` takes, with the values that it gives to those which are None."""
        said = {name: options[name] for name in SETTLED if options[name] is not None}
        if not said["worlds"]:  # asked of nobody
            del said["worlds"]
        usual = OVER_A_MIND if options["mind"] else ELSEWHERE
        if said.get("belief") == "likelihood":  # weighs worlds by the plays itself
            usual = usual._replace(resample=0, plays=0.0, alike=0.0)
        if said.get("resample") == 0:
            usual = usual._replace(plays=0.0, alike=0.0)
        if options["calls"] == SIMPLE:
            usual = usual._replace(alike=0.0)
        return options | {name: getattr(usual, name) for name in SETTLED} | said

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


def _mind_player(weights: str, options: Options) -> MindPlayer:
    """A mind, alone or with a search over itself."""
    _refuse(f"{weights} is a mind itself", options, ["mind"])
    allowed = _named("worlds", "thin", "early", *OF_A_BUNDLE)
    _refuse(f"{weights} is a mind, which searches by {allowed}", options, OF_A_NETWORK)
    if not options.worlds:
        _need("worlds=", options, (*OF_PLAYED_WORLDS, *OF_EVERY_SEARCH))
    player = MindPlayer(
        _mind(weights, options.temperature),
        _plan(options),
        evidence=_evidence(weights, options),
        prior=_prior(options.prior),
        name=f"zeb:{weights}",
    )
    player.fingerprint = fingerprint_of(weights)
    return player


def _player_over_a_mind(weights: str, options: Options) -> MindPlayer:
    """A network that searches over a mind."""
    allowed = _named("worlds", "thin", "belief", *OF_A_BUNDLE)
    of_others = ("early", "sims", "root", "mix_tricks", "mix_weight", "threads")
    _refuse(f"with mind= {weights} searches by {allowed}", options, of_others)
    plan, evaluator = _plan(options)._replace(every_deal=False), _network(weights, options)
    drawn = SearchConfig(belief=options.belief, resample=options.resample, dealt=options.dealt)  # type: ignore[arg-type]
    others = _mind(options.mind, options.temperature)
    player = MindPlayer(
        others,
        plan,
        sampler=standard_sampler(evaluator, drawn, others, _evidence(weights, options)),
        policy=evaluator,
        prior=_prior(options.prior),
        name=f"zeb:{weights}",
    )
    player.fingerprint = "+".join(fingerprint_of(name) for name in (weights, options.mind))
    return player


def _network(weights: str, options: Options) -> Answers:
    """The network of ``weights``: in the kernels if it is small, or if there is no torch, which is imported only here.

    A GPU is asked for with ``device=cuda``, or by ``auto`` where one is; there, and where bfloat16 may serve, torch
    answers.
    """
    place, has_torch = locate(weights), find_spec("torch") is not None
    device, precision = options.device, options.precision
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


def _plan(options: Options) -> Plan:
    """What a search over so many worlds does; none: the mind plays alone."""
    worlds, thin, early = options.worlds, options.thin, options.early
    solve_tricks, solved = options.solve_tricks, options.solved
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
        minds = " and ".join(name for name in bundled_names() if minds_on_disk.is_mind(name))
        raise ValueError(f"expected mind, the weights of a mind, got {weights!r}; {minds} come with the package")
    return network_mind(minds_on_disk.load(weights).network(), temperature)


def _evidence(weights: str, options: Options) -> Evidence:
    """What a search over a mind weighs its worlds by."""
    heard, alike = UNHEARD, options.alike
    if alike and options.calls == SIMPLE:
        raise ValueError(
            f"expected no alike={alike} beside calls=simple: everybody is taken to call like the simple bidder anyway"
        )
    if alike:
        heard = heard_of(weights, options.calls)
    return new_evidence(options.resample, options.dealt, options.plays, alike, heard)


def _refuse(why: str, options: Options, names: Iterable[str]) -> None:
    """ValueError if one of ``names`` was given."""
    if given := options.given(names):
        raise ValueError(f"expected no {_listed(given)}: {why}")


def _need(option: str, options: Options, others: Iterable[str]) -> None:
    """ValueError if one of ``others`` was given, which mean nothing without ``option``."""
    if given := options.given(others):
        raise ValueError(f"expected {option} beside {_listed(given)}, got none; without it nothing is searched")


def _listed(given: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _named(*names: str) -> str:
    return ", ".join(f"{name}=" for name in names)
