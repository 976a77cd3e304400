"""``zeb42 bench``: the published table's row for this machine."""

from __future__ import annotations

import pytest

from zeb42_agents.fleet import bench


def test_the_published_row() -> None:
    """RTX 4070 Ti: 4.2 games/s at 0.084 per hour are 0.020 per game/s."""
    assert bench.row("large", "bfloat16", 50, 4.2, 0.084) == [
        "large", "bfloat16", "50", "4.2", "0.0200", "5.56", "66.1 h",
    ]  # fmt: skip


def test_a_machine_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--networks laptop --sims 0 2 --lanes 2 --seconds 0 --worlds 1 --threads 1 --price-per-hour 0.08"
    assert bench.main(words.split()) == 0
    said = capsys.readouterr().out
    assert "self-play at 0.08 per hour" in said
    assert said.count("laptop") == 2


@pytest.mark.parametrize("words", [["--lanes", "0"], ["--networks", "nowhere"], ["--price-per-hour", "-1"]])
def test_wrong_words_are_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(words) == 2
    assert capsys.readouterr().out.startswith("error: ")
