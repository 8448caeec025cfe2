"""Blending each training picture with another, so that fewer can be learned by heart.

Sources: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; that a teacher is
    shown
the blend as well: Beyer et al., "Knowledge distillation: A good teacher is patient and consistent",
CVPR 2022.
"""

from dataclasses import dataclass

import torch


@dataclass
class Blend:
    """Which other sample of the batch each one is blended with, and how much is left of itself.

    Args:
        share: (B,) float32, 0..1, of the sample itself.
        other: (B,) int64, the number of its partner in the batch.
    """

    share: torch.Tensor
    other: torch.Tensor

    @classmethod
    def drawn(cls, batch: torch.Tensor, concentration: float) -> "Blend":
        """A random one for (B, ...) samples; shares from Beta(a, a), with small a near 0 or 1."""
        parameter = torch.full((len(batch),), concentration)
        share = torch.distributions.Beta(parameter, parameter).sample()
        return cls(share.to(batch.device), torch.randperm(len(batch), device=batch.device))

    def of(self, own: torch.Tensor, partners: torch.Tensor | None = None) -> torch.Tensor:
        """(B, ...) blended; `partners` are the partners' values if they are not rows of `own`."""
        partners = own[self.other] if partners is None else partners
        share = self.share.view(-1, *[1] * (own.ndim - 1)).to(own.dtype)
        return torch.lerp(partners, own, share)

    def others(self, labels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The partners' labels."""
        return {name: values[self.other] for name, values in labels.items()}
