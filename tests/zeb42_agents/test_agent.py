"""What an agent is: anything that acts may sit down, names reach other packages, and what is missing is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

from zeb42_agents import Agent, agent_names, as_agent, make_agent
from zeb42_agents.agent import is_spec, view_keys
from zeb42_agents.arena import play_pairing, rate
from zeb42_agents.extras import needs_extras
from zeb42_env import Hand, Rules
from zeb42_env._core.record import legal_mask


class Lowest:
    """No name, no base class, nothing but ``act``."""

    def act(self, views: np.ndarray, rng: np.random.Generator | np.ndarray) -> np.ndarray:
        view_keys(rng, len(views))
        return np.array([(int(legal_mask(view)) & -int(legal_mask(view))).bit_length() - 1 for view in views])


class Named(Agent):
    name = "named"

    def act(self, views: np.ndarray, rng: np.random.Generator | np.ndarray) -> np.ndarray:
        return Lowest().act(views, rng)


def a_view() -> np.void:
    hand = Hand.deal(seed=1, rules=Rules(contract="random"))
    return hand.view(hand.to_move)


def test_anything_that_acts_is_an_agent() -> None:
    assert as_agent("eq:n=3").name == "eq:n=3"
    agent = make_agent("greedy")
    assert as_agent(agent) is agent
    assert as_agent(Named()).name == "named"
    lowest = as_agent(Lowest())
    assert isinstance(lowest, Agent)
    assert (lowest.name, lowest.fingerprint) == ("Lowest", None)
    assert as_agent(lowest) is lowest
    lowest.close()


def test_the_usual_explanation_says_what_is_done() -> None:
    view = a_view()
    for player in (Lowest(), Named()):
        explanation = as_agent(player).explain(view)
        assert explanation.chosen == Lowest().act(np.array([view]), np.zeros(1, np.uint64))[0]
        assert [candidate.action for candidate in explanation.candidates] == Hand(view).legal_actions()
        assert "nothing more is known" in str(explanation)


def test_an_adopted_object_keeps_what_it_has() -> None:
    class Fuller(Lowest):
        name, fingerprint, failures = "fuller", "abc", {0: "why"}
        closed = False

        def explain(self, view: np.void, rng: object = None) -> str:
            return "because"

        def close(self) -> None:
            self.closed = True

    player = Fuller()
    agent = as_agent(player)
    assert (agent.name, agent.fingerprint, agent.explain(a_view())) == ("fuller", "abc", "because")
    assert agent.failures == {0: "why"}  # type: ignore[attr-defined]
    agent.close()
    assert player.closed
    with pytest.raises(AttributeError, match="nothing"):
        agent.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("player", [None, 3, Lowest, object()])
def test_what_does_not_act_is_refused(player: object) -> None:
    with pytest.raises(
        ValueError, match=r"expected an agent, got .*; allowed: a spec \(br, eq, gentle, greedy, random, zeb"
    ):
        as_agent(player)  # type: ignore[arg-type]


def test_an_agent_that_does_not_act_says_so() -> None:
    with pytest.raises(NotImplementedError, match="allowed: a method act"):
        Agent().act(np.array([a_view()]), np.zeros(1, np.uint64))


def test_pairings_and_ratings_take_all_kinds() -> None:
    result = play_pairing(Lowest(), "random", num_deals=2)
    assert result.num_deals == 2
    summary = rate([Lowest(), "random", Named()], num_deals=2)
    assert sorted(line.name for line in summary.agents) == ["Lowest", "named", "random"]
    with pytest.raises(ValueError, match="expected an agent, got 7"):
        rate([7, "random"], num_deals=2)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="expected an agent, got 7"):
        play_pairing(7, "random", num_deals=2)  # type: ignore[arg-type]


def install(folder: Path, package: str, points: str, code: str) -> None:
    """A distribution on the path, as an installer leaves it."""
    described = folder / f"{package}-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[zeb42.agents]\n{points}\n")
    (folder / f"{package}.py").write_text(code)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


CAUTIOUS = """
import numpy as np
from zeb42_agents import make_agent

class Cautious:
    def __init__(self, level: int = 3, *, nerve: float = 0.5, mood="calm", **others):
        self.level, self.nerve, self.mood = level, nerve, mood

    def act(self, views, rng):
        return make_agent("greedy").act(views, rng)
