"""What a killed run leaves is gone on with: no record is lost, and none is there twice."""

import csv
import io
import json
import os
import random

import pytest

from age_model.records.columns import Answers
from age_model.records.destination import destination
from age_model.records.parquet import written_names
from age_model.records.pictures import Record
from age_model.records.resume import Done, done_in, is_done
from age_model.results import picture_record
from tests.support.factories import face_ages

# A name over two lines, one that a spreadsheet would take for a formula, one that is no UTF-8.
NAMES = ["a.jpg", "two\nlines.jpg", "=1+1.jpg", os.fsdecode(b"caf\xe9.jpg"), 'b",.jpg', "last.jpg"]


def records() -> list[Record]:
    faces = [face_ages([20.0 + i for i in range(n)]) for n in (0, 1, 2, 3, 1, 2)]
    return [picture_record(name, (9, 9), found) for name, found in zip(NAMES, faces, strict=True)]


def write(form: str, out: str, some: list[Record], resume: bool = True) -> None:
    with destination(form, out, resume, Answers()) as write_all:
        write_all(some)


def faces_by_name(form: str, text: bytes) -> dict[str, int]:
    """How many faces each picture has in an output; fails where a picture is there twice."""
    if form == "json":
        found = [json.loads(line) for line in text.splitlines()]
        assert len({json.dumps(r["file"]) for r in found}) == len(found)
        return {r["file"]: len(r["faces"]) for r in found}
    counts: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(text.decode("utf-8", "replace"), newline="")):
        faces = counts.get(row["file"], 0)
        assert row["face"] == (str(faces + 1) if row["face"] else "")
        counts[row["file"]] = faces + bool(row["face"])
    return counts


@pytest.mark.parametrize("form", ["json", "csv"])
def test_output_that_was_cut_anywhere_is_gone_on_with(form, tmp_path):
    whole = tmp_path / "whole"
    write(form, str(whole), records())
    wanted = faces_by_name(form, whole.read_bytes())
    assert len(wanted) == len(NAMES)
    size = whole.stat().st_size
    places = {0, 1, size - 1, size, *random.Random(0).sample(range(size), 60)}
    for place in sorted(places):
        cut = tmp_path / "cut"
        cut.write_bytes(whole.read_bytes()[:place])
        done = done_in(form, str(cut))
        left = [r for r in records() if not is_done(form, done, r["file"])]
        assert len(left) + len(done) == len(NAMES)
        write(form, str(cut), left)
        assert faces_by_name(form, cut.read_bytes()) == wanted, place
        cut.unlink()


def test_little_is_done_twice(tmp_path):
    for form, again in (("json", 0), ("csv", 1)):  # of a CSV the last picture
        out = str(tmp_path / form)
        write(form, out, records())
        assert len(done_in(form, out)) == len(NAMES) - again


@pytest.mark.parametrize("form", ["json", "csv"])
def test_other_files_are_left_alone(form, tmp_path):
    other = tmp_path / "notes.txt"
    for text in ("no record\nof ours\n", "one line"):
        other.write_text(text)
        with pytest.raises(ValueError, match="what this command wrote"):
            done_in(form, str(other))
        assert other.read_text() == text


def test_broken_line_in_the_middle_is_an_error(tmp_path):
    out = tmp_path / "ages.jsonl"
    write("json", str(out), records()[:1])
    out.write_bytes(out.read_bytes() + b'{"file": \n' + out.read_bytes())
    with pytest.raises(ValueError, match="another line at byte"):
        done_in("json", str(out))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_other_columns_are_refused(form, tmp_path):
    out = str(tmp_path / "out")
    write(form, out, records())
    with (
        pytest.raises(ValueError, match="has others"),
        destination(form, out, True, Answers(at_least=(18,))),
    ):
        pass


def test_parquet_goes_on_in_further_files(tmp_path, monkeypatch):
    monkeypatch.setattr("age_model.records.parquet.PART_PICTURES", 2)
    out = tmp_path / "ages"
    write("parquet", str(out), records()[:2])
    (out / ".part-000002.parquet.99.partial").write_text("left by a kill")
    write("parquet", str(out), records()[2:])
    assert sorted(p.name for p in out.iterdir()) == [
        "part-000001.parquet", "part-000002.parquet"
    ]  # fmt: skip
    assert set(written_names(str(out))) == set(NAMES)


def test_parquet_that_broke_off_is_deleted_and_done_again(tmp_path):
    out = tmp_path / "ages"
    write("parquet", str(out), records()[:2])
    part = out / "part-000001.parquet"
    (out / "other.parquet").write_bytes(part.read_bytes()[:-9])
    assert set(written_names(str(out))) == set(NAMES[:2])
    assert [p.name for p in out.iterdir()] == [part.name]


def test_parquet_keeps_what_is_there_at_an_interruption_only(tmp_path):
    for error, kept in ((KeyboardInterrupt, 1), (RuntimeError, 0)):
        out = tmp_path / error.__name__
        with pytest.raises(error), destination("parquet", str(out), False, Answers()) as write_all:
            write_all(records())
            raise error
        assert len(list(out.iterdir())) == kept


def test_done_knows_its_names():
    done = Done(f"{i}.jpg" for i in range(1000))
    assert len(done) == 1000 and "7.jpg" in done and "1000.jpg" not in done
    assert "7.jpg" not in Done()
