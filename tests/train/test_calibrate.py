import json
import shutil

import datasets
import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, NUM_AGES, group_index
from age_model.network.calibration import INTERVAL_COVERAGE, Calibration
from age_model.network.decode import UNCALIBRATED, decode
from age_model.network.reports import weights_sha256
from age_model.predictor import AgePredictor
from train.calibrate import (
    SPLIT,
    _conformal_quantile,
    fit,
    interval_coverage,
    interval_levels,
    main,
    source_weights,
)

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

N = 20000
TRUE_SIGMA = 8.0


def world(said_sigma: float, seed: int) -> tuple[np.ndarray, dict]:
    """Age logits of an estimator that errs by 8 years and says `said_sigma`, with its labels."""
    rng = np.random.default_rng(seed)
    age = rng.integers(0, NUM_AGES, N)
    centre = np.clip(age + rng.normal(0, TRUE_SIGMA, N), 0, 100)
    logits = -0.5 * ((np.arange(NUM_AGES) - centre[:, None]) / said_sigma) ** 2
    none = np.full(N, -1)
    source = np.full(N, "a")
    labels = {"source": source, "age_low": age, "age_high": age, "gender": none, "ethnicity": none}
    return logits, labels


def coverage(logits: np.ndarray, age: np.ndarray, calibration: Calibration) -> np.ndarray:
    low, high = decode(logits, calibration).interval_years.T
    return (low <= age) & (age <= high)


@pytest.mark.parametrize("said_sigma", [4.0, 16.0])
def test_one_that_is_too_sure_or_too_unsure_is_put_right(said_sigma):
    nothing = np.zeros((N, 2))
    logits, labels = world(said_sigma, seed=0)
    calibration = fit(logits, nothing, nothing, labels)
    # A Gaussian's width goes with the root of its temperature.
    assert calibration.age_temperature == pytest.approx((TRUE_SIGMA / said_sigma) ** 2, rel=0.15)
    assert calibration.gender_temperature == 1.0

    fresh, labels = world(said_sigma, seed=1)
    age = labels["age_low"]
    before = coverage(fresh, age, UNCALIBRATED)
    covered = coverage(fresh, age, calibration)
    assert abs(before.mean() - INTERVAL_COVERAGE) > 0.1
    assert covered.mean() == pytest.approx(INTERVAL_COVERAGE, abs=0.02)
    by_group = [covered[group_index(age) == g].mean() for g in range(len(AGE_GROUP_NAMES))]
    assert min(by_group) > 0.72 and max(by_group) < 0.88


def test_a_group_that_is_judged_worse_gets_a_wider_level():
    logits, labels = world(TRUE_SIGMA, seed=0)
    age = labels["age_low"]
    old = age >= 70
    logits[old] = np.roll(logits[old], -10, axis=1)  # the old are taken for ten years younger
    probabilities = decode(logits).probabilities
    levels = interval_levels(probabilities, age, np.ones(N))
    assert levels[-1] > max(levels[2:6])


def test_few_labels_in_a_group_take_the_level_of_all():
    logits, labels = world(TRUE_SIGMA, seed=0)
    age = labels["age_low"]
    keep = (age >= 3) | (np.cumsum(age < 3) <= 5)
    levels = interval_levels(decode(logits[keep]).probabilities, age[keep], np.ones(keep.sum()))
    assert levels[0] == pytest.approx(INTERVAL_COVERAGE, abs=0.03)


def test_gender_that_is_too_sure_is_cooled():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, N)
    margin = np.where(rng.random(N) < 0.75, 1, -1) * np.where(truth == 1, 1, -1)
    logits = np.stack([np.zeros(N), margin * 4.0], axis=1)  # says 98%, is right in 75%
    ages, labels = world(TRUE_SIGMA, seed=0)
    found = fit(ages, logits, np.zeros((N, 5)), labels | {"gender": truth})
    assert found.gender_temperature == pytest.approx(4 / np.log(3), rel=0.1)


