"""The table at the keyboard, with all that can be said there."""

from __future__ import annotations

import pytest

from zeb42_agents.play.cli import main
from zeb42_agents.play.terminal import sit_down
from zeb42_env import Hand

SEATS = ("you", "Steady", "Steady", "Steady")


def typed(*words: str):
    """Answers in turn, and then whatever is allowed first."""
    left = list(words)

    def answer(_: str) -> str:
        return left.pop(0) if left else "quit"

    return answer


def test_helps_in_the_auction_and_the_play(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("help", "?", "nello", "hint", "bids", "holds", "undo", "84", "follow me", "hint", "bids", "undo", "quit")
    assert sit_down(SEATS, game="hand", seed=3, ask=typed(*words)) == 0
    said = capsys.readouterr().out
    for expected in (
        "double five", "allowed: pass", "expected a bid such as 31", "over 100 guessed deals", "marks",
        "chance to make it", "partner ", "nothing of yours to take back", "the bidding is over", "--seed 3",
    ):  # fmt: skip
        assert expected in said, expected


def test_a_hand_ends_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert sit_down(("Steady",) * 4, game="random", seed=5) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("the hand: "))
    assert Hand.parse(line.removeprefix("the hand: ")).is_over


def test_a_match_is_watched_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--terminal", "--seats", "Steady", "Random", "Steady", "Random", "--seed", "1"]) == 0
    assert "Next hand; marks" in capsys.readouterr().out


def test_anybody_who_plays_in_the_arena_can_sit_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert sit_down(("eq:n=1", "Steady", "eq:n=2", "greedy"), game="random", seed=5) == 0
    assert "seat 0 eq:n=1, seat 1 Steady, seat 2 eq:n=2, seat 3 Steady" in capsys.readouterr().out
    assert main(["--terminal", "--seats", "you", "zeb:nowhere", "you", "you"]) == 2
    assert "expected weights, got 'nowhere'" in capsys.readouterr().err


def test_who_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--terminal", "--seats", "you", "Einstein", "you", "you"]) == 2
    assert "allowed: you, Random, Gentle, Steady" in capsys.readouterr().err
