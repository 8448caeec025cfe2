"""From an RGB crop to a network's input, for training, evaluation and the app alike.

A checkpoint's `preprocessor_config.json` is the one place that says how: its numbers travel with
the weights from a pretrained network through training to what is served, and the processor of
`transformers.pipeline` reads the same file and gives the same input (a test compares them).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import ViTImageProcessorPil

FILE = "preprocessor_config.json"
FILES = (FILE, "processor_config.json")  # the latter of networks for pictures and text
RESCALE = 1 / 255  # from bytes to 0..1


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its input. The defaults are those of a network trained from nothing.

    Attributes:
        size: height and width of the input, pixels.
        mean, std: of each channel R, G, B on the scale 0..1. With the defaults, inputs lie within
            -1..1.
        resample: the filter that resizes, a `PIL.Image.Resampling`.
    """

    size: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    resample: int = Image.Resampling.BILINEAR

    def resize(self, image_rgb: np.ndarray, size: int | None = None) -> np.ndarray:
        """(H, W, 3) uint8 -> (size, size, 3) uint8, antialiased; the shape may distort.

        Args:
            image_rgb: the crop.
            size: where it is another than the network's.
        """
        side = size or self.size
        if image_rgb.shape[:2] == (side, side):
            return image_rgb
        resample = Image.Resampling(self.resample)
        return np.asarray(Image.fromarray(image_rgb).resize((side, side), resample))

    def normalize(self, batch_rgb: np.ndarray, device: str | torch.device = "cpu") -> torch.Tensor:
        """(B, H, W, 3) uint8 -> (B, 3, H, W) float32 on a device, which does the arithmetic."""
        if batch_rgb.dtype != np.uint8 or batch_rgb.ndim != 4 or batch_rgb.shape[3] != 3:
            raise ValueError(
                "expected a uint8 array of shape (B, H, W, 3), RGB, "
                f"got {batch_rgb.dtype} of shape {batch_rgb.shape}"
            )
        pixels = torch.from_numpy(np.ascontiguousarray(batch_rgb)).to(device)
        return self.standardize(pixels.permute(0, 3, 1, 2).float().div_(255))

    def standardize(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) float pixels within 0..1 -> what the network takes, changed in place."""
        mean, std = (pixels.new_tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return pixels.sub_(mean).div_(std)

    def save(self, folder: Path) -> None:
        """Write `preprocessor_config.json` beside the weights: it does what this class does."""
        ViTImageProcessorPil(
            size={"height": self.size, "width": self.size},
            resample=Image.Resampling(self.resample),
            image_mean=list(self.mean),
            image_std=list(self.std),
        ).save_pretrained(folder)


def read_preprocessing(folder: Path, config: object = None) -> Preprocessing:
    """How the network of a checkpoint folder wants its input.

    Of a file that crops the middle of a larger picture only the size of that crop is taken: what a
    network of this project sees is a face, framed by `faces.crop`, and nothing of it is cut off.

    Args:
        folder: of the checkpoint. Where it has none of FILES, the defaults are taken.
        config: the network's, for the `image_size` that it was made for.

    Raises:
        ValueError: the file is damaged, asks for something else than resizing and normalising, or
            for another size than the network was made for.
    """
    own = _side(getattr(config, "image_size", None))
    file = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if file is None:
        if own is None:
            raise ValueError(f"{folder}: expected {FILE}, which says the size of the input")
        return Preprocessing(own)
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        found = _parsed(given.get("image_processor", given), own)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file} cannot be used: {error}") from error
    if own is not None and found.size != own:
        raise ValueError(
            f"{folder}: expected one size of input, got {found.size} pixels in {file.name} and "
            f"{own} in config.json"
        )
    return found


def _parsed(given: dict[str, Any], own: int | None) -> Preprocessing:
    if abs(given.get("rescale_factor", RESCALE) - RESCALE) > 1e-6 or not given.get(
        "do_rescale", True
    ):
        raise ValueError("expected pixels to be rescaled by 1/255")
    normalises = given.get("do_normalize", True)
    mean, std = (
        tuple(map(float, given.get(name, [neutral] * 3))) if normalises else (neutral,) * 3
        for name, neutral in (("image_mean", 0.0), ("image_std", 1.0))
    )
    if len(mean) != 3 or len(std) != 3 or not all(v > 0 for v in std):
        raise ValueError(f"expected a mean and a std above 0 of three channels, got {mean}, {std}")
    cropped = given.get("do_center_crop") and given.get("crop_size")
    size = _side(cropped or given.get("size", own))
    if size is None:
        raise ValueError("expected a size in pixels, got none")
    return Preprocessing(size, mean, std, int(given.get("resample", Image.Resampling.BILINEAR)))


def _side(size: Any) -> int | None:
    """The side of a square, however it is written; None where nothing is.

    Raises:
        ValueError: it is no square.
    """
    if isinstance(size, dict):
        size = size.get("shortest_edge") or [size["height"], size["width"]]
    sides = {size} if isinstance(size, int | None) else set(size)
    if len(sides) > 1:
        raise ValueError(f"expected a square input, got {size}")
    return sides.pop()
