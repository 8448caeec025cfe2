"""Files made to do harm: each has once hurt this page, or one like it."""

import io
import random
import struct

from PIL import Image


def tiff_chain(pages: int) -> bytes:
    """A TIFF file of so many pages of 8 x 8 pixels, which they share; 114 bytes a page."""
    tags = [
        (256, 3, 8), (257, 3, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 3, 8), (279, 4, 64),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    directory = struct.pack("<H", len(tags)) + entries
    pixels = bytes(range(64))
    first = 8 + len(pixels)
    parts = [b"II*\0", struct.pack("<I", first), pixels]
    for page in range(1, pages + 1):
        next_at = 0 if page == pages else first + page * (len(directory) + 4)
        parts += [directory, struct.pack("<I", next_at)]
    return b"".join(parts)


def avi_with_wild_index(clip: bytes) -> bytes:
    """An AVI file whose index says that it is 2 GB long: FFmpeg seeks to before its beginning."""
    place = clip.rindex(b"idx1") + 4
    return clip[:place] + struct.pack("<I", 0x7FFFFFFF) + clip[place + 4 :]


def slow_jpeg(side: int = 6000, scans: int = 4000) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each takes all pixels anew."""
    with io.BytesIO() as file:
        Image.new("L", (side, side), 120).save(file, "JPEG", progressive=True, quality=50)
        data = file.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * scans + data[-2:]


def mutated(data: bytes, seed: int) -> bytes:
    """Some bytes of a good file changed, taken out, or written twice."""
    rng = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(len(damaged))
        what = rng.randrange(5)
        if what == 0:
            damaged[place] ^= 1 << rng.randrange(8)
        elif what == 1:
            damaged[place] = rng.choice((0, 0x7F, 0x80, 0xFF))
        elif what == 2:
            number = rng.choice((0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, rng.getrandbits(32)))
            damaged[place : place + 4] = struct.pack(rng.choice("<>") + "I", number)
        elif what == 3:
            del damaged[place : place + rng.randrange(1, 64)]
        else:
            damaged[place:place] = damaged[place : place + rng.randrange(1, 64)]
        if not damaged:
            return b"\0"
    return bytes(damaged)
