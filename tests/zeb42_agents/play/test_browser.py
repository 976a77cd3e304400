"""Real headless Chromium at a real server: hands by clicks and by keyboard, helps, review, widths, accessibility."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright
from serving import quick_house, serving

from zeb42_agents.play.sources import Shelf, Source
from zeb42_env import Hand

AXE = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
VIOLATIONS = "(found) => found.violations.map((one) => [one.id, one.nodes.map((node) => node.html)])"
AT_ONCE = "if (location.protocol === 'http:') localStorage.setItem('zeb42.pace', 'at_once')"
REFUSALS = r"status of 4(09|22)|ERR_FAILED"  # what tests bring about themselves: Chromium reports them, too
WAIT_MS = 90_000  # for a machine that is busy with other things
BLUNDER = (  # seat 0 holds all the high trumps and leads a low one
    "zeb42/1 deal=66.64.63.62.61.55.44|65.54.53.52.43.42.41|33.32.31.30.22.21.20|60.51.50.40.11.10.00 "
    "shaker=0 contract=0:42:sixes plays=61.65.20.60,54 scoring=contract"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, serving(quick_house()) as url:
        patch.setattr("zeb42_agents.play.advice.EFFORTS", (4, 8))
        patch.setattr("zeb42_agents.play.advice.BID_EFFORTS", (4,))
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is missing; .ci/run installs it with apt-get"
    with sync_playwright() as player:
        found = player.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-background-networking"]
        )
        yield found
        found.close()


class Seen:
    """All that a page asked for and was answered, and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.urls: list[str] = []
        self.responses: list[Response] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.urls.append(request.url))
        context.on("response", lambda response: self.responses.append(response))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on(
            "console", lambda said: self.errors.append(f"{said.text} {said.location}") if said.type == "error" else None
        )

    def answers(self) -> list[str]:
        """The bodies of all answers of the server but of streams of events."""
        found = [one for one in self.responses if "/api/" in one.url and not one.url.endswith("/events")]
        return [one.text() for one in found if one.ok]


class Sitting:
    """A page at the table."""

    def __init__(self, page: Page, address: str, seen: Seen) -> None:
        self.page, self.address, self.seen = page, address, seen

    def sit(self, **wanted: Any) -> str:
        """A table as asked for, opened in the page; its key."""
        body = {"seats": ["you", "Steady", "Steady", "Steady"], "episode": "hand", **wanted}
        answer = self.page.request.post(f"{self.address}/api/tables", data=json.dumps(body), headers=JSON)
        assert answer.ok, answer.text()
        key = str(answer.json()["id"])
        self.page.goto(f"{self.address}/#table={key}")
        self.page.reload()
        expect(self.page.locator(".rail")).to_be_visible()
        return key

    def ready(self) -> str:
        """Wait until there is something to do: ``call``, ``play`` or ``over``."""
        something = self.page.locator(".calls .call:not(:disabled), .own .legal, .result .primary").first
        expect(something).to_be_visible()
        classes = something.get_attribute("class") or ""
        return "over" if "primary" in classes else "play" if "legal" in classes else "call"

    def version(self) -> str:
        return self.page.evaluate("document.querySelector('.table').dataset.version")

    def play_out(self) -> None:
        """Click whatever is allowed first until the hand is over."""
        while (what := self.ready()) != "over":
            before = self.version()
            self.page.locator({"call": ".calls .call", "play": ".own .legal"}[what]).first.click()
            self.moved_on(before)

    def moved_on(self, before: str) -> None:
        """Wait for a state after ``before``."""
        self.page.wait_for_function("(old) => document.querySelector('.table').dataset.version !== old", arg=before)


JSON = {"content-type": "application/json"}


@pytest.fixture
def sitting(browser: Browser, address: str) -> Iterator[Sitting]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(AT_ONCE)
        seen = Seen(context)
        yield Sitting(context.new_page(), address, seen)
        assert [url for url in seen.urls if not url.startswith((address, "data:", "blob:"))] == []
        assert [error for error in seen.errors if not re.search(REFUSALS, error)] == []


