"""The tab Webcam as a person meets it: live, and a still of it."""

import re

import pytest

REFUSE = """() => {
  navigator.mediaDevices.getUserMedia = () =>
    Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
}"""


def _live(page):
    page.get_by_role("tab", name="Webcam").click()
    camera = page.locator("#live-camera")
    camera.get_by_text("Click to Access Webcam").click()
    return camera


def _box(page, selector: str) -> dict:
    return page.locator(selector).evaluate("e => e.getBoundingClientRect().toJSON()")


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_age_appears_over_the_live_picture(open_page, server, server_said, size):
    page = open_page(*size)
    before = set(server.uploads.rglob("*"))
    camera = _live(page)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#live-camera video')].some(v => v.videoWidth)"
    )
    camera.get_by_label("capture photo").click()
    years = page.locator("#live-boxes .box-years")
    years.first.wait_for(state="attached")
    assert years.count() == 1
    age = int(years.text_content())
    said = page.locator("#live-status li").first.inner_text()
    shown, low, high = map(int, re.findall(r"\d+", said)[1:])
    assert abs(shown - age) <= 2 and 0 <= low <= shown <= high <= 100
    left = page.locator("#live-status .live-left").inner_text()
    assert 0 < int(re.search(r"\d+", left)[0]) <= 60

    drawing, video = _box(page, "#live-boxes svg"), _box(page, "#live-camera video")
    for side in ("left", "top", "right", "bottom"):
        assert drawing[side] == pytest.approx(video[side], abs=4), "boxes lie beside the faces"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]

    page.get_by_role("button", name="Take a picture").click()
    page.locator("#webcam-answer .face").first.wait_for()
    assert page.locator("#webcam-answer .face").count() == 1
    assert page.locator("#webcam-stage .stage-own").is_visible()
    still = set(server.uploads.rglob("*"))

    camera.get_by_label("capture photo").click()  # Stop
    years.first.wait_for(state="detached")
    page.locator("#live-status li").first.wait_for(state="detached")
    assert set(server.uploads.rglob("*")) <= before | still, "frames were put on the disk"
    assert "Traceback" not in server_said()


def test_refused_camera_is_said(open_page):
    page = open_page()
    page.evaluate(REFUSE)
    _live(page)
    message = page.locator("#live-problem .answer-problem")
    message.wait_for()
    assert "refused" in message.locator("strong").inner_text()
    assert message.locator("p").inner_text()
