"""Where YuNet's weights can be had: a path, the Hub's cache, a download checked by its sha256."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face Hub, known by its content."""

    repository: str
    name: str
    sha256: str


# The same weights twice (MIT licence): with any input size, and with a fixed one that OpenCV 4
# looks past. Each is kept in another repository, so that one may go away.
YUNET_FILES = (
    HubFile(
        "pollen-robotics/face_detection_yunet_2026may",
        "face_detection_yunet_2026may.onnx",
        "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
    ),
    HubFile(
        "opencv/face_detection_yunet",
        "face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
)


def find_yunet() -> Path | None:
    """YuNet's file from the Hub's cache or the Hub; None, quietly, where neither has it."""
    for local_only in (True, False):  # both caches before any network
        for file in YUNET_FILES:
            path = _from_hub(file, local_only)
            if path is not None:
                return path
    return None


def _from_hub(file: HubFile, local_only: bool) -> Path | None:
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(
            file.repository,
            file.name,
            local_files_only=local_only,
            etag_timeout=TIMEOUT_SECONDS,
        )
    except Exception:  # noqa: BLE001 - no network, no such file, a full disk: Haar serves instead
        return None
    path = Path(path)
    return path if hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256 else None
