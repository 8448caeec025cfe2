"""Weights in files small enough for a repository without LFS."""

from pathlib import Path
from typing import TYPE_CHECKING

from age_model.network.reports import RESULTS, weights_sha256
from train.card.other_pictures import FILES

if TYPE_CHECKING:
    import torch  # elsewhere where it is used, because it takes seconds to import

LIMIT_BYTES = 10_000_000
SHARD_SIZE = "9MB"


def split_weights(checkpoint: Path) -> None:
    """Split the weights of a checkpoint folder, in place, where a file of them is too large.

    The numbers and their precision stay. The hash that ties results to weights is of the files'
    bytes, so results that named the old hash are given the new one.

    Raises:
        ValueError: a single tensor is too large for a file.
    """
    from huggingface_hub import save_torch_state_dict

    files = list(checkpoint.glob("*.safetensors"))
    if all(file.stat().st_size < LIMIT_BYTES for file in files):
        return
    weights, old_sha256 = _read(checkpoint), weights_sha256(checkpoint)
    for file in files:
        file.unlink()
    save_torch_state_dict(weights, checkpoint, max_shard_size=SHARD_SIZE, metadata={"format": "pt"})
    for file in checkpoint.glob("*.safetensors"):
        if (size := file.stat().st_size) >= LIMIT_BYTES:
            raise ValueError(
                f"expected weights that fit into files below {LIMIT_BYTES:,} bytes, got a tensor "
                f"of {size:,}; export the model in float16 with train.export"
            )
    if not _same(weights, _read(checkpoint)):
        raise RuntimeError("the weights changed when they were split into files")
    for results in (checkpoint / name for name in (RESULTS, *FILES)):
        if results.is_file():
            text = results.read_text(encoding="utf-8")
            results.write_text(
                text.replace(str(old_sha256), str(weights_sha256(checkpoint))), encoding="utf-8"
            )


def _read(checkpoint: Path) -> dict[str, "torch.Tensor"]:
    """All tensors of a checkpoint folder, in the precision in which they are stored."""
    from safetensors.torch import load_file

    weights: dict[str, torch.Tensor] = {}
    for file in sorted(checkpoint.glob("*.safetensors")):
        weights |= load_file(file)
    return weights


def _same(one: dict[str, "torch.Tensor"], other: dict[str, "torch.Tensor"]) -> bool:
    """Whether the names, precisions and bits are the same."""
    import torch

    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and torch.equal(_bits(one[name]), _bits(other[name]))
        for name in one
    )


def _bits(weight: "torch.Tensor") -> "torch.Tensor":
    import torch

    return weight.contiguous().reshape(-1).view(torch.uint8)
