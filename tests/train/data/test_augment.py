"""Each random change of training pictures: what it does, and to which pictures."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from age_model.network.preprocessing import Preprocessing
from train.data import augment as augmentation
from train.data.augment import augment

SIZE = 48
PROBABILITIES = ("GREY", "SEPIA", "FADED", "SIDE_LIGHT", "LOW_RESOLUTION", "BLUR", "MOTION",
                 "GRAIN", "JPEG", "SCREEN", "SCRATCHES", "ERASE")  # fmt: skip


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _draw(count: int, seed: int = 0) -> augmentation._Draw:
    return augmentation._Draw(count, _generator(seed))


@pytest.fixture(scope="module")
def face(astronaut) -> np.ndarray:
    """(60, 60, 3) uint8."""
    return Preprocessing(60).resize(astronaut[:250, 120:370]).copy()


@pytest.fixture
def faces(face) -> torch.Tensor:
    """(16, 3, 48, 48) float32, all alike."""
    small = torch.from_numpy(Preprocessing(SIZE).resize(face).copy()).permute(2, 0, 1).float() / 255
    return small.repeat(16, 1, 1, 1)


@pytest.fixture
def only(monkeypatch):
    """Sets the probabilities of all changes to 0 but for those that are named."""

    def set_probabilities(**probabilities: float) -> None:
        for name in PROBABILITIES:
            monkeypatch.setattr(augmentation, name, probabilities.get(name, 0.0))

    return set_probabilities


def _changed(before: torch.Tensor, after: torch.Tensor) -> list[bool]:
    return (before != after).flatten(1).any(dim=1).tolist()


def test_what_comes_out_follows_the_generators_state(face):
    pictures = torch.from_numpy(face).repeat(32, 1, 1, 1)
    kept = pictures.clone()
    first = augment(pictures, SIZE, _generator(1))
    assert first.shape == (32, 3, SIZE, SIZE) and first.dtype == torch.float32
    assert first.min() >= 0 and first.max() <= 1 and torch.isfinite(first).all()
    assert torch.equal(augment(pictures, SIZE, _generator(1)), first)
    assert not torch.equal(augment(pictures, SIZE, _generator(2)), first)
    assert torch.equal(pictures, kept), "the pictures that are given are left as they are"
    generator = _generator(1)
    augment(pictures, SIZE, generator)
    assert not torch.equal(augment(pictures, SIZE, generator), first)


def test_every_change_at_once_and_no_picture_at_all(face, only):
    only(**dict.fromkeys(PROBABILITIES, 1.0))
    worn = augment(torch.from_numpy(face).repeat(4, 1, 1, 1), SIZE, _generator())
    assert worn.shape == (4, 3, SIZE, SIZE) and torch.isfinite(worn).all()
    assert worn.min() >= 0 and worn.max() <= 1


def test_without_wear_pictures_are_moved_relit_and_covered_alone(face, only):
    pictures = torch.from_numpy(face).repeat(16, 1, 1, 1)
    worn = dict.fromkeys((name for name in PROBABILITIES if name != "ERASE"), 1.0)
    only(**worn)
    spared = augment(pictures, SIZE, _generator(), wear=False)
    assert _changed(spared, augment(pictures, SIZE, _generator())) == [True] * 16
    only()
    assert torch.equal(augment(pictures, SIZE, _generator(), wear=False), spared)
    only(ERASE=1.0)
    covered = augment(pictures, SIZE, _generator(), wear=False)
    assert _changed(spared, covered) == [True] * 16


def test_augmented_faces_stay_faces(face):
    """On average over many draws the picture is where it was: no drift in place or brightness."""
    drawn = augment(torch.from_numpy(face).repeat(400, 1, 1, 1), SIZE, _generator())
    plain = Preprocessing(SIZE).resize(face).astype(float) / 255
    mirrored = (plain + plain[:, ::-1]).mean(axis=2) / 2
    mean = drawn.mean(dim=(0, 1)).numpy()
    assert np.corrcoef(mean.ravel(), mirrored.ravel())[0, 1] > 0.85
    assert mean.mean() == pytest.approx(plain.mean(), abs=0.06)
    assert drawn.std(dim=0).mean() > 0.05


def test_no_movement_is_a_plain_resize(face, monkeypatch):
    for name, value in {
        "FLIP": 0.0,
        "SCALE": (1.0, 1.0),
        "ROTATION_DEGREES": 0.0,
        "SHIFT": 0.0,
    }.items():
        monkeypatch.setattr(augmentation, name, value)
    still = augmentation._warp(torch.from_numpy(face)[None], len(face), _draw(1))
    assert torch.allclose(
        still[0].permute(1, 2, 0) * 255, torch.from_numpy(face).float(), atol=0.01
    )
    monkeypatch.setattr(augmentation, "FLIP", 1.0)
    mirrored = augmentation._warp(torch.from_numpy(face)[None], len(face), _draw(1))
    assert torch.allclose(mirrored.flip(3), still, atol=1e-4)


@pytest.mark.parametrize("name", [n for n in PROBABILITIES if n not in ("ERASE", "JPEG")])
def test_a_change_falls_on_its_share_of_the_pictures_and_on_no_other(
    faces, only, name, monkeypatch
):
    """Held against the same draws without the change: what is not chosen is equal to the bit."""
    only(**{name: 0.5})
    chosen = []
    draw_chosen = augmentation._Draw.chosen

    def noting(draw, probability):
        rows = draw_chosen(draw, probability)
        if probability == 0.5:
            chosen.append(set(rows.tolist()))
        return rows

    monkeypatch.setattr(augmentation._Draw, "chosen", noting)
    after = faces.clone()
    if name in ("GREY", "SEPIA", "FADED", "SIDE_LIGHT"):
        before = faces.clone()
        augmentation._recolour(after, _draw(16, seed=5))
        only()
        augmentation._recolour(before, _draw(16, seed=5))
    else:
        before = faces
        augmentation._wear(after, _draw(16, seed=5))
    (rows,) = chosen
    assert 3 <= len(rows) <= 13
    assert _changed(before, after) == [i in rows for i in range(16)]


def test_grey_has_equal_channels_and_the_luma_of_the_picture(faces, only):
    only(GREY=1.0)
    grey, colour = faces.clone(), faces.clone()
    augmentation._recolour(grey, _draw(16))
    only()
    augmentation._recolour(colour, _draw(16))
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, 0], grey[:, 2])
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    assert torch.allclose(grey[:, 0], (colour * weights).sum(1), atol=1e-6)


def test_sepia_is_brown(faces, only):
    only(SEPIA=1.0)
    augmentation._recolour(faces, _draw(16))
    red, green, blue = faces.mean(dim=(0, 2, 3))
    assert red > green > blue


def test_a_faded_print_has_neither_black_nor_white(faces, only):
    only(FADED=1.0)
    augmentation._recolour(faces, _draw(16))
    assert faces.min() >= 0.05 and faces.max() <= 0.95


def test_side_light_is_brighter_on_one_side(only):
    only(SIDE_LIGHT=1.0)
    flat = torch.full((16, 3, SIZE, SIZE), 0.5)
    augmentation._recolour(flat, _draw(16))
    spread = flat.flatten(1).amax(1) - flat.flatten(1).amin(1)
    assert (spread > 0.05).all()
    centre = flat[:, :, SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1].mean(
        (1, 2, 3)
    )
    assert torch.allclose(centre, flat.mean((1, 2, 3)), atol=0.05)


@pytest.mark.parametrize("name", ["LOW_RESOLUTION", "BLUR", "MOTION"])
def test_fine_detail_is_lost_and_the_brightness_stays(faces, only, name):
    def detail(images):
        return (images[..., 1:] - images[..., :-1]).abs().mean((1, 2, 3))

    only(**{name: 1.0})
    before = faces.clone()
    augmentation._wear(faces, _draw(16))
    assert (detail(faces) < detail(before)).all()
    assert torch.allclose(faces.mean((1, 2, 3)), before.mean((1, 2, 3)), atol=0.02)


def test_kernels_keep_the_brightness():
    for kernels in (augmentation._gaussian(torch.tensor([0.5, 2.5])),
                    augmentation._line(torch.tensor([0.0, 1.0, 3.0]))):  # fmt: skip
        assert torch.allclose(kernels.sum((1, 2)), torch.ones(len(kernels)))
    along_x = augmentation._line(torch.zeros(1))[0]
    assert along_x[5].sum() > 0.7, "a camera that moved to the right smears along a row"


def test_each_picture_is_blurred_by_its_own_kernel(faces):
    kernels = augmentation._gaussian(torch.tensor([0.05, 2.5]))
    sharp, soft = augmentation._blurred(faces[:2], kernels)
    assert torch.allclose(sharp, faces[0], atol=1e-5)
    assert (soft - faces[0]).abs().mean() > 0.01


def test_grain_is_alike_in_all_channels(faces, only):
    only(GRAIN=1.0)
    before = faces.clone()
    augmentation._wear(faces, _draw(16))
    noise = faces - before
    assert torch.allclose(noise[:, 0], noise[:, 2], atol=1e-6)
    strength = noise[:, 0].flatten(1).std(1)
    assert (strength > 0.01).all() and (strength < 0.14).all()


def test_a_scratch_is_one_column(faces, only):
    only(SCRATCHES=1.0)
    before = faces.clone()
    augmentation._wear(faces, _draw(16))
    for old, new in zip(before, faces, strict=True):
        columns = (old != new).any(dim=0).any(dim=0)
        assert columns.sum() == 1
        assert len(new[:, :, columns].unique()) == 1


def test_a_screen_has_no_brightness_of_its_own():
    dots = augmentation._screen(SIZE, torch.tensor([2.5, 5.0]))
    assert dots.shape == (2, 1, SIZE, SIZE) and dots.abs().max() <= 1
    assert dots.mean((1, 2, 3)).abs().max() < 0.1


def test_jpeg_at_full_quality_is_nearly_the_identity_and_loses_more_the_lower(faces):
    quality = torch.tensor([100.0, 80.0, 40.0, 15.0])
    errors = (augmentation._jpeg(faces[:4], quality) - faces[:4]).square().mean((1, 2, 3)).sqrt()
    assert errors[0] < 2e-3  # half a step of 1/255
    assert (errors.diff() > 0).all()


def test_jpeg_errs_as_a_real_encoder_does(faces):
    """In grey, where there is no chroma to lose: the error is that of libjpeg, to a tenth."""
    grey = faces[:1].mean(1, keepdim=True).mul(255).round().div(255)
    buffer = io.BytesIO()
    Image.fromarray(grey[0, 0].mul(255).byte().numpy()).save(buffer, "JPEG", quality=30)
    real = torch.from_numpy(np.asarray(Image.open(buffer)).copy()).float() / 255
    ours = augmentation._jpeg(grey, torch.tensor([30.0]))[0, 0]
    real_error, our_error = ((image - grey[0, 0]).square().mean().sqrt() for image in (real, ours))
    assert our_error == pytest.approx(real_error.item(), rel=0.1)


def test_jpeg_takes_pictures_of_any_size(face):
    pictures = torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255
    odd = pictures[:, :, :45, :51]
    left = augmentation._jpeg(odd, torch.tensor([100.0]))
    assert left.shape == odd.shape and (left - odd).abs().max() < 0.01


def test_erasing_covers_one_rectangle_of_its_share(faces, only):
    only(ERASE=0.5)
    before = faces.clone()
    augmentation._erase(faces, _draw(16, seed=2))
    changed = (before != faces).any(dim=1)
    erased = [picture for picture in changed if picture.any()]
    assert 3 <= len(erased) <= 13
    for picture in erased:
        rows, columns = picture.any(dim=1), picture.any(dim=0)
        assert picture.sum() == rows.sum() * columns.sum(), "a rectangle"
        for side in (rows.sum().item(), columns.sum().item()):
            assert 0.1 * SIZE - 1 <= side <= 0.45 * SIZE + 1
