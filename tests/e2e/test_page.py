"""The page as a person meets it."""

import re
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
PORTRAIT, CAT = EXAMPLES / "portrait.jpg", EXAMPLES / "cat.jpg"
YEARS = "#photo-answer .face-years"


def _upload(page, *files) -> None:
    """Give a picture in place of the one that is there."""
    remove = page.locator("#photo-input button[aria-label='Remove Image']")
    if remove.count():
        remove.click()
        page.locator("#photo-answer .answer-waiting").wait_for()
    page.locator("#photo-input input[type=file]").set_input_files(*files)


def _cards(page, tab: str = "photo"):
    page.locator(f"#{tab}-answer .face").first.wait_for()
    return page.locator(f"#{tab}-answer .face")


def _assert_reads_as_an_age(card) -> None:
    text = re.sub(r"\s+", " ", card.inner_text())
    age = int(re.search(r"(\d+) years?\b", text).group(1))
    low, high = map(int, re.search(r"between (\d+) and (\d+)", text).groups())
    assert 0 <= low <= age <= high <= 100
    assert re.search(r"looks (female|male), \d+%", text)
    shares = [int(n) for n in re.findall(r"(\d+)%", text.split("looks")[1])][1:]
    assert len(shares) == 9 and sum(shares) == pytest.approx(100, abs=4)


def _image_loaded(page, selector: str) -> bool:
    page.wait_for_function(
        "s => { const i = document.querySelector(s); return i && i.complete && i.naturalWidth }",
        arg=selector,
    )
    return True


def _torn_pictures(page) -> int:
    return page.evaluate(
        "() => [...document.images].filter(i => i.checkVisibility({visibilityProperty: true})"
        " && i.complete && !i.naturalWidth).length"
    )


def test_photo_gives_an_age(open_page):
    page = open_page()
    assert page.locator(".answer-waiting").first.is_visible()
    _upload(page, PORTRAIT)
    cards = _cards(page)
    assert cards.count() == 1
    _assert_reads_as_an_age(cards.first)
    assert _image_loaded(page, "#photo-faces img")
    assert _image_loaded(page, "#photo-answer .face-picture img")


def test_photo_without_a_face_gives_a_sentence_and_no_age(open_page):
    page = open_page()
    _upload(page, PORTRAIT)
    _cards(page)
    _upload(page, CAT)
    page.locator("#photo-answer .answer-message").wait_for()
    assert page.locator(".face, .face-years").count() == 0
    assert not page.locator("#photo-faces").is_visible(), "the picture before must not stay"


def test_clicking_the_group_example_gives_three_numbered_cards(open_page):
    page = open_page()
    page.locator(".gallery-item, .gallery button").nth(1).click()
    cards = _cards(page)
    assert cards.count() == 3
    assert page.locator("#photo-answer .face-number").all_inner_texts() == ["1", "2", "3"]
    for card in cards.all():
        _assert_reads_as_an_age(card)


def test_sideways_phone_photo_is_shown_upright(open_page, astronaut, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    sideways.save(tmp_path / "phone.jpg", exif=exif, quality=92)
    page = open_page()
    _upload(page, tmp_path / "phone.jpg")
    assert _cards(page).count() == 1
    assert _image_loaded(page, "#photo-faces img")
    width, height = page.locator("#photo-faces img").evaluate(
        "i => [i.naturalWidth, i.naturalHeight]"
    )
    assert width / height == pytest.approx(400 / 512, abs=0.01)


def test_bad_file_gives_a_message_and_the_page_goes_on(open_page, server_said):
    page = open_page()
    bad = {"name": "<img src=x>.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}
    _upload(page, bad)
    message = page.locator("#photo-answer .answer-problem")
    message.wait_for()
    assert "expected one of JPEG" in message.inner_text()
    assert message.locator("img").count() == 0, "a file name was taken for HTML"
    page.wait_for_timeout(500)
    assert _torn_pictures(page) == 0
    _upload(page, PORTRAIT)
    _assert_reads_as_an_age(_cards(page).first)
    assert page.locator("#photo-input img").first.is_visible()
    assert "Traceback" not in server_said()


def test_removing_the_picture_removes_the_age(open_page):
    page = open_page()
    _upload(page, PORTRAIT)
    _cards(page)
    page.locator("#photo-input button[aria-label='Remove Image']").click()
    page.locator("#photo-answer .answer-waiting").wait_for()
    assert page.locator(".face-years").count() == 0


def test_webcam_gives_an_age(open_page):
    page = open_page()
    page.get_by_role("tab", name="Webcam").click()
    page.get_by_text("Click to Access Webcam").click()
    page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.videoWidth)")
    page.get_by_label("capture photo").click()
    cards = _cards(page, "webcam")
    assert cards.count() == 1
    _assert_reads_as_an_age(cards.first)
    assert page.locator("#photo-answer .face").count() == 0


def test_phone_shows_the_answer_without_sideways_scrolling(open_page):
    page = open_page(390, 844)
    _upload(page, EXAMPLES / "group.jpg")
    cards = _cards(page)
    page.wait_for_function("() => window.scrollY > 100")  # the answer comes into view by itself
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # In one go, as the page may still be on its way down.
    boxes = cards.evaluate_all("cards => cards.map(card => card.getBoundingClientRect().toJSON())")
    assert all(box["left"] >= 0 and box["right"] <= 390 for box in boxes)
    assert boxes[1]["top"] >= boxes[0]["bottom"], "one below the other"


def test_desktop_shows_the_answer_beside_the_picture(open_page):
    page = open_page(1280, 900)
    _upload(page, PORTRAIT)
    card = _cards(page).first.bounding_box()
    given = page.locator("#photo-input").bounding_box()
    assert card["x"] > given["x"] + given["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_page_says_privacy_and_limits_and_asks_no_other_site(browser, server):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    page.locator("#limits").wait_for()
    _upload(page, PORTRAIT)
    _cards(page)
    assert page.locator("#privacy").is_visible() and page.locator("#limits").is_visible()
    elsewhere = [u for u in asked if not u.startswith((server.url, "data:", "blob:"))]
    context.close()
    assert elsewhere == []
