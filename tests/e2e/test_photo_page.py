"""The tab Photo: boxes and cards belong together, what cards open, and what can be taken away."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import age_model.images  # noqa: F401 - lets Pillow write HEIC
from age_model.network.loading import EMBEDDED
from age_model.network.preprocessing import read_preprocessing

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
CARD = "#photo-answer .face"
BOX = "#photo-stage .boxes a"
SIZES = [(1280, 900), (390, 844)]
CARD_PIXELS = 1200 * 630


def _encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def three_faces(open_page):
    """Function from a window's size to the page with the group on it."""

    def open_at(width: int, height: int):
        page = open_page(width, height, "?example=group")
        page.locator(CARD).nth(2).wait_for()
        page.locator(BOX).nth(2).wait_for(state="attached")
        page.locator("#photo-view:not(.view-busy)").wait_for()
        return page

    return open_at


def _faces(page, mark: str) -> tuple[list[str], list[str]]:
    """Numbers of the faces with this class in the picture, and among the cards."""
    return tuple(
        page.locator(f"{place}.{mark}").evaluate_all("all => all.map(e => e.dataset.face)")
        for place in (BOX, CARD)
    )


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_box_and_its_card_light_up_together(three_faces, size):
    page = three_faces(*size)
    page.locator(CARD).nth(1).hover()
    assert _faces(page, "face-lit") == (["2"], ["2"])
    page.locator(BOX).nth(0).focus()
    assert "1" in _faces(page, "face-lit")[1], "with the keyboard too"
    page.locator(BOX).nth(2).locator("rect").last.click()
    page.locator(f"{CARD}.face-selected").wait_for()
    assert _faces(page, "face-selected") == (["3"], ["3"])
    page.wait_for_function(
        "s => { const r = document.querySelector(s).getBoundingClientRect();"
        " return r.top < innerHeight && r.bottom > 0 }",
        arg=f"{CARD}.face-selected",
    )
    page.locator(f"{CARD} .face-picture").nth(0).click()
    assert _faces(page, "face-selected") == (["1"], ["1"])
    page.locator(f"{CARD} .face-picture").nth(0).click()
    assert _faces(page, "face-selected") == ([], [])


def _focus(page, selector: str) -> None:
    """Focus the first such element, again if the page draws it anew, until it keeps the focus."""
    page.wait_for_function(
        "s => { const found = document.querySelector(s);"
        " if (document.activeElement !== found) { found.focus(); found.since = performance.now() }"
        " return performance.now() - found.since > 500 }",
        arg=selector,
    )


def test_faces_can_be_chosen_with_the_keyboard(three_faces):
    page = three_faces(1280, 900)
    _focus(page, BOX)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(f"{CARD}.face-selected").wait_for()
    assert _faces(page, "face-selected") == (["2"], ["2"])
    assert page.evaluate("document.activeElement.closest('.face').dataset.face") == "2"
    page.keyboard.press("Enter")
    assert _faces(page, "face-selected") == ([], [])
    assert not page.url.endswith("#face-2"), "the address stays as it was"


def test_ages_stand_at_the_boxes_and_can_be_switched_off(three_faces):
    page = three_faces(1280, 900)
    tags = page.locator("#photo-stage .box-tag")
    years = page.locator(f"{CARD} .face-years").all_inner_texts()
    assert sorted(tag.strip() for tag in tags.all_text_contents()) == sorted(years)
    page.get_by_label("Ages in the picture").first.uncheck()
    assert not tags.first.is_visible() and page.locator(BOX).first.is_visible()


