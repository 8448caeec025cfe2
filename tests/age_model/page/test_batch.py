import io
import logging
import zipfile
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image

from age_model.page import batch
from age_model.page.batch import MAX_OTHERS, MAX_PICTURES, examine, given_files
from age_model.results import FaceAges


def _picture(width: int = 9) -> bytes:
    with io.BytesIO() as buffer:
        Image.new("RGB", (width, 7)).save(buffer, "PNG")
        return buffer.getvalue()


def _no_face(image_rgb: np.ndarray) -> FaceAges:
    return FaceAges.empty()


@pytest.fixture
def uploads(tmp_path):
    """Function from names to contents, which it writes, to uploads."""

    def make(*files: tuple[str, bytes]) -> list[dict]:
        made = []
        for index, (name, content) in enumerate(files):
            path = tmp_path / f"upload-{index}"
            path.write_bytes(content)
            made.append({"path": str(path), "orig_name": name})
        return made

    return make


@pytest.fixture
def records(tmp_path):
    """Function from uploads to the records of all."""

    def get(given: list[dict], predictor=_no_face) -> list[dict]:
        with ExitStack() as opened:
            files = given_files(given, str(tmp_path), opened)
            return [examine(predictor, file).record for file in files]

    return get


def _zip(*files: tuple[str, bytes]) -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as made:
            for name, content in files:
                made.writestr(name, content)
        return buffer.getvalue()


def test_pictures_and_zips_in_their_order_with_equal_names(uploads, records):
    packed = _zip(("x/a.png", _picture(2)), ("y/a.png", _picture(3)), ("bad.png", b"no"))
    got = records(uploads(("a.png", _picture(1)), ("all.ZIP", packed), ("b.png", _picture(4))))
    assert [(r["file"], r["width"]) for r in got] == [
        ("a.png", 1), ("a.png", 2), ("a.png", 3), ("bad.png", None), ("b.png", 4),
    ]  # fmt: skip
    assert [r["error"] is None for r in got] == [True, True, True, False, True]
    assert "expected one of JPEG" in got[3]["error"]


def test_zip_is_known_by_its_content_and_a_bad_one_by_its_name(uploads, records):
    given = uploads(
        ("photos", _zip(("a.png", _picture()))), ("b.zip", b"no"), ("c.zip", _zip((".x", b"")))
    )
    first, second, third = records(given)
    assert first["file"] == "a.png" and first["error"] is None
    assert second["file"] == "b.zip" and "not a zip file" in second["error"]
    assert third["error"] == "is a zip without pictures"


def test_no_more_than_the_limit_is_examined(uploads, records):
    packed = _zip(*((f"{i}.png", _picture()) for i in range(MAX_PICTURES)), ("readme.txt", b"x"))
    seen = []
    got = records(
        uploads(("first.png", _picture()), ("a.zip", packed), ("last.png", _picture())),
        lambda image: seen.append(1) or FaceAges.empty(),
    )
    assert len(seen) == MAX_PICTURES == 200
    assert [r["file"] for r in got if r["error"] == batch.TOO_MANY] == ["199.png", "last.png"]
    assert "at most 200 pictures at once" in batch.TOO_MANY


def test_files_that_are_no_pictures_neither_count_nor_fill_the_page(uploads, records):
    notes = ((f"{i}.txt", b"") for i in range(MAX_OTHERS + 7))
    got = records(uploads(("a.zip", _zip(*notes, ("a.png", _picture())))))
    assert len(got) == MAX_OTHERS + 2
    assert got[-2]["file"] == "a.png" and got[-2]["error"] is None
    assert got[-1]["file"] is None and got[-1]["error"] == "7 more files are not listed"


def test_only_so_many_uploads_are_opened(uploads, tmp_path):
    picture, packed = uploads(("a.png", _picture()), ("a.zip", _zip(("a.png", _picture()))))
    with ExitStack() as opened:
        files = given_files([packed] * 12 + [picture] * 300, str(tmp_path), opened)
        assert [f.error for f in files].count(batch.TOO_MANY_ARCHIVES) == 2
        assert [f.error for f in files].count(None) == MAX_PICTURES - 2


def test_upload_that_is_deleted_meanwhile_is_still_examined(uploads, tmp_path):
    given = uploads(("a.png", _picture()), ("b.zip", _zip(("b.png", _picture()))))
    with ExitStack() as opened:
        files = given_files(given, str(tmp_path), opened)
        for upload in given:
            (tmp_path / upload["path"]).unlink()
        got = [examine(_no_face, file).record for file in files]
    assert [r["error"] for r in got] == [None, None]


def test_other_files_of_the_machine_are_not_read(uploads, tmp_path):
    (outside,) = uploads(("a.png", _picture()))
    folder = tmp_path / "uploads"
    folder.mkdir()
    with ExitStack() as opened:
        (file,) = given_files([outside], str(folder), opened)
    assert "not an uploaded picture" in file.error and file.read is None


def test_surprise_is_said_and_does_not_end_the_others(uploads, records, caplog):
    def broken(image_rgb):
        if image_rgb.shape[1] == 1:
            raise RuntimeError("out of luck")
        return FaceAges.empty()

    with caplog.at_level(logging.ERROR):
        first, second = records(uploads(("me.png", _picture(1)), ("b.png", _picture(2))), broken)
    assert first["error"] == batch.FAILED and second["error"] is None
    assert "out of luck" in caplog.text and "me.png" not in caplog.text
