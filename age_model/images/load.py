"""From a path, bytes, a Pillow picture or an array to one form: upright RGB, uint8."""

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

MAX_PIXELS = 50_000_000  # a 50-megapixel photo takes 150 MB once decoded
MAX_WEBP_PIXELS = 32_000_000  # libwebp takes 15 bytes a pixel beside the answer
MAX_BYTES = 100 * 1024 * 1024
STRIP_PIXELS = 2**15  # are converted at a time
TOO_MUCH_MEMORY = "needs too much memory to be decoded: save a smaller copy, or another format"

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


class TooManyPixelsError(ImageError):
    """A picture of more pixels than are taken."""


Source = str | os.PathLike[str] | bytes | Image.Image | np.ndarray


class Picture(NamedTuple):
    """A picture, and whether it is alone in its file.

    Attributes:
        image_rgb: (H, W, 3) uint8, the first of them, upright.
        frames: 1, or 2 where the file holds more: an animation, a document of many pages. They are
            not counted, which in a TIFF of 80,000 pages takes Pillow 40 seconds.
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
        return decode(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(open_picture(BytesIO(source), len(source)))
    if isinstance(source, (str, os.PathLike)):
        with open_file(Path(source)) as file:
            return decode(open_picture(file, os.fstat(file.fileno()).st_size))
    raise ImageError(
        "expected a picture as a path, bytes, a Pillow picture or a uint8 array, "
        f"got {type(source).__name__}"
    )


def open_file(path: Path) -> BinaryIO:
    """Open a picture's file.

    Raises:
        ImageError: there is none, it may not be read, or it is not a plain file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device could be read for ever
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "something else"
            raise ImageError(f"expected a picture file, but this is {what}")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ImageError("no such file: check the path") from error
    except PermissionError as error:
        raise ImageError("may not be read: change the file's permissions") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageError(f"cannot be read: {error}") from error


def open_picture(file: BinaryIO, size: int) -> Image.Image:
    """Read the header of a picture of `size` bytes; `file` is to stay open until it is decoded.

    Raises:
        ImageError: the file is empty, too large, no picture, or a picture of too many pixels.
    """
    check_bytes(size)
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"\d+", str(error))  # Pillow's own limit, far above ours
        got = f"{int(pixels[0]) // 10**6} million" if pixels else "far more"
        raise TooManyPixelsError(_too_many_pixels(got)) from error
    except Exception as error:  # decoders of damaged data raise nearly anything
        raise ImageError(
            "is not a picture that can be read: expected one of "
            f"{', '.join(FORMATS)} (HEIC); save it as JPEG or PNG and try again"
        ) from error
    check_pixels(*image.size)
    if image.format == "WEBP" and image.width * image.height > MAX_WEBP_PIXELS:
        raise TooManyPixelsError(
            f"has too many pixels for a WebP picture ({image.width} x {image.height}), at most "
            f"{MAX_WEBP_PIXELS // 10**6} million are taken: shrink it, or save it as JPEG"
        )
    return image


def decode(image: Image.Image, memory: np.ndarray | None = None) -> Picture:
    """The pixels of an opened picture, upright.

    Beside what Pillow decodes to, it takes no more than the answer and a few rows: a picture of 50
    megapixels would otherwise be copied up to five times.

    Args:
        image: from `open_picture`.
        memory: (H * W * 3,) uint8 to write the answer to; None takes new memory.

    Raises:
        ImageError: the picture is damaged or cut short.
    """
    check_pixels(*image.size)
    try:
        # Not `n_frames`, which counts them all, and breaks some TIFF files: Pillow #9851.
        frames = 2 if getattr(image, "is_animated", False) else 1
        # A HEIF file says itself which of its pictures comes first.
        if frames > 1 and image.format != "HEIF":
            image.seek(0)
        if image.format == "MPO":  # a photo with its preview, depth or brightness beside it
            frames = 1
        image.load()
    except MemoryError as error:
        raise ImageError(TOO_MUCH_MEMORY) from error
    except Exception as error:
        raise ImageError(
            f"is damaged or cut short ({error}): get the picture again from its source"
        ) from error
    width, height = image.size
    orientation = _orientation(image)
    shape = (width, height, 3) if orientation in SIDEWAYS else (height, width, 3)
    if memory is None:
        memory = np.empty(height * width * 3, np.uint8)
    image_rgb = memory.reshape(shape)
    _write_rgb(image, UNTURNED[orientation](image_rgb))
    return Picture(image_rgb, frames)


