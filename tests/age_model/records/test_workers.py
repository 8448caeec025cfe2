"""Real worker processes."""

import time

import pytest
from PIL import Image

from age_model.records.pictures import Given, Question, chunks
from age_model.records.workers import DIED, Workers, usable_cpus
from tests.support.deadly import DEADLY, DeadlyQuestion
from tests.support.processes import tree


@pytest.fixture
def crops(tmp_path, astronaut) -> list[Given]:
    """Twenty crops, of which the eighth is deadly and the last is not there."""
    names = [f"{i:02}.png" for i in range(19)]
    names[7] = DEADLY
    for i, name in enumerate(names):
        Image.fromarray(astronaut[i * 10 : i * 10 + 90, :80]).save(tmp_path / name)
    return [Given(str(tmp_path / name)) for name in (*names, "missing.png")]


@pytest.mark.slow
def test_records_come_in_order_and_a_deadly_picture_is_an_error(tiny_checkpoint, crops, predictor):
    question = DeadlyQuestion(str(tiny_checkpoint), crops=True)
    with Workers(question, 2) as workers:
        records = [record for some in workers.records(chunks(crops, 6)) for record in some]
    wanted = Question(crops=True).records(predictor, crops)
    assert [record["file"] for record in records] == [picture.name for picture in crops]
    for record, expected in zip(records, wanted, strict=True):
        if record["file"].endswith(DEADLY):
            assert record["error"] == DIED
        elif expected["error"]:
            assert record == expected
        else:
            assert record["faces"][0]["age"] == pytest.approx(expected["faces"][0]["age"], abs=0.11)


@pytest.mark.slow
def test_workers_end_with_their_block(tiny_checkpoint, crops):
    with Workers(Question(str(tiny_checkpoint), crops=True), 2) as workers:
        next(workers.records(chunks(crops * 50, 6)))
        ids = [worker._process.pid for worker in workers._workers]
    deadline = time.monotonic() + 30
    while any(tree(pid) != [pid] for pid in ids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all(worker._process.exitcode is not None for worker in workers._workers)


@pytest.mark.slow
def test_no_such_model_is_said_before_anything_is_examined(tmp_path):
    with pytest.raises(ValueError, match="is not a checkpoint"):
        Workers(Question(str(tmp_path)), 1)


def test_there_is_a_processor(tmp_path, monkeypatch):
    assert usable_cpus() >= 1
    for text, most in (("50000 100000\n", 1), ("max 100000\n", 10**6), ("", 10**6)):
        quota = tmp_path / "cpu.max"
        quota.write_text(text)
        monkeypatch.setattr("age_model.records.workers.CPU_QUOTA", quota)
        assert 1 <= usable_cpus() <= most
