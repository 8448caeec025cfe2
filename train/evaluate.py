"""`python -m train.evaluate`: a checkpoint and a split -> results.json, predictions.csv, figures.

It measures and never tunes: nothing of what it sees goes back into a model or a threshold. One of
the figures shows faces of the data set; the folder is for the user's own eyes, not for a commit.
"""

import json
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

import datasets
import numpy as np
from tqdm import tqdm
from transformers import HfArgumentParser

from age_model.images.load import load_image
from age_model.network.reports import weights_sha256
from age_model.predictor import AgePredictor
from age_model.records.atomic import atomic_folder
from train.console.output import shown_name
from train.data.dataset import load_prepared
from train.evaluation.predictions import Predictions, write_predictions
from train.evaluation.results_file import results_json
from train.figures.evaluation import FIGURES, draw_figures
from train.figures.face_sheet import FACE_SHEET, draw_face_sheet

OUTPUTS = {"results.json", "predictions.csv", FACE_SHEET, *FIGURES}
LABELS = ("file", "source", "age_low", "age_high", "gender", "ethnicity")
ANSWERS = (
    "interval_years", "group_probabilities", "gender_probabilities", "ethnicity_probabilities",
)  # fmt: skip


@dataclass
class EvaluateArguments:
    """What to measure, on what, and where to write it."""

    model: str = field(metadata={"help": "Checkpoint: a folder, or a model id on the Hub."})
    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(metadata={"help": "Folder to write; an older evaluation there is replaced."})
    split: str = field(default="test", metadata={"help": "Split of the data set to measure."})
    batch_size: int = field(default=64, metadata={"help": "Pictures held in memory at once."})
    resamples: int = field(
        default=2000, metadata={"help": "Bootstrap resamples for the interval of each MAE."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of the bootstrap."})

    def __post_init__(self) -> None:
        for name in ("batch_size", "resamples"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected --{name} of at least 1, got {getattr(self, name)}")

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        shown = []
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in ("model", "data", "out"):
                value = shown_name(value)
            elif value == option.default and option.name != "split":
                continue
            shown.append(f"--{option.name} {value}")
        return " ".join(["python -m train.evaluate", *shown])


def load_split(data: str, split: str) -> datasets.Dataset:
    """The split as a table on disk, its pictures as undecoded bytes.

    Raises:
        ValueError: no data set there or one of another format, or no such split in it, or nothing
            in the split.
    """
    splits = load_prepared(data)
    if not splits.get(split):
        raise ValueError(
            f"expected a split {split!r} with pictures in {data}, got {', '.join(splits)}"
        )
    return splits[split]


def predict_split(predictor: AgePredictor, table: datasets.Dataset, batch_size: int) -> Predictions:
    """Predict all pictures of a split in order, `batch_size` of them in memory at a time."""
    parts: dict[str, list] = {column.name: [] for column in fields(Predictions)}
    with tqdm(total=len(table), desc="evaluate", unit="face") as progress:
        for batch in table.iter(batch_size=batch_size):
            faces = predictor.predict_crops([encoded(image) for image in batch["image"]])
            for name in LABELS:
                parts[name].append(np.asarray(batch[name]))
            parts["years"].append(faces.age_years)
            for name in ANSWERS:
                parts[name].append(getattr(faces, name))
            progress.update(len(faces))
    return Predictions(**{name: np.concatenate(values) for name, values in parts.items()})


def encoded(image: dict) -> bytes | str:
    """An undecoded picture of a table: its bytes, or the path of its file."""
    return image["bytes"] if image["bytes"] is not None else image["path"]


def evaluate(arguments: EvaluateArguments) -> dict:
    """Measure and write everything; returns the content of results.json.

    Raises:
        ValueError: the model or the data cannot be used, or --out holds other files.
    """
    table = load_split(arguments.data, arguments.split)
    with atomic_folder(Path(arguments.out), may_replace=_is_evaluation) as staging:
        # The pictures are crops already, so the detector that needs no file will do.
        predictor = AgePredictor.from_pretrained(arguments.model, detector="haar")
        predictions = predict_split(predictor, table, arguments.batch_size)
        model = {
            "name": shown_name(arguments.model),
            "image_size": predictor.image_size,
            "weights_sha256": weights_sha256(arguments.model),
        }
        data = {"name": shown_name(arguments.data), "split": arguments.split}
        results = results_json(
            arguments.command(), model, data, predictions, arguments.resamples, arguments.seed
        )
        text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
        (staging / "results.json").write_text(text + "\n", encoding="utf-8")
        write_predictions(staging / "predictions.csv", predictions)
        draw_figures(staging, predictions, results["sources"])
        draw_face_sheet(staging, predictions, lambda i: load_image(encoded(table[int(i)]["image"])))
    return results


def _is_evaluation(folder: Path) -> bool:
    return {file.name for file in folder.iterdir()} <= OUTPUTS


def main(argv: list[str] | None = None) -> None:
    """Parse `argv` and evaluate; a problem with the input ends the process with its message."""
    try:
        (arguments,) = HfArgumentParser(EvaluateArguments).parse_args_into_dataclasses(argv)
        results = evaluate(arguments)
    except ValueError as error:
        sys.exit(f"train.evaluate: {error}")
    for source, numbers in results["sources"].items():
        print(f"{source}: {numbers['n']} faces")
        if "years" in numbers:
            low, high = numbers["years"]["mae_interval"]
            print(f"  MAE {numbers['years']['mae']:.2f} years (95% {low:.2f} to {high:.2f})")
        for name in ("groups", "gender", "ethnicity"):
            if name in numbers:
                print(f"  {name} accuracy {numbers[name]['accuracy']:.1%}")
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
