"""Batches: from a visitor's uploads, zips among them, to a record for each picture."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from age_model.decoding.pictures import decoded
from age_model.images.archive import GivenFile, PictureArchive
from age_model.images.load import MAX_BYTES, ImageError
from age_model.page.answers import checked_path, upload_name
from age_model.page.cards import Card, face_cards
from age_model.page.lazy_predictor import Predictor
from age_model.page.private_log import log_without_text
from age_model.page.sureness import measured_sureness
from age_model.results import picture_record

MAX_PICTURES = 200
MAX_ARCHIVES = 10
MAX_OTHERS = 300  # files that are only listed, with the reason why they are not examined
CARDS_SHOWN = 6  # faces a picture

TOO_MANY = f"was not examined: at most {MAX_PICTURES} pictures at once"
TOO_MANY_ARCHIVES = f"was not opened: at most {MAX_ARCHIVES} zip files at once"
FAILED = "could not be examined: try again, or try another picture"

log = logging.getLogger(__name__)


class Examined(NamedTuple):
    """What is known of a file once its turn has come.

    Attributes:
        record: `results.picture_record`.
        cards: of its first CARDS_SHOWN faces, where asked for.
    """

    record: dict[str, Any]
    cards: list[Card]


def given_files(
    uploads: list[dict[str, Any]], upload_folder: str, opened: ExitStack
) -> list[GivenFile]:
    """The files to examine, and those that are not, with the reason, in the order they were given.

    Args:
        uploads: pictures and zips, as in `answers`.
        upload_folder: the only folder that files are read from.
        opened: keeps the uploads open until it is closed, so that they can be read even where the
            app deletes them while others are examined.

    Returns:
        at most MAX_PICTURES to examine and MAX_OTHERS others; where more were given, a last one
        that says how many.
    """
    files: list[GivenFile] = []
    good, omitted = 0, 0
    for file in _all_files(uploads, upload_folder, opened):
        if file.error is None and good == MAX_PICTURES:
            file = GivenFile(file.name, TOO_MANY)
        if file.error is None:
            good += 1
        elif len(files) - good == MAX_OTHERS:
            omitted += 1
            continue
        files.append(file)
    if omitted:
        files.append(GivenFile(None, f"{omitted:,} more files are not listed"))
    return files


def examine(predictor: Predictor, file: GivenFile, with_cards: bool = False) -> Examined:
    """Read a file, find the faces in it, say how old they look; never raises.

    Args:
        predictor: called with an upright (H, W, 3) uint8 RGB picture.
        with_cards: also make the cards of its faces.
    """
    if file.read is None:
        return Examined(picture_record(file.name, error=file.error), [])
    try:
        with decoded(file.read()) as (image_rgb, frames):
            ages, crops = predictor.examine(image_rgb) if with_cards else (predictor(image_rgb), [])
            record = picture_record(file.name, image_rgb.shape[1::-1], ages, frames=frames)
        return Examined(record, face_cards(ages, crops[:CARDS_SHOWN], measured_sureness(predictor)))
    except ImageError as error:
        return Examined(picture_record(file.name, error=str(error)), [])
    except Exception as error:
        # One surprise must not end the others. The picture and its name stay out of the log.
        log_without_text(log, "a picture of a batch", error)
        return Examined(picture_record(file.name, error=FAILED), [])


def _all_files(
    uploads: list[dict[str, Any]], upload_folder: str, opened: ExitStack
) -> Iterator[GivenFile]:
    """Every file that was given; no more than MAX_PICTURES uploads are opened."""
    archives = 0
    for index, upload in enumerate(uploads):
        name = upload_name(upload)
        if index >= MAX_PICTURES:
            yield GivenFile(name, TOO_MANY)
            continue
        try:
            file = opened.enter_context(_open(checked_path(upload, upload_folder)))
            if not _is_zip(name, file):
                yield GivenFile(name, read=partial(file.read, MAX_BYTES + 1))
            elif archives == MAX_ARCHIVES:
                yield GivenFile(name, TOO_MANY_ARCHIVES)
            else:
                archives += 1
                yield from _in_zip(name, PictureArchive(file))
        except ImageError as error:
            yield GivenFile(name, str(error))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror}): add it again") from error


def _is_zip(name: str, file: BinaryIO) -> bool:
    start = file.read(4)
    file.seek(0)
    return start == b"PK\x03\x04" or name.lower().endswith(".zip")


def _in_zip(name: str, archive: PictureArchive) -> Iterator[GivenFile]:
    empty = True
    for file in archive.files():
        empty = False
        yield file
    if empty:
        yield GivenFile(name, "is a zip without pictures")
