import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from age_model.labels import NUM_AGES
from age_model.network.modeling import ID2LABEL, AgeViT, age_labels_problem


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_shapes(tiny_checkpoint, pixels):
    output = AgeViT.from_pretrained(tiny_checkpoint).eval()(pixels)
    assert output.logits.shape == (3, NUM_AGES)
    assert output.gender_logits.shape == (3, 2)
    assert output.ethnicity_logits.shape == (3, 5)
    assert output.features.shape == (3, 32)
    assert output.token_features.shape == (3, 16, 32)
    assert output.token_index.tolist() == [list(range(16))] * 3


def test_all_heads_survive_saving(tiny_checkpoint, pixels, tmp_path):
    model = AgeViT.from_pretrained(tiny_checkpoint).eval()
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    again = AgeViT.from_pretrained(tmp_path, use_safetensors=True).eval()
    for head in ("logits", "gender_logits", "ethnicity_logits"):
        assert torch.equal(model(pixels)[head], again(pixels)[head]), head


def test_code_that_knows_nothing_of_us_reads_the_age_head(tiny_checkpoint, pixels):
    plain = ViTForImageClassification.from_pretrained(tiny_checkpoint).eval()
    ours = AgeViT.from_pretrained(tiny_checkpoint).eval()
    assert torch.allclose(plain(pixels).logits, ours(pixels).logits, atol=1e-6)
    assert plain.config.id2label[42] == "42"


def test_patch_dropout_only_in_training(tiny_checkpoint, pixels):
    model = AgeViT.from_pretrained(tiny_checkpoint)
    model.patch_dropout = 0.5
    output = model.train()(pixels)
    assert output.token_features.shape == (3, 8, 32)
    assert (output.token_index.diff(dim=1) > 0).all()  # in order, none twice
    assert model.eval()(pixels).token_features.shape == (3, 16, 32)


def test_age_labels_problem():
    assert age_labels_problem(ViTConfig(id2label=ID2LABEL)) is None
    groups = ViTConfig(id2label={0: "0-2", 1: "3-9"}, label2id={"0-2": 0, "3-9": 1})
    assert "got 2: 0-2, 3-9" in age_labels_problem(groups)
    shuffled = dict(ID2LABEL) | {0: "1", 1: "0"}
    assert "got 101: 1, 0, 2" in age_labels_problem(ViTConfig(id2label=shuffled))
