import base64
import csv
import io
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from age_model.records.output import record_writer
from age_model.results import picture_record
from tests.support.factories import face_ages


def _written(form: str, record: dict) -> str:
    stream = io.StringIO()
    record_writer(form, stream)(record)
    return stream.getvalue()


@pytest.mark.parametrize("name", ['=HYPERLINK("http://a.b","x").jpg', "+1.jpg", "-1.jpg", "@a.jpg"])
def test_spreadsheet_takes_no_name_for_a_formula(name):
    record = picture_record(name, error=f"{name} is empty")
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["file"] == f"'{name}" and row["error"] == f"'{name} is empty"
    assert json.loads(_written("json", record))["file"] == name


@pytest.mark.parametrize("separator", [";", "\t", "|", "\n", "; ", ';"'])
def test_reader_that_splits_elsewhere_finds_no_formula_either(separator):
    name = f"a{separator}=1+1.jpg"
    written = _written("csv", picture_record(name, error="is empty"))
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["file"] == f"a{separator}'=1+1.jpg"
    assert f'"a{separator.replace(chr(34), chr(34) * 2)}\'=1+1.jpg"' in written


def test_all_text_is_quoted_and_no_number_is(ages_of_one):
    head, row = _written("csv", picture_record("a.jpg", (90, 60), ages_of_one)).splitlines()
    assert all(name.startswith('"') for name in head.split(","))
    assert row.startswith('"a.jpg",90,60,1,-3')


def test_name_that_is_no_utf8_is_json_and_can_be_mapped_back():
    name = b"caf\xe9.jpg"
    record = json.loads(_written("json", picture_record(os.fsdecode(name), error="is empty")))
    assert record["file"] == "caf\ufffd.jpg" and base64.b64decode(record["file_bytes"]) == name
    assert "file_bytes" not in json.loads(_written("json", picture_record("a.jpg", error="x")))


def test_other_cells_are_as_they_are(ages_of_one):
    record = picture_record("a=b.jpg", (90, 60), ages_of_one)
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["file"] == "a=b.jpg" and row["error"] == ""
    assert float(row["x1"]) == -3, "a number may be negative"


def test_table_says_what_the_page_says_beside_the_ages(ages_of_one):
    warned = replace(ages_of_one, warnings=(("It is small.", "It is dark."),), omitted=2)
    record = picture_record("a.gif", (90, 60), warned, frames=3)
    (row,) = csv.DictReader(io.StringIO(_written("csv", record)))
    assert row["warnings"] == "It is small. It is dark."
    assert row["notes"] == " ".join(record["notes"]) and len(record["notes"]) == 2
    text = _written("text", record)
    assert all(sentence in text for sentence in (*warned.warnings[0], *record["notes"]))


def test_range_in_words_holds_the_whole_interval(ages_of_one):
    """The page rounds outwards too: the same face has the same range on both."""
    ages = replace(ages_of_one, interval_years=np.array([[25.6, 36.2]]))
    assert "80% between 25 and 37" in _written("text", picture_record("a.jpg", (90, 60), ages))


@pytest.fixture
def ages_of_one():
    """FaceAges of a face that reaches over the picture's left side."""
    return face_ages([35.0], box_xyxy=[(-3, 5, 40, 50)])
