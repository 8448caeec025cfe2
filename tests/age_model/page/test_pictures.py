import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from age_model.page.pictures import (
    FACE_COLORS,
    LONGEST_SHOWN,
    data_uri,
    face_color,
    png_uri,
    screen_size,
)  # fmt: skip


@pytest.mark.parametrize("size_wh", [(5000, 4000), (300, 4000), (4000, 1)])
def test_large_picture_is_shrunk_to_a_screen(size_wh):
    picture = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    shown = screen_size(picture)
    assert max(shown.shape[:2]) == LONGEST_SHOWN and min(shown.shape[:2]) >= 1
    if min(size_wh) > 1:
        assert shown.shape[1] / shown.shape[0] == pytest.approx(size_wh[0] / size_wh[1], rel=0.01)
    assert picture.shape == (size_wh[1], size_wh[0], 3) and (shown == 90).all()


def test_other_pictures_stay_as_they_are():
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    assert screen_size(picture) is picture


def test_white_digits_are_legible_on_all_colors():
    for color in FACE_COLORS:
        share = np.array(list(bytes.fromhex(color[1:]))) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


def test_colors_come_in_turn_from_face_1():
    assert [face_color(n) for n in (1, 2, 7)] == [FACE_COLORS[0], FACE_COLORS[1], FACE_COLORS[0]]


def test_data_uris_hold_the_picture():
    red = np.full((7, 9, 3), (200, 30, 30), np.uint8)
    clear = np.zeros((7, 9, 4), np.uint8)
    for uri, kind, mode in ((data_uri(red), "jpeg", "RGB"), (png_uri(clear), "png", "RGBA")):
        head, data = uri.split(",")
        assert head == f"data:image/{kind};base64"
        image = Image.open(BytesIO(base64.b64decode(data)))
        assert image.size == (9, 7) and image.mode == mode
