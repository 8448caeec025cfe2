"""Muon with AdamW as one optimizer, also under the loss scaling of fp16."""

import pytest
import torch

from train.networks.registry import new_network
from train.training.optimizers import MuonAdamW

VIT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
       "intermediate_size": 64, "image_size": 32, "patch_size": 8}  # fmt: skip


@pytest.fixture
def stepped():
    """Weights after a step with gradients that were scaled so, or unscaled for None."""

    def step(scaler: torch.amp.GradScaler | None, spoiled: bool = False) -> dict:
        torch.manual_seed(0)
        network = new_network("vit", VIT)
        optimizer = MuonAdamW(network, lr=0.01, weight_decay=0.0)
        loss = network(torch.ones(2, 3, 32, 32)).logits.square().mean()
        (scaler.scale(loss) if scaler else loss).backward()
        if spoiled:
            network.classifier.bias.grad[0] = float("inf")
        if scaler:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
        else:
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        return network.state_dict()

    return step


def test_scaled_gradients_are_the_same_step(stepped):
    plain, scaled = stepped(None), stepped(torch.amp.GradScaler("cpu", init_scale=1024.0))
    for name, weights in plain.items():
        assert torch.allclose(weights, scaled[name], atol=1e-6), name


def test_a_step_that_overflowed_is_left_out(stepped):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    spoiled = stepped(scaler, spoiled=True)
    torch.manual_seed(0)
    for name, weights in new_network("vit", VIT).state_dict().items():
        assert torch.equal(weights, spoiled[name]), name
    assert scaler.get_scale() == 512.0
