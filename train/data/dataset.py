"""From the prepared data set on disk to batches for the network."""

import io
import os

import numpy as np
import torch
from datasets import Dataset as ArrowDataset
from PIL import Image as PILImage
from torch.utils.data import DataLoader, Dataset

from age_model.network.preprocessing import Preprocessing
from train.data.augment import augment

LABELS = ("age_low", "age_high", "gender", "ethnicity")
SIGMA = "label_sigma_per_year"  # of each picture, from its source; see `losses.soft_age_targets`
STORED = 1.25  # side of a training picture before augmentation, in sides of the network's input
DECODED_AT_ONCE = 256


class FaceDataset(Dataset):
    """Pictures and labels of one split, decoded and resized when asked for.

    Args:
        rows: from `prepared.load_prepared`.
        preprocessing: the network's.
        sigma_per_year: width of the label distribution of each source, from
            `prepared.source_metadata`.
        stored: side of the pictures that it gives, in sides of the network's input.
    """

    def __init__(
        self,
        rows: ArrowDataset,
        preprocessing: Preprocessing,
        sigma_per_year: dict[str, float],
        stored: float = 1.0,
    ):
        self.rows, self.preprocessing, self.sigma_per_year = rows, preprocessing, sigma_per_year
        self.size = round(stored * preprocessing.size)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> dict:
        return self.__getitems__([i])[0]

    def __getitems__(self, indices: list[int]) -> list[dict]:
        """Rows read in one go: {"image_rgb": (size, size, 3) uint8, labels: int, SIGMA: float}."""
        rows = self.rows[list(indices)]
        items = []
        for j, image in enumerate(rows["image"]):
            with PILImage.open(io.BytesIO(image["bytes"])) as picture:
                whole_rgb = np.asarray(picture.convert("RGB"))
            image_rgb = self.preprocessing.resize(whole_rgb, self.size)
            labels = {name: rows[name][j] for name in LABELS}
            labels[SIGMA] = self.sigma_per_year[rows["source"][j]]
            items.append({"image_rgb": image_rgb, **labels})
        return items


class Collate:
    """B items -> pixel_values (B, 3, size, size) float32, and the (B,) labels."""

    def __init__(self, preprocessing: Preprocessing):
        self.preprocessing = preprocessing

    def __call__(self, items: list[dict]) -> dict[str, torch.Tensor]:
        """See the class."""
        images_rgb = np.stack([item["image_rgb"] for item in items])
        return {"pixel_values": self.preprocessing.normalize(images_rgb), **_labels(items)}


class AugmentingCollate:
    """B items -> a batch as from `Collate`, its pictures augmented.

    Args:
        preprocessing: the network's.
        seed: of the changes.
        wear: see `augment.augment`.
    """

    def __init__(self, preprocessing: Preprocessing, seed: int, wear: bool = True):
        self.preprocessing, self.seed, self.wear = preprocessing, seed, wear

    def __call__(self, items: list[dict]) -> dict[str, torch.Tensor]:
        """See the class."""
        images_rgb, labels = _stack(items)
        generator = _seeded(torch.Generator(), self.seed)
        pixels = augment(images_rgb, self.preprocessing.size, generator, self.wear)
        return {"pixel_values": self.preprocessing.standardize(pixels), **labels}


class DeviceCache:
    """All training pictures, decoded, on the accelerator: batches are gathered and augmented there.

    An accelerator learns from more pictures a second than processors can decode; 70,000 pictures of
    160 x 160 pixels take 5.4 GB of its memory.

    Args:
        dataset: whose pictures to hold, at the size before augmentation.
        device: where to.
        seed: of the augmentation.
        wear: see `augment.augment`.
    """

    def __init__(self, dataset: FaceDataset, device: torch.device, seed: int, wear: bool = True):
        shape = (len(dataset), dataset.size, dataset.size, 3)
        self.images_rgb = torch.empty(shape, dtype=torch.uint8, device=device)
        self.labels: dict[str, torch.Tensor] = {}
        self.preprocessing = dataset.preprocessing
        self.seed, self.wear = seed, wear
        self._generator = torch.Generator(device=device)
        loader = DataLoader(
            dataset,
            DECODED_AT_ONCE,
            collate_fn=_stack,
            num_workers=_decoders(),
        )
        parts = []
        for i, (images_rgb, labels) in enumerate(loader):
            start = i * DECODED_AT_ONCE
            self.images_rgb[start : start + len(images_rgb)] = images_rgb.to(device)
            parts.append(labels)
        for name in parts[0]:
            self.labels[name] = torch.cat([part[name] for part in parts]).to(device)

    def batch(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """A batch as from `AugmentingCollate`, of the pictures with these (B,) numbers."""
        rows = rows.to(self.images_rgb.device)
        generator = _seeded(self._generator, self.seed)
        images_rgb = self.images_rgb[rows]
        pixels = augment(images_rgb, self.preprocessing.size, generator, self.wear)
        labels = {name: values[rows] for name, values in self.labels.items()}
        return {"pixel_values": self.preprocessing.standardize(pixels), **labels}


def _decoders() -> int:
    """Processes to decode with: the machine's cores, shared by the trainings that run on it."""
    here = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def _seeded(generator: torch.Generator, seed: int) -> torch.Generator:
    """The generator, seeded for a batch from torch's global state.

    That state is in the Trainer's checkpoints, and torch sets it anew in each worker for each
    epoch.
    """
    return generator.manual_seed(seed + int(torch.randint(2**31, ())))


def _labels(items: list[dict]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor([item[name] for item in items]) for name in (*LABELS, SIGMA)}


def _stack(items: list[dict]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    return torch.from_numpy(np.stack([item["image_rgb"] for item in items])), _labels(items)
