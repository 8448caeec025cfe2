"""From the prepared data set on disk to batches for the network."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset as ArrowDataset
from datasets import Image, load_from_disk
from PIL import Image as PILImage
from torch.utils.data import Dataset

from age_model.network.preprocessing import normalize, resize
from train.console.errors import InputError
from train.data.augment import augment
from train.prepare import FORMAT

LABELS = ("age_low", "age_high", "gender", "ethnicity")


def load_prepared(folder: str | Path) -> dict[str, ArrowDataset]:
    """The splits that `train.prepare` wrote, memory-mapped.

    Raises:
        InputError: the folder is not one of those, or of another format.
    """
    report = Path(folder) / "report.json"
    if not report.is_file():
        raise InputError(
            f"{folder}: expected a folder made by `python -m train.prepare`, found none"
        )
    found = json.loads(report.read_text()).get("format")
    if found != FORMAT:
        raise InputError(
            f"{folder}: expected data of format {FORMAT}, got {found}; run `python -m train.prepare` "
            "again"
        )
    data = load_from_disk(str(folder))
    return {split: rows.cast_column("image", Image(decode=False)) for split, rows in data.items()}


class FaceDataset(Dataset):
    """Pictures and labels of one split, decoded when asked for.

    Args:
        rows: from `load_prepared`.
        size: side of the network's input, pixels.
        seed: of the augmentation; None for the plain pictures, as evaluation and the app see them.
    """

    def __init__(self, rows: ArrowDataset, size: int, seed: int | None):
        self.rows, self.size, self.seed = rows, size, seed

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> dict:
        return self.__getitems__([i])[0]

    def __getitems__(self, indices: list[int]) -> list[dict]:
        """Rows read in one go: {"image_rgb": (size, size, 3) uint8, labels: int}."""
        rows = self.rows[list(indices)]
        items = []
        for j, image in enumerate(rows["image"]):
            with PILImage.open(io.BytesIO(image["bytes"])) as picture:
                image_rgb = np.asarray(picture.convert("RGB"))
            if self.seed is None:
                image_rgb = resize(image_rgb, self.size)
            else:
                image_rgb = augment(image_rgb, self.size, self._rng())
            items.append({"image_rgb": image_rgb, **{name: rows[name][j] for name in LABELS}})
        return items

    def _rng(self) -> np.random.Generator:
        # torch seeds each worker anew for each epoch, from the Trainer's seed.
        return np.random.default_rng([self.seed, int(torch.randint(2**31, ()))])


def collate(items: list[dict]) -> dict[str, torch.Tensor]:
    """B items -> pixel_values (B, 3, size, size) float32 and (B,) int64 labels."""
    pixels = normalize(np.stack([item["image_rgb"] for item in items]))
    labels = {name: torch.tensor([item[name] for item in items]) for name in LABELS}
    return {"pixel_values": pixels, **labels}
