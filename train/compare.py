"""`python -m train.compare`: the ViT beside other backbones, each trained for as many minutes.

Same splits, same heads, same losses, the same machine one after the other. A backbone that is done
is not trained again, and one that was stopped goes on, so the command can be given again at any
time. The table is made from the MLflow runs, on the validation split: nothing is chosen on the test
split.

From random weights a ViT learns too little in minutes to show what class weighting does to it. With
`--base_model` the two ViTs, with and without, go on from a trained one instead.
"""

import json
import re
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import torch

from age_model.records.atomic import atomic_file
from train.bench import training_rate
from train.card.tables import Columns, percent, shown_numbers, table
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import shown_name
from train.finetune import build_trainer, finetune
from train.networks.registry import load_network
from train.training.mlflow_contents import final_metrics
from train.training.mlflow_runs import note_of_run, parent_run, use_tracking
from train.training.presets import parse

PRESET = Path(__file__).parent / "configs" / "compare.json"
ADAMW = {"optimizer": "trainer", "optim": "adamw_torch", "weight_decay": 0.02}
RESNET = {"embedding_size": 32, "hidden_sizes": [32, 64, 128, 256], "depths": [2, 2, 2, 2],
          "layer_type": "basic"}  # fmt: skip
# What differs from the preset, which is the ViT's own.
BACKBONES: dict[str, dict] = {
    "ViT-Ti/16": {},
    "ViT-Ti/16, no class weights": {"class_weighting": "none"},
    "ResNet, 2-2-2-2 basic blocks": ADAMW | {"architecture": "resnet", "network_config": RESNET},
    "DenseNet-121": ADAMW
    | {"architecture": "age-densenet", "network_config": {}, "learning_rate": 0.001},
    "CNN, three blocks": ADAMW
    | {"architecture": "age-cnn", "network_config": {}, "learning_rate": 0.001},
}
COLUMNS: Columns = {  # of MLflow metrics
    "MAE, years": ("eval_mae", "{:.2f}"),
    "up to 12": ("eval_mae_under_13", "{:.2f}"),
    "over 60": ("eval_mae_over_60", "{:.2f}"),
    "group": ("eval_group_accuracy", percent),
    "gender": ("eval_gender_accuracy", percent),
    "parameters": ("parameters", "{:,.0f}"),
    "ms a face": ("milliseconds", "{:.1f}"),
    "pictures seen": ("pictures_seen", "{:,.0f}"),
    "minutes": ("minutes", "{:.1f}"),
}
TIMED = 30  # forward passes
BRIEF = (
    " Minutes this few show which network learns quickly, not which is best in the end: the ViT, "
    "which has no built-in notion of neighbourhood, needs the longest, and that is why the "
    "shipped one has a convolutional teacher (see [experiments](experiments.md))."
)


