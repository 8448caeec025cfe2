import math

import pytest
import torch

from age_model.network.modeling import AgeOutput, AgeViT
from age_model.network.preprocessing import Preprocessing
from train.training.distillation import FeatureProjection, answer_loss, averaged, feature_loss
from train.training.trainer import WeightedTrainer


def _answer(seed: int) -> AgeOutput:
    g = torch.Generator().manual_seed(seed)
    return AgeOutput(
        logits=torch.randn(3, 101, generator=g),
        gender_logits=torch.randn(3, 2, generator=g),
        ethnicity_logits=torch.randn(3, 5, generator=g),
    )


def test_answer_loss_is_zero_for_the_same_answer_and_positive_else():
    assert answer_loss(_answer(0), _answer(0)).abs().max() < 1e-5
    assert (answer_loss(_answer(0), _answer(1)) > 0.1).all()


def test_features_are_compared_at_the_place_of_each_patch():
    """A 2 x 2 teacher map against a 4 x 4 grid: patch 15 (last row, last column) sees cell 3."""
    cells = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0))
    teacher = AgeOutput(token_features=cells, token_index=torch.arange(4)[None])
    normal = torch.nn.functional.layer_norm(cells, (6,))
    projection = FeatureProjection(6, 6, student_side=4)
    torch.nn.init.eye_(projection.weight)
    torch.nn.init.zeros_(projection.bias)

    def loss(patch: int, cell: int) -> float:
        seen = projection(normal[:, [cell]])
        student = AgeOutput(token_features=seen, token_index=torch.tensor([[patch]]))
        return feature_loss(student, teacher, student_side=4).item()

    assert loss(15, 3) < 1e-6 < loss(15, 0)
    assert loss(1, 0) < 1e-6 < loss(2, 0)
    assert loss(12, 2) < 1e-6


def test_a_student_that_answers_nothing_has_a_feature_loss_of_one():
    cells = torch.randn(2, 4, 64, generator=torch.Generator().manual_seed(0)) * 7 + 3
    teacher = AgeOutput(token_features=cells, token_index=torch.arange(4).expand(2, -1))
    projection = FeatureProjection(6, 64, student_side=2)
    torch.nn.init.zeros_(projection.weight)
    torch.nn.init.zeros_(projection.bias)
    seen = projection(torch.ones(2, 4, 6))
    student = AgeOutput(token_features=seen, token_index=teacher.token_index)
    assert feature_loss(student, teacher, student_side=2).tolist() == pytest.approx(
        [1, 1], abs=1e-3
    )


def test_a_projection_works_in_training_while_it_is_part_of_the_network(tiny_checkpoint):
    network = AgeViT.from_pretrained(tiny_checkpoint)
    pictures = torch.zeros(2, 3, 32, 32)
    width = network.config.hidden_size
    projection = FeatureProjection(width, 7, student_side=4)
    projection.join(network)
    assert "feature_projection.weight" in network.state_dict()
    assert network.train()(pictures).token_features.shape[-1] == 7
    assert network.eval()(pictures).token_features.shape[-1] == width
    projection.leave(network)
    assert network.train()(pictures).token_features.shape[-1] == width
    assert "feature_projection.weight" not in network.state_dict()


def test_two_teachers_teach_the_mean_of_their_probabilities():
    def output(p: float, place: float) -> AgeOutput:
        logits = torch.tensor([[p, 1 - p]]).log() + 3  # unnormalised, as a network's are
        return AgeOutput(
            logits=logits, gender_logits=logits, ethnicity_logits=logits,
            token_features=torch.full((1, 4, 2), place),
        )  # fmt: skip

    mean = averaged([output(0.9, 1.0), output(0.3, 2.0)])
    for head in ("logits", "gender_logits", "ethnicity_logits"):
        assert mean[head].softmax(1)[0].tolist() == pytest.approx([0.6, 0.4])
    assert mean.token_features.unique().tolist() == [1.0], "the places are the first one's"


def test_teachers_in_bf16_are_averaged_in_float32():
    first, second = (
        AgeOutput(logits=logits, gender_logits=logits, ethnicity_logits=logits)
        for logits in (torch.tensor([[6.0, 0.0]]).bfloat16(), torch.tensor([[8.0, 0.0]]).bfloat16())
    )
    expected = (1 / (1 + math.exp(-6)) + 1 / (1 + math.exp(-8))) / 2
    mean = averaged([first, second])
    assert mean.logits.exp()[0, 0].item() == pytest.approx(expected, abs=1e-6)


class Brightness(torch.nn.Module):
    """How bright the left column is, as the logit of the first age."""

    dtype = torch.float32

    def __init__(self, size: int):
        super().__init__()
        self.input_preprocessing = Preprocessing(size)

    def forward(self, pixel_values):
        assert pixel_values.shape[1:] == (3, *[self.input_preprocessing.size] * 2)
        logits = torch.stack([pixel_values[:, 0, :, 0].mean(1), torch.zeros(len(pixel_values))], 1)
        return AgeOutput(logits=logits, gender_logits=logits, ethnicity_logits=logits)


def _lesson(picture: torch.Tensor, *sizes: int) -> float:
    """What teachers of these sizes say: the probability of the first age."""
    trainer = WeightedTrainer.__new__(WeightedTrainer)
    trainer.teachers = [Brightness(size) for size in sizes]
    return trainer._lesson(picture).logits.softmax(1)[0, 0].item()


def test_further_teachers_see_the_mirror_image():
    picture = torch.zeros(1, 3, 4, 4)
    picture[..., 0] = 5.0
    alone, all_three = _lesson(picture, 4), _lesson(picture, 4, 4, 4)
    assert alone > 0.99 and all_three == pytest.approx((alone + 0.5 + 0.5) / 3, abs=1e-4)


def test_a_teacher_sees_the_pictures_at_its_own_size():
    picture = torch.ones(1, 3, 4, 4)
    assert _lesson(picture, 2) == pytest.approx(_lesson(picture, 4), abs=1e-4)
    assert _lesson(picture, 4, 2, 8) == pytest.approx(_lesson(picture, 4), abs=1e-4)
