"""`python -m train.export`: a trained folder -> a small checkpoint that can be shipped.

Weights are stored as float16, half the size, in safetensors shards below the 10 MB that a
repository takes without LFS. The configuration says float32, so that every loader computes in
float32. Measure the exported folder, not the run: its weights are rounded.

With `--onnx` the network is also written for other runtimes: onnx/model.onnx in float32, compared
with torch, and onnx/model_quantized.onnx in int8. With `--data` all three are measured on the
validation split. Without `--out` that is all, and the files go into the folder of `--model`: do it
last, so that they hold its calibration.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from age_model.records.atomic import atomic_folder
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import without_folders
from train.evaluation.predict import load_split
from train.publishing.sharding import SHARD_SIZE

NEEDED = ("config.json", "preprocessor_config.json", "training.json")


@dataclass
class ExportArguments:
    """What to export, and where to."""

    model: str = field(metadata={"help": "Folder that train.finetune wrote."})
    out: str | None = field(
        default=None,
        metadata={
            "help": "Checkpoint folder to write. An older checkpoint there is replaced as a whole, "
            "with its results.json and card: they measured other weights. Default, with --onnx: "
            "none, only its ONNX files, in the folder of --model."
        },
    )
    onnx: bool = field(
        default=False, metadata={"help": "Write onnx/model.onnx and onnx/model_quantized.onnx."}
    )
    data: str | None = field(
        default=None,
        metadata={
            "help": "With --onnx: data set that train.prepare wrote; the errors of torch, float32 "
            "and int8 on its validation split are reported."
        },
    )
    max_pictures: int | None = field(
        default=None, metadata={"help": "With --data: measure on so many pictures, evenly spaced."}
    )

    def __post_init__(self) -> None:
        if self.out is None and not self.onnx:
            raise InputError("expected --out with a folder to write, or --onnx, got neither")
        if self.data and not self.onnx:
            raise InputError("--data: it is for measuring what --onnx writes; give that too")
        if self.max_pictures is not None and self.max_pictures < 1:
            raise InputError(f"--max_pictures: expected 1 or more, got {self.max_pictures}")


def export(model: Path, out: Path) -> None:
    """Write the trained folder `model` as a checkpoint to `out`, in place of an older one.

    Raises:
        ValueError: `model` is no trained folder of this project or lacks weights, its weights do
            not fit into float16, or `out` holds something that is no checkpoint.
    """
    missing = [name for name in NEEDED if not (model / name).is_file()]
    if missing:
        raise ValueError(
            f"expected a folder that train.finetune wrote, got {model} without "
            f"{', '.join(missing)}; name the run's final folder"
        )
    import torch  # here, because it takes seconds to import

    from age_model.network.loading import load_model

    network = load_model(str(model))
    limit = torch.finfo(torch.float16).max
    bad = [name for name, w in network.state_dict().items() if not (w.abs() <= limit).all()]
    if bad:
        raise ValueError(
            f"expected finite weights within float16's range (+-{limit:.0f}), got others in "
            f"{', '.join(bad)} of {model}; the training has diverged"
        )
    with atomic_folder(out, may_replace=_is_checkpoint) as folder:
        network.half().save_pretrained(folder, max_shard_size=SHARD_SIZE)
        _say_float32(folder / "config.json")
        shutil.copyfile(model / "preprocessor_config.json", folder / "preprocessor_config.json")
        training = without_folders(json.loads((model / "training.json").read_text()))
        (folder / "training.json").write_text(json.dumps(training, indent=2) + "\n")


def _is_checkpoint(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _say_float32(config_json: Path) -> None:
    """Make loaders compute in float32, and of a ViT name the class that everybody has."""
    config = json.loads(config_json.read_text())
    config["dtype"] = "float32"
    if config["model_type"] == "vit":
        config["architectures"] = ["ViTForImageClassification"]
    config_json.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def export_onnx(checkpoint: Path, data: str | None, max_pictures: int | None) -> dict:
    """Write the ONNX files of a checkpoint into it; returns the content of onnx.json.

    Raises:
        ValueError: `checkpoint` is none, `data` no prepared data set, or the graph answers
            otherwise than the network.
    """
    from age_model.network.loading import load_model  # torch takes seconds to import
    from train.publishing.onnx_files import FOLDER, is_onnx_folder, write_files

    rows = load_split(data, "validation") if data else None
    if rows is not None and max_pictures is not None and max_pictures < len(rows):
        rows = rows.select([i * len(rows) // max_pictures for i in range(max_pictures)])
    with atomic_folder(checkpoint / FOLDER, may_replace=is_onnx_folder) as folder:
        return write_files(load_model(str(checkpoint)), checkpoint, folder, rows)


def _run(arguments: ExportArguments) -> None:
    checkpoint = Path(arguments.out or arguments.model)
    if arguments.out:
        export(Path(arguments.model), checkpoint)
    report = {}
    if arguments.onnx:
        report = export_onnx(checkpoint, arguments.data, arguments.max_pictures)
    for file in sorted(file for file in checkpoint.rglob("*") if file.is_file()):
        print(f"{file.stat().st_size / 1e6:8.2f} MB  {file.relative_to(checkpoint)}")
    if report:
        largest = max(report["largest_difference"].values())
        print(f"Largest difference of a logit between torch and model.onnx: {largest:.1e}")
    scores = report.get("validation", {})
    for name, values in scores.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    errors = [values["mae"] for values in scores.values() if "mae" in values]
    if errors:
        print(
            f"int8 costs {errors[-1] - errors[0]:+.3f} years of MAE on {report['pictures']} faces"
        )


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.export`."""
    run_command("train.export", ExportArguments, _run, argv)


if __name__ == "__main__":
    main()
