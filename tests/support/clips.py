"""Writes short clips for the tests of the package, of the app and of the page."""

import struct
from pathlib import Path

import cv2
import numpy as np

FPS = 8
SIZE_WH = (320, 240)
ONE = 1 << 16  # 1 as MP4's matrices write it
TURNS = {90: (0, ONE, -ONE, 0), 180: (-ONE, 0, 0, -ONE), 270: (0, -ONE, ONE, 0)}


def write_clip(path: Path, frames_rgb, fps: float = FPS, codec: str = "mp4v") -> Path:
    """A clip of (H, W, 3) uint8 RGB frames, all of one size, in the format of the path's suffix."""
    writer = None
    for frame in frames_rgb:
        if writer is None:
            fourcc = cv2.VideoWriter.fourcc(*codec)
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, frame.shape[1::-1])
            assert writer.isOpened(), f"OpenCV cannot write {codec} into {path.suffix}"
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def scene(face_rgb: np.ndarray, *places: tuple[int, int, int], size_wh=SIZE_WH) -> np.ndarray:
    """A grey frame with the face's picture at places (left, top, side)."""
    frame = np.full((size_wh[1], size_wh[0], 3), 110, np.uint8)
    for left, top, side in places:
        small = cv2.resize(face_rgb, (side, side), interpolation=cv2.INTER_AREA)
        frame[top : top + side, left : left + side] = small[: size_wh[1] - top, : size_wh[0] - left]
    return frame


def turn(path: Path, degrees: int) -> None:
    """Say in an MP4 file that its frames are to be shown turned clockwise, as phones do."""
    data = bytearray(path.read_bytes())
    track = data.index(b"tkhd")
    matrix = track + 44  # a, b, u, c, d, v, x, y, w: 4 bytes each
    a, b, c, d = TURNS[degrees]
    data[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
