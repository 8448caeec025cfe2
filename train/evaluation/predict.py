"""From a prepared split and a predictor to `Predictions`."""

from typing import Any, Protocol

import datasets
import numpy as np
from tqdm import tqdm

from age_model.images.load import Source
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
    predictor: CropPredictor, table: datasets.Dataset, batch_size: int
) -> Predictions:
    """Predict all pictures of a split in order, `batch_size` of them in memory at a time."""
    labels: dict[str, list] = {name: [] for name in LABELS}
    answered: list[FaceAges] = []
    with tqdm(total=len(table), desc="evaluate", unit="face") as progress:
        for batch in table.iter(batch_size=batch_size):
            faces = predictor.predict_crops([encoded(image) for image in batch["image"]])
            for name in LABELS:
                labels[name].append(np.asarray(batch[name]))
            answered.append(faces)
            progress.update(len(faces))
    answers = FaceAges.concatenate(answered)
    columns: dict[str, Any] = {name: np.concatenate(values) for name, values in labels.items()}
    columns |= {name: getattr(answers, name) for name in ANSWERS}
    return Predictions(**columns, years=answers.age_years)


def encoded(image: dict) -> bytes | str:
    """An undecoded picture of a table: its bytes, or the path of its file."""
    return image["bytes"] if image["bytes"] is not None else image["path"]
