"""train.deletion: its curves, its files, and the card's section that is made from them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from age_model.network.explain import Explanation
from tests.support.factories import face_ages
from train import deletion
from train.card import document
from train.evaluation.deletion_curves import (
    LEAST,
    MOST,
    RANDOM,
    STEPS,
    deleted,
    picture_curves,
    shares,
)

PICTURES, PATCH, GRID = 6, 4, 4


def options(checkpoint, data, out, **other):
    options = {"model": checkpoint, "data": data, "out": out, "max_pictures": PICTURES}
    return [
        f"--{k}={v}" for k, v in ({**options, "resamples": 20, "random_orders": 2} | other).items()
    ]


@pytest.fixture(scope="module")
def folder(carded, small_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("deletion") / "out"
    deletion.main(options(carded, small_data, out))
    return out


@pytest.fixture(scope="module")
def content(folder):
    return json.loads((folder / "deletion.json").read_text())


class OnePatch:
    """A predictor whose answer is the sharpness of one patch, with a map that is given to it."""

    patch_size = PATCH

    def __init__(self, place: int, relevance: np.ndarray):
        self._place, self._relevance = place, relevance

    def _years(self, crop_rgb):
        y, x = (PATCH * i for i in divmod(self._place, GRID))
        return crop_rgb[y : y + PATCH, x : x + PATCH].std() / 3

    def explain_crop(self, crop):
        unsigned = np.zeros_like(self._relevance)
        return Explanation(crop, self._years(crop), self._relevance, unsigned, unsigned)

    def predict_crops(self, crops):
        return face_ages([self._years(crop) for crop in crops])


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (PATCH * GRID, PATCH * GRID, 3), np.uint8)


def test_a_right_map_changes_the_estimate_at_once_and_its_reverse_last(noise):
    relevance = np.zeros((GRID, GRID))
    relevance[1, 2] = 1
    predictor = OnePatch(GRID + 2, relevance)
    found = picture_curves(predictor, noise, np.random.default_rng(0), random_orders=50)
    whole = found[MOST][-1]
    assert whole > 10 and all(curve[0] == 0 for curve in found.values())
    assert [curve[-1] for curve in found.values()] == pytest.approx([whole] * 3)
    assert found[MOST][1:].tolist() == [whole] * STEPS
    assert found[LEAST][:-1].tolist() == [0] * STEPS
    assert np.trapezoid(found[RANDOM], shares()) == pytest.approx(whole / 2, rel=0.2)


def test_where_all_is_equally_relevant_chance_decides(noise):
    predictor = OnePatch(0, np.zeros((GRID, GRID)))
    starts = {
        int(picture_curves(predictor, noise, np.random.default_rng(i), 1)[MOST].argmax())
        for i in range(5)
    }
    assert len(starts) > 1, "the first patch of the grid must not always go first"


def test_patches_go_in_order_and_none_comes_back():
    order = np.random.default_rng(0).permutation(64)
    gone = deleted(order, 8).reshape(STEPS, 64)
    assert gone.sum(axis=1).tolist() == [4 * i for i in range(1, STEPS + 1)]
    assert set(np.flatnonzero(gone[1])) == set(order[:8])
    assert (gone[1:] >= gone[:-1]).all()


@pytest.mark.slow
def test_each_order_is_there_with_all_its_numbers(content):
    assert list(content["orders"]) == [MOST, LEAST, RANDOM]
    assert content["shares"] == [i / STEPS for i in range(STEPS + 1)]
    assert (content["patches"], content["random_orders"]) == (16, 2)
    for row in content["orders"].values():
        for name in ("area", "more_than_random"):
            low, high = row[f"{name}_interval"]
            assert low <= row[name] <= high
        assert len(row["change_years"]) == STEPS + 1 and row["change_years"][0] == 0
        area = np.trapezoid(row["change_years"], content["shares"])
        assert row["area"] == pytest.approx(area, abs=1e-3)
        last = [r["change_years"][-1] for r in content["orders"].values()]
        assert row["change_years"][-1] == pytest.approx(last[0], abs=1e-3), "all patches are gone"
    random = content["orders"][RANDOM]
    assert random["more_than_random"] == 0 and random["more_than_random_interval"] == [0, 0]


def test_what_is_needed_to_measure_again_is_there(content, folder, small_data):
    assert content["command"] == (
        "python -m train.deletion --model checkpoint --data faces --out out --split test "
        "--resamples 20 --max_pictures 6 --random_orders 2"
    )
    assert (content["data"]["n"], content["data"]["drawn_from"]) == (PICTURES, 30)
    assert len(content["model"]["weights_sha256"]) == 64
    assert str(small_data.parent) not in (folder / "deletion.json").read_text()
    assert {file.name for file in folder.iterdir()} == {"deletion.json", "deletion.png"}
    assert Image.open(folder / "deletion.png").width > 600


def test_the_same_seed_gives_the_same_numbers(content, carded, small_data, tmp_path):
    deletion.main(options(carded, small_data, tmp_path / "out"))
    again = json.loads((tmp_path / "out" / "deletion.json").read_text())
    assert again["orders"] == content["orders"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"random_orders": 0}, "--random_orders of at least 1, got 0"), ({"split": "exam"}, "'exam'")],
)
def test_wrong_input_is_named(carded, small_data, tmp_path, wrong, message):
    with pytest.raises(SystemExit, match=message):
        deletion.main(options(carded, small_data, tmp_path / "out", **wrong))


def card(checkpoint):
    files = document.generated(checkpoint)
    return files[checkpoint / "README.md"]


@pytest.mark.parametrize(("interval", "verdict"), [([0.1, 2], "does so"), ([-1, 2], "not clearly")])
def test_the_card_tells_the_figures_of_its_own_weights(
    carded, content, tmp_path, interval, verdict
):
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    assert "heat map" not in card(checkpoint)
    content = json.loads(json.dumps(content))
    most = content["orders"][MOST]
    most["more_than_random_interval"] = interval
    (checkpoint / "deletion.json").write_text(json.dumps(content))
    text = card(checkpoint)
    assert "## What the heat map shows" in text and content["command"] in text
    (line,) = (line for line in text.splitlines() if line.startswith("| the most relevant first"))
    assert f"| {most['area']:.2f} (" in line and f"| {most['more_than_random']:+.2f} (" in line
    assert f"| {most['change_years'][4]:.2f} |" in line
    assert verdict in text
    content["model"]["weights_sha256"] = "of others"
    (checkpoint / "deletion.json").write_text(json.dumps(content))
    assert "heat map" not in card(checkpoint)
