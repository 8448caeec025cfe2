"""`python -m train.adjust`: three changes to a trained ViT that need no more training.

    python -m train.adjust --model runs/tiny-weaned/final --average runs/tiny-furthest/final \\
        --data data --out runs/tiny-finished

**Averaging** its weights with those of a network that it went on from. What lies between the two
errs less than either (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).

**Unweighting** common ages. The class-weighted loss makes common ages less probable than they are, which
draws estimates away from them. The log of an age's weight, taken from the age head's bias, undoes that
(Menon et al., "Long-tail learning via logit adjustment", ICLR 2021), all of it or a part. Only weights
below 1 are taken back: rare ages keep what they gained.

**Raising** rare ages. What class weighting gives them it gives on training pictures, and few as these
are they are soon learned by heart. The log of an age's weight above 1, added to the bias, in part, gives
it on new pictures too: the old are less often thought younger, at a price for the ages before theirs.

How much of each is a choice by the validation split, whose scores are tracked as a training run's are.
"""

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import torch
from transformers import HfArgumentParser

from age_model.network.modeling import AgeViT
from age_model.records.atomic import atomic_folder
from train.console.errors import InputError
from train.console.output import shown_name
from train.finetune import build_trainer
from train.networks.registry import is_checkpoint, load_network
from train.training.args import AgeTrainingArguments, DataArguments, ModelArguments
from train.training.mlflow_runs import start_run
from train.training.trainer import WeightedTrainer


@dataclass
class FinishArguments:
    """Which network to change, and how much."""

    model: str = field(metadata={"help": "Folder of a ViT that train.finetune wrote."})
    out: str = field(
        metadata={"help": "Folder for the run's record; the network goes to OUT/final."}
    )
    average: str | None = field(
        default=None,
        metadata={"help": "Folder of a network that it went on from; none: no average."},
    )
    share: float = field(
        default=0.2, metadata={"help": "That one's share of the averaged weights."}
    )
    unweighted: float = field(
        default=0.5,
        metadata={
            "help": "How much of the class weights of common ages to take back: 0 none, 1 all."
        },
    )
    raised: float = field(
        default=0.0,
        metadata={"help": "How much of the class weights of rare ages to give them once more."},
    )
    data: str = field(default="data", metadata={"help": "Data set that train.prepare wrote."})
    experiment: str = field(default="age", metadata={"help": "Name of the MLflow experiment."})

    def __post_init__(self) -> None:
        for name in ("share", "unweighted", "raised"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"--{name}: expected a number from 0 to 1, got {getattr(self, name)}"
                )


def finish(arguments: FinishArguments) -> Path:
    """Change the network as told and measure it; returns the folder of the result.

    Raises:
        InputError: a folder holds no ViT of `train.finetune`, the two networks differ in shape, or
            `model` is finished already.
    """
    facts, network = _trained(arguments.model)
    if "adjust" in facts:
        raise InputError(
            f"--model: expected a network as it was trained, {arguments.model} is finished"
        )
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(arguments, facts["arguments"], folder)
        if arguments.average:
            average(network, _trained(arguments.average)[1], arguments.share)
        weights = trainer.point_weights.cpu().numpy()
        reweight(network, weights, unweighted=arguments.unweighted, raised=arguments.raised)
        trainer.model.load_state_dict(network.state_dict())
        facts["validation"] = trainer.evaluate()
    facts["adjust"] = {
        "interpolated_with": shown_name(arguments.average) if arguments.average else None,
        "alpha": arguments.share if arguments.average else 0.0,
        "common": arguments.unweighted,
        "rare": arguments.raised,
    }
    final = Path(arguments.out) / "final"
    with atomic_folder(final, may_replace=is_checkpoint) as folder:
        network.save_pretrained(folder)
        shutil.copy(Path(arguments.model) / "preprocessor_config.json", folder)
        (folder / "training.json").write_text(json.dumps(facts, indent=1))
    _track(arguments, facts)
    print(f"validation: {facts['validation']}\nsaved: {final}")
    return final


def average(network: torch.nn.Module, other: torch.nn.Module, share: float) -> None:
    """Move the weights of `network` by `share` of the way to those of `other`, in place.

    Raises:
        InputError: the two are not of the same shape.
    """
    mine, others = network.state_dict(), other.state_dict()
    differing = [n for n in {*mine, *others} if n not in mine or n not in others
                 or mine[n].shape != others[n].shape]  # fmt: skip
    if differing:
        raise InputError(
            "--average: expected a network that --model went on from, got one whose "
            f"{min(differing)} is of another shape"
        )
    network.load_state_dict({n: torch.lerp(mine[n], others[n], share) for n in mine})


def reweight(network: AgeViT, weights: np.ndarray, *, unweighted: float, raised: float) -> None:
    """Change the age head's bias in place.

    Args:
        weights: (101,) of the ages 0..100, from `losses.age_class_weights`.
        unweighted: how much of the weights below 1 is taken back, 0..1.
        raised: how much of the weights above 1 is given once more, 0..1.
    """
    log_weights = torch.from_numpy(np.log(weights)).float()
    with torch.no_grad():
        network.classifier.bias += raised * log_weights.clamp(min=0)
        network.classifier.bias -= unweighted * log_weights.clamp(max=0)


def _trained(folder: str) -> tuple[dict, AgeViT]:
    facts = Path(folder, "training.json")
    if not facts.is_file():
        raise InputError(
            f"{folder}: expected a folder that train.finetune wrote, without {facts.name}"
        )
    network = load_network(folder)
    if not isinstance(network, AgeViT):
        raise InputError(f"{folder}: expected a ViT, got {type(network).__name__}")
    return json.loads(facts.read_text()), network.eval()


def _trainer(arguments: FinishArguments, trained_with: dict, folder: str) -> WeightedTrainer:
    """What knows the class weights that the network was trained with, and measures as training does."""
    args = AgeTrainingArguments(
        output_dir=folder, precision="fp32", report_to="none", per_device_eval_batch_size=128,
        **{name: trained_with[name] for name in ("class_weighting", "class_weight_power")},
    )  # fmt: skip
    model = ModelArguments(base_model=arguments.model)
    return build_trainer(model, DataArguments(data=arguments.data), args)


def _track(arguments: FinishArguments, facts: dict) -> None:
    with start_run(arguments.experiment, arguments.out, Path(arguments.out).name):
        mlflow.log_params({"adjusted": shown_name(arguments.model), **facts["adjust"]})
        mlflow.log_metrics({**facts["validation"], "parameters": facts["parameters"]})
        mlflow.set_tag("hardware", facts["hardware"])


def main(argv: list[str] | None = None) -> None:
    """Parse `argv` and finish; a problem with the input ends the process with its message."""
    try:
        (arguments,) = HfArgumentParser(FinishArguments).parse_args_into_dataclasses(argv)
        finish(arguments)
    except (InputError, OSError) as error:
        sys.exit(f"train.adjust: {error}")


if __name__ == "__main__":
    main()
