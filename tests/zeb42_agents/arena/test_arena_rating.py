"""Ratings: against choix, coverage on synthetic players of known strength, the sequential test's error rates."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from scipy.special import ndtri

from zeb42_agents import make_agent
from zeb42_agents.arena import Scale, Sprt, fit_ratings, play_pairing, rating
from zeb42_agents.arena.games import GAME
from zeb42_agents.arena.rating import ELO_PER_NAT, compare, compare_all, surprises, t_quantile, units_of

CONFIDENT = 300


def synthetic_pool(elo: np.ndarray, num_deals: int, rng: np.random.Generator, *, luck: float = 0.6) -> np.ndarray:
    """Mirrored deals GAME [M, 2] of all pairs of players with these true ratings a hand.

    Each game's outcome has exactly its Bradley-Terry chance; a share ``luck`` of what decides it belongs to the deal,
    is the same for all pairs, and changes sides with the teams.
    """
    pairs = [(i, j) for i in range(len(elo)) for j in range(i + 1, len(elo))]
    deal_luck = rng.normal(size=num_deals)
    games = np.zeros((len(pairs), num_deals, 2), GAME)
    for number, (i, j) in enumerate(pairs):
        threshold = ndtri(1.0 / (1.0 + 10.0 ** ((elo[j] - elo[i]) / 400.0)))
        for table in (0, 1):
            side = 1.0 if table == 0 else -1.0
            own = rng.normal(size=num_deals)
            wins = np.sqrt(luck) * side * deal_luck + np.sqrt(1.0 - luck) * own < threshold  # the first of the pair
            games["teams"][number, :, table] = (i, j) if table == 0 else (j, i)
            games["result"][number, :, table] = wins if table == 0 else ~wins
            games["table"][number, :, table] = table
        games["deal"][number] = np.arange(num_deals)[:, None]
    games["made"] = games["bidder"] = games["forfeit"] = -1
    return games.reshape(-1, 2)


def names_of(elo: np.ndarray) -> list[str]:
    return [f"player{i}" for i in range(len(elo))]


def test_ratings_agree_with_choix() -> None:
    rng = np.random.default_rng(0)
    elo = np.array([0.0, 120.0, 300.0, -80.0, 40.0])
    games = synthetic_pool(elo, 150, rng)
    wins = [
        (int(first), int(second)) if game["result"] == 1.0 else (int(second), int(first))
        for game in games.reshape(-1)
        for first, second in [game["teams"]]
    ]
    reference = choix.opt_pairwise(len(elo), wins, alpha=1e-8)
    ratings = fit_ratings(units_of(games), names_of(elo), Scale(prior_hands=1e-7))
    assert ratings.elo == pytest.approx(ELO_PER_NAT * (reference - reference[0]), abs=0.02)


def test_intervals_cover_the_truth() -> None:
    """300 pools of 5 players: the 95% interval of the difference to the anchor holds the true one in 93-97%."""
    rng = np.random.default_rng(42)
    held = []
    for _ in range(CONFIDENT):
        elo = np.concatenate([[0.0], rng.normal(scale=120.0, size=4)])
        ratings = fit_ratings(units_of(synthetic_pool(elo, 250, rng)), names_of(elo))
        held.append(np.abs(ratings.elo - elo)[1:] <= ratings.halfwidth[1:])
    assert 0.93 <= np.mean(held) <= 0.97


def test_intervals_are_shorter_than_those_of_independent_hands() -> None:
    rng = np.random.default_rng(1)
    units = units_of(synthetic_pool(np.array([0.0, 30.0]), 1000, rng))
    by_hand = np.sqrt(0.25 / 2000)
    ratio = t_quantile(1000) * by_hand / compare(units).win_rate_halfwidth
    assert 1.2 < ratio < 2.2
    assert compare(units).win_mirror_gain == pytest.approx(ratio**2, rel=0.05)


def test_an_agent_against_itself_has_zero_inside_its_interval() -> None:
    random = make_agent("random")
    pairings = [play_pairing(random, random, num_deals=50, seed=seed) for seed in range(CONFIDENT)]
    inside = np.mean([pairing.elo_interval[0] <= 0.0 <= pairing.elo_interval[1] for pairing in pairings])
    assert 0.92 <= inside <= 0.98


@pytest.mark.parametrize("luck", [0.3, 0.6])
def test_sprt_keeps_its_error_rates(luck: float) -> None:
    """At most 5% wrong decisions either way, over 1,000 pairings each of up to 8,000 deals."""
    rng = np.random.default_rng(5)
    test = Sprt(elo0=0.0, elo1=20.0)
    accepted = {}
    for elo in (0.0, 20.0):
        decisions = []
        for _ in range(1000):
            games = fast_scores(elo, 8000, rng, luck)
            decisions.append(test.decide(games)[0])
        accepted[elo] = decisions.count("elo1") / 1000
        assert decisions.count(None) <= 10
    assert accepted[0.0] <= 0.05
    assert 1.0 - accepted[20.0] <= 0.05


def fast_scores(elo: float, num_deals: int, rng: np.random.Generator, luck: float) -> np.ndarray:
    """The scores [num_deals] of a pair's mirrored deals, as in synthetic_pool."""
    threshold = ndtri(1.0 / (1.0 + 10.0 ** (-elo / 400.0)))
    deal_luck = np.sqrt(luck) * rng.normal(size=num_deals)
    own = np.sqrt(1.0 - luck) * rng.normal(size=(2, num_deals))
    return 0.5 * ((deal_luck + own[0] < threshold).astype(float) + (-deal_luck + own[1] < threshold))


