"""How fast pictures can be read, and how fast the network learns from them.

    python -m train.bench --config train/configs/student.json --data data

Takes what `train.finetune` takes and keeps nothing that it trains. Prints pictures per second of
the loader alone, from the device's memory where `--cache_on_device` asks for that, and of the
training step alone. The ratio of the last two is over 1 where training need not wait for pictures.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Generator

import torch

from train.console.command import exit_on_error
from train.console.errors import InputError
from train.finetune import build_trainer
from train.training.args import parse
from train.training.trainer import WeightedTrainer

BATCHES, STEPS, WARM_UP = 30, 8, 2


def measure(argv: list[str]) -> None:
    """Print how fast the training that `argv` describes reads pictures and learns from them.

    Args:
        argv: command line of `train.finetune`.

    Raises:
        InputError: as for `train.training.args.parse`, and no prepared data or no training pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        model_args, data_args, args, preset = parse(argv)
        args.output_dir, args.report_to = folder, []
        trainer = build_trainer(model_args, data_args, args)
        cached, args.cache_on_device = args.cache_on_device, False
        rates = {f"loader alone, {args.dataloader_num_workers} processes": _reading_rate(trainer)}
        if cached:
            args.cache_on_device = True
            rates["held on the device"] = _reading_rate(trainer)
        reading = list(rates.values())[-1]
        batch, step = next(_batches(trainer)), training_step(trainer)
        rates["training step alone"] = _rate(lambda: step(batch), STEPS)
    print(f"preset {preset}, {trainer.train_dataset.size} px, {args.device}")
    for name, rate in rates.items():
        print(f"{name + ':':30}{rate:9.1f} pictures/s")
    print(f"{'ratio:':30}{reading / rates['training step alone']:9.2f}")


def _reading_rate(trainer: WeightedTrainer) -> float:
    """Pictures per second of the batches alone; the loader's processes end with this call."""
    batches = _batches(trainer)
    return _rate(lambda: len(next(batches)["age_low"]), BATCHES)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.bench`."""
    with exit_on_error("train.bench"), tempfile.TemporaryDirectory() as folder:
        model_args, data_args, args, preset = parse(sys.argv[1:] if argv is None else argv)
        args.output_dir, args.report_to = folder, []
        rates = measure(build_trainer(model_args, data_args, args))
        print(f"preset {preset}, batch of {args.train_batch_size}, {args.device}")
        for name, rate in rates.items():
            print(f"{name + ':':<30} {rate:7.0f} pictures/s")
        *_, reading, step = rates.values()
        print(f"{'ratio:':<30} {reading / step:7.1f}")


if __name__ == "__main__":
    main()
