"""How calls are learned: the hands, the networks in torch and in the kernels, calibration, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from zeb42_agents import calls, make_agent, simple_bidder
from zeb42_agents.calls import network as kernels
from zeb42_agents.calls import weights
from zeb42_agents.calls.columns import BID, MOST_ON, bid_row, dealt_to
from zeb42_agents.calls.match import NUM_RESULTS
from zeb42_agents.calls.weights import from_tensors
from zeb42_agents.stored import contents_of, tensors_of
from zeb42_agents.training.calls.collect import NEVER, collect
from zeb42_agents.training.calls.config import CallsConfig
from zeb42_agents.training.calls.fit import call_rows, contract_rows, fit, hands_of, isotonic, odds_of, survival
from zeb42_agents.training.calls.heard import add_listener, auctions, heard_rows
from zeb42_agents.training.calls.run import read_experience
from zeb42_agents.training.cli import main
from zeb42_env import Hand
from zeb42_env._core import record as core
from zeb42_env._core.record import DECLARE, PASS
from zeb42_env._core.tables import legal_masks

CONFIG = CallsConfig(width=16, second_width=8, passes=0.5, hands=1500)


@pytest.fixture(scope="module")
def experience() -> np.ndarray:
    return collect(make_agent("greedy"), simple_bidder.simple_calls, 1500, np.uint64(3))


def test_hands_are_explored_where_they_say(experience: np.ndarray) -> None:
    hands, since = hands_of(experience), experience["since"]
    assert set(since.tolist()) == {0, 1, 2, 3, NEVER}
    strayed = np.zeros(NEVER + 1)
    for full, first in zip(hands, since, strict=True):
        hand = Hand(full.copy())
        core.rewind(record := full.copy(), 0)
        hand = Hand(record)
        for place in range(4):
            view = hand.view(hand.to_move)
            usual = int(simple_bidder.simple_calls(np.array([view]))[0])
            if place != first:  # all calls but the explored one are the bidder's
                assert usual == full["calls"][place] or (place == 0 and first == 0)
            strayed[first] += place == first and usual != full["calls"][place]
            hand.apply(int(full["calls"][place]))
    assert strayed[1:4].all()
    assert strayed[0] > 0  # a first call may be explored, too
    again = collect(make_agent("greedy"), simple_bidder.simple_calls, 1500, np.uint64(3))
    assert again.tobytes() == experience.tobytes()


def test_the_kernels_answer_as_torch_does(experience: np.ndarray) -> None:
    fitted = fit(experience, CONFIG, 1)
    hands = hands_of(experience)[experience["hand"]["declaration"] >= 0][:60]
    prices = _torch_of(fitted.tensors, "prices")
    promised = survival(prices, hands)
    for hand, expected in zip(hands, promised, strict=True):
        seat, points = int(hand["bidder"]), np.empty(kernels.NUM_POINTS, np.float32)
        units = kernels.contract_units(fitted.network, hand, seat, dealt_to(hand, seat), int(hand["declaration"]))
        kernels.write_prices(fitted.network, units, int(hand["bid"]), points)
        np.testing.assert_allclose([kernels.at_least(points, 30 + row) for row in range(13)], expected, atol=1e-4)
    first = experience[experience["since"] == 0][:40]
    rows = call_rows(fitted.network, first)
    ends = _torch_of(fitted.tensors, "ends")
    with torch.inference_mode():
        logits = ends(torch.from_numpy(rows.on), torch.from_numpy(rows.begins.astype(np.int32)))
        chances = torch.softmax(logits.masked_fill(~torch.from_numpy(rows.possible), -1e9), 1).numpy()
    for b, full in enumerate(hands_of(first)):
        core.rewind(record := full.copy(), 0)
        hand = Hand(record)
        for place in range(4):
            view, call = hand.view(hand.to_move), int(full["calls"][place])
            best, _ = kernels.best_prices(
                fitted.network,
                view,
                int(view["seat"]),
                view["held"][view["seat"]],
                kernels.lowest_bid(int(view["bid"])),
            )
            found = np.zeros((core.NUM_ACTIONS, kernels.NUM_ENDS), np.float32)
            kernels.write_ends(fitted.network, view, best, found)
            np.testing.assert_allclose(found[call], chances[4 * b + 3 - place], atol=1e-4)
            hand.apply(call)


def _torch_of(tensors: dict[str, np.ndarray], name: str) -> torch.nn.Module:
    from zeb42_agents.training.calls.fit import LayersModel

    first, second, third = (tensors[f"{name}.{layer}"] for layer in ("first", "second", "third"))
    model = LayersModel(len(first), third.shape[1], *second.shape)
    state = {
        "first.weight": first, "first_bias": tensors[f"{name}.first_bias"], "second.weight": second.T,
        "second.bias": tensors[f"{name}.second_bias"], "third.weight": third.T,
        "third.bias": tensors[f"{name}.third_bias"],
    }  # fmt: skip
    model.load_state_dict({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()})
    return model.eval()


def test_prices_learn_what_contracts_bring(experience: np.ndarray) -> None:
    few = fit(experience, CONFIG, 1)
    # 300 passes are some 200 updates of the prices, and the learning rate warms up over the first 100.
    more = fit(experience, CallsConfig(width=16, second_width=8, passes=300, hands=1500), 1)
    assert more.brier[30] < few.brier[30] - 0.005
    with_contract = hands_of(experience)[experience["hand"]["declaration"] >= 0]
    rows = contract_rows(with_contract)
    assert rows.wanted.max() <= 42
    bids = {int(c) - BID for c in rows.on if c >= BID}
    assert bids == {int(bid_row(b)) for b in with_contract["bid"]}
    assert np.diff(rows.begins).max() < MOST_ON


def test_a_listener_knows_what_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes close to the calls of somebody else's auctions, and the rest of the calls is left as it was."""
    config = CallsConfig(width=32, second_width=16, heard_hands=3000)
    monkeypatch.setattr("zeb42_agents.training.calls.heard.PASSES", 90.0)
    place = weights.locate("quick") / "model.safetensors"
    known = tensors_of(contents_of(place), place)
    unheard = {name: tensor for name, tensor in known.items() if not name.startswith("heard.")}
    weights.save(tmp_path, unheard, {"round": 7})
    caller = calls.load(tmp_path)
    assert not len(caller.heard.first)
    add_listener(tmp_path, config)
    heard = calls.load(tmp_path)
    assert json.loads((tmp_path / "state.json").read_text()) == {"round": 7}
    views, called = auctions(caller, 150, seed=77)
    assert np.array_equal(called, calls.learned_calls(heard, views))
    found = np.zeros(len(views))
    for b, view in enumerate(views):
        seat = int(view["to_move"])
        chances = [kernels.heard_chance(heard.heard, view, seat, view["held"][seat], c) for c in range(PASS, DECLARE)]
        assert sum(chances) == pytest.approx(1, abs=1e-5)
        found[b] = chances[called[b] - PASS]
    legal = legal_masks(views)[:, PASS:DECLARE]
    often = legal * (np.bincount(called - PASS, minlength=legal.shape[1]) / np.maximum(1, legal.sum(0)))
    deaf = often[np.arange(len(views)), called - PASS] / often.sum(1)  # who knows how often each call is made
    assert -np.log(found).mean() < -np.log(deaf).mean() - 0.1
    # The same in torch.
    place, rows = tmp_path / "model.safetensors", heard_rows(views, called)
    tensors = tensors_of(contents_of(place), place)
    logits = _torch_of(tensors, "heard")(torch.from_numpy(rows.on), torch.from_numpy(rows.begins.astype(np.int32)))
    shares = torch.softmax(logits.masked_fill(~torch.from_numpy(rows.possible), -1e9), 1).detach().numpy()
    np.testing.assert_allclose(shares[np.arange(len(views)), rows.wanted], found, atol=1e-4)


