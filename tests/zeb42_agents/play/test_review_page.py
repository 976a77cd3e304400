"""A review as one page that opens from disk."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from test_review import QUICK, blunder

from zeb42_agents.__main__ import main
from zeb42_agents.play.review import review_whole
from zeb42_agents.play.review_page import page, write_page
from zeb42_agents.play.sources import Source

HOSTILE = ("<script>alert(1)</script>", '"onload="x', "Bo", "Di & Ed")


@pytest.fixture(scope="module")
def both():
    hand = blunder()
    return Source(hand=hand, title="<b>table</b>", seats=HOSTILE), review_whole(hand, seats=[0], effort=QUICK)


class Tags(HTMLParser):
    """Every tag with its attributes, and a check that they close in order."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    assert parser.open == []
    return parser.found


def test_the_page_names_the_blunder_and_has_both_verdicts(both):
    text = page([both])
    assert "a blunder" in text
    assert "What you could know" in text
    assert "Hindsight" in text
    assert str(both[0].hand) in text
    cards = [attrs for tag, attrs in tags_of(text) if tag == "article"]
    assert cards[0]["data-ply"] == "0"  # worst first
    assert {int(card["data-ply"]) for card in cards} == {step.ply for step in both[1].decisions}


def test_nothing_comes_from_elsewhere_and_only_the_own_script_may_run(both):
    text = page([both])
    found = tags_of(text)
    assert not [attrs for _, attrs in found if "src" in attrs or "srcset" in attrs]
    assert all(attrs["href"].startswith("#") for tag, attrs in found if "href" in attrs)
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in found}
    assert re.sub(r'"http://www.w3.org/2000/svg"', "", text).count("http") == 1  # http-equiv
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text
    assert not [key for _, attrs in found for key in attrs if key.startswith("on")]


def test_names_are_names(both):
    assert "<script>alert" not in page([both])
    assert "&lt;script&gt;alert" in page([both])
    assert "<b>table" not in page([both])


def test_ids_are_unique_with_many_hands(both):
    ids = [attrs["id"] for _, attrs in tags_of(page([both, both], beside=True)) if attrs.get("id", "z").startswith("h")]
    assert len(ids) == len(set(ids)) == 2 * len(both[1].decisions)


def test_the_command_writes_it(tmp_path, capsys, both):
    path = tmp_path / "review.html"
    words = ("--seat", "0", "--worlds", "20", "--threads", "1", "--worst", "--html", str(path))
    assert main(["review", str(both[0].hand), *words]) == 0
    assert f"written: {path}" in capsys.readouterr().out
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="missing"):
        write_page(tmp_path / "missing" / "review.html", [both])
