"""The tree search: what it may see, what it must not depend on, and that it finds what can be computed exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from double_dummy import reneged_view
from evaluators import Even, Inventor, Sure, keys_of, positions, views_to_move
from hypothesis import given, settings
from hypothesis import strategies as st

from zeb42_agents import solver, worlds
from zeb42_agents.search import Sample, Search, SearchConfig, SearchResult, TrueHands, search
from zeb42_agents.search.config import halving_schedule
from zeb42_env import Hand, Rules
from zeb42_env._core.goals import score
from zeb42_env._core.record import BY_AUCTION, OVER, apply
from zeb42_env._core.tables import views_of

SMALL = SearchConfig(sims=24, worlds=6, belief="uniform", leaves=8)


ARRAYS = ("searched", "action", "visits", "q", "prior", "policy", "root_value", "network_value", "belief", "line")


def assert_same(one: SearchResult, other: SearchResult, rows: slice | np.ndarray = slice(None)) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name), err_msg=name)
    assert one.worlds[rows].tobytes() == other.worlds.tobytes()


CONFIGS = [
    SMALL,
    replace(SMALL, root="puct"),
    replace(SMALL, belief="net", gumbel_scale=1.0),
    replace(SMALL, belief="likelihood", solve_tricks=2),
    replace(SMALL, root="puct", belief="legality", dirichlet_fraction=0.25, temperature=1.0, mix_tricks=4),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_result_is_coherent(config: SearchConfig) -> None:
    hands = np.concatenate([positions(40, seed=1), positions(20, seed=2, decisions=2, contract=BY_AUCTION)])
    views = views_to_move(hands)
    result = search(views, keys_of(len(views)), Inventor(), config)
    for b, hand in enumerate(map(Hand, views)):
        legal = hand.legal_actions()
        assert result.searched[b] == (len(legal) > 1)
        assert result.action[b] in legal
        assert set(np.flatnonzero(result.visits[b])) <= set(legal)
        assert set(np.flatnonzero(result.policy[b])) <= set(legal)
        assert result.policy[b].sum() == pytest.approx(1, abs=1e-5)
        assert result.line[b, 0] == result.action[b]
        if result.searched[b]:
            assert result.visits[b].sum() == config.sims
            assert np.abs(result.q[b]).max() <= 1
            for world in result.worlds[b]:
                assert Hand(world).view(int(views[b]["seat"])).tobytes() == views[b].tobytes()
        else:
            assert not result.visits[b].any()
            assert np.isnan(result.root_value[b])


@pytest.mark.parametrize("config", CONFIGS)
def test_hidden_dominoes_change_nothing(config: SearchConfig) -> None:
    hands = np.concatenate([positions(30, seed=3), positions(10, seed=4, decisions=3, contract=BY_AUCTION)])
    views = views_to_move(hands)
    dealt_again = np.concatenate([worlds.sample(view, 1, np.uint64(b)) for b, view in enumerate(views)])
    assert (dealt_again["owner"] != hands["owner"]).any()
    keys = keys_of(len(hands))
    assert_same(search(views, keys, Inventor(), config), search(views_to_move(dealt_again), keys, Inventor(), config))


@pytest.mark.parametrize("config", CONFIGS)
def test_other_decisions_and_threads_change_nothing(config: SearchConfig) -> None:
    views = views_to_move(positions(30, seed=5))
    keys = keys_of(30)
    together = search(views, keys, Inventor(), config)
    assert_same(together, search(views, keys, Inventor(), replace(config, threads=3)))
    assert_same(together, search(views, keys, Inventor(), replace(config, threads=2, pipeline=True)))
    assert_same(together, search(views, keys, Inventor(), replace(config, pipeline=True)))
    searcher = Search(Inventor(), config)
    for rows in (slice(7, 8), slice(20, 30), slice(0, 30), slice(3, 5)):  # the second uses the memory of the first
        assert_same(together, searcher(views[rows], keys[rows]), rows)


def test_records_from_a_file_will_do(tmp_path: Path) -> None:
    views = views_to_move(positions(4, seed=19))
    np.save(tmp_path / "views.npy", views)
    keys = keys_of(4)
    assert_same(
        search(views, keys, Inventor(), SMALL), search(np.load(tmp_path / "views.npy"), keys, Inventor(), SMALL)
    )


def test_keys_matter() -> None:
    views = np.repeat(views_to_move(positions(1, seed=6, decisions=4)), 8)
    result = search(views, keys_of(8), Inventor(), SMALL)
    assert len({world.tobytes() for world in result.worlds[:, 0]}) == 8


def test_forced_decisions_cost_nothing() -> None:
    hands = positions(40, seed=7, decisions=24)  # one domino each
    evaluator = Inventor()
    result = search(views_to_move(hands), keys_of(len(hands)), evaluator, SMALL)
    assert evaluator.batches == []
    assert result.num_evaluations == 0
    assert not result.searched.any()
    assert [Hand(hand).legal_actions() for hand in hands] == [[action] for action in result.action]
    assert "one legal action" in str(result.explain(0))
    assert len(search(views_to_move(hands[:0]), keys_of(0), evaluator, SMALL)) == 0


def test_evaluations_are_what_the_evaluator_was_given() -> None:
    evaluator = Inventor()
    views = views_to_move(positions(20, seed=8))
    result = search(views, keys_of(20), evaluator, SMALL)
    assert result.num_evaluations == sum(evaluator.batches)
    assert max(evaluator.batches[1:]) <= SMALL.leaves * int(result.searched.sum())


def scores_after(sampled: np.ndarray, action: int, seat: int) -> np.ndarray:
    """What ``action`` is worth to the seat's team in each of ``sampled``, played perfectly after it."""
    scores = []
    for world in sampled:
        hand = Hand(world)
        hand.apply(action)
        points = solver.solve(hand) if not hand.is_over else {}
        first = hand.points[0]
        to_go = 0 if hand.is_over else (max if hand.to_move % 2 == 0 else min)(points.values())
        record = hand.record
        record["points"] = first + to_go, 42 - first - to_go
        scores.append(score(record) * (1 if seat % 2 == 0 else -1))
    return np.clip(scores, -1, 1)


