import torch

from age_model.modeling import AgeOutput
from train.distillation import HintProjection, answer_loss, hint_loss


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


def test_hint_is_compared_at_the_place_of_each_patch():
    """A 2 x 2 teacher map against a 4 x 4 grid: patch 15 (last row, last column) sees cell 3."""
    cells = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0))
    teacher = AgeOutput(token_features=cells, token_index=torch.arange(4)[None])
    normal = torch.nn.functional.layer_norm(cells, (6,))
    projection = HintProjection(6, 6, student_side=4)
    torch.nn.init.eye_(projection.weight)
    torch.nn.init.zeros_(projection.bias)

    def loss(patch: int, cell: int) -> float:
        student = AgeOutput(token_features=normal[:, [cell]], token_index=torch.tensor([[patch]]))
        return hint_loss(student, teacher, projection).item()

    assert loss(15, 3) < 1e-6 < loss(15, 0)
    assert loss(1, 0) < 1e-6 < loss(2, 0)
    assert loss(12, 2) < 1e-6
