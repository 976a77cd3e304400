"""Minds: the columns of a view against a slow reading of it, the kernel against torch, and weights that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import position
from safetensors.torch import load_file, save_file

from zeb42_agents import make_agent, minds, places, solver, worlds
from zeb42_agents.agent import same_agent
from zeb42_agents.evaluator import load
from zeb42_agents.minds import columns, network
from zeb42_agents.minds import weights as minds_on_disk
from zeb42_agents.minds.model import MindModel
from zeb42_agents.minds.weights import MindConfig
from zeb42_agents.played import MindPlayer
from zeb42_env import HAND, Hand, Rules
from zeb42_env._core import goals
from zeb42_env._core.dominoes import BEATERS, COUNT, LED_SUIT, POWER, SUIT_MEMBERS, TRUMPS


def some_views(num_views: int) -> np.ndarray:
    hands = [position(seed, seed % 28) for seed in range(num_views)]
    return np.array([hand.view(hand.to_move) for hand in hands], HAND)


def some_model(width: int = 24, second_width: int = 20) -> MindModel:
    torch.manual_seed(0)
    return MindModel(MindConfig(width=width, second_width=second_width)).eval()


def slow_columns(view: np.void) -> set[str]:
    """The columns that are on, in words, from the record itself."""
    me, trump = int(view["seat"]), int(view["declaration"])
    plays = [int(d) for d in view["plays"][: view["num_plays"]]]
    who = {d: (int(view["owner"][d]) - me) % 4 for d in plays}
    held = [d for d in range(28) if int(view["held"][me]) >> d & 1]
    out = [d for d in range(28) if d not in held and d not in plays]
    tricks = [plays[i : i + 4] for i in range(0, len(plays), 4)]
    trick = tricks[-1] if len(plays) % 4 else []
    led = int(LED_SUIT[trump, trick[0]]) if trick else None
    power = [int(POWER[trump, led, d]) for d in trick]
    legal = [d for d in held if not trick or int(SUIT_MEMBERS[trump, led]) >> d & 1] or held
    on = {f"mine {d}" for d in held} | {f"mine_under {28 * trump + d}" for d in held} | {f"legal {d}" for d in legal}
    on |= {f"would_win {d}" for d in legal if trick and POWER[trump, led, d] > max(power)}
    on |= {f"boss {d}" for d in held if not any(int(BEATERS[trump, LED_SUIT[trump, d], d]) >> o & 1 for o in out)}
    on |= {f"played {28 * who[d] + d}" for d in plays} | {f"led {28 * who[t[0]] + t[0]}" for t in tricks}
    on |= {f"lying {28 * (who[d] - 1) + d}" for d in trick}
    for t in tricks:
        suit = int(LED_SUIT[trump, t[0]])
        for d in t[1:]:
            if who[d] and not int(SUIT_MEMBERS[trump, suit]) >> d & 1:
                on.add(f"void {8 * (who[d] - 1) + suit}")
                on |= {f"void_in_trump {who[d] - 1}"} if suit == trump else set()
    if trick:
        on |= {f"led_under {8 * trump + led}", f"winner {who[trick[int(np.argmax(power))]]}"}
    ours, theirs = (min(max(int(goals.needed(view, team)), 0), 42) for team in (me % 2, 1 - me % 2))
    trumps = [d for d in range(28) if int(TRUMPS[trump]) >> d & 1]
    on |= {
        f"declaration {trump}", f"trick_count {sum(int(COUNT[d]) for d in trick) // 5}", f"place {len(trick)}",
        f"trick {len(plays) // 4}", f"bidder {(int(view['bidder']) - me) % 4}", f"scoring {view['scoring']}",
        f"we_need {ours}", f"they_need {theirs}", f"we_need_about {ours // 5}", f"they_need_about {theirs // 5}",
        f"my_trumps {len(set(trumps) & set(held))}", f"trumps_out {len(set(trumps) & set(out))}",
    }  # fmt: skip
    on |= {f"my_trump {POWER[trump, trump, d] - 9}" for d in trumps if d in held}
    return on | {f"trump_out {POWER[trump, trump, d] - 9}" for d in trumps if d in out}


def test_the_columns_are_what_the_table_says() -> None:
    starts, views = columns.starts(), some_views(280)
    on, begins = columns.columns_of(views)
    ends = [*begins[1:], len(on)]
    for view, begin, end in zip(views, begins, ends, strict=True):
        found = on[begin:end].tolist()
        assert len(found) == len(set(found)) <= columns.MOST_ON
        assert set(found) == {starts[name] + int(place) for name, place in map(str.split, slow_columns(view))}


def test_there_is_room_for_all_columns_that_can_be_on() -> None:
    most = dict.fromkeys(("mine", "mine_under", "legal", "would_win", "boss", "led", "my_trump", "trump_out"), 7)
    most |= {"played": 27, "lying": 3, "void": 24, "void_in_trump": 3}
    most |= dict.fromkeys(
        (
            "declaration", "led_under", "winner", "trick_count", "place", "trick", "bidder", "scoring", "we_need",
            "they_need", "we_need_about", "they_need_about", "my_trumps", "trumps_out",
        ),
        1,
    )  # fmt: skip
    assert set(most) == {kind.name for kind in columns.TABLE}
    assert sum(most.values()) < columns.MOST_ON


def test_the_kernel_answers_as_torch_does() -> None:
    views, model = some_views(200), some_model(40, 36)
    with torch.inference_mode():
        expected = model.of_views(views).numpy()
    np.testing.assert_allclose(network.logits_of(model.network(), views), expected, atol=1e-4)


def test_a_mind_plays_the_legal_domino_of_the_highest_logit_or_draws() -> None:
    views, net = some_views(60), some_model().network()
    logits = network.logits_of(net, views)
    for view, row in zip(views, logits, strict=True):
        legal = Hand(view).legal_actions()
        assert network.choose_by_network(net, view, 0.0, np.uint64(1)) == max(legal, key=lambda d: row[d])
    view, row = views[0], logits[0]
    drawn = [network.choose_by_network(net, view, 0.1, np.uint64(key)) for key in range(4000)]
    legal = Hand(view).legal_actions()
    shares = np.exp((row[legal] - row[legal].max()) / 0.1)
    found = np.bincount(drawn, minlength=28)[legal] / len(drawn)
    np.testing.assert_allclose(found, shares / shares.sum(), atol=0.04)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), num_plays=st.integers(0, 26))
def test_a_mind_never_sees_what_is_hidden(seed: int, num_plays: int) -> None:
    hand, net = position(seed, num_plays), some_model().network()
    other = Hand(worlds.sample(hand.view(hand.to_move), 1, np.random.default_rng(seed))[0])
    both = np.array([hand.view(hand.to_move), other.view(other.to_move)], HAND)
    first, second = network.logits_of(net, both)
    assert first.tobytes() == second.tobytes()


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    model = some_model()
    minds_on_disk.save(tmp_path / "m", model.weights({"rung": 3}))
    loaded = minds_on_disk.load(tmp_path / "m")
    assert loaded.state == {"rung": 3}
    assert minds_on_disk.is_mind(tmp_path / "m")
    assert not minds_on_disk.is_mind("laptop")
    for name, tensor in model.state_dict().items():
        assert torch.equal(MindModel.of(loaded).state_dict()[name], tensor)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"width": 10**6}, "expected width, a whole number in 1..4096"),
        ({"second_width": True}, "expected second_width"),
        ({"columns": 7}, "with columns 1"),
        ({"layers": 3}, "got also layers"),
        ({"width": 25}, "expected parameters of the shapes"),
    ],
)
def test_a_foreign_configuration_is_named(tmp_path: Path, config: dict, message: str) -> None:
    minds_on_disk.save(tmp_path / "m", some_model().weights({}))
    file = tmp_path / "m" / places.CONFIG_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    with pytest.raises(ValueError, match=message):
        minds_on_disk.load(tmp_path / "m")


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    minds_on_disk.save(tmp_path / "m", some_model().weights({}))
    file = tmp_path / "m" / places.MODEL_FILE
    tensors = load_file(file)
    too_large = torch.full((28,), 1e300, dtype=torch.float64)  # for the float32 of a mind
    for wrong in (torch.full((28,), torch.nan), too_large):
        save_file(tensors | {"third.bias": wrong}, file)
        with pytest.raises(ValueError, match="expected finite real numbers"):
            minds_on_disk.load(tmp_path / "m")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="a damaged or foreign file"):
        minds_on_disk.load(tmp_path / "m")
    with pytest.raises(ValueError, match="expected a mind in laptop"):
        minds_on_disk.load("laptop")


def test_threads_share_the_parameters_and_nothing_else() -> None:
    net = some_model().network()
    other = minds.network_mind(net).network
    assert other.first is net.first
    assert other.units is not net.units


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minds") / "m"
    minds_on_disk.save(folder, some_model().weights({}))
    return folder


@pytest.mark.parametrize(
    "spec",
    [
        "zeb:{mind}",
        "zeb:{mind},worlds=8",
        "zeb:{mind},worlds=8,early=2,thin=2",
        "zeb:{mind},worlds=4,temperature=0.5",
        "zeb:laptop,mind={mind},worlds=8",
        "zeb:laptop,mind={mind},worlds=4,belief=uniform,resample=2,dealt=most_trumps",
        "zeb:laptop,mind={mind},worlds=4,belief=net,resample=2,plays=0.5",
        "zeb:{mind},worlds=8,solved=0.5,prior=0.03",
        "zeb:laptop,mind={mind},worlds=8,belief=net,resample=0",
    ],
)
def test_what_is_hidden_changes_neither_choice_nor_explanation(saved: Path, spec: str) -> None:
    agent = make_agent(spec.format(mind=saved))
    for seed in range(12):
        hand = position(seed, 2 * seed)
        other = Hand(worlds.sample(hand.view(hand.to_move), 1, np.random.default_rng(seed))[0])
        views = np.array([hand.view(hand.to_move), other.view(other.to_move)], HAND)
        keys = np.array([7, 7], np.uint64)
        first, second = agent.act(views, keys)
        assert first == second
        explanations = [agent.explain(view, keys[:1]) for view in views]
        assert explanations[0].to_json() == explanations[1].to_json()
        assert explanations[0].chosen == first
        assert explanations[0].candidates[0].action == first


def test_the_search_says_what_its_play_promises(saved: Path) -> None:
    hand = position(4, 9)
    explanation = make_agent(f"zeb:{saved},worlds=8").explain(hand.view(hand.to_move))
    assert explanation.root_value == explanation.candidates[0].value == max(c.value for c in explanation.candidates)
    assert sum(c.policy for c in explanation.candidates) == pytest.approx(1)
    assert "8 worlds" in str(explanation)


@pytest.mark.parametrize("scoring", ["majority", "contract", "points"])
def test_worlds_that_are_solved_come_to_what_the_solver_says(saved: Path, scoring: str) -> None:
    agent = make_agent(f"zeb:{saved},worlds=3,solved=1")  # as many as an explanation shows
    for seed in range(8):
        hand = Hand.deal(seed=seed, rules=Rules(contract="random", scoring=scoring))
        while len(hand.history) < 3 * seed:
            hand.apply(hand.legal_actions()[0])
        view, sign = hand.view(hand.to_move), 1 - 2 * (hand.to_move & 1)
        found = agent.explain(view, np.array([seed], np.uint64))
        assert found.num_worlds == len(found.worlds)
        final = solver.solve_worlds(np.array([world.record for world in found.worlds])) + int(view["points"][0])
        for candidate in found.candidates:
            outcomes = [goals.outcome(view, int(points)) for points in final[:, candidate.action]]
            assert candidate.value == pytest.approx(sign * np.mean(outcomes))


def test_dice_have_no_policy_to_lean_to() -> None:
    with pytest.raises(ValueError, match="expected a policy beside prior, got dice"):
        MindPlayer(minds.dice_mind(8), prior=0.03)


def test_a_prior_leans_to_what_the_policy_favors(saved: Path) -> None:
    views, keys = some_views(20), np.arange(20, dtype=np.uint64)
    alone, leaning = make_agent(f"zeb:{saved}"), make_agent(f"zeb:{saved},worlds=4,prior=100")
    assert (alone.act(views, keys) == leaning.act(views, keys)).all()


def test_all_deals_are_searched_where_there_are_few(saved: Path) -> None:
    hand = position(2, 21)
    view = hand.view(hand.to_move)
    few = worlds.count(view)
    assert few < 200
    agent = make_agent(f"zeb:{saved},worlds=200")
    explanation = agent.explain(view)
    assert explanation.num_worlds == few
    keys = np.arange(5, dtype=np.uint64)
    assert len(set(agent.act(np.repeat(np.array([view]), 5), keys).tolist())) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (",sims=16", "is a mind, which searches by worlds="),
        (",worlds=8,belief=uniform", "is a mind"),
        (",thin=4", "expected worlds= beside thin=4"),
        (",solve_tricks=3", "expected worlds= beside solve_tricks=3"),
        (",worlds=8,solve_tricks=8", r"expected solve_tricks in 0\.\.7, got 8"),
        (",worlds=-1", "expected worlds in 1..10000"),
        (",worlds=9000,early=3", "expected worlds . early in 1..10000"),
        (",temperature=-1", "expected temperature in 0..100"),
        (",prior=0.1", "expected worlds= beside prior=0.1"),
        (",worlds=8,solved=1.5", r"expected solved in 0\.\.1, got 1.5"),
        (",worlds=8,prior=-1", r"expected prior in 0\.\.100, got -1"),
        (",worlds=8,mind={mind}", r"^expected no mind=\S+: \S+ is a mind itself$"),
    ],
)
def test_contradictory_options_are_one_clear_line(saved: Path, options: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        make_agent(f"zeb:{saved}{options.format(mind=saved)}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ",temperature=0.5",
            r"expected no temperature=0\.5: laptop is a network and no mind, and searches over one by",
        ),
        (",mind=taught", "expected mind, the weights of a mind, got 'taught'; quick and sharp come with the package"),
        (",mind={mind},sims=16", "expected no sims=16: with mind= laptop searches by worlds="),
        (",mind={mind},resample=0,plays=0.5", "expected resample above 0 beside dealt, plays or alike"),
        (",mind={mind},belief=likelihood,resample=2,plays=2", "expected no plays= beside belief=likelihood"),
        (
            ",mind={mind},belief=likelihood,resample=2,alike=0.5",
            r"expected no alike= beside belief=likelihood.*got 0\.5",
        ),
        (",mind={mind},alike=2", r"expected alike, a probability in 0\.\.1, got 2"),
        (",mind={mind},calls=simple,alike=0.9", r"expected no alike=0\.9 beside calls=simple"),
        (",mind={mind},belief=psychic", "expected belief, got 'psychic'"),
        (",mind={mind},resample=many", r"expected resample in .* to be a number \(int\), got 'many'"),
    ],
)
def test_a_network_over_a_mind_takes_options_that_it_can_use(saved: Path, options: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        make_agent(f"zeb:laptop{options.format(mind=saved)}")
    assert "\n" not in str(error.value)


def test_a_network_searches_over_a_mind_in_worlds_of_its_belief(saved: Path) -> None:
    """What it thinks of hidden dominoes leans to where its belief leans, and the worlds are those that it names."""
    agent, evaluator = (
        make_agent(f"zeb:laptop,mind={saved},worlds=400,belief=net,resample=0"),
        load("laptop", device="cpu"),
    )
    leaning = 0.0
    for seed in range(4):
        hand = position(seed, 12)
        view = hand.view(hand.to_move)
        explanation = agent.explain(view)
        assert explanation.num_worlds == 400
        assert "400 worlds from the net belief, each played" in str(explanation)
        even = worlds.marginals(view)
        leaning += float(((evaluator.belief(np.array([view]))[0] - even) * (explanation.world_share - even)).sum())
    assert leaning > 0.01
    assert agent.fingerprint != make_agent(f"zeb:{saved}").fingerprint


def test_over_a_mind_what_is_not_said_is_the_strongest(saved: Path) -> None:
    usual, said = (
        make_agent(f"zeb:laptop,mind={saved},worlds=8"),
        make_agent(
            f"zeb:laptop,mind={saved},worlds=8,belief=uniform,resample=8,plays=2,alike=0.7,solved=0.5,prior=0.03"
        ),
    )
    for seed in range(6):
        hand = position(seed, 3 * seed)
        view, key = hand.view(hand.to_move), np.array([seed], np.uint64)
        assert usual.explain(view, key).to_json() == said.explain(view, key).to_json()
    heard = str(usual.explain(position(3, 12).view(position(3, 12).to_move)))
    assert "8 worlds from even odds, weighed by the calls and plays so far, each played" in heard
    for unsaid in ("belief=likelihood", "belief=likelihood,resample=2", "resample=0"):  # no plays to be asked about
        make_agent(f"zeb:laptop,mind={saved},{unsaid}")


def test_specs_that_spell_out_what_is_usual_name_the_same_agent() -> None:
    over_a_mind = "worlds=160,belief=uniform,resample=8,plays=2,alike=0.7,solved=0.5,prior=0.03"
    for one, other in (
        ("zeb:taught,mind=quick", f"zeb:taught,mind=quick,{over_a_mind}"),
        ("zeb:laptop,sims=64", "zeb:laptop,sims=64,belief=net,resample=0"),
        ("zeb:quick,worlds=8", "zeb:quick,worlds=8,plays=0"),
    ):
        assert same_agent(one, other)
    for other in ("plays=1", "alike=0"):
        assert not same_agent("zeb:taught,mind=quick", f"zeb:taught,mind=quick,{other}")
    agents_md = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    for option in over_a_mind.split(","):
        assert f"{option}" in agents_md
