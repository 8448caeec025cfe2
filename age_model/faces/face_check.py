"""Is what a detector offers a face at all? A small network looks at the crop once more.

A detector looks for faces at a hundred thousand places of a picture; now and then a badge, a shirt
or a texture passes. `python -m train.face_check` trains this network on crops of faces, moved as
detectors move them, against crops of what detectors take for faces; it also chooses the threshold.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from torch import nn

WEIGHTS = Path(__file__).with_name("face_check.safetensors")
SIDE = 48  # pixels of its input
THRESHOLD = "threshold"  # its name in the file's metadata


class FaceCheckNetwork(nn.Module):
    """A convolutional network of 60,000 weights: (N, 3, SIDE, SIDE) in 0..1 to (N,) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(3, 16, stride=2),  # 24 x 24
            *_convolution(16, 32, stride=2),  # 12 x 12
            *_convolution(32, 32),
            *_convolution(32, 48, stride=2),  # 6 x 6
            *_convolution(48, 64),
            # A weight for each place, so that an eye below the mouth does not count.
            nn.Conv2d(64, 64, 6, groups=64),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, 1),
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N,) logits of (N, 3, SIDE, SIDE) pictures in 0..1."""
        logits: torch.Tensor = self.layers(pictures)
        return logits[:, 0]


class FaceCheck:
    """The trained network with its threshold. Safe to share by threads.

    Attributes:
        threshold: scores below it are no faces.
    """

    def __init__(self, network: FaceCheckNetwork, threshold: float):
        self.threshold = threshold
        self._network = network.eval()

    @torch.inference_mode()
    def scores(self, crops: list[np.ndarray]) -> np.ndarray:
        """How sure it is that each crop shows a face.

        Args:
            crops: (S, S, 3) uint8 each, as from `crop.crop_face`.

        Returns:
            (N,) float32 in 0..1.
        """
        if not crops:
            return np.zeros(0, np.float32)
        inputs = torch.from_numpy(np.stack([network_input(crop) for crop in crops]))
        return self._network(inputs).sigmoid().numpy()

    def accepts(self, crops: list[np.ndarray]) -> np.ndarray:
        """(N,) bool: whether each crop is taken for a face; see `scores`."""
        return self.scores(crops) >= self.threshold


def network_input(crop_rgb: np.ndarray) -> np.ndarray:
    """(3, SIDE, SIDE) float32 in 0..1 from an (S, S, 3) uint8 crop."""
    small = cv2.resize(crop_rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / 255


@cache
def load_face_check(path: Path = WEIGHTS) -> FaceCheck:
    """Read the network and its threshold from a safetensors file, once.

    Raises:
        ValueError: the file is none of this network.
    """
    network = FaceCheckNetwork()
    try:
        with safe_open(path, framework="pt") as file:
            threshold = float((file.metadata() or {})[THRESHOLD])
            network.load_state_dict({name: file.get_tensor(name) for name in network.state_dict()})
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"expected the weights of the face check in {path}, got: {error}; write them again by "
            "`python -m train.face_check`"
        ) from error
    return FaceCheck(network, threshold)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]
