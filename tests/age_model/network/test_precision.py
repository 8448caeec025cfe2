"""Which device is chosen. There is none but the processor here, so others are pretended."""

import numpy as np
import pytest
import torch

from age_model import AgePredictor, cli
from age_model.network import precision
from age_model.network.modeling import AgeViT
from age_model.network.precision import (
    choose_device,
    has_fast_bf16,
    quick_dtype,
    to_device,
)
from age_model.predictor import BATCH_SIZE, GPU_BATCH_SIZE


@pytest.fixture
def machine(monkeypatch):
    """Pretends a machine with so many CUDA GPUs, with Apple's GPU or not."""

    def pretend(cuda: int = 0, mps: bool = False, fast_bf16: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: fast_bf16)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(precision, "cpu_has_fast_bf16", lambda: fast_bf16)

    return pretend


@pytest.mark.parametrize(
    ("here", "chosen"),
    [
        ({}, "cpu"),
        ({"mps": True}, "mps"),
        ({"cuda": 2}, "cuda"),
        ({"cuda": 1, "mps": True}, "cuda"),
    ],
)
@pytest.mark.parametrize("name", [None, "auto"])
def test_auto_takes_a_gpu_if_there_is_one(machine, here, chosen, name):
    machine(**here)
    assert choose_device(name) == torch.device(chosen)


def test_a_device_can_be_named(machine):
    machine(cuda=2)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device(torch.device("cuda")) == torch.device("cuda")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("cuda:2", "there is none here; expected one of cuda, cpu, or auto"),
        ("mps", "there is none here; expected one of cuda, cpu, or auto"),
        ("gpu", "expected a device such as auto, cuda, mps, cpu or cuda:1, got 'gpu'"),
        ("meta", "expected a device such as"),
    ],
)
def test_a_device_that_is_not_there_is_refused(machine, name, complaint):
    machine(cuda=2)
    with pytest.raises(ValueError, match=complaint):
        choose_device(name)


def test_bf16_is_taken_where_it_is_quick(machine):
    devices = [torch.device(name) for name in ("cpu", "cuda", "mps")]
    machine(cuda=1, mps=True)
    assert [has_fast_bf16(device) for device in devices] == [True, True, False]
    machine(cuda=1, mps=True, fast_bf16=False)
    assert {quick_dtype(device) for device in devices} == {torch.float32}


class Detector:
    name, limitation, kind = "none", None, "none"


@pytest.mark.parametrize(("device", "batch"), [("cpu", BATCH_SIZE), ("cuda", GPU_BATCH_SIZE)])
def test_the_network_goes_to_the_device_in_its_quick_arithmetic(
    machine, monkeypatch, tiny_checkpoint, device, batch
):
    machine(cuda=1)
    network = AgeViT.from_pretrained(tiny_checkpoint)
    went: list[tuple] = []
    monkeypatch.setattr(network, "to", lambda *where: went.append(where) or network)
    predictor = AgePredictor(network, Detector(), str(tiny_checkpoint), device)
    assert went == [(torch.device(device), torch.bfloat16)]
    assert predictor.device == torch.device(device) and predictor.batch_size == batch


@pytest.mark.parametrize(
    ("device", "fast_bf16", "attention"),
    [("cpu", True, "eager"), ("cpu", False, "sdpa"), ("cuda", True, "sdpa")],
)
def test_plain_attention_is_taken_where_it_is_quick(
    machine, monkeypatch, tiny_checkpoint, device, fast_bf16, attention
):
    machine(cuda=1, fast_bf16=fast_bf16)
    network = AgeViT.from_pretrained(tiny_checkpoint)
    monkeypatch.setattr(network, "to", lambda *where: network)
    to_device(network, torch.device(device))
    assert network.config._attn_implementation == attention


def test_all_that_the_network_computes_is_on_its_device(machine, tiny_checkpoint):
    """On a device that computes nothing, it gets as far as bringing the answers back."""
    network = AgeViT.from_pretrained(tiny_checkpoint)
    predictor = AgePredictor(network, Detector(), str(tiny_checkpoint))
    network.to("meta")
    predictor.device = torch.device("meta")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        predictor.predict_crops([np.zeros((32, 32, 3), np.uint8)])


def test_the_environment_says_the_device_unless_the_call_does(
    machine, monkeypatch, tiny_checkpoint
):
    monkeypatch.setenv("AGE_DEVICE", "mps")
    with pytest.raises(ValueError, match="device mps: there is none here"):
        AgePredictor.from_pretrained(tiny_checkpoint, "haar")
    here = AgePredictor.from_pretrained(tiny_checkpoint, "haar", device="cpu")
    assert here.device == torch.device("cpu")


def test_the_command_says_that_there_is_no_such_device(machine, tmp_path, capsys):
    (tmp_path / "photo.jpg").write_bytes(b"")
    machine()
    with pytest.raises(SystemExit) as end:
        cli.main(["--device", "cuda", "--workers", "1", str(tmp_path / "photo.jpg")])
    assert end.value.code == 2
    assert (
        "device cuda: there is none here; expected one of cpu, or auto" in capsys.readouterr().err
    )