"""


def test_other_packages_register_agents(elsewhere: Path) -> None:
    install(elsewhere, "cautious_zeb42_a", "cautious = cautious_zeb42_a:Cautious", CAUTIOUS)
    assert "cautious" in agent_names()
    assert is_spec("cautious:7,nerve=0.25")
    agent = make_agent("cautious:7,nerve=0.25,mood=glum")
    assert agent.name == "cautious:7,nerve=0.25,mood=glum"
    assert (agent.level, agent.nerve, agent.mood) == (7, 0.25, "glum")  # type: ignore[attr-defined]
    assert play_pairing("cautious", "greedy", num_deals=2).margin == 0.0
    with pytest.raises(ValueError, match="allowed: level=, nerve=, mood="):
        make_agent("cautious:colour=red")
    with pytest.raises(
        ValueError, match=r"expected an agent, got 'nobody'; allowed: br, cautious, eq, gentle, greedy, random, zeb"
    ):
        make_agent("nobody")


def test_registered_agents_that_are_broken_say_so(elsewhere: Path) -> None:
    install(
        elsewhere, "cautious_zeb42_b", "broken = cautious_zeb42_b:Nobody\nthing = cautious_zeb42_b:THING", "THING = 3"
    )
    install(elsewhere, "cautious_zeb42_c", "falls = cautious_zeb42_c:Cautious", "1 / 0")
    with pytest.raises(ValueError, match=r"expected cautious_zeb42_b \(cautious_zeb42_b:Nobody\) to build .*'broken'"):
        make_agent("broken")
    with pytest.raises(ValueError, match="to build the agent 'thing', got 3; allowed: a callable"):
        make_agent("thing")
    with pytest.raises(ValueError, match="to build the agent 'falls', got ZeroDivisionError"):
        make_agent("falls")
    assert make_agent("greedy").name == "greedy"  # others are none the worse


def test_one_name_is_one_package(elsewhere: Path) -> None:
    install(elsewhere, "cautious_zeb42_d", "greedy = cautious_zeb42_d:A\ntwice = cautious_zeb42_d:A", CAUTIOUS)
    install(elsewhere, "cautious_zeb42_e", "twice = cautious_zeb42_e:A", CAUTIOUS)
    for name, others in (
        ("greedy", "got zeb42, cautious_zeb42_d"),
        ("twice", "got cautious_zeb42_.*, cautious_zeb42_"),
    ):
        with pytest.raises(ValueError, match=f"expected one package to register the agent '{name}', {others}"):
            make_agent(name)
    assert make_agent("random").name == "random"


@pytest.mark.parametrize(("missing", "extra"), [("torch", "agents"), ("safetensors", "arena"), ("tyro", "arena")])
def test_what_is_missing_says_what_to_type(missing: str, extra: str) -> None:
    with (
        pytest.raises(
            DependencyNotInstalled, match=rf"{missing} is not installed, run `pip install 'zeb42\[{extra}\]'`"
        ),
        needs_extras(),
    ):
        raise ModuleNotFoundError(f"No module named '{missing}'", name=f"{missing}.inner")
    with pytest.raises(ModuleNotFoundError, match="of no extra"), needs_extras():
        raise ModuleNotFoundError("of no extra", name="elsewhere")


def test_zeb_that_needs_torch_says_what_to_type() -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\n"
        "import gymnasium.error\nfrom zeb42_agents import make_agent\n"
        "print(make_agent('greedy').name)\n"
        "try: make_agent('zeb:laptop,precision=bfloat16')\n"
        "except gymnasium.error.DependencyNotInstalled as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["greedy", "torch is not installed, run `pip install 'zeb42[agents]'`"]


@pytest.mark.parametrize(("module", "missing", "extra"), [("arena", "rich", "arena"), ("training", "tyro", "train")])
def test_commands_without_what_they_need_say_what_to_type(module: str, missing: str, extra: str) -> None:
    code = (
        f"import runpy, sys\nsys.modules['{missing}'] = None\nsys.argv = ['x', '--help']\n"
        f"runpy.run_module('zeb42_agents.{module}', run_name='__main__')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = f"error: {missing} is not installed, run `pip install 'zeb42[{extra}]'`\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_ratings_without_scipy_say_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(DependencyNotInstalled, match="scipy is not installed"):
        rate(["random", "greedy"], num_deals=2)
