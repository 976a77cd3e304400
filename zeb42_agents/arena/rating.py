"""Ratings and pair comparisons, with intervals that know what a mirrored deal is.

Bradley-Terry, maximum a posteriori by Newton's method. The weak prior is ``prior_hands`` virtual hands that each agent
draws against a player of average strength. Intervals come from the sandwich covariance (White 1980; Liang and Zeger
1986) clustered by deal: both tables of a deal, and all pairs that played it, share its luck, and hands that are treated
as independent would give intervals some 25% too wide. Student's t widens them by the *effective* number of deals, the
inverse of how much of the variance few of them make: if two players differ on only one deal in ten, only 10 of 100
deals carry information. An interval is always that of the difference to the anchor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import erf, inf, isfinite, sqrt

import numpy as np

from zeb42_agents.agent import same_agent
from zeb42_agents.arena.games import NUM_TABLES
from zeb42_agents.arena.text import plain
from zeb42_agents.extras import needs_extras

ELO_PER_NAT = 400.0 / np.log(10.0)
DEFAULT_ANCHOR = "eq:n=100"
DEFAULT_ANCHOR_ELO = 1600.0
PRIOR_HANDS, MIN_PRIOR, MAX_PRIOR = 2.0, 1e-9, 1e9
CONFIDENCE = 0.95
NEWTON_STEPS, NEWTON_TOLERANCE, NEWTON_REACH = 1000, 1e-10, 2.0  # nats: a longer step is cut to the reach


@dataclass(frozen=True, eq=False, repr=False)
class Units:
    """Mirrored deals as the rating sees them, aligned by row; ``score`` and ``margin`` are to the first of the pair."""

    pairs: np.ndarray  # int64 [M, 2], the lower number first
    deals: np.ndarray  # int64 [M]
    score: np.ndarray  # float64 [M], share of the two games won, a draw being half: 0, 0.25, ... 1
    margin: np.ndarray  # float64 [M], mean over the two tables of points (marks of a match) taken more
    hands_score: np.ndarray  # float64 [M, 2] the score at each table
    hands_margin: np.ndarray  # float64 [M, 2]
    made: np.ndarray  # int8 [M, 2] whether the first and the second of the pair made the contract; -1 no contract

    def __len__(self) -> int:
        return len(self.deals)

    def __repr__(self) -> str:
        return f"Units of {len(self):,} mirrored deals"

    def select(self, rows: np.ndarray | slice) -> Units:
        """The deals of ``rows`` (bool [M], indices or a slice)."""
        return Units(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def units_of(mirrored_games: np.ndarray) -> Units:
    """The mirrored deals GAME [M, 2] as :class:`Units`."""
    games = mirrored_games
    pairs = np.sort(games["teams"][:, 0].astype(np.int64), 1)
    first_at_02 = games["teams"][:, :, 0] == pairs[:, :1]  # [M, 2] whether the pair's first sits at seats 0&2
    hands_score = np.where(first_at_02, games["result"], 1.0 - games["result"]).astype(np.float64)
    hands_margin = np.where(first_at_02, games["margin"], -games["margin"]).astype(np.float64)
    made = np.full((len(games), 2), -1, np.int8)
    known = (games["made"] >= 0).all(1)
    offense_is_02 = games["bidder"] % 2 == 0  # [M, 2]
    first_bids = first_at_02 == offense_is_02  # [M, 2] whether the pair's first is the offense
    known &= first_bids.sum(1) == 1  # each was the offense once, as on every dealt contract
    at = first_bids.argmax(1)  # the table where the first is the offense
    rows = np.arange(len(games))
    made[known, 0] = games["made"][rows, at][known]
    made[known, 1] = games["made"][rows, 1 - at][known]
    return Units(pairs, games["deal"][:, 0], hands_score.mean(1), hands_margin.mean(1), hands_score, hands_margin, made)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What ratings are measured against."""

    anchor: str | None = None
    """Agent whose rating is fixed. By default eq:n=100, or the first agent of a pool that has none."""
    anchor_elo: float | None = None
    """At what. By default 1600 for eq:n=100, and 0 for another."""
    prior_hands: float = PRIOR_HANDS
    """Weight of the prior, in virtual drawn hands per agent."""

    def __post_init__(self) -> None:
        if not MIN_PRIOR <= self.prior_hands <= MAX_PRIOR:
            raise ValueError(f"expected prior_hands in {MIN_PRIOR:g}..{MAX_PRIOR:g}, got {self.prior_hands}")
        if self.anchor_elo is not None and not isfinite(self.anchor_elo):
            raise ValueError(f"expected a finite anchor_elo, got {self.anchor_elo}")

    def resolve(self, names: Sequence[str]) -> tuple[str, float]:
        """The anchor and its rating among agents of these names. ValueError if it does not play."""
        anchor = self.anchor
        if anchor is None:
            anchor = next((name for name in names if same_agent(name, DEFAULT_ANCHOR)), names[0])
        if anchor not in names:
            raise ValueError(f"expected an anchor that plays, got {anchor!r}; allowed: {', '.join(names)}")
        if self.anchor_elo is not None:
            return anchor, self.anchor_elo
        return anchor, DEFAULT_ANCHOR_ELO if same_agent(anchor, DEFAULT_ANCHOR) else 0.0


