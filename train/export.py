"""`python -m train.export`: a trained folder -> a small checkpoint that can be shipped.

Weights are stored as float16, half the size, in safetensors shards below the 10 MB that a
repository takes without LFS. The configuration says float32, so that every loader computes in
float32. Measure the exported folder, not the run: its weights are rounded.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from age_model.records.atomic import atomic_folder
from train.console.command import run_command
from train.console.output import without_folders
from train.publishing.sharding import SHARD_SIZE

NEEDED = ("config.json", "preprocessor_config.json", "training.json")


@dataclass
class ExportArguments:
    """What to export, and where to."""

    model: str = field(metadata={"help": "Folder that train.finetune wrote."})
    out: str = field(
        metadata={
            "help": "Checkpoint folder to write. An older checkpoint there is replaced as a whole, "
            "with its results.json and card: they measured other weights."
        }
    )


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
    bad = [name for name, p in network.named_parameters() if not (p.abs() <= limit).all()]
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
    """Make loaders compute in float32, and name the class that every installation knows."""
    config = json.loads(config_json.read_text())
    config |= {"dtype": "float32", "architectures": ["ViTForImageClassification"]}
    config_json.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.export`."""

    def action(arguments: ExportArguments) -> None:
        export(Path(arguments.model), Path(arguments.out))
        for file in sorted(Path(arguments.out).iterdir()):
            print(f"{file.stat().st_size / 1e6:8.2f} MB  {file.name}")

    run_command("train.export", ExportArguments, action, argv)


if __name__ == "__main__":
    main()
