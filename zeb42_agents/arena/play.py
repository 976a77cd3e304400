"""Playing: thousands of hands advance together, so that each agent is asked once a step for all that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from time import perf_counter

import numpy as np
from numba import njit

from zeb42_agents.agent import Agent
from zeb42_agents.arena.games import GAME, NUM_TABLES, Forfeit, Played, hand_rows
from zeb42_agents.arena.protocols import MAX_MATCH_HANDS, Protocol
from zeb42_env import action_text
from zeb42_env._core import episodes, goals, tables
from zeb42_env._core import record as core
from zeb42_env._core.bits import mix_all
from zeb42_env._core.dominoes import NUM_SEATS
from zeb42_env._core.goals import MATCH_MARKS
from zeb42_env.rules import is_action
from zeb42_env.table import Table


class ForfeitError(RuntimeError):
    """An agent took an illegal action, crashed or ran out of time in a strict run."""


def play_games(
    agents: Sequence[Agent],
    protocol: Protocol,
    seed: int,
    deals: np.ndarray,
    pairs: np.ndarray,
    *,
    partner: Agent | None = None,
    strict: bool = False,
    with_rows: bool = True,
    watch: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Play both tables of mirrored deals, all of them together.

    Everything about a game follows from (seed, deal, table) and its agents: not from what else is played with it.
    An agent that remembers may have ``act_at(views, keys, places)``, which is called in place of ``act``: views that
    have the same place (int [B]) are never two of one deal. It may also have ``prepare(places)``, called before.

    Args:
        agents: the players; ``pairs`` numbers them.
        protocol: how hands come about and are won.
        seed: the arena's.
        deals: int64 [M] deal numbers; of ``match``, match numbers.
        pairs: int [M, 2] who plays the deal: the first sits at seats 0&2 of table 0 and at 1&3 of table 1.
        partner: sits opposite each agent (seats 2 and 3) in place of the agent itself.
        strict: raise :class:`ForfeitError` where otherwise the hand would be scored against the offender.
        with_rows: whether to make the JSON rows.
        watch: called again and again with how many decisions were just taken.

    Returns:
        GAME [2M], deal by deal, and for each deal the JSON rows of its hands, a line each.
    """
    games = np.zeros(len(deals) * NUM_TABLES, GAME)
    games["deal"] = np.repeat(deals, NUM_TABLES)
    games["table"] = np.tile(np.arange(NUM_TABLES), len(deals))
    games["teams"][0::2] = pairs
    games["teams"][1::2] = np.asarray(pairs)[:, ::-1]
    players = [*agents, *([partner] if partner else [])]
    seats = np.tile(games["teams"], 2).astype(np.int64)  # [2M, 4]
    if partner:
        seats[:, 2:] = len(agents)
    places = _places(pairs, len(agents))
    for number, player in enumerate(players):
        if hasattr(player, "prepare"):
            player.prepare(np.unique(places[seats == number]))
    names = [agent.name for agent in agents]
    play = partial(play_hands, players, strict=strict, watch=watch)
    if protocol.unit == "match":
        return _play_matches(play, protocol, seed, games, seats, places, names, with_rows)
    hands = protocol.deal(seed, games["deal"])
    played = play(hands, seats, _hand_keys(seed, games["deal"], games["table"]), places)
    games["result"] = 0.5 + 0.5 * np.sign(played.scores)
    games["margin"] = played.points[:, 0] - played.points[:, 1]
    games["bidder"], games["made"] = hands["bidder"], played.made
    games["forfeit"] = -1
    _add_costs(games, played, np.arange(len(games)))
    rows = hand_rows(played, games, names, None) if with_rows else []
    return games, ["\n".join(rows[b : b + NUM_TABLES]) + "\n" for b in range(0, len(rows), NUM_TABLES)]


