import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from age_model.network.preprocessing import Preprocessing, read_preprocessing


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(32),
        Preprocessing(48, (0.1, 0.6, 0.4), (0.2, 0.9, 0.3), Image.Resampling.BICUBIC),
        Preprocessing(128),
    ],
)
def test_saved_processor_gives_the_same_input(astronaut, tmp_path, preprocessing):
    """What transformers.pipeline does with the saved processor is what this package does."""
    from transformers import AutoImageProcessor

    preprocessing.save(tmp_path)
    assert read_preprocessing(tmp_path) == preprocessing
    side = preprocessing.size
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    picture = astronaut[:200, 100:400]
    theirs = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    ours = preprocessing.normalize(preprocessing.resize(picture)[None])
    assert theirs.shape == ours.shape == (1, 3, side, side)
    assert torch.allclose(theirs, ours, atol=1e-5)


def test_normalize_maps_bytes_to_minus_one_to_one():
    picture = np.zeros((1, 2, 2, 3), np.uint8)
    picture[0, 0, 0] = (255, 0, 51)
    tensor = Preprocessing(2).normalize(picture)
    assert tensor.dtype == torch.float32
    assert tensor[0, :, 0, 0].tolist() == pytest.approx([1, -1, -0.6])


def test_resize_averages_instead_of_skipping():
    stripes = np.zeros((100, 100, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(Preprocessing(10).resize(stripes).astype(int) - 127).max() < 20


def test_resize_leaves_the_right_size_alone():
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    assert (Preprocessing(32).resize(picture) == picture).all()


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4, 4), np.uint8)],
)
def test_other_arrays_are_refused(batch):
    with pytest.raises(ValueError, match="expected a uint8 array of shape"):
        Preprocessing(4).normalize(batch)


def write(folder, **given) -> None:
    (folder / "preprocessor_config.json").write_text(json.dumps(given))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (  # as DINOv2's: of a picture that is cropped, the crop's size
            {"size": {"shortest_edge": 256}, "do_center_crop": True,
             "crop_size": {"height": 224, "width": 224}, "resample": 3,
             "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
            Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 3),
        ),
        ({"size": 64, "do_normalize": False}, Preprocessing(64, (0, 0, 0), (1, 1, 1))),
        ({"size": {"shortest_edge": 64}, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]},
         Preprocessing(64, (0, 0, 0), (1, 1, 1))),
    ],
)  # fmt: skip
def test_what_others_wrote_is_read(tmp_path, given, expected):
    write(tmp_path, **given)
    assert read_preprocessing(tmp_path) == expected


def test_a_processor_for_pictures_and_text_has_its_part_for_pictures(tmp_path):
    inner = {"size": {"height": 32, "width": 32}, "image_mean": [0.1] * 3, "image_std": [0.2] * 3}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": inner}))
    assert read_preprocessing(tmp_path) == Preprocessing(32, (0.1,) * 3, (0.2,) * 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": 32, "rescale_factor": 1 / 127.5}, "rescaled by 1/255"),
        ({"size": {"height": 32, "width": 48}}, "a square input"),
        ({"size": 32, "image_std": [1, 0, 1]}, "a std above 0 of three channels"),
        ({"size": 32, "image_mean": [0.5]}, "of three channels"),
        ({}, "expected a size in pixels"),
        ({"size": 64}, "expected one size of input, got 64 pixels in .* and 32 in config.json"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path, given, said):
    write(tmp_path, **given)
    with pytest.raises(ValueError, match=said):
        read_preprocessing(tmp_path, SimpleNamespace(image_size=32) if given else None)


def test_a_checkpoint_that_says_nothing_has_the_size_it_was_made_for(tmp_path):
    assert read_preprocessing(tmp_path, SimpleNamespace(image_size=48)) == Preprocessing(48)
    with pytest.raises(ValueError, match="which says the size"):
        read_preprocessing(tmp_path)
