import json

import cv2
import numpy as np
import pytest
import torch

from age_model.network.preprocessing import normalize, resize
from train.data.augment import augment
from train.data.dataset import FaceDataset, collate, load_prepared


def test_plain_pictures_are_what_the_app_would_see(prepared, raw_fairface):
    rows = load_prepared(prepared)["test"]
    dataset = FaceDataset(rows, 32, seed=None)
    i = list(rows["file"]).index("fairface/val/3.jpg")
    picture = cv2.imread(str(raw_fairface / "val/3.jpg"))[:, :, ::-1]
    assert np.abs(dataset[i]["image_rgb"].astype(int) - resize(picture, 32)).max() <= 3


def test_collate_gives_normalised_pixels_and_labels(prepared):
    dataset = FaceDataset(load_prepared(prepared)["train"], 32, seed=1)
    batch = collate(dataset.__getitems__([0, 5, 7]))
    assert batch["pixel_values"].shape == (3, 3, 32, 32)
    assert batch["pixel_values"].min() >= -1 and batch["pixel_values"].max() <= 1
    assert batch["age_low"].tolist() == [dataset.rows[i]["age_low"] for i in (0, 5, 7)]


def test_augmentation_follows_torchs_seed(prepared):
    dataset = FaceDataset(load_prepared(prepared)["train"], 32, seed=1)
    torch.manual_seed(3)
    first = dataset[0]["image_rgb"]
    other = dataset[0]["image_rgb"]
    torch.manual_seed(3)
    assert np.array_equal(dataset[0]["image_rgb"], first)
    assert not np.array_equal(other, first)


def test_augmented_faces_stay_faces(astronaut):
    """On average over many draws the picture is where it was: no drift in place or brightness."""
    face = resize(astronaut[:250, 120:370], 64)
    rng = np.random.default_rng(0)
    drawn = np.stack([augment(astronaut[:250, 120:370], 64, rng) for _ in range(300)])
    assert drawn.dtype == np.uint8 and drawn.shape == (300, 64, 64, 3)
    mean = drawn.mean(axis=(0, 3))
    mirrored = (face + face[:, ::-1].astype(float)).mean(axis=2) / 2
    assert np.corrcoef(mean.ravel(), mirrored.ravel())[0, 1] > 0.85
    assert drawn.std(axis=0).mean() > 10


def test_folder_of_another_kind_or_format(prepared, tmp_path):
    with pytest.raises(ValueError, match="expected a folder made by"):
        load_prepared(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({"format": 0}))
    with pytest.raises(ValueError, match="expected data of format 1, got 0"):
        load_prepared(tmp_path)


def test_normalize_refuses_floats():
    with pytest.raises(ValueError, match="expected a uint8 array"):
        normalize(np.zeros((1, 8, 8, 3), np.float32))
