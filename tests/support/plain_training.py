"""`train.finetune` on pictures as they are, so that one process and several can be compared.

KILL_AT_STEP=N in the environment kills the second process when it begins that step.
"""

import os
import signal
import sys

import torch

import train.data.dataset
from train.finetune import main
from train.training.trainer import WeightedTrainer


def resized(images_rgb, size, generator, wear):
    """In place of `augment`: only resized."""
    return torch.nn.functional.interpolate(images_rgb.permute(0, 3, 1, 2) / 255, size)


class Killed(WeightedTrainer):
    """Its second process does not survive."""

    def training_step(self, *args, **kwargs):
        last_step = int(os.environ["KILL_AT_STEP"]) - 1
        if self.args.process_index == 1 and self.state.global_step == last_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(*args, **kwargs)


if __name__ == "__main__":
    train.data.dataset.augment = resized
    if "KILL_AT_STEP" in os.environ:
        train.finetune.WeightedTrainer = Killed
    main(sys.argv[1:])
