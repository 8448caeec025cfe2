import pytest
import torch

from train.console.errors import InputError
from train.training import args as training_args
from train.training.args import AgeTrainingArguments
from train.training.presets import parse


def test_values_that_cannot_be():
    with pytest.raises(ValueError, match=r"patch_dropout: expected a number from 0 to 1, got 1\.5"):
        parse(["--patch_dropout", "1.5"])
    with pytest.raises(ValueError, match=r"found no config\.json in nowhere"):
        parse(["--teacher", "nowhere"])


def test_a_network_can_be_given_on_the_command_line():
    model, *_ = parse(["--architecture", "resnet", "--network_config", '{"depths": [1, 1]}'])
    assert model.network_config == {"depths": [1, 1]}


@pytest.mark.parametrize("given", ["[1, 2]", "{depths: 1}"])
def test_a_network_that_is_no_json_object_is_refused(given):
    with pytest.raises(InputError, match="network_config: expected a JSON object"):
        parse(["--network_config", given])


@pytest.fixture
def quick(monkeypatch):
    """Pretends that the device is quick in bf16, or is not."""

    def pretend(is_quick: bool) -> None:
        monkeypatch.setattr(training_args, "has_fast_bf16", lambda device: is_quick)

    return pretend


@pytest.mark.parametrize(
    ("given", "on_quick", "else_"),
    [
        ("", "bf16", "fp32"),
        ("--precision bf16", "bf16", "bf16"),
        ("--precision fp32", "fp32", "fp32"),
        ("--bf16", "bf16", "bf16"),
        ("--bf16 True", "bf16", "bf16"),
        ("--bf16 False", "fp32", "fp32"),
        ("--fp16 False", "bf16", "fp32"),
        ("--bf16 False --precision fp32", "fp32", "fp32"),
    ],
)
def test_the_precision_is_what_was_asked_for(quick, given, on_quick, else_):
    for is_quick, expected in ((True, on_quick), (False, else_)):
        quick(is_quick)
        *_, args, _ = parse(given.split())
        assert (args.precision, args.bf16, args.fp16) == (expected, expected == "bf16", False)
        assert args.mixed_precision == ("bf16" if expected == "bf16" else "no")


@pytest.mark.parametrize(
    "given",
    ["--precision fp32 --bf16", "--precision bf16 --bf16 False", "--precision bf16 --fp16",
     "--bf16 --fp16"],
)  # fmt: skip
def test_precisions_that_contradict_each_other_are_refused(given):
    with pytest.raises(InputError, match="one of them"):
        parse(given.split())


@pytest.mark.parametrize("given", ["--fp16", "--precision fp16"])
def test_fp16_on_a_processor_is_one_plain_sentence(given):
    with pytest.raises(InputError, match="--precision fp16: expected a GPU"):
        parse([*given.split(), "--use_cpu", "true"])


def test_fp16_on_a_gpu_is_obeyed(monkeypatch):
    """There is no GPU here: only what is chosen for one is tested."""
    args = object.__new__(AgeTrainingArguments)
    args.precision, args.bf16, args.fp16, args.use_cpu = "auto", None, True, False
    assert args._chosen_precision() == "fp16"
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    args.fp16 = None
    assert args._chosen_precision() == "fp16"


@pytest.mark.parametrize(
    ("given", "precision"),
    [("", "bf16"), ("--precision fp32", "fp32"), ("--bf16 False", "fp32")],
)
def test_the_launcher_s_precision_counts_where_none_is_given(quick, monkeypatch, given, precision):
    """`accelerate launch --mixed_precision bf16` says so in the environment."""
    quick(False)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    *_, args, _ = parse(given.split())
    assert args.precision == precision
    assert args.mixed_precision == {"fp32": "no"}.get(precision, precision)


def test_a_training_takes_apple_s_gpu_and_one_gpu_of_several(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(AgeTrainingArguments, "n_gpu", 4)
    monkeypatch.setattr(training_args, "choose_device", lambda name: torch.device("mps"))
    monkeypatch.setattr(training_args, "has_fast_bf16", lambda device: False)
    *_, args, _ = parse([])
    assert not args.use_cpu and args._n_gpu == 1
