"""Levels a crop that only a box gave: a small network says how far it is off, and it is moved.

A box says nothing about how a head leans, so the crop of a detector without landmarks shows tilted
faces tilted. `python -m train.alignment` trains this network on aligned faces under random
similarities, and measures what it is good for.
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from age_model.faces.crop import warp
from age_model.results import Faces

WEIGHTS = Path(__file__).with_name("alignment.safetensors")
SIDE = 64  # pixels of its input
# Of the input only a disc is seen, of this radius in sides: the aligned pictures that it is trained
# on end just beyond the face, and it must not find the face by where they end.
SEEN = 0.42
LOOKS = 2  # the second corrects what the first left


class AlignmentNetwork(nn.Module):
    """(N, 3, SIDE, SIDE) in 0..1 to (N, 4): the correction of each crop, see `correction`."""

    disc: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48, 64)
        self.layers = nn.Sequential(
            *(
                layer
                for inputs, outputs in pairwise(widths)
                for layer in (
                    nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                )
            ),
            nn.Flatten(),
            nn.Linear(64 * (SIDE // 16) ** 2, 64),
            nn.ReLU(),
            nn.Linear(64, 4),
        )
        steps = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
        disc = steps[:, None] ** 2 + steps[None, :] ** 2 < SEEN**2
        self.register_buffer("disc", disc.float(), persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, 4) of (N, 3, SIDE, SIDE) pictures in 0..1; of any light and contrast."""
        seen = self.disc / self.disc.sum()
        mean = (pictures * seen).sum(dim=(1, 2, 3), keepdim=True) / 3
        centred = (pictures - mean) * self.disc
        spread = (centred.square() * seen).sum(dim=(1, 2, 3), keepdim=True).div(3).sqrt()
        moved: torch.Tensor = self.layers(centred / (spread + 0.02))
        return moved


def correction(numbers: np.ndarray) -> np.ndarray:
    """(2, 3) from the crop that was offered to the better one, whose sides run from 0 to 1 both.

    Args:
        numbers: (4,): the real and imaginary part, less 1, of the turn and scale about the middle
            of the crop, then the shift to the right and down in sides.
    """
    real, imaginary, right, down = numbers.astype(np.float64)
    turn = np.array([[1 + real, -imaginary], [imaginary, 1 + real]])
    return np.column_stack([turn, [0.5 + right, 0.5 + down] - turn @ [0.5, 0.5]])


class Alignment:
    """The trained network. Safe to share by threads."""

    def __init__(self, network: AlignmentNetwork):
        self._network = network.eval()

    @torch.inference_mode()
    def aligned(self, image_rgb: np.ndarray, faces: Faces) -> Faces:
        """The faces with better crops, where no landmarks gave them.

        Args:
            image_rgb: (H, W, 3) uint8.
            faces: what a detector found in it.
        """
        boxed = np.flatnonzero(~np.isfinite(faces.landmarks_xy).all(axis=(1, 2)))
        if not len(boxed):
            return faces
        to_crop = faces.to_crop.copy()
        for _ in range(LOOKS):
            views = np.stack([warp(image_rgb, to_crop[i], SIDE) for i in boxed])
            inputs = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
            for i, numbers in zip(boxed, self._network(inputs).numpy(), strict=True):
                to_crop[i] = correction(numbers) @ np.vstack([to_crop[i], [0, 0, 1]])
        return replace(faces, to_crop=to_crop)


@cache
def load_alignment(path: Path = WEIGHTS) -> Alignment:
    """Read the network from a safetensors file, once.

    Raises:
        ValueError: the file is none of this network.
    """
    network = AlignmentNetwork()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"expected the weights of the alignment in {path}, got: {error}; write them again by "
            "`python -m train.alignment`"
        ) from error
    return Alignment(network)
