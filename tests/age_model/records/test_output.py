import csv
import io
import json

import pytest

from age_model.records.output import record_writer
from age_model.results import PhotoAges, picture_record


def _written(form: str, record: dict) -> str:
    stream = io.StringIO()
    record_writer(form, stream, ethnicity=False)(record)
    return stream.getvalue()


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://a.b","x").jpg', "+1.jpg", "-1.jpg", "@a.jpg", "\t=1"]
)
def test_spreadsheet_takes_no_name_for_a_formula(name):
    record = picture_record(name, error=f"{name} is empty")
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["file"] == f"'{name}" and row["error"] == f"'{name} is empty"
    assert json.loads(_written("json", record))["file"] == name


def test_other_cells_are_as_they_are(ages_of_one):
    record = picture_record("a=b.jpg", (90, 60), ages_of_one)
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["file"] == "a=b.jpg" and row["error"] == ""
    assert float(row["x1"]) == -3, "a number may be negative"


def test_table_says_what_the_page_says_beside_the_ages(ages_of_one):
    warned = PhotoAges(**vars(ages_of_one), warnings=(("It is small.", "It is dark."),), left_out=2)
    record = picture_record("a.gif", (90, 60), warned, frames=3)
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["warnings"] == "It is small. It is dark."
    assert row["notes"] == " ".join(record["notes"]) and len(record["notes"]) == 2
    text = _written("text", record)
    assert all(sentence in text for sentence in (*warned.warnings[0], *record["notes"]))


@pytest.fixture
def ages_of_one():
    """FaceAges of a face that reaches over the picture's left side."""
    import numpy as np

    from age_model.network.decode import decode
    from age_model.results import FaceAges

    ages = decode(np.zeros((1, 101)))
    return FaceAges(
        box_xyxy=np.array([[-3, 5, 40, 50]], np.float32),
        score=np.array([0.9], np.float32),
        age_years=ages.years,
        interval_years=ages.interval_years,
        age_probabilities=ages.probabilities,
        group_probabilities=ages.group_probabilities,
        gender_probabilities=np.array([[0.5, 0.5]]),
        ethnicity_probabilities=np.full((1, 5), 0.2),
    )
