from dataclasses import replace

from age_model.labels import parse_groups
from age_model.records.columns import Answers, columns, rows
from age_model.results import FaceAges, picture_record
from tests.support.factories import face_ages


def test_every_column_of_a_row_is_among_the_columns():
    ages = face_ages([35.0, 8.0])
    record = picture_record("a.jpg", (90, 60), ages, ethnicity=True, at_least=(18,))
    answers = Answers(attributes=("gender", "ethnicity"), at_least=(18,))
    for row in rows(record):
        assert set(row) == set(columns(answers))
        for name, kind in columns(answers).items():
            assert row[name] is None or isinstance(row[name], kind | int), name


def test_columns_are_those_of_the_model():
    groups = parse_groups("0-17,18+")
    no_groups = FaceAges.none_found(groups, ())
    names = columns(Answers(tuple(g.name for g in no_groups.groups), attributes=()))
    assert "p(0-17)" in names and "p(18+)" in names and "p(20-29)" not in names
    assert "gender" not in names


def test_picture_without_a_face_has_a_row_without_one():
    (row,) = rows(picture_record("a.jpg", error="is empty"))
    assert row["file"] == "a.jpg" and row["error"] == "is empty" and "face" not in row
    (row,) = rows(picture_record("a.jpg", (9, 9), replace(FaceAges.empty(), rejected=1)))
    assert row["error"] is None and row["notes"] and "age" not in row
