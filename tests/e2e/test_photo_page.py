"""The tab Photo: what goes with the ages."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import age_model.images  # noqa: F401 - lets Pillow write HEIC

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
CARD = "#photo-answer .face"
BOX = "#photo-result .photo-boxes a"


def _give(page, content: bytes, name: str) -> None:
    file = {"name": name, "mimeType": "", "buffer": content}
    page.locator("#photo-input input[type=file]").set_input_files(file)


def _encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def three_faces(open_page):
    """Function from a window's size to the page with the group on it."""

    def open_at(width: int, height: int):
        page = open_page(width, height)
        page.locator("#photo-input input[type=file]").set_input_files(EXAMPLES / "group.jpg")
        page.locator(CARD).nth(2).wait_for()
        page.locator(BOX).nth(2).wait_for(state="attached")
        return page

    return open_at


def _marked(page) -> tuple[list[str], list[str]]:
    """Numbers of the faces that are marked in the picture, and among the cards."""
    return tuple(
        page.locator(f"{selector}.face-selected").evaluate_all(
            "all => all.map(e => e.dataset.face)"
        )
        for selector in (BOX, CARD)
    )


def _drop(page, path: Path) -> None:
    """Drag a file from outside the browser onto the field, and let go."""
    box = page.locator("#photo-input").bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for event in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": event, "data": data, **at})


@pytest.mark.parametrize("how", ["chosen", "dropped"])
def test_heic_photo_is_taken_and_turned_once(open_page, astronaut, tmp_path, how):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    content = _encoded(sideways, "HEIF", exif=exif.tobytes(), quality=90)
    page = open_page()
    if how == "chosen":
        _give(page, content, "IMG_0001.HEIC")
    else:
        (tmp_path / "IMG_0001.HEIC").write_bytes(content)
        _drop(page, tmp_path / "IMG_0001.HEIC")
    page.locator(CARD).first.wait_for()
    assert page.locator(CARD).count() == 1
    page.wait_for_function("() => document.querySelector('#photo-faces img')?.naturalWidth")
    width, height = page.locator("#photo-faces img").evaluate(
        "i => [i.naturalWidth, i.naturalHeight]"
    )
    assert width / height == pytest.approx(400 / 512, abs=0.01)


def test_other_files_without_a_type_are_still_turned_away(open_page):
    page = open_page()
    _give(page, b"hello", "letter.xyz")
    page.get_by_text("Invalid file type").first.wait_for()
    assert page.locator("#photo-answer .answer-waiting").is_visible()


def test_animation_is_said_to_be_one(open_page, astronaut):
    frames = [Image.fromarray(astronaut), Image.new("RGB", (512, 512))]
    page = open_page()
    _give(page, _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "moving.gif")
    page.locator(CARD).first.wait_for()
    note = page.locator("#photo-answer .photo-note", has_text="more than one picture")
    assert note.is_visible() and "only the first" in note.inner_text()


def test_switch_shows_how_probably_a_face_looks_18_or_older(three_faces):
    page = three_faces(1280, 900)
    numbers = page.locator(f"{CARD} .face-at-least dd")
    assert numbers.count() == 9
    assert not any(number.is_visible() for number in numbers.all()), "off at first"
    switch = page.locator(".at-least-switch input").first
    switch.check()
    page.locator("#photo-answer p.face-at-least").wait_for()
    assert all(number.is_visible() for number in numbers.all())
    switch.uncheck()
    numbers.first.wait_for(state="hidden")


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "narrow"])
def test_face_clicked_in_the_picture_marks_its_card_and_back(three_faces, size):
    page = three_faces(*size)
    page.locator(BOX).nth(2).locator("rect").last.click()
    page.locator(f"{CARD}.face-selected").wait_for()
    assert _marked(page) == (["3"], ["3"])
    page.wait_for_function(
        "s => { const r = document.querySelector(s).getBoundingClientRect();"
        " return r.top < innerHeight && r.bottom > 0 }",
        arg=f"{CARD}.face-selected",
    )
    page.locator(f"{CARD} button").nth(0).click()
    assert _marked(page) == (["1"], ["1"])
    page.locator(f"{CARD} button").nth(0).click()
    assert _marked(page) == ([], [])


def test_faces_can_be_chosen_with_the_keyboard(three_faces):
    page = three_faces(1280, 900)
    page.locator(BOX).nth(0).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert _marked(page) == (["2"], ["2"])
    assert page.evaluate("document.activeElement.closest('.face').dataset.face") == "2"
    page.keyboard.press("Enter")
    assert _marked(page) == ([], [])
    assert not page.url.endswith("#face-2"), "the address stays as it was"


def _assert_boxes_lie_on_the_picture(page) -> float:
    """Compares each box with where the picture is; returns the width that the picture has."""
    page.wait_for_function("() => document.querySelector('#photo-faces img')?.naturalWidth")
    page.wait_for_timeout(500)
    image = page.locator("#photo-faces img")
    shown, (width, height) = image.bounding_box(), image.evaluate(
        "i => [i.naturalWidth, i.naturalHeight]"
    )  # fmt: skip
    scale = min(shown["width"] / width, shown["height"] / height)
    left = shown["x"] + (shown["width"] - scale * width) / 2
    top = shown["y"] + (shown["height"] - scale * height) / 2
    view = page.locator("#photo-result .photo-boxes svg").evaluate(
        "s => [s.viewBox.baseVal.width, s.viewBox.baseVal.height]"
    )
    for link in page.locator(BOX).all():
        rect = link.locator("rect").last
        x, y = (float(rect.get_attribute(name)) for name in ("x", "y"))
        got = rect.bounding_box()
        want = (left + x / view[0] * scale * width, top + y / view[1] * scale * height)
        assert np.allclose((got["x"], got["y"]), want, atol=4)
    return scale * width


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "narrow"])
def test_boxes_lie_on_the_picture_also_when_it_fills_the_window(three_faces, size):
    page = three_faces(*size)
    before = _assert_boxes_lie_on_the_picture(page)
    page.locator("#photo-faces button[aria-label*='ullscreen'], #photo-faces button").first.click()
    page.locator("#photo-faces.fullscreen").wait_for()
    after = _assert_boxes_lie_on_the_picture(page)
    assert after > 1.05 * before and after == pytest.approx(size[0], rel=0.1)


@pytest.mark.parametrize("side", [120, 2500])
def test_boxes_lie_on_pictures_of_any_size(open_page, side):
    page = open_page()
    portrait = Image.open(EXAMPLES / "portrait.jpg").resize((side, side))
    _give(page, _encoded(portrait, "PNG"), "portrait.png")
    page.locator(CARD).first.wait_for()
    assert _assert_boxes_lie_on_the_picture(page) > 300, "small pictures are enlarged"


def test_new_picture_forgets_the_choice(three_faces):
    page = three_faces(1280, 900)
    page.locator(f"{CARD} button").nth(1).click()
    page.locator("#photo-input button[aria-label='Remove Image']").click()
    page.locator("#photo-answer .answer-waiting").wait_for()
    assert page.locator(BOX).count() == 0