def two_sources(seed: int) -> tuple[np.ndarray, dict]:
    """A world in which the source "b", a twentieth of the faces, is judged ten years too young."""
    logits, labels = world(TRUE_SIGMA, seed)
    rare = np.arange(N) % 20 == 0
    logits[rare] = np.roll(logits[rare], -10, axis=1)
    return logits, labels | {"source": np.where(rare, "b", "a")}


def test_sources_count_equally_where_told():
    nothing = np.zeros((N, 2))
    logits, labels = two_sources(seed=0)
    fresh, fresh_labels = two_sources(seed=1)
    found = {}
    for equal in (True, False):
        calibration = fit(logits, nothing, nothing, labels, equal)
        found[equal] = interval_coverage(fresh, fresh_labels, calibration)
    mean = np.mean([found[True][source]["coverage"] for source in "ab"])
    assert mean == pytest.approx(INTERVAL_COVERAGE, abs=0.02)
    assert found[True]["b"]["coverage"] > found[False]["b"]["coverage"] + 0.1
    assert found[False]["a"]["coverage"] == pytest.approx(INTERVAL_COVERAGE, abs=0.03)
    groups = found[True]["a"]["by_group"]
    assert sum(part["n"] for part in groups.values()) == found[True]["a"]["n"] == N * 19 // 20


def test_weights_have_the_same_sum_for_each_source():
    weights = source_weights(np.array(["a", "a", "a", "b"]))
    assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert len(source_weights(np.array([], str))) == 0


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.99])
def test_with_equal_weights_the_quantile_is_that_of_split_conformal_prediction(share):
    scores = np.random.default_rng(0).permutation(np.arange(99.0))
    rank = int(np.ceil(round(100 * share, 9)))
    assert _conformal_quantile(scores, np.ones(99), share) == rank - 1
    assert _conformal_quantile(scores, np.full(99, 3.0), share) == rank - 1


def test_the_command_writes_into_the_checkpoint_and_the_predictor_applies_it(
    run_folder, small_data, tmp_path, capsys
):
    model, data = tmp_path / "model", tmp_path / "data"
    model.mkdir()
    for file in run_folder.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    _rename_split(small_data, data)
    main(["--model", str(model), "--data", str(data)])
    written = json.loads((model / "config.json").read_text())["calibration"]
    said = json.loads(capsys.readouterr().out)
    assert said["calibration"] == written
    assert said["coverage"]["utkface"]["n"] == 30 and set(said["coverage"]) == {"utkface"}
    calibration = AgePredictor.from_pretrained(model, detector="haar").calibration
    assert calibration.to_dict() == written and calibration != UNCALIBRATED
    main(["--model", str(model), "--data", str(data)])  # anew, not on top of itself
    assert json.loads((model / "config.json").read_text())["calibration"] == written


def test_a_data_set_without_validation_pictures_is_refused(run_folder, small_data):
    with pytest.raises(SystemExit, match=f"expected a split '{SPLIT}'"):
        main(["--model", str(run_folder), "--data", str(small_data)])


def test_no_checkpoint_is_refused(tmp_path, small_data):
    with pytest.raises(SystemExit, match="expected a checkpoint folder"):
        main(["--model", str(tmp_path / "none"), "--data", str(small_data)])


def _rename_split(source, target) -> None:
    splits = datasets.load_from_disk(source)
    datasets.DatasetDict({SPLIT: splits["test"]}).save_to_disk(target)
    if (source / "report.json").is_file():
        shutil.copyfile(source / "report.json", target / "report.json")


def test_results_of_another_calibration_are_told_apart(run_folder, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(run_folder, model)
    before = weights_sha256(model)
    config = json.loads((model / "config.json").read_text())
    config["calibration"] = Calibration(age_temperature=1.5).to_dict()
    (model / "config.json").write_text(json.dumps(config))
    assert weights_sha256(model) != before == weights_sha256(run_folder)
