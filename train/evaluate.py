"""`python -m train.evaluate`: a checkpoint and a split -> results.json, predictions.csv, figures.

It measures and never tunes: nothing of what it sees goes back into a model or a threshold. One of
the figures shows faces of the data set; the folder is for the user's own eyes, not for a commit.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from age_model.images.load import load_image
from age_model.network.answers import GROUPS_KEY
from age_model.network.reports import by_source, weights_sha256
from age_model.records.atomic import atomic_folder
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import shown_name
from train.evaluation.arguments import SplitArguments
from train.evaluation.predict import encoded, load_split, predict_split
from train.evaluation.predictions import write_predictions
from train.evaluation.provenance import source_facts
from train.evaluation.results_file import results_json
from train.figures.evaluation import FIGURES, draw_figures
from train.figures.face_sheet import FACE_SHEET, draw_face_sheet
from train.model_card import main as write_card

OUTPUTS = {"results.json", "predictions.csv", FACE_SHEET, *FIGURES}


@dataclass
class EvaluateArguments(SplitArguments):
    """What to measure, on what, and where to write it."""

    write_card: bool = field(
        default=False,
        metadata={
            "help": "Copy results.json into the checkpoint folder, and write its card there."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.write_card and not Path(self.model, "training.json").is_file():
            raise InputError(
                "--write_card: expected a checkpoint folder that train.finetune or train.export "
                f"wrote, got {self.model}"
            )

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return self.command_of("train.evaluate")


def evaluate(arguments: EvaluateArguments) -> dict:
    """Measure and write everything; returns the content of results.json.

    Raises:
        ValueError: the model or the data cannot be used, or --out holds other files.
    """
    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    table = load_split(arguments.data, arguments.split)
    with atomic_folder(Path(arguments.out), may_replace=_is_evaluation) as staging:
        # The pictures are crops already, so the detector that needs no file will do.
        predictor = AgePredictor.from_pretrained(
            arguments.model, detector="haar", device=arguments.device
        )
        predictions = predict_split(predictor, table, arguments.batch_size)
        model = {
            "name": shown_name(arguments.model),
            "architecture": predictor.architecture,
            "image_size": predictor.image_size,
            "image_mean": list(predictor.preprocessing.mean),
            "image_std": list(predictor.preprocessing.std),
            GROUPS_KEY: [group.name for group in predictor.age_groups],
            "attributes": list(predictor.attributes),
            "weights_sha256": weights_sha256(arguments.model),
        }
        data = {"name": shown_name(arguments.data), "split": arguments.split}
        results = results_json(
            arguments.command(), model, data, source_facts(arguments.data, predictions.source),
            predictions, arguments.resamples, arguments.seed, arguments.device,
        )  # fmt: skip
        text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
        (staging / "results.json").write_text(text + "\n", encoding="utf-8")
        write_predictions(staging / "predictions.csv", predictions)
        draw_figures(staging, predictions, results)
        draw_face_sheet(staging, predictions, lambda i: load_image(encoded(table[int(i)]["image"])))
    return results


def _is_evaluation(folder: Path) -> bool:
    return {file.name for file in folder.iterdir()} <= OUTPUTS


def _run(arguments: EvaluateArguments) -> None:
    results = evaluate(arguments)
    run = _log_to_mlflow(arguments, results)
    for title, numbers in by_source(results):
        print(f"{title}: {numbers['n']} faces")
        if "years" in numbers:
            low, high = numbers["years"]["mae_interval"]
            print(f"  MAE {numbers['years']['mae']:.2f} years (95% {low:.2f} to {high:.2f})")
        for name in ("groups", "gender", "ethnicity"):
            if name in numbers:
                print(f"  {name} accuracy {numbers[name]['accuracy']:.1%}")
    print(f"written to {arguments.out}" + (f", and to the MLflow run {run}" if run else ""))
    if arguments.write_card:
        shutil.copy(Path(arguments.out, "results.json"), arguments.model)
        write_card(["--checkpoint", arguments.model])


def _log_to_mlflow(arguments: EvaluateArguments, results: dict) -> str | None:
    """Add the figures to the MLflow run of the checkpoint's training, where there is one."""
    from train.training.mlflow_runs import log_evaluation  # torch takes seconds to import

    rows = load_split(arguments.data, arguments.split)
    return log_evaluation(arguments.model, results, arguments.data, rows)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.evaluate`."""
    run_command("train.evaluate", EvaluateArguments, _run, argv)


if __name__ == "__main__":
    main()
