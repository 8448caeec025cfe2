"""What there is to examine, and reading it, without a cluster."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install '.[cluster]'")

from age_model.cluster import examiner, sources
from age_model.records.pictures import Given, chunks
from age_model.records.resume import Done


@pytest.fixture
def bucket(tmp_path) -> str:
    """The address of a folder with three pictures, one of them empty, and a text."""
    (tmp_path / "below").mkdir()
    for name, content in (("a.jpg", b"a"), ("below/b.PNG", b"b"), ("c.jpg", b""), ("d.txt", b"d")):
        (tmp_path / name).write_bytes(content)
    return f"file://{tmp_path}"


def test_bucket_is_listed_with_its_folders(bucket):
    found = dict(sources._in_bucket(bucket))
    wanted = {f"{bucket}/a.jpg", f"{bucket}/below/b.PNG", f"{bucket}/c.jpg"}
    assert set(found) == wanted and not any(found.values())


def test_files_of_a_bucket_are_read_in_order_and_bad_ones_say_why(bucket):
    names = [f"{bucket}/{name}" for name in ("a.jpg", "c.jpg", "none.jpg", "below/b.PNG")]
    given = [*map(Given, names), Given("/on/a/disk.jpg"), Given("x", problem="is bad")]
    read = [one for some in examiner._read_ahead(chunks(given, 4)) for one in some]
    assert [one.name for one in read] == [one.name for one in given]
    assert [one.data for one in read] == [b"a", None, None, b"b", None, None]
    problems = [one.problem or "" for one in read]
    assert "is empty" in problems[1] and "no such file" in problems[2]
    assert problems[3:] == ["", "", "is bad"]


def test_pictures_that_are_done_are_left_out():
    block = pa.table([[b"a", b"caf\xe9"], [None, None], [None, b"x"]], schema=sources.BLOCK)
    (left,) = sources.pictures(block, Done(["a"]))
    assert left.name == "caf\udce9" and left.data == b"x"


def test_parquet_is_known_by_its_name(tmp_path, bucket):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    assert sources.is_parquet(str(tmp_path / "x.parquet")) and sources.is_parquet(str(tmp_path))
    assert not sources.is_parquet(str(tmp_path / "below")) and not sources.is_parquet("none")
