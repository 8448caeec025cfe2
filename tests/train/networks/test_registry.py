import contextlib
import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForPreTraining,
    BertConfig,
    SiglipConfig,
    ViTForImageClassification,
)

from age_model.network.answers import trained_attributes
from age_model.network.convolutional import AgeCNN, AgeResNet
from age_model.network.modeling import AgeOutput, AgeViT
from age_model.network.preprocessing import Preprocessing
from tests.support.hub_server import FakeHub
from tests.support.planted_code import plant
from tests.support.pretrained import BICUBIC, MEAN, SIZE, STD, save_pretrained
from train.console.errors import InputError
from train.networks.initialisation import mimetic
from train.networks.registry import input_preprocessing, load_network, new_network, token_grid
from train.training.distillation import FeatureProjection
from train.training.optimizers import MuonAdamW

VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
       "image_size": 32, "patch_size": 8}  # fmt: skip
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}


CNN = {"channels": [8, 16, 32], "branch_width": 16}


@pytest.fixture
def copied(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


@pytest.mark.parametrize(
    "architecture, config",
    [("vit", VIT), ("resnet", RESNET), ("age-densenet", {}), ("age-cnn", CNN)],
    ids=["vit", "resnet", "densenet", "cnn"],
)
def test_networks_answer_alike_and_load_back_the_same(architecture, config, tmp_path):
    network = new_network(architecture, config).eval()
    pictures = torch.randn(2, 3, 32, 32)
    answer = network(pictures)
    assert answer.logits.shape == (2, 101)
    assert answer.gender_logits.shape == (2, 2) and answer.ethnicity_logits.shape == (2, 5)
    assert answer.token_features.shape[:2] == answer.token_index.shape
    network.save_pretrained(tmp_path)
    again = load_network(str(tmp_path)).eval()
    assert type(again) is type(network)
    assert torch.equal(again(pictures).gender_logits, answer.gender_logits)


def test_hub_style_classifier_gets_new_age_heads(tmp_path):
    """What --base-model meets: a ViT with another head and other labels."""
    from transformers import ViTConfig, ViTForImageClassification

    base = ViTForImageClassification(ViTConfig(**VIT, num_labels=10))
    base.save_pretrained(tmp_path)
    network = load_network(str(tmp_path))
    assert isinstance(network, AgeViT) and network.classifier.out_features == 101
    assert network.config.id2label[100] == "100"
    kept = base.vit.layers[0].mlp.fc1.weight
    assert torch.equal(network.vit.layers[0].mlp.fc1.weight, kept)


@pytest.mark.parametrize("known_type", [True, False])
def test_code_of_a_checkpoint_is_never_run(tmp_path, monkeypatch, known_type):
    new_network("vit", VIT).save_pretrained(tmp_path)
    mark = plant(tmp_path, known_type)
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # transformers would ask at the terminal
    with contextlib.nullcontext() if known_type else pytest.raises(InputError, match="own code"):
        load_network(str(tmp_path))
    assert not mark.exists()


def test_pickled_weights_are_not_read(tmp_path):
    network = new_network("vit", VIT)
    network.config.save_pretrained(tmp_path)
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"cannot be trained and served.*safetensors"):
        load_network(str(tmp_path))


def test_other_families_are_refused_by_name(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"a network for pictures .* type vit or .*, got 'bert'"):
        load_network(str(tmp_path))


def test_input_size_is_the_vits_own():
    assert input_preprocessing(new_network("vit", VIT)).size == 32
    assert input_preprocessing(new_network("resnet", RESNET)).size == 128
    assert isinstance(new_network("resnet", RESNET), AgeResNet)


def test_the_small_cnn_is_three_blocks_and_a_branch_an_answer():
    network = new_network("age-cnn", CNN)
    kinds = [type(layer).__name__ for layer in network.blocks[0]]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d", "Dropout"]
    assert len(network.blocks) == 3 and isinstance(network, AgeCNN)
    branches = (network.classifier, network.gender_classifier, network.ethnicity_classifier)
    assert [branch[-1].out_features for branch in branches] == [101, 2, 5]
    assert network(torch.randn(2, 3, 96, 96)).logits.shape == (2, 101)  # any size of input


