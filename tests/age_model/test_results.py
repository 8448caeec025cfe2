import dataclasses
import json

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, NUM_AGES, parse_groups
from age_model.results import FaceAges, Faces, picture_record
from tests.support.factories import face_ages


def two_faces() -> FaceAges:
    groups = np.zeros((2, 9))
    groups[0, 3] = groups[1, 8] = 1
    return FaceAges(
        box_xyxy=np.array([[1, 2, 30.06, 40], [5, 5, 9, 9]], np.float32),
        score=np.array([0.9, np.nan], np.float32),
        age_years=np.array([27.44, 80.0]),
        interval_years=np.array([[20, 36.04], [70, 90]]),
        age_probabilities=np.full((2, NUM_AGES), 1 / NUM_AGES),
        group_probabilities=groups,
        gender_probabilities=np.array([[0.2, 0.8], [0.6, 0.4]]),
        ethnicity_probabilities=np.array([[0.1, 0.6, 0.1, 0.1, 0.1]] * 2),
    )


def test_a_face_as_json():
    young, old = two_faces().to_dicts()
    assert list(young) == [
        "box", "score", "age", "interval", "group", "group_probabilities", "gender",
        "gender_probability", "warnings",
    ]  # fmt: skip
    assert young["warnings"] == []
    assert young["box"] == [1.0, 2.0, 30.1, 40.0]
    assert (young["score"], old["score"]) == (0.9, None)
    assert (young["age"], young["interval"], young["group"]) == (27.4, [20.0, 36.0], "20-29")
    assert list(young["group_probabilities"]) == list(AGE_GROUP_NAMES)
    assert (young["gender"], young["gender_probability"]) == ("female", 0.8)
    assert (old["gender"], old["group"]) == ("male", "70+")


def other_model() -> FaceAges:
    """Of two faces, by a model with age groups of its own that was taught no gender."""
    return dataclasses.replace(
        two_faces(),
        groups=parse_groups("0-17,18+"),
        group_probabilities=np.array([[0.3, 0.7], [0.9, 0.1]]),
        gender_probabilities=None,
    )


def test_a_model_answers_in_its_own_groups_and_only_what_it_was_taught():
    young, _ = other_model().to_dicts(ethnicity=True)
    assert young["group_probabilities"] == {"0-17": 0.3, "18+": 0.7} and young["group"] == "18+"
    assert "gender" not in young and "gender_probability" not in young
    assert young["ethnicity"] == "Black"
    assert other_model().attributes == ("ethnicity",)
    assert two_faces().attributes == ("gender", "ethnicity")


def test_rows_of_such_a_model_are_selected_and_joined():
    ages = other_model()
    none = FaceAges.none_found(ages.groups, ages.attributes)
    joined = FaceAges.concatenate([none, ages[1:], ages[:1]])
    assert joined.groups == ages.groups and joined.gender_probabilities is None
    assert joined.group_probabilities.tolist() == [[0.9, 0.1], [0.3, 0.7]]
    assert len(none) == 0 and none.group_probabilities.shape == (0, 2)
    assert FaceAges.concatenate([none]).groups == ages.groups
    with pytest.raises(ValueError, match="the results of one model"):
        FaceAges.concatenate([ages, two_faces()])
    with pytest.raises(ValueError, match=r"group_probabilities: expected shape \(2, 9\)"):
        dataclasses.replace(two_faces(), group_probabilities=np.zeros((2, 2)))


def test_ethnicity_only_when_asked_for():
    assert "ethnicity" not in two_faces().to_dicts()[0]
    assert two_faces().to_dicts(ethnicity=True)[0]["ethnicity"] == "Black"


def test_thresholds_only_when_asked_for_and_each_faces_own():
    ages = two_faces()
    ages.age_probabilities[0] = np.eye(NUM_AGES)[18]
    assert "probability_at_least" not in ages.to_dicts()[0]
    young, old = ages.to_dicts(at_least=(18, 19))
    assert young["probability_at_least"] == {"18": 1.0, "19": 0.0}
    assert old["probability_at_least"] == {"18": round(83 / 101, 4), "19": round(82 / 101, 4)}
    assert FaceAges.empty().to_dicts(at_least=(18,)) == []


