"""What `train.finetune` can be told: dataclasses for HfArgumentParser."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import TrainingArguments

from age_model.labels import parse_groups
from age_model.network.precision import choose_device, has_fast_bf16
from train.console.errors import InputError
from train.networks.registry import NETWORKS, is_checkpoint

WEIGHTING = ("none", "inverse", "effective")
PRECISIONS = ("bf16", "fp16", "fp32")


@dataclass
class ModelArguments:
    """Which network is trained, and from where it starts."""

    base_model: str | None = field(
        default=None,
        metadata={
            "help": "Hub id (such as google/vit-base-patch16-224-in21k or "
            "facebook/dinov2-with-registers-small) or checkpoint folder to start from; none: "
            "random weights of --architecture and --network_config."
        },
    )
    architecture: str = field(
        default="vit",
        metadata={"help": "Without --base_model: which network.", "choices": list(NETWORKS)},
    )
    network_config: dict | str | None = field(
        default=None,
        metadata={"help": "Without --base_model: its configuration, as a JSON object."},
    )
    mimetic_init: bool = field(
        default=True,
        metadata={"help": "Start a ViT of random weights from mimetic initialisation."},
    )
    groups: str | None = field(
        default=None,
        metadata={
            "help": "Age groups to answer in, such as 0-12,13-17,18-24,25-44,45-64,65+; none: "
            "those of the base, else 0-2,3-9,10-19 and decades to 70+."
        },
    )
    teacher: str | None = field(
        default=None, metadata={"help": "Folder of a trained network to distil into this one."}
    )
    further_teachers: list[str] = field(
        default_factory=list,
        metadata={"help": "Folders of others, whose answers are averaged with those of the first."},
    )

    def __post_init__(self) -> None:
        if self.groups:
            try:
                parse_groups(self.groups)
            except ValueError as error:
                raise InputError(f"--groups: {error}") from None
        self.network_config = _json_object("network_config", self.network_config or {})
        for folder in self.teachers:
            if not is_checkpoint(Path(folder)):
                raise InputError(
                    "teacher: expected the folder of a trained network, found no config.json in "
                    f"{folder}; train it first, with its own preset"
                )
        if self.further_teachers and not self.teacher:
            raise InputError("further_teachers: there is no first one; name it as teacher")

    @property
    def teachers(self) -> list[str]:
        """Folders of all teachers, the first one first."""
        return [*([self.teacher] if self.teacher else []), *self.further_teachers]


@dataclass
class DataArguments:
    """Which pictures, at what size."""

    data: str = field(
        default="data", metadata={"help": "Folder made by `python -m train.prepare`."}
    )
    image_size: int | None = field(
        default=None,
        metadata={
            "help": "Side of the network's input in pixels; none: that of the base or of the "
            "configuration, else 128. Position embeddings of a base are interpolated."
        },
    )
    omit_source: str | None = field(
        default=None, metadata={"help": "Key of a source of pictures that is not trained on."}
    )
    max_train_pictures: int | None = field(
        default=None, metadata={"help": "Use only so many training pictures, drawn by the seed."}
    )
    max_validation_pictures: int | None = field(
        default=None, metadata={"help": "Use only so many validation pictures, drawn by the seed."}
    )


@dataclass
class AgeTrainingArguments(TrainingArguments):
    """The Trainer's arguments, with defaults for this task, and what WeightedTrainer adds."""

    output_dir: str = field(default="runs/age", metadata={"help": "Checkpoints, and `final`."})
    precision: str = field(
        default="auto",
        metadata={
            "help": "What the network computes in while it trains: bf16 where the device is quick "
            "in it, else fp32 (auto); or always one of them. fp16 needs a GPU.",
            "choices": ["auto", *PRECISIONS],
        },
    )
    bf16: bool = field(
        default=None,  # type: ignore[assignment]
        metadata={"help": "The same as --precision bf16; false: never bf16."},
    )
    fp16: bool = field(
        default=None,  # type: ignore[assignment]
        metadata={"help": "The same as --precision fp16."},
    )
    optimizer: str = field(
        default="muon",
        metadata={
            "help": "muon (AdamW for what is no inner matrix), or trainer (what --optim names).",
            "choices": ["muon", "trainer"],
        },
    )
    class_weighting: str = field(
        default="inverse",
        metadata={
            "help": "Weights of the age loss by how rare an age is.",
            "choices": list(WEIGHTING),
        },
    )
    class_weight_power: float = field(
        default=0.5, metadata={"help": "Exponent on these weights: 0 none, 1 full."}
    )
    layer_decay: float = field(
        default=1.0,
        metadata={
            "help": "Learning rate of each block of a pretrained network, as a share of that of "
            "the block after it; 1: the same for all. Needs --optimizer trainer."
        },
    )
    freeze_backbone_steps: int = field(
        default=0, metadata={"help": "Train only the heads of a base in so many first steps."}
    )
    gender_loss: float = field(default=0.5, metadata={"help": "Weight of the gender loss."})
    ethnicity_loss: float = field(default=0.25, metadata={"help": "Weight of the ethnicity loss."})
    distillation: float = field(
        default=0.7,
        metadata={"help": "With a teacher: its share of the loss, the labels' is the rest."},
    )
    feature_distillation: float = field(
        default=1.0, metadata={"help": "With a teacher: weight of matching its feature map."}
    )
    patch_dropout: float = field(
        default=0.0, metadata={"help": "Share of a ViT's patches left out of a training step."}
    )
    patch_dropout_until: float = field(
        default=0.85, metadata={"help": "Share of training after which all patches are seen."}
    )
    wear: bool = field(
        default=True,
        metadata={
            "help": "Make some training pictures look like old prints, scans and pictures of a "
            "poor camera."
        },
    )
    mixup: float = field(
        default=0.0,
        metadata={
            "help": "Blend each training picture with another by a share from Beta(a, a); 0: none."
        },
    )
    mixup_until: float = field(
        default=0.9,
        metadata={"help": "Share of training after which pictures are left as they are."},
    )
    source_weights: dict | str | None = field(
        default=None,
        metadata={
            "help": "How often pictures of each source are drawn, as a JSON object such as "
            '{"utkface": 0.6, "fairface": 0.4}; none: each picture once an epoch.'
        },
    )
    cache_on_device: bool = field(
        default=False,
        metadata={"help": "Hold all training pictures on the accelerator and augment them there."},
    )
    compile_network: bool = field(
        default=False, metadata={"help": "Compile the network for training (torch.compile)."}
    )
    stop_after_minutes: float | None = field(
        default=None,
        metadata={"help": "Save and stop after so many minutes; the same command goes on later."},
    )
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after so many evaluations without a better MAE."}
    )
    experiment: str = field(default="age", metadata={"help": "Name of the MLflow experiment."})

    # Defaults of the Trainer that are other here.
    data_seed: int | None = field(
        default=None, metadata={"help": "Seed of the order of the pictures; none: --seed."}
    )
    eval_strategy: str = field(default="steps", metadata={"help": "When to evaluate."})
    save_total_limit: int | None = field(default=2, metadata={"help": "Checkpoints kept."})
    restore_callback_states_from_checkpoint: bool = field(
        default=True, metadata={"help": "So that patience and minutes count on after a resume."}
    )
    load_best_model_at_end: bool = field(
        default=True, metadata={"help": "Keep the best, not the last."}
    )
    metric_for_best_model: str | None = field(
        default="mae",
        metadata={
            "help": "What best means; without ages in years, the best accuracy that there is."
        },
    )
    greater_is_better: bool | None = field(default=False, metadata={"help": "Of that metric."})
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "Learning-rate schedule."})
    report_to: str = field(default="mlflow", metadata={"help": "Trackers, or none."})
    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Ours are read by collate."}
    )

    def __post_init__(self) -> None:
        for name in ("distillation", "patch_dropout", "patch_dropout_until", "mixup_until"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"{name}: expected a number from 0 to 1, got {getattr(self, name)}"
                )
        if not 0 < self.layer_decay <= 1:
            raise InputError(
                f"layer_decay: expected a number above 0, at most 1, got {self.layer_decay}"
            )
        if self.layer_decay < 1 and self.optimizer == "muon":
            raise InputError("layer_decay: needs --optimizer trainer, which --optim names")
        if self.freeze_backbone_steps < 0:
            raise InputError(
                f"freeze_backbone_steps: expected 0 or more, got {self.freeze_backbone_steps}"
            )
        if self.patch_dropout == 1:
            raise InputError("patch_dropout: 1 would leave no patch at all; give less")
        if self.mixup < 0:
            raise InputError(f"mixup: expected a number from 0 upwards, got {self.mixup}")
        self.source_weights = _json_object("source_weights", self.source_weights or {})
        if not all(
            isinstance(value, int | float) and value > 0 for value in self.source_weights.values()
        ):
            raise InputError(
                f"source_weights: expected a number above 0 for each source, got "
                f"{self.source_weights}"
            )
        self.label_names = ["age_low", "age_high", "gender", "ethnicity"]
        if not torch.accelerator.is_available():
            self.use_cpu = True
        self.precision = self._chosen_precision()
        self.bf16, self.fp16 = self.precision == "bf16", self.precision == "fp16"
        if self.data_seed is None:
            # The order of the pictures must be the same in all processes, whose other random
            # numbers differ.
            self.data_seed = self.seed
        try:
            super().__post_init__()
        except ValueError as error:
            # Such as steps of saving that fit none of evaluation: it is the user's to mend.
            raise InputError(str(error)) from None
        if self.precision == "fp32":
            self.mixed_precision = "no"  # whatever the launcher says
        # Several GPUs take a process each, by torchrun; DataParallel would be slower than one.
        self._n_gpu = min(self.n_gpu, 1)

    def _chosen_precision(self) -> str:
        """One of PRECISIONS, by what was asked for, by the launcher and by the device.

        Raises:
            InputError: the options contradict each other, or the device cannot compute in it.
        """
        flags = [name for name in ("bf16", "fp16") if getattr(self, name)]
        if len(flags) > 1:
            raise InputError("--bf16 and --fp16: expected one of them, got both")
        refused = [name for name in ("bf16", "fp16") if getattr(self, name) is False]
        if self.precision != "auto" and (
            self.precision in refused or (flags and self.precision != flags[0])
        ):
            given = " ".join(f"--{name} {getattr(self, name)}" for name in (flags or refused))
            raise InputError(
                f"--precision {self.precision} and {given} contradict each other; give one of them"
            )
        launched = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
        chosen = flags[0] if flags else self.precision
        if chosen == "auto" and launched in PRECISIONS and launched not in refused:
            chosen = launched  # by `accelerate launch --mixed_precision`
        if chosen == "auto":
            device = choose_device("cpu" if self.use_cpu else "auto")
            chosen = "bf16" if "bf16" not in refused and has_fast_bf16(device) else "fp32"
        if chosen == "fp16" and self.use_cpu:
            raise InputError(
                "--precision fp16: expected a GPU, this training runs on a processor; take bf16 "
                "where it is quick (--precision auto) or fp32"
            )
        return chosen


def _json_object(name: str, given: dict | str) -> dict:
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{name}: expected a JSON object, got {given!r}")
    return found
