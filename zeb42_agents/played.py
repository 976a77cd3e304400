"""Players who play sampled worlds to the end of the hand with minds in the other seats, and players who are a mind."""

from __future__ import annotations

import numpy as np
from numba import njit

from zeb42_agents import likelihood, worlds
from zeb42_agents.agent import Agent, Randomness, one_decision, require_movers, view_keys
from zeb42_agents.evidence import Evidence, explain_many, of_anybody, says_something, what_it_hears
from zeb42_agents.explanation import NUM_SHOWN, Candidate, Explanation, share_of_worlds
from zeb42_agents.minds import NETWORK, Mind, choose
from zeb42_agents.minds.network import write_logits
from zeb42_agents.search.bundle import NOT_TRIED, Bundle, Plan, new_bundle, weigh_plays
from zeb42_agents.search.samplers import Sample, Sampler, believed
from zeb42_agents.simple_bidder import explain_call, simple_calls
from zeb42_env._core.bits import mix, mix_all
from zeb42_env._core.dominoes import COUNT, NUM_DOMINOES, NUM_SEATS
from zeb42_env._core.record import HAND, TRICKS
from zeb42_env._core.tables import legal_masks
from zeb42_env.hand import Hand
from zeb42_env.records import as_records

MAX_WORLDS = 10_000
MAX_GIVEN = 100_000  # worlds of a sampler held at a time: ten megabytes
THIN = 8  # groups of fewer worlds are left to the mind
ALONE = Plan(num_worlds=0, early=1, thin=1, every_deal=False)
"""The plan of a player who does not search: it plays as its mind does."""
POLICY_TEMPERATURE = 0.5  # a mind's logits are learned as a policy under it
BELIEF_WORLDS = 1000
LEAST_SHARE = 1e-6  # of a policy, whose logarithm is taken