@pytest.mark.parametrize("scoring", ["points", "majority", "contract", "marks"])
@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_with_every_leaf_solved_it_is_expected_q(scoring: str, root: str) -> None:
    config = SearchConfig(sims=40, worlds=8, belief="uniform", solve_tricks=7, root=root)  # type: ignore[arg-type]
    hands = positions(10, seed=10, decisions=13, scoring=scoring)
    evaluator = Even()
    result = search(views_to_move(hands), keys_of(10), evaluator, config)
    assert sum(evaluator.batches) == result.searched.sum()
    for b in np.flatnonzero(result.searched):
        for action in np.flatnonzero(result.visits[b]):
            met = result.worlds[b][np.arange(result.visits[b, action]) % config.worlds]
            expected = scores_after(met, int(action), int(hands[b]["to_move"])).mean()
            assert result.q[b, action] == pytest.approx(expected, abs=1e-5)


def test_finds_the_best_play_of_an_ending() -> None:
    """Against every world there is, not only the sampled ones."""
    config = SearchConfig(sims=900, worlds=300, belief="uniform", solve_tricks=2)
    hands = positions(40, seed=11, decisions=20, scoring="points")
    views = views_to_move(hands)
    result = search(views, keys_of(len(views)), Even(), config)
    close = 0
    for b in np.flatnonzero(result.searched):
        every = np.unique(worlds.sample(views[b], 2000, np.uint64(b)))
        assert len(every) == worlds.count(views[b])
        seat = int(views[b]["seat"])
        exact = {action: scores_after(every, action, seat).mean() for action in Hand(views[b]).legal_actions()}
        assert exact[int(result.action[b])] == pytest.approx(max(exact.values()), abs=0.03)
        close += exact[int(result.action[b])] == max(exact.values())
    assert close >= 0.9 * result.searched.sum()


def exact_value(group: list[np.void], weights: list[float], seat: int, fused: bool) -> float:
    """The value to the seat's team of a position in weighted worlds, the others playing at random, by brute force.

    The seat cannot tell the worlds of the group apart, so it has one action for all of them; ``fused`` lets it choose
    in each world by itself, which is the mistake.
    """
    if group[0]["phase"] == OVER:
        return sum(w * score(hand) for w, hand in zip(weights, group, strict=True)) * (1 if seat % 2 == 0 else -1)
    if group[0]["to_move"] == seat:
        actions = Hand(group[0]).legal_actions()
        if fused and len(group) > 1:
            return sum(exact_value([hand], [w], seat, True) for w, hand in zip(weights, group, strict=True))
        return max(exact_value([after(hand, action) for hand in group], weights, seat, fused) for action in actions)
    seen: dict[int, tuple[list[np.void], list[float]]] = {}
    for weight, hand in zip(weights, group, strict=True):
        actions = Hand(hand).legal_actions()
        for action in actions:
            hands, shares = seen.setdefault(action, ([], []))
            hands.append(after(hand, action))
            shares.append(weight / len(actions))
    return sum(exact_value(hands, shares, seat, fused) for hands, shares in seen.values())


