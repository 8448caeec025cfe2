"""How far pictures are from those that a network learned from, in the space that its heads read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from age_model.images.load import load_image
from age_model.network.loading import load_model
from age_model.network.preprocessing import read_preprocessing

# Of the largest variance: added to all, so that directions without any do not decide.
RIDGE = 1e-3


class FeatureDistance:
    """Mahalanobis distance to the features of known pictures.

    Source: Lee, Lee, Lee and Shin, "A Simple Unified Framework for Detecting Out-of-Distribution
    Samples and Adversarial Attacks", NeurIPS 2018 (with one class).

    Args:
        features: (N, D) of pictures that the network learned from, N > D.
    """

    def __init__(self, features: np.ndarray):
        self._mean = features.mean(axis=0, dtype=np.float64)
        variance, directions = np.linalg.eigh(np.cov(features.T))
        self._whiten = directions / np.sqrt(variance + RIDGE * variance.max())

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(M, D) features -> (M,) distances; the known pictures' are about 1."""
        whitened = (features - self._mean) @ self._whiten
        return np.sqrt((whitened**2).mean(axis=1))


@torch.inference_mode()
def crop_features(checkpoint: Path, batches: Iterable[list[bytes | str]]) -> np.ndarray:
    """(N, D) float32 features of aligned crops, given as files' bytes or paths in batches."""
    network = load_model(str(checkpoint)).eval()
    preprocessing = read_preprocessing(checkpoint, network.config)
    parts = []
    for crops in batches:
        inputs = np.stack([preprocessing.resize(load_image(crop)) for crop in crops])
        parts.append(network(preprocessing.normalize(inputs)).features.numpy())
    return np.concatenate(parts)
