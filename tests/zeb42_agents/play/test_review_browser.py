"""The page of a review, opened from disk by a real browser."""

from __future__ import annotations

import shutil

import pytest
from test_review import QUICK, blunder

from zeb42_agents.play.review import review_whole
from zeb42_agents.play.review_page import write_page
from zeb42_agents.play.sources import Source

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "review.html"
    hand = blunder()
    write_page(path, [(Source(hand=hand, title="a hand"), review_whole(hand, effort=QUICK))])
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_opens_from_disk_and_its_buttons_work(browser, file, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    cards = page.locator("article")
    assert "leads 6-1" in cards.first.inner_text()
    assert "a blunder" in cards.first.inner_text()
    assert "Hindsight" not in cards.first.inner_text().title().split("What You Could Know")[1]
    page.get_by_role("button", name="Hindsight").press("Enter")
    assert "gave away" in cards.first.inner_text()
    page.get_by_role("button", name="As played").click()
    plies = [int(card.get_attribute("data-ply")) for card in cards.all()]
    assert plies == sorted(plies)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('.measure')].some(bar => bar.offsetWidth > 20)")
    assert asked == [file.as_uri()]
    assert said == []
    page.close()
