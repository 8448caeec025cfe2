"""The heat map lies where the estimate comes from, and asking for it disturbs nobody."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from age_model import AgePredictor
from age_model.network.explain import (
    ROUNDS,
    SETS,
    blurred,
    covered,
    explain,
    random_sets,
    smoothed,
)
from age_model.network.face_parts import face_parts

PATCH, GRID = 4, 8


@pytest.fixture
def crop(astronaut):
    return astronaut[60 : 60 + PATCH * GRID, 180 : 180 + PATCH * GRID]


def reads(row: int, column: int):
    """A network that answers with the light of one patch, as an age."""

    def estimate(crops):
        y, x = row * PATCH, column * PATCH
        return np.array([c[y : y + PATCH, x : x + PATCH].mean() for c in crops])

    return estimate


@pytest.mark.parametrize("place", [(2, 5), (0, 0), (7, 3)])
def test_the_one_patch_that_matters_is_the_strongest(crop, place):
    estimate = reads(*place)
    found = explain(estimate, crop, PATCH)
    assert np.unravel_index(found.change_years.argmax(), (GRID, GRID)) == place
    untouched, gone = estimate([crop, blurred(crop, PATCH)])
    assert found.age_years == untouched != gone
    far = np.abs(np.indices((GRID, GRID)) - np.reshape(place, (2, 1, 1))).max(axis=0) > 1
    by_chance = abs(gone - untouched) / SETS  # as often as the patch is hidden together with them
    assert found.change_years[far].mean() == pytest.approx(by_chance, rel=0.15)
    assert found.change_years.max() > 1.5 * by_chance


def test_older_and_younger_count_alike(crop):
    found = [explain(lambda crops, s=s: s * reads(4, 4)(crops), crop, PATCH) for s in (1, -1)]
    assert np.array_equal(found[0].change_years, found[1].change_years)


@pytest.mark.parametrize("sign", [1, -1])
def test_effects_say_whether_a_patch_makes_the_face_look_older(crop, sign):
    place = (2, 5)
    found = explain(lambda crops: sign * reads(*place)(crops), crop, PATCH)
    whole, gone = (sign * reads(*place)([c])[0] for c in (crop, blurred(crop, PATCH)))
    strongest = np.unravel_index(np.abs(found.effect_years).argmax(), (GRID, GRID))
    assert strongest == place
    assert np.sign(found.effect_years[place]) == np.sign(whole - gone)
    # A quarter of its weight is the patch's own.
    assert found.effect_years[place] == pytest.approx((whole - gone) / 4, rel=0.15)
    far = np.abs(np.indices((GRID, GRID)) - np.reshape(place, (2, 1, 1))).max(axis=0) > 1
    surprises = np.abs(found.effect_years[far]) > 3 * found.effect_error_years[far]
    assert surprises.mean() < 0.1, "elsewhere chance alone"


def test_parts_are_blurred_one_at_a_time_and_the_largest_effect_comes_first():
    landmarks = np.array([(0.29, 0.3), (0.69, 0.3), (0.49, 0.53), (0.31, 0.66), (0.69, 0.66)])
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    mouth = face_parts(landmarks, 64)["the mouth"]

    def detail_of_the_mouth(crops):
        return np.array([np.asarray(c, float)[mouth].std() for c in crops])

    first, *others = explain(detail_of_the_mouth, noise, 8, landmarks).parts
    assert first.name == "the mouth" and first.years > 30
    assert all(part.years == pytest.approx(0, abs=1e-9) for part in others)
    assert explain(detail_of_the_mouth, noise, 8).parts == ()


def test_an_estimate_that_nothing_moves_has_an_empty_map(crop):
    assert not explain(lambda crops: np.full(len(crops), 30.0), crop, PATCH).change_years.any()


def test_each_round_hides_every_patch_once_and_rounds_differ():
    found = random_sets(GRID).reshape(ROUNDS, SETS, -1)
    assert (found.sum(axis=1) == 1).all()
    assert (found.sum(axis=2) == GRID * GRID / SETS).all()
    assert len({r.tobytes() for r in found}) == ROUNDS
    together = np.einsum("rpi,rpj->ij", found.astype(int), found.astype(int))
    assert together[~np.eye(GRID * GRID, dtype=bool)].max() < 0.7 * ROUNDS
    assert np.array_equal(random_sets(GRID), random_sets(GRID)), "the same for every face"


def test_smoothing_keeps_what_is_even_and_the_place_of_a_peak():
    assert np.allclose(smoothed(np.full((5, 5), 3.0)), 3)
    peak = np.zeros((5, 5))
    peak[1, 3] = 16
    assert smoothed(peak)[2, 2:].tolist() == pytest.approx([1, 2, 4 / 3])
    assert smoothed(peak).argmax() == peak.argmax() and smoothed(peak)[1, 3] == 4


def test_what_is_covered_is_the_patch_and_the_crop_stays(crop):
    before, hidden = crop.copy(), np.zeros((2, GRID, GRID), bool)
    hidden[1, 0, 7] = True
    first, second = covered(crop, hidden, np.zeros_like(crop))
    assert np.array_equal(first, crop) and np.array_equal(crop, before)
    assert not second[:PATCH, -PATCH:].any()
    second[:PATCH, -PATCH:] = crop[:PATCH, -PATCH:]
    assert np.array_equal(second, crop)


def test_the_cover_has_the_light_of_the_face_and_none_of_its_detail(astronaut):
    crop = astronaut[40:168, 160:288]
    cover = blurred(crop, 16)
    assert cover.mean() == pytest.approx(crop.mean(), rel=0.03)
    detail, left = (np.abs(np.diff(c.astype(float), axis=1)).mean() for c in (crop, cover))
    assert left < 0.25 * detail


def test_a_face_is_explained_as_it_is_estimated(predictor, two_people):
    ages = predictor(two_people)
    grid = predictor.image_size // predictor.patch_size
    for face in range(2):
        found = predictor.explain(two_people, face)
        assert found.age_years == pytest.approx(ages.age_years[face], abs=1e-4)
        assert found.change_years.shape == (grid, grid) and found.change_years.max() > 0
        assert found.crop_rgb.shape == (predictor.image_size,) * 2 + (3,)
    assert not np.array_equal(found.crop_rgb, predictor.explain(two_people, 0).crop_rgb)


@pytest.mark.parametrize("face", [2, -1, None])
def test_a_face_that_is_not_there_is_named(predictor, two_people, face):
    with pytest.raises(ValueError, match=f"a face from 0 to below 2, got {face}"):
        predictor.explain(two_people, face)


def test_threads_that_explain_and_estimate_do_not_disturb_each_other(predictor, astronaut):
    ages, alone = predictor(astronaut), predictor.explain(astronaut)
    with ThreadPoolExecutor(4) as pool:
        maps = [pool.submit(predictor.explain, astronaut) for _ in range(2)]
        estimates = [pool.submit(predictor, astronaut) for _ in range(4)]
        for found in (m.result() for m in maps):
            assert np.allclose(found.change_years, alone.change_years, atol=1e-4)
        for found in (e.result() for e in estimates):
            assert np.allclose(found.age_years, ages.age_years, atol=1e-4)


def test_the_embedded_model_looks_at_the_face_more_than_at_the_corners(astronaut):
    change = AgePredictor.from_pretrained(detector="haar").explain(astronaut).change_years
    corners = change[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert change[2:6, 2:6].mean() > corners.mean()