def test_mimetic_start_leans_to_the_identity():
    torch.manual_seed(0)
    network = new_network("vit", {**VIT, "hidden_size": 64, "num_attention_heads": 1})
    mimetic(network)
    attention = network.vit.layers[0].attention
    query_key = attention.q_proj.weight.T @ attention.k_proj.weight
    value_output = attention.v_proj.weight.T @ attention.o_proj.weight.T
    assert query_key.diagonal().mean() > 0.5 and value_output.diagonal().mean() < -0.3
    off = query_key - torch.diag(query_key.diagonal())
    assert off.mean().abs() < 0.05
    positions = network.vit.embeddings.position_embeddings[0, 1:]
    assert len(torch.unique(positions.round(decimals=4), dim=0)) == len(positions)


def test_muon_takes_the_inner_matrices_and_state_survives():
    torch.manual_seed(0)
    network = new_network("vit", VIT)
    network.feature_projection = FeatureProjection(32, 16, 4)
    optimizer = MuonAdamW(network, lr=0.01, weight_decay=0.0)
    muon, adamw = (
        {id(p) for g in part.param_groups for p in g["params"]} for part in optimizer.parts
    )
    assert id(network.vit.layers[0].mlp.fc1.weight) in muon
    assert id(network.classifier.weight) in adamw and id(network.vit.embeddings.cls_token) in adamw
    assert len(muon) + len(adamw) == len(list(network.parameters()))

    def step(net, opt):
        net(torch.ones(2, 3, 32, 32)).logits.square().mean().backward()
        opt.step()
        opt.zero_grad()

    step(network, optimizer)
    twin = new_network("vit", VIT)
    twin.feature_projection = FeatureProjection(32, 16, 4)
    twin.load_state_dict(network.state_dict())
    other = MuonAdamW(twin, lr=0.01, weight_decay=0.0)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(2):
        step(network, optimizer)
        step(twin, other)
    for a, b in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_schedules_reach_both_parts():
    optimizer = MuonAdamW(new_network("vit", VIT), lr=0.01, weight_decay=0.0)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1)
    rates = [group["lr"] for part in optimizer.parts for group in part.param_groups]
    assert rates == pytest.approx([0.001, 0.0005])


def test_muon_without_matrices_says_what_to_take():
    with pytest.raises(ValueError, match="--optimizer trainer"):
        MuonAdamW(new_network("resnet", RESNET), lr=0.01, weight_decay=0.0)


@pytest.mark.parametrize("kind", ["vit", "dinov2 with registers", "siglip", "swin", "resnet"])
def test_a_pretrained_network_keeps_its_weights_and_its_preprocessing(kind, tmp_path):
    network = load_network(str(save_pretrained(kind, tmp_path)))
    assert input_preprocessing(network) == Preprocessing(SIZE, MEAN, STD, BICUBIC)
    assert network.config.num_labels == 101 and trained_attributes(network.config) == ()
    own = load_file(tmp_path / "model.safetensors")  # in memory they have other names in part
    ours = list(network.state_dict().values())
    found = sum(any(w.shape == v.shape and torch.equal(w, v) for v in ours) for w in own.values())
    heads = 2 if kind == "vit" else 0  # of its own classes
    assert found >= len(own) - heads


def test_a_model_of_pictures_and_text_gives_its_part_for_pictures(tmp_path):
    tower = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 32}  # fmt: skip
    config = SiglipConfig(
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        text_config={**tower, "vocab_size": 20, "projection_size": 32},
    )
    whole = AutoModel.from_config(config)
    whole.save_pretrained(tmp_path)
    network = load_network(str(tmp_path))
    assert network.config.backbone_config.model_type == "siglip_vision_model"
    kept = whole.vision_model.state_dict()
    ours = network.backbone.state_dict()
    assert all(torch.equal(weight, ours[name]) for name, weight in kept.items())


def test_a_masked_autoencoder_is_a_plain_vit(tmp_path):
    config = AutoConfig.for_model("vit_mae", **VIT)
    AutoModelForPreTraining.from_config(config).save_pretrained(tmp_path)
    network = load_network(str(tmp_path)).eval()
    assert isinstance(network, AgeViT)
    assert network(torch.zeros(1, 3, 32, 32)).token_features.shape[1] == 16, "no patch is hidden"