def after(hand: np.void, action: int) -> np.void:
    child = hand.copy()
    apply(child, action)
    return child


@pytest.mark.parametrize("b", [135, 258])
def test_later_decisions_do_not_see_the_world(b: int) -> None:
    """A search that chose world by world at its later decisions would find the fused values."""
    config = SearchConfig(sims=4000, worlds=8, belief="uniform", solve_tricks=0, leaves=4)
    view = views_to_move(positions(300, seed=9, decisions=18, scoring="points"))[b]
    result = search(view.reshape(1), keys_of(300)[b : b + 1], Even(), config)
    seat, weights = int(view["seat"]), [1 / config.worlds] * config.worlds
    telling = 0
    for action in Hand(view).legal_actions():
        group = [after(world, action) for world in result.worlds[0]]
        value, fused = (exact_value(group, weights, seat, fused) for fused in (False, True))
        if result.visits[0, action] > 1000:
            assert result.q[0, action] == pytest.approx(value, abs=0.03)
            telling += fused - value > 0.05
    assert telling


def test_true_hands_are_searched_and_said_aloud() -> None:
    config = SearchConfig(sims=40, worlds=1, solve_tricks=7)
    hands = positions(10, seed=12, decisions=16, scoring="points")
    peek = TrueHands(lambda: hands[::-1])
    result = search(views_to_move(hands), keys_of(10), Even(), config, peek)
    for b in np.flatnonzero(result.searched):
        assert result.worlds[b, 0] == hands[b]
        exact = {
            a: scores_after(hands[b : b + 1], a, int(hands[b]["to_move"]))[0] for a in Hand(hands[b]).legal_actions()
        }
        assert exact[int(result.action[b])] == max(exact.values())
        assert "1 world from THE TRUE HAND (peek)" in str(result.explain(int(b)))
    assert search(views_to_move(hands[:3]), keys_of(3), Even(), SMALL, peek).worlds.shape == (3, SMALL.worlds)
    with pytest.raises(ValueError, match="got one of another hand"):
        search(views_to_move(positions(5, seed=11, decisions=16)), keys_of(5), Even(), config, peek)


@dataclass
class Fixed:
    """A sampler with one answer."""

    worlds: np.ndarray
    name = "nowhere"

    def __call__(self, views: np.ndarray, num_worlds: int, keys: np.ndarray) -> Sample:
        return Sample(self.worlds, worlds.uniform_weights(len(views)))


def test_samplers_from_outside_are_looked_at() -> None:
    hands = positions(3, seed=20, decisions=4)
    views = views_to_move(hands)
    drawn = worlds.sample_many(views, SMALL.worlds, keys_of(3), worlds.uniform_weights(3))
    result = search(views, keys_of(3), Even(), SMALL, Fixed(drawn))
    assert result.worlds.tobytes() == drawn.tobytes()
    assert "6 worlds from nowhere" in str(result.explain(0))
    with pytest.raises(ValueError, match=r"expected worlds HAND \(3, 6\)"):
        search(views, keys_of(3), Even(), SMALL, Fixed(drawn[:, :3]))
    with pytest.raises(ValueError, match="expected worlds that agree with the views"):
        search(views, keys_of(3), Even(), SMALL, Fixed(drawn[::-1].copy()))


@pytest.mark.parametrize("belief", ["net", "legality", "uniform", "likelihood"])
def test_views_that_no_deal_agrees_with_are_told(belief: str) -> None:
    with pytest.raises(ValueError, match="no deal agrees with"):
        search(reneged_view(), keys_of(1), Even(), replace(SMALL, belief=belief))


def test_memory_is_bounded() -> None:
    config = replace(SMALL, sims=100, worlds=100, memory_mib=1)
    views = views_to_move(positions(60, seed=21, decisions=9))
    searcher = Search(Inventor(), config)
    in_parts = searcher(views, keys_of(60))
    assert 1 < config.roots_at_once < in_parts.searched.sum()
    assert len(searcher._trees.roots) == config.roots_at_once
    taken = sum(array.nbytes for array in searcher._trees) + config.roots_at_once * config.leaves * 96
    assert 0.9 * 2**20 < taken <= 2**20
    assert_same(search(views, keys_of(60), Inventor(), replace(config, memory_mib=64)), in_parts)


def test_as_many_simulations_as_int16_counts() -> None:
    config = SearchConfig(sims=32767, worlds=1, belief="uniform", leaves=256)
    result = search(views_to_move(positions(1, seed=22, decisions=0)), keys_of(1), Even(), config)
    assert result.visits.sum() == 32767


