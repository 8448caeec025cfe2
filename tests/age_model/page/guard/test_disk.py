"""Room for uploads on the disk."""

from types import SimpleNamespace

import pytest

from age_model.page.guard import disk
from age_model.page.guard.disk import Reservation, Room


@pytest.fixture
def free(monkeypatch) -> SimpleNamespace:
    """The free bytes of the disk beside KEEP_FREE, to be set."""
    left = SimpleNamespace(bytes=1000)
    monkeypatch.setattr(
        disk.shutil,
        "disk_usage",
        lambda folder: SimpleNamespace(free=disk.KEEP_FREE + left.bytes),
    )
    return left


def test_uploads_that_begin_together_share_the_room(free):
    room = Room(lambda: "/no/such/folder")
    uploads = [Reservation(room) for _ in range(12)]
    assert sum(upload.begin(300) for upload in uploads) == 3


def test_what_is_written_is_no_longer_reserved(free):
    room = Room(lambda: "/")
    first, second = Reservation(room), Reservation(room)
    assert first.begin(600) and not second.begin(500)
    assert first.written(300)
    free.bytes -= 300  # it is on the disk now
    assert not second.begin(500) and second.begin(400)
    first.end()
    second.end()
    assert Reservation(room).begin(700)


def test_upload_that_does_not_say_its_length_reserves_as_it_comes(free, monkeypatch):
    monkeypatch.setattr(disk, "STEP", 400)
    room = Room(lambda: "/")
    upload = Reservation(room)
    assert upload.begin(None) and upload.written(300) and upload.written(100)
    free.bytes -= 400
    assert upload.written(400)
    free.bytes -= 400
    assert not upload.written(1), "200 are left"
    upload.end()
    assert Reservation(room).begin(200)
