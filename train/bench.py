"""How fast pictures can be read, and how fast the network learns from them.

    python -m train.bench --config train/configs/student.json --data data

Takes what `train.finetune` takes and keeps nothing that it trains. Prints pictures per second of
the loader alone, from the device's memory where `--cache_on_device` asks for that, and of the
training step alone. The ratio of the last two is over 1 where training need not wait for pictures.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator

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
        InputError: as for `parse`; or there is no prepared data, or no training pictures in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        model_args, data_args, args, preset = parse(argv)
        args.output_dir = folder
        args.report_to = []  # type: ignore[assignment]
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


def training_step(trainer: WeightedTrainer) -> Callable[[dict], int]:
    """What one step of training does with a batch, for timing; it changes the trainer's network.

    It returns the number of pictures in the batch.
    """
    trainer.create_optimizer_and_scheduler(num_training_steps=STEPS)
    trainer.state.max_steps = STEPS
    # Prepared as for training, so that the step runs in the same precision.
    model, optimizer = trainer.accelerator.prepare(trainer.model.train(), trainer.optimizer)

    def step(batch: dict) -> int:
        trainer.accelerator.backward(trainer.compute_loss(model, batch))
        optimizer.step()
        optimizer.zero_grad()
        return len(batch["age_low"])

    return step


def training_rate(trainer: WeightedTrainer) -> float:
    """Pictures per second of training as it will run, reading included.

    Raises:
        InputError: there are no training pictures.
    """
    batches = _batches(trainer)
    step = training_step(trainer)
    return _rate(lambda: step(next(batches)), STEPS)


def _reading_rate(trainer: WeightedTrainer) -> float:
    """Pictures per second of the batches alone; the loader's processes end with this call."""
    batches = _batches(trainer)
    return _rate(lambda: len(next(batches)["age_low"]), BATCHES)


def _batches(trainer: WeightedTrainer) -> Iterator[dict]:
    """Training batches on the device, epoch after epoch: small data has fewer than are timed."""
    if not len(trainer.train_dataset):
        raise InputError("expected training pictures, found none")
    trainer.args.dataloader_persistent_workers = False
    loader = trainer.get_train_dataloader()
    while True:
        yield from map(trainer._prepare_inputs, loader)


def _rate(action: Callable[[], int], times: int) -> float:
    """Pictures per second of `action`, which returns how many it took, after a warm-up."""
    for _ in range(WARM_UP):
        action()
    _synchronize()
    start = time.perf_counter()
    pictures = sum(action() for _ in range(times))
    _synchronize()
    return pictures / (time.perf_counter() - start)


def _synchronize() -> None:
    """Wait until an accelerator has done what it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.bench`."""
    with exit_on_error("train.bench"):
        measure(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    main()
