"""How fast pictures can be read, and how fast the network learns from them.

    python -m train.bench --config train/configs/student.json --data data

Takes what `train.finetune` takes, trains nothing that is kept, and prints pictures per second of the
loader alone, of the training step alone, and their ratio: over 1, the loader is not what is waited for.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable

from train.console.errors import InputError
from train.finetune import build_trainer
from train.training.args import parse
from train.training.trainer import WeightedTrainer

BATCHES, STEPS, WARM_UP = 30, 8, 2


def main() -> None:
    """Command line of `python -m train.bench`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model_args, data_args, args, preset = parse(sys.argv[1:])
            args.output_dir, args.report_to = folder, []
            trainer = build_trainer(model_args, data_args, args)
        except (InputError, OSError) as error:
            sys.exit(f"train.bench: {error}")
        batch, loader = _load(trainer)
        size = len(batch["pixel_values"])
        step = training_step(trainer)
        training = _rate(lambda: step(batch), STEPS, size)
    print(f"preset {preset}, batch of {size}, {trainer.train_dataset.size} px, {args.device}")
    print(
        f"loader alone:        {loader:7.0f} pictures/s with {args.dataloader_num_workers} processes"
    )
    print(f"training step alone: {training:7.0f} pictures/s")
    print(f"ratio:               {loader / training:7.1f}")


def training_step(trainer: WeightedTrainer) -> Callable[[dict], None]:
    """What one step of training does with a batch, for timing; it changes the trainer's network."""
    trainer.create_optimizer_and_scheduler(num_training_steps=STEPS)
    trainer.state.max_steps = STEPS
    # Prepared as for training, so that the step runs in the same precision.
    model, optimizer = trainer.accelerator.prepare(trainer.model.train(), trainer.optimizer)

    def step(batch: dict) -> None:
        trainer.accelerator.backward(trainer.compute_loss(model, batch))
        optimizer.step()
        optimizer.zero_grad()

    return step


def training_rate(trainer: WeightedTrainer) -> float:
    """Pictures per second of training as it will run, reading included."""
    trainer.args.dataloader_persistent_workers = False
    batches = iter(trainer.get_train_dataloader())
    step = training_step(trainer)
    return _rate(lambda: step(next(batches)), STEPS, trainer.args.train_batch_size)


def _load(trainer: WeightedTrainer) -> tuple[dict, float]:
    """A batch, and pictures per second of the loader; its processes end here, before the step runs."""
    trainer.args.dataloader_persistent_workers = False
    batches = iter(trainer.get_train_dataloader())
    batch = next(batches)
    return batch, _rate(lambda: next(batches), BATCHES, len(batch["pixel_values"]))


def _rate(action, times: int, size: int) -> float:
    """Pictures per second of `action` on batches of `size`, after a warm-up."""
    for _ in itertools.repeat(None, WARM_UP):
        action()
    start = time.perf_counter()
    for _ in itertools.repeat(None, times):
        action()
    return times * size / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
