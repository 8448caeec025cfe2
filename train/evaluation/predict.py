"""From a prepared split and a predictor to `Predictions`."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import datasets
import numpy as np
from tqdm import tqdm

from age_model.images.load import Source
from age_model.records.workers import usable_cpus
from age_model.results import FaceAges
from train.data.prepared import load_prepared
from train.evaluation.predictions import Predictions

LABELS = ("file", "source", "age_low", "age_high", "gender", "ethnicity")
ANSWERS = (
    "interval_years", "group_probabilities", "gender_probabilities", "ethnicity_probabilities",
    "groups",
)  # fmt: skip


class CropPredictor(Protocol):
    """What `predict_split` needs of an `AgePredictor`."""

    def predict_crops(self, crops: list[Source], /) -> FaceAges:
        """Ages of faces that are cropped and aligned already, one row a crop."""


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
    predictor: CropPredictor, table: datasets.Dataset, batch_size: int, threads: int | None = None
) -> Predictions:
    """Predict all pictures of a split in order; the arguments are those of `answered`."""
    labels: dict[str, list] = {name: [] for name in LABELS}
    parts: list[FaceAges] = []
    with tqdm(total=len(table), desc="evaluate", unit="face") as progress:
        for batch, faces in answered(predictor, table, batch_size, threads):
            for name in LABELS:
                labels[name].append(np.asarray(batch[name]))
            parts.append(faces)
            progress.update(len(faces))
    answers = FaceAges.concatenate(parts)
    columns: dict[str, Any] = {name: np.concatenate(values) for name, values in labels.items()}
    columns |= {name: getattr(answers, name) for name in ANSWERS}
    return Predictions(**columns, years=answers.age_years)


def answered(
    predictor: CropPredictor, table: datasets.Dataset, batch_size: int, threads: int | None = None
) -> Iterator[tuple[dict[str, list], FaceAges]]:
    """The batches of a table in order, each with what a predictor says of its pictures.

    A thread decodes a batch and answers for it alone. So a GPU has a batch while others are read,
    and on a processor no thread waits for another, as those that share the work for one batch do.

    Args:
        predictor: may be called by several threads, unless `threads` is 1.
        table: with a column "image".
        batch_size: pictures that a thread has in memory at once.
        threads: so many work; None: one for each core.
    """
    threads = threads or usable_cpus()
    if threads == 1:
        for batch in table.iter(batch_size=batch_size):
            yield batch, predictor.predict_crops([encoded(image) for image in batch["image"]])
        return
    waiting: deque[tuple[dict[str, list], Future[FaceAges]]] = deque()
    with _one_thread_a_call(), ThreadPoolExecutor(threads) as pool:
        try:
            for batch in table.iter(batch_size=batch_size):
                pictures: list[Source] = [encoded(image) for image in batch["image"]]
                waiting.append((batch, pool.submit(predictor.predict_crops, pictures)))
                if len(waiting) > threads:
                    first, faces = waiting.popleft()
                    yield first, faces.result()
            for last, faces in waiting:
                yield last, faces.result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_a_call() -> Iterator[None]:
    """Have torch compute in the thread that calls it, and as before afterwards."""
    import torch  # it takes seconds to import

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def encoded(image: dict) -> bytes | str:
    """An undecoded picture of a table: its bytes, or the path of its file."""
    return image["bytes"] if image["bytes"] is not None else image["path"]
