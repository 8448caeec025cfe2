"""How fast pictures can be read, how fast the network learns from them, and what it costs.

    python -m train.bench --config train/configs/student.json --data data

Takes what `train.finetune` takes and keeps nothing that it trains. Prints, in pictures per second:

- the loader alone, from the device's memory where `--cache_on_device` asks for that, and the
  training step alone; their ratio is over 1 where training need not wait for pictures,
- the Trainer, beside a bare loop that does the same work,
- evaluation as `train.evaluate` does it, beside the same network's faces in batches, as
  `python -m age_model.bench model` measures them: one picture, decoded already, again and again.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from transformers import PrinterCallback, TrainerCallback

from age_model.bench.model import batch_rate
from age_model.predictor import AgePredictor
from train.console.command import exit_on_error
from train.console.errors import InputError
from train.evaluation.arguments import SplitArguments
from train.evaluation.predict import predict_split
from train.finetune import build_trainer
from train.training.presets import parse
from train.training.trainer import WeightedTrainer

BATCHES, STEPS, WARM_UP = 30, 8, 2
ROUNDS = 3  # of each of two rates that are compared, one after the other
# Of a training that is timed: nothing but steps.
STEPS_ONLY = [
    "--report_to", "none", "--eval_strategy", "no", "--save_strategy", "no",
    "--load_best_model_at_end", "false", "--gradient_accumulation_steps", "1",
    "--max_steps", str(WARM_UP + STEPS), "--disable_tqdm", "true",
]  # fmt: skip


def measure(argv: list[str]) -> None:
    """Print how fast the training that `argv` describes reads, learns and evaluates.

    Args:
        argv: command line of `train.finetune`.

    Raises:
        InputError: as for `parse`; or there is no prepared data, or no training pictures in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        model_args, data_args, args, preset = parse([*argv, "--output_dir", folder, *STEPS_ONLY])

        def new_trainer() -> WeightedTrainer:
            return build_trainer(model_args, data_args, args)

        trainer = new_trainer()
        print(f"preset {preset}, {trainer.train_dataset.size} px, {args.device}")
        _print_reading(trainer)
        bare, trained = [], []
        for _ in range(ROUNDS):
            bare.append(training_rate(new_trainer()))
            trained.append(_trainer_rate(new_trainer()))
        _print_share("bare loop", bare, "the Trainer", trained)
        alone, evaluated = _evaluation_rates(trainer, Path(folder) / "network")
        _print_share("faces in batches", alone, "evaluation", evaluated)


def _print_reading(trainer: WeightedTrainer) -> None:
    args = trainer.args
    cached, args.cache_on_device = args.cache_on_device, False
    rates = {f"loader alone, {args.dataloader_num_workers} processes": _reading_rate(trainer)}
    if cached:
        args.cache_on_device = True
        rates["held on the device"] = _reading_rate(trainer)
    reading = list(rates.values())[-1]
    batch, step = next(_batches(trainer)), training_step(trainer)
    rates["training step alone"] = _rate(lambda: step(batch), STEPS)
    for name, rate in rates.items():
        print(f"{name + ':':30}{rate:9.1f} pictures/s")
    print(f"{'ratio:':30}{reading / rates['training step alone']:9.2f}")


def _print_share(name: str, rates: list[float], ours: str, our_rates: list[float]) -> None:
    """Two rates, and the second as a share of the first: the median over the rounds."""
    for title, values in ((name, rates), (ours, our_rates)):
        print(f"{title + ':':30}{statistics.median(values):9.1f} pictures/s")
    shares = [b / a for a, b in zip(rates, our_rates, strict=True)]
    print(f"{'share:':30}{statistics.median(shares):9.1%}")


def training_step(trainer: WeightedTrainer) -> Callable[[dict], int]:
    """What one step of training does with a batch, for timing; it changes the trainer's network.

    It returns the number of pictures in the batch.
    """
    trainer.create_optimizer_and_scheduler(num_training_steps=WARM_UP + STEPS)
    trainer.state.max_steps = WARM_UP + STEPS
    # Prepared as for training, so that the step runs in the same precision.
    model, optimizer = trainer.accelerator.prepare(trainer.model.train(), trainer.optimizer)

    def step(batch: dict) -> int:
        trainer.accelerator.backward(trainer.compute_loss(model, batch))
        trainer.accelerator.clip_grad_norm_(model.parameters(), trainer.args.max_grad_norm)
        optimizer.step()
        trainer.lr_scheduler.step()
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


class _Clock(TrainerCallback):
    """How long the steps after the warm-up take."""

    seconds = 0.0

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == WARM_UP:
            _synchronize()
            self._start = time.perf_counter()
        elif state.global_step == WARM_UP + STEPS:
            _synchronize()
            self.seconds = time.perf_counter() - self._start


def _trainer_rate(trainer: WeightedTrainer) -> float:
    """Pictures per second of `Trainer.train`, with all that it does between the steps."""
    clock, pictures = _Clock(), _Pictures(trainer)
    trainer.pop_callback(PrinterCallback)
    trainer.add_callback(clock)
    trainer.train()
    return sum(pictures.counts[WARM_UP:]) / clock.seconds


class _Pictures:
    """Counts the pictures of each batch that a trainer takes."""

    def __init__(self, trainer: WeightedTrainer):
        self.counts: list[int] = []
        self._inner = trainer.compute_loss
        trainer.compute_loss = self._count  # type: ignore[method-assign]

    def _count(self, model, inputs, *args, **kwargs):
        self.counts.append(len(inputs["age_low"]))
        return self._inner(model, inputs, *args, **kwargs)


def _evaluation_rates(trainer: WeightedTrainer, folder: Path) -> tuple[list[float], list[float]]:
    """Pictures per second in batches, and of a split, round by round."""
    trainer.model.save_pretrained(folder)
    trainer.preprocessing.save(folder)
    device = str(trainer.args.device)
    predictor = AgePredictor.from_pretrained(folder, detector="haar", device=device)
    rows = trainer.eval_dataset.rows
    faces = 16 * predictor.batch_size
    rows = rows.select([i % len(rows) for i in range(faces)])
    alone, evaluated = [], []
    for _ in range(ROUNDS):
        alone.append(batch_rate(predictor, faces))
        start = time.perf_counter()
        predict_split(predictor, rows, SplitArguments.batch_size)
        evaluated.append(faces / (time.perf_counter() - start))
    return alone, evaluated


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
