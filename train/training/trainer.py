"""WeightedTrainer: the Trainer with this project's loss, optimizer and scores."""

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import Sampler
from transformers import EvalPrediction, PreTrainedModel, Trainer
from transformers.trainer_callback import ExportableState, TrainerCallback
from transformers.utils import SAFE_WEIGHTS_NAME

from age_model.labels import group_index
from age_model.network.modeling import AgeOutput
from train.evaluation.metrics import validation_scores
from train.training.distillation import HintProjection, answer_loss, averaged, hint_loss
from train.training.losses import age_class_weights, class_loss, interval_age_loss, point_age_loss
from train.training.mixup import Blend
from train.training.optimizers import MuonAdamW
from train.training.sampling import SourceSampler

# What of an AgeOutput is no answer, so that evaluation need not carry it about.
NO_ANSWER = ["features", "token_features", "token_index"]


class WeightedTrainer(Trainer):
    """Trains AgeViT (or a network that answers alike) on point and interval ages.

    The age loss is weighted by how rare an age is (`losses.age_class_weights`, computed from the
    training set's labels), with gender, ethnicity and, with a teacher, distillation beside it.

    Args:
        teacher: a trained network to learn from; it is put on the model's device and never changed.
        second_teacher: another one, with whose answers the first one's are averaged. It sees the
            pictures mirrored, so that the two err less alike.
        kwargs: as for `Trainer`; `args` is an `AgeTrainingArguments`.
    """

    # compute_loss returns the mean over its batch, which the Trainer then has to divide by the number
    # of accumulated batches itself.
    loss_is_scaled_for_ga = False

    def __init__(
        self,
        *,
        teacher: PreTrainedModel | None = None,
        second_teacher: PreTrainedModel | None = None,
        **kwargs,
    ):
        model, args = kwargs["model"], kwargs["args"]
        if teacher is not None and args.hints:
            model.hint_projection = _projection(model, teacher)
        super().__init__(compute_metrics=_scores, **kwargs)
        # A teacher only answers, so where the student computes in bf16 it can be bf16 throughout.
        dtype = torch.bfloat16 if self.args.bf16 else torch.float32
        self.teacher, self.second_teacher = (
            network.eval().to(self.args.device, dtype) if network is not None else None
            for network in (teacher, second_teacher)
        )
        rows = self.train_dataset.rows
        point, interval = age_class_weights(
            np.array(rows["age_low"]),
            np.array(rows["age_high"]),
            args.class_weighting,
            args.class_weight_power,
        )
        self.point_weights = torch.from_numpy(point).to(self.args.device)
        self.interval_weights = torch.from_numpy(interval).to(self.args.device)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Mean loss over the batch (see `Trainer.compute_loss`)."""
        self._set_patch_dropout()
        blend = self._blend(inputs) if model.training else None
        pixel_values = blend.of(inputs["pixel_values"]) if blend else inputs["pixel_values"]
        outputs = model(pixel_values)
        loss = self.label_loss(outputs, inputs)
        if blend:
            labels = {name: inputs[name] for name in self.args.label_names}
            loss = blend.of(loss, self.label_loss(outputs, blend.others(labels)))
        if self.teacher is not None and model.training:
            with torch.no_grad():
                lesson = self._lesson(pixel_values)
            share = self.args.distillation
            loss = (1 - share) * loss + share * answer_loss(outputs, lesson)
            if self.args.hints:
                hint = hint_loss(outputs, lesson, self.model.hint_projection)
                loss = loss + self.args.hints * hint
        loss = loss.mean()
        return (loss, outputs) if return_outputs else loss

    def _blend(self, inputs: dict[str, torch.Tensor]) -> Blend | None:
        """How this batch is blended; the teacher sees the blend too and says what it makes of it."""
        if not self.args.mixup or not self._before(self.args.mixup_until):
            return None
        return Blend.drawn(inputs["pixel_values"], self.args.mixup)

    def _before(self, share: float) -> bool:
        """Whether less than that share of the training is over."""
        return self.state.global_step < share * self.state.max_steps

    def _lesson(self, pixel_values: torch.Tensor) -> AgeOutput:
        pixel_values = pixel_values.to(self.teacher.dtype)
        lesson = self.teacher(pixel_values)
        if self.second_teacher is None:
            return lesson
        return averaged(lesson, self.second_teacher(pixel_values.flip(3)))

    def label_loss(self, outputs, labels: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B,) weighted loss against the labels; a label that is missing adds nothing."""
        low, high = labels["age_low"], labels["age_high"]
        groups = torch.as_tensor(group_index(low.cpu().numpy()), device=low.device)
        point = point_age_loss(outputs.logits, low, high) * self.point_weights[low.clamp(min=0)]
        interval = interval_age_loss(outputs.logits, low, high) * self.interval_weights[groups]
        gender = class_loss(outputs.gender_logits, labels["gender"])
        ethnicity = class_loss(outputs.ethnicity_logits, labels["ethnicity"])
        return (
            point + interval + self.args.gender_loss * gender + self.args.ethnicity_loss * ethnicity
        )

    def _get_train_sampler(self, train_dataset=None) -> Sampler | None:
        share = self.args.utkface_share
        if share is None:
            return super()._get_train_sampler(train_dataset)
        rows = (train_dataset if train_dataset is not None else self.train_dataset).rows
        return SourceSampler(np.array(rows["source"]), share, self.args.seed)

    def prediction_step(self, model, inputs, prediction_loss_only, ignore_keys=None):
        """Evaluate a batch, keeping only what the heads say."""
        return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys=NO_ANSWER)

    def create_optimizer(self, model=None) -> torch.optim.Optimizer:
        """Muon with AdamW, or what `--optim` names."""
        if self.args.optimizer == "muon" and self.optimizer is None:
            self.optimizer = MuonAdamW(
                model or self.model, self.args.learning_rate, self.args.weight_decay
            )
        return super().create_optimizer(model)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model=None) -> None:
        """Load a checkpoint's weights into the model, all of them or none.

        transformers 5.23 saves a ViT under the names of published checkpoints and resumes by those in
        memory, which differ: its own loading leaves the network at random, with no more than a warning.
        """
        model = model or self.model
        weights = type(model).from_pretrained(resume_from_checkpoint).state_dict()
        saved = load_file(Path(resume_from_checkpoint) / SAFE_WEIGHTS_NAME)
        hints = {
            name: value for name, value in saved.items() if name.startswith("hint_projection.")
        }
        model.load_state_dict({**weights, **hints})

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)

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
        self._since: float | None = None

    def state(self) -> dict:
        return {"args": {"minutes": self.minutes}, "attributes": {}}

    def on_train_begin(self, args, state, control, **kwargs):
        self._since = time.monotonic() / 60

    def on_step_end(self, args, state, control, **kwargs):
        now = time.monotonic() / 60
        self.minutes += now - self._since
        self._since = now


def _projection(model: PreTrainedModel, teacher: PreTrainedModel) -> nn.Module:
    config = model.config
    width = teacher.config.hidden_sizes[-1] if hasattr(teacher.config, "hidden_sizes") else None
    return HintProjection(
        config.hidden_size,
        width or teacher.config.hidden_size,
        config.image_size // config.patch_size,
    )


def _scores(prediction: EvalPrediction) -> dict[str, float]:
    age_logits, gender_logits = prediction.predictions[:2]
    age_low, age_high, gender, _ = prediction.label_ids
    return validation_scores(age_logits, gender_logits, age_low, age_high, gender)
