"""Each corruption does what its name says, and nothing to the picture that it was given."""

import numpy as np
import pytest

from train.stress import corruptions
from train.stress.conditions import KINDS, conditions


@pytest.fixture
def face(astronaut):
    return astronaut[30:230, 130:330].copy()


def energy(image_rgb):
    """Of the differences between neighbours: what blurring and enlarging take away."""
    return float((np.diff(image_rgb.astype(float), axis=1) ** 2).mean())


def test_blur_spreads_a_point_as_a_gaussian_of_this_sigma():
    point = np.zeros((201, 201, 3), np.uint8)
    point[100, 100] = 255
    spread = corruptions.blurred(point, 2 * 200 / 201)[100, :, 0].astype(float)
    assert spread[102] / spread[100] == pytest.approx(np.exp(-0.5), abs=0.1)
    assert spread[100] == pytest.approx(255 / (2 * np.pi * 4), abs=1)


def test_blur_is_told_in_pixels_of_200(face):
    double = np.repeat(np.repeat(face, 2, axis=0), 2, axis=1)
    halved = corruptions.blurred(double, 4)[::2, ::2].astype(float)
    assert np.abs(halved - corruptions.blurred(face, 4)).mean() < 2


def test_jpeg_is_worse_at_lower_quality_and_keeps_the_colours(face):
    errors = [np.abs(corruptions.jpeg(face, q).astype(float) - face).mean() for q in (90, 50, 5)]
    assert 0 < errors[0] < errors[1] < errors[2]
    red = np.full((16, 16, 3), (200, 30, 30), np.uint8)
    assert np.abs(corruptions.jpeg(red, 90).astype(int) - red).max() < 6


def test_low_resolution_keeps_the_size_and_the_means(face):
    got = corruptions.low_resolution(face, 20)
    assert got.shape == face.shape
    assert energy(got) < energy(corruptions.low_resolution(face, 64)) < energy(face)
    assert got.mean() == pytest.approx(face.mean(), abs=2)
    assert corruptions.low_resolution(face, 1).std(axis=(0, 1)).max() == 0


def test_darkness_scales(face):
    assert np.array_equal(corruptions.darkened(face, 0.5), np.rint(face * 0.5).astype(np.uint8))
    assert np.array_equal(corruptions.darkened(face, 1.0), face)


def test_grey_has_equal_channels_and_weighs_rgb(face):
    got = corruptions.grey(face)
    assert (got == got[:, :, :1]).all()
    green, blue = (np.full((4, 4, 3), colour, np.uint8) for colour in ((0, 255, 0), (0, 0, 255)))
    assert corruptions.grey(green).mean() > 2 * corruptions.grey(blue).mean()


def test_rotation_is_counter_clockwise_about_the_middle(face):
    assert np.abs(corruptions.rotated(face, 90).astype(int) - np.rot90(face)).max() <= 1
    assert np.array_equal(corruptions.rotated(face, 0), face)


def test_a_cover_is_grey_inside_its_box_only(face):
    got = corruptions.occluded(face, (0.25, 0.5, 0.75, 1.0))
    assert (got[100:, 50:150] == 127).all()
    got[100:, 50:150] = face[100:, 50:150]
    assert np.array_equal(got, face)


def test_a_frame_is_cut_wider_tighter_and_elsewhere(face):
    tight, wide = corruptions.reframed(face, 0.5), corruptions.reframed(face, 1.5)
    assert np.array_equal(tight, face[50:150, 50:150])
    assert wide.shape == (300, 300, 3)
    assert np.array_equal(wide[50:250, 50:250], face)
    assert np.array_equal(wide[:50, 50:250], face[50:0:-1]), "its reflection"
    right = corruptions.reframed(face, shift_x=0.1)
    assert np.array_equal(right[:, :180], face[:, 20:])
    down = corruptions.reframed(face, shift_y=0.1)
    assert np.array_equal(down[:180], face[20:])


@pytest.mark.parametrize("condition", conditions(), ids=lambda c: f"{c.kind} {c.name}")
def test_every_condition_gives_a_picture_and_leaves_the_given_one(face, condition):
    before = face.copy()
    got = condition.apply(face, np.random.default_rng(0))
    assert np.array_equal(face, before)
    assert got.dtype == np.uint8 and got.ndim == 3 and got.shape[2] == 3
    assert np.array_equal(got, face) == (condition.kind == "none")


def test_conditions_are_of_known_kinds_and_all_different():
    found = conditions()
    made = set(KINDS) - {"pose"}  # which no corruption makes
    assert {condition.kind for condition in found} == made
    assert len({(condition.kind, condition.name) for condition in found}) == len(found)
    assert found[0].kind == "none"
