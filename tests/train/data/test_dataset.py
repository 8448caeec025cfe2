import json

import cv2
import numpy as np
import pytest
import torch

from age_model.network.preprocessing import Preprocessing
from train.data.dataset import (
    LABELS,
    SIGMA,
    AugmentingCollate,
    Collate,
    DeviceCache,
    FaceDataset,
)
from train.data.prepared import FORMAT, load_prepared, source_metadata

SEEN = Preprocessing(32)
SIGMAS = {"utkface": 0.03, "fairface": 0.05}


@pytest.fixture(scope="module")
def training(prepared) -> FaceDataset:
    return FaceDataset(load_prepared(prepared)["train"], SEEN, SIGMAS, stored=1.25)


def test_plain_pictures_are_what_the_app_would_see(prepared, raw_fairface):
    rows = load_prepared(prepared)["test"]
    dataset = FaceDataset(rows, SEEN, SIGMAS)
    i = list(rows["file"]).index("fairface/val/3.jpg")
    picture = cv2.imread(str(raw_fairface / "val/3.jpg"))[:, :, ::-1]
    resized = SEEN.resize(picture)
    assert np.abs(dataset[i]["image_rgb"].astype(int) - resized).max() <= 3


def test_collate_gives_normalised_pixels_and_labels(training):
    batch = Collate(SEEN)(training.__getitems__([0, 5, 7]))
    assert batch["pixel_values"].shape == (3, 3, 40, 40)
    assert batch["pixel_values"].min() >= -1 and batch["pixel_values"].max() <= 1
    assert batch["age_low"].tolist() == [training.rows[i]["age_low"] for i in (0, 5, 7)]


def test_each_picture_has_the_label_noise_of_its_source(training):
    everywhere = range(len(training))
    expected = [SIGMAS[training.rows[i]["source"]] for i in everywhere]
    assert {0.03, 0.05} == set(expected)
    batch = Collate(SEEN)(training.__getitems__(everywhere))
    assert batch[SIGMA].tolist() == pytest.approx(expected)


def test_training_batches_are_augmented_to_the_networks_size_and_follow_torchs_seed(training):
    items = training.__getitems__([0, 1, 2, 3])
    augmenting = AugmentingCollate(SEEN, seed=1)
    torch.manual_seed(3)
    first, other = augmenting(items), augmenting(items)
    torch.manual_seed(3)
    again = augmenting(items)
    assert first["pixel_values"].shape == (4, 3, 32, 32)
    assert first["pixel_values"].min() >= -1 and first["pixel_values"].max() <= 1
    assert first["pixel_values"].min() < -0.5, "normalised as the network expects it"
    assert torch.equal(first["pixel_values"], again["pixel_values"])
    assert not torch.equal(first["pixel_values"], other["pixel_values"])
    torch.manual_seed(3)
    assert not torch.equal(AugmentingCollate(SEEN, 2)(items)["pixel_values"], first["pixel_values"])


def test_cached_pictures_give_the_batches_that_loaded_ones_do(training):
    cache = DeviceCache(training, torch.device("cpu"), seed=1)
    rows = [len(training) - 1, 0, 17, 0]
    torch.manual_seed(3)
    loaded = AugmentingCollate(SEEN, seed=1)(training.__getitems__(rows))
    torch.manual_seed(3)
    cached = cache.batch(torch.tensor(rows))
    assert set(cached) == set(loaded) == {"pixel_values", *LABELS, SIGMA}
    for name, values in loaded.items():
        assert cached[name].dtype == values.dtype
        assert torch.equal(cached[name], values), name
    # The changes are made to the batch, not to the pictures that are held.
    assert np.array_equal(cache.images_rgb[17].numpy(), training[17]["image_rgb"])


def test_the_cache_holds_every_picture_in_its_place(training, monkeypatch):
    monkeypatch.setattr("train.data.dataset.DECODED_AT_ONCE", 7)  # the last part is not full
    cache = DeviceCache(training, torch.device("cpu"), seed=1)
    assert cache.images_rgb.shape == (len(training), 40, 40, 3)
    for i in (0, 6, 7, len(training) - 1):
        item = training[i]
        assert np.array_equal(cache.images_rgb[i].numpy(), item["image_rgb"])
        assert [int(cache.labels[name][i]) for name in LABELS] == [item[name] for name in LABELS]


def test_folder_of_another_kind_or_format(tmp_path):
    with pytest.raises(ValueError, match="expected a folder made by"):
        load_prepared(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match=f"expected data of format {FORMAT}, got 1"):
        load_prepared(tmp_path)


def test_the_data_set_tells_of_its_sources(prepared):
    sources = source_metadata(prepared)
    assert list(sources) == ["fairface", "utkface"]
    assert sources["fairface"]["licence"] == "CC BY 4.0" and sources["utkface"][SIGMA] == 0.03


def test_normalize_refuses_floats():
    with pytest.raises(ValueError, match="expected a uint8 array"):
        Preprocessing(8).normalize(np.zeros((1, 8, 8, 3), np.float32))