DEFAULT_SCALE = Scale()


@dataclass(frozen=True, eq=False, repr=False)
class Ratings:
    """Elo of every agent of a pool; arrays are aligned with ``names``, intervals at 95%."""

    names: list[str]
    elo: np.ndarray  # [N]
    halfwidth: np.ndarray  # [N] of the difference to the anchor; 0 for the anchor itself
    influence: np.ndarray  # [C, N] what each cluster (a deal, or a virtual hand) moved each rating by, Elo
    anchor: str
    anchor_elo: float
    prior_hands: float
    num_deals: int  # distinct deals, the clusters of the intervals
    group: np.ndarray  # int64 [N], equal for agents that results join; between groups the prior alone places them

    def __repr__(self) -> str:
        found = [
            f"{plain(self.names[i])} {self.elo[i]:.0f}"
            + (" (anchor)" if self.names[i] == self.anchor else f" ± {self.halfwidth[i]:.0f}")
            for i in np.argsort(-self.elo, kind="stable")
        ]
        return f"{', '.join(found)}; {self.num_deals:,} deals"

    @property
    def connected(self) -> bool:
        """Whether results join all agents."""
        return bool((self.group == self.group[0]).all())

    def interval(self, name: str) -> tuple[float, float]:
        """The 95% interval of an agent's rating, the anchor's being exact."""
        i = self.names.index(name)
        return float(self.elo[i] - self.halfwidth[i]), float(self.elo[i] + self.halfwidth[i])

    def expected(self) -> np.ndarray:
        """[N, N] the share of games that the row's agent should win against the column's."""
        return 1.0 / (1.0 + 10.0 ** ((self.elo[None, :] - self.elo[:, None]) / 400.0))

    def difference_halfwidth(self, i: int, j: int) -> float:
        """Half the 95% interval of the difference between agents number i and j.

        Of this one difference: of many that are looked at, one in twenty lies outside. The rest is as in
        :func:`fit_ratings`.
        """
        return _difference_halfwidth(self.influence, i, j, self.num_deals)


