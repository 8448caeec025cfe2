"""Blended training pictures, and the loss that goes with them."""

import pytest
import torch

from age_model.network.modeling import AgeOutput
from train.console.errors import InputError
from train.data.dataset import SIGMA
from train.finetune import build_trainer
from train.training.mixup import Blend
from train.training.presets import parse

SMALL = '{"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, ' \
    '"intermediate_size": 16, "image_size": 32, "patch_size": 16}'  # fmt: skip
BLEND = Blend(share=torch.tensor([0.75, 0.5, 1.0]), other=torch.tensor([1, 2, 0]))


def test_a_sample_is_its_share_of_itself_and_the_rest_of_its_partner():
    pictures = torch.tensor([[0.0, 8.0], [4.0, 4.0], [2.0, 6.0]])
    assert BLEND.of(pictures).tolist() == [[1.0, 7.0], [3.0, 5.0], [2.0, 6.0]]
    assert BLEND.of(torch.tensor([1.0, 1.0, 1.0]), torch.tensor([5.0, 3.0, 9.0])).tolist() == [
        2,
        2,
        1,
    ]
    assert BLEND.others({"age_low": torch.tensor([10, 20, 30])})["age_low"].tolist() == [20, 30, 10]


def test_what_is_drawn_has_shares_and_each_partner_once():
    blend = Blend.drawn(torch.zeros(2000, 1), 0.4)
    assert blend.other.sort().values.tolist() == list(range(2000))
    assert ((blend.share >= 0) & (blend.share <= 1)).all()
    near_an_end = (blend.share - 0.5).abs() > 0.4
    # 48% for Beta(0.4, 0.4), 20% for Beta(1, 1); 0.05 is over four standard errors of 2,000 draws.
    assert near_an_end.float().mean().item() == pytest.approx(0.48, abs=0.05)


@pytest.fixture
def trainer(prepared, tmp_path):
    """A trainer of ten steps that blends in the first half."""
    made = build_trainer(
        *parse(["--data", str(prepared), "--output_dir", str(tmp_path), "--network_config", SMALL,
                "--mixup", "0.4", "--mixup_until", "0.5", "--max_steps", "10", "--report_to",
                "none", "--precision", "fp32", "--distillation", "0.5"])[:3]
    )  # fmt: skip
    made.state.max_steps = 10
    return made


@pytest.fixture
def batch():
    low = torch.tensor([20, 60, 10])
    return {
        "pixel_values": torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
        "age_low": low, "age_high": low, "gender": torch.tensor([0, 1, -1]),
        "ethnicity": torch.tensor([-1, 2, 3]), SIGMA: torch.tensor([0.03, 0.1, 0.03]),
    }  # fmt: skip


def test_the_loss_of_a_blend_is_the_two_labels_losses_by_share(trainer, batch, monkeypatch):
    monkeypatch.setattr(Blend, "drawn", lambda batch, concentration: BLEND)
    model = trainer.model.train()
    answer = model(BLEND.of(batch["pixel_values"]))
    by_hand = torch.lerp(
        trainer.label_loss(answer, BLEND.others(batch)),
        trainer.label_loss(answer, batch),
        BLEND.share,
    )
    assert trainer.compute_loss(model, batch).item() == pytest.approx(
        by_hand.mean().item(), rel=1e-5
    )
    plain = trainer.label_loss(model(batch["pixel_values"]), batch).mean().item()
    assert abs(by_hand.mean().item() - plain) > 1e-3
    # Neither what is measured nor what is learned last is blended.
    assert trainer.compute_loss(model.eval(), batch).item() == pytest.approx(plain, rel=1e-5)
    trainer.state.global_step = 5
    assert trainer.compute_loss(model.train(), batch).item() == pytest.approx(plain, rel=1e-5)


def test_the_teacher_is_shown_the_blend(trainer, batch, monkeypatch):
    monkeypatch.setattr(Blend, "drawn", lambda batch, concentration: BLEND)
    seen = []

    def lesson(pixel_values):
        seen.append(pixel_values)
        return AgeOutput(logits=torch.zeros(3, 101), gender_logits=torch.zeros(3, 2),
                         ethnicity_logits=torch.zeros(3, 5))  # fmt: skip

    monkeypatch.setattr(trainer, "_lesson", lesson)
    trainer.teachers, trainer.args.feature_distillation = [trainer.model], 0.0
    trainer.compute_loss(trainer.model.train(), batch)
    assert torch.equal(seen[0], BLEND.of(batch["pixel_values"]))


@pytest.mark.parametrize("more", [["--mixup", "-0.1"], ["--mixup_until", "1.5"]])
def test_impossible_settings_are_refused(more):
    with pytest.raises(InputError, match=f"{more[0][2:]}: expected a number from 0"):
        parse(more)
