"""AgeViT: a Vision Transformer with heads for age in single years, gender and ethnicity."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, ViTConfig, ViTForImageClassification
from transformers.utils import ModelOutput

from age_model.labels import ETHNICITIES, GENDERS, NUM_AGES

ID2LABEL = {age: str(age) for age in range(NUM_AGES)}
# Of a configuration: what a network of this project answers.
LABELS = {
    "num_labels": NUM_AGES,
    "id2label": ID2LABEL,
    "label2id": {name: i for i, name in ID2LABEL.items()},
}
AgeNetwork: TypeAlias = PreTrainedModel  # one that answers `AgeOutput`
USUAL_PATCH = 16  # pixels


@dataclass
class AgeOutput(ModelOutput):
    """What a network of this project answers for B pictures.

    Attributes:
        logits: (B, 101), age in single years.
        gender_logits: (B, 2).
        ethnicity_logits: (B, 5).
        features: (B, D), what the heads read.
        token_features: (B, T, D), the patches seen, in the order of `token_index`.
        token_index: (B, T) int64, which patch of the grid (row by row) each token is.
    """

    logits: torch.Tensor | None = None
    gender_logits: torch.Tensor | None = None
    ethnicity_logits: torch.Tensor | None = None
    features: torch.Tensor | None = None
    token_features: torch.Tensor | None = None
    token_index: torch.Tensor | None = None


class AgeViT(ViTForImageClassification):
    """A plain `ViTForImageClassification` over ages with two more heads on its class token.

    The folder that `save_pretrained` writes is an ordinary ViT checkpoint: code that knows nothing
    of this project loads the age head, `AgeViT.from_pretrained` loads all three.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
    """

    def __init__(self, config: ViTConfig):
        super().__init__(config)
        self.gender_classifier = nn.Linear(config.hidden_size, len(GENDERS))
        self.ethnicity_classifier = nn.Linear(config.hidden_size, len(ETHNICITIES))
        self.patch_dropout = 0.0  # a matter of training, so not part of the saved configuration
        self.post_init()

    def forward(self, pixel_values: torch.Tensor, **kwargs: Any) -> AgeOutput:
        """Answer for a batch of normalised faces.

        Args:
            pixel_values: (B, 3, H, W) float, from `preprocessing.normalize`.
            kwargs: handed to the backbone, for example `interpolate_pos_encoding=True`.
        """
        index = _kept_patches(self, pixel_values) if self.training and self.patch_dropout else None
        hook = None
        if index is not None:
            hook = self.vit.embeddings.register_forward_hook(
                lambda _module, _args, tokens: _keep(tokens, index)
            )
        try:
            tokens = self.vit(pixel_values, **kwargs).last_hidden_state
        finally:
            if hook is not None:
                hook.remove()
        features = tokens[:, 0]
        if index is None:
            index = torch.arange(tokens.shape[1] - 1, device=tokens.device).expand(len(tokens), -1)
        return AgeOutput(
            logits=self.classifier(features),
            gender_logits=self.gender_classifier(features),
            ethnicity_logits=self.ethnicity_classifier(features),
            features=features,
            token_features=tokens[:, 1:],
            token_index=index,
        )


def add_heads(network: nn.Module, width: int) -> None:
    """Give a network the three heads, untrained, each a layer over (B, width) features."""
    network.classifier = nn.Linear(width, NUM_AGES)
    network.gender_classifier = nn.Linear(width, len(GENDERS))
    network.ethnicity_classifier = nn.Linear(width, len(ETHNICITIES))


def answer(network: nn.Module, features: torch.Tensor, tokens: torch.Tensor) -> AgeOutput:
    """What the three heads say.

    Args:
        network: with heads as `add_heads` gives them.
        features: (B, D), what they read.
        tokens: (B, T, E), the features of every place, row by row.
    """
    heads: Any = network  # that it has them is not said by its type
    return AgeOutput(
        logits=heads.classifier(features),
        gender_logits=heads.gender_classifier(features),
        ethnicity_logits=heads.ethnicity_classifier(features),
        features=features,
        token_features=tokens,
        token_index=torch.arange(tokens.shape[1], device=tokens.device).expand(len(tokens), -1),
    )


def architecture(config: PreTrainedConfig) -> str:
    """The model type of a network, of a pretrained one that of its backbone."""
    return str(getattr(config, "backbone_config", config).model_type)


def patch_side(config: PreTrainedConfig, size: int) -> int:
    """Side of the squares that a network cuts its input into, pixels.

    Args:
        config: the network's.
        size: side of the input, pixels.

    Returns:
        the network's own patch where it has one that tiles the input; else the side nearest to it,
        or to USUAL_PATCH, that does.
    """
    backbone = getattr(config, "backbone_config", config)
    patch = getattr(backbone, "patch_size", None) or USUAL_PATCH
    wanted = patch if isinstance(patch, int) else patch[0]
    return min((s for s in range(1, size + 1) if size % s == 0), key=lambda s: abs(s - wanted))


def age_labels_problem(config: PreTrainedConfig) -> str | None:
    """Why a checkpoint's labels are not ages 0..100, in words; None where they are."""
    labels = [config.id2label.get(i) for i in range(config.num_labels)]
    if labels == list(ID2LABEL.values()):
        return None
    shown = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
    return (
        f"expected the {NUM_AGES} labels 0, 1, ..., {NUM_AGES - 1} (ages in years), "
        f"got {len(labels)}: {shown}"
    )


def _kept_patches(model: AgeViT, pixel_values: torch.Tensor) -> torch.Tensor:
    """(B, kept) int64: the patches that each picture of the batch keeps in this training step.

    Source: Liu et al., "PatchDropout: Economizing Vision Transformers Using Patch Dropout",
    WACV 2023. Fewer tokens make a step cheaper, and act as an augmentation.
    """
    patch = model.config.patch_size
    patches = (pixel_values.shape[-2] // patch) * (pixel_values.shape[-1] // patch)
    kept = max(1, round(patches * (1 - model.patch_dropout)))
    order = torch.rand(len(pixel_values), patches, device=pixel_values.device).argsort(dim=1)
    return order[:, :kept].sort(dim=1).values


def _keep(tokens: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The class token and the patches `index` of (B, 1 + patches, D) tokens."""
    kept = tokens[:, 1:].gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))
    return torch.cat([tokens[:, :1], kept], dim=1)