expect.set_options(timeout=WAIT_MS)


def says(sitting: Sitting) -> str:
    return sitting.page.locator(".says").inner_text()


def test_the_first_visit_deals_a_match_and_a_hand_is_played_by_clicks(sitting: Sitting) -> None:
    sitting.page.goto(sitting.address)
    sitting.play_out()
    assert re.search(r"(made|set)\.$", says(sitting))
    assert "seed" in sitting.page.locator(".result").inner_text()
    states = [json.loads(text) for text in sitting.seen.answers() if '"not_now"' in text]
    assert len(states) > 5
    for state in states:
        if state["over"] is None:
            assert [seat["dominoes"] is None for seat in state["seats"]] == [False, True, True, True]
            assert "|?|?|?" in state["view"]


def test_whose_belief_is_shown_is_named(sitting: Sitting) -> None:
    sitting.sit(seed=42, contract="most_trumps")
    sitting.ready()
    domino = {"domino": "6-6", "rules": [0.4, 0.3, 0.3], "belief": [0.2, 0.5, 0.3]}
    hidden = {"kind": "hidden", "who": "Zeb", "places": ["left", "partner", "right"], "dominoes": [domino]}
    sitting.page.route("**/ask", lambda route: route.fulfill(body=json.dumps(hidden) + "\n"))
    sitting.page.click("#ask")
    expect(sitting.page.locator(".hidden-dominoes")).to_contain_text("as Zeb believes (gold)")


def test_who_must_bid_is_told_why(sitting: Sitting) -> None:
    sitting.sit(seed=42, episode="match")
    sitting.ready()
    assert sitting.page.locator(".call.pass").count() == 0
    expect(sitting.page.locator(".calls-title")).to_have_text("Your bid: all passed, so you must")


def test_a_hand_by_keyboard(sitting: Sitting) -> None:
    sitting.sit(seed=21)
    keys = sitting.page.keyboard
    while (what := sitting.ready()) != "over":
        before = sitting.version()
        sitting.page.wait_for_function("() => document.activeElement.matches('.call, .tile-button')")
        if what == "play":
            for _ in range(8):
                if "legal" in sitting.page.evaluate("document.activeElement.className"):
                    break
                keys.press("ArrowRight")
        keys.press("Enter")
        sitting.page.wait_for_function("(old) => document.querySelector('.table').dataset.version !== old", arg=before)
    keys.press("u")
    expect(sitting.page.locator(".result")).to_have_count(0)
    assert sitting.ready() == "play"


def test_words_of_players_are_typed(sitting: Sitting) -> None:
    sitting.sit(hand=str(Hand.deal(seed=3, shaker=3)))
    sitting.ready()
    field = sitting.page.locator("#say")
    field.fill("nello")
    field.press("Enter")
    expect(sitting.page.locator(".trouble")).to_contain_text("expected a bid such as 31, 42, 84")
    field.fill("84")
    field.press("Enter")
    expect(sitting.page.locator(".contract")).to_contain_text("2 marks")
    expect(sitting.page.locator(".calls-title")).to_have_text("Name trump")
    field.fill("follow me")
    field.press("Enter")
    expect(sitting.page.locator(".contract .trump")).to_have_text("no trump: follow me")


def test_a_match_goes_on_and_keeps_marks(sitting: Sitting) -> None:
    sitting.sit(seed=5, episode="match")
    sitting.play_out()
    marks = sitting.page.locator(".marks")
    spoken = [marks.nth(0).get_attribute("aria-label"), marks.nth(1).get_attribute("aria-label")]
    assert sum(int((words or "").split()[1]) for words in spoken) >= 1
    assert sitting.page.locator(".marks .stroke.made").count() >= 1
    sitting.page.keyboard.press("n")
    expect(sitting.page.locator(".result")).to_have_count(0)
    sitting.play_out()


