"""The first screen, and the page as a whole, as a person meets it."""

import re
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
PORTRAIT, CAT = EXAMPLES / "portrait.jpg", EXAMPLES / "cat.jpg"
TABS = ["Photo", "Webcam", "Batch", "Video", "Accuracy"]
SHOWN = "#photo-stage .stage-given, #photo-stage .stage-own:not([hidden])"


def _cards(page, tab: str = "photo"):
    page.locator(f"#{tab}-answer .face").first.wait_for()
    return page.locator(f"#{tab}-answer .face")


def _assert_reads_as_an_age(card) -> None:
    text = re.sub(r"\s+", " ", card.inner_text())
    age = int(re.search(r"looks (\d+)", text).group(1))
    low, high = map(int, re.search(r"(\d+) to (\d+), most likely", text).groups())
    assert 0 <= low <= age <= high <= 100
    assert re.search(r"(Surer than|As sure as|Less sure than) usual", text)


def _in_view(page, selector: str) -> bool:
    return page.locator(selector).first.evaluate(
        "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }"
    )


def _torn_pictures(page) -> int:
    return page.evaluate(
        "() => [...document.images].filter(i => i.checkVisibility({visibilityProperty: true})"
        " && i.src && i.complete && !i.naturalWidth).length"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["wide", "narrow"])
def test_page_opens_with_an_answer_and_everything_to_give_a_photo_with(open_page, size, theme):
    page = open_page(*size, f"?__theme={theme}")
    cards = _cards(page)
    assert cards.count() == 1
    _assert_reads_as_an_age(cards.first)
    for what in (
        ".page-head p", "[data-do=choose]", "[data-do=camera]", "[data-example=cat]",
        SHOWN, "#photo-stage .box-tag", "#photo-answer .face-years", "#photo-answer .curve svg",
    ):  # fmt: skip
        assert _in_view(page, what), what
    assert page.get_by_role("tab").all_inner_texts() == TABS, "all fit, none behind a menu"
    assert page.locator(".page-head p").inner_text().count(".") == 1, "one sentence"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert _torn_pictures(page) == 0
    years = page.locator("#photo-answer .face-years")
    color = years.evaluate("e => getComputedStyle(e).color.match(/\\d+/g).map(Number)")
    assert (sum(color[:3]) > 380) == (theme == "dark"), "words are seen on their ground"


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["wide", "narrow"])
def test_photo_takes_the_place_of_the_one_before_and_nothing_moves(open_page, give, size):
    page = open_page(*size)
    _cards(page)
    page.wait_for_timeout(300)
    page.evaluate(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "e => window.moved += e.hadRecentInput ? 0 : e.value))"
        ".observe({ type: 'layout-shift' })"
    )
    before = page.locator("#photo-stage").bounding_box()
    give(page, PORTRAIT)
    cards = _cards(page)
    assert cards.count() == 1
    _assert_reads_as_an_age(cards.first)
    assert page.locator(SHOWN).count() == 1, "the picture is shown once"
    assert page.locator("#photo-stage .stage-own").get_attribute("src").startswith("blob:")
    assert _in_view(page, "#photo-answer .face-years"), "without scrolling"
    assert page.locator("#photo-stage").bounding_box() == before
    assert page.evaluate("window.moved") < 0.05
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_photo_without_a_face_gives_a_sentence_and_no_age(open_page, give):
    page = open_page()
    _cards(page)
    give(page, CAT)
    page.locator("#photo-answer .answer-message").wait_for()
    assert page.locator(".face, .face-years, .boxes a").count() == 0
    assert page.locator("#photo-stage .stage-own").is_visible(), "the picture without a face"
    assert "No face found" in page.locator("#photo-stage [role=status]").text_content()


def test_examples_can_be_clicked_and_linked_to(open_page, server):
    page = open_page(query="?example=group")
    page.locator("#photo-answer .face").nth(2).wait_for()
    assert page.locator("#photo-stage .box-tag").count() == 3
    page.locator("[data-example=cat]").click()
    page.locator("#photo-answer .answer-message").wait_for()
    page.locator("[data-example=group]").focus()
    page.keyboard.press("Enter")
    page.locator("#photo-answer .face").nth(2).wait_for()
    for card in page.locator("#photo-answer .face").all():
        _assert_reads_as_an_age(card)


def test_sideways_phone_photo_is_shown_upright(open_page, give, astronaut, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    sideways.save(tmp_path / "phone.jpg", exif=exif, quality=92)
    page = open_page()
    give(page, tmp_path / "phone.jpg")
    assert _cards(page).count() == 1
    width, height = page.locator(SHOWN).evaluate("i => [i.naturalWidth, i.naturalHeight]")
    assert width / height == pytest.approx(400 / 512, abs=0.01)
    assert page.locator("#photo-stage .boxes").get_attribute("viewBox") == "0 0 400 512"


def test_bad_file_gives_a_message_and_the_page_goes_on(open_page, give, server_said):
    page = open_page()
    bad = {"name": "<img src=x>.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}
    give(page, bad)
    message = page.locator("#photo-answer .answer-problem")
    message.wait_for()
    assert "expected one of JPEG" in message.inner_text()
    assert message.locator("img").count() == 0, "a file name was taken for HTML"
    assert page.locator(".face-years, .boxes a").count() == 0
    assert _torn_pictures(page) == 0
    give(page, PORTRAIT)
    _assert_reads_as_an_age(_cards(page).first)
    assert "Traceback" not in server_said()


def test_desktop_shows_the_answer_beside_the_picture(open_page):
    page = open_page(1280, 900)
    card = _cards(page).first.bounding_box()
    given = page.locator("#photo-stage").bounding_box()
    assert card["x"] > given["x"] + given["width"]


def test_page_says_privacy_and_limits_and_asks_no_other_site(browser, server, give):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    _cards(page)  # of the example that it opens with: all of the page is there
    give(page, PORTRAIT)
    _cards(page)
    assert page.locator("#privacy").is_visible() and page.locator("#limits").is_visible()
    elsewhere = [u for u in asked if not u.startswith((server.url, "data:", "blob:"))]
    context.close()
    assert elsewhere == []
