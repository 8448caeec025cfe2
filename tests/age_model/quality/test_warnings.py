"""Warnings follow the table of the model that is loaded: its limits, its figures, and no others."""

import json
import shutil

import numpy as np
import pytest

from age_model.faces.crop import Framing
from age_model.network.loading import EMBEDDED
from age_model.quality.warnings import (
    FACE_BEYOND_MEASURED,
    MEASURES,
    face_warnings,
    limits,
    measure_face,
    read_limits,
)
from train.stress.conditions import conditions

FINE = {
    "resolution": 180.0, "blur": 2.0, "darkness": 0.5, "cut": 0.0, "hidden": 0.94, "pose": 5.0,
    "grey": 0.0,
}  # fmt: skip


@pytest.fixture
def known(robustness):
    return limits(robustness(), "haar")


def test_limits_are_the_conditions_that_are_worse_by_half_a_year(known):
    assert [(limit.name, limit.level) for limit in known] == [
        ("resolution", 24), ("blur", 4), ("blur", 8), ("darkness", 0.4), ("darkness", 0.2),
        ("cut", 0.25), ("hidden", 0.1), ("hidden", 0.25), ("pose", 20), ("pose", 30),
    ]  # fmt: skip
    assert [limit.value for limit in known] == [24, 4.0, 8.0, 0.2, 0.1, 0.25, 0.7, 0.6, 25.0, 42.0]


def test_what_untouched_pictures_show_too_is_no_limit(robustness):
    """Darkness 0.9 costs 1.5 years in this table, but a tenth of the untouched are as dark."""
    assert 0.9 not in [limit.level for limit in limits(robustness(), "haar")]
    content = robustness()
    content["conditions"][0]["measured"]["luminance"]["p10"] = 0.46
    assert 0.9 in [limit.level for limit in limits(content, "haar")]


def test_a_difference_that_may_be_chance_is_no_limit(robustness):
    content = robustness()
    for row in content["conditions"]:
        row["mae_difference_interval"][0] = -0.01
    assert [limit.mae for limit in limits(content, "haar")] == [None], (
        "further than any is still unknown"
    )


def test_a_good_face_has_no_warning(known):
    assert face_warnings(FINE, known) == ()
    assert face_warnings(FINE | {"resolution": 24.1, "blur": 3.9, "darkness": 0.21}, known) == ()


@pytest.mark.parametrize(
    ("measured", "start", "mae"),
    [({"blur": 4.0}, "Blurred", "5.5"), ({"blur": 7.9}, "Blurred", "5.5"),
     ({"blur": 20.0}, "Blurred", "8.0"), ({"darkness": 0.2}, "Dark", "7.0"),
     ({"darkness": 0.02}, "Dark", "9.0"), ({"resolution": 24.0}, "Small", "6.0"),
     ({"cut": 0.3}, "Cut off", "7.0"),
     ({"hidden": 0.7}, "Partly hidden", "6.0"), ({"hidden": 0.1}, "Partly hidden", "7.0"),
     ({"pose": 25.0}, "Turned away", "6.5")],
)  # fmt: skip
def test_a_warning_has_the_figures_of_the_limit_that_was_reached(known, measured, start, mae):
    (text,) = face_warnings(FINE | measured, known)
    assert text.startswith(start)
    assert f"off by {mae} years on average, by 5.0 on" in text


def test_a_warning_names_what_was_covered_and_how_far_faces_were_turned(known):
    assert "(eyes)" in face_warnings(FINE | {"hidden": 0.65}, known)[0]
    assert "turned by 20 to 30 degrees" in face_warnings(FINE | {"pose": 30.0}, known)[0]


def test_a_face_turned_further_than_those_measured_is_said_to_be_unknown(known):
    (text,) = face_warnings(FINE | {"pose": 50.0}, known)
    assert text == FACE_BEYOND_MEASURED["pose"]


def test_what_else_makes_the_detector_unsure_is_not_called_hidden(known):
    for bad in ({"resolution": 12.0}, {"darkness": 0.1}, {"pose": 50.0}, {"cut": 0.5}):
        (text,) = face_warnings(FINE | {"hidden": 0.1} | bad, known)
        assert not text.startswith("Partly hidden")


def test_a_table_from_before_the_detector_was_asked_has_its_other_limits(robustness):
    content = robustness()
    for row in content["conditions"]:
        row["measured"].pop("haar_score", None)
    content["conditions"] = [row for row in content["conditions"] if row["kind"] != "pose"]
    assert {limit.name for limit in limits(content, "haar")} == {
        "resolution",
        "blur",
        "darkness",
        "cut",
    }


def test_several_warnings_and_a_small_face_is_not_called_blurred_too(known):
    bad = FINE | {"resolution": 12.0, "blur": 9.0, "darkness": 0.15, "cut": 0.5, "grey": 1.0}
    texts = face_warnings(bad, known)
    assert [text.split()[0].rstrip(":") for text in texts] == ["Small", "Dark", "Cut"]


def test_what_is_not_known_is_not_warned_about(known):
    assert face_warnings(dict.fromkeys(FINE, np.nan), known) == ()
    assert face_warnings(dict.fromkeys(FINE, 0.0), ()) == ()


def test_the_kinds_are_those_that_are_measured():
    measured = {(condition.kind, condition.name) for condition in conditions()}
    for measure in MEASURES:
        assert measure.kind in {kind for kind, _ in measured} | {"pose"}
        assert measure.only is None or (measure.kind, measure.only) in measured


def test_a_face_is_measured_by_all_kinds(astronaut):
    box, landmarks = np.array([[180, 60, 270, 180]]), np.full((1, 5, 2), np.nan)
    faces = Framing((0.49, 0.4), 1.1).faces(box, np.ones(1), landmarks)
    crop = astronaut[30:230, 130:330]
    measured = measure_face(crop, faces, 0, (512, 512))
    assert list(measured) == [measure.name for measure in MEASURES]
    assert measured["hidden"] == 1 and np.isnan(measured["pose"])
    assert measured["cut"] == 0 and measured["grey"] == 0
    assert 80 < measured["resolution"] < 130 and measured["blur"] < 4 and measured["darkness"] > 0.2
    assert measure_face(crop, faces, 0, (200, 512))["cut"] > 0.5


def test_the_embedded_model_knows_its_limits():
    assert {"blur", "darkness"} <= {limit.name for limit in read_limits(EMBEDDED, "haar")}


@pytest.mark.parametrize("content", [None, "{", "[]", '{"conditions": []}', "other weights"])
def test_without_a_table_of_these_weights_there_are_no_limits(
    content, tiny_checkpoint, tmp_path, robustness
):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (folder / "robustness.json").write_text(json.dumps(robustness(folder)))
    assert read_limits(folder, "haar")
    if content is None:
        (folder / "robustness.json").unlink()
    elif content == "other weights":
        (folder / "robustness.json").write_text(json.dumps(robustness(EMBEDDED)))
    else:
        (folder / "robustness.json").write_text(content)
    assert read_limits(folder, "haar") == ()


def test_only_the_scores_of_the_same_detector_count(robustness):
    assert "hidden" in {limit.name for limit in limits(robustness(), "haar")}
    assert "hidden" not in {limit.name for limit in limits(robustness(), "another")}