def fit_ratings(units: Units, names: Sequence[str], scale: Scale = DEFAULT_SCALE) -> Ratings:
    """Bradley-Terry ratings of a pool.

    Where they underestimate: the prior pulls everybody toward the average, so the distance of an agent that won or lost
    nearly all it played is too short. The intervals are linear in the results, so they are too short on the far side of
    such an agent, with fewer than some 30 deals, and after a run that stopped on its own result. They hold the luck of
    the deals alone: strength that is not one number (:func:`surprises`) is not in them.

    Args:
        units: the mirrored deals played.
        names: the agents, by the numbers in ``units.pairs``.
        scale: the anchor and the weight of the prior.

    ValueError for an anchor that is not in the pool, or ratings that cannot be found.
    """
    names = list(names)
    (anchor, anchor_elo), prior_hands = scale.resolve(names), scale.prior_hands
    strength = _newton(units, len(names), prior_hands)
    influence = ELO_PER_NAT * _influence(units, strength, prior_hands)
    a = names.index(anchor)
    elo = ELO_PER_NAT * (strength - strength[a]) + anchor_elo
    num_deals = len(np.unique(units.deals))
    halfwidth = np.array(
        [0.0 if i == a else _difference_halfwidth(influence, i, a, num_deals) for i in range(len(names))]
    )
    group = _groups(units.pairs, len(names))
    return Ratings(names, elo, halfwidth, influence, anchor, anchor_elo, prior_hands, num_deals, group)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))  # exact in its relative error on both sides


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def _newton(units: Units, num_agents: int, prior_hands: float) -> np.ndarray:
    """The strengths [N], in nats, that maximize the posterior.

    It is concave, so Newton's method gets there if no step is taken that makes it less likely. ValueError where numbers
    are too extreme even so.
    """
    first, second = units.pairs[:, 0], units.pairs[:, 1]
    won = np.zeros((num_agents, num_agents))  # hands that the row's agent won against the column's
    np.add.at(won, (first, second), NUM_TABLES * units.score)
    np.add.at(won, (second, first), NUM_TABLES * (1.0 - units.score))

    def log_posterior(strength: np.ndarray) -> float:
        by_hands = (won * _log_sigmoid(strength[:, None] - strength[None, :])).sum()
        by_prior = 0.5 * prior_hands * (_log_sigmoid(strength) + _log_sigmoid(-strength)).sum()
        return float(by_hands + by_prior)

    strength = np.zeros(num_agents)
    height = log_posterior(strength)
    longest = inf
    for _ in range(NEWTON_STEPS):
        lost_to = _sigmoid(strength[None, :] - strength[:, None])  # [N, N] the chance that the column's agent wins
        pull = won * lost_to
        gradient = (pull - pull.T).sum(1) + 0.5 * prior_hands * (_sigmoid(-strength) - _sigmoid(strength))
        step = np.linalg.solve(_curvature(won + won.T, strength, prior_hands), gradient)
        longest = float(np.abs(step).max())
        if longest < NEWTON_TOLERANCE:
            return strength + step
        step *= min(1.0, NEWTON_REACH / longest)
        while (reached := log_posterior(strength + step)) < height - 1e-12 * abs(height):
            step *= 0.5
        strength, height = strength + step, reached
    raise ValueError(
        f"expected ratings that {NEWTON_STEPS} steps of Newton's method find, got a last step of {longest:.2g} nats; "
        f"a prior_hands above {prior_hands:g} holds the ratings together"
    )


def _curvature(played: np.ndarray, strength: np.ndarray, prior_hands: float) -> np.ndarray:
    """The negative Hessian [N, N] of the log posterior."""
    difference = strength[:, None] - strength[None, :]
    weight = played * _sigmoid(difference) * _sigmoid(-difference)
    return np.diag(weight.sum(1) + prior_hands * _sigmoid(strength) * _sigmoid(-strength)) - weight


