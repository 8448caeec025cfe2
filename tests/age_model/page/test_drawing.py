import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from age_model.page.drawing import (
    FACE_COLORS,
    LONGEST_SHOWN,
    SHORTEST_SHOWN,
    draw_faces,
    face_color,
    face_crops,
)  # fmt: skip


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def _where(image_rgb: np.ndarray, color: str) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((np.abs(image_rgb.astype(int) - _rgb(color)) <= 3).all(axis=2))


@pytest.mark.parametrize("size_wh", [(40, 30), (300, 400), (1000, 700), (5000, 4000)])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_box_is_drawn_where_the_face_is(size_wh, ground):
    width, height = size_wh
    picture = np.full((height, width, 3), ground, np.uint8)
    box = np.array([[0.25 * width, 0.3 * height, 0.75 * width, 0.9 * height]])
    drawn = draw_faces(picture, box)
    assert SHORTEST_SHOWN <= max(drawn.shape[:2]) <= LONGEST_SHOWN
    assert drawn.shape[1] / drawn.shape[0] == pytest.approx(width / height, rel=0.01)
    rows, columns = _where(drawn, face_color(0))
    line = 0.02  # of the picture
    assert columns.min() / drawn.shape[1] == pytest.approx(0.25, abs=line)
    assert columns.max() / drawn.shape[1] == pytest.approx(0.75, abs=line)
    assert rows.max() / drawn.shape[0] == pytest.approx(0.9, abs=line)
    # A line of one colour would vanish on some ground; the white one beside it does not.
    middle = drawn[round(0.6 * drawn.shape[0]), : drawn.shape[1] // 2]
    assert (middle == 255).all(axis=1).any()


def test_picture_itself_stays_as_it_is():
    picture = np.full((800, 900, 3), 90, np.uint8)
    draw_faces(picture, np.array([[100, 100, 400, 500]]))
    assert (picture == 90).all()


def test_no_box_leaves_the_picture_alone():
    picture = np.full((800, 900, 3), 90, np.uint8)
    assert (draw_faces(picture, np.zeros((0, 4))) == picture).all()


@pytest.mark.parametrize(
    "box", [(-300, -200, 300, 300), (700, 600, 1500, 1300), (-50, -50, 950, 850), (0, 0, 3, 3)]
)
def test_box_over_the_border_is_drawn_inside(box):
    picture = np.full((800, 900, 3), 90, np.uint8)
    drawn = draw_faces(picture, np.array([box]))
    rows, columns = _where(drawn, face_color(0))
    assert len(rows) > 100, "neither the box nor its number is seen"


def test_each_face_has_its_number():
    picture = np.full((800, 900, 3), 90, np.uint8)
    boxes = np.array([[100 * i, 300, 100 * i + 80, 400] for i in range(1, 5)])
    drawn = draw_faces(picture, boxes)
    tags = [drawn[255:298, 100 * i : 100 * i + 40] for i in range(1, 5)]
    for i, tag in enumerate(tags):
        assert len(_where(tag, face_color(i))[0]) > 100
        for other in tags[:i]:  # white on a colour: with the colours gone only digits differ
            assert ((tag > 240).all(axis=2) != (other > 240).all(axis=2)).any()


def test_white_digits_are_legible_on_all_colors():
    for color in FACE_COLORS:
        share = _rgb(color) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


def test_crop_of_each_face_is_a_jpeg_of_that_face(ages_of):
    picture = np.zeros((400, 800, 3), np.uint8)
    picture[:, :400], picture[:, 400:] = (200, 30, 30), (30, 30, 200)
    crops = face_crops(picture, ages_of((500, 100, 700, 300), (100, 100, 300, 300)), size=64)
    seen = []
    for crop in crops:
        kind, data = crop.split(",")
        assert kind == "data:image/jpeg;base64"
        image = Image.open(BytesIO(base64.b64decode(data)))
        assert image.size == (64, 64)
        seen.append("red" if np.asarray(image).mean(axis=(0, 1)).argmax() == 0 else "blue")
    assert seen == ["blue", "red"]
