"""Files made to do harm, and a clip that does none: for `bench endure` and the tests."""

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


def mjpeg_avi(frames: list[Image.Image], fps: int = 8) -> bytes:
    """A small AVI clip of JPEGs, with an index, as cameras write it."""
    width, height = frames[0].size
    chunks = []
    for frame in frames:
        with io.BytesIO() as file:
            frame.convert("RGB").save(file, "JPEG", quality=85)
            chunks.append(file.getvalue() + b"\0" * (len(file.getvalue()) % 2))
    header = struct.pack(
        "<14I", 10**6 // fps, 0, 0, 0x10, len(frames), 0, 1, 2**20, width, height, 0, 0, 0, 0
    )
    stream = struct.pack(
        "<4s4s10I4H", b"vids", b"MJPG", 0, 0, 0, 1, fps, 0, len(frames), 2**20, 10_000, 0,
        0, 0, width, height,
    )  # fmt: skip
    picture = struct.pack(
        "<3I2H4s5I", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0
    )
    streams = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture))
    movie = _list(b"movi", b"".join(_chunk(b"00dc", data) for data in chunks))
    index, place = b"", 4
    for data in chunks:
        index += struct.pack("<4s3I", b"00dc", 0x10, place, len(data))
        place += 8 + len(data)
    body = _list(b"hdrl", _chunk(b"avih", header) + streams) + movie + _chunk(b"idx1", index)
    return _chunk(b"RIFF", b"AVI " + body)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", name + data)
