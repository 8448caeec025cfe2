"""Results with given ages, and checkpoints with random weights, for tests of what uses them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from age_model.labels import ETHNICITIES, GENDERS
from age_model.network.decode import decode
from age_model.results import FaceAges

DOUBLE_VARIANCE = 50.0  # years squared, of each face's distribution over ages


def face_ages(age_years: Sequence[float], **other: Any) -> FaceAges:
    """FaceAges of faces of these ages, each with a distribution of 5 years' standard deviation.

    Args:
        age_years: (N,) the point estimates.
        other: further fields in place of boxes of 40 x 40 pixels side by side, a score of 0.9,
            and even probabilities of genders and ethnicities.
    """
    years, n = np.array(age_years, np.float64), len(age_years)
    ages = decode(-((np.arange(101.0) - years[:, None]) ** 2) / DOUBLE_VARIANCE)
    columns = {
        "box_xyxy": np.array([(50 * i, 0, 50 * i + 40, 40) for i in range(n)]).reshape(n, 4),
        "score": np.full(n, 0.9, np.float32),
        "age_years": years,
        "interval_years": ages.interval_years,
        "age_probabilities": ages.probabilities,
        "group_probabilities": ages.group_probabilities,
        "gender_probabilities": np.full((n, len(GENDERS)), 1 / len(GENDERS)),
        "ethnicity_probabilities": np.full((n, len(ETHNICITIES)), 1 / len(ETHNICITIES)),
    } | other
    columns["box_xyxy"] = np.array(columns["box_xyxy"], np.float32).reshape(n, 4)
    return FaceAges(**columns)


def faces_at(*faces: tuple[float, float, float, float]) -> FaceAges:
    """FaceAges of faces given as the centre x, y and the side of the box, pixels, and the age."""
    x, y, side, age = np.array(faces, np.float64).reshape(-1, 4).T
    boxes = np.stack([x - side / 2, y - side / 2, x + side / 2, y + side / 2], axis=1)
    return face_ages(age, box_xyxy=boxes)


def save_tiny_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Save a tiny AgeViT for 32 x 32 pixels, with random weights, and its processor."""
    # Here, because torch takes seconds to import and most tests need none of it.
    import torch
    from transformers import ViTConfig

    from age_model.network.modeling import ID2LABEL, AgeViT
    from age_model.network.preprocessing import Preprocessing

    torch.manual_seed(seed)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        id2label=ID2LABEL,
        label2id={label: age for age, label in ID2LABEL.items()},
    )
    AgeViT(config).save_pretrained(folder)
    Preprocessing(32).save(folder)
    return folder