# By EXIF's orientation: how an upright picture is looked at in the order in which the file has it.
UNTURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, 3),
}
SIDEWAYS = (5, 6, 7, 8)


def _orientation(image: Image.Image) -> int:
    # A HEIF picture comes upright from its decoder, with its EXIF data saying so.
    with suppress(Exception):  # damaged EXIF data; the picture itself is sound
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation if orientation in UNTURNED else 1
    return 1


def _write_rgb(image: Image.Image, rows: np.ndarray) -> None:
    """Write a decoded picture to (H, W, 3) uint8, a few rows at a time."""
    width, height = image.size
    step = max(1, STRIP_PIXELS // width)
    strips = [(top, min(top + step, height)) for top in range(0, height, step)]
    white = _white_level(image, strips)
    for top, bottom in strips:
        strip = image.crop((0, top, width, bottom))
        rows[top:bottom] = np.asarray(_rgb(strip, white))


def _from_array(array: np.ndarray) -> np.ndarray:
    channels = {2: (), 3: (3, 4)}.get(array.ndim)
    if array.dtype != np.uint8 or channels is None or (channels and array.shape[2] not in channels):
        raise ImageError(
            "expected a uint8 array of shape (H, W), (H, W, 3) or (H, W, 4), values 0..255, "
            f"got {array.dtype} of shape {array.shape}"
        )
    check_pixels(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 3:
        return array
    return decode(Image.fromarray(array)).image_rgb


def check_bytes(size: int) -> None:
    """Raise ImageError where a file of `size` bytes is empty or too large."""
    if size == 0:
        raise ImageError("is empty (0 bytes): expected a picture")
    if size > MAX_BYTES:
        raise ImageError(
            f"is too large: {size / 2**20:.0f} MB, at most {MAX_BYTES // 2**20} MB are taken; "
            "save a smaller copy"
        )


def check_pixels(width: int, height: int) -> None:
    """Raise ImageError for a picture without pixels or with too many."""
    if width * height == 0:
        raise ImageError(f"has no pixels: its size is {width} x {height}")
    if width * height > MAX_PIXELS:
        raise TooManyPixelsError(_too_many_pixels(f"{width} x {height}"))


def _too_many_pixels(got: str) -> str:
    most = MAX_PIXELS // 10**6
    return f"has too many pixels ({got}), at most {most} million are taken; shrink it first"


def _rgb(image: Image.Image, white: float) -> Image.Image:
    """A picture of the mode RGB; transparent ones are laid over white.

    Args:
        white: see `_white_level`.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if _is_deep_grey(image):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        grey = np.clip(np.rint(values * (255.0 / white)), 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture).convert("RGB")
    return image.convert("RGB")


def _is_deep_grey(image: Image.Image) -> bool:
    """Whether it has 16 or 32 bits a pixel, whole numbers or floats."""
    return image.mode.startswith(("I", "F"))


def _white_level(image: Image.Image, strips: list[tuple[int, int]]) -> float:
    """The value that is white in a deep grey picture; 255 in any other.

    Such files rarely say where white lies, so it is the smallest usual full scale that holds the
    brightest pixel; a file that says 16 bit has 16.
    """
    if not _is_deep_grey(image):
        return 255.0
    if image.mode.startswith("I;16"):
        return 65535.0
    brightest = 0.0
    for top, bottom in strips:
        strip = image.crop((0, top, image.width, bottom))
        brightest = max(brightest, np.nan_to_num(np.asarray(strip, np.float64)).max())
    return next((s for s in FULL_SCALES if brightest <= s), max(brightest, 1.0))
