"""From a prepared split and a predictor to `Predictions`."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import datasets
import numpy as np
from tqdm import tqdm

from age_model.images.load import Source
from age_model.records.workers import usable_cpus
from age_model.results import FaceAges
from train.data.prepared import load_prepared
from train.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from age_model.predictor import FoundFaces

Read = TypeVar("Read")
BATCHES_AHEAD = 2  # read while the network has the one before them
LABELS = ("file", "source", "age_low", "age_high", "gender", "ethnicity")
ANSWERS = (
    "interval_years", "group_probabilities", "gender_probabilities", "ethnicity_probabilities",
    "groups",
)  # fmt: skip


class CropPredictor(Protocol):
    """What `predict_split` needs of an `AgePredictor`."""

    def whole_crop(self, crop: Source, /) -> "FoundFaces":
        """A face that is cropped and aligned already, ready for `estimate`."""

    def estimate(self, found: "Sequence[FoundFaces]", /) -> list[FaceAges]:
        """Its ages, one row a crop."""


def load_split(data: str, split: str, omit_source: str | None = None) -> datasets.Dataset:
    """The split as a table on disk, its pictures as undecoded bytes.

    Args:
        data: folder of the prepared data.
        split: name of the split.
        omit_source: key of a source whose pictures are left out; None: of none.

    Raises:
        ValueError: no data set there or one of another format, or no such split in it, or nothing
            in the split.
    """
    splits = load_prepared(data, omit_source)
    if not splits.get(split):
        found = ", ".join(name for name, rows in splits.items() if len(rows))
        raise ValueError(f"expected a split {split!r} with pictures in {data}, got {found}")
    return splits[split]


def predict_split(
    predictor: CropPredictor,
    table: datasets.Dataset,
    batch_size: int,
    readers: int | None = None,
) -> Predictions:
    """Predict all pictures of a split in order.

    Args:
        predictor: of the checkpoint.
        table: from `load_split`.
        batch_size, readers: see `read_ahead`.
    """
    labels: dict[str, list] = {name: [] for name in LABELS}
    answered: list[FaceAges] = []
    with tqdm(total=len(table), desc="evaluate", unit="face") as progress:
        for batch, crops in read_ahead(predictor.whole_crop, table, batch_size, readers):
            faces = predictor.estimate(crops)
            for name in LABELS:
                labels[name].append(np.asarray(batch[name]))
            answered += faces
            progress.update(len(faces))
    answers = FaceAges.concatenate(answered)
    columns: dict[str, Any] = {name: np.concatenate(values) for name, values in labels.items()}
    columns |= {name: getattr(answers, name) for name in ANSWERS}
    return Predictions(**columns, years=answers.age_years)


def read_ahead(
    read: Callable[[Source], Read],
    table: datasets.Dataset,
    batch_size: int,
    readers: int | None = None,
) -> Iterator[tuple[dict[str, list], list[Read]]]:
    """The batches of a table, read by threads while the caller works on those before.

    Decoding and resizing do not hold Python's lock, so a network is fed meanwhile.

    Args:
        read: makes something of an undecoded picture.
        table: with a column "image".
        batch_size: rows of a batch; BATCHES_AHEAD more such batches are in memory.
        readers: threads that call `read`; one takes the pictures in their order. None: one a core.

    Yields:
        the columns of a batch, and what `read` made of its pictures.
    """
    waiting: deque[tuple[dict[str, list], list[Future[Read]]]] = deque()
    pool = ThreadPoolExecutor(readers or usable_cpus())
    try:
        for batch in table.iter(batch_size=batch_size):
            waiting.append((batch, [pool.submit(read, encoded(i)) for i in batch["image"]]))
            if len(waiting) > BATCHES_AHEAD:
                first, pictures = waiting.popleft()
                yield first, [picture.result() for picture in pictures]
        for last, pictures in waiting:
            yield last, [picture.result() for picture in pictures]
    finally:
        pool.shutdown(cancel_futures=True)


def encoded(image: dict) -> bytes | str:
    """An undecoded picture of a table: its bytes, or the path of its file."""
    return image["bytes"] if image["bytes"] is not None else image["path"]
