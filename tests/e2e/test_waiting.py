"""While the server is slow or refuses: no answer stands beside another picture, none is lost."""

import json
from pathlib import Path

import pytest

from tests.support.answers import answered

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
CARD = "#photo-answer .face"
BUSY = "#photo-view.view-busy"
FULL = {
    "status": 503,
    "content_type": "application/json",
    "body": json.dumps({"detail": "Queue is full. Max size is 32 and size is 32."}),
}
TOO_OFTEN = {"status": 429, "content_type": "text/plain", "body": "Too many requests"}


class Held:
    """Questions of a page that reach the server only when they are let go."""

    def __init__(self, page):
        self._page, self._waiting, self.count = page, [], 0
        page.route("**/queue/join*", self._hold)

    def _hold(self, route) -> None:
        self.count += 1
        self._waiting.append(route)

    def let_go(self) -> None:
        """Let the next one go, and wait until it is answered."""
        for _ in range(600):
            if self._waiting:
                break
            self._page.wait_for_timeout(100)
        with answered(self._page):
            self._waiting.pop(0).continue_()


def _give(page, name: str) -> None:
    page.locator("#photo-view input[type=file]").set_input_files(EXAMPLES / name)
    page.locator(BUSY).wait_for()


def _shown(page) -> str:
    """The name of the file that the cards are about."""
    record = page.locator("#photo-answer .keep").get_attribute("data-record")
    return json.loads(record)["file"]


def test_the_newest_photo_gets_its_own_answer(open_page):
    page = open_page()
    held = Held(page)
    for name in ("group.jpg", "cat.jpg", "portrait.jpg"):
        with page.expect_response("**/upload*"):
            _give(page, name)
    held.let_go()
    assert page.locator(BUSY).count() == 1, "the newest is still to come"
    assert not page.locator("#photo-stage .boxes").is_visible(), "boxes of another picture"
    page.locator(CARD).first.wait_for(state="hidden")
    held.let_go()
    page.locator("#photo-view:not(.view-busy)").wait_for()
    page.locator(CARD).first.wait_for()
    assert _shown(page) == "portrait.jpg" and page.locator(CARD).count() == 1
    assert held.count == 2, "the photo between was not asked about"


def test_an_example_that_is_chosen_while_a_photo_waits_is_shown(open_page):
    page = open_page()
    held = Held(page)
    with page.expect_response("**/upload*"):
        _give(page, "cat.jpg")
    page.locator("button[data-example=group]").click()
    held.let_go()
    held.let_go()
    page.locator(CARD).nth(2).wait_for()
    assert _shown(page) == "group.jpg"
    assert page.locator("#photo-stage .stage-given").is_visible()
    assert not page.locator("#photo-stage .stage-own").is_visible()


def test_every_why_goes_to_its_own_card(open_page):
    page = open_page(query="?example=group")
    page.locator(CARD).nth(2).wait_for()
    for i in range(3):
        page.locator(CARD).nth(i).get_by_role("button", name="Why?").click()
    for i in range(3):
        why = page.locator(CARD).nth(i).locator(".why")
        why.wait_for()
        assert why.get_attribute("aria-label") == f"Why face {i + 1} looks this old"


@pytest.mark.parametrize("refusal", [FULL, TOO_OFTEN], ids=["full", "too often"])
def test_a_server_that_does_not_answer_is_said_and_can_be_asked_again(open_page, refusal, give):
    page = open_page()
    page.route("**/queue/join*", lambda route: route.fulfill(**refusal))
    _give(page, "group.jpg")
    page.locator("#photo-view.view-failed").wait_for()
    said = page.locator("#photo-stage [role=status]")
    assert "busy or out of reach" in said.inner_text() and said.is_visible()
    page.locator(CARD).first.wait_for(state="hidden")
    assert not page.locator("#photo-stage .boxes").is_visible()

    page.unroute("**/queue/join*")
    give(page, EXAMPLES / "group.jpg")
    page.locator(CARD).nth(2).wait_for()
    assert _shown(page) == "group.jpg" and page.locator("#photo-stage .boxes").is_visible()


def test_why_is_asked_again_after_it_failed(open_page):
    page = open_page()
    page.route("**/queue/join*", lambda route: route.fulfill(**FULL))
    card = page.locator(CARD).first
    why = card.get_by_role("button", name="Why?")
    why.click()
    card.locator(".why-failed").wait_for()
    page.unroute("**/queue/join*")
    why.click()
    why.click()
    card.locator(".why").wait_for()
    assert card.locator(".why-failed").count() == 0, "the refusal stands beside the answer"
