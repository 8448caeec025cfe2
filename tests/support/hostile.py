"""Files made to do harm: each has once hurt this page, or one like it."""

import struct


def tiff_chain(pages: int) -> bytes:
    """A TIFF file of so many pages, 8 x 8 pixels each, that share their pixels; 114 bytes a page."""
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
