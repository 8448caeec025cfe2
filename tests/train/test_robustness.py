"""train.robustness: its numbers, its files, and the card's section that is made from them."""

import json
import shutil

import datasets
import numpy as np
import pytest
from PIL import Image

from age_model.predictor import AgePredictor
from train import robustness
from train.card import document
from train.card.other_pictures import other_pictures
from train.stress.conditions import DETECTOR_SCORE, KINDS, Condition, conditions
from train.stress.measurement import difference, drawn_pictures

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

PICTURES = 8


def options(checkpoint, data, out, **other):
    options = {"model": checkpoint, "data": data, "out": out, "max_pictures": PICTURES}
    return [f"--{k}={v}" for k, v in ({**options, "resamples": 20} | other).items()]


@pytest.fixture(scope="module", autouse=True)
def by_haar():
    """As where there is no YuNet; what it adds is tested with `train.stress.pose`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGE_FACE_DETECTOR", "haar")
        yield


@pytest.fixture(scope="module")
def folder(carded, small_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("robustness") / "out"
    robustness.main(options(carded, small_data, out, batch_size=3))
    return out


@pytest.fixture(scope="module")
def content(folder):
    return json.loads((folder / "robustness.json").read_text())


def row(content, kind, level):
    (found,) = (r for r in content["conditions"] if (r["kind"], r["level"]) == (kind, level))
    return found


def test_each_condition_is_there_with_all_its_numbers(content):
    assert len(content["conditions"]) == len(conditions()) and content["detector"].startswith(
        "haar"
    )
    assert list(content["kinds"]) == list(KINDS)
    for found in content["conditions"]:
        low, high = found["mae_interval"]
        assert low <= found["mae"] <= high and found["n"] == PICTURES
        assert 0 <= found["coverage"] <= 1 and found["mean_width"] > 0
        low, high = found["mae_difference_interval"]
        assert low <= found["mae_difference"] <= high
        expected = set(KINDS[found["kind"]].measured)
        if DETECTOR_SCORE in expected:
            scores = {DETECTOR_SCORE.format(detector=kind) for kind in content["detectors"]}
            expected = (expected - {DETECTOR_SCORE}) | scores
        assert set(found.get("measured", {})) == expected


def test_baseline_pictures_have_the_numbers_of_the_predictor(content, carded, small_data):
    arguments = robustness.RobustnessArguments(carded, small_data, "out", max_pictures=PICTURES)
    table, of = drawn_pictures(arguments)
    predictor = AgePredictor.from_pretrained(carded, detector="haar")
    faces = predictor.predict_crops([image["bytes"] for image in table["image"]])
    error = faces.age_years - np.array(table["age_low"])
    found = row(content, "none", 0)
    assert found["mae"] == pytest.approx(np.abs(error).mean(), abs=1e-4)
    assert found["bias"] == pytest.approx(error.mean(), abs=1e-4)
    assert found["mae_difference"] == 0 and found["mae_difference_interval"] == [0, 0]
    assert (content["data"]["n"], content["data"]["drawn_from"]) == (PICTURES, of) == (8, 30)


@pytest.fixture
def two_sources(small_data, tmp_path):
    """Twenty pictures of utkface and ten of "other", all with point labels, and interval labels."""
    splits = datasets.load_from_disk(str(small_data))
    names = ["other" if i < 10 else name for i, name in enumerate(splits["test"]["source"])]
    test = splits["test"].remove_columns("source").add_column("source", names)
    datasets.DatasetDict(test=test).save_to_disk(tmp_path / "data")
    for name in ("report.json", "sources.json"):
        shutil.copy(small_data / name, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("source", "of", "names"),
    [(None, 20, {"utkface"}), ("other", 10, {"other"}), ("all", 30, {"other", "utkface"})],
)
def test_pictures_are_drawn_from_the_sources_asked_for(two_sources, source, of, names):
    arguments = robustness.RobustnessArguments("model", str(two_sources), "out", source=source)
    table, drawn_from = drawn_pictures(arguments)
    assert drawn_from == len(table) == of and set(table["source"]) == names


def test_a_source_without_ages_in_years_is_named(two_sources):
    arguments = robustness.RobustnessArguments("model", str(two_sources), "out", source="fairface")
    with pytest.raises(
        ValueError, match=r"from the source 'fairface', got none; .* other, utkface"
    ):
        drawn_pictures(arguments)


def test_what_is_measured_follows_the_level(content):
    sharp = row(content, "none", 0)["measured"]
    assert row(content, "blur", 8)["measured"]["blur_sigma"]["median"] > 5
    dark = row(content, "darkness", 0.1)["measured"]["luminance"]["median"]
    assert dark == pytest.approx(0.1 * sharp["luminance"]["median"], rel=0.1)
    assert sharp["luminance"]["p10"] < sharp["luminance"]["median"] < sharp["luminance"]["p90"]


def test_what_is_needed_to_measure_again_is_there(content, folder, small_data):
    assert content["command"] == (
        "python -m train.robustness --model checkpoint --data faces --out out --split test "
        "--batch_size 3 --resamples 20 --max_pictures 8"
    )
    assert len(content["model"]["weights_sha256"]) == 64
    assert str(small_data.parent) not in (folder / "robustness.json").read_text()


def test_the_same_seed_gives_the_same_numbers_in_any_batches(
    content, carded, small_data, tmp_path, monkeypatch
):
    few = [c for c in conditions() if c.kind in ("none", "occlusion")]
    monkeypatch.setattr(robustness, "conditions", lambda: few)
    rows = {}
    for seed in (0, 1):
        out = tmp_path / str(seed)
        robustness.main(options(carded, small_data, out, batch_size=64, seed=seed))
        rows[seed] = json.loads((out / "robustness.json").read_text())["conditions"]
    known = [r for r in content["conditions"] if r["kind"] in ("none", "occlusion")]
    for again, before in zip(rows[0], known, strict=True):
        assert again["mae"] == pytest.approx(before["mae"], abs=2e-4)
    assert rows[1] != rows[0], "another seed draws other pictures"


def test_the_network_sees_the_corrupted_picture_and_the_same_generator(small_data, carded):
    seen = []

    class Spy:
        def predict_crops(self, crops):
            seen.extend(crops)

    def mark(image_rgb, rng):
        return np.full_like(image_rgb, rng.integers(256))

    pictures = [np.zeros((4, 4, 3), np.uint8)] * 3
    for _ in range(2):
        corrupting = robustness.CorruptingPredictor(Spy(), Condition("jpeg", 1, "1", mark), seed=0)
        corrupting.predict_crops(pictures[:2])
        corrupting.predict_crops(pictures[2:])
    values = [picture[0, 0, 0] for picture in seen]
    assert values[:3] == values[3:] and len(set(values)) == 3


def test_differences_are_paired():
    other = np.arange(100.0)
    found = difference(other + 2, other, resamples=50, seed=0)
    assert found["mae_difference"] == 2
    assert found["mae_difference_interval"] == pytest.approx([2, 2]), "the same for each picture"


def test_the_figure_is_a_picture_and_nothing_else_is_written(folder):
    width, height = Image.open(folder / "robustness.png").size
    assert width > 1000 and height > 800
    assert {file.name for file in folder.iterdir()} == {"robustness.json", "robustness.png"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"max_pictures": 0}, "--max_pictures of at least 1, got 0"), ({"split": "exam"}, "'exam'")],
)
def test_wrong_input_is_named(carded, small_data, tmp_path, wrong, message):
    with pytest.raises(SystemExit, match=message):
        robustness.main(options(carded, small_data, tmp_path / "out", **wrong))


@pytest.fixture
def checkpoint(carded, folder, tmp_path):
    copy = shutil.copytree(carded, tmp_path / "checkpoint")
    shutil.copy(folder / "robustness.json", copy)
    return copy


def card(checkpoint):
    files = document.generated(checkpoint)
    return files[checkpoint / "README.md"]


def test_the_card_has_the_table_of_its_own_weights(checkpoint, content):
    text = card(checkpoint)
    assert "## Other kinds of pictures" in text and content["command"] in text
    dark = row(content, "darkness", 0.25)
    (line,) = (line for line in text.splitlines() if line.startswith("| Darkness: 0.25"))
    assert f"| {dark['mae']:.2f} (" in line and f"| {dark['mae_difference']:+.2f} (" in line
    assert "Make-up, filters and faces turned to the side were not measured" in text


def test_the_card_names_the_conditions_where_the_interval_is_too_narrow(checkpoint):
    file = checkpoint / "robustness.json"
    content = json.loads(file.read_text())
    for found in content["conditions"]:
        found["coverage"] = 0.74 if (found["kind"], found["level"]) == ("darkness", 0.25) else 0.75
    n = len(content["conditions"])
    file.write_text(json.dumps(content))
    text = card(checkpoint)
    assert f"covers at least 75% of the labels in {n - 1} of {n} conditions; it is too" in text
    assert "in the others: Darkness: 0.25 (factor on all pixel values): 74.0%." in text

    row(content, "darkness", 0.25)["coverage"] = 0.75
    file.write_text(json.dumps(content))
    assert f"covers at least 75% of the labels in {n} of {n} conditions.\n" in card(checkpoint)


def test_the_card_has_none_of_other_weights(checkpoint):
    file = checkpoint / "robustness.json"
    file.write_text(file.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))
    assert other_pictures(checkpoint)["robustness"] == ""
    assert "Other kinds of pictures" not in card(checkpoint)
    assert "poor light, blur" in card(checkpoint)
