"""`python -m train.ablation`: what each part of the student's recipe brings.

The student's preset is trained a short way from random weights, once whole and once without each of
its parts, by the same number of steps and with the same seed. What a run came to is read from its
MLflow run, on the validation split, and its error on worn pictures is measured beside it. A run
that is done is not trained again, and one that was stopped goes on.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from age_model.records.atomic import atomic_file
from train.card.tables import Columns, percent, shown_numbers, table
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import shown_name
from train.evaluation.predict import load_split, predict_split
from train.finetune import finetune
from train.robustness import CorruptingPredictor
from train.stress.conditions import KINDS, Condition, conditions
from train.training.mlflow_contents import final_metrics
from train.training.mlflow_runs import note_of_run, parent_run, use_tracking
from train.training.presets import parse, preset_of

WHOLE = "whole"
# What differs from the preset; None: the preset's own value is left out.
ABLATIONS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "no teacher": {"teacher": None, "feature_distillation": None, "distillation": None},
    "no feature distillation": {"feature_distillation": 0.0},
    "no wear": {"wear": False},
    "no class weights": {"class_weighting": "none"},
    "sources by their size": {"source_weights": None},
}
SHORT = {
    "per_device_train_batch_size": 64, "warmup_steps": 50, "eval_strategy": "no",
    "save_steps": 100,
}  # fmt: skip
WORN = {"grey": 1, "resolution": 32, "jpeg": 10, "blur": 4, "darkness": 0.25}  # kind: level
WORN_ERROR = "worn_mae"
COLUMNS: Columns = {  # of MLflow metrics
    "UTKFace": ("eval_mae_utkface", "{:.2f}"),
    "up to 12": ("eval_mae_under_13_utkface", "{:.2f}"),
    "over 60": ("eval_mae_over_60_utkface", "{:.2f}"),
    "All-Age-Faces": ("eval_mae_all_age_faces", "{:.2f}"),
    "worn": (WORN_ERROR, "{:.2f}"),
    "group": ("eval_group_accuracy", percent),
    "gender": ("eval_gender_accuracy", percent),
    "minutes": ("minutes", "{:.0f}"),
}


@dataclass
class AblationArguments:
    """What to leave out, of which preset, for how many steps."""

    data: str = field(default="data", metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(default="runs/ablation", metadata={"help": "Folder of the runs."})
    config: str = field(
        default="train/configs/student.json", metadata={"help": "Preset of train.finetune."}
    )
    max_steps: int = field(default=600, metadata={"help": "Length of each training."})
    parts: list[str] = field(
        default_factory=list, metadata={"help": f"Which of {', '.join(ABLATIONS)}; default: all."}
    )
    worn_pictures: int = field(
        default=1000, metadata={"help": "How many validation pictures are worn, drawn by the seed."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of that draw."})
    table: str = field(default="docs/ablation.md", metadata={"help": "Markdown file to write."})
    extra: str = field(
        default="{}",
        metadata={"help": "JSON object of more training arguments, for all trainings."},
    )

    def __post_init__(self) -> None:
        self.parts = self.parts or list(ABLATIONS)
        if unknown := sorted(set(self.parts) - set(ABLATIONS)):
            raise InputError(f"--parts: expected some of {list(ABLATIONS)}, got {unknown}")

    def command(self) -> str:
        """The command line that gives the same table, without this machine's folders."""
        words = ["python", "-m", "train.ablation", "--data", "data"]
        words += ["--config", shown_name(self.config), "--max_steps", str(self.max_steps)]
        if self.parts != list(ABLATIONS):
            words += ["--parts", *self.parts]
        if self.extra != "{}":
            words += ["--extra", self.extra]
        return shlex.join(words)