class MindPlayer(Agent):
    """Plays by a mind: alone, or by a search that plays worlds to the end of the hand with minds in the other seats.

    See :mod:`zeb42_agents.search.bundle`. Of plays that do equally well a network's favorite is taken; dice give the
    least count away. It calls as the simple bidder does. With ``evidence`` worlds are resampled by what the others
    called and played; with a ``sampler`` they are ``plan.num_worlds`` of the sampler's, of any view.

    A play is worth what it comes to, and ``prior`` times the logarithm of its share in the ``policy`` of a network, or
    in the mind's if there is none: what was learned from many searches tells where this one cannot.
    """

    def __init__(
        self,
        mind: Mind,
        plan: Plan = ALONE,
        *,
        evidence: Evidence | None = None,
        sampler: Sampler | None = None,
        policy: likelihood.Policy | None = None,
        prior: float = 0.0,
        name: str = "mind",
    ) -> None:
        if prior and policy is None and mind.kind != NETWORK:
            raise ValueError("expected a policy beside prior, got dice, which have none")
        self.name = name
        self.mind, self._plan, self._sampler = mind, plan, sampler
        self._network, self._prior = policy, prior
        self._bundle = new_bundle(max(1, plan.most_worlds), evidence)

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        """One legal action int64 [B] for each of ``views`` [B]; see :meth:`zeb42_agents.Agent.act`."""
        views = require_movers(views)
        worlds.require_deals(views)
        keys = view_keys(rng, len(views))
        actions = np.empty(len(views), np.int64)
        playing = views["phase"] == TRICKS
        if not playing.all():
            actions[~playing] = simple_calls(views[~playing])
        masks = legal_masks(views)
        forced = playing & (masks.sum(1) == 1)
        actions[forced] = masks[forced].argmax(1)
        rows = np.flatnonzero(playing & ~forced)
        num_parts = 1 + len(rows) * self._plan.num_worlds // MAX_GIVEN
        for part in np.array_split(rows, num_parts if self._sampler else 1):
            chosen = np.empty(len(part), np.int64)
            given = self._sample(views[part], keys[part]).worlds
            favors = self._favors(self._policies(views[part]) if self._prior else [{}] * len(part))
            _choose_many(views[part], keys[part], given, favors, self._bundle, self.mind, self._plan, chosen)
            actions[part] = chosen
        return actions

    def _sample(self, views: np.ndarray, keys: np.ndarray) -> Sample:
        """The sampler's worlds HAND [B, W] of ``views`` [B] in their tricks; none (W = 0) without a sampler."""
        if self._sampler is None or not len(views):
            return Sample(np.empty((len(views), 0), HAND), worlds.uniform_weights(len(views)))
        return self._sampler(views, self._plan.num_worlds, mix_all(keys, np.uint64(3)))

    def _favors(self, policies: list[dict[int, float]]) -> np.ndarray:
        """What is added to the worth of the plays of B views in their tricks, of which these are the policies: float64
        [B, 28]."""
        if self._prior == 0.0:
            return np.zeros((len(policies), NUM_DOMINOES))
        favors = np.full((len(policies), NUM_DOMINOES), -np.inf)  # of what is not legal
        for b, policy in enumerate(policies):
            for domino, share in policy.items():
                favors[b, domino] = self._prior * np.log(max(share, LEAST_SHARE))
        return favors

    def explain(self, view: np.void, rng: Randomness | None = None) -> Explanation:
        """What the sampled worlds come to after each play, or what the mind alone makes of the plays; see
        :meth:`zeb42_agents.Agent.explain`. ``root_value`` is what the chosen play promises."""
        views, keys = one_decision(view, rng)
        worlds.require_deals(views)
        if views[0]["phase"] != TRICKS:
            return explain_call(views[0])
        hand, policy = Hand(views[0]), self._policies(views)[0]
        if self._plan.num_worlds == 0:
            chosen = int(self.act(views, keys)[0])
            found = [Candidate(action=domino, policy=policy.get(domino)) for domino in hand.legal_actions()]
            return Explanation(
                view=hand,
                chosen=chosen,
                candidates=_favorites(chosen, found),
                speaker="network",
                how="the likeliest" if self.mind.temperature == 0 else "drawn by the policy",
            )
        values = np.empty(NUM_DOMINOES)
        given = self._sample(views, keys)
        sampled = weigh_plays(views[0], keys[0], given.worlds[0], self._bundle, self.mind, self._plan, values)
        chosen = int(_best_play(views[0], keys[0], self.mind, values + self._favors([policy])[0]))
        tried = np.flatnonzero(values > NOT_TRIED).tolist()
        found = [Candidate(action=d, value=float(values[d]), policy=policy.get(d)) for d in tried]
        shares = share_of_worlds(sampled)
        weighed = says_something(views[0], self._bundle.evidence)
        told = f", as likely as they explain {what_it_hears(self._bundle.evidence)}," if weighed else ","
        belief = shares if weighed else worlds.marginals(views[0])
        if self._sampler is not None:
            told = f" from {self._sampler.name},"
            belief = believed(views[0], given.belief[0], given.is_posterior)
        played = "each played to the end by players who see their own dominoes alone"
        if self._plan.solved:
            played += f"; {self._plan.solved:.0%} of the worth from solving them, all hands open"
        tie = "the mind's favorite" if self.mind.kind == NETWORK else "the least count"
        how = f"the most worlds won; then {tie}"
        if self._prior:
            how = f"the highest value plus {self._prior:g} times the logarithm of its policy"
        return Explanation(
            view=hand,
            chosen=chosen,
            candidates=_favorites(chosen, found),
            speaker="worlds",
            basis=f"{len(sampled)} worlds{told} {played}",
            how=how,
            root_value=float(values[chosen]),
            belief=belief,
            world_share=shares,
            num_worlds=len(sampled),
            worlds=tuple(Hand(world) for world in sampled[:NUM_SHOWN]),
        )

    def belief(self, views: np.ndarray) -> np.ndarray:
        """Who was dealt each domino, float64 [B, 28, 4], by what ``views`` [B] tell of calls, declarations and plays:
        each seat is taken to call as the simple bidder does, with soft edges, and to play as the mind does, or worse
        (:func:`zeb42_agents.evidence.of_anybody`). Its search draws its worlds otherwise.

        The same for the same view; ValueError for one without a deal."""
        views, told = as_records(views, "views"), of_anybody()
        found = np.empty((len(views), NUM_DOMINOES, NUM_SEATS))
        for b in range(len(views)):  # one by one: the worlds of many would take gigabytes
            one = views[b : b + 1]
            drawn, logs = explain_many(one, BELIEF_WORLDS, np.zeros(1, np.uint64), self.mind, told)
            found[b] = likelihood.posterior(one, drawn, likelihood.weights(logs))[0]
        return found

    def _policies(self, views: np.ndarray) -> list[dict[int, float]]:
        """The network's policy over the legal plays of each of ``views``, or the mind's; empty for dice."""
        if self._network is not None:
            shares = self._network(views)[0]
            return [
                {d: float(row[d]) for d in Hand(view).legal_actions()} for view, row in zip(views, shares, strict=True)
            ]
        return [self._of_mind(view) for view in views]

    def _of_mind(self, view: np.void) -> dict[int, float]:
        if self.mind.kind != NETWORK:
            return {}
        legal = Hand(view).legal_actions()
        write_logits(self.mind.network, view)
        logits = self.mind.network.logits[legal].astype(np.float64) / POLICY_TEMPERATURE
        shares = np.exp(logits - logits.max())
        return dict(zip(legal, (shares / shares.sum()).tolist(), strict=True))


def _favorites(chosen: int, found: list[Candidate]) -> tuple[Candidate, ...]:
    """``found`` with the chosen one first, then by what is thought of them."""

    def order(candidate: Candidate) -> tuple[bool, float, float, int]:
        value, policy = candidate.value or 0.0, candidate.policy or 0.0
        return candidate.action != chosen, -value, -policy, int(COUNT[candidate.action])

    return tuple(sorted(found, key=order))


@njit(cache=True, nogil=True)
def _choose_many(
    views: np.ndarray,
    keys: np.ndarray,
    given: np.ndarray,
    favors: np.ndarray,
    bundle: Bundle,
    mind: Mind,
    plan: Plan,
    actions: np.ndarray,
) -> None:
    values = np.empty(NUM_DOMINOES)
    for b in range(len(views)):
        if plan.num_worlds == 0:
            actions[b] = choose(mind, views[b], keys[b])
            continue
        weigh_plays(views[b], keys[b], given[b], bundle, mind, plan, values)
        actions[b] = _best_play(views[b], keys[b], mind, values + favors[b])


@njit(cache=True, nogil=True)
def _best_play(view: np.void, key: np.uint64, mind: Mind, values: np.ndarray) -> int:
    """The play of the highest of ``values`` [28]; of equal ones a network's favorite, else the least count."""
    best = 0
    for domino in range(1, NUM_DOMINOES):
        if values[domino] > values[best] or (values[domino] == values[best] and COUNT[domino] < COUNT[best]):
            best = domino
    if mind.kind == NETWORK:
        favorite = choose(mind, view, mix(key, np.uint64(2)))
        best = favorite if values[favorite] == values[best] else best
    return best
