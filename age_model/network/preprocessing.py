"""From an RGB crop to the network's input: resizing and the one normalisation, for training too.

The numbers are those of the checkpoint's `preprocessor_config.json`, so that the processor of
`transformers.pipeline` and this file give the same input (a test compares them).
"""

import numpy as np
import torch
from PIL import Image
from transformers import ViTImageProcessorPil

MEAN = 0.5  # of each channel on the scale 0..1, so that inputs lie within -1..1
STD = 0.5


def image_processor(size: int) -> ViTImageProcessorPil:
    """The processor to save beside the weights: it does what `resize` and `normalize` do.

    Args:
        size: height and width of the network's input, pixels.
    """
    return ViTImageProcessorPil(
        size={"height": size, "width": size},
        resample=Image.Resampling.BILINEAR,
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )


def resize(image_rgb: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (size, size, 3) uint8, bilinear, antialiased; the shape may distort."""
    if image_rgb.shape[:2] == (size, size):
        return image_rgb
    picture = Image.fromarray(image_rgb).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def normalize(batch_rgb: np.ndarray) -> torch.Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, H, W) float32 within -1..1."""
    if batch_rgb.dtype != np.uint8 or batch_rgb.ndim != 4 or batch_rgb.shape[3] != 3:
        raise ValueError(
            "expected a uint8 array of shape (B, H, W, 3), RGB, "
            f"got {batch_rgb.dtype} of shape {batch_rgb.shape}"
        )
    pixels = torch.from_numpy(np.ascontiguousarray(batch_rgb)).permute(0, 3, 1, 2)
    return standardize(pixels.float().div_(255))


def standardize(pixels: torch.Tensor) -> torch.Tensor:
    """Float pixels within 0..1, of any shape -> the same within -1..1, changed in place."""
    return pixels.sub_(MEAN).div_(STD)