def ablation(arguments: AblationArguments) -> str:
    """Train and measure what is not there yet; returns the page.

    Raises:
        InputError: the preset, the data or an argument cannot be used.
    """
    use_tracking()
    rows = []
    for name in arguments.parts:
        folder = Path(arguments.out) / re.sub(r"[^a-z]+", "-", name)
        if not (folder / "final" / "config.json").is_file():
            _train(name, folder, arguments)
        run_id = note_of_run(folder).read_text()
        if WORN_ERROR not in final_metrics(run_id):
            _log_worn_error(folder / "final", run_id, arguments)
        metrics = final_metrics(run_id)
        rows.append([name, *shown_numbers(COLUMNS, metrics)])
    metadata = json.loads((folder / "final" / "training.json").read_text())
    text = _page(arguments, rows, metadata)
    Path(arguments.table).parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(arguments.table) as partial:
        partial.write_text(text, encoding="utf-8")
    return text


def _train(name: str, folder: Path, arguments: AblationArguments) -> None:
    settings = preset_of(["--config", arguments.config]) | SHORT
    settings |= {"max_steps": arguments.max_steps, "output_dir": str(folder)}
    settings |= json.loads(arguments.extra) | {"data": arguments.data} | ABLATIONS[name]
    folder.mkdir(parents=True, exist_ok=True)
    preset = folder / "preset.json"
    preset.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}, indent=1))
    model, data, training, _ = parse(["--config", str(preset)])
    with parent_run(training.experiment, arguments.out, "ablation"):
        finetune(model, data, training, name)


def _log_worn_error(final: Path, run_id: str, arguments: AblationArguments) -> None:
    """Log the mean absolute error, in years, over all conditions of WORN."""
    import mlflow

    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    split = load_split(arguments.data, "validation")
    low, high = np.array(split["age_low"]), np.array(split["age_high"])
    rows = np.flatnonzero((low == high) & (low >= 0))
    drawn = np.random.default_rng(arguments.seed).permutation(rows)[: arguments.worn_pictures]
    pictures = split.select(np.sort(drawn))
    predictor = AgePredictor.from_pretrained(final, detector="haar")
    errors = []
    for condition in worn_conditions():
        worn = CorruptingPredictor(predictor, condition, arguments.seed)
        found = predict_split(worn, pictures, batch_size=64, threads=1)
        errors.append(np.abs(found.years - found.age_low).mean())
    mlflow.MlflowClient().log_metric(run_id, WORN_ERROR, float(np.mean(errors)))


def worn_conditions() -> list[Condition]:
    """Those of `train.robustness` that old, small and dark pictures are like."""
    return [c for c in conditions() if WORN.get(c.kind) == c.level]


def _page(arguments: AblationArguments, rows: list[list[str]], metadata: dict) -> str:
    name = Path(arguments.config).stem
    batch = metadata["arguments"]["per_device_train_batch_size"]
    worn = "; ".join(f"{KINDS[c.kind].title}: {c.name}" for c in worn_conditions())
    return (
        f"# Ablation of the preset `{name}`\n\n"
        f"The preset, trained from random weights for "
        f"{arguments.max_steps:,} steps of {batch} pictures in place of its own number, once whole "
        "and once without each part; all else is the same, the seed too. Scores are those of the "
        "validation split: mean absolute error in years, of two sources and, worn, of "
        f"{arguments.worn_pictures:,} of their pictures ({worn}); age groups right on FairFace; "
        "gender right on all.\n\n"
        f"{table(['', *COLUMNS], rows)}\n\n"
        "So short a training shows what helps a network to learn, not what keeps it from learning "
        "by heart, nor what it needs once it has learned: mixup is left out for that reason. The "
        "[experiments](experiments.md) show what whole trainings gained by it, by the third "
        "training, `ensemble_distillation`, and by `train.adjust`.\n\n"
        f"Written by `{arguments.command()}` from its MLflow runs, on {metadata['hardware']}.\n"
    )


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.ablation`."""
    run_command("train.ablation", AblationArguments, lambda given: print(ablation(given)), argv)


if __name__ == "__main__":
    main()
