"""Learning from a teacher: its answers, and what it sees where.

Sources: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; Romero et al.,
"FitNets: Hints for Thin Deep Nets", ICLR 2015. A ViT trained from nothing learns slowly what a
convolutional network knows by construction; feature distillation hands it over patch by patch.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from age_model.network.modeling import AgeOutput

HEADS = {"age": "logits", "gender": "gender_logits", "ethnicity": "ethnicity_logits"}


def answer_loss(
    student: AgeOutput, teacher: AgeOutput, lessons: Iterable[str] = tuple(HEADS)
) -> torch.Tensor:
    """(B,) sum over heads of KL(teacher || student), in nats.

    Args:
        lessons: the heads that the teacher was itself taught.
    """
    losses = []
    for head in map(HEADS.get, lessons):
        log_p = F.log_softmax(student[head].float(), dim=1)
        log_q = F.log_softmax(teacher[head].float(), dim=1)
        losses.append(F.kl_div(log_p, log_q, log_target=True, reduction="none").sum(dim=1))
    return torch.stack(losses).sum(dim=0)


def averaged(outputs: Sequence[AgeOutput]) -> AgeOutput:
    """The mean of what teachers answer, as probabilities, and what the first one sees where."""
    means = {}
    for head in HEADS.values():
        log_p = torch.stack([F.log_softmax(output[head].float(), dim=1) for output in outputs])
        means[head] = log_p.logsumexp(dim=0) - math.log(len(outputs))
    return AgeOutput(**{**outputs[0], **means})


def feature_loss(student: AgeOutput, teacher: AgeOutput, student_side: int) -> torch.Tensor:
    """(B,) squared distance between the student's patches and the teacher's map at the same places.

    The teacher's channels are normalised at each place (zero mean, unit variance), so that a
    channel's scale does not decide how much it counts; 1 is the loss of answering nothing.

    Args:
        student: its `token_features` are in the teacher's channels, by a `FeatureProjection`.
        teacher: its map may be of another size than the student's.
        student_side: so many patches lie along one side of the student's map.
    """
    features = teacher["token_features"]
    side = int(features.shape[1] ** 0.5)
    grid = features.float().unflatten(1, (side, side)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(student_side,) * 2, mode="nearest")
    target = grid.flatten(2).transpose(1, 2)
    target = F.layer_norm(target, target.shape[-1:])
    index = student["token_index"][..., None].expand(-1, -1, target.shape[-1])
    difference = student["token_features"].float() - target.gather(1, index)
    return difference.square().mean(dim=(1, 2))


class FeatureProjection(nn.Linear):
    """From the student's width to the teacher's; `student_side` patches lie along one side.

    While it is part of a network, that network's `token_features` are projected in training. It
    runs within the network's forward, because gradients of parameters that are used outside of it
    cannot be shared between processes.
    """

    def __init__(self, student_width: int, teacher_width: int, student_side: int):
        super().__init__(student_width, teacher_width)
        self.student_side = student_side

    def join(self, network: nn.Module) -> None:
        """Become the part `feature_projection` of a network, trained and saved with it."""
        network.feature_projection = self
        self._hook = network.register_forward_hook(_project)

    def leave(self, network: nn.Module) -> None:
        """The network is alone again, as its finished checkpoint is."""
        self._hook.remove()
        del network.feature_projection


def _project(network: nn.Module, _inputs: tuple, output: AgeOutput) -> AgeOutput:
    projection: Any = network.feature_projection
    if network.training:
        output["token_features"] = projection(output["token_features"])
    return output