def test_undo_refresh_and_the_same_hand_again(sitting: Sitting) -> None:
    sitting.sit(seed=6, contract="most_trumps")
    sitting.ready()
    dominoes = sitting.page.locator(".own button")
    first = [dominoes.nth(i).get_attribute("data-domino") for i in range(dominoes.count())]
    before = sitting.version()
    sitting.page.locator(".own .legal").first.click()
    sitting.page.wait_for_function("(old) => document.querySelector('.table').dataset.version !== old", arg=before)
    sitting.ready()
    held = dominoes.count()
    assert held == len(first) - 1
    sitting.page.reload()
    sitting.ready()
    assert dominoes.count() == held
    sitting.page.click("#undo")
    expect(dominoes).to_have_count(len(first))
    assert [dominoes.nth(i).get_attribute("data-domino") for i in range(len(first))] == first
    sitting.play_out()
    sitting.page.click("#replay")
    sitting.ready()
    assert dominoes.count() == 7


def test_two_tabs_get_a_clear_conflict(sitting: Sitting) -> None:
    key = sitting.sit(seed=7, contract="most_trumps")
    sitting.ready()
    nothing = "retry: 3600000\n\n"  # a stream that ends, and that the browser does not ask for again
    sitting.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=nothing))
    sitting.page.reload()
    sitting.ready()
    path = f"{sitting.address}/api/tables/{key}"
    state = sitting.page.request.get(path).json()
    moved = {"version": state["version"], "action": state["legal"][0]}
    assert sitting.page.request.post(f"{path}/act", data=json.dumps(moved), headers=JSON).ok
    sitting.page.locator(".own .legal").last.click()
    expect(sitting.page.locator(".trouble")).to_contain_text("has changed since")


def test_asking(sitting: Sitting) -> None:
    sitting.sit(seed=8, contract="most_trumps")
    sitting.ready()
    assert sitting.page.locator(".plays").count() == 0
    before = sitting.version()
    sitting.page.click("#ask")
    expect(sitting.page.locator(".plays li").first).to_be_visible()
    assert re.search(
        r"best|too close to call|whatever you do|all that is allowed", sitting.page.locator(".verdict").inner_text()
    )
    expect(sitting.page.locator(".hidden-dominoes tbody tr").first).to_be_visible()
    flip = sitting.page.locator(".flip span")
    expect(flip).to_have_text("guess 1 of 8")
    sitting.page.get_by_label("Next guess").click()
    expect(flip).to_have_text("guess 2 of 8")
    expect(sitting.page.locator(".opinion")).to_be_visible()
    assert sitting.version() == before
    sitting.page.locator(".own .legal").first.click()
    expect(sitting.page.locator(".plays")).to_have_count(0)


def test_who_bids_for_whom_is_said(sitting: Sitting) -> None:
    sitting.sit(hand=str(Hand.deal(seed=9, shaker=0)))
    sitting.ready()
    expect(sitting.page.locator(".callers")).to_contain_text("to the shared bidder")


def test_bidding_help_at_the_table_and_for_seven_dominoes(sitting: Sitting) -> None:
    sitting.sit(hand=str(Hand.deal(seed=9, shaker=3)))
    sitting.ready()
    sitting.page.click("#ask-bids")
    expect(sitting.page.locator("aside .heat tbody tr")).to_have_count(9)
    sitting.page.click("#type-in")
    for face in ("5-5", "5-4", "5-1", "5-0", "6-6", "6-5"):
        sitting.page.click(f'[data-pick="{face}"]')
    sitting.page.click("#help-bid")
    expect(sitting.page.locator("dialog .trouble")).to_have_text("expected 7 dominoes, got 6")
    sitting.page.click('[data-pick="2-1"]')
    sitting.page.click("#help-bid")
    expect(sitting.page.locator("dialog .heat tbody tr")).to_have_count(9)
    sitting.page.locator("dialog #seven").fill("55 54 99")
    sitting.page.click("#help-bid")
    expect(sitting.page.locator("dialog .trouble")).to_contain_text(
        "at entry 3: expected a domino such as 6-4, got '99'"
    )