def test_sprt_decides_where_it_must() -> None:
    test = Sprt()
    assert test.decide(np.full(400, 1.0))[0] == "elo1"
    assert test.decide(np.full(400, 0.0))[0] == "elo0"
    assert test.decide(np.full(5000, 0.5))[0] == "elo0"
    assert test.decide(np.full(20, 1.0))[0] is None
    assert test.decide(np.empty(0)) == (None, 0, 0.0)
    scores = np.random.default_rng(0).choice([0.0, 0.5, 1.0], 3000, p=[0.2, 0.5, 0.3])
    decision, after, ratio = test.decide(scores)
    assert decision == "elo1"
    assert test.decide(scores[:after]) == (decision, after, ratio)
    assert test.decide(scores[: after - 1])[0] is None


@pytest.mark.parametrize("options", [{"elo0": 10.0, "elo1": 10.0}, {"alpha": 0.0}, {"beta": 0.7}])
def test_sprt_refuses_nonsense(options: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Sprt(**options)


def test_who_won_all_has_a_wide_but_finite_interval() -> None:
    games = synthetic_pool(np.array([0.0, 100.0]), 40, np.random.default_rng(0))
    games["result"] = games["teams"][:, :, 0] == 1
    ratings = fit_ratings(units_of(games), ["loser", "winner"])
    assert 300 < ratings.elo[1] < 2000
    assert 100 < ratings.halfwidth[1] < 2000
    pair = compare(units_of(games))
    assert pair.win_rate == 0.0
    assert np.isfinite([pair.elo, pair.elo_halfwidth]).all()


def test_few_discordant_deals_are_not_overrated() -> None:
    """Two players who part on one deal in ten: of 25 deals a naive interval covers 91%, and often has no width."""
    rng = np.random.default_rng(0)
    truth, held, naive = 0.5 + 0.1 * (0.6 - 0.5), [], []
    for _ in range(CONFIDENT):
        games = np.zeros((25, 2), GAME)
        games["deal"] = np.arange(25)[:, None]
        games["table"] = [0, 1]
        games["teams"] = [[0, 1], [1, 0]]
        discordant, first_wins = rng.random(25) < 0.1, rng.random(25) < 0.6
        games["result"][:, 0] = np.where(discordant, first_wins, True)
        games["result"][:, 1] = np.where(discordant, ~first_wins, True)
        units = units_of(games)
        pair, ratings = compare(units), fit_ratings(units, ["a", "b"])
        elo = 400.0 * np.log10(truth / (1.0 - truth))
        held.append(
            [abs(pair.win_rate - truth) <= pair.win_rate_halfwidth, abs(ratings.elo[1] + elo) <= ratings.halfwidth[1]]
        )
        naive.append(abs(pair.win_rate - truth) <= 2.06 * units.score.std(ddof=1) / 5.0)
    assert np.mean(held, axis=0).min() >= 0.95
    assert np.mean(naive) < 0.93


def test_one_deal_says_nothing() -> None:
    games = synthetic_pool(np.array([0.0, 0.0]), 1, np.random.default_rng(0))
    ratings = fit_ratings(units_of(games), ["a", "b"])
    assert ratings.halfwidth[1] == np.inf


def test_surprises_show_a_cycle() -> None:
    """Each beats the next: ratings cannot say it, the surprise matrix must."""
    games = synthetic_pool(np.zeros(3), 300, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    beats = {(0, 1), (1, 2), (2, 0)}
    flat = games.reshape(-1)
    favoured = np.array([tuple(teams) in beats for teams in flat["teams"]])
    flat["result"] = rng.random(len(flat)) < np.where(favoured, 0.7, 0.3)
    units = units_of(games)
    ratings = fit_ratings(units, ["rock", "scissors", "paper"])
    assert np.abs(ratings.elo).max() < 40
    found = surprises(units, ratings)
    assert found[0, 1].z > 5
    assert found[1, 2].z > 5
    assert found[0, 2].z < -5


def test_pairs_are_told_from_the_first_ones_view() -> None:
    games = np.zeros((2, 2), GAME)
    games["deal"] = [[0, 0], [1, 1]]
    games["table"] = [0, 1]
    games["teams"] = [[[3, 5], [5, 3]], [[5, 3], [3, 5]]]
    games["result"] = [[1.0, 1.0], [0.0, 0.5]]
    games["margin"] = [[10, 4], [-8, 0]]
    games["bidder"] = [[0, 0], [1, 1]]
    games["made"] = [[1, 0], [1, 1]]
    units = units_of(games)
    assert units.pairs.tolist() == [[3, 5], [3, 5]]
    assert units.hands_score.tolist() == [[1.0, 0.0], [1.0, 0.5]]
    assert units.hands_margin.tolist() == [[10.0, -4.0], [8.0, 0.0]]
    assert units.made.tolist() == [[1, 0], [1, 1]]
    result = compare_all(units)[3, 5]
    assert (result.only_first_made, result.only_second_made) == (1, 0)
    assert result.wins == 2.5
    with pytest.raises(ValueError, match="expected a pair that played"):
        compare(units, 0, 1)


def test_all_pairs_are_compared_as_each_alone() -> None:
    rng = np.random.default_rng(3)
    games = synthetic_pool(np.array([0.0, 50.0, 100.0, 20.0]), 30, rng)
    units = units_of(games[rng.permutation(len(games))[:-40]])
    found = compare_all(units)
    assert found == {(i, j): compare(units, i, j) for i in range(4) for j in range(i + 1, 4)}


def test_anchors() -> None:
    games = synthetic_pool(np.array([0.0, 50.0, 100.0]), 50, np.random.default_rng(0))
    units = units_of(games)
    for anchor in ("eq:n=100", "eq:100", "eq"):
        default = fit_ratings(units, ["eq:n=10", anchor, "c"])
        assert (default.anchor, default.anchor_elo) == (anchor, 1600.0)
        assert default.elo[1] == 1600.0
        assert default.halfwidth[1] == 0.0
    first = fit_ratings(units, ["a", "b", "c"])
    assert (first.anchor, first.elo[0]) == ("a", 0.0)
    chosen = fit_ratings(units, ["a", "b", "c"], Scale(anchor="c", anchor_elo=1000.0))
    assert chosen.elo - chosen.elo[2] == pytest.approx(first.elo - first.elo[2])
    assert chosen.interval("c") == (1000.0, 1000.0)
    assert chosen.difference_halfwidth(0, 2) == pytest.approx(float(chosen.halfwidth[0]))
    with pytest.raises(ValueError, match="expected an anchor that plays, got 'z'; allowed: a, b, c"):
        fit_ratings(units, ["a", "b", "c"], Scale(anchor="z"))
    with pytest.raises(ValueError, match=r"expected prior_hands in 1e-09\.\.1e\+09, got 0"):
        fit_ratings(units, ["a", "b", "c"], Scale(prior_hands=0.0))


def test_ratings_far_apart_are_found_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    games = synthetic_pool(np.arange(8.0), 150, np.random.default_rng(0))
    games["result"] = games["teams"][:, :, 0] == games["teams"].max(2)  # the higher number wins every hand
    for prior_hands in (1e-9, 2.0, 1e9):
        ratings = fit_ratings(units_of(games), list("abcdefgh"), Scale(prior_hands=prior_hands))
        assert (np.diff(ratings.elo) > 0).all()
        assert np.isfinite(ratings.halfwidth).all()
    with pytest.raises(ValueError, match="expected prior_hands in"):
        fit_ratings(units_of(games), list("abcdefgh"), Scale(prior_hands=1e-15))
    monkeypatch.setattr(rating, "NEWTON_STEPS", 3)
    with pytest.raises(ValueError, match="expected ratings that 3 steps of Newton's method find, got a last step of"):
        fit_ratings(units_of(games), list("abcdefgh"))


def test_groups_that_never_met_are_noticed() -> None:
    games = synthetic_pool(np.zeros(4), 40, np.random.default_rng(0))
    together = (games["teams"][:, 0] < 2).all(1) | (games["teams"][:, 0] >= 2).all(1)
    ratings = fit_ratings(units_of(games[together]), list("abcd"))
    assert not ratings.connected
    assert ratings.group.tolist() == [0, 0, 2, 2]
    assert fit_ratings(units_of(games), list("abcd")).connected
