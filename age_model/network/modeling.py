"""AgeViT: a Vision Transformer with heads for age in single years, gender and ethnicity."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import ViTConfig, ViTForImageClassification
from transformers.utils import ModelOutput

from age_model.labels import ETHNICITIES, GENDERS, NUM_AGES

ID2LABEL = {age: str(age) for age in range(NUM_AGES)}


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


def age_labels_problem(config: ViTConfig) -> str | None:
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
