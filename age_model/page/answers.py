"""What the page and the API answer for an uploaded picture, also where something is wrong with it.

An upload comes as the dict that Gradio's page and client send: "path" on this machine and
"orig_name" as the visitor's file was called.
"""

import io
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
from age_model.labels import THRESHOLDS
from age_model.page.boxes import photo_boxes_html
from age_model.page.cards import face_cards
from age_model.page.examples import example
from age_model.page.lazy_predictor import Predictor
from age_model.page.pictures import data_uri, screen_size
from age_model.page.private_log import log_without_text
from age_model.page.render import render
from age_model.page.sureness import measured_sureness
from age_model.records.columns import Answers
from age_model.records.output import record_writer
from age_model.results import picture_record

Shown = TypeVar("Shown")
# Photos are decoded side by side, so that a slow one does not hold up the others, and then go
# through the network one after the other, which has threads of its own.
QUEUE: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": SMALL_AT_A_TIME}
_one_at_a_time = threading.Lock()
log = logging.getLogger(__name__)


class PageAnswer(NamedTuple):
    """What the page shows of a picture.

    Attributes:
        boxes: HTML to lay over the picture: the boxes of the faces, which can be selected; with the
            picture itself where the browser cannot show it.
        answer: HTML, a card for each face, or a sentence.
    """

    boxes: str
    answer: str


def page_answer(predictor: Predictor, given: object, upload_folder: str) -> PageAnswer:
    """What the page shows.

    Args:
        predictor: asked for the ages in the picture.
        given: the picture, see `answer_for`. Its "size" is the width and height that the picture
            has in the browser; where the browser cannot show it there is none, or another.
        upload_folder: the only folder that pictures are read from.
    """

    def shown(image_rgb: np.ndarray, frames: int) -> PageAnswer:
        ages, crops = predictor.examine(image_rgb)
        width, height = image_rgb.shape[1::-1]
        said = Answers.of(predictor)
        chosen = example(_field(given, "example"))
        name = chosen.path.name if chosen else upload_name(_upload(given))
        record = picture_record(name, (width, height), ages, frames=frames)
        answer = render(
            "photo.html",
            "answer",
            cards=face_cards(ages, crops, measured_sureness(predictor)),
            notes=record["notes"],
            record=written("json", record, said),
            table=written("csv", record, said),
            example=chosen.name if chosen else None,
        )
        has_it = _field(given, "size") == [width, height]
        picture = None if has_it else data_uri(screen_size(image_rgb))
        return PageAnswer(photo_boxes_html(ages, (width, height), picture), answer)

    seen = answer_for(given, upload_folder, shown)
    return PageAnswer("", seen) if isinstance(seen, str) else seen


def answer_for(
    given: object, upload_folder: str, shown: Callable[[np.ndarray, int], Shown]
) -> Shown | str:
    """What `shown` makes of the picture, or HTML that says why there is none.

    Args:
        given: what the page's scripts send, which a visitor may have changed: a dict with the name
            of an "example", or with the "path" and "orig_name" of an upload.
        upload_folder: as for `page_answer`.
        shown: from an upright (H, W, 3) uint8 RGB picture, and how many pictures its file holds, to
            what the page shows.
    """
    upload = _upload(given)
    try:
        with decoded(_picture_path(given, upload_folder)) as picture, _one_at_a_time:
            return shown(*picture)
    except ImageError as error:
        name = upload_name(upload)
        return render("message.html", "unusable", kind="picture", name=name, reason=str(error))
    except Exception as error:
        # The page must not go on showing the ages of the picture before. The picture itself, and
        # its name, stay out of the log.
        log_without_text(log, "a picture", error)
        return render("message.html", "failed", kind="picture")


def written(form: str, record: dict[str, Any], said: Answers) -> str:
    """A record as the text of a file: "json" or "csv", as the command line writes them."""
    text = io.StringIO()
    record_writer(form, text, said)(record)
    return text.getvalue()


def _picture_path(given: object, upload_folder: str) -> Path:
    chosen = example(_field(given, "example"))
    return chosen.path if chosen else checked_path(_upload(given), upload_folder)


def _upload(given: object) -> dict[str, Any]:
    """The parts of an upload's dict that are text, as they should be."""
    texts = {name: _field(given, name) for name in ("path", "orig_name")}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _field(given: object, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None


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
