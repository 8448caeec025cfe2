"""Small pictures of one's own, cut from a photo in the public domain, with their metadata."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

# What each picture is labelled with, by the labels that there are.
SHAPES: dict[str, Callable[[int], dict]] = {
    "all": lambda i: {
        "age": 5 + i % 80, "gender": ("Female", "m")[i % 2], "ethnicity": ("White", "Asian")[i % 2],
    },
    "years": lambda i: {"age": f"{5 + i % 80}.5"},
    "groups": lambda i: {"age_low": 10 * (i % 7), "age_high": 10 * (i % 7) + 9},
    "gender": lambda i: {"gender": ("male", "female")[i % 2]},
    "ethnicity": lambda i: {"ethnicity": ("Black", "East Asian", "Indian")[i % 3]},
}  # fmt: skip


def picture(photo: np.ndarray, seed: int, size: int = 64) -> Image.Image:
    """A stretch of the photo that no other seed gives, turned by some angle."""
    rng = np.random.default_rng(seed)
    side = int(rng.integers(60, 200))
    x, y = rng.integers(0, 512 - side, 2)
    patch = Image.fromarray(photo[y : y + side, x : x + side])
    return patch.resize((size, size)).rotate(float(rng.uniform(0, 360)))


def write_folder(folder: Path, photo: np.ndarray, rows: list[dict], first: int = 5000) -> Path:
    """Pictures with a metadata.csv; `file_name` of a row defaults to a number.

    Args:
        folder: to make.
        photo: (512, 512, 3) uint8 RGB to cut the pictures from.
        rows: of the metadata.
        first: seed of the first picture.
    """
    rows = [{"file_name": f"{i:03d}.jpg"} | row for i, row in enumerate(rows)]
    for i, row in enumerate(rows):
        file = folder / row["file_name"]
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(photo, first + i).save(file, quality=95)
    with (folder / "metadata.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_source_json(folder: Path, **facts: object) -> None:
    """What is to be known of the folder's pictures."""
    (folder / "source.json").write_text(json.dumps(facts))