def test_mixed_leaves() -> None:
    """With all the weight on the solver a mixed leaf is worth the exact value, and the network is still asked."""
    hands = positions(10, seed=13, decisions=14, scoring="points")
    config = SearchConfig(sims=12, worlds=30, belief="uniform", solve_tricks=0, mix_tricks=4, mix_weight=1.0)
    result = search(views_to_move(hands), keys_of(10), Inventor(), config)
    for b in np.flatnonzero(result.searched):
        for action in np.flatnonzero(result.visits[b] == 1):
            expected = scores_after(result.worlds[b, :1], int(action), int(hands[b]["to_move"]))[0]
            assert result.q[b, action] == pytest.approx(expected, abs=1e-5)
    assert result.num_evaluations > result.searched.sum()


def test_a_full_tree_still_counts_every_simulation() -> None:
    views = views_to_move(positions(12, seed=14, decisions=9))
    config = replace(SMALL, sims=200, solve_tricks=0)
    searcher = Search(Inventor(), config)
    searcher(views, keys_of(12))
    roomy = searcher._trees
    searcher._trees = roomy._replace(nodes=roomy.nodes[:, :20].copy(), entries=roomy.entries[:, :20].copy())
    cramped = searcher(views, keys_of(12))
    assert (cramped.visits.sum(1)[cramped.searched] == 200).all()
    assert (searcher._trees.roots["num_nodes"][: cramped.searched.sum()] == 20).all()
    assert not searcher._trees.nodes["in_flight"][: cramped.searched.sum()].any()


@given(considered=st.integers(1, 16), sims=st.integers(2, 400))
@settings(deadline=None, max_examples=60)
def test_halving_schedule_can_be_followed(considered: int, sims: int) -> None:
    visits, phases = (array[considered] for array in halving_schedule(16, sims))
    counts = [0] * considered
    for wanted in visits:
        counts[counts.index(wanted)] += 1  # ValueError if no action has had that many
    assert (np.diff(phases) >= 0).all()
    assert phases[0] == 0
    if considered > 1:
        assert sorted(counts)[-2] >= sims // (2 * int(np.ceil(np.log2(considered))) + 1)


def test_other_seats_play_their_policy() -> None:
    """The second seat's actions, over many simulations, are spread as its policy in each world says."""
    view = views_to_move(positions(1, seed=15, decisions=0))
    config = SearchConfig(sims=3000, worlds=10, belief="uniform", solve_tricks=0)
    searcher = Search(Sure(), config)
    result = searcher(view, keys_of(1))
    trees = searcher._trees
    first = trees.nodes[0, 1]
    expected = np.zeros(28)
    for world in result.worlds[0]:
        hand = Hand(world)
        hand.apply(int(first["action"]))
        priors, _ = Sure()(hand.view(hand.to_move).reshape(1))
        expected += priors[0, :28] / config.worlds
    counts = np.zeros(28)
    for node in trees.nodes[0, : trees.roots[0]["num_nodes"]]:
        if node["parent"] == 1:
            counts[node["action"]] += node["visits"]
    np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.03)


def test_improved_policy_is_completed_q() -> None:
    """Recomputed from visits, Q and the network's answers by the formulas of the paper's appendix."""
    views = views_to_move(positions(20, seed=16))
    result = search(views, keys_of(20), Inventor(), SMALL)
    for b in np.flatnonzero(result.searched):
        legal = np.array(Hand(views[b]).legal_actions())
        visits, q, prior = (getattr(result, name)[b][legal].astype(float) for name in ("visits", "q", "prior"))
        seen = visits > 0
        weighted = (prior * q)[seen].sum() / prior[seen].sum()
        mixed = (result.network_value[b] + visits.sum() * weighted) / (1 + visits.sum())
        completed = np.where(seen, q, mixed)
        logits = np.log(prior) + (SMALL.c_visit + visits.max()) * SMALL.c_scale * completed
        policy = np.exp(logits - logits.max())
        policy /= policy.sum()
        np.testing.assert_allclose(result.policy[b][legal], policy, atol=1e-5)
        assert result.root_value[b] == pytest.approx((policy * completed).sum(), abs=1e-5)


GOLDEN = {  # root rule: visits of the legal plays (ascending), root value, principal line
    "gumbel": ([20, 8, 8, 19, 3, 3, 3], 0.11690, "0-0 2-0 6-0 1-0 3-0 5-3 3-2"),
    "puct": ([41, 7, 1, 15, 0, 0, 0], 0.19910, "0-0 2-0 6-0 1-0 3-0 3-2 3-1"),
}


