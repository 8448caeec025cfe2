"""From a path, bytes, a Pillow picture or an array to one form: upright RGB, uint8."""

import os
import re
import stat
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageOps

MAX_PIXELS = 50_000_000  # a 50-megapixel photo takes 150 MB once decoded
MAX_BYTES = 100 * 1024 * 1024

pillow_heif.register_heif_opener()  # what iPhones save; Pillow itself reads all the others
# Bitmap formats only: Pillow also opens EPS and the like, which start other programs. Phones' MPO
# files are read as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo",
    ".ppm", ".pgm", ".pbm", ".avif", ".heic", ".heif",
)  # fmt: skip

# Brightest values that deep grey pictures count up to: floats, 8 bit, 16 bit, 32 bit.
FULL_SCALES = (1.0, 255.0, 65535.0, 2.0**32 - 1)


class ImageError(ValueError):
    """A picture that cannot be used: unreadable, too large, or of a form that is not taken."""


Source = str | os.PathLike[str] | bytes | Image.Image | np.ndarray


class Picture(NamedTuple):
    """A picture, and how many there are in its file.

    Attributes:
        image_rgb: (H, W, 3) uint8, the first of them, upright.
        frames: frames of an animation, pages of a TIFF or the like; 1 for most files.
    """

    image_rgb: np.ndarray
    frames: int


def load_image(source: Source) -> np.ndarray:
    """The `image_rgb` of `read_picture`."""
    return read_picture(source).image_rgb


def read_picture(source: Source) -> Picture:
    """Read a picture, turned as its EXIF data says.

    Grey, palette, 16-bit and CMYK pictures are converted, transparent ones are laid over white,
    and of an animation the first frame is taken. Limits are checked before anything is decoded.

    Args:
        source: path of a file, its bytes, a Pillow picture, or a uint8 array of shape (H, W),
            (H, W, 3) RGB or (H, W, 4) RGBA.

    Returns:
        the picture, in its own memory or the caller's array.

    Raises:
        ImageError: the picture is missing, empty, damaged, too large or of an unknown form.
    """
    if isinstance(source, np.ndarray):
        return Picture(_from_array(source), 1)
    if isinstance(source, Image.Image):
        return _from_pillow(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source))
    if isinstance(source, (str, os.PathLike)):
        return _from_bytes(_read_file(Path(source)))
    raise ImageError(
        "expected a picture as a path, bytes, a Pillow picture or a uint8 array, "
        f"got {type(source).__name__}"
    )


def _read_file(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device could be read for ever
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "something else"
            raise ImageError(f"expected a picture file, but this is {what}")
        check_bytes(status.st_size)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("no such file: check the path") from error
    except PermissionError as error:
        raise ImageError("may not be read: change the file's permissions") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageError(f"cannot be read: {error}") from error


def _from_bytes(data: bytes) -> Picture:
    check_bytes(len(data))
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"\d+", str(error))  # Pillow's own limit, far above ours
        got = f"{int(pixels[0]) // 10**6} million" if pixels else "far more"
        raise ImageError(_too_many_pixels(got)) from error
    except Exception as error:  # decoders of damaged data raise nearly anything
        raise ImageError(
            "is not a picture that can be read: expected one of "
            f"{', '.join(FORMATS)} (HEIC); save it as JPEG or PNG and try again"
        ) from error
    return _from_pillow(image)


def _from_pillow(image: Image.Image) -> Picture:
    _check_pixels(*image.size)
    try:
        frames = getattr(image, "n_frames", 1)
        # A HEIF file says itself which of its pictures comes first.
        if frames > 1 and image.format != "HEIF":
            image.seek(0)
        if image.format == "MPO":  # a photo with its preview, depth or brightness beside it
            frames = 1
        image.load()
    except Exception as error:
        raise ImageError(
            f"is damaged or cut short ({error}): get the picture again from its source"
        ) from error
    # A HEIF picture comes upright from its decoder, with its EXIF data saying so.
    with suppress(Exception):  # damaged EXIF data; the picture itself is sound
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # else Pillow copies it in vain
            image = ImageOps.exif_transpose(image)
    return Picture(np.asarray(to_rgb(image)), frames)


def _from_array(array: np.ndarray) -> np.ndarray:
    channels = {2: (), 3: (3, 4)}.get(array.ndim)
    if array.dtype != np.uint8 or channels is None or (channels and array.shape[2] not in channels):
        raise ImageError(
            "expected a uint8 array of shape (H, W), (H, W, 3) or (H, W, 4), values 0..255, "
            f"got {array.dtype} of shape {array.shape}"
        )
    _check_pixels(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 3:
        return array
    return np.asarray(to_rgb(Image.fromarray(array)))


def check_bytes(size: int) -> None:
    """Raise ImageError where a file of `size` bytes is empty or too large."""
    if size == 0:
        raise ImageError("is empty (0 bytes): expected a picture")
    if size > MAX_BYTES:
        raise ImageError(
            f"is too large: {size / 2**20:.0f} MB, at most {MAX_BYTES // 2**20} MB are taken; "
            "save a smaller copy"
        )


def _check_pixels(width: int, height: int) -> None:
    if width * height == 0:
        raise ImageError(f"has no pixels: its size is {width} x {height}")
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f"{width} x {height}"))


def _too_many_pixels(got: str) -> str:
    return f"has too many pixels ({got}), at most {MAX_PIXELS // 10**6} million are taken; shrink it first"


def to_rgb(image: Image.Image) -> Image.Image:
    """A picture of the mode RGB; transparent ones are laid over white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_deep_grey_to_8_bits(image)).convert("RGB")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return image.convert("RGB")


def _deep_grey_to_8_bits(image: Image.Image) -> np.ndarray:
    """(H, W) uint8 from a picture of 16 or 32 bits, whole numbers or floats.

    Such files rarely say where white lies, so it is the smallest usual full scale that holds the
    brightest pixel; a file that says 16 bit has 16.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    brightest = values.max(initial=0.0)
    scales = [65535.0] if image.mode.startswith("I;16") else FULL_SCALES
    scale = next((s for s in scales if brightest <= s), max(brightest, 1.0))
    return np.clip(np.rint(values * (255.0 / scale)), 0, 255).astype(np.uint8)