@dataclass
class CompareArguments:
    """What to compare on, for how long."""

    data: str = field(default="data", metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(default="runs/compare", metadata={"help": "Folder of the runs."})
    minutes: float = field(default=4.0, metadata={"help": "Training time of each backbone."})
    table: str = field(
        default="",
        metadata={
            "help": "Markdown file to write; default: docs/backbones.md, with --base_model "
            "docs/class_weights.md."
        },
    )
    base_model: str | None = field(
        default=None,
        metadata={
            "help": "Trained ViT that the ViTs go on from; default: all from random weights."
        },
    )
    backbones: list[str] = field(
        default_factory=list, metadata={"help": "Which; default: all, with --base_model the ViTs."}
    )
    extra: str = field(
        default="{}",
        metadata={"help": "JSON object of more training arguments, for all backbones."},
    )

    def __post_init__(self) -> None:
        possible = [
            name
            for name, settings in BACKBONES.items()
            if not (self.base_model and "architecture" in settings)
        ]
        self.backbones = self.backbones or possible
        self.table = self.table or f"docs/{'class_weights' if self.base_model else 'backbones'}.md"
        unknown = sorted(set(self.backbones) - set(possible))
        if unknown:
            raise InputError(f"--backbones: expected some of {possible}, got {unknown}")
        if not self.minutes > 0:
            raise InputError(f"--minutes: expected more than 0, got {self.minutes}")


def compare(arguments: CompareArguments) -> str:
    """Train what is not trained yet; returns the table.

    Raises:
        InputError: the data or an argument cannot be used.
    """
    runs = {}
    for name in arguments.backbones:
        folder = _folder(name, arguments)
        if not (folder / "final" / "config.json").is_file():
            _train(name, folder, arguments)
        runs[name] = note_of_run(folder).read_text()
        _time_forward(folder / "final", runs[name])
    text = _page(arguments, _rows(runs))
    Path(arguments.table).parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(arguments.table) as partial:
        partial.write_text(text, encoding="utf-8")
    return text


def _folder(name: str, arguments: CompareArguments) -> Path:
    base = f" from {arguments.base_model}" if arguments.base_model else ""
    return Path(arguments.out) / re.sub(r"[^a-z0-9]+", "-", f"{name}{base}".lower())


def _train(name: str, folder: Path, arguments: CompareArguments) -> None:
    """Train one backbone for as many steps as the minutes allow; a resumed run keeps the number."""
    settings = {**BACKBONES[name], **json.loads(arguments.extra)}
    if arguments.base_model:
        settings["base_model"] = arguments.base_model
    settings |= {"data": arguments.data, "output_dir": str(folder)}
    argv = ["--config", str(PRESET)]
    for key, value in settings.items():
        argv += [f"--{key}", json.dumps(value) if isinstance(value, dict) else str(value)]
    steps_file = folder / "steps"
    if not steps_file.is_file():
        rate = _rate(argv)
        batch = parse(argv)[2].train_batch_size
        folder.mkdir(parents=True, exist_ok=True)
        steps_file.write_text(str(max(1, round(arguments.minutes * 60 * rate / batch))))
    model, data, training, _ = parse([*argv, "--max_steps", steps_file.read_text()])
    print(f"{name}: {training.max_steps} steps", file=sys.stderr)
    with parent_run(training.experiment, arguments.out, "compare"):
        finetune(model, data, training, name)


def _rate(argv: list[str]) -> float:
    """Pictures per second of this training on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        model, data, training, _ = parse([*argv, "--output_dir", folder, "--report_to", "none"])
        return training_rate(build_trainer(model, data, training))


@torch.inference_mode()
def _time_forward(final: Path, run_id: str) -> None:
    """Log the median milliseconds of one face on this machine's processor, in float32."""
    network = load_network(str(final)).float().eval()
    size = json.loads((final / "preprocessor_config.json").read_text())["size"]
    picture = torch.zeros(1, 3, size["height"], size["width"])
    taken = []
    for _ in range(TIMED):
        start = time.perf_counter()
        network(picture)
        taken.append(time.perf_counter() - start)
    median = sorted(taken[TIMED // 3 :])[TIMED // 3]  # the first third warms up
    use_tracking()
    mlflow.MlflowClient().log_metric(run_id, "milliseconds", 1000 * median)


def _rows(runs: dict[str, str]) -> list[list[str]]:
    rows = []
    for name, run_id in runs.items():
        metrics = final_metrics(run_id)
        rows.append([name, *shown_numbers(COLUMNS, metrics)])
    return rows


def _page(arguments: CompareArguments, rows: list[list[str]]) -> str:
    metadata = json.loads(
        (_folder(arguments.backbones[0], arguments) / "final/training.json").read_text()
    )
    titles = [source["title"] for source in metadata["source_facts"].values()]
    base = arguments.base_model and shown_name(arguments.base_model)
    title = "Class weighting compared" if base else "Backbones compared"
    start = f"went on from `{base}`" if base else "was trained from random weights"
    command = [
        "python",
        "-m",
        "train.compare",
        "--data",
        "data",
        "--minutes",
        f"{arguments.minutes:g}",
    ]
    if base:
        command += ["--base_model", base]
    if arguments.extra != "{}":
        command += ["--extra", arguments.extra]
    return (
        f"# {title}\n\n"
        f"Each network {start} for about the same number of minutes, with the same heads, losses, "
        f"augmentation and splits, and no teacher. The data is {', '.join(titles)}. Scores are "
        "those of the validation split: errors in years of the faces whose year is known, the age "
        "group of those whose group is known, gender of all. Milliseconds are the median of single "
        f"faces in float32.{'' if base else BRIEF}\n\n"
        f"{table(['', *COLUMNS], rows)}\n\n"
        f"Written by `{shlex.join(command)}` from its MLflow runs, on {metadata['hardware']}.\n"
    )


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.compare`."""
    run_command("train.compare", CompareArguments, lambda given: print(compare(given)), argv)


if __name__ == "__main__":
    main()