def test_picture_record_is_strict_json():
    record = picture_record("a.jpg", (640, 480), two_faces(), at_least=(13, 25))
    assert list(record["faces"][0]["probability_at_least"]) == ["13", "25"]
    assert list(record) == ["file", "width", "height", "faces", "notes", "error"]
    assert (record["width"], record["height"], len(record["faces"])) == (640, 480, 2)
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_record_of_an_error_has_no_faces():
    record = picture_record("a.jpg", error="is empty")
    assert record == {
        "file": "a.jpg", "width": None, "height": None, "faces": [], "notes": [],
        "error": "is empty",
    }  # fmt: skip


def test_record_says_that_only_the_first_picture_of_a_file_was_examined():
    assert picture_record("a.jpg", (9, 7), two_faces())["notes"] == []
    (note,) = picture_record("a.gif", (9, 7), two_faces(), frames=12)["notes"]
    assert "more than one picture" in note and "only the first" in note


def test_record_has_the_warnings_of_each_face():
    photo = dataclasses.replace(two_faces(), warnings=((), ("Dark.", "Small.")))
    record = picture_record("crowd.jpg", (9, 7), photo)
    assert [face["warnings"] for face in record["faces"]] == [[], ["Dark.", "Small."]]


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ({"omitted": 3}, "5 faces were found; only the 2 largest were examined."),
        ({"rejected": 1}, "One region looks like a face"),
        ({"rejected": 4}, "4 regions look like faces"),
    ],
)
def test_record_says_what_was_not_examined(counts, note):
    photo = dataclasses.replace(two_faces(), **counts)
    (found,) = picture_record("crowd.jpg", (9, 7), photo)["notes"]
    assert found.startswith(note)


def three_faces() -> FaceAges:
    warnings = (("Dark.",), (), ("Small.",))
    return face_ages([20.0, 40.0, 60.0], warnings=warnings, omitted=2, rejected=1)


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (1, [1]),
        (-1, [2]),
        (slice(1, None), [1, 2]),
        (np.array([True, False, True]), [0, 2]),
        (np.array([2, 0]), [2, 0]),
        ([], []),
    ],
)
def test_index_selects_rows_of_every_field_and_keeps_the_counts(index, rows):
    ages = three_faces()
    chosen = ages[index]
    assert chosen.age_years.tolist() == ages.age_years[rows].tolist()
    assert np.array_equal(chosen.box_xyxy, ages.box_xyxy[rows])
    assert np.array_equal(chosen.age_probabilities, ages.age_probabilities[rows])
    assert chosen.warnings == tuple(ages.warnings[row] for row in rows)
    assert (chosen.omitted, chosen.rejected) == (2, 1)


def test_row_that_is_not_there_is_an_error():
    with pytest.raises(IndexError):
        three_faces()[3]
    with pytest.raises(IndexError):
        three_faces()[np.array([True, False])]


def test_iteration_gives_results_of_one_face():
    assert [float(face.age_years[0]) for face in three_faces()] == [20.0, 40.0, 60.0]


def test_concatenate_is_the_reverse_of_selecting():
    ages = three_faces()
    joined = FaceAges.concatenate([ages[:1], FaceAges.empty(), ages[1:]])
    for field in dataclasses.fields(ages):
        if field.name not in ("omitted", "rejected"):
            assert np.array_equal(getattr(joined, field.name), getattr(ages, field.name)) or (
                field.name == "warnings" and joined.warnings == ages.warnings
            )
    assert (joined.omitted, joined.rejected) == (4, 2)
    assert joined.box_xyxy.dtype == np.float32


def test_empty_results():
    assert len(Faces.empty()) == len(FaceAges.empty()) == len(FaceAges.concatenate([])) == 0
    assert Faces.empty().landmarks_xy.shape == (0, 5, 2)
    assert FaceAges.empty().to_dicts() == []


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        two_faces().score = None


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"Faces.score: expected shape \(1,\), got \(2,\)"):
        Faces(np.zeros((1, 4)), np.zeros(2), np.zeros((1, 5, 2)), np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="warnings: expected 2 tuples, got 1"):
        dataclasses.replace(two_faces(), warnings=(("Dark.",),))