@pytest.mark.parametrize("name", weights.bundled_names())
def test_the_listeners_that_come_with_the_package_know_their_calls(name: str) -> None:
    network = calls.load(name)
    views, called = auctions(network, 400, seed=99)
    found = [
        kernels.heard_chance(network.heard, view, int(view["to_move"]), view["held"][view["to_move"]], int(call))
        for view, call in zip(views, called, strict=True)
    ]
    assert -np.log(found).mean() < 0.4


def test_isotonic_regression_mends_what_is_promised_wrongly() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(20_000)
    made = rng.random(20_000) < truth
    promised = truth**3  # too little everywhere, in the right order
    steps, shares = isotonic(promised, made)
    assert (np.diff(steps) > 0).all()
    assert (np.diff(shares) >= 0).all()
    assert np.abs(np.interp(promised, steps, shares) - truth).mean() < 0.02
    steps, shares = isotonic(np.full(50, 0.5), np.zeros(50, bool))  # one promise, never kept
    assert np.interp(0.5, steps, shares) == pytest.approx(0, abs=1e-6)
    assert isotonic(np.empty(0), np.empty(0, bool))[0].shape == steps.shape


def test_odds_are_those_of_hands_without_exploration(experience: np.ndarray) -> None:
    odds = odds_of(experience)
    assert odds.sum() == pytest.approx(1)
    plain = experience["hand"][experience["since"] == 0]
    thrown_in = (plain["bidder"] < 0).mean()
    assert odds[NUM_RESULTS // 2] == pytest.approx(thrown_in)
    two = [(h["bid"] >= 84) for h in plain]
    assert odds[[0, 1, 2, 3, 7, 8, 9, 10]].sum() == pytest.approx(np.mean(two))
    from_tensors(fit(experience, CONFIG, 2).tensors)


def test_the_command_learns_stops_short_of_nothing_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "run"
    small = ["--preset", "calls", "--player", "greedy", "--hands", "1200", "--rating-deals", "3", "--passes", "0.5"]
    small += ["--heard-hands", "120"]
    assert main([*small, "--width", "16", "--rounds", "1", "--out", str(folder)]) == 0
    assert main(["--resume", str(folder), "--rounds", "2", "--heard-hands", "130"]) == 0
    said = capsys.readouterr().out
    assert "round 0, the best: brier_30" in said.replace("\n", " ")
    assert f"zeb42 arena zeb:laptop,calls={folder}" in said
    rows = json.loads((folder / "progress.json").read_text())["rows"]
    assert [row["round"] for row in rows] == [0, 1]
    assert (folder / "rounds.csv").read_text().count("\n") == 3
    network = calls.load(folder)
    assert len(network.heard.first)
    view = Hand.deal(1).view(int(Hand.deal(1).to_move))
    assert calls.learned_calls(network, np.array([view])).shape == (1,)
    assert main(["--resume", str(folder), "--hands", "5000"]) == 2
    assert (
        "expected no --hands beside --resume: that is the run's own; allowed: --rounds, --threads, --heard-hands"
        in capsys.readouterr().out
    )
    assert main([*small, "--out", str(folder)]) == 2
    assert main(["--preset", "calls", "--hands", "5"]) == 2
    assert "expected hands in 1000" in capsys.readouterr().out
    (folder / "hands" / "1.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match="expected an array in"):
        read_experience(folder / "hands" / "1.npy")
