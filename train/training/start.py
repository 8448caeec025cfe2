"""What a training starts from: the network and its teachers, and what it will be able to answer."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from datasets import Dataset
from transformers import PreTrainedModel

from age_model.labels import ATTRIBUTES, parse_groups
from age_model.network.answers import ATTRIBUTES_KEY, GROUPS_KEY, trained_attributes
from age_model.network.calibration import CONFIG_KEY
from train.console.errors import InputError
from train.networks.initialisation import mimetic
from train.networks.registry import input_preprocessing, load_network, new_network
from train.training.args import AgeTrainingArguments, ModelArguments


def starting_network(
    args: ModelArguments, image_size: int | None, freeze_steps: int = 0
) -> PreTrainedModel:
    """The network to train, from its base or from random weights, with its age groups.

    Args:
        args: which one.
        image_size: side of the input, pixels; None for the network's own.
        freeze_steps: in how many first steps only the heads of a base are trained.

    Raises:
        InputError: see `registry.load_network` and `registry.new_network`.
    """
    if freeze_steps and not args.base_model:
        raise InputError("freeze_backbone_steps: without --base_model there is nothing to keep")
    if args.base_model:
        network = load_network(args.base_model, image_size)
        if hasattr(network.config, CONFIG_KEY):
            delattr(network.config, CONFIG_KEY)  # it was measured on the weights as they were
    else:
        network = new_network(args.architecture, cast(dict, args.network_config), image_size)
        if args.architecture == "vit" and args.mimetic_init:
            mimetic(network)
    if args.groups:
        setattr(network.config, GROUPS_KEY, [group.name for group in parse_groups(args.groups)])
    return network


def starting_teachers(args: ModelArguments, network: PreTrainedModel) -> list[PreTrainedModel]:
    """The teachers, the first one first.

    Raises:
        InputError: one wants its input normalised another way than the network.
    """
    teachers = [load_network(name) for name in args.teachers]
    wanted = input_preprocessing(network)
    for teacher, name in zip(teachers, args.teachers, strict=True):
        given = input_preprocessing(teacher)
        if (given.mean, given.std) != (wanted.mean, wanted.std):
            raise InputError(
                f"teacher {name}: it sees what its student sees, so expected one for pictures with "
                f"{_shown(wanted)}, got one for {_shown(given)}"
            )
    return teachers


def _shown(preprocessing) -> str:
    mean, std = (", ".join(f"{v:g}" for v in t) for t in (preprocessing.mean, preprocessing.std))
    return f"mean {mean} and std {std}"


def note_attributes(
    network: PreTrainedModel,
    teachers: Sequence[PreTrainedModel],
    rows: Dataset,
    args: AgeTrainingArguments,
) -> None:
    """Write into the configuration which attributes the network will have been taught.

    That is by its base, by labels of the training pictures or by its teacher; the others are
    answered neither by the app nor in an evaluation.

    Args:
        rows: of the training split.
    """
    taught = set(trained_attributes(network.config))
    taught |= {
        name
        for name in ATTRIBUTES
        if getattr(args, f"{name}_loss") > 0 and (np.array(rows[name]) >= 0).any()
    }
    if args.distillation > 0:
        taught |= set(taught_by(teachers))
    setattr(network.config, ATTRIBUTES_KEY, [name for name in ATTRIBUTES if name in taught])


def taught_by(teachers: Sequence[PreTrainedModel]) -> list[str]:
    """The attributes that every teacher knows; none without one."""
    known = [set(trained_attributes(teacher.config)) for teacher in teachers]
    return [name for name in ATTRIBUTES if known and all(name in each for each in known)]
