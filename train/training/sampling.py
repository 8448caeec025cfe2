"""Which training pictures are drawn how often."""

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

from train.console.errors import InputError


class SourceSampler(WeightedRandomSampler):
    """Draws with replacement, so that UTKFace makes up a given share whatever the data sets' sizes.

    Only UTKFace has ages to the year; FairFace has twice as many pictures, with age groups.

    Args:
        source: (N,) str, the data set of each training picture.
        utkface_share: between 0 and 1, of UTKFace among the N draws that make an epoch.
        seed: of the draws; each epoch has its own.

    Raises:
        InputError: the pictures are not from both data sets.
    """

    def __init__(self, source: np.ndarray, utkface_share: float, seed: int):
        is_utkface = source == "utkface"
        count, others = int(is_utkface.sum()), int((~is_utkface).sum())
        if not count or not others:
            raise InputError(
                f"utkface_share: expected pictures of both data sets, but {count} of "
                f"{len(source)} are UTKFace's; leave the share out"
            )
        weights = np.where(is_utkface, utkface_share / count, (1 - utkface_share) / others)
        self.seed = seed
        super().__init__(weights.tolist(), len(source), generator=torch.Generator())
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer, so that a resumed run draws what an unbroken one would."""
        self.generator.manual_seed(self.seed + epoch)