def _influence(units: Units, strength: np.ndarray, prior_hands: float) -> np.ndarray:
    """What each cluster moved each strength by, [C, N]; its Gram matrix is the sandwich covariance clustered by deal.

    The virtual hands of the prior count as clusters of their own, so that an agent that won all it played keeps an
    honest width.
    """
    num_agents = len(strength)
    first, second = units.pairs[:, 0], units.pairs[:, 1]
    played = np.zeros((num_agents, num_agents))
    np.add.at(played, (first, second), NUM_TABLES)
    played += played.T
    inverse = np.linalg.inv(_curvature(played, strength, prior_hands))
    _, cluster = np.unique(units.deals, return_inverse=True)
    num_clusters = int(cluster.max()) + 1 if len(cluster) else 0
    difference = strength[first] - strength[second]
    residual = NUM_TABLES * (units.score * _sigmoid(-difference) - (1.0 - units.score) * _sigmoid(difference))
    by_deal = np.zeros((num_clusters, num_agents))
    np.add.at(by_deal, (cluster, first), residual)
    np.add.at(by_deal, (cluster, second), -residual)
    if num_clusters > 1:
        by_deal *= np.sqrt(num_clusters / (num_clusters - 1))
    virtual = np.sqrt(0.5 * prior_hands) * np.concatenate([np.diag(_sigmoid(-strength)), -np.diag(_sigmoid(strength))])
    return np.concatenate([by_deal, virtual]) @ inverse


def _difference_halfwidth(influence: np.ndarray, i: int, j: int, num_deals: int) -> float:
    return _halfwidth(influence[:, i] - influence[:, j]) if num_deals > 1 else float("inf")


def _halfwidth(moves: np.ndarray) -> float:
    """Half the 95% interval of a figure that clusters moved by ``moves`` [C]."""
    square = np.square(moves)
    variance = float(square.sum())
    if variance == 0.0:
        return 0.0
    effective = 1.0 / float(np.square(square / variance).sum())
    return t_quantile(effective) * sqrt(variance)


def t_quantile(num_clusters: float) -> float:
    """How many standard errors a two-sided 95% interval from so many clusters reaches; two at the least."""
    with needs_extras():
        from scipy.stats import t  # here, because scipy.stats takes half a second to import

    return float(t.ppf(0.5 + CONFIDENCE / 2, max(1.0, num_clusters - 1.0)))


def _groups(pairs: np.ndarray, num_agents: int) -> np.ndarray:
    """int64 [N] the lowest agent that results join each agent to."""
    group = np.arange(num_agents)
    for i, j in np.unique(pairs, axis=0) if len(pairs) else ():
        low, high = sorted((group[i], group[j]))
        group[group == high] = low
    return group


@dataclass(frozen=True)
class Comparison:
    """One agent against another; all figures are the first's, intervals at 95% and clustered by deal."""

    first: int
    second: int
    num_deals: int
    wins: float  # hands (or matches), a draw being half
    win_rate: float
    win_rate_halfwidth: float
    margin: float  # mean points (of a match: marks) taken more, each hand
    margin_halfwidth: float
    elo: float  # what the win rate alone says
    elo_halfwidth: float
    superiority: float  # likelihood that the first is the stronger
    only_first_made: int  # contracts that the first made and the second did not, on the same deal
    only_second_made: int
    mcnemar_z: float
    win_mirror_gain: float  # variance of the win rate without mirroring over that with it
    margin_mirror_gain: float

    @property
    def hands(self) -> int:
        """Games played: two per deal."""
        return NUM_TABLES * self.num_deals

    @property
    def win_interval(self) -> tuple[float, float]:
        """The 95% interval of the win rate, within 0..1."""
        return max(0.0, self.win_rate - self.win_rate_halfwidth), min(1.0, self.win_rate + self.win_rate_halfwidth)


def compare(units: Units, first: int = 0, second: int = 1) -> Comparison:
    """What the deals between two agents say; ``first`` must be the lower number. ValueError if they never met.

    Where it underestimates: half a win is added to each side, which pulls the Elo of a lopsided pair toward 0, and its
    interval is that of the win rate by the slope, too short on the far side. ``superiority`` is the normal
    approximation, too sure of itself with few deals.
    """
    mine = (units.pairs[:, 0] == first) & (units.pairs[:, 1] == second)
    if not mine.any():
        raise ValueError(f"expected a pair that played, got agents {first} and {second}")
    return _compare(first, second, units.select(mine))