TOLD = ["pass", "30", "pass", "31", "fives", "5-5", "5-4", "5-0", "1-0", "6-6", "6-4", "6-1", "3-3"]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_whole_hand_is_told_by_clicks_and_reviewed(sitting: Sitting, width: int) -> None:
    page = sitting.page
    page.set_viewport_size({"width": width, "height": 860})
    sitting.sit(seed=10)
    page.click("#type-in")
    page.click("#type-whole")
    for words in TOLD[:5]:
        page.click(f'.told [data-say="{words}"]')
    for domino in TOLD[5:]:
        page.click(f'[data-tell="{domino}"]')
    asks = page.locator(".told .asks")
    expect(asks).to_have_text("Trick 3: what did right lead?")
    expect(page.locator(".told .laid.won")).to_have_count(2)
    page.click("#untell")
    expect(asks).to_have_text("Trick 2: what did partner play?")
    page.click('[data-tell="3-3"]')
    for domino in ("4-4", "4-3", "4-2"):
        page.click(f'[data-tell="{domino}"]')
    expect(asks).to_have_text("Trick 3: what did partner play?")
    for domino in ("6-0", "5-1"):  # partner followed neither fives nor sixes
        expect(page.locator(f'[data-tell="{domino}"]')).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#review-told")).to_be_disabled()
    page.locator("#tell").fill("4-4")
    page.locator("#tell").press("Enter")
    expect(page.locator(".told .trouble")).to_contain_text("4-4 was told before: right, trick 3")
    page.locator("#tell").fill("4-1, end")
    page.locator("#tell").press("Enter")
    expect(asks).to_have_text("What did you still hold? 4 to name")
    for seat, number in (("you", 4), ("left", 4), ("partner", 4)):
        for more in range(number, 0, -1):
            expect(asks).to_have_text(f"What did {seat} still hold? {more} to name")
            page.locator("[data-tell]:not([aria-disabled])").last.click()
    expect(asks).to_have_text("That is the whole hand.")
    page.click("#review-told")
    expect(page.locator(".decision").first).to_be_visible()


def test_a_whole_hand_is_told_by_keyboard(sitting: Sitting) -> None:
    sitting.sit(seed=10)
    page = sitting.page
    page.click("#type-in")
    page.locator("#type-whole").press("Enter")
    expect(page.locator(".told .call").first).to_be_visible()
    page.locator(".told .call").first.focus()
    for _ in range(3):
        page.keyboard.press("Enter")  # pass, pass, pass
    expect(page.locator(".told .asks")).to_have_text("What did right bid?")
    page.wait_for_function("() => document.activeElement.matches('.told .call')")
    page.keyboard.press("Enter")  # 30
    expect(page.locator(".told .asks")).to_contain_text("What was trump?")
    page.wait_for_function("() => document.activeElement.matches('.told .call')")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('[data-tell]')")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".told .asks")).to_have_text("Trick 1: what did you play?")


def test_a_new_game_seats_whom_one_wants(sitting: Sitting) -> None:
    sitting.sit(seed=10)
    sitting.page.click("#new-game")
    seats = sitting.page.locator("dialog select")
    seats.nth(1).select_option("Random")
    seats.nth(4).select_option("dropped30")
    sitting.page.get_by_label("Seed").fill("77")
    sitting.page.click("#start-game")
    expect(sitting.page.locator(".seat.left .name")).to_contain_text("Random")
    sitting.play_out()
    expect(sitting.page.locator(".result")).to_contain_text("seed 77")


