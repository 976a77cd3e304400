"""Playing: mirrored deals, batch independence, forfeits, matches, and what an agent gets to see."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from zeb42_agents import make_agent
from zeb42_agents.agent import Randomness
from zeb42_agents.arena import PROTOCOLS, ForfeitError, get_protocol, play_pairing, rate
from zeb42_agents.arena.games import GAME, mirrored, notations, read_games
from zeb42_agents.arena.play import play_games
from zeb42_agents.baselines import RandomAgent
from zeb42_env import Hand, Rules
from zeb42_env._core.bits import GOLDEN_GAMMA, mix

TIMELESS = [name for name in GAME.names if name != "time_ms"]
NAMES = ["random", "greedy"]


def agents() -> list:
    return [make_agent(name) for name in NAMES]


def play(protocol: str, deals: np.ndarray, seed: int = 7, players: list | None = None, **options):
    pairs = np.tile([[0, 1]], (len(deals), 1))
    return play_games(players or agents(), get_protocol(protocol), seed, deals, pairs, **options)


class Wrong:
    """Greedy, but at its first lead of some hands it misbehaves as told."""

    def __init__(self, how: str, when=lambda view: int(view["plays"][0]) < 0) -> None:
        self.name, self.how, self.when, self.greedy = "wrong", how, when, make_agent("greedy")

    def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
        actions = self.greedy.act(views, rng)
        bad = [b for b, view in enumerate(views) if self.when(view)]
        if bad and self.how == "crash":
            raise RuntimeError("out of cheese")
        if bad and self.how == "shape":
            return actions[:0]
        for b in bad:
            actions[b] = {"illegal": 55, "huge": 10**9, "negative": -7}[self.how]
        return actions


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_rows_hold_whole_hands_and_read_back(name: str) -> None:
    protocol = get_protocol(name)
    games, blocks = play(name, np.arange(12))
    rows = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert len(blocks) == 12
    for row in rows:
        hand = Hand.parse(row["hand"])
        assert str(hand) == row["hand"]
        assert hand.is_over
        assert list(hand.points) == row["points"]
        assert hand.score == row["score"]
        assert hand.bidder == row["bidder"]
        assert hand.made == bool(row["made"])
        if protocol.unit == "hand":
            assert (
                hand.record["owner"].tolist()
                == Hand.deal(7, protocol.rules, number=row["deal"]).record["owner"].tolist()
            )
            assert row["result"] == {1: 1, 0: 0.5, -1: 0}[int(np.sign(hand.score))]
    lines = [line for block in blocks for line in block.splitlines(keepends=True)]
    again, broken = read_games(lines, {"random": 0, "greedy": 1}, unit=protocol.unit)
    assert broken == 0
    for field in GAME.names:
        assert np.allclose(again[field], games[field], rtol=1e-3), field


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_tables_of_a_deal_differ_in_the_teams_alone(name: str) -> None:
    games, blocks = play(name, np.arange(20))
    deals = mirrored(games)
    assert deals.shape == (20, 2)
    assert (deals["teams"][:, 0] == [0, 1]).all()
    assert (deals["teams"][:, 1] == [1, 0]).all()
    for block in blocks:
        rows = [json.loads(line) for line in block.splitlines()]
        tables = [[Hand.parse(r["hand"]) for r in rows if r["table"] == table] for table in (0, 1)]
        for first, second in zip(*tables, strict=False):
            assert first.shaker == second.shaker
            assert first.record["owner"].tolist() == second.record["owner"].tolist()
            if get_protocol(name).rules.contract != "auction":
                contracts = [(hand.bidder, hand.bid, hand.declaration) for hand in (first, second)]
                assert contracts[0] == contracts[1]


@pytest.mark.parametrize("name", ["majority", "hand", "match"])
def test_a_game_does_not_depend_on_what_is_played_with_it(name: str) -> None:
    whole, blocks = play(name, np.arange(10))
    some, some_blocks = play(name, np.array([7, 3]))
    for i, deal in enumerate((7, 3)):
        for field in TIMELESS:
            assert (some[field][2 * i : 2 * i + 2] == whole[field][2 * deal : 2 * deal + 2]).all()
        without_time = [
            [{k: v for k, v in json.loads(line).items() if k != "ms"} for line in block.splitlines()]
            for block in (some_blocks[i], blocks[deal])
        ]
        assert without_time[0] == without_time[1]


def test_a_match_goes_to_seven_marks_with_the_shake_passing_left() -> None:
    games, blocks = play("match", np.arange(6))
    for block in blocks:
        rows = [json.loads(line) for line in block.splitlines()]
        for table in (0, 1):
            mine = [row for row in rows if row["table"] == table]
            hands = [Hand.parse(row["hand"]) for row in mine]
            assert [row["hand_number"] for row in mine] == list(range(len(mine)))
            assert [hand.shaker for hand in hands] == [(hands[0].shaker + k) % 4 for k in range(len(hands))]
            marks = [0, 0]
            for row, hand in zip(mine, hands, strict=True):
                assert list(hand.marks) == marks
                assert row["result"] is None or row is mine[-1]
                marks[0 if row["score"] > 0 else 1] += abs(int(row["score"]))
            assert max(marks) >= 7 > min(marks)
            assert mine[-1]["result"] == (marks[0] > marks[1])
            assert mine[-1]["margin"] == marks[0] - marks[1]
    assert set(games["result"]) <= {0.0, 1.0}


@pytest.mark.parametrize("how", ["illegal", "huge", "negative", "crash", "shape"])
def test_a_bad_action_loses_the_hand_and_the_run_goes_on(how: str) -> None:
    games, blocks = play("majority", np.arange(30), players=[Wrong(how), make_agent("greedy")])
    wrong_team = (games["teams"] == 0).argmax(1)
    leads = games["bidder"] % 2 == wrong_team  # the wrong agent has the first lead
    assert leads.sum() == 30
    assert (games["forfeit"] == np.where(leads, wrong_team, -1)).all()
    assert (np.where(wrong_team == 0, games["result"], 1 - games["result"])[leads] == 0).all()
    assert (np.abs(games["margin"])[leads] == 42).all()
    rows = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert sum("forfeit" in row for row in rows) == 30
    why = next(row["forfeit"]["why"] for row in rows if "forfeit" in row)
    assert {"crash": "cheese", "shape": "integer action", "illegal": "no-trump"}.get(how, "illegal action") in why


def test_a_crash_costs_only_the_hands_that_crash() -> None:
    """The other hands of the batch are asked again alone, and end as if nothing had happened."""
    good, _ = play("majority", np.arange(30), players=[make_agent("greedy"), make_agent("greedy")])
    crashing = Wrong("crash", when=lambda view: int(view["num_plays"]) == 0 and int(view["declaration"]) == 3)
    games, _ = play("majority", np.arange(30), players=[crashing, make_agent("greedy")])
    untouched = games["forfeit"] < 0
    assert 0 < (~untouched).sum() < 15
    assert (games["result"][untouched] == good["result"][untouched]).all()


def test_forfeits_are_scored_by_what_is_at_stake() -> None:
    always = Wrong("illegal", when=lambda view: True)
    for name in ("contract", "hand"):
        games, blocks = play(name, np.arange(10), players=[always, make_agent("greedy")])
        rows = [json.loads(line) for block in blocks for line in block.splitlines()]
        for game, row in zip(games, rows, strict=True):
            wrong_team = int(game["teams"][1] == 0)
            if game["forfeit"] >= 0:
                stake = max(1, (Hand.parse(row["hand"]).bid or 0) // 42) if name == "hand" else 1
                assert row["score"] == (-stake if wrong_team == 0 else stake)
                assert game["made"] in (-1, int(game["bidder"] % 2 != wrong_team))
    games, _ = play("match", np.arange(3), players=[always, make_agent("greedy")])
    assert (np.where(games["teams"][:, 0] == 0, games["result"], 1 - games["result"]) == 0).all()
    assert (np.abs(games["margin"]) >= 7).all()


def test_strict_stops_at_the_first_bad_action() -> None:
    with pytest.raises(ForfeitError, match=r"wrong at seat \d: illegal action 55"):
        play("majority", np.arange(5), players=[Wrong("illegal"), make_agent("greedy")], strict=True)
    with pytest.raises(ForfeitError, match="cheese"):
        play_pairing(Wrong("crash"), make_agent("greedy"), num_deals=3)


def test_agents_are_handed_views_of_their_own_seat() -> None:
    seen: list[np.ndarray] = []

    class Spy:
        name = "spy"

        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            seen.append(views.copy())
            return make_agent("random").act(views, rng)

    play("hand", np.arange(10), players=[Spy(), make_agent("greedy")])
    views = np.concatenate(seen)
    assert (views["seat"] == views["to_move"]).all()
    for view in views:
        played = {int(domino) for domino in view["plays"] if domino >= 0}
        known = {domino for domino in range(28) if view["owner"][domino] >= 0}
        assert known == played | {domino for domino in range(28) if view["owner"][domino] == view["seat"]}
        assert sum(1 for held in view["held"] if held) <= 1


def test_partners_sit_opposite_every_agent() -> None:
    seats: list[tuple[int, int]] = []

    class Partner:
        name = "partner"

        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            seats.extend((int(view["seat"]), int(view["num_plays"])) for view in views)
            return make_agent("greedy").act(views, rng)

    play("majority", np.arange(5), partner=Partner())
    assert {seat for seat, _ in seats} == {2, 3}
    assert len(seats) == 5 * 2 * 14


def test_what_a_partner_takes_and_breaks_is_not_the_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = 0.0
    monkeypatch.setattr("zeb42_agents.arena.play.perf_counter", lambda: clock_s)

    class Slow:
        name = "slow"

        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            nonlocal clock_s
            clock_s += 1.0
            return make_agent("greedy").act(views, rng)

    games, _ = play("majority", np.arange(2), partner=Slow())
    assert (games["decisions"] == 7).all()
    assert (games["time_ms"] == 0.0).all()
    games, blocks = play("majority", np.arange(10), partner=Wrong("illegal", when=lambda view: view["num_plays"] == 0))
    rows = [json.loads(line) for block in blocks for line in block.splitlines()]
    whys = [row["forfeit"]["why"] for row in rows if row["bidder"] in (2, 3)]
    assert whys
    assert all(why.startswith("its partner wrong: illegal action 55") for why in whys)
    assert ((games["forfeit"] >= 0) == (games["bidder"] >= 2)).all()


def test_an_agent_against_itself_is_level() -> None:
    greedy = make_agent("greedy")
    result = play_pairing(greedy, greedy, num_deals=50)
    assert result.win_rate == 0.5
    assert result.interval[0] < 0.5 < result.interval[1]
    assert result.margin == 0.0
    assert abs(result.elo) < 1e-9


def test_play_pairing_says_who_is_stronger() -> None:
    result = play_pairing(make_agent("greedy"), make_agent("random"), num_deals=400, seed=1)
    assert result.hands == 800
    assert result.interval[0] > 0.6
    assert result.wins == pytest.approx(800 * result.win_rate)
    assert result.elo_interval[0] < result.elo < result.elo_interval[1]
    assert result.superiority > 0.999
    assert result.margin > 8
    assert result.forfeits == (0, 0)
    assert min(result.ms_per_decision) > 0
    reverse = play_pairing(make_agent("random"), make_agent("greedy"), num_deals=20, seed=1)
    forward = play_pairing(make_agent("greedy"), make_agent("random"), num_deals=20, seed=1)
    assert reverse.num_deals == forward.num_deals == 20


def test_contract_protocols_count_discordant_pairs() -> None:
    result = play_pairing(make_agent("greedy"), make_agent("random"), protocol="dropped30", num_deals=300)
    made_by = {}
    for deal in result.games:
        for game in deal:
            made_by.setdefault(int(game["deal"]), {})[int(game["teams"][game["bidder"] % 2])] = int(game["made"])
    only_greedy = sum(made[0] > made[1] for made in made_by.values())
    only_random = sum(made[0] < made[1] for made in made_by.values())
    assert (result.pair.only_first_made, result.pair.only_second_made) == (only_greedy, only_random)
    assert result.pair.mcnemar_z == pytest.approx((only_greedy - only_random) / np.sqrt(only_greedy + only_random))
    assert result.pair.mcnemar_z > 4


def test_a_pairing_takes_specs_too() -> None:
    by_spec = play_pairing("greedy", "random", partner="greedy", num_deals=20)
    built = play_pairing(make_agent("greedy"), make_agent("random"), partner=make_agent("greedy"), num_deals=20)
    assert by_spec.games["margin"].tolist() == built.games["margin"].tolist()


def test_a_result_is_a_line_a_table_and_json() -> None:
    result = play_pairing("greedy", "random", num_deals=100)
    assert re.fullmatch(
        r"greedy \d\d\.\d% \(\d\d\.\d to \d\d\.\d\) against random, \+\d+ \(\+\d+ to \+\d+\) Elo per hand, "
        r"100 mirrored deals of majority",
        repr(result),
    )
    assert result._repr_html_().count("<tr>") == 7
    written = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert written["names"] == ["greedy", "random"]
    assert written["interval"] == list(result.interval)
    alone = play_pairing("greedy", "random", num_deals=1)
    assert json.loads(json.dumps(alone.to_json(), allow_nan=False))["elo_interval"] == [None, None]
    assert len(repr(alone)) < 200


def test_objects_without_a_name_and_specs_play_and_are_rated() -> None:
    class MyPolicy:
        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            return make_agent("greedy").act(views, rng)

    assert repr(play_pairing(MyPolicy(), "random", num_deals=2)).startswith("MyPolicy ")
    assert sorted(rate([MyPolicy(), "random"], num_deals=2).ratings.names) == ["MyPolicy", "random"]
    with pytest.raises(ValueError, match="expected an agent, got 5"):
        rate([5, "random"], num_deals=2)


@pytest.mark.parametrize("numbers", [{"seed": -1}, {"seed": 2**64}, {"seed": 1.5}, {"num_deals": 1.5}])
def test_numbers_out_of_range_are_refused(numbers: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        play_pairing("greedy", "random", **{"num_deals": 2, **numbers})
    with pytest.raises(ValueError, match="expected"):
        rate(["greedy", "random"], **{"num_deals": 2, **numbers})
    with pytest.raises(ValueError, match=r"expected deals in 0\.\."):
        play_pairing("greedy", "random", num_deals=1, first_deal=-1)


def test_notations_of_any_rules_are_those_of_the_hands() -> None:
    rules = Rules(all_pass="reshake", declarations=(0, 3, 9), scoring="points")
    hands = np.array([Hand.deal(3, rules, number=number).record for number in range(3)])
    assert notations(hands) == [str(Hand(hand)) for hand in hands]


BROKEN_ROWS = {
    "null forfeit": {"forfeit": None},
    "too many points": {"points": [int("9" * 400), 0]},
    "negative points": {"points": [-1, 0]},
    "endless time": {"ms": [int("9" * 400), 0]},
    "infinite time": {"ms": [float("inf"), 0]},
    "no number": {"ms": [float("nan"), 0]},
    "too many decisions": {"decisions": [2**31, 0]},
    "a deal too far": {"deal": 2**63},
}


@pytest.mark.parametrize("change", BROKEN_ROWS.values(), ids=BROKEN_ROWS)
def test_rows_that_nobody_played_are_counted_and_passed_over(change: dict) -> None:
    _, blocks = play("majority", np.arange(1))
    rows = [json.loads(line) for line in blocks[0].splitlines()]
    lines = [json.dumps(rows[0]), json.dumps(rows[1] | change)]
    games, broken = read_games(lines, {"random": 0, "greedy": 1}, unit="hand")
    assert (len(games), broken) == (1, 1)


def test_nested_lines_and_impossible_hands_of_a_match_are_passed_over() -> None:
    _, blocks = play("match", np.arange(1))
    row = json.loads(blocks[0].splitlines()[0])
    lines = ["[" * 100_000, *(json.dumps(row | change) for change in ({"hand_number": 10**30}, {"margin": 1e300}))]
    games, broken = read_games(lines, {"random": 0, "greedy": 1}, unit="match")
    assert (len(games), broken) == (0, 3)


def test_bad_input_is_refused() -> None:
    greedy = make_agent("greedy")
    with pytest.raises(ValueError, match="num_deals of at least 1"):
        play_pairing(greedy, greedy, num_deals=0)
    with pytest.raises(ValueError, match=r"expected a protocol, got 'bridge'; allowed: majority, contract"):
        play_pairing(greedy, greedy, protocol="bridge", num_deals=1)
    with pytest.raises(ValueError, match="expected an agent, got 'gredy'"):
        play_pairing(greedy, "gredy", num_deals=1)


def test_keys_do_not_lead_to_the_deal_or_to_each_other() -> None:
    def undone(mixed: int, number: int) -> int:
        """The key that ``mix(key, number)`` was made from: every step of it can be undone."""
        z = mixed
        for _ in range(2):
            z ^= (z >> 31) ^ (z >> 62)
            z = z * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
            z ^= (z >> 27) ^ (z >> 54)
            z = z * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
            z ^= (z >> 30) ^ (z >> 60)
        return (z - (number + 1) * int(GOLDEN_GAMMA)) % 2**64

    keys_seen: list[tuple[int, int]] = []

    class Spy(RandomAgent):
        def act(self, views: np.ndarray, rng: Randomness) -> np.ndarray:
            keys_seen.extend(zip(views["num_plays"].tolist(), rng.tolist(), strict=True))  # type: ignore[union-attr]
            return super().act(views, rng)

    protocol = get_protocol("majority")
    play_games([Spy(), RandomAgent()], protocol, 5, np.arange(1), np.array([[0, 1]]))
    hand_key = int(mix(np.uint64(5), np.uint64(0)))
    assert undone(hand_key, 0) == 5  # the deal's own key is no secret to who can count to 5
    assert len({key for _, key in keys_seen}) == len(keys_seen) == 28
    undone_keys = {undone(undone(key, num_plays), table) for num_plays, key in keys_seen for table in (0, 1)}
    assert hand_key not in undone_keys
    assert len({undone(key, num_plays) for num_plays, key in keys_seen}) == len(keys_seen)  # no common hand key
