"""Train the network.

    python -m train.finetune --config train/configs/student.json --data data

Starts from a pretrained checkpoint or from nothing, resumes by itself from the last checkpoint of
its output folder, and leaves the best network by validation in OUTPUT/final.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import EarlyStoppingCallback, PreTrainedModel, TrainerCallback, set_seed
from transformers.trainer_utils import get_last_checkpoint

from age_model.labels import AGE_GROUPS, GENDERS, NUM_AGES, AgeGroup
from age_model.network.answers import ATTRIBUTES_KEY, age_groups
from age_model.network.calibration import CONFIG_KEY
from age_model.records.atomic import atomic_folder
from train.console.command import exit_on_error
from train.console.errors import InputError
from train.console.output import without_folders
from train.data.dataset import SIGMA, STORED, Collate, FaceDataset
from train.data.prepared import load_prepared, source_metadata
from train.evaluation.metrics import validation_scores
from train.figures.curves import write_curves
from train.networks.registry import input_preprocessing, is_checkpoint
from train.training.args import AgeTrainingArguments, DataArguments, ModelArguments
from train.training.gentle import FreezeBackbone
from train.training.mlflow_contents import log_final
from train.training.mlflow_runs import RUN_ID, hardware, training_run
from train.training.presets import parse
from train.training.start import note_attributes, starting_network, starting_teachers
from train.training.trainer import StopAfter, Stopwatch, WeightedTrainer

# Of a configuration, what says nothing about the network's form.
NO_SHAPE = {"architectures", "dtype", "transformers_version", CONFIG_KEY, ATTRIBUTES_KEY}
UNFINISHED = 75  # exit status of a slice that is not the last (EX_TEMPFAIL of sysexits.h)


class Stopped(Exception):
    """The training was stopped after the minutes it was given; its checkpoint is saved."""

    run_status = "KILLED"  # of its MLflow run, until it goes on

    def __init__(self, step: int, steps: int):
        super().__init__(f"stopped at step {step} of {steps}; give the same command to go on")


def finetune(
    model_args: ModelArguments,
    data_args: DataArguments,
    args: AgeTrainingArguments,
    preset: str,
    callbacks: Sequence[TrainerCallback] = (),
) -> Path:
    """Train as told; returns the folder of the final checkpoint.

    Args:
        model_args, data_args, args, preset: from `parse`.
        callbacks: more of them for the Trainer.

    Raises:
        InputError: data, base model or teacher are not what they should be (before training
            starts).
        Stopped: `stop_after_minutes` were over first.
    """
    trainer = build_trainer(model_args, data_args, args)
    for callback in callbacks:
        trainer.add_callback(callback)
    last = _last_checkpoint(args, trainer.model)
    arguments = {**asdict(model_args), **asdict(data_args), **_arguments(args)}
    tracked = {"start": model_args.base_model or "random weights"}
    tracked |= {**arguments, "image_size": trainer.preprocessing.size}
    with training_run(trainer, preset, tracked, resuming=last is not None) as run_id:
        trainer.train(resume_from_checkpoint=last)
        # Or a launcher would end the first process, which is still writing, because another has
        # ended.
        trainer.accelerator.wait_for_everyone()
        if any(c.stopped for c in trainer.callback_handler.callbacks if isinstance(c, StopAfter)):
            raise Stopped(trainer.state.global_step, trainer.state.max_steps)
        network = trainer.accelerator.unwrap_model(trainer.model)
        if hasattr(network, "feature_projection"):
            network.feature_projection.leave(network)
        metadata = {
            "preset": preset,
            "arguments": arguments,
            **_history(trainer),
            "source_facts": source_metadata(data_args.data),
            "validation": trainer.evaluate(),
            "evaluations": [entry for entry in trainer.state.log_history if "eval_mae" in entry],
            "teacher": _metadata_of(model_args.teacher),
            "further_teachers": _metadata_of_others(model_args),
            "base": _metadata_of(model_args.base_model),
            "base_hub_id": _hub_id(model_args.base_model),
            RUN_ID: run_id,
        }
        final = Path(args.output_dir) / "final"
        if args.process_index == 0:
            _save(trainer, network, final, metadata)
        trainer.accelerator.wait_for_everyone()
    return final


def build_trainer(
    model_args: ModelArguments, data_args: DataArguments, args: AgeTrainingArguments
) -> WeightedTrainer:
    """The network, its data and what trains it, ready to start."""
    set_seed(args.seed)
    network = starting_network(model_args, data_args.image_size, args.freeze_backbone_steps)
    if args.patch_dropout and not hasattr(network, "patch_dropout"):
        kind = network.config.model_type
        print(f"patch_dropout has no effect on this network ({kind}), only on a plain ViT",
              file=sys.stderr)  # fmt: skip
    teachers = starting_teachers(model_args, network)
    for vit in (network, *teachers):
        if args.use_cpu and vit.config.model_type == "vit":
            # torch's fused attention is slow on few tokens here: with it, a step at 32 patches
            # takes 1.4 times as long, one at 64 patches 1.6 times (torch 2.13, forward and
            # backward).
            vit.set_attn_implementation("eager")
    data = load_prepared(data_args.data, data_args.omit_source)
    train_rows = _some(data["train"], data_args.max_train_pictures, args.seed)
    validation_rows = _some(data["validation"], data_args.max_validation_pictures, args.seed)
    if not len(train_rows):
        raise InputError(f"{data_args.data}: expected training pictures, found none")
    check_validation(args, validation_rows, data_args.data, age_groups(network.config))
    note_attributes(network, teachers, train_rows, args)
    preprocessing = input_preprocessing(network)
    sources = source_metadata(data_args.data)
    sigma = {source: metadata[SIGMA] for source, metadata in sources.items()}
    patience = args.early_stopping_patience if args.eval_strategy != "no" else None
    trainer = WeightedTrainer(
        model=network,
        teachers=teachers,
        args=args,
        train_dataset=FaceDataset(train_rows, preprocessing, sigma, STORED),
        eval_dataset=FaceDataset(validation_rows, preprocessing, sigma),
        data_collator=Collate(preprocessing),
        callbacks=[
            Stopwatch(),
            *([EarlyStoppingCallback(patience)] if patience else []),
            *([StopAfter(args.stop_after_minutes)] if args.stop_after_minutes else []),
            *([FreezeBackbone(args.freeze_backbone_steps)] if args.freeze_backbone_steps else []),
        ],
    )
    if args.process_index:
        # Each process augments, drops and blends in its own way. The first one goes on by the seed.
        torch.manual_seed(args.seed + args.process_index)
    return trainer


def _some(rows, count: int | None, seed: int):
    if count is None or count >= len(rows):
        return rows
    return rows.select(np.sort(np.random.default_rng(seed).permutation(len(rows))[:count]))


def check_validation(
    args: AgeTrainingArguments,
    rows: Dataset,
    data: str,
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> None:
    """Have the best network chosen by what the validation pictures have labels for.

    Args:
        args: `metric_for_best_model` is changed where it is the MAE and there is none.
        rows: of the validation split.
        data: folder of the prepared data.
        groups: the network's age groups.

    Raises:
        InputError: there are no validation pictures.
    """
    if not len(rows):
        raise InputError(
            f"{data}: expected validation pictures, to choose the best network by, found none; "
            "give train.prepare more pictures, or a column `split`"
        )
    if args.metric_for_best_model not in ("mae", "eval_mae"):
        return
    scored = validation_scores(
        np.zeros((len(rows), NUM_AGES)),
        np.zeros((len(rows), len(GENDERS))),
        *(np.array(rows[name]) for name in ("age_low", "age_high", "gender")),
        groups=groups,
    )
    if "mae" in scored:
        return
    accuracies = [name for name in ("group_accuracy", "gender_accuracy") if name in scored]
    args.metric_for_best_model = [*accuracies, "loss"][0]
    args.greater_is_better = bool(accuracies)
    _say(
        args,
        "no validation picture has an age in years: the best network is the one with the best "
        f"{args.metric_for_best_model}",
    )


def _last_checkpoint(args: AgeTrainingArguments, network: PreTrainedModel) -> str | None:
    """The checkpoint to go on from.

    Raises:
        InputError: it is one of another network.
    """
    folder = Path(args.output_dir)
    last = get_last_checkpoint(folder) if folder.is_dir() else None
    if not last:
        return None
    saved, ours = (
        {name: value for name, value in json.loads(config).items() if name not in NO_SHAPE}
        for config in (Path(last, "config.json").read_text(), network.config.to_json_string())
    )
    if differing := sorted(n for n in {*saved, *ours} if saved.get(n) != ours.get(n)):
        shown = ", ".join(f"{n} {saved.get(n)} instead of {ours.get(n)}" for n in differing[:3])
        raise InputError(
            f"{last}: expected a checkpoint of this network, got one with {shown}; give another "
            f"--output_dir, or remove {folder} to start anew"
        )
    _say(args, f"resuming from {last}; remove {folder} to start anew")
    return last


def _say(args: AgeTrainingArguments, text: str) -> None:
    """Of several processes, the first one says it."""
    if args.process_index == 0:
        print(text, file=sys.stderr)


def _arguments(args: AgeTrainingArguments) -> dict:
    """The arguments that are not at their defaults, and those that this project adds."""
    ours = AgeTrainingArguments.__annotations__
    names = {
        *ours, "learning_rate", "weight_decay", "max_steps", "num_train_epochs", "seed", "bf16",
        "per_device_train_batch_size", "gradient_accumulation_steps", "warmup_steps",
    }  # fmt: skip
    values = args.to_dict()
    return {name: values[name] for name in sorted(names) if name in values}


def _history(trainer: WeightedTrainer) -> dict:
    """What the training took, for the card."""
    steps, batch = trainer.state.global_step, trainer.args.train_batch_size
    watch = next(c for c in trainer.callback_handler.callbacks if isinstance(c, Stopwatch))
    sources, counts = np.unique(trainer.train_dataset.rows["source"], return_counts=True)
    processes = trainer.args.world_size
    accumulated = trainer.args.gradient_accumulation_steps * processes
    return {
        "minutes": round(watch.minutes, 2),
        "steps": steps,
        "pictures_seen": steps * batch * accumulated,
        "parameters": trainer.model.num_parameters(),
        "hardware": f"{processes} x {hardware()}" if processes > 1 else hardware(),
        "versions": {name: version(name) for name in ("torch", "transformers", "datasets")},
        "train_pictures": dict(zip(sources.tolist(), counts.tolist(), strict=True)),
    }


def _metadata_of(network: str | None) -> dict | None:
    """How a teacher or a base came about, where it is a folder that this module wrote."""
    metadata = Path(network, "training.json") if network else None
    return json.loads(metadata.read_text()) if metadata and metadata.is_file() else None


def _metadata_of_others(args: ModelArguments) -> list[dict | None]:
    """That of each further teacher, but for those told of already, as the first or as the base.

    Each record holds those of the networks before it; a second copy in every training would double
    the file from one to the next.
    """
    told = (args.teacher, args.base_model)
    return [_metadata_of(n) for n in dict.fromkeys(args.further_teachers) if n not in told]


def _hub_id(network: str | None) -> str | None:
    """The name itself, where it is no folder here."""
    return network if network and not Path(network).is_dir() else None


def _save(trainer: WeightedTrainer, network: PreTrainedModel, final: Path, metadata: dict) -> None:
    with atomic_folder(final, may_replace=is_checkpoint) as folder:
        network.save_pretrained(folder)
        trainer.preprocessing.save(folder)
        (folder / "training.json").write_text(json.dumps(without_folders(metadata), indent=1))
        write_curves(trainer.state.log_history, folder / "curves.png")
    if metadata[RUN_ID]:
        from train.publishing.mlflow_model import log_model  # it takes seconds to import

        log_final(metadata, final)
        log_model(final)
    print(f"best on validation: {metadata['validation']}\nsaved: {final}", file=sys.stderr)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.finetune`."""
    with exit_on_error("train.finetune"):
        try:
            finetune(*parse(sys.argv[1:] if argv is None else argv))
            status = 0
        except Stopped as stopped:
            if int(os.environ.get("RANK", 0)) == 0:
                print(f"train.finetune: {stopped}", file=sys.stderr)
            status = UNFINISHED
        if torch.distributed.is_initialized():
            # Whichever process ends first has the launcher end the others.
            PartialState().wait_for_everyone()
            PartialState().destroy_process_group()
        if status:
            sys.exit(status)


if __name__ == "__main__":
    main()