def test_a_known_blunder_is_named_in_review(sitting: Sitting) -> None:
    sitting.sit(seed=11)
    sitting.page.click("#hands")
    sitting.page.locator("#paste").fill("zeb42/1 deal=66.64 shaker=0")
    sitting.page.click("#review-paste")
    expect(sitting.page.locator("dialog .trouble")).to_contain_text("expected four hands")
    sitting.page.locator("#paste").fill(BLUNDER)
    sitting.page.click("#review-paste")
    worst = sitting.page.locator(".decision").first
    expect(sitting.page.locator(".review [role=status]").first).to_contain_text("decisions, each tried in")
    expect(worst).to_contain_text("6-1")
    expect(worst).to_contain_text("a blunder")
    worst.click()
    cards = sitting.page.locator(".verdicts .card")
    expect(cards.first).to_contain_text("What you could know")
    expect(cards.nth(1)).to_contain_text("gave away 1 point")
    sitting.page.locator('.review .own [data-domino="6-6"]').click()
    expect(sitting.page.locator(".what-if h3")).to_have_text("What if 6-6?")
    assert "-0." not in sitting.page.locator(".groups").inner_text()  # nobody loses less than no hand
    sitting.page.click("#leave-review")
    expect(sitting.page.locator("#undo")).to_be_visible()


def test_a_review_is_saved_and_opened_from_disk(sitting: Sitting, tmp_path: Path) -> None:
    sitting.sit(seed=11)
    sitting.page.click("#hands")
    sitting.page.locator("#paste").fill(BLUNDER)
    sitting.page.click("#review-paste")
    with sitting.page.expect_download() as saved:
        sitting.page.click("#save-review")
    path = tmp_path / "review.html"
    saved.value.save_as(path)
    context = sitting.page.context.browser.new_context(offline=True, bypass_csp=True)
    with context:
        seen = Seen(context)
        page = context.new_page()
        page.goto(path.as_uri())
        assert "a blunder" in page.inner_text("body")
        check(page, "the page on disk")
        assert {url.partition(":")[0] for url in seen.urls} == {"file"}
        assert seen.errors == []


def test_review_is_one_tap_from_the_end_and_the_hand_is_kept(sitting: Sitting) -> None:
    sitting.sit(seed=12, contract="most_trumps")
    sitting.play_out()
    sitting.page.click("#review")
    expect(sitting.page.locator(".decision").first).to_be_visible()
    sitting.page.click("#hands")
    expect(sitting.page.locator(".kept button").first).to_be_visible()


def test_single_keys_can_be_switched_off(sitting: Sitting) -> None:
    sitting.sit(seed=6, contract="most_trumps")
    sitting.ready()
    page = sitting.page
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "say"
    page.click("#help")
    page.locator("#keys").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    sitting.ready()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") != "say"
    page.click("#help")
    expect(page.locator("#keys")).not_to_be_checked()


def shelf_of(*hands: Hand, beside: bool = False) -> Shelf:
    sources = [Source(hand=hand, title=f"hand {number}") for number, hand in enumerate(hands, 1)]
    return Shelf(sources=tuple(sources), beside=beside)


@pytest.mark.parametrize("width", [390, 1280])
def test_two_tables_of_a_deal_stand_side_by_side(browser: Browser, width: int) -> None:
    first = Hand.parse(BLUNDER)
    other = Hand.parse(BLUNDER.replace("61.65.20.60,54", "66.65.20.60,64"))
    with (
        serving(quick_house(), shelf=shelf_of(first, other, beside=True)) as url,
        browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True) as context,
    ):
        context.set_default_timeout(WAIT_MS)
        seen = Seen(context)
        page = context.new_page()
        page.goto(f"{url}/#shelf")
        tables = page.locator(".beside > .review")
        expect(tables).to_have_count(2)
        expect(tables.nth(0)).to_contain_text("decisions, each tried in")
        expect(tables.nth(1)).to_contain_text("decisions, each tried in")
        tops = [(tables.nth(number).bounding_box() or {})["y"] for number in (0, 1)]
        assert (tops[0] == tops[1]) is (width == 1280)
        tables.nth(0).locator(".decision").last.click()
        for number in (0, 1):
            expect(tables.nth(number).locator('.decision[aria-current="true"]')).to_contain_text("trick 2, lead")
        check(page, "a deal")
        page.click("#leave-deal")
        expect(page.locator(".rail")).to_be_visible()
        assert seen.errors == []


