"""Cutting the one face out of a whole photo."""

import io

import numpy as np
import pytest
from PIL import Image

from age_model.faces.crop import CROP_SIZE, crop_face
from age_model.faces.detector import load_detector
from train.data.face_crop import cropped


@pytest.fixture(scope="module")
def detector():
    return load_detector(None)


def _photo(*faces: tuple[np.ndarray, int], width: int = 900) -> bytes:
    """A grey photo, 400 pixels high, with heads of these widths pasted beside one another."""
    photo = Image.new("RGB", (width, 400), (110, 120, 130))
    left = 40
    for face, side in faces:
        photo.paste(Image.fromarray(face).resize((side, side), Image.LANCZOS), (left, 40))
        left += side + 60
    with io.BytesIO() as buffer:
        photo.save(buffer, "PNG")
        return buffer.getvalue()


@pytest.fixture(scope="module")
def head(astronaut) -> np.ndarray:
    return astronaut[:300, 80:380]


def test_one_face_is_cut_out_as_the_app_does_it(head, detector):
    photo = _photo((head, 300))
    with Image.open(io.BytesIO(cropped(photo, detector))) as crop:
        assert crop.format == "JPEG" and crop.size[0] == crop.size[1] <= CROP_SIZE
        got = np.asarray(crop).astype(int)
    image_rgb = np.asarray(Image.open(io.BytesIO(photo)))
    expected = crop_face(image_rgb, detector.detect(image_rgb), 0, len(got))
    assert np.abs(got - expected).mean() < 3


def test_a_small_face_is_not_made_larger(head, detector):
    sizes = []
    for side in (120, 300):
        with Image.open(io.BytesIO(cropped(_photo((head, side)), detector))) as crop:
            sizes.append(crop.size[0])
    assert sizes[0] < sizes[1] and sizes[0] < CROP_SIZE


def test_somebody_small_in_the_background_does_not_matter(head, detector):
    photo = _photo((head, 320), (head, 120))
    assert len(detector.detect(np.asarray(Image.open(io.BytesIO(photo))))) == 2
    alone = cropped(_photo((head, 320)), detector)
    with (
        Image.open(io.BytesIO(cropped(photo, detector))) as both,
        Image.open(io.BytesIO(alone)) as one,
    ):
        assert both.size == one.size
        assert np.abs(np.asarray(both).astype(int) - np.asarray(one)).mean() < 5


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("two alike", "several faces of about the same size"),
        ("none", "no face found"),
        ("empty", "empty or unreadable file"),
        ("text", "not a picture"),
    ],
)
def test_what_gives_no_crop_says_why(kind, said, head, detector):
    photo = {"two alike": _photo((head, 300), (head, 280)), "none": _photo(), "empty": b"",
             "text": b"\xff\xd8 no picture"}[kind]  # fmt: skip
    with pytest.raises(ValueError, match=f"^{said}$"):
        cropped(photo, detector)