@pytest.mark.parametrize("root", GOLDEN)
def test_golden(root: str) -> None:
    """A fixed search, at a tolerance: a change here is a change of behaviour and wants a reason."""
    hand = Hand.deal(seed=42, rules=Rules(contract="random", scoring="contract"))
    config = SearchConfig(sims=64, root=root)  # type: ignore[arg-type]
    result = search(hand.view(hand.to_move).reshape(1), np.array([42], np.uint64), Inventor(), config)
    visits, root_value, line = GOLDEN[root]
    assert list(result.visits[0, hand.legal_actions()]) == visits
    assert result.root_value[0] == pytest.approx(root_value, abs=1e-4)
    assert f"principal line: {line}" in str(result.explain())


def test_explain_is_for_people() -> None:
    hand = Hand.deal(seed=42, rules=Rules(contract="random"))
    view = hand.view(hand.to_move)
    text = str(search(view.reshape(1), np.array([1], np.uint64), Inventor(), SMALL).explain(num_worlds=2))
    assert str(Hand(view)) in text
    assert "24 simulations, 6 worlds from even odds" in text
    worlds_shown = [line.split(": ")[1] for line in text.splitlines() if line.startswith("world ")]
    assert len(worlds_shown) == 2
    assert all(Hand.parse(world).view(hand.to_move).tobytes() == view.tobytes() for world in worlds_shown)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sims": 1}, "expected sims in 2"),
        ({"sims": 32768}, r"expected sims in 2\.\.32767, got 32768"),
        ({"sims": 30000, "worlds": 2000}, "fits into memory_mib=256, got sims=30000, worlds=2000, which take 3"),
        ({"worlds": 0}, "expected worlds in 1"),
        ({"root": "ucb"}, "expected root, got 'ucb'; allowed: gumbel, puct"),
        ({"belief": "oracle"}, "expected belief, got 'oracle'; allowed: net, legality, uniform, likelihood"),
        ({"solve_tricks": 8}, "expected solve_tricks in 0..7"),
        ({"dirichlet_alpha": 0.0}, "expected dirichlet_alpha above 0"),
        ({"threads": 0}, "expected threads in 1"),
        ({"c_puct": float("nan")}, "expected c_puct in 0"),
    ],
)
def test_contradictory_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SearchConfig(**options)  # type: ignore[arg-type]


def test_wrong_arguments() -> None:
    hands = positions(4, seed=17)
    views = views_to_move(hands)
    with pytest.raises(ValueError, match="expected the view of the seat to move"):
        search(hands, keys_of(4), Even(), SMALL)
    with pytest.raises(ValueError, match="expected the view of the seat to move"):
        search(views_of(hands, (hands["to_move"] + 1) % 4), keys_of(4), Even(), SMALL)
    with pytest.raises(ValueError, match="expected HAND records"):
        search([1, 2], keys_of(2), Even(), SMALL)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="uint64 keys"):
        search(views, keys_of(3), Even(), SMALL)


class Broken(Even):
    def __init__(self, answers: tuple[np.ndarray, np.ndarray], belief: np.ndarray) -> None:
        super().__init__()
        self.answers = *answers, belief

    def _invent(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.answers


def test_broken_evaluators_are_told() -> None:
    view = views_to_move(positions(1, seed=18, decisions=0))
    priors, values, belief = Even()._invent(view)
    with pytest.raises(ValueError, match="got NaN or infinity"):
        search(view, keys_of(1), Broken((priors, values + np.nan), belief), SMALL)
    with pytest.raises(ValueError, match="expected priors of shape"):
        search(view, keys_of(1), Broken((priors[:, :28], values), belief), SMALL)
    with pytest.raises(ValueError, match="expected a belief of shape"):
        search(view, keys_of(1), Broken((priors, values), -belief), replace(SMALL, belief="net"))


@pytest.mark.parametrize(("scale", "shift", "value"), [(-1.0, 0.0, 0.0), (8.0, -1.0, 0.0), (1.0, 0.0, 7.0)])
def test_logits_and_values_of_another_unit_are_refused(scale: float, shift: float, value: float) -> None:
    class Wrong(Even):
        def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            priors, values = super().__call__(views)
            return scale * priors + np.float32(shift), values + np.float32(value)

    views = views_to_move(np.array([Hand.deal(seed=1, rules="majority").record]))
    with pytest.raises(ValueError, match="expected priors of at least 0"):
        Search(Wrong(), SMALL)(views, keys_of(1))


def test_a_belief_that_is_missing_is_named() -> None:
    class Blind:
        def __call__(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return Even()(views)

    with pytest.raises(ValueError, match=r"got Blind without; SearchConfig\(belief='uniform'\) needs none"):
        Search(Blind(), SearchConfig())
    assert Search(Blind(), SMALL)
