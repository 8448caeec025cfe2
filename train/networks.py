"""The networks that can be trained: AgeViT, and a ResNet with the same heads to teach or compare."""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedModel, ResNetConfig, ViTConfig
from transformers.models.resnet.modeling_resnet import ResNetModel, ResNetPreTrainedModel

from age_model.labels import ETHNICITIES, GENDERS, NUM_AGES
from age_model.modeling import ID2LABEL, AgeOutput, AgeViT
from train.errors import InputError

LABELS = {
    "num_labels": NUM_AGES,
    "id2label": ID2LABEL,
    "label2id": {name: i for i, name in ID2LABEL.items()},
}


class AgeResNet(ResNetPreTrainedModel):
    """A ResNet (He et al., CVPR 2016) with the heads of AgeViT; answers the same `AgeOutput`."""

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.resnet = ResNetModel(config)
        width = config.hidden_sizes[-1]
        self.classifier = nn.Linear(width, NUM_AGES)
        self.gender_classifier = nn.Linear(width, len(GENDERS))
        self.ethnicity_classifier = nn.Linear(width, len(ETHNICITIES))
        self.post_init()

    def forward(self, pixel_values: torch.Tensor) -> AgeOutput:
        """(B, 3, H, W) normalised pictures -> `AgeOutput`; its tokens are the last feature map."""
        pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)  # see _quick
        feature_map = self.resnet(pixel_values).last_hidden_state
        features = feature_map.mean(dim=(2, 3))
        places = feature_map.shape[2] * feature_map.shape[3]
        index = torch.arange(places, device=features.device).expand(len(features), -1)
        return AgeOutput(
            logits=self.classifier(features),
            gender_logits=self.gender_classifier(features),
            ethnicity_logits=self.ethnicity_classifier(features),
            features=features,
            token_features=feature_map.flatten(2).transpose(1, 2),
            token_index=index,
        )


NETWORKS: dict[str, tuple[type, type[PreTrainedModel]]] = {
    "vit": (ViTConfig, AgeViT),
    "resnet": (ResNetConfig, AgeResNet),
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

    Raises:
        InputError: the checkpoint is of a family that has no heads here.
    """
    config = AutoConfig.from_pretrained(source)
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
    """Convolutions in the layout in which they are quick, on processors and tensor cores alike."""
    if isinstance(network, AgeResNet):
        return network.to(memory_format=torch.channels_last)
    return network


def input_size(network: PreTrainedModel, default: int) -> int:
    """Side of the square input in pixels: what a ViT was made for, else `default`."""
    size = getattr(network.config, "image_size", default)
    return size if isinstance(size, int) else size[0]


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a configuration, so that it can be loaded."""
    return (folder / "config.json").is_file()
