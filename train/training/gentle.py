"""Fine-tuning that keeps what a pretrained network knows: layer-wise decay, and freezing first."""

import re
from collections.abc import Iterator

from torch import nn
from transformers import PreTrainedModel
from transformers.trainer_callback import TrainerCallback

from train.networks.registry import HEADS

# A block's number, behind the lists of blocks that transformers' networks have.
BLOCK = re.compile(r"\b(?:layers|layer|blocks|stages)\.(\d+)\.")


def is_head(name: str) -> bool:
    """Whether a parameter is of a head, and so starts anew where the base is another network."""
    return name.startswith((*HEADS, "feature_projection"))


def depths(network: PreTrainedModel) -> dict[str, int]:
    """How many blocks stand between each parameter and the heads; 0 for the heads' own.

    Parameters before the first block, such as embeddings, lie one deeper than it; those after the
    last block, such as the last norm, as deep as that one.
    """
    names = [name for name, _ in network.named_parameters()]
    blocks = {name: int(found[1]) for name in names if (found := BLOCK.search(name))}
    count = max(blocks.values(), default=-1) + 1
    depth: dict[str, int] = {}
    seen = False
    for name in names:
        seen = seen or name in blocks
        if is_head(name):
            depth[name] = 0
        elif name in blocks:
            depth[name] = count - blocks[name]
        else:
            depth[name] = 1 if seen or not count else count + 1
    return depth


def parameter_groups(
    network: PreTrainedModel, rate: float, decay: float, weight_decay: float, decayed: set[str]
) -> list[dict]:
    """Groups for an optimizer, whose learning rates fall with depth.

    Source: Clark et al., "ELECTRA", ICLR 2020, section 3.3; for ViTs Bao et al., "BEiT: BERT
    Pre-Training of Image Transformers", ICLR 2022.

    Args:
        network: to train.
        rate: learning rate of the heads.
        decay: factor on the rate from each block to the one before it, above 0, at most 1.
        weight_decay: of the parameters in `decayed`.
        decayed: names of the parameters that decay.
    """
    depth = depths(network)
    groups: dict[tuple[int, bool], dict] = {}
    for name, parameter in network.named_parameters():
        key = (depth[name], name in decayed)
        group = groups.setdefault(
            key,
            {
                "params": [],
                "lr": rate * decay ** depth[name],
                "weight_decay": weight_decay if name in decayed else 0.0,
            },
        )
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]  # the first group's rate is the one logged


class FreezeBackbone(TrainerCallback):
    """Trains the heads alone in the first steps, so that their chance start changes nothing else.

    The gradients of the rest are dropped after they were computed: several processes share the
    gradients of all parameters that they began with, so leaving some out would part them.

    Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", ICLR 2022.
    """

    def __init__(self, steps: int):
        self.steps = steps

    def on_pre_optimizer_step(self, args, state, control, model: nn.Module, **kwargs):
        """Drop the gradients, where it is early enough."""
        if state.global_step < self.steps:
            for parameter in _body(model):
                parameter.grad = None


def _body(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of all but the heads; a wrapper for several processes prefixes the names."""
    for name, parameter in model.named_parameters():
        if not is_head(name.removeprefix("module.").removeprefix("_orig_mod.")):
            yield parameter