def test_a_network_that_answers_by_chance_is_refused(monkeypatch):
    monkeypatch.setattr(AgeCNN, "forward", lambda self, x: AgeOutput(logits=torch.randn(1, 101)))
    with pytest.raises(InputError, match="answers the same picture differently each time"):
        new_network("age-cnn", CNN)


def test_a_backbone_that_lacks_weights_is_refused(tmp_path):
    save_pretrained("deit", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights = {name: w for name, w in weights.items() if "layers.1" not in name}
    weights = {name: w for name, w in weights.items() if "layer.1" not in name}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="lacks weights"):
        load_network(str(tmp_path))


def test_position_embeddings_of_a_vit_are_interpolated(tmp_path):
    base = load_network(str(save_pretrained("vit", tmp_path)))
    network = load_network(str(tmp_path), image_size=48)
    assert network.config.image_size == 48 and input_preprocessing(network).size == 48
    before = base.vit.embeddings.position_embeddings
    after = network.vit.embeddings.position_embeddings
    assert before.shape[1] == 65 and after.shape[1] == 37
    assert torch.equal(before[:, 0], after[:, 0])
    pictures = torch.randn(2, 3, 48, 48)
    theirs = base.eval()(pictures, interpolate_pos_encoding=True).logits  # as transformers does it
    assert torch.allclose(theirs, _same_heads(network, base)(pictures).logits, atol=1e-5)


def _same_heads(network, base):
    """The network with the heads of the base: those of a loaded base start at random."""
    for name in ("classifier", "gender_classifier", "ethnicity_classifier"):
        getattr(network, name).load_state_dict(getattr(base, name).state_dict())
    return network.eval()


def test_a_size_that_cannot_be_is_refused_before_training(tmp_path):
    save_pretrained("vit", tmp_path)
    with pytest.raises(InputError, match="a multiple of its patch of 8, got 50"):
        load_network(str(tmp_path), image_size=50)
    with pytest.raises(InputError, match="--image_size 64: the network configuration says 32"):
        new_network("vit", VIT, image_size=64)
    without = {name: value for name, value in VIT.items() if name != "image_size"}
    assert new_network("vit", without, image_size=64).config.image_size == 64
    with pytest.raises(InputError, match="cannot take pictures of 4 x 4"):
        new_network("age-cnn", CNN, image_size=4)


@pytest.mark.parametrize(
    ("settings", "taught"),
    [({}, ["gender", "ethnicity"]), ({"trained_attributes": ["gender"]}, ["gender"])],
)
def test_a_checkpoint_of_ours_was_taught_what_it_says(copied, settings, taught):
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | settings))
    assert list(trained_attributes(load_network(str(copied)).config)) == taught


def test_a_plain_vit_of_ages_was_taught_no_attribute(tiny_checkpoint, tmp_path):
    ViTForImageClassification.from_pretrained(tiny_checkpoint).save_pretrained(tmp_path)
    assert trained_attributes(load_network(str(tmp_path)).config) == ()


@pytest.mark.slow
def test_a_pretrained_network_comes_from_the_hub_by_its_name(tmp_path):
    hub, folder = FakeHub(), save_pretrained("deit", tmp_path / "deit")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    hub.files["someone/deit"] = {"main": files | {"pytorch_model.bin": b"never read"}}
    code = (
        "from train.networks.registry import input_preprocessing, load_network\n"
        "network = load_network('someone/deit')\n"
        "print(network.config.backbone_config.model_type, input_preprocessing(network).mean)"
    )
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | env | {"NO_PROXY": "127.0.0.1"},
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.stdout == f"deit {MEAN}\n", done.stderr
    fetched = {file.name for file in (tmp_path / "cache").rglob("*") if file.is_symlink()}
    assert "pytorch_model.bin" not in fetched


def test_places_of_a_network_make_a_square(tmp_path):
    save_pretrained("dinov2 with registers", tmp_path)
    assert token_grid(load_network(str(tmp_path))) == (32, 8)
    assert token_grid(new_network("resnet", RESNET, image_size=32)) == (16, 4)