def test_three_cards_stand_side_by_side_and_more_are_a_list(three_faces, give, tmp_path):
    page = three_faces(1280, 900)
    tops = [page.locator(CARD).nth(i).bounding_box()["y"] for i in range(3)]
    assert len(set(tops)) == 1
    crowd = Image.new("RGB", (1200, 700), (200, 190, 180))
    portrait = Image.open(EXAMPLES / "portrait.jpg")
    for i in range(5):
        side = 320 - 30 * i
        crowd.paste(portrait.resize((side, side)), (20 + i % 3 * 390, 10 + i // 3 * 350))
    crowd.save(tmp_path / "crowd.png")
    give(page, tmp_path / "crowd.png")
    page.locator(CARD).nth(4).wait_for()
    boxes = [page.locator(CARD).nth(i).bounding_box() for i in range(5)]
    assert all(b["y"] >= a["y"] + a["height"] for a, b in pairwise(boxes))
    assert max(box["height"] for box in boxes) < 160
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_card_opens_details_crop_and_why(open_page, server_said, size):
    page = open_page(*size)
    card = page.locator(CARD).first
    card.get_by_role("button", name="Details").click()
    assert card.locator(".face-group").count() == 9 and card.locator("dl").is_visible()
    card.get_by_role("button", name="Crop").click()
    side = read_preprocessing(EMBEDDED).size  # the crop is shown as the network sees it
    assert card.locator(".face-crop img").evaluate("i => [i.naturalWidth]") == [side]
    assert not card.locator("dl").is_visible(), "one at a time"
    card.get_by_role("button", name="Why?").click()
    card.locator(".why-map").wait_for()
    parts = card.locator(".why-parts li")
    assert 1 <= parts.count() <= 4 and ("older" in parts.first.inner_text()) != (
        "younger" in parts.first.inner_text()
    )
    assert "Tested on" in card.locator(".why-test").inner_text()
    card.get_by_label("From the picture to the map").fill("0")
    opacity = card.locator(".why-map").evaluate("e => getComputedStyle(e).opacity")
    assert float(opacity) == 0, "the slider goes from the map to the picture"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    right = card.locator(".why *").evaluate_all(
        "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    )
    assert right <= size[0]
    card.get_by_role("button", name="Why?").click()
    assert not card.locator(".why").is_visible()
    assert "Traceback" not in server_said()


def test_why_is_asked_of_the_picture_that_was_given(open_page, give):
    page = open_page()
    give(page, EXAMPLES / "group.jpg")
    page.locator(CARD).nth(2).get_by_role("button", name="Why?").click()
    page.locator(f"{CARD} .why").wait_for()
    label = page.locator(f"{CARD} .why").get_attribute("aria-label")
    assert "face 3" in label and page.locator(f"{CARD} .why").count() == 1


def test_a_warning_is_a_chip_that_opens_to_its_sentence(open_page, give, astronaut):
    page = open_page()
    small = Image.new("RGB", (400, 400), (120, 120, 120))
    small.paste(Image.fromarray(astronaut).resize((100, 100)), (100, 100))
    give(page, {"name": "small.png", "mimeType": "image/png", "buffer": _encoded(small, "PNG")})
    chip = page.locator(f"{CARD} .chip").first
    chip.locator("summary", has_text="Small").wait_for()
    assert not chip.locator("p").is_visible()
    chip.locator("summary").click()
    assert "years on average" in chip.locator("p").inner_text()


def _download(page, name: str) -> bytes:
    with page.expect_download() as download:
        page.locator(f"#photo-answer button[data-keep={name}]").click()
    return Path(download.value.path()).read_bytes()


def test_everything_can_be_taken_away_and_nothing_is_left_on_the_server(three_faces, server):
    page = three_faces(1280, 900)
    before = set(server.uploads.rglob("*"))
    record = json.loads(_download(page, "json"))
    rows = list(csv.DictReader(io.StringIO(_download(page, "csv").decode())))
    assert [f["age"] for f in record["faces"]] == [float(row["age"]) for row in rows]
    assert len(rows) == 3 and record["file"] == "group.jpg"
    annotated = Image.open(io.BytesIO(_download(page, "picture")))
    plain = Image.open(EXAMPLES / "group.jpg")
    assert annotated.size == plain.size
    changed = np.abs(np.asarray(annotated.convert("RGB"), int) - np.asarray(plain, int)).max(axis=2)
    x1, y1, x2, _ = (int(v) for v in record["faces"][0]["box"])
    assert changed[y1 - 3 : y1 + 3, x1:x2].mean() > 30, "the box is drawn"
    assert changed[:, :20].mean() < 8, "and nothing else"
    hidden = Image.open(io.BytesIO(_download(page, "card")))
    page.get_by_label("with faces").check()
    shown = Image.open(io.BytesIO(_download(page, "card")))
    assert hidden.size == shown.size == (1200, 630)
    colors = [len(card.convert("RGB").getcolors(CARD_PIXELS)) for card in (hidden, shown)]
    assert colors[1] > 5 * colors[0], "faces only where they are asked for"
    assert set(server.uploads.rglob("*")) == before


def test_a_picture_larger_than_a_phone_can_draw_is_saved_smaller(open_page, give, tmp_path):
    page = open_page()
    large = Image.new("RGB", (5000, 4000), (120, 120, 120))
    large.paste(Image.open(EXAMPLES / "portrait.jpg").resize((1600, 1600)), (100, 100))
    large.save(tmp_path / "large.png", compress_level=1)
    give(page, tmp_path / "large.png")
    saved = Image.open(io.BytesIO(_download(page, "picture")))
    assert 0.99 * 4096**2 < saved.width * saved.height <= 4096**2
    assert saved.width / saved.height == pytest.approx(5000 / 4000, abs=0.001)
    place = page.locator(BOX).first.locator("rect").first
    x, y, width, height = (float(place.get_attribute(n)) for n in ("x", "y", "width", "height"))
    row, left, right = (
        round(v * saved.width / 5000) for v in (y + height, x + 0.1 * width, x + 0.9 * width)
    )
    line = np.asarray(saved.convert("RGB"), int)[row, left:right]
    assert np.ptp(line, axis=1).mean() > 100, "the box is drawn around the face"


def test_a_link_to_an_example_is_copied(three_faces, server):
    page = three_faces(390, 844)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#photo-answer button[data-keep=link]").click()
    page.locator("#photo-answer .keep-said", has_text="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.url}/?example=group"


def test_print_leaves_picture_and_answer(three_faces):
    page = three_faces(1280, 900)
    page.emulate_media(media="print")
    assert page.locator(".face-years").first.is_visible()
    for gone in (".view-bar", ".keep", ".face-buttons", "[role=tablist]"):
        assert not page.locator(gone).first.is_visible(), gone


def test_photo_can_be_pasted_and_dropped_anywhere(open_page):
    page = open_page()
    page.locator(CARD).first.wait_for()
    for event in ("paste", "drop"):
        page.evaluate(
            """async (name) => {
              const answer = await fetch(document.querySelector("#photo-stage .stage-given").src);
              const data = new DataTransfer();
              data.items.add(new File([await answer.blob()], "pasted.jpg", { type: "image/jpeg" }));
              const key = name === "paste" ? "clipboardData" : "dataTransfer";
              const Kind = name === "paste" ? ClipboardEvent : DragEvent;
              const event = new Kind(name, { [key]: data, bubbles: true, cancelable: true });
              document.body.dispatchEvent(event);
            }""",
            event,
        )
        page.locator("#photo-answer .keep:not([data-example])").wait_for(state="attached")
        record = page.locator("#photo-answer .keep").get_attribute("data-record")
        assert json.loads(record)["file"] == "pasted.jpg"
        page.locator("[data-example=portrait]").click()
        page.locator("#photo-answer .keep[data-example=portrait]").wait_for(state="attached")


def test_heic_photo_is_sent_back_as_one_that_the_browser_can_show(open_page, give, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    content = _encoded(sideways, "HEIF", exif=exif.tobytes(), quality=90)
    page = open_page()
    give(page, {"name": "IMG_0001.HEIC", "mimeType": "", "buffer": content})
    assert page.locator(CARD).count() == 1
    shown = page.locator("#photo-stage .stage-given")
    width, height = shown.evaluate("i => [i.naturalWidth, i.naturalHeight]")
    assert width / height == pytest.approx(400 / 512, abs=0.01)
    assert not page.locator("#photo-stage .stage-own").is_visible()


def test_animation_is_said_to_be_one(open_page, give, astronaut):
    frames = [Image.fromarray(astronaut), Image.new("RGB", (512, 512))]
    content = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    page = open_page()
    give(page, {"name": "moving.gif", "mimeType": "image/gif", "buffer": content})
    note = page.locator("#photo-answer .photo-note", has_text="more than one picture")
    assert note.is_visible() and "only the first" in note.inner_text()


@pytest.mark.parametrize("side", [120, 2500])
def test_boxes_lie_on_pictures_of_any_size(open_page, give, side):
    page = open_page()
    portrait = Image.open(EXAMPLES / "portrait.jpg").resize((side, side))
    give(page, {"name": "p.png", "mimeType": "image/png", "buffer": _encoded(portrait, "PNG")})
    image = page.locator("#photo-stage .stage-own")
    for size in SIZES:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(200)
        shown = image.bounding_box()
        scale = min(shown["width"], shown["height"]) / side
        left = shown["x"] + (shown["width"] - scale * side) / 2
        top = shown["y"] + (shown["height"] - scale * side) / 2
        rect = page.locator(BOX).first.locator("rect").last
        x, y = (float(rect.get_attribute(name)) for name in ("x", "y"))
        got = rect.bounding_box()
        assert np.allclose((got["x"], got["y"]), (left + x * scale, top + y * scale), atol=4)
        assert scale * side > 200, "small pictures are enlarged"
