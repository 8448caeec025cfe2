"""Which device the network runs on, and in which arithmetic."""

import functools
import os

import torch

from age_model.network.modeling import AgeNetwork

DEVICES = ("auto", "cuda", "mps", "cpu")


def choose_device(name: str | torch.device | None = None) -> torch.device:
    """The device to run on.

    Args:
        name: "cpu", "cuda", "cuda:1" or "mps". "auto": the first CUDA GPU, else Apple's GPU, else
            the processor. None: the environment variable AGE_DEVICE, else "auto".

    Raises:
        ValueError: no such device, or none here.
    """
    name = name or os.environ.get("AGE_DEVICE") or "auto"
    if name == "auto":
        found = [kind for kind in ("cuda", "mps") if _count(kind)]
        return torch.device(found[0] if found else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:  # torch knows no such name
        device = torch.device("meta")
    if device.type not in DEVICES:
        raise ValueError(f"expected a device such as {', '.join(DEVICES)} or cuda:1, got {name!r}")
    if (device.index or 0) >= _count(device.type):
        here = [kind for kind in DEVICES[1:] if _count(kind)]
        raise ValueError(
            f"device {name}: there is none here; expected one of {', '.join(here)}, or auto"
        )
    return device


def _count(kind: str) -> int:
    """How many devices of a kind this machine has."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return int(kind == "cpu" or torch.backends.mps.is_available())


def has_fast_bf16(device: torch.device) -> bool:
    """Whether a device is quicker in bf16 than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and cpu_has_fast_bf16()


@functools.cache
def cpu_has_fast_bf16() -> bool:
    """Whether bf16 is quick on this processor: it needs AVX-512 BF16 or AMX."""
    return torch.ops.mkldnn._is_mkldnn_bf16_supported() and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def quick_dtype(device: torch.device) -> torch.dtype:
    """What a network answers in on a device: bf16 where that is quick, else float32.

    On a processor it nearly doubles the faces a second in batches and moves an estimate by about
    0.04 years (the mean error by less than 0.01), which is measured with the rest: `train.evaluate`
    goes the same way.
    """
    return torch.bfloat16 if has_fast_bf16(device) else torch.float32


def to_device(network: AgeNetwork, device: torch.device) -> AgeNetwork:
    """The network itself, moved to a device, to answer in what is quick there."""
    dtype = quick_dtype(device)
    if device.type == "cpu" and dtype == torch.bfloat16 and network.config.model_type == "vit":
        # On so few tokens torch's fused attention takes longer: batches by a fifth.
        network.set_attn_implementation("eager")
    return network.to(device, dtype)
