"""What a training starts from, and what its network will be able to answer."""

import json
from types import SimpleNamespace

import pytest
import torch

from age_model.network.answers import age_groups, trained_attributes
from age_model.network.modeling import AgeOutput
from tests.support.factories import save_tiny_checkpoint
from tests.support.pretrained import save_pretrained
from train.console.errors import InputError
from train.networks.registry import input_preprocessing, load_network
from train.training.distillation import answer_loss
from train.training.presets import parse
from train.training.start import (
    note_attributes,
    starting_network,
    starting_teachers,
    taught_by,
)

NONE, SOME = [-1, -1], [-1, 1]
LOSSES = {"gender_loss": 0.5, "ethnicity_loss": 0.25, "distillation": 0.5}


def network_that_knows(*attributes: str):
    return SimpleNamespace(config=SimpleNamespace(trained_attributes=list(attributes)))


@pytest.mark.parametrize(
    ("base", "teacher", "labelled", "losses", "taught"),
    [
        ((), None, (), {}, ()),
        ((), None, ("gender",), {}, ("gender",)),
        ((), None, ("gender",), {"gender_loss": 0.0}, ()),
        (("ethnicity",), None, ("gender",), {}, ("gender", "ethnicity")),
        ((), ("ethnicity",), (), {}, ("ethnicity",)),
        ((), ("ethnicity",), (), {"distillation": 0.0}, ()),
    ],
)
def test_attributes_come_from_the_base_from_labels_or_from_the_teacher(
    base, teacher, labelled, losses, taught
):
    network = network_that_knows(*base)
    rows = {name: SOME if name in labelled else NONE for name in ("gender", "ethnicity")}
    teachers = [network_that_knows(*teacher)] if teacher is not None else []
    note_attributes(network, teachers, rows, SimpleNamespace(**LOSSES | losses))
    assert trained_attributes(network.config) == taught


def test_two_teachers_teach_what_both_know():
    both, one = network_that_knows("gender", "ethnicity"), network_that_knows("gender")
    assert taught_by([both, one]) == ["gender"] and taught_by([both])[1] == "ethnicity"
    assert taught_by([]) == []


def test_what_a_teacher_was_not_taught_it_does_not_teach():
    torch.manual_seed(0)
    student, teacher = (
        AgeOutput(
            logits=torch.randn(2, 101),
            gender_logits=torch.randn(2, 2),
            ethnicity_logits=torch.randn(2, 5),
        )
        for _ in range(2)
    )
    age = answer_loss(student, teacher, ["age"])
    with_gender = answer_loss(student, teacher, ["age", "gender"])
    teacher["gender_logits"] = teacher["gender_logits"] * 9
    assert torch.equal(answer_loss(student, teacher, ["age"]), age)
    assert not torch.equal(answer_loss(student, teacher, ["age", "gender"]), with_gender)
    assert (answer_loss(student, teacher) > answer_loss(student, teacher, ["age"])).all()


def test_a_teacher_that_wants_other_numbers_is_refused_and_one_of_another_size_is_not(tmp_path):
    network = load_network(str(save_tiny_checkpoint(tmp_path / "student")))
    args = parse(["--teacher", str(save_pretrained("vit", tmp_path / "teacher"))])[0]
    with pytest.raises(InputError, match=r"mean 0.5, .* std 0.5.*got one for mean 0.1, 0.6, 0.4"):
        starting_teachers(args, network)
    save_pretrained("vit", tmp_path / "teacher", image_mean=[0.5] * 3, image_std=[0.5] * 3)
    (teacher,) = starting_teachers(args, network)
    assert [input_preprocessing(net).size for net in (network, teacher)] == [32, 64]


def test_groups_are_those_asked_for_else_those_of_the_base(tmp_path):
    base = save_tiny_checkpoint(tmp_path)
    config = json.loads((base / "config.json").read_text())
    own = {"age_groups": ["0-17", "18+"], "calibration": {"age_temperature": 2}}
    (base / "config.json").write_text(json.dumps(config | own))
    network = starting_network(parse(["--base_model", str(base)])[0], None)
    assert [group.name for group in age_groups(network.config)] == ["0-17", "18+"]
    assert not hasattr(network.config, "calibration"), "it was measured on other weights"
    argv = ["--base_model", str(base), "--groups", "0-12,13+"]
    network = starting_network(parse(argv)[0], None)
    assert network.config.age_groups == ["0-12", "13+"]
