"""Which training pictures are drawn how often."""

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

from train.console.errors import InputError


class SourceSampler(WeightedRandomSampler):
    """Draws with replacement, so that each source has its share whatever the data sets' sizes.

    Args:
        source: (N,) str, the data set of each training picture.
        weights: of the draws for each source, above 0; they need not add up to 1, and those of
            sources that are not there count for nothing.
        seed: of the draws; each epoch has its own.

    Raises:
        InputError: a source has no weight.
    """

    def __init__(self, source: np.ndarray, weights: dict[str, float], seed: int):
        names, counts = np.unique(source, return_counts=True)
        if not set(names.tolist()) <= set(weights):
            raise InputError(
                f"source_weights: expected a weight for each of {', '.join(names)}, got some for "
                f"{', '.join(weights)}"
            )
        each = {name: weights[name] / count for name, count in zip(names, counts, strict=True)}
        self.seed = seed
        of_pictures = np.array([each[name] for name in source])
        super().__init__(
            (of_pictures / of_pictures.sum()).tolist(), len(source), generator=torch.Generator()
        )
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer, so that a resumed run draws what an unbroken one would."""
        self.generator.manual_seed(self.seed + epoch)
