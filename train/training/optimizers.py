"""Muon for the inner matrices, AdamW for the rest, as one optimizer for the Trainer.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, in the form
of `torch.optim.Muon` with the step size matched to AdamW's.
"""

import torch
from torch import nn

from train.console.errors import InputError

ADAMW_RATE = 0.5  # of the learning rate, for biases, norms, embeddings and heads


class MuonAdamW(torch.optim.Optimizer):
    """Steps both; learning-rate schedules see the parameter groups of both."""

    def __init__(self, model: nn.Module, lr: float, weight_decay: float):
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            inner = parameter.ndim == 2 and "classifier" not in name
            (matrices if inner else others).append(parameter)
        if not matrices:
            raise InputError(
                "optimizer muon: expected a network with inner matrices, such as a ViT, got one "
                "without; take --optimizer trainer"
            )
        self.parts = [
            torch.optim.Muon(
                matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(others, lr=lr * ADAMW_RATE, weight_decay=0.0, betas=(0.9, 0.98)),
        ]
        super().__init__([*matrices, *others], {})
        # The groups themselves, not copies: a schedule that sets a rate sets it in the parts.
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure=None):
        """One step of each part."""
        loss = closure() if closure is not None else None
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict:
        """State of both parts, so that a resumed run goes on as if it had not stopped."""
        return {
            "parts": [part.state_dict() for part in self.parts],
            "state": {},
            "param_groups": [],
        }

    def load_state_dict(self, state_dict: dict) -> None:
        """Load what `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]
