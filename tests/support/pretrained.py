"""Small networks with random weights, saved as pretrained ones lie on the Hub, for tests."""

import json
from pathlib import Path
from typing import Any

MEAN, STD = (0.1, 0.6, 0.4), (0.2, 0.9, 0.3)  # unusual, so that others would be noticed
SIZE, PATCH = 64, 8
BICUBIC = 3
_VIT = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "image_size": SIZE, "patch_size": PATCH,
}  # fmt: skip
# Model type and configuration of each.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("vit", _VIT),
    "deit": ("deit", _VIT),
    "dinov2 with registers": ("dinov2_with_registers", _VIT | {"mlp_ratio": 2}),
    "siglip": ("siglip_vision_model", _VIT),
    "clip": ("clip_vision_model", _VIT | {"projection_dim": 16}),
    "swin": ("swin", {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 2,
                      "image_size": SIZE, "patch_size": 4}),
    "convnext": ("convnext", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    "resnet": ("resnet", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1],
                          "layer_type": "basic"}),
}  # fmt: skip


def save_pretrained(kind: str, folder: Path, **preprocessing: Any) -> Path:
    """Save such a network with a preprocessor_config.json.

    Args:
        kind: a key of KINDS.
        folder: where to.
        preprocessing: what of that file is to be otherwise.
    """
    # Here, because torch takes seconds to import and most tests need none of it.
    import torch
    from transformers import AutoConfig, AutoModel, ViTForImageClassification

    model_type, settings = KINDS[kind]
    config = AutoConfig.for_model(model_type, **settings)
    torch.manual_seed(0)
    if kind == "vit":
        config.num_labels = 10
        network = ViTForImageClassification(config)
    else:
        network = AutoModel.from_config(config)
    network.save_pretrained(folder)
    given = {
        "size": {"height": SIZE, "width": SIZE}, "resample": BICUBIC, "do_normalize": True,
        "image_mean": MEAN, "image_std": STD, "image_processor_type": "ViTImageProcessor",
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(given | preprocessing))
    return folder
