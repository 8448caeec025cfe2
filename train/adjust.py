"""Weight interpolation and logit adjustment of a trained ViT, which need no more training.

    python -m train.adjust --model runs/ensemble_distillation/final --data data --out runs/adjusted

**Weight interpolation** moves the weights by `alpha` of the way to those of a network that this one
went on from. What lies between the two errs less than either (WiSE-FT: Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022).

**Logit adjustment** adds a part of the log of each age's class weight to the bias of the age head
(Menon et al., "Long-tail learning via logit adjustment", ICLR 2021):

- Common ages: the class-weighted loss makes them less probable than they are, which draws estimates
  away from them. Their log weights, which are below 0, are subtracted.
- Rare ages: few training pictures are soon learned by heart, so the weights that favour them there
  favour them less on new pictures. Their log weights, which are above 0, are added once more: the
  old are less often thought younger, at a price for the ages before theirs.
- Teens: `teens` is added from 10 to 19 years. Making a child an adult is the most harmful error of
  such a network, and where it has never been it errs that way; people in their twenties pay for it.

Choose how much of each by the scores on the validation split, which are tracked in MLflow.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import torch

from age_model.labels import NUM_AGES
from age_model.network.modeling import AgeViT
from age_model.records.atomic import atomic_folder
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import shown_name
from train.finetune import build_trainer
from train.networks.registry import input_preprocessing, is_checkpoint, load_network
from train.training.args import AgeTrainingArguments, DataArguments, ModelArguments
from train.training.mlflow_runs import RUN_ID, ended, start_run
from train.training.trainer import WeightedTrainer


@dataclass
class AdjustArguments:
    """Interpolate the weights of a trained ViT and adjust the logits of common and rare ages."""

    model: str = field(metadata={"help": "Folder of a ViT that train.finetune wrote."})
    out: str = field(
        metadata={"help": "Folder for the run's record; the network goes to OUT/final."}
    )
    interpolate_with: str | None = field(
        default=None,
        metadata={
            "help": "Folder of a network that it went on from, of whatever input size; none: "
            "weights stay as they are."
        },
    )
    alpha: float = field(
        default=0.2, metadata={"help": "That network's share of the interpolated weights, 0 to 1."}
    )
    common: float = field(
        default=0.2,
        metadata={"help": "Part of the class weights of common ages that is taken back, 0 to 1."},
    )
    rare: float = field(
        default=0.3,
        metadata={
            "help": "Part of the class weights of rare ages that is given once more, 0 to 1."
        },
    )
    teens: float = field(
        default=0.25, metadata={"help": "Added to the logits of ages 10 to 19, -2 to 2."}
    )
    data: str = field(default="data", metadata={"help": "Data set that train.prepare wrote."})
    experiment: str = field(default="age", metadata={"help": "Name of the MLflow experiment."})

    def __post_init__(self) -> None:
        for name in ("alpha", "common", "rare"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"--{name}: expected a number from 0 to 1, got {getattr(self, name)}"
                )
        if not -2 <= self.teens <= 2:
            raise InputError(f"--teens: expected a number from -2 to 2, got {self.teens}")


def adjust(arguments: AdjustArguments) -> Path:
    """Adjust the network and measure it; returns the folder of the result.

    Raises:
        InputError: a folder holds no ViT of `train.finetune`, the two networks differ in shape, or
            `model` is adjusted already.
    """
    metadata, network = _trained(arguments.model)
    if "adjust" in metadata:
        raise InputError(
            f"--model: expected a network as it was trained, {arguments.model} is adjusted already"
        )
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(arguments, metadata["arguments"], folder)
        if arguments.interpolate_with:
            size = input_preprocessing(network).size
            interpolate(network, _trained(arguments.interpolate_with, size)[1], arguments.alpha)
        weights = trainer.point_weights.cpu().numpy()
        parts = {name: getattr(arguments, name) for name in ("common", "rare", "teens")}
        adjust_logits(network, weights, **parts)
        trainer.model.load_state_dict(network.state_dict())
        metadata["validation"] = trainer.evaluate()
    other = arguments.interpolate_with
    metadata["adjust"] = {
        "interpolated_with": shown_name(other) if other else None,
        "alpha": arguments.alpha if other else 0.0,
        "common": arguments.common,
        "rare": arguments.rare,
        "teens": arguments.teens,
    }
    metadata[RUN_ID] = _track(arguments, metadata)
    final = Path(arguments.out) / "final"
    with atomic_folder(final, may_replace=is_checkpoint) as folder:
        network.save_pretrained(folder)
        shutil.copy(Path(arguments.model) / "preprocessor_config.json", folder)
        (folder / "training.json").write_text(json.dumps(metadata, indent=1))
    print(f"validation: {metadata['validation']}\nsaved: {final}")
    return final


def interpolate(network: torch.nn.Module, other: torch.nn.Module, alpha: float) -> None:
    """Move the weights of `network` by `alpha`, 0..1, of the way to those of `other`, in place.

    Raises:
        InputError: the two are not of the same shape.
    """
    mine, others = network.state_dict(), other.state_dict()
    differing = [n for n in {*mine, *others} if n not in mine or n not in others
                 or mine[n].shape != others[n].shape]  # fmt: skip
    if differing:
        raise InputError(
            "--interpolate_with: expected a network that --model went on from, got one whose "
            f"{min(differing)} is of another shape"
        )
    network.load_state_dict({n: torch.lerp(mine[n], others[n], alpha) for n in mine})


def adjust_logits(
    network: AgeViT,
    weights: np.ndarray,
    *,
    common: float = 0.0,
    rare: float = 0.0,
    teens: float = 0.0,
) -> None:
    """Change the age head's bias in place.

    Args:
        weights: (101,) of the ages 0..100, from `losses.age_class_weights`.
        common: part of the weights below 1 that is taken back, 0..1.
        rare: part of the weights above 1 that is given once more, 0..1.
        teens: added from 10 to 19 years, fading over a year at both ends.
    """
    log_weights = torch.from_numpy(np.log(weights)).float()
    ages = torch.arange(NUM_AGES)
    with torch.no_grad():
        network.classifier.bias += rare * log_weights.clamp(min=0)
        network.classifier.bias -= common * log_weights.clamp(max=0)
        network.classifier.bias += teens * torch.sigmoid(ages - 9.5) * torch.sigmoid(19.5 - ages)


def _trained(folder: str, image_size: int | None = None) -> tuple[dict, AgeViT]:
    """A network of `train.finetune`, for that size of input or its own, and its training.json."""
    metadata = Path(folder, "training.json")
    if not metadata.is_file():
        raise InputError(
            f"{folder}: expected a folder that train.finetune wrote, without {metadata.name}"
        )
    network = load_network(folder, image_size)
    if not isinstance(network, AgeViT):
        raise InputError(f"{folder}: expected a ViT, got {type(network).__name__}")
    return json.loads(metadata.read_text()), network.eval()


def _trainer(arguments: AdjustArguments, trained_with: dict, folder: str) -> WeightedTrainer:
    """Knows the class weights that the network was trained with, and measures as training does."""
    args = AgeTrainingArguments(
        output_dir=folder, precision="fp32", report_to="none", per_device_eval_batch_size=128,
        **{name: trained_with[name] for name in ("class_weighting", "class_weight_power")},
    )  # fmt: skip
    model = ModelArguments(base_model=arguments.model)
    return build_trainer(model, DataArguments(data=arguments.data), args)


def _track(arguments: AdjustArguments, metadata: dict) -> str:
    """Log the result to an MLflow run; returns its id."""
    with ended(start_run(arguments.experiment, arguments.out, Path(arguments.out).name)) as run_id:
        mlflow.log_params({"adjusted": shown_name(arguments.model), **metadata["adjust"]})
        mlflow.log_metrics({**metadata["validation"], "parameters": metadata["parameters"]})
        mlflow.set_tag("hardware", metadata["hardware"])
    return run_id


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.adjust`."""
    run_command("train.adjust", AdjustArguments, adjust, argv)


if __name__ == "__main__":
    main()
