"""Layer-wise decay of the learning rate, and training the heads alone first."""

from types import SimpleNamespace

import pytest
import torch
from transformers import TrainerState

from tests.support.pretrained import KINDS, save_pretrained
from train.console.errors import InputError
from train.finetune import build_trainer
from train.networks.registry import load_network, new_network
from train.training.gentle import FreezeBackbone, depths, is_head, parameter_groups
from train.training.presets import parse
from train.training.start import starting_network

VIT = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64,
       "image_size": 32, "patch_size": 8}  # fmt: skip


def test_depth_counts_blocks_from_the_heads():
    depth = depths(new_network("vit", VIT))
    assert depth["classifier.weight"] == depth["gender_classifier.bias"] == 0
    assert depth["vit.layernorm.weight"] == 1
    by_block = [depth[f"vit.layers.{i}.mlp.fc1.weight"] for i in range(3)]
    assert by_block == [3, 2, 1]
    assert depth["vit.embeddings.position_embeddings"] == 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_network_has_depths_that_rise_towards_its_input(kind, tmp_path):
    network = load_network(str(save_pretrained(kind, tmp_path)))
    depth = depths(network)
    names = [name for name, _ in network.named_parameters() if not is_head(name)]
    body = [depth[name] for name in names]
    assert set(body) == {1, 2, 3}, "two blocks, and what is before them"
    assert body == sorted(body, reverse=True)
    assert {depth[name] for name in depth if is_head(name)} == {0}


def test_rates_fall_by_the_factor_from_block_to_block_and_biases_do_not_decay():
    network = new_network("vit", VIT)
    decayed = {name for name, p in network.named_parameters() if p.ndim > 1}
    groups = parameter_groups(network, 0.01, 0.5, 0.1, decayed)
    assert groups[0]["lr"] == 0.01, "the heads' rate is the one that is logged"
    names = {id(p): name for name, p in network.named_parameters()}
    depth = depths(network)
    seen = set()
    for group in groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            seen.add(name)
            assert group["lr"] == pytest.approx(0.01 * 0.5 ** depth[name])
            assert group["weight_decay"] == (0.1 if name in decayed else 0.0)
    assert seen == set(names.values())


def test_the_trainer_takes_them(prepared, tmp_path):
    base = save_pretrained("vit", tmp_path / "base")
    argv = ["--base_model", str(base), "--data", str(prepared), "--output_dir", str(tmp_path / "o"),
            "--optimizer", "trainer", "--learning_rate", "0.01", "--layer_decay", "0.5",
            "--weight_decay", "0.1", "--report_to", "none", "--save_strategy", "no",
            "--eval_strategy", "no", "--load_best_model_at_end", "false"]  # fmt: skip
    trainer = build_trainer(*parse(argv)[:3])
    optimizer = trainer.create_optimizer()
    assert isinstance(optimizer, torch.optim.AdamW)
    rates = {group["lr"] for group in optimizer.param_groups}
    assert rates == {0.01, 0.005, 0.0025, 0.00125}


@pytest.mark.slow
def test_first_only_the_heads_learn(prepared, tmp_path):
    base = save_pretrained("vit", tmp_path / "base")
    ends = []
    for steps in (1, 2):
        argv = ["--base_model", str(base), "--data", str(prepared), "--output_dir",
                str(tmp_path / str(steps)), "--optimizer", "trainer", "--freeze_backbone_steps",
                "1", "--learning_rate", "0.01", "--max_steps", str(steps), "--report_to", "none",
                "--per_device_train_batch_size", "4", "--eval_strategy", "no", "--save_strategy",
                "no", "--load_best_model_at_end", "false", "--lr_scheduler_type", "constant",
                "--disable_tqdm", "true"]  # fmt: skip
        trainer = build_trainer(*parse(argv)[:3])
        before = {n: p.detach().clone() for n, p in trainer.model.named_parameters()}
        trainer.train()
        after = dict(trainer.model.named_parameters())
        ends.append({n for n in before if not torch.equal(before[n], after[n])})
    assert ends[0] and all(map(is_head, ends[0]))
    assert any(not is_head(name) for name in ends[1])


def test_frozen_gradients_are_dropped_under_a_wrapper_too():
    network = new_network("vit", VIT)
    wrapped = torch.nn.ModuleDict({"module": network})
    network(torch.ones(1, 3, 32, 32)).logits.sum().backward()
    state = TrainerState()
    state.global_step = 4
    FreezeBackbone(5).on_pre_optimizer_step(None, state, None, model=wrapped)
    assert all((p.grad is None) for n, p in network.named_parameters() if not is_head(n))
    assert network.classifier.weight.grad is not None


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--layer_decay", "0"], "above 0, at most 1, got 0"),
        (["--layer_decay", "0.9"], "needs --optimizer trainer"),
        (["--freeze_backbone_steps", "-1"], "0 or more, got -1"),
        (["--groups", "0-12,14+"], "leave a gap"),
        (["--groups", "young,old"], "got 'young'"),
    ],
)
def test_what_cannot_be_is_refused(argv, said):
    with pytest.raises(InputError, match=said):
        parse(argv)


def test_without_a_base_there_is_nothing_to_freeze():
    args = SimpleNamespace(base_model=None)
    with pytest.raises(InputError, match="there is nothing to keep"):
        starting_network(args, None, freeze_steps=5)
