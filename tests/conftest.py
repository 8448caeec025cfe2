"""Fixtures that several test folders share."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.factories import save_tiny_checkpoint

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

# What a test that asks for one of these fixtures costs.
MARKS = {
    "server": "server",
    "utkface_part1": "slow",
    "fairface_val": "slow",
    "mlflow_here": "slow",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use, so that `make test-fast` can leave out what takes long."""
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        if "e2e" in item.path.parts:
            item.add_marker("e2e")


def _file_or_skip(path: Path, how: str) -> Path:
    if not path.is_file():
        pytest.skip(f"{path} is not there; {how}")
    return path


def _data_file(name: str) -> Path:
    folder = Path(os.environ.get("AGE_TEST_DATA", SHARED / "data"))
    return _file_or_skip(folder / name, "set AGE_TEST_DATA to the folder that holds it")


@pytest.fixture(scope="session")
def utkface_part1() -> Path:
    """UTKFace-part1.tar.gz."""
    return _data_file("UTKFace-part1.tar.gz")


@pytest.fixture(scope="session")
def fairface_val() -> Path:
    """fairface-val.parquet."""
    return _data_file("fairface-val.parquet")


@pytest.fixture(scope="session")
def yunet_path() -> Path:
    """YuNet's .onnx file."""
    default = SHARED / "models" / "face_detection_yunet_2026may.onnx"
    path = Path(os.environ.get("AGE_FACE_DETECTOR", default))
    return _file_or_skip(path, "set AGE_FACE_DETECTOR to YuNet's .onnx file")


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8 RGB: a photo with one face, in the public domain."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    """Folder of a tiny AgeViT with random weights and its processor."""
    return save_tiny_checkpoint(tmp_path_factory.mktemp("tiny_checkpoint"))


@pytest.fixture(scope="session")
def png_header() -> Callable[[int, int], bytes]:
    """Makes a PNG file that says how large it is and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def png(width: int, height: int) -> bytes:
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        pixels = zlib.compress(bytes(100))
        signature = b"\x89PNG\r\n\x1a\n"
        return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")

    return png