def _compare(first: int, second: int, units: Units) -> Comparison:
    """As :func:`compare`, of ``units`` that are all of that pair."""
    num_deals = len(units)
    score, margin, made = units.score, units.margin, units.made
    rate, mean_margin = float(score.mean()), float(margin.mean())
    rate_moves = np.append(score - rate, (-0.5, 0.5)) / num_deals  # and one virtual deal lost, one won
    margin_moves = (margin - mean_margin) / num_deals
    alone = num_deals < 2
    rate_se, rate_halfwidth = float(np.sqrt(np.square(rate_moves).sum())), _halfwidth(rate_moves)
    smoothed = (score.sum() * NUM_TABLES + 0.5) / (num_deals * NUM_TABLES + 1.0)
    per_rate = ELO_PER_NAT / (smoothed * (1.0 - smoothed))
    known = (made >= 0).all(1)
    only_first = int((known & (made[:, 0] > made[:, 1])).sum())
    only_second = int((known & (made[:, 0] < made[:, 1])).sum())
    discordant = only_first + only_second
    return Comparison(
        first=first,
        second=second,
        num_deals=num_deals,
        wins=float(score.sum() * NUM_TABLES),
        win_rate=rate,
        win_rate_halfwidth=float("inf") if alone else rate_halfwidth,
        margin=mean_margin,
        margin_halfwidth=float("inf") if alone else _halfwidth(margin_moves),
        elo=float(ELO_PER_NAT * np.log(smoothed / (1.0 - smoothed))),
        elo_halfwidth=float("inf") if alone else float(per_rate * rate_halfwidth),
        superiority=0.5 * (1.0 + erf((rate - 0.5) / rate_se / sqrt(2.0))),
        only_first_made=only_first,
        only_second_made=only_second,
        mcnemar_z=(only_first - only_second) / sqrt(discordant) if discordant else 0.0,
        win_mirror_gain=_mirror_gain(units.hands_score),
        margin_mirror_gain=_mirror_gain(units.hands_margin),
    )


def compare_all(units: Units) -> dict[tuple[int, int], Comparison]:
    """:func:`compare` for every pair that met."""
    return {pair: _compare(*pair, own) for pair, own in _by_pair(units)}


def _by_pair(units: Units) -> Iterator[tuple[tuple[int, int], Units]]:
    """Each pair that met, and its deals; in one pass over all of them, however many pairs there are."""
    pairs, pair_of, counts = np.unique(units.pairs, axis=0, return_inverse=True, return_counts=True)
    units = units.select(np.argsort(pair_of, kind="stable"))
    ends = np.cumsum(counts)
    for (i, j), start, end in zip(pairs.tolist(), ends - counts, ends, strict=True):
        yield (i, j), units.select(slice(start, end))


@dataclass(frozen=True)
class Surprise:
    """How far a pair's results are from what the ratings expect: large ones show intransitivity."""

    observed: float
    expected: float
    z: float


def surprises(units: Units, ratings: Ratings) -> dict[tuple[int, int], Surprise]:
    """Observed and expected win rate of each pair that met, the first's view, and the difference in standard errors.

    Where they underestimate: the ratings were fitted to these results, so part of each surprise is in what is expected;
    of two agents that met nobody else, nearly all of it.
    """
    expected = ratings.expected()
    found = {}
    for pair, own in _by_pair(units):
        rate = float(own.score.mean())
        spread = np.append(own.score - rate, (-0.5, 0.5))
        error = sqrt(float(np.square(spread).sum())) / len(own)
        gap = rate - float(expected[pair])
        found[pair] = Surprise(rate, float(expected[pair]), gap / error)
    return found


def _mirror_gain(by_table: np.ndarray) -> float:
    """Variance of the mean over independent hands, as a multiple of that over mirrored ones; ``by_table`` [M, 2]."""
    if len(by_table) < 2:
        return float("nan")
    mirrored_variance = by_table.mean(1).var(ddof=1)
    independent = by_table.var(axis=0, ddof=1).mean() / NUM_TABLES
    return float(independent / mirrored_variance) if mirrored_variance > 0 else float("inf")