def test_many_hands_are_added_up_and_each_is_a_click_away(browser: Browser) -> None:
    hand = Hand.parse(BLUNDER)
    with (
        serving(quick_house(), shelf=shelf_of(hand, Hand.deal(seed=1), hand)) as url,
        browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True) as context,
    ):
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto(f"{url}/#shelf")
        expect(page.locator(".groups tbody tr").first).to_contain_text("all decisions")
        expect(page.locator(".review").first).to_contain_text("Fewer than 10 hands")
        told = page.locator(".kept small")
        expect(told.nth(0)).to_contain_text("trick 1, lead 6-1: a blunder")
        expect(told.nth(1)).to_have_text("nothing that cost beyond doubt")
        check(page, "a summary")
        page.click('[data-hand="2"]')
        expect(page.locator(".decision:visible").first).to_contain_text("6-1")
        page.click("#leave-review")
        expect(page.locator(".groups tbody tr").first).to_be_visible()


def test_kept_hands_are_added_up(sitting: Sitting) -> None:
    for seed in (12, 14):
        sitting.sit(seed=seed, contract="most_trumps")
        sitting.play_out()
    sitting.page.click("#hands")
    sitting.page.locator(".sum").first.click()
    expect(sitting.page.locator(".review-head h2")).to_contain_text("Where it went")
    expect(sitting.page.locator(".groups tbody tr").first).to_be_visible()
    assert "-0." not in sitting.page.locator(".groups").inner_text()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, address: str, width: int, height: int, scheme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True)
    with context:
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(AT_ONCE)
        sitting = Sitting(context.new_page(), address, Seen(context))
        sitting.sit(hand=str(Hand.deal(seed=13, shaker=3)))
        sitting.ready()
        sitting.page.click("#ask-bids")
        expect(sitting.page.locator(".heat td").first).to_be_visible()
        check(sitting.page, "bidding")
        for call in (sitting.page.locator(".call").last, sitting.page.locator(".call").first):
            before = sitting.version()
            call.click()
            sitting.moved_on(before)
        assert sitting.ready() == "play"
        sitting.page.click("#ask")
        expect(sitting.page.locator(".plays li").first).to_be_visible()
        check(sitting.page, "asking")
        sitting.play_out()
        check(sitting.page, "the end")
        sitting.page.click("#new-game")
        check(sitting.page, "a new game")
        sitting.page.keyboard.press("Escape")
        sitting.page.click("#type-in")
        sitting.page.click("#type-whole")
        for words in TOLD[:5]:
            sitting.page.click(f'.told [data-say="{words}"]')
        sitting.page.locator("#tell").fill(" ".join(TOLD[5:]))
        sitting.page.locator("#tell").press("Enter")
        expect(sitting.page.locator(".told .laid.won")).to_have_count(2)
        check(sitting.page, "a hand told")
        sitting.page.keyboard.press("Escape")
        sitting.page.click("#help")
        check(sitting.page, "help")
        sitting.page.keyboard.press("Escape")
        sitting.page.click("#review")
        expect(sitting.page.locator(".decision").first).to_be_visible()
        check(sitting.page, "a review")


def check(page: Page, where: str) -> None:
    """No violation of accessibility, no sideways scrolling, once all that moves has come to rest: axe reads a
    domino that is still fading in as one of too little contrast."""
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    page.evaluate(AXE)
    found = page.evaluate(f"axe.run().then({VIOLATIONS})")
    assert found == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} sticks out sideways"
