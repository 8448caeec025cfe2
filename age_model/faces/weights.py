"""Where YuNet's weights can be had: a path, the Hub's cache, a download checked by its sha256."""

import hashlib
from collections.abc import Callable
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


def yunet_from_cache() -> Path | None:
    """YuNet's file from the Hub's cache; None where it is not there. Asks no network."""
    return _first(_from_cache)


def yunet_from_hub() -> Path | None:
    """YuNet's file from the Hub; None, quietly, where it cannot be had."""
    return _first(_from_hub) if _hub_answers() else None


def _hub_answers() -> bool:
    """Whether the Hub answers; its client would wait for ever for one that only accepts."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(YUNET_FILES[0].repository, timeout=TIMEOUT_SECONDS)
    except HfHubHTTPError:  # a refusal is an answer
        return True
    except Exception:  # no network, or none is wanted
        return False
    return True


def _first(fetch: Callable[[HubFile], Path | None]) -> Path | None:
    for file in YUNET_FILES:
        path = fetch(file)
        if path is not None and path.is_file() and _sha256(path) == file.sha256:
            return path
    return None


def _from_cache(file: HubFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(file.repository, file.name)
    return Path(path) if isinstance(path, str) else None


def _from_hub(file: HubFile) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        # Unlike hf_hub_download, this asks once, without five retries that take half a minute.
        folder = snapshot_download(
            file.repository, allow_patterns=file.name, etag_timeout=TIMEOUT_SECONDS
        )
    except Exception:
        return None
    return Path(folder) / file.name


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
