"""What is refused before it can do harm, and damaged files."""

import io
import os
import time
import warnings

import numpy as np
import pytest
from PIL import Image

from age_model.bench.hostile import tiff_chain
from age_model.images import load as images
from age_model.images.load import ImageError, load_image, read_picture


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def test_limits_are_checked_before_decoding(monkeypatch, png_header):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    for side in (60_000, 9_000):
        with warnings.catch_warnings(), pytest.raises(ImageError, match="too many pixels"):
            warnings.simplefilter("ignore")
            load_image(png_header(side, side))


def test_heic_is_measured_before_it_is_decoded(colours, monkeypatch):
    data = encoded(Image.fromarray(colours), "HEIF")
    opened = Image.open(io.BytesIO(data))
    monkeypatch.setattr(type(opened), "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(images, "MAX_PIXELS", 40 * 60 - 1)
    with pytest.raises(ImageError, match="60 x 40"):
        load_image(data)


def test_heic_says_itself_which_picture_comes_first(colours):
    others = [Image.new("RGB", (30, 20)), Image.fromarray(colours)]
    data = encoded(others[0], "HEIF", save_all=True, append_images=others[1:], primary_index=1)
    assert load_image(data).shape == (40, 60, 3)


def test_webp_may_have_fewer_pixels_than_others(monkeypatch):
    monkeypatch.setattr(images, "MAX_WEBP_PIXELS", 99)
    picture = Image.new("RGB", (10, 10))
    assert load_image(encoded(picture, "PNG")).shape == (10, 10, 3)
    with pytest.raises(images.TooManyPixelsError, match=r"for a WebP picture .10 x 10.*as JPEG"):
        load_image(encoded(picture, "WEBP"))


def test_pixel_limit_holds_for_pictures_and_arrays(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 99)
    for source in (Image.new("RGB", (10, 10)), np.zeros((10, 10, 3), np.uint8)):
        with pytest.raises(ImageError, match="10 x 10"):
            load_image(source)


def test_large_files_are_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "large.jpg"
    with open(path, "wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda self: pytest.fail("read"))
    with pytest.raises(ImageError, match="too large: 100 MB"):
        load_image(path)


def test_damaged_files(tmp_path, png_header):
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG")
    for content, message in [
        (b"", "is empty"),
        (data[: len(data) // 2], "cut short"),
        (b"only text\n" * 50, "is not a picture"),
        (png_header(50, 50), "damaged"),
        (encoded(Image.fromarray(noise), "HEIF")[:-2000], "cut short|not a picture"),
    ]:
        path = tmp_path / "picture.jpg"
        path.write_bytes(content)
        with pytest.raises(ImageError, match=message):
            load_image(path)


def test_paths_that_are_no_picture_files(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        load_image(tmp_path / "missing.jpg")
    with pytest.raises(ImageError, match="this is a folder"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        load_image("nul\0l.jpg")
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(ImageError, match="something else"):
        load_image(pipe)


def test_pages_of_a_document_are_not_counted():
    """80,000 pages in a chain took 40 seconds: Pillow looks through the ones before at each."""
    data = tiff_chain(10_000)
    began = time.process_time()
    assert read_picture(data).frames == 2
    assert time.process_time() - began < 0.2


def test_programs_that_draw_are_not_started():
    with pytest.raises(ImageError, match="is not a picture"):
        load_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
