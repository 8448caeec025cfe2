"""What a clip may be, and what is said of one that is not so."""

from age_model.images import ImageError

MAX_SECONDS = 30
SLACK_SECONDS = 1  # cameras stop a little late
MAX_BYTES = 50 * 1024 * 1024
MAX_SIZE = (1920, 1080)  # pixels, lying or standing: it is their product that counts
MAX_FRAMES_A_SECOND = 120  # all are decoded, though few are looked at
FRAMES_A_SECOND = 4  # that are looked at

FORMATS = "MP4, MOV, WebM, MKV or AVI"
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # that such a file begins with
START_BYTES = 12  # of a file, which tell its form

SAVE_AGAIN = "save it again, as MP4"
NOT_READABLE = (
    "holds no video that can be read: it may be damaged, cut short, or sound alone; " + SAVE_AGAIN
)
NO_TIMES = (
    f"has more than {MAX_FRAMES_A_SECOND} frames a second, or does not say when each was taken: "
    + SAVE_AGAIN
)


class VideoError(ImageError):
    """A clip that cannot be used: unreadable, too long, too large, or of a form that is not taken."""


def check_file(size: int, start: bytes) -> None:
    """Raise VideoError for a file of `size` bytes that starts so, START_BYTES of it."""
    if size == 0:
        raise VideoError("is empty (0 bytes): expected a video")
    if size > MAX_BYTES:
        raise VideoError(
            f"is too large: {size / 2**20:.0f} MB, at most {MAX_BYTES // 2**20} MB are taken; "
            "cut it, or save a smaller copy"
        )
    mp4, matroska = start[4:8] in MP4_BOXES, start[:4] == b"\x1a\x45\xdf\xa3"
    if not (mp4 or matroska or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")):
        raise VideoError(f"is not a video that is taken: expected {FORMATS}")


def check_seconds(seconds: float) -> None:
    """Raise VideoError for a clip that says that it is too long."""
    if seconds > MAX_SECONDS + SLACK_SECONDS:
        raise VideoError(
            f"is too long: {seconds:.0f} seconds, at most {MAX_SECONDS} are taken; cut it first"
        )


def check_size(width: int, height: int) -> None:
    """Raise VideoError for frames without pixels or with too many."""
    if width * height <= 0:
        raise VideoError(NOT_READABLE)
    if width * height > MAX_SIZE[0] * MAX_SIZE[1]:
        raise VideoError(
            f"has too large frames: {width} x {height} pixels, at most "
            f"{MAX_SIZE[0]} x {MAX_SIZE[1]} are taken; save a smaller copy"
        )
