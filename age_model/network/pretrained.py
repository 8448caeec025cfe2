"""AgeBackbone: any pretrained vision network of transformers, with the heads of this project.

DeiT, DINOv2 with registers, SigLIP, CLIP, Swin, ConvNeXt and others, each by the class that
transformers itself has for it. A plain ViT is no case for this module: as `AgeViT` its checkpoint
stays one that code which knows nothing of this project can load.
"""

import inspect
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_MAPPING

from age_model.network.modeling import LABELS, AgeOutput, add_heads, answer


class AgeBackboneConfig(PreTrainedConfig):
    """Of a pretrained network with three heads.

    Attributes:
        backbone_config: the network's own configuration.
        feature_width: how many features the heads read.
        image_size: side of the input, pixels, where the network was made for one or was given one.
    """

    model_type = "age-backbone"
    sub_configs: ClassVar = {"backbone_config": AutoConfig}

    def __init__(
        self,
        backbone_config: dict[str, Any] | PreTrainedConfig | None = None,
        feature_width: int = 0,
        image_size: int | None = None,
        **kwargs: Any,
    ):
        if isinstance(backbone_config, dict):
            given = {name: v for name, v in backbone_config.items() if name != "model_type"}
            backbone_config = AutoConfig.for_model(backbone_config["model_type"], **given)
        self.backbone_config = backbone_config
        self.feature_width = feature_width
        self.image_size = image_size
        super().__init__(**kwargs)


class AgeBackbone(PreTrainedModel):
    """A vision network of transformers and three heads on its pooled features.

    What the heads read is the network's own pooled output where it has one without layers that
    classification alone would train; else the mean of its map, its class token, or the mean of its
    tokens.
    """

    config_class = AgeBackboneConfig
    base_model_prefix = "backbone"
    main_input_name = "pixel_values"

    def __init__(self, config: AgeBackboneConfig):
        super().__init__(config)
        network_class = backbone_class(config.backbone_config)
        if network_class is None:
            raise ValueError(
                "expected a network for pictures as backbone, got one of type "
                f"{getattr(config.backbone_config, 'model_type', None)!r}"
            )
        self.backbone = network_class(config.backbone_config, **_no_pooler(network_class))
        self._interpolates = "interpolate_pos_encoding" in _names(type(self.backbone).forward)
        add_heads(self, config.feature_width)
        self.post_init()

    def forward(self, pixel_values: torch.Tensor) -> AgeOutput:
        """(B, 3, H, W) normalised pictures -> `AgeOutput`."""
        made_for = getattr(self.config.backbone_config, "image_size", None)
        more = {}
        if self._interpolates and made_for not in (None, self.config.image_size):
            more["interpolate_pos_encoding"] = True
        return answer(
            self, *pooled(self.backbone(pixel_values, **more), pixel_values, self.backbone)
        )


def pooled(
    output: Any, pixel_values: torch.Tensor, backbone: PreTrainedModel
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, D) features of whole pictures and (B, T, E) features of their places, row by row."""
    hidden = output.last_hidden_state
    if hidden.ndim == 4:  # (B, C, h, w)
        return hidden.mean(dim=(2, 3)), hidden.flatten(2).transpose(1, 2)
    places = hidden.shape[1]
    if patch := getattr(backbone.config, "patch_size", None):
        patch = patch if isinstance(patch, int) else patch[0]
        height, width = pixel_values.shape[2:]
        places = min(places, (height // patch) * (width // patch))
    # Tokens of no place, such as a class token and registers, come first.
    special, tokens = hidden[:, :-places], hidden[:, -places:]
    whole = getattr(output, "pooler_output", None)
    if whole is None:
        whole = special[:, 0] if special.shape[1] else tokens.mean(dim=1)
    return whole.flatten(1), tokens


def backbone_class(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """What transformers has for a configuration; None where it is of no network for pictures."""
    found = MODEL_MAPPING.get(type(config), None)
    if isinstance(found, tuple):
        found = found[0]
    if found is None or getattr(found, "main_input_name", None) != "pixel_values":
        return None
    return found


def from_backbone(folder: Path, config: PreTrainedConfig, size: int) -> AgeBackbone:
    """A pretrained network, with heads that start at random.

    Args:
        folder: of its checkpoint; only safetensors are read.
        config: of its part for pictures.
        size: side of the input, pixels.

    Raises:
        ValueError: it lacks weights, or cannot take pictures of that size.
    """
    network_class = backbone_class(config)
    if network_class is None:
        raise ValueError(f"expected a network for pictures, got one of type {config.model_type!r}")
    backbone, report = network_class.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **_no_pooler(network_class),
    )
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:4])
        raise ValueError(f"the checkpoint {folder} lacks weights ({missing})")
    config.name_or_path = ""  # a folder of this machine
    width = _width(backbone, size)
    network = AgeBackbone(
        AgeBackboneConfig(backbone_config=config, feature_width=width, image_size=size, **LABELS)
    )
    network.backbone.load_state_dict(backbone.state_dict())
    return network


def _no_pooler(network_class: type[PreTrainedModel]) -> dict[str, bool]:
    """Arguments that leave out a pooler, which most checkpoints have no weights for."""
    has_choice = "add_pooling_layer" in _names(network_class.__init__)
    return {"add_pooling_layer": False} if has_choice else {}


@torch.inference_mode()
def _width(backbone: PreTrainedModel, size: int) -> int:
    """Features of a picture that the network gives."""
    picture = torch.zeros(1, 3, size, size, dtype=backbone.dtype)
    more = {}
    if "interpolate_pos_encoding" in _names(type(backbone).forward):
        more["interpolate_pos_encoding"] = True
    return pooled(backbone.eval()(picture, **more), picture, backbone)[0].shape[1]


def _names(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


AutoConfig.register(AgeBackboneConfig.model_type, AgeBackboneConfig)
