import io
import struct
import tracemalloc
import zipfile

import pytest

from age_model.images import archive
from age_model.images.archive import PictureArchive
from age_model.images.load import MAX_BYTES, ImageError

MEGABYTE = 2**20
LINK = 0o120777 << 16


def _zip(*files, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name or ZipInfo, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in files:
            made.writestr(name, content)
    return buffer.getvalue()


def _bomb(megabytes: int, *names: str) -> bytes:
    """A zip of files that each unpack to so much of nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name in names:
            with made.open(name, "w") as stream:
                for _ in range(megabytes):
                    stream.write(bytes(MEGABYTE))
    return buffer.getvalue()


def _directory(data: bytes, offset: int, form: str, value: int) -> bytes:
    """The zip, its list of files saying something else of the first one."""
    changed = bytearray(data)
    struct.pack_into(form, changed, data.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def _told(data: bytes) -> dict:
    """What a zip gives: for each name its bytes, or the words of its error."""
    told = {}
    for file in PictureArchive(io.BytesIO(data)).files():
        try:
            told[file.name] = file.error or file.read()
        except ImageError as error:
            told[file.name] = str(error)
    return told


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_come_in_their_order(method):
    files = [("b.jpg", b"second" * 40_000), ("deep/er/a.PNG", b"first")]
    assert list(_told(_zip(*files, method=method)).items()) == [
        ("b.jpg", b"second" * 40_000),
        ("a.PNG", b"first"),
    ]


def test_what_systems_hide_is_not_told():
    data = _zip(
        ("__MACOSX/._a.jpg", b"x"), ("a/__MACOSX/b.jpg", b"x"), (".DS_Store", b"x"), ("a/", b""),
        (".hidden/seen.jpg", b"x"), ("..", b"x"),
    )  # fmt: skip
    assert _told(data) == {"seen.jpg": b"x"}


@pytest.mark.parametrize(
    "name", ["/etc/x.jpg", "../../x.jpg", "C:\\me\\x.jpg", "..\\x.jpg", "a/../x.jpg"]
)
def test_names_are_no_paths(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _told(_zip((name, b"here"))) == {"x.jpg": b"here"}
    assert list(tmp_path.iterdir()) == []


def test_signs_that_cannot_be_printed_are_replaced():
    (name,) = _told(_zip(("gpj.\u202eevil\n.jpg", b"x")))
    assert name == "gpj.\ufffdevil .jpg"
    (name,) = _told(_zip(("n" * 5000 + ".jpg", b"x")))
    assert len(name) == 120


def test_others_are_listed_with_the_reason_and_not_read():
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = LINK
    told = _told(_zip((link, b"/etc/passwd"), ("in.zip", _zip(("a.jpg", b"x"))), ("a.txt", b"x")))
    assert "link" in told["link.jpg"]
    assert "zip in a zip" in told["in.zip"]
    assert "not named like a picture" in told["a.txt"]


def test_encrypted_file_is_listed():
    assert "encrypted" in _told(_directory(_zip(("a.jpg", b"x")), 8, "<H", 1))["a.jpg"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bounds_are_not_used(method):
    assert "rare way" in _told(_zip(("a.jpg", b"x"), method=method))["a.jpg"]


def test_file_that_says_it_is_too_large_is_not_read():
    said = _directory(_zip(("a.jpg", b"x")), 24, "<I", MAX_BYTES + 1)
    assert "too large" in _told(said)["a.jpg"]


@pytest.mark.parametrize("size", [1, 5 * MEGABYTE])
def test_file_that_lies_about_its_size_is_no_danger(size):
    told = _told(_directory(_bomb(8, "a.jpg"), 24, "<I", size))
    assert told == {"a.jpg": "is damaged or cut short in the zip: pack it again"}


def test_bomb_is_stopped_after_what_its_size_allows(monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 10 * MEGABYTE)
    data = _bomb(8, "1.jpg", "2.jpg", "3.jpg")
    assert len(data) * 900 < 24 * MEGABYTE, "no bomb"
    tracemalloc.start()
    files = PictureArchive(io.BytesIO(data)).files()
    assert len(next(files).read()) == 8 * MEGABYTE
    for file in files:
        with pytest.raises(ImageError, match="may unpack to at most 10 MB"):
            file.read()
    assert tracemalloc.get_traced_memory()[1] < 30 * MEGABYTE
    tracemalloc.stop()


def test_sound_zip_may_unpack_to_more_than_one_picture(monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    files = [(f"{i}.jpg", bytes(range(256)) * 4) for i in range(9)]
    assert set(map(len, _told(_zip(*files)).values())) == {1024}


def test_one_damaged_file_does_not_spoil_the_next():
    data = bytearray(_zip(("a.jpg", b"first" * 9), ("b.jpg", b"second"), method=zipfile.ZIP_STORED))
    data[data.index(b"firstfirst")] ^= 1
    told = _told(bytes(data))
    assert "damaged" in told["a.jpg"] and told["b.jpg"] == b"second"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all", _zip(("a.jpg", b"x"))[:-5]])
def test_no_zip_is_said_in_words(data):
    with pytest.raises(ImageError, match="not a zip file that can be read"):
        PictureArchive(io.BytesIO(data))


def test_list_of_files_without_end_is_not_taken_in():
    data = _zip(*((f"{i}-{'n' * 60_000}.jpg", b"") for i in range(20)))
    with pytest.raises(ImageError, match="too many files"):
        PictureArchive(io.BytesIO(data))
