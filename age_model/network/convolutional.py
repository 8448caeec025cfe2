"""Convolutional networks beside the ViT, each with the same three heads.

Their configurations are registered with transformers, so that they are saved and loaded like any
other checkpoint. All answer `AgeOutput`, with the last feature map as tokens.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, ResNetConfig
from transformers.models.resnet.modeling_resnet import ResNetModel, ResNetPreTrainedModel

from age_model.labels import ETHNICITIES, GENDERS, NUM_AGES
from age_model.network.modeling import AgeOutput, add_heads, answer

MONAI = "monai==1.5.2"  # what a DenseNet is made of; nothing else that is served needs it


class AgeResNet(ResNetPreTrainedModel):
    """A ResNet. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016."""

    def __init__(self, config: ResNetConfig):
        super().__init__(config)
        self.resnet = ResNetModel(config)
        add_heads(self, config.hidden_sizes[-1])
        self.post_init()

    def forward(self, pixel_values: torch.Tensor) -> AgeOutput:
        """(B, 3, H, W) normalised pictures -> `AgeOutput`."""
        return _answer(self, self.resnet(_quick(pixel_values)).last_hidden_state)


class AgeDenseNetConfig(PreTrainedConfig):
    """Of DenseNet-121, which has no choices."""

    model_type = "age-densenet"


class AgeDenseNet(PreTrainedModel):
    """DenseNet-121. Huang et al., "Densely Connected Convolutional Networks", CVPR 2017."""

    config_class = AgeDenseNetConfig
    main_input_name = "pixel_values"

    def __init__(self, config: AgeDenseNetConfig):
        super().__init__(config)
        try:
            from monai.networks.nets import DenseNet121  # only here: it imports slowly
        except ImportError as error:
            raise ValueError(
                f"a DenseNet needs the package {MONAI}, which is not installed: run "
                f"`pip install {MONAI}`"
            ) from error

        whole: Any = DenseNet121(spatial_dims=2, in_channels=3, out_channels=1)
        self.features = whole.features  # its own classifier is left out
        add_heads(self, whole.class_layers.out.in_features)
        self.post_init()

    def forward(self, pixel_values: torch.Tensor) -> AgeOutput:
        """(B, 3, H, W) normalised pictures -> `AgeOutput`."""
        return _answer(self, self.features(_quick(pixel_values)).relu())


class AgeCNNConfig(PreTrainedConfig):
    """Of the small network with a branch for each answer.

    Attributes:
        channels: of the three blocks.
        branch_width: units of each branch's hidden layer.
        dropout: share of activations left out after each block and in each branch.
    """

    model_type = "age-cnn"

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128),
        branch_width: int = 128,
        dropout: float = 0.25,
        **kwargs: Any,
    ):
        self.channels = list(channels)
        self.branch_width = branch_width
        self.dropout = dropout
        super().__init__(**kwargs)


class AgeCNN(PreTrainedModel):
    """Three blocks of convolution, ReLU, batch norm, pooling and dropout; a dense branch an answer.

    What is built first in many a tutorial on UTKFace, and so worth a line in the comparison.
    """

    config_class = AgeCNNConfig
    main_input_name = "pixel_values"
    GRID = 4  # side of the map that the branches read, whatever the input's size

    def __init__(self, config: AgeCNNConfig):
        super().__init__(config)
        widths = [3, *config.channels]
        self.blocks = nn.Sequential(*(_block(i, o, config.dropout) for i, o in pairwise(widths)))
        self.pool = nn.AdaptiveAvgPool2d(self.GRID)
        flat = widths[-1] * self.GRID**2
        self.classifier = _branch(flat, config, NUM_AGES)
        self.gender_classifier = _branch(flat, config, len(GENDERS))
        self.ethnicity_classifier = _branch(flat, config, len(ETHNICITIES))
        self.post_init()

    def forward(self, pixel_values: torch.Tensor) -> AgeOutput:
        """(B, 3, H, W) normalised pictures -> `AgeOutput`."""
        feature_map = self.pool(self.blocks(_quick(pixel_values)))
        return _answer(self, feature_map, feature_map.flatten(1))


AutoConfig.register(AgeDenseNetConfig.model_type, AgeDenseNetConfig)
AutoConfig.register(AgeCNNConfig.model_type, AgeCNNConfig)


def _block(channels_in: int, channels_out: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(channels_out),
        nn.MaxPool2d(2),
        nn.Dropout(dropout),
    )


def _branch(width: int, config: AgeCNNConfig, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, config.branch_width),
        nn.ReLU(),
        nn.BatchNorm1d(config.branch_width),
        nn.Dropout(config.dropout),
        nn.Linear(config.branch_width, classes),
    )


def _quick(pixel_values: torch.Tensor) -> torch.Tensor:
    """The layout in which convolutions are quick, on processors and tensor cores alike."""
    return pixel_values.contiguous(memory_format=torch.channels_last)


def _answer(
    network: nn.Module, feature_map: torch.Tensor, features: torch.Tensor | None = None
) -> AgeOutput:
    """The heads' answer to a (B, C, h, w) map; they read its mean over places, or `features`."""
    if features is None:
        features = feature_map.mean(dim=(2, 3))
    return answer(network, features, feature_map.flatten(2).transpose(1, 2))