def _play_matches(
    play: Callable[..., Played],
    protocol: Protocol,
    seed: int,
    games: np.ndarray,
    seats: np.ndarray,
    places: np.ndarray,
    names: Sequence[str],
    with_rows: bool,
) -> tuple[np.ndarray, list[str]]:
    """As play_games, hand after hand of every match that is not decided; the shake passes to the left."""
    games["bidder"] = games["made"] = games["forfeit"] = -1
    games["result"] = np.nan
    rows: list[list[str]] = [[] for _ in games]
    live = np.arange(len(games))
    hands = protocol.deal(seed, games["deal"] * MAX_MATCH_HANDS)
    for hand_number in range(MAX_MATCH_HANDS):
        numbers = games["deal"][live] * MAX_MATCH_HANDS + hand_number
        played = play(hands, seats[live], _hand_keys(seed, numbers, games["table"][live]), places[live])
        marks = episodes.count_marks(hands, np.arange(len(hands)), played.scores)
        over = marks.max(1) >= MATCH_MARKS
        games["margin"][live] = marks[:, 0] - marks[:, 1]
        games["result"][live[over]] = games["margin"][live[over]] > 0
        _add_costs(games, played, live)
        if with_rows:
            own = hand_rows(played, games[live], names, np.full(len(live), hand_number))
            for b, row in zip(live, own, strict=True):
                rows[b].append(row)
        on = np.flatnonzero(~over)
        if not len(on):
            break
        keys = mix_all(np.uint64(seed), (numbers[on] + 1).astype(np.uint64))
        episodes.next_hands(hands, on, played.scores[on], keys, protocol.rules.contract_code)
        live, hands = live[on], hands[on]
    blocks = [rows[b] + rows[b + 1] for b in range(0, len(games), NUM_TABLES)] if with_rows else []
    return games, ["\n".join(block) + "\n" for block in blocks]


def _places(pairs: np.ndarray, num_agents: int) -> np.ndarray:
    """A number for each seat of the two tables of each of ``pairs``: int64 [2M, 4]. Whoever plays a deal at one of them
    does so once, and sees one hand of it."""
    first, second = np.repeat(np.asarray(pairs, np.int64), NUM_TABLES, axis=0).T
    table = np.arange(len(first)) % NUM_TABLES
    return (((first * num_agents + second) * NUM_TABLES + table) * NUM_SEATS)[:, None] + np.arange(NUM_SEATS)


def _add_costs(games: np.ndarray, played: Played, rows: np.ndarray) -> None:
    games["time_ms"][rows] += played.time_ms
    games["decisions"][rows] += played.decisions
    for b, forfeit in played.forfeits.items():
        games["forfeit"][rows[b]] = forfeit.seat & 1


def play_hands(
    players: Sequence[Agent],
    hands: np.ndarray,
    seats: np.ndarray,
    keys: np.ndarray,
    places: np.ndarray,
    *,
    strict: bool = False,
    watch: Callable[[int], object] | None = None,
) -> Played:
    """Play ``hands`` out, in place.

    Args:
        players: the agents; ``seats`` numbers them.
        hands: HAND [B].
        seats: int64 [B, 4] who sits where: a team's agent at seat 0 or 1, and opposite it the same or its partner,
            whose time and decisions do not count for the team.
        keys: uint64 [B] the key that the randomness of each hand's agents comes from.
        places: int64 [B, 4] a number for each seat, for agents that remember; see :func:`play_games`.
        strict: raise :class:`ForfeitError` at the first forfeit.
        watch: called again and again with how many decisions were just taken.
    """
    table = Table(hands, keys)
    time_ms = np.zeros((len(hands), 2))
    decisions = np.zeros((len(hands), 2), np.int32)
    forfeits: dict[int, Forfeit] = {}
    while len(live := table.live):
        movers = seats[live, hands["to_move"][live]]
        for player in np.flatnonzero(np.bincount(movers)).tolist():  # np.unique takes eight times as long
            rows, views, view_keys = table.turn(live[movers == player])
            seat_of = views["seat"].astype(np.int64)
            at = places[rows, seat_of] if hasattr(players[player], "act_at") else None
            started = perf_counter()
            actions, failures = ask(players[player], views, view_keys, at)
            elapsed_ms = 1000.0 * (perf_counter() - started)
            teams = seat_of & 1
            own = seats[rows, teams] == player
            time_ms[rows[own], teams[own]] += elapsed_ms / len(rows)
            decisions[rows[own], teams[own]] += 1
            if watch:
                watch(len(rows))
            illegal = np.flatnonzero(~table.try_actions(rows, actions))
            table.drop(rows[illegal])
            for i in illegal.tolist():
                why = failures.get(i) or f"illegal action {_describe(int(actions[i]))}"
                seat = int(seat_of[i])
                if strict:
                    raise ForfeitError(f"{players[player].name} at seat {seat}: {why}")
                by_partner = "" if own[i] else f"its partner {players[player].name}: "
                forfeits[int(rows[i])] = Forfeit(seat, by_partner + why)
    losers = np.full(len(hands), -1)
    for b, forfeit in forfeits.items():
        losers[b] = forfeit.seat & 1
    points, scores = np.empty((len(hands), 2), np.int64), np.empty(len(hands))
    made = np.empty(len(hands), np.int8)
    _judge(hands, losers, points, scores, made)
    return Played(hands, points, scores, made, time_ms, decisions, forfeits)


