"""From picture files to their records (`results.picture_record`), one by one or in batches."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from age_model.images.load import MAX_PIXELS, ImageError, read_picture
from age_model.results import picture_record

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor

CROPS_AT_ONCE = 64


class _Picture(NamedTuple):
    file: str
    image_rgb: np.ndarray | None  # (H, W, 3) uint8; None where `error` says why
    error: str | None
    frames: int = 1


def photo_records(
    predictor: "AgePredictor", files: Iterable[tuple[str, str | None]], **extras: Any
) -> Iterator[dict[str, Any]]:
    """One record a picture, for all faces that are found in it.

    Args:
        predictor: finds the faces, and their ages.
        files: paths, each with None or what is wrong with it (`images.files.picture_files`).
        extras: what else to say of each face, as keywords of `FaceAges.to_dicts`.
    """
    for file, image_rgb, error, frames in map(_load, files):
        if image_rgb is None:
            yield picture_record(file, error=error)
        else:
            faces = predictor(image_rgb)
            yield picture_record(file, image_rgb.shape[1::-1], faces, frames=frames, **extras)


def crop_records(
    predictor: "AgePredictor", files: Iterable[tuple[str, str | None]], **extras: Any
) -> Iterator[dict[str, Any]]:
    """As `photo_records`, for pictures that are aligned faces; batches go through the network."""
    for batch in _batches(map(_load, files)):
        good = [picture.image_rgb for picture in batch if picture.image_rgb is not None]
        ages = predictor.predict_crops(good)
        rows = iter(range(len(ages)))
        for file, image_rgb, error, frames in batch:
            if image_rgb is None:
                yield picture_record(file, error=error)
            else:
                face = ages[next(rows)]
                yield picture_record(file, image_rgb.shape[1::-1], face, frames=frames, **extras)


def _load(file_and_error: tuple[str, str | None]) -> _Picture:
    file, error = file_and_error
    if error is not None:
        return _Picture(file, None, error)
    try:
        image_rgb, frames = read_picture(file)
        return _Picture(file, image_rgb, None, frames)
    except ImageError as problem:
        return _Picture(file, None, str(problem))


def _batches(pictures: Iterable[_Picture]) -> Iterator[list[_Picture]]:
    """Up to CROPS_AT_ONCE pictures; fewer where they are so large that memory would swell."""
    batch, pixels = [], 0
    for picture in pictures:
        batch.append(picture)
        pixels += 0 if picture.image_rgb is None else picture.image_rgb.size // 3
        if len(batch) == CROPS_AT_ONCE or pixels >= MAX_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch
