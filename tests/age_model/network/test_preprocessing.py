import numpy as np
import pytest
import torch
from PIL import Image

from age_model.network.preprocessing import image_processor, normalize, resize


@pytest.mark.parametrize("side", [32, 48, 128])
def test_saved_processor_gives_the_same_input(astronaut, tmp_path, side):
    """What transformers.pipeline does with the saved processor is what this package does."""
    from transformers import AutoImageProcessor

    image_processor(side).save_pretrained(tmp_path)
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    picture = astronaut[:200, 100:400]
    theirs = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    ours = normalize(resize(picture, side)[None])
    assert theirs.shape == ours.shape == (1, 3, side, side)
    assert torch.allclose(theirs, ours, atol=1e-5)


def test_normalize_maps_bytes_to_minus_one_to_one():
    picture = np.zeros((1, 2, 2, 3), np.uint8)
    picture[0, 0, 0] = (255, 0, 51)
    tensor = normalize(picture)
    assert tensor.dtype == torch.float32
    assert tensor[0, :, 0, 0].tolist() == pytest.approx([1, -1, -0.6])


def test_resize_averages_instead_of_skipping():
    stripes = np.zeros((100, 100, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(resize(stripes, 10).astype(int) - 127).max() < 20


def test_resize_leaves_the_right_size_alone():
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    assert (resize(picture, 32) == picture).all()


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4, 4), np.uint8)],
)
def test_other_arrays_are_refused(batch):
    with pytest.raises(ValueError, match="expected a uint8 array of shape"):
        normalize(batch)
