"""The tab Webcam as a person meets it: live, and a still of it."""

import re

import pytest

# A camera that fails with the name that is given, and the second time is there.
FAIL_ONCE = """(name) => {
  const own = navigator.mediaDevices.getUserMedia;
  navigator.mediaDevices.getUserMedia = () => {
    navigator.mediaDevices.getUserMedia = own;
    return Promise.reject(new DOMException("", name));
  };
}"""
# Two cameras, of which the second looks to the back, as those of a phone.
TWO_CAMERAS = """() => {
  const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.asked = [];
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const facing = wish.video.facingMode;
    window.asked.push(facing);
    const stream = await own({ video: true });
    const settings = stream.getVideoTracks()[0].getSettings();
    const facingMode = facing.exact || facing;
    stream.getVideoTracks()[0].getSettings = () => ({ ...settings, facingMode });
    return stream;
  };
  const camera = { kind: "videoinput", label: "" };
  navigator.mediaDevices.enumerateDevices = async () => [
    { ...camera, deviceId: "front" }, { ...camera, deviceId: "back" }];
}"""


def _webcam(page):
    page.get_by_role("tab", name="Webcam").click()
    return page.get_by_role("button", name="Start the camera")


def _box(page, selector: str) -> dict:
    return page.locator(selector).evaluate("e => e.getBoundingClientRect().toJSON()")


def _picture(page) -> dict:
    """Where the camera's picture is: in the middle of its place, as wide or as high as it."""
    return page.locator("#live-camera video").evaluate("""(video) => {
      const box = video.getBoundingClientRect();
      const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
      const [width, height] = [scale * video.videoWidth, scale * video.videoHeight];
      return { left: box.x + (box.width - width) / 2, top: box.y + (box.height - height) / 2,
               width, height };
    }""")


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_age_appears_over_the_live_picture(open_page, server, server_said, size):
    page = open_page(*size)
    before = set(server.uploads.rglob("*"))
    _webcam(page).click()
    years = page.locator("#live-boxes .box-years")
    years.first.wait_for(state="attached")
    assert years.count() == 1
    age = int(years.text_content())
    said = page.locator("#live-status li").first.inner_text()
    shown, low, high = map(int, re.findall(r"\d+", said)[1:])
    assert abs(shown - age) <= 2 and 0 <= low <= shown <= high <= 100
    band, track = _box(page, ".live-range"), _box(page, ".live-band")
    assert (band["left"] - track["left"]) / track["width"] == pytest.approx(low / 100, abs=0.03)
    assert band["width"] / track["width"] == pytest.approx((high - low) / 100, abs=0.03)

    assert not page.locator(".live-rate").is_visible(), "frames a second are for the curious"
    page.locator(".live-details summary").click()
    left = page.locator(".live-details .live-left").inner_text()
    assert 0 < int(re.search(r"\d+", left)[0]) <= 60
    assert int(page.locator(".live-rate").inner_text()) >= 1

    # The face is in the middle of the film, at a third of its height.
    face, picture = _box(page, "#live-boxes .box-line"), _picture(page)
    middle = (face["left"] + face["right"]) / 2 - picture["left"]
    assert middle / picture["width"] == pytest.approx(0.52, abs=0.08), "the box is beside the face"
    assert (face["top"] - picture["top"]) / picture["height"] == pytest.approx(0.15, abs=0.1)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]

    page.get_by_role("button", name="Take a picture").click()
    page.locator("#webcam-answer .face").first.wait_for()
    assert page.locator("#webcam-answer .face").count() == 1
    assert page.locator("#webcam-stage .stage-own").is_visible()
    still = set(server.uploads.rglob("*"))

    track = page.evaluate_handle(
        "document.querySelector('#live-camera video').srcObject.getTracks()[0]"
    )
    page.get_by_role("button", name="Stop").click()
    years.first.wait_for(state="detached")
    page.locator("#live-status li").first.wait_for(state="detached")
    assert track.evaluate("one => one.readyState") == "ended", "the camera is still on"
    assert set(server.uploads.rglob("*")) <= before | still, "frames were put on the disk"

    _webcam(page).click()  # and once more
    years.first.wait_for(state="attached")
    assert "Traceback" not in server_said()


def test_a_camera_that_does_not_start_is_said_in_its_place(open_page):
    page = open_page(390, 844)
    start = _webcam(page)
    for name, title in [
        ("NotAllowedError", "refused"),
        ("NotFoundError", "No camera"),
        ("NotReadableError", "busy"),
        ("AbortError", "did not start"),
    ]:
        page.evaluate(FAIL_ONCE, name)
        start.click()
        message = page.locator(".live-problem:visible [role=alert]")
        message.wait_for()
        assert title in message.locator("strong").inner_text()
        assert message.locator("p").inner_text(), name
        inside, stage = _box(page, ".live-problem:visible"), _box(page, "#live-stage")
        assert stage["top"] <= inside["top"] and inside["bottom"] <= stage["bottom"] + 1
        page.get_by_role("button", name="Try again").click()
        page.locator("#live-view[data-live=on]").wait_for()
        assert not page.locator(".live-problem:visible").count()
        page.get_by_role("button", name="Stop").click()


def test_behind_another_tab_the_camera_is_off(open_page):
    page = open_page(1280, 900)
    _webcam(page).click()
    page.locator("#live-view[data-live=on]").wait_for()
    track = page.evaluate_handle(
        "document.querySelector('#live-camera video').srcObject.getTracks()[0]"
    )
    page.get_by_role("tab", name="Photo").click()
    page.locator("#live-view[data-live=off]").wait_for(state="attached")
    assert track.evaluate("one => one.readyState") == "ended"
    _webcam(page).click()
    page.locator("#live-view[data-live=on]").wait_for()


def test_the_back_camera_is_not_mirrored(open_page):
    page = open_page(390, 844)
    start = _webcam(page)
    page.evaluate(TWO_CAMERAS)
    start.click()
    line = page.locator("#live-boxes .box-line").first
    line.wait_for(state="attached")
    assert not page.locator("#live-view.live-back").count()
    page.get_by_role("button", name="Switch camera").click()
    page.locator("#live-view.live-back[data-live=on]").wait_for()
    page.locator("#live-boxes g[transform] .box-line").first.wait_for(state="attached")
    assert page.evaluate("window.asked") == ["user", {"exact": "environment"}]
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#live-camera video')).transform")
        == "none"
    )
    page.get_by_role("button", name="Switch camera").click()
    page.locator("#live-view:not(.live-back)[data-live=on]").wait_for()
