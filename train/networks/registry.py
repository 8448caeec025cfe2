"""The networks that can be trained: AgeViT, and others with the same heads to teach or compare."""

from pathlib import Path

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, ResNetConfig, ViTConfig

from age_model.labels import NUM_AGES
from age_model.network.modeling import ID2LABEL, AgeViT
from train.console.errors import InputError
from train.networks.backbones import AgeCNN, AgeCNNConfig, AgeDenseNet, AgeDenseNetConfig, AgeResNet

LABELS = {
    "num_labels": NUM_AGES,
    "id2label": ID2LABEL,
    "label2id": {name: i for i, name in ID2LABEL.items()},
}


# By the model type that config.json says.
NETWORKS: dict[str, tuple[type[PreTrainedConfig], type[PreTrainedModel]]] = {
    "vit": (ViTConfig, AgeViT),
    "resnet": (ResNetConfig, AgeResNet),
    "age-densenet": (AgeDenseNetConfig, AgeDenseNet),
    "age-cnn": (AgeCNNConfig, AgeCNN),
}


def new_network(architecture: str, config: dict) -> PreTrainedModel:
    """A network with random weights.

    Args:
        architecture: a key of NETWORKS.
        config: arguments of its transformers configuration class.
    """
    config_class, network_class = NETWORKS[architecture]
    return _quick(network_class(config_class(**config, **LABELS)))


def load_network(source: str) -> PreTrainedModel:
    """A trained network from a Hub id or folder; heads that it lacks start at random.

    Only safetensors are read, never pickles, and no code of a checkpoint is run.

    Raises:
        InputError: the checkpoint is of a family that has no heads here, or needs its own code.
    """
    try:
        # Without `trust_remote_code`, transformers asks at the terminal.
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise InputError(
            f"{source} needs its own code, which is never run: expected a checkpoint of type "
            f"{' or '.join(NETWORKS)}"
        ) from error
    if config.model_type not in NETWORKS:
        raise InputError(
            f"{source}: expected a checkpoint of type {' or '.join(NETWORKS)}, "
            f"got {config.model_type!r}"
        )
    network_class = NETWORKS[config.model_type][1]
    return _quick(
        network_class.from_pretrained(
            source, **LABELS, ignore_mismatched_sizes=True, use_safetensors=True
        )
    )


def _quick(network: PreTrainedModel) -> PreTrainedModel:
    """Weights of convolutions in the layout in which they are quick (see `backbones`)."""
    if isinstance(network, AgeViT):
        return network
    return network.to(memory_format=torch.channels_last)


def input_size(network: PreTrainedModel, default: int) -> int:
    """Side of the square input in pixels: what a ViT was made for, else `default`."""
    size = getattr(network.config, "image_size", default)
    return size if isinstance(size, int) else size[0]


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a configuration, so that it can be loaded."""
    return (folder / "config.json").is_file()
