import csv
import io
import json
import logging

import pytest
from PIL import Image

from age_model.page.answers import api_answer, page_answer
from age_model.results import picture_record
from tests.support.markup import read
from tests.support.stub_predictor import StubPredictor

BOX = (180, 60, 270, 180)


def _upload(path, name="holiday.jpg") -> dict:
    return {"path": str(path), "orig_name": name}


def _page(answer, given, folder):
    return page_answer(StubPredictor(answer), given, str(folder))


def test_faces_give_boxes_and_cards(photo, ages_of):
    boxes, html = _page(ages_of(BOX), _upload(photo) | {"size": [512, 512]}, photo.parent)
    assert len(read(boxes).all("a")) == 1 and not read(boxes).all("img"), "the browser has it"
    assert len(read(html).all("article", "face")) == 1


@pytest.mark.parametrize("size", [None, [512, 400], "512", [512, 512, 3]])
def test_a_picture_that_the_browser_does_not_show_alike_is_sent(photo, ages_of, size):
    boxes, _ = _page(ages_of(BOX), _upload(photo) | {"size": size}, photo.parent)
    assert read(boxes).one("img")["src"].startswith("data:image/jpeg;base64,")
    assert read(boxes).one("svg")["viewbox"] == "0 0 512 512"


def test_an_example_is_answered_by_its_name_and_can_be_linked_to(tmp_path, ages_of):
    boxes, html = _page(ages_of(BOX), {"example": "group"}, tmp_path)
    assert read(boxes).one("img") and read(html).one(css_class="keep")["data-example"] == "group"
    for name in ("../secret", "group.jpg", None, ["group"]):
        assert "not an uploaded picture" in _page(ages_of(), {"example": name}, tmp_path).answer


def test_what_can_be_saved_is_what_the_command_line_writes(photo, ages_of):
    _, html = _page(ages_of(BOX), _upload(photo), photo.parent)
    keep = read(html).one(css_class="keep")
    record = json.loads(keep["data-record"])
    assert record == picture_record("holiday.jpg", (512, 512), ages_of(BOX))
    (row,) = csv.DictReader(io.StringIO(keep["data-table"]))
    assert (row["file"], row["age"]) == ("holiday.jpg", "35.0")


def test_no_face_gives_a_sentence_and_no_age(photo, ages_of):
    boxes, html = _page(ages_of(), _upload(photo), photo.parent)
    assert not read(boxes).all("a")
    assert read(html).one(role="status") and not read(html).all(css_class="face-years")


@pytest.mark.parametrize("given", [None, "", [], {}, {"path": None}, {"path": 3}, {"path": ["a"]}])
def test_what_names_no_picture_is_said_so(given, tmp_path):
    boxes, html = _page(None, given, tmp_path)
    assert boxes == "" and read(html).one(role="alert")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0cut short"])
def test_bad_file_gives_its_reason(content, tmp_path):
    path = tmp_path / "upload.jpg"
    path.write_bytes(content)
    boxes, html = _page(None, _upload(path, "<i>me.jpg"), tmp_path)
    assert boxes == ""
    assert read(html).one(role="alert").text.count("<i>me.jpg") == 1
    record = api_answer(None, _upload(path, "me.jpg"), str(tmp_path))
    assert record["file"] == "me.jpg" and record["faces"] == [] and record["error"]


def test_surprise_gives_a_sentence_and_a_line_in_the_log(photo, caplog):
    def broken(image):
        raise RuntimeError("out of luck")

    with caplog.at_level(logging.ERROR):
        boxes, html = _page(broken, _upload(photo, "private name.jpg"), photo.parent)
    assert boxes == ""
    assert read(html).one(role="alert") and "luck" not in html
    assert "out of luck" in caplog.text and "private name" not in caplog.text


def test_files_outside_the_upload_folder_are_not_read(photo, tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    link = folder / "link.jpg"
    link.symlink_to(photo)
    for path in (photo, folder / ".." / "photo.jpg", link, "", "/etc/passwd"):
        record = api_answer(None, _upload(path), str(folder))
        assert "not an uploaded picture" in record["error"], path
        assert "not an uploaded picture" in _page(None, _upload(path), folder)[1]


def test_deleted_upload_is_said_in_words(tmp_path):
    assert "no longer here" in _page(None, _upload(tmp_path / "gone.jpg"), tmp_path)[1]


@pytest.mark.parametrize("boxes", [(), (BOX,)], ids=["no face", "a face"])
def test_animation_is_said_on_the_page_and_in_the_record(boxes, tmp_path, ages_of):
    frames = [Image.new("RGB", (64, 48), name) for name in ("white", "red", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])

    def predictor(image):
        assert (image == 255).all(), "the first frame is the white one"
        return ages_of(*boxes)

    sentence = "more than one picture"
    assert sentence in _page(predictor, _upload(path), tmp_path)[1]
    assert sentence in api_answer(predictor, _upload(path), str(tmp_path))["notes"][0]
    frames[0].save(path)
    assert sentence not in _page(predictor, _upload(path), tmp_path)[1]


def test_predictor_sees_the_picture_upright(tmp_path, ages_of):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = tmp_path / "phone.jpg"
    Image.new("RGB", (64, 48)).save(path, exif=exif)
    seen = []
    record = api_answer(lambda image: seen.append(image) or ages_of(), _upload(path), str(tmp_path))
    assert seen[0].shape == (64, 48, 3)
    assert (record["width"], record["height"]) == (48, 64)


def test_thresholds_only_when_asked_for(photo, ages_of):
    def face(**options):
        record = api_answer(
            lambda image: ages_of(BOX), _upload(photo), str(photo.parent), **options
        )
        return record["faces"][0]

    assert "probability_at_least" not in face()
    tails = face(thresholds=True)["probability_at_least"]
    assert list(tails) == ["13", "16", "18", "21", "25"]
    assert tails["13"] == 1 and 0.97 < tails["25"] < 0.99  # a normal distribution, 35 and 5 years


def test_name_in_the_record_has_no_folders(photo, ages_of):
    upload = _upload(photo, "/home/me/secret/holiday.jpg")
    record = api_answer(lambda image: ages_of(BOX), upload, str(photo.parent))
    assert record["file"] == "holiday.jpg"
    assert [face["group"] for face in record["faces"]] == ["30-39"]
