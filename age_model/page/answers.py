"""What the page and the API answer for an uploaded picture, also where something is wrong with it.

An upload comes as the dict that Gradio's page and client send: "path" on this machine and
"orig_name" as the visitor's file was called.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from age_model.decoding.limits import SMALL_AT_A_TIME
from age_model.decoding.pictures import decoded
from age_model.images.files import shown_name
from age_model.images.load import ImageError
from age_model.labels import PAGE_THRESHOLDS, THRESHOLDS
from age_model.page.boxes import photo_boxes_html
from age_model.page.lazy_predictor import Predictor
from age_model.page.pictures import face_crops, screen_size
from age_model.page.private_log import log_without_text
from age_model.page.render import render
from age_model.results import picture_notes, picture_record

Shown = TypeVar("Shown")
# Photos are decoded side by side, so that a slow one does not hold up the others, and then go
# through the network one after the other, which has threads of its own.
QUEUE: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": SMALL_AT_A_TIME}
_one_at_a_time = threading.Lock()
log = logging.getLogger(__name__)


class PageAnswer(NamedTuple):
    """What the page shows.

    Attributes:
        picture: (H', W', 3) uint8 RGB at the size of a screen; None where no face is to be shown.
        boxes: HTML to lay over it: the faces' boxes and numbers, which can be selected.
        answer: HTML, a card for each face, or a sentence.
    """

    picture: np.ndarray | None
    boxes: str
    answer: str


def page_answer(
    predictor: Predictor, upload: dict[str, Any] | None, upload_folder: str, waiting: str
) -> PageAnswer:
    """What the page shows.

    Args:
        predictor: asked for the ages in the picture.
        upload: None where no picture is chosen (any more).
        upload_folder: the only folder that pictures are read from.
        waiting: HTML to show while no picture is chosen.
    """

    def shown(image_rgb: np.ndarray, frames: int) -> tuple[tuple[Any, ...] | None, str]:
        ages = predictor(image_rgb)
        answer = render(
            "photo.html",
            "answer",
            faces=ages.to_dicts(at_least=PAGE_THRESHOLDS),
            crops=face_crops(image_rgb, ages),
            notes=picture_notes(frames, ages),
        )
        if len(ages) == 0:
            return None, answer
        height, width = image_rgb.shape[:2]
        return (screen_size(image_rgb), photo_boxes_html(ages, (width, height))), answer

    seen, answer = answer_for(upload, upload_folder, waiting, shown)
    picture, boxes = seen or (None, "")
    return PageAnswer(picture, boxes, answer)


def answer_for(
    upload: dict[str, Any] | None,
    upload_folder: str,
    waiting: str,
    shown: Callable[[np.ndarray, int], tuple[Shown | None, str]],
) -> tuple[Shown | None, str]:
    """What `shown` makes of the picture; None and a sentence where there is no such picture.

    Args:
        upload, upload_folder, waiting: as for `page_answer`.
        shown: from an upright (H, W, 3) uint8 RGB picture, and how many pictures its file holds, to
            what the page shows, and HTML.
    """
    if upload is None:
        return None, waiting
    try:
        with decoded(checked_path(upload, upload_folder)) as picture, _one_at_a_time:
            return shown(*picture)
    except ImageError as error:
        name = upload_name(upload)
        return None, render(
            "message.html", "unusable", kind="picture", name=name, reason=str(error)
        )
    except Exception as error:
        # The page must not go on showing the ages of the picture before. The picture itself, and
        # its name, stay out of the log.
        log_without_text(log, "a picture", error)
        return None, render("message.html", "failed", kind="picture")


def api_answer(
    predictor: Predictor,
    upload: dict[str, Any] | None,
    upload_folder: str,
    thresholds: bool = False,
) -> dict[str, Any]:
    """What the API sends: `results.picture_record`, its "error" set for an unusable picture.

    Args:
        predictor, upload, upload_folder: as for `page_answer`.
        thresholds: also say how probable it is that a face looks each age of `labels.THRESHOLDS`
            or older.
    """
    if upload is None:
        return picture_record(None, error="expected a picture, got none: send one")
    try:
        with decoded(checked_path(upload, upload_folder)) as picture, _one_at_a_time:
            return picture_record(
                upload_name(upload),
                picture.image_rgb.shape[1::-1],
                predictor(picture.image_rgb),
                at_least=THRESHOLDS if thresholds else (),
                frames=picture.frames,
            )
    except ImageError as error:
        return picture_record(upload_name(upload), error=str(error))


def checked_path(upload: dict[str, Any], upload_folder: str) -> Path:
    """Path of the picture; a caller of the API writes the dict, so it must be an upload's."""
    path = Path(upload.get("path") or "").resolve()
    if not path.is_relative_to(Path(upload_folder).resolve()):
        raise ImageError("is not an uploaded picture: upload it, or wrap it in handle_file()")
    if not path.is_file():
        raise ImageError("is no longer here, as uploads are deleted after a while: add it again")
    return path


def upload_name(upload: dict[str, Any]) -> str:
    """File name that the visitor gave, without folders."""
    return shown_name(upload.get("orig_name") or upload.get("path") or "") or "The picture"
