import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from age_model.images import load
from age_model.images.load import ImageError, load_image, read_picture


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def test_every_kind_of_source_gives_the_same(colours, tmp_path):
    data = encoded(Image.fromarray(colours), "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    for source in (str(path), path, data, bytearray(data), Image.fromarray(colours), colours):
        got = load_image(source)
        assert got.dtype == np.uint8
        assert (got == colours).all(), type(source)


@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "MPO", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF", "HEIF"]
)
def test_formats(colours, kind):
    got = load_image(encoded(Image.fromarray(colours), kind)).astype(int)
    assert np.abs(got[5:35, 5:25] - colours[5:35, 5:25]).max() < 30


# Where the red half (first seen from the left) must lie once the tag is applied to the picture.
# HEIC and AVIF files turn the picture themselves and say so in EXIF too: it must be turned once.
@pytest.mark.parametrize("kind", ["PNG", "HEIF", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "shape", "red"),
    [(1, (40, 60), "left"), (2, (40, 60), "right"), (3, (40, 60), "right"), (4, (40, 60), "left"),
     (5, (60, 40), "top"), (6, (60, 40), "top"), (7, (60, 40), "bottom"), (8, (60, 40), "bottom")],
)  # fmt: skip
def test_exif_rotation_is_applied_once(colours, kind, orientation, shape, red):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(colours), kind, exif=exif.tobytes())
    assert kind != "HEIF" or orientation == 1 or b"irot" in data or b"imir" in data
    got = load_image(data)
    assert got.shape == (*shape, 3)
    half = {
        "left": got[:, : shape[1] // 2],
        "right": got[:, shape[1] // 2 :],
        "top": got[: shape[0] // 2],
        "bottom": got[shape[0] // 2 :],
    }[red]
    away_from_blue = half[8:-8, 8:-8].astype(int)
    assert np.abs(away_from_blue - (250, 10, 20)).max() < 30


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_turning_is_pillows(monkeypatch, orientation, mode):
    monkeypatch.setattr(load, "STRIP_PIXELS", 100)  # several strips
    noise = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(noise).convert(mode), "PNG", exif=exif.tobytes())
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert (load_image(data) == np.asarray(upright)).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_lose_the_picture(colours):
    data = encoded(Image.fromarray(colours), "PNG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert (load_image(data) == colours).all()


def test_transparency_is_laid_over_white():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:2] = (200, 0, 0, 255)
    want = np.full((4, 4, 3), 255, np.uint8)
    want[:2] = (200, 0, 0)
    assert (load_image(rgba) == want).all()
    assert (load_image(encoded(Image.fromarray(rgba), "PNG")) == want).all()
    palette = Image.fromarray(rgba).quantize(4)
    assert palette.mode == "P"
    assert np.abs(load_image(encoded(palette, "PNG")).astype(int) - want).max() <= 8


def test_grey_of_8_and_16_bits_and_floats():
    ramp = np.tile(np.arange(256, dtype=np.uint16), (4, 1))
    want = np.repeat(ramp.astype(np.uint8)[..., None], 3, axis=2)
    assert (load_image(ramp.astype(np.uint8)) == want).all()
    assert (load_image(encoded(Image.fromarray(ramp * 257), "PNG")) == want).all()
    assert (load_image(encoded(Image.fromarray(ramp * 257), "TIFF")) == want).all()
    floats = Image.fromarray((ramp / 255).astype(np.float32))
    assert (load_image(encoded(floats, "TIFF")) == want).all()


def test_a_dark_16_bit_picture_stays_dark():
    dark = np.full((4, 4), 2570, np.uint16)
    assert (load_image(encoded(Image.fromarray(dark), "PNG")) == 10).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr", "HSV"])
def test_other_modes_keep_light_and_dark(mode):
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:8] = 255
    got = load_image(Image.fromarray(picture).convert(mode))
    assert got.shape == (16, 16, 3)
    assert got[:7].min() > 240
    assert got[9:].max() < 15


def test_cmyk_jpeg(colours):
    got = load_image(encoded(Image.fromarray(colours).convert("CMYK"), "JPEG")).astype(int)
    assert np.abs(got[5:35, 5:25] - colours[5:35, 5:25]).max() < 30


def test_first_frame_of_an_animation(colours):
    frames = [Image.fromarray(colours), Image.new("RGB", (60, 40))]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert np.abs(load_image(data).astype(int) - colours).max() < 5
    opened = Image.open(io.BytesIO(data))
    opened.seek(1)
    assert np.abs(load_image(opened).astype(int) - colours).max() < 5


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "TIFF", "PNG", "HEIF"])
def test_more_than_one_picture_in_a_file_is_noticed_and_the_first_is_taken(colours, kind):
    frames = [
        Image.fromarray(colours),
        Image.new("RGB", (60, 40)),
        Image.new("RGB", (60, 40), "red"),
    ]
    image_rgb, count = read_picture(
        encoded(frames[0], kind, save_all=True, append_images=frames[1:], primary_index=0)
    )
    assert count == 2
    assert np.abs(image_rgb[5:35, 5:25].astype(int) - colours[5:35, 5:25]).max() < 30


def test_a_photo_is_one_picture_also_with_its_preview_beside_it(colours):
    photo = Image.fromarray(colours)
    assert read_picture(encoded(photo, "JPEG")).frames == 1
    assert read_picture(colours).frames == 1
    mpo = encoded(photo, "MPO", save_all=True, append_images=[photo.resize((30, 20))])
    assert Image.open(io.BytesIO(mpo)).n_frames == 2
    assert read_picture(mpo).frames == 1


@pytest.mark.parametrize(
    ("array", "got"),
    [(np.zeros((4, 4, 3)), "float64"), (np.zeros((4, 4, 2), np.uint8), r"\(4, 4, 2\)"),
     (np.zeros(9, np.uint8), r"\(9,\)"), (np.zeros((0, 5, 3), np.uint8), "5 x 0")],
)  # fmt: skip
def test_wrong_arrays(array, got):
    with pytest.raises(ImageError, match=got):
        load_image(array)


def test_wrong_type():
    with pytest.raises(ImageError, match=r"expected a picture as a path.*got int"):
        load_image(7)
