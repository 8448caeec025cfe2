"""WeightedTrainer: the Trainer with this project's loss, optimizer and scores."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Sampler
from transformers import EvalPrediction, PreTrainedModel, Trainer
from transformers.trainer_callback import ExportableState, TrainerCallback
from transformers.utils import SAFE_WEIGHTS_NAME

from age_model.labels import NUM_AGES, group_index
from age_model.network.answers import age_groups
from age_model.network.modeling import AgeOutput
from train.data.dataset import SIGMA, AugmentingCollate, DeviceCache
from train.evaluation.metrics import validation_scores
from train.networks.registry import input_preprocessing, token_grid
from train.training.distillation import FeatureProjection, answer_loss, averaged, feature_loss
from train.training.gentle import parameter_groups
from train.training.losses import age_class_weights, class_loss, interval_age_loss, point_age_loss
from train.training.mixup import Blend
from train.training.optimizers import MuonAdamW
from train.training.sampling import SourceSampler
from train.training.start import taught_by

TEACHER_DTYPE = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
# What of an AgeOutput is no answer, so that evaluation need not carry it about.
NO_ANSWER = ["features", "token_features", "token_index"]
STEPS_BETWEEN_CLOCKS = 10  # after which several processes agree on the time: they wait for that


class WeightedTrainer(Trainer):
    """Trains AgeViT (or a network that answers alike) on point and interval ages.

    The age loss is weighted by how rare an age is (`losses.age_class_weights`, computed from the
    training set's labels), with gender, ethnicity and, with a teacher, distillation beside it.

    Args:
        teachers: trained networks to learn from; they are put on the model's device and never
            changed. Their answers are averaged; all but the first see the pictures mirrored, so
            that they err less alike, and each sees them at its own size. What the first one sees
            where is learned from too.
        kwargs: as for `Trainer`; `args` is an `AgeTrainingArguments`.
    """

    # Of `Trainer`, which says no types.
    data_collator: Any
    optimizer: Any

    # compute_loss returns the mean over its batch, which the Trainer then has to divide by the
    # number of accumulated batches itself.
    loss_is_scaled_for_ga = False

    def __init__(
        self,
        *,
        teachers: Sequence[PreTrainedModel] = (),
        **kwargs,
    ):
        model, args = kwargs["model"], kwargs["args"]
        if teachers and args.feature_distillation:
            _projection(model, teachers[0]).join(model)
        super().__init__(**kwargs)
        self.preprocessing = self.eval_dataset.preprocessing
        self.groups = age_groups(model.config)
        self._lessons = ["age", *taught_by(teachers)]
        self._cache: DeviceCache | None = None
        self._compiled: Callable[..., AgeOutput] | None = None
        self.compute_metrics = self._scores
        # A teacher only answers, so where the student computes in bf16 it can be bf16 throughout.
        dtype = TEACHER_DTYPE[self.args.precision]
        self.teachers = [network.eval().to(self.args.device, dtype) for network in teachers]
        rows = self.train_dataset.rows
        point, interval = age_class_weights(
            np.array(rows["age_low"]),
            np.array(rows["age_high"]),
            args.class_weighting,
            args.class_weight_power,
            self.groups,
        )
        groups = group_index(np.arange(NUM_AGES), self.groups)
        self.group_of_age = torch.from_numpy(groups).to(self.args.device)
        self.point_weights = torch.from_numpy(point).to(self.args.device)
        self.interval_weights = torch.from_numpy(interval).to(self.args.device)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Mean loss over the batch (see `Trainer.compute_loss`)."""
        self._set_patch_dropout()
        blend = self._blend(inputs) if model.training else None
        pixel_values = blend.of(inputs["pixel_values"]) if blend else inputs["pixel_values"]
        outputs = self._network(model)(pixel_values)
        loss = self.label_loss(outputs, inputs)
        if blend:
            labels = {name: inputs[name] for name in (*self.args.label_names, SIGMA)}
            loss = blend.of(loss, self.label_loss(outputs, blend.others(labels)))
        if self.teachers and model.training:
            with torch.no_grad():
                lesson = self._lesson(pixel_values)
            share = self.args.distillation
            loss = (1 - share) * loss + share * answer_loss(outputs, lesson, self._lessons)
            if self.args.feature_distillation:
                features = feature_loss(outputs, lesson, self.model.feature_projection.student_side)
                loss = loss + self.args.feature_distillation * features
        loss = loss.mean()
        return (loss, outputs) if return_outputs else loss

    def _network(self, model: nn.Module) -> Callable[..., AgeOutput]:
        """The model as it is run: compiled, where asked for, for training alone.

        Evaluation has batches of other sizes, for which compiling anew would take longer than it
        saves.
        """
        if not self.args.compile_network or not model.training:
            return model
        if self._compiled is None:
            self._compiled = torch.compile(model)
        return self._compiled

    def _blend(self, inputs: dict[str, torch.Tensor]) -> Blend | None:
        """How this batch is blended; the teacher sees the blend too, and answers for it."""
        if not self.args.mixup or not self._before(self.args.mixup_until):
            return None
        return Blend.drawn(inputs["pixel_values"], self.args.mixup)

    def _before(self, share: float) -> bool:
        """Whether less than that share of the training is over."""
        return self.state.global_step < share * self.state.max_steps

    def _lesson(self, pixel_values: torch.Tensor) -> AgeOutput:
        first, *others = self.teachers
        answer = first(_seen_by(first, pixel_values))
        if not others:
            return answer
        mirrored = pixel_values.flip(3)
        return averaged([answer, *(network(_seen_by(network, mirrored)) for network in others)])

    def label_loss(self, outputs, labels: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B,) weighted loss against the labels; a label that is missing adds nothing."""
        low, high = labels["age_low"], labels["age_high"]
        groups = self.group_of_age[low.clamp(min=0)]
        point = (
            point_age_loss(outputs.logits, low, high, labels[SIGMA])
            * self.point_weights[low.clamp(min=0)]
        )
        interval = interval_age_loss(outputs.logits, low, high) * self.interval_weights[groups]
        gender = class_loss(outputs.gender_logits, labels["gender"])
        ethnicity = class_loss(outputs.ethnicity_logits, labels["ethnicity"])
        return (
            point + interval + self.args.gender_loss * gender + self.args.ethnicity_loss * ethnicity
        )

    def _get_train_sampler(self, train_dataset=None) -> Sampler | None:
        weights = self.args.source_weights
        if not weights:
            return super()._get_train_sampler(train_dataset)
        rows = (train_dataset if train_dataset is not None else self.train_dataset).rows
        return SourceSampler(np.array(rows["source"]), weights, self.args.seed)

    def get_train_dataloader(self) -> DataLoader:
        """Augmented batches, or the numbers of their pictures where the device holds them."""
        if not self.args.cache_on_device:
            collate_for_evaluation = self.data_collator
            collate = AugmentingCollate(self.preprocessing, self.args.seed, self.args.wear)
            self.data_collator = collate
            try:
                return super().get_train_dataloader()
            finally:
                self.data_collator = collate_for_evaluation
        if self._cache is None:
            args = self.args
            self._cache = DeviceCache(self.train_dataset, args.device, args.seed, args.wear)
        numbers: DataLoader[Any] = DataLoader(
            range(len(self.train_dataset)),  # type: ignore[arg-type]
            self._train_batch_size,
            sampler=self._get_train_sampler(),
            # A batch of another size would be compiled for anew.
            drop_last=len(self.train_dataset) >= self._train_batch_size,
            collate_fn=lambda rows: {"rows": torch.tensor(rows)},
        )
        # Tells the sampler the epoch, so that a resumed run draws what an unbroken one would.
        return self.accelerator.prepare(numbers)

    def _prepare_inputs(self, inputs: dict) -> dict:
        """On the device; numbers of pictures become the pictures."""
        if "rows" in inputs:
            cache: Any = self._cache
            inputs = cache.batch(inputs["rows"])
        return super()._prepare_inputs(inputs)

    def prediction_step(self, model, inputs, prediction_loss_only, ignore_keys=None):
        """Evaluate a batch, keeping only what the heads say."""
        return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys=NO_ANSWER)

    def create_optimizer(self, model=None) -> torch.optim.Optimizer:
        """Muon with AdamW, or what `--optim` names, its rates by depth with `--layer_decay`."""
        if self.args.optimizer == "muon" and self.optimizer is None:
            self.optimizer = MuonAdamW(
                model or self.model, self.args.learning_rate, self.args.weight_decay
            )
        if self.args.layer_decay < 1 and self.optimizer is None:
            network: Any = model or self.model
            build, options = self.get_optimizer_cls_and_kwargs(self.args, network)
            decayed = set(self.get_decay_parameter_names(network))
            groups = parameter_groups(network, self.args.learning_rate, self.args.layer_decay,
                                      self.args.weight_decay, decayed)  # fmt: skip
            self.optimizer = build(groups, **options)
        return super().create_optimizer(model)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model=None) -> None:
        """Load a checkpoint's weights into the model, all of them or none.

        transformers 5.23 saves a ViT under the names of published checkpoints and resumes by those
        in memory, which differ: its own loading leaves the network at random, with no more than a
        warning.
        """
        model = model or self.model
        network = type(model).from_pretrained(resume_from_checkpoint, use_safetensors=True)
        weights = network.state_dict()
        saved = load_file(Path(resume_from_checkpoint) / SAFE_WEIGHTS_NAME)
        projection = {
            name: value for name, value in saved.items() if name.startswith("feature_projection.")
        }
        model.load_state_dict({**weights, **projection})

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)

    def _scores(self, prediction: EvalPrediction) -> dict[str, float]:
        """Scores of the validation pictures, and the age errors of each source with years."""
        answers = (*prediction.predictions[:2], *prediction.label_ids[:3])
        scores = validation_scores(*answers, groups=self.groups)
        sources = np.array(self.eval_dataset.rows["source"])
        for source in np.unique(sources):
            rows = (values[sources == source] for values in answers)
            here = validation_scores(*rows, groups=self.groups)
            name = source.replace("-", "_")
            scores |= {f"{key}_{name}": here[key] for key in here if key.startswith("mae")}
        return scores

    def _set_patch_dropout(self) -> None:
        if hasattr(self.model, "patch_dropout"):
            early = self._before(self.args.patch_dropout_until)
            self.model.patch_dropout = self.args.patch_dropout if early else 0.0


class Stopwatch(TrainerCallback, ExportableState):
    """Minutes spent in training, over all the runs of a training that was stopped and resumed.

    `state` travels in the checkpoints; see `transformers.trainer_callback.ExportableState`.
    """

    def __init__(self, minutes: float = 0.0):
        self.minutes = minutes
        self._since = 0.0

    def state(self) -> dict:
        """What a checkpoint keeps of it."""
        return {"args": {"minutes": self.minutes}, "attributes": {}}

    def on_train_begin(self, args, state, control, **kwargs):
        """Start counting."""
        self._since = time.monotonic() / 60

    def on_step_end(self, args, state, control, **kwargs):
        """Count the step."""
        now = time.monotonic() / 60
        self.minutes += now - self._since
        self._since = now


class StopAfter(TrainerCallback):
    """Saves and stops once so many minutes are over, so that a training can be cut into slices.

    Of several processes the first one decides, every few steps, for their clocks differ.
    """

    def __init__(self, minutes: float):
        self.minutes = minutes
        self.stopped = False
        self._end = time.monotonic() + 60 * minutes

    def on_step_end(self, args, state, control, **kwargs):
        """Stop if the time is over and steps are left."""
        over = time.monotonic() >= self._end
        if args.world_size > 1:
            if state.global_step % STEPS_BETWEEN_CLOCKS:
                return
            decision = torch.tensor(int(over), device=args.device)
            torch.distributed.broadcast(decision, src=0)
            over = bool(decision)
        if over and state.global_step < state.max_steps:
            self.stopped = control.should_save = control.should_training_stop = True


def _seen_by(teacher: PreTrainedModel, pixel_values: torch.Tensor) -> torch.Tensor:
    """The student's pictures (B, 3, size, size) as that teacher wants them."""
    size = input_preprocessing(teacher).size
    if pixel_values.shape[-1] != size:
        pixel_values = F.interpolate(pixel_values, size, mode="bilinear", antialias=True)
    return pixel_values.to(teacher.dtype)


def _projection(model: PreTrainedModel, teacher: PreTrainedModel) -> FeatureProjection:
    width, side = token_grid(model)
    return FeatureProjection(width, token_grid(teacher)[0], side)
