"""Train the network.

    python -m train.finetune --config train/configs/tiny.json --data data

Starts from a pretrained checkpoint or from nothing, resumes by itself from the last checkpoint of its
output folder, and leaves the best network by validation in OUTPUT/final.
"""

import json
import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import torch
from transformers import EarlyStoppingCallback, PreTrainedModel, set_seed
from transformers.trainer_utils import get_last_checkpoint

from age_model.transforms import image_processor
from train.args import AgeTrainingArguments, DataArguments, ModelArguments, parse
from train.curves import write_curves
from train.dataset import FaceDataset, collate, load_prepared
from train.files import whole_folder
from train.initialisation import mimetic
from train.networks import input_size, load_network, new_network
from train.trainer import Stopwatch, WeightedTrainer


def finetune(
    model_args: ModelArguments, data_args: DataArguments, args: AgeTrainingArguments, preset: str
) -> Path:
    """Train as told; returns the folder of the final checkpoint."""
    set_seed(args.seed)
    network, teacher = _network(model_args), None
    if model_args.teacher:
        teacher = load_network(model_args.teacher)
    size = input_size(network, data_args.image_size)
    data = load_prepared(data_args.data)
    train_rows = _some(data["train"], data_args.max_train_pictures, args.seed)
    validation_rows = _some(data["validation"], data_args.max_validation_pictures, args.seed)
    _track(args)
    stopwatch = Stopwatch()
    trainer = WeightedTrainer(
        model=network,
        teacher=teacher,
        args=args,
        train_dataset=FaceDataset(train_rows, size, seed=args.seed),
        eval_dataset=FaceDataset(validation_rows, size, seed=None),
        data_collator=collate,
        callbacks=[stopwatch, *_early_stopping(args)],
    )
    trainer.train(resume_from_checkpoint=_last_checkpoint(args))
    stopwatch = next(c for c in trainer.callback_handler.callbacks if isinstance(c, Stopwatch))
    facts = {
        "preset": preset,
        "arguments": {**asdict(model_args), **asdict(data_args), **_told(args)},
        "minutes": round(stopwatch.minutes, 1),
        "steps": trainer.state.global_step,
        "pictures_seen": trainer.state.global_step * trainer._train_batch_size
        * args.gradient_accumulation_steps * args.world_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "hardware": _hardware(),
        "versions": {name: version(name) for name in ("torch", "transformers", "datasets")},
        "train_pictures": {
            source: int(n)
            for source, n in zip(*np.unique(train_rows["source"], return_counts=True), strict=True)
        },
        "validation": trainer.evaluate(),
        "teacher": _facts_of(model_args.teacher),
    }
    final = Path(args.output_dir) / "final"
    _save(trainer, final, size, facts)
    return final


def _network(args: ModelArguments) -> PreTrainedModel:
    if args.base_model:
        return load_network(args.base_model)
    network = new_network(args.architecture, args.network_config)
    if args.architecture == "vit" and args.mimetic_init:
        mimetic(network)
    if args.architecture == "resnet":
        # The layout in which convolutions are quick on processors and tensor cores alike.
        network = network.to(memory_format=torch.channels_last)
    return network


def _some(rows, count: int | None, seed: int):
    if count is None or count >= len(rows):
        return rows
    return rows.select(np.sort(np.random.default_rng(seed).permutation(len(rows))[:count]))


def _track(args: AgeTrainingArguments) -> None:
    """Point MLflow at ./mlruns, unless the environment names another server."""
    if "mlflow" not in args.report_to:
        return
    Path("mlruns").mkdir(exist_ok=True)
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{Path('mlruns/mlflow.db').absolute()}")
    os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", args.experiment)


def _early_stopping(args: AgeTrainingArguments) -> list[EarlyStoppingCallback]:
    patience = args.early_stopping_patience
    return [EarlyStoppingCallback(patience)] if patience else []


def _last_checkpoint(args: AgeTrainingArguments) -> str | None:
    folder = Path(args.output_dir)
    last = get_last_checkpoint(folder) if folder.is_dir() else None
    if last:
        print(f"resuming from {last}; remove {folder} to start anew", file=sys.stderr)
    return last


def _told(args: AgeTrainingArguments) -> dict:
    """The arguments that are not at their defaults, and those that this project adds."""
    ours = AgeTrainingArguments.__annotations__
    names = {*ours, "learning_rate", "weight_decay", "max_steps", "num_train_epochs", "seed", "bf16",
             "per_device_train_batch_size", "gradient_accumulation_steps", "warmup_steps"}  # fmt: skip
    values = args.to_dict()
    return {name: values[name] for name in sorted(names) if name in values}


def _hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"


def _facts_of(teacher: str | None) -> dict | None:
    facts = Path(teacher, "training.json") if teacher else None
    return json.loads(facts.read_text()) if facts and facts.is_file() else None


def _save(trainer: WeightedTrainer, final: Path, size: int, facts: dict) -> None:
    network = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(network, "hint_projection"):
        del network.hint_projection  # it served the teacher; the checkpoint is the network alone
    with whole_folder(final) as folder:
        network.save_pretrained(folder)
        image_processor(size).save_pretrained(folder)
        (folder / "training.json").write_text(json.dumps(facts, indent=1))
        write_curves(trainer.state.log_history, folder / "curves.png")
    if "mlflow" in trainer.args.report_to:
        mlflow.log_artifacts(str(final), "final")
        mlflow.end_run()
    print(f"best on validation: {facts['validation']}\nsaved: {final}", file=sys.stderr)


if __name__ == "__main__":
    try:
        parsed = parse(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"train.finetune: {error}")
    finetune(*parsed)
