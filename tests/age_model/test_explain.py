"""The heat map lies where the estimate comes from, and asking for it disturbs nobody."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from age_model import AgePredictor
from age_model.explain import covered, explain, plain, windows

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
    untouched, gone = estimate([crop, plain(crop)])
    assert found.age_years == untouched
    assert found.change_years.max() == pytest.approx(abs(gone - untouched)) and gone != untouched
    far = np.abs(np.indices((GRID, GRID)) - np.reshape(place, (2, 1, 1))).max(axis=0) > 2
    assert (found.change_years[far] == 0).all() and (found.change_years[~far] > 0).any()


def test_older_and_younger_count_alike(crop):
    found = [explain(lambda crops, s=s: s * reads(4, 4)(crops), crop, PATCH) for s in (1, -1)]
    assert np.array_equal(found[0].change_years, found[1].change_years)


def test_an_estimate_that_nothing_moves_has_an_empty_map(crop):
    assert not explain(lambda crops: np.full(len(crops), 30.0), crop, PATCH).change_years.any()


def test_windows_lie_around_each_patch_and_end_at_the_border():
    found = windows(4)
    assert found.shape == (16, 4, 4)
    assert [w.sum() for w in found[[0, 1, 5]]] == [4, 6, 9]
    assert found[7].nonzero()[0].tolist() == [0, 0, 1, 1, 2, 2], "around row 1, column 3"
    assert found[7].nonzero()[1].tolist() == [2, 3] * 3


def test_what_is_covered_is_the_patch_and_the_crop_stays(crop):
    before, hidden = crop.copy(), np.zeros((2, GRID, GRID), bool)
    hidden[1, 0, 7] = True
    first, second = covered(crop, hidden, np.zeros_like(crop))
    assert np.array_equal(first, crop) and np.array_equal(crop, before)
    assert not second[:PATCH, -PATCH:].any()
    second[:PATCH, -PATCH:] = crop[:PATCH, -PATCH:]
    assert np.array_equal(second, crop)


def test_the_cover_is_the_mean_colour():
    halves = np.zeros((4, 4, 3), np.uint8)
    halves[:2] = (200, 100, 41)
    assert (plain(halves) == (100, 50, 20)).all()


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
        maps = [pool.submit(predictor.explain, astronaut) for _ in range(4)]
        estimates = [pool.submit(predictor, astronaut) for _ in range(4)]
        for found in (m.result() for m in maps):
            assert np.allclose(found.change_years, alone.change_years, atol=1e-4)
        for found in (e.result() for e in estimates):
            assert np.allclose(found.age_years, ages.age_years, atol=1e-4)


def test_the_embedded_model_looks_at_the_face_and_not_at_the_corners(astronaut):
    change = AgePredictor.from_pretrained(detector="haar").explain(astronaut).change_years
    corners = change[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert change[2:6, 2:6].mean() > 1.5 * corners.mean()
