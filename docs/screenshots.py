"""Take the pictures of docs/play.md and docs/review.md again, with Debian's chromium: python docs/screenshots.py

Every picture follows from seeds and lines of notation, so that it changes only where the page does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "zeb42_agents" / "play"))
from serving import serving  # a server in a thread, as the tests have it

FOLDER = Path(__file__).parent / "pictures"
AT_ONCE = "if (location.protocol === 'http:') localStorage.setItem('zeb42.pace', 'at_once')"
WAIT_MS = 180_000
REVIEWED = (Path(__file__).parent / "hands" / "ten.txt").read_text(encoding="utf-8").splitlines()[5]  # hand 5
BLUNDERER = 3


def sit(page: Page, address: str, **wanted: object) -> None:
    """A table as asked for, opened in the page, at the person's turn."""
    answer = page.request.post(f"{address}/api/tables", data=wanted)
    assert answer.ok, answer.text()
    page.goto(f"{address}/#table={answer.json()['id']}")
    page.reload()
    page.locator(".calls .call, .own .legal").first.wait_for()


def table(page: Page, address: str, wait: str = ".hidden-dominoes tbody tr") -> None:
    """A hand in its third trick, with what was asked beside it."""
    sit(page, address, seed=42, contract="most_trumps", episode="hand", seats=["you", "Careful", "Zeb", "Careful"])
    for _ in range(2):
        version = page.evaluate("document.querySelector('.table').dataset.version")
        page.locator(".own .legal").first.click()
        page.wait_for_function("(old) => document.querySelector('.table').dataset.version !== old", arg=version)
        page.locator(".own .legal").first.wait_for()
    if wait:
        page.click("#ask")
        page.locator(wait).first.wait_for()
        page.locator("#think-longer").wait_for()


def main() -> None:
    with serving() as address, sync_playwright() as player, tempfile.TemporaryDirectory() as folder:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"])

        def opened(width: int, height: int) -> Page:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
            context.add_init_script(AT_ONCE)
            context.set_default_timeout(WAIT_MS)
            return context.new_page()

        review = Path(folder) / "review.html"
        asked = [REVIEWED, "--seat", str(BLUNDERER), "--html", str(review)]
        subprocess.run([sys.executable, "-m", "zeb42_agents", "review", *asked], check=True, capture_output=True)
        page = opened(1060, 1010)
        page.goto(review.as_uri())
        page.click("[data-hindsight]")
        page.locator(".bar-of-buttons").evaluate("(bar) => scrollTo(0, bar.offsetTop - 8)")
        page.screenshot(path=FOLDER / "review.png")
        page = opened(1280, 1000)
        table(page, address)
        page.screenshot(path=FOLDER / "play-table.png")
        page = opened(390, 860)
        table(page, address, wait="")
        page.evaluate("scrollTo(0, 0)")  # a click brings what it clicks into sight
        page.wait_for_timeout(500)  # and the last domino is laid down slowly
        page.screenshot(path=FOLDER / "play-phone.png")
        page = opened(1280, 900)
        sit(page, address, seed=42, episode="hand")
        page.click("#type-in")
        page.locator("#seven").fill("5-5 5-4 5-1 5-0 6-6 6-5 2-1")
        page.click("#help-bid")
        page.locator("dialog .heat tbody tr").first.wait_for()
        page.locator("dialog .opinion").wait_for()
        page.locator("dialog").screenshot(path=FOLDER / "play-bids.png")
        browser.close()


if __name__ == "__main__":
    main()