def ask(
    agent: Agent, views: np.ndarray, keys: np.ndarray, places: np.ndarray | None = None
) -> tuple[np.ndarray, dict[int, str]]:
    """The actions int64 [B] of ``agent`` for ``views`` [B], -1 where it failed, and why it failed.

    ``places`` [B] are for one with ``act_at``; see :func:`play_games`.

    An agent whose call fails is asked again view by view, so that one bad position costs one hand, not the batch.
    An agent that can fail at one view alone returns -1 there, and says why in its ``failures`` (dict by row).
    """
    try:
        given = agent.act(views, keys) if places is None else agent.act_at(views, keys, places)  # type: ignore[attr-defined]
        actions = np.asarray(given)
        if actions.shape != views.shape or actions.dtype.kind not in "iu":
            raise TypeError(
                f"expected an integer action for each of {len(views)} views, got {actions.dtype} {actions.shape}"
            )
        failures: dict[int, str] = dict(getattr(agent, "failures", {}))
        return actions.astype(np.int64), failures
    except Exception as error:
        if len(views) == 1:
            return np.full(1, -1, np.int64), {0: f"{type(error).__name__}: {error}"}
    actions, failures = np.empty(len(views), np.int64), {}
    for b in range(len(views)):
        at = None if places is None else places[b : b + 1]
        action, failure = ask(agent, views[b : b + 1], keys[b : b + 1], at)
        actions[b] = action[0]
        if failure:
            failures[b] = failure[0]
    return actions, failures


def warm_up(agents: Sequence[Agent], protocol: Protocol) -> None:
    """Ask each agent for its first actions, so that compiling and loading do not count as thinking. ValueError if one
    fails at that, as it would at every hand.

    Programs are not asked: what they see of a deal here they could meet again.
    """
    hands = protocol.deal(0, np.zeros(1, np.int64))
    while hands[0]["phase"] != core.OVER and hands[0]["num_plays"] < 2:
        views = tables.views_of(hands, hands["to_move"])
        for agent in agents:
            if not hasattr(agent, "act_at"):
                _, failures = ask(agent, views, np.zeros(1, np.uint64))
                if failures:
                    raise ValueError(f"expected agents that can play, got {agent.name}, which fails: {failures[0]}")
        core.apply(hands[0], min(a for a in range(core.NUM_ACTIONS) if int(core.legal_mask(hands[0])) >> a & 1))


def _describe(action: int) -> str:
    return f"{action} ({action_text(action)})" if is_action(action) else str(action)


def _hand_keys(seed: int, numbers: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """The key uint64 [B] that the agents' randomness in hand number ``numbers[b]`` at ``tables[b]`` comes from.

    A one-way hash, where the deal follows from (seed, number) by functions that can be undone: no agent may find the
    deal in the key that it is handed.
    """
    digests = [
        blake2b(b"%d %d %d" % (seed, number, table), digest_size=8, person=b"zeb42 agents").digest()
        for number, table in zip(numbers.tolist(), tables.tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


@njit(cache=True, nogil=True)
def _judge(hands: np.ndarray, losers: np.ndarray, points: np.ndarray, scores: np.ndarray, made: np.ndarray) -> None:
    """Write what each hand [B] ended with: the points of both teams, what it is worth to seats 0&2, and whether its
    contract was made (1 or 0; -1 none). ``losers`` [B] are the teams that forfeit, -1 for a hand played to its end."""
    for b in range(len(hands)):
        hand, loser = hands[b], losers[b]
        points[b, 0], points[b, 1] = hand.points[0], hand.points[1]
        if loser < 0:
            scores[b] = goals.score(hand)
            made[b] = goals.made(hand)
        else:
            points[b, 1 - loser] += goals.points_left(hand)
            scores[b] = goals.at_stake(hand) * (1 if loser else -1)
            made[b] = hand.bidder & 1 != loser
        if hand.declaration < 0:
            made[b] = -1
